/* trunk.c - trunks at work: pinged by OPTIONS, their state told. */
#include "trunk.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "register.h"
#include "resolve.h"
#include "voicegw/json_writer.h"

#define MISSES 2u /* pings without an answer that mean: down */

/* ---- texts ---- */

void trunk_uri(const struct sip_trunk *set, const char *user, char *out, size_t cap)
{
    static const char *const params[] = {"", ";transport=tcp", ";transport=tls"};
    char host[300], escaped[400];
    sip_uri_host(set->host, host, sizeof host);
    sip_uri_escape(user, escaped, sizeof escaped);
    (void)snprintf(out, cap, "sip:%s%s%s:%u%s", escaped, *user ? "@" : "", host, set->port, params[set->transport]);
}

const char *trunk_state_name(const struct trunk *t)
{
    static const char *const names[] = {"unknown", "up", "down"};
    return names[t->state];
}

/* ---- state ---- */

static void tell(struct trunk *t, int up, const char *why)
{
    struct sip *sip = t->sip;
    char json[600], part[96];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "trunk", t->set->name);
    voicegw_json_put_string(&w, "host", t->set->host);
    voicegw_json_put_string(&w, "reason", why);
    voicegw_json_put_end(&w);
    (void)snprintf(part, sizeof part, "trunk.%s", t->set->name);
    sip->host->health(sip->host, part, (uint32_t)up, why); /* before the event: whoever hears that may look at once */
    if (voicegw_json_finish(&w) >= 0 && sip->event)
        (void)sip->event->emit(sip->host, 0, up ? "sip.trunk_up" : "sip.trunk_down", json);
    sip->host->log(sip->host, up ? VOICEGW_LOG_INFO : VOICEGW_LOG_WARNING, up ? "a trunk is up" : "a trunk is down",
                   json);
}

void trunk_set_state(struct trunk *t, enum trunk_state state, const char *why)
{
    if (t->state == state)
        return;
    t->state = state;
    (void)snprintf(t->why, sizeof t->why, "%s", why);
    tell(t, state == TRUNK_UP, why);
}

/* Registered where that is wanted, and answering where it is asked. */
void trunk_judge(struct trunk *t)
{
    char why[128];
    if (t->set->do_register && t->refused) {
        (void)snprintf(why, sizeof why, "the registrar does not accept us");
        trunk_set_state(t, TRUNK_DOWN, why);
    } else if (t->missed >= MISSES) {
        trunk_set_state(t, TRUNK_DOWN, "it does not answer OPTIONS");
    } else if ((t->set->do_register && t->registered) ||
               (!t->set->do_register && t->set->ping_us > 0 && t->missed == 0)) {
        trunk_set_state(t, TRUNK_UP, t->set->do_register ? "registered" : "it answers OPTIONS");
    }
}

/* ---- OPTIONS ---- */

static void on_ping_done(void *arg, uint32_t status, int error, const struct re_message *message)
{
    struct trunk *t = arg;
    (void)error;
    (void)message;
    /* Whatever is answered, somebody is there; but one who says 503 or that the server is unreachable is not. */
    int there = status != 0 && status != 503 && status != 408;
    t->missed = there ? 0 : t->missed + 1;
    trunk_judge(t);
}

static void on_ping_time(void *arg)
{
    struct trunk *t = arg;
    char uri[512];
    re_request_free(t->ping);
    trunk_uri(t->set, "", uri, sizeof uri);
    const struct re_request_params p = {.method = "OPTIONS",
                                        .uri = uri,
                                        .to_uri = uri,
                                        .from_uri = "sip:ping@voicegw.invalid",
                                        .route = t->set->outbound_proxy,
                                        .headers = "Accept: application/sdp\r\n",
                                        .contact = "voicegw",
                                        .credentials = {t->set->username, t->set->password},
                                        .on_done = on_ping_done,
                                        .arg = t};
    t->ping = re_request_new(ua_agent(t->sip), &p);
    if (!t->ping)
        on_ping_done(t, 0, 0, NULL);
    re_timer_start(t->ping_timer, (uint64_t)(t->set->ping_us / 1000));
}

/* ---- life ---- */

static void trunk_free(struct trunk *t)
{
    re_request_free(t->ping);
    re_timer_free(t->ping_timer);
    trunk_register_stop(t);
    re_timer_free(t->resolve_timer);
    re_tls_free(t->tls);
    sip_settings_drop(t->settings);
    free(t);
}

void trunk_begin(struct trunk *t)
{
    if (t->begun)
        return;
    t->begun = 1;
    if (t->set->do_register)
        trunk_register_start(t);
    if (t->set->ping_us > 0 && (t->ping_timer = re_timer_new(on_ping_time, t)))
        re_timer_start(t->ping_timer, 0);
}

static int is_v4(const struct sip_network *n)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(n->address, mapped, sizeof mapped) == 0;
}

