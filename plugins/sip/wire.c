/* wire.c - RTP and RTCP of one call: packets in from whoever may send them, packets out. */
#include <string.h>
#include "stream.h"

#define PAUSE_US 60000 /* nothing was sent for so long: timestamps go on, and the next packet bears the marker */
#define COMFORT_PT 13u

static int64_t now_us(const struct stream *s)
{
    return s->sip->host->now_us(s->sip->host);
}

static void count(struct stream *s, const char *what)
{
    s->sip->host->count(s->sip->host, what, 1);
}

/* ---- in ---- */

static void restart(struct stream *s)
{
    media_jitter_reset(&s->jitter);
    s->pending_bytes = 0;
    memset(&s->event_in, 0, sizeof s->event_in);
}

static void take_digit(struct stream *s, const struct media_packet *p)
{
    uint32_t duration_ms = 0;
    char text[2] = {media_event_take(&s->event_in, p->timestamp, p->payload, p->bytes, s->clock_hz, &duration_ms),
                    '\0'};
    if (text[0])
        (void)s->sip->media->on_dtmf(s->sip->host, s->leg, text, duration_ms ? duration_ms : 100, "rfc4733");
}

static void take_audio(struct stream *s, const struct media_packet *p, uint32_t ext, int64_t now)
{
    uint32_t units = media_codec_units(s->codec, p->payload, p->bytes);
    if (units == 0) {
        count(s, "rtp_refused");
        return;
    }
    if (media_jitter_put(&s->jitter, ext, p->timestamp, units, p->payload_type, p->payload, p->bytes,
                         media_codec_quiet(s->codec, p->payload, p->bytes), now) != 0)
        count(s, "rtp_late");
}

static void take_packet(struct stream *s, const uint8_t *data, uint32_t bytes, const char *remote, int authentic)
{
    struct media_packet p;
    uint32_t ext = 0;
    int64_t now = now_us(s);
    if (media_rtp_parse(data, bytes, &p) != 0 ||
        (p.payload_type != s->media.pt && p.payload_type != s->media.dtmf_pt && p.payload_type != COMFORT_PT)) {
        count(s, "rtp_refused");
        return;
    }
    if (!media_latch_packet(&s->latch, remote, p.ssrc, authentic)) {
        count(s, "rtp_strangers");
        return;
    }
    s->heard_us = now;
    switch (media_source_packet(&s->source, &p, now, s->clock_hz, &ext)) {
    case MEDIA_RESTARTED:
        restart(s);
        break;
    case MEDIA_TAKEN:
        break;
    default:
        return;
    }
    if (p.payload_type == s->media.dtmf_pt)
        take_digit(s, &p);
    else if (p.payload_type == s->media.pt)
        take_audio(s, &p, ext, now);
}

void wire_packet(void *arg, const void *data, uint32_t bytes, const char *remote)
{
    struct stream *s = arg;
    uint8_t plain[MEDIA_PACKET_MAX + MEDIA_SRTP_TAIL];
    if (s->media.dtls && media_is_dtls(data, bytes)) {
        handshake_packet(s, data, bytes, remote);
        return;
    }
    if (s->version == 0 || !(s->media.direction & SDP_RECVONLY) || (s->media.dtls && !s->srtp_in))
        return;
    if (bytes > MEDIA_PACKET_MAX) {
        count(s, "rtp_refused");
        return;
    }
    if (media_is_rtcp(data, bytes)) {
        wire_report(s, data, bytes, remote);
        return;
    }
    if (!s->srtp_in) {
        take_packet(s, data, bytes, remote, 0);
        return;
    }
    memcpy(plain, data, bytes);
    if (media_srtp_unprotect(s->srtp_in, plain, &bytes, 0) != 0) {
        count(s, "srtp_refused");
        return;
    }
    take_packet(s, plain, bytes, remote, 1);
}

void wire_report(void *arg, const void *data, uint32_t bytes, const char *remote)
{
    struct stream *s = arg;
    uint8_t plain[MEDIA_PACKET_MAX + MEDIA_SRTP_TAIL];
    const struct voicegw_host *h = s->sip->host;
    (void)remote;
    if (s->version == 0 || bytes > MEDIA_PACKET_MAX || (s->media.dtls && !s->srtp_in))
        return;
    memcpy(plain, data, bytes);
    if ((s->srtp_in && media_srtp_unprotect(s->srtp_in, plain, &bytes, 1) != 0) ||
        media_rtcp_read(&s->remote, plain, bytes, s->sender.ssrc, h->now_us(h), h->wall_us(h), s->clock_hz) != 0)
        count(s, "rtcp_refused");
    else
        media_codec_loss(s->codec, s->remote.loss > 0 ? s->remote.loss : 0);
}

