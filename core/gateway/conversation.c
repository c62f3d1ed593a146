/* conversation.c - between a call on control and its talk on a worker. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/agent_context.h"
#include "gateway/tools.h"

static void key_of(uint64_t call, char out[20])
{
    snprintf(out, 20, "%llx", (unsigned long long)call);
}

struct vgw_conversation *vgw_gateway_conversation(struct vgw_gateway *g, uint64_t call)
{
    char key[20];
    key_of(call, key);
    return vgw_map_get(g->conversations, key);
}

void vgw_gateway_conversation_free(void *p)
{
    struct vgw_conversation *c = p;
    vgw_json_free(c->context);
    vgw_free(c);
}

static struct vgw_call *call_of(struct vgw_gateway *g, uint64_t call)
{
    return g->calls ? vgw_calls_by_handle(g->calls, call) : NULL;
}

/* ---- what a talk tells ---- */

static void home_up(void *arg, uint64_t handle)
{
    struct vgw_gateway *g = arg;
    struct vgw_conversation *c = vgw_gateway_conversation(g, handle);
    struct vgw_call *call = call_of(g, handle);
    if (!call)
        return;
    if (c && !c->up) {
        struct vgw_buf name = {0};
        vgw_buf_printf(&name, "voice.%s.stream.started", call->plugin);
        vgw_audit(vgw_buf_str(&name), "session_id", call->session->session_id, "call_sid", call->provider_call_id,
                  "stream_sid", vgw_json_get_string(call->session->transport_metadata, "stream_sid", NULL), "provider",
                  call->plugin, NULL);
        vgw_buf_done(&name);
        c->up = true;
    }
    vgw_calls_media_up(g->calls, call);
}

static void home_activity(void *arg, uint64_t handle)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = call_of(g, handle);
    if (call)
        vgw_calls_activity(g->calls, call);
}

static void home_lost(void *arg, uint64_t handle, const char *sentence)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = call_of(g, handle);
    if (!call)
        return;
    vgw_log(VGW_LOG_WARNING, &call->scope, "a call's media was lost", "error", sentence, NULL);
    vgw_calls_media_lost(g->calls, call, sentence);
}

static void home_event(void *arg, uint64_t handle, const char *type, struct vgw_json *data)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = call_of(g, handle);
    if (!call) {
        vgw_json_free(data);
        return;
    }
    vgw_session_touch(call->session);
    if (vgw_streq(type, "amd_result"))
        vgw_calls_answerer(call, vgw_json_get_string(data, "answered_by", "unknown"));
    if (vgw_streq(type, "voice.language.changed"))
        (void)vgw_session_speaks(call->session, vgw_json_get_string(data, "language", ""));
    if (vgw_streq(type, "voice.sentiment")) /* the record keeps the newest mean */
        call->session->sentiment_score = vgw_json_get_double(data, "mean", 0);
    vgw_gateway_emit(g, type, NULL, call, data);
}

static void audit_transcript(struct vgw_call *call, const char *response)
{
    const char *heard = "";
    struct vgw_list *at = call->session->turns.prev;
    for (; at != &call->session->turns; at = at->prev) {
        const struct vgw_turn_entry *t = VGW_CONTAINER_OF(at, struct vgw_turn_entry, link);
        if (vgw_streq(t->role, "user")) {
            heard = t->content;
            break;
        }
    }
    struct vgw_buf name = {0};
    vgw_buf_printf(&name, "voice.%s.transcript", call->plugin);
    vgw_audit(vgw_buf_str(&name), "session_id", call->session->session_id, "call_sid", call->provider_call_id,
              "stream_sid", vgw_json_get_string(call->session->transport_metadata, "stream_sid", NULL), "transcript",
              heard, "response", response, "provider", call->plugin, NULL);
    vgw_buf_done(&name);
}

/* The turn's cut of the recording: from where the turn before ended. */
static void turn_audio(struct vgw_gateway *g, struct vgw_call *call, struct vgw_conversation *c, uint32_t number,
                       double to_s)
{
    struct vgw_buf url = {0};
    if (!c || !call->recording_id || to_s < 0)
        return;
    if (!vgw_streq(c->recording, call->recording_id)) {
        vgw_strcopy(c->recording, sizeof c->recording, call->recording_id);
        c->cut_s = 0;
    }
    if (to_s > c->cut_s) {
        vgw_buf_printf(&url, "%s%s/recordings/%s?from=%.2f&to=%.2f", g->plan->public_url,
                       vgw_options_string(g->plan->main, "http.prefix"), call->recording_id, c->cut_s, to_s);
        vgw_session_turn_audio(call->session, number, vgw_buf_str(&url));
        c->cut_s = to_s;
    }
    vgw_buf_done(&url);
}

