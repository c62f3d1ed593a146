/* test_mock_script.c - the simulated caller's scripts: what is accepted, and what a run does with what it hears. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/mock/script.h"

static int passed, failed;

static void check(int ok, const char *promise)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        (void)printf("FAILED: %s\n", promise);
}

static void scripts_are_checked(void)
{
    static const struct {
        const char *text;
        int32_t status;
    } rows[] = {{"{\"steps\":[{\"say\":{\"text\":\"hi\",\"voice\":\"slt\"}},{\"say\":\"hi\"},{\"type\":\"say\","
                 "\"text\":\"hi\"}]}",
                 0},
                {"{\"steps\":[{\"wav\":{\"file\":\"a.wav\"}},{\"dtmf\":\"12#\"},{\"dtmf\":12},{\"pause\":\"500ms\"},"
                 "\"hangup\"]}",
                 0},
                {"{\"steps\":[{\"noise\":{\"db\":-20,\"seconds\":1}},{\"barge_in\":{\"after\":0.2,\"text\":\"stop\"}},{"
                 "\"hold\":1}]}",
                 0},
                {"{\"steps\":[{\"expect\":{\"text\":\"a\",\"event\":\"call_*\",\"dtmf\":\"1\",\"within\":\"2s\"}},{"
                 "\"hangup\":null}]}",
                 0},
                {"{\"steps\":[]}", 0},
                {"{}", VOICEGW_EINVALID},
                {"{\"steps\":[{\"shout\":\"hi\"}]}", VOICEGW_EINVALID},
                {"{\"steps\":[{\"say\":{}}]}", VOICEGW_EINVALID},
                {"{\"steps\":[{\"dtmf\":\"x\"}]}", VOICEGW_EINVALID},
                {"{\"steps\":[{\"pause\":-1}]}", VOICEGW_EINVALID},
                {"{\"steps\":[{\"pause\":\"soon\"}]}", VOICEGW_EINVALID},
                {"{\"steps\":[{\"expect\":{\"within\":1}}]}", VOICEGW_EINVALID},
                {"{\"steps\":[{\"noise\":{\"db\":3,\"seconds\":1}}]}", VOICEGW_EINVALID},
                {"{\"id\":[],\"steps\":[]}", VOICEGW_EINVALID}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mock_script *s = NULL;
        char why[256] = "";
        int32_t rc = mock_script_parse(voicegw_json_of(rows[i].text), &s, why, sizeof why);
        check(rc == rows[i].status && (rc == 0 ? s != NULL : why[0] != '\0'), rows[i].text);
        mock_script_free(s);
    }
}

static void words_and_globs(void)
{
    check(mock_words_in("Welcome to the Grand Hotel.", "the grand hotel"), "case and punctuation do not matter");
    check(mock_words_in("You said: hello, world!", "hello world"), "commas do not matter");
    check(!mock_words_in("hello worldly", "hello world"), "words are whole");
    check(!mock_words_in("hello big world", "hello world"), "words stand in a row");
    check(mock_words_in("a a b", "a b"), "a second start is found");
    check(mock_words_in("anything", "") && !mock_words_in("", "a"), "nothing is in everything");
    check(mock_glob("+1555*", "+15551234") && !mock_glob("+1555*", "+16") && mock_glob("*", "") &&
              mock_glob("a?c*e", "abcdde"),
          "globs match");
}

/* Drives a run in 20 ms ticks; says what it did as one letter a deed: P prepare, S play, H hold, R resume, F failed, E
 * hang up. */
struct drive {
    struct mock_run run;
    struct mock_script *script;
    int64_t now_us;
    char deeds[64];
    int play_ticks; /* length of each utterance */
    int left;
};

static void begin(struct drive *d, const char *steps)
{
    char why[256];
    *d = (struct drive){.now_us = 1000000, .play_ticks = 5};
    if (mock_script_parse(voicegw_json_of(steps), &d->script, why, sizeof why) != 0) {
        (void)printf("FAILED: %s\n", why);
        exit(1);
    }
    mock_run_begin(&d->run, d->script, 0, d->now_us);
}

static void ticks(struct drive *d, int count, int voiced)
{
    const struct mock_step *step;
    for (; count > 0; count--, d->now_us += 20000) {
        mock_run_heard(&d->run, d->now_us, voiced);
        if (d->left > 0 && --d->left == 0)
            mock_run_spoken(&d->run, d->now_us, NULL);
        for (;;) {
            enum mock_act act = mock_run_next(&d->run, d->now_us, &step);
            if (act == MOCK_ACT_NONE)
                break;
            size_t n = strlen(d->deeds);
            if (n + 1 < sizeof d->deeds)
                d->deeds[n] = "-PSHRFE"[act];
            if (act == MOCK_ACT_PLAY)
                d->left = d->play_ticks;
        }
    }
}

