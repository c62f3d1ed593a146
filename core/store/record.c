#include "store/record.h"
#include "event/event.h"

/* A failure on the way sticks and gives NULL at the end. */
struct maker {
    struct vgw_json *key, *values;
    bool failed;
};

static void begin(struct maker *m)
{
    *m = (struct maker){.key = vgw_json_object(), .values = vgw_json_object()};
    m->failed = !m->key || !m->values;
}

static void key_text(struct maker *m, const char *name, const char *s)
{
    m->failed = m->failed || !s || vgw_json_set_string(m->key, name, s) != VGW_OK;
}

static void key_int(struct maker *m, const char *name, int64_t i)
{
    m->failed = m->failed || vgw_json_set_int(m->key, name, i) != VGW_OK;
}

static void text(struct maker *m, const char *name, const char *s)
{
    if (s)
        m->failed = m->failed || vgw_json_set_string(m->values, name, s) != VGW_OK;
}

static void whole(struct maker *m, const char *name, int64_t i, int64_t unknown)
{
    if (i != unknown)
        m->failed = m->failed || vgw_json_set_int(m->values, name, i) != VGW_OK;
}

static void real(struct maker *m, const char *name, double d)
{
    if (d > VGW_RECORD_UNKNOWN)
        m->failed = m->failed || vgw_json_set_double(m->values, name, d) != VGW_OK;
}

static void json(struct maker *m, const char *name, const struct vgw_json *v)
{
    /* Shared, not copied: an operation is written out and freed, never changed. */
    if (v)
        m->failed = m->failed || vgw_json_set(m->values, name, vgw_json_ref((struct vgw_json *)(uintptr_t)v)) != VGW_OK;
}

static struct vgw_json *end(struct maker *m, const char *table)
{
    if (!m->failed)
        return vgw_record_op("upsert", table, m->key, m->values, NULL);
    vgw_json_free(m->key);
    vgw_json_free(m->values);
    return NULL;
}

struct vgw_json *vgw_record_op(const char *op, const char *table, struct vgw_json *key, struct vgw_json *values,
                               struct vgw_json *guard)
{
    struct vgw_json *o = vgw_json_object();
    bool failed =
        !o || !key || vgw_json_set_string(o, "op", op) != VGW_OK || vgw_json_set_string(o, "table", table) != VGW_OK;
    if (failed) {
        vgw_json_free(key);
        vgw_json_free(values);
        vgw_json_free(guard);
        vgw_json_free(o);
        return NULL;
    }
    failed = vgw_json_set(o, "key", key) != VGW_OK;
    if (values)
        failed = vgw_json_set(o, "values", values) != VGW_OK || failed;
    if (guard)
        failed = vgw_json_set(o, "guard", guard) != VGW_OK || failed;
    if (!failed)
        return o;
    vgw_json_free(o);
    return NULL;
}

void vgw_record_session_init(struct vgw_record_session *r, const char *session_id)
{
    *r = (struct vgw_record_session){.session_id = session_id,
                                     .duration_seconds = VGW_RECORD_UNKNOWN,
                                     .sentiment_score = VGW_RECORD_UNKNOWN,
                                     .cost = VGW_RECORD_UNKNOWN,
                                     .turns = -1};
}

struct vgw_json *vgw_record_session_op(const struct vgw_record_session *r)
{
    struct maker m;
    begin(&m);
    key_text(&m, "session_id", r->session_id);
    text(&m, "channel", r->channel);
    text(&m, "caller_id", r->caller_id);
    text(&m, "direction", r->direction);
    text(&m, "status", r->status);
    text(&m, "reason", r->reason);
    whole(&m, "start_time", r->start_us, 0);
    whole(&m, "end_time", r->end_us, 0);
    real(&m, "duration_seconds", r->duration_seconds);
    real(&m, "sentiment_score", r->sentiment_score);
    real(&m, "cost", r->cost);
    text(&m, "currency", r->currency);
    text(&m, "recording_url", r->recording_url);
    text(&m, "transcription", r->transcription);
    text(&m, "lead_id", r->lead_id);
    text(&m, "reservation_id", r->reservation_id);
    text(&m, "project_id", r->project_id);
    text(&m, "provider", r->provider);
    text(&m, "plugin", r->plugin);
    text(&m, "language", r->language);
    text(&m, "transport", r->transport);
    text(&m, "stt_provider", r->stt_provider);
    text(&m, "call_sid", r->call_sid);
    text(&m, "from_number", r->from);
    text(&m, "to_number", r->to);
    text(&m, "workflow", r->workflow);
    text(&m, "assistant", r->assistant);
    text(&m, "node", r->node);
    json(&m, "tools_executed", r->tools_executed);
    json(&m, "variables", r->variables);
    json(&m, "transport_metadata", r->transport_metadata);
    json(&m, "calls", r->calls);
    json(&m, "summary", r->summary);
    json(&m, "media", r->media);
    whole(&m, "turns", r->turns, -1);
    whole(&m, "updated_at", r->updated_us, 0);
    return end(&m, "sessions");
}

void vgw_record_call_init(struct vgw_record_call *r, const char *call_id)
{
    *r = (struct vgw_record_call){.call_id = call_id,
                                  .duration = VGW_RECORD_UNKNOWN,
                                  .total_duration = VGW_RECORD_UNKNOWN,
                                  .cost = VGW_RECORD_UNKNOWN};
}

