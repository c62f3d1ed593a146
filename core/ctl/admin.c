/* admin.c - reload, drain, undrain, log level. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

static void print_names(const struct vgw_json *answer, const char *field, const char *before)
{
    struct vgw_buf text;
    if (!vgw_json_count(vgw_json_get(answer, field)))
        return;
    vgw_buf_init(&text, 0);
    vgw_buf_adds(&text, before);
    vgw_ctl_cell_write(&text, vgw_json_get(answer, field), VGW_CTL_PLAIN);
    vgw_buf_addc(&text, '\n');
    vgw_ctl_print(&text);
}

static void print_reload(const struct vgw_json *answer)
{
    printf("loaded; this is generation %lld\n", (long long)vgw_json_get_int(answer, "generation", 0));
    print_names(answer, "changed", "changed: ");
    print_names(answer, "restart_required", "applies after a restart only: ");
    print_names(answer, "waiting", "new code starts when idle: ");
}

int vgw_ctl_reload(struct vgw_ctl *ctl)
{
    if (vgw_ctl_args_value(&ctl->args, "wait"))
        vgw_ctl_client_set_timeout(ctl->client, 0);
    return vgw_ctl_show(ctl, "POST", "/reload", NULL, print_reload);
}

static void print_drain(const struct vgw_json *answer)
{
    long long sessions = (long long)vgw_json_get_int(answer, "sessions", 0);
    bool draining = vgw_streq(vgw_json_get_string(answer, "status", ""), "draining");
    printf("%s; %lld session%s live\n", draining ? "draining: new calls are refused" : "new calls are taken", sessions,
           sessions == 1 ? "" : "s");
}

int vgw_ctl_drain(struct vgw_ctl *ctl)
{
    struct vgw_json *body = vgw_ctl_body(ctl);
    return body ? vgw_ctl_show(ctl, "POST", "/drain", body, print_drain) : VGW_CTL_REFUSED;
}

int vgw_ctl_undrain(struct vgw_ctl *ctl)
{
    return vgw_ctl_show(ctl, "POST", "/undrain", NULL, print_drain);
}

static void print_level(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column fields[] = {{"log level", "level", VGW_CTL_PLAIN}, {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_fields(answer, fields);
}

int vgw_ctl_log_level(struct vgw_ctl *ctl)
{
    struct vgw_json *body = vgw_json_object();
    vgw_json_set_string(body, "level", ctl->args.words[0]);
    return vgw_ctl_show(ctl, "POST", "/log-level", body, print_level);
}
