/* calls.c - calls: list, place, and what can be done with one. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

static void print_calls(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {
        {"CALL", "call_id", VGW_CTL_PLAIN},       {"STATE", "state", VGW_CTL_PLAIN},
        {"STATUS", "status", VGW_CTL_PLAIN},      {"DIRECTION", "direction", VGW_CTL_PLAIN},
        {"FROM", "from", VGW_CTL_PLAIN},          {"TO", "to", VGW_CTL_PLAIN},
        {"PROVIDER", "provider", VGW_CTL_PLAIN},  {"SINCE", "created_at", VGW_CTL_TIME},
        {"LASTED", "duration", VGW_CTL_DURATION}, {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "calls", columns);
}

static void print_call(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column fields[] = {{"call", "call_id", VGW_CTL_PLAIN},
                                                   {"session", "session_id", VGW_CTL_PLAIN},
                                                   {"provider's id", "provider_call_id", VGW_CTL_PLAIN},
                                                   {"provider", "provider", VGW_CTL_PLAIN},
                                                   {"direction", "direction", VGW_CTL_PLAIN},
                                                   {"from", "from", VGW_CTL_PLAIN},
                                                   {"to", "to", VGW_CTL_PLAIN},
                                                   {"state", "state", VGW_CTL_PLAIN},
                                                   {"status", "status", VGW_CTL_PLAIN},
                                                   {"cause", "cause", VGW_CTL_PLAIN},
                                                   {"created", "created_at", VGW_CTL_TIME},
                                                   {"answered", "answered_at", VGW_CTL_TIME},
                                                   {"ended", "ended_at", VGW_CTL_TIME},
                                                   {"lasted", "duration", VGW_CTL_DURATION},
                                                   {"cost", "cost", VGW_CTL_PLAIN},
                                                   {"currency", "currency", VGW_CTL_PLAIN},
                                                   {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_fields(answer, fields);
}

/* A command is under way when it is answered, so the state is still the one before. */
static void print_state(const struct vgw_json *answer)
{
    struct vgw_buf text;
    vgw_buf_init(&text, 0);
    vgw_ctl_text_write(&text, vgw_json_get_string(answer, "call_id", "-"));
    vgw_buf_adds(&text, ": accepted; the call is ");
    vgw_ctl_text_write(&text, vgw_json_get_string(answer, "state", "-"));
    vgw_buf_addc(&text, '\n');
    vgw_ctl_print(&text);
}

int vgw_ctl_calls(struct vgw_ctl *ctl)
{
    const char *id = ctl->args.word_count ? ctl->args.words[0] : NULL;
    char *path = vgw_ctl_path(ctl, "/calls", id, "");
    int code = vgw_ctl_show(ctl, "GET", path, NULL, id ? print_call : print_calls);
    vgw_free(path);
    return code;
}

int vgw_ctl_call(struct vgw_ctl *ctl)
{
    struct vgw_json *body = vgw_ctl_body(ctl);
    if (!body)
        return VGW_CTL_REFUSED;
    vgw_json_set_string(body, "to", ctl->args.words[0]);
    return vgw_ctl_show(ctl, "POST", "/calls", body, print_call);
}

/* The words behind the first as one text. The caller frees; NULL: out of memory. */
static char *join_words(const struct vgw_ctl_args *args)
{
    struct vgw_buf text;
    vgw_buf_init(&text, 0);
    for (size_t i = 1; i < args->word_count; i++) {
        vgw_buf_adds(&text, i > 1 ? " " : "");
        vgw_buf_adds(&text, args->words[i]);
    }
    return vgw_buf_take(&text);
}

static int send_command(struct vgw_ctl *ctl, const char *word, struct vgw_json *body)
{
    char *path = vgw_ctl_path_plain("/calls", ctl->args.words[0], word);
    if (body && !vgw_json_object_count(body)) {
        vgw_json_free(body);
        body = NULL;
    }
    int code = vgw_ctl_show(ctl, "POST", path, body, print_state);
    vgw_free(path);
    return code;
}

int vgw_ctl_call_command(struct vgw_ctl *ctl)
{
    const struct vgw_ctl_command *c = ctl->command;
    struct vgw_json *body = vgw_ctl_body(ctl);
    if (!body)
        return VGW_CTL_REFUSED;
    if (c->field && ctl->args.word_count > 1) {
        char *text = join_words(&ctl->args);
        vgw_json_set_string(body, c->field, text ? text : "");
        vgw_free(text);
    }
    return send_command(ctl, c->route, body);
}

int vgw_ctl_record(struct vgw_ctl *ctl)
{
    static const char *const words[] = {"start", "pause", "resume", "stop"};
    static const char *const routes[] = {"/recording/start", "/recording/pause", "/recording/resume",
                                         "/recording/stop"};
    const char *word = ctl->args.word_count > 1 ? ctl->args.words[1] : "start";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (vgw_streq(word, words[i]))
            return send_command(ctl, routes[i], NULL);
    }
    return vgw_ctl_fail(VGW_CTL_USAGE, "record takes start, pause, resume or stop, not '%s'", word);
}

static void print_conferences(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {{"CONFERENCE", "conference", VGW_CTL_PLAIN},
                                                    {"PROJECT", "project_id", VGW_CTL_PLAIN},
                                                    {"PARTICIPANTS", "participants", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "conferences", columns);
}

int vgw_ctl_conferences(struct vgw_ctl *ctl)
{
    return vgw_ctl_show(ctl, "GET", "/conferences", NULL, print_conferences);
}

int vgw_ctl_participant(struct vgw_ctl *ctl)
{
    static const char *const words[] = {"hold", "resume", "mute", "unmute", "kick"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!vgw_streq(ctl->args.words[2], words[i]))
            continue;
        char *room = vgw_ctl_path_plain("/conferences", ctl->args.words[0], "/participants");
        char *who = vgw_ctl_path_plain(room ? room : "", ctl->args.words[1], "");
        char *path = vgw_ctl_path_plain(who ? who : "", words[i], "");
        int code = vgw_ctl_show(ctl, "POST", path, NULL, print_state);
        vgw_free(room);
        vgw_free(who);
        vgw_free(path);
        return code;
    }
    return vgw_ctl_fail(VGW_CTL_USAGE, "participant takes hold, resume, mute, unmute or kick, not '%s'",
                        ctl->args.words[2]);
}
