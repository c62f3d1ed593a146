/* campaign_read.c - a campaign out of JSON, and its shapes. Pure. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/campaign.h"
#include "flow/template.h"

struct reading {
    const struct vgw_delivery_settings *settings;
    const struct vgw_json *body;
    struct vgw_json *errors, *spec;
    size_t wrong;
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

static const char *text_of(struct reading *r, const char *field, size_t max)
{
    const struct vgw_json *v = vgw_json_get(r->body, field);
    const char *text = vgw_json_str(v);
    if (v && (!text || strlen(text) > max || strlen(text) != vgw_json_strlen(v))) {
        wrong(r, field, "must be a text that is not too long");
        return NULL;
    }
    return text;
}

static void keep_text(struct reading *r, const char *field, size_t max)
{
    const char *text = text_of(r, field, max);
    if (text && *text)
        r->failed |= vgw_json_set_string(r->spec, field, text);
}

static void read_content(struct reading *r)
{
    const char *text = text_of(r, "content", VGW_TEMPLATE_SOURCE_MAX);
    struct vgw_template *t = NULL;
    struct vgw_error err = {0};
    if (!text)
        return;
    if (vgw_template_compile(text, strlen(text), &t, &err) < 0) {
        wrong(r, "content", err.text);
        return;
    }
    vgw_template_free(t);
    r->failed |= vgw_json_set_string(r->spec, "content", text);
}

static void read_hours(struct reading *r)
{
    const struct vgw_json *v = vgw_json_get(r->body, "hours"), *days = vgw_json_get(v, "days");
    struct vgw_hours h = {0};
    struct vgw_error err = {0};
    const char *zone = vgw_json_get_string(v, "timezone", NULL);
    if (!v)
        return;
    if (vgw_hours_parse_time(vgw_json_get_string(v, "from", "00:00"), &h.from_min, &err) < 0)
        wrong(r, "hours.from", err.text);
    if (vgw_hours_parse_time(vgw_json_get_string(v, "to", "24:00"), &h.to_min, &err) < 0)
        wrong(r, "hours.to", err.text);
    for (size_t i = 0; i < vgw_json_count(days); i++)
        if (vgw_hours_parse_day(vgw_json_str(vgw_json_at(days, i)), &h.days, &err) < 0)
            wrong(r, "hours.days", err.text);
    if (zone && !vgw_zone_name_ok(zone))
        wrong(r, "hours.timezone", "must be a name of the tz database such as America/New_York");
    r->failed |= vgw_json_set(r->spec, "hours", vgw_json_copy(v));
}

static void read_numbers(struct reading *r)
{
    const struct vgw_json *list = vgw_json_get(r->body, "do_not_call");
    struct vgw_json *plain = list ? vgw_json_array() : NULL;
    char number[32];
    if (!list)
        return;
    if (vgw_json_type(list) != VGW_JSON_ARRAY || vgw_json_count(list) > VGW_CAMPAIGN_NUMBERS_MAX)
        wrong(r, "do_not_call",
              "must be a list of at most 10000 numbers; longer ones belong into delivery.do_not_call");
    for (size_t i = 0; i < vgw_json_count(list); i++) {
        const char *text = vgw_json_str(vgw_json_at(list, i));
        if (!text || !vgw_number_plain(text, number, sizeof number) || !vgw_number_is_e164(number)) {
            wrong(r, "do_not_call", "must hold numbers such as +15551234567 only");
            break;
        }
        r->failed |= vgw_json_append_string(plain, number);
    }
    r->failed |= vgw_json_set(r->spec, "do_not_call", plain);
}

static void read_limits(struct reading *r)
{
    const struct vgw_json *limits = vgw_json_get(r->body, "limits"), *budget = vgw_json_get(r->body, "budget");
    const struct vgw_json *rate = vgw_json_get(limits, "rate");
    double per_second = vgw_json_as_double(rate, 0);
    if (rate && vgw_json_str(rate) && !vgw_parse_rate(vgw_json_str(rate), &per_second))
        wrong(r, "limits.rate", "must be a rate such as 10/s or 60/m");
    if (per_second < 0 || vgw_json_get_int(limits, "concurrent", 1) < 1)
        wrong(r, "limits", "rate and concurrent must be more than 0");
    if (limits) {
        struct vgw_json *o = vgw_json_object();
        r->failed |= o ? 0 : VGW_ELIMIT;
        r->failed |= vgw_json_set_double(o, "rate", per_second);
        r->failed |= vgw_json_set_int(o, "concurrent", vgw_json_get_int(limits, "concurrent", 0));
        r->failed |= vgw_json_set(r->spec, "limits", o);
    }
    if (budget && vgw_json_get_double(budget, "amount", 0) <= 0)
        wrong(r, "budget.amount", "must be more than 0");
    if (budget)
        r->failed |= vgw_json_set(r->spec, "budget", vgw_json_copy(budget));
}

static void check_words(struct reading *r)
{
    const char *profile = vgw_json_get_string(r->body, "voice_config", NULL);
    const char *order = vgw_json_get_string(r->body, "order", "given");
    const char *channel = vgw_json_get_string(r->body, "channel", "voice");
    struct vgw_buf text = {0};
    if (!vgw_delivery_profile(r->settings, profile)) {
        const char *near = vgw_delivery_profile_nearest(r->settings, profile);
        vgw_buf_printf(&text, "there is no profile '%.80s' under `voice_configs:`%s%s%s", profile,
                       near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        wrong(r, "voice_config", vgw_buf_str(&text));
    }
    if (!vgw_streq(order, "given") && !vgw_streq(order, "random") && !vgw_streq(order, "priority"))
        wrong(r, "order", "must be given, random or priority");
    if (!vgw_streq(channel, "voice") && !vgw_streq(channel, "sms"))
        wrong(r, "channel", "must be voice or sms");
    vgw_buf_done(&text);
}

int vgw_campaign_read(const struct vgw_delivery_settings *settings, const struct vgw_json *body, const char *project_id,
                      int64_t wall_us, struct vgw_json *errors, struct vgw_json **ret_row)
{
    struct reading r = {.settings = settings, .body = body, .errors = errors, .spec = vgw_json_object()};
    struct vgw_json *row = vgw_json_object();
    const char *name = text_of(&r, "name", 200);
    char id[VGW_ID_MAX];
    r.failed = r.spec && row ? 0 : VGW_ELIMIT;
    if (!name || !*name)
        wrong(&r, "name", "is missing; give the campaign a name");
    check_words(&r);
    keep_text(&r, "voice_config", 128);
    keep_text(&r, "channel", 16);
    keep_text(&r, "message_type", 64);
    keep_text(&r, "from", 64);
    keep_text(&r, "order", 16);
    read_content(&r);
    read_hours(&r);
    read_numbers(&r);
    read_limits(&r);
    vgw_id_make("cmp", wall_us, NULL, id);
    r.failed |= vgw_json_set_string(row, "campaign_id", id);
    r.failed |= vgw_json_set_string(row, "project_id", project_id);
    r.failed |= vgw_json_set_string(row, "name", name);
    r.failed |= vgw_json_set_string(row, "status", vgw_json_get_bool(body, "paused", false) ? "paused" : "running");
    r.failed |= vgw_json_set_int(row, "created_at", wall_us);
    r.failed |= vgw_json_set_int(row, "updated_at", wall_us);
    r.failed |= vgw_json_set(row, "spec", r.spec);
    if (!r.wrong && !r.failed) {
        *ret_row = row;
        return VGW_OK;
    }
    vgw_json_free(row);
    return r.wrong ? VGW_EINVALID : VGW_ELIMIT;
}

/* ---- shapes ---- */

