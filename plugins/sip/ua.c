/* ua.c - what all calls of an instance share on the SIP thread: listeners, who is let in, how many. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "door.h"
#include "line.h"
#include "show.h"
#include "trunk.h"

struct ua {
    struct sip *sip;
    struct re_agent *agent;
    struct sip_settings *settings;
    struct sdp *sdp;
    struct line *lines;
    uint32_t line_count;
    struct trunk *trunks;
    struct door *door;
    struct trace *trace;
    struct sip_bucket bucket; /* of max_cps */
};

struct re_agent *ua_agent(struct sip *sip)
{
    return sip->ua->agent;
}

struct sip_settings *ua_settings(struct sip *sip)
{
    return sip->ua->settings;
}

struct sdp *ua_sdp(struct sip *sip)
{
    return sip->ua->sdp;
}

struct trunk *ua_trunks(struct sip *sip)
{
    return sip->ua->trunks;
}

const char *ua_contact(struct sip *sip, const char *user)
{
    const struct registrar_contact *c = registrar_find(&sip->ua->door->registrar, user, sip->host->now_us(sip->host));
    return c ? c->target : NULL;
}

static void count_call(struct line *line, int by)
{
    struct trunk *t = *line->call->trunk ? trunks_find(line->call->sip->ua->trunks, line->call->trunk) : NULL;
    if (t && (by > 0 || t->calls > 0))
        t->calls += (uint32_t)by;
}

void ua_line_added(struct line *line)
{
    struct ua *ua = line->call->sip->ua;
    line->at = &ua->lines;
    line->next = ua->lines;
    if (line->next)
        line->next->at = &line->next;
    ua->lines = line;
    ua->line_count++;
    count_call(line, 1);
}

void ua_line_removed(struct line *line)
{
    *line->at = line->next;
    if (line->next)
        line->next->at = line->at;
    line->call->sip->ua->line_count--;
    count_call(line, -1);
}

/* ---- who is let in ---- */

static void refuse_overload(struct ua *ua, const struct re_message *message, const char *what)
{
    ua->sip->host->count(ua->sip->host, what, 1);
    re_agent_reply(ua->agent, message, 503, NULL, "Retry-After: 10\r\n");
}

static void on_invite(struct ua *ua, const struct re_message *message, const struct re_summary *s)
{
    const struct sip_settings *set = ua->settings;
    struct door_guest guest;
    if (atomic_load(&ua->sip->draining) || (set->max_calls && ua->line_count >= set->max_calls)) {
        refuse_overload(ua, message, "calls_refused");
        return;
    }
    if (!door_check(ua->sip, ua->door, message, s, &guest))
        return;
    struct trunk *t = *guest.trunk ? trunks_find(ua->trunks, guest.trunk) : NULL;
    int64_t now_us = ua->sip->host->now_us(ua->sip->host);
    if (!sip_bucket_take(&ua->bucket, now_us) ||
        (t && ((t->set->max_calls && t->calls >= t->set->max_calls) || !sip_bucket_take(&t->bucket, now_us)))) {
        refuse_overload(ua, message, "calls_refused");
        return;
    }
    if (!line_replaced(ua->sip, message, s))
        line_incoming(ua->sip, message, s, guest.trunk, guest.user);
}

static void on_request(void *arg, const struct re_message *message, const struct re_summary *s)
{
    struct ua *ua = arg;
    if (strcmp(s->method, "INVITE") == 0)
        on_invite(ua, message, s);
    else if (strcmp(s->method, "REGISTER") == 0)
        door_register(ua->sip, ua->door, message, s);
    else
        re_agent_reply(ua->agent, message, 405, NULL,
                       "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY, UPDATE, PRACK\r\n");
}

static void on_agent_closed(void *arg)
{
    struct ua *ua = arg;
    ua->agent = NULL;
    atomic_store(&ua->sip->draining, 3);
    ua->sip->host->drained(ua->sip->host);
}

static const struct re_agent_events agent_events = {.on_request = on_request, .on_closed = on_agent_closed};

static void on_garbage(void *arg, const char *remote, const char *what)
{
    struct ua *ua = arg;
    (void)remote;
    (void)what;
    ua->sip->host->count(ua->sip->host, "messages_refused", 1);
}

static void on_trace(void *arg, const struct re_trace *t)
{
    struct ua *ua = arg;
    if (trace_add(ua->trace, t->sent, t->transport, t->local, t->remote, t->data, t->bytes,
                  ua->sip->host->wall_us(ua->sip->host)))
        capture_touch(ua->sip->capture);
}

struct trace *ua_trace(struct sip *sip)
{
    return sip->ua->trace;
}

struct door *ua_door(struct sip *sip)
{
    return sip->ua->door;
}

static uint32_t traced(const struct sip_settings *s)
{
    return s->trace_calls > s->pcap_calls ? s->trace_calls : s->pcap_calls;
}

static void on_log(void *arg, const char *sentence)
{
    struct ua *ua = arg;
    ua->sip->host->log(ua->sip->host, VOICEGW_LOG_WARNING, sentence, NULL);
}

/* ---- listeners ---- */

static int listens(const struct sip_settings *s, const struct sip_listen *l)
{
    for (uint32_t i = 0; s && i < s->listen_count; i++)
        if (s->listen[i].transport == l->transport && s->listen[i].port == l->port &&
            strcmp(s->listen[i].ip, l->ip) == 0)
            return 1;
    return 0;
}

