/* talk_deaf.c - a call whose recognizers all fail: what the caller is told, when they are tried again, and the end. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/metric.h"
#include "talk_fake.h"

static const char quiet[] = "{\"no_input_timeout\":0}"; /* a caller who is silent is no news here */

static struct fake *ready(uint64_t seed)
{
    struct fake *f = fake_new(seed);
    for (int i = 0; i < FAKE_ENGINES; i++) {
        f->stt[i].said = "two rooms please";
        f->assistant[i].answer = "Good morning to you.";
    }
    return f;
}

static void over(struct fake *f)
{
    fake_end(f);
    fake_free(f);
}

static double deaf_calls(void)
{
    return vgw_metric_value(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_deaf_calls", "", NULL), NULL, NULL, NULL);
}

static double reopens(const char *result)
{
    return vgw_metric_value(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_stt_reopens_total", "", "result"), result,
                            NULL, NULL);
}

static void breaks(struct fake *f, int i)
{
    struct vgw_engine_message m = {.kind = VGW_MSG_ERROR, .flag = 1, .status = VGW_ENETWORK, .text = (char *)"cut"};
    f->stt[i].refuse_open = true;
    vgw_engine_post(f->stt[i].last_handle, &m);
}

Test(talk_deaf, after_the_last_the_first_is_opened_again_and_hears_what_was_said_meanwhile)
{
    for (uint32_t engines = 1; engines <= 2; engines++) {
        struct fake *f = ready(engines);
        fake_begin(f, engines, 1, true, NULL, "{\"no_input_timeout\":0,\"deaf_prompt\":\"I cannot hear you.\"}");
        fake_run(f, 1 * S);
        f->stt[1].refuse_open = true;
        breaks(f, 0);
        fake_run(f, 2 * S);
        cr_assert_eq(deaf_calls(), 1);
        const struct fake_note *n = fake_note(f, "event", "voice.stt.deaf", 0);
        cr_assert_str_eq(fake_text(n, "engine"), "stt0");
        cr_assert_eq(vgw_json_get_double(n->json, "timeout", 0), 30);
        cr_assert_str_eq(f->tts[0].spoken, "I cannot hear you.");
        fake_speak(f, 1500); /* into deaf ears */
        fake_run(f, 4 * S);
        cr_assert_eq(f->assistant[0].turns, 1);
        f->stt[0].refuse_open = false;
        fake_run(f, 6 * S);
        cr_assert_eq(f->assistant[0].turns, 2, "%u", engines);
        cr_assert_str_eq(f->assistant[0].turn_text[1], "two rooms please");
        cr_assert_geq(f->stt[0].pushed, 1400u * 8, "all of it: %d", (int)f->stt[0].pushed);
        cr_assert_eq(fake_count(f, "event", "voice.stt.restored"), 1);
        cr_assert_str_eq(fake_text(fake_note(f, "event", "voice.stt.restored", 0), "engine"), "stt0");
        cr_assert_eq(deaf_calls(), 0);
        fake_speak(f, 900);
        fake_run(f, 40 * S);
        cr_assert_eq(f->assistant[0].turns, 3);
        cr_assert_eq(f->losts, 0);
        over(f);
    }
}

Test(talk_deaf, a_call_that_is_deaf_from_the_beginning_is_told_too)
{
    struct fake *f = ready(3);
    f->stt[0].refuse_open = f->stt[1].refuse_open = true;
    fake_begin(f, 2, 1, true, NULL, quiet);
    cr_assert_eq(fake_count(f, "event", "voice.stt.deaf"), 1);
    fake_run(f, 2 * S);
    f->stt[1].refuse_open = false;
    fake_run(f, 20 * S);
    cr_assert_str_eq(fake_text(fake_note(f, "event", "voice.stt.restored", 0), "engine"), "stt1",
                     "silence is no failure");
    fake_speak(f, 900);
    fake_run(f, 4 * S);
    cr_assert_eq(f->assistant[0].turns, 2);
    over(f);
}

Test(talk_deaf, tries_come_later_and_later_and_the_call_ends_at_its_limit)
{
    double before = reopens("failed");
    struct fake *f = ready(4);
    f->stt[0].refuse_open = true;
    fake_begin(f, 1, 1, true, NULL, quiet);
    fake_run(f, 29 * S);
    cr_assert_eq(reopens("failed") - before, 4, "after 1, 3, 7 and 15 s, not %g", reopens("failed") - before);
    cr_assert_eq(f->losts, 0);
    fake_run(f, 2 * S);
    cr_assert_eq(reopens("failed") - before, 5, "and once more before the end");
    cr_assert_eq(f->losts, 1);
    cr_assert_str_eq(fake_note(f, "lost", NULL, 0)->type, "no recognizer could be reached for longer than ");
    over(f);
    cr_assert_eq(deaf_calls(), 0);
}

Test(talk_deaf, a_breaker_that_is_open_is_left_alone_but_for_the_try_before_the_end)
{
    struct vgw_engine_health *h = vgw_engine_health_new("stt", "stt0");
    struct fake *f = ready(5);
    f->stt[0].health = h;
    f->stt[0].breaks_us = 200 * MS;
    fake_begin(f, 1, 1, true, NULL, "{\"no_input_timeout\":0,\"deaf_timeout\":\"9s\"}");
    fake_run(f, 8 * S);
    cr_assert_eq(f->stt[0].opened, 3, "twice at once, once a second later: then it rests, not %d", f->stt[0].opened);
    fake_run(f, 11 * S);
    cr_assert_eq(f->losts, 1);
    cr_assert_leq(f->stt[0].opened, 5);
    over(f);
    vgw_engine_health_free(h);
}

Test(talk_deaf, an_engine_that_breaks_as_soon_as_it_is_open_counts_as_none)
{
    struct fake *f = ready(6);
    f->stt[0].breaks_us = f->stt[1].breaks_us = 500 * MS;
    fake_begin(f, 2, 1, true, NULL, "{\"no_input_timeout\":0,\"deaf_timeout\":\"20s\",\"deaf_prompt\":\"Sorry.\"}");
    fake_run(f, 19 * S);
    cr_assert_lt(f->stt[0].opened + f->stt[1].opened, 9);
    cr_assert_eq(fake_count(f, "event", "voice.stt.deaf"), 1, "told once");
    cr_assert_eq(fake_count(f, "event", "voice.stt.restored"), 0);
    cr_assert_str_eq(f->tts[0].spoken, "Sorry.");
    fake_run(f, 15 * S);
    cr_assert_eq(f->losts, 1);
    over(f);
}

Test(talk_deaf, keys_keep_a_call_and_one_that_only_listens_is_never_ended)
{
    for (int keys = 0; keys < 2; keys++) {
        struct fake *f = ready(7);
        f->stt[0].refuse_open = true;
        fake_begin(f, 1, 1, keys, NULL, quiet);
        for (int i = 0; i < 6; i++) {
            fake_run(f, 20 * S);
            if (keys)
                fake_digit(f, '1');
        }
        cr_assert_eq(f->losts, 0);
        over(f);
    }
}

Test(talk_deaf, the_next_recognizer_is_told_what_the_step_expects)
{
    struct fake *f = ready(8);
    fake_begin(f, 2, 1, false, NULL, quiet);
    fake_run(f, 1 * S);
    uint64_t op = fake_command(f, "gather", "{\"phrases\":[\"yes\",\"no\"],\"input\":\"speech\",\"timeout\":\"30s\"}");
    breaks(f, 0);
    fake_run(f, 1 * S);
    cr_assert_not_null(strstr(f->stt[1].hints, "yes"), "%s", f->stt[1].hints);
    fake_speak(f, 900);
    fake_run(f, 4 * S);
    cr_assert_str_eq(vgw_json_get_string(fake_done(f, op)->json, "text", ""), "two rooms please");
    over(f);
}

/* ---- text that comes while the final is awaited ---- */

Test(talk_late, what_is_streamed_after_the_end_of_speech_is_told_and_stands_in_for_a_final_that_never_comes)
{
    struct fake *f = ready(9);
    f->stt[0].partial = "two";
    f->stt[0].tail = "two rooms please";
    f->stt[0].final_us = 200 * MS;
    f->stt[0].no_final = true;
    fake_begin(f, 1, 1, true, NULL, quiet);
    fake_run(f, 1 * S);
    fake_speak(f, 900);
    fake_run(f, 8 * S);
    cr_assert_eq(f->assistant[0].turns, 2);
    cr_assert_str_eq(f->assistant[0].turn_text[1], "two rooms please");
    cr_assert_str_eq(fake_text(fake_note(f, "event", "voice.stt.partial", -1), "text"), "two rooms please");
    over(f);
}

Test(talk_late, a_final_says_what_counts_and_what_comes_behind_it_is_nothing)
{
    struct fake *f = ready(10);
    f->stt[0].partial = "to";
    f->stt[0].tail = "to rooms";
    f->stt[0].final_us = 200 * MS;
    fake_begin(f, 1, 1, true, NULL, quiet);
    fake_run(f, 1 * S);
    fake_speak(f, 900);
    fake_run(f, 3 * S);
    cr_assert_str_eq(f->assistant[0].turn_text[1], "two rooms please");
    size_t partials = fake_count(f, "event", "voice.stt.partial");
    struct vgw_engine_message m = {.kind = VGW_MSG_RESULT, .utterance = 1, .text = (char *)"more of it", .number = -1};
    vgw_engine_post(f->stt[0].last_handle, &m);
    fake_run(f, 3 * S);
    cr_assert_eq(fake_count(f, "event", "voice.stt.partial"), partials);
    cr_assert_eq(f->assistant[0].turns, 2);
    over(f);
}

Test(talk_late, what_came_before_a_pause_is_kept_though_its_final_never_comes)
{
    for (int silent = 0; silent < 2; silent++) { /* the second utterance has a final, or none either */
        struct fake *f = ready(11);
        f->stt[0].tail = "two rooms";
        f->stt[0].final_us = 400 * MS;
        f->stt[0].no_final = true;
        fake_begin(f, 1, 1, true, NULL, quiet);
        fake_run(f, 1 * S);
        fake_speak(f, 900);
        fake_run(f, 900 * MS + 1100 * MS);
        cr_assert_eq(f->stt[0].finalized, 1);
        fake_speak(f, silent ? 6000 : 900); /* the caller goes on */
        f->stt[0].tail = silent ? "for three nights" : NULL;
        f->stt[0].said = "for three nights";
        f->stt[0].no_final = silent;
        fake_run(f, 20 * S);
        cr_assert_eq(f->assistant[0].turns, 2, "%d: %d turns", silent, f->assistant[0].turns);
        cr_assert_str_eq(f->assistant[0].turn_text[1], "two rooms for three nights", "%d", silent);
        over(f);
    }
}
