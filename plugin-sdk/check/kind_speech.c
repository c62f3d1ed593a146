/* kind_speech.c - uses a recognizer and a synthesizer as the gateway would. */
#include <string.h>
#include "check.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/tts.h"

static const struct voicegw_audio_format formats[] = {{sizeof formats[0], VOICEGW_AUDIO_L16, 8000, 20},
                                                      {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20},
                                                      {sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20}};

/* Lets control run a while, then comes back to the stream's worker. */
static void turn_loop(int64_t span_us)
{
    fake_tag_set(VOICEGW_THREAD_CONTROL);
    fake_run(span_us);
    fake_tag_set(VOICEGW_THREAD_MEDIA);
}

static uint64_t listen_once(const struct voicegw_stt *t, void *stream, const struct voicegw_audio_format *format,
                            uint64_t *position)
{
    static int16_t samples[16000 / 50];
    uint32_t count = format->rate / 50;
    uint64_t utterance = fake_id("finalize()");
    fake_status("speech()", t->speech(stream, utterance, 1, *position));
    for (unsigned i = 0; i < 50; i++, *position += count) {
        for (uint32_t k = 0; k < count; k++)
            samples[k] = (int16_t)((k * 2654435761u + i * 40503u) >> 20);
        struct voicegw_frame f = {sizeof f, format->encoding, format->rate,
                                  0,        *position,        i,
                                  1,        samples,          count * (format->encoding == VOICEGW_AUDIO_L16 ? 2u : 1u),
                                  count};
        fake_sentence_clear();
        fake_status("push()", t->push(stream, &f));
        turn_loop(20000);
    }
    fake_status("speech()", t->speech(stream, utterance, 0, *position));
    fake_call_begin(utterance);
    fake_call_end(utterance, t->finalize(stream, utterance));
    return utterance;
}

void scenario_stt(struct subject *s, enum scenario scenario)
{
    const struct voicegw_stt *t = subject_table(s, VOICEGW_KIND_STT);
    const char *hints = scenario == OVERSIZE ? "[\"broken" : "[\"hello\",\"good morning\"]";
    struct voicegw_stt_params params = {
        sizeof params, 0, formats, 3, 1, scenario == OVERSIZE ? oversize_text() : "en-US", hints};
    uint64_t handle = fake_id("close()"), position = 0;
    void *stream = NULL;
    uint32_t format = 0;
    fake_tag_set(VOICEGW_THREAD_MEDIA);
    fake_sentence_clear();
    int32_t rc = t->open(s->instance, handle, &params, &stream, &format);
    fake_status("open()", rc);
    if (rc != 0)
        return;
    if (format >= 3)
        fail("open() chose format %u of 3", format);
    (void)listen_once(t, stream, &formats[format], &position);
    turn_loop(5000000);
    if (t->update)
        (void)t->update(stream, scenario == OVERSIZE ? oversize_text() : hints, NULL);
    struct voicegw_frame nothing = {.size = sizeof nothing,
                                    .encoding = formats[format].encoding,
                                    .rate = formats[format].rate,
                                    .timestamp = position,
                                    .data = ""};
    (void)t->push(stream, &nothing);
    uint64_t last = listen_once(t, stream, &formats[format], &position);
    if (scenario == CANCEL) /* closed with a final outstanding, which close() may swallow */
        fake_forgive(last);
    else
        turn_loop(5000000);
    fake_call_begin(handle);
    t->close(stream);
    fake_call_end(handle, 0);
    fake_tag_set(VOICEGW_THREAD_CONTROL);
    fake_settle();
}

static uint64_t say(const struct voicegw_tts *t, void *stream, const char *text)
{
    uint64_t utterance = fake_id("speak()");
    fake_call_begin(utterance);
    fake_call_end(utterance, t->speak(stream, utterance, text, VOICEGW_SPEAK_LAST));
    return utterance;
}

void scenario_tts(struct subject *s, enum scenario scenario)
{
    const struct voicegw_tts *t = subject_table(s, VOICEGW_KIND_TTS);
    struct voicegw_tts_params params = {sizeof params, 0, formats, 3, 0, scenario == OVERSIZE ? oversize_text() : "",
                                        "en-US"};
    uint64_t handle = fake_id("close()");
    void *stream = NULL;
    uint32_t format = 0;
    char key[4096];
    fake_tag_set(VOICEGW_THREAD_MEDIA);
    if (t->cache_key && t->cache_key(s->instance, &params, "Hello.", key, 4) > 3)
        fail("cache_key() claims more bytes than the room it was given");
    fake_sentence_clear();
    int32_t rc = t->open(s->instance, handle, &params, &stream, &format);
    fake_status("open()", rc);
    if (rc != 0)
        return;
    if (format >= 3)
        fail("open() chose format %u of 3", format);
    if (t->credit)
        (void)t->credit(stream, 60000);
    (void)say(t, stream, scenario == OVERSIZE ? "<speak><" : "Hello. This is a check of your voice.");
    (void)say(t, stream, scenario == OVERSIZE ? "" : "A second sentence follows.");
    if (scenario == CANCEL) {
        fake_status("cancel()", t->cancel(stream));
        unsigned before = fake_tts_bytes();
        turn_loop(30000000);
        if (fake_tts_bytes() != before)
            fake_violation(FAKE_AFTER, "on_audio() came after cancel()");
        (void)say(t, stream, "Speech goes on after a cancel.");
    }
    turn_loop(60000000);
    /* Who speaks at a vendor cannot do so here, and says why. */
    if (scenario == PLAIN && fake_tts_bytes() == 0 && fake_tts_failures() == 0)
        fake_violation(FAKE_VALUE, "no on_audio() came for two sentences, and no on_done() that says why");
    fake_call_begin(handle);
    t->close(stream);
    fake_call_end(handle, 0);
    fake_tag_set(VOICEGW_THREAD_CONTROL);
    fake_settle();
}
