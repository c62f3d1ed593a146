/* steps.c - scripts from JSON, and the comparisons that they make. */
#include "script.h"

static const char *const names[] = {[MOCK_SAY] = "say",     [MOCK_WAV] = "wav",       [MOCK_TONES] = "dtmf",
                                    [MOCK_PAUSE] = "pause", [MOCK_NOISE] = "noise",   [MOCK_BARGE_IN] = "barge_in",
                                    [MOCK_HOLD] = "hold",   [MOCK_EXPECT] = "expect", [MOCK_HANGUP] = "hangup"};
/* The field that a bare value stands for. */
static const char *const shorthand[] = {[MOCK_SAY] = "text",      [MOCK_WAV] = "file",      [MOCK_TONES] = "digits",
                                        [MOCK_PAUSE] = "seconds", [MOCK_NOISE] = "seconds", [MOCK_BARGE_IN] = "text",
                                        [MOCK_HOLD] = "seconds",  [MOCK_EXPECT] = "text",   [MOCK_HANGUP] = ""};
#define KINDS (sizeof names / sizeof names[0])

const char *mock_step_name(enum mock_do what)
{
    return names[what];
}

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80u;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static const char *to_word(const char *p)
{
    while (*p && !is_word(*p))
        p++;
    return p;
}

/* Do the words of `words` stand at `text`, which is at a word's start? */
static int words_at(const char *text, const char *words)
{
    while (*words) {
        while (is_word(*words) && is_word(*text) && lower(*words) == lower(*text)) {
            words++;
            text++;
        }
        if (is_word(*words) || is_word(*text))
            return 0;
        words = to_word(words);
        text = to_word(text);
    }
    return 1;
}

int mock_words_in(const char *text, const char *words)
{
    words = to_word(words);
    if (!*words)
        return 1;
    for (const char *p = to_word(text); *p; p = to_word(p)) {
        if (words_at(p, words))
            return 1;
        while (is_word(*p))
            p++;
    }
    return 0;
}

