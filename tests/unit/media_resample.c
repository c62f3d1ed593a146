#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "media/frame.h"
#include "media/resample.h"
#include "media_signal.h"

static const uint32_t rates[] = {8000, 16000, 24000, 48000};

static int16_t *sine(double hz, double rate, size_t n, double peak)
{
    int16_t *pcm = calloc(n, sizeof *pcm);
    for (size_t i = 0; i < n; i++)
        pcm[i] = (int16_t)lrint(peak * sin(2 * M_PI * hz * (double)i / rate));
    return pcm;
}

/* One second in 20 ms frames; returns the output, always one second long. */
static int16_t *convert(uint32_t from, uint32_t to, const int16_t *in)
{
    struct vgw_resampler *r;
    int16_t *out = calloc(to + 8, sizeof *out);
    size_t frame = VGW_SAMPLES(from, 20), made = 0;
    cr_assert_eq(vgw_resampler_new(from, to, &r, NULL), 0);
    for (size_t at = 0; at < from; at += frame) {
        int16_t piece[VGW_FRAME_SAMPLES_MAX + 8];
        size_t n;
        cr_assert_eq(vgw_resampler_run(r, in + at, frame, piece, VGW_FRAME_SAMPLES_MAX + 8, &n), 0);
        cr_assert_eq(n, VGW_SAMPLES(to, 20), "%u to %u: a frame gives %zu", from, to, n);
        memcpy(out + made, piece, n * sizeof *out);
        made += n;
    }
    vgw_resampler_free(r);
    return out;
}

Test(media_resample, every_pair_of_rates_keeps_the_level_of_the_voice_band_and_the_length_of_a_frame)
{
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 4; k++) {
            for (double hz = 300; hz <= 3000; hz += 900) {
                int16_t *in = sine(hz, rates[i], rates[i], 10000), *out = convert(rates[i], rates[k], in);
                size_t half = rates[k] / 2;
                double db = 20 * log10(signal_amplitude_at(out + half, half, hz, rates[k]) / 10000);
                cr_assert_lt(fabs(db), 1.0, "%u to %u at %.0f Hz: %.2f dB", rates[i], rates[k], hz, db);
                free(in);
                free(out);
            }
        }
    }
}

Test(media_resample, what_would_fold_into_the_voice_band_is_40_db_down)
{
    static const uint32_t high[] = {16000, 24000, 48000};
    for (size_t i = 0; i < 3; i++) {
        for (double hz = 4700; hz < 7900; hz += 400) {
            int16_t *in = sine(hz, high[i], high[i], 10000), *out = convert(high[i], 8000, in);
            double db = 20 * log10(signal_amplitude_at(out + 4000, 4000, 8000 - hz, 8000) / 10000 + 1e-9);
            cr_assert_lt(db, -40.0, "%.0f Hz at %u Hz: alias %.1f dB", hz, high[i], db);
            free(in);
            free(out);
        }
    }
}

Test(media_resample, joins_of_frames_do_not_click)
{
    int16_t *in = sine(1000, 8000, 8000, 10000), *whole = calloc(24008, sizeof *whole);
    struct vgw_resampler *r;
    size_t n;
    cr_assert_eq(vgw_resampler_new(8000, 24000, &r, NULL), 0);
    cr_assert_eq(vgw_resampler_run(r, in, 8000, whole, 24008, &n), 0);
    cr_assert_eq(n, 24000);
    int16_t *framed = convert(8000, 24000, in);
    cr_assert_arr_eq(framed, whole, 24000 * sizeof *whole);
    vgw_resampler_free(r);
    free(in);
    free(whole);
    free(framed);
}

Test(media_resample, reset_forgets_the_past)
{
    int16_t *in = sine(700, 8000, 160, 10000), first[328], again[328];
    struct vgw_resampler *r;
    size_t n;
    cr_assert_eq(vgw_resampler_new(8000, 16000, &r, NULL), 0);
    vgw_resampler_run(r, in, 160, first, 328, &n);
    vgw_resampler_run(r, in, 160, again, 328, &n);
    vgw_resampler_reset(r);
    vgw_resampler_run(r, in, 160, again, 328, &n);
    cr_assert_arr_eq(first, again, n * sizeof *first);
    vgw_resampler_free(r);
    free(in);
}

Test(media_resample, unknown_rates_and_small_buffers_are_refused)
{
    struct vgw_resampler *r = NULL;
    struct vgw_error err;
    int16_t in[160] = {0}, out[10];
    size_t n = 77;
    cr_assert_eq(vgw_resampler_new(11025, 8000, &r, &err), VGW_EUNSUPPORTED);
    cr_assert_null(r);
    cr_assert(strstr(err.text, "11025"));
    cr_assert_eq(vgw_resampler_new(8000, 16000, &r, NULL), 0);
    cr_assert_eq(vgw_resampler_run(r, in, 160, out, 10, &n), VGW_ELIMIT);
    cr_assert_eq(n, 77);
    vgw_resampler_free(r);
    vgw_resampler_free(NULL);
}
