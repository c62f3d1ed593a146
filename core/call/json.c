/* json.c - the shapes in which calls, sessions, transcripts and records are shown and kept. */
#include <math.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"

static int set_time(struct vgw_json *o, const char *key, int64_t wall_us)
{
    char text[VGW_TIME_TEXT];
    return vgw_json_set_string(o, key, wall_us ? vgw_time_format(wall_us, text) : NULL);
}

static int set_number(struct vgw_json *o, const char *key, double value)
{
    return isnan(value) ? vgw_json_set(o, key, NULL) : vgw_json_set_double(o, key, value);
}

/* A child that could not be made is a failure, not a null. */
static int set_made(struct vgw_json *o, const char *key, struct vgw_json *child)
{
    return child ? vgw_json_set(o, key, child) : VGW_ELIMIT;
}

static struct vgw_json *checked(struct vgw_json *o, int failed)
{
    if (!failed)
        return o;
    vgw_json_free(o);
    return NULL;
}

static double seconds(int64_t us)
{
    return us > 0 ? (double)us / (double)VGW_US_PER_S : 0;
}

static double call_duration(const struct vgw_call *call)
{
    if (!call->answered_wall_us)
        return 0;
    return seconds((call->ended_wall_us ? call->ended_us : vgw_now(call->calls->env.loop)) - call->answered_us);
}

struct vgw_json *vgw_call_to_json(const struct vgw_call *call)
{
    struct vgw_json *o = vgw_json_object();
    if (!o)
        return NULL;
    int failed = vgw_json_set_string(o, "call_id", call->call_id);
    failed |= vgw_json_set_string(o, "provider_call_id", call->provider_call_id);
    failed |= vgw_json_set_string(o, "session_id", call->session->session_id);
    failed |= vgw_json_set_string(o, "provider", call->provider);
    failed |= vgw_json_set_string(o, "plugin", call->plugin);
    failed |= vgw_json_set_string(o, "direction", call->direction);
    failed |= vgw_json_set_string(o, "from", call->from);
    failed |= vgw_json_set_string(o, "to", call->to);
    failed |= vgw_json_set_string(o, "state", vgw_call_state_name(call->state));
    failed |= vgw_json_set_string(o, "status", vgw_outcome_name(call->outcome));
    failed |= set_time(o, "created_at", call->created_wall_us);
    failed |= set_time(o, "answered_at", call->answered_wall_us);
    failed |= set_time(o, "ended_at", call->ended_wall_us);
    failed |= vgw_json_set_double(o, "duration", call_duration(call));
    failed |= vgw_json_set_double(
        o, "total_duration",
        seconds((call->ended_wall_us ? call->ended_us : vgw_now(call->calls->env.loop)) - call->created_us));
    failed |= set_number(o, "cost", call->cost);
    failed |= vgw_json_set_string(o, "currency", call->currency);
    if (call->answered_by)
        failed |= vgw_json_set_string(o, "answered_by", call->answered_by);
    if (call->cause)
        failed |= vgw_json_set_string(o, "cause", call->cause);
    if (call->error_class)
        failed |= vgw_json_set_string(o, "error_class", call->error_class);
    return checked(o, failed);
}

static struct vgw_call *first_call(const struct vgw_session *s)
{
    return vgw_list_empty(&s->call_list) ? NULL : VGW_CONTAINER_OF(s->call_list.next, struct vgw_call, in_session);
}

static struct vgw_json *calls_json(const struct vgw_session *s)
{
    struct vgw_json *a = vgw_json_array();
    struct vgw_list *p, *n;
    int failed = a ? 0 : VGW_ELIMIT;
    VGW_LIST_EACH (p, n, &s->call_list) {
        if (failed)
            break;
        struct vgw_json *call = vgw_call_to_json(VGW_CONTAINER_OF(p, struct vgw_call, in_session));
        failed |= call ? vgw_json_append(a, call) : VGW_ELIMIT;
    }
    return checked(a, failed);
}

