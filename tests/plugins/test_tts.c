#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "speech.h"

#define LONG "The quick brown fox jumps over the lazy dog. Then it sleeps for a long while under a tree. Nobody minds."

static const struct voicegw_audio_format ulaw = {sizeof ulaw, VOICEGW_AUDIO_PCMU, 8000, 20};
static const struct voicegw_audio_format linear = {sizeof linear, VOICEGW_AUDIO_L16, 8000, 20};

static void *open_as(struct engine *e, const char *voice, const char *language,
                     const struct voicegw_audio_format *format, int32_t expected)
{
    const struct voicegw_tts *ops = e->operations;
    struct voicegw_tts_params params = {
        .size = sizeof params, .formats = format, .format_count = 1, .voice = voice, .language = language};
    void *s = NULL;
    uint32_t index;
    cr_assert_eq(ops->open(e->instance, FAKEHOST_STREAM, &params, &s, &index), expected, "%s", fakehost_error(e->fake));
    return s;
}

static void finish(struct engine *e, void *s)
{
    ((const struct voicegw_tts *)e->operations)->close(s);
    size_t closed = fakehost_count(e->fake, "closed");
    fakehost_run(e->fake);
    cr_expect_eq(closed, 0, "not from inside close()");
    cr_expect_eq(fakehost_count(e->fake, "closed"), 1);
    cr_expect_eq(engine_stop(e), 0);
}

static const char *const engines[] = {"flite", "espeak"};
#define EACH_ENGINE(i) for (size_t i = 0; i < 2; i++)

Test(tts, speaks_and_is_done_once)
{
    EACH_ENGINE(i)
    {
        struct engine e = engine_start(PLUGIN_FOLDER, engines[i], VOICEGW_KIND_TTS, NULL);
        const struct voicegw_tts *ops = e.operations;
        void *s = open_as(&e, "", "en-US", &ulaw, VOICEGW_OK);
        size_t bytes;
        cr_expect_eq(ops->speak(s, 7, "Hello there. ", 0), VOICEGW_OK);
        cr_expect_eq(ops->speak(s, 7, "How are you?", VOICEGW_SPEAK_LAST), VOICEGW_OK);
        cr_expect_eq(fakehost_count(e.fake, "audio") + fakehost_count(e.fake, "done"), 0,
                     "nothing from inside speak()");
        cr_expect_eq(ops->speak(s, 7, "More.", 0), VOICEGW_EBUSY);
        fakehost_run(e.fake);
        cr_expect_eq(fakehost_count(e.fake, "done"), 1);
        cr_expect_eq(fakehost_last(e.fake, "done")->status, VOICEGW_OK);
        cr_expect_eq(fakehost_count(e.fake, "align"), 2);
        cr_expect_eq(fakehost_last(e.fake, "align")->status, 25, "characters");
        (void)fakehost_audio(e.fake, &bytes);
        cr_expect(bytes > 8000 && bytes < 8 * 8000, "%s: %zu", engines[i], bytes);
        for (size_t k = 0; k < fakehost_count(e.fake, "audio"); k++)
            cr_expect_leq(fakehost_report(e.fake, "audio", k)->status, 800, "at most 100 ms");
        finish(&e, s);
    }
}

static struct {
    const struct voicegw_tts *ops;
    void *stream;
    unsigned frames, after;
    int cancelled;
} cutting;

static void cut_in(void *arg, const struct voicegw_frame *frame)
{
    if (cutting.cancelled)
        cutting.after++;
    if (++cutting.frames == 3) {
        (void)cutting.ops->cancel(cutting.stream);
        cutting.cancelled = 1;
    }
}

Test(tts, cancel_lets_nothing_through_and_ends_each_utterance_once)
{
    EACH_ENGINE(i)
    {
        struct engine e = engine_start(PLUGIN_FOLDER, engines[i], VOICEGW_KIND_TTS, NULL);
        const struct voicegw_tts *ops = e.operations;
        void *s = open_as(&e, "", "en-US", &ulaw, VOICEGW_OK);
        memset(&cutting, 0, sizeof cutting);
        cutting.ops = ops;
        cutting.stream = s;
        fakehost_on_audio(e.fake, cut_in, NULL);
        (void)ops->speak(s, 1, LONG, VOICEGW_SPEAK_LAST);
        (void)ops->speak(s, 2, LONG, VOICEGW_SPEAK_LAST);
        (void)ops->speak(s, 3, "Not yet whole", 0);
        fakehost_run(e.fake);
        cr_expect_eq(cutting.after, 0);
        cr_expect_eq(fakehost_count(e.fake, "done"), 3);
        for (size_t k = 0; k < 3; k++) {
            cr_expect_eq(fakehost_report(e.fake, "done", k)->id, k + 1);
            cr_expect_eq(fakehost_report(e.fake, "done", k)->status, VOICEGW_EBUSY);
        }
        fakehost_forget(e.fake);
        memset(&cutting, 0, sizeof cutting);
        fakehost_on_audio(e.fake, NULL, NULL);
        (void)ops->speak(s, 4, "Fresh.", VOICEGW_SPEAK_LAST);
        fakehost_run(e.fake);
        cr_expect_gt(fakehost_count(e.fake, "audio"), 0);
        cr_expect_eq(fakehost_last(e.fake, "done")->status, VOICEGW_OK);
        finish(&e, s);
    }
}

