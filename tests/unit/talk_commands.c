/* talk_commands.c - what a call can be told: gather, digits, hold, mute, play, say, record, live audio. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "media/clip.h"
#include "media/wav.h"
#include "talk_fake.h"

static struct fake *begun(bool assistant)
{
    struct fake *f = fake_new(2);
    f->stt[0].said = "a table for two";
    f->assistant[0].answer = "Very well, we have a table for you.";
    fake_begin(f, 1, 1, assistant, NULL, "{\"no_input_timeout\":0}");
    fake_run(f, 1 * S);
    return f;
}

static void over(struct fake *f)
{
    fake_end(f);
    fake_free(f);
}

static void dial(struct fake *f, const char *digits)
{
    for (; *digits; digits++) {
        fake_digit(f, *digits);
        fake_run(f, 200 * MS);
    }
}

Test(talk_commands, a_gather_ends_by_count_by_its_last_digit_by_silence_and_by_speech)
{
    static const struct {
        const char *params, *digits, *input, *got;
        int64_t run_us;
        bool speak;
    } rows[] = {
        {"{\"num_digits\":4}", "12345", "dtmf", "1234", 0, false},
        {"{\"input\":\"dtmf\"}", "98#7", "dtmf", "98", 0, false},
        {"{\"input\":\"dtmf\",\"finish_on\":\"*\"}", "9#*", "dtmf", "9#", 0, false},
        {"{\"input\":\"dtmf\"}", "#", "none", "", 0, false},
        {"{\"input\":\"dtmf\"}", "77", "dtmf", "77", 4 * S, false},
        {"{\"timeout\":\"2s\"}", "", "none", "", 2500 * MS, false},
        {"{\"timeout\":2}", "", "speech", "", 8 * S, true},
        {"{\"input\":\"dtmf\",\"timeout\":\"2s\"}", "", "none", "", 8 * S, true},
        {"{\"prompt\":\"Please dial the number of your room.\",\"num_digits\":2}", "42", "dtmf", "42", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *f = begun(false);
        uint64_t op = fake_command(f, "gather", rows[i].params);
        fake_run(f, 500 * MS);
        if (rows[i].speak)
            fake_speak(f, 900);
        dial(f, rows[i].digits);
        fake_run(f, rows[i].run_us);
        cr_assert_not_null(fake_done(f, op), "row %zu", i);
        cr_assert_str_eq(fake_text(fake_done(f, op), "input"), rows[i].input, "row %zu", i);
        cr_assert_str_eq(fake_text(fake_done(f, op), "digits"), rows[i].got, "row %zu", i);
        if (i == 6)
            cr_assert_str_eq(fake_text(fake_done(f, op), "text"), "a table for two");
        over(f);
    }
}

Test(talk_commands, a_digit_cuts_the_prompt_of_a_gather_and_the_recognizer_knows_its_phrases)
{
    struct fake *f = begun(false);
    uint64_t op = fake_command(
        f, "gather",
        "{\"prompt\":\"Please dial the number of your room now.\",\"phrases\":[\"room\"],\"timeout\":\"3s\"}");
    cr_assert_str_eq(f->stt[0].hints, "[\"room\"]");
    fake_run(f, 500 * MS);
    fake_digit(f, '1');
    cr_assert_eq(f->clears, 1);
    cr_assert_null(fake_done(f, op));
    cr_assert(vgw_json_get_bool(fake_note(f, "turn", "assistant", 0)->json, "interrupted", false));
    fake_run(f, 4 * S);
    cr_assert_str_eq(fake_text(fake_done(f, op), "digits"), "1");
    cr_assert_str_eq(f->stt[0].hints, "[]");
    op = fake_command(f, "gather", "{\"timeout\":\"never\"}");
    cr_assert_eq(fake_done(f, op)->status, VGW_EINVALID);
    op = fake_command(f, "gather", "{\"prompt\":\"Short.\",\"timeout\":\"3s\"}");
    uint64_t twice = fake_command(f, "gather", "{}");
    cr_assert_eq(fake_done(f, twice)->status, VGW_EBUSY);
    fake_run(f, 3 * S);
    cr_assert_null(fake_done(f, op), "the time runs from the end of the prompt");
    fake_run(f, 1 * S);
    cr_assert_str_eq(fake_text(fake_done(f, op), "input"), "none");
    over(f);
}

Test(talk_commands, digits_go_to_the_assistant_and_the_one_that_it_does_not_take_becomes_a_turn)
{
    struct fake *f = begun(true);
    f->assistant[0].dtmf_takes = 1;
    dial(f, "12");
    cr_assert_str_eq(f->assistant[0].digits, "12");
    cr_assert_eq(f->assistant[0].turns, 2);
    cr_assert_eq(f->assistant[0].turn_flags[1], VOICEGW_TURN_DTMF);
    cr_assert_str_eq(f->assistant[0].turn_text[1], "2");
    fake_run(f, 600 * MS);
    fake_digit(f, '3');
    cr_assert_eq(fake_count(f, "event", "voice.assistant.interrupted"), 1, "a digit always cuts");
    over(f);
}

Test(talk_commands, digits_pressed_before_the_talk_has_begun_count)
{
    struct fake *f = fake_new(3);
    f->assistant[0].answer = "Very well.";
    fake_run(f, 10 * MS);
    cr_assert_eq(vgw_talk_digit(f->talk, '7', 80, "callback"), 0);
    fake_run(f, 10 * MS);
    cr_assert_eq(fake_count(f, "event", "dtmf_received"), 1, "told at once");
    fake_begin(f, 1, 1, true, NULL, "{\"no_input_timeout\":0}");
    fake_run(f, 1 * S);
    cr_assert_eq(fake_count(f, "event", "dtmf_received"), 1, "and once");
    cr_assert_str_eq(f->assistant[0].digits, "7");
    over(f);
}

Test(talk_commands, on_hold_there_is_music_and_no_turn_and_afterwards_all_goes_on)
{
    struct fake *f = begun(true);
    fake_speak(f, 700);
    fake_run(f, 500 * MS);
    fake_command(f, "hold", NULL);
    fake_run(f, 2 * S);
    fake_speak(f, 900);
    fake_run(f, 3 * S);
    fake_digit(f, '1');
    fake_run(f, 1 * S);
    cr_assert_gt(f->loud, 200, "music");
    cr_assert_eq(f->assistant[0].turns, 1);
    fake_command(f, "resume", NULL);
    uint64_t loud = f->loud;
    fake_run(f, 1 * S);
    cr_assert_leq(f->loud, loud + 1);
    fake_speak(f, 900);
    fake_run(f, 5 * S);
    cr_assert_eq(f->assistant[0].turns, 2);
    over(f);
}

Test(talk_commands, who_is_muted_is_not_heard_and_who_is_muted_in_mid_speech_has_ended)
{
    struct fake *f = begun(true);
    fake_speak(f, 3000);
    fake_run(f, 800 * MS);
    fake_command(f, "mute", NULL);
    fake_run(f, 2 * S);
    cr_assert_eq(f->assistant[0].turns, 2, "what was said before it");
    fake_silence(f);
    fake_run(f, 4 * S);
    fake_speak(f, 900);
    fake_run(f, 3 * S);
    cr_assert_eq(f->assistant[0].turns, 2);
    fake_command(f, "unmute", NULL);
    fake_speak(f, 900);
    fake_run(f, 3 * S);
    cr_assert_eq(f->assistant[0].turns, 3);
    over(f);
}

Test(talk_commands, a_file_is_played_once_or_again_and_again_and_a_refusal_says_what_would_be_right)
{
    char path[64], params[256];
    snprintf(path, sizeof path, "/tmp/vgw-talk-%d.wav", (int)getpid());
    fake_wav(path, 16000, 16003, 5000);
    struct fake *f = begun(false);
    snprintf(params, sizeof params, "{\"url\":\"file://%s\"}", path);
    uint64_t op = fake_command(f, "play", params);
    fake_run(f, 2 * S);
    cr_assert_eq(fake_done(f, op)->status, 0);
    cr_assert_float_eq((double)vgw_json_get_int(fake_done(f, op)->json, "heard_ms", 0), 1000, 1);
    snprintf(params, sizeof params, "{\"url\":\"%s\",\"loop\":true}", path);
    op = fake_command(f, "play", params);
    fake_run(f, 70 * S);
    cr_assert_null(fake_done(f, op));
    cr_assert_gt(f->loud, 3400);
    uint64_t said = fake_command(f, "say", "{\"text\":\"Thank you for waiting.\"}");
    cr_assert(vgw_json_get_bool(fake_done(f, op)->json, "interrupted", false), "it lasts until something is said");
    cr_assert_float_eq((double)vgw_json_get_int(fake_done(f, op)->json, "heard_ms", 0), 70000, 100);
    fake_run(f, 3 * S);
    cr_assert_not_null(fake_done(f, said));
    static const char *const bad[] = {"{\"url\":\"https://example.com/a.wav\"}", "{\"url\":\"../a.wav\"}",
                                      "{\"url\":\"/tmp/none.wav\"}", "{\"url\":\"/dev/null\"}", "{}"};
    static const int status[] = {VGW_EUNSUPPORTED, VGW_EINVALID, VGW_ENOTFOUND, VGW_EINVALID, VGW_EINVALID};
    for (size_t i = 0; i < 5; i++) {
        op = fake_command(f, "play", bad[i]);
        fake_run(f, 100 * MS);
        cr_assert_eq(fake_done(f, op)->status, status[i], "%s: %d", bad[i], fake_done(f, op)->status);
        cr_assert_gt(strlen(fake_done(f, op)->type), 10);
    }
    unlink(path);
    over(f);
}

Test(talk_commands, every_operation_is_settled_when_the_call_ends_whatever_it_waits_for)
{
    static const int64_t moments[] = {0, 50 * MS, 500 * MS, 1500 * MS, 1900 * MS, 30 * S};
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        struct fake *f = begun(true);
        uint64_t said = fake_command(f, "say", "{\"text\":\"This is said now and then not.\"}");
        fake_command(f, "play", "{\"url\":\"/tmp/none.wav\"}");
        uint64_t gather = fake_command(f, "gather", "{\"timeout\":\"60s\",\"prompt\":\"And?\"}");
        if (i == 5)
            fake_command(f, "say", "{\"text\":\"Later\",\"voice\":\"other\"}");
        fake_run(f, moments[i]);
        fake_end(f);
        cr_assert_eq(fake_done(f, gather)->status, VGW_ENOTFOUND);
        if (moments[i] < 1500 * MS)
            cr_assert_eq(fake_done(f, said)->status, VGW_ENOTFOUND);
        struct vgw_error err = {0};
        fake_free(f);
        cr_assert_eq(err.status, 0);
    }
}

Test(talk_commands, a_call_is_recorded_with_the_caller_left_and_us_right_until_it_is_stopped)
{
    char path[64], params[256];
    snprintf(path, sizeof path, "/tmp/vgw-rec-%d.wav", (int)getpid());
    unlink(path);
    struct fake *f = begun(false);
    snprintf(params, sizeof params, "{\"path\":\"%s\",\"recording_id\":\"rec_1\"}", path);
    fake_command(f, "record_start", params);
    uint64_t twice = fake_command(f, "record_start", params);
    cr_assert_eq(fake_done(f, twice)->status, VGW_EBUSY);
    fake_run(f, 2 * S);
    fake_speak(f, 1000);
    fake_run(f, 2 * S);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_gt(st.st_size, 3 * 32000, "what is over is on disk already");
    fake_command(f, "say", "{\"text\":\"And now we.\"}");
    fake_run(f, 2 * S);
    fake_command(f, "record_pause", NULL);
    fake_speak(f, 1000);
    fake_run(f, 2 * S);
    fake_command(f, "record_resume", NULL);
    uint64_t stop = fake_command(f, "record_stop", NULL);
    cr_assert_float_eq(vgw_json_get_double(fake_done(f, stop)->json, "duration", 0), 8, 0.1);
    int16_t *pcm = NULL;
    size_t n = 0;
    cr_assert_eq(vgw_clip_load(path, 8000, &pcm, &n, NULL), 0);
    vgw_free(pcm);
    FILE *file = fopen(path, "rb");
    static uint8_t data[600000];
    size_t bytes = fread(data, 1, sizeof data, file);
    fclose(file);
    struct vgw_wav w;
    cr_assert_eq(vgw_wav_parse(data, bytes, bytes, &w, NULL), 0);
    cr_assert_eq(w.channels, 2);
    static int16_t side[64000];
    for (int channel = 0; channel < 2; channel++) {
        size_t got = vgw_wav_decode(&w, data + w.data_offset, bytes - w.data_offset, 0, 64000, channel, side);
        double power[8] = {0};
        for (size_t i = 0; i < got; i++)
            power[i / 8000] += (double)side[i] * side[i] / 8000;
        cr_assert_eq(power[2] > 10000, channel == 0, "the caller's second: %f", power[2]);
        cr_assert_eq(power[4] > 10000, channel == 1, "ours: %f", power[4]);
        cr_assert_lt(power[6], 100, "the pause");
    }
    fake_command(f, "record_stop", NULL);
    fake_end(f);
    cr_assert_eq(vgw_json_count(vgw_json_get(f->summary, "recordings")), 1);
    cr_assert(vgw_json_get_bool(vgw_json_at(vgw_json_get(f->summary, "recordings"), 0), "complete", false));
    cr_assert_gt(vgw_json_get_int(vgw_json_get(f->summary, "quality"), "frames", 0), 400);
    unlink(path);
    fake_free(f);
}

static long allocations;
static uint8_t sent_back[160];

Test(talk_commands, a_loopback_gives_each_frame_back_at_once_bit_for_bit_without_memory)
{
    struct fake *f = fake_new(9);
    f->assistant[0].audio_flags = 1;
    fake_begin(f, 0, 0, true, NULL, NULL);
    fake_run(f, 1 * S);
    vgw_timer_stop(&f->line_timer);
    struct voicegw_frame frame = {.size = sizeof frame,
                                  .encoding = VOICEGW_AUDIO_PCMU,
                                  .rate = 8000,
                                  .data = sent_back,
                                  .bytes = 160,
                                  .samples = 160};
    vgw_alloc_fail_at(0);
    long before = vgw_alloc_count();
    for (int i = 0; i < 256; i++) {
        memset(sent_back, i, sizeof sent_back);
        frame.timestamp += 160;
        uint64_t sent = f->sent;
        cr_assert_eq(vgw_leg_on_frame(f->leg, &frame), 0);
        cr_assert_eq(f->sent, sent + 1);
        cr_assert_arr_eq(f->last_frame, sent_back, 160);
    }
    allocations = vgw_alloc_count() - before;
    cr_assert_eq(allocations, 0, "%ld", allocations);
    over(f);
}

static void live(struct fake *f, const char *item, size_t ms)
{
    static int16_t pcm[8000];
    struct voicegw_frame frame = {
        .size = sizeof frame, .encoding = VOICEGW_AUDIO_L16, .rate = 8000, .data = pcm, .bytes = (uint32_t)ms * 16};
    struct vgw_engine_message m = {.kind = VGW_MSG_AUDIO, .text = (char *)(uintptr_t)item};
    for (size_t i = 0; i < 8000; i++)
        pcm[i] = (int16_t)(i % 100 * 80);
    cr_assert(vgw_engine_frame(&m, &frame));
    cr_assert_eq(vgw_engine_post_now(f->assistant[0].last_handle, &m), 0);
}

Test(talk_commands, a_live_assistant_that_runs_ahead_is_queued_and_told_where_it_was_cut)
{
    struct fake *f = fake_new(10);
    f->assistant[0].audio_flags = 2;
    fake_begin(f, 0, 0, true, NULL, NULL);
    fake_run(f, 1 * S);
    for (int i = 0; i < 5; i++)
        live(f, "item_1", 1000);
    fake_run(f, 1 * S);
    cr_assert_float_eq((double)f->loud, 51, 3);
    fake_speak(f, 900);
    fake_run(f, 1 * S);
    cr_assert_str_eq(f->assistant[0].truncated, "item_1");
    cr_assert_float_eq((double)f->assistant[0].interrupted_ms, 1300, 200, "%u", f->assistant[0].interrupted_ms);
    over(f);
}

Test(talk_commands, a_voice_that_runs_ahead_is_given_credit_for_what_has_room_again)
{
    struct fake *f = begun(false);
    static char params[1100];
    char text[1000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    snprintf(params, sizeof params, "{\"text\":\"%s\"}", text);
    uint64_t op = fake_command(f, "say", params);
    fake_run(f, 1 * S);
    cr_assert_eq(f->tts[0].made_ms, 49950);
    cr_assert_float_eq((double)f->tts[0].credit_ms, 60000, 1500, "30 s ahead, and what is in the queue: %d",
                       (int)f->tts[0].credit_ms);
    fake_run(f, 52 * S);
    cr_assert_eq(f->tts[0].credit_ms, 30000 + 49950);
    cr_assert_eq(vgw_json_get_int(fake_done(f, op)->json, "heard_ms", 0), 49950);
    over(f);
}

Test(talk_commands, more_voices_than_are_kept_open_take_turns)
{
    struct fake *f = begun(false);
    for (int i = 0; i < 7; i++) {
        char params[64];
        snprintf(params, sizeof params, "{\"text\":\"Hi.\",\"voice\":\"v%d\"}", i);
        uint64_t op = fake_command(f, "say", params);
        fake_run(f, i < 3 ? 0 : 2 * S);
        if (i >= 3)
            cr_assert_eq(fake_done(f, op)->status, 0);
    }
    cr_assert_eq(f->tts[0].opened, 7);
    over(f);
}

Test(talk_commands, a_loop_that_nobody_waits_for_stops_and_what_waits_behind_it_is_said)
{
    char path[64], params[256];
    snprintf(path, sizeof path, "/tmp/vgw-stop-%d.wav", (int)getpid());
    fake_wav(path, 8000, 8000, 5000);
    struct fake *f = begun(false);
    snprintf(params, sizeof params, "{\"url\":\"%s\",\"loop\":true}", path);
    uint64_t op = fake_command(f, "play", params);
    fake_run(f, 5 * S);
    cr_assert_null(fake_done(f, op));
    snprintf(params, sizeof params, "{\"cancel\":%d}", (int)op);
    fake_command(f, "play", params);
    cr_assert(vgw_json_get_bool(fake_done(f, op)->json, "interrupted", false));
    fake_run(f, 200 * MS);
    uint64_t loud = f->loud;
    fake_run(f, 3 * S);
    cr_assert_eq(f->loud, loud, "nothing of it is heard any more");
    op = fake_command(f, "say", "{\"text\":\"This is the first of the two.\"}");
    uint64_t second = fake_command(f, "say", "{\"text\":\"And this is the other.\"}");
    fake_run(f, 300 * MS);
    snprintf(params, sizeof params, "{\"cancel\":%d}", (int)op);
    fake_command(f, "say", params);
    fake_run(f, 5 * S);
    cr_assert_not_null(fake_done(f, op));
    cr_assert_not(vgw_json_get_bool(fake_done(f, second)->json, "interrupted", true), "the other is whole");
    unlink(path);
    over(f);
}

Test(talk_commands, a_digit_from_outside_of_the_stream_is_a_digit_and_counts_once_when_it_came_both_ways)
{
    struct fake *f = begun(true);
    uint64_t op =
        fake_command(f, "gather", "{\"input\":\"dtmf\",\"num_digits\":4,\"prompt\":\"Your number, please.\"}");
    fake_run(f, 500 * MS);
    cr_assert_eq(vgw_talk_digit(f->talk, '5', 80, "callback"), 0);
    fake_run(f, 200 * MS);
    cr_assert_eq(fake_count(f, "event", "voice.assistant.interrupted"), 1, "it cuts in");
    fake_digit(f, '5'); /* the same press, in the stream */
    fake_run(f, 300 * MS);
    fake_digit(f, '6');
    fake_run(f, 300 * MS);
    fake_digit(f, '6');
    fake_run(f, 800 * MS);
    vgw_talk_digit(f->talk, '6', 0, "callback");
    vgw_talk_digit(f->talk, '6', 0, "callback");
    fake_run(f, 300 * MS);
    cr_assert_null(fake_done(f, op), "two presses of 6 came both ways");
    vgw_talk_digit(f->talk, '7', 0, "callback");
    fake_run(f, 100 * MS);
    cr_assert_str_eq(fake_text(fake_done(f, op), "digits"), "5667");
    cr_assert_eq(fake_count(f, "event", "dtmf_received"), 4);
    cr_assert_str_eq(fake_text(fake_note(f, "event", "dtmf_received", 0), "source"), "callback");
    vgw_talk_digit(f->talk, '9', 0, "callback");
    fake_run(f, 100 * MS);
    cr_assert_str_eq(f->assistant[0].digits, "9", "and the assistant's");
    over(f);
}

