/* wire.c - Bland's words and ours. Pure. */
#include "wire.h"
#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define EVENTS "queue call latency webhook tool dynamic_data citations evals post_transfer_transcript"

/* Of the reference's table of POST /v1/calls; phone_number and from are the call's own, metadata is added to. */
const struct field_rule bland_fields[] = {
    {"task", FIELD_TEXT, 1, 20000, NULL},
    {"pathway_id", FIELD_TEXT, 1, 64, NULL},
    {"pathway_version", FIELD_INT, 0, 1000000, NULL},
    {"persona_id", FIELD_TEXT, 1, 64, NULL},
    {"first_sentence", FIELD_TEXT, 1, 2000, NULL},
    {"voice", FIELD_TEXT, 1, 128, NULL},
    {"model", FIELD_WORD, 0, 0, "base turbo"},
    {"language", FIELD_TEXT, 2, 35, NULL},
    {"temperature", FIELD_NUMBER, 0, 1, NULL},
    {"wait_for_greeting", FIELD_BOOL, 0, 0, NULL},
    {"interruption_threshold", FIELD_INT, 0, 10000, NULL},
    {"interruptibility", FIELD_INT, 0, 4, NULL},
    {"block_interruptions", FIELD_BOOL, 0, 0, NULL},
    {"from", FIELD_PHONE, 0, 0, NULL},
    {"dialing_strategy", FIELD_OBJECT, 0, 0, NULL},
    {"dialing_strategy.type", FIELD_WORD, 0, 0, "local custom_pooling custom_pool"},
    {"dialing_strategy.pool_id", FIELD_TEXT, 1, 128, NULL},
    {"timezone", FIELD_TEXT, 1, 64, NULL},
    {"start_time", FIELD_CHARS, 0, 26, "0123456789-: +"},
    {"max_duration", FIELD_NUMBER, 1, 1440, NULL},
    {"transfer_phone_number", FIELD_PHONE, 0, 0, NULL},
    {"transfer_list", FIELD_MAP, 0, 0, NULL},
    {"transfer_list.*", FIELD_PHONE, 0, 0, NULL},
    {"record", FIELD_BOOL, 0, 0, NULL},
    {"background_track", FIELD_WORD, 0, 0, "none office cafe restaurant"},
    {"noise_cancellation", FIELD_BOOL, 0, 0, NULL},
    {"ivr_mode", FIELD_BOOL, 0, 0, NULL},
    {"voicemail", FIELD_OBJECT, 0, 0, NULL},
    {"voicemail.action", FIELD_WORD, 0, 0, "hangup leave_message leave_message_and_sms ignore"},
    {"voicemail.message", FIELD_TEXT, 1, 10000, NULL},
    {"voicemail.sms", FIELD_OBJECT, 0, 0, NULL},
    {"voicemail.sms.message", FIELD_TEXT, 1, 1600, NULL},
    {"voicemail.sms.from", FIELD_PHONE, 0, 0, NULL},
    {"voicemail.sensitive", FIELD_BOOL, 0, 0, NULL},
    {"retry", FIELD_OBJECT, 0, 0, NULL},
    {"retry.wait", FIELD_INT, 0, 86400, NULL},
    {"retry.voicemail_action", FIELD_WORD, 0, 0, "hangup leave_message leave_message_and_sms ignore"},
    {"retry.voicemail_message", FIELD_TEXT, 1, 10000, NULL},
    {"precall_dtmf_sequence", FIELD_CHARS, 0, 128, "0123456789*#w"},
    {"ignore_button_press", FIELD_BOOL, 0, 0, NULL},
    {"keywords", FIELD_LIST, 0, 20, NULL},
    {"keywords[]", FIELD_TEXT, 1, 100, NULL},
    {"pronunciation_guide", FIELD_LIST, 0, 200, NULL},
    {"pronunciation_guide[]", FIELD_OBJECT, 0, 0, NULL},
    {"pronunciation_guide[].word", FIELD_TEXT, 1, 100, NULL},
    {"pronunciation_guide[].pronunciation", FIELD_TEXT, 1, 200, NULL},
    {"pronunciation_guide[].case_sensitive", FIELD_ANY, 0, 0, NULL},
    {"pronunciation_guide[].spaced", FIELD_ANY, 0, 0, NULL},
    {"request_data", FIELD_MAP, 0, 0, NULL},
    {"dynamic_data", FIELD_LIST, 0, 20, NULL},
    {"dynamic_data[]", FIELD_OBJECT, 0, 0, NULL},
    {"dynamic_data[].url", FIELD_URL, 0, 0, NULL},
    {"dynamic_data[].method", FIELD_WORD, 0, 0, "GET POST PUT PATCH DELETE"},
    {"dynamic_data[].headers", FIELD_ANY, 0, 0, NULL},
    {"dynamic_data[].query", FIELD_ANY, 0, 0, NULL},
    {"dynamic_data[].body", FIELD_ANY, 0, 0, NULL},
    {"dynamic_data[].cache", FIELD_BOOL, 0, 0, NULL},
    {"dynamic_data[].response_data", FIELD_LIST, 0, 50, NULL},
    {"tools", FIELD_LIST, 0, 50, NULL},
    {"webhook", FIELD_URL, 0, 0, "https"},
    {"webhook_events", FIELD_LIST, 0, 9, NULL},
    {"webhook_events[]", FIELD_WORD, 0, 0, EVENTS},
    {"metadata", FIELD_MAP, 0, 0, NULL},
    {"summary_prompt", FIELD_TEXT, 1, 2000, NULL},
    {"dispositions", FIELD_LIST, 0, 50, NULL},
    {"dispositions[]", FIELD_TEXT, 1, 200, NULL},
    {"analysis_schema", FIELD_MAP, 0, 0, NULL},
    {"citation_schema_ids", FIELD_LIST, 0, 50, NULL},
    {"citation_schema_ids[]", FIELD_TEXT, 1, 128, NULL},
    {"guard_rails", FIELD_ANY, 0, 0, NULL},
    {"post_call_evals", FIELD_ANY, 0, 0, NULL},
    {"stream_post_transfer_transcript", FIELD_BOOL, 0, 0, NULL},
};
const size_t bland_field_count = COUNT(bland_fields);

