/* talk_failover.c - engines that stall or break in mid-turn: what the caller hears meanwhile, and who goes on. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/metric.h"
#include "talk/words.h"
#include "talk_fake.h"

static struct fake *ready(uint64_t seed)
{
    struct fake *f = fake_new(seed);
    for (int i = 0; i < FAKE_ENGINES; i++) {
        f->stt[i].failover_us = f->tts[i].failover_us = f->assistant[i].failover_us = 3 * S;
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

static const char filler[] = "{\"filler\":\"One moment.\",\"filler_after\":\"1500ms\"}";

/* When something with this text was given to a voice of ours, told by the event of its being heard. */
static const struct fake_note *heard(const struct fake *f, const char *text)
{
    for (int i = 0; i < (int)fake_count(f, "event", "voice.assistant.text"); i++)
        if (strcmp(fake_text(fake_note(f, "event", "voice.assistant.text", i), "text"), text) == 0)
            return fake_note(f, "event", "voice.assistant.text", i);
    return NULL;
}

Test(talk_failover, a_recognizer_that_stalls_is_bridged_by_the_filler_and_the_next_hears_all_of_it)
{
    for (int own_ends = 0; own_ends < 2; own_ends++) {
        struct fake *f = ready(1);
        f->stt[0].no_final = true;
        f->stt[0].own_ends = own_ends;
        fake_begin(f, 2, 1, true, NULL, filler);
        fake_run(f, 1 * S);
        fake_speak(f, 1500);
        fake_run(f, 1500 * MS + 700 * MS + 1700 * MS);
        cr_assert_str_eq(f->tts[0].spoken, "One moment.", "after 1.5 s of waiting");
        cr_assert_eq(f->assistant[0].turns, 1);
        fake_run(f, 2 * S);
        cr_assert_eq(f->assistant[0].turns, 2, "the second has understood it");
        cr_assert_str_eq(f->assistant[0].turn_text[1], "two rooms please");
        cr_assert_geq(f->stt[1].pushed, 1400u * 8, "from its beginning: %d", (int)f->stt[1].pushed);
        const struct fake_note *n = fake_note(f, "event", "voice.engine.failover", 0);
        cr_assert_str_eq(fake_text(n, "kind"), "stt");
        cr_assert_str_eq(fake_text(n, "from"), "stt0");
        cr_assert_str_eq(fake_text(n, "to"), "stt1");
        fake_run(f, 4 * S);
        cr_assert_not_null(heard(f, "Good morning to you."));
        fake_speak(f, 900);
        fake_run(f, 6 * S);
        cr_assert_eq(f->assistant[0].turns, 3, "it stays with the second");
        cr_assert_eq(fake_count(f, "event", "voice.engine.failover"), 1);
        over(f);
    }
}

Test(talk_failover, when_no_recognizer_answers_the_turn_is_what_was_heard_so_far)
{
    struct fake *f = ready(2);
    f->stt[0].no_final = f->stt[1].no_final = true;
    f->stt[0].partial = "two rooms";
    fake_begin(f, 2, 1, true, NULL, NULL);
    fake_run(f, 1 * S);
    fake_speak(f, 900);
    fake_run(f, 12 * S);
    cr_assert_eq(f->assistant[0].turns, 2);
    cr_assert_str_eq(f->assistant[0].turn_text[1], "two rooms");
    over(f);
}

Test(talk_failover, a_recognizer_that_breaks_while_the_caller_speaks_leaves_no_gap)
{
    struct fake *f = ready(3);
    fake_begin(f, 2, 1, true, NULL, NULL);
    fake_run(f, 1 * S);
    fake_speak(f, 2500);
    fake_run(f, 1500 * MS);
    struct vgw_engine_message m = {.kind = VGW_MSG_ERROR, .flag = 1, .status = VGW_ENETWORK, .text = (char *)"cut"};
    vgw_engine_post(f->stt[0].last_handle, &m);
    fake_run(f, 4 * S);
    cr_assert_geq(f->stt[1].pushed, 2400u * 8);
    cr_assert_str_eq(f->assistant[0].turn_text[1], "two rooms please");
    over(f);
}