static double power_of(const char *path, double from_s, double to_s, int channel)
{
    static uint8_t data[900000];
    static int16_t side[400000];
    struct vgw_wav w;
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file);
    size_t bytes = fread(data, 1, sizeof data, file);
    fclose(file);
    cr_assert_eq(vgw_wav_parse(data, bytes, bytes, &w, NULL), 0);
    size_t got = vgw_wav_decode(&w, data + w.data_offset, bytes - w.data_offset, 0, 400000, channel, side);
    double sum = 0;
    size_t n = 0;
    for (size_t i = (size_t)(from_s * 8000); i < (size_t)(to_s * 8000) && i < got; i++, n++)
        sum += (double)side[i] * side[i];
    return n ? sum / (double)n : -1;
}

Test(talk_commands, what_a_sensitive_gather_hears_is_in_no_recording_event_or_transcript)
{
    char path[64], params[256];
    snprintf(path, sizeof path, "/tmp/vgw-hush-%d.wav", (int)getpid());
    unlink(path);
    struct fake *f = begun(true);
    f->stt[0].said = f->stt[0].partial = "four one one one";
    snprintf(params, sizeof params, "{\"path\":\"%s\",\"recording_id\":\"rec_1\"}", path);
    fake_command(f, "record_start", params);
    fake_speak(f, 900); /* 0 s: before */
    fake_run(f, 4 * S);
    f->assistant[0].answer = NULL;
    uint64_t op = fake_command(f, "gather", "{\"sensitive\":true,\"timeout\":\"10s\",\"input\":\"speech dtmf\"}");
    fake_run(f, 1 * S);
    fake_speak(f, 2000); /* 5 s: what nobody else may hear */
    fake_command(f, "record_pause", NULL);
    fake_command(f, "record_resume", NULL); /* opens nothing */
    fake_run(f, 4 * S);
    cr_assert_str_eq(fake_text(fake_done(f, op), "text"), "four one one one");
    fake_run(f, 2 * S);
    fake_speak(f, 900); /* 11 s: after */
    fake_run(f, 2 * S);
    fake_command(f, "record_stop", NULL);
    fake_run(f, 1 * S);
    cr_assert_gt(power_of(path, 0.1, 0.9, 0), 10000, "before");
    cr_assert_eq(power_of(path, 4.02, 8.5, 0), 0, "not one sample of it");
    cr_assert_eq(power_of(path, 4.02, 8.5, 1), 0);
    cr_assert_gt(power_of(path, 11.1, 11.8, 0), 10000, "after");
    size_t hidden = 0;
    for (size_t i = 0; i < f->note_count; i++) {
        const struct fake_note *n = &f->notes[i];
        bool within = n->at_us > 5 * S && n->at_us < 10 * S && n->op != op;
        char *text = n->json && within ? vgw_json_text(n->json, false) : NULL;
        cr_assert(!text || !strstr(text, "four"), "%s %s: %s", n->what, n->type, text);
        hidden += text && strstr(text, "***");
        vgw_free(text);
    }
    cr_assert_eq(hidden, 2, "the final and its line");
    unlink(path);
    over(f);
}

