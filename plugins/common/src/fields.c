/* fields.c - rules of a vendor's fields. */
#include "fields.h"
#include <stdio.h>
#include <string.h>
#include "voicegw/status.h"

#define TEXT_CAP 65536

struct walk {
    const struct field_rule *rules;
    size_t count;
    char path[FIELDS_PATH_MAX];  /* as rules name it */
    char shown[FIELDS_PATH_MAX]; /* with the numbers of items */
    char *why;
    size_t cap;
};

int fields_is_phone(const char *text)
{
    size_t n = strlen(text);
    return n >= 8 && n <= 16 && text[0] == '+' && text[1] != '0' && strspn(text + 1, "0123456789") == n - 1;
}

void fields_clean(const char *text, char *out, size_t cap)
{
    size_t n = 0;
    for (; *text && n + 1 < cap; text++)
        out[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;
    if (*text) /* cut: not in the middle of a character */
        while (n && ((unsigned char)*text & 0xc0u) == 0x80u) {
            text--;
            n--;
        }
    out[n] = '\0';
}

static const struct field_rule *rule_of(const struct walk *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->rules[i].path, w->path) == 0)
            return &w->rules[i];
    return NULL;
}

static int32_t wrong(const struct walk *w, const char *right)
{
    (void)snprintf(w->why, w->cap, "%s must be %s", w->shown, right);
    return VOICEGW_EINVALID;
}

static int has_word(const char *words, struct voicegw_json value)
{
    while (*words) {
        size_t n = strcspn(words, " ");
        if (voicegw_json_equalsn(value, words, n))
            return 1;
        words += n + (words[n] == ' ');
    }
    return 0;
}

static int64_t length_of(struct voicegw_json value)
{
    char unit[4];
    const char *p = value.text + 1, *end = value.text + value.bytes - 1;
    int64_t n = 0;
    while (p < end) {
        uint32_t len = voicegw_json_char_(&p, end, unit);
        if (len == 0)
            return -1;
        n += len;
    }
    return n;
}

static int32_t check_number(const struct walk *w, const struct field_rule *r, struct voicegw_json v)
{
    char right[120];
    double n = voicegw_json_double(v, 0);
    int whole = r->type == FIELD_INT, unbounded = r->min == 0 && r->max == 0;
    const char *kind = whole ? "a whole number" : "a number";
    if (voicegw_json_type(v) == VOICEGW_JSON_NUMBER && (unbounded || (n >= r->min && n <= r->max)) &&
        (!whole || n == (double)voicegw_json_int(v, 0)))
        return VOICEGW_OK;
    if (unbounded)
        return wrong(w, kind);
    (void)snprintf(right, sizeof right, "%s from %.15g to %.15g", kind, r->min, r->max);
    return wrong(w, right);
}

static int32_t check_text(const struct walk *w, const struct field_rule *r, struct voicegw_json v)
{
    char right[120];
    int64_t n = voicegw_json_type(v) == VOICEGW_JSON_STRING ? length_of(v) : -1;
    double max = r->max > 0 ? r->max : TEXT_CAP;
    if (n >= 0 && (double)n >= r->min && (double)n <= max)
        return VOICEGW_OK;
    (void)snprintf(right, sizeof right, "a text of %.0f to %.0f bytes", r->min, max);
    return wrong(w, right);
}

static int32_t check_words(const struct walk *w, const struct field_rule *r, struct voicegw_json v)
{
    char right[400], text[512];
    if (r->type == FIELD_WORD) {
        if (has_word(r->words, v))
            return VOICEGW_OK;
        (void)snprintf(right, sizeof right, "one of: %s", r->words);
        return wrong(w, right);
    }
    int64_t n = voicegw_json_string(v, text, sizeof text);
    if (n > 0 && (double)n <= r->max && strspn(text, r->words) == (size_t)n)
        return VOICEGW_OK;
    (void)snprintf(right, sizeof right, "1 to %.0f characters of %s", r->max, r->words);
    return wrong(w, right);
}

static int32_t check_url(const struct walk *w, const struct field_rule *r, struct voicegw_json v)
{
    char text[2049];
    int64_t n = voicegw_json_string(v, text, sizeof text);
    const char *https = "https://", *http = "http://";
    int fine = n > 8 && (strncmp(text, https, 8) == 0 || (!r->words && strncmp(text, http, 7) == 0));
    for (const char *p = text; fine && *p; p++)
        fine = (unsigned char)*p > ' ' && *p != 0x7f;
    return fine ? VOICEGW_OK
                : wrong(w, r->words ? "an https address of at most 2048 bytes"
                                    : "an http or https address of at most 2048 bytes");
}

static int32_t check_one(struct walk *w, struct voicegw_json v);

/* Goes down by `step` (as rules write it) and `name` (as it is shown), and comes back. */
static int32_t down(struct walk *w, const char *step, const char *name, struct voicegw_json v)
{
    size_t path = strlen(w->path), shown = strlen(w->shown);
    int32_t rc;
    if (path + strlen(step) >= sizeof w->path || shown + strlen(name) >= sizeof w->shown)
        return wrong(w, "an object with shorter names");
    (void)snprintf(w->path + path, sizeof w->path - path, "%s", step);
    (void)snprintf(w->shown + shown, sizeof w->shown - shown, "%s", name);
    rc = check_one(w, v);
    w->path[path] = '\0';
    w->shown[shown] = '\0';
    return rc;
}