Test(talk_failover, a_voice_that_gives_nothing_is_bridged_by_another_and_replaced_by_it)
{
    struct fake *f = ready(4);
    f->tts[0].mute_voice = true;
    fake_begin(f, 1, 2, true, NULL, filler);
    fake_run(f, 1 * S);
    fake_speak(f, 900);
    fake_run(f, 900 * MS + 700 * MS + 100 * MS + 200 * MS + 1700 * MS);
    cr_assert_str_eq(f->tts[1].spoken, "One moment.", "said by the voice that is not stuck");
    fake_run(f, 6 * S);
    cr_assert_not_null(heard(f, "One moment."));
    cr_assert_not_null(heard(f, "Good morning to you."));
    cr_assert_str_eq(fake_text(fake_note(f, "event", "voice.engine.failover", 0), "kind"), "tts");
    uint64_t op = fake_command(f, "say", "{\"text\":\"And more.\"}");
    fake_run(f, 3 * S);
    cr_assert_eq(fake_done(f, op)->status, 0);
    cr_assert_null(strstr(f->tts[0].spoken, "And more."), "what failed is not asked again at once");
    over(f);
}

Test(talk_failover, a_voice_that_falls_silent_in_mid_sentence_is_continued_by_the_next)
{
    struct fake *f = ready(5);
    f->tts[0].falls_silent = 1300;
    fake_begin(f, 1, 2, false, NULL, NULL);
    fake_run(f, 1 * S);
    uint64_t op = fake_command(f, "say", "{\"text\":\"Your room is on the third floor with a view of the sea.\"}");
    fake_run(f, 12 * S);
    cr_assert_eq(fake_done(f, op)->status, 0);
    size_t n = strlen(f->tts[1].spoken);
    const char *whole = "Your room is on the third floor with a view of the sea.";
    cr_assert(n > 10 && n < strlen(whole), "%s", f->tts[1].spoken);
    cr_assert_str_eq(f->tts[1].spoken, whole + strlen(whole) - n, "from where the first fell silent");
    over(f);
}

Test(talk_failover, one_voice_alone_is_given_half_a_minute_and_the_call_goes_on)
{
    struct fake *f = ready(6);
    f->tts[0].mute_voice = true;
    fake_begin(f, 1, 1, true, NULL, NULL);
    fake_run(f, 1 * S);
    uint64_t op = fake_command(f, "say", "{\"text\":\"Hello.\"}");
    fake_run(f, 29 * S);
    cr_assert_null(fake_done(f, op));
    fake_run(f, 3 * S);
    cr_assert_lt(fake_done(f, op)->status, 0);
    f->tts[0].mute_voice = false;
    op = fake_command(f, "say", "{\"text\":\"Hello.\"}");
    fake_run(f, 3 * S);
    cr_assert_eq(fake_done(f, op)->status, 0);
    over(f);
}

Test(talk_failover, an_assistant_that_stalls_is_bridged_and_another_answers_the_same_turn)
{
    struct fake *f = ready(7);
    f->stand_ins = 1;
    f->assistant[0].no_answer = true;
    f->assistant[1].answer = "This is the other one.";
    fake_begin(f, 1, 1, true, "Welcome.", filler);
    fake_run(f, 3 * S);
    fake_speak(f, 900);
    fake_run(f, 900 * MS + 700 * MS + 100 * MS + 1700 * MS);
    cr_assert_not_null(strstr(f->tts[0].spoken, "One moment."));
    fake_run(f, 6 * S);
    cr_assert_str_eq(f->assistant[1].turn_text[0], "two rooms please");
    cr_assert_not_null(strstr(f->assistant[1].history, "Welcome."), "%s", f->assistant[1].history);
    cr_assert_not_null(heard(f, "This is the other one."));
    cr_assert_eq(fake_count(f, "action", "end"), 0);
    fake_speak(f, 900);
    fake_run(f, 6 * S);
    cr_assert_eq(f->assistant[1].turns, 2);
    cr_assert_eq(f->assistant[0].turns, 2, "start and the turn that it left open");
    over(f);
}

