/* talk_storm.c - random conversations: whatever comes in whatever order, every operation completes once, every stream
 * closes once, the talk goes once, and nothing is left. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "talk_fake.h"

#ifndef SEEDS
#define SEEDS 600
#endif
#define STEPS 60

static bool chance(struct fake *f, uint64_t of)
{
    return vgw_rng_below(&f->rng, of) == 0;
}

static int64_t up_to(struct fake *f, int64_t us)
{
    return (int64_t)vgw_rng_below(&f->rng, (uint64_t)us);
}

/* Ill-behaved in ways that happen. */
static void engines_of(struct fake *f)
{
    static const char *const said[] = {"hello", "", "my", "I want a table", "uh-huh"};
    struct fake_engine *sets[] = {f->stt, f->tts, f->assistant};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < FAKE_ENGINES; i++) {
            struct fake_engine *e = &sets[k][i];
            e->said = said[vgw_rng_below(&f->rng, 5)];
            e->partial = said[vgw_rng_below(&f->rng, 5)];
            e->partial = e->partial[0] ? e->partial : NULL;
            e->final_us = up_to(f, 2 * S);
            e->no_final = chance(f, 8);
            e->fail_on_final = chance(f, 8);
            e->no_close = chance(f, 12);
            e->refuse_open = chance(f, 10);
            e->fail_on_speak = chance(f, 10);
            e->byte_us = up_to(f, 900 * MS);
            e->ms_a_char = 1 + (uint32_t)vgw_rng_below(&f->rng, 60);
            e->answer = chance(f, 6) ? NULL : "Very well. We have that for you, and more of it. Goodbye then!";
            e->answer_us = up_to(f, 3 * S);
            e->done_us = up_to(f, 2 * S);
            e->no_done = chance(f, 10);
            e->dtmf_takes = (int)vgw_rng_below(&f->rng, 3);
            e->action = chance(f, 3) ? "transfer" : NULL;
            e->own_ends = false;
        }
    f->assistant[0].audio_flags = chance(f, 6) ? 1 + (uint32_t)vgw_rng_below(&f->rng, 2) : 0;
    f->no_marks = chance(f, 6);
    f->no_detach = chance(f, 10);
    f->mark_us = up_to(f, 400 * MS);
    f->media.far_queue = !chance(f, 4);
    f->up_on_attach = chance(f, 3);
}

static void engine_trouble(struct fake *f)
{
    struct fake_engine *sets[] = {f->stt, f->tts, f->assistant};
    struct fake_engine *e = &sets[vgw_rng_below(&f->rng, 3)][vgw_rng_below(&f->rng, 2)];
    struct vgw_engine_message m = {
        .kind = VGW_MSG_ERROR, .status = VGW_ENETWORK, .flag = chance(f, 2), .text = (char[]){"trouble"}};
    if (e->last_handle)
        vgw_engine_post(e->last_handle, &m);
}

static void format_change(struct fake *f)
{
    static const struct {
        uint32_t encoding, rate;
    } to[] = {
        {VOICEGW_AUDIO_PCMU, 8000}, {VOICEGW_AUDIO_PCMA, 8000}, {VOICEGW_AUDIO_L16, 16000}, {VOICEGW_AUDIO_L16, 8000}};
    size_t i = vgw_rng_below(&f->rng, 4);
    struct voicegw_audio_format format = {sizeof format, to[i].encoding, to[i].rate, 20};
    f->encoding = format.encoding;
    f->rate = format.rate;
    vgw_leg_on_format(f->leg, &format);
}

