/* analytics.c - volume, outcomes, durations, latencies and cost over a period, by day and provider. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "api/measure.h"
#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "base/time.h"

#define PAGE 500u
#define ROWS_MAX 200000u /* calls, and turns, that one answer looks at */
#define GROUPS_MAX 2000u

struct analytics {
    int64_t from_us, to_us;
    bool by_day, by_provider;
    struct vgw_measure *all;
    struct vgw_map *groups;   /* "day\nprovider" -> measure */
    struct vgw_map *sessions; /* session_id -> its group's key: turns know their session only */
    size_t rows;
    bool cut;
};

static void measure_free(void *m)
{
    vgw_measure_free(m);
}

static void analytics_free(void *state)
{
    struct analytics *a = state;
    vgw_measure_free(a->all);
    vgw_map_free(a->groups);
    vgw_map_free(a->sessions);
    vgw_free(a);
}

static int64_t time_of(const struct vgw_json *row, const char *key)
{
    const struct vgw_json *v = vgw_json_get(row, key);
    int64_t us = vgw_json_as_int(v, 0);
    if (vgw_json_str(v))
        vgw_time_parse(vgw_json_str(v), &us);
    return us;
}

static struct vgw_measure *group_of(struct analytics *a, const char *key)
{
    struct vgw_measure *m = vgw_map_get(a->groups, key);
    if (m || vgw_map_count(a->groups) >= GROUPS_MAX)
        return m;
    m = vgw_measure_new();
    if (m && vgw_map_set(a->groups, key, m) == VGW_OK)
        return m;
    vgw_measure_free(m);
    return NULL;
}

static void count_call(struct vgw_api_request *r, const struct vgw_json *row)
{
    struct analytics *a = r->state;
    char day[VGW_TIME_TEXT] = "", key[256];
    const char *session = vgw_json_get_string(row, "session_id", "");
    vgw_measure_call(a->all, row);
    if (a->by_day) {
        vgw_time_format(time_of(row, "created_at"), day);
        day[10] = '\0';
    }
    snprintf(key, sizeof key, "%s\n%.200s", day, a->by_provider ? vgw_json_get_string(row, "provider", "") : "");
    char *kept = vgw_strdup(key);
    if (kept && vgw_map_set(a->sessions, session, kept) != VGW_OK)
        vgw_free(kept);
    struct vgw_measure *m = a->by_day || a->by_provider ? group_of(a, key) : NULL;
    if (m)
        vgw_measure_call(m, row);
}

static void count_turn(struct vgw_api_request *r, const struct vgw_json *row)
{
    struct analytics *a = r->state;
    const char *key = vgw_map_get(a->sessions, vgw_json_get_string(row, "session_id", ""));
    if (!key) /* of a session without a call, or of a project that the caller may not see */
        return;
    vgw_measure_turn(a->all, row);
    struct vgw_measure *m = vgw_map_get(a->groups, key);
    if (m)
        vgw_measure_turn(m, row);
}

static void show(struct vgw_api_request *r)
{
    struct analytics *a = r->state;
    struct vgw_json *o = vgw_json_object(), *groups = vgw_json_array();
    const char *key;
    void *m;
    char text[VGW_TIME_TEXT];
    vgw_json_set_string(o, "from", a->from_us ? vgw_time_format(a->from_us, text) : NULL);
    vgw_json_set_string(o, "to", a->to_us ? vgw_time_format(a->to_us, text) : NULL);
    vgw_measure_show(a->all, o);
    for (size_t i = 0; vgw_map_next(a->groups, &i, &key, &m);) {
        struct vgw_json *g = vgw_json_object();
        if (a->by_day)
            vgw_json_set(g, "day", vgw_json_stringn(key, strcspn(key, "\n")));
        if (a->by_provider)
            vgw_json_set_string(g, "provider", strchr(key, '\n') + 1);
        vgw_measure_show(m, g);
        vgw_json_append(groups, g);
    }
    if (a->by_day || a->by_provider)
        vgw_json_set(o, "groups", groups);
    else
        vgw_json_free(groups);
    if (a->cut)
        vgw_json_set_bool(o, "truncated", true);
    vgw_api_reply(r, 200, o);
}

static void next_page(struct vgw_api_request *r, bool turns, const char *cursor);

/* One page was read: another, or the next table, or the answer. */
static void on_page(struct vgw_api_request *r, bool turns, int status, const char *sentence, struct vgw_json *rows)
{
    struct analytics *a = r->state;
    size_t n = vgw_json_count(rows);
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct vgw_json *row = vgw_json_at(rows, i);
        if (turns)
            count_turn(r, row);
        else if (vgw_api_may_see_row(r, row))
            count_call(r, row);
    }
    a->rows += n;
    a->cut |= a->rows >= ROWS_MAX;
    const char *cursor =
        n == PAGE && a->rows < ROWS_MAX ? vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", NULL) : NULL;
    if (cursor) {
        next_page(r, turns, cursor);
    } else if (!turns) {
        a->rows = 0;
        next_page(r, true, NULL);
    } else {
        show(r);
    }
    vgw_json_free(rows);
}

static void on_calls(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    on_page(arg, false, status, sentence, rows);
}

static void on_turns(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    on_page(arg, true, status, sentence, rows);
}

static void next_page(struct vgw_api_request *r, bool turns, const char *cursor)
{
    const struct analytics *a = r->state;
    struct vgw_json *filter = vgw_json_object();
    if (a->from_us)
        vgw_json_set_int(filter, turns ? "timestamp>=" : "created_at>=", a->from_us);
    if (a->to_us && !turns)
        vgw_json_set_int(filter, "created_at<", a->to_us);
    vgw_json_set_string(filter, "order", "asc");
    vgw_api_query(r, turns ? "turns" : "calls", filter, PAGE, cursor, turns ? on_turns : on_calls);
}

/* by=day,provider. False: answered. */
static bool read_by(struct vgw_api_request *r, struct analytics *a)
{
    char *by = vgw_api_param(r, "by");
    bool fits = true;
    for (const char *p = by; p && *p; p += strcspn(p, ","), p += *p == ',') {
        size_t len = strcspn(p, ",");
        bool day = len == 3 && strncmp(p, "day", 3) == 0, provider = len == 8 && strncmp(p, "provider", 8) == 0;
        a->by_day |= day;
        a->by_provider |= provider;
        fits &= day || provider;
    }
    vgw_free(by);
    if (!fits)
        vgw_api_fail(r, VGW_EINVALID, "by", "by must be day, provider, or day,provider");
    return fits;
}

void vgw_api_analytics(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct analytics *a;
    if (!VGW_NEW(a)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    r->state = a;
    r->state_free = analytics_free;
    if (!read_by(r, a) || !vgw_api_time(r, "from", &a->from_us) || !vgw_api_time(r, "to", &a->to_us))
        return;
    a->all = vgw_measure_new();
    a->groups = vgw_map_new(measure_free);
    a->sessions = vgw_map_new(vgw_free);
    if (a->all && a->groups && a->sessions)
        next_page(r, false, NULL);
    else
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
}
