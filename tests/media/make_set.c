/* make_set.c - speaks the sentences of the speech set with flite's voices, as 8 kHz mu-law without a header.
 * Usage: make_set FOLDER. Built and run by make-set. */
#include <flite/flite.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "media/g711.h"
#include "media/level.h"
#include "media/resample.h"

cst_voice *register_cmu_us_rms(const char *voxdir);
cst_voice *register_cmu_us_slt(const char *voxdir);
cst_voice *register_cmu_us_kal16(const char *voxdir);
cst_voice *register_cmu_us_awb(const char *voxdir);

static const char *const sentences[] = {
    "I would like to book a double room for three nights, please.",
    "Can you tell me what time breakfast is served on Sunday morning?",
    "My number is five five five, zero one nine seven, four two.",
};
/* One guest's side of a whole conversation. */
static const char *const guest[] = {
    "I would like to book a double room. We stay for three nights.",
    "Wait, does it have a view of the sea?",
    "Yes, please book it for me.",
    "My code is four two seven one.",
    "Thank you. Can I speak to a person now?",
};

static int speak(const char *text, cst_voice *voice, const char *path)
{
    cst_wave *wave = flite_text_to_wave(text, voice);
    struct vgw_resampler *resampler = NULL;
    if (vgw_resampler_new((uint32_t)wave->sample_rate, 8000, &resampler, NULL) != 0)
        return -1;
    size_t cap = vgw_resampler_out_max(resampler, (size_t)wave->num_samples);
    int16_t *pcm = calloc(cap, sizeof *pcm);
    size_t n = 0;
    vgw_resampler_run(resampler, wave->samples, (size_t)wave->num_samples, pcm, cap, &n);
    float gain = powf(10.0f, (-20.0f - vgw_level_dbm0(pcm, n)) / 20.0f);
    FILE *f = fopen(path, "wb");
    if (!f)
        return -1;
    for (size_t i = 0; i < n; i++)
        fputc(vgw_ulaw_encode((int16_t)fmaxf(-32768, fminf(32767, (float)pcm[i] * gain))), f);
    fclose(f);
    free(pcm);
    vgw_resampler_free(resampler);
    delete_wave(wave);
    return 0;
}

static int keep(const char *folder, const char *name, size_t number, const char *text, cst_voice *voice)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s-%zu.ul", folder, name, number);
    if (speak(text, voice, path) == 0)
        return 0;
    fprintf(stderr, "%s: cannot be made\n", path);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_set FOLDER\n");
        return 2;
    }
    flite_init();
    struct {
        const char *name;
        cst_voice *voice;
    } voices[] = {
        {"rms", register_cmu_us_rms(NULL)},
        {"slt", register_cmu_us_slt(NULL)},
        {"kal16", register_cmu_us_kal16(NULL)},
        {"awb", register_cmu_us_awb(NULL)},
    };
    int failed = 0;
    for (size_t v = 0; v < sizeof voices / sizeof voices[0]; v++)
        for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
            failed |= keep(argv[1], voices[v].name, i + 1, sentences[i], voices[v].voice);
    for (size_t i = 0; i < sizeof guest / sizeof guest[0]; i++)
        failed |= keep(argv[1], "guest", i + 1, guest[i], voices[0].voice);
    return failed;
}
