/* idempotency.c - answers by key, oldest first. */
#include "api/idempotency.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"

struct entry {
    struct vgw_list link;
    char *key;
    uint64_t hash;
    size_t len;
    int64_t end_us;
    bool done;
    struct vgw_kept_answer answer;
};
struct vgw_idempotency {
    struct vgw_map *by_key;
    struct vgw_list order;
    size_t max;
};

static void entry_free(void *value)
{
    struct entry *e = value;
    vgw_list_remove(&e->link);
    vgw_free(e->key);
    vgw_free(e->answer.content_type);
    vgw_free(e->answer.header);
    vgw_free(e->answer.body);
    vgw_free(e);
}

struct vgw_idempotency *vgw_idempotency_new(size_t max)
{
    struct vgw_idempotency *s;
    if (!VGW_NEW(s))
        return NULL;
    vgw_list_init(&s->order);
    s->max = max ? max : VGW_IDEMPOTENCY_MAX;
    s->by_key = vgw_map_new(entry_free);
    if (s->by_key)
        return s;
    vgw_free(s);
    return NULL;
}

void vgw_idempotency_free(struct vgw_idempotency *s)
{
    if (!s)
        return;
    vgw_map_free(s->by_key);
    vgw_free(s);
}

size_t vgw_idempotency_count(const struct vgw_idempotency *s)
{
    return vgw_map_count(s->by_key);
}

/* Old answers go; what is under way stays, whatever its age. */
static bool make_room(struct vgw_idempotency *s, int64_t now_us)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &s->order) {
        struct entry *e = VGW_CONTAINER_OF(p, struct entry, link);
        bool full = vgw_map_count(s->by_key) >= s->max;
        if (e->end_us > now_us && !full)
            break;
        if (e->done)
            vgw_map_remove(s->by_key, e->key);
    }
    return vgw_map_count(s->by_key) < s->max;
}

enum vgw_idempotency_result vgw_idempotency_begin(struct vgw_idempotency *s, const char *key, const char *body,
                                                  size_t len, int64_t now_us, const struct vgw_kept_answer **ret_answer)
{
    uint64_t hash = vgw_hash64(body, len);
    struct entry *e = vgw_map_get(s->by_key, key);
    if (e && e->done && e->end_us <= now_us) {
        vgw_map_remove(s->by_key, key);
        e = NULL;
    }
    if (e) {
        if (e->hash != hash || e->len != len)
            return VGW_IDEMPOTENCY_DIFFERENT;
        if (!e->done)
            return VGW_IDEMPOTENCY_IN_FLIGHT;
        *ret_answer = &e->answer;
        return VGW_IDEMPOTENCY_REPEATED;
    }
    if (!make_room(s, now_us) || !VGW_NEW(e))
        return VGW_IDEMPOTENCY_FULL;
    *e = (struct entry){.hash = hash, .len = len, .end_us = now_us + VGW_IDEMPOTENCY_US, .key = vgw_strdup(key)};
    if (!e->key || vgw_map_set(s->by_key, key, e) != 0) {
        entry_free(e);
        return VGW_IDEMPOTENCY_FULL;
    }
    vgw_list_append(&s->order, &e->link);
    return VGW_IDEMPOTENCY_NEW;
}

void vgw_idempotency_keep(struct vgw_idempotency *s, const char *key, const struct vgw_kept_answer *answer)
{
    struct entry *e = vgw_map_get(s->by_key, key);
    if (!e)
        return;
    e->done = true;
    e->answer = (struct vgw_kept_answer){.http_status = answer->http_status,
                                         .content_type = vgw_strdup(answer->content_type),
                                         .header = vgw_strdup(answer->header),
                                         .body = vgw_strndup(answer->body, answer->body_len),
                                         .body_len = answer->body_len};
    bool failed =
        !e->answer.body || (answer->header && !e->answer.header) || (answer->content_type && !e->answer.content_type);
    if (failed)
        vgw_map_remove(s->by_key, key);
}

void vgw_idempotency_forget(struct vgw_idempotency *s, const char *key)
{
    vgw_map_remove(s->by_key, key);
}
