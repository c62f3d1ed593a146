/* show.c - what a person may ask: trunks, registrations, the ladder of a call; and the file for Wireshark. Asked on
 * control, answered from the SIP thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "door.h"
#include "show.h"
#include "trunk.h"
#include "voicegw/json_writer.h"

#define LIST_CAP (256u * 1024u)
#define PCAP_DELAY_MS 1000u

static void reply(struct sip *sip, uint64_t request, uint32_t status, const char *json)
{
    const struct voicegw_reply r = {.size = sizeof r,
                                    .http_status = status,
                                    .content_type = status == 200 ? "application/json" : "application/problem+json",
                                    .body = json,
                                    .body_bytes = strlen(json)};
    (void)sip->route->reply(sip->host, request, &r);
}

static void not_found(struct sip *sip, uint64_t request)
{
    reply(sip, request, 404,
          "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"no such call is kept; "
          "trace_calls says how many "
          "are\"}");
}

static void send_list(struct sip *sip, uint64_t request, struct voicegw_json_writer *w, char *json)
{
    reply(sip, request, 200, voicegw_json_finish(w) >= 0 ? json : "{\"count\":0}");
    free(json);
}

/* ---- [sip] ---- */

static void show_trunks(struct sip_task *t)
{
    char *json = malloc(LIST_CAP);
    int64_t now = t->sip->host->now_us(t->sip->host);
    static const char *const transports[] = {"udp", "tcp", "tls"};
    if (!json)
        return;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, LIST_CAP);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_array(&w, "trunks");
    for (const struct trunk *k = ua_trunks(t->sip); k; k = k->next) {
        voicegw_json_put_object(&w, NULL);
        voicegw_json_put_string(&w, "name", k->set->name);
        voicegw_json_put_string(&w, "host", k->set->host);
        voicegw_json_put_int(&w, "port", k->set->port);
        voicegw_json_put_string(&w, "transport", transports[k->set->transport]);
        voicegw_json_put_string(&w, "state", trunk_state_name(k));
        voicegw_json_put_string(&w, "reason", k->why);
        voicegw_json_put_int(&w, "calls", k->calls);
        voicegw_json_put_bool(&w, "registered", k->registered != 0);
        voicegw_json_put_int(&w, "expires",
                             k->registered && k->registered_until_us > now ? (k->registered_until_us - now) / 1000000
                                                                           : 0);
        voicegw_json_put_end(&w);
    }
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    send_list(t->sip, t->op, &w, json);
}

static void show_registrations(struct sip_task *t)
{
    char *json = malloc(LIST_CAP);
    int64_t now = t->sip->host->now_us(t->sip->host);
    if (!json)
        return;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, LIST_CAP);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_array(&w, "registrations");
    for (const struct registrar_contact *c = ua_door(t->sip)->registrar.first; c; c = c->next) {
        if (c->until_us <= now)
            continue;
        voicegw_json_put_object(&w, NULL);
        voicegw_json_put_string(&w, "user", c->user);
        voicegw_json_put_string(&w, "contact", c->contact);
        voicegw_json_put_string(&w, "reached_at", c->target);
        voicegw_json_put_string(&w, "user_agent", c->agent);
        voicegw_json_put_int(&w, "expires", (c->until_us - now) / 1000000);
        voicegw_json_put_end(&w);
    }
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    send_list(t->sip, t->op, &w, json);
}

static void show_trace(struct sip_task *t)
{
    char *json = t->text ? trace_json(ua_trace(t->sip), t->text) : NULL;
    if (json)
        reply(t->sip, t->op, 200, json);
    else
        not_found(t->sip, t->op);
    free(json);
}

/* ---- [control] ---- */

static void ask(void *instance, const struct voicegw_request *r, void (*run)(struct sip_task *))
{
    struct sip *sip = instance;
    if (!sip->loop || sip_to_loop(sip, NULL, r->id, 0, r->rest, run) != VOICEGW_OK)
        reply(sip, r->id, 503, "{\"title\":\"Service Unavailable\",\"status\":503}");
}

static void on_trunks(void *instance, const struct voicegw_request *r)
{
    ask(instance, r, show_trunks);
}

static void on_registrations(void *instance, const struct voicegw_request *r)
{
    ask(instance, r, show_registrations);
}

static void on_trace(void *instance, const struct voicegw_request *r)
{
    ask(instance, r, show_trace);
}

int32_t show_routes(struct sip *sip)
{
    int32_t rc = VOICEGW_OK;
    if (!sip->route)
        return rc;
    rc = sip->route->add_http(sip->host, "GET", "trunks", 0, on_trunks);
    if (rc == VOICEGW_OK)
        rc = sip->route->add_http(sip->host, "GET", "registrations", 0, on_registrations);
    return rc == VOICEGW_OK ? sip->route->add_http(sip->host, "GET", "trace/*", VOICEGW_ROUTE_ADMIN, on_trace) : rc;
}

/* ---- the file ---- */

struct capture {
    struct sip *sip;
    struct re_timer *timer;
    uint8_t *bytes;
    size_t count;
    char path[512];
    int error;
    atomic_uint writing;
};

/* [pool] Beside the old file first, so that a reader never sees half of one. */
static void write_file(void *arg)
{
    struct capture *c = arg;
    char temporary[sizeof c->path + 8];
    size_t at = 0;
    (void)snprintf(temporary, sizeof temporary, "%s.new", c->path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    c->error = fd < 0 ? errno : 0;
    while (!c->error && at < c->count) {
        ssize_t n = write(fd, c->bytes + at, c->count - at);
        if (n < 0 && errno != EINTR)
            c->error = errno;
        at += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0 && close(fd) < 0 && !c->error)
        c->error = errno;
    if (!c->error && rename(temporary, c->path) < 0)
        c->error = errno;
}

/* [control] */
static void on_written(void *arg)
{
    struct capture *c = arg;
    if (c->error)
        sip_log(c->sip, VOICEGW_LOG_WARNING, "the pcap file cannot be written", "error", strerror(c->error));
    free(c->bytes);
    c->bytes = NULL;
    atomic_store(&c->writing, 0);
}

/* [sip] */
static void on_time(void *arg)
{
    struct capture *c = arg;
    const struct sip_settings *s = ua_settings(c->sip);
    unsigned idle = 0;
    if (!atomic_compare_exchange_strong(&c->writing, &idle, 1)) {
        re_timer_start(c->timer, PCAP_DELAY_MS);
        return;
    }
    (void)snprintf(c->path, sizeof c->path, "%s", s->pcap_path);
    c->bytes = trace_pcap(ua_trace(c->sip), s->pcap_calls, &c->count);
    if (!c->bytes || c->sip->host->job(c->sip->host, VOICEGW_LANE_IO, 0, VOICEGW_TARGET_CONTROL, write_file, on_written,
                                       c) != VOICEGW_OK) {
        free(c->bytes);
        c->bytes = NULL;
        atomic_store(&c->writing, 0);
    }
}

struct capture *capture_new(struct sip *sip)
{
    struct capture *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->sip = sip;
    atomic_init(&c->writing, 0);
    c->timer = re_timer_new(on_time, c);
    return c;
}

void capture_touch(struct capture *c)
{
    if (c && ua_settings(c->sip)->pcap_calls > 0 && !re_timer_runs(c->timer))
        re_timer_start(c->timer, PCAP_DELAY_MS);
}

void capture_stop(struct capture *c)
{
    if (c) {
        re_timer_free(c->timer);
        c->timer = NULL;
    }
}

void capture_free(struct capture *c)
{
    if (c)
        free(c->bytes);
    free(c);
}
