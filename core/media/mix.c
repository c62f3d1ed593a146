#include "media/mix.h"
#include <math.h>
#include <string.h>

static inline int16_t saturated(int32_t x)
{
    return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

void vgw_mix_add(int16_t *acc, const int16_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        acc[i] = saturated((int32_t)acc[i] + in[i]);
}

void vgw_mix_sum(int16_t *out, const int16_t *const *in, size_t count, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t sum = 0;
        for (size_t k = 0; k < count; k++)
            sum += in[k] ? in[k][i] : 0;
        out[i] = saturated(sum);
    }
}

void vgw_mix_minus_one(int16_t *const *out, const int16_t *const *in, size_t count, size_t n, int32_t *sum)
{
    memset(sum, 0, n * sizeof *sum);
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; in[k] && i < n; i++)
            sum[i] += in[k][i];
    }
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; out[k] && i < n; i++)
            out[k][i] = saturated(sum[i] - (in[k] ? in[k][i] : 0));
    }
}

int32_t vgw_gain_from_db(float db)
{
    if (!(db > -100.0f))
        return 0;
    return (int32_t)lrintf(VGW_GAIN_UNITY * powf(10.0f, fminf(db, 24.0f) / 20.0f));
}

void vgw_mix_gain(int16_t *pcm, size_t n, int32_t gain)
{
    if (gain == VGW_GAIN_UNITY)
        return;
    for (size_t i = 0; i < n; i++)
        pcm[i] = saturated((int32_t)((int64_t)pcm[i] * gain / VGW_GAIN_UNITY));
}

void vgw_mix_ramp(int16_t *pcm, size_t n, int32_t from, int32_t to)
{
    for (size_t i = 0; i < n; i++) {
        int64_t gain = from + (int64_t)(to - from) * (int64_t)(i + 1) / (int64_t)n;
        pcm[i] = saturated((int32_t)(pcm[i] * gain / VGW_GAIN_UNITY));
    }
}
