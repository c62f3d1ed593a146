/* history.c - records of conversations, each with its calls. */
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"

static const char *const filters[] = {"caller_id",  "status", "channel",        "direction",  "provider", "lead_id",
                                      "session_id", "plugin", "reservation_id", "project_id", NULL};

struct history {
    struct vgw_json *items; /* records; calls are still to be filled in from `next` on */
    struct vgw_json *filter;
    size_t next;
    uint32_t limit;
    char *cursor;
};

static void history_free(void *state)
{
    struct history *h = state;
    vgw_json_free(h->items);
    vgw_json_free(h->filter);
    vgw_free(h->cursor);
    vgw_free(h);
}

static void fill_next(struct vgw_api_request *r);

static void on_calls(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct history *h = r->state;
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    for (size_t i = 0; i < vgw_json_count(rows); i++)
        vgw_api_call_row(vgw_json_at(rows, i));
    vgw_json_set(vgw_json_at(h->items, h->next++), "calls", rows);
    fill_next(r);
}

static void fill_next(struct vgw_api_request *r)
{
    struct history *h = r->state;
    while (h->next < vgw_json_count(h->items) && vgw_json_has(vgw_json_at(h->items, h->next), "calls"))
        h->next++;
    if (h->next < vgw_json_count(h->items)) {
        struct vgw_json *filter = vgw_json_object();
        vgw_json_set_string(filter, "session_id",
                            vgw_json_get_string(vgw_json_at(h->items, h->next), "session_id", ""));
        vgw_json_set_string(filter, "order", "asc");
        vgw_api_query(r, "calls", filter, 100, NULL, on_calls);
        return;
    }
    struct vgw_json *items = h->items;
    h->items = NULL;
    char *cursor = h->cursor;
    h->cursor = NULL;
    vgw_api_reply(r, 200, vgw_api_list("records", items, cursor));
    vgw_free(cursor);
}

static bool listed(const struct vgw_json *items, const char *session_id)
{
    for (size_t i = 0; i < vgw_json_count(items); i++) {
        if (vgw_streq(vgw_json_get_string(vgw_json_at(items, i), "session_id", NULL), session_id))
            return true;
    }
    return false;
}

static void on_records(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct history *h = r->state;
    size_t n = vgw_json_count(rows);
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    if (n && n >= h->limit)
        h->cursor = vgw_strdup(vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", NULL));
    for (size_t i = 0; i < n; i++) {
        struct vgw_json *row = vgw_json_at(rows, i);
        const char *id = vgw_json_get_string(row, "session_id", "");
        if (vgw_api_may_see_row(r, row) && !listed(h->items, id))
            vgw_json_append(h->items, vgw_api_row(vgw_json_ref(row)));
    }
    vgw_json_free(rows);
    fill_next(r);
}

/* What has no record yet: sessions that live, or whose record is being written. */
static void add_live(struct vgw_api_request *r, struct history *h, int64_t from_us, int64_t to_us)
{
    const char *key;
    struct vgw_json *v;
    for (struct vgw_session *s = vgw_calls_session_next(r->api->env.calls, NULL); s;
         s = vgw_calls_session_next(r->api->env.calls, s)) {
        bool inside = s->created_wall_us >= from_us && (!to_us || s->created_wall_us < to_us);
        if (!vgw_api_may_see(r, s->project_id) || !inside || vgw_json_count(h->items) >= h->limit)
            continue;
        struct vgw_json *item = vgw_session_record_json(s);
        bool fits = item != NULL;
        for (size_t i = 0; fits && vgw_json_object_next(h->filter, &i, &key, &v);)
            fits = vgw_streq(vgw_json_get_string(item, key, NULL), vgw_json_str(v));
        if (fits)
            vgw_json_append(h->items, item);
        else
            vgw_json_free(item);
    }
}

void vgw_api_history(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct history *h;
    int64_t from_us, to_us;
    uint32_t limit;
    if (!vgw_api_limit(r, &limit) || !vgw_api_time(r, "from", &from_us) || !vgw_api_time(r, "to", &to_us))
        return;
    if (!VGW_NEW(h)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    r->state = h;
    r->state_free = history_free;
    h->limit = limit;
    h->items = vgw_json_array();
    h->filter = vgw_json_object();
    vgw_api_filter(r, filters, h->filter);
    char *caller = vgw_api_param(r, "caller"), *cursor = vgw_api_param(r, "cursor");
    if (caller && *caller)
        vgw_json_set_string(h->filter, "caller_id", caller);
    if (!cursor)
        add_live(r, h, from_us, to_us);
    struct vgw_json *filter = h->filter;
    h->filter = NULL;
    if (from_us)
        vgw_json_set_int(filter, "start_time>=", from_us);
    if (to_us)
        vgw_json_set_int(filter, "start_time<", to_us);
    if (r->api->env.store_query) {
        vgw_api_query(r, "sessions", filter, limit, cursor, on_records);
    } else {
        vgw_json_free(filter);
        fill_next(r);
    }
    vgw_free(caller);
    vgw_free(cursor);
}
