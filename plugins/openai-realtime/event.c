/* event.c - what the model tells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "realtime.h"

static char *text_of(struct voicegw_json doc, const char *name)
{
    struct voicegw_json v = voicegw_json_member(doc, name);
    char *text = voicegw_json_type(v) == VOICEGW_JSON_STRING ? malloc(v.bytes + 1) : NULL;
    if (text && voicegw_json_string(v, text, v.bytes + 1) < 0)
        text[0] = '\0';
    return text;
}

void rt_respond(struct rt *s)
{
    s->want_response = s->responding;
    if (!s->responding) {
        s->responding = 1; /* until response.done, also of one that is only on its way */
        rt_send(s, rt_wire_respond(&s->o->dialect, NULL));
    }
}

static void on_speech_started(struct rt *s)
{
    const struct rt_instance *o = s->o;
    s->caller_speaking = 1;
    s->rounds = 0;
    (void)o->out->on_speech(o->host, s->handle, 1, -1);
    if (s->response[0])
        memcpy(s->cut, s->response, sizeof s->cut);
    (void)o->out->on_clear(o->host, s->handle);
}

/* By silence, the server tells it when that has passed. */
static void on_speech_stopped(struct rt *s)
{
    int64_t end = s->heard_to - (int64_t)s->o->silence_ms * 8;
    int32_t known = strcmp(s->o->detection, "server_vad") == 0 && end >= 0;
    s->caller_speaking = 0;
    (void)s->o->out->on_speech(s->o->host, s->handle, 0, known ? end : -1);
}

static void limits(struct rt *s)
{
    const struct rt_instance *o = s->o;
    if (s->ending || ((!o->max_turns || s->turns < o->max_turns) && (!o->max_tokens || s->tokens < o->max_tokens)))
        return;
    o->host->log(o->host, VOICEGW_LOG_INFO, "the conversation reached max_turns or max_tokens", NULL);
    o->host->count(o->host, "limits", 1);
    s->ending = 1;
    rt_apologize(s, o->limit_text);
    (void)o->out->on_action(o->host, s->handle, 0, "end", NULL);
}

static void on_response_done(struct rt *s, struct voicegw_json doc)
{
    struct voicegw_json r = voicegw_json_member(doc, "response"), usage = voicegw_json_member(r, "usage");
    char status[24] = "";
    int64_t in = voicegw_json_get_int(usage, "input_tokens", 0), out = voicegw_json_get_int(usage, "output_tokens", 0);
    (void)voicegw_json_get_string(r, "status", status, sizeof status);
    s->responding = 0;
    s->response[0] = '\0';
    s->losses = 0;
    s->tokens += in + out;
    if (in > 0 && out >= 0) {
        s->o->host->count(s->o->host, "input_tokens", (uint64_t)in);
        s->o->host->count(s->o->host, "output_tokens", (uint64_t)out);
    }
    if (strcmp(status, "completed") == 0) {
        rt_tools_run(s, voicegw_json_member(r, "output"));
    } else if (strcmp(status, "failed") == 0) {
        (void)s->o->out->on_error(s->o->host, s->handle, 0, VOICEGW_EPROVIDER, "the model failed in an answer");
        rt_apologize(s, s->o->error_text);
    }
    limits(s);
    if (s->want_response && !s->responding && !s->ending)
        rt_respond(s);
    rt_renew_if_quiet(s);
}

static void on_error(struct rt_link *link, struct voicegw_json doc)
{
    static const char *const harmless[] = {"response_cancel_not_active", "conversation_already_has_active_response",
                                           "input_audio_buffer_commit_empty", "item_truncate_invalid_item_id",
                                           "invalid_value"};
    struct rt *s = link->s;
    char code[64] = "", sentence[256], message[160] = "";
    (void)voicegw_json_get_string(doc, "error.code", code, sizeof code);
    (void)voicegw_json_get_string(doc, "error.message", message, sizeof message);
    if (strcmp(code, "session_expired") == 0) { /* the close that follows begins a new one */
        s->losses = 0;
        return;
    }
    if (strcmp(code, "conversation_already_has_active_response") == 0)
        s->want_response = s->responding = 1;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strcmp(code, harmless[i]) == 0) {
            s->o->host->count(s->o->host, "crossed_events", 1);
            return;
        }
    for (char *p = message; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    (void)snprintf(sentence, sizeof sentence, "the model's server refused an event (%s): %s", code, message);
    (void)s->o->out->on_error(s->o->host, s->handle, 0, VOICEGW_EPROVIDER, sentence);
    if (link->state == RT_SETTING_UP) /* these settings will never do: there is no use in asking again */
        (void)s->o->ws->close(s->o->host, link->ws, 1000, "");
}

static void on_audio(struct rt *s, struct voicegw_json doc)
{
    char id[RT_ID_MAX], response[RT_ID_MAX] = "";
    char *delta = text_of(doc, "delta");
    (void)voicegw_json_get_string(doc, "response_id", response, sizeof response);
    if (delta && voicegw_json_get_string(doc, "item_id", id, sizeof id) > 0 &&
        (!s->cut[0] || strcmp(response, s->cut) != 0))
        rt_item_audio(s, id, delta, strlen(delta));
    free(delta);
}

static void on_user(struct rt *s, struct voicegw_json doc)
{
    char *text = text_of(doc, "transcript");
    if (text && text[0]) {
        (void)s->o->out->on_transcript(s->o->host, s->handle, "user", 1, text);
        (void)chat_history_add(&s->history, ++s->turns, CHAT_USER, text, NULL);
    }
    free(text);
}

static void on_transcript(struct rt *s, struct voicegw_json doc, const char *name, uint32_t done)
{
    char id[RT_ID_MAX], response[RT_ID_MAX] = "", *text = text_of(doc, name);
    (void)voicegw_json_get_string(doc, "response_id", response, sizeof response);
    if (text && voicegw_json_get_string(doc, "item_id", id, sizeof id) > 0 &&
        (!s->cut[0] || strcmp(response, s->cut) != 0))
        rt_item_text(s, id, text, done);
    free(text);
}

void rt_on_event(struct rt_link *link, enum rt_event event, struct voicegw_json doc)
{
    struct rt *s = link->s;
    char id[RT_ID_MAX];
    if (event == RT_ERROR)
        on_error(link, doc);
    if (link != s->link)
        return;
    switch (event) {
    case RT_AUDIO_DELTA:
        on_audio(s, doc);
        break;
    case RT_AUDIO_DONE:
        if (voicegw_json_get_string(doc, "item_id", id, sizeof id) > 0)
            rt_item_audio_done(s, id);
        break;
    case RT_TRANSCRIPT_DELTA:
        on_transcript(s, doc, "delta", 0);
        break;
    case RT_TRANSCRIPT_DONE:
        on_transcript(s, doc, "transcript", 1);
        break;
    case RT_USER_TRANSCRIPT:
        on_user(s, doc);
        break;
    case RT_USER_TRANSCRIPT_FAILED:
        s->o->host->count(s->o->host, "transcripts_failed", 1);
        break;
    case RT_SPEECH_STARTED:
        on_speech_started(s);
        break;
    case RT_SPEECH_STOPPED:
        on_speech_stopped(s);
        break;
    case RT_RESPONSE_CREATED:
        s->responding = 1;
        (void)voicegw_json_get_string(doc, "response.id", s->response, sizeof s->response);
        break;
    case RT_RESPONSE_DONE:
        on_response_done(s, doc);
        break;
    default:
        break;
    }
}
