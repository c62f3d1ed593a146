/* sdp_answer.c - offers and answers (RFC 3264). */
#include "sdp.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OPUS_PT 107u
#define DTMF_PT 101u
#define DTMF48_PT 110u

struct text {
    char *out;
    size_t cap, n;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *format, ...)
{
    va_list ap;
    if (t->n >= t->cap)
        return;
    va_start(ap, format);
    int w = vsnprintf(t->out + t->n, t->cap - t->n, format, ap);
    va_end(ap);
    t->n = w < 0 ? t->cap : t->n + (size_t)w;
}

static const char *const directions[] = {"inactive", "recvonly", "sendonly", "sendrecv"};

static void put_head(struct text *t, const struct sdp_local *l)
{
    const char *family = strchr(l->address, ':') ? "IP6" : "IP4";
    put(t, "v=0\r\no=voicegw %llu %llu IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", (unsigned long long)l->session,
        (unsigned long long)l->version, family, l->address, family, l->address);
}

static const struct {
    uint8_t pt;
    const char *map;
} offered[SIP_CODECS] = {[SIP_CODEC_PCMU] = {0, "PCMU/8000"},
                         [SIP_CODEC_PCMA] = {8, "PCMA/8000"},
                         [SIP_CODEC_G722] = {9, "G722/8000"},
                         [SIP_CODEC_OPUS] = {OPUS_PT, "opus/48000/2"}};

static const char *proto_of(uint8_t profile)
{
    return profile == SDP_SAVP ? "RTP/SAVP" : profile == SDP_DTLS ? "UDP/TLS/RTP/SAVP" : "RTP/AVP";
}

static int has_opus(const struct sdp_local *l)
{
    for (uint32_t i = 0; i < l->codec_count; i++)
        if (l->codecs[i] == SIP_CODEC_OPUS)
            return 1;
    return 0;
}

int sdp_offer(const struct sdp_local *l, char *out, size_t cap)
{
    struct text t = {out, cap, 0};
    put_head(&t, l);
    put(&t, "m=audio %u %s", l->port, proto_of(l->profile));
    for (uint32_t i = 0; i < l->codec_count; i++)
        put(&t, " %u", offered[l->codecs[i]].pt);
    if (l->dtmf)
        put(&t, has_opus(l) ? " %u %u" : " %u", DTMF_PT, DTMF48_PT);
    put(&t, "\r\n");
    for (uint32_t i = 0; i < l->codec_count; i++) {
        put(&t, "a=rtpmap:%u %s\r\n", offered[l->codecs[i]].pt, offered[l->codecs[i]].map);
        if (l->codecs[i] == SIP_CODEC_OPUS)
            put(&t, "a=fmtp:%u useinbandfec=1;maxplaybackrate=48000;stereo=0\r\n", OPUS_PT);
    }
    if (l->dtmf) {
        put(&t, "a=rtpmap:%u telephone-event/8000\r\na=fmtp:%u 0-15\r\n", DTMF_PT, DTMF_PT);
        if (has_opus(l))
            put(&t, "a=rtpmap:%u telephone-event/48000\r\na=fmtp:%u 0-15\r\n", DTMF48_PT, DTMF48_PT);
    }
    put(&t, "a=ptime:20\r\n%sa=%s\r\n", l->attributes ? l->attributes : "", directions[l->direction & 3]);
    return t.n < cap ? (int)t.n : -1;
}

static enum sip_codec codec_of_format(const struct sdp_format *f)
{
    enum sip_codec c = sip_codec_of(f->name);
    uint32_t rate = c == SIP_CODEC_OPUS ? 48000 : 8000;
    if (c == SIP_CODEC_NONE || f->rate != rate || f->channels != (c == SIP_CODEC_OPUS ? 2 : 1))
        return SIP_CODEC_NONE;
    return c;
}

/* The first of our codecs that the other side names. */
static const struct sdp_format *choose(const struct sdp_media *m, const struct sdp_local *l, uint8_t *ret_codec)
{
    for (uint32_t i = 0; i < l->codec_count; i++)
        for (uint32_t j = 0; j < m->format_count; j++)
            if (codec_of_format(&m->formats[j]) == l->codecs[i]) {
                *ret_codec = l->codecs[i];
                return &m->formats[j];
            }
    return NULL;
}

/* The answer's first format that we offered is what both will speak. */
static const struct sdp_format *chosen(const struct sdp_media *m, const struct sdp_local *l, uint8_t *ret_codec)
{
    for (uint32_t j = 0; j < m->format_count; j++)
        for (uint32_t i = 0; i < l->codec_count; i++)
            if (codec_of_format(&m->formats[j]) == l->codecs[i]) {
                *ret_codec = l->codecs[i];
                return &m->formats[j];
            }
    return NULL;
}