static int32_t check_members(struct walk *w, const struct field_rule *r, struct voicegw_json v)
{
    struct voicegw_json_iter it = voicegw_json_each(v);
    int32_t rc = VOICEGW_OK;
    if (voicegw_json_type(v) != VOICEGW_JSON_OBJECT)
        return wrong(w, "an object");
    while (rc == VOICEGW_OK && voicegw_json_next(&it)) {
        char raw[80], name[80], step[84];
        if (voicegw_json_string(it.key, raw, sizeof raw) < 0)
            return wrong(w, "an object with names of at most 79 bytes");
        if (voicegw_json_type(it.value) == VOICEGW_JSON_NULL)
            continue;
        fields_clean(raw, name, sizeof name);
        (void)snprintf(step, sizeof step, "%s%s", w->path[0] ? "." : "", name);
        rc = down(w, r && r->type == FIELD_MAP ? ".*" : step, step, it.value);
    }
    return rc;
}

static int32_t check_items(struct walk *w, const struct field_rule *r, struct voicegw_json v)
{
    char right[64], number[24];
    struct voicegw_json_iter it = voicegw_json_each(v);
    uint64_t i = 0;
    int32_t rc = VOICEGW_OK;
    if (voicegw_json_type(v) != VOICEGW_JSON_ARRAY || (r->max > 0 && (double)voicegw_json_count(v) > r->max)) {
        (void)snprintf(right, sizeof right, r->max > 0 ? "a list of at most %.0f items" : "a list", r->max);
        return wrong(w, right);
    }
    while (rc == VOICEGW_OK && voicegw_json_next(&it)) {
        (void)snprintf(number, sizeof number, "[%llu]", (unsigned long long)i++);
        rc = down(w, "[]", number, it.value);
    }
    return rc;
}

static int32_t check_phone(const struct walk *w, struct voicegw_json v)
{
    char text[40];
    return voicegw_json_string(v, text, sizeof text) > 0 && fields_is_phone(text)
               ? VOICEGW_OK
               : wrong(w, "a number in E.164: + and 7 to 15 digits, as +15551234567");
}

/* Items, and members of maps, without a rule of their own may be anything; fields may not. */
static int is_free(const struct walk *w)
{
    size_t n = strlen(w->path);
    return n >= 2 && (strcmp(w->path + n - 2, "[]") == 0 || strcmp(w->path + n - 2, ".*") == 0);
}

/* The rule `path.*` of a member that has none of its own. */
static const struct field_rule *rule_of_any(const struct walk *w)
{
    struct walk any = *w;
    char *dot = strrchr(any.path, '.');
    if (!dot || (size_t)(dot - any.path) + 3 > sizeof any.path)
        return NULL;
    memcpy(dot, ".*", 3);
    return rule_of(&any);
}

static int32_t check_one(struct walk *w, struct voicegw_json v)
{
    const struct field_rule *r = rule_of(w);
    if (!r)
        r = rule_of_any(w);
    if (!r && is_free(w))
        return VOICEGW_OK;
    if (!r) {
        (void)snprintf(w->why, w->cap, "%s is no field that can be set here; what is not known goes under `extra`",
                       w->shown);
        return VOICEGW_EINVALID;
    }
    switch (r->type) {
    case FIELD_TEXT:
        return check_text(w, r, v);
    case FIELD_WORD:
    case FIELD_CHARS:
        return check_words(w, r, v);
    case FIELD_INT:
    case FIELD_NUMBER:
        return check_number(w, r, v);
    case FIELD_BOOL:
        return voicegw_json_type(v) == VOICEGW_JSON_BOOL ? VOICEGW_OK : wrong(w, "true or false");
    case FIELD_PHONE:
        return check_phone(w, v);
    case FIELD_URL:
        return check_url(w, r, v);
    case FIELD_OBJECT:
    case FIELD_MAP:
        return check_members(w, r, v);
    case FIELD_LIST:
        return check_items(w, r, v);
    default:
        return VOICEGW_OK;
    }
}

int32_t fields_check(const struct field_rule *rules, size_t count, struct voicegw_json object, char *why, size_t cap)
{
    struct walk w = {.rules = rules, .count = count, .why = why, .cap = cap};
    if (voicegw_json_type(object) == VOICEGW_JSON_ABSENT || voicegw_json_type(object) == VOICEGW_JSON_NULL)
        return VOICEGW_OK;
    if (voicegw_json_type(object) != VOICEGW_JSON_OBJECT) {
        (void)snprintf(why, cap, "the parameters of the call must be an object");
        return VOICEGW_EINVALID;
    }
    return check_members(&w, NULL, object);
}

int32_t fields_check_value(const struct field_rule *rules, size_t count, const char *path, struct voicegw_json value,
                           char *why, size_t cap)
{
    struct walk w = {.rules = rules, .count = count, .why = why, .cap = cap};
    (void)snprintf(w.path, sizeof w.path, "%s", path);
    (void)snprintf(w.shown, sizeof w.shown, "%s", path);
    return check_one(&w, value);
}
