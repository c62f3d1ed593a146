/* records.c - journal, store and the settling of what an earlier run left open. */
#include <sys/stat.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "event/ring.h"
#include "gateway/archive.h"
#include "gateway/tools.h"

#include "store/record.h"
#include "store/recover.h"
#include "store/store.h"
#include "voicegw/draft/store_watch.h"

/* ---- rows ---- */

static const char *text(const struct vgw_json *o, const char *key)
{
    return vgw_json_get_string(o, key, NULL);
}

static int64_t time_of(const struct vgw_json *o, const char *key)
{
    int64_t us = 0;
    const char *t = text(o, key);
    return t && vgw_time_parse(t, &us) ? us : 0;
}

static double number(const struct vgw_json *o, const char *key)
{
    return vgw_json_get(o, key) ? vgw_json_get_double(o, key, VGW_RECORD_UNKNOWN) : VGW_RECORD_UNKNOWN;
}

static struct vgw_json *call_op(struct vgw_gateway *g, const struct vgw_json *doc, bool over)
{
    struct vgw_record_call r;
    vgw_record_call_init(&r, text(doc, "call_id"));
    r.session_id = text(doc, "session_id");
    r.provider_call_id = text(doc, "provider_call_id");
    r.provider = text(doc, "provider");
    r.plugin = text(doc, "plugin");
    r.direction = text(doc, "direction");
    r.from = text(doc, "from");
    r.to = text(doc, "to");
    r.state = text(doc, "state");
    r.node = vgw_gateway_node(g);
    r.status = over ? text(doc, "status") : NULL; /* no status: the call is open */
    r.cause = text(doc, "cause");
    r.error_class = text(doc, "error_class");
    r.currency = text(doc, "currency");
    r.created_us = time_of(doc, "created_at");
    r.answered_us = time_of(doc, "answered_at");
    r.ended_us = time_of(doc, "ended_at");
    const struct vgw_session *live = g->calls ? vgw_calls_session_find(g->calls, r.session_id) : NULL;
    r.project_id = live ? live->project_id : NULL;
    r.updated_us = vgw_wall(g->loop);
    r.answered_by = text(doc, "answered_by");
    r.duration = over ? number(doc, "duration") : VGW_RECORD_UNKNOWN;
    r.total_duration = over ? number(doc, "total_duration") : VGW_RECORD_UNKNOWN;
    r.cost = number(doc, "cost");
    return vgw_record_call_op(&r);
}

static struct vgw_json *session_began_op(struct vgw_gateway *g, const struct vgw_json *doc)
{
    struct vgw_record_session r;
    vgw_record_session_init(&r, text(doc, "session_id"));
    r.status = "active";
    r.node = vgw_gateway_node(g);
    r.channel = text(doc, "channel");
    r.caller_id = text(doc, "caller_id");
    r.direction = text(doc, "direction");
    r.project_id = text(doc, "project_id");
    r.provider = text(doc, "provider");
    r.plugin = text(doc, "plugin");
    r.language = text(doc, "language");
    r.transport = text(doc, "transport");
    r.call_sid = text(doc, "call_sid");
    r.from = text(doc, "from");
    r.to = text(doc, "to");
    r.lead_id = text(doc, "lead_id");
    r.reservation_id = text(doc, "reservation_id");
    r.variables = vgw_json_get(doc, "variables");
    r.start_us = time_of(doc, "created_at");
    r.updated_us = vgw_wall(g->loop);
    return vgw_record_session_op(&r);
}

