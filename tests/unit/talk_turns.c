/* talk_turns.c - turns: their stages and times, their ends, barge-in, silence, and engines that fail. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "talk_fake.h"

static struct fake *begun(const char *talk)
{
    struct fake *f = fake_new(1);
    f->stt[0].said = "hello there";
    f->assistant[0].answer = "Good morning to you. How may I help you today?";
    f->assistant[0].done_us = 10 * MS;
    fake_begin(f, 1, 1, true, NULL, talk);
    fake_run(f, 1 * S);
    return f;
}

static void over(struct fake *f)
{
    fake_end(f);
    fake_free(f);
}

static double stage(const struct fake_note *n, const char *name)
{
    return vgw_json_get_double(vgw_json_get(n->json, "stages"), name, -1);
}

Test(talk_turns, a_turn_goes_from_speech_to_speech_and_tells_the_time_of_each_stage)
{
    struct fake *f = begun(NULL);
    fake_speak(f, 1200);
    fake_run(f, 8 * S);
    cr_assert_eq(fake_count(f, "event", "speech_detected"), 1);
    cr_assert_str_eq(fake_text(fake_note(f, "event", "voice.stt.final", 0), "text"), "hello there");
    cr_assert_eq(f->assistant[0].turns, 2, "start, and what was said");
    cr_assert_str_eq(f->assistant[0].turn_text[1], "hello there");
    const struct fake_note *n = fake_note(f, "event", "voice.assistant.text", 0);
    cr_assert_str_eq(fake_text(n, "text"), f->assistant[0].answer);
    cr_assert_float_eq(stage(n, "final"), 800, 25, "700 ms of silence and 100 ms of recognition: %f",
                       stage(n, "final"));
    cr_assert_float_eq(stage(n, "first_text"), 1000, 25);
    cr_assert_float_eq(stage(n, "tts_first_byte"), 1080, 30);
    cr_assert_float_eq(stage(n, "first_frame"), 1080, 50);
    cr_assert_gt(stage(n, "heard"), stage(n, "first_frame") + 2000);
    cr_assert_float_eq(vgw_json_get_double(n->json, "latency_ms", -1), stage(n, "first_frame"), 0.01);
    cr_assert_eq(fake_count(f, "turn", "user"), 1);
    cr_assert_eq(fake_count(f, "turn", "assistant"), 1);
    cr_assert_not(vgw_json_get_bool(fake_note(f, "turn", "assistant", 0)->json, "interrupted", true));
    cr_assert_eq(f->ups, 1);
    over(f);
    return;
}

Test(talk_turns, a_pause_within_the_silence_is_no_end_and_a_longer_one_is)
{
    struct fake *f = begun(NULL);
    fake_speak(f, 800);
    fake_run(f, 1200 * MS);
    fake_speak(f, 800);
    fake_run(f, 6 * S);
    cr_assert_eq(f->assistant[0].turns, 2);
    cr_assert_eq(f->stt[0].finalized, 1);
    over(f);
}

Test(talk_turns, who_stops_at_my_is_given_longer)
{
    for (int unfinished = 0; unfinished < 2; unfinished++) {
        struct fake *f = begun(NULL);
        f->stt[0].partial = unfinished ? "this is my" : "this is it";
        fake_speak(f, 1000);
        fake_run(f, 1000 * MS + 1200 * MS);
        cr_assert_eq(f->stt[0].finalized, unfinished ? 0 : 1);
        fake_run(f, 1 * S);
        cr_assert_eq(f->stt[0].finalized, 1);
        over(f);
    }
}

Test(talk_turns, who_goes_on_before_the_final_came_is_heard_as_one)
{
    struct fake *f = begun(NULL);
    f->stt[0].final_us = 1500 * MS;
    f->stt[0].says[0] = "I would like";
    f->stt[0].says[1] = "a room";
    fake_speak(f, 800);
    fake_run(f, 1800 * MS); /* the first is being recognised */
    fake_speak(f, 1500);
    fake_run(f, 8 * S);
    cr_assert_eq(f->assistant[0].turns, 2);
    cr_assert_str_eq(f->assistant[0].turn_text[1], "I would like a room");
    over(f);
}

