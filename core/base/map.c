/* map.c - entries in order of insertion, and an open-addressed table of their places. */
#include "base/map.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include <stdint.h>
#include <string.h>

struct entry {
    char *key; /* owned; NULL: removed */
    void *value;
    uint64_t hash;
};

struct vgw_map {
    void (*free_value)(void *value);
    struct entry *entries;
    size_t used, live, cap; /* places taken, of them not removed, places there are */
    uint32_t *slots;        /* place + 1, 0: free; twice as many as places, a power of two */
};

#define MAP_FIRST_CAP 8
#define MAP_CAP_MAX ((size_t)1 << 30)

struct vgw_map *vgw_map_new(void (*free_value)(void *value))
{
    struct vgw_map *m;
    if (!VGW_NEW(m))
        return NULL;
    m->free_value = free_value;
    return m;
}

static void drop_value(struct vgw_map *m, void *value)
{
    if (m->free_value && value)
        m->free_value(value);
}

void vgw_map_free(struct vgw_map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->used; i++) {
        if (!m->entries[i].key)
            continue;
        vgw_free(m->entries[i].key);
        drop_value(m, m->entries[i].value);
    }
    vgw_free(m->entries);
    vgw_free(m->slots);
    vgw_free(m);
}

static void slot_put(uint32_t *slots, size_t mask, uint64_t hash, size_t place)
{
    size_t i = (size_t)hash & mask;
    while (slots[i])
        i = (i + 1) & mask;
    slots[i] = (uint32_t)(place + 1);
}

static struct entry *find(const struct vgw_map *m, const char *key)
{
    if (!m || !key || !m->cap)
        return NULL;
    uint64_t hash = vgw_hash64(key, strlen(key));
    size_t mask = m->cap * 2 - 1;
    /* Removed entries keep their slot until the next rebuild, so a chain is never broken. */
    for (size_t i = (size_t)hash & mask; m->slots[i]; i = (i + 1) & mask) {
        struct entry *e = &m->entries[m->slots[i] - 1];
        if (e->key && e->hash == hash && !strcmp(e->key, key))
            return e;
    }
    return NULL;
}

/* Makes room for one more entry: squeezes the removed ones out, and grows when half is in use. */
static int rebuild(struct vgw_map *m)
{
    size_t cap = m->cap ? m->cap : MAP_FIRST_CAP;
    if (m->live >= cap / 2 && m->cap)
        cap *= 2;
    if (cap > MAP_CAP_MAX)
        return VGW_ELIMIT;
    struct entry *entries = vgw_calloc(cap, sizeof *entries);
    uint32_t *slots = vgw_calloc(cap * 2, sizeof *slots);
    if (!entries || !slots) {
        vgw_free(entries);
        vgw_free(slots);
        return VGW_ELIMIT;
    }
    size_t n = 0;
    for (size_t i = 0; i < m->used; i++) {
        if (!m->entries[i].key)
            continue;
        entries[n] = m->entries[i];
        slot_put(slots, cap * 2 - 1, entries[n].hash, n);
        n++;
    }
    vgw_free(m->entries);
    vgw_free(m->slots);
    m->entries = entries;
    m->slots = slots;
    m->used = n;
    m->cap = cap;
    return VGW_OK;
}

int vgw_map_set(struct vgw_map *m, const char *key, void *value)
{
    struct entry *e = find(m, key);
    if (e) {
        if (e->value != value)
            drop_value(m, e->value);
        e->value = value;
        return VGW_OK;
    }
    char *copy = vgw_strdup(key);
    if (!copy)
        return VGW_ELIMIT;
    if (m->used == m->cap && rebuild(m) < 0) {
        vgw_free(copy);
        return VGW_ELIMIT;
    }
    e = &m->entries[m->used];
    e->key = copy;
    e->value = value;
    e->hash = vgw_hash64(key, strlen(key));
    slot_put(m->slots, m->cap * 2 - 1, e->hash, m->used);
    m->used++;
    m->live++;
    return VGW_OK;
}

void *vgw_map_get(const struct vgw_map *m, const char *key)
{
    struct entry *e = find(m, key);
    return e ? e->value : NULL;
}

bool vgw_map_has(const struct vgw_map *m, const char *key)
{
    return find(m, key) != NULL;
}

static void *detach(struct vgw_map *m, struct entry *e)
{
    void *value = e->value;
    vgw_free(e->key);
    e->key = NULL;
    e->value = NULL;
    m->live--;
    return value;
}

bool vgw_map_remove(struct vgw_map *m, const char *key)
{
    struct entry *e = find(m, key);
    if (!e)
        return false;
    drop_value(m, detach(m, e));
    return true;
}

void *vgw_map_take(struct vgw_map *m, const char *key)
{
    struct entry *e = find(m, key);
    return e ? detach(m, e) : NULL;
}

size_t vgw_map_count(const struct vgw_map *m)
{
    return m ? m->live : 0;
}

bool vgw_map_next(const struct vgw_map *m, size_t *cursor, const char **ret_key, void **ret_value)
{
    if (!m)
        return false;
    while (*cursor < m->used) {
        const struct entry *e = &m->entries[(*cursor)++];
        if (!e->key)
            continue;
        if (ret_key)
            *ret_key = e->key;
        if (ret_value)
            *ret_value = e->value;
        return true;
    }
    return false;
}