static void turn_keep(struct vgw_gateway *g, struct vgw_call *call, uint32_t number, struct vgw_json *turn)
{
    char now[VGW_TIME_TEXT];
    turn_audio(g, call, vgw_gateway_conversation(g, call->handle), number, vgw_json_get_double(turn, "audio_to", -1));
    vgw_json_set_int(turn, "turn_number", number);
    vgw_json_set_string(turn, "timestamp", vgw_time_format(vgw_wall(g->loop), now));
    vgw_gateway_store_turn(g, call->session->session_id, turn);
}

static void home_turn(void *arg, uint64_t handle, struct vgw_json *turn)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = call_of(g, handle);
    uint32_t number;
    if (call) {
        const char *role = vgw_json_get_string(turn, "role", "system"),
                   *content = vgw_json_get_string(turn, "content", "");
        if (vgw_session_add_turn(call->session, role, content, vgw_json_get_double(turn, "latency_ms", -1),
                                 vgw_json_get_double(turn, "confidence", -1),
                                 vgw_json_get_bool(turn, "interrupted", false), vgw_json_get(turn, "stages"),
                                 &number) == 0)
            turn_keep(g, call, number, turn);
        if (vgw_streq(role, "assistant") && vgw_json_get(turn, "latency_ms"))
            audit_transcript(call, content);
    }
    vgw_json_free(turn);
}

static void home_complete(void *arg, uint64_t op, int status, const char *sentence, struct vgw_json *result)
{
    struct vgw_gateway *g = arg;
    if (g->calls)
        vgw_calls_complete(g->calls, op, status, sentence, result);
    vgw_json_free(result);
}

static void wish_failed(struct vgw_gateway *g, struct vgw_call *call, const char *action, const struct vgw_error *err)
{
    vgw_log(VGW_LOG_WARNING, &call->scope, "an assistant's wish could not be met", "action", action, "error", err->text,
            NULL);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "error", err->text);
    vgw_json_set_string(o, "error_class", vgw_status_info(err->status)->error_class);
    vgw_json_set_string(o, "where", action);
    vgw_json_set_bool(o, "retryable", false);
    vgw_gateway_emit(g, "error", NULL, call, o);
}

static int wish_transfer(struct vgw_gateway *g, struct vgw_call *call, const struct vgw_json *params,
                         struct vgw_error *err)
{
    struct vgw_json *p = params ? vgw_json_copy(params) : vgw_json_object();
    const char *department = vgw_json_get_string(p, "department", NULL);
    const char *to = vgw_json_get_string(p, "to", NULL);
    const char *number = department ? vgw_gateway_department(g, department) : to ? vgw_gateway_department(g, to) : NULL;
    int rc;
    if (!number && !to)
        rc = vgw_error_set(err, VGW_ENOTFOUND, "there is no department '%s'", department ? department : "");
    else {
        vgw_json_set_string(p, "to", number ? number : to);
        vgw_json_del(p, "department");
        bool attended = vgw_streq(vgw_json_get_string(p, "kind", ""), "attended");
        rc = attended && vgw_gateway_summary_wanted(g, call, p)
                 ? vgw_gateway_summary_transfer(g, call, 0, p, err)
                 : vgw_calls_command(g->calls, call, VGW_CMD_TRANSFER, p, false, NULL, NULL, err);
    }
    vgw_json_free(p);
    return rc;
}

/* What the assistant hands on stands among the session's variables, and so in its record. */
static int wish_end(struct vgw_gateway *g, struct vgw_call *call, const struct vgw_json *params, struct vgw_error *err)
{
    const struct vgw_json *handoff = vgw_json_get(params, "handoff");
    if (handoff && vgw_json_set(call->session->variables, "handoff", vgw_json_copy(handoff)) < 0)
        vgw_log(VGW_LOG_ERROR, &call->scope, "out of memory: what the assistant handed on is not in the record", NULL);
    return vgw_calls_command(g->calls, call, VGW_CMD_END, params, false, NULL, NULL, err);
}