/* Speaks into the answer, 600 ms after it began. */
static void cut_in(struct fake *f, uint32_t ms)
{
    fake_speak(f, 1000);
    fake_run(f, 1000 * MS + 1080 * MS + 600 * MS);
    cr_assert_gt(f->loud, 10, "we are speaking");
    fake_speak(f, ms);
}

Test(talk_turns, a_caller_who_cuts_in_is_given_the_word_and_what_was_heard_is_what_stays)
{
    struct fake *f = begun(NULL);
    cut_in(f, 1200);
    int64_t began = vgw_driver_now(f->d);
    fake_run(f, 1 * S);
    cr_assert_eq(f->clears, 1);
    cr_assert_lt(f->last_loud_us - began, 420 * MS, "silence on the line %d ms after he began",
                 (int)((f->last_loud_us - began) / MS));
    const struct fake_note *n = fake_note(f, "event", "voice.assistant.interrupted", 0);
    const char *heard = fake_text(n, "heard_text");
    cr_assert_eq(vgw_json_get_int(n->json, "turn", 0), 2);
    cr_assert_eq(strncmp(heard, f->assistant[0].answer, strlen(heard)), 0);
    cr_assert_gt(strlen(heard), 5);
    cr_assert_lt(strlen(heard), 25, "%s", heard);
    cr_assert_float_eq((double)vgw_json_get_int(n->json, "heard_ms", 0), 850, 250);
    cr_assert_str_eq(fake_text(fake_note(f, "turn", "assistant", 0), "content"), heard);
    cr_assert(vgw_json_get_bool(fake_note(f, "turn", "assistant", 0)->json, "interrupted", false));
    cr_assert_eq(fake_count(f, "event", "voice.assistant.text"), 0, "it was not heard");
    cr_assert_str_eq(f->assistant[0].interrupted, heard);
    cr_assert_gt(f->tts[0].cancelled, 0);
    fake_run(f, 10 * S);
    cr_assert_eq(f->assistant[0].turns, 3, "what he cut in with is his turn");
    cr_assert_eq(fake_count(f, "event", "voice.assistant.text"), 1);
    over(f);
}

Test(talk_turns, the_rest_of_an_answer_that_was_cut_is_not_spoken_and_a_word_after_it_is_done_is)
{
    struct fake *f = begun(NULL);
    f->assistant[0].done_us = 20 * S;
    cut_in(f, 600);
    f->stt[0].said = "";
    fake_run(f, 1 * S);
    size_t spoken = strlen(f->tts[0].spoken);
    struct vgw_engine_message m = {
        .kind = VGW_MSG_DELTA, .utterance = f->assistant[0].last_turn, .text = (char[]){"And more. "}};
    vgw_engine_post(f->assistant[0].last_handle, &m);
    fake_run(f, 100 * MS);
    cr_assert_eq(strlen(f->tts[0].spoken), spoken, "void");
    m.kind = VGW_MSG_TURN_DONE;
    vgw_engine_post(f->assistant[0].last_handle, &m);
    m.kind = VGW_MSG_DELTA;
    vgw_engine_post(f->assistant[0].last_handle, &m);
    fake_run(f, 100 * MS);
    cr_assert_gt(strlen(f->tts[0].spoken), spoken, "unasked, under the number of the last turn");
    m.kind = VGW_MSG_TURN_DONE;
    vgw_engine_post(f->assistant[0].last_handle, &m);
    over(f);
}

static const struct cut_row {
    const char *talk, *partial, *said;
    uint32_t ms;
    bool cuts;
} cut_rows[] = {
    {"{\"min_duration\":\"600ms\"}", NULL, "", 300, false},
    {"{\"min_duration\":\"600ms\"}", NULL, "stop it", 1500, true},
    {"{\"min_words\":2}", "wait", "wait", 900, false},
    {"{\"min_words\":2}", "wait please", "wait please", 900, true},
    {"{\"backchannels\":[\"uh-huh\"]}", "Uh huh.", "uh huh", 900, false},
    {"{\"backchannels\":[\"uh-huh\"]}", "no no", "no no", 900, true},
    {"{\"barge_in\":false}", "no no", "no no", 900, false},
};
#define CUT_ROWS (sizeof cut_rows / sizeof cut_rows[0])

