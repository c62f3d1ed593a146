/* flow.c - workflows, rules, and runs. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

static void print_started(const struct vgw_json *answer)
{
    struct vgw_buf text;
    vgw_buf_init(&text, 0);
    vgw_ctl_text_write(&text, vgw_json_get_string(answer, "run_id", "-"));
    vgw_buf_addc(&text, '\n');
    vgw_ctl_print(&text);
}

int vgw_ctl_run(struct vgw_ctl *ctl)
{
    const char *word = ctl->args.words[0];
    struct vgw_json *body = vgw_json_object(), *args = vgw_json_object();
    struct vgw_error err = {0};
    struct vgw_buf command;
    int rc = body ? vgw_ctl_args_free_to(&ctl->args, args, &err) : vgw_error_nomem(&err);
    if (rc != VGW_OK) {
        vgw_json_free(body);
        vgw_json_free(args);
        return vgw_ctl_fail_error(&err);
    }
    vgw_buf_init(&command, 0);
    vgw_buf_printf(&command, "%s%s", word[0] == '/' ? "" : "/", word);
    vgw_json_set_string(body, "command", vgw_buf_str(&command));
    vgw_json_set(body, "args", args);
    vgw_buf_done(&command);
    return vgw_ctl_show(ctl, "POST", "/commands", body, print_started);
}

static void print_runs(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {
        {"RUN", "run_id", VGW_CTL_PLAIN},    {"WORKFLOW", "workflow", VGW_CTL_PLAIN},
        {"STATUS", "status", VGW_CTL_PLAIN}, {"STARTED", "started_at", VGW_CTL_TIME},
        {"ENDED", "ended_at", VGW_CTL_TIME}, {"CALL", "call_id", VGW_CTL_PLAIN},
        {"ERROR", "error", VGW_CTL_PLAIN},   {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "runs", columns);
}

static void print_run(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column fields[] = {{"run", "run_id", VGW_CTL_PLAIN},
                                                   {"workflow", "workflow", VGW_CTL_PLAIN},
                                                   {"rule", "rule", VGW_CTL_PLAIN},
                                                   {"status", "status", VGW_CTL_PLAIN},
                                                   {"error", "error", VGW_CTL_PLAIN},
                                                   {"call", "call_id", VGW_CTL_PLAIN},
                                                   {"started", "started_at", VGW_CTL_TIME},
                                                   {"ended", "ended_at", VGW_CTL_TIME},
                                                   {NULL, NULL, VGW_CTL_PLAIN}};
    static const struct vgw_ctl_column columns[] = {
        {"STEP", "index", VGW_CTL_PLAIN},    {"TYPE", "type", VGW_CTL_PLAIN},
        {"STATUS", "status", VGW_CTL_PLAIN}, {"STARTED", "started_at", VGW_CTL_TIME},
        {"ENDED", "ended_at", VGW_CTL_TIME}, {"ERROR", "error", VGW_CTL_PLAIN},
        {"OUTPUT", "output", VGW_CTL_PLAIN}, {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_fields(answer, fields);
    if (vgw_json_count(vgw_json_get(answer, "steps")))
        vgw_ctl_print_list(answer, "steps", columns);
}

int vgw_ctl_runs(struct vgw_ctl *ctl)
{
    const char *id = ctl->args.word_count ? ctl->args.words[0] : NULL;
    char *path = vgw_ctl_path(ctl, "/runs", id, "");
    int code = vgw_ctl_show(ctl, "GET", path, NULL, id ? print_run : print_runs);
    vgw_free(path);
    return code;
}

int vgw_ctl_run_cancel(struct vgw_ctl *ctl)
{
    char *path = vgw_ctl_path_plain("/runs", ctl->args.words[0], "/cancel");
    int code = vgw_ctl_show(ctl, "POST", path, NULL, print_run);
    vgw_free(path);
    return code;
}

static void print_workflows(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {{"WORKFLOW", "id", VGW_CTL_PLAIN},
                                                    {"COMMAND", "trigger_command", VGW_CTL_PLAIN},
                                                    {"STEPS", "steps", VGW_CTL_PLAIN},
                                                    {"NAME", "name", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "workflows", columns);
}

int vgw_ctl_workflows(struct vgw_ctl *ctl)
{
    return vgw_ctl_show(ctl, "GET", "/workflows", NULL, print_workflows);
}

static void print_rules(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {{"RULE", "id", VGW_CTL_PLAIN},
                                                    {"EVENTS", "event_types", VGW_CTL_PLAIN},
                                                    {"ENABLED", "enabled", VGW_CTL_PLAIN},
                                                    {"MATCHED", "matched", VGW_CTL_PLAIN},
                                                    {"FIRED", "fired", VGW_CTL_PLAIN},
                                                    {"HELD BACK", "suppressed", VGW_CTL_PLAIN},
                                                    {"FAILED", "failed", VGW_CTL_PLAIN},
                                                    {"NAME", "name", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "rules", columns);
}

int vgw_ctl_rules(struct vgw_ctl *ctl)
{
    return vgw_ctl_show(ctl, "GET", "/rules", NULL, print_rules);
}
