/* options.c - what the operator can set, read into a constant block. */
#include <stdlib.h>
#include <string.h>
#include "mock.h"

#define OPTION(t, n, d, u, lo, hi, c, text)                                                                            \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_##t, .name = n, .dflt = d,                       \
        .flags = VOICEGW_OPTION_RELOADABLE, .unit = u, .min = lo, .max = hi, .choices = c, .description = text         \
    }

const struct voicegw_option mock_options[MOCK_OPTIONS] = {
    OPTION(INT, "initiating_ms", "500", "ms", 0, 3600000, NULL, "How long an outbound call stays in initiating."),
    OPTION(INT, "ringing_ms", "1500", "ms", 0, 3600000, NULL, "How long it rings before it is answered."),
    OPTION(BOOL, "open_streams", "false", NULL, 0, 0, NULL,
           "Any id opens a session at the media socket, without a token; from loopback only."),
    OPTION(JSON, "outcomes", "[]", NULL, 0, 0, NULL,
           "What becomes of calls: list of {to: glob, outcome: answered, busy, no_answer, failed, canceled, dropped or "
           "slow, after: 2s}; "
           "the first match wins, also for transfers."),
    OPTION(BOOL, "duplicate_callbacks", "false", NULL, 0, 0, NULL, "Every state is told twice."),
    OPTION(INT, "late_callbacks_ms", "0", "ms", 0, 3600000, NULL,
           "Every state but connected is told so much later, so that states come out of order."),
    OPTION(LIST, "scripts", "[]", NULL, 0, 0, NULL, "Files with callers' scripts (globs, YAML)."),
    OPTION(JSON, "script_documents", "[]", NULL, 0, 0, NULL,
           "The scripts themselves: list of {id, from, to, steps}; what `scripts` names is added to it."),
    OPTION(STRING, "tts", "", NULL, 0, 0, NULL,
           "The tts instance that gives callers a voice; the first configured if empty."),
    OPTION(STRING, "caller_voice", "rms", NULL, 0, 0, NULL, "The callers' voice."),
    OPTION(INT, "caller_patience_ms", "700", "ms", 20, 60000, NULL,
           "How long the gateway must be silent before a caller takes it that its turn has come."),
    OPTION(ENUM, "dtmf", "signalled", NULL, 0, 0, "signalled inband callback both",
           "How callers press keys: told in the media stream, as tones in it, told outside of it as by a callback, or "
           "told both ways."),
    OPTION(ENUM, "conferences", "gateway", NULL, 0, 0, "gateway own",
           "Who joins calls: the gateway, by its own mixer, or the mock, which only keeps a list and mixes nobody."),
};

static const char *const outcome_names[] = {
    [MOCK_ANSWERED] = "answered", [MOCK_BUSY] = "busy",         [MOCK_NO_ANSWER] = "no_answer",
    [MOCK_FAILED] = "failed",     [MOCK_CANCELED] = "canceled", [MOCK_DROPPED] = "dropped",
    [MOCK_SLOW] = "slow"};

static void settings_free(struct mock_settings *s)
{
    free(s->rules);
    free(s->scripts);
    free(s);
}

/* "2s", "500ms" or seconds; -1 for what is none. */
static int64_t duration_us(struct voicegw_json v)
{
    char text[32], *unit = text;
    double s = voicegw_json_double(v, -1);
    if (s < 0 && voicegw_json_string(v, text, sizeof text) > 0) {
        s = strtod(text, &unit);
        double scale = strcmp(unit, "ms") == 0 ? 0.001 : strcmp(unit, "s") == 0 ? 1 : strcmp(unit, "m") == 0 ? 60 : -1;
        s = unit == text ? -1 : s * scale;
    }
    return s >= 0 && s <= 86400 ? (int64_t)(s * 1e6) : -1;
}

