/* call.c - what a call's three sides share, and the host's side of an incoming one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sip.h"
#include "voicegw/json.h"

static struct sip_call **bucket(struct sip *sip, uint64_t handle)
{
    return &sip->calls[(handle ^ (handle >> 32) * 31u) % SIP_BUCKETS];
}

struct sip_call *sip_call_new(struct sip *sip, struct sip_settings *settings)
{
    struct sip_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    atomic_init(&c->refs, 1);
    c->sip = sip;
    c->settings = sip_settings_keep(settings);
    atomic_fetch_add(&sip->live, 1);
    return c;
}

struct sip_call *sip_call_keep(struct sip_call *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

/* [control], where leases live */
static void call_free(void *arg)
{
    struct sip_call *c = arg;
    struct sip *sip = c->sip;
    if (c->lease)
        sip->datagram->release(sip->host, c->lease);
    sip_settings_drop(c->settings);
    free(c);
    atomic_fetch_sub(&sip->live, 1);
    sip_check_drained(sip);
}

void sip_call_drop(struct sip_call *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    const struct voicegw_host *host = c->sip->host;
    if (host->thread(host) & VOICEGW_THREAD_CONTROL)
        call_free(c);
    else if (host->post(host, VOICEGW_TARGET_CONTROL, call_free, c) != VOICEGW_OK)
        host->count(host, "calls_lost", 1);
}

struct sip_call *sip_call_of(struct sip *sip, uint64_t handle)
{
    (void)pthread_mutex_lock(&sip->lock);
    struct sip_call *c = *bucket(sip, handle);
    while (c && c->handle != handle)
        c = c->next;
    if (c)
        (void)sip_call_keep(c);
    (void)pthread_mutex_unlock(&sip->lock);
    return c;
}

void sip_call_enter(struct sip_call *c, uint64_t handle)
{
    struct sip *sip = c->sip;
    (void)sip_call_keep(c);
    (void)pthread_mutex_lock(&sip->lock);
    c->handle = handle;
    c->entered = 1;
    c->next = *bucket(sip, handle);
    *bucket(sip, handle) = c;
    (void)pthread_mutex_unlock(&sip->lock);
}

void sip_call_leave(struct sip *sip, uint64_t handle)
{
    (void)pthread_mutex_lock(&sip->lock);
    struct sip_call **at = bucket(sip, handle);
    while (*at && (*at)->handle != handle)
        at = &(*at)->next;
    struct sip_call *c = *at;
    if (c)
        *at = c->next;
    (void)pthread_mutex_unlock(&sip->lock);
    if (c)
        sip_call_drop(c);
}

int32_t sip_call_lease(struct sip_call *c)
{
    const struct sip_settings *s = c->settings;
    /* Audio uses the addresses of signalling: one that listens on a single address speaks from it. */
    const char *address = s->listen[0].ip;
    for (uint32_t i = 1; i < s->listen_count; i++)
        if (strcmp(s->listen[i].ip, address) != 0)
            address = strchr(s->listen[i].ip, ':') || strchr(address, ':') ? "::" : "0.0.0.0";
    return c->sip->datagram->lease(c->sip->host, address, s->rtp_first, s->rtp_last, 1, &c->lease, &c->port);
}

static int32_t tell_host(struct sip_call *c, const char *variables, uint64_t *ret_handle)
{
    struct sip *sip = c->sip;
    struct voicegw_incoming in = {.size = sizeof in,
                                  .provider_call_id = c->id,
                                  .from = c->from,
                                  .to = c->to,
                                  .caller_name = *c->name ? c->name : NULL,
                                  .variables_json = variables,
                                  .trunk = *c->trunk ? c->trunk : NULL,
                                  .transport = "sip_rtp"};
    /* A Call-ID that is in use is another's: never two calls in one. */
    if (sip->provider->call_find(sip->host, c->id) != 0)
        return VOICEGW_EBUSY;
    return sip->provider->on_incoming(sip->host, &in, ret_handle);
}

void sip_call_incoming(struct sip_task *t)
{
    struct sip_call *c = t->call;
    struct sip *sip = c->sip;
    uint64_t handle = 0;
    if (atomic_load(&sip->draining)) {
        (void)sip_to_loop(sip, c, 0, 503, NULL, line_refuse);
        return;
    }
    if (sip_call_lease(c) != VOICEGW_OK) {
        sip_log(sip, VOICEGW_LOG_WARNING, "an incoming call is refused: no port for its audio is left, widen rtp_ports",
                "from", c->from);
        sip->host->count(sip->host, "ports_exhausted", 1);
        (void)sip_to_loop(sip, c, 0, 503, NULL, line_refuse);
        return;
    }
    int32_t rc = tell_host(c, t->text, &handle);
    if (rc != VOICEGW_OK) {
        (void)sip_to_loop(sip, c, 0, rc == VOICEGW_ELIMIT ? 486 : rc == VOICEGW_EBUSY ? 482 : 400, NULL, line_refuse);
        return;
    }
    const char *known = sip->provider->call_describe(sip->host, handle);
    if (known)
        (void)voicegw_json_get_string(voicegw_json_of(known), "call_id", c->call_id, sizeof c->call_id);
    sip_call_enter(c, handle);
    if (sip_to_loop(sip, c, 0, 0, NULL, line_ring) != VOICEGW_OK) {
        struct voicegw_call_state s = {.size = sizeof s,
                                       .state = VOICEGW_CALL_FAILED,
                                       .outcome = VOICEGW_OUTCOME_FAILED,
                                       .cause = "the signalling is overloaded"};
        (void)sip->provider->on_state(sip->host, handle, &s);
    }
}

void sip_call_publish(struct sip_call *c, const struct sip_media *media)
{
    struct sip *sip = c->sip;
    (void)pthread_mutex_lock(&sip->lock);
    c->media = *media;
    (void)pthread_mutex_unlock(&sip->lock);
    atomic_fetch_add(&c->media_version, 1);
}
