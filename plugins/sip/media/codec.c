/* codec.c - G.711, G.722, Opus, and what stands in for packets that are missing. */
#include "codec.h"
#include <opus/opus.h>
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
#include <spandsp/plc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "pcm.h"
#include "voicegw/audio.h"

#define SAMPLES_MAX (MEDIA_DECODED_MAX / 2u)
#define CONCEAL_MAX_MS 60u /* longer gaps are silence */
#define QUIET 200          /* of 32,768 */

static const struct media_coding_info infos[MEDIA_CODINGS] = {
    {"pcmu", 0, 8000, 1, VOICEGW_AUDIO_PCMU, 8000, MEDIA_CODEC_G711},
    {"pcma", 8, 8000, 1, VOICEGW_AUDIO_PCMA, 8000, MEDIA_CODEC_G711},
    {"g722", 9, 8000, 1, VOICEGW_AUDIO_L16, 16000, MEDIA_CODEC_G722},
    {"opus", 96, 48000, 2, VOICEGW_AUDIO_L16, 16000, MEDIA_CODEC_OPUS},
};

struct media_codec {
    enum media_coding coding;
    g722_decode_state_t *g722_in;
    g722_encode_state_t *g722_out;
    OpusDecoder *opus_in;
    OpusEncoder *opus_out;
    plc_state_t plc;
    uint32_t missing_ms;
    uint32_t noise; /* generator of comfort noise */
};

const struct media_coding_info *media_coding_info(enum media_coding coding)
{
    return &infos[coding];
}

