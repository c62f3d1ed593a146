/* voice_tools.c - the tools of a front desk: a person, music, a note, a menu, what was said before. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "flow/friendly.h"
#include "call/conference.h"
#include "gateway/agent_context.h"
#include "gateway/tools.h"
#include "store/store.h"
#include "voicegw/plugin.h"

#define TRANSFER_TIMEOUT_US (120 * VGW_US_PER_S)
#define MUSIC_MAX_S 120
#define NOTE_MAX_S 300
#define HISTORY_MAX 20
#define WHISPER_BYTES 1000    /* of what a person is told: nobody listens to more, and no provider says more */
#define TRANSCRIPT_BYTES 1000 /* of an earlier conversation that are given back */

enum aside_kind { ASIDE_MUSIC, ASIDE_NOTE, ASIDE_MENU };
struct aside { /* something that begins on a call, lasts, and ends */
    struct vgw_list link;
    struct vgw_gateway *g;
    enum aside_kind kind;
    vgw_action_handle handle;
    char call_id[VGW_ID_MAX];
    bool begun, ending;
    int64_t lasts_us;
    struct vgw_timer timer;
    struct vgw_json *params;
};

static void aside_free(struct aside *a)
{
    vgw_timer_stop(&a->timer);
    vgw_list_remove(&a->link);
    vgw_json_free(a->params);
    vgw_free(a);
}

static void aside_done(struct aside *a, int status, struct vgw_json *result, const char *sentence)
{
    struct vgw_action_registry *actions = a->g->actions;
    vgw_action_handle handle = a->handle;
    struct vgw_buf kept = {0};
    vgw_buf_adds(&kept, sentence ? sentence : "");
    aside_free(a);
    vgw_action_complete(actions, handle, status, result, status < 0 ? vgw_buf_str(&kept) : NULL);
    vgw_buf_done(&kept);
}

static struct vgw_call *aside_call(const struct aside *a)
{
    return a->g->calls ? vgw_calls_find(a->g->calls, a->call_id) : NULL;
}

/* ---- music and notes: begin, wait, end ---- */

static void on_ended(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct aside *a = arg;
    struct vgw_json *o = a->kind == ASIDE_NOTE && result ? vgw_json_copy(result) : vgw_json_object();
    if (a->kind == ASIDE_MUSIC)
        vgw_json_set_double(o, "played_seconds", (double)a->lasts_us / (double)VGW_US_PER_S);
    aside_done(a, status, o, sentence);
}

static void aside_end(void *arg)
{
    struct aside *a = arg;
    struct vgw_call *call = aside_call(a);
    struct vgw_error err = {0};
    enum vgw_command command = a->kind == ASIDE_MUSIC ? VGW_CMD_RESUME : VGW_CMD_RECORD_STOP;
    int rc = call ? vgw_calls_command(a->g->calls, call, command, NULL, false, on_ended, a, &err)
                  : vgw_error_set(&err, VGW_ENOTFOUND, "the call has ended");
    a->ending = true;
    if (rc < 0)
        aside_done(a, rc, NULL, err.text);
}

static void on_begun(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct aside *a = arg;
    if (status < 0) {
        aside_done(a, status, NULL, sentence);
        return;
    }
    a->begun = true;
    if (vgw_timer_start(&a->timer, a->lasts_us) < 0)
        aside_end(a);
}

static struct aside *aside_new(struct vgw_gateway *g, enum aside_kind kind, vgw_action_handle handle,
                               const struct vgw_call *call, const struct vgw_json *params)
{
    struct aside *a;
    if (!VGW_NEW(a))
        return NULL;
    *a = (struct aside){.g = g, .kind = kind, .handle = handle, .params = vgw_json_copy(params)};
    vgw_strcopy(a->call_id, sizeof a->call_id, call->call_id);
    vgw_timer_init(&a->timer, g->loop, aside_end, a);
    vgw_list_append(&g->asides, &a->link);
    return a;
}

