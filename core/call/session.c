/* session.c - a session from its first moment to its record. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"
#include "config/snapshot.h"

static void count_sessions(struct vgw_calls *calls, int by)
{
    calls->session_count = (uint32_t)((int64_t)calls->session_count + by);
    vgw_metric_set(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_sessions", "Live sessions.", NULL),
                   calls->session_count, NULL, NULL, NULL);
}

struct vgw_session *vgw_session_make(struct vgw_calls *calls, const char *session_id, const char *channel,
                                     const char *direction)
{
    struct vgw_session *s;
    if (!VGW_NEW(s))
        return NULL;
    s->calls = calls;
    vgw_list_init(&s->call_list);
    vgw_list_init(&s->turns);
    s->sentiment_score = NAN;
    s->created_wall_us = s->last_activity_wall_us = vgw_wall(calls->env.loop);
    s->last_activity_us = vgw_now(calls->env.loop);
    vgw_strcopy(s->session_id, sizeof s->session_id, session_id);
    vgw_timer_init(&s->idle_timer, calls->env.loop, vgw_session_on_idle, s);
    vgw_timer_init(&s->summary_timer, calls->env.loop, vgw_session_on_summary, s);
    vgw_list_append(&calls->sessions, &s->link);
    count_sessions(calls, 1);
    if (vgw_text_set(&s->project_id, "default") && vgw_text_set(&s->channel, channel) &&
        vgw_text_set(&s->direction, direction) && vgw_text_set(&s->caller_id, "") &&
        vgw_text_set(&s->language, "en-US") && vgw_text_set(&s->provider, "") && vgw_text_set(&s->plugin, "") &&
        vgw_text_set(&s->stt_provider, "") && vgw_text_set(&s->transport, "none") &&
        (s->variables = vgw_json_object()) && (s->tools_executed = vgw_json_array()) &&
        vgw_map_set(calls->by_session, s->session_id, s) == VGW_OK &&
        vgw_timer_start(&s->idle_timer, calls->limits.session_timeout_us) == VGW_OK)
        return s;
    vgw_session_free(s);
    return NULL;
}

static void turn_free(struct vgw_turn_entry *t)
{
    vgw_list_remove(&t->link);
    vgw_free(t->role);
    vgw_free(t->content);
    vgw_free(t->audio_url);
    vgw_json_free(t->stages);
    vgw_free(t);
}

void vgw_session_free(struct vgw_session *s)
{
    if (!s)
        return;
    struct vgw_calls *calls = s->calls;
    vgw_timer_stop(&s->idle_timer);
    vgw_timer_stop(&s->summary_timer);
    while (!vgw_list_empty(&s->call_list))
        vgw_call_free(VGW_CONTAINER_OF(s->call_list.next, struct vgw_call, in_session));
    while (!vgw_list_empty(&s->turns))
        turn_free(VGW_CONTAINER_OF(s->turns.next, struct vgw_turn_entry, link));
    if (vgw_map_get(calls->by_session, s->session_id) == s)
        vgw_map_take(calls->by_session, s->session_id);
    vgw_list_remove(&s->link);
    if (s->state != VGW_SESSION_STOPPED)
        count_sessions(calls, -1);
    char *const texts[] = {s->project_id, s->channel,        s->direction,    s->caller_id, s->language,
                           s->provider,   s->plugin,         s->stt_provider, s->transport, s->lead_id,
                           s->reason,     s->reservation_id, s->recording_url};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        vgw_free(texts[i]);
    vgw_json_free(s->transport_metadata);
    vgw_json_free(s->variables);
    vgw_json_free(s->tools_executed);
    vgw_snapshot_unref(s->snapshot);
    vgw_free(s);
}

static const char *recovered_from(const struct vgw_session *s)
{
    return vgw_json_get_string(s->variables, "recovered_from", "");
}

bool vgw_session_follow(struct vgw_session *s, const struct vgw_route *route)
{
    const struct vgw_json *variables = vgw_json_get(route->source, "variables");
    if ((route->project && !vgw_text_set(&s->project_id, route->project)) ||
        (route->language && !vgw_text_set(&s->language, route->language)) ||
        (route->stt_count && !vgw_text_set(&s->stt_provider, route->stt[0])))
        return false;
    if (!variables || vgw_json_count(s->variables))
        return true;
    struct vgw_json *copy = vgw_json_copy(variables);
    if (!copy)
        return false;
    vgw_json_free(s->variables);
    s->variables = copy;
    return true;
}

void vgw_session_announce(struct vgw_session *s, struct vgw_call *call)
{
    char name[128] = "voice.";
    vgw_strcopy(name + strlen(name), sizeof name - strlen(name), *s->plugin ? s->plugin : "api");
    vgw_strcopy(name + strlen(name), sizeof name - strlen(name), ".session.created");
    vgw_audit(name, "session_id", s->session_id, "call_sid", call ? call->provider_call_id : NULL, "from",
              call ? call->from : s->caller_id, "to", call ? call->to : NULL, "provider",
              *s->plugin ? s->plugin : "api", s->recovered ? "recovered_from" : NULL, recovered_from(s), NULL);
    vgw_calls_journal(s->calls, "session", vgw_session_to_json(s, false));
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "channel", s->channel);
    vgw_json_set_string(data, "direction", s->direction);
    if (s->recovered)
        vgw_json_set_string(data, "recovered_from", recovered_from(s));
    vgw_calls_emit("voice.session.created", s, call, data);
}

void vgw_session_activate(struct vgw_session *s)
{
    if (vgw_session_state_allows(s->state, VGW_SESSION_ACTIVE))
        s->state = VGW_SESSION_ACTIVE;
}

void vgw_session_finish_in(struct vgw_session *s, int64_t delay_us)
{
    /* The idle timer is armed as long as the session lives, so moving it needs no memory. */
    if (vgw_timer_start(&s->summary_timer, delay_us) == VGW_OK)
        vgw_timer_stop(&s->idle_timer);
    else
        vgw_timer_start(&s->idle_timer, delay_us);
}

