/* calls.c - a call as Vapi tells of it, told to the host; the operations. */
#include <stdio.h>
#include <stdlib.h>
#include "vapi.h"

#define TURNS_MAX 2000u

void vapi_transfer_over(struct vapi_call *c, const char *outcome)
{
    char json[64];
    uint64_t op = c->transfer_op;
    if (!op)
        return;
    c->transfer_op = 0;
    (void)snprintf(json, sizeof json, "{\"outcome\":\"%s\"}", outcome);
    platform_complete(c->base.p, op, VOICEGW_OK, NULL, json);
}

void vapi_freed(struct platform_call *call)
{
    struct vapi_call *c = (struct vapi_call *)call;
    const struct voicegw_host *host = call->p->host;
    if (c->answer_timer)
        (void)host->timer_cancel(host, c->answer_timer);
    if (c->answer_request && call->p->draining < 2)
        platform_reply(call->p, c->answer_request, 200, "{\"error\":\"The call cannot be taken.\"}");
    for (size_t i = 0; i < VAPI_KEPT_RESULTS; i++)
        free(c->results[i]);
}

/* ---- lines ---- */

/* "AI: Hello.\nUser: Hi." */
static void tell_text(struct vapi_call *c, const char *text)
{
    char line[4096];
    while (*text) {
        size_t n = strcspn(text, "\n");
        const char *role = strncmp(text, "AI: ", 4) == 0 ? "assistant" : strncmp(text, "User: ", 6) == 0 ? "user" : "";
        size_t skip = role[0] == 'a' ? 4 : role[0] ? 6 : 0;
        (void)snprintf(line, sizeof line, "%.*s", (int)(n - skip < sizeof line ? n - skip : sizeof line - 1),
                       text + skip);
        platform_call_line(&c->base, role[0] ? role : "system", line, 0);
        text += n + (text[n] == '\n');
    }
}

static void tell_lines(struct vapi_call *c, struct voicegw_json call)
{
    char text[8192];
    struct voicegw_json list = voicegw_json_get(call, "artifact.messages");
    uint32_t i = 0;
    if (voicegw_json_count(list) == 0)
        list = voicegw_json_member(call, "messages");
    struct voicegw_json_iter it = voicegw_json_each(list);
    while (voicegw_json_next(&it) && i < TURNS_MAX) {
        const char *role = vapi_role(it.value);
        if (!role[0] || i++ < c->spoken) /* those were told while they were said */
            continue;
        (void)voicegw_json_get_string(it.value, "message", text, sizeof text);
        platform_call_line(&c->base, role, text, voicegw_json_get_int(it.value, "time", 0) * 1000);
    }
    if (i == 0 && c->spoken == 0 && voicegw_json_get_string(call, "artifact.transcript", text, sizeof text) > 0)
        tell_text(c, text);
}

/* ---- the end ---- */

static void tell_recording(struct vapi_call *c, struct voicegw_json call)
{
    static const char *const places[] = {"artifact.recording.mono.combinedUrl", "artifact.recordingUrl",
                                         "recordingUrl"};
    char url[PLATFORM_URL_CAP], id[PLATFORM_ID_CAP + 8];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (voicegw_json_get_string(call, places[i], url, sizeof url) <= 0)
            continue;
        (void)snprintf(id, sizeof id, "vapi-%s", c->base.id);
        (void)c->base.p->provider->on_recording(c->base.p->host, c->base.handle, id, "available", url, -1);
        return;
    }
}

static void tell_report(struct vapi_call *c, struct voicegw_json call)
{
    static const char *const names[] = {"endedReason", "endedMessage", "analysis",
                                        "destination", "compliance",   "costBreakdown"};
    char json[24576], text[8192];
    struct platform *p = c->base.p;
    struct voicegw_json summary = voicegw_json_get(call, "analysis.summary");
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct voicegw_json v = voicegw_json_member(call, names[i]);
        if (voicegw_json_type(v) > VOICEGW_JSON_NULL && v.bytes < 8192)
            voicegw_json_put_json(&w, names[i], v);
    }
    voicegw_json_put_end(&w);
    int64_t n = voicegw_json_finish(&w);
    platform_tell(p, c->base.handle, c->base.id, "report", voicegw_json_ofn(json, n > 0 ? (uint64_t)n : 0));
    if (voicegw_json_string(summary, text, sizeof text) <= 0)
        return;
    struct voicegw_json_writer s = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&s, NULL);
    voicegw_json_put_json(&s, "summary", summary);
    voicegw_json_put_end(&s);
    if (voicegw_json_finish(&s) > 0)
        (void)p->provider->on_summary(p->host, c->base.handle, json);
    platform_call_line(&c->base, "system", text, 0);
}

