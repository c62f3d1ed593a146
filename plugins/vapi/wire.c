/* wire.c - Vapi's words and ours: calls, statuses, reasons. Pure. */
#include "wire.h"
#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* ---- addresses and answers ---- */

static void put_time(struct voicegw_text *url, int64_t us)
{
    char text[40];
    int64_t s = us / 1000000, days = s / 86400, rest = s % 86400;
    /* Civil date of days since 1970, years that begin in March. */
    int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    (void)snprintf(text, sizeof text, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ", (long long)year, (long long)month,
                   (long long)day, (long long)(rest / 3600), (long long)(rest / 60 % 60), (long long)(rest % 60));
    voicegw_text_add_escaped(url, text);
}

void vapi_path(struct voicegw_text *url, enum platform_path path, const char *id, int64_t since_us)
{
    voicegw_text_add(url, "/call");
    if (path == PLATFORM_CALL) {
        voicegw_text_add(url, "/");
        voicegw_text_add_escaped(url, id);
    } else if (path == PLATFORM_FIND) {
        voicegw_text_add(url, "?limit=100&createdAtGt=");
        put_time(url, since_us > 10000000 ? since_us - 10000000 : 0); /* clocks differ */
    }
}

int vapi_read_id(struct voicegw_json answer, char *out, size_t cap)
{
    return voicegw_json_get_string(answer, "id", out, cap) > 0;
}

int vapi_find_id(struct voicegw_json answer, const char *call_id, char *out, size_t cap)
{
    struct voicegw_json_iter it = voicegw_json_each(answer);
    while (*call_id && !it.object && voicegw_json_next(&it))
        if (voicegw_json_equals(voicegw_json_get(it.value, "assistantOverrides.metadata.voicegw_call_id"), call_id) ||
            voicegw_json_equals(voicegw_json_member(it.value, "name"), call_id))
            return vapi_read_id(it.value, out, cap);
    return 0;
}

int vapi_is_error(struct voicegw_json answer)
{
    return voicegw_json_type(voicegw_json_member(answer, "statusCode")) == VOICEGW_JSON_NUMBER &&
           voicegw_json_type(voicegw_json_member(answer, "id")) == VOICEGW_JSON_ABSENT;
}

void vapi_explain(struct voicegw_json answer, char *out, size_t cap)
{
    struct voicegw_json message = voicegw_json_member(answer, "message");
    if (voicegw_json_type(message) == VOICEGW_JSON_ARRAY)
        message = voicegw_json_item(message, 0);
    if (voicegw_json_string(message, out, cap) < 0 && voicegw_json_get_string(answer, "error", out, cap) < 0)
        out[0] = '\0';
}

/* ---- what became of a call ---- */

static const struct {
    const char *word;
    uint32_t state;
} statuses[] = {
    {"scheduled", VOICEGW_CALL_INITIATING},    {"queued", VOICEGW_CALL_INITIATING},
    {"ringing", VOICEGW_CALL_RINGING},         {"in-progress", VOICEGW_CALL_CONNECTED},
    {"forwarding", VOICEGW_CALL_TRANSFERRING}, {"ended", VOICEGW_CALL_ENDED},
    {"not-found", VOICEGW_CALL_FAILED},        {"deletion-failed", VOICEGW_CALL_ENDED},
};

