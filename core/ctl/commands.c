/* commands.c - the table of commands: help, completion and dispatch are made from it. */
#include "base/str.h"
#include "ctl/ctl.h"

#define COMMANDS_MAX 64
#define END                                                                                                            \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }
#define LIMIT                                                                                                          \
    {                                                                                                                  \
        "limit", "N", "limit", VGW_CTL_NUMBER, "items of a page; 50 unless given, at most 500"                         \
    }
#define CURSOR                                                                                                         \
    {                                                                                                                  \
        "cursor", "CURSOR", "cursor", VGW_CTL_TEXT, "the page that begins there"                                       \
    }
#define FILTER(name, value, field, text)                                                                               \
    {                                                                                                                  \
        name, value, field, VGW_CTL_TEXT, text                                                                         \
    }
#define VOICE                                                                                                          \
    {                                                                                                                  \
        "voice", "VOICE", "voice", VGW_CTL_TEXT, "voice of the synthesis"                                              \
    }
#define LANGUAGE                                                                                                       \
    {                                                                                                                  \
        "language", "TAG", "language", VGW_CTL_TEXT, "language, as en-US"                                              \
    }
#define INTERRUPTIBLE                                                                                                  \
    {                                                                                                                  \
        "interruptible", "YES|NO", "interruptible", VGW_CTL_BOOL, "may the caller speak over it?"                      \
    }

static const struct vgw_ctl_option calls_options[] = {
    FILTER("state", "STATE", "state", "ringing, connected, on_hold ..."),
    FILTER("status", "STATUS", "status", "active, completed, busy ..."),
    FILTER("provider", "NAME", "provider", "of that provider"),
    FILTER("direction", "WORD", "direction", "inbound or outbound"),
    FILTER("from", "NUMBER", "from", "from that number"),
    FILTER("to", "NUMBER", "to", "to that number"),
    FILTER("session", "ID", "session_id", "of that session"),
    LIMIT,
    CURSOR,
    END};
static const struct vgw_ctl_option webhooks_options[] = {FILTER("status", "WORD", "status", "queued or dead"),
                                                         FILTER("url", "URL", "url", "to that receiver"),
                                                         FILTER("call", "ID", "call_id", "of that call"),
                                                         LIMIT,
                                                         CURSOR,
                                                         END};
static const struct vgw_ctl_option call_options[] = {
    {"from", "NUMBER", "from", VGW_CTL_TEXT, "number that the call is placed from"},
    {"provider", "NAME", "provider", VGW_CTL_TEXT, "provider; the default one unless given"},
    {"workflow", "ID", "workflow", VGW_CTL_TEXT, "workflow that holds the conversation"},
    {"assistant", "NAME", "assistant", VGW_CTL_TEXT, "assistant that holds the conversation"},
    {"agent", "NAME", "agent", VGW_CTL_TEXT, "agent that holds the conversation"},
    {"greeting", "TEXT", "greeting", VGW_CTL_TEXT, "said when the call is answered"},
    LANGUAGE,
    {"var", "KEY=VALUE", "variables", VGW_CTL_PAIR, "variable of the session; may be given again"},
    {"lead", "ID", "lead_id", VGW_CTL_TEXT, "lead that the call belongs to"},
    {"reservation", "ID", "reservation_id", VGW_CTL_TEXT, "reservation that the call belongs to"},
    {"project", "ID", "project_id", VGW_CTL_TEXT, "project; default unless given"},
    {"timeout", "SECONDS", "timeout_seconds", VGW_CTL_NUMBER, "how long it may ring"},
    END};
static const struct vgw_ctl_option hold_options[] = {
    {"music", "URL", "music", VGW_CTL_TEXT, "what is played meanwhile"}, END};
static const struct vgw_ctl_option transfer_options[] = {
    {"department", "NAME", "department", VGW_CTL_TEXT, "department, in place of TO"},
    {"kind", "KIND", "kind", VGW_CTL_TEXT, "blind or attended"},
    {"summary", "TEXT", "summary", VGW_CTL_TEXT, "for whoever takes the call"},
    {"bridge", NULL, "bridge", VGW_CTL_FLAG, "the gateway calls the other side itself and joins both"},
    END};
static const struct vgw_ctl_option conference_options[] = {
    {"muted", NULL, "muted", VGW_CTL_FLAG, "only listens"},
    {"start-on-enter", "YES|NO", "start_on_enter", VGW_CTL_BOOL, "does it begin with this call? yes unless given"},
    {"end-on-exit", "YES|NO", "end_on_exit", VGW_CTL_BOOL, "does it end when this call leaves? no unless given"},
    END};
static const struct vgw_ctl_option monitor_options[] = {
    {"mode", "MODE", "mode", VGW_CTL_TEXT, "listen (unless given), whisper or barge"}, END};