static void finish(struct vapi_call *c, struct voicegw_json call, const struct platform_view *v, const char *reason)
{
    struct vapi_reason why = vapi_reason_of(reason);
    uint32_t state = v->state, outcome = v->outcome;
    if (why.machine)
        (void)snprintf(c->base.answered_by, sizeof c->base.answered_by, "machine");
    vapi_transfer_over(c, strcmp(reason, "call.forwarding.operator-busy") == 0 ? "busy"
                          : strcmp(reason, "call.forwarding.no-answer") == 0   ? "no_answer"
                          : strcmp(reason, "assistant-forwarded-call") == 0    ? "completed"
                                                                               : "failed");
    if (state == VOICEGW_CALL_ENDED && c->base.state < VOICEGW_CALL_CONNECTED)
        platform_call_state(&c->base, VOICEGW_CALL_CONNECTED, platform_time_us(voicegw_json_member(call, "startedAt")),
                            why.machine ? "{\"answered_by\":\"machine\"}" : NULL);
    /* One that was answered has ended, whatever went wrong then. */
    if (c->base.state >= VOICEGW_CALL_CONNECTED) {
        state = VOICEGW_CALL_ENDED;
        outcome = outcome == VOICEGW_OUTCOME_FAILED ? outcome : VOICEGW_OUTCOME_COMPLETED;
    }
    tell_lines(c, call);
    tell_report(c, call);
    tell_recording(c, call);
    platform_call_finish(&c->base, state, outcome, platform_time_us(voicegw_json_member(call, "endedAt")),
                         reason[0] ? reason : v->status, v->cost);
}

void vapi_apply(struct platform_call *base, struct voicegw_json call)
{
    char reason[120] = "", url[PLATFORM_URL_CAP / 2];
    struct vapi_call *c = (struct vapi_call *)base;
    struct platform_view v;
    if (base->over)
        return;
    if (vapi_control_url(call, url, sizeof url))
        (void)snprintf(c->control, sizeof c->control, "%s", url);
    vapi_view(call, &v);
    (void)voicegw_json_get_string(call, "endedReason", reason, sizeof reason);
    if (v.state >= VOICEGW_CALL_ENDED) {
        /* The report may come behind the status; a failed call has none worth waiting for. */
        int whole = (v.state == VOICEGW_CALL_FAILED && base->state < VOICEGW_CALL_CONNECTED) ||
                    voicegw_json_type(voicegw_json_member(call, "artifact")) == VOICEGW_JSON_OBJECT ||
                    voicegw_json_count(voicegw_json_member(call, "messages")) > 0 ||
                    base->grace >= PLATFORM_GRACE_TRIES;
        if (whole) {
            finish(c, call, &v, reason);
        } else {
            base->grace++;
            platform_call_ask_in(base, 1000000);
        }
    } else if (v.state == VOICEGW_CALL_TRANSFERRING) {
        char to[64] = "", json[128];
        vapi_transfer_over(c, "completed");
        if (voicegw_json_get_string(call, "destination.number", to, sizeof to) <= 0)
            (void)voicegw_json_get_string(call, "destination.sipUri", to, sizeof to);
        struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
        voicegw_json_put_object(&w, NULL);
        voicegw_json_put_string(&w, "to", to);
        voicegw_json_put_string(&w, "kind", "blind");
        voicegw_json_put_end(&w);
        if (voicegw_json_finish(&w) > 0)
            platform_call_state(base, VOICEGW_CALL_TRANSFERRING, 0, json);
    } else if (v.state) {
        platform_call_state(base, v.state, 0, NULL);
    }
}

/* ---- what Vapi does not have ---- */

static int32_t vapi_hold(void *instance, uint64_t op, uint64_t call, uint32_t on, const char *music_url)
{
    (void)op, (void)call, (void)on, (void)music_url;
    return platform_unsupported(instance, "Vapi cannot hold a call; it runs the conversation itself");
}

static int32_t vapi_play(void *instance, uint64_t op, uint64_t call, const char *url, uint32_t loop)
{
    (void)op, (void)call, (void)url, (void)loop;
    return platform_unsupported(instance, "Vapi cannot play audio into a call; say a text instead");
}

static int32_t vapi_record(void *instance, uint64_t op, uint64_t call, uint32_t action)
{
    (void)op, (void)call, (void)action;
    return platform_unsupported(instance, "Vapi records whole calls only; set record_call when the call is made");
}

static int32_t vapi_dtmf(void *instance, uint64_t op, uint64_t call, const char *digits)
{
    (void)op, (void)call, (void)digits;
    return platform_unsupported(instance, "Vapi sends no tones from outside; give the assistant a dtmf tool");
}

const struct voicegw_provider vapi_operations = {.size = sizeof vapi_operations,
                                                 .make_call = platform_make_call,
                                                 .answer = vapi_answer,
                                                 .reject = vapi_reject,
                                                 .end = platform_end,
                                                 .hold = vapi_hold,
                                                 .transfer = vapi_transfer,
                                                 .play = vapi_play,
                                                 .say = vapi_say,
                                                 .record = vapi_record,
                                                 .dtmf = vapi_dtmf,
                                                 .mute = vapi_mute,
                                                 .status = platform_status,
                                                 .validate = platform_validate,
                                                 .reconcile = platform_reconcile,
                                                 .cancel = platform_cancel,
                                                 .identify = vapi_identify,
                                                 .poll = platform_poll,
                                                 .forget = platform_forget,
                                                 .settle = platform_settle};