struct vgw_json *vgw_campaign_tally(void)
{
    struct vgw_json *o = vgw_json_object(), *by = vgw_json_array(), *sum = vgw_json_array();
    int failed = o && by && sum ? 0 : VGW_ELIMIT;
    failed |= vgw_json_append_string(by, "status");
    failed |= vgw_json_append_string(by, "outcome");
    failed |= vgw_json_append_string(sum, "attempts");
    failed |= vgw_json_append_string(sum, "cost");
    failed |= vgw_json_set(o, "by", by);
    failed |= vgw_json_set(o, "sum", sum);
    if (!failed)
        return o;
    vgw_json_free(o);
    return NULL;
}

static void add_to(struct vgw_json *o, const char *key, int64_t n)
{
    vgw_json_set_int(o, key, vgw_json_get_int(o, key, 0) + n);
}

static bool status_open(const char *status)
{
    return vgw_streq(status, "queued") || vgw_streq(status, "calling") || vgw_streq(status, "retrying");
}

static void show_counts(struct vgw_json *o, const struct vgw_json *counts)
{
    struct vgw_json *by_status = vgw_json_object(), *by_outcome = vgw_json_object(), *progress = vgw_json_object();
    int64_t total = 0, open = 0;
    double attempts = 0, cost = 0;
    for (size_t i = 0; i < vgw_json_count(counts); i++) {
        const struct vgw_json *c = vgw_json_at(counts, i);
        const char *status = vgw_json_get_string(c, "status", "");
        int64_t n = vgw_json_get_int(c, "count", 0);
        total += n;
        open += status_open(status) ? n : 0;
        attempts += vgw_json_get_double(c, "attempts", 0);
        cost += vgw_json_get_double(c, "cost", 0);
        add_to(by_status, status, n);
        if (!status_open(status))
            add_to(by_outcome, vgw_json_get_string(c, "outcome", status), n);
    }
    vgw_json_set_int(progress, "messages", total);
    vgw_json_set_int(progress, "open", open);
    vgw_json_set_int(progress, "finished", total - open);
    vgw_json_set_double(progress, "done", total ? (double)(total - open) / (double)total : 0);
    vgw_json_set(o, "progress", progress);
    vgw_json_set(o, "by_status", by_status);
    vgw_json_set(o, "by_outcome", by_outcome);
    vgw_json_set_int(o, "attempts", (int64_t)attempts);
    vgw_json_set_double(o, "cost", cost);
}

