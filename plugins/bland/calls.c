/* calls.c - a call as Bland tells of it, told to the host; the operations. */
#include "bland.h"
#include "wire.h"
#include <stdio.h>

#define TURNS_MAX 2000u

static void tell_lines(struct platform_call *c, struct voicegw_json call)
{
    char text[8192];
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_member(call, "transcripts"));
    uint32_t i = 0;
    while (voicegw_json_next(&it) && i < TURNS_MAX) {
        const char *role = bland_role(it.value);
        if (i++ < c->turns || !role[0])
            continue;
        (void)voicegw_json_get_string(it.value, "text", text, sizeof text);
        platform_call_line(c, role, text, platform_time_us(voicegw_json_member(it.value, "created_at")));
    }
    c->turns = i > c->turns ? i : c->turns;
}

static void tell_connected(struct platform_call *c, struct voicegw_json call)
{
    char json[64];
    if (c->state >= VOICEGW_CALL_CONNECTED)
        return;
    (void)snprintf(json, sizeof json, "{\"answered_by\":\"%s\"}", c->answered_by);
    platform_call_state(c, VOICEGW_CALL_CONNECTED, platform_time_us(voicegw_json_member(call, "started_at")),
                        c->answered_by[0] ? json : NULL);
}

static void tell_recording(struct platform_call *c, struct voicegw_json call)
{
    char url[PLATFORM_URL_CAP], id[PLATFORM_ID_CAP + 8];
    struct platform *p = c->p;
    if (voicegw_json_get_string(call, "recording_url", url, sizeof url) <= 0) {
        /* One that was made can be had by the call's id as well, with the key. */
        if (c->state < VOICEGW_CALL_CONNECTED || !voicegw_json_bool(voicegw_json_member(call, "record"), 0))
            return;
        struct voicegw_text t = voicegw_text_of(url, sizeof url);
        voicegw_text_add(&t, c->settings->vendor.base_url);
        voicegw_text_add(&t, "/v1/recordings/");
        voicegw_text_add_escaped(&t, c->id);
        if (voicegw_text_finish(&t) < 0)
            return;
    }
    (void)snprintf(id, sizeof id, "bland-%s", c->id);
    (void)p->provider->on_recording(p->host, c->handle, id, "available", url,
                                    voicegw_json_get_double(call, "corrected_duration", -1));
}

/* The summary and what the analysis found: an event of ours, since a record has no place for them. */
static void tell_report(struct platform_call *c, struct voicegw_json call)
{
    static const char *const names[] = {"summary",        "disposition_tag", "analysis",      "variables",
                                        "call_ended_by",  "answered_by",     "pathway_tags",  "citations",
                                        "transferred_to", "batch_id",        "error_message", "metadata"};
    char json[16384];
    struct platform *p = c->p;
    struct voicegw_json summary = voicegw_json_member(call, "summary");
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct voicegw_json v = voicegw_json_member(call, names[i]);
        if (voicegw_json_type(v) > VOICEGW_JSON_NULL && v.bytes < 4096)
            voicegw_json_put_json(&w, names[i], v);
    }
    voicegw_json_put_end(&w);
    int64_t n = voicegw_json_finish(&w);
    platform_tell(p, c->handle, c->id, "report", voicegw_json_ofn(json, n > 0 ? (uint64_t)n : 0));
    if (voicegw_json_type(summary) == VOICEGW_JSON_STRING) {
        char text[8192];
        struct voicegw_json_writer s = voicegw_json_writer_of(json, sizeof json);
        voicegw_json_put_object(&s, NULL);
        voicegw_json_put_json(&s, "summary", summary);
        voicegw_json_put_end(&s);
        if (voicegw_json_finish(&s) > 0)
            (void)p->provider->on_summary(p->host, c->handle, json);
        if (voicegw_json_string(summary, text, sizeof text) > 0)
            platform_call_line(c, "system", text, 0);
    }
}