Test(talk_commands, speech_that_outlasts_its_sensitive_gather_is_for_nobody)
{
    struct fake *f = begun(true);
    f->stt[0].said = f->stt[0].partial = "four one one one";
    uint64_t op = fake_command(f, "gather", "{\"sensitive\":true,\"timeout\":\"10s\"}");
    char params[64];
    int turns = f->assistant[0].turns;
    fake_speak(f, 1500);
    fake_run(f, 800 * MS);
    snprintf(params, sizeof params, "{\"cancel\":%d}", (int)op);
    fake_command(f, "gather", params);
    fake_run(f, 5 * S);
    cr_assert_eq(f->assistant[0].turns, turns);
    cr_assert_eq(fake_count(f, "event", "voice.stt.final") + fake_count(f, "event", "voice.stt.partial"), 0);
    fake_speak(f, 900);
    fake_run(f, 3 * S);
    cr_assert_eq(f->assistant[0].turns, turns + 1, "the next is everybody's again");
    over(f);
}

static void paced(struct fake *f, int16_t level)
{
    static int16_t pcm[160];
    struct voicegw_frame frame = {
        .size = sizeof frame, .encoding = VOICEGW_AUDIO_L16, .rate = 8000, .data = pcm, .bytes = sizeof pcm};
    struct vgw_engine_message m = {.kind = VGW_MSG_AUDIO};
    for (size_t i = 0; i < 160; i++)
        pcm[i] = i % 2 ? level : (int16_t)-level;
    uint8_t wire[160];
    vgw_encoding_encode(VGW_PCMU, pcm, 160, wire);
    frame.encoding = VOICEGW_AUDIO_PCMU;
    frame.data = wire;
    frame.bytes = 160;
    cr_assert(vgw_engine_frame(&m, &frame));
    cr_assert_eq(vgw_engine_post_now(f->assistant[0].last_handle, &m), 0);
}

