/* offer.c - a table of parameters as JSON Schema, and a schema without what a conversation may not choose. */
#include "action/offer.h"

#include <string.h>

#include "base/str.h"

bool vgw_action_param_is_own(const char *name)
{
    return vgw_streq(name, "call_id") || vgw_streq(name, "session_id") || vgw_streq(name, "caller_id");
}

static int set_type(struct vgw_json *o, const struct vgw_action_param *p)
{
    static const char *const words[] = {"string", "integer", "number", "boolean", NULL, "object", "array", NULL};
    const char *type = (size_t)p->type < sizeof words / sizeof *words ? words[p->type] : NULL;
    if (p->type != VGW_PARAM_DURATION)
        return type ? vgw_json_set_string(o, "type", type) : 0;
    struct vgw_json *both = vgw_json_array(); /* "5s", or seconds */
    if (!both || vgw_json_append_string(both, "string") < 0 || vgw_json_append_string(both, "number") < 0) {
        vgw_json_free(both);
        return VGW_ELIMIT;
    }
    return vgw_json_set(o, "type", both);
}

static int set_choices(struct vgw_json *o, const char *words)
{
    struct vgw_json *list = vgw_json_array();
    int rc = list ? 0 : VGW_ELIMIT;
    for (const char *p = words; rc == 0 && *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        rc = vgw_json_append(list, vgw_json_stringn(p, n));
        p += n;
    }
    if (rc == 0)
        return vgw_json_set(o, "enum", list);
    vgw_json_free(list);
    return rc;
}

static int add_param(struct vgw_json *properties, struct vgw_json *required, const struct vgw_action_param *p)
{
    struct vgw_json *o = vgw_json_object();
    if (!o || set_type(o, p) < 0 || (p->choices && set_choices(o, p->choices) < 0) ||
        (p->description && vgw_json_set_string(o, "description", p->description) < 0)) {
        vgw_json_free(o);
        return VGW_ELIMIT;
    }
    if (vgw_json_set(properties, p->name, o) < 0)
        return VGW_ELIMIT;
    return p->required ? vgw_json_append_string(required, p->name) : 0;
}

static struct vgw_json *schema_of(const struct vgw_action_desc *desc, bool own)
{
    struct vgw_json *o = vgw_json_object(), *properties = vgw_json_object(), *required = vgw_json_array();
    int rc = o && properties && required ? vgw_json_set_string(o, "type", "object") : VGW_ELIMIT;
    for (size_t i = 0; rc == 0 && i < desc->param_count; i++)
        if (!own || !vgw_action_param_is_own(desc->params[i].name))
            rc = add_param(properties, required, &desc->params[i]);
    if (rc == 0 && !(desc->flags & VGW_ACTION_ANY_PARAM))
        rc = vgw_json_set_bool(o, "additionalProperties", false);
    if (rc == 0) {
        rc = vgw_json_set(o, "properties", properties);
        properties = NULL;
    }
    if (rc == 0 && vgw_json_count(required)) {
        rc = vgw_json_set(o, "required", required);
        required = NULL;
    }
    vgw_json_free(properties);
    vgw_json_free(required);
    if (rc == 0)
        return o;
    vgw_json_free(o);
    return NULL;
}

struct vgw_json *vgw_action_offer_of(const struct vgw_action_desc *desc, const struct vgw_json *schema, bool own)
{
    struct vgw_json *o = vgw_json_object(), *parameters = schema ? vgw_json_copy(schema) : schema_of(desc, own);
    if (!o || !parameters || vgw_json_set_string(o, "name", desc->name) < 0 ||
        vgw_json_set_string(o, "description", desc->description ? desc->description : "") < 0) {
        vgw_json_free(o);
        vgw_json_free(parameters);
        return NULL;
    }
    if (vgw_json_set(o, "parameters", parameters) == 0)
        return o;
    vgw_json_free(o);
    return NULL;
}
