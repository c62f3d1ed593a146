/* erase.c - taking what is known of a call or a caller out of the store, recordings included. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/inside.h"
#include "media/sound_file.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"

#define SESSIONS_MAX 500u
#define FILES_MAX 2000u

struct erase {
    struct vgw_json *sessions;   /* ids */
    struct vgw_json *files;      /* paths */
    struct vgw_json *recordings; /* ids */
    size_t next;
    struct vgw_job job;
    struct vgw_api_request *request;
    bool more;
};

static void erase_free(void *state)
{
    struct erase *e = state;
    vgw_json_free(e->sessions);
    vgw_json_free(e->files);
    vgw_json_free(e->recordings);
    vgw_free(e);
}

static void delete_of(struct vgw_json *batch, const char *table, const char *session_id)
{
    struct vgw_json *op = vgw_json_object(), *key = vgw_json_object();
    vgw_json_set_string(key, "session_id", session_id);
    vgw_json_set_string(op, "op", "delete");
    vgw_json_set_string(op, "table", table);
    vgw_json_set(op, "key", key);
    vgw_json_append(batch, op);
}

/* On the io lane. A file that is gone already is erased. */
static void remove_files(void *arg)
{
    struct erase *e = arg;
    for (size_t i = 0; i < vgw_json_count(e->files); i++) {
        char mark[1024 + 4]; /* that it is elsewhere, too */
        snprintf(mark, sizeof mark, "%s.s3", vgw_json_str(vgw_json_at(e->files, i)));
        unlink(vgw_json_str(vgw_json_at(e->files, i)));
        unlink(mark);
    }
}

static void finish(struct vgw_api_request *r)
{
    struct erase *e = r->state;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_int(o, "sessions", (int64_t)vgw_json_count(e->sessions));
    vgw_json_set_int(o, "recordings", (int64_t)(vgw_json_count(e->files) / VGW_SOUND_FORMATS));
    vgw_json_set_bool(o, "more", e->more);
    vgw_api_reply(r, 200, o);
}

static void on_removed(void *arg)
{
    struct erase *e = arg;
    finish(e->request);
}

static void on_deleted(void *arg, int status, const char *sentence)
{
    struct vgw_api_request *r = arg;
    struct erase *e = r->state;
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    vgw_log(VGW_LOG_INFO, NULL, "records were erased", "by", r->who, NULL);
    for (size_t i = 0; r->api->env.recording_erase && i < vgw_json_count(e->recordings); i++)
        r->api->env.recording_erase(r->api->env.arg, vgw_json_str(vgw_json_at(e->recordings, i)));
    e->request = r;
    e->job = (struct vgw_job){
        .work = remove_files, .done = on_removed, .arg = e, .home = r->api->env.loop, .lane = VGW_LANE_IO};
    if (!vgw_json_count(e->files) || !r->api->env.pool || vgw_pool_submit(r->api->env.pool, &e->job) != VGW_OK)
        finish(r);
}

static void delete_all(struct vgw_api_request *r)
{
    static const char *const tables[] = {"turns", "metrics", "events", "recordings", "calls", "sessions"};
    struct erase *e = r->state;
    struct vgw_json *batch = vgw_json_array();
    for (size_t i = 0; i < vgw_json_count(e->sessions); i++) {
        for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
            delete_of(batch, tables[t], vgw_json_str(vgw_json_at(e->sessions, i)));
    }
    r->api->env.store_apply(r->api->env.arg, batch, on_deleted, r);
}

static void next_recordings(struct vgw_api_request *r);

static void on_recordings(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct erase *e = r->state;
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    for (size_t i = 0; i < vgw_json_count(rows) && vgw_json_count(e->files) < (size_t)FILES_MAX * VGW_SOUND_FORMATS;
         i++) {
        const char *id = vgw_json_get_string(vgw_json_at(rows, i), "recording_id", "");
        char path[1024];
        if (!*id || strchr(id, '/'))
            continue;
        for (size_t k = 0; k < VGW_SOUND_FORMATS; k++) {
            char name[VGW_ID_MAX + 16];
            int n = snprintf(name, sizeof name, "%s.%s", id, vgw_sound_formats[k].name);
            if (n < 0 || (size_t)n >= sizeof name)
                continue;
            snprintf(path, sizeof path, "%s/%s", vgw_api_config_now(r->api)->recordings, name);
            vgw_json_append_string(e->files, path);
            vgw_json_append_string(e->recordings, name);
        }
    }
    vgw_json_free(rows);
    e->next++;
    next_recordings(r);
}

static void next_recordings(struct vgw_api_request *r)
{
    struct erase *e = r->state;
    if (e->next >= vgw_json_count(e->sessions)) {
        delete_all(r);
        return;
    }
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "session_id", vgw_json_str(vgw_json_at(e->sessions, e->next)));
    vgw_api_query(r, "recordings", filter, 100, NULL, on_recordings);
}

static void on_rows(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct erase *e = r->state;
    size_t n = vgw_json_count(rows);
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    e->more = n >= SESSIONS_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct vgw_json *row = vgw_json_at(rows, i);
        if (vgw_api_may_see_row(r, row))
            vgw_json_append_string(e->sessions, vgw_json_get_string(row, "session_id", ""));
    }
    vgw_json_free(rows);
    if (vgw_json_count(e->sessions))
        next_recordings(r);
    else
        vgw_api_problem(r, 404, "nothing is recorded under that name", NULL);
}

static bool is_live(struct vgw_api_request *r, const char *call, const char *caller)
{
    if (call && vgw_calls_find(r->api->env.calls, call))
        return true;
    for (struct vgw_session *s = vgw_calls_session_next(r->api->env.calls, NULL); caller && s;
         s = vgw_calls_session_next(r->api->env.calls, s)) {
        if (vgw_streq(s->caller_id, caller))
            return true;
    }
    return false;
}

void vgw_api_erase(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct erase *e;
    char *call = vgw_api_param(r, "call"), *caller = vgw_api_param(r, "caller");
    bool by_call = call && *call, by_caller = caller && *caller;
    struct vgw_json *filter = vgw_json_object();
    if (by_call == by_caller) {
        vgw_api_problem(r, 400, "name what is to be erased: ?call=ID or ?caller=NUMBER", NULL);
    } else if (is_live(r, by_call ? call : NULL, by_caller ? caller : NULL)) {
        vgw_api_fail(r, VGW_EBUSY, NULL, "a call of that name is up; end it first");
    } else if (!r->api->env.store_apply || !VGW_NEW(e)) {
        vgw_api_fail(r, VGW_ESTORAGE, NULL, "no store is configured");
    } else {
        e->sessions = vgw_json_array();
        e->files = vgw_json_array();
        e->recordings = vgw_json_array();
        r->state = e;
        r->state_free = erase_free;
        vgw_json_set_string(filter, by_call ? "call_id" : "caller_id", by_call ? call : caller);
        vgw_api_query(r, by_call ? "calls" : "sessions", vgw_json_ref(filter), SESSIONS_MAX, NULL, on_rows);
    }
    vgw_json_free(filter);
    vgw_free(call);
    vgw_free(caller);
}