/* The live call of a session_id, of a call_id, or the conversation's own. */
static struct vgw_call *call_for(struct vgw_gateway *g, const struct vgw_json *params,
                                 const struct vgw_action_context *context, struct vgw_error *err)
{
    const char *id = vgw_json_get_string(params, "session_id", NULL);
    const struct vgw_session *s = id ? vgw_calls_session_find(g->calls, id) : NULL;
    struct vgw_list *at, *next;
    if (!id)
        return vgw_gateway_action_call(g, params, context, err);
    if (s)
        VGW_LIST_EACH (at, next, &s->call_list) {
            struct vgw_call *call = VGW_CONTAINER_OF(at, struct vgw_call, in_session);
            if (!call->settled)
                return call;
        }
    vgw_error_at(err, VGW_ENOTFOUND, "session_id", "there is no live call of the session %.90s", id);
    return NULL;
}

static int64_t seconds_us(const struct vgw_json *params, double dflt_s, double max_s)
{
    double s = vgw_json_as_double(vgw_json_get(params, "seconds"), dflt_s);
    s = s < 1 ? 1 : s > max_s ? max_s : s;
    return (int64_t)(s * (double)VGW_US_PER_S);
}

static int run_aside(struct vgw_gateway *g, enum aside_kind kind, enum vgw_command command, int64_t lasts_us,
                     vgw_action_handle handle, const struct vgw_json *params, const struct vgw_action_context *context,
                     struct vgw_error *err)
{
    struct vgw_call *call = call_for(g, params, context, err);
    struct aside *a = call ? aside_new(g, kind, handle, call, params) : NULL;
    if (!a)
        return call ? vgw_error_nomem(err) : VGW_ENOTFOUND;
    struct vgw_json *sent = vgw_json_object();
    if (kind == ASIDE_MUSIC && vgw_json_has(params, "music"))
        vgw_json_set_string(sent, "music", vgw_json_get_string(params, "music", ""));
    a->lasts_us = lasts_us;
    int rc = vgw_calls_command(g->calls, call, command, sent, false, on_begun, a, err);
    vgw_json_free(sent);
    if (rc < 0)
        aside_free(a);
    return rc;
}

static int run_music(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                     const struct vgw_action_context *context, struct vgw_error *err)
{
    return run_aside(arg, ASIDE_MUSIC, VGW_CMD_HOLD, seconds_us(params, 10, MUSIC_MAX_S), handle, params, context, err);
}

static int run_note(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                    const struct vgw_action_context *context, struct vgw_error *err)
{
    return run_aside(arg, ASIDE_NOTE, VGW_CMD_RECORD_START, seconds_us(params, 30, NOTE_MAX_S), handle, params, context,
                     err);
}

/* ---- menus ---- */

static bool says(const char *text, const char *label)
{
    size_t n = strlen(label);
    for (const char *p = text; n && *p; p++) {
        bool begins = p == text || p[-1] == ' ';
        bool ends = begins && strncasecmp(p, label, n) == 0 && (!p[n] || strchr(" .,!?", p[n]));
        if (ends)
            return true;
    }
    return false;
}

static struct vgw_json *choice(const struct vgw_json *options, const char *digits, const char *text)
{
    struct vgw_json *o = vgw_json_object(), *value;
    const char *key;
    vgw_json_set(o, "selection", NULL);
    vgw_json_set(o, "option", NULL);
    vgw_json_set_string(o, "heard", digits[0] ? digits : text);
    for (size_t i = 0; vgw_json_object_next(options, &i, &key, &value);) {
        const char *label = vgw_json_str(value);
        bool is = digits[0] ? vgw_streq(key, digits) : vgw_streq(key, text) || (label && says(text, label));
        if (!is)
            continue;
        vgw_json_set_string(o, "selection", key);
        vgw_json_set(o, "option", vgw_json_copy(value));
        break;
    }
    return o;
}

static void on_chosen(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct aside *a = arg;
    struct vgw_json *o = status < 0
                             ? NULL
                             : choice(vgw_json_get(a->params, "options"), vgw_json_get_string(result, "digits", ""),
                                      vgw_json_get_string(result, "text", ""));
    aside_done(a, status, o, sentence);
}