Test(talk_commands, a_paced_voice_waits_behind_what_we_say_and_is_in_time_again_after_its_next_pause)
{
    struct fake *f = fake_new(11);
    f->assistant[0].audio_flags = 1;
    f->tts[0].ms_a_char = 100;
    fake_begin(f, 0, 1, true, NULL, NULL);
    f->line_dead = true; /* the loopback has nothing to give back but what this test sends */
    fake_run(f, 1 * S);
    uint64_t said = fake_command(f, "say", "{\"text\":\"Just one moment.\"}"); /* 1.6 s */
    fake_run(f, 200 * MS);
    uint64_t loud = f->loud;
    for (int i = 0; i < 50; i++) { /* a second of speech meanwhile */
        paced(f, 8000);
        fake_run(f, 20 * MS);
    }
    fake_run(f, 700 * MS);
    cr_assert_not_null(fake_done(f, said));
    for (int i = 0; i < 75; i++) { /* a pause, in which it catches up */
        paced(f, 0);
        fake_run(f, 20 * MS);
    }
    fake_run(f, 1 * S);
    cr_assert_geq(f->loud - loud, 50 + 65, "nothing of either is lost: %d", (int)(f->loud - loud));
    uint64_t sent = f->sent;
    paced(f, 8000);
    cr_assert_eq(f->sent, sent + 1, "at once again");
    over(f);
}