void vgw_session_stop(struct vgw_session *s, enum vgw_outcome outcome, const char *reason)
{
    if (!vgw_session_state_allows(s->state, VGW_SESSION_STOPPED))
        return;
    s->state = VGW_SESSION_STOPPED;
    s->outcome = outcome;
    s->ended_wall_us = vgw_wall(s->calls->env.loop);
    if (!s->reason)
        vgw_text_set(&s->reason, reason);
    count_sessions(s->calls, -1);
    vgw_session_finish_in(s, s->summaries_due ? s->calls->limits.summary_timeout_us : 0);
}

/* Two references, because each receiver drops its own and changes nothing; both or neither. */
static bool make_records(struct vgw_session *s, struct vgw_json **ret_store, struct vgw_json **ret_journal)
{
    struct vgw_json *record = vgw_session_record_json(s), *transcript = vgw_session_transcript_json(s);
    bool made = record && transcript &&
                vgw_json_set(record, "turns", vgw_json_ref(vgw_json_get(transcript, "turns"))) == VGW_OK;
    vgw_json_free(transcript);
    if (!made) {
        vgw_json_free(record);
        return false;
    }
    *ret_store = record;
    *ret_journal = vgw_json_ref(record);
    return true;
}

static struct vgw_json *stopped_data(const struct vgw_session *s)
{
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "status", vgw_outcome_name(s->outcome));
    vgw_json_set_string(data, "reason", s->reason);
    vgw_json_set_int(data, "turns", s->turn_count);
    return data;
}

bool vgw_session_write_record(struct vgw_session *s)
{
    const struct vgw_calls_env *env = &s->calls->env;
    struct vgw_json *store, *journal;
    struct vgw_list *p, *n;
    if (s->record_done)
        return true;
    VGW_LIST_EACH (p, n, &s->call_list)
        vgw_call_recording_over(VGW_CONTAINER_OF(p, struct vgw_call, in_session), s->recording_url, NAN);
    if (!make_records(s, &store, &journal))
        return false;
    s->record_done = true;
    vgw_calls_journal(s->calls, "record", journal);
    if (env->store_record)
        env->store_record(env->arg, store);
    else
        vgw_json_free(store);
    struct vgw_call *call =
        vgw_list_empty(&s->call_list) ? NULL : VGW_CONTAINER_OF(s->call_list.next, struct vgw_call, in_session);
    vgw_calls_emit("voice.session.stopped", s, call, stopped_data(s));
    return true;
}

void vgw_session_on_summary(void *session)
{
    struct vgw_session *s = session;
    struct vgw_calls *calls = s->calls;
    if (!vgw_session_write_record(s) && ++s->record_tries < VGW_CALLS_RECORD_TRIES) {
        vgw_session_finish_in(s, VGW_CALLS_RECORD_RETRY_US);
        return;
    }
    if (!s->record_done)
        vgw_log(VGW_LOG_ERROR, NULL, "memory stayed short, a session's record is lost", "session_id", s->session_id,
                NULL);
    vgw_session_free(s);
    vgw_calls_check_drained(calls);
}

int vgw_session_add_turn(struct vgw_session *s, const char *role, const char *content, double latency_ms,
                         double confidence, bool interrupted, const struct vgw_json *stages, uint32_t *ret_number)
{
    struct vgw_turn_entry *t;
    if (s->turn_count >= VGW_CALLS_TURNS_MAX || s->record_done) {
        vgw_metric_dropped("turns");
        return VGW_ELIMIT;
    }
    if (!VGW_NEW(t))
        return VGW_ELIMIT;
    t->role = vgw_strdup(role ? role : "system");
    t->content = vgw_strdup(content ? content : "");
    t->stages = stages ? vgw_json_copy(stages) : NULL;
    if (!t->role || !t->content || (stages && !t->stages)) {
        turn_free(t);
        return VGW_ELIMIT;
    }
    t->latency_ms = latency_ms;
    t->confidence = confidence;
    t->interrupted = interrupted;
    t->wall_us = vgw_wall(s->calls->env.loop);
    t->turn_number = ++s->turn_count;
    vgw_list_append(&s->turns, &t->link);
    vgw_session_touch(s);
    if (ret_number)
        *ret_number = t->turn_number;
    return VGW_OK;
}

