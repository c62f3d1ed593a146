/* throttle.c - token buckets. */
#include "api/throttle.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"

struct bucket {
    struct vgw_list link; /* the one that was used last stands at the end */
    double tokens;
    int64_t filled_us;
    char *name;
};
struct vgw_throttle {
    struct vgw_map *by_name;
    struct vgw_list order;
};

static void bucket_free(void *value)
{
    struct bucket *b = value;
    vgw_list_remove(&b->link);
    vgw_free(b->name);
    vgw_free(b);
}

struct vgw_throttle *vgw_throttle_new(void)
{
    struct vgw_throttle *t;
    if (!VGW_NEW(t))
        return NULL;
    vgw_list_init(&t->order);
    t->by_name = vgw_map_new(bucket_free);
    if (t->by_name)
        return t;
    vgw_free(t);
    return NULL;
}

void vgw_throttle_free(struct vgw_throttle *t)
{
    if (!t)
        return;
    vgw_map_free(t->by_name);
    vgw_free(t);
}

static double burst_of(double per_second)
{
    double burst = per_second >= 1 ? per_second : per_second * 60;
    return burst < 1 ? 1 : burst;
}

static struct bucket *bucket_new(struct vgw_throttle *t, const char *name, double tokens, int64_t now_us)
{
    struct bucket *b;
    if (vgw_map_count(t->by_name) >= VGW_THROTTLE_MAX)
        vgw_map_remove(t->by_name, VGW_CONTAINER_OF(t->order.next, struct bucket, link)->name);
    if (!VGW_NEW(b))
        return NULL;
    b->tokens = tokens;
    b->filled_us = now_us;
    b->name = vgw_strdup(name);
    if (!b->name || vgw_map_set(t->by_name, name, b) != 0) {
        bucket_free(b);
        return NULL;
    }
    return b;
}

int64_t vgw_throttle_take(struct vgw_throttle *t, const char *name, double per_second, int64_t now_us, bool take)
{
    double burst = burst_of(per_second);
    struct bucket *b = vgw_map_get(t->by_name, name);
    if (per_second <= 0 || (!b && (!take || !(b = bucket_new(t, name, burst, now_us)))))
        return 0;
    if (now_us > b->filled_us)
        b->tokens += (double)(now_us - b->filled_us) * per_second / 1e6;
    b->filled_us = now_us;
    b->tokens = b->tokens > burst ? burst : b->tokens;
    vgw_list_remove(&b->link);
    vgw_list_append(&t->order, &b->link);
    if (b->tokens < 1)
        return (int64_t)((1 - b->tokens) / per_second * 1e6) + 1;
    if (take)
        b->tokens -= 1;
    return 0;
}