/* The caller asks, is answered at length, and speaks into the answer. */
static void speak_into_answer(struct fake *f, struct fake_engine *assistant, const struct cut_row *row)
{
    assistant->answer = "This answer goes on for a very long time indeed, because it has many words in it, and more, "
                        "and yet more of them.";
    fake_speak(f, 1000);
    fake_run(f, 2700 * MS);
    f->stt[0].partial = row->partial;
    f->stt[0].said = row->said;
    fake_speak(f, row->ms);
    fake_run(f, 2500 * MS);
}

Test(talk_turns, a_cough_too_few_words_and_a_backchannel_do_not_cut)
{
    for (size_t i = 0; i < CUT_ROWS; i++) {
        struct fake *f = begun(cut_rows[i].talk);
        speak_into_answer(f, &f->assistant[0], &cut_rows[i]);
        cr_assert_eq(fake_count(f, "event", "voice.assistant.interrupted"), cut_rows[i].cuts, "row %zu", i);
        cr_assert_eq(f->assistant[0].turns, cut_rows[i].cuts ? 3 : 2, "row %zu", i);
        over(f);
    }
}

static uint64_t assistant_step(struct fake *f, const char *talk)
{
    struct vgw_engine e;
    struct vgw_json *params = vgw_json_object(), *options = NULL;
    uint64_t op = f->next_op++;
    cr_assert_eq(vgw_json_parse(talk, strlen(talk), &options, NULL), 0);
    vgw_json_set(params, "talk", options);
    fake_engine_of(f, &f->assistant[1], &e);
    cr_assert_eq(vgw_talk_command(f->talk, op, "assistant", params, &e, NULL), 0);
    vgw_json_free(params);
    fake_run(f, 500 * MS);
    return op;
}

Test(talk_turns, an_assistants_step_has_the_same_options_for_itself)
{
    for (size_t i = 0; i < CUT_ROWS; i++) {
        struct fake *f = begun(NULL);
        assistant_step(f, cut_rows[i].talk);
        speak_into_answer(f, &f->assistant[1], &cut_rows[i]);
        cr_assert_eq(fake_count(f, "event", "voice.assistant.interrupted"), cut_rows[i].cuts, "row %zu", i);
        cr_assert_eq(f->assistant[1].turns, cut_rows[i].cuts ? 3 : 2, "row %zu", i);
        over(f);
    }
    struct fake *f = begun("{\"no_input_timeout\":0}");
    uint64_t op = assistant_step(f, "{\"no_input_timeout\":\"2s\",\"max_reprompts\":1,\"no_input_prompt\":\"Hello?\"}");
    fake_run(f, 6 * S);
    cr_assert_eq(f->assistant[1].turn_flags[1], VOICEGW_TURN_NO_INPUT);
    fake_run(f, 20 * S);
    cr_assert_str_eq(fake_text(fake_done(f, op), "action"), "end", "asked once, then the step is over");
    int turns = f->assistant[1].turns;
    fake_run(f, 60 * S);
    cr_assert_eq(f->assistant[1].turns, turns, "silence is nothing again");
    op = assistant_step(f, "{\"max_turns\":1}");
    f->assistant[1].answer = "Yes.";
    for (int i = 0; i < 2; i++) {
        fake_speak(f, 900);
        fake_run(f, 6 * S);
    }
    cr_assert_str_eq(fake_text(fake_done(f, op), "action"), "end");
    cr_assert_eq(fake_count(f, "action", "end"), 0, "the call goes on");
    over(f);
}

Test(talk_turns, nobody_cuts_an_announcement_that_may_not_be_cut_and_what_waits_behind_a_cut_is_still_said)
{
    struct fake *f = begun(NULL);
    uint64_t notice =
        fake_command(f, "say", "{\"text\":\"This call is recorded for quality.\",\"interruptible\":false}");
    fake_run(f, 500 * MS);
    fake_speak(f, 800);
    fake_digit(f, '5');
    fake_run(f, 5 * S);
    cr_assert_not(vgw_json_get_bool(fake_done(f, notice)->json, "interrupted", true));
    cr_assert_eq(f->clears, 0);
    fake_run(f, 10 * S);
    uint64_t first = fake_command(f, "say", "{\"text\":\"A long text that somebody is going to cut.\"}");
    uint64_t second = fake_command(f, "say", "{\"text\":\"This must be heard.\",\"interruptible\":false}");
    fake_run(f, 500 * MS);
    fake_digit(f, '1');
    cr_assert(vgw_json_get_bool(fake_done(f, first)->json, "interrupted", false));
    cr_assert_null(fake_done(f, second));
    fake_run(f, 4 * S);
    cr_assert_not(vgw_json_get_bool(fake_done(f, second)->json, "interrupted", true));
    cr_assert_float_eq((double)vgw_json_get_int(fake_done(f, second)->json, "heard_ms", 0), 950, 1);
    over(f);
}