Test(talk_failover, an_assistant_that_fails_or_breaks_hands_its_turn_on_at_once)
{
    for (int breaks = 0; breaks < 2; breaks++) {
        struct fake *f = ready(8);
        f->stand_ins = 2;
        f->assistant[0].turn_fails = breaks ? 0 : VGW_EPROVIDER;
        f->assistant[0].no_answer = breaks;
        f->assistant[1].refuse_open = true;
        fake_begin(f, 1, 1, true, NULL, NULL);
        fake_run(f, 1 * S);
        fake_speak(f, 900);
        fake_run(f, 2200 * MS);
        struct vgw_engine_message m = {.kind = VGW_MSG_ERROR, .flag = 1, .status = VGW_ENETWORK};
        if (breaks)
            vgw_engine_post(f->assistant[0].last_handle, &m);
        fake_run(f, 5 * S);
        cr_assert_str_eq(f->assistant[2].turn_text[0], "two rooms please");
        cr_assert_eq(fake_count(f, "action", "end"), 0);
        cr_assert_not_null(heard(f, "Good morning to you."));
        over(f);
    }
}

Test(talk_failover, what_a_tool_may_have_done_already_is_not_asked_for_twice)
{
    struct fake *f = ready(9);
    f->stand_ins = 1;
    f->assistant[0].no_answer = true;
    fake_begin(f, 1, 1, true, NULL, NULL);
    fake_run(f, 1 * S);
    fake_speak(f, 900);
    fake_run(f, 2 * S);
    struct vgw_engine_message m = {
        .kind = VGW_MSG_TOOL, .utterance = f->assistant[0].last_turn, .a = 1, .text = (char *)"book"};
    vgw_engine_post(f->assistant[0].last_handle, &m);
    fake_run(f, 10 * S);
    cr_assert_eq(f->assistant[1].turns, 0, "a tool takes its time");
    cr_assert_eq(vgw_talk_tool_result(f->talk, f->assistant[0].last_handle, 1, 0, NULL), 0);
    fake_run(f, 5 * S);
    cr_assert_eq(f->assistant[1].turns, 1);
    cr_assert_eq(f->assistant[1].turn_flags[0], VOICEGW_TURN_NO_MATCH, "the caller is asked what is wanted now");
    over(f);
}

Test(talk_failover, an_engine_that_failed_for_others_is_not_tried_first_and_is_tried_again_later)
{
    struct vgw_engine_health *h = vgw_engine_health_new("stt", "stt0");
    for (int i = 0; i < VGW_ENGINE_FAILURES; i++)
        vgw_engine_health_report(h, true, 0);
    for (int later = 0; later < 2; later++) {
        struct fake *f = ready(10);
        f->stt[0].health = h;
        fake_run(f, later ? 11 * S : 1 * S);
        fake_begin(f, 2, 1, true, NULL, NULL);
        fake_run(f, 1 * S);
        cr_assert_eq(f->stt[0].opened, later);
        cr_assert_eq(f->stt[1].opened, !later);
        fake_speak(f, 900);
        fake_run(f, 4 * S);
        cr_assert_eq(f->assistant[0].turns, 2);
        over(f);
    }
    cr_assert(vgw_engine_health_take(h, 0), "it has worked again");
    vgw_engine_health_free(h);
    struct vgw_engine_health *all = vgw_engine_health_new("stt", "x");
    for (int i = 0; i < VGW_ENGINE_FAILURES; i++)
        vgw_engine_health_report(all, true, 0);
    struct fake *f = ready(11);
    f->stt[0].health = all;
    fake_begin(f, 1, 1, true, NULL, NULL);
    cr_assert_eq(f->stt[0].opened, 1, "one that rests is better than none");
    over(f);
    vgw_engine_health_free(all);
}