Test(talk_commands, a_loopback_gives_back_also_what_came_before_it_was_there)
{
    struct fake *f = fake_new(12);
    f->assistant[0].audio_flags = 1;
    struct voicegw_audio_format format = {sizeof format, VOICEGW_AUDIO_PCMU, 8000, 20};
    struct voicegw_frame frame = {.size = sizeof frame,
                                  .encoding = VOICEGW_AUDIO_PCMU,
                                  .rate = 8000,
                                  .data = sent_back,
                                  .bytes = 160,
                                  .samples = 160};
    f->up_on_attach = true;
    vgw_driver_settle(f->d);
    vgw_leg_on_format(f->leg, &format);
    f->line_dead = true;
    for (int i = 0; i < 3; i++) {
        memset(sent_back, 0x20 + i, sizeof sent_back);
        cr_assert_eq(vgw_leg_on_frame(f->leg, &frame), 0);
    }
    cr_assert_eq(f->sent_bytes, 0);
    fake_begin(f, 0, 0, true, NULL, NULL);
    cr_assert_eq(f->sent_bytes, 480);
    cr_assert_arr_eq(f->last_frame, sent_back, 160);
    over(f);
}

/* Each option in force for a step alone: what it does there, and that it is gone afterwards. */
Test(talk_commands, talk_options_of_a_step_hold_for_that_step)
{
    struct fake *f = begun(true);
    uint64_t bad = fake_command(f, "gather", "{\"talk\":{\"min_wods\":1}}");
    cr_assert_eq(fake_done(f, bad)->status, VGW_EINVALID);
    cr_assert_not_null(strstr(fake_done(f, bad)->type, "did you mean"));
    uint64_t op = fake_command(
        f, "gather", "{\"timeout\":\"2s\",\"talk\":{\"no_input_prompt\":\"Are you there?\",\"max_reprompts\":2}}");
    fake_run(f, 2500 * MS);
    cr_assert_null(fake_done(f, op));
    cr_assert_not_null(strstr(f->tts[0].spoken, "Are you there?"));
    fake_run(f, 12 * S);
    cr_assert_str_eq(fake_text(fake_done(f, op), "input"), "none", "after two of them");
    cr_assert_eq(fake_count(f, "event", "voice.assistant.text"), 2);
    op = fake_command(f, "gather", "{\"timeout\":\"2s\"}");
    fake_run(f, 2500 * MS);
    cr_assert_not_null(fake_done(f, op), "the next step has none");
    f->stt[0].says[0] = "";
    f->stt[0].says[1] = "two nights";
    op = fake_command(f, "gather", "{\"timeout\":\"20s\",\"talk\":{\"no_match_prompt\":\"Pardon me?\"}}");
    fake_speak(f, 900);
    fake_run(f, 4 * S);
    cr_assert_not_null(strstr(f->tts[0].spoken, "Pardon me?"));
    fake_speak(f, 900);
    fake_run(f, 4 * S);
    cr_assert_str_eq(fake_text(fake_done(f, op), "text"), "two nights");
    int64_t waits[2];
    for (int i = 0; i < 2; i++) { /* endpoint_silence */
        f->stt[0].said = "yes";
        op = fake_command(f, "gather", i ? "{\"talk\":{\"endpoint_silence\":\"2s\"}}" : "{}");
        fake_speak(f, 900);
        int64_t from = vgw_now(f->control);
        while (!fake_done(f, op))
            fake_run(f, 20 * MS);
        waits[i] = vgw_now(f->control) - from;
    }
    cr_assert_float_eq((double)(waits[1] - waits[0]), (double)(1300 * MS), (double)(60 * MS));
    f->tts[0].spoken[0] = '\0';
    op = fake_command(f, "gather", "{\"prompt\":\"This is a long prompt that lasts.\",\"talk\":{\"barge_in\":false}}");
    fake_run(f, 300 * MS);
    size_t cut = fake_count(f, "event", "voice.assistant.interrupted");
    fake_speak(f, 900);
    fake_run(f, 6 * S);
    cr_assert_eq(fake_count(f, "event", "voice.assistant.interrupted"), cut);
    over(f);
}
