/* instance.c - the life of an instance: new, created, running, draining, drained, gone. */
#include "plugin/instance.h"
#include <stdio.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

static uint64_t last_generation; /* control thread only */

const char *vgw_instance_state_name(enum vgw_instance_state state)
{
    static const char *const names[] = {"new", "created", "running", "draining", "drained", "gone"};
    return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

static int no_such_kind(const struct vgw_plugin_desc *desc, const char *section, const char *name, const char *kind,
                        struct vgw_error *err)
{
    struct vgw_buf kinds = {0};
    for (size_t i = 0; i < desc->factory_count; i++)
        vgw_buf_printf(&kinds, "%s%s", i > 0 ? ", " : "", desc->factories[i].kind);
    vgw_error_set(err, VGW_EUNSUPPORTED, "%s.%s wants a %s, but the plugin %s offers %s: name a plugin of that kind",
                  section, name, kind, desc->name, vgw_buf_str(&kinds));
    vgw_buf_done(&kinds);
    return VGW_EUNSUPPORTED;
}

int vgw_instance_new(struct vgw_plugin_module *module, const char *section, const char *name, const char *kind,
                     const struct vgw_plugin_hostops *hostops, struct vgw_instance **ret_instance,
                     struct vgw_error *err)
{
    const struct voicegw_factory *factory = vgw_plugin_module_factory(module, kind);
    if (!factory)
        return no_such_kind(vgw_plugin_module_desc(module), section, name, kind, err);
    struct vgw_instance *i;
    if (!VGW_NEW(i))
        return vgw_error_nomem(err);
    i->section = vgw_strdup(section);
    i->name = vgw_strdup(name);
    i->kind = vgw_strdup(kind);
    i->generation = ++last_generation;
    i->module = vgw_plugin_module_ref(module);
    i->factory = factory;
    i->hostops = *hostops;
    if (i->section && i->name && i->kind)
        i->host = hostops->host_new(hostops->arg, i);
    if (!i->host) {
        vgw_instance_free(i);
        return vgw_error_nomem(err);
    }
    *ret_instance = i;
    return 0;
}

void vgw_instance_free(struct vgw_instance *i)
{
    if (!i)
        return;
    vgw_instance_destroy(i);
    if (i->host)
        i->hostops.host_free(i->hostops.arg, i, i->host);
    vgw_plugin_module_unref(i->module);
    vgw_list_remove(&i->node);
    vgw_free(i->section);
    vgw_free(i->name);
    vgw_free(i->kind);
    vgw_free(i->options_hash);
    vgw_free(i);
}

/* What the plugin answered, as an error of ours: its status if it is one of the table, its sentence if it left one. */
static int refused(const struct vgw_instance *i, const char *what, int32_t status, struct vgw_error *err)
{
    const char *sentence = i->host->last_error ? i->host->last_error(i->host) : NULL;
    const char *plugin = vgw_plugin_module_desc(i->module)->name;
    char place[128];
    int n = snprintf(place, sizeof place, "%s.%s", i->section, i->name);
    if (n < 0)
        place[0] = '\0';
    if (status > 0 || status < VGW_EINTERNAL)
        return vgw_error_at(err, VGW_EINTERNAL, place,
                            "the plugin %s answered %s() with %d, which is no status of voicegw/status.h", plugin, what,
                            (int)status);
    if (sentence && *sentence)
        return vgw_error_at(err, status, place, "%s", sentence);
    return vgw_error_at(err, status, place, "the plugin %s refused %s() with %s and gave no reason", plugin, what,
                        vgw_status_info(status)->name);
}

static int wrong_state(const struct vgw_instance *i, const char *what, struct vgw_error *err)
{
    return vgw_error_set(err, VGW_EBUSY, "%s.%s cannot %s while it is %s", i->section, i->name, what,
                         vgw_instance_state_name(i->state));
}

int vgw_instance_create(struct vgw_instance *i, const struct voicegw_options *options, struct vgw_error *err)
{
    void *made = NULL;
    if (i->state != VGW_INSTANCE_NEW)
        return wrong_state(i, "be created", err);
    int32_t rc = i->factory->create(i->host, options, &made);
    if (rc != 0)
        return refused(i, "create", rc, err);
    i->plugin_instance = made;
    i->state = VGW_INSTANCE_CREATED;
    return 0;
}

int vgw_instance_start(struct vgw_instance *i, struct vgw_error *err)
{
    if (i->state != VGW_INSTANCE_CREATED)
        return wrong_state(i, "start", err);
    /* Running while start() is on the stack: the plugin may report its first incoming call from there. */
    i->state = VGW_INSTANCE_RUNNING;
    int32_t rc = i->factory->start(i->plugin_instance);
    if (rc == 0)
        return 0;
    i->state = VGW_INSTANCE_CREATED;
    return refused(i, "start", rc, err);
}

int vgw_instance_reconfigure(struct vgw_instance *i, const struct voicegw_options *options, struct vgw_error *err)
{
    if (i->state != VGW_INSTANCE_RUNNING)
        return wrong_state(i, "take new options", err);
    if (!i->factory->reconfigure)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "%s.%s: the plugin %s takes new options by a new instance only",
                             i->section, i->name, vgw_plugin_module_desc(i->module)->name);
    int32_t rc = i->factory->reconfigure(i->plugin_instance, options);
    return rc == 0 ? 0 : refused(i, "reconfigure", rc, err);
}

int vgw_instance_drain(struct vgw_instance *i)
{
    if (i->state != VGW_INSTANCE_RUNNING)
        return VGW_EBUSY;
    i->state = VGW_INSTANCE_DRAINING;
    if (!i->factory->drain) {
        i->state = VGW_INSTANCE_DRAINED;
        return 0;
    }
    i->factory->drain(i->plugin_instance);
    return 0;
}

bool vgw_instance_on_drained(struct vgw_instance *i)
{
    if (i->state != VGW_INSTANCE_DRAINING)
        return false;
    i->state = VGW_INSTANCE_DRAINED;
    return true;
}

void vgw_instance_destroy(struct vgw_instance *i)
{
    bool made = i->state != VGW_INSTANCE_NEW && i->state != VGW_INSTANCE_GONE;
    i->state = VGW_INSTANCE_GONE;
    if (made)
        i->factory->destroy(i->plugin_instance);
    i->plugin_instance = NULL;
}

const void *vgw_instance_extension(const struct vgw_instance *i, const char *id)
{
    if (i->state == VGW_INSTANCE_NEW || i->state == VGW_INSTANCE_GONE)
        return NULL;
    return i->factory->get_extension(i->plugin_instance, id);
}
