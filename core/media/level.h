/* level.h - signal levels in dBm0 (ITU-T G.100.1): a full-scale mu-law sine is +3.17 dBm0. All pure, any thread. */
#ifndef VGW_MEDIA_LEVEL_H
#define VGW_MEDIA_LEVEL_H
#include <stddef.h>
#include <stdint.h>

#define VGW_LEVEL_SILENT_DBM0 (-99.0f)
/* dBm0 of a signal whose mean square is 1.0 in 16-bit units: 20 log10(sqrt(2) / 32124) + 3.17. */
#define VGW_LEVEL_UNIT_DBM0 (-83.957f)

/** Level of `n` samples, VGW_LEVEL_SILENT_DBM0 for digital silence or n = 0. */
float vgw_level_dbm0(const int16_t *pcm, size_t n);
/** Root mean square, in 16-bit units, of a signal of this level. */
float vgw_level_rms(float dbm0);
/** Peak, in 16-bit units, of a sine of this level: 22300 for 0 dBm0. */
float vgw_level_sine_peak(float dbm0);
#endif
