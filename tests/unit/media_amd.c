#include <criterion/criterion.h>
#include <flite/flite.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "media/amd.h"
#include "media/level.h"
#include "media/resample.h"
#include "media_signal.h"

cst_voice *register_cmu_us_kal16(const char *voxdir);

/* What people say who answer, and what machines say; "|" is a pause of 400 ms. */
static const char *const humans[] = {"Hello?",
                                     "Yes?",
                                     "Hi.",
                                     "Good morning.",
                                     "Hello, this is Mary.",
                                     "Miller.",
                                     "Hello? | Hello?",
                                     "Smith residence.",
                                     "Good evening, Peter speaking.",
                                     "Yes, hello, who is this?",
                                     "Acme, how can I help you?",
                                     "Hey, what's up?"};
static const char *const machines[] = {
    "Hi, you have reached John. I cannot take your call right now. | Please leave a message after the tone.",
    "The person you are calling is not available. | Please record your message after the beep.",
    "Hello, this is the voice mail of Mary Miller. | Please leave your name and number, and I will call you back.",
    "Thank you for calling the hotel. Our office is closed today. | We open again tomorrow at nine.",
    "You have reached the Smith family. Nobody is at home right now, so please leave us a message.",
    "Hi, it's me. I can't come to the phone right now. | You know what to do.",
    "Your call has been forwarded to an automatic voice message system.",
    "Hello, and welcome to the Acme corporation. For sales press one, for service press two.",
    "This mailbox is full and cannot take any more messages at this time. Goodbye.",
    "Welcome to the clinic. All our lines are busy at the moment. | Please stay on the line.",
    "Hi there, sorry I missed you, just leave a message and I will get back to you as soon as I can.",
    "The number you have dialled is not in service. Please check the number and dial again."};

struct greeting {
    int16_t *pcm;
    size_t n, cap;
};

static void add(struct greeting *g, const int16_t *pcm, size_t n)
{
    cr_assert(g->n + n <= g->cap);
    if (pcm)
        memcpy(g->pcm + g->n, pcm, n * sizeof *pcm);
    else
        memset(g->pcm + g->n, 0, n * sizeof *pcm);
    g->n += n;
}

static void quiet(struct greeting *g, uint32_t ms)
{
    add(g, NULL, (size_t)ms * 8);
}

static void tone(struct greeting *g, double hz, uint32_t ms)
{
    struct signal s = signal_new((size_t)ms * 8);
    signal_add_tone(&s, 0, s.n, hz, 8000);
    add(g, s.pcm, s.n);
    signal_free(&s);
}

static void speak(struct greeting *g, const char *text, float stretch)
{
    static cst_voice *voice;
    char part[256];
    if (!voice) {
        flite_init();
        voice = register_cmu_us_kal16(NULL);
    }
    flite_feat_set_float(voice->features, "duration_stretch", stretch);
    flite_feat_set_float(voice->features, "int_f0_target_mean", 80 + 60 * stretch);
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "|");
        snprintf(part, sizeof part, "%.*s", (int)n, at);
        cst_wave *wave = flite_text_to_wave(part, voice);
        struct vgw_resampler *r = NULL;
        cr_assert_eq(vgw_resampler_new((uint32_t)wave->sample_rate, 8000, &r, NULL), 0);
        size_t cap = vgw_resampler_out_max(r, (size_t)wave->num_samples), got = 0;
        int16_t *out = calloc(cap, sizeof *out);
        vgw_resampler_run(r, wave->samples, (size_t)wave->num_samples, out, cap, &got);
        add(g, out, got);
        free(out);
        vgw_resampler_free(r);
        delete_wave(wave);
        at += n;
        if (*at == '|') {
            quiet(g, 400);
            at++;
        }
    }
}

/* 60 s are room enough for all of them. */
static struct greeting greeting_new(void)
{
    struct greeting g = {.cap = 60 * 8000};
    g.pcm = calloc(g.cap, sizeof *g.pcm);
    cr_assert(g.pcm);
    return g;
}

/* The verdicts of all of it, through the telephone: at most two. */
static uint32_t judge(struct greeting *g, float noise_dbm0, const char *words, struct vgw_amd_verdict out[2])
{
    struct signal s = {g->pcm, g->n};
    struct vgw_amd a;
    uint32_t count = 0;
    if (noise_dbm0 < 0)
        signal_add_noise(&s, NOISE_PINK, noise_dbm0, 7);
    signal_companded(&s);
    vgw_amd_init(&a, NULL);
    for (size_t at = 0; at + VGW_VAD_FRAME <= g->n; at += VGW_VAD_FRAME) {
        if (words && at >= 8000)
            vgw_amd_words(&a, words);
        struct vgw_amd_verdict v = vgw_amd_run(&a, g->pcm + at);
        if (v.who == VGW_AMD_PENDING)
            continue;
        cr_assert(count < 2 && v.reason && v.confidence > 0 && v.confidence <= 1 && v.after_ms == (at / 160 + 1) * 20);
        out[count++] = v;
    }
    return count;
}

static const struct {
    const char *name;
    float noise_dbm0;
} lines[] = {{"clean", 0}, {"noise at -45 dBm0", -45}, {"noise at -38 dBm0", -38}};
static const float stretches[] = {0.85f, 1.0f, 1.25f};

