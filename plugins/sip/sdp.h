/* sdp.h - session descriptions and the offer/answer rules (RFC 8866, 3264) for one audio stream. Pure. */
#ifndef SIP_SDP_H
#define SIP_SDP_H
#include <stddef.h>
#include <stdint.h>

#define SDP_BYTES_MAX 16384u /* a longer description is refused */
#define SDP_LINE_MAX 1024u
#define SDP_MEDIA_MAX 8u
#define SDP_FORMATS_MAX 24u
#define SDP_CRYPTO_MAX 4u
#define SDP_CRYPTO_CAP 160u
#define SDP_FINGERPRINT_CAP 220u
#define SDP_TEXT_CAP 2048u /* enough for what we write */
#define SDP_NO_PT 255u

enum sdp_direction {
    SDP_INACTIVE = 0,
    SDP_RECVONLY = 1,
    SDP_SENDONLY = 2,
    SDP_SENDRECV = 3
}; /* bits: 1 receive, 2 send */
enum sip_codec { SIP_CODEC_NONE, SIP_CODEC_PCMU, SIP_CODEC_PCMA, SIP_CODEC_G722, SIP_CODEC_OPUS, SIP_CODECS };
enum sdp_profile { SDP_AVP, SDP_SAVP, SDP_DTLS, SDP_OTHER };

struct sdp_format {
    uint8_t pt, channels;
    uint32_t rate;
    char name[20];
    char fmtp[100];
};

struct sdp_media {
    char type[12], proto[24], first_format[12];
    char address[64];
    uint16_t port, rtcp_port, ptime;
    uint8_t audio, profile, direction, rtcp_mux;
    uint32_t format_count, crypto_count;
    struct sdp_format formats[SDP_FORMATS_MAX];
    char crypto[SDP_CRYPTO_MAX][SDP_CRYPTO_CAP]; /* values of a=crypto (RFC 4568) */
    char fingerprint[SDP_FINGERPRINT_CAP], setup[12];
};

struct sdp {
    char address[64];
    char fingerprint[SDP_FINGERPRINT_CAP], setup[12]; /* of all streams that say nothing of their own */
    uint8_t direction;
    uint32_t media_count;
    struct sdp_media media[SDP_MEDIA_MAX];
};

/** Reads a description. 0, or -1 and a sentence in `why`. *sdp is undefined then. */
int sdp_parse(const char *text, size_t bytes, struct sdp *sdp, char *why, size_t cap);

/* Our side of a stream. */
struct sdp_local {
    const char *address; /* bare IP */
    uint16_t port;
    uint8_t codecs[SIP_CODECS]; /* enum sip_codec, best first */
    uint32_t codec_count;
    uint8_t dtmf;      /* offer and accept telephone-event */
    uint8_t direction; /* enum sdp_direction: what we want */
    uint8_t profile;   /* enum sdp_profile */
    uint64_t session, version;
    const char *attributes; /* further lines of the stream ("a=crypto:…\r\n"), or NULL */
};

/* What both sides agreed on. */
struct sdp_result {
    char address[64]; /* where to send; "" when the peer wants nothing (0.0.0.0) */
    uint16_t port, rtcp_port, ptime;
    uint8_t codec, pt, dtmf_pt; /* SDP_NO_PT: no telephone-event */
    uint32_t dtmf_rate;
    uint8_t direction; /* ours, after the peer's wish */
    uint8_t peer_holds;
    uint8_t profile, rtcp_mux;
    uint32_t index; /* of the media line */
};

/** Writes an offer; the bytes, or -1: `cap` is too small. */
int sdp_offer(const struct sdp_local *local, char *out, size_t cap);
/** Answers an offer: chooses the first of our codecs that the offer holds, and writes the answer with every other
 * stream refused. 0, or -1 and a sentence: 488 is the answer. */
int sdp_answer(const struct sdp *offer, const struct sdp_local *local, struct sdp_result *ret_result, char *out,
               size_t cap, char *why, size_t why_cap);
/** Reads the answer to our offer. 0, or -1 and a sentence. */
int sdp_accept(const struct sdp *answer, const struct sdp_local *local, struct sdp_result *ret_result, char *why,
               size_t cap);
/** The stream of a description that we would take: the first audio stream with a port and a profile of ours; NULL:
 * none. */
const struct sdp_media *sdp_audio(const struct sdp *sdp, const struct sdp_local *local);
/** The codec of a name ("pcmu", case does not matter), SIP_CODEC_NONE for an unknown one. */
enum sip_codec sip_codec_of(const char *name);
const char *sip_codec_name(uint32_t codec);
/** Samples a second as the audio has them (not as RTP counts them). */
uint32_t sip_codec_rate(uint32_t codec);
#endif
