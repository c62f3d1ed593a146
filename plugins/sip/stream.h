/* stream.h - the audio of one call, on its leg's worker: what stream.c (the host's side) and wire.c (the network's)
 * share. */
#ifndef SIP_STREAM_H
#define SIP_STREAM_H
#include "media/codec.h"
#include "media/event.h"
#include "media/jitter.h"
#include "media/quality.h"
#include "media/rtcp.h"
#include "media/rtp.h"
#include "media/srtp.h"
#include "sip.h"

struct stream {
    struct sip *sip;
    struct sip_call *call;
    uint64_t leg, socket, rtcp_socket, look, watch;
    unsigned version;
    struct sip_media media;
    uint32_t clock_hz, frame_bytes; /* frame_bytes: 20 ms towards the host */
    struct media_codec *codec;      /* both ways: its encoder and its decoder share nothing */
    struct media_latch latch;
    struct media_srtp *srtp_in, *srtp_out;
    struct media_dtls *dtls; /* the handshake that brings keys for them */
    uint64_t dtls_timer;
    int64_t dtls_until_us;
    char dtls_remote[72];
    /* in */
    struct media_source source;
    struct media_jitter jitter;
    struct media_event_in event_in;
    uint8_t *pending; /* decoded, not yet pulled: room for a frame and the longest packet */
    uint32_t pending_bytes, slot_ms, flags;
    int64_t heard_us;
    uint8_t lost_told, format_due;
    /* out */
    struct media_event_out event_out;
    struct media_sender sender;
    uint32_t timestamp;
    uint16_t sequence;
    uint8_t marker;
    int64_t sent_us;
    /* reports */
    struct media_remote remote;
    int64_t report_us, quality_us;
    struct media_watch score;
    struct brief *brief;  /* NULL: none is being spoken */
    uint32_t pulls, lost; /* frames of the current score, and those that were concealed */
};

/** Not while a handshake for its keys goes on: nothing leaves in clear. */
static inline int stream_may_speak(const struct stream *s)
{
    return !s->media.dtls || s->srtp_out;
}

/* stream.c */
/** The host begins to speak once it knows the format: it is told when what it says can leave. */
void stream_tell_format(struct stream *stream);
/* handshake.c */
/** Begins the handshake that the media ask for. 0 or -1. */
int handshake_begin(struct stream *stream);
void handshake_end(struct stream *stream);
/** A packet of it came. */
void handshake_packet(struct stream *stream, const void *data, uint32_t bytes, const char *remote);
/* wire.c */
void wire_packet(void *arg, const void *data, uint32_t bytes, const char *remote);
void wire_report(void *arg, const void *data, uint32_t bytes, const char *remote);
/** A frame of the host's encoding leaves. */
void wire_send(struct stream *stream, const void *frame, uint32_t bytes, uint32_t samples);
/** Twenty milliseconds have passed: digits and reports that are due leave. */
void wire_tick(struct stream *stream);
/** The last report, with a BYE. */
void wire_end(struct stream *stream);
#endif
