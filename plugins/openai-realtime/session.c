/* session.c - what the host asks of a conversation. All on the session's worker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "realtime.h"

void rt_stop_timer(struct rt *s, uint64_t *timer)
{
    if (*timer)
        (void)s->o->host->timer_cancel(s->o->host, *timer);
    *timer = 0;
}

void rt_apologize(struct rt *s, const char *text)
{
    if (!text[0])
        return;
    (void)s->o->out->on_delta(s->o->host, s->handle, 0, text);
    (void)s->o->out->on_turn_done(s->o->host, s->handle, 0, VOICEGW_OK, NULL, NULL);
}

/* ---- life ---- */

static void session_free(struct rt *s)
{
    rt_items_free(s);
    chat_history_free(&s->history);
    tool_offer_free(&s->offer);
    pcm_resampler_free(s->resampler);
    free(s->early);
    free(s->prompt);
    free(s->greeting);
    free(s);
}

static char *own_or(struct voicegw_json agent, const char *name, const char *otherwise)
{
    struct voicegw_json v = voicegw_json_member(agent, name);
    char *text = voicegw_json_type(v) == VOICEGW_JSON_STRING ? malloc(v.bytes + 1) : NULL;
    if (!text)
        return strdup(otherwise);
    (void)voicegw_json_string(v, text, v.bytes + 1);
    return text;
}

/* The line's own law goes through untouched; linear audio is brought to the model's rate. */
static int32_t choose_format(struct rt *s, const struct voicegw_audio_format *formats, uint32_t count, uint32_t *ret_at)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t law = formats[i].encoding == VOICEGW_AUDIO_PCMU || formats[i].encoding == VOICEGW_AUDIO_PCMA;
        if (law ? formats[i].rate != 8000 : formats[i].encoding != VOICEGW_AUDIO_L16)
            continue;
        s->encoding = formats[i].encoding;
        s->rate = law ? 8000 : 24000;
        s->bytes_per_ms = law ? 8 : 48;
        if (!law && formats[i].rate != s->rate && !(s->resampler = pcm_resampler_new(formats[i].rate, s->rate)))
            return VOICEGW_ELIMIT;
        s->early_cap = (s->o->own_turns ? RT_PREROLL_MS : RT_EARLY_MS) * s->bytes_per_ms;
        s->early = malloc(s->early_cap);
        *ret_at = i;
        return s->early ? VOICEGW_OK : VOICEGW_ELIMIT;
    }
    return VOICEGW_EUNSUPPORTED;
}

static int32_t read_params(struct rt *s, const struct voicegw_assistant_params *params)
{
    const struct rt_instance *o = s->o;
    struct voicegw_json agent = voicegw_json_of(params->agent_json);
    s->resumed = params->resumed;
    s->history.max_turns = o->history_turns;
    s->history.max_bytes = 64u << 10;
    s->prompt = own_or(agent, "prompt", o->prompt);
    s->greeting = own_or(agent, "greeting", o->greeting);
    if (voicegw_json_get_string(agent, "model", s->model, sizeof s->model) <= 0)
        (void)snprintf(s->model, sizeof s->model, "%s", o->model);
    if (voicegw_json_get_string(agent, "voice", s->voice, sizeof s->voice) <= 0)
        (void)snprintf(s->voice, sizeof s->voice, "%s", o->voice);
    (void)voicegw_json_get_string(voicegw_json_of(params->session_json), "language", s->language, sizeof s->language);
    if (!s->prompt || !s->greeting || chat_history_read(&s->history, voicegw_json_of(params->history_json)) < 0)
        return VOICEGW_ELIMIT;
    return tool_offer_read(&s->offer, o->tools_json, o->builtin_json, params->agent_json,
                           params->tools_json ? params->tools_json : "[]");
}

static int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                            const struct voicegw_audio_format *formats, uint32_t count, void **ret_session,
                            uint32_t *ret_format)
{
    struct rt_instance *o = instance;
    struct rt *s = calloc(1, sizeof *s);
    uint32_t at = 0;
    if (!s)
        return o->host->set_error(o->host, VOICEGW_ELIMIT, "out of memory");
    s->o = o;
    s->handle = handle;
    int32_t status = read_params(s, params);
    if (status == VOICEGW_OK)
        status = choose_format(s, formats, count, &at);
    if (status < 0) {
        session_free(s);
        return o->host->set_error(o->host, status,
                                  status == VOICEGW_EUNSUPPORTED
                                      ? "the line's audio is neither G.711 at 8000 Hz nor linear"
                                      : "out of memory");
    }
    atomic_fetch_add(&o->sessions, 1);
    *ret_session = s;
    *ret_format = at;
    rt_connect(s);
    return VOICEGW_OK;
}

void rt_session_end(struct rt *s)
{
    struct rt_instance *o = s->o;
    (void)o->out->on_closed(o->host, s->handle);
    session_free(s);
    atomic_fetch_sub(&o->sessions, 1);
    rt_tell_drained(o);
}

static void on_close(void *arg)
{
    rt_session_end(arg);
}