int media_coding_of(const char *name)
{
    for (unsigned i = 0; i < MEDIA_CODINGS; i++) {
        if (strcasecmp(infos[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

static int open_opus(struct media_codec *c)
{
    int failed = 0;
    c->opus_in = opus_decoder_create(16000, 1, &failed);
    c->opus_out = opus_encoder_create(16000, 1, OPUS_APPLICATION_VOIP, &failed);
    if (!c->opus_in || !c->opus_out)
        return 0;
    /* Complexity 5 costs half of 10 for a difference that a telephone does not show. */
    (void)opus_encoder_ctl(c->opus_out, OPUS_SET_COMPLEXITY(5));
    (void)opus_encoder_ctl(c->opus_out, OPUS_SET_BITRATE(24000));
    (void)opus_encoder_ctl(c->opus_out, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    (void)opus_encoder_ctl(c->opus_out, OPUS_SET_INBAND_FEC(1));
    return 1;
}

struct media_codec *media_codec_new(enum media_coding coding)
{
    struct media_codec *c = calloc(1, sizeof *c);
    int fine = 1;
    if (!c)
        return NULL;
    c->coding = coding;
    c->noise = 1;
    (void)plc_init(&c->plc);
    if (coding == MEDIA_G722) {
        c->g722_in = g722_decode_init(NULL, 64000, 0);
        c->g722_out = g722_encode_init(NULL, 64000, 0);
        fine = c->g722_in && c->g722_out;
    } else if (coding == MEDIA_OPUS) {
        fine = open_opus(c);
    }
    if (fine)
        return c;
    media_codec_free(c);
    return NULL;
}

void media_codec_free(struct media_codec *c)
{
    if (!c)
        return;
    if (c->g722_in)
        (void)g722_decode_free(c->g722_in);
    if (c->g722_out)
        (void)g722_encode_free(c->g722_out);
    if (c->opus_in)
        opus_decoder_destroy(c->opus_in);
    if (c->opus_out)
        opus_encoder_destroy(c->opus_out);
    free(c);
}

uint32_t media_codec_units(const struct media_codec *c, const uint8_t *payload, uint32_t bytes)
{
    if (c->coding != MEDIA_OPUS)
        return bytes <= 8u * 120u ? bytes : 0;
    int n = bytes ? opus_packet_get_nb_samples(payload, (opus_int32)bytes, 48000) : 0;
    return n > 0 && n <= 48 * 120 ? (uint32_t)n : 0;
}

int media_codec_quiet(const struct media_codec *c, const uint8_t *payload, uint32_t bytes)
{
    if (c->coding == MEDIA_OPUS)
        return bytes <= 2; /* a frame of discontinuous transmission (RFC 7587 3.1.3) */
    if (c->coding == MEDIA_G722)
        return 0;
    for (uint32_t i = 0; i < bytes; i++) {
        int16_t s = c->coding == MEDIA_PCMU ? pcm_of_ulaw(payload[i]) : pcm_of_alaw(payload[i]);
        if (s > QUIET || s < -QUIET)
            return 0;
    }
    return 1;
}

/* The history from which a gap is filled; the last samples of a long packet are all it needs. */
static void remember(struct media_codec *c, int16_t *pcm, uint32_t samples)
{
    (void)plc_rx(&c->plc, pcm, (int)samples);
    c->missing_ms = 0;
}

uint32_t media_codec_decode(struct media_codec *c, const uint8_t *payload, uint32_t bytes, uint8_t *out)
{
    int16_t pcm[SAMPLES_MAX];
    int n = 0;
    uint32_t units = media_codec_units(c, payload, bytes);
    if (units == 0)
        return 0;
    switch (c->coding) {
    case MEDIA_PCMU:
    case MEDIA_PCMA:
        n = (int)pcm_decode(infos[c->coding].host_encoding, payload, bytes, pcm);
        remember(c, pcm, (uint32_t)n);
        memcpy(out, payload, bytes);
        return bytes;
    case MEDIA_G722:
        n = g722_decode(c->g722_in, pcm, payload, (int)bytes);
        break;
    case MEDIA_OPUS:
        n = opus_decode(c->opus_in, payload, (opus_int32)bytes, pcm, (int)SAMPLES_MAX, 0);
        break;
    }
    if (n <= 0)
        return 0;
    if (c->coding == MEDIA_G722)
        remember(c, pcm, (uint32_t)n);
    c->missing_ms = 0;
    memcpy(out, pcm, (size_t)n * 2u);
    return (uint32_t)n * 2u;
}

static uint32_t give(const struct media_codec *c, const int16_t *pcm, uint32_t samples, uint8_t *out)
{
    return (uint32_t)pcm_encode(infos[c->coding].host_encoding, pcm, samples, out);
}

uint32_t media_codec_silence(struct media_codec *c, uint32_t ms, uint8_t *out)
{
    int16_t pcm[SAMPLES_MAX];
    uint32_t samples = (ms > 120 ? 120 : ms) * infos[c->coding].host_rate / 1000u;
    for (uint32_t i = 0; i < samples; i++) {
        c->noise = c->noise * 1664525u + 1013904223u;
        pcm[i] = (int16_t)((int32_t)(c->noise >> 28) - 8); /* about -70 dBm0 */
    }
    return give(c, pcm, samples, out);
}

uint32_t media_codec_conceal(struct media_codec *c, uint32_t ms, uint8_t *out)
{
    int16_t pcm[SAMPLES_MAX];
    ms = ms > 120 ? 120 : ms;
    uint32_t samples = ms * infos[c->coding].host_rate / 1000u;
    c->missing_ms += ms;
    if (c->missing_ms > CONCEAL_MAX_MS)
        return media_codec_silence(c, ms, out);
    if (c->coding == MEDIA_OPUS) {
        int n = opus_decode(c->opus_in, NULL, 0, pcm, (int)samples, 0);
        return n > 0 ? give(c, pcm, (uint32_t)n, out) : media_codec_silence(c, ms, out);
    }
    (void)plc_fillin(&c->plc, pcm, (int)samples);
    return give(c, pcm, samples, out);
}

uint32_t media_codec_encode(struct media_codec *c, const uint8_t *frame, uint32_t bytes, uint8_t *out)
{
    int16_t pcm[320];
    int n = 0;
    if (c->coding == MEDIA_PCMU || c->coding == MEDIA_PCMA) {
        if (bytes > MEDIA_ENCODED_MAX)
            return 0;
        memcpy(out, frame, bytes);
        return bytes;
    }
    if (bytes != sizeof pcm)
        return 0;
    memcpy(pcm, frame, sizeof pcm);
    if (c->coding == MEDIA_G722)
        n = g722_encode(c->g722_out, out, pcm, 320);
    else
        n = opus_encode(c->opus_out, pcm, 320, out, (opus_int32)MEDIA_ENCODED_MAX);
    return n > 2 ? (uint32_t)n : 0;
}

void media_codec_loss(struct media_codec *c, double loss)
{
    if (c->opus_out && loss >= 0)
        (void)opus_encoder_ctl(c->opus_out, OPUS_SET_PACKET_LOSS_PERC((int)(loss * 100 > 30 ? 30 : loss * 100)));
}
