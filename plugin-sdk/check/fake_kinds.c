/* fake_kinds.c - the host's side of each kind: notes what the plugin reports. */
#include <string.h>
#include "fake.h"
#include "voicegw/json.h"
#include "voicegw/draft/action.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_media.h"
#include "voicegw/draft/queue.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/tts.h"

#define HOST const struct voicegw_host *host

static unsigned tts_bytes;
static unsigned tts_failures; /* utterances that ended with a status and a sentence */

unsigned fake_tts_bytes(void)
{
    return tts_bytes;
}

unsigned fake_tts_failures(void)
{
    return tts_failures;
}

static void need_json(const char *what, const char *json)
{
    if (json && !voicegw_json_valid(json, strlen(json)))
        fake_violation(FAKE_VALUE, "%s brought text that is no JSON: %.80s", what, json);
}

static void need_outcome(const char *what, int32_t status, const char *sentence)
{
    if (status > 0 || status < VOICEGW_EINTERNAL)
        fake_violation(FAKE_STATUS, "%s brought status %d, which is none of voicegw/status.h", what, status);
    else if (status < 0 && (!sentence || !*sentence))
        fake_violation(FAKE_STATUS, "%s brought status %d without a sentence", what, status);
}

static void need_frame(const char *what, const struct voicegw_frame *f)
{
    if (!f || f->size < sizeof *f || (f->bytes > 0 && !f->data) || f->encoding < VOICEGW_AUDIO_PCMU ||
        f->encoding > VOICEGW_AUDIO_L16 || f->samples * (f->encoding == VOICEGW_AUDIO_L16 ? 2u : 1u) != f->bytes)
        fake_violation(FAKE_VALUE, "%s brought a frame whose size, encoding, bytes and samples do not fit together",
                       what);
}

/* ---- provider ---- */
static int32_t p_incoming(HOST, const struct voicegw_incoming *in, uint64_t *ret_call)
{
    (void)host;
    (void)ret_call;
    fake_need(VOICEGW_THREAD_CONTROL, "host_provider.on_incoming()");
    if (!in->provider_call_id || !*in->provider_call_id)
        fake_violation(FAKE_VALUE, "on_incoming() came without a provider_call_id");
    return VOICEGW_ELIMIT;
}
static int32_t p_state(HOST, uint64_t call, const struct voicegw_call_state *s)
{
    (void)host;
    (void)call;
    if (s->size < sizeof *s || s->state < VOICEGW_CALL_INITIATING || s->state > VOICEGW_CALL_FAILED)
        fake_violation(FAKE_VALUE, "on_state() brought a size or state that there is not");
    else if (s->state >= VOICEGW_CALL_ENDED &&
             (s->outcome < VOICEGW_OUTCOME_COMPLETED || s->outcome > VOICEGW_OUTCOME_CANCELED))
        fake_violation(FAKE_VALUE, "on_state() brought the end of a call without an outcome");
    need_json("on_state()", s->data_json);
    return VOICEGW_OK;
}
static int32_t p_dtmf(HOST, uint64_t call, const char *digit, uint32_t ms, const char *source)
{
    (void)host;
    (void)call;
    (void)digit;
    (void)ms;
    (void)source;
    return VOICEGW_OK;
}
static int32_t p_recording(HOST, uint64_t call, const char *id, const char *state, const char *url, double seconds)
{
    (void)host;
    (void)call;
    (void)id;
    (void)state;
    (void)url;
    (void)seconds;
    return VOICEGW_OK;
}
static int32_t p_transcript(HOST, uint64_t call, const char *role, const char *text, int64_t wall)
{
    (void)host;
    (void)call;
    (void)role;
    (void)text;
    (void)wall;
    return VOICEGW_OK;
}
static int32_t p_summary(HOST, uint64_t call, const char *json)
{
    (void)host;
    (void)call;
    need_json("on_summary()", json);
    return VOICEGW_OK;
}
static int32_t p_complete(HOST, uint64_t op, int32_t status, const char *sentence, const char *json)
{
    (void)host;
    need_outcome("on_complete()", status, sentence);
    need_json("on_complete()", json);
    fake_completed(op, "on_complete()", false);
    return VOICEGW_OK;
}
static uint64_t p_find(HOST, const char *id)
{
    (void)host;
    (void)id;
    fake_need(VOICEGW_THREAD_CONTROL, "host_provider.call_find()");
    return 0;
}
static uint64_t p_leg(HOST, uint64_t call)
{
    (void)host;
    (void)call;
    fake_need(VOICEGW_THREAD_CONTROL, "host_provider.call_leg()");
    return 0;
}
static const char *p_describe(HOST, uint64_t call)
{
    (void)host;
    (void)call;
    fake_need(VOICEGW_THREAD_CONTROL, "host_provider.call_describe()");
    return "{\"call_id\":\"call-1\",\"session_id\":\"s-1\",\"from\":\"+15550001\",\"to\":\"+15550002\",\"state\":"
           "\"connected\",\"variables\":{}}";
}
static const struct voicegw_host_provider provider = {
    .size = sizeof provider,
    .on_incoming = p_incoming,
    .on_state = p_state,
    .on_dtmf = p_dtmf,
    .on_recording = p_recording,
    .on_transcript = p_transcript,
    .on_summary = p_summary,
    .on_complete = p_complete,
    .call_find = p_find,
    .call_leg = p_leg,
    .call_describe = p_describe,
};

