/* sessions.c - conversations: list, create, show, transcript, messages, end. What has ended is served from the store.
 */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"

#define TURNS_MAX 2000u

static const char *const filters[] = {"state",    "status",         "channel",    "direction", "caller_id",
                                      "provider", "plugin",         "project_id", "lead_id",   "from",
                                      "to",       "reservation_id", "session_id", NULL};

static bool takes(const struct vgw_json *filter, const struct vgw_json *item)
{
    const char *key;
    struct vgw_json *v;
    for (size_t i = 0; vgw_json_object_next(filter, &i, &key, &v);) {
        const char *has = vgw_json_get_string(item, key, NULL);
        if (!has || strcmp(has, vgw_json_str(v)) != 0)
            return false;
    }
    return true;
}

static void copy_text(struct vgw_json *to, const char *key, const struct vgw_json *from, const char *from_key)
{
    vgw_json_set(to, key, vgw_json_copy(vgw_json_get(from, from_key)));
}

/* The shape of a session made from its record and its calls (rows, both made ready by vgw_api_row). */
static struct vgw_json *from_record(const struct vgw_json *row, const struct vgw_json *calls)
{
    static const char *const same[] = {"session_id", "status",         "project_id",   "channel",   "direction",
                                       "caller_id",  "provider",       "plugin",       "transport", "language",
                                       "lead_id",    "reservation_id", "stt_provider", "reason"};
    const struct vgw_json *call = vgw_json_at(calls, 0);
    struct vgw_json *o = vgw_json_object();
    copy_text(o, "session_id", row, "session_id");
    copy_text(o, "call_sid", call, "provider_call_id");
    copy_text(o, "from", call, "from");
    copy_text(o, "to", call, "to");
    if (!call)
        copy_text(o, "from", row, "caller_id");
    vgw_json_set_string(o, "state", "stopped");
    copy_text(o, "created_at", row, "start_time");
    copy_text(o, "last_activity", row, "end_time");
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        copy_text(o, same[i], row, same[i]);
    const struct vgw_json *metadata = vgw_json_get(row, "transport_metadata"), *vars = vgw_json_get(row, "variables");
    vgw_json_set(o, "transport_metadata", metadata ? vgw_json_copy(metadata) : vgw_json_object());
    vgw_json_set(o, "variables", vars ? vgw_json_copy(vars) : vgw_json_object());
    vgw_json_set(o, "calls", calls ? vgw_json_copy(calls) : vgw_json_array());
    vgw_json_set_int(o, "turns", vgw_json_get_int(row, "turn_count", vgw_json_get_int(row, "turns", 0)));
    return o;
}

static struct vgw_json *by_session(const char *session_id, const char *order)
{
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "session_id", session_id);
    if (order)
        vgw_json_set_string(filter, "order", order);
    return filter;
}

static void json_free(void *state)
{
    vgw_json_free(state);
}

/* ---- list ---- */

