/* frame.h - a piece of audio as it travels through a leg: encoding, rate, time and borrowed payload. All pure. */
#ifndef VGW_MEDIA_FRAME_H
#define VGW_MEDIA_FRAME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VGW_FRAME_MS 20      /* the frame clock of every leg */
#define VGW_RATE_NARROW 8000 /* Hz; VAD, DTMF and recordings work at this rate */
/* Samples in `ms` milliseconds at `rate_hz`: 160 for 20 ms at 8 kHz. */
#define VGW_SAMPLES(rate_hz, ms) ((size_t)(rate_hz) * (size_t)(ms) / 1000)
#define VGW_FRAME_SAMPLES_MAX 960 /* 20 ms at 48 kHz */

enum vgw_encoding {
    VGW_PCMU, /* G.711 mu-law, one octet a sample, silence 0xFF */
    VGW_PCMA, /* G.711 A-law, one octet a sample, silence 0xD5 */
    VGW_L16,  /* 16-bit linear in host byte order */
};

enum vgw_frame_flag {
    VGW_FRAME_LOST = 1,    /* stands in for audio that never came; the payload is concealment or silence */
    VGW_FRAME_COMFORT = 2, /* comfort noise, nobody spoke */
    VGW_FRAME_MARKER = 4,  /* first frame of a talk spurt, or after a gap */
};

struct vgw_frame {
    enum vgw_encoding encoding;
    uint32_t rate_hz;
    uint32_t samples;   /* mono samples in the payload; 160 for 20 ms at 8 kHz */
    uint32_t flags;     /* enum vgw_frame_flag */
    uint64_t timestamp; /* first sample, counted in samples at rate_hz from the start of the stream */
    const void
        *payload; /* samples * vgw_encoding_bytes(); borrowed, valid for the call it is passed to. L16: int16_t */
};

/** Octets a sample: 1 for G.711, 2 for linear. Thread: any. */
static inline size_t vgw_encoding_bytes(enum vgw_encoding e)
{
    return e == VGW_L16 ? 2 : 1;
}
/** "pcmu", "pcma" or "pcm16", as options and events write them. Thread: any. Static memory. */
const char *vgw_encoding_name(enum vgw_encoding e);
/** Reads "pcmu", "pcma", "pcm16" and the names that options.md also allows: "ulaw", "mulaw", "g711_ulaw", "alaw",
 *  "g711_alaw", "l16", "linear16". False and *ret untouched for any other. Thread: any. */
bool vgw_encoding_parse(const char *name, enum vgw_encoding *ret);

/** True for 8000, 16000, 24000 and 48000, the rates that resample.h converts between. Thread: any. */
bool vgw_rate_supported(uint32_t rate_hz);

/** Payload octets of `samples` samples into linear `out`, which holds `samples`. Any encoding. Thread: any. */
void vgw_encoding_decode(enum vgw_encoding e, const void *payload, size_t samples, int16_t *out);
/** Linear samples into `out`, which holds samples * vgw_encoding_bytes(e) octets. Thread: any. */
void vgw_encoding_encode(enum vgw_encoding e, const int16_t *pcm, size_t samples, void *out);
/** Fills `out` with `samples` of the encoding's silence (0xFF, 0xD5, 0). Thread: any. */
void vgw_encoding_silence(enum vgw_encoding e, size_t samples, void *out);
#endif