static struct vgw_json *session_over_op(struct vgw_gateway *g, const struct vgw_json *doc)
{
    struct vgw_record_session r;
    vgw_record_session_init(&r, text(doc, "session_id"));
    r.status = text(doc, "status");
    r.reason = text(doc, "reason");
    r.channel = text(doc, "channel");
    r.caller_id = text(doc, "caller_id");
    r.direction = text(doc, "direction");
    r.start_us = time_of(doc, "start_time");
    r.end_us = time_of(doc, "end_time");
    r.duration_seconds = number(doc, "duration_seconds");
    r.sentiment_score = number(doc, "sentiment_score");
    r.cost = number(doc, "cost");
    r.currency = text(doc, "currency");
    r.recording_url = text(doc, "recording_url");
    r.transcription = text(doc, "transcription");
    r.lead_id = text(doc, "lead_id");
    r.reservation_id = text(doc, "reservation_id");
    r.project_id = text(doc, "project_id");
    r.provider = text(doc, "provider");
    r.plugin = text(doc, "plugin");
    r.language = text(doc, "language");
    const struct vgw_session *s = g->calls && r.session_id ? vgw_calls_session_find(g->calls, r.session_id) : NULL;
    r.stt_provider = s && s->stt_provider[0] ? s->stt_provider : NULL;
    r.transport = text(doc, "transport");
    r.tools_executed = vgw_json_get(doc, "tools_executed");
    r.variables = vgw_json_get(doc, "variables");
    r.transport_metadata = s ? s->transport_metadata : NULL;
    r.calls = vgw_json_get(doc, "calls");
    r.turns = s ? (int64_t)s->turn_count : (int64_t)vgw_json_count(vgw_json_get(doc, "turns"));
    r.updated_us = vgw_wall(g->loop);
    return vgw_record_session_op(&r);
}

static struct vgw_json *turn_op(const char *session_id, const char *project_id, const struct vgw_json *t)
{
    struct vgw_record_turn r;
    vgw_record_turn_init(&r, session_id, vgw_json_get_int(t, "turn_number", 0),
                         vgw_json_get_string(t, "role", "system"));
    r.project_id = project_id;
    r.content = text(t, "content");
    r.audio_url = text(t, "audio_url");
    r.latency_ms = number(t, "latency_ms");
    r.confidence = number(t, "confidence");
    r.time_us = time_of(t, "timestamp");
    r.interrupted = vgw_json_get_bool(t, "interrupted", false);
    r.stages = vgw_json_get(t, "stages");
    return vgw_record_turn_op(&r);
}

static void put(struct vgw_gateway *g, struct vgw_json *op, bool journalled)
{
    if (!g->store) {
        vgw_json_free(op);
        vgw_metric_dropped("store_missing");
        return;
    }
    vgw_store_write(g->store, op, journalled ? VGW_STORE_JOURNALLED : VGW_STORE_QUEUED, NULL);
}

/* ---- from the call room ---- */

struct synced_call {
    void (*fn)(void *arg);
    void *arg;
};

static void on_synced(void *arg, int status)
{
    struct synced_call *s = arg;
    s->fn(s->arg);
    vgw_free(s);
}

static void when_synced(struct vgw_gateway *g, void (*fn)(void *arg), void *arg)
{
    struct synced_call *s;
    if (!fn)
        return;
    if (g->journal && VGW_NEW(s)) {
        *s = (struct synced_call){fn, arg};
        if (vgw_journal_when_synced(g->journal, vgw_journal_pos(g->journal), on_synced, s) == 0)
            return;
        vgw_free(s);
    }
    fn(arg);
}

/* The last call of a session is over and its record comes a little later: should the process end before that, the next
 * run finds here how it was (store/recover.h). */
static void put_session_ending(struct vgw_gateway *g, const struct vgw_json *call)
{
    const struct vgw_session *s = vgw_calls_session_find(g->calls, text(call, "session_id"));
    struct vgw_record_session r;
    if (!s || s->live_calls || vgw_list_empty(&s->call_list))
        return;
    const struct vgw_call *first = VGW_CONTAINER_OF(s->call_list.next, struct vgw_call, in_session);
    vgw_record_session_init(&r, s->session_id);
    r.reason = vgw_outcome_name(first->outcome);
    r.end_us = time_of(call, "ended_at");
    r.duration_seconds = s->created_wall_us && r.end_us > s->created_wall_us
                             ? (double)(r.end_us - s->created_wall_us) / (double)VGW_US_PER_S
                             : 0;
    r.updated_us = vgw_wall(g->loop);
    struct vgw_json *record = vgw_session_record_json(s);
    r.calls = vgw_json_get(record, "calls");
    put(g, vgw_record_session_op(&r), true);
    vgw_json_free(record);
}