static int speaks(const struct trunk *t, int v4)
{
    for (uint32_t i = 0; i < t->settings->listen_count; i++) {
        const struct sip_listen *l = &t->settings->listen[i];
        if (l->transport == t->set->transport && (strchr(l->ip, ':') == NULL) == v4)
            return 1;
    }
    return 0;
}

int trunk_ip(const struct trunk *t, char *out, size_t cap)
{
    const struct sip_network *found = NULL;
    /* A name may have addresses of both families: what we have no socket for is not where requests go. IPv4 goes
     * first, as libre asks. */
    for (int v4 = 1; v4 >= 0 && !found; v4--)
        for (uint32_t i = 0; i < t->resolved_count && !found && speaks(t, v4); i++)
            found = is_v4(&t->resolved[i]) == v4 ? &t->resolved[i] : NULL;
    if (!found && t->resolved_count > 0)
        found = &t->resolved[0];
    if (!found)
        return -1;
    const uint8_t *a = found->address;
    int v4 = is_v4(found);
    return inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a + 12 : a, out, (socklen_t)cap) ? 0 : -1;
}

static struct trunk *trunk_new(struct sip *sip, struct sip_settings *settings, const struct sip_trunk *set)
{
    struct trunk *t = calloc(1, sizeof *t);
    char why[300];
    if (!t)
        return NULL;
    t->sip = sip;
    t->settings = sip_settings_keep(settings);
    t->set = set;
    sip_bucket_init(&t->bucket, set->max_cps, sip->host->now_us(sip->host));
    if (sip_network_parse(set->host, &t->resolved[0]) == 0)
        t->resolved_count = 1;
    if (set->transport == RE_TLS) {
        t->tls =
            re_tls_new(set->tls_certificate, set->tls_key, set->tls_ca, set->tls_verify, set->host, why, sizeof why);
        if (!t->tls)
            sip_log(sip, VOICEGW_LOG_ERROR, why, "trunk", set->name);
    }
    if (t->resolved_count && !*set->outbound_proxy)
        trunk_begin(t);
    else
        resolve_start(t);
    return t;
}

static int same(const struct sip_trunk *a, const struct sip_trunk *b)
{
    return memcmp(a, b, sizeof *a) == 0; /* blocks are made of zeroes */
}

void trunks_settle(struct sip *sip, struct trunk **list, struct sip_settings *settings)
{
    struct trunk *before = *list, **end = list;
    *list = NULL;
    for (uint32_t i = 0; i < settings->trunk_count; i++) {
        const struct sip_trunk *set = &settings->trunks[i];
        struct trunk **at = &before;
        while (*at && strcmp((*at)->set->name, set->name) != 0)
            at = &(*at)->next;
        struct trunk *t = *at;
        uint32_t calls = t ? t->calls : 0;
        if (t) {
            *at = t->next;
            t->next = NULL;
        }
        if (t && !same(t->set, set)) {
            trunk_free(t);
            t = NULL;
        }
        if (!t)
            t = trunk_new(sip, settings, set);
        if (!t)
            continue;
        t->calls = calls;
        *end = t;
        end = &t->next;
    }
    trunks_stop(&before);
}

void trunks_stop(struct trunk **list)
{
    while (*list) {
        struct trunk *t = *list;
        *list = t->next;
        if (t->state == TRUNK_DOWN) { /* what is gone is no fault */
            char part[96];
            (void)snprintf(part, sizeof part, "trunk.%s", t->set->name);
            t->sip->host->health(t->sip->host, part, 1, "removed");
        }
        trunk_free(t);
    }
}

struct trunk *trunks_find(struct trunk *list, const char *name)
{
    while (list && strcmp(list->set->name, name) != 0)
        list = list->next;
    return list;
}

struct trunk *trunks_of_address(struct trunk *list, const char *ip)
{
    for (struct trunk *t = list; t; t = t->next)
        for (uint32_t i = 0; i < t->set->address_count; i++)
            if (sip_network_has(&t->set->addresses[i], ip))
                return t;
    for (struct trunk *t = list; t; t = t->next)
        for (uint32_t i = 0; i < t->resolved_count; i++)
            if (sip_network_has(&t->resolved[i], ip))
                return t;
    return NULL;
}

int32_t trunk_admit(struct trunk *t, const char **ret_why)
{
    if (t->state == TRUNK_DOWN) {
        *ret_why = "the trunk is down";
        return VOICEGW_ENETWORK;
    }
    if (t->set->max_calls && t->calls >= t->set->max_calls) {
        *ret_why = "the trunk has as many calls as max_calls allows";
        return VOICEGW_ELIMIT;
    }
    if (!sip_bucket_take(&t->bucket, t->sip->host->now_us(t->sip->host))) {
        *ret_why = "the trunk has as many calls a second as max_cps allows";
        return VOICEGW_ERATELIMIT;
    }
    return VOICEGW_OK;
}
