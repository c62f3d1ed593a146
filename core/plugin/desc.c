/* desc.c - reads a live descriptor, size first. */
#include "plugin/desc.h"
#include <math.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "plugin/find.h"

static void option_done(struct vgw_plugin_option *o)
{
    vgw_free(o->name);
    vgw_free(o->dflt);
    vgw_free(o->unit);
    vgw_free(o->choices);
    vgw_free(o->description);
}

void vgw_plugin_desc_free(struct vgw_plugin_desc *desc)
{
    if (!desc)
        return;
    for (size_t i = 0; desc->factories && i < desc->factory_count; i++) {
        struct vgw_plugin_factory *f = &desc->factories[i];
        for (size_t k = 0; f->options && k < f->option_count; k++)
            option_done(&f->options[k]);
        vgw_free(f->options);
        vgw_free(f->kind);
    }
    vgw_free(desc->factories);
    vgw_free(desc->name);
    vgw_free(desc->version);
    vgw_free(desc->license);
    vgw_free(desc->description);
    vgw_free(desc);
}

static int bad(struct vgw_error *err, const char *what)
{
    return vgw_error_set(err, VGW_ECONFIG, "its descriptor is wrong: %s", what);
}

/* Copies a text of the plugin; `required` refuses NULL and "". */
static int copy_text(const char *text, const char *what, bool required, char **ret_text, struct vgw_error *err)
{
    if (!text || (required && !*text)) {
        if (!required)
            return 0;
        return vgw_error_set(err, VGW_ECONFIG, "its descriptor is wrong: %s is missing", what);
    }
    size_t len = strnlen(text, VGW_PLUGIN_TEXT_MAX + 1);
    if (len > VGW_PLUGIN_TEXT_MAX || !vgw_utf8_valid(text, len))
        return vgw_error_set(err, VGW_ECONFIG, "its descriptor is wrong: %s is not UTF-8 of at most %d bytes", what,
                             VGW_PLUGIN_TEXT_MAX);
    *ret_text = vgw_strndup(text, len);
    return *ret_text ? 0 : vgw_error_nomem(err);
}

static bool option_name_valid(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return n > 0 && n <= 64 && name[n] == '\0' && !(name[0] >= '0' && name[0] <= '9');
}

static int read_option(const struct voicegw_option *from, struct vgw_plugin_option *to, struct vgw_error *err)
{
    int rc = copy_text(from->name, "an option's name", true, &to->name, err);
    if (rc == 0)
        rc = copy_text(from->dflt, "an option's default", false, &to->dflt, err);
    if (rc == 0)
        rc = copy_text(from->unit, "an option's unit", false, &to->unit, err);
    if (rc == 0)
        rc = copy_text(from->choices, "an option's choices", false, &to->choices, err);
    if (rc == 0)
        rc = copy_text(from->description, "an option's description", false, &to->description, err);
    if (rc != 0)
        return rc;
    if (!option_name_valid(to->name))
        return vgw_error_set(err, VGW_ECONFIG,
                             "its descriptor is wrong: the option name \"%.80s\" is not made of a-z, 0-9 and _",
                             to->name);
    if (!vgw_plugin_option_type_name(from->type))
        return vgw_error_set(err, VGW_ECONFIG, "its descriptor is wrong: option %s has the unknown type %u", to->name,
                             from->type);
    if (from->type == VOICEGW_OPTION_ENUM && (!to->choices || !*to->choices))
        return vgw_error_set(err, VGW_ECONFIG, "its descriptor is wrong: option %s is an enum without choices",
                             to->name);
    to->type = from->type;
    to->flags = from->flags;
    to->min = isfinite(from->min) ? from->min : 0;
    to->max = isfinite(from->max) ? from->max : 0;
    return 0;
}

static int read_options(const struct voicegw_factory *from, struct vgw_plugin_factory *to, struct vgw_error *err)
{
    if (from->option_count == 0)
        return 0;
    if (!from->options || from->option_count > VGW_PLUGIN_OPTIONS_MAX)
        return bad(err, "option_count does not fit to options (at most 256)");
    uint32_t stride = from->options->size; /* a newer plugin's options are longer; all of a table have one size */
    if (stride < sizeof(struct voicegw_option) || stride > 4096 || stride % _Alignof(struct voicegw_option) != 0)
        return bad(err, "an option's size must be sizeof(struct voicegw_option)");
    to->options = vgw_calloc(from->option_count, sizeof *to->options);
    if (!to->options)
        return vgw_error_nomem(err);
    to->option_count = from->option_count;
    for (size_t i = 0; i < to->option_count; i++) {
        const struct voicegw_option *o =
            (const struct voicegw_option *)(const void *)((const char *)from->options + i * stride);
        if (o->size != stride)
            return bad(err, "the options of one table must have the same size");
        int rc = read_option(o, &to->options[i], err);
        if (rc != 0)
            return rc;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(to->options[k].name, to->options[i].name) == 0)
                return vgw_error_set(err, VGW_ECONFIG, "its descriptor is wrong: option %s is declared twice",
                                     to->options[i].name);
        }
    }
    return 0;
}