void vgw_gateway_journal(void *arg, const char *kind, struct vgw_json *doc, void (*synced)(void *synced_arg),
                         void *synced_arg)
{
    struct vgw_gateway *g = arg;
    if (vgw_streq(kind, "session"))
        put(g, session_began_op(g, doc), true);
    else if (vgw_streq(kind, "call") || vgw_streq(kind, "ended"))
        put(g, call_op(g, doc, kind[0] == 'e'), true);
    if (vgw_streq(kind, "ended"))
        put_session_ending(g, doc);
    vgw_json_free(doc); /* "record" is journalled with its rows by store_record */
    when_synced(g, synced, synced_arg);
}

static void put_recording(struct vgw_gateway *g, const struct vgw_event *e)
{
    const struct vgw_json *data = vgw_event_data(e);
    const char *id = text(data, "recording_id");
    bool begun = e->type == VGW_EVENT_RECORDING_STARTED;
    struct vgw_record_recording r;
    struct vgw_buf path = {0};
    if (!id || !id[0])
        return;
    vgw_buf_printf(&path, "%s/%s.wav", vgw_options_string(g->plan->main, "recordings.path"), id);
    vgw_record_recording_init(&r, id);
    r.session_id = e->about.session_id;
    r.call_id = e->about.call_id;
    r.project_id = e->about.project_id;
    r.provider = e->about.provider;
    r.status = begun ? "recording" : "stopped";
    r.url = text(data, "url");
    r.path = vgw_buf_str(&path);
    r.format = "wav";
    r.channels = 2;
    r.sample_rate = 8000;
    r.duration = number(data, "duration");
    if (begun)
        r.started_us = e->wall_us;
    else
        r.stopped_us = e->wall_us;
    put(g, vgw_record_recording_op(&r), true);
    vgw_buf_done(&path);
}

/* What we record is WAV. */
static void recording_archive(struct vgw_gateway *g, const char *id)
{
    char name[VGW_ID_MAX + 8];
    if (id[0] && snprintf(name, sizeof name, "%s.wav", id) < (int)sizeof name)
        vgw_archive_store(g->archive, name);
}

void vgw_gateway_store_turn(struct vgw_gateway *g, const char *session_id, const struct vgw_json *turn)
{
    const struct vgw_session *s = vgw_calls_session_find(g->calls, session_id);
    put(g, turn_op(session_id, s ? s->project_id : NULL, turn), true);
}

static void put_metrics(struct vgw_gateway *g, const struct vgw_json *record)
{
    const char *session = text(record, "session_id"), *provider = text(record, "provider"),
               *project = text(record, "project_id");
    const struct vgw_json *turns = vgw_json_get(record, "turns");
    int64_t end_us = time_of(record, "end_time");
    put(g,
        vgw_record_metric_op(session, "duration_seconds", vgw_json_get_double(record, "duration_seconds", 0), end_us,
                             NULL, provider, project, NULL),
        false);
    for (size_t i = 0; i < vgw_json_count(turns); i++) {
        const struct vgw_json *t = vgw_json_at(turns, i);
        if (vgw_json_get(t, "latency_ms"))
            put(g,
                vgw_record_metric_op(session, "response_latency_ms", vgw_json_get_double(t, "latency_ms", 0),
                                     time_of(t, "timestamp"), NULL, provider, project, NULL),
                false);
    }
}

void vgw_gateway_store_record(void *arg, struct vgw_json *record)
{
    struct vgw_gateway *g = arg;
    const struct vgw_json *turns = vgw_json_get(record, "turns");
    struct vgw_json *session = session_over_op(g, record), *group = g->delivery ? vgw_json_array() : NULL;
    if (group && session)
        vgw_json_append(group, vgw_json_ref(session));
    if (group)
        vgw_delivery_on_record(g->delivery, record, group); /* the message's end and the record: both or neither */
    if (vgw_json_count(group) > 1) {
        vgw_json_free(session);
        put(g, group, true);
    } else {
        vgw_json_free(group);
        put(g, session, true);
    }
    for (size_t i = 0; i < vgw_json_count(turns); i++)
        put(g, turn_op(text(record, "session_id"), text(record, "project_id"), vgw_json_at(turns, i)), true);
    put_metrics(g, record);
    vgw_json_free(record);
}

