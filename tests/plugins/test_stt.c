#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "speech.h"

#define HINTS                                                                                                          \
    "[\"yes\",\"no\",\"transfer me to reception\",\"i want to extend my stay\",\"please cancel my reservation for "    \
    "friday\"]"

/* The reference's figures: 12 for the voice that the demo's caller has, 10 for the others. */
static int exact(const char *voice, int one_stream)
{
    struct engine tts = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, NULL);
    void *stream = one_stream ? speech_open(&stt, utterances_json(), 0) : NULL;
    int count = 0;
    double cpu = 0, seconds = 0;
    for (int i = 0; i < UTTERANCES; i++) {
        size_t bytes;
        uint8_t *audio = speech_say(&tts, voice, utterances[i], &bytes);
        void *s = one_stream ? stream : speech_open(&stt, utterances_json(), 0);
        double from = cpu_seconds();
        const struct fakehost_report *r = speech_hear(&stt, s, (uint64_t)i + 1, audio, bytes);
        cpu += cpu_seconds() - from;
        seconds += (double)bytes / 8000 + 0.7;
        if (r && strcmp(r->text, utterances[i]) == 0)
            count++;
        else
            (void)printf("%s: \"%s\" was heard as \"%s\"\n", voice, utterances[i], r ? r->text : "(nothing)");
        free(audio);
        if (!one_stream)
            speech_close(&stt, s);
    }
    cr_expect_eq(fakehost_count(stt.fake, "final"), UTTERANCES);
    if (one_stream)
        speech_close(&stt, stream);
    (void)printf("%s, %s: %d of %d exact, RTF %.3f\n", voice, one_stream ? "one call" : "each a new call", count,
                 UTTERANCES, cpu / seconds);
    cr_expect_eq(engine_stop(&tts), 0);
    cr_expect_eq(engine_stop(&stt), 0);
    return count;
}

Test(stt, understands_rms)
{
    cr_expect_geq(exact("rms", 0), 12);
}

Test(stt, understands_slt)
{
    cr_expect_geq(exact("slt", 0), 10);
}

Test(stt, understands_kal16)
{
    cr_expect_geq(exact("kal16", 0), 10);
}

Test(stt, understands_awb)
{
    cr_expect_geq(exact("awb", 0), 10);
}

Test(stt, understands_throughout_a_call)
{
    cr_expect_geq(exact("rms", 1), 12);
}

static const struct fakehost_report *say_to(struct engine *tts, struct engine *stt, void *s, uint64_t utterance,
                                            const char *text)
{
    size_t bytes;
    uint8_t *audio = speech_say(tts, "rms", text, &bytes);
    const struct fakehost_report *r = speech_hear(stt, s, utterance, audio, bytes);
    free(audio);
    return r;
}

Test(stt, tells_partials_then_one_final_with_words)
{
    struct engine tts = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, NULL);
    void *s = speech_open(&stt, HINTS, 1);
    const struct fakehost_report *r = say_to(&tts, &stt, s, 5, "please cancel my reservation for friday");
    cr_assert_not_null(r);
    cr_expect_str_eq(r->text, "please cancel my reservation for friday");
    cr_expect_eq(r->id, 5);
    cr_expect_gt(r->confidence, 0.6);
    cr_expect_not_null(strstr(r->json, "\"word\":\"friday\""));
    cr_expect_gt(fakehost_count(stt.fake, "partial"), 2);
    cr_expect_eq(fakehost_report(stt.fake, "partial", 0)->id, 5);
    const struct fakehost_report *part = fakehost_last(stt.fake, "partial");
    cr_expect(part->confidence > 0.3 && part->confidence <= 1, "%f", part->confidence);
    cr_expect_eq(fakehost_count(stt.fake, "final"), 1);
    speech_close(&stt, s);
    cr_expect_eq(fakehost_count(stt.fake, "closed"), 1);
    cr_expect_eq(engine_stop(&tts), 0);
    cr_expect_eq(engine_stop(&stt), 0);
}

Test(stt, other_hints_hold_from_the_next_utterance_on)
{
    struct engine tts = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, NULL);
    const struct voicegw_stt *ops = stt.operations;
    void *s = speech_open(&stt, "[\"yes\",\"no\"]", 0);
    cr_expect_str_eq(say_to(&tts, &stt, s, 1, "yes")->text, "yes");
    for (uint64_t round = 0; round < 3; round++) {
        (void)ops->update(s, HINTS, NULL);
        cr_expect_str_eq(say_to(&tts, &stt, s, 2 + 2 * round, "transfer me to reception")->text,
                         "transfer me to reception");
        (void)ops->update(s, "[\"my room number is three one four\"]", NULL);
        cr_expect_str_eq(say_to(&tts, &stt, s, 3 + 2 * round, "my room number is three one four")->text,
                         "my room number is three one four");
    }
    speech_close(&stt, s);
    cr_expect_eq(engine_stop(&tts), 0);
    cr_expect_eq(engine_stop(&stt), 0);
}