/* A handoff is to an agent; chat models name it by both. */
static int wish_assistant(struct vgw_gateway *g, struct vgw_call *call, const struct vgw_json *params,
                          struct vgw_error *err)
{
    struct vgw_json *p = params ? vgw_json_copy(params) : vgw_json_object();
    const char *agent = vgw_json_get_string(p, "agent", NULL), *name = vgw_json_get_string(p, "name", NULL);
    if (agent && vgw_agent_find(g, call->session, agent))
        vgw_json_del(p, "name");
    else if (agent && name && vgw_plan_recipe(g->plan, "assistants", name))
        vgw_json_del(p, "agent");
    vgw_json_set_bool(p, "handed", true);
    int rc = vgw_calls_command(g->calls, call, VGW_CMD_ASSISTANT, p, false, NULL, NULL, err);
    vgw_json_free(p);
    return rc;
}

static void home_action(void *arg, uint64_t handle, const char *action, struct vgw_json *params)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = call_of(g, handle);
    struct vgw_error err = {0};
    int rc = 0;
    if (!call || g->ending)
        goto out;
    if (!vgw_gateway_agent_may(g, call, action, params, &err)) {
        rc = err.status;
    } else if (vgw_streq(action, "end")) {
        rc = wish_end(g, call, params, &err);
    } else if (vgw_streq(action, "play")) {
        rc = vgw_calls_command(g->calls, call, VGW_CMD_PLAY, params, false, NULL, NULL, &err);
    } else if (vgw_streq(action, "transfer")) {
        rc = wish_transfer(g, call, params, &err);
    } else if (vgw_streq(action, "workflow")) {
        char run[VGW_ID_MAX];
        struct vgw_flow_request request = {.args = vgw_json_get(params, "variables"),
                                           .call_id = call->call_id,
                                           .session_id = call->session->session_id,
                                           .project_id = call->session->project_id,
                                           .variables = call->session->variables};
        rc = vgw_flow_engine_run(g->flow, vgw_json_get_string(params, "id", ""), &request, vgw_now(g->loop), run, &err);
        vgw_gateway_flow_arm(g);
    } else if (vgw_streq(action, "assistant") || vgw_streq(action, "handoff")) {
        rc = wish_assistant(g, call, params, &err);
    } else {
        rc = vgw_error_set(&err, VGW_EUNSUPPORTED,
                           "an assistant cannot ask for '%s': the actions are end, transfer, workflow, assistant, "
                           "handoff, dtmf, play, "
                           "say, language, hints and talk",
                           action);
    }
    if (rc < 0)
        wish_failed(g, call, action, &err);
out:
    vgw_json_free(params);
}

/* ---- tools ---- */

struct asked { /* by an assistant */
    struct vgw_gateway *g;
    uint64_t call, by, tool_call;
};

static void tool_done(void *arg, int status, const struct vgw_json *result, const char *sentence)
{
    struct asked *a = arg;
    struct vgw_conversation *c = vgw_gateway_conversation(a->g, a->call);
    struct vgw_json *told = status < 0 ? vgw_json_object() : vgw_json_copy(result);
    if (status < 0)
        vgw_json_set_string(told, "error", sentence);
    if (c && c->talk)
        vgw_talk_tool_result(c->talk, a->by, a->tool_call, status, told);
    vgw_json_free(told);
    vgw_free(a);
}

static void ask_tool(struct vgw_gateway *g, struct vgw_call *call, uint64_t turn, const struct asked *asked,
                     const char *name, const struct vgw_json *arguments)
{
    struct asked *a;
    struct vgw_conversation *c = vgw_gateway_conversation(g, call->handle);
    if (!VGW_NEW(a)) {
        if (c && c->talk)
            vgw_talk_tool_result(c->talk, asked->by, asked->tool_call, VGW_ELIMIT, NULL);
        return;
    }
    *a = *asked;
    struct vgw_tool_request r = {.name = name,
                                 .arguments = arguments,
                                 .call = call,
                                 .turn = turn,
                                 .by_assistant = true,
                                 .done = tool_done,
                                 .arg = a};
    vgw_gateway_tool_start(g, &r, NULL);
}

static void home_tool(void *arg, uint64_t handle, uint64_t turn, uint64_t by, uint64_t tool_call, const char *name,
                      struct vgw_json *arguments)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = call_of(g, handle);
    const struct asked asked = {.g = g, .call = handle, .by = by, .tool_call = tool_call};
    if (call && !g->ending)
        ask_tool(g, call, turn, &asked, name, arguments);
    vgw_json_free(arguments);
}

