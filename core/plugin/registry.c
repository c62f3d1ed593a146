/* registry.c - generations of instances by section and name. */
#include "plugin/registry.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/map.h"

#define BUSY_LOOK_US 20000 /* how often an instance is looked at whose work still runs */

struct slot {
    struct vgw_instance *current, *waiting;
    struct vgw_list older; /* of vgw_instance.node, newest first */
    size_t older_count;
    char *section, *name;
};

struct vgw_registry {
    struct vgw_map *slots; /* "section/name" -> slot */
    struct vgw_registry_ops ops;
    int64_t drain_us;
    bool running; /* inside run(): a wake would be lost or loop */
    bool again;
};

static struct vgw_instance *from_node(const struct vgw_list *node)
{
    return VGW_CONTAINER_OF(node, struct vgw_instance, node);
}

static void slot_free(void *value)
{
    struct slot *s = value;
    struct vgw_list *node;
    vgw_instance_free(s->waiting);
    while ((node = vgw_list_pop(&s->older)))
        vgw_instance_free(from_node(node));
    vgw_instance_free(s->current);
    vgw_free(s->section);
    vgw_free(s->name);
    vgw_free(s);
}

struct vgw_registry *vgw_registry_new(const struct vgw_registry_ops *ops, int64_t drain_us)
{
    struct vgw_registry *r;
    if (!VGW_NEW(r))
        return NULL;
    r->ops = *ops;
    r->drain_us = drain_us > 0 ? drain_us : VGW_REGISTRY_DRAIN_US;
    r->slots = vgw_map_new(slot_free);
    if (r->slots)
        return r;
    vgw_free(r);
    return NULL;
}

void vgw_registry_free(struct vgw_registry *r)
{
    if (!r)
        return;
    r->running = true; /* a plugin that reports from its destroy() wakes nobody any more */
    vgw_map_free(r->slots);
    vgw_free(r);
}

static void wake(struct vgw_registry *r)
{
    if (r->running)
        r->again = true;
    else
        r->ops.wake(r->ops.arg);
}

static struct slot *slot_find(const struct vgw_registry *r, const char *section, const char *name)
{
    struct vgw_buf key = {0};
    vgw_buf_printf(&key, "%s/%s", section, name);
    struct slot *s = key.failed ? NULL : vgw_map_get(r->slots, vgw_buf_str(&key));
    vgw_buf_done(&key);
    return s;
}

static struct slot *slot_make(struct vgw_registry *r, const char *section, const char *name)
{
    struct slot *s = slot_find(r, section, name);
    if (s)
        return s;
    struct vgw_buf key = {0};
    vgw_buf_printf(&key, "%s/%s", section, name);
    if (VGW_NEW(s)) {
        vgw_list_init(&s->older);
        s->section = vgw_strdup(section);
        s->name = vgw_strdup(name);
        if (!s->section || !s->name || key.failed || vgw_map_set(r->slots, vgw_buf_str(&key), s) != 0) {
            slot_free(s);
            s = NULL;
        }
    }
    vgw_buf_done(&key);
    return s;
}

enum vgw_registry_step vgw_registry_decide(const struct vgw_instance *current, bool code_changed, bool options_changed,
                                           bool all_reloadable)
{
    bool exclusive = vgw_plugin_module_desc(current->module)->exclusive;
    bool reconfigures = current->factory->reconfigure != NULL;
    if (!code_changed && !options_changed)
        return VGW_STEP_KEEP;
    if (exclusive)
        return code_changed || !reconfigures || !all_reloadable ? VGW_STEP_WAIT : VGW_STEP_RECONFIGURE;
    return !code_changed && reconfigures && all_reloadable ? VGW_STEP_RECONFIGURE : VGW_STEP_REPLACE;
}

static void make_older(struct slot *s)
{
    if (!s->current)
        return;
    vgw_list_prepend(&s->older, &s->current->node);
    s->older_count++;
    s->current = NULL;
}

static int too_many(const struct slot *s, struct vgw_error *err)
{
    return vgw_error_set(err, VGW_ELIMIT,
                         "%s.%s has %d older generations whose calls still run: reload again when some have ended",
                         s->section, s->name, VGW_REGISTRY_OLDER_MAX);
}

int vgw_registry_publish(struct vgw_registry *r, struct vgw_instance *instance, struct vgw_error *err)
{
    struct slot *s = slot_make(r, instance->section, instance->name);
    if (!s)
        return vgw_error_nomem(err);
    if (s->current && s->older_count >= VGW_REGISTRY_OLDER_MAX)
        return too_many(s, err);
    make_older(s);
    s->current = instance;
    wake(r);
    return 0;
}

int vgw_registry_publish_when_idle(struct vgw_registry *r, struct vgw_instance *instance, struct vgw_error *err)
{
    struct slot *s = slot_make(r, instance->section, instance->name);
    if (!s)
        return vgw_error_nomem(err);
    struct vgw_instance *before = s->waiting;
    s->waiting = instance;
    vgw_instance_free(before);
    wake(r);
    return 0;
}

int vgw_registry_retire(struct vgw_registry *r, const char *section, const char *name)
{
    struct slot *s = slot_find(r, section, name);
    if (!s || (!s->current && !s->waiting))
        return VGW_ENOTFOUND;
    vgw_instance_free(s->waiting);
    s->waiting = NULL;
    make_older(s);
    wake(r);
    return 0;
}