/* ---- out ---- */

/* A packet that the kernel does not take is lost as any other. */
static void transmit(struct stream *s, uint64_t socket, const char *to, uint8_t *packet, uint32_t bytes, int rtcp)
{
    if (!stream_may_speak(s))
        return;
    if (s->srtp_out && media_srtp_protect(s->srtp_out, packet, &bytes, rtcp) != 0) {
        count(s, "srtp_unsent");
        return;
    }
    if (s->sip->datagram->send(s->sip->host, socket, to, packet, bytes) != VOICEGW_OK)
        count(s, rtcp ? "rtcp_unsent" : "rtp_unsent");
}

static void send_payload(struct stream *s, uint8_t pt, uint32_t timestamp, int marker, const uint8_t *payload,
                         uint32_t bytes)
{
    uint8_t packet[MEDIA_RTP_HEADER + MEDIA_ENCODED_MAX + MEDIA_SRTP_TAIL];
    struct media_packet p = {.ssrc = s->sender.ssrc,
                             .timestamp = timestamp,
                             .sequence = s->sequence++,
                             .payload_type = pt,
                             .marker = marker != 0};
    (void)media_rtp_header(packet, &p);
    memcpy(packet + MEDIA_RTP_HEADER, payload, bytes);
    s->sender.packets++;
    s->sender.octets += bytes;
    s->sender.timestamp = timestamp;
    s->sender.sent_us = now_us(s);
    transmit(s, s->socket, s->latch.current, packet, MEDIA_RTP_HEADER + bytes, 0);
}

static int may_send(const struct stream *s)
{
    return s->version != 0 && (s->media.direction & SDP_SENDONLY) && s->latch.current[0];
}

void wire_send(struct stream *s, const void *frame, uint32_t bytes, uint32_t samples)
{
    uint8_t payload[MEDIA_ENCODED_MAX];
    int64_t now = now_us(s), gap_us = s->sent_us ? now - s->sent_us : 0;
    const struct media_coding_info *info = media_coding_info((enum media_coding)(s->media.codec - 1));
    uint32_t units = samples * (s->clock_hz / 1000) / (info->host_rate / 1000);
    if (s->version == 0)
        return;
    if (gap_us > PAUSE_US) {
        s->timestamp += (uint32_t)(gap_us / 1000 - 20) * (s->clock_hz / 1000);
        s->marker = 1;
    }
    s->sent_us = now;
    if (may_send(s) && !media_event_busy(&s->event_out)) {
        uint32_t n = media_codec_encode(s->codec, frame, bytes, payload);
        if (n > 0) {
            send_payload(s, s->media.pt, s->timestamp, s->marker, payload, n);
            s->marker = 0;
        }
    }
    s->timestamp += units;
}

static void send_report(struct stream *s, int bye)
{
    uint8_t packet[MEDIA_RTCP_MAX + MEDIA_SRTP_TAIL];
    const struct voicegw_host *h = s->sip->host;
    if (!s->rtcp_socket || !s->media.rtcp[0])
        return;
    size_t n = media_rtcp_write(packet, &s->sender, s->source.started ? &s->source : NULL, &s->remote, "voicegw",
                                h->now_us(h), h->wall_us(h), s->clock_hz, bye);
    if (n > 0)
        transmit(s, s->media.rtcp_mux ? s->socket : s->rtcp_socket,
                 s->media.rtcp_mux ? s->latch.current : s->media.rtcp, packet, (uint32_t)n, 1);
}

void wire_tick(struct stream *s)
{
    uint8_t payload[4];
    uint32_t random, timestamp = s->timestamp;
    int marker = 0;
    if (media_event_busy(&s->event_out) && stream_may_speak(s)) {
        int due = media_event_next(&s->event_out, s->clock_hz, &timestamp, payload, &marker);
        if (due && may_send(s))
            send_payload(s, s->media.dtmf_pt, timestamp, marker, payload, sizeof payload);
        if (now_us(s) - s->sent_us > PAUSE_US / 2) { /* no audio moves the clock meanwhile */
            s->timestamp += s->clock_hz / 50;
            s->sent_us = now_us(s);
        }
    }
    if (now_us(s) < s->report_us)
        return;
    re_random(&random, sizeof random);
    if (s->report_us)
        send_report(s, 0);
    s->report_us = now_us(s) + media_rtcp_interval_us(random);
}

void wire_end(struct stream *s)
{
    if (s->version && s->sender.packets)
        send_report(s, 1);
}