void vgw_gateway_store_cost(void *arg, const struct vgw_late_call *late)
{
    struct vgw_gateway *g = arg;
    struct vgw_record_call call;
    struct vgw_record_session session;
    struct vgw_json *calls = vgw_json_array(), *ops = vgw_json_array();
    vgw_record_call_init(&call, text(late->call, "call_id"));
    call.cost = number(late->call, "cost");
    call.currency = text(late->call, "currency");
    call.updated_us = vgw_wall(g->loop);
    vgw_json_append(ops, vgw_record_call_op(&call));
    /* The session's price is its calls', and its record shows them. */
    if (late->alone && calls && vgw_json_append(calls, vgw_json_copy(late->call)) == 0) {
        vgw_record_session_init(&session, text(late->call, "session_id"));
        session.cost = call.cost;
        session.currency = call.currency;
        session.calls = calls;
        session.updated_us = call.updated_us;
        vgw_json_append(ops, vgw_record_session_op(&session));
    }
    if (g->delivery)
        vgw_delivery_on_cost(g->delivery, text(late->call, "call_id"), text(late->call, "session_id"), call.cost,
                             call.currency, ops);
    else
        put(g, ops, true);
    vgw_json_free(calls);
}

/* ---- events ---- */

static void on_event(void *arg, struct vgw_event *e)
{
    struct vgw_gateway *g = arg;
    if (e->type == VGW_EVENT_RECORDING_STARTED || e->type == VGW_EVENT_RECORDING_STOPPED)
        put_recording(g, e);
    if (e->type == VGW_EVENT_RECORDING_STOPPED)
        recording_archive(g, vgw_json_get_string(vgw_event_data(e), "recording_id", ""));
    put(g, vgw_record_event_op(e, vgw_gateway_node(g)), false);
}

/* ---- small state of plugins ---- */

static void state_key(struct vgw_buf *out, const char *instance, const char *key)
{
    vgw_buf_printf(out, "%s\n%s", instance, key);
}

const char *vgw_gateway_state_get(void *arg, const char *instance, const char *key)
{
    struct vgw_gateway *g = arg;
    struct vgw_buf k = {0};
    state_key(&k, instance, key);
    const char *value = vgw_map_get(g->state, vgw_buf_str(&k));
    vgw_buf_done(&k);
    return value;
}

static int state_put(struct vgw_gateway *g, const char *instance, const char *key, const char *value)
{
    struct vgw_buf k = {0};
    int rc = 0;
    state_key(&k, instance, key);
    char *copy = vgw_strdup(value);
    if (!value)
        vgw_map_remove(g->state, vgw_buf_str(&k));
    else if (!copy || (rc = vgw_map_set(g->state, vgw_buf_str(&k), copy)) < 0) {
        vgw_free(copy);
        rc = VGW_ELIMIT;
    }
    vgw_buf_done(&k);
    return rc;
}

int vgw_gateway_state_set(void *arg, const char *instance, const char *key, const char *value)
{
    struct vgw_gateway *g = arg;
    size_t mine = 0;
    const char *name;
    void *v;
    size_t n = strlen(instance);
    for (size_t i = 0; vgw_map_next(g->state, &i, &name, &v);)
        mine += strncmp(name, instance, n) == 0 && name[n] == '\n';
    if (value && mine >= (vgw_starts_with(instance, "gateway.") ? VGW_STATE_OWN_MAX : VGW_STATE_PLUGIN_MAX) &&
        !vgw_gateway_state_get(g, instance, key))
        return VGW_ELIMIT;
    int rc = state_put(g, instance, key, value);
    if (rc == 0)
        put(g, vgw_record_state_op(instance, key, value, vgw_wall(g->loop)), true);
    return rc;
}

