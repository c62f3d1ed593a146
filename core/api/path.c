/* path.c - prefix and aliases. */
#include "api/path.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* "/voice" or "/voice/x" gives "" or "/x"; NULL: another path. */
static const char *below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    if (strncmp(path, prefix, len) != 0 || (path[len] && path[len] != '/'))
        return NULL;
    return path + len;
}

static void put(struct vgw_api_path *ret, const char *before, const char *rest)
{
    int n = snprintf(ret->text, sizeof ret->text, "%s%s", before, rest);
    if (n < 0 || (size_t)n >= sizeof ret->text) {
        ret->text[0] = '\0';
        return;
    }
    if (n > 1 && ret->text[n - 1] == '/')
        ret->text[n - 1] = '\0';
    if (!ret->text[0])
        vgw_strcopy(ret->text, sizeof ret->text, "/");
}

static bool read_alias(const char *path, const char *prefix, struct vgw_api_path *ret)
{
    const char *rest = below(path, "/api");
    if (rest && (rest = below(rest, prefix))) {
        put(ret, "", rest);
        return true;
    }
    if (strcmp(path, "/sessions") == 0 || strcmp(path, "/sessions/") == 0) {
        put(ret, "/sessions", "");
        ret->older = true;
        return true;
    }
    rest = below(path, "/twilio");
    if (rest && (!rest[0] || strcmp(rest, "/") == 0)) {
        put(ret, "/twilio/inbound", "");
        return true;
    }
    if (rest && strcmp(rest, "/status") == 0) {
        put(ret, "/twilio/status", "");
        return true;
    }
    rest = below(path, "/media-stream");
    if (!rest)
        return false;
    put(ret, "/twilio/stream", rest);
    ret->stream_alias = true;
    return true;
}

void vgw_api_path_read(const char *path, const char *prefix, bool aliases, struct vgw_api_path *ret)
{
    *ret = (struct vgw_api_path){.older = false};
    if (strcmp(prefix, "/") == 0) {
        put(ret, "", path);
        return;
    }
    const char *rest = below(path, prefix);
    if (rest) {
        put(ret, "", rest);
        return;
    }
    if (below(path, "/health") || strcmp(path, "/metrics") == 0 || strcmp(path, "/") == 0) {
        put(ret, "", path);
        return;
    }
    if (aliases && read_alias(path, prefix, ret))
        return;
    ret->text[0] = '\0';
}
