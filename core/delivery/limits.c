/* limits.c - a bucket and a count for each key in use. */
#include "delivery/limits.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/time.h"

#define SLACK_S 0.2 /* a bucket holds what comes in so long, so that a late turn of the loop loses nothing */
#define KEPT_US (60 * VGW_US_PER_S) /* a key that is not in use is forgotten after that */
#define SWEEP_EVERY 1024u

struct entry {
    double tokens;
    int64_t filled_us;
    uint32_t used;
    bool begun;
};
struct vgw_limits {
    struct vgw_limit limits[VGW_LIMIT_KINDS];
    struct vgw_map *entries[VGW_LIMIT_KINDS];
    uint32_t rank, members;
    uint32_t takes;
};

struct vgw_limits *vgw_limits_new(void)
{
    struct vgw_limits *l;
    bool fine = true;
    if (!VGW_NEW(l))
        return NULL;
    l->members = 1;
    for (int k = 0; k < VGW_LIMIT_KINDS; k++)
        fine = (l->entries[k] = vgw_map_new(vgw_free)) && fine;
    if (fine)
        return l;
    vgw_limits_free(l);
    return NULL;
}

void vgw_limits_free(struct vgw_limits *l)
{
    for (int k = 0; l && k < VGW_LIMIT_KINDS; k++)
        vgw_map_free(l->entries[k]);
    vgw_free(l);
}

void vgw_limits_set(struct vgw_limits *l, enum vgw_limit_kind kind, struct vgw_limit limit)
{
    l->limits[kind] = limit;
}

void vgw_limits_share(struct vgw_limits *l, uint32_t rank, uint32_t members)
{
    l->members = members ? members : 1;
    l->rank = rank < l->members ? rank : l->members - 1;
}

/* This gateway's part of a limit: the parts add up to the whole. */
static struct vgw_limit part_of(const struct vgw_limits *l, struct vgw_limit whole)
{
    uint32_t rest = whole.concurrent % l->members;
    return (struct vgw_limit){.rate = whole.rate / l->members,
                              .concurrent = whole.concurrent / l->members + (l->rank < rest)};
}

static struct vgw_limit limit_of(const struct vgw_limits *l, const struct vgw_limit_keys *keys, int kind)
{
    const struct vgw_limit *own = &keys->own[kind];
    return own->rate > 0 || own->concurrent ? *own : l->limits[kind];
}

static struct entry *entry_of(struct vgw_limits *l, int kind, const char *key)
{
    struct entry *e = vgw_map_get(l->entries[kind], key);
    if (e || !VGW_NEW(e))
        return e;
    if (vgw_map_set(l->entries[kind], key, e) == 0)
        return e;
    vgw_free(e);
    return NULL;
}

static void fill(struct entry *e, double rate, int64_t now_us)
{
    double most = rate * SLACK_S > 1 ? rate * SLACK_S : 1;
    if (!e->begun)
        e->tokens = 1; /* not the whole bucket: a start is no burst */
    else if (now_us > e->filled_us)
        e->tokens += (double)(now_us - e->filled_us) / (double)VGW_US_PER_S * rate;
    e->begun = true;
    e->filled_us = now_us;
    e->tokens = e->tokens < most ? e->tokens : most;
}

/* Entries of numbers and campaigns come and go. */
static void sweep(struct vgw_limits *l, int64_t now_us)
{
    const char *key;
    void *value;
    for (int k = 0; k < VGW_LIMIT_KINDS; k++)
        for (size_t i = 0; vgw_map_next(l->entries[k], &i, &key, &value);) {
            const struct entry *e = value;
            if (!e->used && now_us - e->filled_us > KEPT_US)
                vgw_map_remove(l->entries[k], key);
        }
}

bool vgw_limits_take(struct vgw_limits *l, const struct vgw_limit_keys *keys, int64_t now_us, int64_t *ret_wait_us,
                     const char **ret_why)
{
    struct entry *entries[VGW_LIMIT_KINDS] = {NULL};
    if (++l->takes % SWEEP_EVERY == 0)
        sweep(l, now_us);
    for (int k = 0; k < VGW_LIMIT_KINDS; k++) {
        struct vgw_limit whole = limit_of(l, keys, k), limit = part_of(l, whole);
        if (!keys->keys[k] || !keys->keys[k][0] || !(entries[k] = entry_of(l, k, keys->keys[k])))
            continue;
        if (whole.concurrent && entries[k]->used >= limit.concurrent) {
            *ret_wait_us = 0;
            *ret_why = "concurrent";
            return false;
        }
        if (whole.rate <= 0)
            continue;
        fill(entries[k], limit.rate, now_us);
        if (entries[k]->tokens < 1) {
            *ret_wait_us = (int64_t)((1 - entries[k]->tokens) / limit.rate * (double)VGW_US_PER_S) + 1;
            *ret_why = "rate";
            return false;
        }
    }
    for (int k = 0; k < VGW_LIMIT_KINDS; k++)
        if (entries[k]) {
            entries[k]->used++;
            if (limit_of(l, keys, k).rate > 0)
                entries[k]->tokens -= 1;
            else
                entries[k]->filled_us = now_us;
        }
    return true;
}

void vgw_limits_release(struct vgw_limits *l, const struct vgw_limit_keys *keys)
{
    for (int k = 0; k < VGW_LIMIT_KINDS; k++) {
        struct entry *e = keys->keys[k] ? vgw_map_get(l->entries[k], keys->keys[k]) : NULL;
        if (e && e->used)
            e->used--;
    }
}

uint32_t vgw_limits_used(const struct vgw_limits *l, enum vgw_limit_kind kind, const char *key)
{
    const struct entry *e = vgw_map_get(l->entries[kind], key);
    return e ? e->used : 0;
}
