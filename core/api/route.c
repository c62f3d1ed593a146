/* route.c - which row of the table a request means. */
#include "api/route.h"

#include <string.h>

#include "base/str.h"

const char *vgw_api_scope_name(enum vgw_api_scope scope)
{
    switch (scope) {
    case VGW_SCOPE_READ:
        return "read";
    case VGW_SCOPE_CALL:
        return "call";
    case VGW_SCOPE_ADMIN:
        return "admin";
    default:
        return "";
    }
}

bool vgw_route_match(const char *pattern, const char *path, char ids[VGW_API_IDS][VGW_API_ID_MAX])
{
    size_t n = 0;
    while (*pattern == '/' && *path == '/') {
        size_t plen = strcspn(++pattern, "/"), len = strcspn(++path, "/");
        if (*pattern == '{') {
            if (len == 0 || len >= VGW_API_ID_MAX || n == VGW_API_IDS)
                return false;
            vgw_strncopy(ids[n++], VGW_API_ID_MAX, path, len);
        } else if (plen != len || memcmp(pattern, path, len) != 0) {
            return false;
        }
        pattern += plen;
        path += len;
    }
    return !*pattern && !*path;
}

static void allow(char *list, size_t cap, const char *method)
{
    size_t len = strlen(list), need = strlen(method);
    if (strstr(list, method) || len + need + 3 > cap)
        return;
    if (len) {
        vgw_strcopy(list + len, cap - len, ", ");
        len += 2;
    }
    vgw_strcopy(list + len, cap - len, method);
}

const struct vgw_api_route *vgw_route_find_in(const struct vgw_api_route *routes, size_t count, const char *method,
                                              const char *path, char ids[VGW_API_IDS][VGW_API_ID_MAX], char *ret_allow,
                                              size_t cap)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    ret_allow[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char found[VGW_API_IDS][VGW_API_ID_MAX];
        memset(found, 0, sizeof found);
        if (!vgw_route_match(routes[i].path, path, found))
            continue;
        if (strcmp(routes[i].method, wanted) == 0) {
            memcpy(ids, found, sizeof found);
            return &routes[i];
        }
        allow(ret_allow, cap, routes[i].method);
        if (strcmp(routes[i].method, "GET") == 0)
            allow(ret_allow, cap, "HEAD");
    }
    return NULL;
}