static int32_t refuse(char *why, size_t cap, const char *sentence)
{
    (void)snprintf(why, cap, "%s", sentence);
    return VOICEGW_EINVALID;
}

int32_t bland_validate_payload(struct voicegw_json parameters, char *why, size_t cap)
{
    struct voicegw_json start = voicegw_json_member(parameters, "start_time");
    char text[32];
    int year, month, day, hour, minute, second, zone_hour, zone_minute, used = 0;
    char sign;
    int32_t rc = fields_check(bland_fields, bland_field_count, parameters, why, cap);
    if (rc != VOICEGW_OK || voicegw_json_type(start) != VOICEGW_JSON_STRING)
        return rc;
    (void)voicegw_json_string(start, text, sizeof text);
    if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d %c%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &sign,
               &zone_hour, &zone_minute, &used) != 9 ||
        text[used] != '\0' || (sign != '-' && sign != '+') || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour > 23 || minute > 59 || second > 59)
        return refuse(why, cap, "start_time must be a time as 2026-11-30 09:00:00 -05:00");
    return VOICEGW_OK;
}

/* ---- the payload ---- */

static int is_set(struct voicegw_json v)
{
    return voicegw_json_type(v) > VOICEGW_JSON_NULL;
}

/* Fields that are worked out here and not copied. */
static int is_worked_out(const char *name)
{
    static const char *const names[] = {"task", "voice",   "language", "max_duration", "record",
                                        "from", "webhook", "metadata", "voicemail",    "request_data"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return strpbrk(name, ".[") != NULL;
}

/* Bland's own field, else what the message says. */
static void put_either(struct voicegw_json_writer *w, const struct platform_sources *s, const char *field,
                       const char *given)
{
    struct voicegw_json v = platform_field(s, field);
    if (!is_set(v))
        v = platform_given(s, given);
    if (is_set(v))
        voicegw_json_put_json(w, field, v);
}

static int32_t put_duration(struct voicegw_json_writer *w, const struct platform_sources *s, char *why, size_t cap)
{
    struct voicegw_json own = platform_field(s, "max_duration");
    double seconds = platform_duration_s(platform_given(s, "max_duration"));
    if (seconds < 0)
        return refuse(why, cap, "max_duration must be seconds or a duration as 90s, up to a day");
    if (seconds <= 0)
        seconds = s->params->max_duration_ms / 1000.0;
    if (is_set(own))
        voicegw_json_put_json(w, "max_duration", own);
    else if (seconds > 0)
        voicegw_json_put_int(w, "max_duration", ((int64_t)(seconds * 1000) + 59999) / 60000); /* begun minutes */
    return VOICEGW_OK;
}

/* What is known of the message stands to the prompt as {{name}}. */
static void put_data(struct voicegw_json_writer *w, const struct platform_sources *s)
{
    char name[128];
    struct voicegw_json own = platform_field(s, "request_data");
    struct voicegw_json_iter it = voicegw_json_each(s->variables);
    voicegw_json_put_object(w, "request_data");
    platform_put_members(w, own);
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.key, name, sizeof name) > 0 &&
            (!platform_is_given(it.key) || strcmp(name, "content") == 0) &&
            voicegw_json_type(voicegw_json_member(own, name)) == VOICEGW_JSON_ABSENT)
            voicegw_json_put_json(w, name, it.value);
    voicegw_json_put_end(w);
}

