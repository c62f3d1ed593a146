/* routes.c - the table of routes. Its order is that of the documents; the first row that matches is taken. */
#include "api/inside.h"

#define SHAPE(id, title, is_open)                                                                                      \
    static const struct vgw_shape id = {                                                                               \
        .name = title, .fields = id##_fields, .count = sizeof id##_fields / sizeof id##_fields[0], .open = is_open}
#define S VGW_FIELD_STRING
#define N VGW_FIELD_NUMBER
#define LIMIT                                                                                                          \
    {                                                                                                                  \
        .name = "limit", .type = VGW_FIELD_INT, .text = "items of a page; 50 unless given", .min = 1, .max = 500       \
    }
#define CURSOR                                                                                                         \
    {                                                                                                                  \
        .name = "cursor", .type = S, .text = "next_cursor of the page before"                                          \
    }
#define FROM_TO                                                                                                        \
    {.name = "from", .type = VGW_FIELD_TIME, .text = "not before"},                                                    \
    {                                                                                                                  \
        .name = "to", .type = VGW_FIELD_TIME, .text = "before"                                                         \
    }

/* ---- bodies ---- */
static const struct vgw_field place_fields[] = {
    {.name = "to", .type = S, .required = true, .text = "number, or what the provider dials", .min = 1, .max = 256},
    {.name = "from", .type = S, .text = "number that the call is placed from", .max = 256},
    {.name = "provider", .type = S, .text = "provider instance; the default one unless given", .max = 64},
    {.name = "workflow", .type = S, .text = "id of the workflow that holds the conversation", .max = 64},
    {.name = "assistant", .type = S, .text = "name of the assistant that holds the conversation", .max = 64},
    {.name = "agent", .type = S, .text = "name of the agent that holds the conversation", .max = 64},
    {.name = "greeting", .type = S, .text = "said when the call is answered", .max = 10000},
    {.name = "language", .type = S, .text = "language of the conversation, as en-US", .max = 35},
    {.name = "variables", .type = VGW_FIELD_OBJECT, .text = "variables of the session"},
    {.name = "lead_id", .type = S, .max = 128},
    {.name = "reservation_id", .type = S, .max = 128},
    {.name = "project_id", .type = S, .max = 64},
    {.name = "timeout_seconds", .type = N, .text = "how long it may ring", .min = 1, .max = 600},
    {.name = "media", .type = S, .choices = "stream|twiml", .text = "how the provider carries the call"},
};
SHAPE(place, "PlaceCall", false);
static const struct vgw_field hold_fields[] = {
    {.name = "music", .type = S, .text = "what is played meanwhile", .max = 2048}};
SHAPE(hold, "Hold", false);
static const struct vgw_field transfer_fields[] = {
    {.name = "to", .type = S, .text = "number; or give a department", .max = 256},
    {.name = "department", .type = S, .text = "name of a department", .max = 64},
    {.name = "kind", .type = S, .choices = "blind|attended"},
    {.name = "summary", .type = S, .text = "for whoever takes the call", .max = 10000},
    {.name = "bridge", .type = VGW_FIELD_BOOL, .text = "the gateway calls the other side itself and joins both"},
};
SHAPE(transfer, "Transfer", false);
static const struct vgw_field play_fields[] = {
    {.name = "url", .type = S, .required = true, .text = "WAV file", .min = 1, .max = 2048},
    {.name = "loop", .type = VGW_FIELD_BOOL},
    {.name = "interruptible", .type = VGW_FIELD_BOOL},
};
SHAPE(play, "Play", false);
static const struct vgw_field say_fields[] = {
    {.name = "text", .type = S, .required = true, .min = 1, .max = 10000},
    {.name = "voice", .type = S, .max = 128},
    {.name = "language", .type = S, .max = 35},
    {.name = "interruptible", .type = VGW_FIELD_BOOL},
};
SHAPE(say, "Say", false);
static const struct vgw_field dtmf_fields[] = {
    {.name = "digits", .type = S, .required = true, .text = "0-9 * # A-D, w for a pause", .min = 1, .max = 64}};
SHAPE(dtmf, "Dtmf", false);
static const struct vgw_field conference_fields[] = {
    {.name = "name", .type = S, .required = true, .min = 1, .max = 128},
    {.name = "muted", .type = VGW_FIELD_BOOL, .text = "only listens"},
    {.name = "start_on_enter", .type = VGW_FIELD_BOOL, .text = "it begins with this call; true unless given"},
    {.name = "end_on_exit", .type = VGW_FIELD_BOOL, .text = "it ends when this call leaves"},
    {.name = "music", .type = S, .text = "what is heard until it begins, where the provider mixes", .max = 2048}};
static const struct vgw_field monitor_fields[] = {
    {.name = "call", .type = S, .required = true, .text = "the call that is listened to", .min = 1, .max = 256},
    {.name = "mode", .type = S, .choices = "listen|whisper|barge"}};
SHAPE(monitor, "Monitor", false);
SHAPE(conference, "JoinConference", false);
static const struct vgw_field create_fields[] = {
    {.name = "channel", .type = S, .choices = "phone|webrtc|realtime"},
    {.name = "caller_id", .type = S, .max = 256},
    {.name = "language", .type = S, .max = 35},
    {.name = "project_id", .type = S, .max = 64},
    {.name = "variables", .type = VGW_FIELD_OBJECT},
};
SHAPE(create, "CreateSession", false);
static const struct vgw_field message_fields[] = {
    {.name = "role", .type = S, .required = true, .choices = "user|assistant|system|tool"},
    {.name = "content", .type = S, .required = true, .max = 100000},
    {.name = "latency_ms", .type = N, .min = 0, .max = 3600000},
};
SHAPE(message, "AddMessage", false);
static const struct vgw_field end_fields[] = {{.name = "reason", .type = S, .max = 200}};
SHAPE(end, "End", false);
static const struct vgw_field command_fields[] = {
    {.name = "command",
     .type = S,
     .required = true,
     .text = "trigger_command of a workflow, as /call",
     .min = 1,
     .max = 64},
    {.name = "args", .type = VGW_FIELD_OBJECT, .text = "what the workflow sees as trigger"},
    {.name = "call_id", .type = S, .text = "the run's own call", .max = 128},
    {.name = "project_id", .type = S, .max = 64},
};
SHAPE(command, "Command", false);
static const struct vgw_field run_fields[] = {
    {.name = "args", .type = VGW_FIELD_OBJECT, .text = "what the workflow sees as trigger"},
    {.name = "call_id", .type = S, .text = "the run's own call", .max = 128},
    {.name = "project_id", .type = S, .max = 64},
};
SHAPE(run, "RunWorkflow", false);
static const struct vgw_field tool_fields[] = {
    {.name = "arguments", .type = VGW_FIELD_OBJECT, .text = "as the tool's schema says; or the body itself holds them"},
    {.name = "session_id", .type = S, .text = "the session on whose behalf", .max = 128},
    {.name = "call_id", .type = S, .text = "the call on whose behalf", .max = 128},
};
SHAPE(tool, "CallTool", true);
static const struct vgw_field level_fields[] = {
    {.name = "level", .type = S, .required = true, .choices = "error|warning|info|debug"}};
SHAPE(level, "LogLevel", false);
static const struct vgw_field drain_fields[] = {
    {.name = "timeout",
     .type = VGW_FIELD_ANY,
     .text = "seconds, or a duration such as 30m; gateway.drain_timeout unless given"},
    {.name = "exit", .type = VGW_FIELD_BOOL, .text = "end the process when it is done"},
};
SHAPE(drain, "Drain", false);

#define MESSAGE_FIELDS                                                                                                 \
    {.name = "to", .type = S, .text = "E.164 number; or a lead with a phone", .max = 64},                              \
        {.name = "lead", .type = VGW_FIELD_OBJECT, .text = "id, phone, timezone, and what the content names"},         \
        {.name = "lead_id", .type = S, .text = "whose thread it belongs to; the lead's id unless given", .max = 128},  \
        {.name = "content", .type = S, .text = "what is said, a template; else the campaign's or the profile's"},      \
        {.name = "user", .type = S, .text = "who sends it", .max = 128},                                               \
        {.name = "voice_config", .type = S, .text = "profile of voice_configs; default unless given", .max = 128},     \
        {.name = "message_type", .type = S, .text = "regular, follow_up, reminder or free text", .max = 64},           \
        {.name = "channel", .type = S, .choices = "voice|sms"},                                                        \
        {.name = "metadata", .type = VGW_FIELD_OBJECT, .text = "kept with the message"},                               \
        {.name = "schedule", .type = VGW_FIELD_TIME, .text = "not before"},                                            \
        {.name = "timezone", .type = S, .text = "of the lead; else its number's country", .max = 64},                  \
        {.name = "from", .type = S, .text = "number that is called from", .max = 64},                                  \
        {.name = "language", .type = S, .max = 35}, {.name = "voice_id", .type = S, .max = 128},                       \
        {.name = "campaign_id", .type = S, .text = "campaign that it belongs to", .max = 96},                          \
    {                                                                                                                  \
        .name = "project_id", .type = S, .max = 64                                                                     \
    }
static const struct vgw_field deliver_fields[] = {
    MESSAGE_FIELDS,
    {.name = "idempotency_key", .type = S, .text = "what is sent twice with one key is one message", .max = 255},
};
SHAPE(deliver, "SendMessage", false);
static const struct vgw_field bulk_fields[] = {
    {.name = "messages",
     .type = VGW_FIELD_ARRAY,
     .required = true,
     .text = "1 to 500 messages; the fields beside hold for each that does not say otherwise"},
    {.name = "source", .type = S, .choices = "http|csv"},
    MESSAGE_FIELDS,
};
SHAPE(bulk, "SendMessages", false);

static const struct vgw_field campaign_fields[] = {
    {.name = "name", .type = S, .required = true, .min = 1, .max = 200},
    {.name = "voice_config", .type = S, .text = "profile of voice_configs; default unless given", .max = 128},
    {.name = "content", .type = S, .text = "template of what is said; else the profile's"},
    {.name = "channel", .type = S, .choices = "voice|sms"},
    {.name = "message_type", .type = S, .max = 64},
    {.name = "from", .type = S, .text = "number that is called from", .max = 64},
    {.name = "hours",
     .type = VGW_FIELD_OBJECT,
     .text = "{from, to, days, timezone}: when leads are called, by their clocks"},
    {.name = "do_not_call",
     .type = VGW_FIELD_ARRAY,
     .text = "numbers that are not called, beside the operator's lists"},
    {.name = "order", .type = S, .choices = "given|random|priority"},
    {.name = "limits", .type = VGW_FIELD_OBJECT, .text = "{rate, concurrent}"},
    {.name = "budget", .type = VGW_FIELD_OBJECT, .text = "{amount}: the campaign is paused once it is spent"},
    {.name = "paused", .type = VGW_FIELD_BOOL, .text = "begins when it is resumed"},
    {.name = "project_id", .type = S, .max = 64},
};
SHAPE(campaign, "CreateCampaign", false);

/* ---- queries ---- */
#define STATES "idle|initiating|ringing|connected|on_hold|transferring|ended|failed"
#define STATUSES "active|completed|failed|busy|no_answer|canceled|interrupted"
#define CHANNELS "phone|webrtc|realtime"
static const struct vgw_field calls_q_fields[] = {
    {.name = "state", .type = S, .choices = STATES},
    {.name = "status", .type = S, .choices = STATUSES},
    {.name = "provider", .type = S},
    {.name = "plugin", .type = S},
    {.name = "direction", .type = S, .choices = "inbound|outbound"},
    {.name = "from", .type = S},
    {.name = "to", .type = S},
    {.name = "session_id", .type = S},
    LIMIT,
    CURSOR,
};
SHAPE(calls_q, "", true);
static const struct vgw_field sessions_q_fields[] = {
    {.name = "state", .type = S, .choices = "created|active|stopped"},
    {.name = "status", .type = S, .choices = STATUSES},
    {.name = "channel", .type = S, .choices = CHANNELS},
    {.name = "direction", .type = S, .choices = "inbound|outbound"},
    {.name = "caller_id", .type = S},
    {.name = "provider", .type = S},
    {.name = "project_id", .type = S},
    {.name = "lead_id", .type = S},
    {.name = "reservation_id", .type = S},
    LIMIT,
    CURSOR,
};
SHAPE(sessions_q, "", true);
static const struct vgw_field webhooks_q_fields[] = {
    {.name = "status", .type = S, .choices = "queued|dead"},
    {.name = "url", .type = S, .text = "of that receiver"},
    {.name = "type", .type = S, .text = "name of the event"},
    {.name = "call_id", .type = S},
    {.name = "project_id", .type = S},
    LIMIT,
    CURSOR,
};
SHAPE(webhooks_q, "", true);
static const struct vgw_field page_q_fields[] = {LIMIT, CURSOR};
SHAPE(page_q, "", true);
static const struct vgw_field history_q_fields[] = {
    {.name = "caller", .type = S, .text = "caller_id"},
    FROM_TO,
    {.name = "status", .type = S, .choices = STATUSES},
    {.name = "channel", .type = S, .choices = CHANNELS},
    {.name = "direction", .type = S, .choices = "inbound|outbound"},
    {.name = "provider", .type = S},
    {.name = "lead_id", .type = S},
    {.name = "reservation_id", .type = S},
    {.name = "project_id", .type = S},
    LIMIT,
    CURSOR,
};
SHAPE(history_q, "", true);
static const struct vgw_field analytics_q_fields[] = {
    FROM_TO, {.name = "by", .type = S, .text = "day, provider, or both with a comma"}};
SHAPE(analytics_q, "", true);
static const struct vgw_field recording_q_fields[] = {
    {.name = "from", .type = N, .text = "seconds: the beginning of a cut"},
    {.name = "to", .type = N, .text = "seconds: its end"},
    {.name = "expires", .type = VGW_FIELD_INT},
    {.name = "signature", .type = S, .text = "stands for a token until `expires`"},
};
SHAPE(recording_q, "", true);
static const struct vgw_field events_q_fields[] = {
    {.name = "since", .type = VGW_FIELD_INT, .text = "id of the last event seen; 0: all that is kept"},
    {.name = "types", .type = S, .text = "types with commas, * stands for anything"},
    {.name = "call_id", .type = S},
    {.name = "session_id", .type = S},
    {.name = "provider", .type = S},
    {.name = "project_id", .type = S},
    {.name = "follow", .type = VGW_FIELD_BOOL, .text = "false: what is kept, then the end"},
    {.name = "ticket", .type = S, .text = "of POST /tickets, in place of a token"},
};
SHAPE(events_q, "", true);
static const struct vgw_field messages_q_fields[] = {
    {.name = "status", .type = S, .choices = "queued|calling|retrying|delivered|failed|canceled"},
    {.name = "outcome", .type = S, .choices = "delivered|busy|no_answer|voicemail|failed|provider_error|refused"},
    {.name = "campaign_id", .type = S},
    {.name = "thread_id", .type = S},
    {.name = "lead_id", .type = S},
    {.name = "to", .type = S},
    {.name = "channel", .type = S, .choices = "voice|sms"},
    {.name = "source", .type = S},
    {.name = "voice_config", .type = S},
    {.name = "provider", .type = S},
    {.name = "message_type", .type = S},
    {.name = "project_id", .type = S},
    LIMIT,
    CURSOR,
};
SHAPE(messages_q, "", true);
static const struct vgw_field campaigns_q_fields[] = {
    {.name = "status", .type = S, .choices = "running|paused|canceled|finished"},
    {.name = "name", .type = S},
    {.name = "project_id", .type = S},
    LIMIT,
    CURSOR,
};
SHAPE(campaigns_q, "", true);
static const struct vgw_field report_q_fields[] = {
    {.name = "format",
     .type = S,
     .choices = "json|csv",
     .text = "csv: a line a message, 500 a page; the header Link names the next"},
    CURSOR};
SHAPE(report_q, "", true);
static const struct vgw_field thread_q_fields[] = {CURSOR};
SHAPE(thread_q, "", true);
static const struct vgw_field runs_q_fields[] = {
    {.name = "workflow", .type = S}, {.name = "status", .type = S}, {.name = "project_id", .type = S}, LIMIT, CURSOR};
SHAPE(runs_q, "", true);
static const struct vgw_field erase_q_fields[] = {{.name = "call", .type = S, .text = "id of a call"},
                                                  {.name = "caller", .type = S, .text = "number of a caller"}};
SHAPE(erase_q, "", true);

#define ROUTE(m, p, sc, fn, st, text, ...)                                                                             \
    {                                                                                                                  \
        .method = m, .path = p, .scope = VGW_SCOPE_##sc, .handle = vgw_api_##fn, .status = st, .summary = text,        \
        __VA_ARGS__                                                                                                    \
    }
#define COMMAND(word, cmd, text, ...)                                                                                  \
    ROUTE("POST", "/calls/{id}/" word, CALL, call_command, 202, text, .code = VGW_CMD_##cmd, .response = "Call",       \
          __VA_ARGS__)
#define PARTICIPANT(word, text)                                                                                        \
    ROUTE("POST", "/conferences/{name}/participants/{call}/" word, CALL, conference, 202, text, .response = "Call")

static const struct vgw_api_route table[] = {
    ROUTE("GET", "/", NONE, health, 200, "Health by part", .response = "Health"),
    ROUTE("GET", "/health", NONE, health, 200, "Health by part", .response = "Health"),
    ROUTE("GET", "/health/live", NONE, live, 200, "Is the process alive?", .response = "Status"),
    ROUTE("GET", "/health/ready", NONE, ready, 200, "Does it take calls? 503 when draining, full or disabled",
          .response = "Status"),
    ROUTE("GET", "/metrics", READ, metrics, 200, "Metrics for Prometheus", .content_type = "text/plain"),
    ROUTE("GET", "/openapi.json", READ, openapi_show, 200, "This description", .response = "Object"),
    ROUTE("GET", "/dashboard", NONE, dashboard, 200, "A page with live calls and events", .content_type = "text/html"),
    ROUTE("GET", "/calls", READ, calls_list, 200, "Calls, live ones first", .query = &calls_q, .response = "CallList"),
    ROUTE("POST", "/calls", CALL, calls_place, 202, "Place a call", .request = &place, .creates = true,
          .response = "Call"),
    ROUTE("GET", "/calls/{id}", READ, calls_show, 200, "A call", .response = "Call"),
    COMMAND("answer", ANSWER, "Answer an incoming call"),
    COMMAND("end", END, "End a call", .request = &end),
    COMMAND("hold", HOLD, "Put a call on hold", .request = &hold),
    COMMAND("resume", RESUME, "Take a call back from hold"),
    COMMAND("transfer", TRANSFER, "Transfer a call", .request = &transfer),
    COMMAND("play", PLAY, "Play a WAV file", .request = &play),
    COMMAND("say", SAY, "Say a text", .request = &say),
    COMMAND("dtmf", DTMF, "Send digits", .request = &dtmf),
    COMMAND("mute", MUTE, "Mute our side"),
    COMMAND("unmute", UNMUTE, "Unmute our side"),
    COMMAND("recording/start", RECORD_START, "Start to record"),
    COMMAND("recording/pause", RECORD_PAUSE, "Pause the recording"),
    COMMAND("recording/resume", RECORD_RESUME, "Go on recording"),
    COMMAND("recording/stop", RECORD_STOP, "Stop recording"),
    COMMAND("conference", CONFERENCE, "Join a conference", .request = &conference),
    COMMAND("monitor", MONITOR, "Listen in on another call, whisper to it or break in", .request = &monitor),
    ROUTE("GET", "/conferences", READ, conferences_list, 200, "Conferences that the gateway mixes",
          .response = "ConferenceList"),
    PARTICIPANT("hold", "Put a participant on hold"),
    PARTICIPANT("resume", "Take a participant back"),
    PARTICIPANT("mute", "Mute a participant"),
    PARTICIPANT("unmute", "Unmute a participant"),
    PARTICIPANT("kick", "Remove a participant"),
    ROUTE("GET", "/sessions", READ, sessions_list, 200, "Live sessions; with state=stopped those that ended",
          .query = &sessions_q, .response = "SessionList"),
    ROUTE("POST", "/sessions", CALL, sessions_create, 201, "Begin a conversation without a call", .request = &create,
          .creates = true, .response = "Session"),
    ROUTE("GET", "/sessions/{id}", READ, sessions_show, 200, "A session", .response = "Session"),
    ROUTE("GET", "/sessions/{id}/transcript", READ, sessions_transcript, 200, "Its turns", .response = "Transcript"),
    ROUTE("GET", "/sessions/{id}/messages", READ, messages_list, 200, "Its turns, in pages", .query = &page_q,
          .response = "MessageList"),
    ROUTE("POST", "/sessions/{id}/messages", CALL, messages_add, 201, "Add a line to the transcript",
          .request = &message, .creates = true, .response = "Turn"),
    ROUTE("POST", "/sessions/{id}/end", CALL, sessions_end, 200, "End a session and its calls", .request = &end,
          .response = "Session"),
    ROUTE("POST", "/messages", CALL, message_send, 202, "Send a message", .request = &deliver, .creates = true,
          .response = "Message"),
    ROUTE("GET", "/messages", READ, message_list, 200, "Messages, newest first", .query = &messages_q,
          .response = "DeliveryList"),
    ROUTE("POST", "/messages/bulk", CALL, message_bulk, 202, "Send many messages", .request = &bulk, .creates = true,
          .response = "BulkAnswer"),
    ROUTE("GET", "/messages/{id}", READ, message_show, 200, "A message: status, attempts, call, transcript, cost",
          .response = "Message"),
    ROUTE("GET", "/threads/{id}", READ, thread_show, 200, "The history with a lead", .query = &thread_q,
          .response = "Thread"),
    ROUTE("GET", "/campaigns", READ, campaign_list, 200, "Campaigns, newest first", .query = &campaigns_q,
          .response = "CampaignList"),
    ROUTE("POST", "/campaigns", CALL, campaign_create, 201, "Make a campaign", .request = &campaign, .creates = true,
          .response = "Campaign"),
    ROUTE("GET", "/campaigns/{id}", READ, campaign_show, 200, "A campaign and its progress", .response = "Campaign"),
    ROUTE("POST", "/campaigns/{id}/pause", CALL, campaign_change, 200, "Call nobody of it for now", .code = 0,
          .response = "Campaign"),
    ROUTE("POST", "/campaigns/{id}/resume", CALL, campaign_change, 200, "Go on", .code = 1, .response = "Campaign"),
    ROUTE("POST", "/campaigns/{id}/cancel", CALL, campaign_change, 200, "Give up what has not begun", .code = 2,
          .response = "Campaign"),
    ROUTE("GET", "/campaigns/{id}/report", READ, campaign_report, 200, "What became of its messages",
          .query = &report_q, .response = "Campaign"),
    ROUTE("GET", "/history", READ, history, 200, "Records of conversations", .query = &history_q,
          .response = "RecordList"),
    ROUTE("GET", "/analytics", READ, analytics, 200, "Volume, outcomes, durations, latencies and cost",
          .query = &analytics_q, .response = "Analytics"),
    ROUTE("GET", "/recordings/{id}", READ, recording, 200, "A recording's audio", .query = &recording_q,
          .signable = true, .content_type = "audio/wav"),
    ROUTE("GET", "/events", READ, events, 200, "The event feed; a WebSocket on upgrade", .query = &events_q,
          .content_type = "text/event-stream"),
    ROUTE("POST", "/commands", CALL, commands, 202, "Start the workflow with that trigger_command", .request = &command,
          .creates = true, .response = "RunId"),
    ROUTE("GET", "/workflows", READ, workflows, 200, "Workflows", .response = "WorkflowList"),
    ROUTE("POST", "/workflows/{id}/run", CALL, workflow_run, 202, "Start a workflow", .request = &run, .creates = true,
          .response = "RunId"),
    ROUTE("GET", "/rules", READ, rules, 200, "Rules", .response = "RuleList"),
    ROUTE("GET", "/runs", READ, runs_list, 200, "Runs, newest first", .query = &runs_q, .response = "RunList"),
    ROUTE("GET", "/runs/{id}", READ, runs_show, 200, "A run, step by step", .response = "Run"),
    ROUTE("POST", "/runs/{id}/cancel", CALL, runs_cancel, 200, "Cancel a run", .response = "Run"),
    ROUTE("GET", "/webhooks", ADMIN, webhooks, 200, "Webhooks that wait or were given up, newest first",
          .query = &webhooks_q, .response = "WebhookList"),
    ROUTE("POST", "/webhooks/{id}/replay", ADMIN, webhook_replay, 202, "Send a webhook that was given up once more",
          .response = "Webhook"),
    ROUTE("GET", "/tools", READ, tools_list, 200, "Voice tools", .response = "ToolList"),
    ROUTE("POST", "/tools/{name}", CALL, tools_call, 200,
          "Call a tool; 202 when it takes longer than ten seconds, its end is then an event", .request = &tool,
          .creates = true, .response = "ToolResult"),
    ROUTE("GET", "/plugins", ADMIN, plugins_list, 200, "Plugins", .response = "PluginList"),
    ROUTE("GET", "/plugins/{name}", ADMIN, plugins_show, 200, "A plugin and its options", .response = "Object"),
    ROUTE("POST", "/log-level", ADMIN, log_level, 200, "Change the log level", .request = &level,
          .response = "LogLevel"),
    ROUTE("POST", "/reload", ADMIN, reload, 200, "Read the configuration anew", .response = "Reload"),
    ROUTE("POST", "/drain", ADMIN, drain, 202, "Take no new calls", .request = &drain, .response = "Status"),
    ROUTE("POST", "/undrain", ADMIN, undrain, 200, "Take calls again", .response = "Status"),
    ROUTE("POST", "/tickets", ANY, tickets, 201, "A one-time ticket for a feed or media socket", .response = "Ticket"),
    ROUTE("DELETE", "/records", ADMIN, erase, 200, "Erase what is known of a call or caller", .query = &erase_q,
          .response = "Erased"),
};

const struct vgw_api_route *vgw_api_routes(size_t *ret_count)
{
    *ret_count = sizeof table / sizeof table[0];
    return table;
}
