/* registry.c - actions by name, and the slots of those under way. */
#include "action/registry.h"
#include <string.h>
#include "action/offer.h"
#include "action/schema.h"
#include "base/alloc.h"
#include "base/map.h"
#include "base/metric.h"
#include "base/str.h"

#define MAX_LIVE_DEFAULT 10000
#define NAME_MAX_BYTES 64
#define PARAMS_MAX 64
#define GENERATION_MASK 0x7fffffffu /* a handle's highest bit stays clear, for users that mark their own */

struct entry {
    struct vgw_action_desc desc;
    struct vgw_arena *arena; /* the copies of names and tables */
    struct vgw_json *schema; /* instead of a table; or NULL */
};

struct slot {
    uint32_t generation;
    bool live;
    struct entry *entry;
    vgw_action_done done;
    void *arg;
    size_t next_free;
};

struct vgw_action_registry {
    struct vgw_map *entries;
    struct slot *slots;
    size_t slot_count, slot_cap, max_live;
    size_t free_head; /* index + 1; 0: none */
    struct vgw_action_counts counts;
};

static void entry_free(void *p)
{
    struct entry *e = p;
    if (!e)
        return;
    vgw_arena_free(e->arena);
    vgw_json_free(e->schema);
    vgw_free(e);
}

struct vgw_action_registry *vgw_action_registry_new(size_t max_live)
{
    struct vgw_action_registry *reg;
    if (!VGW_NEW(reg))
        return NULL;
    reg->max_live = max_live ? max_live : MAX_LIVE_DEFAULT;
    reg->entries = vgw_map_new(entry_free);
    if (!reg->entries) {
        vgw_free(reg);
        return NULL;
    }
    return reg;
}

static vgw_action_handle handle_of(const struct vgw_action_registry *reg, size_t i)
{
    return (uint64_t)reg->slots[i].generation << 32 | (uint64_t)(i + 1);
}

static struct slot *slot_find(const struct vgw_action_registry *reg, vgw_action_handle handle)
{
    size_t i = (size_t)(handle & 0xffffffffu);
    if (!reg || i == 0 || i > reg->slot_count)
        return NULL;
    struct slot *s = &reg->slots[i - 1];
    return s->live && s->generation == (uint32_t)(handle >> 32) ? s : NULL;
}

static void slot_release(struct vgw_action_registry *reg, struct slot *s)
{
    s->live = false;
    s->generation = (s->generation + 1) & GENERATION_MASK;
    s->generation += s->generation == 0;
    s->entry = NULL;
    s->done = NULL;
    s->next_free = reg->free_head;
    reg->free_head = (size_t)(s - reg->slots) + 1;
    reg->counts.live--;
}

static struct slot *slot_take(struct vgw_action_registry *reg)
{
    if (reg->counts.live >= reg->max_live)
        return NULL;
    struct slot *s;
    if (reg->free_head) {
        s = &reg->slots[reg->free_head - 1];
        reg->free_head = s->next_free;
    } else {
        if (reg->slot_count == reg->slot_cap) {
            size_t cap = reg->slot_cap ? reg->slot_cap * 2 : 16;
            struct slot *grown = vgw_realloc(reg->slots, cap * sizeof *grown);
            if (!grown)
                return NULL;
            reg->slots = grown;
            reg->slot_cap = cap;
        }
        s = &reg->slots[reg->slot_count++];
        *s = (struct slot){.generation = 1};
    }
    s->live = true;
    reg->counts.live++;
    return s;
}

void vgw_action_registry_free(struct vgw_action_registry *reg)
{
    if (!reg)
        return;
    for (size_t i = 0; i < reg->slot_count; i++) {
        if (reg->slots[i].live)
            vgw_action_cancel(reg, handle_of(reg, i));
    }
    vgw_map_free(reg->entries);
    vgw_free(reg->slots);
    vgw_free(reg);
}

static char *copy_text(struct vgw_arena *a, const char *s, bool *failed)
{
    if (!s)
        return NULL;
    char *copy = vgw_arena_strndup(a, s, strlen(s));
    if (!copy)
        *failed = true;
    return copy;
}

