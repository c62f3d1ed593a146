/* openapi.c - the API described (OpenAPI 3.1), made from the table of routes. Pure. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/route.h"
#include "base/str.h"

static struct vgw_json *reference(const char *kind, const char *name)
{
    char text[128];
    struct vgw_json *o = vgw_json_object();
    snprintf(text, sizeof text, "#/components/%s/%s", kind, name);
    vgw_json_set_string(o, "$ref", text);
    return o;
}

/* {type: {"schema": schema}}; takes schema. */
static struct vgw_json *content(const char *type, struct vgw_json *schema)
{
    struct vgw_json *o = vgw_json_object(), *media = vgw_json_object();
    vgw_json_set(media, "schema", schema ? schema : vgw_json_object());
    vgw_json_set(o, type, media);
    return o;
}

static void add_parameter(struct vgw_json *list, const char *name, const char *in, bool required, const char *text,
                          struct vgw_json *schema)
{
    struct vgw_json *p = vgw_json_object();
    vgw_json_set_string(p, "name", name);
    vgw_json_set_string(p, "in", in);
    if (required)
        vgw_json_set_bool(p, "required", true);
    if (text)
        vgw_json_set_string(p, "description", text);
    vgw_json_set(p, "schema", schema);
    vgw_json_append(list, p);
}

static struct vgw_json *string_schema(void)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "type", "string");
    return o;
}

static struct vgw_json *parameters(const struct vgw_api_route *route)
{
    struct vgw_json *list = vgw_json_array();
    for (const char *p = strchr(route->path, '{'); p; p = strchr(p, '{')) {
        char name[64];
        vgw_strncopy(name, sizeof name, p + 1, strcspn(p + 1, "}"));
        add_parameter(list, name, "path", true, NULL, string_schema());
        p += strcspn(p, "}");
    }
    for (size_t i = 0; route->query && i < route->query->count; i++) {
        const struct vgw_field *f = &route->query->fields[i];
        add_parameter(list, f->name, "query", f->required, f->text, vgw_field_schema(f));
    }
    if (route->creates)
        add_parameter(list, "Idempotency-Key", "header", false,
                      "the same key with the same body gets the same answer for 24 hours", string_schema());
    return list;
}

static struct vgw_json *responses(const struct vgw_api_route *route)
{
    struct vgw_json *o = vgw_json_object(), *good = vgw_json_object();
    char status[16];
    snprintf(status, sizeof status, "%d", route->status);
    vgw_json_set_string(good, "description", route->summary);
    if (route->response || route->content_type)
        vgw_json_set(good, "content",
                     content(route->content_type ? route->content_type : "application/json",
                             route->response ? reference("schemas", route->response) : string_schema()));
    vgw_json_set(o, status, good);
    vgw_json_set(o, "default", reference("responses", "Problem"));
    return o;
}

/* "getCallsId" is unique because method and path are. */
static void operation_id(const struct vgw_api_route *route, char *out, size_t cap)
{
    size_t n = 0;
    bool upper = false;
    for (const char *p = route->method; *p && n + 1 < cap; p++)
        out[n++] = (char)(*p | 0x20);
    for (const char *p = route->path; *p && n + 1 < cap; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (letter)
            out[n++] = upper ? (char)(*p & ~0x20) : *p;
        upper = !letter;
    }
    out[n] = '\0';
}

static struct vgw_json *operation(const struct vgw_api_route *route)
{
    struct vgw_json *o = vgw_json_object(), *list = parameters(route);
    char id[128];
    operation_id(route, id, sizeof id);
    vgw_json_set_string(o, "operationId", id);
    vgw_json_set_string(o, "summary", route->summary);
    if (vgw_json_count(list))
        vgw_json_set(o, "parameters", list);
    else
        vgw_json_free(list);
    if (route->request) {
        struct vgw_json *body = vgw_json_object();
        vgw_json_set(body, "content", content("application/json", vgw_shape_schema(route->request)));
        for (size_t i = 0; i < route->request->count; i++) {
            if (route->request->fields[i].required)
                vgw_json_set_bool(body, "required", true);
        }
        vgw_json_set(o, "requestBody", body);
    }
    vgw_json_set(o, "responses", responses(route));
    if (route->scope == VGW_SCOPE_NONE)
        vgw_json_set(o, "security", vgw_json_array());
    else if (route->scope != VGW_SCOPE_ANY)
        vgw_json_set_string(o, "x-scope", vgw_api_scope_name(route->scope));
    return o;
}

static struct vgw_json *paths(const char *prefix)
{
    size_t count;
    const struct vgw_api_route *routes = vgw_api_routes(&count);
    struct vgw_json *o = vgw_json_object();
    for (size_t i = 0; i < count; i++) {
        char path[256], method[16] = "";
        snprintf(path, sizeof path, "%s%s", vgw_streq(prefix, "/") ? "" : prefix, routes[i].path);
        if (vgw_streq(routes[i].path, "/"))
            vgw_strcopy(path, sizeof path, "/");
        struct vgw_json *item = vgw_json_get(o, path);
        if (!item && (item = vgw_json_object()))
            vgw_json_set(o, path, item);
        for (size_t k = 0; routes[i].method[k] && k + 1 < sizeof method; k++)
            method[k] = (char)(routes[i].method[k] | 0x20);
        vgw_json_set(item, method, operation(&routes[i]));
    }
    return o;
}

static struct vgw_json *components(void)
{
    struct vgw_json *o = vgw_json_object(), *schemas = vgw_json_object(), *problem = vgw_json_object();
    struct vgw_json *replies = vgw_json_object(), *schemes = vgw_json_object(), *bearer = vgw_json_object();
    size_t count;
    const struct vgw_shape *shapes = vgw_api_shapes(&count);
    for (size_t i = 0; i < count; i++)
        vgw_json_set(schemas, shapes[i].name, vgw_shape_schema(&shapes[i]));
    vgw_json_set(o, "schemas", schemas);
    vgw_json_set_string(problem, "description", "what is wrong and what would be right (RFC 9457)");
    vgw_json_set(problem, "content", content("application/problem+json", reference("schemas", "Problem")));
    vgw_json_set(replies, "Problem", problem);
    vgw_json_set(o, "responses", replies);
    vgw_json_set_string(bearer, "type", "http");
    vgw_json_set_string(bearer, "scheme", "bearer");
    vgw_json_set(schemes, "token", bearer);
    vgw_json_set(o, "securitySchemes", schemes);
    return o;
}

struct vgw_json *vgw_api_openapi(const char *prefix, const char *version)
{
    struct vgw_json *o = vgw_json_object(), *info = vgw_json_object();
    struct vgw_json *security = vgw_json_array(), *token = vgw_json_object();
    vgw_json_set_string(o, "openapi", "3.1.0");
    vgw_json_set_string(info, "title", "voicegw");
    vgw_json_set_string(info, "version", version ? version : "");
    vgw_json_set(o, "info", info);
    vgw_json_set(token, "token", vgw_json_array());
    vgw_json_append(security, token);
    vgw_json_set(o, "security", security);
    vgw_json_set(o, "paths", paths(prefix));
    vgw_json_set(o, "components", components());
    return o;
}