int mock_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++retry;
        } else {
            return 0;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

/* A copy of a JSON string (a number as it stands); NULL when absent, too long or empty memory: *ret_bad says which. */
static char *copy_text(struct voicegw_json v, int *ret_bad)
{
    char text[MOCK_TEXT_CAP];
    uint32_t type = voicegw_json_type(v);
    if (type == VOICEGW_JSON_ABSENT || type == VOICEGW_JSON_NULL)
        return NULL;
    int64_t n = type == VOICEGW_JSON_NUMBER ? voicegw_json_raw(v, text, sizeof text)
                                            : voicegw_json_string(v, text, sizeof text);
    char *copy = n < 0 ? NULL : strdup(text);
    if (!copy)
        *ret_bad = 1;
    return copy;
}

static int64_t micros(struct voicegw_json v, double dflt_s, int *ret_bad)
{
    double s = voicegw_json_double(v, dflt_s);
    if (voicegw_json_type(v) == VOICEGW_JSON_STRING && s == dflt_s) {
        char text[32];
        char *unit = text;
        if (voicegw_json_string(v, text, sizeof text) > 0) {
            s = strtod(text, &unit);
            s = strcmp(unit, "ms") == 0            ? s / 1000
                : strcmp(unit, "m") == 0           ? s * 60
                : !*unit || strcmp(unit, "s") == 0 ? s
                                                   : -1;
        }
    }
    if (!(s >= 0 && s <= 86400)) {
        *ret_bad = 1;
        return 0;
    }
    return (int64_t)(s * 1e6);
}

static struct voicegw_json field(struct voicegw_json value, enum mock_do what, const char *name)
{
    if (voicegw_json_type(value) == VOICEGW_JSON_OBJECT)
        return voicegw_json_member(value, name);
    return strcmp(shorthand[what], name) == 0 ? value : voicegw_json_ofn(NULL, 0);
}

static int digits_fit(const char *digits)
{
    return digits && *digits && strlen(digits) <= 64 && strspn(digits, "0123456789*#ABCDw") == strlen(digits);
}

/* What is wrong with a step's fields, or NULL. */
static const char *fill(struct mock_step *s, struct voicegw_json v)
{
    int bad = 0;
    switch (s->what) {
    case MOCK_BARGE_IN:
        s->time_us = micros(field(v, s->what, "after"), 0.5, &bad);
        /* fall through */
    case MOCK_SAY:
        s->text = copy_text(field(v, s->what, "text"), &bad);
        s->voice = copy_text(field(v, s->what, "voice"), &bad);
        return bad || !s->text || !*s->text ? "needs text (at most 1023 bytes)" : NULL;
    case MOCK_WAV:
        s->text = copy_text(field(v, s->what, "file"), &bad);
        return bad || !s->text || !*s->text ? "needs file, the path of a WAV" : NULL;
    case MOCK_TONES:
        s->text = copy_text(field(v, s->what, "digits"), &bad);
        return bad || !digits_fit(s->text) ? "needs digits: at most 64 of 0-9 * # A-D, w waits half a second" : NULL;
    case MOCK_NOISE:
        s->db = voicegw_json_double(field(v, s->what, "db"), -30);
        if (!(s->db >= -96 && s->db <= 0))
            return "needs db from -96 to 0 (full scale)";
        /* fall through */
    case MOCK_PAUSE:
    case MOCK_HOLD:
        s->time_us = micros(field(v, s->what, "seconds"), 1, &bad);
        return bad ? "needs seconds from 0 to 86400" : NULL;
    case MOCK_EXPECT:
        s->time_us = micros(field(v, s->what, "within"), MOCK_EXPECT_US / 1e6, &bad);
        s->text = copy_text(field(v, s->what, "text"), &bad);
        s->event = copy_text(field(v, s->what, "event"), &bad);
        s->dtmf = copy_text(field(v, s->what, "dtmf"), &bad);
        return bad || (!s->text && !s->event && !s->dtmf) ? "needs text, dtmf or event, and within as a duration"
                                                          : NULL;
    case MOCK_HANGUP:
        return NULL;
    }
    return "is unknown";
}

/* The kind of a step and the value that holds its fields. 1 when known. */
static int kind_of(struct voicegw_json step, enum mock_do *ret_what, struct voicegw_json *ret_value)
{
    struct voicegw_json type = voicegw_json_member(step, "type");
    for (size_t i = 0; i < KINDS; i++) {
        if (voicegw_json_equals(step, names[i]) || voicegw_json_equals(type, names[i])) {
            *ret_what = (enum mock_do)i;
            *ret_value = step;
            return 1;
        }
        struct voicegw_json v = voicegw_json_member(step, names[i]);
        if (v.text && voicegw_json_count(step) == 1) {
            *ret_what = (enum mock_do)i;
            *ret_value = v;
            return 1;
        }
    }
    return 0;
}

void mock_script_free(struct mock_script *script)
{
    if (!script)
        return;
    for (uint32_t i = 0; i < script->count; i++) {
        free(script->steps[i].text);
        free(script->steps[i].voice);
        free(script->steps[i].event);
        free(script->steps[i].dtmf);
    }
    free(script->steps);
    free(script->id);
    free(script->from);
    free(script->to);
    free(script);
}

static char *copy_or_empty(struct voicegw_json v, int *ret_bad)
{
    char *text = copy_text(v, ret_bad);
    return text ? text : strdup("");
}

int32_t mock_script_parse(struct voicegw_json doc, struct mock_script **ret, char *why, size_t why_cap)
{
    struct voicegw_json steps = voicegw_json_member(doc, "steps");
    uint64_t count = voicegw_json_count(steps);
    int bad = 0;
    if (voicegw_json_type(steps) != VOICEGW_JSON_ARRAY || count > MOCK_STEPS_MAX) {
        (void)snprintf(why, why_cap, "steps must be a list of at most %u steps", MOCK_STEPS_MAX);
        return VOICEGW_EINVALID;
    }
    struct mock_script *s = calloc(1, sizeof *s);
    if (s)
        s->steps = calloc((size_t)count + 1, sizeof *s->steps);
    if (!s || !s->steps) {
        mock_script_free(s);
        (void)snprintf(why, why_cap, "out of memory");
        return VOICEGW_ELIMIT;
    }
    s->refs = 1;
    s->id = copy_or_empty(voicegw_json_member(doc, "id"), &bad);
    s->from = copy_or_empty(voicegw_json_member(doc, "from"), &bad);
    s->to = copy_or_empty(voicegw_json_member(doc, "to"), &bad);
    if (bad || !s->id || !s->from || !s->to) {
        (void)snprintf(why, why_cap, "id, from and to must be texts");
        mock_script_free(s);
        return VOICEGW_EINVALID;
    }
    struct voicegw_json_iter it = voicegw_json_each(steps);
    while (voicegw_json_next(&it) && s->count < count) {
        struct mock_step *step = &s->steps[s->count];
        struct voicegw_json value;
        const char *problem;
        if (!kind_of(it.value, &step->what, &value)) {
            (void)snprintf(why, why_cap,
                           "steps[%u] must have one of say, wav, dtmf, pause, noise, barge_in, hold, expect, hangup",
                           s->count);
            mock_script_free(s);
            return VOICEGW_EINVALID;
        }
        s->count++;
        problem = fill(step, value);
        if (problem) {
            (void)snprintf(why, why_cap, "steps[%u]: %s %s", s->count - 1, names[step->what], problem);
            mock_script_free(s);
            return VOICEGW_EINVALID;
        }
    }
    *ret = s;
    return VOICEGW_OK;
}