Test(tts, cancel_stops_the_engine_within_a_chunk)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    const struct voicegw_tts *ops = e.operations;
    fakehost_threaded(e.fake);
    void *s = open_as(&e, "", "en-US", &ulaw, VOICEGW_OK);
    (void)ops->speak(
        s, 1, "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen.",
        VOICEGW_SPEAK_LAST);
    cr_assert(fakehost_wait(e.fake, "audio", 1, 20000000));
    (void)ops->cancel(s);
    size_t before = fakehost_count(e.fake, "audio");
    cr_assert(fakehost_wait(e.fake, "done", 1, 20000000));
    cr_expect_eq(fakehost_count(e.fake, "audio"), before);
    cr_expect_eq(fakehost_last(e.fake, "done")->status, VOICEGW_EBUSY);
    ops->close(s);
    cr_expect(fakehost_wait(e.fake, "closed", 0, 20000000));
    cr_expect_eq(engine_stop(&e), 0);
}

Test(tts, waits_for_the_end_of_a_sentence_unless_flushed)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    const struct voicegw_tts *ops = e.operations;
    void *s = open_as(&e, "", "en-US", &linear, VOICEGW_OK);
    (void)ops->speak(s, 1, "This is no", 0);
    fakehost_run(e.fake);
    cr_expect_eq(fakehost_count(e.fake, "audio"), 0);
    (void)ops->flush(s);
    fakehost_run(e.fake);
    cr_expect_gt(fakehost_count(e.fake, "audio"), 0);
    cr_expect_eq(fakehost_count(e.fake, "done"), 0);
    (void)ops->speak(s, 1, "", VOICEGW_SPEAK_LAST);
    fakehost_run(e.fake);
    cr_expect_eq(fakehost_count(e.fake, "done"), 1);
    finish(&e, s);
}

Test(tts, waits_for_credit_once_the_host_gives_any)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    const struct voicegw_tts *ops = e.operations;
    void *s = open_as(&e, "", "en-US", &ulaw, VOICEGW_OK);
    (void)ops->credit(s, 20);
    (void)ops->speak(s, 1, LONG, VOICEGW_SPEAK_LAST);
    fakehost_run(e.fake);
    cr_expect_eq(fakehost_count(e.fake, "align"), 1);
    (void)ops->credit(s, 60000);
    fakehost_run(e.fake);
    cr_expect_eq(fakehost_count(e.fake, "align"), 3);
    cr_expect_eq(fakehost_count(e.fake, "done"), 1);
    finish(&e, s);
}

Test(tts, a_close_while_it_speaks_ends_all_in_order)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    const struct voicegw_tts *ops = e.operations;
    fakehost_threaded(e.fake);
    void *s = open_as(&e, "", "en-US", &ulaw, VOICEGW_OK);
    (void)ops->speak(s, 1, LONG, VOICEGW_SPEAK_LAST);
    (void)ops->speak(s, 2, LONG, VOICEGW_SPEAK_LAST);
    cr_assert(fakehost_wait(e.fake, "audio", 1, 20000000));
    fakehost_forget(e.fake);
    ops->close(s);
    cr_assert(fakehost_wait(e.fake, "closed", 0, 20000000));
    cr_expect_eq(fakehost_count(e.fake, "done"), 2);
    cr_expect_eq(fakehost_count(e.fake, "audio"), 0);
    cr_expect_eq(engine_stop(&e), 0);
}

Test(tts, a_full_queue_delays_and_loses_nothing)
{
    for (unsigned refused = 1; refused < 6; refused++) {
        struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
        const struct voicegw_tts *ops = e.operations;
        void *s = open_as(&e, "", "en-US", &ulaw, VOICEGW_OK);
        fakehost_refuse(e.fake, refused);
        (void)ops->speak(s, 1, "Yes.", VOICEGW_SPEAK_LAST);
        fakehost_advance(e.fake, 1000000);
        cr_expect_eq(fakehost_count(e.fake, "done"), 1);
        cr_expect_gt(fakehost_count(e.fake, "audio"), 0);
        fakehost_refuse(e.fake, refused);
        ops->close(s);
        fakehost_advance(e.fake, 1000000);
        cr_expect_eq(fakehost_count(e.fake, "closed"), 1);
        cr_expect_eq(engine_stop(&e), 0);
    }
}