static const struct vgw_ctl_option say_options[] = {VOICE, LANGUAGE, INTERRUPTIBLE, END};
static const struct vgw_ctl_option play_options[] = {
    {"loop", NULL, "loop", VGW_CTL_FLAG, "again and again"}, INTERRUPTIBLE, END};
static const struct vgw_ctl_option hangup_options[] = {{"reason", "TEXT", "reason", VGW_CTL_TEXT, "for the record"},
                                                       END};
static const struct vgw_ctl_option sessions_options[] = {
    FILTER("state", "STATE", "state", "created, active; stopped: those that ended"),
    FILTER("status", "STATUS", "status", "active, completed, failed ..."),
    FILTER("channel", "WORD", "channel", "phone, webrtc or realtime"),
    FILTER("direction", "WORD", "direction", "inbound or outbound"),
    FILTER("caller", "NUMBER", "caller_id", "of that caller"),
    FILTER("provider", "NAME", "provider", "of that provider"),
    FILTER("project", "ID", "project_id", "of that project"),
    LIMIT,
    CURSOR,
    END};
static const struct vgw_ctl_option history_options[] = {
    FILTER("from", "TIME", "from", "not before, as 2026-02-01 or 2026-02-01T12:00:00Z"),
    FILTER("to", "TIME", "to", "before that time"),
    FILTER("status", "STATUS", "status", "completed, failed, busy ..."),
    FILTER("channel", "WORD", "channel", "phone, webrtc or realtime"),
    FILTER("direction", "WORD", "direction", "inbound or outbound"),
    FILTER("provider", "NAME", "provider", "of that provider"),
    FILTER("project", "ID", "project_id", "of that project"),
    LIMIT,
    CURSOR,
    END};
static const struct vgw_ctl_option events_options[] = {
    {"follow", NULL, NULL, VGW_CTL_FLAG, "go on with what happens; without it, what is kept is shown"},
    {"since", "ID", NULL, VGW_CTL_TEXT, "begin behind that event; 0: with the oldest that is kept"},
    FILTER("types", "LIST", "types", "types with commas; * stands for anything"),
    FILTER("call", "ID", "call_id", "of that call"),
    FILTER("session", "ID", "session_id", "of that session"),
    FILTER("provider", "NAME", "provider", "of that provider"),
    FILTER("project", "ID", "project_id", "of that project"),
    END};
static const struct vgw_ctl_option runs_options[] = {
    FILTER("workflow", "ID", "workflow", "of that workflow"),
    FILTER("status", "STATUS", "status", "running, completed, failed ..."), LIMIT, CURSOR, END};
static const struct vgw_ctl_option send_options[] = {
    {"csv", "FILE", NULL, VGW_CTL_TEXT, "a line a message; the first names the columns; - is standard input"},
    {"campaign", "ID", "campaign_id", VGW_CTL_TEXT, "campaign that they belong to"},
    {"voice-config", "NAME", "voice_config", VGW_CTL_TEXT, "profile; default unless given"},
    {"content", "TEXT", "content", VGW_CTL_TEXT, "template of what is said, with {{ column }}"},
    {"type", "WORD", "message_type", VGW_CTL_TEXT, "regular, follow_up, reminder or free text"},
    {"channel", "WORD", "channel", VGW_CTL_TEXT, "voice or sms"},
    {"from", "NUMBER", "from", VGW_CTL_TEXT, "number that is called from"},
    {"schedule", "TIME", "schedule", VGW_CTL_TEXT, "not before, as 2026-02-01T12:00:00Z"},
    {"user", "ID", "user", VGW_CTL_TEXT, "who sends it"},
    {"project", "ID", "project_id", VGW_CTL_TEXT, "project; default unless given"},
    {"key", "WORD", NULL, VGW_CTL_TEXT, "what is sent again with the same word is not sent twice"},
    LANGUAGE,
    END};
static const struct vgw_ctl_option messages_options[] = {
    FILTER("status", "STATUS", "status", "queued, calling, retrying, delivered, failed, canceled"),
    FILTER("outcome", "WORD", "outcome", "busy, no_answer, voicemail ..."),
    FILTER("campaign", "ID", "campaign_id", "of that campaign"),
    FILTER("lead", "ID", "lead_id", "to that lead"),
    FILTER("to", "NUMBER", "to", "to that number"),
    LIMIT,
    CURSOR,
    END};