#define ENDED(outcome) VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_##outcome
#define FAILED(outcome) VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_##outcome
/* endedReason: whole words first, then beginnings; the set is open. */
static const struct {
    const char *word;
    uint32_t state, outcome, machine;
} reasons[] = {
    {"customer-busy", FAILED(BUSY), 0},
    {"customer-did-not-answer", FAILED(NO_ANSWER), 0},
    {"twilio-failed-to-connect-call", FAILED(FAILED), 0},
    {"twilio-reported-customer-misdialed", FAILED(FAILED), 0},
    {"vonage-rejected", FAILED(FAILED), 0},
    {"vonage-failed-to-connect-call", FAILED(FAILED), 0},
    {"vonage-disconnected", FAILED(FAILED), 0},
    {"phone-call-provider-closed-websocket", FAILED(FAILED), 0},
    {"phone-call-provider-bypass-enabled-but-no-call-received", FAILED(FAILED), 0},
    {"worker-shutdown", FAILED(FAILED), 0},
    {"assistant-join-timed-out", FAILED(FAILED), 0},
    {"customer-did-not-give-microphone-permission", FAILED(FAILED), 0},
    {"call.forwarding.operator-busy", FAILED(BUSY), 0},
    {"call.forwarding.no-answer", FAILED(NO_ANSWER), 0},
    {"manually-canceled", FAILED(CANCELED), 0},
    {"scheduled-call-deleted", FAILED(CANCELED), 0},
    {"call-deleted", FAILED(CANCELED), 0},
    {"voicemail", ENDED(COMPLETED), 1},
    {"customer-ended-call", ENDED(COMPLETED), 0},
    {"assistant-ended-call", ENDED(COMPLETED), 0},
    {"assistant-said-end-call-phrase", ENDED(COMPLETED), 0},
    {"assistant-ended-call-after-message-spoken", ENDED(COMPLETED), 0},
    {"assistant-forwarded-call", ENDED(COMPLETED), 0},
    {"exceeded-max-duration", ENDED(COMPLETED), 0},
    {"silence-timed-out", ENDED(COMPLETED), 0},
    {"vonage-completed", ENDED(COMPLETED), 0},
    {"call.in-progress.twilio-completed-call", ENDED(COMPLETED), 0},
    {"call.in-progress.sip-completed-call", ENDED(COMPLETED), 0},
};
static const struct {
    const char *begin;
    uint32_t state, outcome;
} beginnings[] = {
    {"call.start.error-", FAILED(FAILED)},       {"call.in-progress.error-", FAILED(FAILED)},
    {"call.ringing.error-", FAILED(FAILED)},     {"call.ringing.sip-inbound-caller-hungup", FAILED(CANCELED)},
    {"pipeline-error-", FAILED(FAILED)},         {"pipeline-no-available", FAILED(FAILED)},
    {"assistant-request-", FAILED(FAILED)},      {"assistant-not-", FAILED(FAILED)},
    {"call-start-error-", FAILED(FAILED)},       {"customer-ended-call-", ENDED(COMPLETED)},
    {"assistant-ended-call-", ENDED(COMPLETED)},
};

struct vapi_reason vapi_reason_of(const char *reason)
{
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (strcmp(reason, reasons[i].word) == 0)
            return (struct vapi_reason){reasons[i].state, reasons[i].outcome, reasons[i].machine};
    for (size_t i = 0; i < COUNT(beginnings); i++)
        if (starts(reason, beginnings[i].begin))
            return (struct vapi_reason){beginnings[i].state, beginnings[i].outcome, 0};
    if (strstr(reason, "error") || strstr(reason, "fail"))
        return (struct vapi_reason){FAILED(FAILED), 0};
    return (struct vapi_reason){ENDED(COMPLETED), 0};
}

void vapi_view(struct voicegw_json call, struct platform_view *ret_view)
{
    char reason[120] = "";
    struct platform_view v = {.cost = voicegw_json_get_double(call, "cost", -1)};
    (void)voicegw_json_get_string(call, "status", v.status, sizeof v.status);
    (void)voicegw_json_get_string(call, "endedReason", reason, sizeof reason);
    if (voicegw_json_equals(voicegw_json_member(call, "type"), "end-of-call-report"))
        (void)snprintf(v.status, sizeof v.status, "ended");
    for (size_t i = 0; i < COUNT(statuses); i++)
        if (strcmp(v.status, statuses[i].word) == 0)
            v.state = statuses[i].state;
    if (v.state == VOICEGW_CALL_FAILED)
        v.outcome = VOICEGW_OUTCOME_FAILED;
    if (v.state == VOICEGW_CALL_ENDED) {
        struct vapi_reason r = vapi_reason_of(reason);
        v.state = r.state;
        v.outcome = r.outcome;
    }
    *ret_view = v;
}

