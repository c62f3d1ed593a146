/* amd.c - the timers of a greeting, a detector of single tones, and a list of phrases. */
#include "media/amd.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define MS 20u /* of a frame */
#define FRAMES(ms) ((ms) / MS)
#define TONE_LOW_HZ 400.0f
#define TONE_HIGH_HZ 2200.0f
#define TONE_SHARE 0.7f      /* of the energy, in one frequency */
#define TONE_DRIFT_HZ 25.0f  /* a voice moves more */
#define TONE_MIN_DBM0 -35.0f /* a beep is meant to be heard */
#define BEEP_MIN_MS 120u
#define BEEP_LONGEST_MS 1600u /* longer ones are the network's */
#define BEEP_QUIET_MS 100u
#define FAX_HZ 2100.0f /* CED (ITU-T T.30), also what modems begin with */
#define FAX_MS 500u

struct vgw_amd_params vgw_amd_defaults(void)
{
    return (struct vgw_amd_params){.initial_silence_ms = 5000,
                                   .machine_speech_ms = 2600,
                                   .human_silence_ms = 1000,
                                   .machine_words = 9,
                                   .end_silence_ms = 3000,
                                   .timeout_ms = 30000};
}

void vgw_amd_init(struct vgw_amd *a, const struct vgw_amd_params *params)
{
    *a = (struct vgw_amd){.params = params ? *params : vgw_amd_defaults()};
    vgw_vad_init(&a->vad, NULL);
}

const char *vgw_amd_name(enum vgw_amd_who who)
{
    static const char *const names[] = {[VGW_AMD_PENDING] = "pending",
                                        [VGW_AMD_HUMAN] = "human",
                                        [VGW_AMD_MACHINE] = "machine_start",
                                        [VGW_AMD_MACHINE_BEEP] = "machine_end_beep",
                                        [VGW_AMD_MACHINE_SILENCE] = "machine_end_silence",
                                        [VGW_AMD_MACHINE_OTHER] = "machine_end_other",
                                        [VGW_AMD_FAX] = "fax",
                                        [VGW_AMD_UNKNOWN] = "unknown"};
    return names[who];
}

/* ---- tones ---- */

/* A sinusoid is foretold by its last two samples, x[n] = 2 cos(w) x[n-1] - x[n-2]: the best cos(w), then how much of
 * the energy is there (Goertzel). 0: no single tone. */
static float single_tone_hz(const int16_t *x)
{
    double top = 0, bottom = 0, energy = 0;
    for (size_t n = 2; n < VGW_VAD_FRAME; n++) {
        top += (double)x[n - 1] * ((double)x[n] + x[n - 2]);
        bottom += (double)x[n - 1] * x[n - 1];
    }
    for (size_t n = 0; n < VGW_VAD_FRAME; n++)
        energy += (double)x[n] * x[n];
    double c = bottom > 0 ? top / (2 * bottom) : 2;
    if (c <= -1 || c >= 1)
        return 0;
    double w = acos(c), s1 = 0, s2 = 0;
    float hz = (float)(w * 8000 / (2 * M_PI));
    if (hz < TONE_LOW_HZ || hz > TONE_HIGH_HZ)
        return 0;
    for (size_t n = 0; n < VGW_VAD_FRAME; n++) {
        double s0 = x[n] + 2 * c * s1 - s2;
        s2 = s1;
        s1 = s0;
    }
    double power = s1 * s1 + s2 * s2 - 2 * c * s1 * s2;
    return 2 * power / ((double)VGW_VAD_FRAME * energy) >= (double)TONE_SHARE ? hz : 0;
}

static void follow_tone(struct vgw_amd *a, const int16_t *pcm)
{
    bool loud = vgw_vad_level_dbm0(&a->vad) >= TONE_MIN_DBM0;
    float hz = loud ? single_tone_hz(pcm) : 0;
    bool same = hz > 0 && (!a->tone_frames || fabsf(hz - a->tone_hz) < TONE_DRIFT_HZ);
    if (same) {
        a->tone_hz = a->tone_frames ? a->tone_hz + (hz - a->tone_hz) / 4 : hz;
        a->tone_frames++;
        a->tone_ended = 0;
        return;
    }
    if (a->tone_frames >= FRAMES(BEEP_MIN_MS)) {
        a->tone_ended = a->tone_frames;
        a->tone_after = 0;
    }
    a->tone_frames = hz > 0;
    a->tone_hz = hz;
    if (!a->tone_ended)
        return;
    if (loud && ++a->tone_after > 2) /* more than its last echo: it was a note of something else */
        a->tone_ended = 0;
}

static bool beeped(const struct vgw_amd *a)
{
    return a->tone_ended && a->tone_ended <= FRAMES(BEEP_LONGEST_MS) && a->quiet >= FRAMES(BEEP_QUIET_MS);
}