Test(talk_turns, silence_is_asked_about_so_often_and_then_the_caller_is_gone)
{
    struct fake *f = begun("{\"no_input_prompt\":\"Are you there?\",\"max_reprompts\":2,\"no_input_timeout\":\"3s\"}");
    fake_run(f, 40 * S);
    cr_assert_eq(f->assistant[0].turns, 3);
    cr_assert_eq(f->assistant[0].turn_flags[1], VOICEGW_TURN_NO_INPUT);
    cr_assert_eq(fake_count(f, "action", "end"), 1);
    over(f);
    f = fake_new(3);
    fake_begin(f, 1, 1, false, NULL,
               "{\"no_input_prompt\":\"Are you there?\",\"max_reprompts\":2,\"no_input_timeout\":\"3s\"}");
    fake_run(f, 40 * S);
    cr_assert_eq(fake_count(f, "turn", "assistant"), 2);
    cr_assert_eq(fake_count(f, "action", "end"), 1);
    over(f);
}

Test(talk_turns, what_is_not_understood_is_asked_again_so_often)
{
    struct fake *f = begun("{\"max_reprompts\":2,\"no_input_timeout\":0}");
    f->stt[0].said = "";
    for (int i = 0; i < 4; i++) {
        fake_speak(f, 900);
        fake_run(f, 8 * S);
    }
    cr_assert_eq(f->assistant[0].turns, 3);
    cr_assert_eq(f->assistant[0].turn_flags[2], VOICEGW_TURN_NO_MATCH);
    over(f);
}

Test(talk_turns, a_conversation_ends_at_its_limit_of_turns)
{
    struct fake *f = begun("{\"max_turns\":1}");
    fake_speak(f, 900);
    fake_run(f, 8 * S);
    cr_assert_eq(fake_count(f, "action", "end"), 0);
    fake_speak(f, 900);
    fake_run(f, 8 * S);
    cr_assert_eq(fake_count(f, "action", "end"), 1);
    over(f);
}

Test(talk_turns, the_filler_is_said_when_the_answer_is_late_and_not_otherwise)
{
    for (int late = 0; late < 2; late++) {
        struct fake *f = begun("{\"filler\":\"One moment.\"}");
        f->assistant[0].answer_us = late ? 2500 * MS : 1200 * MS;
        fake_speak(f, 900);
        fake_run(f, 10 * S);
        cr_assert_eq(strstr(f->tts[0].spoken, "One moment.") != NULL, late);
        cr_assert_eq(fake_count(f, "event", "voice.assistant.text"), (size_t)(1 + late), "the filler is heard, too");
        over(f);
    }
}

Test(talk_turns, wishes_wait_until_all_was_heard_and_are_void_when_cut)
{
    for (int cut = 0; cut < 2; cut++) {
        struct fake *f = begun(NULL);
        f->assistant[0].action = "transfer";
        f->assistant[0].action_params = "{\"to\":\"+1555\"}";
        fake_speak(f, 900);
        fake_run(f, 2600 * MS);
        cr_assert_eq(fake_count(f, "action", "transfer"), 0);
        if (cut) {
            f->assistant[0].action = NULL;
            fake_speak(f, 900);
        }
        fake_run(f, 8 * S);
        cr_assert_eq(fake_count(f, "action", "transfer"), cut ? 0 : 1);
        over(f);
    }
}

