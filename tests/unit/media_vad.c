#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "media/level.h"
#include "media/vad.h"
#include "media_signal.h"

struct outcome {
    size_t speech, missed, noise, taken;
    int starts, ends;
};

/* Runs the detector over `s` and marks the frames of the spans that it reports. */
static void detect(struct vgw_vad *v, const struct signal *s, bool *found, struct outcome *o)
{
    size_t frames = s->n / VGW_VAD_FRAME, start = 0;
    for (size_t f = 0; f <= frames; f++) {
        struct vgw_vad_event e = f < frames ? vgw_vad_run(v, s->pcm + f * VGW_VAD_FRAME) : vgw_vad_flush(v);
        if (e.kind == VGW_VAD_START) {
            cr_assert_geq(e.sample / VGW_VAD_FRAME, start, "spans do not overlap");
            start = (size_t)(e.sample / VGW_VAD_FRAME);
            o->starts++;
        }
        if (e.kind == VGW_VAD_END) {
            size_t end = (size_t)(e.sample / VGW_VAD_FRAME);
            memset(found + start, true, end - start);
            start = end;
            o->ends++;
        }
    }
}

/* Speech: ITU-T P.56 on the clean signal. Noise: frames where the clean signal lies 30 dB under its active level. */
static struct outcome measure(enum noise_kind noise, float dbm0, uint32_t seed)
{
    struct outcome o = {0};
    struct signal s = signal_speech(2000, 2000, dbm0);
    size_t frames = s.n / VGW_VAD_FRAME;
    bool *speech = calloc(frames, 1), *quiet = calloc(frames, 1), *found = calloc(frames + 1, 1);
    float active = signal_label(&s, speech);
    for (size_t f = 0; f < frames; f++)
        quiet[f] = !speech[f] && vgw_level_dbm0(s.pcm + f * VGW_VAD_FRAME, VGW_VAD_FRAME) < active - 30;
    signal_add_noise(&s, noise, active - 10, seed);
    signal_companded(&s);
    struct vgw_vad v;
    vgw_vad_init(&v, NULL);
    detect(&v, &s, found, &o);
    for (size_t f = 0; f < frames; f++) {
        o.speech += speech[f];
        o.missed += speech[f] && !found[f];
        o.noise += quiet[f];
        o.taken += quiet[f] && found[f];
    }
    free(speech);
    free(quiet);
    free(found);
    signal_free(&s);
    return o;
}

Test(media_vad, at_10_db_over_noise_under_5_percent_of_speech_is_missed_and_of_noise_taken, .timeout = 120)
{
    static const char *const names[] = {"white", "pink", "babble"};
    static const float levels[] = {-10, -20, -35};
    for (int kind = 0; kind < NOISE_KINDS; kind++) {
        for (size_t l = 0; l < 3; l++) {
            struct outcome o = measure((enum noise_kind)kind, levels[l], 7 + (uint32_t)kind);
            double missed = 100.0 * (double)o.missed / (double)o.speech;
            double taken = 100.0 * (double)o.taken / (double)o.noise;
            if (getenv("VOICEGW_TEST_FIGURES"))
                printf("vad %-6s at %3.0f dBm0, 10 dB: speech missed %.2f %%, noise taken %.2f %%\n", names[kind],
                       levels[l], missed, taken);
            cr_assert_gt(o.speech, 1500);
            cr_assert_gt(o.noise, 1000);
            cr_assert_lt(missed, 5.0, "%s at %.0f dBm0: %.2f %% missed", names[kind], levels[l], missed);
            cr_assert_lt(taken, 5.0, "%s at %.0f dBm0: %.2f %% taken", names[kind], levels[l], taken);
            cr_assert_eq(o.starts, o.ends);
        }
    }
}

Test(media_vad, silence_and_a_steady_hum_are_not_speech_and_a_loud_hum_is_given_up)
{
    struct vgw_vad v;
    struct signal s = signal_new(8000 * 30);
    struct outcome o = {0};
    bool *found = calloc(s.n / VGW_VAD_FRAME + 1, 1);
    vgw_vad_init(&v, NULL);
    detect(&v, &s, found, &o);
    cr_assert_eq(o.starts, 0);
    signal_add_tone(&s, 8000 * 5, 8000 * 25, 100, 3000);
    vgw_vad_init(&v, NULL);
    for (size_t f = 0; f < s.n / VGW_VAD_FRAME; f++)
        vgw_vad_run(&v, s.pcm + f * VGW_VAD_FRAME);
    cr_assert_not(vgw_vad_active(&v), "after 25 s a hum is noise");
    free(found);
    signal_free(&s);
}

