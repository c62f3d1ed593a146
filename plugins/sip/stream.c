/* stream.c - the audio of one call, on its leg's worker. */
#include <stdlib.h>
#include <string.h>
#include "rtp_stream.h"
#include "sip.h"

#define LOOK_US 10000    /* how often a stream without media looks for it */
#define WATCH_US 1000000 /* how often silence is measured */
#define LATCH_PACKETS 3u /* from one other address, before the first five of the signalled one: it is the peer */
#define LOCK_PACKETS 5u

struct stream {
    struct sip *sip;
    struct sip_call *call;
    uint64_t leg, socket, look, watch;
    unsigned version;
    struct sip_media media;
    struct rtp_stream rtp;
    /* whose packets count: the signalled address, or where packets came from first (RFC 4961), then no other */
    char peer[72], candidate[72];
    uint32_t from_peer, from_candidate;
    int64_t heard_us;
    uint8_t frame[160];
    uint8_t lost_told;
};

static void start_watch(struct stream *s);

static uint32_t encoding_of(uint8_t codec)
{
    return codec == SIP_CODEC_PCMA ? VOICEGW_AUDIO_PCMA : VOICEGW_AUDIO_PCMU;
}

/* ---- the signalling's wishes ---- */

static void take_media(struct stream *s)
{
    struct sip *sip = s->sip;
    struct sip_media before = s->media;
    unsigned first = s->version == 0;
    uint8_t random[12];
    s->version = atomic_load(&s->call->media_version);
    (void)pthread_mutex_lock(&sip->lock);
    s->media = s->call->media;
    (void)pthread_mutex_unlock(&sip->lock);
    if (strcmp(before.remote, s->media.remote) != 0) {
        memcpy(s->peer, s->media.remote, sizeof s->peer);
        s->from_peer = s->from_candidate = 0;
    }
    s->heard_us = sip->host->now_us(sip->host);
    if (first) {
        re_random(random, sizeof random);
        rtp_stream_init(&s->rtp, s->media.pt, s->media.dtmf_pt, random);
    } else if (before.codec != s->media.codec || before.pt != s->media.pt || before.dtmf_pt != s->media.dtmf_pt) {
        rtp_stream_change(&s->rtp, s->media.pt, s->media.dtmf_pt);
    }
    if (first || before.codec != s->media.codec) {
        struct voicegw_audio_format f = {
            .size = sizeof f, .encoding = encoding_of(s->media.codec), .rate = 8000, .frame_ms = 20};
        (void)sip->media->on_format(sip->host, s->leg, &f);
    }
    if (first)
        start_watch(s);
}

static void on_look(void *arg)
{
    struct stream *s = arg;
    s->look = 0;
    if (atomic_load(&s->call->media_version) != 0)
        take_media(s);
    else
        s->look = s->sip->host->timer_start(s->sip->host, s->leg, LOOK_US, on_look, s);
}

static void on_watch(void *arg)
{
    struct stream *s = arg;
    int64_t limit_us = s->call->settings->rtp_timeout_us, now = s->sip->host->now_us(s->sip->host);
    s->watch = 0;
    if (s->media.held || !(s->media.direction & SDP_RECVONLY))
        s->heard_us = now;
    if (limit_us > 0 && now - s->heard_us > limit_us && !s->lost_told) {
        s->lost_told = 1;
        (void)s->sip->media->on_lost(s->sip->host, s->leg, "no RTP came");
        return;
    }
    start_watch(s);
}

static void start_watch(struct stream *s)
{
    s->watch = s->sip->host->timer_start(s->sip->host, s->leg, WATCH_US, on_watch, s);
}

/* ---- packets ---- */

/* True: the packet is the peer's. A stranger must come before the peer has shown itself, and several times. */
static int from_peer(struct stream *s, const char *remote)
{
    if (strcmp(remote, s->peer) == 0) {
        if (s->from_peer < LOCK_PACKETS)
            s->from_peer++;
        return 1;
    }
    if (s->from_peer >= LOCK_PACKETS || strlen(remote) >= sizeof s->candidate)
        return 0;
    if (strcmp(remote, s->candidate) != 0) {
        memcpy(s->candidate, remote, strlen(remote) + 1);
        s->from_candidate = 0;
    }
    if (++s->from_candidate < LATCH_PACKETS)
        return 0;
    memcpy(s->peer, s->candidate, sizeof s->peer);
    s->from_peer = LATCH_PACKETS;
    return 1;
}

static void on_packet(void *arg, const void *data, uint32_t bytes, const char *remote)
{
    struct stream *s = arg;
    struct rtp_stream_digit digit;
    if (s->version == 0 || !(s->media.direction & SDP_RECVONLY))
        return;
    if (!from_peer(s, remote)) {
        s->sip->host->count(s->sip->host, "rtp_strangers", 1);
        return;
    }
    if (rtp_stream_take(&s->rtp, data, bytes, &digit) < 0) {
        s->sip->host->count(s->sip->host, "rtp_refused", 1);
        return;
    }
    s->heard_us = s->sip->host->now_us(s->sip->host);
    if (digit.digit) {
        char text[2] = {digit.digit, '\0'};
        (void)s->sip->media->on_dtmf(s->sip->host, s->leg, text, 100, "rfc4733");
    }
}