Test(talk_failover, a_shadow_hears_the_same_and_only_counts)
{
    struct fake *f = ready(12);
    f->shadow = true;
    f->stt[2].said = "two brooms please now";
    f->stt[2].final_us = 400 * MS;
    fake_begin(f, 1, 1, true, NULL, NULL);
    fake_run(f, 1 * S);
    fake_speak(f, 1500);
    fake_run(f, 8 * S);
    cr_assert_eq(f->stt[2].pushed, f->stt[0].pushed);
    cr_assert_eq(f->assistant[0].turns, 2);
    cr_assert_eq(fake_count(f, "event", "voice.stt.final"), 1);
    struct vgw_metric *words = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_shadow_words_total", "", "engine"),
                      *errors = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_shadow_word_errors_total", "", "engine");
    cr_assert_eq(vgw_metric_value(words, "stt2", NULL, NULL), 3);
    cr_assert_eq(vgw_metric_value(errors, "stt2", NULL, NULL), 2);
    struct vgw_engine_message m = {.kind = VGW_MSG_ERROR, .flag = 1, .status = VGW_ENETWORK};
    vgw_engine_post(f->stt[2].last_handle, &m);
    fake_speak(f, 900);
    fake_run(f, 8 * S);
    cr_assert_eq(f->assistant[0].turns, 3, "its trouble is nobody's");
    cr_assert_eq(fake_count(f, "event", "error"), 0);
    over(f);
}

Test(talk_failover, a_shadow_hears_nothing_that_is_sensitive)
{
    struct fake *f = ready(13);
    f->shadow = true;
    fake_begin(f, 1, 1, false, NULL, NULL);
    fake_run(f, 1 * S);
    uint64_t op = fake_command(f, "gather", "{\"sensitive\":true,\"input\":\"speech\"}");
    fake_speak(f, 1500);
    fake_run(f, 6 * S);
    cr_assert_eq(fake_done(f, op)->status, 0);
    cr_assert_gt(f->stt[0].pushed, 0u);
    cr_assert_eq(f->stt[2].pushed, 0u);
    cr_assert_eq(f->stt[2].finalized, 0);
    over(f);
}

Test(talk_failover, a_stand_in_is_not_told_what_was_sensitive)
{
    struct fake *f = ready(14);
    f->stand_ins = 1;
    f->stt[0].says[0] = "four one one one";
    f->stt[0].says[1] = "two rooms please";
    fake_begin(f, 1, 1, true, NULL, NULL);
    fake_run(f, 1 * S);
    uint64_t op = fake_command(f, "gather", "{\"sensitive\":true}");
    fake_speak(f, 1500);
    fake_run(f, 6 * S);
    cr_assert_str_eq(vgw_json_get_string(fake_done(f, op)->json, "text", ""), "four one one one");
    f->assistant[0].turn_fails = VGW_EPROVIDER;
    fake_speak(f, 900);
    fake_run(f, 6 * S);
    cr_assert_eq(f->assistant[1].turns, 1);
    cr_assert_not_null(strstr(f->assistant[1].history, "***"), "%s", f->assistant[1].history);
    cr_assert_null(strstr(f->assistant[1].history, "four"), "%s", f->assistant[1].history);
    over(f);
}

Test(talk_words, the_distance_counts_words_that_differ)
{
    static const struct {
        const char *a, *b;
        uint32_t distance, words;
    } rows[] = {{"", "", 0, 0},
                {"a room", "a room", 0, 2},
                {"A room, please!", "a room please", 0, 3},
                {"a room please", "the room", 2, 3},
                {"", "one two", 2, 0},
                {"one two three four", "one three four five", 2, 4},
                {"caf\xc3\xa9 at nine", "cafe at nine", 1, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t words = 99;
        cr_assert_eq(vgw_words_distance(rows[i].a, rows[i].b, &words), rows[i].distance, "%s | %s", rows[i].a,
                     rows[i].b);
        cr_assert_eq(words, rows[i].words);
    }
    char many[2000] = "";
    for (int i = 0; i < 400; i++)
        memcpy(many + 2 * i, "w ", 3);
    cr_assert_eq(vgw_words_distance(many, "", NULL), VGW_WORDS_MAX);
}
