/* probe.c - the gateway's side of a probe: checks the file, asks the cache, else a helper process. */
#include "plugin/probe.h"
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/str.h"
#include "plugin/child.h"
#include "plugin/file.h"

static int fingerprint(const char *file, char *hash, struct vgw_error *err)
{
    int fd;
    int rc = vgw_plugin_file_open(file, &fd, err);
    if (rc != 0)
        return rc;
    rc = vgw_plugin_file_scan(fd, file, -1, hash, err);
    close(fd);
    return rc;
}

static int accept_desc(const struct vgw_json *json, const char *file, const char *name,
                       struct vgw_plugin_desc **ret_desc, struct vgw_error *err)
{
    struct vgw_plugin_desc *desc = NULL;
    int rc = vgw_plugin_desc_from_json(json, &desc, err);
    if (rc != 0)
        return rc;
    if (!vgw_streq(desc->name, name)) {
        vgw_error_at(err, VGW_ECONFIG, file,
                     "the plugin calls itself %s, but its file is %s.so: rename the file to %s.so", desc->name, name,
                     desc->name);
        vgw_plugin_desc_free(desc);
        return VGW_ECONFIG;
    }
    *ret_desc = desc;
    return 0;
}

int vgw_plugin_probe(struct vgw_plugin_prober *prober, const char *file, const char *name,
                     struct vgw_plugin_desc **ret_desc, char *ret_hash, struct vgw_error *err)
{
    char hash[VGW_PLUGIN_HASH_TEXT];
    struct vgw_json *answer = NULL;
    int rc = fingerprint(file, hash, err);
    if (rc != 0)
        return rc;
    bool known = prober->cache && (answer = vgw_plugin_cache_get(prober->cache, hash));
    if (!known)
        rc = vgw_plugin_child_run(prober, VGW_PLUGIN_PROBE_ARGUMENT, file, -1, file, &answer, err);
    if (rc == 0)
        rc = accept_desc(answer, file, name, ret_desc, err);
    /* A cache that cannot take the answer costs one more child at the next start, nothing else. */
    if (rc == 0 && !known && prober->cache) {
        (void)vgw_plugin_cache_put(prober->cache, hash, answer);
        answer = NULL;
    }
    if (rc == 0)
        memcpy(ret_hash, hash, sizeof hash);
    vgw_json_free(answer);
    return rc;
}