Test(stt, silence_and_other_speech_are_nothing_understood)
{
    struct engine tts = engine_start(PLUGIN_FOLDER, "flite", VOICEGW_KIND_TTS, NULL);
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, NULL);
    void *s = speech_open(&stt, HINTS, 0);
    static uint8_t silence[16000];
    memset(silence, 0xff, sizeof silence);
    const struct fakehost_report *r = speech_hear(&stt, s, 1, silence, sizeof silence);
    cr_assert_not_null(r);
    cr_expect_str_eq(r->text, "");
    cr_expect_leq(r->confidence, 0);
    r = say_to(&tts, &stt, s, 2, "football scores and weather are coming up after the news");
    cr_expect_lt(r->confidence, 0.6, "%s", r->text);
    speech_close(&stt, s);
    cr_expect_eq(engine_stop(&tts), 0);
    cr_expect_eq(engine_stop(&stt), 0);
}

Test(stt, finalize_without_speech_is_answered)
{
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, NULL);
    const struct voicegw_stt *ops = stt.operations;
    void *s = speech_open(&stt, HINTS, 0);
    (void)ops->finalize(s, 3);
    cr_expect_eq(fakehost_count(stt.fake, "final"), 0, "not from inside");
    fakehost_run(stt.fake);
    cr_expect_eq(fakehost_count(stt.fake, "final"), 1);
    cr_expect_eq(fakehost_last(stt.fake, "final")->id, 3);
    speech_close(&stt, s);
    cr_expect_eq(engine_stop(&stt), 0);
}

Test(stt, a_close_with_work_queued_is_the_last_word)
{
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, NULL);
    const struct voicegw_stt *ops = stt.operations;
    void *s = speech_open(&stt, HINTS, 1);
    fakehost_hold_jobs(stt.fake, 1);
    (void)ops->speech(s, 1, 1, 0);
    (void)ops->finalize(s, 1);
    ops->close(s);
    fakehost_run(stt.fake);
    cr_expect_eq(fakehost_count(stt.fake, "closed"), 0);
    fakehost_hold_jobs(stt.fake, 0);
    fakehost_run(stt.fake);
    cr_expect_eq(fakehost_count(stt.fake, "closed"), 1);
    cr_expect_eq(fakehost_count(stt.fake, "final"), 0);
    cr_expect_eq(engine_stop(&stt), 0);
}

Test(stt, a_full_queue_delays_and_loses_nothing)
{
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, NULL);
    const struct voicegw_stt *ops = stt.operations;
    void *s = speech_open(&stt, HINTS, 0);
    fakehost_refuse(stt.fake, 3);
    (void)ops->finalize(s, 1);
    fakehost_advance(stt.fake, 1000000);
    cr_expect_eq(fakehost_count(stt.fake, "final"), 1);
    fakehost_refuse(stt.fake, 2);
    ops->close(s);
    fakehost_advance(stt.fake, 1000000);
    cr_expect_eq(fakehost_count(stt.fake, "closed"), 1);
    cr_expect_eq(engine_stop(&stt), 0);
}

Test(stt, words_that_the_dictionary_lacks_are_named)
{
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, NULL);
    void *s = speech_open(&stt, "[\"yes\",\"call zorbleflux now\"]", 0);
    cr_expect_not_null(fakehost_logged(stt.fake, "zorbleflux"));
    cr_expect_eq(fakehost_count(stt.fake, "fatal"), 0);
    speech_close(&stt, s);
    s = speech_open(&stt, "[\"zorbleflux\"]", 0);
    cr_expect_not_null(fakehost_logged(stt.fake, "general phrases"));
    speech_close(&stt, s);
    cr_expect_eq(engine_stop(&stt), 0);
}