/* ---- media ---- */
static int32_t m_format(HOST, uint64_t leg, const struct voicegw_audio_format *f)
{
    (void)host;
    (void)f;
    fake_need(VOICEGW_THREAD_MEDIA, "host_media.on_format()");
    fake_about(leg, "on_format()");
    return VOICEGW_OK;
}
static int32_t m_frame(HOST, uint64_t leg, const struct voicegw_frame *f)
{
    (void)host;
    fake_need(VOICEGW_THREAD_MEDIA, "host_media.on_frame()");
    fake_about(leg, "on_frame()");
    need_frame("on_frame()", f);
    return VOICEGW_OK;
}
static int32_t m_writable(HOST, uint64_t leg)
{
    (void)host;
    fake_about(leg, "on_writable()");
    return VOICEGW_OK;
}
static int32_t m_mark(HOST, uint64_t leg, uint64_t mark, uint32_t heard)
{
    (void)host;
    (void)heard;
    fake_about(leg, "on_mark()");
    fake_completed(mark, "on_mark()", true);
    return VOICEGW_OK;
}
static int32_t m_dtmf(HOST, uint64_t leg, const char *digit, uint32_t ms, const char *source)
{
    (void)host;
    (void)digit;
    (void)ms;
    (void)source;
    fake_about(leg, "on_dtmf()");
    return VOICEGW_OK;
}
static int32_t m_quality(HOST, uint64_t leg, double loss, double jitter, double rtt)
{
    (void)host;
    (void)loss;
    (void)jitter;
    (void)rtt;
    fake_about(leg, "on_quality()");
    return VOICEGW_OK;
}
static int32_t m_lost(HOST, uint64_t leg, const char *sentence)
{
    (void)host;
    (void)sentence;
    fake_about(leg, "on_lost()");
    return VOICEGW_OK;
}
static int32_t m_detached(HOST, uint64_t leg)
{
    (void)host;
    fake_completed(leg, "on_detached()", true);
    return VOICEGW_OK;
}
static const struct voicegw_host_media media = {
    .size = sizeof media,
    .on_format = m_format,
    .on_frame = m_frame,
    .on_writable = m_writable,
    .on_mark = m_mark,
    .on_dtmf = m_dtmf,
    .on_quality = m_quality,
    .on_lost = m_lost,
    .on_detached = m_detached,
};