static void home_summary(void *arg, uint64_t handle, uint64_t number, const char *text)
{
    vgw_gateway_summary_came(arg, number, text);
}

/* ---- the end ---- */

static void stream_stopped(const struct vgw_conversation *c, const char *reason)
{
    struct vgw_buf name = {0};
    vgw_buf_printf(&name, "voice.%s.stream.stopped", c->plugin);
    vgw_audit(vgw_buf_str(&name), "session_id", c->session, "call_sid", c->provider_call_id, "provider", c->plugin,
              "reason", reason, NULL);
    vgw_buf_done(&name);
}

static void home_gone(void *arg, uint64_t handle, struct vgw_json *summary)
{
    struct vgw_gateway *g = arg;
    struct vgw_conversation *c = vgw_gateway_conversation(g, handle);
    const struct vgw_json *recording = vgw_json_at(vgw_json_get(summary, "recordings"), 0);
    struct vgw_call *call = call_of(g, handle);
    char key[20];
    if (recording) {
        struct vgw_buf url = {0};
        vgw_buf_printf(&url, "%s%s/recordings/%s", g->plan->public_url,
                       vgw_options_string(g->plan->main, "http.prefix"),
                       vgw_json_get_string(recording, "recording_id", ""));
        vgw_json_set_string(summary, "recording_url", vgw_buf_str(&url));
        vgw_json_set_double(summary, "duration", vgw_json_get_double(recording, "duration", 0));
        vgw_buf_done(&url);
    }
    if (c) {
        if (c->up)
            stream_stopped(c, call && call->cause ? call->cause : "ended");
        c->worker->legs--;
        vgw_registry_release(g->registry, c->instance);
        key_of(handle, key);
        vgw_map_remove(g->conversations, key);
    }
    if (g->calls)
        vgw_calls_media_summary(g->calls, handle, summary);
    vgw_json_free(summary);
}

/* ---- what control asks ---- */

void vgw_gateway_home_fill(struct vgw_gateway *g)
{
    g->home = (struct vgw_talk_home){.arg = g,
                                     .up = home_up,
                                     .activity = home_activity,
                                     .lost = home_lost,
                                     .event = home_event,
                                     .turn = home_turn,
                                     .complete = home_complete,
                                     .action = home_action,
                                     .tool = home_tool,
                                     .engine_release = vgw_gateway_engine_release,
                                     .gone = home_gone,
                                     .summary = home_summary};
}

struct vgw_worker *vgw_gateway_least_busy(struct vgw_gateway *g)
{
    struct vgw_worker *best = &g->workers[0];
    for (size_t i = 0; i < g->worker_count; i++) {
        if (g->leg_worker && g->workers[i].loop == g->leg_worker)
            return &g->workers[i];
        if (g->workers[i].legs < best->legs)
            best = &g->workers[i];
    }
    return best;
}

static const char *text_of(const char *text)
{
    return text ? text : "";
}

/* Its names last longer than the call's. */
static struct vgw_conversation *conversation_new(const struct vgw_call *call)
{
    const char *names[] = {call->session->session_id, text_of(call->provider_call_id), text_of(call->plugin)};
    const char *kept[3];
    size_t bytes = 0;
    for (size_t i = 0; i < 3; i++)
        bytes += strlen(names[i]) + 1;
    struct vgw_conversation *c = vgw_calloc(1, sizeof *c + bytes);
    if (!c)
        return NULL;
    char *at = c->names;
    for (size_t i = 0; i < 3; i++) {
        kept[i] = memcpy(at, names[i], strlen(names[i]) + 1);
        at += strlen(names[i]) + 1;
    }
    c->session = kept[0];
    c->provider_call_id = kept[1];
    c->plugin = kept[2];
    c->call = call->handle;
    return c;
}

static void stream_connected(struct vgw_conversation *c, const struct vgw_call *call)
{
    struct vgw_buf name = {0};
    vgw_buf_printf(&name, "voice.%s.stream.connected", call->plugin);
    vgw_audit(vgw_buf_str(&name), "session_id", call->session->session_id, "call_sid", call->provider_call_id,
              "provider", call->plugin, NULL);
    vgw_buf_done(&name);
    c->told = true;
}