static void state_read(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_gateway *g = arg;
    for (size_t i = 0; status == 0 && i < vgw_json_count(rows); i++) {
        const struct vgw_json *r = vgw_json_at(rows, i);
        if (!vgw_gateway_state_get(g, vgw_json_get_string(r, "scope", ""), vgw_json_get_string(r, "name", "")))
            state_put(g, vgw_json_get_string(r, "scope", ""), vgw_json_get_string(r, "name", ""), text(r, "value"));
    }
    if (!g->ending)
        vgw_gateway_callbacks_read(g);
}

/* ---- an earlier run ---- */

struct settling {
    struct vgw_gateway *g;
    struct vgw_recover *recover;
    struct vgw_json *replayed; /* operations of the journal, as texts */
    int64_t since_us;          /* when this run began: what is younger is its own */
};

bool vgw_gateway_store_shared(const struct vgw_gateway *g)
{
    return g->store && vgw_instance_extension(g->store_instance, VOICEGW_KIND_STORE_WATCH);
}

static void settle_one(void *arg, struct vgw_json *op, struct vgw_event *e)
{
    struct settling *s = arg;
    put(s->g, op, true);
    if (e)
        vgw_bus_publish(s->g->bus, e);
}

/* What is closed now may still be up at its vendor. */
static void tell_providers(struct settling *s)
{
    const struct vgw_json *call;
    for (size_t at = 0; vgw_recover_next_call(s->recover, &at, &call);) {
        const char *id = text(call, "provider_call_id"), *name = text(call, "provider");
        if (id && name && vgw_registry_current(s->g->registry, "providers", name))
            vgw_gateway_restart_add(
                s->g, &(struct vgw_restart_call){.provider = name,
                                                 .provider_call_id = id,
                                                 .session_id = text(call, "session_id"),
                                                 .call_id = text(call, "call_id"),
                                                 .since_wall_us = vgw_json_get_int(call, "created_at", 0)});
    }
}

static void settling_free(struct settling *s)
{
    vgw_json_free(s->replayed);
    vgw_recover_free(s->recover);
    vgw_free(s);
}

static void settle(struct settling *s)
{
    if (s->g->ending) { /* the next run finds it as it is */
        settling_free(s);
        return;
    }
    for (size_t i = 0; i < vgw_json_count(s->replayed); i++) {
        const struct vgw_json *t = vgw_json_at(s->replayed, i);
        vgw_recover_op(s->recover, vgw_json_str(t), vgw_json_strlen(t));
    }
    tell_providers(s);
    size_t n = vgw_recover_settle(s->recover, vgw_wall(s->g->loop), settle_one, s);
    if (n) {
        struct vgw_buf count = {0};
        vgw_buf_printf(&count, "%zu", n);
        vgw_log(VGW_LOG_WARNING, NULL,
                "calls and sessions of an earlier run were still open; they are recorded as interrupted", "count",
                vgw_buf_str(&count), NULL);
        vgw_buf_done(&count);
    }
    settling_free(s);
}

static void ask_open(struct settling *s, const char *table, const char *cursor);

/* A full page has more behind it. */
static bool rows_read(struct settling *s, const char *table, int status, const char *sentence,
                      const struct vgw_json *rows)
{
    size_t n = vgw_json_count(rows);
    if (status < 0 && !s->g->ending)
        vgw_log(VGW_LOG_WARNING, NULL, "the store could not be asked for what an earlier run left open", "table", table,
                "error", sentence, NULL);
    for (size_t i = 0; i < n; i++)
        vgw_recover_row(s->recover, table, vgw_json_at(rows, i));
    if (status < 0 || n < VGW_STORE_ROWS_MAX)
        return true;
    ask_open(s, table, text(vgw_json_at(rows, n - 1), "_cursor"));
    return false;
}