static void on_stopped(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct vgw_json *items = vgw_json_array();
    size_t n = vgw_json_count(rows);
    char *cursor = NULL;
    uint32_t limit = (uint32_t)(uintptr_t)r->state;
    r->state = NULL;
    if (status != VGW_OK) {
        vgw_json_free(items);
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    if (n && n >= limit)
        cursor = vgw_strdup(vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", NULL));
    for (size_t i = 0; i < n; i++) {
        struct vgw_json *row = vgw_json_at(rows, i);
        if (!vgw_api_may_see_row(r, row))
            continue;
        vgw_api_row(row);
        vgw_json_append(items, from_record(row, vgw_json_get(row, "calls")));
    }
    vgw_json_free(rows);
    vgw_api_reply(r, 200, vgw_api_list("sessions", items, cursor));
    vgw_free(cursor);
}

static void rename_filter(struct vgw_json *filter, const char *from, const char *to)
{
    if (vgw_json_has(filter, from))
        vgw_json_set_string(filter, to, vgw_json_get_string(filter, from, ""));
    vgw_json_del(filter, from);
}

static void list_stopped(struct vgw_api_request *r, struct vgw_json *filter, uint32_t limit)
{
    char *cursor = vgw_api_param(r, "cursor");
    vgw_json_del(filter, "state");
    rename_filter(filter, "from", "from_number");
    rename_filter(filter, "to", "to_number");
    r->state = (void *)(uintptr_t)limit;
    vgw_api_query(r, "sessions", filter, limit, cursor, on_stopped);
    vgw_free(cursor);
}

static void list_live(struct vgw_api_request *r, const struct vgw_json *filter, uint32_t limit)
{
    struct vgw_json *items = vgw_json_array();
    const struct vgw_session *last = NULL, *found;
    char *cursor = vgw_api_param(r, "cursor"), *id = cursor ? strchr(cursor, ':') : NULL;
    int64_t after_us = 0;
    bool more = false;
    if (id)
        *id++ = '\0';
    if (cursor && (!id || !vgw_parse_i64(cursor, &after_us))) {
        vgw_api_fail(r, VGW_EINVALID, "cursor", "must be the next_cursor of the page before");
        vgw_json_free(items);
        vgw_free(cursor);
        return;
    }
    found = id ? vgw_calls_session_find(r->api->env.calls, id) : NULL;
    for (struct vgw_session *s = vgw_calls_session_next(r->api->env.calls, found); s;
         s = vgw_calls_session_next(r->api->env.calls, s)) {
        if (!found && s->created_wall_us < after_us) /* the one that the cursor names has ended meanwhile */
            continue;
        if (!vgw_api_may_see(r, s->project_id) || s->state == VGW_SESSION_STOPPED)
            continue;
        struct vgw_json *item = vgw_session_to_json(s, false);
        bool wanted = item && takes(filter, item);
        if (wanted && vgw_json_count(items) == limit) {
            more = true;
            vgw_json_free(item);
            break;
        }
        if (wanted && r->older) {
            vgw_json_free(item);
            item = vgw_session_to_json(s, true);
        }
        if (wanted)
            vgw_json_append(items, item);
        else
            vgw_json_free(item);
        last = wanted ? s : last;
    }
    vgw_free(cursor);
    struct vgw_buf next;
    vgw_buf_init(&next, 256);
    if (more && last)
        vgw_buf_printf(&next, "%lld:%s", (long long)last->created_wall_us, last->session_id);
    vgw_api_reply(r, 200, vgw_api_list("sessions", items, more && last ? vgw_buf_str(&next) : NULL));
    vgw_buf_done(&next);
}

void vgw_api_sessions_list(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    uint32_t limit;
    struct vgw_json *filter;
    if (!vgw_api_limit(r, &limit))
        return;
    filter = vgw_json_object();
    vgw_api_filter(r, filters, filter);
    const char *status = vgw_json_get_string(filter, "status", "active");
    if (vgw_streq(vgw_json_get_string(filter, "state", ""), "stopped") || !vgw_streq(status, "active")) {
        list_stopped(r, filter, limit);
        return;
    }
    list_live(r, filter, limit);
    vgw_json_free(filter);
}

/* ---- create, show ---- */

void vgw_api_sessions_create(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_session *s;
    struct vgw_error err = {0};
    const struct vgw_json *b = r->body;
    const char *project = vgw_json_get_string(b, "project_id", vgw_grant_project(r->grant));
    const char *key;
    struct vgw_json *v;
    char location[512];
    if (!vgw_api_may_see(r, project)) {
        vgw_api_problem(r, 403, "this token may not use that project_id", NULL);
        return;
    }
    int status = vgw_calls_session_new(r->api->env.calls, vgw_json_get_string(b, "channel", "realtime"),
                                       vgw_json_get_string(b, "caller_id", ""),
                                       vgw_json_get_string(b, "language", NULL), project, &s, &err);
    if (status != VGW_OK) {
        vgw_api_fail_error(r, &err);
        return;
    }
    for (size_t i = 0; vgw_json_object_next(vgw_json_get(b, "variables"), &i, &key, &v);)
        vgw_json_set(s->variables, key, vgw_json_copy(v));
    snprintf(location, sizeof location, "Location: %s/sessions/%s", vgw_api_config_now(r->api)->prefix, s->session_id);
    vgw_api_reply_with(r, 201, vgw_session_to_json(s, false), location);
}

static void on_record_calls(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    for (size_t i = 0; i < vgw_json_count(rows); i++)
        vgw_api_call_row(vgw_json_at(rows, i));
    struct vgw_json *shape = from_record(r->state, rows);
    vgw_json_free(rows);
    vgw_api_reply(r, 200, shape);
}

static void on_record(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct vgw_json *row = vgw_json_at(rows, 0);
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
    } else if (!row || !vgw_api_may_see_row(r, row)) {
        vgw_api_not_found(r, "session", r->id[0]);
    } else {
        r->state = vgw_api_row(vgw_json_copy(row));
        r->state_free = json_free;
        vgw_api_query(r, "calls", by_session(r->id[0], "asc"), 100, NULL, on_record_calls);
    }
    vgw_json_free(rows);
}

void vgw_api_sessions_show(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_session *s = vgw_calls_session_find(r->api->env.calls, r->id[0]);
    if (s && vgw_api_may_see(r, s->project_id))
        vgw_api_reply(r, 200, vgw_session_to_json(s, r->older));
    else if (s || !r->api->env.store_query)
        vgw_api_not_found(r, "session", r->id[0]);
    else
        vgw_api_query(r, "sessions", by_session(r->id[0], NULL), 1, NULL, on_record);
}

/* ---- transcript and messages ---- */

/* The turns of one page, as transcript or as messages. */
static void reply_turns(struct vgw_api_request *r, struct vgw_json *turns)
{
    if (r->route->handle == vgw_api_sessions_transcript) {
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "session_id", r->id[0]);
        vgw_json_set(o, "turns", turns);
        vgw_api_reply(r, 200, o);
        return;
    }
    uint32_t limit;
    int64_t after = 0;
    char next[32] = "", *cursor = vgw_api_param(r, "cursor");
    bool fits = !cursor || vgw_parse_i64(cursor, &after);
    vgw_free(cursor);
    if (!fits)
        vgw_api_fail(r, VGW_EINVALID, "cursor", "must be the next_cursor of the page before");
    if (fits && vgw_api_limit(r, &limit)) {
        struct vgw_json *items = vgw_json_array();
        for (size_t i = 0; i < vgw_json_count(turns); i++) {
            struct vgw_json *turn = vgw_json_at(turns, i);
            if (vgw_json_get_int(turn, "turn_number", 0) <= after)
                continue;
            if (vgw_json_count(items) == limit) {
                snprintf(next, sizeof next, "%lld",
                         (long long)vgw_json_get_int(vgw_json_at(items, limit - 1), "turn_number", 0));
                break;
            }
            vgw_json_append(items, vgw_json_ref(turn));
        }
        vgw_api_reply(r, 200, vgw_api_list("messages", items, next[0] ? next : NULL));
    }
    vgw_json_free(turns);
}

