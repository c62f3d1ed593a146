/* ratelimit.c - token buckets with a bounded memory. */
#include "net/ratelimit.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"
#include "base/time.h"

struct bucket {
    struct vgw_list link; /* limiter->recent, least recently used first */
    char *key;
    double tokens;
    int64_t filled_us;
};

struct vgw_ratelimit {
    struct vgw_map *map;
    struct vgw_list recent;
    double per_second, burst;
    size_t max_keys;
};

static void bucket_free(void *value)
{
    struct bucket *b = value;
    vgw_list_remove(&b->link);
    vgw_free(b->key);
    vgw_free(b);
}

void vgw_ratelimit_set(struct vgw_ratelimit *l, double per_second, double burst)
{
    l->per_second = per_second > 0 ? per_second : 0;
    l->burst = burst >= 1 ? burst : 1;
}

struct vgw_ratelimit *vgw_ratelimit_new(double per_second, double burst, size_t max_keys)
{
    struct vgw_ratelimit *l;
    if (!VGW_NEW(l))
        return NULL;
    vgw_list_init(&l->recent);
    l->map = vgw_map_new(bucket_free);
    l->max_keys = max_keys ? max_keys : 10000;
    vgw_ratelimit_set(l, per_second, burst);
    if (!l->map) {
        vgw_free(l);
        return NULL;
    }
    return l;
}

void vgw_ratelimit_free(struct vgw_ratelimit *l)
{
    if (!l)
        return;
    vgw_map_free(l->map);
    vgw_free(l);
}

size_t vgw_ratelimit_count(const struct vgw_ratelimit *l)
{
    return vgw_map_count(l->map);
}

static double tokens_now(const struct vgw_ratelimit *l, const struct bucket *b, int64_t now_us)
{
    double since = now_us > b->filled_us ? (double)(now_us - b->filled_us) / (double)VGW_US_PER_S : 0;
    double tokens = b->tokens + since * l->per_second;
    return tokens < l->burst ? tokens : l->burst;
}

static bool answer(const struct vgw_ratelimit *l, double tokens, int64_t *ret_wait_us)
{
    bool ok = tokens >= 1;
    if (!ok && ret_wait_us) {
        double seconds = l->per_second > 0 ? (1 - tokens) / l->per_second : 86400;
        *ret_wait_us = seconds < 86400 ? (int64_t)(seconds * (double)VGW_US_PER_S) + 1 : 86400 * VGW_US_PER_S;
    }
    return ok;
}

static struct bucket *make(struct vgw_ratelimit *l, const char *key, int64_t now_us)
{
    struct bucket *b;
    while (vgw_map_count(l->map) >= l->max_keys)
        vgw_map_remove(l->map, VGW_CONTAINER_OF(l->recent.next, struct bucket, link)->key);
    if (!VGW_NEW(b))
        return NULL;
    b->key = vgw_strdup(key);
    b->tokens = l->burst;
    b->filled_us = now_us;
    if (!b->key || vgw_map_set(l->map, key, b) < 0) {
        bucket_free(b);
        return NULL;
    }
    return b;
}

bool vgw_ratelimit_peek(const struct vgw_ratelimit *l, const char *key, int64_t now_us, int64_t *ret_wait_us)
{
    const struct bucket *b = vgw_map_get(l->map, key);
    return !b || answer(l, tokens_now(l, b, now_us), ret_wait_us);
}

bool vgw_ratelimit_take(struct vgw_ratelimit *l, const char *key, int64_t now_us, int64_t *ret_wait_us)
{
    struct bucket *b = vgw_map_get(l->map, key);
    if (!b)
        b = make(l, key, now_us);
    if (!b)
        return true;
    vgw_list_remove(&b->link);
    vgw_list_append(&l->recent, &b->link);
    b->tokens = tokens_now(l, b, now_us);
    if (now_us > b->filled_us)
        b->filled_us = now_us;
    if (!answer(l, b->tokens, ret_wait_us))
        return false;
    b->tokens -= 1;
    return true;
}
