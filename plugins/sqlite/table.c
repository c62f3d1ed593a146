/* table.c - the tables that voicegw_plugin(3) lists. */
#include <string.h>
#include "db.h"

/* clang-format off */
#define T(name) {name, COLUMN_TEXT}
#define I(name) {name, COLUMN_INT}
#define R(name) {name, COLUMN_REAL}
#define B(name) {name, COLUMN_BOOL}
#define J(name) {name, COLUMN_JSON}

static const struct table tables[] = {
    {"sessions", "start_time", {"session_id"}, {
        T("session_id"), T("channel"), T("caller_id"), T("direction"), I("start_time"), I("end_time"), R("duration_seconds"),
        T("status"), T("recording_url"), T("transcription"), R("sentiment_score"), J("tools_executed"), T("lead_id"),
        T("reservation_id"), T("project_id"), T("provider"), T("plugin"), T("language"), J("variables"), R("cost"), T("currency"),
        T("transport"), J("transport_metadata"), T("stt_provider"), J("calls"), I("turns"), T("reason"), T("call_sid"),
        T("from_number"), T("to_number"), T("workflow"), T("assistant"), T("node"), J("summary"), J("media"), I("updated_at")}},
    {"calls", "created_at", {"call_id"}, {
        T("call_id"), T("session_id"), T("provider_call_id"), T("provider"), T("plugin"), T("project_id"), T("direction"),
        T("from_number"), T("to_number"), T("state"), T("status"), I("created_at"), I("answered_at"), I("ended_at"), R("duration"),
        R("total_duration"), T("cause"), T("error_class"), T("answered_by"), R("cost"), T("currency"), T("node"), J("details"),
        I("updated_at")}},
    {"turns", "timestamp", {"session_id", "turn_number", "role"}, {
        T("session_id"), I("turn_number"), T("role"), T("content"), T("audio_url"), R("latency_ms"), I("timestamp"), R("confidence"),
        B("interrupted"), J("stages"), T("heard"), T("language"), T("call_id"), T("project_id"), J("tools")}},
    {"metrics", "timestamp", {"session_id", "metric_name", "timestamp"}, {
        T("session_id"), T("metric_name"), R("metric_value"), I("timestamp"), T("call_id"), T("provider"), T("project_id"),
        J("labels")}},
    {"events", "time", {"event_id"}, {
        I("event_id"), T("type"), I("time"), T("session_id"), T("call_id"), T("provider"), T("project_id"), T("provider_call_id"), T("plugin"), J("data")}},
    {"recordings", "started_at", {"recording_id"}, {
        T("recording_id"), T("session_id"), T("call_id"), T("project_id"), T("provider"), T("status"), T("url"), T("path"),
        T("format"), I("channels"), I("sample_rate"), R("duration"), I("bytes"), I("started_at"), I("stopped_at"), J("cuts")}},
    {"jobs", "due_at", {"job_id"}, {
        T("job_id"), T("queue"), I("due_at"), J("payload"), T("status"), I("attempts"), I("priority"), T("owner"),
        I("claimed_until"), I("created_at"), I("updated_at"), T("project_id"), T("last_error"), J("result"), I("version")}},
    {"leases", "expires_at", {"name"}, {T("name"), T("owner"), I("fence"), I("expires_at")}},
    {"state", "updated_at", {"scope", "name"}, {T("scope"), T("name"), T("value"), I("updated_at")}},
};
/* clang-format on */

const struct table *table_find(const char *name)
{
    for (size_t i = 0; name && i < sizeof tables / sizeof *tables; i++) {
        if (strcmp(tables[i].name, name) == 0)
            return &tables[i];
    }
    return NULL;
}

const struct table *table_find_json(struct voicegw_json name)
{
    char text[32];
    return voicegw_json_string(name, text, sizeof text) < 0 ? NULL : table_find(text);
}

const struct column *column_findn(const struct table *t, const char *name, uint64_t bytes)
{
    for (size_t i = 0; i < COLUMNS_MAX && t->columns[i].name; i++) {
        if (strlen(t->columns[i].name) == bytes && memcmp(t->columns[i].name, name, bytes) == 0)
            return &t->columns[i];
    }
    return NULL;
}

uint32_t table_is_key(const struct table *t, const char *column)
{
    for (size_t i = 0; i < KEYS_MAX && t->keys[i]; i++) {
        if (strcmp(t->keys[i], column) == 0)
            return 1;
    }
    return 0;
}