static struct vgw_json *menu_question(const struct vgw_json *params)
{
    struct vgw_json *p = vgw_json_object(), *phrases = vgw_json_array(), *value;
    const struct vgw_json *options = vgw_json_get(params, "options");
    struct vgw_buf text = {0};
    const char *key, *prompt = vgw_json_get_string(params, "prompt", NULL);
    vgw_buf_adds(&text, prompt ? prompt : "");
    for (size_t i = 0; vgw_json_object_next(options, &i, &key, &value);) {
        const char *label = vgw_json_str(value);
        if (label)
            vgw_json_append_string(phrases, label);
        if (!prompt)
            vgw_buf_printf(&text, "%sPress %s for %s.", text.len ? " " : "", key, label ? label : key);
    }
    vgw_json_set_string(p, "prompt", vgw_buf_str(&text));
    vgw_json_set_string(p, "input", "speech dtmf");
    vgw_json_set_int(p, "num_digits", 1);
    vgw_json_set(p, "phrases", phrases);
    vgw_buf_done(&text);
    return p;
}

static int run_menu(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                    const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    const char *selection = vgw_json_get_string(params, "selection", NULL);
    if (!vgw_json_object_count(vgw_json_get(params, "options")))
        return vgw_error_at(err, VGW_EINVALID, "options",
                            "options must be a map of digits and labels, as {\"1\": "
                            "\"reservations\"}");
    if (selection) {
        vgw_action_complete(g->actions, handle, 0, choice(vgw_json_get(params, "options"), "", selection), NULL);
        return 0;
    }
    struct vgw_call *call = call_for(g, params, context, err);
    struct aside *a = call ? aside_new(g, ASIDE_MENU, handle, call, params) : NULL;
    if (!a)
        return call ? vgw_error_nomem(err) : VGW_ENOTFOUND;
    struct vgw_json *sent = menu_question(params);
    int rc = vgw_calls_command(g->calls, call, VGW_CMD_GATHER, sent, false, on_chosen, a, err);
    vgw_json_free(sent);
    if (rc < 0)
        aside_free(a);
    return rc;
}

static void abandon(struct aside *a)
{
    if (!a->g->calls)
        return;
    vgw_calls_abandon(a->g->calls, on_begun, a);
    vgw_calls_abandon(a->g->calls, on_ended, a);
    vgw_calls_abandon(a->g->calls, on_chosen, a);
}

static void on_cancel(void *arg, vgw_action_handle handle)
{
    struct vgw_gateway *g = arg;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->asides) {
        struct aside *a = VGW_CONTAINER_OF(at, struct aside, link);
        struct vgw_call *call = aside_call(a);
        if (a->handle != handle)
            continue;
        abandon(a);
        if (call && a->begun && !a->ending)
            (void)vgw_calls_command(g->calls, call, a->kind == ASIDE_MUSIC ? VGW_CMD_RESUME : VGW_CMD_RECORD_STOP, NULL,
                                    false, NULL, NULL, NULL);
        aside_free(a);
        return;
    }
}

void vgw_gateway_asides_close(struct vgw_gateway *g)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->asides) {
        abandon(VGW_CONTAINER_OF(at, struct aside, link));
        aside_free(VGW_CONTAINER_OF(at, struct aside, link));
    }
}

/* ---- a person ---- */