static void put_metadata(struct voicegw_json_writer *w, const struct platform_sources *s)
{
    struct voicegw_json_iter it = voicegw_json_each(platform_field(s, "metadata"));
    char name[128];
    voicegw_json_put_object(w, "metadata");
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.key, name, sizeof name) > 0 && strncmp(name, "voicegw_", 8) != 0)
            voicegw_json_put_json(w, name, it.value);
    voicegw_json_put_string(w, "voicegw_call_id", s->params->call_id);
    voicegw_json_put_string(w, "voicegw_session_id", s->params->session_id);
    voicegw_json_put_end(w);
}

static void put_voicemail(struct voicegw_json_writer *w, const struct platform_sources *s)
{
    struct voicegw_json own = platform_field(s, "voicemail"), machine = platform_given(s, "machine"),
                        content = platform_given(s, "content");
    if (is_set(own)) {
        voicegw_json_put_json(w, "voicemail", own);
    } else if (voicegw_json_equals(machine, "leave_message") && is_set(content)) {
        voicegw_json_put_object(w, "voicemail");
        voicegw_json_put_string(w, "action", "leave_message");
        voicegw_json_put_json(w, "message", content);
        voicegw_json_put_end(w);
    } else if (is_set(machine)) {
        voicegw_json_put_object(w, "voicemail");
        voicegw_json_put_string(w, "action", "hangup");
        voicegw_json_put_end(w);
    }
}

static int is_number(const char *to)
{
    /* Bland bears a number of the United States without its +1. */
    return fields_is_phone(to) || (strlen(to) == 10 && strspn(to, "0123456789") == 10 && to[0] > '1');
}

static int32_t check(const struct platform_sources *s, char *why, size_t cap)
{
    const struct voicegw_json parts[] = {s->defaults, voicegw_json_member(s->route, "platform_config"),
                                         voicegw_json_member(s->variables, "platform_config")};
    static const struct {
        const char *given, *field;
    } rows[] = {{"content", "task"}, {"voice_id", "voice"}, {"language", "language"}, {"record_call", "record"}};
    int32_t rc = VOICEGW_OK;
    if (!is_number(s->params->to))
        return refuse(why, cap, "to must be a number in E.164, as +15551234567: Bland calls telephones only");
    if (*s->default_from && !fields_is_phone(s->default_from))
        return refuse(why, cap, "from must be a number in E.164 that the Bland account owns, as +15551234567");
    for (size_t i = 0; rc == VOICEGW_OK && i < COUNT(parts); i++)
        rc = bland_validate_payload(parts[i], why, cap);
    for (size_t i = 0; rc == VOICEGW_OK && i < COUNT(rows); i++) {
        struct voicegw_json v = platform_given(s, rows[i].given);
        char about[200];
        if (!is_set(v))
            continue;
        rc = fields_check_value(bland_fields, bland_field_count, rows[i].field, v, about, sizeof about);
        if (rc != VOICEGW_OK)
            (void)snprintf(why, cap, "%s: %s", rows[i].given, about);
    }
    if (rc == VOICEGW_OK && !is_set(platform_given(s, "content")) && !is_set(platform_field(s, "task")) &&
        !is_set(platform_field(s, "pathway_id")) && !is_set(platform_field(s, "persona_id")))
        return refuse(why, cap,
                      "task is missing: give content, or task, pathway_id or persona_id in platform_config or `call`");
    return rc;
}

/* With our own id of the call: what Bland tells while it calls names the call by Bland's id alone, and may come before
 * the answer that brings that. */
static void put_webhook(struct voicegw_json_writer *w, const struct platform_sources *s)
{
    char url[PLATFORM_URL_CAP + 80];
    if (is_set(platform_field(s, "webhook"))) {
        voicegw_json_put_json(w, "webhook", platform_field(s, "webhook"));
    } else if (*s->webhook_url) {
        (void)snprintf(url, sizeof url, "%s&call=%s", s->webhook_url, s->params->call_id);
        voicegw_json_put_string(w, "webhook", url);
    }
}

