#include <stddef.h>
#include <string.h>
#include "store/impl.h"
#include "base/alloc.h"
#include "base/str.h"

#define PURGE_ROWS 500u

enum kind { QUERY, CLAIM, ACQUIRE, RENEW, RELEASE, PURGE, TRIM, APPLY, TALLY };

struct request {
    struct vgw_job job;
    struct vgw_list link; /* while it is held */
    struct vgw_store *store;
    uint64_t after; /* writes that it must see */
    enum kind kind;
    char *name, *second, *cursor; /* table, queue or lease; filter, owner or batch */
    uint32_t n;
    int64_t now_us, ttl_us;
    uint64_t number; /* fence in and out; rows deleted or changed */
    uint32_t last_deleted;
    int64_t excess; /* of a trim: rows that are still to go; negative: not counted yet */
    vgw_store_fn fn;
    void *arg;
    struct vgw_json *rows;
    int status;
    char sentence[256];
};

static int32_t on_row(void *arg, const char *row_json)
{
    struct request *r = arg;
    struct vgw_json *row = NULL;
    struct vgw_error err;
    int rc = vgw_json_parse(row_json, strlen(row_json), &row, &err);
    if (rc == VGW_OK)
        rc = vgw_json_append(r->rows, row);
    if (rc != VGW_OK) {
        r->status = rc;
        vgw_strcopy(r->sentence, sizeof r->sentence, "a row of the store cannot be read");
    }
    return rc != VGW_OK;
}

static void add_number(struct request *r, const char *name)
{
    struct vgw_json *row = vgw_json_object();
    if (!row || vgw_json_set_int(row, name, (int64_t)r->number) != VGW_OK || vgw_json_append(r->rows, row) != VGW_OK)
        r->status = VGW_ELIMIT;
}

static int32_t on_count(void *arg, const char *row_json)
{
    struct request *r = arg;
    struct vgw_json *row = NULL;
    if (vgw_json_parse(row_json, strlen(row_json), &row, NULL) == VGW_OK)
        r->excess = vgw_json_get_int(row, "count", 0) - (int64_t)r->number;
    vgw_json_free(row);
    return 0;
}

static int tally(struct request *r, const char *filter, const char *what, voicegw_row row)
{
    const struct voicegw_store *table = r->store->options.table;
    if (table->size < offsetof(struct voicegw_store, tally) + sizeof table->tally || !table->tally)
        return VGW_EUNSUPPORTED;
    return table->tally(r->store->options.instance, r->name, filter, what, row, r);
}

/* Counted once, then the oldest in pieces. `number` is what is kept until it is counted, and what is deleted then. */
static int trim(struct request *r)
{
    const struct voicegw_store *table = r->store->options.table;
    if (r->excess < 0) {
        r->excess = 0;
        int status = tally(r, "{}", "{\"by\":[],\"sum\":[]}", on_count);
        r->number = 0;
        if (status != VGW_OK || r->excess <= 0) {
            r->excess = 0;
            return status;
        }
    }
    uint32_t n = r->excess < PURGE_ROWS ? (uint32_t)r->excess : PURGE_ROWS;
    return n ? table->purge(r->store->options.instance, r->name, INT64_MAX, n, &r->last_deleted) : VGW_OK;
}

static int call_plugin(struct request *r)
{
    const struct voicegw_store *table = r->store->options.table;
    void *instance = r->store->options.instance;
    switch (r->kind) {
    case QUERY:
        return table->query(instance, r->name, r->second, r->n, r->cursor, on_row, r);
    case CLAIM:
        return table->claim(instance, r->name, r->second, r->n, r->now_us, r->ttl_us, on_row, r);
    case ACQUIRE:
        return table->lease_acquire(instance, r->name, r->second, r->now_us, r->ttl_us, &r->number);
    case RENEW:
        return table->lease_renew(instance, r->name, r->second, r->number, r->now_us, r->ttl_us);
    case RELEASE:
        return table->lease_release(instance, r->name, r->second, r->number);
    case PURGE:
        return table->purge(instance, r->name, r->now_us, PURGE_ROWS, &r->last_deleted);
    case TRIM:
        return trim(r);
    case TALLY:
        return tally(r, r->second, r->cursor, on_row);
    case APPLY: {
        uint32_t changed = 0;
        int status = table->apply(instance, r->second, &changed);
        r->number = changed;
        return status;
    }
    }
    return VGW_EINTERNAL;
}