struct vgw_json *vgw_campaign_show(const struct vgw_json *row, const struct vgw_json *counts)
{
    static const char *const times[] = {"created_at", "updated_at", "finished_at"};
    static const char *const same[] = {"campaign_id", "project_id", "name", "status", "reason"};
    struct vgw_json *o = vgw_json_object(), *v;
    char text[VGW_TIME_TEXT];
    const char *key;
    for (size_t i = 0; o && i < sizeof same / sizeof same[0]; i++)
        vgw_json_set_string(o, same[i], vgw_json_get_string(row, same[i], NULL));
    for (size_t i = 0; o && i < sizeof times / sizeof times[0]; i++) {
        int64_t us = vgw_json_get_int(row, times[i], 0);
        vgw_json_set_string(o, times[i], us ? vgw_time_format(us, text) : NULL);
    }
    for (size_t i = 0; o && vgw_json_object_next(vgw_json_get(row, "spec"), &i, &key, &v);)
        vgw_json_set(o, key, vgw_json_copy(v));
    if (o && counts)
        show_counts(o, counts);
    return o;
}

/* A cell that no spreadsheet takes for a formula, and that holds commas and lines. */
static void cell(struct vgw_buf *out, const char *text, bool first)
{
    vgw_buf_adds(out, first ? "" : ",");
    if (!text)
        return;
    bool formula = strchr("=+-@\t", text[0]) && text[0] && !vgw_number_is_e164(text);
    if (!formula && !strpbrk(text, ",\"\r\n")) {
        vgw_buf_adds(out, text);
        return;
    }
    vgw_buf_adds(out, formula ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"')
            vgw_buf_addc(out, '"');
        vgw_buf_addc(out, *text);
    }
    vgw_buf_addc(out, '"');
}

void vgw_campaign_csv(const struct vgw_json *row, struct vgw_buf *out)
{
    static const struct {
        const char *heading, *column;
        enum { TEXT, NUMBER, TIME } kind;
    } columns[] = {
        {"message_id", "message_id", TEXT},  {"to", "to_number", TEXT},    {"lead_id", "lead_id", TEXT},
        {"status", "status", TEXT},          {"outcome", "outcome", TEXT}, {"attempts", "attempts", NUMBER},
        {"provider", "provider", TEXT},      {"call_id", "call_id", TEXT}, {"cost", "cost", NUMBER},
        {"currency", "currency", TEXT},      {"error", "error", TEXT},     {"created_at", "created_at", TIME},
        {"finished_at", "finished_at", TIME}};
    char text[64];
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        const struct vgw_json *v = vgw_json_get(row, columns[i].column);
        const char *value = row ? vgw_json_str(v) : columns[i].heading;
        if (v && columns[i].kind == NUMBER)
            value = vgw_double_text(vgw_json_as_double(v, 0), text);
        else if (v && columns[i].kind == TIME)
            value = vgw_json_as_int(v, 0) ? vgw_time_format(vgw_json_as_int(v, 0), text) : NULL;
        cell(out, value, i == 0);
    }
    vgw_buf_adds(out, "\r\n");
}