int vgw_gateway_media_attach(void *arg, struct vgw_call *call, uint64_t *ret_leg, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    struct vgw_instance *instance = call->instance;
    struct vgw_conversation *c;
    char key[20];
    const struct voicegw_provider_media *media = vgw_host_media(instance);
    if (!media)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "the provider '%s' has no media", call->provider);
    c = conversation_new(call);
    if (!c)
        return vgw_error_nomem(err);
    c->worker = vgw_gateway_least_busy(g);
    c->instance = instance;
    struct vgw_talk_params params = {.control = g->loop,
                                     .worker = c->worker->loop,
                                     .pool = g->pool,
                                     .call = call->handle,
                                     .media = media,
                                     .media_instance = instance->plugin_instance,
                                     .silence_timeout_us =
                                         vgw_options_duration_us(g->plan->main, "media_silence_timeout"),
                                     .session = call->session->session_id,
                                     .call_id = call->call_id,
                                     .provider = call->provider,
                                     .home = &g->home};
    key_of(call->handle, key);
    if (vgw_map_set(g->conversations, key, c) < 0) {
        vgw_gateway_conversation_free(c);
        return vgw_error_nomem(err);
    }
    int rc = vgw_talk_new(&params, &c->talk, ret_leg, err);
    if (rc < 0) {
        vgw_map_remove(g->conversations, key);
        return rc;
    }
    c->worker->legs++;
    vgw_registry_ref(instance); /* the leg may outlive the call's hold on it */
    if (!call->unproven)
        stream_connected(c, call);
    return 0;
}

static void add_engine(struct vgw_gateway *g, const char *section, const char *name, struct vgw_engine *list,
                       uint32_t *count)
{
    if (*count < VGW_TALK_ENGINES_MAX && vgw_gateway_engine(g, section, name, &list[*count]))
        (*count)++;
}

static void first_engine(struct vgw_gateway *g, const char *section, struct vgw_engine *list, uint32_t *count)
{
    for (size_t i = 0; i < g->plan->recipe_count && !*count; i++)
        if (vgw_streq(g->plan->recipes[i]->section, section))
            add_engine(g, section, g->plan->recipes[i]->name, list, count);
}

static void talk_options(struct vgw_gateway *g, const struct vgw_call *call, struct vgw_talk_options *out)
{
    const struct vgw_options *o = vgw_options_section(g->plan->main, "talk");
    struct vgw_error err = {0};
    out->endpoint_silence_us = vgw_options_duration_us(o, "endpoint_silence");
    out->min_duration_us = vgw_options_duration_us(o, "min_duration");
    out->no_input_timeout_us = vgw_options_duration_us(o, "no_input_timeout");
    out->deaf_timeout_us = vgw_options_duration_us(o, "deaf_timeout");
    out->barge_in = vgw_options_bool(o, "barge_in");
    out->barge_in_keys = vgw_options_bool(o, "barge_in_keys");
    out->follow_language = vgw_options_bool(o, "follow_language");
    out->amd = vgw_options_bool(o, "amd");
    out->min_words = (uint32_t)vgw_options_int(o, "min_words");
    out->max_reprompts = (uint32_t)vgw_options_int(o, "max_reprompts");
    out->max_turns = (uint32_t)vgw_options_int(o, "max_turns");
    if (vgw_options_string(o, "no_input_prompt"))
        vgw_strcopy(out->no_input_prompt, sizeof out->no_input_prompt, vgw_options_string(o, "no_input_prompt"));
    if (vgw_options_string(o, "no_match_prompt"))
        vgw_strcopy(out->no_match_prompt, sizeof out->no_match_prompt, vgw_options_string(o, "no_match_prompt"));
    if (vgw_options_string(o, "deaf_prompt"))
        vgw_strcopy(out->deaf_prompt, sizeof out->deaf_prompt, vgw_options_string(o, "deaf_prompt"));
    for (size_t i = 0; i < vgw_options_count(o, "backchannels"); i++)
        if (!vgw_talk_backchannel_add(out, vgw_options_item(o, "backchannels", i)))
            break;
    if (call->route && vgw_talk_options_apply(out, call->route->talk, &err) < 0)
        vgw_log(VGW_LOG_WARNING, &call->scope, "the route's talk options were refused", "error", err.text, NULL);
}

