/* campaign.c - campaigns: list, show, create, pause, resume, cancel, report. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

static void print_campaigns(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {{"CAMPAIGN", "campaign_id", VGW_CTL_PLAIN},
                                                    {"NAME", "name", VGW_CTL_PLAIN},
                                                    {"STATUS", "status", VGW_CTL_PLAIN},
                                                    {"REASON", "reason", VGW_CTL_PLAIN},
                                                    {"CREATED", "created_at", VGW_CTL_TIME},
                                                    {"FINISHED", "finished_at", VGW_CTL_TIME},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "campaigns", columns);
}

static void print_campaign(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column fields[] = {{"campaign", "campaign_id", VGW_CTL_PLAIN},
                                                   {"name", "name", VGW_CTL_PLAIN},
                                                   {"status", "status", VGW_CTL_PLAIN},
                                                   {"reason", "reason", VGW_CTL_PLAIN},
                                                   {"created", "created_at", VGW_CTL_TIME},
                                                   {"finished", "finished_at", VGW_CTL_TIME},
                                                   {"messages", "progress.messages", VGW_CTL_PLAIN},
                                                   {"open", "progress.open", VGW_CTL_PLAIN},
                                                   {"by outcome", "by_outcome", VGW_CTL_PLAIN},
                                                   {"attempts", "attempts", VGW_CTL_PLAIN},
                                                   {"cost", "cost", VGW_CTL_PLAIN},
                                                   {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_fields(answer, fields);
}

/* "09:00-20:00" as {from, to}, with days and time zone. */
static int add_hours(const struct vgw_ctl_args *args, struct vgw_json *body)
{
    const char *hours = vgw_ctl_args_value(args, "hours"), *days = vgw_ctl_args_value(args, "days");
    const char *zone = vgw_ctl_args_value(args, "timezone"), *dash = hours ? strchr(hours, '-') : NULL;
    struct vgw_json *o;
    char from[16];
    if (!hours && !days && !zone)
        return VGW_CTL_OK;
    if (hours && (!dash || !vgw_strncopy(from, sizeof from, hours, (size_t)(dash - hours))))
        return vgw_ctl_fail(VGW_CTL_USAGE, "hours are written as 09:00-20:00");
    o = vgw_json_object();
    if (hours) {
        vgw_json_set_string(o, "from", from);
        vgw_json_set_string(o, "to", dash + 1);
    }
    if (zone)
        vgw_json_set_string(o, "timezone", zone);
    if (days) {
        struct vgw_json *list = vgw_json_array();
        vgw_json_append_string(list, days);
        vgw_json_set(o, "days", list);
    }
    vgw_json_set(body, "hours", o);
    return VGW_CTL_OK;
}

static int create(struct vgw_ctl *ctl, const char *name)
{
    const struct vgw_ctl_args *args = &ctl->args;
    const char *rate = vgw_ctl_args_value(args, "rate"), *at_once = vgw_ctl_args_value(args, "concurrent");
    const char *budget = vgw_ctl_args_value(args, "budget");
    struct vgw_json *body = vgw_ctl_body(ctl), *limits = vgw_json_object(), *money = vgw_json_object();
    int64_t n = 0;
    double amount = 0;
    int code = body && limits && money ? add_hours(args, body) : VGW_CTL_REFUSED;
    if (code == VGW_CTL_OK && at_once && !vgw_parse_i64(at_once, &n))
        code = vgw_ctl_fail(VGW_CTL_USAGE, "concurrent is a number of calls");
    if (code == VGW_CTL_OK && budget && !vgw_parse_double(budget, &amount))
        code = vgw_ctl_fail(VGW_CTL_USAGE, "budget is an amount such as 250");
    if (code != VGW_CTL_OK) {
        vgw_json_free(body);
        vgw_json_free(limits);
        vgw_json_free(money);
        return code;
    }
    vgw_json_set_string(body, "name", name);
    if (rate)
        vgw_json_set_string(limits, "rate", rate);
    if (at_once)
        vgw_json_set_int(limits, "concurrent", n);
    vgw_json_set_double(money, "amount", amount);
    if (rate || at_once)
        vgw_json_set(body, "limits", limits);
    else
        vgw_json_free(limits);
    if (budget)
        vgw_json_set(body, "budget", money);
    else
        vgw_json_free(money);
    return vgw_ctl_show(ctl, "POST", "/campaigns", body, print_campaign);
}

static int report_csv(struct vgw_ctl *ctl, const char *id)
{
    char *path = vgw_ctl_path_plain("/campaigns", id, "/report?format=csv");
    int code = VGW_CTL_OK;
    while (path && code == VGW_CTL_OK) {
        char *next = NULL;
        code = vgw_ctl_copy(ctl, path, &next);
        vgw_free(path);
        path = next;
    }
    vgw_free(path);
    return code;
}

int vgw_ctl_campaign(struct vgw_ctl *ctl)
{
    static const char *const changes[] = {"pause", "resume", "cancel"};
    const char *verb = ctl->args.words[0], *id = ctl->args.word_count > 1 ? ctl->args.words[1] : NULL;
    char *path = NULL, after[16];
    int code;
    if (vgw_streq(verb, "list")) {
        path = vgw_ctl_path_plain("/campaigns", NULL, "");
        code = vgw_ctl_show(ctl, "GET", path, NULL, print_campaigns);
        vgw_free(path);
        return code;
    }
    if (!id)
        return vgw_ctl_fail(VGW_CTL_USAGE, "campaign %s wants %s", verb,
                            vgw_streq(verb, "create") ? "a name" : "a campaign's id");
    if (vgw_streq(verb, "create"))
        return create(ctl, id);
    if (vgw_streq(verb, "report") && vgw_ctl_args_value(&ctl->args, "csv"))
        return report_csv(ctl, id);
    for (size_t i = 0; i < 3; i++)
        if (vgw_streq(verb, changes[i])) {
            snprintf(after, sizeof after, "/%s", verb);
            path = vgw_ctl_path_plain("/campaigns", id, after);
            code = vgw_ctl_show(ctl, "POST", path, NULL, print_campaign);
            vgw_free(path);
            return code;
        }
    if (!vgw_streq(verb, "show") && !vgw_streq(verb, "report"))
        return vgw_ctl_fail(VGW_CTL_USAGE, "campaign takes list, show, create, pause, resume, cancel or report, not %s",
                            verb);
    path = vgw_ctl_path_plain("/campaigns", id, vgw_streq(verb, "report") ? "/report" : "");
    code = vgw_ctl_show(ctl, "GET", path, NULL, print_campaign);
    vgw_free(path);
    return code;
}
