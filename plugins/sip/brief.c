/* brief.c - the summary of an attended transfer, as speech. */
#include "brief.h"
#include <stdlib.h>
#include <string.h>
#include "stream.h"

struct brief {
    struct sip_call *call; /* a reference */
    struct sip_media media;
    char *text;
    uint32_t number; /* of this call's briefs */
    /* on the worker */
    uint64_t use;
    uint8_t begun, done, orphan, failed;
    uint8_t *data; /* in the host's form of the codec */
    uint32_t bytes, cap, at;
    struct media_codec *codec;
    struct media_srtp *srtp;
    uint32_t ssrc, timestamp;
    uint16_t sequence;
    uint8_t marker;
};

int brief_start(struct sip_call *call, const struct sip_media *media, const char *text)
{
    struct {
        uint32_t ssrc, timestamp;
        uint16_t sequence;
    } random;
    struct brief *b = calloc(1, sizeof *b);
    if (b)
        b->text = strdup(text);
    if (!b || !b->text) {
        free(b);
        return -1;
    }
    re_random(&random, sizeof random);
    b->call = sip_call_keep(call);
    b->media = *media;
    b->ssrc = random.ssrc;
    b->timestamp = random.timestamp;
    b->sequence = random.sequence & 0x7fff;
    b->marker = 1;
    b->number = atomic_load(&call->brief_number);
    brief_free(atomic_exchange(&call->brief, b));
    return 0;
}

void brief_stop(struct sip_call *call)
{
    atomic_fetch_add(&call->brief_number, 1);
    brief_free(atomic_exchange(&call->brief, NULL));
}

void brief_free(struct brief *b)
{
    if (!b)
        return;
    media_codec_free(b->codec);
    media_srtp_free(b->srtp);
    explicit_bzero(&b->media, sizeof b->media);
    sip_call_drop(b->call);
    free(b->data);
    free(b->text);
    free(b);
}

/* ---- its speech ---- */

static void on_audio(void *arg, const struct voicegw_frame *frame)
{
    struct brief *b = arg;
    const struct media_coding_info *info = media_coding_info((enum media_coding)(b->media.codec - 1));
    uint32_t most = info->host_rate * SIP_BRIEF_SPEECH_S * (info->host_encoding == VOICEGW_AUDIO_L16 ? 2 : 1);
    if (b->orphan || b->failed || frame->encoding != info->host_encoding || frame->bytes > most - b->bytes)
        return;
    if (b->bytes + frame->bytes > b->cap) {
        uint32_t cap = (b->bytes + frame->bytes) * 2;
        uint8_t *data = realloc(b->data, cap);
        if (!data) {
            b->failed = 1;
            return;
        }
        b->data = data;
        b->cap = cap;
    }
    memcpy(b->data + b->bytes, frame->data, frame->bytes);
    b->bytes += frame->bytes;
}

static void on_done(void *arg, int32_t status, const char *sentence)
{
    struct brief *b = arg;
    b->done = 1;
    if (b->orphan) {
        brief_free(b);
    } else if (status != VOICEGW_OK) {
        sip_log(b->call->sip, VOICEGW_LOG_WARNING, "a summary could not be spoken: the transfer goes on without",
                "error", sentence ? sentence : "");
        b->failed = 1;
    }
}

static int begin(struct stream *s, struct brief *b)
{
    struct sip *sip = s->sip;
    const struct media_coding_info *info = media_coding_info((enum media_coding)(b->media.codec - 1));
    const struct voicegw_audio_format format = {
        .size = sizeof format, .encoding = info->host_encoding, .rate = info->host_rate, .frame_ms = 20};
    b->begun = 1;
    b->done = 1; /* until the synthesis runs */
    b->codec = media_codec_new((enum media_coding)(b->media.codec - 1));
    if (b->media.key_out.suite != MEDIA_SUITE_NONE)
        b->srtp = media_srtp_new(&b->media.key_out, 0);
    if (!b->codec || !sip->use || b->media.dtls ||
        /* nobody shakes hands for a consulted peer's path */ (b->media.key_out.suite != MEDIA_SUITE_NONE && !b->srtp))
        return -1;
    b->done = 0;
    int32_t rc =
        sip->use->synthesize(sip->host, s->leg, NULL, b->text, NULL, NULL, &format, on_audio, on_done, b, &b->use);
    b->done = rc != VOICEGW_OK;
    return rc == VOICEGW_OK ? 0 : -1;
}

/* What its synthesis still holds it frees itself. */
static void drop(struct brief *b)
{
    if (!b->begun || b->done) {
        brief_free(b);
        return;
    }
    b->orphan = 1;
    b->call->sip->use->cancel(b->call->sip->host, b->use);
}

/* ---- on the wire ---- */

static void send_frame(struct stream *s, struct brief *b, uint32_t frame_bytes)
{
    uint8_t packet[MEDIA_RTP_HEADER + MEDIA_ENCODED_MAX + MEDIA_SRTP_TAIL];
    struct media_packet p = {.ssrc = b->ssrc,
                             .timestamp = b->timestamp,
                             .sequence = b->sequence++,
                             .payload_type = b->media.pt,
                             .marker = b->marker};
    const struct media_coding_info *info = media_coding_info((enum media_coding)(b->media.codec - 1));
    uint32_t bytes = media_codec_encode(b->codec, b->data + b->at, frame_bytes, packet + MEDIA_RTP_HEADER);
    (void)media_rtp_header(packet, &p);
    b->at += frame_bytes;
    b->timestamp += info->clock_hz / 50;
    b->marker = 0;
    if (!bytes)
        return;
    bytes += MEDIA_RTP_HEADER;
    if (b->srtp && media_srtp_protect(b->srtp, packet, &bytes, 0) != 0)
        s->sip->host->count(s->sip->host, "srtp_unsent", 1);
    else if (s->sip->datagram->send(s->sip->host, s->socket, b->media.remote, packet, bytes) != VOICEGW_OK)
        s->sip->host->count(s->sip->host, "rtp_unsent", 1);
}

void brief_tick(struct stream *s)
{
    struct sip_call *call = s->call;
    if (!s->brief && !(s->brief = atomic_exchange(&call->brief, NULL)))
        return;
    struct brief *b = s->brief;
    const struct media_coding_info *info = media_coding_info((enum media_coding)(b->media.codec - 1));
    uint32_t frame_bytes = info->host_rate / 50 * (info->host_encoding == VOICEGW_AUDIO_L16 ? 2 : 1);
    if (atomic_load(&call->brief_number) != b->number) { /* it was stopped */
        brief_leave(s);
        return;
    }
    if (!b->begun && begin(s, b) < 0)
        b->failed = 1;
    if (!b->failed && b->bytes - b->at >= frame_bytes) {
        send_frame(s, b, frame_bytes);
    } else if (b->failed || b->done) {
        (void)sip_to_loop(s->sip, call, 0, b->number, NULL, line_briefed);
        brief_leave(s);
    }
}

void brief_leave(struct stream *s)
{
    struct brief *b = s->brief;
    s->brief = NULL;
    if (b)
        drop(b);
}