/* What an instance says about fillers goes over the rest; the assistant's before the recognizer's and the voice's. */
static void filler_options(struct vgw_gateway *g, const struct vgw_engine *engine, bool always,
                           struct vgw_talk_options *out)
{
    const struct vgw_recipe *r = vgw_gateway_recipe_of(g, engine->ref);
    const char *filler = r && r->options ? vgw_options_string(r->options, "filler") : NULL;
    if (!r || !r->options || (!filler && !always))
        return;
    if (filler)
        vgw_strcopy(out->filler, sizeof out->filler, filler);
    out->filler_after_us = vgw_options_duration_us(r->options, "filler_after");
}

/* Who goes on when the assistant cannot, and who hears the same as the recognizer. */
static void other_engines(struct vgw_gateway *g, struct vgw_talk_begin *b)
{
    const struct vgw_recipe *r = b->has_assistant ? vgw_gateway_recipe_of(g, b->assistant.ref) : NULL;
    size_t names = r && r->options ? vgw_options_count(r->options, "failover") : 0;
    if (names)
        b->stand_ins = vgw_calloc(VGW_TALK_ENGINES_MAX, sizeof *b->stand_ins);
    for (size_t i = 0; b->stand_ins && i < names; i++)
        add_engine(g, "assistants", vgw_options_item(r->options, "failover", i), b->stand_ins, &b->stand_in_count);
    r = b->stt_count ? vgw_gateway_recipe_of(g, b->stt[0].ref) : NULL;
    const char *shadow = r && r->options ? vgw_options_string(r->options, "shadow") : NULL;
    uint32_t heard = 0;
    if (shadow && VGW_NEW(b->shadow))
        add_engine(g, "stt", shadow, b->shadow, &heard);
    if (b->shadow && !heard) {
        vgw_free(b->shadow);
        b->shadow = NULL;
    }
}

static void fillers(struct vgw_gateway *g, struct vgw_talk_begin *b)
{
    if (b->stt_count)
        filler_options(g, &b->stt[0], false, &b->options);
    if (b->tts_count)
        filler_options(g, &b->tts[0], false, &b->options);
    if (b->has_assistant)
        filler_options(g, &b->assistant, !b->options.filler[0], &b->options);
}

char *vgw_gateway_session_text(const struct vgw_call *call)
{
    const struct vgw_session *s = call->session;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "session_id", s->session_id);
    vgw_json_set_string(o, "call_id", call->call_id);
    vgw_json_set_string(o, "provider_call_id", call->provider_call_id);
    vgw_json_set_string(o, "provider", call->provider);
    vgw_json_set_string(o, "channel", s->channel);
    vgw_json_set_string(o, "direction", call->direction);
    vgw_json_set_string(o, "from", call->from);
    vgw_json_set_string(o, "to", call->to);
    vgw_json_set_string(o, "language", s->language);
    vgw_json_set_string(o, "project_id", s->project_id);
    vgw_json_set(o, "variables", vgw_json_copy(s->variables));
    char *text = vgw_json_text(o, false);
    vgw_json_free(o);
    return text;
}

/* Voice and language of what we say: the route's, else the provider's setting. */
static void speech_settings(struct vgw_gateway *g, const struct vgw_call *call, struct vgw_talk_begin *b)
{
    const char *set = vgw_gateway_instance_setting(g, call->instance, "tts_voice");
    const char *heard = vgw_gateway_instance_setting(g, call->instance, "stt_language");
    const char *spoken = vgw_gateway_instance_setting(g, call->instance, "tts_language");
    b->voice = vgw_strdup(call->route && call->route->voice ? call->route->voice : set ? set : "");
    if (spoken && *spoken && vgw_streq(b->language, heard)) /* nobody named another language for this call */
        b->speech_language = vgw_strdup(spoken);
}

/* Who answers: an agent's assistant, or one by name. */
static void find_assistant(struct vgw_gateway *g, struct vgw_call *call, struct vgw_conversation *c,
                           struct vgw_talk_begin *b)
{
    const struct vgw_options *agent = vgw_agent_find(g, call->session, c->agent);
    const char *assistant = vgw_gateway_assistant_of(g, call, agent);
    if (assistant && vgw_gateway_engine(g, "assistants", assistant, &b->assistant)) {
        b->has_assistant = true;
    } else if (assistant) {
        vgw_log(VGW_LOG_ERROR, &call->scope, "the call's assistant does not run", "assistant", assistant, NULL);
    }
    if (b->has_assistant && b->assistant.audio && !b->assistant.assistant && !b->assistant.audio->tool_result)
        return; /* what cannot take a tool's result asks for none */
    b->tools_json = vgw_agent_tools_text(g, agent);
}