static int read_factory(const struct voicegw_factory *from, struct vgw_plugin_factory *to, struct vgw_error *err)
{
    if (!from)
        return bad(err, "a factory is NULL");
    if (!VGW_TABLE_HAS(from, get_extension))
        return bad(err, "a factory's size must be sizeof(struct voicegw_factory)");
    int rc = copy_text(from->kind, "a factory's kind", true, &to->kind, err);
    if (rc != 0)
        return rc;
    if (!strchr(to->kind, '/') || !strchr(to->kind, '.'))
        return vgw_error_set(err, VGW_ECONFIG,
                             "its descriptor is wrong: \"%.80s\" is no kind: they look like voicegw.stt/1", to->kind);
    if (!from->create || !from->start || !from->destroy || !from->get_extension)
        return vgw_error_set(
            err, VGW_ECONFIG,
            "its descriptor is wrong: the factory of %s lacks one of create, start, destroy, get_extension", to->kind);
    to->caps = from->caps;
    to->reconfigures = from->reconfigure != NULL;
    return read_options(from, to, err);
}

static int read_head(const struct voicegw_plugin *from, struct vgw_plugin_desc *to, struct vgw_error *err)
{
    if (!VGW_TABLE_HAS(from, abi_minor))
        return bad(err, "its size must be sizeof(struct voicegw_plugin)");
    if (from->abi_major != VOICEGW_ABI_MAJOR)
        return vgw_error_set(err, VGW_ECONFIG,
                             "it was built for ABI major %u, this gateway speaks %u: build it with this gateway's SDK",
                             from->abi_major, VOICEGW_ABI_MAJOR);
    if (!VGW_TABLE_HAS(from, factories))
        return bad(err, "its size must be sizeof(struct voicegw_plugin)");
    to->abi_major = from->abi_major;
    to->abi_minor = from->abi_minor;
    to->closable = (from->flags & VOICEGW_PLUGIN_CLOSABLE) != 0;
    to->exclusive = (from->flags & VOICEGW_PLUGIN_EXCLUSIVE) != 0;
    int rc = copy_text(from->name, "name", true, &to->name, err);
    if (rc == 0 && !vgw_plugin_name_valid(to->name))
        rc = vgw_error_set(err, VGW_ECONFIG,
                           "its descriptor is wrong: the name \"%.80s\" is not 1 to 32 of a-z, 0-9, _ and -", to->name);
    if (rc == 0)
        rc = copy_text(from->version, "version", true, &to->version, err);
    if (rc == 0)
        rc = copy_text(from->license, "license", false, &to->license, err);
    if (rc == 0)
        rc = copy_text(from->description, "description", false, &to->description, err);
    return rc;
}

int vgw_plugin_desc_read(const struct voicegw_plugin *plugin, struct vgw_plugin_desc **ret_desc, struct vgw_error *err)
{
    struct vgw_plugin_desc *desc;
    if (!VGW_NEW(desc))
        return vgw_error_nomem(err);
    int rc = read_head(plugin, desc, err);
    if (rc == 0 &&
        (plugin->factory_count == 0 || plugin->factory_count > VGW_PLUGIN_FACTORIES_MAX || !plugin->factories))
        rc = bad(err, "it must have 1 to 16 factories");
    if (rc == 0) {
        desc->factories = vgw_calloc(plugin->factory_count, sizeof *desc->factories);
        desc->factory_count = plugin->factory_count;
        if (!desc->factories)
            rc = vgw_error_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < desc->factory_count; i++) {
        rc = read_factory(plugin->factories[i], &desc->factories[i], err);
        if (rc == 0 && vgw_plugin_desc_factory(desc, desc->factories[i].kind) != (int)i)
            rc = vgw_error_set(err, VGW_ECONFIG, "its descriptor is wrong: it has two factories of %s",
                               desc->factories[i].kind);
    }
    if (rc == 0)
        *ret_desc = desc;
    else
        vgw_plugin_desc_free(desc);
    return rc;
}

int vgw_plugin_desc_factory(const struct vgw_plugin_desc *desc, const char *kind)
{
    for (size_t i = 0; i < desc->factory_count; i++) {
        if (vgw_streq(desc->factories[i].kind, kind))
            return (int)i;
    }
    return -1;
}