static uint32_t right_of(const char *const *texts, size_t count, bool machine, float noise_dbm0, uint32_t *total)
{
    uint32_t right = 0;
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < sizeof stretches / sizeof *stretches; i++) {
            struct greeting g = greeting_new();
            struct vgw_amd_verdict v[2] = {{.who = VGW_AMD_PENDING}};
            quiet(&g, 600);
            speak(&g, texts[t], stretches[i]);
            if (machine && t % 2) {
                quiet(&g, 700);
                tone(&g, 1000, 400);
            }
            quiet(&g, 6000);
            (void)judge(&g, noise_dbm0, NULL, v);
            bool said = v[0].who == VGW_AMD_MACHINE || v[0].who == VGW_AMD_MACHINE_BEEP;
            right += machine ? said : v[0].who == VGW_AMD_HUMAN;
            (*total)++;
            free(g.pcm);
        }
    return right;
}

Test(media_amd, people_and_machines_are_told_apart)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        uint32_t people = 0, boxes = 0;
        uint32_t human = right_of(humans, sizeof humans / sizeof *humans, false, lines[i].noise_dbm0, &people);
        uint32_t machine = right_of(machines, sizeof machines / sizeof *machines, true, lines[i].noise_dbm0, &boxes);
        cr_log_info("%s: %u of %u people, %u of %u machines", lines[i].name, human, people, machine, boxes);
        cr_expect(human * 100 >= people * 90, "%s: %u of %u people", lines[i].name, human, people);
        cr_expect(machine * 100 >= boxes * 90, "%s: %u of %u machines", lines[i].name, machine, boxes);
    }
}

Test(media_amd, the_end_of_a_greeting_is_a_beep_or_silence)
{
    static const double beeps_hz[] = {425, 620, 1000, 1400, 1800};
    for (size_t i = 0; i <= sizeof beeps_hz / sizeof *beeps_hz; i++) {
        bool beep = i < sizeof beeps_hz / sizeof *beeps_hz;
        struct greeting g = greeting_new();
        struct vgw_amd_verdict v[2] = {{.who = VGW_AMD_PENDING}};
        quiet(&g, 400);
        speak(&g, machines[0], 1);
        size_t end_ms = g.n / 8;
        quiet(&g, 800);
        if (beep)
            tone(&g, beeps_hz[i], 300);
        quiet(&g, 6000);
        cr_assert_eq(judge(&g, -50, NULL, v), 2);
        cr_expect_eq(v[0].who, VGW_AMD_MACHINE);
        cr_expect_eq(v[1].who, beep ? VGW_AMD_MACHINE_BEEP : VGW_AMD_MACHINE_SILENCE, "%zu", i);
        cr_expect(v[1].after_ms > end_ms + (beep ? 1100 : 2000) && v[1].after_ms < end_ms + (beep ? 1500 : 4000),
                  "%u after %zu", v[1].after_ms, end_ms);
        free(g.pcm);
    }
}

Test(media_amd, words_tell_sooner)
{
    struct greeting g = greeting_new();
    struct vgw_amd_verdict v[2] = {{.who = VGW_AMD_PENDING}};
    quiet(&g, 300);
    speak(&g, machines[0], 1);
    quiet(&g, 5000);
    cr_assert(judge(&g, 0, "hi you have reached", v) >= 1);
    cr_expect(v[0].who == VGW_AMD_MACHINE && v[0].after_ms <= 1040 && v[0].confidence > 0.9f, "%u", v[0].after_ms);
    cr_assert(judge(&g, 0, "one two three four five six seven eight nine", v) >= 1);
    cr_expect(v[0].who == VGW_AMD_MACHINE && v[0].after_ms <= 1040, "%u", v[0].after_ms);
    free(g.pcm);
}

Test(media_amd, tones_silence_and_faxes)
{
    struct greeting g = greeting_new();
    struct vgw_amd_verdict v[2] = {{.who = VGW_AMD_PENDING}};
    quiet(&g, 8000);
    cr_assert_eq(judge(&g, -55, NULL, v), 1);
    cr_expect(v[0].who == VGW_AMD_UNKNOWN && v[0].after_ms == 5000);
    g.n = 0;
    quiet(&g, 500);
    tone(&g, 2100, 2600);
    quiet(&g, 1000);
    cr_assert_eq(judge(&g, -50, NULL, v), 1);
    cr_expect_eq(v[0].who, VGW_AMD_FAX);
    g.n = 0;
    quiet(&g, 500);
    tone(&g, 1000, 400); /* a beep alone: the greeting was over before we were connected */
    quiet(&g, 2000);
    cr_assert_eq(judge(&g, -50, NULL, v), 1);
    cr_expect_eq(v[0].who, VGW_AMD_MACHINE_BEEP);
    free(g.pcm);
}

Test(media_amd, a_voice_is_no_beep)
{
    struct signal s = signal_speech(200, 300, -18);
    struct vgw_amd a;
    struct vgw_amd_params p = vgw_amd_defaults();
    p.timeout_ms = 3600000;
    p.end_silence_ms = 3600000;
    vgw_amd_init(&a, &p);
    for (size_t at = 0; at + VGW_VAD_FRAME <= s.n; at += VGW_VAD_FRAME) {
        struct vgw_amd_verdict v = vgw_amd_run(&a, s.pcm + at);
        cr_assert_neq(v.who, VGW_AMD_MACHINE_BEEP, "at %zu ms", at / 8);
        cr_assert_neq(v.who, VGW_AMD_FAX, "at %zu ms", at / 8);
    }
    signal_free(&s);
}

Test(media_amd, names)
{
    cr_expect_str_eq(vgw_amd_name(VGW_AMD_HUMAN), "human");
    cr_expect_str_eq(vgw_amd_name(VGW_AMD_MACHINE), "machine_start");
    cr_expect_str_eq(vgw_amd_name(VGW_AMD_MACHINE_BEEP), "machine_end_beep");
}
