/* shapes.c - what answers look like, for OpenAPI. */
#include "api/route.h"

#define S VGW_FIELD_STRING
#define N VGW_FIELD_NUMBER
#define I VGW_FIELD_INT
#define B VGW_FIELD_BOOL
#define T VGW_FIELD_TIME
#define O VGW_FIELD_OBJECT
#define A VGW_FIELD_ARRAY
#define ROWS(array) .fields = array, .count = sizeof(array) / sizeof((array)[0]), .open = true
#define LIST(id, plural, item)                                                                                         \
    static const struct vgw_field id[] = {{.name = "count", .type = I, .required = true},                              \
                                          {.name = plural, .type = A, .required = true, .of = item},                   \
                                          {.name = "next_cursor", .type = S}}

static const struct vgw_field call[] = {
    {.name = "call_id", .type = S},
    {.name = "provider_call_id", .type = S},
    {.name = "session_id", .type = S},
    {.name = "provider", .type = S},
    {.name = "plugin", .type = S},
    {.name = "direction", .type = S, .choices = "inbound|outbound"},
    {.name = "from", .type = S},
    {.name = "to", .type = S},
    {.name = "state", .type = S, .choices = "idle|initiating|ringing|connected|on_hold|transferring|ended|failed"},
    {.name = "status", .type = S, .choices = "active|completed|failed|busy|no_answer|canceled|interrupted"},
    {.name = "created_at", .type = T},
    {.name = "answered_at", .type = T},
    {.name = "ended_at", .type = T},
    {.name = "duration", .type = N, .text = "seconds from answer"},
    {.name = "cost", .type = N},
    {.name = "currency", .type = S},
};
static const struct vgw_field conference[] = {
    {.name = "conference", .type = S},
    {.name = "project_id", .type = S},
    {.name = "participants", .type = A, .text = "call_id, mode, muted, held of each"},
};
LIST(conferences, "conferences", "Conference");
static const struct vgw_field session[] = {
    {.name = "session_id", .type = S},
    {.name = "call_sid", .type = S},
    {.name = "from", .type = S},
    {.name = "to", .type = S},
    {.name = "state", .type = S, .choices = "created|active|stopped"},
    {.name = "created_at", .type = T},
    {.name = "last_activity", .type = T},
    {.name = "status", .type = S},
    {.name = "project_id", .type = S},
    {.name = "channel", .type = S},
    {.name = "direction", .type = S},
    {.name = "caller_id", .type = S},
    {.name = "provider", .type = S},
    {.name = "plugin", .type = S},
    {.name = "transport", .type = S},
    {.name = "transport_metadata", .type = O},
    {.name = "stt_provider", .type = S},
    {.name = "language", .type = S},
    {.name = "variables", .type = O},
    {.name = "lead_id", .type = S},
    {.name = "reservation_id", .type = S},
    {.name = "calls", .type = A, .of = "Call"},
    {.name = "turns", .type = I},
};
static const struct vgw_field record[] = {
    {.name = "session_id", .type = S},
    {.name = "channel", .type = S},
    {.name = "caller_id", .type = S},
    {.name = "direction", .type = S},
    {.name = "start_time", .type = T},
    {.name = "end_time", .type = T},
    {.name = "duration_seconds", .type = N},
    {.name = "status", .type = S},
    {.name = "recording_url", .type = S},
    {.name = "transcription", .type = S},
    {.name = "sentiment_score", .type = N},
    {.name = "tools_executed", .type = A},
    {.name = "lead_id", .type = S},
    {.name = "reservation_id", .type = S},
    {.name = "cost", .type = N},
    {.name = "calls", .type = A, .of = "Call"},
};
static const struct vgw_field turn[] = {
    {.name = "turn_number", .type = I}, {.name = "role", .type = S},        {.name = "content", .type = S},
    {.name = "audio_url", .type = S},   {.name = "latency_ms", .type = N},  {.name = "timestamp", .type = T},
    {.name = "confidence", .type = N},  {.name = "interrupted", .type = B}, {.name = "stages", .type = O},
};
static const struct vgw_field transcript[] = {{.name = "session_id", .type = S},
                                              {.name = "turns", .type = A, .of = "Turn"}};
