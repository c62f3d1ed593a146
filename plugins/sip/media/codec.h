/* codec.h - what a call's audio is on the wire and towards the host. G.711 passes as it is; G.722 (spandsp) and Opus
 * (libopus, RFC 7587) become linear samples of 16 kHz. Each direction has a state of its own; both belong to the leg's
 * worker. The only file beside srtp.c that knows these libraries. */
#ifndef SIP_MEDIA_CODEC_H
#define SIP_MEDIA_CODEC_H
#include <stddef.h>
#include <stdint.h>
#include "quality.h"

enum media_coding { MEDIA_PCMU, MEDIA_PCMA, MEDIA_G722, MEDIA_OPUS };
#define MEDIA_CODINGS 4u
struct media_coding_info {
    const char *name;       /* in YAML and in a session description, lower case */
    uint8_t payload_type;   /* RFC 3551; 96 and up: negotiated */
    uint32_t clock_hz;      /* of its timestamps: 8000 for G.722 (RFC 3551 4.5.2) */
    uint32_t channels;      /* in the description: opus/48000/2 */
    uint32_t host_encoding; /* VOICEGW_AUDIO_* */
    uint32_t host_rate;
    enum media_codec_kind quality;
};
const struct media_coding_info *media_coding_info(enum media_coding coding);
/** -1: not one of ours. The name in any case. */
int media_coding_of(const char *name);

#define MEDIA_DECODED_MAX (120u * 16u * 2u) /* octets: a packet holds at most 120 ms */
struct media_codec;
/** NULL when out of memory. */
struct media_codec *media_codec_new(enum media_coding coding);
void media_codec_free(struct media_codec *c); /* takes NULL */
/** Timestamp units that a payload lasts; 0: broken, or longer than 120 ms. */
uint32_t media_codec_units(const struct media_codec *c, const uint8_t *payload, uint32_t bytes);
/** 1 when next to nothing is to be heard in it (a guess that costs nothing; 0 where it would cost). */
int media_codec_quiet(const struct media_codec *c, const uint8_t *payload, uint32_t bytes);
/** Decodes a packet into the host's encoding; returns octets written (at most MEDIA_DECODED_MAX), 0: broken. */
uint32_t media_codec_decode(struct media_codec *c, const uint8_t *payload, uint32_t bytes, uint8_t *out);
/** A replacement for `ms` (at most 120) that are missing, fading to silence when more go missing; octets written. */
uint32_t media_codec_conceal(struct media_codec *c, uint32_t ms, uint8_t *out);
/** `ms` of silence with a little noise in the host's encoding. */
uint32_t media_codec_silence(struct media_codec *c, uint32_t ms, uint8_t *out);
/** Encodes 20 ms of the host's encoding into a payload of at most MEDIA_ENCODED_MAX; octets written, 0: nothing goes
 * (Opus says that this frame need not be sent). */
#define MEDIA_ENCODED_MAX 400u
uint32_t media_codec_encode(struct media_codec *c, const uint8_t *frame, uint32_t bytes, uint8_t *out);
/** What the far side told of loss (0..1): Opus adds redundancy. */
void media_codec_loss(struct media_codec *c, double loss);
#endif
