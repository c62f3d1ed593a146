/* report.c - what a talk tells control: one kind of message, in order. Partials are thinned out before they come here.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"

struct report {
    const struct vgw_talk_home *home;
    uint64_t call, number;
    int status;
    char what[64];
    char *text;
    struct vgw_json *json;
};

static void tool_told(const struct vgw_talk_home *h, const struct report *r, struct vgw_json *json)
{
    uint64_t turn = (uint64_t)vgw_json_get_int(json, "turn", 0);
    uint64_t tool_call = (uint64_t)vgw_json_get_int(json, "tool_call", 0);
    struct vgw_json *arguments = vgw_json_ref(vgw_json_get(json, "arguments"));
    vgw_json_free(json);
    h->tool(h->arg, r->call, turn, r->number, tool_call, r->text, arguments);
}

static void report_run(void *arg)
{
    struct report *r = arg;
    const struct vgw_talk_home *h = r->home;
    struct vgw_json *json = r->json;
    r->json = NULL;
    if (vgw_streq(r->what, "up"))
        h->up(h->arg, r->call);
    else if (vgw_streq(r->what, "activity"))
        h->activity(h->arg, r->call);
    else if (vgw_streq(r->what, "lost"))
        h->lost(h->arg, r->call, r->text);
    else if (vgw_streq(r->what, "event"))
        h->event(h->arg, r->call, r->text, json), json = NULL;
    else if (vgw_streq(r->what, "turn"))
        h->turn(h->arg, r->call, json), json = NULL;
    else if (vgw_streq(r->what, "complete"))
        h->complete(h->arg, r->number, r->status, r->text, json), json = NULL;
    else if (vgw_streq(r->what, "action"))
        h->action(h->arg, r->call, r->text, json), json = NULL;
    else if (vgw_streq(r->what, "tool"))
        tool_told(h, r, json), json = NULL;
    else if (vgw_streq(r->what, "summary"))
        h->summary(h->arg, r->call, r->number, r->text ? r->text : "");
    else if (vgw_streq(r->what, "release"))
        h->engine_release(h->arg, (void *)(uintptr_t)r->number);
    vgw_json_free(json);
    vgw_free(r->text);
    vgw_free(r);
}

void vgw_talk_tell(struct vgw_talk *t, const char *what, const char *text, uint64_t number, int status,
                   struct vgw_json *json)
{
    struct report *r;
    if (VGW_NEW(r)) {
        *r = (struct report){.home = t->home,
                             .call = t->p.call,
                             .number = number,
                             .status = status,
                             .json = json,
                             .text = vgw_strdup(text)};
        vgw_strcopy(r->what, sizeof r->what, what);
        if (vgw_loop_call(t->p.control, report_run, r) == 0)
            return;
        vgw_free(r->text);
        vgw_free(r);
    }
    vgw_metric_dropped("talk_report");
    vgw_json_free(json);
}

void vgw_talk_event(struct vgw_talk *t, const char *type, struct vgw_json *data)
{
    vgw_talk_tell(t, "event", type, 0, 0, data);
}

void vgw_talk_complete(struct vgw_talk *t, uint64_t op, int status, const char *sentence, struct vgw_json *result)
{
    if (op)
        vgw_talk_tell(t, "complete", sentence, op, status, result);
    else
        vgw_json_free(result);
}

void vgw_talk_transcript(struct vgw_talk *t, const char *role, const char *content, double latency_ms,
                         double confidence, bool interrupted, struct vgw_json *stages)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "role", role);
    vgw_json_set_string(o, "content", content);
    if (latency_ms >= 0)
        vgw_json_set_double(o, "latency_ms", latency_ms);
    if (confidence >= 0)
        vgw_json_set_double(o, "confidence", confidence);
    vgw_json_set_bool(o, "interrupted", interrupted);
    if (stages)
        vgw_json_set(o, "stages", stages);
    double at = vgw_leg_record_position_s(t->leg);
    if (at >= 0)
        vgw_json_set_double(o, "audio_to", at);
    vgw_talk_tell(t, "turn", NULL, 0, 0, o);
    vgw_talk_stand_in_note(t, role, content);
}

void vgw_talk_set_measure(struct vgw_json *o, const char *name, double value)
{
    if (value >= 0)
        vgw_json_set_double(o, name, value);
    else
        vgw_json_set(o, name, NULL);
}

void vgw_talk_activity(struct vgw_talk *t)
{
    vgw_talk_tell(t, "activity", NULL, 0, 0, NULL);
}

void vgw_talk_error(struct vgw_talk *t, int status, const char *sentence, const char *fallback, const char *where)
{
    const struct vgw_status_info *info = vgw_status_info(status);
    const char *text = sentence && sentence[0] ? sentence : fallback;
    vgw_log(info->retryable ? VGW_LOG_WARNING : VGW_LOG_ERROR, &t->scope, fallback, "where", where, "error", text,
            NULL);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "error", text);
    vgw_json_set_string(o, "error_class", info->error_class);
    vgw_json_set_string(o, "where", where);
    vgw_json_set_bool(o, "retryable", info->retryable);
    vgw_talk_event(t, "error", o);
}

void vgw_talk_failover_told(struct vgw_talk *t, const char *kind, const char *from, const char *to)
{
    static const char help[] = "Engines that took over from another in mid-call";
    vgw_log(to ? VGW_LOG_WARNING : VGW_LOG_ERROR, &t->scope,
            to ? "another engine takes over" : "no engine is left that could take over", "kind", kind, "from", from,
            to ? "to" : NULL, to, NULL);
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_engine_failovers_total", help, "kind from to"), 1,
                   kind, from, to ? to : "");
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "kind", kind);
    vgw_json_set_string(o, "from", from);
    vgw_json_set_string(o, "to", to);
    vgw_talk_event(t, "voice.engine.failover", o);
}
