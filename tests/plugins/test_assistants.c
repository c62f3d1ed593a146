#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "speech.h"

Test(echo, says_what_it_heard)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "echo", VOICEGW_KIND_ASSISTANT,
                                   "{\"greeting\":\"Hello.\",\"no_input\":\"Pardon?\"}");
    const struct voicegw_assistant *ops = e.operations;
    struct voicegw_assistant_params params = {.size = sizeof params};
    static const struct {
        uint32_t flags;
        const char *text, *said;
    } turns[] = {{VOICEGW_TURN_START, "", "Hello."},
                 {0, "two nights please", "You said: two nights please"},
                 {VOICEGW_TURN_DTMF, "12", "You said: 12"},
                 {VOICEGW_TURN_NO_INPUT, "", "Pardon?"},
                 {VOICEGW_TURN_NO_MATCH, "", "Pardon?"}};
    void *s;
    cr_assert_eq(ops->open(e.instance, FAKEHOST_STREAM, &params, &s), VOICEGW_OK);
    for (uint64_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        struct voicegw_turn t = {.size = sizeof t, .flags = turns[i].flags, .turn = i + 1, .text = turns[i].text};
        fakehost_forget(e.fake);
        cr_expect_eq(ops->turn(s, &t), VOICEGW_OK);
        fakehost_run(e.fake);
        cr_expect_str_eq(fakehost_text(e.fake, "delta"), turns[i].said);
        cr_expect_eq(fakehost_count(e.fake, "turn_done"), 1);
        cr_expect_eq(fakehost_last(e.fake, "turn_done")->id, i + 1);
    }
    ops->close(s);
    cr_expect_eq(fakehost_count(e.fake, "closed"), 0);
    fakehost_run(e.fake);
    cr_expect_eq(fakehost_count(e.fake, "closed"), 1);
    cr_expect_eq(engine_stop(&e), 0);
}

static uint64_t seen_timestamp;
static uint32_t seen_sequence;

static void remember(void *arg, const struct voicegw_frame *frame)
{
    seen_timestamp = frame->timestamp;
    seen_sequence = frame->sequence;
}

Test(loopback, returns_every_octet_as_it_came)
{
    struct engine e = engine_start(PLUGIN_FOLDER, "loopback", VOICEGW_KIND_ASSISTANT_AUDIO, NULL);
    const struct voicegw_assistant_audio *ops = e.operations;
    const struct voicegw_audio_format formats[] = {{sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20},
                                                   {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20}};
    struct voicegw_assistant_params params = {.size = sizeof params};
    uint8_t sent[256 * 160];
    void *s;
    uint32_t format = 9;
    size_t bytes;
    cr_expect_eq(ops->flags, VOICEGW_ASSISTANT_AUDIO_PACED | VOICEGW_ASSISTANT_AUDIO_TURNS);
    cr_assert_eq(ops->open(e.instance, FAKEHOST_STREAM, &params, formats, 2, &s, &format), VOICEGW_OK);
    cr_expect_eq(format, 0);
    fakehost_on_audio(e.fake, remember, NULL);
    for (uint32_t i = 0; i < 256; i++) {
        struct voicegw_frame frame = {.size = sizeof frame,
                                      .encoding = VOICEGW_AUDIO_PCMU,
                                      .rate = 8000,
                                      .timestamp = i * 160u,
                                      .sequence = i + 7,
                                      .data = sent + (size_t)i * 160,
                                      .bytes = 160,
                                      .samples = 160};
        for (uint32_t k = 0; k < 160; k++)
            sent[i * 160 + k] = (uint8_t)(i + k * 7);
        cr_expect_eq(ops->audio(s, &frame), VOICEGW_OK);
        cr_expect_eq(seen_timestamp, i * 160u);
        cr_expect_eq(seen_sequence, i + 7);
    }
    const uint8_t *back = fakehost_audio(e.fake, &bytes);
    cr_assert_eq(bytes, sizeof sent);
    cr_expect_eq(memcmp(back, sent, bytes), 0);
    ops->close(s);
    fakehost_run(e.fake);
    cr_expect_eq(fakehost_count(e.fake, "closed"), 1);
    cr_expect_eq(engine_stop(&e), 0);
}

Test(assistants, know_only_their_own_extensions)
{
    static const char *const names[] = {"echo", "loopback", "flite", "espeak", "pocketsphinx"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, PLUGIN_FOLDER "/%s.so", names[i]);
        const struct voicegw_plugin *p = fakehost_load(path);
        cr_assert_not_null(p, "%s", names[i]);
        cr_expect_str_eq(p->name, names[i]);
        const struct voicegw_factory *f = p->factories[0];
        struct fakehost *fake = fakehost_new(f, NULL);
        void *instance;
        cr_assert_eq(f->create(fakehost_host(fake), fakehost_options(fake), &instance), VOICEGW_OK, "%s",
                     fakehost_error(fake));
        cr_expect_null(f->get_extension(instance, "com.example.nothing/1"));
        cr_expect_not_null(f->get_extension(instance, f->kind));
        f->destroy(instance);
        cr_expect_eq(fakehost_free(fake), 0);
    }
}
