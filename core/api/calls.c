/* calls.c - calls: list, place, show. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"

static const char *const filters[] = {"state", "status",  "provider",   "plugin",           "direction", "from",
                                      "to",    "call_id", "session_id", "provider_call_id", NULL};

#define ID_TIME 15 /* "call-" and ten characters of time */

/* A page of calls: the live ones, newest first, then what the store has. The cursor is "l:<call_id>" within the live
 * ones, "s:<store's>" behind them. */
struct page {
    struct vgw_json *items;
    uint32_t limit;
    char *store_cursor;
};

static void page_free(void *state)
{
    struct page *p = state;
    vgw_json_free(p->items);
    vgw_free(p->store_cursor);
    vgw_free(p);
}

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

/* The newest live call older than `before` (NULL: the newest). When `before` is over, its id tells its age to the
 * millisecond: those of the same millisecond are shown again rather than lost. */
static struct vgw_call *call_before(struct vgw_calls *calls, const char *before)
{
    struct vgw_call *best = NULL, *last = NULL;
    for (struct vgw_call *c = vgw_calls_next(calls, NULL); c; c = vgw_calls_next(calls, c)) {
        if (before && strcmp(c->call_id, before) == 0)
            return last;
        if (!before || strncmp(c->call_id, before, ID_TIME) <= 0)
            best = c;
        last = c;
    }
    return best;
}

/* Fills the page with live calls. Returns a cursor when it was full before they ended; the caller frees. */
static char *add_live(struct vgw_api_request *r, struct page *p, const struct vgw_json *filter, const char *before)
{
    struct vgw_calls *calls = r->api->env.calls;
    struct vgw_call **order = vgw_calloc(vgw_calls_count(calls) + 64, sizeof *order);
    size_t n = 0, cap = vgw_calls_count(calls) + 64;
    char *cursor = NULL;
    struct vgw_call *newest = call_before(calls, before);
    for (struct vgw_call *c = newest && order ? vgw_calls_next(calls, NULL) : NULL; c && n < cap;
         c = c == newest ? NULL : vgw_calls_next(calls, c))
        order[n++] = c;
    while (n--) {
        const struct vgw_call *c = order[n];
        struct vgw_json *item = vgw_api_may_see(r, c->session->project_id) ? vgw_call_to_json(c) : NULL;
        if (!item || !takes(filter, item)) {
            vgw_json_free(item);
            continue;
        }
        vgw_json_append(p->items, item);
        if (vgw_json_count(p->items) < p->limit)
            continue;
        struct vgw_buf text;
        vgw_buf_init(&text, 256);
        vgw_buf_printf(&text, "l:%s", c->call_id);
        cursor = vgw_buf_take(&text);
        break;
    }
    vgw_free(order);
    return cursor;
}

static void reply_page(struct vgw_api_request *r, const char *cursor)
{
    struct page *p = r->state;
    struct vgw_json *items = p->items;
    p->items = NULL;
    vgw_api_reply(r, 200, vgw_api_list("calls", items, cursor));
}

