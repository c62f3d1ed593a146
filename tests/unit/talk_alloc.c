/* talk_alloc.c - every allocation of a conversation fails in turn: what it costs is a word, never the end: the leg goes
 * once, every engine is closed and given back once, no command completes twice and no name is left. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "loop/handle.h"
#include "talk_fake.h"

typedef void (*act_fn)(struct fake *f);

static void ended_whole(struct fake *f, long n)
{
    if (!f->gone)
        vgw_talk_end(f->talk);
    fake_run(f, 4 * S);
    cr_assert_eq(f->gone, 1, "allocation %ld", n);
    cr_assert_eq(f->attached, f->detached, "allocation %ld", n);
    for (uint64_t op = 1; op < f->next_op; op++)
        cr_assert_leq(f->ops_done[op], 1, "allocation %ld, op %d", n, (int)op);
    for (int i = 0; i < FAKE_ENGINES; i++) {
        cr_assert_eq(f->stt[i].opened, f->stt[i].closed, "allocation %ld", n);
        cr_assert_eq(f->tts[i].opened, f->tts[i].closed, "allocation %ld", n);
        cr_assert_eq(f->assistant[i].opened, f->assistant[i].closed, "allocation %ld", n);
    }
    cr_assert_eq(f->released, f->given, "allocation %ld: %d of %d engines given back", n, f->released, f->given);
    cr_assert_eq(f->low_epoch, 0, "allocation %ld", n);
    for (int kind = VGW_HANDLE_LEG; kind <= VGW_HANDLE_ASSISTANT; kind++)
        cr_assert_eq(vgw_handle_count((enum vgw_handle_kind)kind), 0, "allocation %ld, kind %d", n, kind);
}

static void sweep(act_fn before, act_fn act)
{
    vgw_log_set_level(VGW_LOG_ERROR);
    for (long n = 1; n < 5000; n++) {
        struct fake *f = fake_new(1);
        f->stt[0].said = "hello there";
        f->assistant[0].answer = "You said it, and I have heard every word of it.";
        if (before)
            before(f);
        vgw_alloc_fail_at(n);
        act(f);
        bool all = vgw_alloc_count() < n;
        vgw_alloc_fail_at(0);
        ended_whole(f, n);
        fake_free(f);
        if (all)
            return;
    }
    cr_assert_fail("the sweep did not come to its end");
}

static void begun(struct fake *f)
{
    fake_begin(f, 2, 2, true, "Hello.", "{\"no_input_timeout\":\"0s\",\"filler_after\":\"0s\"}");
    fake_run(f, 1 * S);
}

static void one_turn(struct fake *f)
{
    fake_speak(f, 600);
    fake_run(f, 3 * S);
}

Test(talk_alloc, a_turn)
{
    sweep(begun, one_turn);
}

static void in_mid_answer(struct fake *f)
{
    begun(f);
    fake_speak(f, 600);
    fake_run(f, 2500 * MS);
}

static void cut_in(struct fake *f)
{
    fake_speak(f, 800);
    fake_run(f, 1 * S);
}

Test(talk_alloc, a_caller_who_cuts_in)
{
    sweep(in_mid_answer, cut_in);
}

static const struct {
    const char *name, *params;
} rows[] = {{"say", "{\"text\":\"Please hold.\"}"},
            {"dtmf", "{\"digits\":\"12\"}"},
            {"record_start", "{\"recording_id\":\"rec_1\",\"path\":\"/tmp/voicegw-talk-alloc.wav\"}"},
            {"hold", NULL},
            {"resume", NULL},
            {"mute", NULL},
            {"unmute", NULL},
            {"record_stop", NULL},
            {"gather", "{\"num_digits\":2}"}};
#define ROWS (sizeof rows / sizeof rows[0])
static struct vgw_json *params[ROWS];

static void commands(struct fake *f)
{
    (void)unlink("/tmp/voicegw-talk-alloc.wav");
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t op = f->next_op++;
        int rc = vgw_talk_command(f->talk, op, rows[i].name, params[i], NULL, NULL);
        cr_assert(rc == 0 || rc == VGW_ELIMIT, "%s: %d", rows[i].name, rc);
        fake_run(f, 100 * MS);
    }
    fake_digit(f, '4');
    fake_digit(f, '2');
    fake_run(f, 1 * S);
}

Test(talk_alloc, commands)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].params)
            cr_assert_eq(vgw_json_parse(rows[i].params, strlen(rows[i].params), &params[i], NULL), 0);
    sweep(begun, commands);
    for (size_t i = 0; i < ROWS; i++)
        vgw_json_free(params[i]);
}

static void end(struct fake *f)
{
    vgw_talk_end(f->talk);
    fake_run(f, 4 * S);
}

Test(talk_alloc, the_end_itself_in_mid_answer)
{
    sweep(in_mid_answer, end);
}