/* 300 ms of strong speech-like sound between silence: a sum of tones over all bands. */
static struct signal burst(size_t from, size_t n, double peak)
{
    struct signal s = signal_new(8000 * 4);
    static const double hz[] = {160, 390, 720, 1410, 2440, 3380};
    for (size_t k = 0; k < 6; k++)
        signal_add_tone(&s, from, n, hz[k], peak);
    return s;
}

Test(media_vad, a_span_starts_before_its_sound_and_ends_with_it)
{
    struct signal s = burst(8000, 8000, 2000);
    struct vgw_vad v;
    struct vgw_vad_event start = {0}, end = {0};
    size_t start_told = 0, end_told = 0;
    vgw_vad_init(&v, NULL);
    for (size_t f = 0; f < s.n / VGW_VAD_FRAME; f++) {
        struct vgw_vad_event e = vgw_vad_run(&v, s.pcm + f * VGW_VAD_FRAME);
        if (e.kind == VGW_VAD_START)
            start = e, start_told = (f + 1) * VGW_VAD_FRAME;
        if (e.kind == VGW_VAD_END)
            end = e, end_told = (f + 1) * VGW_VAD_FRAME;
    }
    cr_assert_eq(start.kind, VGW_VAD_START);
    cr_assert(start.sample >= 8000 - 640 && start.sample <= 8000, "start at %lu", (unsigned long)start.sample);
    cr_assert_leq(start_told, 8000 + 4 * VGW_VAD_FRAME);
    cr_assert(end.sample >= 16000 && end.sample <= 16000 + 3 * VGW_VAD_FRAME, "end at %lu", (unsigned long)end.sample);
    cr_assert_eq(end_told - end.sample, (300 / 20 + 1) * VGW_VAD_FRAME, "told after the hangover");
    signal_free(&s);
}

Test(media_vad, onset_and_hangover_are_settings)
{
    static const struct {
        uint32_t onset_ms, hangover_ms, sound_ms;
        int starts, ends;
    } rows[] = {
        {60, 300, 300, 1, 1}, {400, 300, 200, 0, 0}, {60, 2900, 300, 1, 0}, {20, 0, 200, 1, 1}, {500, 100, 900, 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vgw_vad_params p = vgw_vad_defaults();
        p.onset_ms = rows[i].onset_ms;
        p.hangover_ms = rows[i].hangover_ms;
        struct signal s = burst(8000, rows[i].sound_ms * 8, 2000);
        struct vgw_vad v;
        int starts = 0, ends = 0;
        vgw_vad_init(&v, &p);
        for (size_t f = 0; f < s.n / VGW_VAD_FRAME; f++) {
            struct vgw_vad_event e = vgw_vad_run(&v, s.pcm + f * VGW_VAD_FRAME);
            starts += e.kind == VGW_VAD_START;
            ends += e.kind == VGW_VAD_END;
        }
        cr_assert_eq(starts, rows[i].starts, "row %zu", i);
        cr_assert_eq(ends, rows[i].ends, "row %zu", i);
        cr_assert_eq(vgw_vad_flush(&v).kind, starts > ends ? VGW_VAD_END : VGW_VAD_NONE);
        signal_free(&s);
    }
}

Test(media_vad, echo_that_a_silent_gateway_would_take_for_speech_is_ignored_while_it_speaks)
{
    /* Noise 42 dB down, echo a few dB out of it. */
    for (int speaking = 0; speaking < 2; speaking++) {
        struct signal s = burst(16000, 8000, 82);
        signal_add_noise(&s, NOISE_WHITE, -45, 3);
        struct vgw_vad v;
        int starts = 0;
        vgw_vad_init(&v, NULL);
        vgw_vad_set_local_speaking(&v, speaking);
        for (size_t f = 0; f < s.n / VGW_VAD_FRAME; f++)
            starts += vgw_vad_run(&v, s.pcm + f * VGW_VAD_FRAME).kind == VGW_VAD_START;
        cr_assert_eq(starts, speaking ? 0 : 1);
        signal_free(&s);
    }
}

Test(media_vad, reset_starts_the_clock_anew_and_keeps_the_noise)
{
    struct signal s = signal_new(8000 * 3);
    struct vgw_vad v;
    signal_add_noise(&s, NOISE_PINK, -40, 5);
    vgw_vad_init(&v, NULL);
    for (size_t f = 0; f < s.n / VGW_VAD_FRAME; f++)
        vgw_vad_run(&v, s.pcm + f * VGW_VAD_FRAME);
    float noise = vgw_vad_noise_dbm0(&v);
    cr_assert(noise > -47 && noise < -37, "%.1f", noise);
    vgw_vad_reset(&v);
    cr_assert_eq(v.position, 0);
    cr_assert_eq(vgw_vad_noise_dbm0(&v), noise);
    signal_free(&s);
}
