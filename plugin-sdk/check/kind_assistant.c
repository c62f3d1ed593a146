/* kind_assistant.c - holds a conversation with an assistant, in text or in audio. */
#include <string.h>
#include "check.h"
#include "voicegw/draft/assistant.h"

void fake_turn_set(uint64_t turn, uint64_t id); /* fake_kinds.c */

static const struct voicegw_assistant_params params = {
    .size = sizeof params,
    .session_json = "{\"session_id\":\"check\",\"call_id\":\"c1\",\"channel\":\"phone\",\"direction\":\"inbound\","
                    "\"from\":\"+15550001\","
                    "\"to\":\"+15550002\",\"language\":\"en-US\",\"variables\":{},\"project_id\":\"default\"}",
    .tools_json = "[]",
};
static const struct voicegw_assistant_params absurd = {
    .size = sizeof absurd, .session_json = "{\"broken\":[", .tools_json = "", .history_json = "7"};

static void turn_loop(int64_t span_us)
{
    fake_tag_set(VOICEGW_THREAD_CONTROL);
    fake_run(span_us);
    fake_tag_set(VOICEGW_THREAD_MEDIA);
}

static void take_turn(const struct voicegw_assistant *a, void *session, uint64_t number, const char *text,
                      uint32_t flags)
{
    struct voicegw_turn turn = {sizeof turn, flags, number, text, 0.9, "en-US"};
    uint64_t id = fake_id("turn()");
    fake_turn_set(number, id);
    fake_call_begin(id);
    fake_call_end(id, a->turn(session, &turn));
}

void scenario_assistant(struct subject *s, enum scenario scenario)
{
    const struct voicegw_assistant *a = s->f->get_extension(s->instance, VOICEGW_KIND_ASSISTANT);
    uint64_t handle = fake_id("close()");
    void *session = NULL;
    if (!a) {
        scenario_assistant_audio(s, scenario);
        return;
    }
    fake_tag_set(VOICEGW_THREAD_MEDIA);
    fake_sentence_clear();
    int32_t rc = a->open(s->instance, handle, scenario == OVERSIZE ? &absurd : &params, &session);
    fake_status("open()", rc);
    if (rc != 0)
        return;
    take_turn(a, session, 1, "", VOICEGW_TURN_START);
    turn_loop(2000000);
    take_turn(a, session, 2, scenario == OVERSIZE ? oversize_text() : "hello", 0);
    if (scenario == CANCEL && a->interrupt)
        fake_status("interrupt()", a->interrupt(session, 2, "You", 200));
    turn_loop(2000000);
    take_turn(a, session, 3, "", VOICEGW_TURN_NO_INPUT);
    take_turn(a, session, 4, "1", VOICEGW_TURN_DTMF);
    if (a->dtmf)
        (void)a->dtmf(session, "#");
    if (a->partial)
        (void)a->partial(session, "hel");
    turn_loop(2000000);
    fake_call_begin(handle);
    a->close(session);
    fake_call_end(handle, 0);
    fake_tag_set(VOICEGW_THREAD_CONTROL);
    fake_settle();
}

void scenario_assistant_audio(struct subject *s, enum scenario scenario)
{
    const struct voicegw_assistant_audio *a = subject_table(s, VOICEGW_KIND_ASSISTANT_AUDIO);
    const struct voicegw_audio_format formats[] = {{sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20},
                                                   {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20}};
    static const uint8_t silence[640];
    uint64_t handle = fake_id("close()");
    void *session = NULL;
    uint32_t format = 0;
    fake_tag_set(VOICEGW_THREAD_MEDIA);
    fake_sentence_clear();
    int32_t rc = a->open(s->instance, handle, scenario == OVERSIZE ? &absurd : &params, formats, 2, &session, &format);
    fake_status("open()", rc);
    if (rc != 0)
        return;
    if (format >= 2)
        fail("open() chose format %u of 2", format);
    uint32_t count = formats[format].rate / 50;
    for (unsigned i = 0; i < 25; i++) {
        struct voicegw_frame f = {sizeof f,
                                  formats[format].encoding,
                                  formats[format].rate,
                                  0,
                                  (uint64_t)i * count,
                                  i,
                                  1,
                                  silence,
                                  count * (formats[format].encoding == VOICEGW_AUDIO_L16 ? 2u : 1u),
                                  count};
        (void)a->audio(session, &f);
        turn_loop(20000);
    }
    if (a->speech)
        (void)a->speech(session, 1, 0);
    if (a->truncated)
        (void)a->truncated(session, scenario == OVERSIZE ? oversize_text() : "unknown", 0);
    fake_call_begin(handle);
    a->close(session);
    fake_call_end(handle, 0);
    fake_tag_set(VOICEGW_THREAD_CONTROL);
    fake_settle();
}
