/* payload.c - the body of POST /call, and of the answer to assistant-request: checked, then written. Pure. */
#include <stdio.h>
#include <string.h>
#include "wire.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define DURATION_MIN_S 10
#define DURATION_MAX_S 43200

const struct field_rule vapi_fields[] = {
    {"assistantId", FIELD_TEXT, 1, 64, NULL},
    {"assistant", FIELD_MAP, 0, 0, NULL},
    {"assistantVersion", FIELD_TEXT, 1, 40, NULL},
    {"assistantOverrides", FIELD_OBJECT, 0, 0, NULL},
    {"assistantOverrides.firstMessage", FIELD_TEXT, 0, 10000, NULL},
    {"assistantOverrides.maxDurationSeconds", FIELD_NUMBER, DURATION_MIN_S, DURATION_MAX_S, NULL},
    {"assistantOverrides.variableValues", FIELD_MAP, 0, 0, NULL},
    {"assistantOverrides.metadata", FIELD_MAP, 0, 0, NULL},
    {"assistantOverrides.serverMessages", FIELD_LIST, 0, 40, NULL},
    {"assistantOverrides.serverMessages[]", FIELD_TEXT, 1, 80, NULL},
    {"assistantOverrides.server", FIELD_OBJECT, 0, 0, NULL},
    {"assistantOverrides.server.url", FIELD_URL, 0, 0, NULL},
    {"assistantOverrides.server.timeoutSeconds", FIELD_NUMBER, 1, 300, NULL},
    {"assistantOverrides.server.*", FIELD_ANY, 0, 0, NULL},
    {"assistantOverrides.*", FIELD_ANY, 0, 0, NULL},
    {"squadId", FIELD_TEXT, 1, 64, NULL},
    {"squad", FIELD_MAP, 0, 0, NULL},
    {"squadOverrides", FIELD_MAP, 0, 0, NULL},
    {"workflowId", FIELD_TEXT, 1, 64, NULL},
    {"workflow", FIELD_MAP, 0, 0, NULL},
    {"workflowOverrides", FIELD_MAP, 0, 0, NULL},
    {"phoneNumberId", FIELD_TEXT, 1, 64, NULL},
    {"phoneNumber", FIELD_MAP, 0, 0, NULL},
    {"customer", FIELD_OBJECT, 0, 0, NULL},
    {"customer.numberE164CheckEnabled", FIELD_BOOL, 0, 0, NULL},
    {"customer.extension", FIELD_TEXT, 1, 10, NULL},
    {"customer.name", FIELD_TEXT, 1, 40, NULL},
    {"customer.email", FIELD_TEXT, 1, 40, NULL},
    {"customer.externalId", FIELD_TEXT, 1, 40, NULL},
    {"customer.assistantOverrides", FIELD_MAP, 0, 0, NULL},
    {"customer.squadOverrides", FIELD_MAP, 0, 0, NULL},
    {"name", FIELD_TEXT, 1, 40, NULL},
    {"schedulePlan", FIELD_OBJECT, 0, 0, NULL},
    {"schedulePlan.earliestAt", FIELD_TEXT, 16, 40, NULL},
    {"schedulePlan.latestAt", FIELD_TEXT, 16, 40, NULL},
};
const size_t vapi_field_count = COUNT(vapi_fields);

static const char *const agents[] = {"assistantId", "assistant", "squadId", "squad", "workflowId", "workflow"};
/* What each source's overrides are called. */
static const char *const overrides[] = {"assistantOverrides", "assistantOverrides", "squadOverrides",
                                        "squadOverrides",     "workflowOverrides",  "workflowOverrides"};

static int32_t refuse(char *why, size_t cap, const char *sentence)
{
    (void)snprintf(why, cap, "%s", sentence);
    return VOICEGW_EINVALID;
}

static int is_set(struct voicegw_json v)
{
    return voicegw_json_type(v) > VOICEGW_JSON_NULL;
}