/* ---- words ---- */

static bool holds(const char *text, const char *phrase)
{
    size_t n = strlen(phrase);
    for (; *text; text++)
        if (strncasecmp(text, phrase, n) == 0)
            return true;
    return false;
}

void vgw_amd_words(struct vgw_amd *a, const char *text)
{
    static const char *const phrases[] = {"leave a message",
                                          "leave your message",
                                          "leave me a message",
                                          "leave your name",
                                          "after the tone",
                                          "after the beep",
                                          "at the tone",
                                          "not available",
                                          "unavailable",
                                          "cannot take your call",
                                          "can't take your call",
                                          "can't come to the phone",
                                          "cannot come to the phone",
                                          "voice mail",
                                          "voicemail",
                                          "mailbox",
                                          "you have reached",
                                          "you've reached",
                                          "not in service",
                                          "press one",
                                          "press 1",
                                          "get back to you",
                                          "return your call",
                                          "record your message"};
    uint32_t words = 0;
    for (const char *p = text; *p; p++)
        words += !isspace((unsigned char)*p) && (p == text || isspace((unsigned char)p[-1]));
    a->words = words > a->words ? words : a->words;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        a->phrase |= holds(text, phrases[i]);
}

/* ---- verdicts ---- */

static struct vgw_amd_verdict verdict(struct vgw_amd *a, enum vgw_amd_who who, float confidence, const char *reason)
{
    a->who = who;
    a->over = who != VGW_AMD_MACHINE;
    return (struct vgw_amd_verdict){who, confidence, reason, a->frames * MS};
}

static float between(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static struct vgw_amd_verdict first_verdict(struct vgw_amd *a)
{
    const struct vgw_amd_params *p = &a->params;
    uint32_t speech_ms = a->speech * MS, quiet_ms = a->quiet * MS;
    if (a->tone_frames >= FRAMES(FAX_MS) && fabsf(a->tone_hz - FAX_HZ) < TONE_DRIFT_HZ)
        return verdict(a, VGW_AMD_FAX, 0.95f, "the tone of a fax");
    if (beeped(a))
        return verdict(a, VGW_AMD_MACHINE_BEEP, 0.95f, "a beep");
    if (a->phrase)
        return verdict(a, VGW_AMD_MACHINE, 0.95f, "words that machines say");
    if (a->words >= p->machine_words)
        return verdict(a, VGW_AMD_MACHINE, 0.85f, "more words than a person says who answers");
    if (speech_ms >= p->machine_speech_ms)
        return verdict(a, VGW_AMD_MACHINE, 0.8f, "a longer greeting than a person's");
    if (speech_ms && !vgw_vad_active(&a->vad) && quiet_ms >= p->human_silence_ms && !a->tone_frames && !a->tone_ended)
        return verdict(a, VGW_AMD_HUMAN,
                       between(1.1f - 0.4f * (float)speech_ms / (float)p->machine_speech_ms, 0.6f, 0.95f),
                       "a short greeting, then silence");
    if (!speech_ms && a->frames * MS >= p->initial_silence_ms)
        return verdict(a, VGW_AMD_UNKNOWN, 0.5f, "nobody said anything");
    if (a->frames * MS >= p->timeout_ms)
        return verdict(a, VGW_AMD_UNKNOWN, 0.3f, "it could not be told in time");
    return (struct vgw_amd_verdict){.who = VGW_AMD_PENDING};
}

static struct vgw_amd_verdict last_verdict(struct vgw_amd *a)
{
    const struct vgw_amd_params *p = &a->params;
    if (beeped(a))
        return verdict(a, VGW_AMD_MACHINE_BEEP, 0.95f, "a beep");
    if (!vgw_vad_active(&a->vad) && a->quiet * MS >= p->end_silence_ms)
        return verdict(a, VGW_AMD_MACHINE_SILENCE, 0.8f, "its greeting ended, and no beep came");
    if (a->frames * MS >= p->timeout_ms)
        return verdict(a, VGW_AMD_MACHINE_OTHER, 0.5f, "its greeting has no end");
    return (struct vgw_amd_verdict){.who = VGW_AMD_PENDING};
}

struct vgw_amd_verdict vgw_amd_run(struct vgw_amd *a, const int16_t pcm[VGW_VAD_FRAME])
{
    if (a->over)
        return (struct vgw_amd_verdict){.who = VGW_AMD_PENDING};
    (void)vgw_vad_run(&a->vad, pcm);
    a->frames++;
    follow_tone(a, pcm);
    bool tone = a->tone_frames >= 3;
    if (a->vad.frame_speech && !tone) {
        a->speech++;
        a->quiet = 0;
    } else if (tone) {
        a->quiet = 0;
    } else {
        a->quiet++;
    }
    return a->who == VGW_AMD_PENDING ? first_verdict(a) : last_verdict(a);
}