struct vgw_instance *vgw_registry_current(const struct vgw_registry *r, const char *section, const char *name)
{
    const struct slot *s = slot_find(r, section, name);
    return s ? s->current : NULL;
}

struct vgw_instance *vgw_registry_waiting(const struct vgw_registry *r, const char *section, const char *name)
{
    const struct slot *s = slot_find(r, section, name);
    return s ? s->waiting : NULL;
}

struct vgw_instance *vgw_registry_older(const struct vgw_registry *r, const char *section, const char *name,
                                        size_t index)
{
    const struct slot *s = slot_find(r, section, name);
    if (!s)
        return NULL;
    for (const struct vgw_list *node = s->older.next; node != &s->older; node = node->next) {
        if (index-- == 0)
            return from_node(node);
    }
    return NULL;
}

bool vgw_registry_next(const struct vgw_registry *r, size_t *cursor, const char **ret_section, const char **ret_name,
                       struct vgw_instance **ret_current)
{
    const char *key;
    void *value;
    if (!vgw_map_next(r->slots, cursor, &key, &value))
        return false;
    const struct slot *s = value;
    *ret_section = s->section;
    *ret_name = s->name;
    *ret_current = s->current;
    return true;
}

struct vgw_instance *vgw_registry_acquire(struct vgw_registry *r, const char *section, const char *name)
{
    struct vgw_instance *i = vgw_registry_current(r, section, name);
    return i ? vgw_registry_ref(i) : NULL;
}

struct vgw_instance *vgw_registry_ref(struct vgw_instance *instance)
{
    instance->refs++;
    return instance;
}

void vgw_registry_release(struct vgw_registry *r, struct vgw_instance *instance)
{
    if (r && instance && --instance->refs == 0)
        wake(r);
}

void vgw_registry_on_drained(struct vgw_registry *r, struct vgw_instance *instance)
{
    if (r && vgw_instance_on_drained(instance))
        wake(r);
}

static void let_go(struct vgw_registry *r, struct slot *s, struct vgw_instance *i, bool forced)
{
    vgw_list_remove(&i->node);
    s->older_count--;
    if (r->ops.on_gone)
        r->ops.on_gone(r->ops.arg, i, forced);
    vgw_instance_free(i);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* One older generation: drains when idle, goes when drained or too late. Returns its deadline, -1: none. */
static int64_t run_older(struct vgw_registry *r, struct slot *s, struct vgw_instance *i, int64_t now_us)
{
    if (i->refs > 0)
        return -1;
    if (i->state == VGW_INSTANCE_RUNNING) {
        i->drain_deadline_us = now_us + r->drain_us;
        vgw_instance_drain(i);
    }
    if (i->state == VGW_INSTANCE_DRAINING && now_us < i->drain_deadline_us)
        return i->drain_deadline_us;
    if (r->ops.busy && r->ops.busy(r->ops.arg, i))
        return now_us + BUSY_LOOK_US;
    let_go(r, s, i, i->state == VGW_INSTANCE_DRAINING);
    return -1;
}

static void promote(struct vgw_registry *r, struct slot *s)
{
    struct vgw_instance *i = s->waiting;
    struct vgw_error err = {0};
    s->waiting = NULL;
    if (vgw_instance_start(i, &err) == 0) {
        s->current = i;
        if (r->ops.on_promoted)
            r->ops.on_promoted(r->ops.arg, i, NULL);
        return;
    }
    if (r->ops.on_promoted)
        r->ops.on_promoted(r->ops.arg, i, &err);
    vgw_instance_free(i);
}

static int64_t run_slot(struct vgw_registry *r, struct slot *s, int64_t now_us)
{
    struct vgw_list *node, *next;
    int64_t due = -1;
    if (s->waiting && s->current && s->current->refs == 0)
        make_older(s);
    VGW_LIST_EACH (node, next, &s->older)
        due = earlier(due, run_older(r, s, from_node(node), now_us));
    if (s->waiting && !s->current && s->older_count == 0)
        promote(r, s);
    return due;
}

int64_t vgw_registry_run(struct vgw_registry *r, int64_t now_us)
{
    int64_t due;
    int rounds = 0;
    if (r->running)
        return -1;
    r->running = true;
    do {
        const char *key;
        void *value;
        r->again = false;
        due = -1;
        for (size_t cursor = 0; vgw_map_next(r->slots, &cursor, &key, &value);) {
            struct slot *s = value;
            due = earlier(due, run_slot(r, s, now_us));
            if (!s->current && !s->waiting && s->older_count == 0)
                vgw_map_remove(r->slots, key);
        }
    } while (r->again && ++rounds < 8);
    r->running = false;
    if (r->again)
        wake(r);
    return due;
}

size_t vgw_registry_alive(const struct vgw_registry *r)
{
    const char *key;
    void *value;
    size_t n = 0;
    for (size_t cursor = 0; vgw_map_next(r->slots, &cursor, &key, &value);) {
        const struct slot *s = value;
        n += s->older_count + (s->current ? 1 : 0) + (s->waiting ? 1 : 0);
    }
    return n;
}