/* ---- stt, tts ---- */
static int32_t s_result(HOST, uint64_t stream, const struct voicegw_stt_result *r)
{
    (void)host;
    fake_about(stream, "on_result()");
    if (!r || r->size < sizeof *r || !r->text)
        fake_violation(FAKE_VALUE, "on_result() brought no text (\"\" is valid) or a wrong size");
    else if (r->final)
        fake_completed(r->utterance, "the final on_result()", true);
    return VOICEGW_OK;
}
static int32_t s_speech(HOST, uint64_t stream, uint32_t started, int64_t sample)
{
    (void)host;
    (void)started;
    (void)sample;
    fake_about(stream, "on_speech()");
    return VOICEGW_OK;
}
static int32_t any_usage(HOST, uint64_t stream, const char *json)
{
    (void)host;
    fake_about(stream, "on_usage()");
    need_json("on_usage()", json);
    return VOICEGW_OK;
}
static int32_t any_error(HOST, uint64_t stream, uint32_t fatal, int32_t status, const char *sentence)
{
    (void)host;
    (void)fatal;
    fake_about(stream, "on_error()");
    need_outcome("on_error()", status, sentence);
    return VOICEGW_OK;
}
static int32_t any_closed(HOST, uint64_t stream)
{
    (void)host;
    fake_completed(stream, "on_closed()", false);
    return VOICEGW_OK;
}
static const struct voicegw_host_stt stt = {
    .size = sizeof stt,
    .on_result = s_result,
    .on_speech = s_speech,
    .on_usage = any_usage,
    .on_error = any_error,
    .on_closed = any_closed,
};
static int32_t t_audio(HOST, uint64_t stream, uint64_t utterance, const struct voicegw_frame *f)
{
    (void)host;
    fake_about(stream, "on_audio()");
    if (fake_is_done(utterance))
        fake_violation(FAKE_AFTER, "on_audio() came after on_done() of its utterance");
    need_frame("on_audio()", f);
    __atomic_add_fetch(&tts_bytes, f->bytes, __ATOMIC_RELAXED);
    return VOICEGW_OK;
}
static int32_t t_align(HOST, uint64_t stream, uint64_t utterance, uint32_t characters, uint64_t samples)
{
    (void)host;
    (void)utterance;
    (void)characters;
    (void)samples;
    fake_about(stream, "on_align()");
    return VOICEGW_OK;
}
static int32_t t_done(HOST, uint64_t stream, uint64_t utterance, int32_t status, const char *sentence)
{
    (void)host;
    fake_about(stream, "on_done()");
    if (status != VOICEGW_EBUSY) /* a cancelled utterance needs no explanation */
        need_outcome("on_done()", status, sentence);
    if (status < 0 && status != VOICEGW_EBUSY)
        __atomic_add_fetch(&tts_failures, 1, __ATOMIC_RELAXED);
    fake_completed(utterance, "on_done()", true);
    return VOICEGW_OK;
}
static const struct voicegw_host_tts tts = {
    .size = sizeof tts,
    .on_audio = t_audio,
    .on_align = t_align,
    .on_done = t_done,
    .on_usage = any_usage,
    .on_error = any_error,
    .on_closed = any_closed,
};

