/* probe_child.c - the helper's side of a probe: a process that may crash. */
#include <dlfcn.h>
#include <string.h>
#include "plugin/child.h"

/* The loader's message as a sentence with its remedy; the file's own name before it is left out. */
static void explain_dlerror(const char *file, const char *message, struct vgw_error *err)
{
    size_t n = strlen(file);
    const char *text = message;
    if (strncmp(text, file, n) == 0 && strncmp(text + n, ": ", 2) == 0)
        text += n + 2;
    const char *symbol = strstr(text, "undefined symbol: "),
               *library = strstr(text, ": cannot open shared object file");
    const char *version = strstr(text, ": version `");
    if (symbol) {
        symbol += strlen("undefined symbol: ");
        vgw_error_set(
            err, VGW_ECONFIG,
            "it needs the symbol %.*s, which nothing that it is linked with provides: link the library that has it",
            (int)strcspn(symbol, " ,\t("), symbol);
    } else if (library && text != message + n) {
        vgw_error_set(err, VGW_ECONFIG, "it needs %.*s, which is not installed: install the package that has it",
                      (int)(library - text), text);
    } else if (version) {
        vgw_error_set(err, VGW_ECONFIG, "it needs a newer library than the one installed (%s): build it on this system",
                      text);
    } else {
        vgw_error_set(err, VGW_ECONFIG, "the system's loader refuses it (%s): build or copy it again", text);
    }
}

static int probe(int fd, const char *file, struct vgw_error *err)
{
    vgw_plugin_child_stage(fd, "constructor");
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *message = dlerror();
        explain_dlerror(file, message ? message : "no reason given", err);
        return err->status;
    }
    vgw_plugin_child_stage(fd, "entry");
    const struct voicegw_plugin *(*entry)(uint32_t, uint32_t);
    *(void **)&entry = dlsym(handle, "voicegw_plugin_entry");
    if (!entry)
        return vgw_error_set(
            err, VGW_ECONFIG,
            "it exports no voicegw_plugin_entry, so it is no voicegw plugin: define it with VOICEGW_EXPORT");
    const struct voicegw_plugin *plugin = entry(VOICEGW_ABI_MAJOR, VOICEGW_ABI_MINOR);
    if (!plugin)
        return vgw_error_set(
            err, VGW_ECONFIG,
            "its voicegw_plugin_entry refuses this gateway's ABI %u.%u: build it with this gateway's SDK",
            VOICEGW_ABI_MAJOR, VOICEGW_ABI_MINOR);
    vgw_plugin_child_stage(fd, "descriptor");
    struct vgw_plugin_desc *desc = NULL;
    int rc = vgw_plugin_desc_read(plugin, &desc, err);
    if (rc != 0)
        return rc;
    struct vgw_json *json = vgw_plugin_desc_to_json(desc);
    vgw_plugin_child_answer(fd, json);
    vgw_json_free(json);
    vgw_plugin_desc_free(desc);
    return 0;
}

int vgw_probe_main(const char *file)
{
    struct vgw_error err = {0};
    int fd = vgw_plugin_child_begin();
    if (probe(fd, file, &err) == 0)
        return 0;
    vgw_plugin_child_error(fd, &err);
    return 1;
}