static bool copy_desc(struct entry *e, const struct vgw_action_desc *d)
{
    bool failed = false;
    struct vgw_action_param *params = NULL;
    e->desc = *d;
    e->desc.name = copy_text(e->arena, d->name, &failed);
    e->desc.description = copy_text(e->arena, d->description, &failed);
    e->desc.result = copy_text(e->arena, d->result, &failed);
    if (d->param_count) {
        params = vgw_arena_alloc(e->arena, d->param_count * sizeof *params);
        if (!params)
            return false;
        for (size_t i = 0; i < d->param_count; i++) {
            params[i] = d->params[i];
            params[i].name = copy_text(e->arena, d->params[i].name, &failed);
            params[i].choices = copy_text(e->arena, d->params[i].choices, &failed);
            params[i].description = copy_text(e->arena, d->params[i].description, &failed);
        }
    }
    e->desc.params = params;
    return !failed;
}

static bool name_is_good(const char *name)
{
    if (!name || !*name || strlen(name) > NAME_MAX_BYTES)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == strlen(name);
}

static int check_desc(const struct vgw_action_desc *desc, struct vgw_error *err)
{
    if (!name_is_good(desc->name))
        return vgw_error_set(err, VGW_EINVALID,
                             "\"%s\" cannot name an action: use 1 to %d letters, digits, '_', '-' or '.'",
                             desc->name ? desc->name : "", NAME_MAX_BYTES);
    if (!desc->run)
        return vgw_error_set(err, VGW_EINVALID, "action %s has no run function", desc->name);
    if (desc->param_count > PARAMS_MAX || (desc->param_count && !desc->params))
        return vgw_error_set(err, VGW_EINVALID, "action %s may list at most %d parameters", desc->name, PARAMS_MAX);
    for (size_t i = 0; i < desc->param_count; i++) {
        if (!name_is_good(desc->params[i].name))
            return vgw_error_set(err, VGW_EINVALID, "parameter %zu of action %s has no usable name", i + 1, desc->name);
    }
    return 0;
}

int vgw_action_register_schema(struct vgw_action_registry *reg, const struct vgw_action_desc *desc,
                               const struct vgw_json *schema, struct vgw_error *err)
{
    int rc = check_desc(desc, err);
    if (rc < 0)
        return rc;
    struct entry *e, *there = vgw_map_get(reg->entries, desc->name);
    if (there && !(there->desc.flags & desc->flags & VGW_ACTION_CONFIGURED))
        return vgw_error_set(err, VGW_EBUSY, "an action named %s is registered already; choose another name",
                             desc->name);
    if (!VGW_NEW(e))
        return vgw_error_nomem(err);
    e->arena = vgw_arena_new(0);
    e->schema = vgw_json_copy(schema);
    if (!e->arena || (schema && !e->schema) || !copy_desc(e, desc) ||
        (!there && vgw_map_set(reg->entries, desc->name, e) < 0)) {
        entry_free(e);
        return vgw_error_nomem(err);
    }
    if (there) { /* slots know it by its place */
        struct entry before = *there;
        *there = *e;
        *e = before;
        entry_free(e);
    }
    return 0;
}

int vgw_action_register(struct vgw_action_registry *reg, const struct vgw_action_desc *desc, struct vgw_error *err)
{
    return vgw_action_register_schema(reg, desc, NULL, err);
}

bool vgw_action_unregister(struct vgw_action_registry *reg, const char *name)
{
    struct entry *e = vgw_map_take(reg->entries, name);
    if (!e)
        return false;
    for (size_t i = 0; i < reg->slot_count; i++) {
        if (reg->slots[i].live && reg->slots[i].entry == e) {
            vgw_action_handle h = handle_of(reg, i);
            if (e->desc.cancel)
                e->desc.cancel(e->desc.arg, h);
            if (vgw_action_is_live(reg, h))
                vgw_action_complete(reg, h, VGW_EUNSUPPORTED, NULL, "the part that carried this action out has left");
        }
    }
    entry_free(e);
    return true;
}

const struct vgw_action_desc *vgw_action_find(const struct vgw_action_registry *reg, const char *name)
{
    struct entry *e = reg && name ? vgw_map_get(reg->entries, name) : NULL;
    return e ? &e->desc : NULL;
}

bool vgw_action_next(const struct vgw_action_registry *reg, size_t *cursor, const struct vgw_action_desc **ret_desc)
{
    const char *key;
    void *value;
    if (!reg || !vgw_map_next(reg->entries, cursor, &key, &value))
        return false;
    *ret_desc = &((struct entry *)value)->desc;
    return true;
}

