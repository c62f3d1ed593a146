/* past.c - events from the store, until the ring can take over. Each page asks for what is older than the ring's oldest
 * event at that moment; once such a page is short and the ring has not moved on meanwhile, the two meet. */
#include "api/past.h"

#include "api/inside.h"
#include "base/alloc.h"
#include "event/ring.h"

struct vgw_past {
    struct vgw_list link; /* of the API */
    struct vgw_api *api;
    void (*opened)(void *arg, int status); /* NULL: was called */
    void (*wake)(void *arg);
    void *arg;
    uint64_t last, bound;  /* read up to; the page's end, not included */
    struct vgw_json *rows; /* the page; NULL: none yet */
    size_t at;
    struct vgw_event *event;     /* given last */
    bool asking, sending, freed; /* a query is under way; is being asked just now; the feed has gone meanwhile */
    int status;
};

static void past_free(struct vgw_past *p)
{
    vgw_list_remove(&p->link);
    vgw_json_free(p->rows);
    vgw_event_unref(p->event);
    vgw_free(p);
}

void vgw_past_free(struct vgw_past *p)
{
    if (!p)
        return;
    p->freed = true;
    if (!p->asking)
        past_free(p);
}

void vgw_pasts_end(struct vgw_api *api)
{
    struct vgw_list *first;
    while ((first = api->pasts.next) != &api->pasts) {
        struct vgw_past *p = VGW_CONTAINER_OF(first, struct vgw_past, link);
        void (*opened)(void *arg, int status) = p->freed ? NULL : p->opened;
        void *arg = p->arg;
        past_free(p);
        if (opened)
            opened(arg, VGW_EBUSY);
    }
}

/* Rows of a store that does not take what is written would hide a gap. */
static int judge(const struct vgw_past *p, int status)
{
    const struct vgw_api_env *env = &p->api->env;
    return status < 0 ? status : env->store_well && !env->store_well(env->arg) ? VGW_ESTORAGE : VGW_OK;
}

static void on_rows(void *done_arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_past *p = done_arg;
    p->asking = false;
    if (p->freed) {
        vgw_json_free(rows);
        past_free(p);
        return;
    }
    vgw_json_free(p->rows);
    p->rows = rows;
    p->at = 0;
    p->status = judge(p, status);
    if (!p->sending)
        p->wake(p->arg);
}

/* The numbers of events are this gateway's own; others that share the store have theirs. */
static int of_ours(const struct vgw_past *p, struct vgw_json *filter)
{
    struct vgw_json *nodes = vgw_json_array();
    int failed = nodes ? 0 : VGW_ELIMIT;
    failed |= vgw_json_append_string(nodes, ""); /* from before gateways told theirs apart */
    failed |= vgw_json_append_string(nodes, p->api->env.node ? p->api->env.node : "");
    failed |= vgw_json_set(filter, "node", nodes);
    return failed;
}

static void ask(struct vgw_past *p)
{
    struct vgw_json *filter = vgw_json_object();
    p->bound = vgw_ring_oldest(vgw_bus_ring(p->api->env.bus));
    if (!filter || vgw_json_set_int(filter, "event_id>", (int64_t)p->last) ||
        vgw_json_set_int(filter, "event_id<", (int64_t)p->bound) || vgw_json_set_string(filter, "order", "asc") ||
        of_ours(p, filter)) {
        vgw_json_free(filter);
        p->status = VGW_ELIMIT;
        return;
    }
    p->asking = p->sending = true;
    p->api->env.store_query(p->api->env.arg, "events", filter, VGW_PAST_PAGE, NULL, on_rows, p);
    p->sending = false;
}

static void tell_opened(struct vgw_past *p, int status)
{
    void (*opened)(void *arg, int status) = p->opened;
    p->opened = NULL;
    opened(p->arg, status);
}

