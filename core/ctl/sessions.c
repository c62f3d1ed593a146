/* sessions.c - conversations: live ones, transcripts, records, and their erasure. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

static void print_sessions(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {{"SESSION", "session_id", VGW_CTL_PLAIN},
                                                    {"STATE", "state", VGW_CTL_PLAIN},
                                                    {"CHANNEL", "channel", VGW_CTL_PLAIN},
                                                    {"FROM", "from", VGW_CTL_PLAIN},
                                                    {"TO", "to", VGW_CTL_PLAIN},
                                                    {"PROVIDER", "provider", VGW_CTL_PLAIN},
                                                    {"SINCE", "created_at", VGW_CTL_TIME},
                                                    {"ACTIVE", "last_activity", VGW_CTL_TIME},
                                                    {"TURNS", "turns", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "sessions", columns);
}

int vgw_ctl_sessions(struct vgw_ctl *ctl)
{
    char *path = vgw_ctl_path(ctl, "/sessions", NULL, "");
    int code = vgw_ctl_show(ctl, "GET", path, NULL, print_sessions);
    vgw_free(path);
    return code;
}

static void print_transcript(const struct vgw_json *answer)
{
    struct vgw_buf text;
    vgw_buf_init(&text, 0);
    vgw_ctl_dialogue_write(&text, answer);
    vgw_ctl_print(&text);
}

/* The session of a call. The caller frees; NULL: there is no such call, or nobody answered. */
static char *session_of_call(struct vgw_ctl *ctl, const char *call_id)
{
    struct vgw_ctl_answer answer = {0};
    struct vgw_json *call = NULL;
    char *path = vgw_ctl_path_plain("/calls", call_id, ""), *session = NULL;
    if (path && vgw_ctl_client_request(ctl->client, "GET", path, NULL, &answer, NULL) == VGW_OK &&
        answer.http_status == 200 && vgw_json_parse(answer.body, answer.len, &call, NULL) == VGW_OK)
        session = vgw_strdup(vgw_json_get_string(call, "session_id", NULL));
    vgw_json_free(call);
    vgw_ctl_answer_done(&answer);
    vgw_free(path);
    return session;
}

int vgw_ctl_transcript(struct vgw_ctl *ctl)
{
    const char *id = ctl->args.words[0];
    char *session = session_of_call(ctl, id);
    char *path = vgw_ctl_path_plain("/sessions", session ? session : id, "/transcript");
    int code = vgw_ctl_show(ctl, "GET", path, NULL, print_transcript);
    vgw_free(path);
    vgw_free(session);
    return code;
}

static void print_records(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {{"BEGAN", "start_time", VGW_CTL_TIME},
                                                    {"LASTED", "duration_seconds", VGW_CTL_DURATION},
                                                    {"STATUS", "status", VGW_CTL_PLAIN},
                                                    {"CALLER", "caller_id", VGW_CTL_PLAIN},
                                                    {"DIRECTION", "direction", VGW_CTL_PLAIN},
                                                    {"CHANNEL", "channel", VGW_CTL_PLAIN},
                                                    {"SESSION", "session_id", VGW_CTL_PLAIN},
                                                    {"RECORDING", "recording_url", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "records", columns);
}

int vgw_ctl_history(struct vgw_ctl *ctl)
{
    struct vgw_buf path;
    vgw_buf_init(&path, 0);
    vgw_buf_adds(&path, "/history");
    if (ctl->args.word_count) {
        vgw_buf_adds(&path, "?caller=");
        vgw_url_encode(&path, ctl->args.words[0]);
    }
    vgw_ctl_args_to_query(&ctl->args, &path);
    char *text = vgw_buf_take(&path);
    int code = vgw_ctl_show(ctl, "GET", text, NULL, print_records);
    vgw_free(text);
    return code;
}

static void print_erased(const struct vgw_json *answer)
{
    long long sessions = (long long)vgw_json_get_int(answer, "sessions", 0);
    long long recordings = (long long)vgw_json_get_int(answer, "recordings", 0);
    printf("erased: %lld session%s, %lld recording%s\n", sessions, sessions == 1 ? "" : "s", recordings,
           recordings == 1 ? "" : "s");
}

int vgw_ctl_erase(struct vgw_ctl *ctl)
{
    const char *call = vgw_ctl_args_value(&ctl->args, "call"), *caller = vgw_ctl_args_value(&ctl->args, "caller");
    if ((!call || !*call) == (!caller || !*caller))
        return vgw_ctl_fail(VGW_CTL_USAGE, "name what is to be erased: either --call ID or --caller NUMBER");
    char *path = vgw_ctl_path(ctl, "/records", NULL, "");
    int code = vgw_ctl_show(ctl, "DELETE", path, NULL, print_erased);
    vgw_free(path);
    return code;
}