const char *vgw_action_nearest(const struct vgw_action_registry *reg, const char *name)
{
    const char *names[512];
    size_t n = 0;
    const struct vgw_action_desc *d;
    for (size_t i = 0; n < 512 && vgw_action_next(reg, &i, &d);)
        names[n++] = d->name;
    return vgw_nearest(name, names, n);
}

/* No parameters at all are an empty map of them. */
static int check_schema(const struct entry *e, const struct vgw_json *params, struct vgw_error *err)
{
    struct vgw_json *none = params ? NULL : vgw_json_object();
    struct vgw_error wrong = {0};
    int rc = vgw_schema_check(e->schema, params ? params : none, &wrong);
    vgw_json_free(none);
    return rc < 0 ? vgw_error_at(err, rc, wrong.place, "%s: %s", e->desc.name, wrong.text) : 0;
}

static int check_arguments(const struct entry *e, const struct vgw_json *params, struct vgw_error *err)
{
    int rc = vgw_action_check(&e->desc, params, err);
    return rc == 0 && e->schema ? check_schema(e, params, err) : rc;
}

int vgw_action_check_arguments(const struct vgw_action_registry *reg, const char *name, const struct vgw_json *params,
                               struct vgw_error *err)
{
    const struct entry *e = vgw_map_get(reg->entries, name);
    return e ? check_arguments(e, params, err) : vgw_error_set(err, VGW_ENOTFOUND, "there is no action %s", name);
}

int vgw_action_start(struct vgw_action_registry *reg, const char *name, const struct vgw_json *params,
                     const struct vgw_action_context *context, vgw_action_done done, void *arg,
                     vgw_action_handle *ret_handle, struct vgw_error *err)
{
    static const struct vgw_action_context nobody;
    struct entry *e = vgw_map_get(reg->entries, name);
    if (!e)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "no part of this gateway carries out %s; load the plugin that does",
                             name);
    int rc = check_arguments(e, params, err);
    if (rc < 0)
        return rc;
    struct slot *s = slot_take(reg);
    if (!s)
        return vgw_error_set(err, VGW_ELIMIT, "%zu actions are under way, no more can start now", reg->counts.live);
    s->entry = e;
    s->done = done;
    s->arg = arg;
    size_t i = (size_t)(s - reg->slots);
    vgw_action_handle handle = handle_of(reg, i);
    reg->counts.started++;
    *ret_handle = handle;
    rc = e->desc.run(e->desc.arg, handle, params, context ? context : &nobody, err);
    if (rc >= 0)
        return 0;
    s = slot_find(reg, handle);
    if (s)
        slot_release(reg, s);
    reg->counts.failed++;
    *ret_handle = 0;
    return rc;
}

bool vgw_action_cancel(struct vgw_action_registry *reg, vgw_action_handle handle)
{
    struct slot *s = slot_find(reg, handle);
    if (!s)
        return false;
    struct entry *e = s->entry;
    slot_release(reg, s);
    reg->counts.cancelled++;
    if (e->desc.cancel)
        e->desc.cancel(e->desc.arg, handle);
    return true;
}

bool vgw_action_complete(struct vgw_action_registry *reg, vgw_action_handle handle, int status, struct vgw_json *result,
                         const char *error)
{
    struct slot *s = slot_find(reg, handle);
    if (!s) {
        reg->counts.stale++;
        vgw_metric_dropped("stale_action");
        vgw_json_free(result);
        return false;
    }
    vgw_action_done done = s->done;
    void *arg = s->arg;
    slot_release(reg, s);
    if (status < 0)
        reg->counts.failed++;
    else
        reg->counts.completed++;
    if (done)
        done(arg, handle, status < 0 ? status : 0, result, error);
    vgw_json_free(result);
    return true;
}

const struct vgw_action_desc *vgw_action_of(const struct vgw_action_registry *reg, vgw_action_handle handle)
{
    const struct slot *s = slot_find(reg, handle);
    return s ? &s->entry->desc : NULL;
}

bool vgw_action_is_live(const struct vgw_action_registry *reg, vgw_action_handle handle)
{
    return slot_find(reg, handle) != NULL;
}

struct vgw_action_counts vgw_action_counts(const struct vgw_action_registry *reg)
{
    return reg->counts;
}

struct vgw_json *vgw_action_offer(const struct vgw_action_registry *reg, const char *name, bool own)
{
    const struct entry *e = reg && name ? vgw_map_get(reg->entries, name) : NULL;
    return e ? vgw_action_offer_of(&e->desc, e->schema, own) : NULL;
}