static const char *read_rule(struct voicegw_json v, struct mock_rule *r)
{
    struct voicegw_json outcome = voicegw_json_member(v, "outcome"), after = voicegw_json_member(v, "after");
    size_t i;
    if (voicegw_json_get_string(v, "to", r->to, sizeof r->to) <= 0)
        return "to must be a glob of at most 128 bytes";
    for (i = 0; i < sizeof outcome_names / sizeof outcome_names[0]; i++)
        if (voicegw_json_equals(outcome, outcome_names[i]))
            break;
    if (i == sizeof outcome_names / sizeof outcome_names[0])
        return "outcome must be one of answered, busy, no_answer, failed, canceled, dropped, slow";
    r->outcome = (enum mock_outcome)i;
    r->after_us = after.text ? duration_us(after) : -1;
    return after.text && r->after_us < 0 ? "after must be a duration such as 2s or 500ms" : NULL;
}

static int32_t refuse(const struct voicegw_host *host, const char *list, uint64_t index, const char *problem)
{
    char sentence[400];
    (void)snprintf(sentence, sizeof sentence, "%s[%llu]: %s", list, (unsigned long long)index, problem);
    return host->set_error(host, VOICEGW_ECONFIG, sentence);
}

static int32_t read_rules(const struct voicegw_host *host, struct voicegw_json list, struct mock_settings *s)
{
    struct voicegw_json_iter it = voicegw_json_each(list);
    uint64_t count = voicegw_json_count(list);
    if (list.text && voicegw_json_type(list) != VOICEGW_JSON_ARRAY && voicegw_json_type(list) != VOICEGW_JSON_NULL)
        return host->set_error(host, VOICEGW_ECONFIG, "outcomes must be a list of {to, outcome, after}");
    s->rules = calloc((size_t)count + 1, sizeof *s->rules);
    if (!s->rules)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    while (s->rule_count < count && voicegw_json_next(&it)) {
        const char *problem = read_rule(it.value, &s->rules[s->rule_count]);
        if (problem)
            return refuse(host, "outcomes", s->rule_count, problem);
        s->rule_count++;
    }
    return VOICEGW_OK;
}

static int32_t read_scripts(const struct voicegw_host *host, struct voicegw_json list, struct mock_settings *s)
{
    struct voicegw_json_iter it = voicegw_json_each(list);
    uint64_t count = voicegw_json_count(list);
    char why[256];
    if (list.text && voicegw_json_type(list) != VOICEGW_JSON_ARRAY && voicegw_json_type(list) != VOICEGW_JSON_NULL)
        return host->set_error(host, VOICEGW_ECONFIG, "script_documents must be a list of {id, from, to, steps}");
    s->scripts = calloc((size_t)count + 1, sizeof(struct mock_script *));
    if (!s->scripts)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    while (s->script_count < count && voicegw_json_next(&it)) {
        struct mock_script *script;
        if (mock_script_parse(it.value, &script, why, sizeof why) != VOICEGW_OK)
            return refuse(host, "script_documents", s->script_count, why);
        s->scripts[s->script_count++] = script;
        if (!*script->id || mock_script_named(s, script->id) != script)
            return refuse(host, "script_documents", s->script_count - 1, "id must be there, and no other script's");
    }
    return VOICEGW_OK;
}

static int copy_option(const struct voicegw_host *host, const struct voicegw_options *options, const char *name,
                       char *out, size_t cap)
{
    const char *text = host->option_string(host, options, name);
    size_t n = text ? strlen(text) : 0;
    if (n >= cap)
        return 0;
    memcpy(out, text ? text : "", n + 1);
    return 1;
}

static int64_t milliseconds(const struct voicegw_host *host, const struct voicegw_options *options, const char *name,
                            int64_t dflt)
{
    return host->option_int(host, options, name, dflt) * 1000;
}

