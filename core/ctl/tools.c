/* tools.c - voice tools: which there are, and calling one. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

static void print_tools(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {
        {"TOOL", "name", VGW_CTL_PLAIN}, {"DESCRIPTION", "description", VGW_CTL_PLAIN}, {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "tools", columns);
}

int vgw_ctl_tools(struct vgw_ctl *ctl)
{
    return vgw_ctl_show(ctl, "GET", "/tools", NULL, print_tools);
}

static void print_result(const struct vgw_json *answer)
{
    vgw_ctl_print_json(vgw_json_has(answer, "result") ? vgw_json_get(answer, "result") : answer);
}

/* 5, true, {"a": 1} are what they look like, the rest is text. */
static struct vgw_json *typed(const struct vgw_json *texts)
{
    struct vgw_json *o = vgw_json_object(), *text;
    const char *key;
    for (size_t i = 0; vgw_json_object_next(texts, &i, &key, &text);) {
        const char *s = vgw_json_str(text);
        struct vgw_json *value = NULL;
        if (!s || vgw_json_parse(s, strlen(s), &value, NULL) < 0)
            value = vgw_json_copy(text);
        vgw_json_set(o, key, value);
    }
    return o;
}

int vgw_ctl_tool(struct vgw_ctl *ctl)
{
    struct vgw_json *given = vgw_json_object(), *body = vgw_json_object();
    struct vgw_error err = {0};
    int rc = given && body ? vgw_ctl_args_free_to(&ctl->args, given, &err) : vgw_error_nomem(&err);
    if (rc != VGW_OK) {
        vgw_json_free(given);
        vgw_json_free(body);
        return vgw_ctl_fail_error(&err);
    }
    vgw_json_set(body, "arguments", typed(given));
    vgw_json_free(given);
    char *path = vgw_ctl_path_plain("/tools", ctl->args.words[0], "");
    int code = vgw_ctl_show(ctl, "POST", path, body, print_result);
    vgw_free(path);
    return code;
}