Test(talk_turns, a_recognizer_that_breaks_gives_way_to_the_next)
{
    struct fake *f = fake_new(4);
    f->stt[0].refuse_open = true;
    f->stt[1].fail_on_final = true;
    f->stt[2].said = "hello";
    f->stt[1].partial = "hel lo";
    f->assistant[0].answer = "Hi.";
    fake_begin(f, 3, 1, true, NULL, NULL);
    fake_run(f, 1 * S);
    fake_speak(f, 900);
    fake_run(f, 5 * S);
    cr_assert_eq(fake_count(f, "event", "error"), 1);
    cr_assert_str_eq(f->assistant[0].turn_text[1], "hello", "the next has heard the whole of it");
    fake_speak(f, 900);
    fake_run(f, 5 * S);
    cr_assert_str_eq(f->assistant[0].turn_text[2], "hello");
    cr_assert_eq(f->stt[1].closed, 1);
    over(f);
}

Test(talk_turns, an_engine_without_a_final_is_passed_over_after_5_seconds)
{
    struct fake *f = begun(NULL);
    f->stt[0].no_final = true;
    fake_speak(f, 900);
    fake_run(f, 6 * S);
    cr_assert_eq(f->assistant[0].turns, 1);
    fake_run(f, 2 * S);
    cr_assert_eq(f->assistant[0].turns, 2);
    cr_assert_eq(f->assistant[0].turn_flags[1], VOICEGW_TURN_NO_MATCH);
    cr_assert_eq(fake_count(f, "event", "error"), 1);
    over(f);
}

Test(talk_turns, a_voice_that_breaks_gives_way_to_the_next_and_without_any_the_command_says_so)
{
    struct fake *f = fake_new(5);
    f->tts[0].fail_on_speak = true;
    fake_begin(f, 1, 2, false, NULL, NULL);
    fake_run(f, 1 * S);
    uint64_t op = fake_command(f, "say", "{\"text\":\"Hello you.\"}");
    fake_run(f, 5 * S);
    cr_assert_eq(fake_done(f, op)->status, 0);
    cr_assert_eq(vgw_json_get_int(fake_done(f, op)->json, "heard_ms", 0), 500);
    cr_assert_str_eq(f->tts[1].spoken, "Hello you.");
    f->tts[1].fail_on_speak = true;
    op = fake_command(f, "say", "{\"text\":\"Hello again.\"}");
    fake_run(f, 5 * S);
    cr_assert_lt(fake_done(f, op)->status, 0);
    cr_assert_eq(fake_count(f, "turn", "assistant"), 1, "only what was heard");
    over(f);
}

Test(talk_turns, engines_that_never_close_hold_the_leg_for_2_seconds_and_no_longer)
{
    struct fake *f = begun(NULL);
    f->stt[0].no_close = f->assistant[0].no_close = f->no_detach = true;
    fake_speak(f, 900);
    fake_run(f, 1 * S);
    vgw_talk_end(f->talk);
    fake_run(f, 1900 * MS);
    cr_assert_eq(f->gone, 0);
    fake_run(f, 200 * MS);
    cr_assert_eq(f->gone, 1);
    over(f);
}

Test(talk_turns, of_a_sentence_that_the_voice_tells_of_as_a_whole_the_part_that_was_heard_is_kept)
{
    struct fake *f = begun(NULL);
    f->tts[0].align = true;
    cut_in(f, 1200);
    fake_run(f, 1 * S);
    const struct fake_note *n = fake_note(f, "event", "voice.assistant.interrupted", 0);
    const char *heard = fake_text(n, "heard_text"), *whole = f->assistant[0].answer;
    cr_assert_eq(strncmp(heard, whole, strlen(heard)), 0);
    cr_assert(strlen(heard) > 5 && strlen(heard) < strlen(whole), "heard: '%s'", heard);
    fake_run(f, 8 * S);
    over(f);
}

Test(talk_turns, another_assistant_takes_over_and_every_reference_goes_back_once)
{
    struct fake *f = begun(NULL);
    struct vgw_engine e;
    f->assistant[1].answer = "I am the second.";
    f->assistant[1].action = "end";
    fake_engine_of(f, &f->assistant[1], &e);
    uint64_t op = f->next_op++;
    cr_assert_eq(vgw_talk_command(f->talk, op, "assistant", NULL, &e, NULL), 0);
    fake_run(f, 1 * S);
    cr_assert_str_eq(f->released_names, "bot0 ");
    fake_speak(f, 900);
    fake_run(f, 8 * S);
    cr_assert_eq(f->assistant[1].turns, 2);
    cr_assert_eq(fake_done(f, op)->status, 0);
    cr_assert_str_eq(fake_text(fake_done(f, op), "action"), "end");
    cr_assert_eq(fake_count(f, "action", "end"), 0, "the step is over, not the call");
    fake_end(f);
    cr_assert_eq(f->released, 4);
    fake_free(f);
}

