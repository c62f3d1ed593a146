/* message.c - a message out of JSON, and its rows. */
#include "delivery/message.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "flow/template.h"
#include "net/tls.h"
#include "store/record.h"

static const char *const fields[] = {"content",      "to",        "lead",     "user",     "voice_config",
                                     "message_type", "channel",   "metadata", "schedule", "timezone",
                                     "from",         "lead_id",   "language", "voice_id", "idempotency_key",
                                     "campaign_id",  "project_id"};
#define FIELDS (sizeof fields / sizeof fields[0])

struct reading {
    const struct vgw_delivery_settings *settings;
    const struct vgw_json *body, *lead;
    const struct vgw_message_origin *origin;
    const struct vgw_profile *profile;
    struct vgw_json *errors, *row;
    size_t wrong;
    char number[24];
    const char *project, *channel, *voice_config;
    int failed;
};

static void wrong(struct reading *r, const char *field, const char *detail)
{
    struct vgw_json *e = vgw_json_object();
    r->wrong++;
    vgw_json_set_string(e, "field", field);
    vgw_json_set_string(e, "detail", detail);
    if (e)
        vgw_json_append(r->errors, e);
}

static void wrongf(struct reading *r, const char *field, const char *fmt, const char *a, const char *b)
{
    struct vgw_buf text;
    vgw_buf_init(&text, 1024);
    vgw_buf_printf(&text, "%s%.120s%s", fmt, a ? a : "", b ? b : "");
    wrong(r, field, vgw_buf_str(&text));
    vgw_buf_done(&text);
}

static void put(struct reading *r, const char *column, const char *text)
{
    if (text && *text)
        r->failed |= vgw_json_set_string(r->row, column, text);
}

static void hash_id(const char *prefix, const char *a, const char *b, const char *c, char out[VGW_ID_MAX])
{
    struct vgw_buf text = {0};
    uint8_t digest[32] = {0};
    vgw_buf_printf(&text, "%s\n%s\n%s", a, b, c);
    vgw_digest(VGW_DIGEST_SHA256, vgw_buf_str(&text), text.len, digest);
    vgw_buf_done(&text);
    int at = snprintf(out, VGW_ID_MAX, "%s-", prefix);
    for (int i = 0; i < 13; i++)
        at += snprintf(out + at, VGW_ID_MAX - (size_t)at, "%02x", digest[i]);
}

void vgw_message_thread_id(const char *project_id, const char *lead_id, const char *number, char out[VGW_ID_MAX])
{
    bool named = lead_id && *lead_id;
    hash_id("thr", project_id, named ? "lead" : "number", named ? lead_id : number, out);
}

struct vgw_json *vgw_message_key(const char *column, const char *value)
{
    struct vgw_json *o = vgw_json_object();
    if (o && vgw_json_set_string(o, column, value) == 0)
        return o;
    vgw_json_free(o);
    return NULL;
}

/* ---- reading ---- */

static void check_names(struct reading *r)
{
    const char *key;
    struct vgw_json *value;
    for (size_t i = 0; vgw_json_object_next(r->body, &i, &key, &value);) {
        size_t k = 0;
        while (k < FIELDS && strcmp(fields[k], key) != 0)
            k++;
        const char *near = k < FIELDS ? NULL : vgw_nearest(key, fields, FIELDS);
        if (k == FIELDS)
            wrongf(r, key, near ? "is no field of a message; did you mean " : "is no field of a message", near,
                   near ? "?" : "");
    }
}

/* A text of at most `max` bytes; NULL: absent, or wrong and told. */
static const char *text_of(struct reading *r, const struct vgw_json *o, const char *field, size_t max)
{
    const struct vgw_json *v = vgw_json_get(o, field);
    const char *text = vgw_json_str(v);
    char detail[80];
    if (!v)
        return NULL;
    if (!text || strlen(text) != vgw_json_strlen(v)) {
        wrong(r, field, "must be a text");
        return NULL;
    }
    if (strlen(text) > max) {
        snprintf(detail, sizeof detail, "must be at most %zu bytes long; it has %zu", max, strlen(text));
        wrong(r, field, detail);
        return NULL;
    }
    return text;
}

static const struct vgw_json *object_of(struct reading *r, const char *field)
{
    const struct vgw_json *v = vgw_json_get(r->body, field);
    if (!v)
        return NULL;
    if (vgw_json_type(v) != VGW_JSON_OBJECT) {
        wrong(r, field, "must be an object");
        return NULL;
    }
    char *text = vgw_json_text(v, false);
    size_t len = text ? strlen(text) : 0;
    vgw_free(text);
    if (len > VGW_MESSAGE_LEAD_MAX)
        wrong(r, field, "must be at most 16384 bytes long as JSON");
    return v;
}