/* A value of the session, or what stands for none. */
static struct vgw_json *copy_or(const struct vgw_json *v, struct vgw_json *(*empty)(void))
{
    return v ? vgw_json_copy(v) : empty();
}

static int set_party(struct vgw_json *o, const struct vgw_session *s, bool older)
{
    const struct vgw_call *call = first_call(s);
    int failed = vgw_json_set_string(o, "call_sid", call ? call->provider_call_id : NULL);
    failed |= vgw_json_set_string(o, "from", call ? call->from : s->caller_id);
    failed |= vgw_json_set_string(o, "to", call ? call->to : NULL);
    const char *state = older && call ? vgw_call_state_name(call->state) : vgw_session_state_name(s->state);
    failed |= vgw_json_set_string(o, "state", state);
    if (older) {
        failed |= vgw_json_set_double(o, "created_at", seconds(s->created_wall_us));
        failed |= vgw_json_set_double(o, "last_activity", seconds(s->last_activity_wall_us));
    } else {
        failed |= set_time(o, "created_at", s->created_wall_us);
        failed |= set_time(o, "last_activity", s->last_activity_wall_us);
    }
    return failed;
}

struct vgw_json *vgw_session_to_json(const struct vgw_session *s, bool older)
{
    struct vgw_json *o = vgw_json_object();
    if (!o)
        return NULL;
    int failed = vgw_json_set_string(o, "session_id", s->session_id);
    failed |= set_party(o, s, older);
    failed |= vgw_json_set_string(o, "status", vgw_outcome_name(s->outcome));
    failed |= vgw_json_set_string(o, "project_id", s->project_id);
    failed |= vgw_json_set_string(o, "channel", s->channel);
    failed |= vgw_json_set_string(o, "direction", s->direction);
    failed |= vgw_json_set_string(o, "caller_id", s->caller_id);
    failed |= vgw_json_set_string(o, "provider", s->provider);
    failed |= vgw_json_set_string(o, "plugin", s->plugin);
    failed |= vgw_json_set_string(o, "transport", s->transport);
    failed |= set_made(o, "transport_metadata", copy_or(s->transport_metadata, vgw_json_object));
    failed |= vgw_json_set_string(o, "stt_provider", s->stt_provider);
    failed |= vgw_json_set_string(o, "language", s->language);
    failed |= set_made(o, "variables", copy_or(s->variables, vgw_json_object));
    failed |= vgw_json_set_string(o, "lead_id", s->lead_id);
    failed |= vgw_json_set_string(o, "reservation_id", s->reservation_id);
    failed |= set_made(o, "calls", calls_json(s));
    failed |= vgw_json_set_int(o, "turns", s->turn_count);
    if (s->reason)
        failed |= vgw_json_set_string(o, "reason", s->reason);
    return checked(o, failed);
}

static struct vgw_json *turn_json(const struct vgw_turn_entry *t)
{
    struct vgw_json *o = vgw_json_object();
    if (!o)
        return NULL;
    int failed = vgw_json_set_int(o, "turn_number", t->turn_number);
    failed |= vgw_json_set_string(o, "role", t->role);
    failed |= vgw_json_set_string(o, "content", t->content);
    failed |= vgw_json_set_string(o, "audio_url", t->audio_url);
    failed |= set_number(o, "latency_ms", t->latency_ms < 0 ? NAN : t->latency_ms);
    failed |= set_time(o, "timestamp", t->wall_us);
    failed |= set_number(o, "confidence", t->confidence < 0 ? NAN : t->confidence);
    failed |= vgw_json_set_bool(o, "interrupted", t->interrupted);
    failed |= t->stages ? set_made(o, "stages", vgw_json_copy(t->stages)) : vgw_json_set(o, "stages", NULL);
    return checked(o, failed);
}