int64_t bland_format_payload(const struct platform_sources *s, char *out, uint64_t cap, char *why, size_t why_cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    struct voicegw_json own = platform_field(s, "from"), record = platform_given(s, "record_call");
    int32_t rc = check(s, why, why_cap);
    if (rc != VOICEGW_OK)
        return rc;
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "phone_number", s->params->to);
    if (*s->default_from)
        voicegw_json_put_string(&w, "from", s->default_from);
    else if (is_set(own))
        voicegw_json_put_json(&w, "from", own);
    /* With a pathway or a persona the content is theirs to use, as {{content}}. */
    if (is_set(platform_field(s, "task")))
        voicegw_json_put_json(&w, "task", platform_field(s, "task"));
    else if (is_set(platform_given(s, "content")) && !is_set(platform_field(s, "pathway_id")) &&
             !is_set(platform_field(s, "persona_id")))
        voicegw_json_put_json(&w, "task", platform_given(s, "content"));
    put_either(&w, s, "voice", "voice_id");
    put_either(&w, s, "language", "language");
    for (size_t i = 0; i < bland_field_count; i++)
        if (!is_worked_out(bland_fields[i].path) && is_set(platform_field(s, bland_fields[i].path)))
            voicegw_json_put_json(&w, bland_fields[i].path, platform_field(s, bland_fields[i].path));
    rc = put_duration(&w, s, why, why_cap);
    if (is_set(platform_field(s, "record")))
        voicegw_json_put_json(&w, "record", platform_field(s, "record"));
    else
        voicegw_json_put_bool(&w, "record", voicegw_json_bool(record, s->record));
    put_voicemail(&w, s);
    put_data(&w, s);
    put_metadata(&w, s);
    put_webhook(&w, s);
    platform_put_members(&w, s->extra);
    voicegw_json_put_end(&w);
    return rc != VOICEGW_OK ? rc : voicegw_json_finish(&w);
}

/* ---- addresses and answers ---- */

void bland_path(struct voicegw_text *url, enum platform_path path, const char *id, int64_t since_us)
{
    (void)since_us;
    voicegw_text_add(url, "/v1/calls");
    if (path == PLATFORM_CALL) {
        voicegw_text_add(url, "/");
        voicegw_text_add_escaped(url, id);
    } else if (path == PLATFORM_FIND) {
        voicegw_text_add(url, "?limit=20&to_number=");
        voicegw_text_add_escaped(url, id);
    }
}

int bland_read_id(struct voicegw_json answer, char *out, size_t cap)
{
    return voicegw_json_get_string(answer, "call_id", out, cap) > 0;
}

int bland_find_id(struct voicegw_json answer, const char *call_id, char *out, size_t cap)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_member(answer, "calls"));
    while (*call_id && voicegw_json_next(&it))
        if (voicegw_json_equals(voicegw_json_get(it.value, "metadata.voicegw_call_id"), call_id))
            return bland_read_id(it.value, out, cap);
    return 0;
}

int bland_is_error(struct voicegw_json answer)
{
    struct voicegw_json errors = voicegw_json_member(answer, "errors");
    return voicegw_json_equals(voicegw_json_member(answer, "status"), "error") ||
           (voicegw_json_type(errors) == VOICEGW_JSON_ARRAY && voicegw_json_count(errors) > 0);
}

void bland_explain(struct voicegw_json answer, char *out, size_t cap)
{
    char one[200] = "", more[200] = "";
    struct voicegw_json first = voicegw_json_get(answer, "errors.0");
    (void)voicegw_json_get_string(answer, "message", one, sizeof one);
    if (voicegw_json_string(first, more, sizeof more) < 0)
        (void)voicegw_json_get_string(first, "message", more, sizeof more);
    (void)snprintf(out, cap, "%s%s%s", one, one[0] && more[0] ? ": " : "", more);
}

/* ---- what became of a call ---- */