static void work(void *arg)
{
    struct request *r = arg;
    r->last_deleted = 0;
    int status = call_plugin(r);
    if (status != VGW_OK) {
        r->status = status;
        vgw_store_sentence(r->store, r->sentence, sizeof r->sentence);
    }
}

static void request_free(struct request *r)
{
    if (!r)
        return;
    vgw_json_free(r->rows);
    vgw_free(r->name);
    vgw_free(r->second);
    vgw_free(r->cursor);
    vgw_free(r);
}

static void done(void *arg)
{
    struct request *r = arg;
    struct vgw_store *store = r->store;
    if ((r->kind == PURGE || r->kind == TRIM) && r->status == VGW_OK) {
        r->number += r->last_deleted;
        r->excess -= r->last_deleted;
        bool more = r->kind == PURGE ? r->last_deleted == PURGE_ROWS : r->last_deleted && r->excess > 0;
        if (more && !store->closing && !store->freed && vgw_pool_submit(store->pool, &r->job) == VGW_OK)
            return;
    }
    if (r->status == VGW_OK && (r->kind == PURGE || r->kind == TRIM))
        add_number(r, "deleted");
    else if (r->status == VGW_OK && r->kind == ACQUIRE)
        add_number(r, "fence");
    else if (r->status == VGW_OK && r->kind == APPLY)
        add_number(r, "changed");
    if (store->freed) {
        r->status = VGW_EBUSY;
        vgw_strcopy(r->sentence, sizeof r->sentence, "the store is closed");
    }
    if (r->status != VGW_OK) {
        vgw_json_free(r->rows);
        r->rows = vgw_json_array();
    }
    store->request_count--;
    if (r->fn)
        r->fn(r->arg, r->status, r->sentence, r->rows);
    request_free(r);
    if (store->closing || store->freed)
        vgw_loop_post(store->loop, &store->end_task);
}

static void fail(struct request *r, int status, const char *sentence)
{
    r->status = status;
    vgw_strcopy(r->sentence, sizeof r->sentence, sentence);
    done(r);
}

void vgw_store_release(struct vgw_store *store)
{
    struct vgw_list ready, *pos, *nxt;
    vgw_list_init(&ready);
    VGW_LIST_EACH (pos, nxt, &store->held) {
        if (store->well && VGW_CONTAINER_OF(pos, struct request, link)->after > store->applied)
            break;
        vgw_list_remove(pos);
        vgw_list_append(&ready, pos);
    }
    while ((pos = vgw_list_pop(&ready))) {
        struct request *r = VGW_CONTAINER_OF(pos, struct request, link);
        if (vgw_pool_submit(store->pool, &r->job) != VGW_OK)
            fail(r, VGW_ELIMIT, "too much is waiting for the store");
    }
}

void vgw_store_end_held(struct vgw_store *store)
{
    struct vgw_list *pos;
    while ((pos = vgw_list_pop(&store->held)))
        fail(VGW_CONTAINER_OF(pos, struct request, link), VGW_EBUSY, "the store is closed");
}

/* Takes `second`. */
static int submit(struct vgw_store *store, struct request blank, const char *name, char *second, const char *cursor)
{
    struct request *r = NULL;
    if (store->freed || store->request_count >= VGW_STORE_REQUESTS_MAX || !VGW_NEW(r)) {
        vgw_free(second);
        return VGW_ELIMIT;
    }
    *r = blank;
    r->store = store;
    r->name = vgw_strdup(name);
    r->second = second;
    r->cursor = vgw_strdup(cursor);
    r->rows = vgw_json_array();
    r->job = (struct vgw_job){
        .work = work, .done = done, .arg = r, .home = store->loop, .lane = VGW_LANE_DB, .strand = store->strand};
    if (!r->name || !r->rows || (cursor && !r->cursor)) {
        request_free(r);
        return VGW_ELIMIT;
    }
    store->request_count++;
    r->after = r->kind == QUERY || r->kind == CLAIM || r->kind == APPLY || r->kind == TALLY ? store->queued : 0;
    if (store->well && r->after > store->applied) {
        vgw_list_append(&store->held, &r->link);
        vgw_store_pump(store);
        return VGW_OK;
    }
    if (vgw_pool_submit(store->pool, &r->job) != VGW_OK) {
        store->request_count--;
        request_free(r);
        return VGW_ELIMIT;
    }
    return VGW_OK;
}