static void session_close(void *session)
{
    struct rt *s = session;
    const struct voicegw_host *host = s->o->host;
    uint64_t *timers[] = {&s->retry_timer, &s->limit_timer, &s->digit_timer, &s->heard_timer, &s->tool_timer};
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++)
        rt_stop_timer(s, timers[i]);
    s->ending = 1;
    s->links++; /* so that a socket that is gone at once does not end the session from inside */
    rt_link_drop(s->link);
    rt_link_drop(s->next);
    s->links--;
    s->closing = 1;
    if (s->links)
        return;
    if (host->post(host, s->handle, on_close, s) != VOICEGW_OK &&
        !host->timer_start(host, s->handle, 1000, on_close, s))
        on_close(s);
}

/* ---- the caller ---- */

/* The newest that there is room for. */
static void keep(struct rt *s, const uint8_t *data, uint32_t bytes)
{
    if (bytes > s->early_cap) {
        data += bytes - s->early_cap;
        bytes = s->early_cap;
    }
    if (s->early_bytes + bytes > s->early_cap) {
        uint32_t over = s->early_bytes + bytes - s->early_cap;
        s->early_bytes -= over;
        memmove(s->early, s->early + over, s->early_bytes);
    }
    memcpy(s->early + s->early_bytes, data, bytes);
    s->early_bytes += bytes;
}

static void take(struct rt *s, const uint8_t *data, uint32_t bytes)
{
    uint32_t goes = s->o->own_turns ? s->gate : s->link && s->link->state == RT_READY;
    if (goes)
        rt_send_audio(s, data, bytes);
    else
        keep(s, data, bytes);
}

static int32_t session_audio(void *session, const struct voicegw_frame *frame)
{
    struct rt *s = session;
    s->heard_to = (int64_t)(frame->timestamp + frame->samples) * 8000 / frame->rate;
    if (!s->resampler) {
        take(s, frame->data, frame->bytes);
        return VOICEGW_OK;
    }
    size_t n = frame->bytes / 2;
    int16_t *out = malloc(pcm_resampler_room(s->resampler, n) * sizeof *out + 2), *in = malloc(n * sizeof *in + 2);
    if (out && in) {
        memcpy(in, frame->data, n * sizeof *in);
        take(s, (const uint8_t *)out, (uint32_t)(pcm_resampler_run(s->resampler, in, n, out) * sizeof *out));
    }
    free(in);
    free(out);
    return VOICEGW_OK;
}

static int32_t session_speech(void *session, uint32_t started, uint64_t sample)
{
    struct rt *s = session;
    s->caller_speaking = started;
    if (!started || s->gate)
        return VOICEGW_OK;
    s->gate = 1;
    s->rounds = 0;
    rt_send(s, rt_wire_plain(&s->o->dialect, RT_CLEAR));
    rt_send_audio(s, s->early, s->early_bytes);
    s->early_bytes = 0;
    return VOICEGW_OK;
}

static int32_t session_commit(void *session)
{
    struct rt *s = session;
    if (!s->gate)
        return VOICEGW_OK;
    s->gate = 0;
    rt_send(s, rt_wire_plain(&s->o->dialect, RT_COMMIT));
    rt_respond(s);
    return VOICEGW_OK;
}

static int32_t session_truncated(void *session, const char *item, uint32_t heard_ms)
{
    struct rt *s = session;
    (void)rt_item_cut(s, item ? item : "", heard_ms);
    if (s->response[0] && strcmp(s->response, s->cut) != 0) { /* the server has not cut it by itself */
        memcpy(s->cut, s->response, sizeof s->cut);
        rt_send(s, rt_wire_plain(&s->o->dialect, RT_CANCEL));
    }
    return VOICEGW_OK;
}

static void on_digits(void *arg)
{
    struct rt *s = arg;
    char text[128];
    s->digit_timer = 0;
    (void)snprintf(text, sizeof text, "[The caller pressed %s on the telephone.]", s->digits);
    s->digits[0] = '\0';
    rt_send(s, rt_wire_message(&s->o->dialect, "user", text));
    (void)chat_history_add(&s->history, ++s->turns, CHAT_USER, text, NULL);
    rt_respond(s);
}

static int32_t session_dtmf(void *session, const char *digit)
{
    struct rt *s = session;
    size_t n = strlen(s->digits);
    if (n + strlen(digit) < sizeof s->digits)
        memcpy(s->digits + n, digit, strlen(digit) + 1);
    rt_stop_timer(s, &s->digit_timer);
    s->digit_timer = s->o->host->timer_start(s->o->host, s->handle, RT_DIGITS_US, on_digits, s);
    return VOICEGW_OK;
}

static int32_t session_tool_result(void *session, uint64_t tool_call, int32_t status, const char *result_json)
{
    return rt_tool_result(session, tool_call, status, result_json);
}

const struct voicegw_assistant_audio rt_server_turns = {.size = sizeof rt_server_turns,
                                                        .flags = VOICEGW_ASSISTANT_AUDIO_TURNS,
                                                        .open = session_open,
                                                        .audio = session_audio,
                                                        .truncated = session_truncated,
                                                        .dtmf = session_dtmf,
                                                        .tool_result = session_tool_result,
                                                        .close = session_close};
const struct voicegw_assistant_audio rt_own_turns = {.size = sizeof rt_own_turns,
                                                     .open = session_open,
                                                     .audio = session_audio,
                                                     .speech = session_speech,
                                                     .commit = session_commit,
                                                     .truncated = session_truncated,
                                                     .dtmf = session_dtmf,
                                                     .tool_result = session_tool_result,
                                                     .close = session_close};
