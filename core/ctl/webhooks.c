/* webhooks.c - webhooks that wait or were given up. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

static void print_webhooks(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {
        {"MADE", "created_at", VGW_CTL_TIME}, {"STATUS", "status", VGW_CTL_PLAIN}, {"TYPE", "type", VGW_CTL_PLAIN},
        {"CALL", "call_id", VGW_CTL_PLAIN},   {"RECEIVER", "url", VGW_CTL_PLAIN},  {"ID", "webhook_id", VGW_CTL_PLAIN},
        {"WHY", "last_error", VGW_CTL_PLAIN}, {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "webhooks", columns);
}

int vgw_ctl_webhooks(struct vgw_ctl *ctl)
{
    struct vgw_buf path;
    vgw_buf_init(&path, 0);
    vgw_buf_adds(&path, "/webhooks");
    vgw_ctl_args_to_query(&ctl->args, &path);
    char *text = vgw_buf_take(&path);
    int code = vgw_ctl_show(ctl, "GET", text, NULL, print_webhooks);
    vgw_free(text);
    return code;
}

static void print_replayed(const struct vgw_json *answer)
{
    printf("on its way again: %s\n", vgw_json_get_string(answer, "webhook_id", ""));
}

int vgw_ctl_webhook_replay(struct vgw_ctl *ctl)
{
    struct vgw_buf path;
    vgw_buf_init(&path, 0);
    vgw_buf_adds(&path, "/webhooks/");
    vgw_url_encode(&path, ctl->args.words[0]);
    vgw_buf_adds(&path, "/replay");
    char *text = vgw_buf_take(&path);
    int code = vgw_ctl_show(ctl, "POST", text, NULL, print_replayed);
    vgw_free(text);
    return code;
}