struct vgw_json *vgw_record_call_op(const struct vgw_record_call *r)
{
    struct maker m;
    begin(&m);
    key_text(&m, "call_id", r->call_id);
    text(&m, "session_id", r->session_id);
    text(&m, "provider_call_id", r->provider_call_id);
    text(&m, "provider", r->provider);
    text(&m, "plugin", r->plugin);
    text(&m, "project_id", r->project_id);
    text(&m, "direction", r->direction);
    text(&m, "from_number", r->from);
    text(&m, "to_number", r->to);
    text(&m, "state", r->state);
    text(&m, "status", r->status);
    text(&m, "cause", r->cause);
    text(&m, "error_class", r->error_class);
    text(&m, "answered_by", r->answered_by);
    text(&m, "currency", r->currency);
    text(&m, "node", r->node);
    whole(&m, "created_at", r->created_us, 0);
    whole(&m, "answered_at", r->answered_us, 0);
    whole(&m, "ended_at", r->ended_us, 0);
    whole(&m, "updated_at", r->updated_us, 0);
    real(&m, "duration", r->duration);
    real(&m, "total_duration", r->total_duration);
    real(&m, "cost", r->cost);
    json(&m, "details", r->details);
    return end(&m, "calls");
}

void vgw_record_turn_init(struct vgw_record_turn *r, const char *session_id, int64_t turn_number, const char *role)
{
    *r = (struct vgw_record_turn){.session_id = session_id,
                                  .turn_number = turn_number,
                                  .role = role,
                                  .latency_ms = VGW_RECORD_UNKNOWN,
                                  .confidence = VGW_RECORD_UNKNOWN};
}

struct vgw_json *vgw_record_turn_op(const struct vgw_record_turn *r)
{
    struct maker m;
    begin(&m);
    key_text(&m, "session_id", r->session_id);
    key_int(&m, "turn_number", r->turn_number);
    key_text(&m, "role", r->role);
    text(&m, "content", r->content);
    text(&m, "heard", r->heard);
    text(&m, "audio_url", r->audio_url);
    text(&m, "language", r->language);
    text(&m, "call_id", r->call_id);
    text(&m, "project_id", r->project_id);
    real(&m, "latency_ms", r->latency_ms);
    real(&m, "confidence", r->confidence);
    whole(&m, "timestamp", r->time_us, 0);
    m.failed = m.failed || vgw_json_set_bool(m.values, "interrupted", r->interrupted) != VGW_OK;
    json(&m, "stages", r->stages);
    json(&m, "tools", r->tools);
    return end(&m, "turns");
}

struct vgw_json *vgw_record_metric_op(const char *session_id, const char *name, double value, int64_t time_us,
                                      const char *call_id, const char *provider, const char *project_id,
                                      const struct vgw_json *labels)
{
    struct maker m;
    begin(&m);
    key_text(&m, "session_id", session_id);
    key_text(&m, "metric_name", name);
    key_int(&m, "timestamp", time_us);
    real(&m, "metric_value", value);
    text(&m, "call_id", call_id);
    text(&m, "provider", provider);
    text(&m, "project_id", project_id);
    json(&m, "labels", labels);
    return end(&m, "metrics");
}

void vgw_record_recording_init(struct vgw_record_recording *r, const char *recording_id)
{
    *r = (struct vgw_record_recording){
        .recording_id = recording_id, .channels = -1, .sample_rate = -1, .bytes = -1, .duration = VGW_RECORD_UNKNOWN};
}

struct vgw_json *vgw_record_recording_op(const struct vgw_record_recording *r)
{
    struct maker m;
    begin(&m);
    key_text(&m, "recording_id", r->recording_id);
    text(&m, "session_id", r->session_id);
    text(&m, "call_id", r->call_id);
    text(&m, "project_id", r->project_id);
    text(&m, "provider", r->provider);
    text(&m, "status", r->status);
    text(&m, "url", r->url);
    text(&m, "path", r->path);
    text(&m, "format", r->format);
    whole(&m, "channels", r->channels, -1);
    whole(&m, "sample_rate", r->sample_rate, -1);
    whole(&m, "bytes", r->bytes, -1);
    real(&m, "duration", r->duration);
    whole(&m, "started_at", r->started_us, 0);
    whole(&m, "stopped_at", r->stopped_us, 0);
    json(&m, "cuts", r->cuts);
    return end(&m, "recordings");
}

struct vgw_json *vgw_record_event_op(struct vgw_event *e, const char *node)
{
    struct maker m;
    begin(&m);
    key_int(&m, "event_id", (int64_t)e->id);
    key_text(&m, "node", node ? node : "");
    text(&m, "type", e->name);
    whole(&m, "time", e->wall_us, 0);
    text(&m, "session_id", e->about.session_id);
    text(&m, "call_id", e->about.call_id);
    text(&m, "provider", e->about.provider);
    text(&m, "project_id", e->about.project_id);
    text(&m, "provider_call_id", e->about.provider_call_id);
    text(&m, "plugin", e->about.plugin);
    json(&m, "data", vgw_event_data(e));
    return end(&m, "events");
}

struct vgw_json *vgw_record_state_op(const char *scope, const char *name, const char *value, int64_t now_us)
{
    struct maker m;
    begin(&m);
    key_text(&m, "scope", scope);
    key_text(&m, "name", name);
    text(&m, "value", value);
    whole(&m, "updated_at", now_us, 0);
    if (value || m.failed)
        return end(&m, "state");
    vgw_json_free(m.values);
    return vgw_record_op("delete", "state", m.key, NULL, NULL);
}