static const struct vgw_field step[] = {
    {.name = "index", .type = I},    {.name = "type", .type = S},
    {.name = "status", .type = S},   {.name = "output", .type = VGW_FIELD_ANY},
    {.name = "error", .type = S},    {.name = "started_at", .type = T},
    {.name = "ended_at", .type = T},
};
static const struct vgw_field run[] = {
    {.name = "run_id", .type = S},     {.name = "workflow", .type = S}, {.name = "status", .type = S},
    {.name = "started_at", .type = T}, {.name = "ended_at", .type = T}, {.name = "steps", .type = A, .of = "Step"},
};
static const struct vgw_field tool[] = {
    {.name = "name", .type = S, .required = true},
    {.name = "description", .type = S},
    {.name = "parameters", .type = O, .text = "JSON Schema of the arguments"},
};
LIST(tool_list, "tools", "Tool");
static const struct vgw_field tool_result[] = {
    {.name = "tool", .type = S, .required = true},
    {.name = "status", .type = S, .required = true, .choices = "completed|running"},
    {.name = "result", .type = VGW_FIELD_ANY},
};
static const struct vgw_field run_id[] = {{.name = "run_id", .type = S, .required = true}};
static const struct vgw_field health[] = {
    {.name = "status", .type = S, .choices = "ok|degraded|disabled|draining"},
    {.name = "version", .type = S},
    {.name = "node", .type = S},
    {.name = "parts", .type = O},
};
static const struct vgw_field status[] = {{.name = "status", .type = S, .required = true}};
static const struct vgw_field analytics[] = {
    {.name = "calls", .type = I},      {.name = "by_status", .type = O}, {.name = "duration", .type = O},
    {.name = "latency_ms", .type = O}, {.name = "cost", .type = N},      {.name = "groups", .type = A},
};
static const struct vgw_field ticket[] = {{.name = "ticket", .type = S, .required = true},
                                          {.name = "expires_at", .type = T, .required = true}};
static const struct vgw_field reload[] = {{.name = "generation", .type = I},
                                          {.name = "changed", .type = A},
                                          {.name = "restart_required", .type = A},
                                          {.name = "waiting", .type = A}};
static const struct vgw_field level[] = {{.name = "level", .type = S}};
static const struct vgw_field erased[] = {
    {.name = "sessions", .type = I}, {.name = "recordings", .type = I}, {.name = "more", .type = B}};
static const struct vgw_field field_error[] = {{.name = "field", .type = S}, {.name = "detail", .type = S}};
static const struct vgw_field problem[] = {
    {.name = "type", .type = S},
    {.name = "title", .type = S},
    {.name = "status", .type = I},
    {.name = "detail", .type = S},
    {.name = "errors", .type = A, .of = "FieldError"},
};
static const struct vgw_field webhook[] = {
    {.name = "webhook_id", .type = S, .required = true, .text = "the header webhook-id"},
    {.name = "status", .type = S, .choices = "queued|dead"},
    {.name = "url", .type = S},
    {.name = "type", .type = S},
    {.name = "call_id", .type = S},
    {.name = "last_error", .type = S},
    {.name = "created_at", .type = T},
    {.name = "updated_at", .type = T},
};
LIST(webhooks, "webhooks", "Webhook");
static const struct vgw_field attempt[] = {
    {.name = "attempt", .type = I},     {.name = "provider", .type = S}, {.name = "started_at", .type = T},
    {.name = "ended_at", .type = T},    {.name = "outcome", .type = S},  {.name = "call_id", .type = S},
    {.name = "answered_by", .type = S}, {.name = "error", .type = S},    {.name = "error_class", .type = S},
    {.name = "cost", .type = N},
};
static const struct vgw_field delivered[] = {
    {.name = "message_id", .type = S},
    {.name = "thread_id", .type = S},
    {.name = "campaign_id", .type = S},
    {.name = "project_id", .type = S},
    {.name = "status", .type = S, .choices = "queued|calling|retrying|delivered|failed|canceled"},
    {.name = "outcome", .type = S},
    {.name = "to", .type = S},
    {.name = "content", .type = S},
    {.name = "channel", .type = S, .choices = "voice|sms"},
    {.name = "message_type", .type = S},
    {.name = "voice_config", .type = S},
    {.name = "user", .type = S},
    {.name = "lead_id", .type = S},
    {.name = "metadata", .type = O},
    {.name = "attempts", .type = A, .of = "Attempt"},
    {.name = "attempts_made", .type = I},
    {.name = "provider", .type = S},
    {.name = "call_id", .type = S},
    {.name = "session_id", .type = S},
    {.name = "transcript", .type = S},
    {.name = "cost", .type = N},
    {.name = "currency", .type = S},
    {.name = "error", .type = S},
    {.name = "error_class", .type = S},
    {.name = "source", .type = S},
    {.name = "source_ref", .type = S},
    {.name = "scheduled_at", .type = T},
    {.name = "due_at", .type = T},
    {.name = "created_at", .type = T},
    {.name = "updated_at", .type = T},
    {.name = "finished_at", .type = T},
};
static const struct vgw_field bulk_answer[] = {
    {.name = "accepted", .type = I, .required = true},
    {.name = "refused", .type = I, .required = true},
    {.name = "message_ids", .type = A},
    {.name = "errors", .type = A, .text = "{index, field, detail} for each thing that is wrong"},
};
static const struct vgw_field thread[] = {
    {.name = "thread_id", .type = S},
    {.name = "project_id", .type = S},
    {.name = "lead_id", .type = S},
    {.name = "to", .type = S},
    {.name = "lead", .type = O},
    {.name = "created_at", .type = T},
    {.name = "updated_at", .type = T},
    {.name = "count", .type = I},
    {.name = "messages", .type = A, .of = "Message"},
    {.name = "next_cursor", .type = S},
};
static const struct vgw_field campaign[] = {
    {.name = "campaign_id", .type = S},
    {.name = "project_id", .type = S},
    {.name = "name", .type = S},
    {.name = "status", .type = S, .choices = "running|paused|canceled|finished"},
    {.name = "reason", .type = S},
    {.name = "created_at", .type = T},
    {.name = "updated_at", .type = T},
    {.name = "finished_at", .type = T},
    {.name = "voice_config", .type = S},
    {.name = "content", .type = S},
    {.name = "hours", .type = O},
    {.name = "limits", .type = O},
    {.name = "budget", .type = O},
    {.name = "order", .type = S},
    {.name = "progress", .type = O, .text = "messages, open, finished, done (0 to 1)"},
    {.name = "by_status", .type = O},
    {.name = "by_outcome", .type = O},
    {.name = "attempts", .type = I},
    {.name = "cost", .type = N},
};
LIST(campaigns, "campaigns", "Campaign");
LIST(deliveries, "messages", "Message");
LIST(calls, "calls", "Call");
LIST(sessions, "sessions", "Session");
LIST(records, "records", "Record");
LIST(messages, "messages", "Turn");
LIST(runs, "runs", "Run");
LIST(workflows, "workflows", "Object");
LIST(rules, "rules", "Object");
LIST(plugins, "plugins", "Object");

