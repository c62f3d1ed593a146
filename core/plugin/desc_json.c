/* desc_json.c - a descriptor to JSON and back: the probe's answer, its cache, and the API's plugin pages. */
#include <string.h>
#include "base/alloc.h"
#include "plugin/desc.h"

static const char *const type_names[] = {NULL,   "string", "secret", "int", "double", "bool", "duration", "size",
                                         "rate", "enum",   "list",   "map", "url",    "path", "json"};
static const char *const cap_names[] = {
    "make_call", "answer", "end",   "hold",       "transfer", "transfer_attended", "play", "say", "dtmf", "record",
    "mute",      "status", "media", "conference", "sms",      "conversation",      "ivr"};

const char *vgw_plugin_option_type_name(unsigned type)
{
    return type < sizeof type_names / sizeof type_names[0] ? type_names[type] : NULL;
}

const char *vgw_plugin_cap_name(unsigned bit)
{
    return bit < sizeof cap_names / sizeof cap_names[0] ? cap_names[bit] : NULL;
}

static struct vgw_json *option_to_json(const struct vgw_plugin_option *o)
{
    struct vgw_json *j = vgw_json_object();
    int rc = vgw_json_set_string(j, "name", o->name);
    rc |= vgw_json_set_string(j, "type", vgw_plugin_option_type_name(o->type));
    rc |= vgw_json_set_bool(j, "required", (o->flags & VOICEGW_OPTION_REQUIRED) != 0);
    rc |= vgw_json_set_bool(j, "reloadable", (o->flags & VOICEGW_OPTION_RELOADABLE) != 0);
    if (o->dflt)
        rc |= vgw_json_set_string(j, "default", o->dflt);
    if (o->unit)
        rc |= vgw_json_set_string(j, "unit", o->unit);
    if (o->choices)
        rc |= vgw_json_set_string(j, "choices", o->choices);
    if (o->description)
        rc |= vgw_json_set_string(j, "description", o->description);
    if (o->min < 0 || o->min > 0 || o->max < 0 || o->max > 0) {
        rc |= vgw_json_set_double(j, "min", o->min);
        rc |= vgw_json_set_double(j, "max", o->max);
    }
    if (rc == 0)
        return j;
    vgw_json_free(j);
    return NULL;
}

static struct vgw_json *factory_to_json(const struct vgw_plugin_factory *f)
{
    struct vgw_json *j = vgw_json_object(), *caps = vgw_json_array(), *options = vgw_json_array();
    int rc = j && caps && options ? 0 : VGW_ELIMIT;
    for (unsigned bit = 0; rc == 0 && vgw_plugin_cap_name(bit); bit++) {
        if (f->caps & (UINT64_C(1) << bit))
            rc = vgw_json_append_string(caps, vgw_plugin_cap_name(bit));
    }
    for (size_t i = 0; rc == 0 && i < f->option_count; i++) {
        struct vgw_json *o = option_to_json(&f->options[i]);
        rc = o ? vgw_json_append(options, o) : VGW_ELIMIT;
    }
    rc |= vgw_json_set_string(j, "kind", f->kind);
    rc |= vgw_json_set_bool(j, "reconfigures", f->reconfigures);
    rc |= vgw_json_set(j, "caps", caps);
    rc |= vgw_json_set(j, "options", options);
    if (rc == 0)
        return j;
    vgw_json_free(j);
    return NULL;
}

struct vgw_json *vgw_plugin_desc_to_json(const struct vgw_plugin_desc *desc)
{
    struct vgw_json *j = vgw_json_object(), *factories = vgw_json_array(), *abi = vgw_json_array();
    int rc = j && factories && abi ? 0 : VGW_ELIMIT;
    for (size_t i = 0; rc == 0 && i < desc->factory_count; i++) {
        struct vgw_json *f = factory_to_json(&desc->factories[i]);
        rc = f ? vgw_json_append(factories, f) : VGW_ELIMIT;
    }
    if (rc == 0) {
        rc |= vgw_json_append(abi, vgw_json_int(desc->abi_major));
        rc |= vgw_json_append(abi, vgw_json_int(desc->abi_minor));
    }
    rc |= vgw_json_set_string(j, "name", desc->name);
    rc |= vgw_json_set_string(j, "version", desc->version);
    rc |= vgw_json_set_string(j, "license", desc->license ? desc->license : "");
    rc |= vgw_json_set_string(j, "description", desc->description ? desc->description : "");
    rc |= vgw_json_set(j, "abi", abi);
    rc |= vgw_json_set_bool(j, "closable", desc->closable);
    rc |= vgw_json_set_bool(j, "exclusive", desc->exclusive);
    rc |= vgw_json_set(j, "factories", factories);
    if (rc == 0)
        return j;
    vgw_json_free(j);
    return NULL;
}