static void command(struct fake *f, const char *wav)
{
    static const char *const says[] = {"{\"text\":\"One short text.\"}",
                                       "{\"text\":\"For you alone.\",\"sensitive\":true}",
                                       "{\"text\":\"This may not be cut. At all.\",\"interruptible\":false}",
                                       "{\"text\":\"Another voice.\",\"voice\":\"b\"}",
                                       "{\"text\":\"A third.\",\"voice\":\"c\",\"language\":\"de-DE\"}"};
    static const char *const gathers[] = {"{\"num_digits\":2,\"prompt\":\"Two digits please.\"}",
                                          "{\"timeout\":\"1s\"}", "{\"input\":\"speech\",\"phrases\":[\"yes\"]}",
                                          "{\"sensitive\":true,\"prompt\":\"Your card.\"}",
                                          "{\"timeout\":\"1s\",\"talk\":{\"no_input_prompt\":\"And?\",\"no_match_"
                                          "prompt\":\"What?\",\"barge_in\":false}}"};
    static const char *const cancels[] = {"say", "play", "gather"};
    static const char *const plain[] = {"hold",        "resume",       "mute",          "unmute",
                                        "record_stop", "record_pause", "record_resume", "nonsense"};
    char params[160];
    if (f->next_op + 2 >= FAKE_OPS)
        return;
    switch (vgw_rng_below(&f->rng, 9)) {
    case 0:
        fake_command(f, "say", says[vgw_rng_below(&f->rng, 5)]);
        break;
    case 1:
        snprintf(params, sizeof params, "{\"url\":\"%s\",\"loop\":%s}", chance(f, 4) ? "/tmp/none" : wav,
                 chance(f, 2) ? "true" : "false");
        fake_command(f, "play", params);
        break;
    case 2:
        fake_command(f, "gather", gathers[vgw_rng_below(&f->rng, 5)]);
        break;
    case 3:
        fake_command(f, "dtmf", "{\"digits\":\"12#\"}");
        break;
    case 4: {
        struct vgw_engine e;
        fake_engine_of(f, &f->assistant[vgw_rng_below(&f->rng, 3)], &e);
        struct vgw_json *params_of = NULL;
        if (chance(f, 3))
            cr_assert_eq(vgw_json_parse("{\"talk\":{\"min_words\":2}}", 24, &params_of, NULL), 0);
        cr_assert_eq(vgw_talk_command(f->talk, f->next_op++, "assistant", params_of, &e, NULL), 0);
        vgw_json_free(params_of);
        break;
    }
    case 6: /* of the last commands, whichever it was */
        snprintf(params, sizeof params, "{\"cancel\":%d}", (int)(f->next_op - 1 - vgw_rng_below(&f->rng, 3)));
        fake_command(f, cancels[vgw_rng_below(&f->rng, 3)], params);
        break;
    case 7:
        vgw_talk_digit(f->talk, "0123456789*#"[vgw_rng_below(&f->rng, 12)], 80, "callback");
        break;
    case 5:
        snprintf(params, sizeof params, "{\"path\":\"%s.%d\",\"recording_id\":\"r\"}", wav, (int)f->next_op);
        if (chance(f, 4)) {
            uint64_t op = fake_command(f, "record_start", params);
            (void)op;
        }
        break;
    default:
        fake_command(f, plain[vgw_rng_below(&f->rng, 8)], NULL);
        break;
    }
}

static void step(struct fake *f, const char *wav)
{
    switch (vgw_rng_below(&f->rng, 10)) {
    case 0:
    case 1:
        fake_speak(f, 100 + (uint32_t)vgw_rng_below(&f->rng, 2500));
        break;
    case 2:
        fake_silence(f);
        break;
    case 3:
        fake_digit(f, "0123456789*#"[vgw_rng_below(&f->rng, 12)]);
        break;
    case 4:
        if (chance(f, 3))
            engine_trouble(f);
        break;
    case 5:
        if (chance(f, 4))
            format_change(f);
        else if (chance(f, 3)) {
            f->busy_frames = 1;
            fake_run(f, up_to(f, 200 * MS));
            vgw_leg_on_writable(f->leg);
        }
        break;
    default:
        command(f, wav);
        break;
    }
    fake_run(f, chance(f, 3) ? up_to(f, 3 * S) : up_to(f, 300 * MS));
}

static void one(uint64_t seed, const char *wav)
{
    struct fake *f = fake_new(seed);
    engines_of(f);
    if (!chance(f, 20))
        fake_begin(f, (uint32_t)vgw_rng_below(&f->rng, 4), (uint32_t)vgw_rng_below(&f->rng, 4), !chance(f, 4),
                   chance(f, 2) ? "Welcome here." : NULL,
                   "{\"filler\":\"One moment.\",\"no_input_timeout\":\"2s\",\"no_input_prompt\":\"Are you "
                   "there?\",\"backchannels\":[\"uh-huh\"]}");
    int steps = (int)vgw_rng_below(&f->rng, STEPS);
    for (int i = 0; i < steps; i++)
        step(f, wav);
    fake_end(f);
    for (uint64_t op = 1; op < f->next_op; op++) {
        char path[200];
        snprintf(path, sizeof path, "%s.%d", wav, (int)op);
        unlink(path);
    }
    fake_free(f);
}

Test(talk_storm, every_operation_completes_once_every_stream_closes_once_and_nothing_is_left, .timeout = 300)
{
    char wav[64];
    const char *only = getenv("VOICEGW_TEST_SEED");
    snprintf(wav, sizeof wav, "/tmp/vgw-storm-%d.wav", (int)getpid());
    fake_wav(wav, 8000, 12005, 3000);
    vgw_log_set_level(VGW_LOG_ERROR);
    if (!getenv("VOICEGW_TEST_FIGURES"))
        vgw_log_open(VGW_LOG_TEXT, "/dev/null", VGW_LOG_ERROR, NULL);
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        one(only ? strtoull(only, NULL, 10) : seed, wav);
    unlink(wav);
}