static const struct sdp_format *event_format(const struct sdp_media *m, uint32_t rate)
{
    const struct sdp_format *any = NULL;
    for (uint32_t j = 0; j < m->format_count; j++) {
        if (strcasecmp(m->formats[j].name, "telephone-event") != 0)
            continue;
        if (m->formats[j].rate == rate)
            return &m->formats[j];
        if (!any)
            any = &m->formats[j];
    }
    return any;
}

static int routable(const char *address)
{
    return address[0] && strcmp(address, "0.0.0.0") != 0 && strcmp(address, "::") != 0;
}

/* What the peer does not send we do not receive, and the other way round. */
static uint8_t mirrored(uint8_t direction)
{
    return (uint8_t)(((direction & SDP_SENDONLY) ? SDP_RECVONLY : 0) | ((direction & SDP_RECVONLY) ? SDP_SENDONLY : 0));
}

static void fill(const struct sdp_media *m, const struct sdp_local *l, const struct sdp_format *f, uint8_t codec,
                 struct sdp_result *r)
{
    uint32_t rate = codec == SIP_CODEC_OPUS ? 48000 : 8000;
    const struct sdp_format *event = l->dtmf ? event_format(m, rate) : NULL;
    memset(r, 0, sizeof *r);
    r->codec = codec;
    r->pt = f->pt;
    r->dtmf_pt = event ? event->pt : SDP_NO_PT;
    r->dtmf_rate = event ? event->rate : 8000;
    r->port = m->port;
    r->rtcp_port = m->rtcp_port;
    r->rtcp_mux = m->rtcp_mux;
    r->ptime = m->ptime ? m->ptime : 20;
    r->profile = m->profile;
    r->direction = l->direction & mirrored(m->direction);
    r->peer_holds = !(m->direction & SDP_RECVONLY) || !routable(m->address);
    if (routable(m->address))
        (void)snprintf(r->address, sizeof r->address, "%s", m->address);
    else
        r->direction &= SDP_RECVONLY;
}

static void put_refused(struct text *t, const struct sdp_media *m)
{
    put(t, "m=%s 0 %s %s\r\n", m->type, m->proto, m->first_format);
}

static void put_accepted(struct text *t, const struct sdp_media *m, const struct sdp_local *l,
                         const struct sdp_format *f, const struct sdp_result *r)
{
    const struct sdp_format *event = r->dtmf_pt != SDP_NO_PT ? event_format(m, r->dtmf_rate) : NULL;
    put(t, "m=audio %u %s %u", l->port, m->proto, f->pt);
    if (event)
        put(t, " %u", event->pt);
    put(t, "\r\na=rtpmap:%u %s\r\n", f->pt, offered[r->codec].map);
    if (r->codec == SIP_CODEC_OPUS)
        put(t, "a=fmtp:%u useinbandfec=1;stereo=0\r\n", f->pt);
    if (event)
        put(t, "a=rtpmap:%u telephone-event/%u\r\na=fmtp:%u 0-15\r\n", event->pt, event->rate, event->pt);
    put(t, "a=ptime:20\r\n%s%sa=%s\r\n", m->rtcp_mux ? "a=rtcp-mux\r\n" : "", l->attributes ? l->attributes : "",
        directions[l->direction & mirrored(m->direction)]);
}

int sdp_answer(const struct sdp *offer, const struct sdp_local *l, struct sdp_result *ret_result, char *out, size_t cap,
               char *why, size_t why_cap)
{
    const struct sdp_media *m = sdp_audio(offer, l);
    struct text t = {out, cap, 0};
    uint8_t codec = 0;
    const struct sdp_format *f = m ? choose(m, l, &codec) : NULL;
    if (!f) {
        (void)snprintf(why, why_cap, m ? "no codec that both sides have" : "no audio stream that could be taken");
        return -1;
    }
    fill(m, l, f, codec, ret_result);
    ret_result->index = (uint32_t)(m - offer->media);
    put_head(&t, l);
    for (uint32_t i = 0; i < offer->media_count; i++) {
        if (&offer->media[i] == m)
            put_accepted(&t, m, l, f, ret_result);
        else
            put_refused(&t, &offer->media[i]);
    }
    if (t.n < cap)
        return 0;
    (void)snprintf(why, why_cap, "an answer that does not fit into %zu bytes", cap);
    return -1;
}

int sdp_accept(const struct sdp *answer, const struct sdp_local *l, struct sdp_result *ret_result, char *why,
               size_t cap)
{
    const struct sdp_media *m = sdp_audio(answer, l);
    uint8_t codec = 0;
    const struct sdp_format *f = m ? chosen(m, l, &codec) : NULL;
    if (!f) {
        (void)snprintf(why, cap, m ? "the answer names no codec of the offer" : "the answer refuses the audio stream");
        return -1;
    }
    fill(m, l, f, codec, ret_result);
    ret_result->index = (uint32_t)(m - answer->media);
    return 0;
}