static void take_role(struct vgw_talk_begin *b, struct vgw_talk_role *role)
{
    if (!role)
        return;
    b->agent_json = role->agent_json;
    b->history_json = role->history_json;
    b->usage_limit = role->usage_limit;
    if (role->voice) {
        vgw_free(b->voice);
        b->voice = role->voice;
    }
    if (role->max_turns)
        b->options.max_turns = role->max_turns;
    role->agent_json = role->history_json = role->voice = NULL;
    vgw_talk_role_free(role);
}

static void begin_now(struct vgw_gateway *g, struct vgw_call *call, struct vgw_conversation *c)
{
    struct vgw_talk_begin *b = vgw_talk_begin_new();
    const struct vgw_route *r = call->route;
    if (!b)
        return;
    talk_options(g, call, &b->options);
    b->find_answerer = b->options.amd && vgw_streq(call->direction, "outbound") && !call->answered_by;
    b->greeting = call->greeting_said ? NULL : vgw_strdup(vgw_call_greeting(call));
    b->language = vgw_strdup(call->session->language && call->session->language[0] ? call->session->language : "en-US");
    speech_settings(g, call, b);
    find_assistant(g, call, c, b);
    take_role(b, c->agent[0] ? vgw_gateway_role(g, call, c, c->agent) : NULL);
    bool hears = !(b->has_assistant && b->assistant.audio && !b->assistant.assistant);
    for (size_t i = 0; r && i < r->stt_count && hears; i++)
        add_engine(g, "stt", r->stt[i], b->stt, &b->stt_count);
    for (size_t i = 0; r && i < r->tts_count; i++)
        add_engine(g, "tts", r->tts[i], b->tts, &b->tts_count);
    if (!b->stt_count && hears)
        first_engine(g, "stt", b->stt, &b->stt_count);
    if (!b->tts_count)
        first_engine(g, "tts", b->tts, &b->tts_count);
    other_engines(g, b);
    fillers(g, b);
    b->session_json = vgw_gateway_session_text(call);
    if (b->stt_count && !(call->session->stt_provider && call->session->stt_provider[0])) {
        char *name = vgw_strdup(b->stt[0].name);
        if (name) {
            vgw_free(call->session->stt_provider);
            call->session->stt_provider = name;
        }
    }
    if (vgw_talk_begin(c->talk, b) < 0)
        vgw_log(VGW_LOG_ERROR, &call->scope, "the call's worker is overloaded: its conversation does not begin", NULL);
}

static void context_there(struct vgw_gateway *g, uint64_t handle, void *arg)
{
    struct vgw_conversation *c = vgw_gateway_conversation(g, handle);
    struct vgw_call *call = call_of(g, handle);
    (void)arg;
    if (c && call && !call->settled)
        begin_now(g, call, c);
}

void vgw_gateway_media_begin(void *arg, struct vgw_call *call)
{
    struct vgw_gateway *g = arg;
    struct vgw_conversation *c = vgw_gateway_conversation(g, call->handle);
    if (!c)
        return;
    if (!c->told)
        stream_connected(c, call);
    vgw_strcopy(c->agent, sizeof c->agent, vgw_gateway_agent_of(call));
    if (!vgw_gateway_context(g, call, c, c->agent, context_there, NULL))
        begin_now(g, call, c);
}

/* ---- commands ---- */

static struct vgw_json *recording_params(struct vgw_gateway *g, const struct vgw_json *params)
{
    struct vgw_json *p = vgw_json_copy(params);
    struct vgw_buf path = {0};
    vgw_buf_printf(&path, "%s/%s.wav", vgw_options_string(g->plan->main, "recordings.path"),
                   vgw_json_get_string(params, "recording_id", ""));
    vgw_json_set_string(p, "path", vgw_buf_str(&path));
    vgw_buf_done(&path);
    return p;
}