/* ---- assistant ---- */
static int32_t a_delta(HOST, uint64_t session, uint64_t turn, const char *text)
{
    (void)host;
    (void)turn;
    fake_about(session, "on_delta()");
    if (!text)
        fake_violation(FAKE_VALUE, "on_delta() brought no text");
    return VOICEGW_OK;
}
static int32_t a_tool(HOST, uint64_t session, uint64_t turn, uint64_t call, const char *name, const char *json)
{
    (void)host;
    (void)turn;
    (void)call;
    (void)name;
    fake_about(session, "on_tool()");
    need_json("on_tool()", json);
    return VOICEGW_OK;
}
static int32_t a_action(HOST, uint64_t session, uint64_t turn, const char *action, const char *json)
{
    (void)host;
    (void)turn;
    (void)action;
    fake_about(session, "on_action()");
    need_json("on_action()", json);
    return VOICEGW_OK;
}
/* The sessions of a scenario number their turns from 1; each turn's ledger id is kept here. */
static uint64_t turn_ids[64];
void fake_turn_set(uint64_t turn, uint64_t id);
void fake_turn_set(uint64_t turn, uint64_t id)
{
    turn_ids[turn % 64] = id;
}
static int32_t a_turn_done(HOST, uint64_t session, uint64_t turn, int32_t status, const char *sentence,
                           const char *json)
{
    (void)host;
    fake_about(session, "on_turn_done()");
    if (status != VOICEGW_EBUSY)
        need_outcome("on_turn_done()", status, sentence);
    need_json("on_turn_done()", json);
    fake_completed(turn < 64 ? turn_ids[turn] : 0, "on_turn_done()", true);
    return VOICEGW_OK;
}
static int32_t a_closed(HOST, uint64_t session)
{
    (void)host;
    fake_completed(session, "on_closed()", true);
    return VOICEGW_OK;
}
static int32_t a_audio(HOST, uint64_t session, const char *item, const struct voicegw_frame *f)
{
    (void)host;
    (void)item;
    fake_about(session, "on_audio()");
    need_frame("on_audio()", f);
    return VOICEGW_OK;
}
static int32_t a_clear(HOST, uint64_t session)
{
    (void)host;
    fake_about(session, "on_clear()");
    return VOICEGW_OK;
}
static int32_t a_transcript(HOST, uint64_t session, const char *role, uint32_t final, const char *text)
{
    (void)host;
    (void)role;
    (void) final;
    (void)text;
    fake_about(session, "on_transcript()");
    return VOICEGW_OK;
}
static int32_t a_item(HOST, uint64_t session, const char *item)
{
    (void)host;
    (void)item;
    fake_about(session, "on_item_done()");
    return VOICEGW_OK;
}
static int32_t a_expiring(HOST, uint64_t session, uint32_t ms)
{
    (void)host;
    (void)ms;
    fake_about(session, "on_expiring()");
    return VOICEGW_OK;
}
static const struct voicegw_host_assistant assistant = {
    .size = sizeof assistant,
    .on_delta = a_delta,
    .on_tool = a_tool,
    .on_action = a_action,
    .on_turn_done = a_turn_done,
    .on_error = any_error,
    .on_closed = a_closed,
    .on_audio = a_audio,
    .on_clear = a_clear,
    .on_speech = s_speech,
    .on_transcript = a_transcript,
    .on_item_done = a_item,
    .on_expiring = a_expiring,
};

/* ---- action, queue ---- */
static int32_t c_complete(HOST, uint64_t run, int32_t status, const char *sentence, const char *json)
{
    (void)host;
    need_outcome("complete()", status, sentence);
    need_json("complete()", json);
    fake_completed(run, "complete()", false);
    return VOICEGW_OK;
}
static const struct voicegw_host_action action = {.size = sizeof action, .complete = c_complete};
static int32_t q_messages(HOST, uint64_t op, int32_t status, const char *json)
{
    (void)host;
    (void)status;
    need_json("on_messages()", json);
    fake_completed(op, "on_messages()", false);
    return VOICEGW_OK;
}
static int32_t q_complete(HOST, uint64_t op, int32_t status, const char *sentence)
{
    (void)host;
    need_outcome("on_complete()", status, sentence);
    fake_completed(op, "on_complete()", false);
    return VOICEGW_OK;
}
static const struct voicegw_host_queue queue = {
    .size = sizeof queue, .on_messages = q_messages, .on_complete = q_complete};

const void *fake_kind_table(const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } rows[] = {
        {VOICEGW_HOST_PROVIDER, &provider}, {VOICEGW_HOST_MEDIA, &media},         {VOICEGW_HOST_STT, &stt},
        {VOICEGW_HOST_TTS, &tts},           {VOICEGW_HOST_ASSISTANT, &assistant}, {VOICEGW_HOST_ACTION, &action},
        {VOICEGW_HOST_QUEUE, &queue}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].id, id) == 0)
            return rows[i].table;
    }
    return NULL;
}