static void on_turns(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    static const char *const hidden[] = {"session_id", "call_id", "project_id", "language", "heard", "tools"};
    struct vgw_api_request *r = arg;
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    for (size_t i = 0; i < vgw_json_count(rows); i++) {
        vgw_api_row(vgw_json_at(rows, i));
        for (size_t k = 0; k < sizeof hidden / sizeof hidden[0]; k++)
            vgw_json_del(vgw_json_at(rows, i), hidden[k]);
    }
    reply_turns(r, rows);
}

static void on_turns_session(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    const struct vgw_json *row = vgw_json_at(rows, 0);
    if (status != VGW_OK)
        vgw_api_fail(r, status, NULL, sentence);
    else if (!row || !vgw_api_may_see_row(r, row))
        vgw_api_not_found(r, "session", r->id[0]);
    else if (strcmp(r->route->method, "POST") == 0)
        vgw_api_fail(r, VGW_EBUSY, NULL, "the session has ended");
    else
        vgw_api_query(r, "turns", by_session(r->id[0], "asc"), TURNS_MAX, NULL, on_turns);
    vgw_json_free(rows);
}

/* The live session, or NULL: then the store is asked, or the request has been answered. */
static struct vgw_session *live_or_stored(struct vgw_api_request *r)
{
    struct vgw_session *s = vgw_calls_session_find(r->api->env.calls, r->id[0]);
    if (s && vgw_api_may_see(r, s->project_id))
        return s;
    if (s || !r->api->env.store_query)
        vgw_api_not_found(r, "session", r->id[0]);
    else
        vgw_api_query(r, "sessions", by_session(r->id[0], NULL), 1, NULL, on_turns_session);
    return NULL;
}

void vgw_api_sessions_transcript(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_session *s = live_or_stored(r);
    if (s)
        vgw_api_reply(r, 200, vgw_session_transcript_json(s));
}

void vgw_api_messages_list(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_session *s = live_or_stored(r);
    if (!s)
        return;
    struct vgw_json *transcript = vgw_session_transcript_json(s);
    struct vgw_json *turns = vgw_json_ref(vgw_json_get(transcript, "turns"));
    vgw_json_free(transcript);
    reply_turns(r, turns);
}

void vgw_api_messages_add(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_session *s = live_or_stored(r);
    uint32_t number;
    if (!s)
        return;
    if (s->state == VGW_SESSION_STOPPED) {
        vgw_api_fail(r, VGW_EBUSY, NULL, "the session has ended");
        return;
    }
    int status =
        vgw_session_add_turn(s, vgw_json_get_string(r->body, "role", ""), vgw_json_get_string(r->body, "content", ""),
                             vgw_json_get_double(r->body, "latency_ms", -1), -1, false, NULL, &number);
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, "the transcript of this session is full");
        return;
    }
    vgw_session_touch(s);
    struct vgw_json *transcript = vgw_session_transcript_json(s);
    const struct vgw_json *turns = vgw_json_get(transcript, "turns");
    struct vgw_json *turn = vgw_json_ref(vgw_json_at(turns, vgw_json_count(turns) - 1));
    vgw_json_free(transcript);
    vgw_api_reply(r, 201, turn);
}

/* ---- end ---- */

void vgw_api_sessions_end(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_session *s = live_or_stored(r);
    struct vgw_error err = {0};
    if (!s)
        return;
    if (s->state == VGW_SESSION_STOPPED) {
        vgw_api_fail(r, VGW_EBUSY, NULL, "the session has ended");
        return;
    }
    struct vgw_json *before = vgw_session_to_json(s, false);
    int status =
        vgw_calls_session_end(r->api->env.calls, s, vgw_json_get_string(r->body, "reason", "ended by the API"), &err);
    if (status != VGW_OK) {
        vgw_json_free(before);
        vgw_api_fail_error(r, &err);
        return;
    }
    s = vgw_calls_session_find(r->api->env.calls, r->id[0]);
    bool over = !s || s->state == VGW_SESSION_STOPPED;
    if (s) {
        vgw_json_free(before);
        before = vgw_session_to_json(s, false);
    } else {
        vgw_json_set_string(before, "state", "stopped");
    }
    vgw_api_reply(r, over ? 200 : 202, before);
}