/* Is there anything as old as what the client has seen? Then what came since is there too. */
static void on_reach(void *done_arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_past *p = done_arg;
    bool reaches = p->last == 0 || vgw_json_count(rows) > 0;
    vgw_json_free(rows);
    p->asking = false;
    if (p->freed) {
        past_free(p);
        return;
    }
    status = judge(p, status);
    tell_opened(p, status == VGW_OK && !reaches ? VGW_ENOTFOUND : status);
}

struct vgw_past *vgw_past_new(struct vgw_api *api, uint64_t last_id, void (*wake)(void *arg), void *arg)
{
    struct vgw_past *p;
    if (!VGW_NEW(p))
        return NULL;
    p->api = api;
    p->wake = wake;
    p->arg = arg;
    p->last = last_id;
    vgw_list_append(&api->pasts, &p->link);
    return p;
}

void vgw_past_open(struct vgw_past *p, void (*opened)(void *arg, int status))
{
    const struct vgw_api_env *env = &p->api->env;
    struct vgw_json *filter = vgw_json_object();
    p->opened = opened;
    if (!filter || vgw_json_set_int(filter, p->last ? "event_id<=" : "event_id>", (int64_t)p->last) ||
        of_ours(p, filter)) {
        vgw_json_free(filter);
        tell_opened(p, VGW_ELIMIT);
        return;
    }
    p->asking = true;
    env->store_query(env->arg, "events", filter, 1, NULL, on_reach, p);
}

/* The store's row as the event that it was: filters and feeds see no difference. */
static struct vgw_event *event_of(const struct vgw_json *row)
{
    const struct vgw_event_about about = {.session_id = vgw_json_get_string(row, "session_id", NULL),
                                          .call_id = vgw_json_get_string(row, "call_id", NULL),
                                          .provider_call_id = vgw_json_get_string(row, "provider_call_id", NULL),
                                          .provider = vgw_json_get_string(row, "provider", NULL),
                                          .plugin = vgw_json_get_string(row, "plugin", NULL),
                                          .project_id = vgw_json_get_string(row, "project_id", NULL)};
    const struct vgw_json *data = vgw_json_get(row, "data");
    bool has_data = vgw_json_type(data) == VGW_JSON_OBJECT;
    struct vgw_json *copy = has_data ? vgw_json_copy(data) : NULL;
    const char *name = vgw_json_get_string(row, "type", "");
    struct vgw_event *e = has_data && !copy ? NULL : vgw_event_new(name, &about, copy, 0);
    if (!e)
        return NULL;
    e->id = (uint64_t)vgw_json_get_int(row, "event_id", 0);
    e->wall_us = vgw_json_get_int(row, "time", 0);
    return e;
}

/* A page is used up. True: the ring goes on. */
static bool turn_page(struct vgw_past *p)
{
    bool is_short = p->rows && vgw_json_count(p->rows) < VGW_PAST_PAGE;
    if (is_short && p->bound > p->last + 1)
        p->last = p->bound - 1;
    if (is_short && vgw_ring_oldest(vgw_bus_ring(p->api->env.bus)) <= p->bound)
        return true;
    ask(p);
    return false;
}

enum vgw_past_result vgw_past_next(struct vgw_past *p, struct vgw_event **ret_event)
{
    vgw_event_unref(p->event);
    p->event = NULL;
    if (p->asking)
        return VGW_PAST_WAIT;
    if (p->status == VGW_OK && p->at == vgw_json_count(p->rows)) {
        if (turn_page(p))
            return VGW_PAST_JOIN;
        if (p->asking)
            return VGW_PAST_WAIT;
    }
    if (p->status != VGW_OK || !(p->event = event_of(vgw_json_at(p->rows, p->at))))
        return VGW_PAST_FAILED;
    p->at++;
    p->last = p->event->id;
    *ret_event = p->event;
    return VGW_PAST_EVENT;
}

uint64_t vgw_past_last(const struct vgw_past *p)
{
    return p->last;
}