static void on_calls(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct page *p = r->state;
    struct vgw_buf cursor;
    size_t n = vgw_json_count(rows);
    vgw_buf_init(&cursor, 1024);
    if (status == VGW_OK && n >= p->limit)
        vgw_buf_printf(&cursor, "s:%s", vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", ""));
    for (size_t i = 0; i < n && vgw_json_count(p->items) < p->limit; i++) {
        struct vgw_json *row = vgw_json_at(rows, i);
        const char *id = vgw_json_get_string(row, "call_id", "");
        if (vgw_calls_find(r->api->env.calls, id) || !vgw_api_may_see_row(r, row))
            continue;
        if (vgw_json_count(p->items) + 1 == p->limit && i + 1 < n) {
            vgw_buf_reset(&cursor);
            vgw_buf_printf(&cursor, "s:%s", vgw_json_get_string(row, "_cursor", ""));
        }
        vgw_json_append(p->items, vgw_api_call_row(vgw_json_copy(row)));
    }
    vgw_json_free(rows);
    bool more = cursor.len > 2;
    reply_page(r, more ? vgw_buf_str(&cursor) : NULL);
    vgw_buf_done(&cursor);
}

/* The store's columns bear other names than the API's fields: `from` and `to` are words of SQL. */
static void rename_filter(struct vgw_json *filter, const char *from, const char *to)
{
    if (vgw_json_has(filter, from))
        vgw_json_set_string(filter, to, vgw_json_get_string(filter, from, ""));
    vgw_json_del(filter, from);
}

void vgw_api_calls_list(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct page *p;
    uint32_t limit;
    struct vgw_json *filter;
    char *cursor, *next = NULL;
    if (!vgw_api_limit(r, &limit))
        return;
    filter = vgw_json_object();
    if (!VGW_NEW(p) || !filter || !vgw_api_filter(r, filters, filter)) {
        vgw_json_free(filter);
        vgw_free(p);
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    r->state = p;
    r->state_free = page_free;
    p->limit = limit;
    p->items = vgw_json_array();
    cursor = vgw_api_param(r, "cursor");
    bool in_store = cursor && vgw_starts_with(cursor, "s:");
    if (cursor && !in_store && !vgw_starts_with(cursor, "l:")) {
        vgw_api_fail(r, VGW_EINVALID, "cursor", "must be the next_cursor of the page before");
        vgw_json_free(filter);
        vgw_free(cursor);
        return;
    }
    if (!in_store)
        next = add_live(r, p, filter, cursor ? cursor + 2 : NULL);
    if (next || !r->api->env.store_query || vgw_json_count(p->items) >= limit) {
        reply_page(r, next);
        vgw_json_free(filter);
    } else {
        rename_filter(filter, "from", "from_number");
        rename_filter(filter, "to", "to_number");
        vgw_api_query(r, "calls", filter, limit, in_store ? cursor + 2 : NULL, on_calls);
    }
    vgw_free(next);
    vgw_free(cursor);
}

static bool read_outgoing(struct vgw_api_request *r, struct vgw_outgoing *out)
{
    const struct vgw_json *b = r->body;
    double seconds = vgw_json_get_double(b, "timeout_seconds", 0);
    *out = (struct vgw_outgoing){.to = vgw_json_get_string(b, "to", NULL),
                                 .from = vgw_json_get_string(b, "from", NULL),
                                 .provider = vgw_json_get_string(b, "provider", NULL),
                                 .project_id = vgw_json_get_string(b, "project_id", vgw_grant_project(r->grant)),
                                 .lead_id = vgw_json_get_string(b, "lead_id", NULL),
                                 .reservation_id = vgw_json_get_string(b, "reservation_id", NULL),
                                 .workflow = vgw_json_get_string(b, "workflow", NULL),
                                 .assistant = vgw_json_get_string(b, "assistant", NULL),
                                 .agent = vgw_json_get_string(b, "agent", NULL),
                                 .greeting = vgw_json_get_string(b, "greeting", NULL),
                                 .language = vgw_json_get_string(b, "language", NULL),
                                 .variables = vgw_json_get(b, "variables"),
                                 .documents = vgw_streq(vgw_json_get_string(b, "media", NULL), "twiml"),
                                 .ring_timeout_us = (int64_t)(seconds * (double)VGW_US_PER_S)};
    if (!vgw_api_may_see(r, out->project_id)) {
        vgw_api_problem(r, 403, "this token may not use that project_id", NULL);
        return false;
    }
    if (out->workflow && (out->assistant || out->agent)) {
        vgw_api_fail(r, VGW_EINVALID, out->agent ? "agent" : "assistant",
                     "give a workflow or an assistant or agent, not both");
        return false;
    }
    if (out->agent && (!r->api->env.agent_known || !r->api->env.agent_known(r->api->env.arg, out->agent))) {
        char detail[160];
        snprintf(detail, sizeof detail, "there is no agent %.80s under `agents:`", out->agent);
        vgw_api_fail(r, VGW_EINVALID, "agent", detail);
        return false;
    }
    if (out->assistant && r->api->env.registry &&
        !vgw_registry_current(r->api->env.registry, "assistants", out->assistant)) {
        char detail[160];
        snprintf(detail, sizeof detail, "there is no assistant %.80s under `assistants:`", out->assistant);
        vgw_api_fail(r, VGW_EINVALID, "assistant", detail);
        return false;
    }
    if (out->workflow && r->api->env.flow) {
        const struct vgw_flow_set *set = vgw_flow_engine_set(r->api->env.flow);
        if (!vgw_flow_set_workflow(set, out->workflow)) {
            char detail[256];
            const char *nearest = vgw_flow_set_nearest_workflow(set, out->workflow);
            snprintf(detail, sizeof detail, "there is no workflow %.80s%s%.80s%s", out->workflow,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
            vgw_api_fail(r, VGW_EINVALID, "workflow", detail);
            return false;
        }
    }
    return true;
}

void vgw_api_calls_place(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_outgoing out;
    struct vgw_call *call;
    struct vgw_error err = {0};
    char location[512];
    if (!read_outgoing(r, &out))
        return;
    int status = vgw_calls_place(r->api->env.calls, &out, &call, &err);
    if (status == VGW_ENOTFOUND && err.place[0])
        err.status = VGW_EINVALID;
    if (status != VGW_OK) {
        vgw_api_fail_error(r, &err);
        return;
    }
    snprintf(location, sizeof location, "Location: %s/calls/%s", vgw_api_config_now(r->api)->prefix, call->call_id);
    vgw_api_reply_with(r, 202, vgw_call_to_json(call), location);
}

/* What a search in the store is for. */
struct search {
    void (*found)(struct vgw_api_request *r, const struct vgw_json *row);
};

static void on_by_provider(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    const struct search *s = r->state;
    const struct vgw_json *row = vgw_json_at(rows, 0);
    if (status == VGW_OK)
        s->found(r, row && vgw_api_may_see_row(r, row) ? row : NULL);
    else
        vgw_api_fail(r, status, NULL, sentence);
    vgw_json_free(rows);
}

static void on_by_id(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    if (status != VGW_OK || vgw_json_count(rows)) {
        on_by_provider(r, status, sentence, rows);
        return;
    }
    vgw_json_free(rows);
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "provider_call_id", r->id[0]);
    vgw_api_query(r, "calls", filter, 1, NULL, on_by_provider);
}

void vgw_api_call_stored(struct vgw_api_request *r,
                         void (*found)(struct vgw_api_request *r, const struct vgw_json *row))
{
    struct search *s;
    if (!VGW_NEW(s)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    s->found = found;
    r->state = s;
    r->state_free = vgw_free;
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "call_id", r->id[0]);
    vgw_api_query(r, "calls", filter, 1, NULL, on_by_id);
}

static void show_row(struct vgw_api_request *r, const struct vgw_json *row)
{
    if (row)
        vgw_api_reply(r, 200, vgw_api_call_row(vgw_json_copy(row)));
    else
        vgw_api_not_found(r, "call", r->id[0]);
}

void vgw_api_calls_show(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_call *call = vgw_calls_find(r->api->env.calls, r->id[0]);
    if (call && vgw_api_may_see(r, call->session->project_id))
        vgw_api_reply(r, 200, vgw_call_to_json(call));
    else if (call || !r->api->env.store_query)
        vgw_api_not_found(r, "call", r->id[0]);
    else
        vgw_api_call_stored(r, show_row);
}