static int switch_now(struct vgw_gateway *g, struct vgw_call *call, struct vgw_conversation *c, uint64_t op,
                      const struct vgw_json *params, struct vgw_error *err)
{
    struct vgw_engine engine = {0};
    const char *name = vgw_json_get_string(params, "agent", NULL);
    const struct vgw_options *agent = vgw_agent_find(g, call->session, name);
    const char *wanted = agent ? vgw_gateway_assistant_of(g, call, agent) : vgw_json_get_string(params, "name", "");
    if (!wanted || !vgw_gateway_engine(g, "assistants", wanted, &engine))
        return vgw_error_at(err, VGW_ENOTFOUND, "name", "there is no assistant '%s'", wanted ? wanted : "");
    struct vgw_talk_role *role = vgw_gateway_role(g, call, c, agent ? name : NULL);
    int rc = vgw_talk_assistant(c->talk, op, params, &engine, role, err);
    if (rc < 0) {
        vgw_talk_role_free(role);
        vgw_registry_release(g->registry, engine.ref);
        return rc;
    }
    vgw_strcopy(c->agent, sizeof c->agent, agent ? name : "");
    return 0;
}

struct later { /* a switch that waits for the new agent's context */
    uint64_t op;
    struct vgw_json *params;
};

static void switch_context_there(struct vgw_gateway *g, uint64_t handle, void *arg)
{
    struct later *l = arg;
    struct vgw_conversation *c = vgw_gateway_conversation(g, handle);
    struct vgw_call *call = call_of(g, handle);
    struct vgw_error err = {0};
    int rc = c && call && !call->settled ? switch_now(g, call, c, l->op, l->params, &err) : 0;
    if (rc < 0)
        vgw_calls_complete(g->calls, l->op, rc, err.text, NULL);
    vgw_json_free(l->params);
    vgw_free(l);
}

static int begin_switch(struct vgw_gateway *g, struct vgw_call *call, struct vgw_conversation *c, uint64_t op,
                        const struct vgw_json *params, struct vgw_error *err)
{
    const char *agent = vgw_json_get_string(params, "agent", NULL);
    struct later *l;
    if (agent && !vgw_agent_find(g, call->session, agent))
        return vgw_error_at(err, VGW_ENOTFOUND, "agent", "there is no agent '%s'", agent);
    if (!VGW_NEW(l))
        return vgw_error_nomem(err);
    *l = (struct later){op, vgw_json_copy(params)};
    if (vgw_gateway_context(g, call, c, agent ? agent : "", switch_context_there, l))
        return 0;
    vgw_json_free(l->params);
    vgw_free(l);
    return switch_now(g, call, c, op, params, err);
}

int vgw_gateway_media_command(void *arg, struct vgw_call *call, uint64_t op, int command, const struct vgw_json *params,
                              struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    struct vgw_conversation *c = vgw_gateway_conversation(g, call->handle);
    const char *name = vgw_command_name((enum vgw_command)command);
    if (!c)
        return vgw_error_set(err, VGW_EBUSY, "the call has no media");
    if (command == VGW_CMD_ASSISTANT)
        return begin_switch(g, call, c, op, params, err);
    if (command == VGW_CMD_PLAY && vgw_gateway_play_is_own(g, params))
        return vgw_gateway_play_own(g, call, op, false, params, err);
    if (command == VGW_CMD_PLAY && vgw_gateway_play_is_remote(params))
        return vgw_gateway_play_remote(g, call, op, params, err);
    struct vgw_json *own = command == VGW_CMD_RECORD_START ? recording_params(g, params) : NULL;
    int rc = vgw_talk_command(c->talk, op, name, own ? own : params, NULL, err);
    vgw_json_free(own);
    return rc;
}

void vgw_gateway_media_release(void *arg, struct vgw_call *call)
{
    struct vgw_conversation *c = vgw_gateway_conversation(arg, call->handle);
    if (c)
        vgw_talk_end(c->talk);
}

bool vgw_gateway_media_digit(void *arg, struct vgw_call *call, char digit, uint32_t duration_ms, const char *source)
{
    struct vgw_conversation *c = vgw_gateway_conversation(arg, call->handle);
    return c && vgw_talk_digit(c->talk, digit, duration_ms, source) == 0;
}

void vgw_gateway_media_held(void *arg, struct vgw_call *call, bool on)
{
    struct vgw_conversation *c = vgw_gateway_conversation(arg, call->handle);
    struct vgw_error err = {0};
    if (c && vgw_talk_command(c->talk, 0, on ? "hold" : "resume", NULL, NULL, &err) < 0)
        vgw_log(VGW_LOG_WARNING, &call->scope, "the call's media could not be told of the hold", "error", err.text,
                NULL);
}