static int run_human(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                     const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = call_for(g, params, context, err);
    const char *department = vgw_json_get_string(params, "department", "front_desk");
    const char *reason = vgw_json_get_string(params, "reason", ""),
               *summary = vgw_json_get_string(params, "summary", "");
    const char *number = vgw_gateway_department(g, department);
    if (!call)
        return VGW_ENOTFOUND;
    if (!number) {
        const char *near = vgw_gateway_department_nearest(g, department);
        return vgw_error_at(err, VGW_EINVALID, "department", "there is no department '%.80s'%s%s%s", department,
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    struct vgw_json *sent = vgw_json_object();
    struct vgw_buf told = {0};
    vgw_buf_printf(&told, "%s%s%s", reason, reason[0] && summary[0] ? ". " : "", summary);
    char whisper[WHISPER_BYTES + 1];
    size_t n = vgw_strcopy(whisper, sizeof whisper, vgw_buf_str(&told)) ? told.len : WHISPER_BYTES;
    while (n && !vgw_utf8_valid(whisper, n))
        n--;
    whisper[n] = '\0';
    vgw_json_set_string(sent, "to", number);
    vgw_json_set_string(sent, "call_id", call->call_id);
    if (vgw_gateway_summary_wanted(g, call, params)) {
        vgw_buf_done(&told);
        vgw_json_set_string(sent, "reason", reason);
        int begun = vgw_gateway_summary_transfer(g, call, handle, sent, err);
        vgw_json_free(sent);
        return begun;
    }
    bool asks_first = (call->caps & VOICEGW_CAP_TRANSFER_ATTENDED) || vgw_conference_can(call);
    if (told.len && asks_first) { /* the person hears why before the caller is there */
        vgw_json_set_string(sent, "kind", "attended");
        vgw_json_set_string(sent, "summary", whisper);
    }
    vgw_buf_done(&told);
    int rc = vgw_gateway_action_command(g, VGW_CMD_TRANSFER, handle, sent, context, err);
    vgw_json_free(sent);
    return rc;
}

/* ---- another language ---- */

/* BCP 47 in short: letters and digits of 2 to 8 with hyphens between, letters first. */
static bool is_language(const char *text)
{
    size_t n = 0, part = 0;
    for (const char *p = text; *p; p++, n++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (*p == '-' ? !part || part > 8 : !letter && !(n > 2 && *p >= '0' && *p <= '9'))
            return false;
        part = *p == '-' ? 0 : part + 1;
    }
    return n >= 2 && n < 32 && part && part <= 8;
}

static int run_language(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                        const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = call_for(g, params, context, err);
    const char *language = vgw_json_get_string(params, "language", "");
    struct vgw_conversation *c = call ? vgw_gateway_conversation(g, call->handle) : NULL;
    if (!call)
        return VGW_ENOTFOUND;
    if (!is_language(language))
        return vgw_error_at(err, VGW_EINVALID, "language", "language must be such as de or en-GB");
    if (!c || !c->talk)
        return vgw_error_set(err, VGW_EBUSY, "the call has no conversation whose language could change");
    struct vgw_json *sent = vgw_json_object(), *told = vgw_json_object();
    vgw_json_set_string(sent, "tts", language);
    vgw_json_set_string(sent, "stt", language);
    vgw_json_set_string(told, "language", language);
    vgw_json_set_string(told, "by", "tool");
    int rc = vgw_talk_command(c->talk, 0, "language", sent, NULL, err);
    vgw_json_free(sent);
    if (rc < 0 || !vgw_session_speaks(call->session, language)) {
        vgw_json_free(told);
        return rc < 0 ? rc : vgw_error_nomem(err);
    }
    vgw_gateway_emit(g, "voice.language.changed", NULL, call, told);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "language", language);
    vgw_action_complete(g->actions, handle, 0, o, NULL);
    return 0;
}

/* ---- texts ---- */

static int run_sms(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                   const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    const struct vgw_session *s =
        context && context->session_id ? vgw_calls_session_find(g->calls, context->session_id) : NULL;
    const char *phone = vgw_json_get_string(params, "phone", s ? s->caller_id : NULL);
    if (!phone || !vgw_is_phone_number(phone))
        return vgw_error_at(err, VGW_EINVALID, "phone", "phone must be a number such as +15551234567%s",
                            phone ? "" : "; there is no caller whose number it could be");
    struct vgw_json *sent = vgw_json_object();
    vgw_json_set_string(sent, "to", phone);
    vgw_json_set_string(sent, "message", vgw_json_get_string(params, "message", ""));
    int rc = vgw_gateway_action_sms(g, handle, sent, context, err);
    vgw_json_free(sent);
    return rc;
}

static int run_announce(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                        const struct vgw_action_context *context, struct vgw_error *err)
{
    static const char *const same[] = {"voice", "language", "interruptible"};
    struct vgw_call *call = call_for(arg, params, context, err);
    struct vgw_json *sent = call ? vgw_json_object() : NULL;
    if (!call)
        return VGW_ENOTFOUND;
    vgw_json_set_string(sent, "call_id", call->call_id);
    vgw_json_set_string(sent, "text", vgw_json_get_string(params, "message", ""));
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (vgw_json_has(params, same[i]))
            vgw_json_set(sent, same[i], vgw_json_copy(vgw_json_get(params, same[i])));
    int rc = vgw_gateway_action_command(arg, VGW_CMD_SAY, handle, sent, context, err);
    vgw_json_free(sent);
    return rc;
}

static int run_format(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                      const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    struct vgw_buf text;
    vgw_buf_init(&text, 16384);
    int rc = vgw_friendly_format(vgw_json_get(params, "data"), vgw_json_get_string(params, "format", ""), &text, err);
    if (rc == 0) {
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "text", vgw_buf_str(&text));
        vgw_action_complete(g->actions, handle, 0, o, NULL);
    }
    vgw_buf_done(&text);
    return rc;
}

