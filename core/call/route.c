/* route.c - compiles the list `routes:` and finds the first that matches. */
#include "call/route.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"

struct text_key {
    const char *name;
    size_t offset;
};
#define KEY(field) offsetof(struct vgw_route, field)
static const struct text_key match_keys[] = {
    {"provider", KEY(provider)}, {"to", KEY(to)},         {"from", KEY(from)},
    {"trunk", KEY(trunk)},       {"script", KEY(script)}, {"project", KEY(project_match)},
};
static const struct text_key text_keys[] = {
    {"project", KEY(project)},     {"language", KEY(language)}, {"greeting", KEY(greeting)},
    {"assistant", KEY(assistant)}, {"workflow", KEY(workflow)}, {"voice", KEY(voice)},
    {"media", KEY(media)},         {"agent", KEY(agent)},       {"from", KEY(caller_id)},
};
static const char *const all_keys[] = {"match",    "project", "language", "greeting", "assistant",
                                       "workflow", "stt",     "tts",      "voice",    "media",
                                       "record",   "talk",    "from",     "agent",    "dial"};
#define COUNT(a) (sizeof(a) / sizeof *(a))

static char **text_at(struct vgw_route *r, size_t offset)
{
    return (char **)(void *)((char *)r + offset);
}

/* A number without quotes is what people write for a short extension. */
static int read_text(const struct vgw_route *r, const char *key, const struct vgw_json *v, char **ret_text,
                     struct vgw_error *err)
{
    char number[24];
    const char *text = vgw_json_str(v);
    if (vgw_json_type(v) == VGW_JSON_NULL)
        return VGW_OK;
    if (vgw_json_type(v) == VGW_JSON_INT) {
        snprintf(number, sizeof number, "%" PRId64, vgw_json_as_int(v, 0));
        text = number;
    }
    if (!text)
        return vgw_error_at(err, VGW_ECONFIG, r->place, "route: %s must be a text", key);
    char *copy = vgw_strdup(text);
    if (!copy)
        return vgw_error_nomem(err);
    vgw_free(*ret_text);
    *ret_text = copy;
    return VGW_OK;
}

static int read_match(struct vgw_route *r, const struct vgw_json *match, struct vgw_error *err)
{
    if (vgw_json_type(match) == VGW_JSON_NULL)
        return VGW_OK;
    if (vgw_json_type(match) != VGW_JSON_OBJECT)
        return vgw_error_at(err, VGW_ECONFIG, r->place, "route: match must be a mapping; `match: {}` takes all calls");
    const char *names[COUNT(match_keys)];
    for (size_t i = 0; i < COUNT(match_keys); i++)
        names[i] = match_keys[i].name;
    const char *key;
    struct vgw_json *v;
    for (size_t c = 0; vgw_json_object_next(match, &c, &key, &v);) {
        size_t i = 0;
        while (i < COUNT(match_keys) && !vgw_streq(key, match_keys[i].name))
            i++;
        if (i == COUNT(match_keys)) {
            const char *near = vgw_nearest(key, names, COUNT(names));
            return vgw_error_at(err, VGW_ECONFIG, r->place, "route: match has no key %s; %s%s", key,
                                near ? "did you mean " : "known are ",
                                near ? near : "provider, to, from, trunk, script and project");
        }
        int status = read_text(r, key, v, text_at(r, match_keys[i].offset), err);
        if (status != VGW_OK)
            return status;
    }
    return VGW_OK;
}

static int read_engines(const struct vgw_route *r, const char *key, const struct vgw_json *v, char **names,
                        size_t *count, struct vgw_error *err)
{
    bool list = vgw_json_type(v) == VGW_JSON_ARRAY;
    size_t n = list ? vgw_json_count(v) : vgw_json_type(v) == VGW_JSON_NULL ? 0 : 1;
    if (n > VGW_ROUTE_ENGINES_MAX)
        return vgw_error_at(err, VGW_ECONFIG, r->place, "route: %s lists %zu engines, at most %d may be named", key, n,
                            VGW_ROUTE_ENGINES_MAX);
    for (size_t i = 0; i < n; i++) {
        const char *name = vgw_json_str(list ? vgw_json_at(v, i) : v);
        if (!name || !*name)
            return vgw_error_at(err, VGW_ECONFIG, r->place,
                                "route: %s must be the name of an engine or a list of names", key);
        names[i] = vgw_strdup(name);
        if (!names[i])
            return vgw_error_nomem(err);
        *count = i + 1;
    }
    return VGW_OK;
}

static int check_key(const struct vgw_route *r, const char *key, struct vgw_error *err)
{
    for (size_t i = 0; i < COUNT(all_keys); i++) {
        if (vgw_streq(key, all_keys[i]))
            return VGW_OK;
    }
    /* Providers read keys of their own from a route, so only a near miss is certainly wrong. */
    const char *near = vgw_nearest(key, all_keys, COUNT(all_keys));
    return near ? vgw_error_at(err, VGW_ECONFIG, r->place, "route: unknown key %s; did you mean %s", key, near)
                : VGW_OK;
}