Test(talk_turns, begin_before_media_after_media_and_after_the_end)
{
    for (int how = 0; how < 3; how++) {
        struct fake *f = fake_new(6);
        f->up_on_attach = how == 1;
        if (how == 2) {
            struct vgw_talk_begin *b = vgw_talk_begin_new();
            fake_engine_of(f, &f->stt[0], &b->stt[b->stt_count++]);
            fake_engine_of(f, &f->assistant[0], &b->assistant);
            b->has_assistant = true;
            vgw_talk_end(f->talk);
            cr_assert_eq(vgw_talk_begin(f->talk, b), VGW_ENOTFOUND);
            cr_assert_eq(f->released, 2);
        } else {
            fake_begin(f, 1, 1, true, "Welcome.", NULL);
            fake_run(f, 3 * S);
            cr_assert_eq(f->ups, 1);
            cr_assert_eq(f->assistant[0].turns, 1);
            cr_assert_str_eq(fake_text(fake_note(f, "turn", "assistant", 0), "content"), "Welcome.");
        }
        over(f);
    }
}

Test(talk_turns, a_voice_that_tells_how_far_its_text_is_makes_what_was_heard_exact)
{
    struct fake *f = begun(NULL);
    f->assistant[0].answer = "Good morning to you, dear caller. ";
    f->assistant[0].done_us = 20 * S;
    fake_speak(f, 1000);
    fake_run(f, 2200 * MS);
    struct vgw_engine_message m = {.kind = VGW_MSG_ALIGN, .a = 4, .b = 160};
    for (uint64_t utterance = 1; utterance < 4; utterance++) { /* "Good" was said at once, "morning" comes late */
        m.utterance = utterance;
        vgw_engine_post(f->tts[0].last_handle, &m);
    }
    m.a = 12;
    m.b = 8000 * 5;
    m.utterance = 1;
    vgw_engine_post(f->tts[0].last_handle, &m);
    fake_run(f, 600 * MS);
    fake_digit(f, '1');
    cr_assert_str_eq(fake_text(fake_note(f, "event", "voice.assistant.interrupted", 0), "heard_text"), "Good");
    over(f);
}

static void wish(struct fake *f, const char *action, const char *params, int64_t reply_us)
{
    f->assistant[0].action = action;
    f->assistant[0].action_params = params;
    fake_speak(f, 900);
    fake_run(f, reply_us);
    f->assistant[0].action = NULL;
}

Test(talk_turns, an_assistant_says_dials_and_changes_its_language_without_ending_anything)
{
    struct fake *f = begun(NULL);
    wish(f, "say", "{\"text\":\"One thing more.\",\"interruptible\":false}", 10 * S);
    cr_assert(strstr(f->tts[0].spoken, "One thing more."));
    cr_assert_eq(fake_count(f, "turn", "assistant"), 2, "the answer and what was said behind it");
    wish(f, "language", "{\"tts\":\"de-DE\",\"stt\":\"fr-FR\"}", 10 * S);
    wish(f, "dtmf", "{\"digits\":\"12x\"}", 10 * S);
    cr_assert_eq(f->tts[0].opened, 2, "another language has a voice of its own");
    cr_assert_eq(fake_count(f, "event", "error"), 1, "what is no digit is told");
    wish(f, "dtmf", "{\"digits\":\"12#\"}", 10 * S);
    cr_assert_eq(fake_count(f, "event", "error"), 1);
    cr_assert_eq(fake_count(f, "action", "dtmf"), 0, "that is the talk's own");
    wish(f, "play", "{\"url\":\"https://a.example/x.wav\"}", 10 * S);
    cr_assert_eq(fake_count(f, "action", "play"), 1, "that is control's");
    over(f);
}