int vapi_control_url(struct voicegw_json call, char *out, size_t cap)
{
    int64_t n = voicegw_json_get_string(call, "monitor.controlUrl", out, cap);
    size_t from = n > 0 && out[0] == '<' ? 1 : 0;
    if (n <= 0) {
        out[0] = '\0';
        return 0;
    }
    if (out[n - 1] == '>')
        out[--n] = '\0';
    memmove(out, out + from, (size_t)n - from + 1);
    for (const char *p = out; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            n = 0;
    if (n && (starts(out, "https://") || starts(out, "http://")))
        return 1;
    out[0] = '\0';
    return 0;
}

const char *vapi_role(struct voicegw_json message)
{
    struct voicegw_json role = voicegw_json_member(message, "role");
    if (voicegw_json_equals(role, "user"))
        return "user";
    return voicegw_json_equals(role, "bot") || voicegw_json_equals(role, "assistant") ? "assistant" : "";
}

/* ---- tools ---- */

int vapi_read_tool_call(struct voicegw_json item, struct vapi_tool_call *ret_call)
{
    struct vapi_tool_call c = {{0}, {0}, voicegw_json_absent_()};
    struct voicegw_json function = voicegw_json_member(item, "function");
    struct voicegw_json from = voicegw_json_type(function) == VOICEGW_JSON_OBJECT ? function : item;
    if (voicegw_json_get_string(item, "id", c.id, sizeof c.id) <= 0 ||
        voicegw_json_get_string(from, "name", c.name, sizeof c.name) <= 0)
        return 0;
    c.arguments = voicegw_json_member(from, "arguments");
    if (voicegw_json_type(c.arguments) == VOICEGW_JSON_ABSENT)
        c.arguments = voicegw_json_member(from, "parameters");
    *ret_call = c;
    return 1;
}

void vapi_one_line(const char *text, uint64_t bytes, char *out, size_t cap)
{
    char copy[VAPI_RESULT_MAX + 1];
    size_t n = bytes < VAPI_RESULT_MAX ? (size_t)bytes : VAPI_RESULT_MAX;
    memcpy(copy, text, n);
    copy[n] = '\0';
    fields_clean(copy, out, cap);
}

int64_t vapi_format_destination(const char *to, char *out, uint64_t cap)
{
    int sip = starts(to, "sip:") || starts(to, "sips:");
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_object(&w, "destination");
    voicegw_json_put_string(&w, "type", sip ? "sip" : "number");
    voicegw_json_put_string(&w, sip ? "sipUri" : "number", to);
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    return voicegw_json_finish(&w);
}

/* ---- messages ---- */

static const struct {
    const char *type;
    enum vapi_message message;
} messages[] = {
    {"status-update", VAPI_STATUS},
    {"end-of-call-report", VAPI_REPORT},
    {"transcript", VAPI_TRANSCRIPT},
    {"transcript[transcriptType=\"final\"]", VAPI_TRANSCRIPT},
    {"assistant-request", VAPI_ASSISTANT_REQUEST},
    {"tool-calls", VAPI_TOOL_CALLS},
    {"transfer-destination-request", VAPI_TRANSFER_REQUEST},
    {"transfer-update", VAPI_TRANSFER_UPDATE},
    {"phone-call-control", VAPI_CONTROL},
    {"hang", VAPI_HANG},
    {"speech-update", VAPI_TOLD},
    {"user-interrupted", VAPI_TOLD},
    {"assistant.started", VAPI_TOLD},
    {"language-change-detected", VAPI_TOLD},
    {"call.deleted", VAPI_TOLD},
    {"call.delete.failed", VAPI_TOLD},
    {"call.artifact.upload", VAPI_TOLD},
    {"conversation-update", VAPI_FREQUENT},
    {"assistant.speechStarted", VAPI_FREQUENT},
    {"model-output", VAPI_FREQUENT},
    {"voice-input", VAPI_FREQUENT},
    {"handoff-destination-request", VAPI_REQUEST},
    {"knowledge-base-request", VAPI_REQUEST},
    {"call.endpointing.request", VAPI_REQUEST},
    {"voice-request", VAPI_REQUEST},
};

enum vapi_message vapi_message_of(struct voicegw_json message)
{
    struct voicegw_json type = voicegw_json_member(message, "type");
    for (size_t i = 0; i < COUNT(messages); i++)
        if (voicegw_json_equals(type, messages[i].type))
            return messages[i].message;
    return VAPI_UNKNOWN;
}

int64_t vapi_redact(struct voicegw_json message, char *out, uint64_t cap)
{
    static const char *const hidden[] = {"phoneNumber", "assistant", "call",     "customer", "artifact",
                                         "squad",       "workflow",  "messages", "monitor",  "messagesOpenAIFormatted"};
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    struct voicegw_json_iter it = voicegw_json_each(message);
    char name[128];
    voicegw_json_put_object(&w, NULL);
    while (voicegw_json_next(&it)) {
        int hide = voicegw_json_string(it.key, name, sizeof name) <= 0 || it.value.bytes > 8192;
        for (size_t i = 0; !hide && i < COUNT(hidden); i++)
            hide = strcmp(name, hidden[i]) == 0;
        if (!hide)
            voicegw_json_put_json(&w, name, it.value);
    }
    voicegw_json_put_end(&w);
    return voicegw_json_finish(&w);
}

int64_t vapi_signed_bytes(const char *format, const struct vapi_signed *s, char *out, uint64_t cap)
{
    const struct {
        const char *token, *text;
    } tokens[] = {{"{timestamp}", s->timestamp}, {"{method}", s->method}, {"{url}", s->url}, {"{svix-id}", s->id}};
    struct voicegw_text t = voicegw_text_of(out, cap);
    while (*format) {
        size_t i = 0;
        while (i < COUNT(tokens) && !starts(format, tokens[i].token))
            i++;
        if (i < COUNT(tokens)) {
            voicegw_text_add(&t, tokens[i].text);
            format += strlen(tokens[i].token);
        } else if (starts(format, "{body}")) {
            voicegw_text_addn(&t, s->body, s->body_bytes);
            format += 6;
        } else {
            voicegw_text_addn(&t, format++, 1);
        }
    }
    return voicegw_text_finish(&t);
}
