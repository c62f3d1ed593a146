/* record.h - what is kept of a conversation, as operations for vgw_store_write(). Each is an upsert by key, so that
 * writing it again does no harm. Pure; thread: any. All functions give NULL when out of memory (which vgw_store_write()
 * bears) or when the key is missing.
 *
 * In the structs: NULL strings and JSON, times of 0 and counts below 0 mean "not known" and leave what is stored as it
 * is; a double that is not known is VGW_RECORD_UNKNOWN. JSON values are borrowed and copied. Field names are the
 * columns of voicegw_plugin(3). */
#ifndef VGW_STORE_RECORD_H
#define VGW_STORE_RECORD_H
#include "base/json.h"

#define VGW_RECORD_UNKNOWN (-1.0e300)

struct vgw_record_session {
    const char *session_id; /* key */
    const char *channel, *caller_id, *direction, *status, *reason;
    int64_t start_us, end_us;
    double duration_seconds, sentiment_score, cost;
    const char *currency, *recording_url, *transcription, *lead_id, *reservation_id, *project_id, *provider, *plugin,
        *language;
    const char *transport, *stt_provider, *call_sid, *from, *to, *workflow, *assistant, *node;
    const struct vgw_json *tools_executed, *variables, *transport_metadata, *calls, *summary, *media;
    int64_t turns; /* -1: not known */
    int64_t updated_us;
};
/** Every field not known. */
void vgw_record_session_init(struct vgw_record_session *r, const char *session_id);
struct vgw_json *vgw_record_session_op(const struct vgw_record_session *r);

struct vgw_record_call {
    const char *call_id; /* key */
    const char *session_id, *provider_call_id, *provider, *plugin, *project_id, *direction, *from, *to, *state, *status,
        *cause;
    const char *error_class, *answered_by, *currency, *node;
    int64_t created_us, answered_us, ended_us, updated_us;
    double duration, total_duration, cost;
    const struct vgw_json *details;
};
void vgw_record_call_init(struct vgw_record_call *r, const char *call_id);
struct vgw_json *vgw_record_call_op(const struct vgw_record_call *r);

struct vgw_record_turn {
    const char *session_id; /* key, with number and role */
    int64_t turn_number;
    const char *role;
    const char *content, *heard, *audio_url, *language, *call_id, *project_id;
    double latency_ms, confidence;
    int64_t time_us;
    bool interrupted;
    const struct vgw_json *stages, *tools;
};
void vgw_record_turn_init(struct vgw_record_turn *r, const char *session_id, int64_t turn_number, const char *role);
struct vgw_json *vgw_record_turn_op(const struct vgw_record_turn *r);

/** `labels` may be NULL. */
struct vgw_json *vgw_record_metric_op(const char *session_id, const char *name, double value, int64_t time_us,
                                      const char *call_id, const char *provider, const char *project_id,
                                      const struct vgw_json *labels);

struct vgw_record_recording {
    const char *recording_id; /* key */
    const char *session_id, *call_id, *project_id, *provider, *status, *url, *path, *format;
    int64_t channels, sample_rate, bytes; /* -1: not known */
    double duration;
    int64_t started_us, stopped_us;
    const struct vgw_json *cuts;
};
void vgw_record_recording_init(struct vgw_record_recording *r, const char *recording_id);
struct vgw_json *vgw_record_recording_op(const struct vgw_record_recording *r);

struct vgw_event;
/** An event's row: the envelope in columns, and data. Control only, while the event still has its data. */
struct vgw_json *vgw_record_event_op(struct vgw_event *e, const char *node);
/** Small state of a plugin's instance; value NULL removes it. */
struct vgw_json *vgw_record_state_op(const char *scope, const char *name, const char *value, int64_t now_us);
/** A free-hand operation: takes key, values and guard (the last two may be NULL). */
struct vgw_json *vgw_record_op(const char *op, const char *table, struct vgw_json *key, struct vgw_json *values,
                               struct vgw_json *guard);
#endif