static int32_t stream_rx_pull(void *stream, uint64_t timestamp, struct voicegw_frame *ret)
{
    struct stream *s = stream;
    if (s->version != atomic_load(&s->call->media_version))
        take_media(s);
    int rc = rtp_stream_pull(&s->rtp, s->frame);
    if (rc == 0)
        return VOICEGW_ENOTFOUND;
    if (rc < 0)
        memset(s->frame, s->media.codec == SIP_CODEC_PCMA ? 0xd5 : 0xff, sizeof s->frame);
    *ret = (struct voicegw_frame){.size = sizeof *ret,
                                  .encoding = encoding_of(s->media.codec),
                                  .rate = 8000,
                                  .flags = rc < 0 ? VOICEGW_FRAME_LOST : 0,
                                  .timestamp = timestamp,
                                  .data = s->frame,
                                  .bytes = sizeof s->frame,
                                  .samples = sizeof s->frame};
    return VOICEGW_OK;
}

static int32_t stream_send(void *stream, const struct voicegw_frame *frame)
{
    struct stream *s = stream;
    uint8_t packet[RTP_STREAM_PACKET];
    if (s->version == 0 || !(s->media.direction & SDP_SENDONLY) || !*s->peer ||
        frame->encoding != encoding_of(s->media.codec)) {
        rtp_stream_pause(&s->rtp, frame->samples);
        return VOICEGW_OK;
    }
    size_t n = rtp_stream_send(&s->rtp, frame->data, frame->bytes, packet, sizeof packet);
    /* A packet that the kernel does not take is lost as any other. */
    if (n > 0 && s->sip->datagram->send(s->sip->host, s->socket, s->peer, packet, (uint32_t)n) != VOICEGW_OK)
        s->sip->host->count(s->sip->host, "rtp_unsent", 1);
    return VOICEGW_OK;
}

static int32_t stream_clear(void *stream, uint32_t epoch)
{
    (void)stream;
    (void)epoch;
    return VOICEGW_OK;
}

static int32_t stream_mark(void *stream, uint64_t mark_id)
{
    (void)stream;
    (void)mark_id;
    return VOICEGW_EUNSUPPORTED; /* nothing queues at the far side */
}

/* By INFO the signalling sends them; the rest the host sends as tones. */
static int32_t stream_dtmf(void *stream, const char *digits)
{
    struct stream *s = stream;
    if (s->call->settings->dtmf != SIP_DTMF_INFO)
        return VOICEGW_EUNSUPPORTED;
    return sip_to_loop(s->sip, s->call, 0, 0, digits, line_send_digits);
}

/* ---- life ---- */

static int32_t stream_attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                             uint32_t count, void **ret_stream)
{
    struct sip *sip = instance;
    struct sip_call *c = sip_call_of(sip, call);
    struct stream *s = c ? calloc(1, sizeof *s) : NULL;
    (void)formats;
    (void)count;
    if (!s) {
        if (c)
            sip_call_drop(c);
        return sip->host->set_error(sip->host, c ? VOICEGW_ELIMIT : VOICEGW_ENOTFOUND,
                                    c ? "out of memory" : "no such call");
    }
    s->sip = sip;
    s->call = c;
    s->leg = leg;
    int32_t rc = sip->datagram->open(sip->host, leg, c->lease, 0, on_packet, s, &s->socket);
    if (rc == VOICEGW_OK) {
        s->look = sip->host->timer_start(sip->host, leg, 0, on_look, s);
        rc = s->look ? VOICEGW_OK : VOICEGW_ELIMIT;
    }
    if (rc != VOICEGW_OK) {
        if (s->socket)
            sip->datagram->close(sip->host, s->socket);
        free(s);
        sip_call_drop(c);
        return sip->host->set_error(sip->host, rc, "no socket for the call's audio");
    }
    *ret_stream = s;
    return VOICEGW_OK;
}

static void stream_detach(void *stream)
{
    struct stream *s = stream;
    struct sip *sip = s->sip;
    if (s->look)
        (void)sip->host->timer_cancel(sip->host, s->look);
    if (s->watch)
        (void)sip->host->timer_cancel(sip->host, s->watch);
    sip->datagram->close(sip->host, s->socket);
    (void)sip->media->on_detached(sip->host, s->leg);
    sip_call_drop(s->call);
    free(s);
}

const struct voicegw_provider_media sip_media_operations = {.size = sizeof sip_media_operations,
                                                            .attach = stream_attach,
                                                            .send = stream_send,
                                                            .clear = stream_clear,
                                                            .mark = stream_mark,
                                                            .dtmf = stream_dtmf,
                                                            .rx_pull = stream_rx_pull,
                                                            .detach = stream_detach};