/* Copies a text where there is one; `required` refuses its absence. */
static int take(const struct vgw_json *j, const char *key, bool required, char **ret_text)
{
    const char *text = vgw_json_get_string(j, key, NULL);
    if (!text)
        return required ? VGW_EINVALID : 0;
    *ret_text = vgw_strdup(text);
    return *ret_text ? 0 : VGW_ELIMIT;
}

static int option_from_json(const struct vgw_json *j, struct vgw_plugin_option *o)
{
    const char *type = vgw_json_get_string(j, "type", "");
    for (unsigned t = 1; t < sizeof type_names / sizeof type_names[0]; t++) {
        if (strcmp(type, type_names[t]) == 0)
            o->type = t;
    }
    if (vgw_json_get_bool(j, "required", false))
        o->flags |= VOICEGW_OPTION_REQUIRED;
    if (vgw_json_get_bool(j, "reloadable", false))
        o->flags |= VOICEGW_OPTION_RELOADABLE;
    o->min = vgw_json_get_double(j, "min", 0);
    o->max = vgw_json_get_double(j, "max", 0);
    int rc = take(j, "name", true, &o->name);
    if (rc == 0)
        rc = take(j, "default", false, &o->dflt);
    if (rc == 0)
        rc = take(j, "unit", false, &o->unit);
    if (rc == 0)
        rc = take(j, "choices", false, &o->choices);
    if (rc == 0)
        rc = take(j, "description", false, &o->description);
    return rc == 0 && o->type == 0 ? VGW_EINVALID : rc;
}

static int factory_from_json(const struct vgw_json *j, struct vgw_plugin_factory *f)
{
    const struct vgw_json *caps = vgw_json_get(j, "caps"), *options = vgw_json_get(j, "options");
    int rc = take(j, "kind", true, &f->kind);
    f->reconfigures = vgw_json_get_bool(j, "reconfigures", false);
    for (size_t i = 0; i < vgw_json_count(caps); i++) {
        const char *name = vgw_json_str(vgw_json_at(caps, i));
        for (unsigned bit = 0; name && vgw_plugin_cap_name(bit); bit++) {
            if (strcmp(vgw_plugin_cap_name(bit), name) == 0)
                f->caps |= UINT64_C(1) << bit;
        }
    }
    size_t count = vgw_json_count(options);
    if (rc != 0 || count == 0)
        return rc;
    if (count > VGW_PLUGIN_OPTIONS_MAX)
        return VGW_EINVALID;
    f->options = vgw_calloc(count, sizeof *f->options);
    if (!f->options)
        return VGW_ELIMIT;
    f->option_count = count;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = option_from_json(vgw_json_at(options, i), &f->options[i]);
    return rc;
}

int vgw_plugin_desc_from_json(const struct vgw_json *json, struct vgw_plugin_desc **ret_desc, struct vgw_error *err)
{
    const struct vgw_json *factories = vgw_json_get(json, "factories"), *abi = vgw_json_get(json, "abi");
    size_t count = vgw_json_count(factories);
    if (count == 0 || count > VGW_PLUGIN_FACTORIES_MAX)
        return vgw_error_set(err, VGW_EINVALID, "a descriptor in JSON must have 1 to %d factories",
                             VGW_PLUGIN_FACTORIES_MAX);
    struct vgw_plugin_desc *desc;
    if (!VGW_NEW(desc))
        return vgw_error_nomem(err);
    desc->abi_major = (uint32_t)vgw_json_as_int(vgw_json_at(abi, 0), 0);
    desc->abi_minor = (uint32_t)vgw_json_as_int(vgw_json_at(abi, 1), 0);
    desc->closable = vgw_json_get_bool(json, "closable", false);
    desc->exclusive = vgw_json_get_bool(json, "exclusive", false);
    int rc = take(json, "name", true, &desc->name);
    if (rc == 0)
        rc = take(json, "version", true, &desc->version);
    if (rc == 0)
        rc = take(json, "license", false, &desc->license);
    if (rc == 0)
        rc = take(json, "description", false, &desc->description);
    if (rc == 0) {
        desc->factories = vgw_calloc(count, sizeof *desc->factories);
        desc->factory_count = count;
        rc = desc->factories ? 0 : VGW_ELIMIT;
    }
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = factory_from_json(vgw_json_at(factories, i), &desc->factories[i]);
    if (rc == 0) {
        *ret_desc = desc;
        return 0;
    }
    vgw_plugin_desc_free(desc);
    return rc == VGW_ELIMIT ? vgw_error_nomem(err)
                            : vgw_error_set(err, rc, "a descriptor in JSON lacks a name, a kind or an option's type");
}