int32_t vapi_validate_payload(struct voicegw_json p, char *why, size_t cap)
{
    uint32_t sources = 0;
    struct voicegw_json plan = voicegw_json_member(p, "schedulePlan");
    int32_t rc = fields_check(vapi_fields, vapi_field_count, p, why, cap);
    for (size_t i = 0; i < COUNT(agents); i++)
        sources += (uint32_t)is_set(voicegw_json_member(p, agents[i]));
    if (rc == VOICEGW_OK && sources > 1)
        return refuse(why, cap,
                      "assistantId, assistant, squadId, squad, workflowId and workflow exclude each other; give one");
    if (rc == VOICEGW_OK && is_set(voicegw_json_member(p, "phoneNumberId")) &&
        is_set(voicegw_json_member(p, "phoneNumber")))
        return refuse(why, cap, "phoneNumberId and phoneNumber exclude each other; give one");
    if (rc == VOICEGW_OK && is_set(plan) && !platform_time_us(voicegw_json_member(plan, "earliestAt")))
        return refuse(why, cap, "schedulePlan.earliestAt must be a time in ISO 8601, as 2026-11-30T09:00:00Z");
    if (rc == VOICEGW_OK && is_set(voicegw_json_member(plan, "latestAt")) &&
        platform_time_us(voicegw_json_member(plan, "latestAt")) <=
            platform_time_us(voicegw_json_member(plan, "earliestAt")))
        return refuse(why, cap, "schedulePlan.latestAt must be a time in ISO 8601 behind earliestAt");
    return rc;
}

/* ---- who speaks ---- */

/* The first of the sources that names an agent; its index into agents, or -1. */
static int agent_of(const struct platform_sources *s, struct voicegw_json *ret_value)
{
    const struct voicegw_json from[] = {voicegw_json_member(s->variables, "platform_config"),
                                        voicegw_json_member(s->route, "platform_config"), s->defaults};
    for (size_t f = 0; f < COUNT(from); f++)
        for (size_t i = 0; i < COUNT(agents); i++) {
            *ret_value = voicegw_json_member(from[f], agents[i]);
            if (is_set(*ret_value))
                return (int)i;
        }
    return s->own[VAPI_OWN_ASSISTANT] && *s->own[VAPI_OWN_ASSISTANT] ? (int)COUNT(agents) : -1;
}

static void put_voice(struct voicegw_json_writer *w, struct voicegw_json id)
{
    char text[140];
    (void)voicegw_json_string(id, text, sizeof text);
    char *colon = strchr(text, ':');
    if (colon)
        *colon = '\0';
    voicegw_json_put_object(w, "voice");
    voicegw_json_put_string(w, "provider", colon ? text : "vapi");
    voicegw_json_put_string(w, "voiceId", colon ? colon + 1 : text);
    voicegw_json_put_end(w);
}

static void put_values(struct voicegw_json_writer *w, const struct platform_sources *s, struct voicegw_json own)
{
    char name[128];
    struct voicegw_json values = voicegw_json_member(own, "variableValues");
    struct voicegw_json_iter it = voicegw_json_each(s->variables);
    voicegw_json_put_object(w, "variableValues");
    platform_put_members(w, values);
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.key, name, sizeof name) > 0 &&
            (!platform_is_given(it.key) || strcmp(name, "content") == 0 || strcmp(name, "language") == 0) &&
            voicegw_json_type(voicegw_json_member(values, name)) == VOICEGW_JSON_ABSENT)
            voicegw_json_put_json(w, name, it.value);
    voicegw_json_put_end(w);
}

static void put_metadata(struct voicegw_json_writer *w, const struct platform_sources *s, struct voicegw_json own)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_member(own, "metadata"));
    char name[128];
    voicegw_json_put_object(w, "metadata");
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.key, name, sizeof name) > 0 && strncmp(name, "voicegw_", 8) != 0)
            voicegw_json_put_json(w, name, it.value);
    voicegw_json_put_string(w, "voicegw_call_id", s->params->call_id);
    voicegw_json_put_string(w, "voicegw_session_id", s->params->session_id);
    voicegw_json_put_end(w);
}

static void put_server(struct voicegw_json_writer *w, const struct platform_sources *s, struct voicegw_json own)
{
    static const char *const wanted[] = {"status-update",
                                         "end-of-call-report",
                                         "transcript[transcriptType=\"final\"]",
                                         "tool-calls",
                                         "hang",
                                         "transfer-destination-request",
                                         "speech-update",
                                         "user-interrupted",
                                         "assistant.started",
                                         "transfer-update",
                                         "phone-call-control"};
    const char *secret = s->own[VAPI_OWN_SECRET];
    if (!is_set(voicegw_json_member(own, "server")) && *s->webhook_url) {
        voicegw_json_put_object(w, "server");
        voicegw_json_put_string(w, "url", s->webhook_url);
        if (secret && *secret) {
            voicegw_json_put_object(w, "headers");
            voicegw_json_put_string(w, "X-Vapi-Secret", secret);
            voicegw_json_put_end(w);
        }
        voicegw_json_put_end(w);
    }
    if (is_set(voicegw_json_member(own, "serverMessages")))
        return;
    voicegw_json_put_array(w, "serverMessages");
    for (size_t i = 0; i < COUNT(wanted); i++)
        voicegw_json_put_string(w, NULL, wanted[i]);
    voicegw_json_put_end(w);
}