void vgw_session_turn_audio(struct vgw_session *s, uint32_t turn_number, const char *url)
{
    for (struct vgw_list *at = s->turns.prev; at != &s->turns; at = at->prev) {
        struct vgw_turn_entry *t = VGW_CONTAINER_OF(at, struct vgw_turn_entry, link);
        if (t->turn_number == turn_number) {
            vgw_text_set(&t->audio_url, url);
            return;
        }
    }
}

bool vgw_session_speaks(struct vgw_session *s, const char *language)
{
    return vgw_text_set(&s->language, language);
}

void vgw_session_touch(struct vgw_session *s)
{
    s->last_activity_us = vgw_now(s->calls->env.loop);
    s->last_activity_wall_us = vgw_wall(s->calls->env.loop);
}

void vgw_session_recorded(struct vgw_session *s, const char *url)
{
    vgw_text_set(&s->recording_url, url);
}

void vgw_session_tool_used(struct vgw_session *s, const char *tool)
{
    if (vgw_json_count(s->tools_executed) < VGW_CALLS_TURNS_MAX)
        vgw_json_append_string(s->tools_executed, tool);
    else
        vgw_metric_dropped("tools_executed");
}

void vgw_session_hold(struct vgw_session *s)
{
    s->holds++;
}

/* An assistant that the route or the plan names goes on with the call after a run. */
static bool assistant_keeps(const struct vgw_call *call)
{
    const struct vgw_route *r = call->route;
    return vgw_json_get_string(call->plan, "assistant", NULL) || vgw_json_get_string(call->plan, "agent", NULL) ||
           (r && (r->assistant || r->agent));
}

void vgw_session_release(struct vgw_session *s)
{
    struct vgw_list *p, *n;
    if (s->holds == 0)
        return;
    if (--s->holds > 0)
        return;
    VGW_LIST_EACH (p, n, &s->call_list) {
        struct vgw_call *call = VGW_CONTAINER_OF(p, struct vgw_call, in_session);
        if (!call->settled && !assistant_keeps(call)) {
            call->release_due = true;
            vgw_call_next_turn(call);
        }
    }
}

int vgw_calls_session_new(struct vgw_calls *calls, const char *channel, const char *caller_id, const char *language,
                          const char *project_id, struct vgw_session **ret_session, struct vgw_error *err)
{
    char id[VGW_ID_MAX];
    const char *refusal = vgw_calls_refusal(calls);
    if (refusal)
        return vgw_error_set(err, VGW_ELIMIT, "%s", refusal);
    if (channel && !vgw_streq(channel, "phone") && !vgw_streq(channel, "webrtc") && !vgw_streq(channel, "realtime"))
        return vgw_error_at(err, VGW_EINVALID, "channel", "channel must be phone, webrtc or realtime");
    vgw_id_make("api", vgw_wall(calls->env.loop), NULL, id);
    struct vgw_session *s = vgw_session_make(calls, id, channel ? channel : "realtime", "inbound");
    if (!s)
        return vgw_error_nomem(err);
    if ((caller_id && !vgw_text_set(&s->caller_id, caller_id)) ||
        (language && *language && !vgw_text_set(&s->language, language)) ||
        (project_id && *project_id && !vgw_text_set(&s->project_id, project_id))) {
        vgw_session_free(s);
        return vgw_error_nomem(err);
    }
    if (calls->env.snapshot)
        s->snapshot = calls->env.snapshot(calls->env.arg);
    vgw_session_activate(s);
    vgw_session_announce(s, NULL);
    *ret_session = s;
    return VGW_OK;
}

int vgw_calls_session_end(struct vgw_calls *calls, struct vgw_session *s, const char *reason, struct vgw_error *err)
{
    struct vgw_list *p, *n;
    (void)calls;
    if (s->state == VGW_SESSION_STOPPED)
        return vgw_error_set(err, VGW_ENOTFOUND, "the session has ended");
    if (!s->reason)
        vgw_text_set(&s->reason, reason ? reason : "ended");
    if (!s->live_calls) {
        vgw_session_stop(s, VGW_OUTCOME_COMPLETED, s->reason);
        return VGW_OK;
    }
    VGW_LIST_EACH (p, n, &s->call_list) {
        struct vgw_call *call = VGW_CONTAINER_OF(p, struct vgw_call, in_session);
        if (!call->settled)
            vgw_call_end(call, VGW_OUTCOME_NONE, reason, NULL);
    }
    return VGW_OK;
}
