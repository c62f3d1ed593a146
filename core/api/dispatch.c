/* dispatch.c - a request's way: path, route, who asks, body, idempotency, handler. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "host/route.h"

#define ALLOW_MAX 128

static void read_path(const struct vgw_api *api, const struct vgw_http_request *http, struct vgw_api_path *ret)
{
    const struct vgw_api_config *config = vgw_api_config_now(api);
    bool control = http->flags & VGW_HTTP_UNIX; /* voicegwctl knows no prefix: the control socket is always /voice */
    vgw_api_path_read(http->path, control ? "/voice" : config->prefix, config->compat_routes, ret);
}

/* May this grant use the route? 0, or the status that was answered. */
static int check_scope(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http,
                       const struct vgw_api_route *route, const struct vgw_grant *grant)
{
    char detail[128];
    if (route->scope == VGW_SCOPE_NONE)
        return 0;
    if (!grant) {
        int paced = vgw_api_pace(api, exchange, http);
        if (paced)
            return paced;
        vgw_api_refuse(api, exchange, 401, "a token is needed; send `Authorization: Bearer TOKEN`", NULL);
        return 401;
    }
    if (route->scope == VGW_SCOPE_ANY || (grant->scopes & route->scope))
        return 0;
    snprintf(detail, sizeof detail, "this needs a token with the scope %s", vgw_api_scope_name(route->scope));
    vgw_api_refuse(api, exchange, 403, detail, NULL);
    return 403;
}

/* Who has no token learns of no path, nor of its methods. False: answered. */
static bool is_known(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http)
{
    static const struct vgw_api_route any = {.scope = VGW_SCOPE_ANY};
    struct vgw_grant *grant = NULL;
    bool known =
        !vgw_api_identify(api, exchange, http, false, &grant) && !check_scope(api, exchange, http, &any, grant);
    vgw_grant_unref(grant);
    return known;
}

static void no_path(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http)
{
    char detail[256];
    if (!is_known(api, exchange, http))
        return;
    snprintf(detail, sizeof detail, "nothing lies at %.128s; %s/openapi.json lists what there is", http->path,
             vgw_api_config_now(api)->prefix);
    vgw_api_refuse(api, exchange, 404, detail, NULL);
}

/* Is what lies at this path for everybody? */
static bool is_open(const struct vgw_api *api, const struct vgw_http_request *http)
{
    struct vgw_api_path path;
    char ids[VGW_API_IDS][VGW_API_ID_MAX], methods[ALLOW_MAX];
    size_t count;
    const struct vgw_api_route *routes = vgw_api_routes(&count);
    read_path(api, http, &path);
    const struct vgw_api_route *route =
        vgw_route_find_in(routes, count, "GET", path.text, ids, methods, sizeof methods);
    return route && route->scope == VGW_SCOPE_NONE;
}

static void wrong_method(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http, const char *list)
{
    char detail[192], header[ALLOW_MAX + 16];
    snprintf(header, sizeof header, "Allow: %s", list);
    if (!is_open(api, http) && !is_known(api, exchange, http))
        return;
    if (strcmp(http->method, "OPTIONS") == 0) {
        const char *lines[] = {header, NULL};
        struct vgw_http_response response = {.status = 204, .headers = lines};
        vgw_front_reply(api->front, exchange, &response);
        return;
    }
    snprintf(detail, sizeof detail, "%.16s is not possible here; %s is", http->method, list);
    vgw_api_refuse(api, exchange, 405, detail, header);
}

static bool is_json(const char *type)
{
    size_t len = type ? strcspn(type, "; \t") : 0;
    char word[64];
    if (!len || !vgw_strncopy(word, sizeof word, type, len))
        return false;
    return vgw_strieq(word, "application/json") ||
           (vgw_starts_with(word, "application/") && vgw_ends_with(word, "+json"));
}