static struct re_tls *listener_tls(const struct sip_settings *s, char *why, size_t cap)
{
    return re_tls_new(s->tls_certificate, s->tls_key, *s->tls_ca ? s->tls_ca : NULL, *s->tls_ca != '\0', NULL, why,
                      cap);
}

/* A trunk's own context, so that its certificate is checked against its own CA and name. */
static struct re_tls *tls_for(void *arg, const char *ip, uint16_t port, const char **ret_name)
{
    const struct ua *ua = arg;
    unsigned char numeric[16];
    for (const struct trunk *t = ua->trunks; t; t = t->next)
        for (uint32_t i = 0; t->tls && t->set->port == port && i < t->resolved_count; i++)
            if (sip_network_has(&t->resolved[i], ip)) {
                int named =
                    inet_pton(AF_INET, t->set->host, numeric) != 1 && inet_pton(AF_INET6, t->set->host, numeric) != 1;
                *ret_name = named ? t->set->host : NULL;
                return t->tls;
            }
    return NULL;
}

static int open_listeners(struct ua *ua, const struct sip_settings *before, const struct sip_settings *s, char *why,
                          size_t cap)
{
    for (uint32_t i = 0; i < s->listen_count; i++) {
        const struct sip_listen *l = &s->listen[i];
        struct re_tls *tls = NULL;
        /* Certificates are read again, also where nothing else changed. */
        if (listens(before, l) && l->transport != RE_TLS)
            continue;
        if (l->transport == RE_TLS && !(tls = listener_tls(s, why, cap)))
            return -1;
        int rc = re_transport_listen(l->transport, l->ip, l->port, tls);
        re_tls_free(tls);
        if (rc < 0) {
            (void)snprintf(why, cap, "cannot listen on %s:%s:%u: %s", re_transport_name(l->transport), l->ip, l->port,
                           strerror(-rc));
            return -1;
        }
    }
    (void)ua;
    return 0;
}

static void close_listeners(const struct sip_settings *before, const struct sip_settings *s)
{
    for (uint32_t i = 0; i < before->listen_count; i++)
        if (!listens(s, &before->listen[i]))
            re_transport_unlisten(before->listen[i].transport, before->listen[i].ip, before->listen[i].port);
}

void ua_settle(struct sip_task *t)
{
    struct ua *ua = t->sip->ua;
    struct sip_settings *before = ua->settings, *now = (struct sip_settings *)(uintptr_t)t->op;
    char why[300];
    if (!ua->agent) {
        sip_settings_drop(now);
        return;
    }
    if (open_listeners(ua, before, now, why, sizeof why) < 0)
        t->sip->host->log(t->sip->host, VOICEGW_LOG_ERROR, why, NULL);
    close_listeners(before, now);
    re_transport_external(now->external_address);
    ua->settings = now;
    if (before->max_cps != now->max_cps)
        sip_bucket_init(&ua->bucket, now->max_cps, t->sip->host->now_us(t->sip->host));
    trunks_settle(t->sip, &ua->trunks, now);
    ua->door->registrar.limit = now->max_registrations;
    trace_limit(ua->trace, traced(now));
    sip_settings_drop(before);
}

/* ---- life ---- */

void ua_start(void *arg)
{
    struct sip *sip = arg;
    struct ua *ua = calloc(1, sizeof *ua);
    const struct re_transport_params transport = {
        .on_trace = on_trace, .tls_for = tls_for, .on_garbage = on_garbage, .on_log = on_log, .arg = ua};
    if (!ua || !(ua->sdp = calloc(1, sizeof *ua->sdp)) || !(ua->door = door_new(sip->settings->max_registrations)) ||
        !(ua->trace = trace_new(traced(sip->settings)))) {
        if (ua) {
            door_free(ua->door);
            free(ua->sdp);
        }
        free(ua);
        (void)snprintf(sip->start_error, sizeof sip->start_error, "out of memory");
        return;
    }
    ua->sip = sip;
    sip->ua = ua;
    sip->capture = capture_new(sip);
    ua->settings = sip_settings_keep(sip->settings);
    sip_bucket_init(&ua->bucket, ua->settings->max_cps, sip->host->now_us(sip->host));
    ua->agent = re_agent_new("voicegw/" VOICEGW_PLUGIN_VERSION, &transport, &agent_events, ua);
    if (!ua->agent) {
        (void)snprintf(sip->start_error, sizeof sip->start_error, "libre gives no SIP stack");
        return;
    }
    re_transport_external(ua->settings->external_address);
    if (open_listeners(ua, NULL, ua->settings, sip->start_error, sizeof sip->start_error) == 0)
        trunks_settle(sip, &ua->trunks, ua->settings);
}

void ua_stop(void *arg)
{
    struct sip *sip = arg;
    struct ua *ua = sip->ua;
    if (!ua)
        return;
    while (ua->lines)
        line_free(ua->lines);
    trunks_stop(&ua->trunks);
    re_agent_close(ua->agent, 1);
    sip_settings_drop(ua->settings);
    capture_stop(sip->capture);
    door_free(ua->door);
    trace_free(ua->trace);
    free(ua->sdp);
    free(ua);
    sip->ua = NULL;
}

void ua_close(struct sip_task *t)
{
    struct ua *ua = t->sip->ua;
    trunks_stop(&ua->trunks);
    if (ua->agent)
        re_agent_close(ua->agent, 0);
}