/* A field of the overrides: theirs, else what the message wants, if it wants anything. */
static int is_free(struct voicegw_json own, const char *name)
{
    return !is_set(voicegw_json_member(own, name));
}

static void put_machine(struct voicegw_json_writer *w, const struct platform_sources *s, struct voicegw_json own)
{
    struct voicegw_json machine = platform_given(s, "machine"), content = platform_given(s, "content");
    if (!is_set(machine))
        return;
    if (is_free(own, "voicemailDetection")) {
        voicegw_json_put_object(w, "voicemailDetection");
        voicegw_json_put_string(w, "provider", "vapi");
        voicegw_json_put_end(w);
    }
    if (is_free(own, "voicemailMessage") && voicegw_json_equals(machine, "leave_message") && is_set(content))
        voicegw_json_put_json(w, "voicemailMessage", content);
}

static void put_limits(struct voicegw_json_writer *w, const struct platform_sources *s, struct voicegw_json own)
{
    double seconds = platform_duration_s(platform_given(s, "max_duration"));
    struct voicegw_json record = platform_given(s, "record_call");
    if (seconds <= 0)
        seconds = s->params->max_duration_ms / 1000.0;
    seconds = seconds > DURATION_MAX_S ? DURATION_MAX_S : seconds;
    if (is_free(own, "maxDurationSeconds") && seconds > 0)
        voicegw_json_put_int(w, "maxDurationSeconds", seconds < DURATION_MIN_S ? DURATION_MIN_S : (int64_t)seconds);
    if (is_free(own, "artifactPlan")) {
        voicegw_json_put_object(w, "artifactPlan");
        voicegw_json_put_bool(w, "recordingEnabled", voicegw_json_bool(record, s->record));
        voicegw_json_put_end(w);
    }
}

static void put_overrides(struct voicegw_json_writer *w, const struct platform_sources *s, const char *name,
                          const char *first)
{
    char key[128];
    struct voicegw_json own = platform_field(s, name), content = platform_given(s, "content"),
                        voice = platform_given(s, "voice_id");
    struct voicegw_json_iter it = voicegw_json_each(own);
    voicegw_json_put_object(w, name);
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.key, key, sizeof key) > 0 && strcmp(key, "variableValues") != 0 &&
            strcmp(key, "metadata") != 0 && is_set(it.value))
            voicegw_json_put_json(w, key, it.value);
    if (is_free(own, "firstMessage") && first && *first)
        voicegw_json_put_string(w, "firstMessage", first);
    else if (is_free(own, "firstMessage") && is_set(content))
        voicegw_json_put_json(w, "firstMessage", content);
    if (is_free(own, "voice") && is_set(voice))
        put_voice(w, voice);
    put_limits(w, s, own);
    put_machine(w, s, own);
    put_values(w, s, own);
    put_metadata(w, s, own);
    put_server(w, s, own);
    voicegw_json_put_end(w);
}

static void put_agent(struct voicegw_json_writer *w, const struct platform_sources *s, int agent,
                      struct voicegw_json value, const char *first)
{
    int own = agent == (int)COUNT(agents);
    if (own)
        voicegw_json_put_string(w, "assistantId", s->own[VAPI_OWN_ASSISTANT]);
    else
        voicegw_json_put_json(w, agents[agent], value);
    put_overrides(w, s, overrides[own ? 0 : agent], first);
}

/* ---- the bodies ---- */

static int32_t check_given(const struct platform_sources *s, char *why, size_t cap)
{
    static const struct {
        const char *name;
        double max;
        const char *sentence;
    } texts[] = {{"content", 10000, "content must be a text of 1 to 10000 bytes"},
                 {"voice_id", 128, "voice_id must be a text of 1 to 128 bytes, as Elliot or 11labs:burt"},
                 {"language", 35, "language must be a text of 1 to 35 bytes, as en-US"}};
    struct voicegw_json record = platform_given(s, "record_call");
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct voicegw_json v = platform_given(s, texts[i].name);
        const struct field_rule rule = {texts[i].name, FIELD_TEXT, 1, texts[i].max, NULL};
        char unused[200];
        if (is_set(v) && fields_check_value(&rule, 1, texts[i].name, v, unused, sizeof unused) != VOICEGW_OK)
            return refuse(why, cap, texts[i].sentence);
    }
    if (is_set(record) && voicegw_json_type(record) != VOICEGW_JSON_BOOL)
        return refuse(why, cap, "record_call must be true or false");
    if (platform_duration_s(platform_given(s, "max_duration")) < 0)
        return refuse(why, cap, "max_duration must be seconds or a duration as 90s, from 10s to 12h");
    return VOICEGW_OK;
}