static void finish(struct platform_call *c, struct voicegw_json call, const struct platform_view *v)
{
    char cause[200] = "", by[32] = "";
    if (v->state == VOICEGW_CALL_ENDED)
        tell_connected(c, call);
    tell_lines(c, call);
    tell_report(c, call);
    tell_recording(c, call);
    if (voicegw_json_get_string(call, "error_message", cause, sizeof cause) <= 0 &&
        voicegw_json_get_string(call, "call_ended_by", by, sizeof by) > 0)
        (void)snprintf(cause, sizeof cause, "ended by %s", by);
    /* One that was answered has ended, whatever Bland calls it. */
    uint32_t state = c->state >= VOICEGW_CALL_CONNECTED ? VOICEGW_CALL_ENDED : v->state;
    platform_call_finish(c, state, v->outcome, platform_time_us(voicegw_json_member(call, "end_at")),
                         cause[0] ? cause : v->status, v->cost);
}

void bland_apply(struct platform_call *c, struct voicegw_json call)
{
    struct platform_view v;
    const char *who = bland_answered_by(call);
    if (c->over)
        return;
    bland_view(call, &v);
    if (who[0])
        (void)snprintf(c->answered_by, sizeof c->answered_by, "%s", who);
    if (v.state >= VOICEGW_CALL_ENDED) {
        /* The transcript may be written a moment after the end. */
        int whole = v.state == VOICEGW_CALL_FAILED ||
                    voicegw_json_count(voicegw_json_member(call, "transcripts")) > 0 ||
                    c->grace >= PLATFORM_GRACE_TRIES;
        if (whole) {
            finish(c, call, &v);
        } else {
            c->grace++;
            platform_call_ask_in(c, 2000000);
        }
        return;
    }
    if (v.state == VOICEGW_CALL_CONNECTED)
        tell_connected(c, call);
    else if (v.state)
        platform_call_state(c, v.state, 0, NULL);
    tell_lines(c, call);
}

/* ---- what Bland does not have ---- */

static int32_t bland_hold(void *instance, uint64_t op, uint64_t call, uint32_t on, const char *music_url)
{
    (void)op, (void)call, (void)on, (void)music_url;
    return platform_unsupported(instance, "Bland cannot hold a call; it runs the conversation itself");
}

static int32_t bland_play(void *instance, uint64_t op, uint64_t call, const char *url, uint32_t loop)
{
    (void)op, (void)call, (void)url, (void)loop;
    return platform_unsupported(instance, "Bland cannot play audio into a call; set background_track when it is made");
}

static int32_t bland_say(void *instance, uint64_t op, uint64_t call, const char *text, const char *voice,
                         const char *language)
{
    (void)op, (void)call, (void)text, (void)voice, (void)language;
    return platform_unsupported(instance, "Bland cannot be told what to say in mid-call; give task or first_sentence");
}

static int32_t bland_record(void *instance, uint64_t op, uint64_t call, uint32_t action)
{
    (void)op, (void)call, (void)action;
    return platform_unsupported(instance, "Bland records whole calls only; set record when the call is made");
}

static int32_t bland_dtmf(void *instance, uint64_t op, uint64_t call, const char *digits)
{
    (void)op, (void)call, (void)digits;
    return platform_unsupported(instance,
                                "Bland sends no tones in mid-call; set precall_dtmf_sequence when it is made");
}

static int32_t bland_mute(void *instance, uint64_t op, uint64_t call, uint32_t on)
{
    (void)op, (void)call, (void)on;
    return platform_unsupported(instance, "Bland cannot mute anybody in a call");
}

static int32_t bland_answer(void *instance, uint64_t op, uint64_t call)
{
    (void)op, (void)call;
    return platform_unsupported(instance, "Bland answers incoming calls itself");
}

static int32_t bland_reject(void *instance, uint64_t op, uint64_t call, const char *reason)
{
    (void)op, (void)call, (void)reason;
    return platform_unsupported(instance, "Bland answers incoming calls itself");
}

const struct voicegw_provider bland_operations = {.size = sizeof bland_operations,
                                                  .make_call = platform_make_call,
                                                  .answer = bland_answer,
                                                  .reject = bland_reject,
                                                  .end = platform_end,
                                                  .hold = bland_hold,
                                                  .transfer = bland_transfer,
                                                  .play = bland_play,
                                                  .say = bland_say,
                                                  .record = bland_record,
                                                  .dtmf = bland_dtmf,
                                                  .mute = bland_mute,
                                                  .status = platform_status,
                                                  .validate = platform_validate,
                                                  .reconcile = platform_reconcile,
                                                  .cancel = platform_cancel,
                                                  .identify = bland_identify,
                                                  .poll = platform_poll,
                                                  .forget = platform_forget,
                                                  .settle = platform_settle};