int vgw_store_query(struct vgw_store *store, const char *table, const struct vgw_json *filter, uint32_t limit,
                    const char *cursor, vgw_store_fn fn, void *arg)
{
    char *text = filter ? vgw_json_text(filter, false) : vgw_strdup("{}");
    if (!text)
        return VGW_ELIMIT;
    return submit(
        store,
        (struct request){
            .kind = QUERY, .n = limit < VGW_STORE_ROWS_MAX ? limit : VGW_STORE_ROWS_MAX, .fn = fn, .arg = arg},
        table, text, cursor);
}

int vgw_store_claim(struct vgw_store *store, const char *queue, const char *owner, uint32_t n, int64_t ttl_us,
                    vgw_store_fn fn, void *arg)
{
    struct request r = {.kind = CLAIM,
                        .n = n < VGW_STORE_ROWS_MAX ? n : VGW_STORE_ROWS_MAX,
                        .now_us = vgw_wall(store->loop),
                        .ttl_us = ttl_us,
                        .fn = fn,
                        .arg = arg};
    return submit(store, r, queue, vgw_strdup(owner), NULL);
}

static int lease(struct vgw_store *store, struct request r, const char *name, const char *owner)
{
    char *copy = vgw_strdup(owner);
    r.now_us = vgw_wall(store->loop);
    return copy ? submit(store, r, name, copy, NULL) : VGW_ELIMIT;
}

int vgw_store_lease_acquire(struct vgw_store *store, const char *name, const char *owner, int64_t ttl_us,
                            vgw_store_fn fn, void *arg)
{
    return lease(store, (struct request){.kind = ACQUIRE, .ttl_us = ttl_us, .fn = fn, .arg = arg}, name, owner);
}

int vgw_store_lease_renew(struct vgw_store *store, const char *name, const char *owner, uint64_t fence, int64_t ttl_us,
                          vgw_store_fn fn, void *arg)
{
    return lease(store, (struct request){.kind = RENEW, .number = fence, .ttl_us = ttl_us, .fn = fn, .arg = arg}, name,
                 owner);
}

int vgw_store_lease_release(struct vgw_store *store, const char *name, const char *owner, uint64_t fence,
                            vgw_store_fn fn, void *arg)
{
    return lease(store, (struct request){.kind = RELEASE, .number = fence, .fn = fn, .arg = arg}, name, owner);
}

int vgw_store_purge(struct vgw_store *store, const char *table, int64_t before_us, vgw_store_fn fn, void *arg)
{
    return submit(store, (struct request){.kind = PURGE, .now_us = before_us, .fn = fn, .arg = arg}, table, NULL, NULL);
}

int vgw_store_trim(struct vgw_store *store, const char *table, uint64_t keep, vgw_store_fn fn, void *arg)
{
    return submit(store, (struct request){.kind = TRIM, .number = keep, .excess = -1, .fn = fn, .arg = arg}, table,
                  NULL, NULL);
}

int vgw_store_apply(struct vgw_store *store, struct vgw_json *ops, vgw_store_fn fn, void *arg)
{
    char *text = ops ? vgw_json_text(ops, false) : NULL;
    vgw_json_free(ops);
    if (!text)
        return VGW_ELIMIT;
    return submit(store, (struct request){.kind = APPLY, .fn = fn, .arg = arg}, "", text, NULL);
}

int vgw_store_tally(struct vgw_store *store, const char *table, const struct vgw_json *filter,
                    const struct vgw_json *what, vgw_store_fn fn, void *arg)
{
    char *text = filter ? vgw_json_text(filter, false) : vgw_strdup("{}"), *wanted = vgw_json_text(what, false);
    int rc = VGW_ELIMIT;
    if (text && wanted)
        rc = submit(store, (struct request){.kind = TALLY, .fn = fn, .arg = arg}, table, text, wanted);
    else
        vgw_free(text);
    vgw_free(wanted);
    return rc;
}
