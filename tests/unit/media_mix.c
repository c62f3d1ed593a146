#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "media/level.h"
#include "media/mix.h"
#include "media/quality.h"
#include "media/tone.h"
#include "media_signal.h"

Test(media_mix, sums_saturate_once_at_the_end)
{
    const int16_t a[] = {30000, -30000, 100, 1}, b[] = {30000, -30000, -50, 2}, c[] = {-30000, 30000, 7, -32768};
    const int16_t *in[] = {a, NULL, b, c};
    int16_t out[4], acc[4];
    vgw_mix_sum(out, in, 4, 4);
    cr_assert(out[0] == 30000 && out[1] == -30000 && out[2] == 57 && out[3] == -32765);
    memcpy(acc, a, sizeof acc);
    vgw_mix_add(acc, b, 4);
    cr_assert(acc[0] == 32767 && acc[1] == -32768 && acc[2] == 50);
    vgw_mix_sum(out, in, 0, 4);
    cr_assert(out[0] == 0 && out[3] == 0);
}

Test(media_mix, in_a_conference_everybody_hears_all_the_others_also_in_place)
{
    int16_t a[] = {1000, 30000}, b[] = {200, 30000}, c[] = {30, 30000};
    int16_t *out[] = {a, b, c, NULL};
    const int16_t *in[] = {a, b, c, NULL};
    int32_t sum[2];
    vgw_mix_minus_one(out, in, 4, 2, sum);
    cr_assert(a[0] == 230 && b[0] == 1030 && c[0] == 1200);
    cr_assert(a[1] == 32767 && c[1] == 32767);
    int16_t listener[2], only[] = {5, 6};
    int16_t *out2[] = {listener, NULL};
    const int16_t *in2[] = {NULL, only};
    vgw_mix_minus_one(out2, in2, 2, 2, sum);
    cr_assert(listener[0] == 5 && listener[1] == 6);
}

Test(media_mix, gains_follow_decibels_and_saturate)
{
    static const struct {
        float db;
        int16_t in, out;
    } rows[] = {{0, 1000, 1000},    {-6.0206f, 1000, 500}, {6.0206f, 1000, 2000},
                {20, 30000, 32767}, {20, -30000, -32768},  {-120, 30000, 0},
                {90, 1, 15}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int16_t x = rows[i].in;
        vgw_mix_gain(&x, 1, vgw_gain_from_db(rows[i].db));
        cr_assert_leq(abs(x - rows[i].out), 1, "row %zu: %d", i, x);
    }
    int16_t ramp[4] = {1000, 1000, 1000, 1000};
    vgw_mix_ramp(ramp, 4, VGW_GAIN_UNITY, 0);
    cr_assert(ramp[0] == 750 && ramp[1] == 500 && ramp[3] == 0);
}

Test(media_tone, tones_have_their_frequencies_level_and_cadence_at_every_rate)
{
    static const struct {
        enum vgw_tone_kind kind;
        double hz[2];
        uint32_t on_ms, off_ms;
    } rows[] = {{VGW_TONE_RINGBACK, {440, 480}, 2000, 4000},
                {VGW_TONE_BUSY, {480, 620}, 500, 500},
                {VGW_TONE_CONGESTION, {480, 620}, 250, 250},
                {VGW_TONE_DIAL, {350, 440}, 1000, 0}};
    static const uint32_t rates[] = {8000, 16000, 48000};
    for (size_t r = 0; r < 3; r++) {
        for (size_t i = 0; i < 4; i++) {
            struct vgw_tone t;
            size_t on = rates[r] / 1000 * rows[i].on_ms, off = rates[r] / 1000 * rows[i].off_ms;
            int16_t *pcm = calloc(on + off + 1, sizeof *pcm);
            vgw_tone_init(&t, rows[i].kind, rates[r], -15);
            cr_assert_eq(vgw_tone_run(&t, pcm, on + off), on + off);
            for (int k = 0; k < 2; k++) {
                double db =
                    20 * log10(signal_amplitude_at(pcm, on, rows[i].hz[k], rates[r]) / vgw_level_sine_peak(-15));
                cr_assert_lt(fabs(db), 0.5, "%.0f Hz at %u: %.2f dB", rows[i].hz[k], rates[r], db);
            }
            cr_assert_lt(vgw_level_dbm0(pcm + on, off), -90);
            free(pcm);
        }
    }
}

