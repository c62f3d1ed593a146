#include "sound.h"
#include <math.h>
#include <string.h>
#include "pcm.h"

#define RATE 8000.0
#define TONE 800u  /* 100 ms */
#define WAIT 4000u /* 500 ms */
#define VOICED_RMS 164.0

size_t sound_digits_bytes(const char *digits)
{
    size_t n = 0;
    for (; *digits; digits++)
        n += *digits == 'w' ? WAIT : 2 * TONE;
    return n;
}

void sound_digits(const char *digits, uint8_t *out)
{
    static const char keys[] = "123A456B789C*0#D";
    static const double rows[] = {697, 770, 852, 941}, columns[] = {1209, 1336, 1477, 1633};
    for (; *digits; digits++) {
        const char *key = strchr(keys, *digits);
        if (*digits == 'w' || !key) {
            memset(out, SOUND_SILENCE, *digits == 'w' ? WAIT : 2 * TONE);
            out += *digits == 'w' ? WAIT : 2 * TONE;
            continue;
        }
        double row = rows[(key - keys) / 4], column = columns[(key - keys) % 4];
        for (uint32_t i = 0; i < TONE; i++) {
            double t = 2 * 3.14159265358979323846 * i / RATE;
            out[i] = pcm_to_ulaw((int16_t)(11600.0 * (sin(t * row) + sin(t * column))));
        }
        memset(out + TONE, SOUND_SILENCE, TONE);
        out += 2 * TONE;
    }
}

void sound_noise(double db, uint32_t *seed, uint8_t *out, size_t samples)
{
    /* Evenly spread samples have the level of their peak divided by the root of 3. */
    double peak = 32767.0 * pow(10, db / 20) * 1.7320508;
    for (size_t i = 0; i < samples; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        double v = ((double)(*seed >> 8) / 8388608.0 - 1.0) * peak;
        out[i] = pcm_to_ulaw((int16_t)(v > 32767 ? 32767 : v < -32767 ? -32767 : v));
    }
}

int sound_voiced(const uint8_t *ulaw, size_t samples)
{
    double sum = 0;
    for (size_t i = 0; i < samples; i++) {
        double v = pcm_of_ulaw(ulaw[i]);
        sum += v * v;
    }
    return samples > 0 && sum / (double)samples > VOICED_RMS * VOICED_RMS;
}