static const struct vgw_ctl_option campaign_options[] = {
    {"content", "TEXT", "content", VGW_CTL_TEXT, "create: template of what is said"},
    {"voice-config", "NAME", "voice_config", VGW_CTL_TEXT, "create: profile; default unless given"},
    {"hours", "FROM-TO", NULL, VGW_CTL_TEXT, "create: as 09:00-20:00, by the leads' clocks"},
    {"days", "DAYS", NULL, VGW_CTL_TEXT, "create: as mon-fri"},
    {"timezone", "ZONE", NULL, VGW_CTL_TEXT, "create: of leads whose own is not known"},
    {"rate", "RATE", NULL, VGW_CTL_TEXT, "create: as 5/s or 60/m"},
    {"concurrent", "N", NULL, VGW_CTL_TEXT, "create: calls at one time"},
    {"budget", "AMOUNT", NULL, VGW_CTL_TEXT, "create: it is paused once that is spent"},
    {"order", "WORD", "order", VGW_CTL_TEXT, "create: given, random or priority"},
    {"paused", NULL, "paused", VGW_CTL_FLAG, "create: it begins when it is resumed"},
    {"project", "ID", "project_id", VGW_CTL_TEXT, "create: project; default unless given"},
    {"csv", NULL, NULL, VGW_CTL_FLAG, "report: a line a message"},
    END};
static const struct vgw_ctl_option reload_options[] = {
    {"wait", NULL, NULL, VGW_CTL_FLAG, "wait for the outcome however long it takes; 30 s otherwise"}, END};
static const struct vgw_ctl_option drain_options[] = {
    {"timeout", "DURATION", "timeout", VGW_CTL_TEXT,
     "what is left then is ended: 90, 30m; gateway.drain_timeout unless given"},
    {"exit", NULL, "exit", VGW_CTL_FLAG, "end the daemon when it is done"},
    END};
static const struct vgw_ctl_option erase_options[] = {
    {"call", "ID", "call", VGW_CTL_TEXT, "the session of that call"},
    {"caller", "NUMBER", "caller", VGW_CTL_TEXT, "everything of that caller"},
    END};
static const struct vgw_ctl_option check_options[] = {
    {"plugin-path", "DIR", NULL, VGW_CTL_TEXT, "folder of plugins, ahead of the configured ones"}, END};

#define CALL_COMMAND(word, route_, field_, min, max, args_, text, options_)                                            \
    {                                                                                                                  \
        .name = word, .args = args_, .summary = text, .fn = vgw_ctl_call_command, .min_words = min, .max_words = max,  \
        .options = options_, .route = route_, .field = field_                                                          \
    }
#define COMMAND(word, function, min, max, args_, text, options_)                                                       \
    {                                                                                                                  \
        .name = word, .args = args_, .summary = text, .fn = function, .min_words = min, .max_words = max,              \
        .options = options_                                                                                            \
    }

