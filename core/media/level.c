#include "media/level.h"
#include <math.h>

float vgw_level_dbm0(const int16_t *pcm, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (int32_t)pcm[i] * pcm[i];
    if (sum == 0)
        return VGW_LEVEL_SILENT_DBM0;
    return 10.0f * log10f((float)sum / (float)n) + VGW_LEVEL_UNIT_DBM0;
}

float vgw_level_rms(float dbm0)
{
    return powf(10.0f, (dbm0 - VGW_LEVEL_UNIT_DBM0) / 20.0f);
}

float vgw_level_sine_peak(float dbm0)
{
    return vgw_level_rms(dbm0) * 1.41421356f;
}
