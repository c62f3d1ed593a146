/* plugins.c - plugins and their options. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

/* "providers.lab, tts.local" in a field of its own, for the table. */
static void name_instances(struct vgw_json *plugin)
{
    const struct vgw_json *instances = vgw_json_get(plugin, "instances");
    struct vgw_json *names = vgw_json_array();
    for (size_t i = 0; names && i < vgw_json_count(instances); i++) {
        const struct vgw_json *instance = vgw_json_at(instances, i);
        struct vgw_buf name;
        vgw_buf_init(&name, 0);
        vgw_buf_printf(&name, "%s.%s", vgw_json_get_string(instance, "section", "-"),
                       vgw_json_get_string(instance, "name", "-"));
        vgw_json_append_string(names, vgw_buf_str(&name));
        vgw_buf_done(&name);
    }
    vgw_json_set(plugin, "instance_names", names);
}

static void print_plugins(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {{"PLUGIN", "name", VGW_CTL_PLAIN},
                                                    {"VERSION", "version", VGW_CTL_PLAIN},
                                                    {"STATUS", "status", VGW_CTL_PLAIN},
                                                    {"INSTANCES", "instance_names", VGW_CTL_PLAIN},
                                                    {"DESCRIPTION", "description", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    const struct vgw_json *plugins = vgw_json_get(answer, "plugins");
    for (size_t i = 0; i < vgw_json_count(plugins); i++)
        name_instances(vgw_json_at(plugins, i));
    vgw_ctl_print_list(answer, "plugins", columns);
}

int vgw_ctl_plugins(struct vgw_ctl *ctl)
{
    return vgw_ctl_show(ctl, "GET", "/plugins", NULL, print_plugins);
}

static void print_factory(const struct vgw_json *factory)
{
    static const struct vgw_ctl_column fields[] = {
        {"kind", "kind", VGW_CTL_PLAIN}, {"can", "caps", VGW_CTL_PLAIN}, {NULL, NULL, VGW_CTL_PLAIN}};
    static const struct vgw_ctl_column columns[] = {{"OPTION", "name", VGW_CTL_PLAIN},
                                                    {"TYPE", "type", VGW_CTL_PLAIN},
                                                    {"DEFAULT", "default", VGW_CTL_PLAIN},
                                                    {"REQUIRED", "required", VGW_CTL_PLAIN},
                                                    {"RELOAD", "reloadable", VGW_CTL_PLAIN},
                                                    {"CHOICES", "choices", VGW_CTL_PLAIN},
                                                    {"DESCRIPTION", "description", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    putchar('\n');
    vgw_ctl_print_fields(factory, fields);
    vgw_ctl_print_list(factory, "options", columns);
}

static void print_plugin(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column fields[] = {
        {"plugin", "name", VGW_CTL_PLAIN},     {"description", "description", VGW_CTL_PLAIN},
        {"version", "version", VGW_CTL_PLAIN}, {"license", "license", VGW_CTL_PLAIN},
        {"file", "file", VGW_CTL_PLAIN},       {"status", "status", VGW_CTL_PLAIN},
        {"error", "error", VGW_CTL_PLAIN},     {NULL, NULL, VGW_CTL_PLAIN}};
    static const struct vgw_ctl_column columns[] = {{"SECTION", "section", VGW_CTL_PLAIN},
                                                    {"INSTANCE", "name", VGW_CTL_PLAIN},
                                                    {"STATE", "state", VGW_CTL_PLAIN},
                                                    {"GENERATION", "generation", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    const struct vgw_json *factories = vgw_json_get(answer, "factories");
    vgw_ctl_print_fields(answer, fields);
    for (size_t i = 0; i < vgw_json_count(factories); i++)
        print_factory(vgw_json_at(factories, i));
    putchar('\n');
    vgw_ctl_print_list(answer, "instances", columns);
}

int vgw_ctl_plugin(struct vgw_ctl *ctl)
{
    if (!vgw_streq(ctl->args.words[0], "describe"))
        return vgw_ctl_fail(VGW_CTL_USAGE, "plugin takes describe NAME, not '%s'", ctl->args.words[0]);
    char *path = vgw_ctl_path_plain("/plugins", ctl->args.words[1], "");
    int code = vgw_ctl_show(ctl, "GET", path, NULL, print_plugin);
    vgw_free(path);
    return code;
}