static const struct vgw_ctl_command table[] = {
    COMMAND("status", vgw_ctl_status, 0, 0, "", "How the gateway and its parts are", NULL),
    COMMAND("calls", vgw_ctl_calls, 0, 1, "[ID]", "Calls, live ones first; with ID that one", calls_options),
    COMMAND("call", vgw_ctl_call, 1, 1, "TO", "Place a call", call_options),
    CALL_COMMAND("answer", "/answer", NULL, 1, 1, "ID", "Answer an incoming call", NULL),
    CALL_COMMAND("hold", "/hold", NULL, 1, 1, "ID", "Put a call on hold", hold_options),
    CALL_COMMAND("resume", "/resume", NULL, 1, 1, "ID", "Take a call back from hold", NULL),
    CALL_COMMAND("transfer", "/transfer", "to", 1, 2, "ID [TO]", "Transfer a call to a number or department",
                 transfer_options),
    CALL_COMMAND("say", "/say", "text", 2, VGW_CTL_WORDS_MAX, "ID TEXT...", "Say a text into a call", say_options),
    CALL_COMMAND("play", "/play", "url", 2, 2, "ID URL", "Play a WAV file into a call", play_options),
    CALL_COMMAND("dtmf", "/dtmf", "digits", 2, 2, "ID DIGITS", "Send digits: 0-9 * # A-D, w for a pause", NULL),
    CALL_COMMAND("mute", "/mute", NULL, 1, 1, "ID", "Mute our side of a call", NULL),
    CALL_COMMAND("unmute", "/unmute", NULL, 1, 1, "ID", "Unmute our side of a call", NULL),
    CALL_COMMAND("conference", "/conference", "name", 2, 2, "ID NAME", "Bring a call into a conference",
                 conference_options),
    COMMAND("conferences", vgw_ctl_conferences, 0, 0, "", "Conferences that the gateway mixes", NULL),
    COMMAND("participant", vgw_ctl_participant, 3, 3, "NAME ID hold|resume|mute|unmute|kick",
            "Move one who is in a conference", NULL),
    CALL_COMMAND("monitor", "/monitor", "call", 2, 2, "ID CALL",
                 "Let the call ID listen in on CALL, whisper or break in", monitor_options),
    COMMAND("record", vgw_ctl_record, 1, 2, "ID [start|pause|resume|stop]", "Record a call; start unless given", NULL),
    CALL_COMMAND("hangup", "/end", NULL, 1, 1, "ID", "End a call", hangup_options),
    COMMAND("sessions", vgw_ctl_sessions, 0, 0, "", "Conversations that are live", sessions_options),
    COMMAND("transcript", vgw_ctl_transcript, 1, 1, "ID", "What was said in a session or call, with latencies", NULL),
    COMMAND("history", vgw_ctl_history, 0, 1, "[CALLER]", "Records of conversations, of one caller or of all",
            history_options),
    COMMAND("events", vgw_ctl_events, 0, 0, "", "What has happened and happens", events_options),
    COMMAND("tools", vgw_ctl_tools, 0, 0, "", "Voice tools", NULL),
    {.name = "tool",
     .args = "NAME [--ARGUMENT=VALUE...]",
     .summary = "Call a voice tool: tool format_for_voice --format=time --data=14:30",
     .fn = vgw_ctl_tool,
     .min_words = 1,
     .max_words = 1,
     .free_options = true},
    {.name = "run",
     .args = "COMMAND [--KEY=VALUE...]",
     .summary = "Start the workflow of a command: run call --phone=+1234567890",
     .fn = vgw_ctl_run,
     .min_words = 1,
     .max_words = 1,
     .free_options = true},
    COMMAND("runs", vgw_ctl_runs, 0, 1, "[ID]", "Runs of workflows, newest first; with ID that one, step by step",
            runs_options),
    COMMAND("run-cancel", vgw_ctl_run_cancel, 1, 1, "ID", "Cancel a run", NULL),
    COMMAND("workflows", vgw_ctl_workflows, 0, 0, "", "Workflows and their commands", NULL),
    COMMAND("rules", vgw_ctl_rules, 0, 0, "", "Rules and how often they fired", NULL),
    COMMAND("webhooks", vgw_ctl_webhooks, 0, 0, "", "Webhooks that wait or were given up, newest first",
            webhooks_options),
    COMMAND("webhook-replay", vgw_ctl_webhook_replay, 1, 1, "ID", "Send a webhook that was given up once more", NULL),
    COMMAND("send", vgw_ctl_send, 0, VGW_CTL_WORDS_MAX, "[TO TEXT...]",
            "Send a message, or with --csv a file of them; lines that are wrong are named, the others are sent",
            send_options),
    COMMAND("messages", vgw_ctl_messages, 0, 1, "[ID]", "Messages, newest first; with ID that one, with its attempts",
            messages_options),
    COMMAND("campaign", vgw_ctl_campaign, 1, 2, "list|show|create|pause|resume|cancel|report [ID|NAME]",
            "Campaigns: sets of messages with hours, limits and a report", campaign_options),
    COMMAND("plugins", vgw_ctl_plugins, 0, 0, "", "Plugins and their instances", NULL),
    COMMAND("plugin", vgw_ctl_plugin, 2, 2, "describe NAME", "A plugin, its instances and options", NULL),
    COMMAND("reload", vgw_ctl_reload, 0, 0, "", "Read the configuration anew; when it is refused, what runs stays",
            reload_options),
    COMMAND("drain", vgw_ctl_drain, 0, 0, "", "Take no new calls", drain_options),
    COMMAND("undrain", vgw_ctl_undrain, 0, 0, "", "Take calls again", NULL),
    COMMAND("log-level", vgw_ctl_log_level, 1, 1, "LEVEL", "Change the log level: error, warning, info or debug", NULL),
    COMMAND("erase", vgw_ctl_erase, 0, 0, "", "Erase records, transcripts and recordings", erase_options),
    COMMAND("check", vgw_ctl_check, 1, 1, "FILE", "Check a configuration, as voicegwd --check does", check_options),
    COMMAND("completion", vgw_ctl_completion, 1, 1, "bash", "Print the completion script of a shell", NULL),
    COMMAND("help", vgw_ctl_help, 0, 1, "[COMMAND]", "Print this, or how one command is used", NULL),
    END,
};

const struct vgw_ctl_command *vgw_ctl_commands(void)
{
    return table;
}

const struct vgw_ctl_command *vgw_ctl_command_find(const char *name)
{
    for (const struct vgw_ctl_command *c = table; c->name; c++) {
        if (vgw_streq(c->name, name))
            return c;
    }
    return NULL;
}

const char *vgw_ctl_command_nearest(const char *name)
{
    const char *names[COMMANDS_MAX];
    size_t count = 0;
    for (const struct vgw_ctl_command *c = table; c->name && count < COMMANDS_MAX; c++)
        names[count++] = c->name;
    return vgw_nearest(name, names, count);
}