Test(media_tone, a_beep_is_over_after_400_ms_and_an_endless_tone_never_drifts)
{
    struct vgw_tone t;
    int16_t pcm[8000];
    vgw_tone_init(&t, VGW_TONE_BEEP, 8000, -10);
    cr_assert_eq(vgw_tone_run(&t, pcm, 8000), 3200);
    cr_assert_eq(vgw_tone_run(&t, pcm, 8000), 0);
    vgw_tone_init(&t, VGW_TONE_DIAL, 8000, -10);
    for (int second = 0; second < 600; second++)
        vgw_tone_run(&t, pcm, 8000);
    cr_assert_lt(fabs(vgw_level_dbm0(pcm, 8000) + 7), 0.3);
}

Test(media_tone, comfort_noise_has_its_level_and_is_the_same_for_the_same_seed)
{
    struct vgw_noise a, b;
    int16_t x[8000], y[8000];
    vgw_noise_init(&a, -40, 77);
    vgw_noise_init(&b, -40, 77);
    vgw_noise_run(&a, x, 8000);
    vgw_noise_run(&b, y, 8000);
    cr_assert_arr_eq(x, y, sizeof x);
    cr_assert_lt(fabs(vgw_level_dbm0(x, 8000) + 40), 1.0, "%.2f", vgw_level_dbm0(x, 8000));
}

Test(media_tone, hold_music_plays_on_without_clipping_or_silence)
{
    struct vgw_music m;
    int16_t pcm[8000];
    vgw_music_init(&m, 8000, -22);
    for (int second = 0; second < 60; second++) {
        vgw_music_run(&m, pcm, 8000);
        float level = vgw_level_dbm0(pcm, 8000);
        cr_assert(level > -32 && level < -15, "second %d: %.1f dBm0", second, level);
        for (int i = 0; i < 8000; i++)
            cr_assert_lt(abs(pcm[i]), 12000);
    }
}

Test(media_quality, loss_late_and_doubled_packets_are_told_apart_over_a_wrap)
{
    struct vgw_quality q;
    vgw_quality_init(&q, 8000, true);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t seq = 65000 + i;
        if (i % 50 == 7)
            continue;
        if (i % 100 == 20) /* comes after the next one */
            seq++;
        else if (i % 100 == 21)
            seq--;
        vgw_quality_packet(&q, seq & 0xFFFF, (uint64_t)(seq - 65000) * 160, (int64_t)i * 20000);
        if (i % 100 == 30)
            vgw_quality_packet(&q, seq & 0xFFFF, (uint64_t)(seq - 65000) * 160, (int64_t)i * 20000 + 5);
    }
    struct vgw_quality_report r = vgw_quality_report(&q, 50);
    cr_assert_eq(r.expected, 1000);
    cr_assert_eq(r.lost, 20);
    cr_assert_eq(r.late, 10);
    cr_assert_eq(q.duplicates, 10);
    cr_assert_float_eq(r.loss_percent, 2.0, 1e-9);
}

Test(media_quality, jitter_converges_to_the_mean_deviation_of_arrival)
{
    struct vgw_quality q;
    vgw_quality_init(&q, 8000, false);
    for (uint32_t i = 0; i < 2000; i++)
        vgw_quality_packet(&q, i, (uint64_t)i * 160, (int64_t)i * 20000 + (i & 1 ? 10000 : 0));
    struct vgw_quality_report r = vgw_quality_report(&q, 0);
    cr_assert_float_eq(r.jitter_ms, 10.0, 0.2);
    cr_assert_eq(r.lost, 0);
    vgw_quality_init(&q, 8000, false);
    for (uint32_t i = 0; i < 100; i++)
        vgw_quality_packet(&q, i, (uint64_t)i * 160, 123456789 + (int64_t)i * 20000);
    cr_assert_float_eq(vgw_quality_report(&q, 0).jitter_ms, 0, 0.1);
}

Test(media_quality, mos_follows_the_e_model)
{
    static const struct {
        double delay, loss;
        bool concealment;
        double mos;
    } rows[] = {
        {0, 0, true, 4.41},   {100, 0, true, 4.36}, {400, 0, true, 3.09},
        {20, 1, false, 3.81}, {20, 1, true, 4.32},  {20, 100, false, 1.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double mos = vgw_quality_mos(vgw_quality_r_factor(rows[i].delay, rows[i].loss, rows[i].concealment));
        cr_assert_float_eq(mos, rows[i].mos, 0.06, "row %zu: %.3f", i, mos);
    }
    cr_assert_eq(vgw_quality_mos(-5), 1.0);
    cr_assert_eq(vgw_quality_mos(120), 4.5);
}