static struct vgw_json *turns_json(const struct vgw_session *s)
{
    struct vgw_json *a = vgw_json_array();
    struct vgw_list *p, *n;
    int failed = a ? 0 : VGW_ELIMIT;
    VGW_LIST_EACH (p, n, &s->turns) {
        if (failed)
            break;
        struct vgw_json *turn = turn_json(VGW_CONTAINER_OF(p, struct vgw_turn_entry, link));
        failed |= turn ? vgw_json_append(a, turn) : VGW_ELIMIT;
    }
    return checked(a, failed);
}

struct vgw_json *vgw_session_transcript_json(const struct vgw_session *s)
{
    struct vgw_json *o = vgw_json_object();
    if (!o)
        return NULL;
    int failed = vgw_json_set_string(o, "session_id", s->session_id);
    failed |= set_made(o, "turns", turns_json(s));
    return checked(o, failed);
}

static int set_transcription(struct vgw_json *o, const struct vgw_session *s)
{
    if (vgw_list_empty(&s->turns))
        return vgw_json_set(o, "transcription", NULL);
    struct vgw_buf text;
    struct vgw_list *p, *n;
    vgw_buf_init(&text, 0);
    VGW_LIST_EACH (p, n, &s->turns) {
        const struct vgw_turn_entry *t = VGW_CONTAINER_OF(p, struct vgw_turn_entry, link);
        if (text.len)
            vgw_buf_addc(&text, '\n');
        vgw_buf_adds(&text, t->role);
        vgw_buf_adds(&text, ": ");
        vgw_buf_adds(&text, t->content);
    }
    int failed = text.failed ? VGW_ELIMIT : vgw_json_set_string(o, "transcription", vgw_buf_str(&text));
    vgw_buf_done(&text);
    return failed;
}

static double session_cost(const struct vgw_session *s)
{
    double sum = NAN;
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &s->call_list) {
        double cost = VGW_CONTAINER_OF(p, struct vgw_call, in_session)->cost;
        if (!isnan(cost))
            sum = isnan(sum) ? cost : sum + cost;
    }
    return sum;
}

struct vgw_json *vgw_session_record_json(const struct vgw_session *s)
{
    struct vgw_json *o = vgw_json_object();
    if (!o)
        return NULL;
    int64_t end = s->ended_wall_us ? s->ended_wall_us : vgw_wall(s->calls->env.loop);
    int failed = vgw_json_set_string(o, "session_id", s->session_id);
    failed |= vgw_json_set_string(o, "project_id", s->project_id);
    failed |= vgw_json_set_string(o, "channel", s->channel);
    failed |= vgw_json_set_string(o, "caller_id", s->caller_id);
    failed |= vgw_json_set_string(o, "direction", s->direction);
    failed |= vgw_json_set_string(o, "provider", s->provider);
    failed |= vgw_json_set_string(o, "plugin", s->plugin);
    failed |= set_time(o, "start_time", s->created_wall_us);
    failed |= set_time(o, "end_time", s->ended_wall_us);
    failed |= vgw_json_set_double(o, "duration_seconds", seconds(end - s->created_wall_us));
    failed |= vgw_json_set_string(o, "status", vgw_outcome_name(s->outcome));
    failed |= vgw_json_set_string(o, "reason", s->reason);
    failed |= vgw_json_set_string(o, "recording_url", s->recording_url);
    failed |= set_transcription(o, s);
    failed |= set_number(o, "sentiment_score", s->sentiment_score);
    failed |= set_made(o, "tools_executed", copy_or(s->tools_executed, vgw_json_array));
    failed |= vgw_json_set_string(o, "lead_id", s->lead_id);
    failed |= vgw_json_set_string(o, "reservation_id", s->reservation_id);
    failed |= set_number(o, "cost", session_cost(s));
    failed |= vgw_json_set_string(o, "language", s->language);
    failed |= vgw_json_set_string(o, "transport", s->transport);
    failed |= set_made(o, "variables", copy_or(s->variables, vgw_json_object));
    failed |= set_made(o, "calls", calls_json(s));
    return checked(o, failed);
}
