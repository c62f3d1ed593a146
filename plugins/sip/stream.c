/* stream.c - the audio of one call, as its leg sees it. */
#include "stream.h"
#include "brief.h"
#include <stdlib.h>
#include <string.h>
#include "voicegw/json_writer.h"

#define LONGEST_MS 120     /* of a packet, decoded or concealed */
#define LOOK_US 10000      /* how often a stream without media looks for it */
#define WATCH_US 1000000   /* how often silence and quality are measured */
#define QUALITY_US 5000000 /* how often figures are told */
#define SCORE_LOW 3.5      /* below it for SCORE_LOW_US: an event */
#define SCORE_HIGH 3.7
#define SCORE_LOW_US 5000000

static void start_watch(struct stream *s);

/* ---- the signalling's wishes ---- */

static int set_keys(struct stream *s)
{
    media_srtp_free(s->srtp_in);
    media_srtp_free(s->srtp_out);
    s->srtp_in = s->srtp_out = NULL;
    handshake_end(s);
    if (s->media.dtls)
        return handshake_begin(s);
    if (s->media.key_in.suite == MEDIA_SUITE_NONE)
        return 0;
    s->srtp_in = media_srtp_new(&s->media.key_in, 1);
    s->srtp_out = media_srtp_new(&s->media.key_out, 0);
    return s->srtp_in && s->srtp_out ? 0 : -1;
}

static int set_codec(struct stream *s)
{
    const enum media_coding coding = (enum media_coding)(s->media.codec - 1);
    const struct media_coding_info *info = media_coding_info(coding);
    const struct media_jitter_options options = {.clock_hz = info->clock_hz};
    media_codec_free(s->codec);
    s->codec = media_codec_new(coding);
    s->clock_hz = info->clock_hz;
    s->frame_bytes = info->host_rate / 50 * (info->host_encoding == VOICEGW_AUDIO_L16 ? 2 : 1);
    s->pending_bytes = 0;
    free(s->pending);
    s->pending = malloc((size_t)s->frame_bytes * (1 + LONGEST_MS / 20));
    media_jitter_reset(&s->jitter);
    media_jitter_init(&s->jitter, &options);
    memset(&s->source, 0, sizeof s->source);
    return s->codec && s->pending ? 0 : -1;
}

static void begin(struct stream *s)
{
    struct {
        uint32_t ssrc, timestamp;
        uint16_t sequence;
    } random;
    re_random(&random, sizeof random);
    s->sender.ssrc = random.ssrc;
    s->timestamp = random.timestamp;
    s->sequence = random.sequence & 0x7fff;
    s->marker = 1;
    media_remote_init(&s->remote);
    media_event_init(&s->event_out, 0, 0);
    media_watch_init(&s->score, SCORE_LOW, SCORE_HIGH, SCORE_LOW_US);
    start_watch(s);
}

void stream_tell_format(struct stream *s)
{
    if (!s->format_due || !stream_may_speak(s))
        return;
    const struct media_coding_info *info = media_coding_info((enum media_coding)(s->media.codec - 1));
    struct voicegw_audio_format f = {
        .size = sizeof f, .encoding = info->host_encoding, .rate = info->host_rate, .frame_ms = 20};
    s->format_due = 0;
    (void)s->sip->media->on_format(s->sip->host, s->leg, &f);
}