/* ---- what was before ---- */

struct history {
    struct vgw_gateway *g;
    vgw_action_handle handle;
    char session_id[VGW_ID_MAX]; /* its own: it is no earlier one */
};

static struct vgw_json *history_item(const struct vgw_json *row)
{
    static const char *const keys[] = {"session_id", "direction", "status", "duration_seconds", "tools_executed"};
    struct vgw_json *o = vgw_json_object();
    char when[VGW_TIME_TEXT], text[TRANSCRIPT_BYTES + 1];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        vgw_json_set(o, keys[i], vgw_json_copy(vgw_json_get(row, keys[i])));
    vgw_json_set_string(o, "start_time", vgw_time_format(vgw_json_get_int(row, "start_time", 0), when));
    vgw_strcopy(text, sizeof text, vgw_json_get_string(row, "transcription", ""));
    size_t n = strlen(text);
    while (n && !vgw_utf8_valid(text, n))
        n--;
    vgw_json_set(o, "transcription", vgw_json_stringn(text, n));
    return o;
}

struct vgw_json *vgw_gateway_history_json(const struct vgw_json *rows, const char *own_session)
{
    struct vgw_json *o = vgw_json_object(), *list = vgw_json_array();
    for (size_t i = 0; i < vgw_json_count(rows); i++)
        if (!vgw_streq(vgw_json_get_string(vgw_json_at(rows, i), "session_id", ""), own_session))
            vgw_json_append(list, history_item(vgw_json_at(rows, i)));
    vgw_json_set_int(o, "count", (int64_t)vgw_json_count(list));
    vgw_json_set(o, "calls", list);
    return o;
}

static void on_rows(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct history *h = arg;
    struct vgw_json *o = status < 0 ? NULL : vgw_gateway_history_json(rows, h->session_id);
    vgw_action_complete(h->g->actions, h->handle, status, o, status < 0 ? sentence : NULL);
    vgw_free(h);
}

static int run_history(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                       const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    struct history *h;
    const struct vgw_session *s =
        context && context->session_id ? vgw_calls_session_find(g->calls, context->session_id) : NULL;
    const char *caller = vgw_json_get_string(params, "caller_id", s ? s->caller_id : NULL);
    int64_t limit = vgw_json_as_int(vgw_json_get(params, "limit"), 5);
    if (!caller || !caller[0])
        return vgw_error_at(err, VGW_EINVALID, "caller_id", "caller_id must name a caller; there is none here");
    if (!g->store)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "there is no store that remembers callers");
    if (!VGW_NEW(h))
        return vgw_error_nomem(err);
    *h = (struct history){.g = g, .handle = handle};
    vgw_strcopy(h->session_id, sizeof h->session_id, s ? s->session_id : "");
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "caller_id", caller);
    if (context && context->project_id)
        vgw_json_set_string(filter, "project_id", context->project_id);
    limit = limit < 1 ? 1 : limit > HISTORY_MAX ? HISTORY_MAX : limit;
    int rc = vgw_store_query(g->store, "sessions", filter, (uint32_t)limit, NULL, on_rows, h);
    vgw_json_free(filter);
    if (rc < 0) {
        vgw_free(h);
        return vgw_error_set(err, rc, "the store is busy; try again in a moment");
    }
    return 0;
}

/* ---- later ---- */