struct mock_settings *mock_settings_new(const struct voicegw_host *host, const struct voicegw_options *options,
                                        int32_t *ret_status)
{
    struct mock_settings *s = calloc(1, sizeof *s);
    if (!s) {
        *ret_status = host->set_error(host, VOICEGW_ELIMIT, "out of memory");
        return NULL;
    }
    const char *dtmf = host->option_string(host, options, "dtmf");
    int32_t rc = VOICEGW_OK;
    s->refs = 1;
    s->open_streams = host->option_int(host, options, "open_streams", 0) != 0;
    s->duplicates = host->option_int(host, options, "duplicate_callbacks", 0) != 0;
    const char *mixes = host->option_string(host, options, "conferences");
    s->gateway_mixes = mixes && strcmp(mixes, "gateway") == 0;
    s->signalled = !dtmf || strcmp(dtmf, "inband") != 0;
    s->streamed = !dtmf || strcmp(dtmf, "callback") != 0;
    s->called_back = dtmf && (strcmp(dtmf, "callback") == 0 || strcmp(dtmf, "both") == 0);
    s->initiating_us = milliseconds(host, options, "initiating_ms", 500);
    s->ringing_us = milliseconds(host, options, "ringing_ms", 1500);
    s->late_us = milliseconds(host, options, "late_callbacks_ms", 0);
    s->patience_us = milliseconds(host, options, "caller_patience_ms", MOCK_SILENCE_US / 1000);
    if (!copy_option(host, options, "tts", s->tts, sizeof s->tts) ||
        !copy_option(host, options, "caller_voice", s->voice, sizeof s->voice))
        rc = host->set_error(host, VOICEGW_ECONFIG, "tts and caller_voice are names of at most 63 bytes");
    if (rc == VOICEGW_OK)
        rc = read_rules(host, voicegw_json_of(host->option_json(host, options, "outcomes")), s);
    if (rc == VOICEGW_OK)
        rc = read_scripts(host, voicegw_json_of(host->option_json(host, options, "script_documents")), s);
    if (rc == VOICEGW_OK)
        return s;
    for (uint32_t i = 0; i < s->script_count; i++)
        mock_script_free(s->scripts[i]);
    settings_free(s);
    *ret_status = rc;
    return NULL;
}

void mock_settings_keep(struct mock *m, struct mock_settings *s)
{
    (void)pthread_mutex_lock(&m->lock);
    s->refs++;
    (void)pthread_mutex_unlock(&m->lock);
}

void mock_settings_drop(struct mock *m, struct mock_settings *s)
{
    (void)pthread_mutex_lock(&m->lock);
    uint32_t left = --s->refs;
    (void)pthread_mutex_unlock(&m->lock);
    if (left > 0)
        return;
    for (uint32_t i = 0; i < s->script_count; i++)
        mock_script_drop(m, s->scripts[i]);
    settings_free(s);
}

void mock_script_keep(struct mock *m, struct mock_script *s)
{
    (void)pthread_mutex_lock(&m->lock);
    s->refs++;
    (void)pthread_mutex_unlock(&m->lock);
}

void mock_script_drop(struct mock *m, struct mock_script *s)
{
    if (!s)
        return;
    (void)pthread_mutex_lock(&m->lock);
    uint32_t left = --s->refs;
    (void)pthread_mutex_unlock(&m->lock);
    if (left == 0)
        mock_script_free(s);
}

const struct mock_rule *mock_rule_for(const struct mock_settings *s, const char *to)
{
    for (uint32_t i = 0; i < s->rule_count; i++)
        if (mock_glob(s->rules[i].to, to))
            return &s->rules[i];
    return NULL;
}

struct mock_script *mock_script_named(const struct mock_settings *s, const char *id)
{
    for (uint32_t i = 0; i < s->script_count; i++)
        if (strcmp(s->scripts[i]->id, id) == 0)
            return s->scripts[i];
    return NULL;
}

struct mock_script *mock_script_for(const struct mock_settings *s, const char *to)
{
    for (uint32_t i = 0; i < s->script_count; i++)
        if (*s->scripts[i]->to && mock_glob(s->scripts[i]->to, to))
            return s->scripts[i];
    return NULL;
}