static const struct {
    const char *word;
    uint32_t state, outcome;
} statuses[] = {
    {"completed", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED},
    {"failed", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
    {"busy", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_BUSY},
    {"no-answer", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_NO_ANSWER},
    {"canceled", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_CANCELED},
};

/* queue_status: by its beginning, since the documents and the samples differ. */
static const struct {
    const char *begin;
    uint32_t state, outcome;
} queues[] = {
    {"pre_queue_error", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
    {"queue_error", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
    {"call_error", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
    {"complete_error", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
    {"error", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
    {"new", VOICEGW_CALL_INITIATING, VOICEGW_OUTCOME_NONE},
    {"queued", VOICEGW_CALL_INITIATING, VOICEGW_OUTCOME_NONE},
    {"allocated", VOICEGW_CALL_INITIATING, VOICEGW_OUTCOME_NONE},
    {"started", VOICEGW_CALL_RINGING, VOICEGW_OUTCOME_NONE},
};

int bland_is_answered(struct voicegw_json call)
{
    char started[40] = "";
    (void)voicegw_json_get_string(call, "started_at", started, sizeof started);
    return voicegw_json_count(voicegw_json_member(call, "transcripts")) > 0 || started[0] || bland_answered_by(call)[0];
}

static uint32_t of_queue(const char *queue, uint32_t *ret_outcome)
{
    for (size_t i = 0; i < COUNT(queues); i++)
        if (strncmp(queue, queues[i].begin, strlen(queues[i].begin)) == 0) {
            *ret_outcome = queues[i].outcome;
            return queues[i].state;
        }
    return 0;
}

void bland_view(struct voicegw_json call, struct platform_view *ret_view)
{
    char queue[40] = "", error[64] = "";
    struct platform_view v = {.cost = voicegw_json_get_double(call, "price", -1)};
    int over = (int)voicegw_json_get_bool(call, "completed", 0);
    (void)voicegw_json_get_string(call, "queue_status", queue, sizeof queue);
    (void)voicegw_json_get_string(call, "error_message", error, sizeof error);
    (void)voicegw_json_get_string(call, "status", v.status, sizeof v.status);
    v.state = of_queue(queue, &v.outcome);
    if (v.state != VOICEGW_CALL_FAILED && (over || strncmp(queue, "complete", 8) == 0)) {
        v.state = bland_is_answered(call) ? VOICEGW_CALL_ENDED : VOICEGW_CALL_FAILED;
        v.outcome = v.state == VOICEGW_CALL_ENDED ? VOICEGW_OUTCOME_COMPLETED : VOICEGW_OUTCOME_FAILED;
        if (voicegw_json_equals(voicegw_json_member(call, "answered_by"), "no-answer")) {
            v.state = VOICEGW_CALL_FAILED;
            v.outcome = VOICEGW_OUTCOME_NO_ANSWER;
        } else if (error[0]) {
            v.state = VOICEGW_CALL_FAILED;
            v.outcome = VOICEGW_OUTCOME_FAILED;
        }
    }
    /* What it calls the end says more than that it is over. */
    for (size_t i = 0; i < COUNT(statuses) && v.state != VOICEGW_CALL_INITIATING; i++)
        if (strcmp(v.status, statuses[i].word) == 0 && (over || v.state >= VOICEGW_CALL_ENDED || !queue[0])) {
            v.state = statuses[i].state;
            v.outcome = statuses[i].outcome;
        }
    if ((v.state == VOICEGW_CALL_RINGING || (v.state == 0 && !queue[0])) && bland_is_answered(call))
        v.state = VOICEGW_CALL_CONNECTED;
    if (!v.status[0])
        (void)snprintf(v.status, sizeof v.status, "%s", queue);
    *ret_view = v;
}

const char *bland_answered_by(struct voicegw_json call)
{
    struct voicegw_json v = voicegw_json_member(call, "answered_by");
    if (voicegw_json_equals(v, "human"))
        return "human";
    if (voicegw_json_equals(v, "voicemail"))
        return "machine";
    return voicegw_json_equals(v, "unknown") ? "unknown" : "";
}

const char *bland_role(struct voicegw_json line)
{
    struct voicegw_json v = voicegw_json_member(line, "user");
    if (voicegw_json_equals(v, "user"))
        return "user";
    if (voicegw_json_equals(v, "assistant") || voicegw_json_equals(v, "robot") || voicegw_json_equals(v, "agent"))
        return "assistant";
    return voicegw_json_equals(v, "agent-action") ? "system" : "";
}

enum bland_news bland_news_of(struct voicegw_json body)
{
    static const char *const late[] = {"citations", "post_transfer_transcript", "live_translation_transcript",
                                       "multiple"};
    struct voicegw_json kind = voicegw_json_member(body, "event_type");
    for (size_t i = 0; i < COUNT(late); i++)
        if (voicegw_json_equals(kind, late[i]))
            return BLAND_LATE;
    if (is_set(voicegw_json_member(body, "completed")) || is_set(voicegw_json_member(body, "transcripts")) ||
        is_set(voicegw_json_member(body, "queue_status")))
        return BLAND_FINAL;
    if (is_set(voicegw_json_member(body, "corrected_transcript")) || is_set(voicegw_json_member(body, "citations")))
        return BLAND_LATE;
    if (is_set(voicegw_json_member(body, "category")) && is_set(voicegw_json_member(body, "message")))
        return BLAND_PROGRESS;
    return BLAND_UNKNOWN;
}