Test(talk_turns, keys_cut_unless_they_are_told_not_to)
{
    for (int keys = 0; keys < 2; keys++) {
        struct fake *f = begun(keys ? NULL : "{\"barge_in_keys\":false}");
        fake_speak(f, 900);
        fake_run(f, 2600 * MS);
        fake_digit(f, '5');
        fake_run(f, 8 * S);
        cr_assert_eq(fake_count(f, "event", "voice.assistant.interrupted"), (size_t)keys, "%d", keys);
        over(f);
    }
}

Test(talk_turns, a_tool_is_answered_to_the_session_that_asked_and_to_no_other)
{
    struct fake *f = begun(NULL);
    f->assistant[0].no_answer = true;
    fake_speak(f, 900);
    fake_run(f, 2 * S);
    struct vgw_engine_message m = {
        .kind = VGW_MSG_TOOL, .utterance = f->assistant[0].last_turn, .a = 0, .text = (char *)"book"};
    vgw_engine_post(f->assistant[0].last_handle, &m);
    fake_run(f, 1 * S);
    cr_assert_eq(fake_count(f, "tool", "book"), 1);
    struct vgw_json *told = vgw_json_object();
    vgw_json_set_string(told, "error", "no room is left");
    uint64_t by = f->tool_by;
    cr_assert_eq(vgw_talk_tool_result(f->talk, by, 0, VGW_EPROVIDER, told), 0);
    fake_run(f, 1 * S);
    char expected[64];
    snprintf(expected, sizeof expected, "0 %d {\"error\":\"no room is left\"}", VGW_EPROVIDER);
    cr_assert_str_eq(f->assistant[0].tool_result, expected);
    struct vgw_engine next;
    fake_engine_of(f, &f->assistant[1], &next);
    uint64_t op = f->next_op++;
    cr_assert_eq(vgw_talk_command(f->talk, op, "assistant", NULL, &next, NULL), 0);
    fake_run(f, 1 * S);
    cr_assert_eq(vgw_talk_tool_result(f->talk, by, 1, 0, told), 0);
    fake_run(f, 1 * S);
    cr_assert_eq(f->assistant[1].tool_results, 0, "it has asked for nothing");
    vgw_json_free(told);
    over(f);
}

Test(talk_summary, is_asked_of_a_session_of_its_own_and_never_heard)
{
    struct fake *f = begun(NULL);
    f->assistant[0].answer = "Two rooms are wanted.";
    cr_assert_eq(vgw_talk_summarize(f->talk, 7, "[{\"role\":\"user\",\"content\":\"two rooms\"}]"), 0);
    fake_run(f, 3 * S);
    const struct fake_note *n = fake_note(f, "summary", NULL, 0);
    cr_assert_eq(n->op, 7u);
    cr_assert_str_eq(fake_text(n, "text"), "Two rooms are wanted.");
    cr_assert_eq(f->assistant[0].opened, 2);
    cr_assert_eq(f->assistant[0].closed, 1, "and closed again");
    cr_assert_not_null(strstr(f->assistant[0].history, "two rooms"), "%s", f->assistant[0].history);
    cr_assert_str_eq(f->tts[0].spoken, "");
    cr_assert_eq(fake_count(f, "turn", NULL), 0);
    over(f);
}

Test(talk_summary, that_does_not_come_is_told_as_none_in_time)
{
    for (int way = 0; way < 4; way++) { /* silent, failing, not opened, ended by the call */
        struct fake *f = begun(NULL);
        f->assistant[0].no_answer = way == 0 || way == 3;
        f->assistant[0].turn_fails = way == 1 ? VGW_EPROVIDER : 0;
        f->assistant[0].refuse_open = way == 2;
        cr_assert_eq(vgw_talk_summarize(f->talk, 1, NULL), 0);
        cr_assert_eq(vgw_talk_summarize(f->talk, 2, NULL), 0);
        fake_run(f, 1 * S);
        cr_assert_str_eq(fake_text(fake_note(f, "summary", NULL, 0), "text"), "", "one at a time");
        if (way == 3)
            vgw_talk_end(f->talk);
        fake_run(f, 6 * S);
        cr_assert_eq(fake_count(f, "summary", NULL), 2u, "%d", way);
        cr_assert_str_eq(fake_text(fake_note(f, "summary", NULL, 1), "text"), "");
        over(f);
    }
}