static void take_media(struct stream *s)
{
    struct sip *sip = s->sip;
    struct sip_media before = s->media;
    unsigned first = s->version == 0;
    s->version = atomic_load(&s->call->media_version);
    (void)pthread_mutex_lock(&sip->lock);
    s->media = s->call->media;
    (void)pthread_mutex_unlock(&sip->lock);
    media_latch_signal(&s->latch, s->media.remote);
    s->heard_us = sip->host->now_us(sip->host);
    if (first)
        begin(s);
    int codec_changes = first || before.codec != s->media.codec,
        keys_change =
            strcmp(before.fingerprint, s->media.fingerprint) != 0 ||
            !before.dtls != !s->media.dtls || /* roles may change their names under a handshake that is done */
            memcmp(&before.key_in, &s->media.key_in, sizeof before.key_in) != 0 ||
            memcmp(&before.key_out, &s->media.key_out, sizeof before.key_out) != 0;
    if ((codec_changes && set_codec(s) < 0) || (keys_change && set_keys(s) < 0)) {
        s->version = 0;
        (void)sip->media->on_lost(sip->host, s->leg, "the call's codec or keys could not be set up");
        return;
    }
    s->format_due |= codec_changes != 0;
    stream_tell_format(s);
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

/* ---- once a second ---- */

static void tell_score(struct stream *s, int verdict, double mos, double loss, double jitter_ms)
{
    char json[200];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    if (verdict == 0 || !s->sip->event)
        return;
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_bool(&w, "degraded", verdict > 0);
    voicegw_json_put_double(&w, "mos", mos);
    voicegw_json_put_double(&w, "loss", loss);
    voicegw_json_put_double(&w, "jitter_ms", jitter_ms);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) >= 0)
        (void)s->sip->event->emit(s->sip->host, s->call->handle, "sip.quality_changed", json);
}

static void judge(struct stream *s, int64_t now)
{
    const struct media_coding_info *info = media_coding_info((enum media_coding)(s->media.codec - 1));
    double loss = s->pulls ? (double)s->lost / s->pulls : 0, jitter_ms = s->source.jitter * 1000 / s->clock_hz;
    double rtt_ms = s->remote.round_trip_ms,
           mos = media_mos(info->quality, loss, (rtt_ms > 0 ? rtt_ms / 2 : 0) + media_jitter_depth_ms(&s->jitter) + 20);
    if (s->pulls)
        tell_score(s, media_watch_note(&s->score, mos, now), mos, loss, jitter_ms);
    if (now >= s->quality_us && s->source.started) {
        s->quality_us = now + QUALITY_US;
        (void)s->sip->media->on_quality(s->sip->host, s->leg, loss, jitter_ms, rtt_ms);
    }
    s->pulls = s->lost = 0;
}