static int read_rest(struct vgw_route *r, const struct vgw_json *o, struct vgw_error *err)
{
    int status = read_engines(r, "stt", vgw_json_get(o, "stt"), r->stt, &r->stt_count, err);
    if (status == VGW_OK)
        status = read_engines(r, "tts", vgw_json_get(o, "tts"), r->tts, &r->tts_count, err);
    if (status != VGW_OK)
        return status;
    if (r->media && !vgw_streq(r->media, "stream") && !vgw_streq(r->media, "twiml"))
        return vgw_error_at(err, VGW_ECONFIG, r->place, "route: media is %s, it must be stream or twiml", r->media);
    if ((r->assistant || r->agent) && r->workflow)
        return vgw_error_at(
            err, VGW_ECONFIG, r->place,
            "route: assistant or agent and workflow exclude each other; a workflow can have a step of type assistant");
    const struct vgw_json *record = vgw_json_get(o, "record");
    if (record && vgw_json_type(record) != VGW_JSON_BOOL)
        return vgw_error_at(err, VGW_ECONFIG, r->place, "route: record must be true or false");
    r->record = vgw_json_as_bool(record, false);
    const struct vgw_json *talk = vgw_json_get(o, "talk");
    if (talk && vgw_json_type(talk) != VGW_JSON_OBJECT)
        return vgw_error_at(err, VGW_ECONFIG, r->place, "route: talk must be a mapping of talk options");
    if (talk && !(r->talk = vgw_json_copy(talk)))
        return vgw_error_nomem(err);
    if (!(r->source = vgw_json_copy(o)))
        return vgw_error_nomem(err);
    if (!r->project && !(r->project = vgw_strdup("default")))
        return vgw_error_nomem(err);
    return VGW_OK;
}

static int compile_route(struct vgw_route *r, const struct vgw_json *o, struct vgw_error *err)
{
    if (vgw_json_type(o) != VGW_JSON_OBJECT)
        return vgw_error_at(err, VGW_ECONFIG, r->place, "route: each route must be a mapping with the key match");
    const char *key;
    struct vgw_json *v;
    for (size_t c = 0; vgw_json_object_next(o, &c, &key, &v);) {
        int status = check_key(r, key, err);
        if (status != VGW_OK)
            return status;
    }
    int status = read_match(r, vgw_json_get(o, "match"), err);
    for (size_t i = 0; i < COUNT(text_keys) && status == VGW_OK; i++)
        status =
            read_text(r, text_keys[i].name, vgw_json_get(o, text_keys[i].name), text_at(r, text_keys[i].offset), err);
    return status == VGW_OK ? read_rest(r, o, err) : status;
}

int vgw_route_set_compile(const struct vgw_json *routes, const char *(*place)(void *arg, size_t index), void *arg,
                          struct vgw_route_set **ret_set, struct vgw_error *err)
{
    if (routes && vgw_json_type(routes) != VGW_JSON_ARRAY)
        return vgw_error_at(err, VGW_ECONFIG, "routes", "routes must be a list of mappings");
    size_t count = vgw_json_count(routes);
    struct vgw_route_set *set;
    int status = VGW_ELIMIT;
    if (!VGW_NEW(set) || !(set->routes = vgw_calloc(count ? count : 1, sizeof *set->routes))) {
        vgw_error_nomem(err);
        goto out;
    }
    status = VGW_OK;
    for (size_t i = 0; i < count && status == VGW_OK; i++) {
        struct vgw_route *r = &set->routes[i];
        set->count = i + 1;
        const char *where = place ? place(arg, i) : NULL;
        if (where)
            vgw_strcopy(r->place, sizeof r->place, where);
        else
            snprintf(r->place, sizeof r->place, "routes[%zu]", i);
        status = compile_route(r, vgw_json_at(routes, i), err);
    }
out:
    if (status != VGW_OK) {
        vgw_route_set_free(set);
        return status;
    }
    *ret_set = set;
    return VGW_OK;
}

static void route_done(struct vgw_route *r)
{
    for (size_t i = 0; i < COUNT(match_keys); i++)
        vgw_free(*text_at(r, match_keys[i].offset));
    for (size_t i = 0; i < COUNT(text_keys); i++)
        vgw_free(*text_at(r, text_keys[i].offset));
    for (size_t i = 0; i < r->stt_count; i++)
        vgw_free(r->stt[i]);
    for (size_t i = 0; i < r->tts_count; i++)
        vgw_free(r->tts[i]);
    vgw_json_free(r->talk);
    vgw_json_free(r->source);
}

void vgw_route_set_free(void *p)
{
    struct vgw_route_set *set = p;
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        route_done(&set->routes[i]);
    vgw_free(set->routes);
    vgw_free(set);
}

static bool glob(const char *pattern, const char *s)
{
    return !pattern || vgw_glob_match(pattern, s ? s : "");
}

static bool matches(const struct vgw_route *r, const struct vgw_route_query *q)
{
    bool provider = glob(r->provider, q->provider) || glob(r->provider, q->plugin);
    return provider && glob(r->to, q->to) && glob(r->from, q->from) && glob(r->trunk, q->trunk) &&
           glob(r->script, q->script) && glob(r->project_match, q->project);
}

const struct vgw_route *vgw_route_find(const struct vgw_route_set *set, const struct vgw_route_query *q)
{
    for (size_t i = 0; set && i < set->count; i++) {
        const struct vgw_route *r = &set->routes[i];
        if (matches(r, q))
            return r;
    }
    return NULL;
}

const char *vgw_route_caller_id(const struct vgw_route_set *set, const struct vgw_route_query *q)
{
    for (size_t i = 0; set && i < set->count; i++) {
        if (set->routes[i].caller_id && matches(&set->routes[i], q))
            return set->routes[i].caller_id;
    }
    return NULL;
}