static void done(struct drive *d, const char *deeds, const char *promise)
{
    if (strcmp(d->deeds, deeds) != 0)
        (void)printf("did %s instead of %s\n", d->deeds, deeds);
    check(strcmp(d->deeds, deeds) == 0, promise);
    mock_run_end(&d->run);
    mock_script_free(d->script);
}

static void runs(void)
{
    struct drive d;
    begin(&d, "{\"steps\":[{\"say\":\"hi\"},\"hangup\"]}");
    ticks(&d, 50, 1);
    check(strcmp(d.deeds, "P") == 0, "a caller does not talk over the gateway");
    ticks(&d, 40, 0);
    done(&d, "PSE", "a caller speaks once the gateway is silent");

    begin(&d, "{\"steps\":[{\"barge_in\":{\"after\":0.5,\"text\":\"stop\"}}]}");
    ticks(&d, 50, 0);
    check(strcmp(d.deeds, "P") == 0, "barge_in waits for the gateway to speak");
    ticks(&d, 20, 1);
    check(strcmp(d.deeds, "P") == 0, "and for its time");
    ticks(&d, 20, 1);
    ticks(&d, 50, 0);
    done(&d, "PSE", "then it talks over the gateway");

    begin(&d, "{\"steps\":[{\"expect\":{\"text\":\"hello there\"}},\"hangup\"]}");
    mock_run_event(&d.run, "voice.assistant.text", "Hello, there!");
    ticks(&d, 20, 0);
    check(d.deeds[0] == '\0', "a text without sound was not heard");
    ticks(&d, 6, 1);
    done(&d, "E", "a text with sound was");

    begin(&d, "{\"steps\":[{\"expect\":{\"text\":\"goodbye\",\"within\":1}}]}");
    mock_run_event(&d.run, "voice.assistant.text", "Hello");
    ticks(&d, 60, 1);
    check(d.run.failed && d.run.failed_step == 1 && strcmp(d.run.expected, "text goodbye") == 0 &&
              strcmp(d.run.got, "Hello") == 0,
          "a failure says what was expected and what came");
    done(&d, "FE", "an expectation that is not met ends the call");

    begin(&d, "{\"steps\":[{\"expect\":{\"event\":\"call_answered\"}},{\"expect\":{\"event\":\"call_answered\","
              "\"within\":0.1}}]}");
    mock_run_event(&d.run, "call_ringing", NULL);
    mock_run_event(&d.run, "call_answered", NULL);
    ticks(&d, 20, 0);
    check(d.run.failed_step == 2, "what one expect has taken is gone for the next");
    done(&d, "FE", "and that fails");

    begin(&d, "{\"steps\":[{\"expect\":{\"dtmf\":\"12#\"}},{\"hold\":0.2},\"hangup\"]}");
    for (const char *p = "112#"; *p; p++)
        mock_run_digit(&d.run, *p);
    ticks(&d, 20, 0);
    done(&d, "HRE", "digits are found in a row, a hold is taken back");

    begin(&d, "{\"steps\":[{\"dtmf\":\"1\"},{\"noise\":{\"seconds\":1}},{\"pause\":0.1}]}");
    ticks(&d, 100, 0);
    done(&d, "PSPSE", "keys and noise wait for nobody; a script's end hangs up");

    begin(&d, "{\"steps\":[{\"say\":\"hi\"}]}");
    ticks(&d, 1, 0);
    mock_run_spoken(&d.run, d.now_us, "no voice");
    ticks(&d, 2, 0);
    check(strcmp(d.run.got, "no voice") == 0, "a voice that fails is told");
    done(&d, "PSFE", "and ends the call");

    begin(&d, "{\"steps\":[{\"expect\":{\"event\":\"call_ended\"}},\"hangup\"]}");
    ticks(&d, 5, 0);
    check(mock_run_cut(&d.run) == 1, "a script that waits for the end is content with it");
    done(&d, "", "nothing else was done");
    begin(&d, "{\"steps\":[{\"expect\":{\"text\":\"bye\"}},\"hangup\"]}");
    ticks(&d, 5, 0);
    check(mock_run_cut(&d.run) == 0 && d.run.failed_step == 1, "one that wants more is not");
    done(&d, "", "nothing else was done");

    begin(&d, "{\"steps\":[{\"pause\":100}]}");
    for (int i = 0; i < 1000; i++)
        mock_run_event(&d.run, "x", "y");
    check(d.run.seen_count == MOCK_SEEN_MAX, "what happened is bounded");
    done(&d, "", "nothing was done");
}

int main(void)
{
    scripts_are_checked();
    words_and_globs();
    runs();
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