/* The body as an object that fits the route's table. False: answered. */
static bool read_body(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    static const struct vgw_shape nothing = {.name = "Nothing"};
    struct vgw_error err = {0};
    char detail[768];
    if (strcmp(r->route->method, "GET") == 0)
        return true;
    if (http->body_len) {
        if (!is_json(vgw_http_header(http, "Content-Type"))) {
            vgw_api_problem(r, 415, "the body must be JSON; send `Content-Type: application/json`", NULL);
            return false;
        }
        if (vgw_json_parse(http->body, http->body_len, &r->body, &err) != VGW_OK) {
            snprintf(detail, sizeof detail, "the body is no JSON: %s%s%s", err.place, err.place[0] ? ": " : "",
                     err.text);
            vgw_api_problem(r, 400, detail, NULL);
            return false;
        }
        if (vgw_json_type(r->body) != VGW_JSON_OBJECT) {
            vgw_api_problem(r, 422, "the body must be a JSON object", NULL);
            return false;
        }
    }
    struct vgw_json *errors = vgw_json_array();
    size_t wrong = vgw_shape_check(r->route->request ? r->route->request : &nothing, r->body, errors);
    if (!wrong) {
        vgw_json_free(errors);
        return true;
    }
    const struct vgw_json *first = vgw_json_at(errors, 0);
    snprintf(detail, sizeof detail, "%.200s %.400s", vgw_json_get_string(first, "field", "the body"),
             vgw_json_get_string(first, "detail", "is not as it should be"));
    vgw_api_problem(r, 422, detail, errors);
    return false;
}

static void send_kept(struct vgw_api_request *r, const struct vgw_kept_answer *kept)
{
    const char *lines[] = {"Cache-Control: no-store", "Idempotent-Replayed: true", kept->header, NULL};
    struct vgw_http_response response = {.status = kept->http_status,
                                         .content_type = kept->content_type,
                                         .headers = lines,
                                         .body = kept->body,
                                         .body_len = kept->body_len};
    vgw_front_reply(r->api->front, r->exchange, &response);
    vgw_api_request_free(r);
}

/* False: answered. */
static bool begin_idempotent(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const char *key = r->route->creates ? vgw_http_header(http, "Idempotency-Key") : NULL;
    const struct vgw_kept_answer *kept = NULL;
    struct vgw_buf name;
    if (!key)
        return true;
    if (!*key || strlen(key) > VGW_IDEMPOTENCY_KEY_MAX) {
        vgw_api_problem(r, 400, "Idempotency-Key must be 1 to 255 characters long", NULL);
        return false;
    }
    vgw_buf_init(&name, 4096);
    vgw_buf_printf(&name, "%s\n%s %s", r->grant ? r->grant->name : "", r->route->path, r->id[0]);
    vgw_buf_printf(&name, "\n%s", key);
    char *text = vgw_buf_take(&name);
    enum vgw_idempotency_result result = text ? vgw_idempotency_begin(r->api->idempotency, text, http->body,
                                                                      http->body_len, vgw_now(r->api->env.loop), &kept)
                                              : VGW_IDEMPOTENCY_FULL;
    if (result == VGW_IDEMPOTENCY_NEW) {
        r->idempotency_key = text;
        return true;
    }
    vgw_free(text);
    if (result == VGW_IDEMPOTENCY_REPEATED)
        send_kept(r, kept);
    else if (result == VGW_IDEMPOTENCY_IN_FLIGHT)
        vgw_api_problem(r, 409, "a request with this Idempotency-Key is under way; ask again when it has ended", NULL);
    else if (result == VGW_IDEMPOTENCY_DIFFERENT)
        vgw_api_problem(r, 422, "this Idempotency-Key was used with another body; use a new key", NULL);
    else
        vgw_api_problem(r, 503, "too many requests with an Idempotency-Key are under way", NULL);
    return false;
}

static struct vgw_api_request *request_new(struct vgw_api *api, uint64_t exchange, const struct vgw_api_route *route,
                                           const struct vgw_http_request *http, struct vgw_grant *grant)
{
    struct vgw_api_request *r;
    if (!VGW_NEW(r)) {
        vgw_grant_unref(grant);
        return NULL;
    }
    r->api = api;
    r->exchange = exchange;
    r->route = route;
    r->grant = grant;
    bool has_name = grant && grant->name && grant->name[0];
    vgw_strcopy(r->who, sizeof r->who,
                has_name                        ? grant->name
                : (http->flags & VGW_HTTP_UNIX) ? "control socket"
                                                : http->remote);
    vgw_list_append(&api->requests, &r->link);
    r->query = vgw_strdup(http->query);
    if (r->query)
        return r;
    vgw_api_request_free(r);
    return NULL;
}

/* Words of the query that must be one of a few. */
static bool check_query(struct vgw_api_request *r)
{
    const struct vgw_shape *shape = r->route->query;
    struct vgw_json *words = shape ? vgw_json_object() : NULL, *errors = shape ? vgw_json_array() : NULL;
    for (size_t i = 0; shape && i < shape->count; i++) {
        char *value = shape->fields[i].choices ? vgw_api_param(r, shape->fields[i].name) : NULL;
        if (value && *value)
            vgw_json_set_string(words, shape->fields[i].name, value);
        vgw_free(value);
    }
    bool fits = !shape || vgw_shape_check(shape, words, errors) == 0;
    vgw_json_free(words);
    if (fits)
        vgw_json_free(errors);
    else
        vgw_api_problem(r, 422, "the query has errors", errors);
    return fits;
}