/* Recordings that ran when the earlier run was cut off: their files are playable as they are. */
static void on_recordings(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_gateway *g = arg;
    for (size_t i = 0; status == 0 && i < vgw_json_count(rows); i++) {
        const struct vgw_json *row = vgw_json_at(rows, i);
        const char *id = text(row, "recording_id"), *session = text(row, "session_id");
        struct vgw_record_recording r;
        struct vgw_record_session s;
        struct vgw_buf url = {0};
        if (!id)
            continue;
        vgw_buf_printf(&url, "%s%s/recordings/%s", g->plan->public_url,
                       vgw_options_string(g->plan->main, "http.prefix"), id);
        vgw_record_recording_init(&r, id);
        r.status = "interrupted";
        r.url = vgw_buf_str(&url);
        put(g, vgw_record_recording_op(&r), true);
        if (session) {
            vgw_record_session_init(&s, session);
            s.recording_url = vgw_buf_str(&url);
            put(g, vgw_record_session_op(&s), true);
        }
        vgw_buf_done(&url);
    }
}

static void on_calls(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct settling *s = arg;
    if (rows_read(s, "calls", status, sentence, rows))
        settle(s);
}

static void on_sessions(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct settling *s = arg;
    if (rows_read(s, "sessions", status, sentence, rows))
        ask_open(s, "calls", NULL);
}

static void ask_open(struct settling *s, const char *table, const char *cursor)
{
    bool calls = vgw_streq(table, "calls");
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "status", calls ? NULL : "active");
    vgw_json_set_int(filter, calls ? "created_at<" : "start_time<", s->since_us);
    if (vgw_gateway_store_shared(s->g))
        vgw_json_set_string(filter, "node", vgw_gateway_node(s->g)); /* what others have open runs on */
    if (s->g->ending ||
        vgw_store_query(s->g->store, table, filter, VGW_STORE_ROWS_MAX, cursor, calls ? on_calls : on_sessions, s) < 0)
        settle(s);
    vgw_json_free(filter);
}

/* The store is asked before the first call of this run is written: requests and writes keep their order. */
static void settle_start(struct vgw_gateway *g, struct vgw_json *replayed)
{
    struct settling *s = NULL;
    struct vgw_json *cut = vgw_json_object();
    vgw_json_set_string(cut, "status", "recording");
    if (VGW_NEW(s))
        *s = (struct settling){
            .g = g, .recover = vgw_recover_new(), .replayed = replayed, .since_us = vgw_wall(g->loop)};
    if (s && s->recover) {
        ask_open(s, "sessions", NULL);
    } else {
        vgw_log(VGW_LOG_ERROR, NULL, "memory is short: what an earlier run left open is not settled", NULL);
        vgw_json_free(replayed);
        vgw_free(s);
    }
    vgw_gateway_prices_ask(g);
    vgw_store_query(g->store, "recordings", cut, VGW_STORE_ROWS_MAX, NULL, on_recordings, g);
    vgw_store_query(g->store, "state", NULL, VGW_STORE_ROWS_MAX, NULL, state_read, g);
    vgw_json_free(cut);
}

struct replay {
    struct vgw_json *texts, *positions;
};

static void on_replay(void *arg, uint32_t type, const void *data, size_t len, uint64_t pos)
{
    struct replay *r = arg;
    if (type != VGW_JOURNAL_STORE_OP)
        return;
    vgw_json_append(r->texts, vgw_json_stringn(data, len));
    vgw_json_append(r->positions, vgw_json_int((int64_t)pos));
}

/* ---- opening ---- */

static void journal_health(void *arg, bool ok, const char *detail)
{
    vgw_gateway_part(arg, "journal", ok, detail);
}

static void store_health(void *arg, bool ok, const char *detail)
{
    vgw_gateway_part(arg, "store", ok, detail);
}

static const char *store_last_error(void *arg)
{
    return vgw_host_last_error();
}

static int journal_open(struct vgw_gateway *g, struct replay *replay, struct vgw_error *err)
{
    const struct vgw_options *o = vgw_options_section(g->plan->main, "journal");
    struct vgw_journal_options options = {.path = vgw_options_string(o, "path"),
                                          .sync_commit = vgw_streq(vgw_options_string(o, "sync"), "commit"),
                                          .interval_us = vgw_options_duration_us(o, "interval"),
                                          .max_bytes = vgw_options_size(o, "max_size"),
                                          .health = journal_health,
                                          .health_arg = g};
    struct vgw_journal_stats stats = {0};
    int rc = vgw_journal_open(g->loop, g->pool, &options, on_replay, replay, &stats, &g->journal, err);
    if (rc == VGW_EBUSY)
        return rc;
    if (rc < 0) { /* calls go on without it: what the store cannot take is lost with a crash, and health says so */
        vgw_log(VGW_LOG_ERROR, NULL, "the journal cannot be written; records live in memory until the store has them",
                "error", err->text, NULL);
        vgw_gateway_part(g, "journal", false, err->text);
        g->journal = NULL;
    }
    if (stats.corrupt)
        vgw_log(VGW_LOG_WARNING, NULL, "damaged records of the journal were skipped", NULL);
    return 0;
}