static int run_callback(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                        const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    const struct vgw_session *s =
        context && context->session_id ? vgw_calls_session_find(g->calls, context->session_id) : NULL;
    const struct vgw_call *call = context && context->call_id ? vgw_calls_find(g->calls, context->call_id) : NULL;
    const struct vgw_conversation *c = call ? vgw_gateway_conversation(g, call->handle) : NULL;
    struct vgw_json *result = NULL;
    int rc = vgw_gateway_callback_add(g, params, s, c ? c->agent : NULL, &result, err);
    if (rc == 0)
        vgw_action_complete(g->actions, handle, 0, result, NULL);
    return rc;
}

static int run_set(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                   const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    const char *id = vgw_json_get_string(params, "session_id", context ? context->session_id : NULL);
    struct vgw_session *s = id && id[0] ? vgw_calls_session_find(g->calls, id) : NULL;
    const char *key;
    struct vgw_json *value;
    if (!s)
        return vgw_error_at(err, VGW_ENOTFOUND, "session_id", "there is no live session whose variables could be set");
    for (size_t i = 0; vgw_json_object_next(vgw_json_get(params, "values"), &i, &key, &value);)
        if (vgw_json_set(s->variables, key, vgw_json_copy(value)) < 0)
            return vgw_error_nomem(err);
    vgw_action_complete(g->actions, handle, 0, vgw_json_copy(s->variables), NULL);
    return 0;
}

/* ---- the table ---- */

#define P(n, t, r, c, d)                                                                                               \
    {                                                                                                                  \
        .name = n, .type = t, .required = r, .templated = true, .choices = c, .description = d                         \
    }
#define TEXT(n, r, d) P(n, VGW_PARAM_STRING, r, NULL, d)
#define SESSION TEXT("session_id", false, "the session; the conversation's own unless given")
static const struct vgw_action_param human_params[] = {
    SESSION, TEXT("department", false, "a name of `departments:`; front_desk unless given"),
    TEXT("reason", false, "why, for the person who takes over"),
    TEXT("summary", false, "what was said so far, for the person who takes over")};
static const struct vgw_action_param music_params[] = {
    SESSION, P("seconds", VGW_PARAM_NUMBER, false, NULL, "how long; 10 unless given, at most 120"),
    TEXT("music", false, "what is played, where the provider knows several")};
static const struct vgw_action_param sms_params[] = {
    SESSION, TEXT("phone", false, "the number; the caller's unless given"), TEXT("message", true, "the text")};
static const struct vgw_action_param callback_params[] = {
    SESSION,
    TEXT("phone", false, "the number to call; the caller's unless given"),
    TEXT("time", false, "when, as 2026-01-15T14:30:00Z"),
    P("delay", VGW_PARAM_DURATION, false, NULL, "how long from now, in place of time; 5m unless given"),
    TEXT("reason", false, "why; the agent that calls is told"),
    TEXT("agent", false, "the agent that calls; the one who schedules it unless given"),
    TEXT("assistant", false, "the assistant that calls, in place of an agent"),
    TEXT("workflow", false, "the workflow that calls, in place of an agent"),
};
static const struct vgw_action_param menu_params[] = {
    SESSION, P("options", VGW_PARAM_OBJECT, true, NULL, "digits and what they stand for, as {\"1\": \"reservations\"}"),
    TEXT("prompt", false, "what is asked; made from the options unless given"),
    TEXT("selection", false, "what the caller chose already: a digit or words; asked unless given")};
static const struct vgw_action_param history_params[] = {
    SESSION, TEXT("caller_id", false, "the caller's number; the conversation's own unless given"),
    P("limit", VGW_PARAM_INT, false, NULL, "how many calls; 5 unless given, at most 20")};
static const struct vgw_action_param note_params[] = {
    SESSION, P("seconds", VGW_PARAM_NUMBER, false, NULL, "how long; 30 unless given, at most 300")};
static const struct vgw_action_param announce_params[] = {
    SESSION, TEXT("message", true, "what is said"), TEXT("voice", false, "the engine's name of a voice"),
    TEXT("language", false, "such as en-US"),
    P("interruptible", VGW_PARAM_BOOL, false, NULL, "may the caller speak over it? true unless given")};
static const struct vgw_action_param format_params[] = {
    P("data", VGW_PARAM_ANY, true, NULL, "what is to be said, as the format needs it"),
    P("format", VGW_PARAM_STRING, true, VGW_FRIENDLY_FORMATS, "how it is said")};