static void carry_out(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http,
                      const struct vgw_api_route *route, char ids[VGW_API_IDS][VGW_API_ID_MAX], bool older)
{
    struct vgw_grant *grant = NULL;
    bool feed = route->handle == vgw_api_events;
    char *signature = route->signable ? vgw_http_query(http, "signature") : NULL;
    bool is_signed = signature != NULL;
    vgw_free(signature);
    bool is_public = route->scope == VGW_SCOPE_NONE || is_signed;
    if (is_public && vgw_api_pace(api, exchange, http))
        return;
    if (!is_public &&
        (vgw_api_identify(api, exchange, http, feed, &grant) || check_scope(api, exchange, http, route, grant))) {
        vgw_grant_unref(grant);
        return;
    }
    struct vgw_api_request *r = request_new(api, exchange, route, http, grant);
    if (!r) {
        vgw_api_refuse(api, exchange, 503, "out of memory; try again in a moment", NULL);
        return;
    }
    memcpy(r->id, ids, sizeof r->id);
    r->older = older;
    if (!check_query(r) || !read_body(r, http) || !begin_idempotent(r, http))
        return;
    route->handle(r, http);
}

void vgw_api_on_request(void *arg, uint64_t exchange, const struct vgw_http_request *http)
{
    struct vgw_api *api = arg;
    struct vgw_api_path path;
    char ids[VGW_API_IDS][VGW_API_ID_MAX], methods[ALLOW_MAX];
    size_t count;
    const struct vgw_api_route *routes = vgw_api_routes(&count);
    read_path(api, http, &path);
    if (!path.text[0]) {
        no_path(api, exchange, http);
        return;
    }
    const struct vgw_api_route *route =
        vgw_route_find_in(routes, count, http->method, path.text, ids, methods, sizeof methods);
    if (route)
        carry_out(api, exchange, http, route, ids, path.older);
    else if (methods[0])
        wrong_method(api, exchange, http, methods);
    else if (!vgw_api_plugin_route(api, exchange, http, path.text + 1, false))
        no_path(api, exchange, http);
}

static void upgrade_feed(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http)
{
    static const struct vgw_api_route feed = {.method = "GET", .path = "/events", .scope = VGW_SCOPE_READ};
    struct vgw_grant *grant = NULL;
    if (!vgw_api_identify(api, exchange, http, true, &grant) && !check_scope(api, exchange, http, &feed, grant))
        vgw_api_feed_ws(api, exchange, http, grant);
    vgw_grant_unref(grant);
}

void vgw_api_on_upgrade(void *arg, uint64_t exchange, const struct vgw_http_request *http)
{
    struct vgw_api *api = arg;
    struct vgw_api_path path;
    read_path(api, http, &path);
    if (strcmp(path.text, "/events") == 0) {
        upgrade_feed(api, exchange, http);
        return;
    }
    if (path.text[0] && vgw_api_plugin_route(api, exchange, http, path.text + 1, true))
        return;
    if (path.stream_alias) {
        char stand_in[VGW_API_PATH_MAX];
        snprintf(stand_in, sizeof stand_in, "mock%s", path.text + strlen("/twilio"));
        if (vgw_api_plugin_route(api, exchange, http, stand_in, true))
            return;
    }
    no_path(api, exchange, http);
}

size_t vgw_api_body_limit(void *arg, const struct vgw_http_request *http)
{
    struct vgw_api *api = arg;
    struct vgw_api_path path;
    char ids[VGW_API_IDS][VGW_API_ID_MAX], methods[ALLOW_MAX];
    struct vgw_host_route_info info = {.ws = false};
    size_t count;
    const struct vgw_api_route *routes = vgw_api_routes(&count);
    read_path(api, http, &path);
    if (!path.text[0])
        return VGW_API_BODY_MAX;
    if (vgw_route_find_in(routes, count, http->method, path.text, ids, methods, sizeof methods) || methods[0] ||
        !api->env.host)
        return VGW_API_BODY_MAX;
    return vgw_host_route_find(api->env.host, http->method, false, path.text + 1, &info) ? info.max_body_bytes
                                                                                         : VGW_API_BODY_MAX;
}
