/* plugin_route.c - requests and sockets for the routes that plugins have below their instances' names. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "host/route.h"

static bool may(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http,
                const struct vgw_host_route_info *info, const struct vgw_grant *grant)
{
    enum vgw_api_scope scope = info->admin                                                             ? VGW_SCOPE_ADMIN
                               : strcmp(http->method, "GET") == 0 || strcmp(http->method, "HEAD") == 0 ? VGW_SCOPE_READ
                                                                                                       : VGW_SCOPE_CALL;
    char detail[128];
    if (!grant) {
        vgw_api_refuse(api, exchange, 401, "a token is needed; send `Authorization: Bearer TOKEN`", NULL);
        return false;
    }
    if (grant->scopes & scope)
        return true;
    snprintf(detail, sizeof detail, "this needs a token with the scope %s", vgw_api_scope_name(scope));
    vgw_api_refuse(api, exchange, 403, detail, NULL);
    return false;
}

static bool unknown_method(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http, bool ws)
{
    char detail[160];
    if (ws)
        return false;
    snprintf(detail, sizeof detail, "%.16s is not possible at %.80s", http->method, http->path);
    vgw_api_refuse(api, exchange, 405, detail,
                   strcmp(http->method, "GET") == 0 ? "Allow: POST" : "Allow: GET, HEAD, POST");
    return true;
}

bool vgw_api_plugin_route(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http, const char *path,
                          bool ws)
{
    struct vgw_host_route_info info = {.ws = false};
    struct vgw_grant *grant = NULL;
    if (!api->env.host)
        return false;
    const char *method = !ws && strcmp(http->method, "HEAD") == 0 ? "GET" : http->method;
    const struct vgw_host_route *route = vgw_host_route_find(api->env.host, method, ws, path, &info);
    if (!route)
        return info.path_known && unknown_method(api, exchange, http, ws);
    if (info.is_public)
        grant = vgw_api_peek(api, http, ws);
    else if (vgw_api_identify(api, exchange, http, ws, &grant))
        return true;
    if (!info.is_public && !may(api, exchange, http, &info, grant)) {
        vgw_grant_unref(grant);
        return true;
    }
    if (ws)
        vgw_host_route_upgrade(api->env.host, route, exchange, http, path, grant != NULL);
    else
        vgw_host_route_request(api->env.host, route, exchange, http, path, grant != NULL);
    vgw_grant_unref(grant);
    return true;
}