static const struct vgw_action_param language_params[] = {SESSION, TEXT("language", true, "such as de or en-GB")};
static const struct vgw_action_param set_params[] = {SESSION,
                                                     P("values", VGW_PARAM_OBJECT, true, NULL, "names and values")};

#define ROWS(table) .params = table, .param_count = sizeof(table) / sizeof *(table)
#define LISTED (VGW_ACTION_TOOL | VGW_ACTION_LISTED)
static const struct vgw_action_desc tools[] = {
    {.name = "transfer_to_human",
     .description = "Connects the caller with a person, who is told the reason and the summary first",
     .result = "outcome",
     ROWS(human_params),
     .flags = VGW_ACTION_TOOL,
     .default_timeout_us = TRANSFER_TIMEOUT_US,
     .run = run_human,
     .cancel = vgw_gateway_action_cancel},
    {.name = "play_hold_music",
     .description = "Puts the caller on hold with music for a while, then takes the call back",
     .result = "played_seconds",
     ROWS(music_params),
     .flags = VGW_ACTION_TOOL,
     .default_timeout_us = (MUSIC_MAX_S + 30) * VGW_US_PER_S,
     .run = run_music,
     .cancel = on_cancel},
    {.name = "send_sms_confirmation",
     .description = "Sends a text message, as to confirm what was agreed",
     .result = "message_id status",
     ROWS(sms_params),
     .flags = LISTED,
     .run = run_sms,
     .cancel = vgw_gateway_action_cancel},
    {.name = "schedule_callback",
     .description = "Schedules a call back to the caller",
     .result = "callback_id at phone",
     ROWS(callback_params),
     .flags = LISTED,
     .run = run_callback},
    {.name = "handle_ivr_menu",
     .description = "Offers the caller a menu by voice and keys, and tells what was chosen",
     .result = "selection option heard",
     ROWS(menu_params),
     .flags = VGW_ACTION_TOOL,
     .default_timeout_us = 2 * VGW_TOOL_TIMEOUT_US,
     .run = run_menu,
     .cancel = on_cancel},
    {.name = "get_caller_history",
     .description = "Tells what is known of the caller's earlier calls",
     .result = "count calls",
     ROWS(history_params),
     .flags = VGW_ACTION_TOOL,
     .run = run_history},
    {.name = "record_voice_note",
     .description = "Records what the caller says for a while",
     .result = "recording_id url duration",
     ROWS(note_params),
     .flags = VGW_ACTION_TOOL,
     .default_timeout_us = (NOTE_MAX_S + 30) * VGW_US_PER_S,
     .run = run_note,
     .cancel = on_cancel},
    {.name = "announce_to_session",
     .description = "Says something to the caller",
     .result = "heard_ms interrupted",
     ROWS(announce_params),
     .flags = VGW_ACTION_TOOL,
     .default_timeout_us = 4 * VGW_TOOL_TIMEOUT_US,
     .run = run_announce,
     .cancel = vgw_gateway_action_cancel},
    {.name = "set_language",
     .description = "Goes on in another language: what is said and what is understood",
     .result = "language",
     ROWS(language_params),
     .flags = VGW_ACTION_TOOL,
     .run = run_language},
    {.name = "format_for_voice",
     .description = "Makes a sentence that a voice can say from data: availability, price, date, time, phone or list",
     .result = "text",
     ROWS(format_params),
     .flags = VGW_ACTION_TOOL,
     .run = run_format},
    {.name = "session_set",
     .description = "Sets variables of a session, as verified",
     .result = "all of its variables",
     ROWS(set_params),
     .flags = VGW_ACTION_STEP,
     .run = run_set},
};

int vgw_gateway_voice_tools_register(struct vgw_gateway *g, struct vgw_error *err)
{
    vgw_list_init(&g->tool_calls);
    vgw_list_init(&g->http_runs);
    vgw_list_init(&g->mcp_questions);
    vgw_list_init(&g->asides);
    vgw_list_init(&g->contexts);
    vgw_list_init(&g->callbacks);
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        struct vgw_action_desc desc = tools[i];
        desc.arg = g;
        int rc = vgw_action_register(g->actions, &desc, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
