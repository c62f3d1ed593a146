#include <string.h>
#include "store/recover.h"
#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "base/time.h"
#include "store/record.h"

/* What is known of each: its columns, merged in order. Finished ones are kept too, until the end, because an older
 * operation may follow a row that is newer. */
struct vgw_recover {
    struct vgw_map *sessions, *calls;
    size_t unreadable;
};

static void free_value(void *value)
{
    vgw_json_free(value);
}

struct vgw_recover *vgw_recover_new(void)
{
    struct vgw_recover *r;
    if (!VGW_NEW(r))
        return NULL;
    r->sessions = vgw_map_new(free_value);
    r->calls = vgw_map_new(free_value);
    if (r->sessions && r->calls)
        return r;
    vgw_recover_free(r);
    return NULL;
}

void vgw_recover_free(struct vgw_recover *r)
{
    if (!r)
        return;
    vgw_map_free(r->sessions);
    vgw_map_free(r->calls);
    vgw_free(r);
}

static int merge(struct vgw_map *map, const char *id, const struct vgw_json *columns)
{
    struct vgw_json *known = vgw_map_get(map, id);
    if (!known) {
        known = vgw_json_object();
        if (!known || vgw_map_set(map, id, known) != VGW_OK) {
            vgw_json_free(known);
            return VGW_ELIMIT;
        }
    }
    const char *name;
    struct vgw_json *value;
    for (size_t i = 0; columns && vgw_json_object_next(columns, &i, &name, &value);) {
        struct vgw_json *copy = vgw_json_copy(value);
        if (value && (!copy || vgw_json_set(known, name, copy) != VGW_OK))
            return VGW_ELIMIT;
    }
    return VGW_OK;
}

static int add(struct vgw_recover *r, const char *table, const struct vgw_json *key, const struct vgw_json *values,
               bool is_delete)
{
    bool is_session = vgw_streq(table, "sessions"), is_call = vgw_streq(table, "calls");
    const char *id = vgw_json_get_string(key, is_session ? "session_id" : "call_id", NULL);
    if ((!is_session && !is_call) || !id)
        return VGW_OK;
    struct vgw_map *map = is_session ? r->sessions : r->calls;
    if (is_delete) {
        vgw_map_remove(map, id);
        return VGW_OK;
    }
    int rc = merge(map, id, key);
    return rc == VGW_OK ? merge(map, id, values) : rc;
}

static int add_op(struct vgw_recover *r, const struct vgw_json *op)
{
    if (vgw_json_type(op) != VGW_JSON_OBJECT) {
        r->unreadable++;
        return VGW_OK;
    }
    return add(r, vgw_json_get_string(op, "table", NULL), vgw_json_get(op, "key"), vgw_json_get(op, "values"),
               vgw_streq(vgw_json_get_string(op, "op", NULL), "delete"));
}

int vgw_recover_op(struct vgw_recover *r, const void *text, size_t len)
{
    struct vgw_json *op = NULL;
    int rc = VGW_OK;
    if (vgw_json_parse(text, len, &op, NULL) != VGW_OK)
        r->unreadable++;
    else if (vgw_json_type(op) == VGW_JSON_ARRAY)
        for (size_t i = 0; rc == VGW_OK && i < vgw_json_count(op); i++)
            rc = add_op(r, vgw_json_at(op, i));
    else
        rc = add_op(r, op);
    vgw_json_free(op);
    return rc;
}

int vgw_recover_row(struct vgw_recover *r, const char *table, const struct vgw_json *row)
{
    return add(r, table, row, row, false);
}

/* Of one that is over, the journal may hold no more than what came late, as a price: nothing of its beginning. */
static bool session_is_open(const struct vgw_json *s)
{
    const char *status = vgw_json_get_string(s, "status", NULL);
    return vgw_json_has(s, "start_time") && (!status || strcmp(status, "active") == 0);
}

static bool call_is_open(const struct vgw_json *c)
{
    return vgw_json_has(c, "created_at") && !vgw_json_get_string(c, "status", NULL);
}

static void about_of(const struct vgw_json *known, struct vgw_event_about *about)
{
    *about = (struct vgw_event_about){
        .session_id = vgw_json_get_string(known, "session_id", NULL),
        .call_id = vgw_json_get_string(known, "call_id", NULL),
        .provider_call_id = vgw_json_get_string(known, "provider_call_id", NULL),
        .provider = vgw_json_get_string(known, "provider", NULL),
        .plugin = vgw_json_get_string(known, "plugin", NULL),
        .project_id = vgw_json_get_string(known, "project_id", NULL),
    };
}

/* How long it lasted, as far as anybody knows: until its last sign of life, not until the restart. */
static int64_t end_of(const struct vgw_json *known, int64_t start_us, int64_t now_us)
{
    int64_t last_us = vgw_json_get_int(known, "updated_at", 0);
    if (last_us < start_us)
        last_us = start_us ? start_us : now_us;
    return last_us > now_us ? now_us : last_us;
}

static double seconds_between(int64_t from_us, int64_t to_us)
{
    return from_us > 0 && to_us > from_us ? (double)(to_us - from_us) / VGW_US_PER_S : 0;
}

