/* handshake.c - DTLS on the socket of a call's audio: the keys that SRTP needs, from the peer that its description
 * named. */
#include <stdio.h>
#include <string.h>
#include "stream.h"

#define LOOK_US 50000 /* how often a handshake looks at its own time */

static void look_later(struct stream *s);

static void send_all(struct stream *s)
{
    uint8_t packet[MEDIA_DTLS_MTU];
    const char *to = s->dtls_remote[0] ? s->dtls_remote : s->media.remote;
    for (uint32_t n; (n = media_dtls_next(s->dtls, packet, sizeof packet)) > 0;)
        if (to[0] && s->sip->datagram->send(s->sip->host, s->socket, to, packet, n) != VOICEGW_OK)
            s->sip->host->count(s->sip->host, "dtls_unsent", 1);
}

static int anew(struct stream *s)
{
    media_dtls_free(s->dtls);
    s->dtls_remote[0] = '\0';
    s->dtls = media_dtls_new(s->sip->identity, s->media.dtls == SIP_ROLE_ACTIVE, s->media.fingerprint);
    return s->dtls ? 0 : -1;
}

static void step(struct stream *s, const void *data, uint32_t bytes)
{
    struct media_crypto in, out;
    enum media_dtls_state state = media_dtls_take(s->dtls, data, bytes);
    send_all(s);
    if (state == MEDIA_DTLS_DONE && !s->srtp_in && media_dtls_keys(s->dtls, &in, &out) == VOICEGW_OK) {
        s->srtp_in = media_srtp_new(&in, 1);
        s->srtp_out = media_srtp_new(&out, 0);
        explicit_bzero(&in, sizeof in);
        explicit_bzero(&out, sizeof out);
        stream_tell_format(s);
    }
    if (state == MEDIA_DTLS_FAILED) { /* a stranger may have been quicker: the peer has until the time is over */
        s->sip->host->count(s->sip->host, "dtls_refused", 1);
        if (anew(s) < 0)
            s->dtls_until_us = 0;
    }
}

static void on_look(void *arg)
{
    struct stream *s = arg;
    int64_t now = s->sip->host->now_us(s->sip->host);
    s->dtls_timer = 0;
    if (s->srtp_in && s->srtp_out)
        return;
    if (!s->dtls || now > s->dtls_until_us) {
        (void)s->sip->media->on_lost(s->sip->host, s->leg, "no keys were agreed on by DTLS");
        return;
    }
    step(s, NULL, 0);
    look_later(s);
}

static void look_later(struct stream *s)
{
    s->dtls_timer = s->sip->host->timer_start(s->sip->host, s->leg, LOOK_US, on_look, s);
}

int handshake_begin(struct stream *s)
{
    if (anew(s) < 0)
        return -1;
    s->dtls_until_us = s->sip->host->now_us(s->sip->host) + MEDIA_DTLS_TIMEOUT_US;
    step(s, NULL, 0);
    look_later(s);
    return 0;
}

void handshake_end(struct stream *s)
{
    if (s->dtls_timer)
        (void)s->sip->host->timer_cancel(s->sip->host, s->dtls_timer);
    s->dtls_timer = 0;
    media_dtls_free(s->dtls);
    s->dtls = NULL;
}

void handshake_packet(struct stream *s, const void *data, uint32_t bytes, const char *remote)
{
    if (!s->dtls)
        return;
    if (!s->srtp_in)
        (void)snprintf(s->dtls_remote, sizeof s->dtls_remote, "%s", remote);
    step(s, data, bytes);
}