static void on_watch(void *arg)
{
    struct stream *s = arg;
    int64_t limit_us = s->call->settings->rtp_timeout_us, now = s->sip->host->now_us(s->sip->host);
    s->watch = 0;
    if (s->media.held || !(s->media.direction & SDP_RECVONLY))
        s->heard_us = now;
    judge(s, now);
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

/* ---- the host's clock ---- */

/* 1: something was added to what waits; 0: there is nothing to play. */
static int fill(struct stream *s)
{
    const struct media_slot *slot = NULL;
    uint8_t *out = s->pending + s->pending_bytes;
    uint32_t ms = s->slot_ms ? s->slot_ms : 20, n;
    switch (media_jitter_get(&s->jitter, s->clock_hz / 50, s->sip->host->now_us(s->sip->host), &slot)) {
    case MEDIA_PLAY_PACKET:
        s->slot_ms = slot->units * 1000 / s->clock_hz;
        n = media_codec_decode(s->codec, slot->data, slot->bytes, out);
        if (n == 0)
            n = media_codec_conceal(s->codec, s->slot_ms ? s->slot_ms : 20, out);
        break;
    case MEDIA_PLAY_LOST:
        n = media_codec_conceal(s->codec, ms <= 120 ? ms : 20, out);
        s->flags |= VOICEGW_FRAME_LOST;
        s->lost++;
        break;
    case MEDIA_PLAY_SILENCE:
        n = media_codec_silence(s->codec, 20, out);
        s->flags |= VOICEGW_FRAME_COMFORT;
        break;
    default:
        return 0;
    }
    s->pending_bytes += n;
    return n > 0;
}

static int32_t stream_rx_pull(void *stream, uint64_t timestamp, struct voicegw_frame *ret)
{
    struct stream *s = stream;
    static _Thread_local uint8_t frame[1920 * 2];
    if (s->version != atomic_load(&s->call->media_version))
        take_media(s);
    if (s->version == 0)
        return VOICEGW_ENOTFOUND;
    wire_tick(s);
    brief_tick(s);
    s->flags = 0;
    while (s->pending_bytes < s->frame_bytes)
        if (!fill(s))
            return VOICEGW_ENOTFOUND;
    s->pulls++;
    memcpy(frame, s->pending, s->frame_bytes);
    s->pending_bytes -= s->frame_bytes;
    memmove(s->pending, s->pending + s->frame_bytes, s->pending_bytes);
    const struct media_coding_info *info = media_coding_info((enum media_coding)(s->media.codec - 1));
    *ret = (struct voicegw_frame){.size = sizeof *ret,
                                  .encoding = info->host_encoding,
                                  .rate = info->host_rate,
                                  .flags = s->flags,
                                  .timestamp = timestamp,
                                  .data = frame,
                                  .bytes = s->frame_bytes,
                                  .samples = info->host_rate / 50};
    return VOICEGW_OK;
}

static int32_t stream_send(void *stream, const struct voicegw_frame *frame)
{
    struct stream *s = stream;
    if (s->version == 0 || frame->encoding != media_coding_info((enum media_coding)(s->media.codec - 1))->host_encoding)
        return VOICEGW_OK;
    wire_send(s, frame->data, frame->bytes, frame->samples);
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

/* As events or by INFO; the rest the host sends as tones. */
static int32_t stream_dtmf(void *stream, const char *digits)
{
    struct stream *s = stream;
    enum sip_dtmf how = s->call->settings->dtmf;
    if (how == SIP_DTMF_INFO)
        return sip_to_loop(s->sip, s->call, 0, 0, digits, line_send_digits);
    if (how != SIP_DTMF_RFC4733 || s->version == 0 || s->media.dtmf_pt == SDP_NO_PT)
        return VOICEGW_EUNSUPPORTED;
    return media_event_queue(&s->event_out, digits);
}

/* ---- life ---- */

static void stream_free(struct stream *s)
{
    struct sip *sip = s->sip;
    if (s->look)
        (void)sip->host->timer_cancel(sip->host, s->look);
    if (s->watch)
        (void)sip->host->timer_cancel(sip->host, s->watch);
    handshake_end(s);
    if (s->socket)
        sip->datagram->close(sip->host, s->socket);
    if (s->rtcp_socket)
        sip->datagram->close(sip->host, s->rtcp_socket);
    brief_leave(s);
    media_jitter_reset(&s->jitter);
    free(s->pending);
    media_codec_free(s->codec);
    media_srtp_free(s->srtp_in);
    media_srtp_free(s->srtp_out);
    sip_call_drop(s->call);
    memset(&s->media, 0, sizeof s->media);
    free(s);
}

static int32_t stream_attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                             uint32_t count, void **ret_stream)
{
    struct sip *sip = instance;
    struct sip_call *c = sip_call_of(sip, call);
    struct stream *s = c ? calloc(1, sizeof *s) : NULL;
    const struct media_jitter_options options = {.clock_hz = 8000};
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
    media_jitter_init(&s->jitter, &options);
    int32_t rc = sip->datagram->open(sip->host, leg, c->lease, 0, wire_packet, s, &s->socket);
    if (rc == VOICEGW_OK)
        rc = sip->datagram->open(sip->host, leg, c->lease, 1, wire_report, s, &s->rtcp_socket);
    if (rc == VOICEGW_OK) {
        s->look = sip->host->timer_start(sip->host, leg, 0, on_look, s);
        rc = s->look ? VOICEGW_OK : VOICEGW_ELIMIT;
    }
    if (rc != VOICEGW_OK) {
        stream_free(s);
        return sip->host->set_error(sip->host, rc, "no socket for the call's audio");
    }
    *ret_stream = s;
    return VOICEGW_OK;
}

static void stream_detach(void *stream)
{
    struct stream *s = stream;
    struct sip *sip = s->sip;
    uint64_t leg = s->leg;
    wire_end(s);
    stream_free(s);
    (void)sip->media->on_detached(sip->host, leg);
}

const struct voicegw_provider_media sip_media_operations = {.size = sizeof sip_media_operations,
                                                            .attach = stream_attach,
                                                            .send = stream_send,
                                                            .clear = stream_clear,
                                                            .mark = stream_mark,
                                                            .dtmf = stream_dtmf,
                                                            .rx_pull = stream_rx_pull,
                                                            .detach = stream_detach};