static void settle_call(const struct vgw_json *c, int64_t now_us, vgw_recover_fn fn, void *arg)
{
    struct vgw_record_call record;
    struct vgw_event_about about;
    int64_t created_us = vgw_json_get_int(c, "created_at", 0), answered_us = vgw_json_get_int(c, "answered_at", 0);
    int64_t end_us = end_of(c, answered_us ? answered_us : created_us, now_us);
    vgw_record_call_init(&record, vgw_json_get_string(c, "call_id", NULL));
    record.state = "ended";
    record.status = "interrupted";
    record.cause = "interrupted";
    record.ended_us = end_us;
    record.updated_us = now_us;
    record.duration = seconds_between(answered_us, end_us);
    record.total_duration = seconds_between(created_us, end_us);
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "status", "interrupted");
    vgw_json_set_string(data, "cause", "interrupted");
    vgw_json_set_double(data, "duration", record.duration);
    vgw_json_set_double(data, "total_duration", record.total_duration);
    vgw_json_set_string(data, "from", vgw_json_get_string(c, "from_number", NULL));
    vgw_json_set_string(data, "to", vgw_json_get_string(c, "to_number", NULL));
    vgw_json_set_string(data, "direction", vgw_json_get_string(c, "direction", NULL));
    about_of(c, &about);
    fn(arg, vgw_record_call_op(&record), vgw_event_new("call_ended", &about, data, 0));
}

/* How its calls ended, when they had: then all that is missing is the record. */
static const char *outcome_of(const struct vgw_json *s)
{
    static const char *const outcomes[] = {"completed", "failed", "busy", "no_answer", "canceled"};
    const char *reason = vgw_json_get_string(s, "reason", "");
    for (size_t i = 0; vgw_json_get_int(s, "end_time", 0) > 0 && i < sizeof outcomes / sizeof outcomes[0]; i++)
        if (strcmp(outcomes[i], reason) == 0)
            return outcomes[i];
    return NULL;
}

static void set_when(struct vgw_json *o, const char *key, int64_t us)
{
    char text[VGW_TIME_TEXT];
    vgw_json_set_string(o, key, us > 0 ? vgw_time_format(us, text) : NULL);
}

/* The calls of a session as its record shows them: those that are known here, with the end that they have now. */
static struct vgw_json *calls_of(const struct vgw_recover *r, const char *session_id, int64_t now_us)
{
    static const char *const texts[][2] = {{"provider_call_id", "provider_call_id"},
                                           {"provider", "provider"},
                                           {"plugin", "plugin"},
                                           {"direction", "direction"},
                                           {"from_number", "from"},
                                           {"to_number", "to"}};
    struct vgw_json *list = vgw_json_array();
    const char *id;
    void *value;
    for (size_t i = 0; vgw_map_next(r->calls, &i, &id, &value);) {
        if (!vgw_streq(vgw_json_get_string(value, "session_id", NULL), session_id))
            continue;
        bool open = call_is_open(value);
        int64_t created_us = vgw_json_get_int(value, "created_at", 0),
                answered_us = vgw_json_get_int(value, "answered_at", 0);
        int64_t end_us = open ? end_of(value, answered_us ? answered_us : created_us, now_us)
                              : vgw_json_get_int(value, "ended_at", 0);
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "call_id", id);
        vgw_json_set_string(o, "session_id", session_id);
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            vgw_json_set_string(o, texts[k][1], vgw_json_get_string(value, texts[k][0], NULL));
        vgw_json_set_string(o, "state", open ? "ended" : vgw_json_get_string(value, "state", "ended"));
        vgw_json_set_string(o, "status", open ? "interrupted" : vgw_json_get_string(value, "status", NULL));
        set_when(o, "created_at", created_us);
        set_when(o, "answered_at", answered_us);
        set_when(o, "ended_at", end_us);
        vgw_json_set_double(o, "duration", seconds_between(answered_us, end_us));
        vgw_json_append(list, o);
    }
    return list;
}

static void settle_session(const struct vgw_recover *r, const struct vgw_json *s, int64_t now_us, vgw_recover_fn fn,
                           void *arg)
{
    struct vgw_record_session record;
    struct vgw_event_about about;
    int64_t start_us = vgw_json_get_int(s, "start_time", 0);
    const char *outcome = outcome_of(s);
    vgw_record_session_init(&record, vgw_json_get_string(s, "session_id", NULL));
    record.status = outcome ? outcome : "interrupted";
    record.reason = record.status;
    record.end_us = outcome ? vgw_json_get_int(s, "end_time", 0) : end_of(s, start_us, now_us);
    record.duration_seconds = seconds_between(start_us, record.end_us);
    record.updated_us = now_us;
    struct vgw_json *calls = calls_of(r, record.session_id, now_us);
    record.calls = vgw_json_count(calls) ? calls : NULL;
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "status", record.status);
    vgw_json_set_string(data, "reason", record.reason);
    vgw_json_set_int(data, "turns", vgw_json_get_int(s, "turns", 0));
    about_of(s, &about);
    fn(arg, vgw_record_session_op(&record), vgw_event_new("voice.session.stopped", &about, data, 0));
    vgw_json_free(calls);
}

size_t vgw_recover_settle(struct vgw_recover *r, int64_t now_us, vgw_recover_fn fn, void *arg)
{
    size_t count = 0;
    const char *id;
    void *value;
    for (size_t i = 0; vgw_map_next(r->calls, &i, &id, &value);) {
        if (call_is_open(value)) {
            settle_call(value, now_us, fn, arg);
            count++;
        }
    }
    for (size_t i = 0; vgw_map_next(r->sessions, &i, &id, &value);) {
        if (session_is_open(value)) {
            settle_session(r, value, now_us, fn, arg);
            count++;
        }
    }
    return count;
}

bool vgw_recover_next_call(const struct vgw_recover *r, size_t *cursor, const struct vgw_json **ret_call)
{
    const char *id;
    void *value;
    while (vgw_map_next(r->calls, cursor, &id, &value)) {
        if (call_is_open(value)) {
            *ret_call = value;
            return true;
        }
    }
    return false;
}

size_t vgw_recover_unreadable(const struct vgw_recover *r)
{
    return r->unreadable;
}