static int32_t check(const struct platform_sources *s, char *why, size_t cap)
{
    const struct voicegw_json parts[] = {s->defaults, voicegw_json_member(s->route, "platform_config"),
                                         voicegw_json_member(s->variables, "platform_config")};
    int32_t rc = VOICEGW_OK;
    for (size_t i = 0; rc == VOICEGW_OK && i < COUNT(parts); i++)
        rc = vapi_validate_payload(parts[i], why, cap);
    return rc == VOICEGW_OK ? check_given(s, why, cap) : rc;
}

static int is_set_text(const char *text)
{
    return text && *text;
}

static void put_customer(struct voicegw_json_writer *w, const struct platform_sources *s)
{
    const char *to = s->params->to;
    voicegw_json_put_object(w, "customer");
    voicegw_json_put_string(w, strncmp(to, "sip", 3) == 0 ? "sipUri" : "number", to);
    platform_put_members(w, platform_field(s, "customer"));
    voicegw_json_put_end(w);
}

int64_t vapi_format_payload(const struct platform_sources *s, char *out, uint64_t cap, char *why, size_t why_cap)
{
    static const char *const copied[] = {"assistantVersion", "schedulePlan"};
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    struct voicegw_json value = voicegw_json_absent_(), number = platform_field(s, "phoneNumber"),
                        number_id = platform_field(s, "phoneNumberId"), name = platform_field(s, "name");
    const char *to = s->params->to;
    int32_t rc = check(s, why, why_cap);
    int agent = agent_of(s, &value);
    if (rc != VOICEGW_OK)
        return rc;
    if (!fields_is_phone(to) && strncmp(to, "sip:", 4) != 0 && strncmp(to, "sips:", 5) != 0)
        return refuse(why, why_cap, "to must be a number in E.164, as +15551234567, or a sip: address");
    if (*s->params->call_id && agent < 0) /* the operator's own defaults may leave it to the message */
        return refuse(
            why, why_cap,
            "assistantId is missing: set assistant_id, or an assistant, squad or workflow in platform_config");
    if (*s->params->call_id && !is_set(number) && !is_set(number_id) && !is_set_text(s->own[VAPI_OWN_PHONE_NUMBER]))
        return refuse(why, why_cap, "phoneNumberId is missing: set phone_number_id, or phoneNumber in platform_config");
    voicegw_json_put_object(&w, NULL);
    if (agent >= 0)
        put_agent(&w, s, agent, value, NULL);
    if (is_set(number))
        voicegw_json_put_json(&w, "phoneNumber", number);
    else if (is_set(number_id))
        voicegw_json_put_json(&w, "phoneNumberId", number_id);
    else
        voicegw_json_put_string(&w, "phoneNumberId", s->own[VAPI_OWN_PHONE_NUMBER]);
    put_customer(&w, s);
    if (is_set(name))
        voicegw_json_put_json(&w, "name", name);
    else if (strlen(s->params->call_id) <= 40)
        voicegw_json_put_string(&w, "name", s->params->call_id);
    for (size_t i = 0; i < COUNT(copied); i++)
        if (is_set(platform_field(s, copied[i])))
            voicegw_json_put_json(&w, copied[i], platform_field(s, copied[i]));
    platform_put_members(&w, s->extra);
    voicegw_json_put_end(&w);
    return voicegw_json_finish(&w);
}

int64_t vapi_format_inbound(const struct platform_sources *s, const char *first, char *out, uint64_t cap, char *why,
                            size_t why_cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    struct voicegw_json value = voicegw_json_absent_();
    int32_t rc = check(s, why, why_cap);
    int agent = agent_of(s, &value);
    if (rc != VOICEGW_OK)
        return rc;
    if (agent < 0)
        return refuse(why, why_cap,
                      "no assistant takes this call: set assistant_id, or platform_config under the route's variables");
    voicegw_json_put_object(&w, NULL);
    put_agent(&w, s, agent, value, first);
    voicegw_json_put_end(&w);
    return voicegw_json_finish(&w);
}