static void read_number(struct reading *r)
{
    static const char *const names[] = {"to", "phone", "phone_number", "number"};
    const char *to = text_of(r, r->body, "to", 64), *field = "to";
    for (size_t i = 0; !to && i < sizeof names / sizeof names[0]; i++)
        if ((to = vgw_json_get_string(r->lead, names[i], NULL)))
            field = "lead";
    if (!to) {
        if (!vgw_json_has(r->body, "to"))
            wrong(r, "to", "is missing; give a number such as +15551234567, or a lead with a phone");
        return;
    }
    if (!vgw_number_plain(to, r->number, sizeof r->number) || !vgw_number_is_e164(r->number)) {
        wrongf(r, field, "must be an E.164 number such as +15551234567, not ", to, "");
        r->number[0] = '\0';
    }
}

static void read_profile(struct reading *r)
{
    const struct vgw_message_campaign *c = r->origin->campaign;
    const char *name = text_of(r, r->body, "voice_config", 128);
    r->voice_config = name ? name : c ? c->voice_config : NULL;
    r->profile = vgw_delivery_profile(r->settings, r->voice_config);
    if (r->profile)
        return;
    const char *near = vgw_delivery_profile_nearest(r->settings, r->voice_config);
    struct vgw_buf text = {0};
    vgw_buf_printf(&text, "there is no profile '%.80s' under `voice_configs:`%s%s%s", r->voice_config,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    wrong(r, "voice_config", vgw_buf_str(&text));
    vgw_buf_done(&text);
}

/* What a template may look at: the lead's fields by their own names, and lead, metadata, user, to. */
static struct vgw_json *variables_of(const struct reading *r)
{
    struct vgw_json *vars = r->lead ? vgw_json_copy(r->lead) : vgw_json_object(), *v;
    const char *const objects[] = {"lead", "metadata"};
    int failed = vars ? 0 : VGW_ELIMIT;
    for (size_t i = 0; i < 2 && !failed; i++)
        if ((v = vgw_json_get(r->body, objects[i])))
            failed |= vgw_json_set(vars, objects[i], vgw_json_copy(v));
    if (!failed)
        failed |= vgw_json_set_string(vars, "to", r->number);
    const char *user = vgw_json_get_string(r->body, "user", NULL);
    if (!failed && user)
        failed |= vgw_json_set_string(vars, "user", user);
    if (!failed)
        return vars;
    vgw_json_free(vars);
    return NULL;
}

static void render(struct reading *r, const char *text)
{
    struct vgw_template *t = NULL;
    struct vgw_error err = {0};
    struct vgw_buf out;
    size_t max = vgw_streq(r->channel, "sms") ? VGW_MESSAGE_SMS_MAX : VGW_MESSAGE_CONTENT_MAX;
    struct vgw_json *vars = variables_of(r);
    vgw_buf_init(&out, VGW_TEMPLATE_OUTPUT_MAX + 1);
    struct vgw_scope scope = {.vars = vars};
    int rc = vars ? vgw_template_compile(text, strlen(text), &t, &err) : vgw_error_nomem(&err);
    if (rc == 0)
        rc = vgw_template_text(t, &scope, true, &out, &err);
    if (rc < 0)
        wrong(r, "content", err.text);
    else if (out.len == 0)
        wrong(r, "content", "is empty; say what is to be said, here or in the profile");
    else if (out.len > max)
        wrongf(r, "content", "is too long: at most ", max == VGW_MESSAGE_SMS_MAX ? "1600" : "10000", " bytes are sent");
    else
        put(r, "content", vgw_buf_str(&out));
    vgw_buf_done(&out);
    vgw_template_free(t);
    vgw_json_free(vars);
}

static void read_content(struct reading *r)
{
    const struct vgw_message_campaign *c = r->origin->campaign;
    const struct vgw_json *given = vgw_json_get(r->body, "content");
    const char *text = text_of(r, r->body, "content", VGW_TEMPLATE_SOURCE_MAX);
    if (!text && given)
        return;
    if (!text && c)
        text = c->content;
    if (!text && r->profile)
        text = r->profile->content;
    if (text)
        render(r, text);
    else if (r->profile && !r->profile->assistant && !r->profile->workflow && !r->profile->platform_config)
        wrong(r, "content", "is missing; give it here, in the campaign or in the profile");
}

static void read_words(struct reading *r)
{
    const struct vgw_message_campaign *c = r->origin->campaign;
    const char *channel = text_of(r, r->body, "channel", 16), *type = text_of(r, r->body, "message_type", 64);
    r->channel = channel ? channel : c && c->channel ? c->channel : "voice";
    if (!vgw_streq(r->channel, "voice") && !vgw_streq(r->channel, "sms"))
        wrong(r, "channel", "must be voice or sms");
    put(r, "channel", r->channel);
    put(r, "message_type", type ? type : c && c->message_type ? c->message_type : "regular");
    put(r, "user_id", text_of(r, r->body, "user", 128));
}

static void read_schedule(struct reading *r)
{
    const char *text = text_of(r, r->body, "schedule", 64);
    int64_t at_us = 0;
    if (!text)
        return;
    if (!vgw_time_parse(text, &at_us))
        wrong(r, "schedule", "must be a time as in 2026-02-01T12:34:56Z");
    else if (at_us > r->origin->wall_us + INT64_C(366) * 86400 * VGW_US_PER_S)
        wrong(r, "schedule", "must not be more than a year from now");
    else
        r->failed |= vgw_json_set_int(r->row, "scheduled_at", at_us);
}

/* What the message needs beside its columns: kept small, since there may be a million. */
static void read_spec(struct reading *r)
{
    const struct vgw_message_campaign *c = r->origin->campaign;
    const char *from = text_of(r, r->body, "from", 64), *zone = text_of(r, r->body, "timezone", 64);
    const char *language = text_of(r, r->body, "language", 35), *voice = text_of(r, r->body, "voice_id", 128);
    if (!zone)
        zone = vgw_json_get_string(r->lead, "timezone", NULL);
    if (zone && !vgw_zone_name_ok(zone))
        wrongf(r, "timezone", "must be a name of the tz database such as America/New_York, not ", zone, "");
    if (!from && c)
        from = c->from;
    if (!from && !zone && !language && !voice)
        return;
    struct vgw_json *spec = vgw_json_object();
    r->failed |= spec ? 0 : VGW_ELIMIT;
    if (from)
        r->failed |= vgw_json_set_string(spec, "from", from);
    if (zone)
        r->failed |= vgw_json_set_string(spec, "timezone", zone);
    if (language)
        r->failed |= vgw_json_set_string(spec, "language", language);
    if (voice)
        r->failed |= vgw_json_set_string(spec, "voice_id", voice);
    r->failed |= vgw_json_set(r->row, "spec", spec);
}

static void read_ids(struct reading *r, const struct vgw_json *metadata)
{
    const struct vgw_message_origin *o = r->origin;
    char id[VGW_ID_MAX];
    const char *key = text_of(r, r->body, "idempotency_key", 255), *lead_id = text_of(r, r->body, "lead_id", 128);
    if (!key)
        key = o->idempotency_key;
    if (!lead_id)
        lead_id = vgw_json_get_string(r->lead, "id", vgw_json_get_string(r->lead, "lead_id", NULL));
    if (key && *key)
        hash_id("msg", r->project, "key", key, id);
    else
        vgw_id_make("msg", o->wall_us, NULL, id);
    put(r, "message_id", id);
    vgw_message_thread_id(r->project, lead_id, r->number, id);
    put(r, "thread_id", id);
    put(r, "project_id", r->project);
    put(r, "campaign_id", o->campaign ? o->campaign->campaign_id : NULL);
    put(r, "lead_id", lead_id);
    put(r, "to_number", r->number);
    put(r, "voice_config", r->voice_config);
    put(r, "idempotency_key", key);
    put(r, "source", o->source);
    put(r, "source_ref", o->source_ref);
    put(r, "status", "queued");
    if (metadata)
        r->failed |= vgw_json_set(r->row, "metadata", vgw_json_copy(metadata));
    if (r->lead)
        r->failed |= vgw_json_set(r->row, "lead", vgw_json_copy(r->lead));
    r->failed |= vgw_json_set_int(r->row, "attempts", 0);
    r->failed |= vgw_json_set_int(r->row, "created_at", o->wall_us);
    r->failed |= vgw_json_set_int(r->row, "updated_at", o->wall_us);
}

int vgw_message_read(const struct vgw_delivery_settings *settings, const struct vgw_json *body,
                     const struct vgw_message_origin *origin, struct vgw_json *errors, struct vgw_json **ret_row)
{
    struct reading r = {.settings = settings, .body = body, .origin = origin, .errors = errors};
    if (vgw_json_type(body) != VGW_JSON_OBJECT) {
        wrong(&r, "", "a message is a JSON object");
        return VGW_EINVALID;
    }
    if (!(r.row = vgw_json_object()))
        return VGW_ELIMIT;
    r.project = origin->project_id && *origin->project_id ? origin->project_id : "default";
    check_names(&r);
    r.lead = object_of(&r, "lead");
    const struct vgw_json *metadata = object_of(&r, "metadata");
    read_number(&r);
    read_words(&r);
    read_profile(&r);
    read_content(&r);
    read_schedule(&r);
    read_spec(&r);
    read_ids(&r, metadata);
    if (!r.wrong && !r.failed) {
        *ret_row = r.row;
        return VGW_OK;
    }
    vgw_json_free(r.row);
    return r.wrong ? VGW_EINVALID : VGW_ELIMIT;
}

/* ---- rows ---- */

void vgw_message_queue(const char *campaign_id, char out[VGW_ID_MAX + 16])
{
    bool of_campaign = campaign_id && *campaign_id;
    snprintf(out, VGW_ID_MAX + 16, "%s%s", of_campaign ? "campaign/" : VGW_MESSAGE_QUEUE,
             of_campaign ? campaign_id : "");
}

static int add_op(struct vgw_json *ops, const char *op, const char *table, struct vgw_json *key,
                  struct vgw_json *values)
{
    struct vgw_json *o = key && values ? vgw_record_op(op, table, key, values, NULL) : NULL;
    if (o)
        return vgw_json_append(ops, o);
    return VGW_ELIMIT;
}

static int copy_column(struct vgw_json *to, const struct vgw_json *row, const char *column)
{
    const struct vgw_json *v = vgw_json_get(row, column);
    return v ? vgw_json_set(to, column, vgw_json_copy(v)) : VGW_OK;
}

static int thread_ops(const struct vgw_json *row, struct vgw_json *ops)
{
    const char *id = vgw_json_get_string(row, "thread_id", "");
    struct vgw_json *values = vgw_json_object(), *newer = vgw_json_object();
    int failed = values && newer ? 0 : VGW_ELIMIT;
    static const char *const columns[] = {"project_id", "lead_id", "to_number", "lead", "created_at", "updated_at"};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        failed |= copy_column(values, row, columns[i]);
    failed |= copy_column(newer, row, "updated_at");
    failed |= copy_column(newer, row, "lead");
    failed |= add_op(ops, "insert", "threads", vgw_message_key("thread_id", id), values);
    failed |= add_op(ops, "update", "threads", vgw_message_key("thread_id", id), newer);
    return failed;
}

int vgw_message_store_ops(const struct vgw_json *row, int64_t priority, struct vgw_json *ops)
{
    const char *id = vgw_json_get_string(row, "message_id", "");
    char queue[VGW_ID_MAX + 16];
    struct vgw_json *message = vgw_json_copy(row), *job = vgw_json_object();
    int failed = message && job ? thread_ops(row, ops) : VGW_ELIMIT;
    vgw_message_queue(vgw_json_get_string(row, "campaign_id", NULL), queue);
    vgw_json_del(message, "message_id");
    vgw_json_del(message, "lead"); /* the thread has it */
    failed |= vgw_json_set_string(job, "queue", queue);
    failed |= copy_column(job, row, "due_at");
    failed |= vgw_json_set_string(job, "status", "queued");
    failed |= vgw_json_set_int(job, "priority", priority);
    failed |= vgw_json_set_int(job, "version", 0);
    failed |= add_op(ops, "insert", "messages", vgw_message_key("message_id", id), message);
    failed |= add_op(ops, "insert", "jobs", vgw_message_key("job_id", id), job);
    return failed ? VGW_ELIMIT : VGW_OK;
}

static void time_text(struct vgw_json *o, const char *name)
{
    char text[VGW_TIME_TEXT];
    int64_t us = vgw_json_get_int(o, name, 0);
    vgw_json_set_string(o, name, us ? vgw_time_format(us, text) : NULL);
}

static void rename_key(struct vgw_json *o, const char *from, const char *to)
{
    struct vgw_json *v = vgw_json_get(o, from);
    vgw_json_set(o, to, v ? vgw_json_copy(v) : NULL);
    vgw_json_del(o, from);
}

struct vgw_json *vgw_message_show(const struct vgw_json *row)
{
    static const char *const times[] = {"scheduled_at", "due_at", "created_at", "updated_at", "finished_at"};
    static const char *const hidden[] = {"_cursor", "node", "spec", "idempotency_key", "lead"};
    struct vgw_json *o = vgw_json_copy(row);
    if (!o)
        return NULL;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        time_text(o, times[i]);
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        vgw_json_del(o, hidden[i]);
    rename_key(o, "to_number", "to");
    rename_key(o, "user_id", "user");
    struct vgw_json *log = vgw_json_get(o, "attempt_log");
    for (size_t i = 0; i < vgw_json_count(log); i++) {
        time_text(vgw_json_at(log, i), "started_at");
        time_text(vgw_json_at(log, i), "ended_at");
    }
    struct vgw_json *list = log ? vgw_json_ref(log) : vgw_json_array();
    vgw_json_set(o, "attempts_made", vgw_json_int(vgw_json_get_int(o, "attempts", 0)));
    vgw_json_set(o, "attempts", list);
    vgw_json_del(o, "attempt_log");
    return o;
}
