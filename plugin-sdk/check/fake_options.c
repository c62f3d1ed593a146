/* fake_options.c - an operator's values for a declared table: sensible, missing or absurd. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "check.h"
#include "voicegw/json.h"

struct value {
    const char *name;
    char *text; /* as the host hands it out; NULL: absent or a number */
    int64_t i;
    double d;
    bool number, present;
};
struct voicegw_options {
    size_t count;
    struct value items[256];
};
static char **given;
static int given_count;
static const char *work_dir = "/tmp"; /* for paths that the plugin may write to */

void fake_options_given(char **list, int count, const char *dir)
{
    work_dir = dir;
    given = list;
    given_count = count;
}

const char *fake_config_name(enum fake_config config)
{
    static const char *const names[] = {"defaults and dummies", "nothing set", "empty values", "oversized values",
                                        "negative numbers and broken JSON"};
    return names[config];
}

static bool is_number(uint32_t type)
{
    return (type >= VOICEGW_OPTION_INT && type <= VOICEGW_OPTION_RATE);
}

static bool is_json(uint32_t type)
{
    return type == VOICEGW_OPTION_LIST || type == VOICEGW_OPTION_MAP || type == VOICEGW_OPTION_JSON;
}

/* Reads a number as the operator writes it; `ret_bound` is in the unit of min and max. */
static bool parse_number(uint32_t type, const char *text, int64_t *ret_i, double *ret_d, double *ret_bound)
{
    bool flag = false, ok;
    uint64_t bytes = 0;
    switch (type) {
    case VOICEGW_OPTION_INT:
        ok = vgw_parse_i64(text, ret_i);
        *ret_d = *ret_bound = (double)*ret_i;
        return ok;
    case VOICEGW_OPTION_BOOL:
        ok = vgw_parse_bool(text, &flag);
        *ret_i = flag;
        *ret_bound = 0;
        return ok;
    case VOICEGW_OPTION_DURATION:
        ok = vgw_parse_duration_us(text, ret_i);
        *ret_d = *ret_bound = (double)*ret_i / 1e6;
        return ok;
    case VOICEGW_OPTION_SIZE:
        ok = vgw_parse_size(text, &bytes);
        *ret_i = (int64_t)bytes;
        *ret_d = *ret_bound = (double)bytes;
        return ok;
    case VOICEGW_OPTION_RATE:
        ok = vgw_parse_rate(text, ret_d);
        break;
    default:
        ok = vgw_parse_double(text, ret_d);
        break;
    }
    *ret_i = (int64_t)*ret_d;
    *ret_bound = *ret_d;
    return ok;
}

static bool in_words(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; p && (p = strstr(p, word)); p += n) {
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return n > 0;
    }
    return false;
}

const char *fake_option_default_wrong(const struct voicegw_option *o)
{
    static char why[200];
    int64_t i = 0;
    double d = 0, bound = 0;
    bool bounded = o->min < 0 || o->min > 0 || o->max < 0 || o->max > 0;
    if (!o->dflt)
        return NULL;
    if (is_number(o->type) && !parse_number(o->type, o->dflt, &i, &d, &bound))
        snprintf(why, sizeof why, "its default \"%.60s\" does not read as its type", o->dflt);
    else if (is_number(o->type) && o->type != VOICEGW_OPTION_BOOL && bounded &&
             (bound < o->min || (o->max > o->min && bound > o->max)))
        snprintf(why, sizeof why, "its default \"%.60s\" is out of its own bounds", o->dflt);
    else if (o->type == VOICEGW_OPTION_ENUM && !in_words(o->choices, o->dflt))
        snprintf(why, sizeof why, "its default \"%.60s\" is none of its choices", o->dflt);
    else if (o->type == VOICEGW_OPTION_SECRET && *o->dflt)
        snprintf(why, sizeof why, "a secret cannot have a default");
    else if (o->type == VOICEGW_OPTION_URL && *o->dflt && !strstr(o->dflt, "://"))
        snprintf(why, sizeof why, "its default \"%.60s\" is no URL", o->dflt);
    else
        return NULL;
    return why;
}