Test(stt, refuses_what_it_cannot_do_with_a_sentence)
{
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, "{\"max_streams\":1}");
    const struct voicegw_stt *ops = stt.operations;
    const struct voicegw_audio_format formats[] = {{sizeof formats[0], VOICEGW_AUDIO_L16, 44100, 20},
                                                   {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20}};
    struct voicegw_stt_params params = {
        .size = sizeof params, .formats = formats, .format_count = 1, .language = "en-US"};
    void *s, *other;
    uint32_t format;
    cr_expect_eq(ops->open(stt.instance, FAKEHOST_STREAM, &params, &s, &format), VOICEGW_EUNSUPPORTED);
    cr_expect_not_null(strstr(fakehost_error(stt.fake), "8000"));
    params.format_count = 2;
    params.language = "de-DE";
    cr_expect_eq(ops->open(stt.instance, FAKEHOST_STREAM, &params, &s, &format), VOICEGW_EUNSUPPORTED);
    cr_expect_not_null(strstr(fakehost_error(stt.fake), "de-DE"));
    params.language = "en-US";
    cr_assert_eq(ops->open(stt.instance, FAKEHOST_STREAM, &params, &s, &format), VOICEGW_OK);
    cr_expect_eq(format, 1);
    cr_expect_eq(ops->open(stt.instance, FAKEHOST_STREAM, &params, &other, &format), VOICEGW_ELIMIT);
    cr_expect_not_null(strstr(fakehost_error(stt.fake), "max_streams"));
    speech_close(&stt, s);
    cr_expect_eq(engine_stop(&stt), 0);
}

Test(stt, a_missing_model_is_a_configuration_error)
{
    const struct voicegw_factory *f =
        fakehost_factory(fakehost_load(PLUGIN_FOLDER "/pocketsphinx.so"), VOICEGW_KIND_STT);
    struct fakehost *fake = fakehost_new(f, "{\"acoustic_model\":\"/nowhere\"}");
    void *instance;
    cr_expect_eq(f->create(fakehost_host(fake), fakehost_options(fake), &instance), VOICEGW_ECONFIG);
    cr_expect_not_null(strstr(fakehost_error(fake), "install pocketsphinx-en-us or set acoustic_model"));
    (void)fakehost_free(fake);
}

Test(stt, leaves_no_file_behind)
{
    char folder[] = "/tmp/voicegw-test-XXXXXX", options[200];
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(options, sizeof options, "{\"work_dir\":\"%s\"}", folder);
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, options);
    void *s = speech_open(&stt, HINTS, 0);
    speech_close(&stt, s);
    cr_expect_eq(engine_stop(&stt), 0);
    cr_expect_eq(rmdir(folder), 0, "the folder is empty");
}

Test(stt, removes_what_a_killed_process_left_and_nothing_else)
{
    char folder[] = "/tmp/voicegw-test-XXXXXX", left[100], file[120], young[100], foreign[100], options[200];
    const struct timespec old[2] = {{1, 0}, {1, 0}};
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(left, sizeof left, "%s/voicegw-stt-killed", folder);
    (void)snprintf(file, sizeof file, "%s/feat.params", left);
    (void)snprintf(young, sizeof young, "%s/voicegw-stt-young", folder);
    (void)snprintf(foreign, sizeof foreign, "%s/something", folder);
    cr_assert(mkdir(left, 0700) == 0 && mkdir(young, 0700) == 0 && mkdir(foreign, 0700) == 0);
    int fd = open(file, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    (void)close(fd);
    cr_assert_eq(utimensat(AT_FDCWD, left, old, 0), 0);
    cr_assert_eq(utimensat(AT_FDCWD, foreign, old, 0), 0);
    (void)snprintf(options, sizeof options, "{\"work_dir\":\"%s\"}", folder);
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, options);
    void *s = speech_open(&stt, HINTS, 0);
    cr_expect_neq(access(left, F_OK), 0);
    cr_expect_eq(rmdir(young), 0);
    cr_expect_eq(rmdir(foreign), 0);
    speech_close(&stt, s);
    cr_expect_eq(engine_stop(&stt), 0);
    cr_expect_eq(rmdir(folder), 0);
}

Test(stt, measured)
{
    struct engine stt = engine_start(PLUGIN_FOLDER, "pocketsphinx", VOICEGW_KIND_STT, NULL);
    void *streams[8];
    long before = resident_kb();
    for (int i = 0; i < 8; i++) {
        double from = cpu_seconds();
        streams[i] = speech_open(&stt, utterances_json(), 0);
        if (i == 7)
            (void)printf("pocketsphinx: %.1f ms to make a decoder, %ld kB each of 8\n", (cpu_seconds() - from) * 1000,
                         (resident_kb() - before) / 8);
    }
    for (int i = 0; i < 8; i++)
        speech_close(&stt, streams[i]);
    cr_expect_eq(engine_stop(&stt), 0);
}