Test(tts, an_unknown_voice_is_a_warning_and_the_default_speaks)
{
    EACH_ENGINE(i)
    {
        struct engine e = engine_start(PLUGIN_FOLDER, engines[i], VOICEGW_KIND_TTS, NULL);
        const struct voicegw_tts *ops = e.operations;
        void *s = open_as(&e, "en-US-Standard-A", "en-US", &ulaw, VOICEGW_OK);
        (void)ops->speak(s, 1, "Hello.", VOICEGW_SPEAK_LAST);
        fakehost_run(e.fake);
        cr_expect_gt(fakehost_count(e.fake, "audio"), 0);
        void *again = open_as(&e, "en-US-Standard-A", "en-US", &ulaw, VOICEGW_OK);
        (void)ops->speak(again, 2, "Hello again.", VOICEGW_SPEAK_LAST);
        fakehost_run(e.fake);
        cr_expect_eq(fakehost_log_count(e.fake, "no voice \"en-US-Standard-A\""), 1, "once");
        ops->close(again);
        fakehost_run(e.fake);
        fakehost_forget(e.fake);
        finish(&e, s);
    }
}

Test(tts, flite_refuses_other_languages_and_espeak_speaks_them)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    (void)open_as(&e, "", "de-DE", &ulaw, VOICEGW_EUNSUPPORTED);
    cr_expect_not_null(strstr(fakehost_error(e.fake), "English only"));
    cr_expect_eq(engine_stop(&e), 0);
    static const char *const languages[] = {"de-DE", "fr-FR", "zh-CN", "pt-BR", "en-GB", "de-AT"};
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        e = engine_start(PLUGIN_FOLDER, "espeak", VOICEGW_KIND_TTS, NULL);
        void *s = open_as(&e, "", languages[i], &linear, VOICEGW_OK);
        (void)((const struct voicegw_tts *)e.operations)->speak(s, 1, "Hallo.", VOICEGW_SPEAK_LAST);
        fakehost_run(e.fake);
        cr_expect_gt(fakehost_count(e.fake, "audio"), 0, "%s", languages[i]);
        finish(&e, s);
    }
    e = engine_start(PLUGIN_FOLDER, "espeak", VOICEGW_KIND_TTS, NULL);
    (void)open_as(&e, "", "xx-XX", &linear, VOICEGW_EUNSUPPORTED);
    cr_expect_eq(engine_stop(&e), 0);
}

Test(tts, ssml_is_spoken_without_its_tags)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    const struct voicegw_tts *ops = e.operations;
    size_t plain, marked;
    void *s = open_as(&e, "", "en-US", &ulaw, VOICEGW_OK);
    (void)ops->speak(s, 1, "Good morning", VOICEGW_SPEAK_LAST);
    fakehost_run(e.fake);
    (void)fakehost_audio(e.fake, &plain);
    fakehost_forget(e.fake);
    (void)ops->speak(s, 2, "<speak>Good <emphasis>morning</emphasis></speak>", VOICEGW_SPEAK_LAST | VOICEGW_SPEAK_SSML);
    fakehost_run(e.fake);
    (void)fakehost_audio(e.fake, &marked);
    cr_expect_eq(plain, marked);
    finish(&e, s);
}

Test(tts, refuses_more_text_than_it_may_hold)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    static char text[70000];
    memset(text, 'a', sizeof text - 1);
    void *s = open_as(&e, "", "en-US", &ulaw, VOICEGW_OK);
    cr_expect_eq(((const struct voicegw_tts *)e.operations)->speak(s, 1, text, 0), VOICEGW_ELIMIT);
    finish(&e, s);
}

Test(tts, cache_keys_differ_where_the_sound_does)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    const struct voicegw_tts *ops = e.operations;
    struct voicegw_tts_params params = {.size = sizeof params, .voice = "slt"};
    char a[100], b[100], c[8];
    cr_expect_gt(ops->cache_key(e.instance, &params, "hello", a, sizeof a), 0);
    params.voice = "rms";
    cr_expect_gt(ops->cache_key(e.instance, &params, "hello", b, sizeof b), 0);
    cr_expect_str_neq(a, b);
    cr_expect_lt(ops->cache_key(e.instance, &params, "hello", c, sizeof c), 0);
    cr_expect_eq(engine_stop(&e), 0);
}

Test(tts, measured)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    const struct voicegw_tts *ops = e.operations;
    fakehost_threaded(e.fake);
    void *s = open_as(&e, "", "en-US", &ulaw, VOICEGW_OK);
    for (uint64_t u = 1; u <= 3; u++) {
        size_t bytes;
        fakehost_forget(e.fake);
        double cpu = cpu_seconds();
        int64_t from = fakehost_host(e.fake)->now_us(fakehost_host(e.fake));
        (void)ops->speak(s, u, "Hello, I would like to book a room for two nights please.", VOICEGW_SPEAK_LAST);
        cr_assert(fakehost_wait(e.fake, "done", u, 20000000));
        (void)fakehost_audio(e.fake, &bytes);
        (void)printf("flite utterance %d: first audio %.1f ms, %.2f s of speech, RTF %.4f, resident %ld kB\n", (int)u,
                     (double)(fakehost_report(e.fake, "audio", 0)->at_us - from) / 1000.0, (double)bytes / 8000,
                     (cpu_seconds() - cpu) / ((double)bytes / 8000), resident_kb());
    }
    ops->close(s);
    cr_expect(fakehost_wait(e.fake, "closed", 0, 20000000));
    cr_expect_eq(engine_stop(&e), 0);
}
