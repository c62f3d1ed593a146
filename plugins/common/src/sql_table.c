/* table.c - the tables that voicegw_plugin(3) lists. */
#include <string.h>
#include "sql.h"

/* clang-format off */
#define T(name) {name, COLUMN_TEXT}
#define I(name) {name, COLUMN_INT}
#define R(name) {name, COLUMN_REAL}
#define B(name) {name, COLUMN_BOOL}
#define J(name) {name, COLUMN_JSON}

static const struct table tables[] = {
    {"sessions", "start_time", NULL, {"session_id"}, {
        T("session_id"), T("channel"), T("caller_id"), T("direction"), I("start_time"), I("end_time"), R("duration_seconds"),
        T("status"), T("recording_url"), T("transcription"), R("sentiment_score"), J("tools_executed"), T("lead_id"),
        T("reservation_id"), T("project_id"), T("provider"), T("plugin"), T("language"), J("variables"), R("cost"), T("currency"),
        T("transport"), J("transport_metadata"), T("stt_provider"), J("calls"), I("turns"), T("reason"), T("call_sid"),
        T("from_number"), T("to_number"), T("workflow"), T("assistant"), T("node"), J("summary"), J("media"), I("updated_at")}},
    {"calls", "created_at", NULL, {"call_id"}, {
        T("call_id"), T("session_id"), T("provider_call_id"), T("provider"), T("plugin"), T("project_id"), T("direction"),
        T("from_number"), T("to_number"), T("state"), T("status"), I("created_at"), I("answered_at"), I("ended_at"), R("duration"),
        R("total_duration"), T("cause"), T("error_class"), T("answered_by"), R("cost"), T("currency"), T("node"), J("details"),
        I("updated_at")}},
    {"turns", "timestamp", NULL, {"session_id", "turn_number", "role"}, {
        T("session_id"), I("turn_number"), T("role"), T("content"), T("audio_url"), R("latency_ms"), I("timestamp"), R("confidence"),
        B("interrupted"), J("stages"), T("heard"), T("language"), T("call_id"), T("project_id"), J("tools")}},
    {"metrics", "timestamp", NULL, {"session_id", "metric_name", "timestamp"}, {
        T("session_id"), T("metric_name"), R("metric_value"), I("timestamp"), T("call_id"), T("provider"), T("project_id"),
        J("labels")}},
    {"events", "time", "event_id", {"event_id", "node"}, {
        I("event_id"), T("node"), T("type"), I("time"), T("session_id"), T("call_id"), T("provider"), T("project_id"), T("provider_call_id"), T("plugin"), J("data")}},
    {"recordings", "started_at", NULL, {"recording_id"}, {
        T("recording_id"), T("session_id"), T("call_id"), T("project_id"), T("provider"), T("status"), T("url"), T("path"),
        T("format"), I("channels"), I("sample_rate"), R("duration"), I("bytes"), I("started_at"), I("stopped_at"), J("cuts")}},
    {"jobs", "due_at", NULL, {"job_id"}, {
        T("job_id"), T("queue"), I("due_at"), J("payload"), T("status"), I("attempts"), I("priority"), T("owner"),
        I("claimed_until"), I("created_at"), I("updated_at"), T("project_id"), T("last_error"), J("result"), I("version")}},
    {"messages", "created_at", NULL, {"message_id"}, {
        T("message_id"), T("thread_id"), T("campaign_id"), T("project_id"), T("lead_id"), T("user_id"), T("to_number"), T("content"),
        T("channel"), T("message_type"), T("voice_config"), J("metadata"), T("status"), T("outcome"), T("error"), T("error_class"),
        I("attempts"), J("attempt_log"), T("provider"), T("call_id"), T("session_id"), T("transcript"), R("cost"), T("currency"),
        I("scheduled_at"), I("due_at"), I("created_at"), I("updated_at"), I("finished_at"), T("idempotency_key"), T("source"),
        T("source_ref"), J("spec"), T("node")}},
    {"threads", "updated_at", NULL, {"thread_id"}, {
        T("thread_id"), T("project_id"), T("lead_id"), T("to_number"), I("messages"), I("created_at"), I("updated_at"), J("lead")}},
    {"campaigns", "created_at", NULL, {"campaign_id"}, {
        T("campaign_id"), T("project_id"), T("name"), T("status"), J("spec"), J("counts"), R("spent"), T("currency"),
        I("created_at"), I("updated_at"), I("finished_at"), T("reason")}},
    {"outbox", "due_at", NULL, {"outbox_id"}, {
        T("outbox_id"), T("endpoint"), T("order_key"), I("sequence"), T("type"), T("body"), T("status"), I("attempts"), I("due_at"),
        I("created_at"), I("updated_at"), I("http_status"), T("last_error"), T("project_id"), T("call_id"), T("node")}},
    {"leases", "expires_at", NULL, {"name"}, {T("name"), T("owner"), I("fence"), I("expires_at")}},
    {"state", "updated_at", NULL, {"scope", "name"}, {T("scope"), T("name"), T("value"), I("updated_at")}},
};
/* clang-format on */

const char *const sql_indexes[] = {"CREATE INDEX IF NOT EXISTS sessions_time ON sessions (start_time)",
                                   "CREATE INDEX IF NOT EXISTS sessions_caller ON sessions (caller_id, start_time)",
                                   "CREATE INDEX IF NOT EXISTS sessions_status ON sessions (status, start_time)",
                                   "CREATE INDEX IF NOT EXISTS calls_time ON calls (created_at)",
                                   "CREATE INDEX IF NOT EXISTS calls_session ON calls (session_id)",
                                   "CREATE INDEX IF NOT EXISTS calls_provider ON calls (provider_call_id)",
                                   "CREATE INDEX IF NOT EXISTS turns_time ON turns (timestamp)",
                                   "CREATE INDEX IF NOT EXISTS metrics_time ON metrics (timestamp)",
                                   "CREATE INDEX IF NOT EXISTS metrics_name ON metrics (metric_name, timestamp)",
                                   "CREATE INDEX IF NOT EXISTS events_time ON events (time)",
                                   "CREATE INDEX IF NOT EXISTS events_session ON events (session_id)",
                                   "CREATE INDEX IF NOT EXISTS recordings_time ON recordings (started_at)",
                                   "CREATE INDEX IF NOT EXISTS recordings_session ON recordings (session_id)",
                                   "CREATE INDEX IF NOT EXISTS jobs_due ON jobs (queue, priority DESC, due_at)",
                                   "CREATE INDEX IF NOT EXISTS messages_time ON messages (created_at)",
                                   "CREATE INDEX IF NOT EXISTS messages_thread ON messages (thread_id, created_at)",
                                   "CREATE INDEX IF NOT EXISTS messages_campaign ON messages (campaign_id, status)",
                                   "CREATE INDEX IF NOT EXISTS messages_key ON messages (project_id, idempotency_key)",
                                   "CREATE INDEX IF NOT EXISTS threads_lead ON threads (project_id, lead_id)",
                                   "CREATE INDEX IF NOT EXISTS campaigns_time ON campaigns (created_at)",
                                   "CREATE INDEX IF NOT EXISTS outbox_due ON outbox (status, due_at)",
                                   "CREATE INDEX IF NOT EXISTS outbox_order ON outbox (endpoint, order_key, sequence)",
                                   NULL};

const struct table *table_at(size_t i)
{
    return i < sizeof tables / sizeof *tables ? &tables[i] : NULL;
}

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