static const char *dummy(const struct voicegw_option *o, char *out, size_t cap)
{
    double n = o->max > o->min ? (o->min > 1 || o->max < 1 ? o->min : 1) : (o->min > 0 ? o->min : 1);
    switch (o->type) {
    case VOICEGW_OPTION_BOOL:
        return "true";
    case VOICEGW_OPTION_INT:
    case VOICEGW_OPTION_SIZE:
        snprintf(out, cap, "%.0f", ceil(n));
        return out;
    case VOICEGW_OPTION_DOUBLE:
    case VOICEGW_OPTION_DURATION:
    case VOICEGW_OPTION_RATE:
        snprintf(out, cap, "%g", n);
        return out;
    case VOICEGW_OPTION_ENUM:
        snprintf(out, cap, "%.*s", (int)strcspn(o->choices, " "), o->choices);
        return out;
    case VOICEGW_OPTION_LIST:
        return "[]";
    case VOICEGW_OPTION_MAP:
    case VOICEGW_OPTION_JSON:
        return "{}";
    case VOICEGW_OPTION_URL:
        return "http://127.0.0.1:9/";
    case VOICEGW_OPTION_PATH:
        snprintf(out, cap, "%s/data", work_dir);
        return out;
    default:
        return "dummy-0123456789";
    }
}

static const char *operator_value(const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < given_count; i++) {
        if (strncmp(given[i], name, n) == 0 && given[i][n] == '=')
            return given[i] + n + 1;
    }
    return NULL;
}

static void set_text(struct value *v, const struct voicegw_option *o, const char *text)
{
    double bound;
    v->present = true;
    v->number = is_number(o->type);
    if (v->number && parse_number(o->type, text, &v->i, &v->d, &bound))
        return;
    v->text = vgw_strdup(text);
    v->number = false;
}

static void set_default(struct value *v, const struct voicegw_option *o)
{
    char out[128];
    const char *text = operator_value(o->name);
    if (!text)
        text = o->type == VOICEGW_OPTION_PATH && o->dflt && strncmp(o->dflt, "/var/", 5) == 0
                   ? dummy(o, out, sizeof out)
                   : o->dflt; /* the gateway's own data stay untouched */
    if (!text && (o->flags & VOICEGW_OPTION_REQUIRED))
        text = dummy(o, out, sizeof out);
    if (text)
        set_text(v, o, text);
}

static void set_absurd(struct value *v, const struct voicegw_option *o, enum fake_config config)
{
    v->present = true;
    v->number = is_number(o->type);
    if (v->number) {
        v->i = config == FAKE_EMPTY ? 0 : config == FAKE_LONG ? INT64_MAX : INT64_MIN;
        v->d = config == FAKE_EMPTY ? 0 : config == FAKE_LONG ? 1e308 : -1e308;
    } else if (config == FAKE_LONG) {
        v->text = vgw_strdup(oversize_text());
    } else {
        v->text = vgw_strdup(config == FAKE_NEGATIVE && is_json(o->type) ? "{\"broken\":[" : "");
    }
}

struct voicegw_options *fake_options_new(const struct voicegw_factory *f, enum fake_config config)
{
    struct voicegw_options *o;
    if (!VGW_NEW(o))
        fail("out of memory");
    const char *row = (const char *)f->options;
    for (uint32_t i = 0; f->options && i < f->option_count && i < 256; i++) {
        const struct voicegw_option *decl =
            (const struct voicegw_option *)(const void *)(row + (size_t)i * f->options->size);
        struct value *v = &o->items[o->count++];
        v->name = decl->name;
        if (config == FAKE_DEFAULTS)
            set_default(v, decl);
        else if (config != FAKE_ABSENT)
            set_absurd(v, decl, config);
    }
    return o;
}

void fake_options_free(struct voicegw_options *o)
{
    for (size_t i = 0; o && i < o->count; i++)
        vgw_free(o->items[i].text);
    vgw_free(o);
}

static const struct value *find(const struct voicegw_options *o, const char *name)
{
    for (size_t i = 0; o && i < o->count; i++) {
        if (o->items[i].present && strcmp(o->items[i].name, name) == 0)
            return &o->items[i];
    }
    return NULL;
}

const char *fake_option_string(const struct voicegw_host *host, const struct voicegw_options *o, const char *name)
{
    const struct value *v = find(o, name);
    (void)host;
    return v ? v->text : NULL;
}

int64_t fake_option_int(const struct voicegw_host *host, const struct voicegw_options *o, const char *name,
                        int64_t dflt)
{
    const struct value *v = find(o, name);
    (void)host;
    return v && v->number ? v->i : dflt;
}

double fake_option_double(const struct voicegw_host *host, const struct voicegw_options *o, const char *name,
                          double dflt)
{
    const struct value *v = find(o, name);
    (void)host;
    return v && v->number ? v->d : dflt;
}

const char *fake_option_json(const struct voicegw_host *host, const struct voicegw_options *o, const char *name)
{
    const struct value *v = find(o, name);
    (void)host;
    return v ? v->text : NULL;
}