void vgw_gateway_records_changed(struct vgw_gateway *g)
{
    const struct vgw_options *o = vgw_options_section(g->plan->main, "journal");
    mkdir(vgw_options_string(g->plan->main, "recordings.path"), 0750); /* one that fails shows when it is written to */
    if (g->journal)
        vgw_journal_set_sync(g->journal, vgw_streq(vgw_options_string(o, "sync"), "commit"),
                             vgw_options_duration_us(o, "interval"));
}

static void store_open(struct vgw_gateway *g)
{
    struct vgw_recipe *r = vgw_plan_recipe(g->plan, "store", "store");
    struct vgw_error err = {0};
    if (!r || !r->options || r->problem[0]) {
        vgw_gateway_part(g, "store", false, r && r->problem[0] ? r->problem : "no store is configured");
        vgw_log(VGW_LOG_ERROR, NULL, "there is no store: records are not kept", "error", r ? r->problem : "", NULL);
        return;
    }
    g->store_instance = vgw_gateway_instance_new(g, r, NULL, &err);
    const struct voicegw_store *table = NULL;
    if (g->store_instance && vgw_instance_start(g->store_instance, &err) == 0)
        table = vgw_instance_extension(g->store_instance, "voicegw.store/1");
    if (table) {
        struct vgw_store_options options = {.table = table,
                                            .instance = g->store_instance->plugin_instance,
                                            .last_error = store_last_error,
                                            .health = store_health,
                                            .arg = g,
                                            .journal = g->journal};
        g->store = vgw_store_new(g->loop, g->pool, &options);
    }
    if (g->store)
        vgw_gateway_live_add(g, g->store_instance, r);
    vgw_gateway_part(g, "store", g->store != NULL, g->store ? "" : err.text);
}

int vgw_gateway_records_open(struct vgw_gateway *g, struct vgw_error *err)
{
    struct replay replay = {vgw_json_array(), vgw_json_array()};
    int rc = journal_open(g, &replay, err);
    struct vgw_bus_limits limits = {.keep = (size_t)vgw_options_int(g->plan->main, "events.keep")};
    uint64_t first = vgw_ring_first_id(vgw_wall(g->loop), g->journal ? vgw_journal_mark(g->journal) : 0);
    if (rc == 0 && !(g->bus = vgw_bus_new(g->loop, &limits, first)))
        rc = vgw_error_nomem(err);
    if (rc == 0 && g->journal && vgw_bus_promise_ids(g->bus, g->journal) < 0)
        vgw_log(VGW_LOG_WARNING, NULL, "event ids could not be promised in the journal", NULL);
    if (rc == 0)
        store_open(g);
    if (rc < 0 || !g->store) {
        vgw_json_free(replay.texts);
        vgw_json_free(replay.positions);
        return rc;
    }
    for (size_t i = 0; i < vgw_json_count(replay.texts); i++) {
        const struct vgw_json *t = vgw_json_at(replay.texts, i);
        vgw_store_replay(g->store, vgw_json_str(t), vgw_json_strlen(t),
                         (uint64_t)vgw_json_as_int(vgw_json_at(replay.positions, i), 0));
    }
    vgw_json_free(replay.positions);
    settle_start(g, replay.texts);
    g->store_sub = vgw_bus_subscribe(g->bus, VGW_EVENT_ALL & ~VGW_EVENT_BIT(VGW_EVENT_STT_PARTIAL), on_event, g);
    return g->store_sub ? 0 : vgw_error_nomem(err);
}