static const struct vgw_shape shapes[] = {
    {.name = "Object", .open = true},
    {.name = "Call", ROWS(call)},
    {.name = "Conference", ROWS(conference)},
    {.name = "ConferenceList", ROWS(conferences)},
    {.name = "CallList", ROWS(calls)},
    {.name = "Session", ROWS(session)},
    {.name = "SessionList", ROWS(sessions)},
    {.name = "Record", ROWS(record)},
    {.name = "RecordList", ROWS(records)},
    {.name = "Turn", ROWS(turn)},
    {.name = "Transcript", ROWS(transcript)},
    {.name = "MessageList", ROWS(messages)},
    {.name = "Attempt", ROWS(attempt)},
    {.name = "Message", ROWS(delivered)},
    {.name = "DeliveryList", ROWS(deliveries)},
    {.name = "BulkAnswer", ROWS(bulk_answer)},
    {.name = "Thread", ROWS(thread)},
    {.name = "Campaign", ROWS(campaign)},
    {.name = "CampaignList", ROWS(campaigns)},
    {.name = "Step", ROWS(step)},
    {.name = "Run", ROWS(run)},
    {.name = "RunId", ROWS(run_id)},
    {.name = "Tool", ROWS(tool)},
    {.name = "ToolList", ROWS(tool_list)},
    {.name = "ToolResult", ROWS(tool_result)},
    {.name = "RunList", ROWS(runs)},
    {.name = "WorkflowList", ROWS(workflows)},
    {.name = "RuleList", ROWS(rules)},
    {.name = "PluginList", ROWS(plugins)},
    {.name = "Webhook", ROWS(webhook)},
    {.name = "WebhookList", ROWS(webhooks)},
    {.name = "Analytics", ROWS(analytics)},
    {.name = "Health", ROWS(health)},
    {.name = "Status", ROWS(status)},
    {.name = "Ticket", ROWS(ticket)},
    {.name = "Reload", ROWS(reload)},
    {.name = "LogLevel", ROWS(level)},
    {.name = "Erased", ROWS(erased)},
    {.name = "Problem", ROWS(problem)},
    {.name = "FieldError", ROWS(field_error)},
};

const struct vgw_shape *vgw_api_shapes(size_t *ret_count)
{
    *ret_count = sizeof shapes / sizeof shapes[0];
    return shapes;
}
