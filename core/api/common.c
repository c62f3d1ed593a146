/* common.c - what handlers share: parameters, pages, rows of the store. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"

const struct vgw_api_config *vgw_api_config_now(const struct vgw_api *api)
{
    return api->env.config(api->env.arg);
}

char *vgw_api_param(const struct vgw_api_request *r, const char *name)
{
    struct vgw_http_request query = {.query = r->query};
    return vgw_http_query(&query, name);
}

bool vgw_api_limit(struct vgw_api_request *r, uint32_t *ret_limit)
{
    int64_t n = VGW_API_LIMIT_DEFAULT;
    char *text = vgw_api_param(r, "limit");
    bool fits = !text || (vgw_parse_i64(text, &n) && n >= 1 && n <= VGW_API_LIMIT_MAX);
    vgw_free(text);
    if (fits)
        *ret_limit = (uint32_t)n;
    else
        vgw_api_fail(r, VGW_EINVALID, "limit", "limit must be 1 to 500");
    return fits;
}

bool vgw_api_time(struct vgw_api_request *r, const char *name, int64_t *ret_wall_us)
{
    char *text = vgw_api_param(r, name);
    *ret_wall_us = 0;
    bool fits = !text || !*text || vgw_time_parse(text, ret_wall_us);
    vgw_free(text);
    if (!fits)
        vgw_api_fail(r, VGW_EINVALID, name, "must be a time as in 2026-02-01T12:34:56Z, or a date");
    return fits;
}

bool vgw_api_may_see(const struct vgw_api_request *r, const char *project_id)
{
    return vgw_grant_sees(r->grant, project_id);
}

struct vgw_json *vgw_api_list(const char *plural, struct vgw_json *items, const char *next_cursor)
{
    struct vgw_json *o = items ? vgw_json_object() : NULL;
    if (!o) {
        vgw_json_free(items);
        return NULL;
    }
    int failed = vgw_json_set_int(o, "count", (int64_t)vgw_json_count(items));
    failed |= vgw_json_set(o, plural, items);
    failed |= vgw_json_set_string(o, "next_cursor", next_cursor);
    if (!failed)
        return o;
    vgw_json_free(o);
    return NULL;
}

struct vgw_json *vgw_api_row(struct vgw_json *v)
{
    static const char *const names[] = {"created_at", "answered_at", "ended_at",   "start_time",    "end_time",
                                        "timestamp",  "time",        "started_at", "last_activity", "updated_at"};
    char text[VGW_TIME_TEXT];
    vgw_json_del(v, "_cursor");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct vgw_json *t = vgw_json_get(v, names[i]);
        if (!t || (vgw_json_type(t) != VGW_JSON_INT && vgw_json_type(t) != VGW_JSON_DOUBLE))
            continue;
        int64_t us = vgw_json_as_int(t, 0);
        vgw_json_set_string(v, names[i], us ? vgw_time_format(us, text) : NULL);
    }
    return v;
}

static void rename_key(struct vgw_json *o, const char *from, const char *to)
{
    if (vgw_json_has(o, from) && !vgw_json_has(o, to))
        vgw_json_set(o, to, vgw_json_copy(vgw_json_get(o, from)));
    vgw_json_del(o, from);
}

struct vgw_json *vgw_api_call_row(struct vgw_json *row)
{
    vgw_api_row(row);
    rename_key(row, "from_number", "from");
    rename_key(row, "to_number", "to");
    vgw_json_del(row, "updated_at");
    vgw_json_del(row, "details");
    vgw_json_del(row, "node");
    return row;
}

bool vgw_api_may_see_row(const struct vgw_api_request *r, const struct vgw_json *row)
{
    const char *project = vgw_json_get_string(row, "project_id", NULL);
    bool narrowed = r->grant && r->grant->projects;
    return project ? vgw_api_may_see(r, project) : !narrowed;
}

bool vgw_api_query(struct vgw_api_request *r, const char *table, struct vgw_json *filter, uint32_t limit,
                   const char *cursor, vgw_api_rows_fn done)
{
    const struct vgw_api_env *env = &r->api->env;
    if (!env->store_query || !filter) {
        vgw_json_free(filter);
        vgw_api_fail(r, env->store_query ? VGW_ELIMIT : VGW_ESTORAGE, NULL,
                     env->store_query ? "out of memory; try again in a moment" : "no store is configured");
        return false;
    }
    env->store_query(env->arg, table, filter, limit, cursor, done, r);
    return true;
}

bool vgw_api_filter(const struct vgw_api_request *r, const char *const *names, struct vgw_json *filter)
{
    int failed = 0;
    for (; *names; names++) {
        char *value = vgw_api_param(r, *names);
        if (value && *value)
            failed |= vgw_json_set_string(filter, *names, value);
        vgw_free(value);
    }
    return !failed;
}

struct vgw_call *vgw_api_call(const struct vgw_api_request *r, const char *id)
{
    struct vgw_call *call = vgw_calls_find(r->api->env.calls, id);
    return call && vgw_api_may_see(r, call->session->project_id) ? call : NULL;
}

struct vgw_session *vgw_api_session(const struct vgw_api_request *r, const char *id)
{
    struct vgw_session *s = vgw_calls_session_find(r->api->env.calls, id);
    return s && vgw_api_may_see(r, s->project_id) ? s : NULL;
}
