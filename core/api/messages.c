/* messages.c - messages to be delivered: taken in, one or many, and shown with their threads. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/campaign.h"
#include "delivery/delivery.h"
#include "delivery/message.h"

#define BULK_MAX 500u

struct taking { /* messages on their way into the store */
    const char *project;
    char message_id[VGW_ID_MAX];
    struct vgw_json *ids, *errors; /* of a bulk */
    size_t count;
};

static void taking_free(void *state)
{
    struct taking *t = state;
    vgw_json_free(t->ids);
    vgw_json_free(t->errors);
    vgw_free(t);
}

static bool there_is_delivery(struct vgw_api_request *r)
{
    if (r->api->env.delivery)
        return true;
    vgw_api_fail(r, VGW_ESTORAGE, NULL, "messages need a store, and none is configured or it cannot be opened");
    return false;
}

/* Which project the messages are of; NULL: answered. */
static const char *project_of(struct vgw_api_request *r, const struct vgw_json *body)
{
    const char *own = vgw_grant_project(r->grant);
    const char *project = vgw_json_get_string(body, "project_id", own ? own : "default");
    if (vgw_api_may_see(r, project))
        return project;
    vgw_api_problem(r, 403, "this token may not use that project_id", NULL);
    return NULL;
}

static void problem(struct vgw_api_request *r, struct vgw_json *errors)
{
    const struct vgw_json *first = vgw_json_at(errors, 0);
    struct vgw_buf text = {0};
    vgw_buf_printf(&text, "%.200s %.400s", vgw_json_get_string(first, "field", "the message"),
                   vgw_json_get_string(first, "detail", "is not as it should be"));
    vgw_api_problem(r, 422, vgw_buf_str(&text), errors);
    vgw_buf_done(&text);
}

/* ---- one ---- */

static void on_shown(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    const struct vgw_json *row = vgw_json_at(rows, 0);
    char location[512];
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
    } else if (!row || !vgw_api_may_see_row(r, row)) {
        vgw_api_not_found(r, "message", r->id[0]);
    } else if (strcmp(r->route->method, "POST") == 0) {
        snprintf(location, sizeof location, "Location: %s/messages/%s", vgw_api_config_now(r->api)->prefix,
                 vgw_json_get_string(row, "message_id", ""));
        vgw_api_reply_with(r, 202, vgw_message_show(row), location);
    } else {
        vgw_api_reply(r, 200, vgw_message_show(row));
    }
    vgw_json_free(rows);
}

static void on_taken(void *arg, int status, const char *sentence)
{
    struct vgw_api_request *r = arg;
    struct taking *t = r->state;
    if (status < 0)
        vgw_api_fail(r, status, NULL, sentence);
    else
        vgw_api_query(r, "messages", vgw_message_key("message_id", t->message_id), 1, NULL, on_shown);
}

static bool taking_new(struct vgw_api_request *r, struct taking **ret)
{
    struct taking *t;
    if (!VGW_NEW(t)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return false;
    }
    r->state = t;
    r->state_free = taking_free;
    *ret = t;
    return true;
}

/* ---- of a campaign ---- */

static void on_woken(void *arg, int status, const char *sentence) {}

/* The campaign that the messages name, if any. False: answered. */
static bool campaign_of(struct vgw_api_request *r, const struct taking *t, struct vgw_message_campaign *c,
                        const struct vgw_message_campaign **ret_campaign)
{
    struct vgw_delivery *d = r->api->env.delivery;
    const char *id = vgw_json_get_string(r->body, "campaign_id", NULL);
    *ret_campaign = NULL;
    if (!id)
        return true;
    if (!vgw_campaign_about(d, id, c) || !vgw_streq(c->project_id, t->project)) {
        vgw_api_fail(r, VGW_EINVALID, "campaign_id", "there is no such campaign in this project");
        return false;
    }
    if (vgw_streq(c->status, "canceled")) {
        vgw_api_fail(r, VGW_EBUSY, "campaign_id", "the campaign was canceled; make a new one");
        return false;
    }
    if (vgw_streq(c->status, "finished"))
        vgw_campaign_set(d, id, "running", NULL, on_woken, NULL, NULL);
    *ret_campaign = c;
    return true;
}

static void send_one(struct vgw_api_request *r);
static void send_many(struct vgw_api_request *r);

static void on_campaign(void *arg, int status, const char *sentence)
{
    struct vgw_api_request *r = arg;
    if (status < 0 && status != VGW_ENOTFOUND)
        vgw_api_fail(r, status, NULL, sentence);
    else if (vgw_json_has(r->body, "messages"))
        send_many(r);
    else
        send_one(r);
}

/* Goes on once the campaign is known here. */
static void with_campaign(struct vgw_api_request *r)
{
    struct vgw_delivery *d = r->api->env.delivery;
    struct vgw_message_campaign c;
    const char *id = vgw_json_get_string(r->body, "campaign_id", NULL);
    if (!id || vgw_campaign_about(d, id, &c))
        on_campaign(r, VGW_OK, "");
    else if (vgw_campaign_load(d, id, on_campaign, r) < 0)
        vgw_api_fail(r, VGW_ELIMIT, NULL, "too much is waiting for the store; try again in a moment");
}

void vgw_api_message_send(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct taking *t;
    const char *project = there_is_delivery(r) ? project_of(r, r->body) : NULL;
    if (!project || !taking_new(r, &t))
        return;
    t->project = project;
    with_campaign(r);
}

static void send_one(struct vgw_api_request *r)
{
    struct taking *t = r->state;
    struct vgw_delivery *d = r->api->env.delivery;
    struct vgw_message_campaign campaign;
    struct vgw_message_origin origin = {
        .source = "http", .project_id = t->project, .wall_us = vgw_wall(r->api->env.loop)};
    struct vgw_json *errors, *row = NULL, *rows;
    if (!campaign_of(r, t, &campaign, &origin.campaign))
        return;
    errors = vgw_json_array();
    int rc = vgw_message_read(vgw_delivery_settings_of(d), r->body, &origin, errors, &row);
    if (rc == VGW_EINVALID) {
        problem(r, errors);
        return;
    }
    vgw_json_free(errors);
    rows = vgw_json_array();
    if (rc == 0) {
        vgw_strcopy(t->message_id, sizeof t->message_id, vgw_json_get_string(row, "message_id", ""));
        rc = vgw_json_append(rows, row) == 0 ? vgw_delivery_accept(d, rows, on_taken, r) : VGW_ELIMIT;
    }
    if (rc < 0)
        vgw_api_fail(r, VGW_ELIMIT, NULL, "too much is waiting for the store; try again in a moment");
}

void vgw_api_message_show(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    vgw_api_query(r, "messages", vgw_message_key("message_id", r->id[0]), 1, NULL, on_shown);
}

/* ---- many ---- */

static void on_bulk_taken(void *arg, int status, const char *sentence)
{
    struct vgw_api_request *r = arg;
    struct taking *t = r->state;
    struct vgw_json *o = vgw_json_object();
    if (status < 0) {
        vgw_json_free(o);
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    vgw_json_set_int(o, "accepted", (int64_t)vgw_json_count(t->ids));
    vgw_json_set_int(o, "refused", (int64_t)(t->count - vgw_json_count(t->ids)));
    vgw_json_set(o, "message_ids", t->ids);
    vgw_json_set(o, "errors", t->errors);
    t->ids = t->errors = NULL;
    vgw_api_reply(r, 202, o);
}

/* What stands beside `messages` holds for each of them that does not say otherwise. */
static struct vgw_json *with_defaults(const struct vgw_json *body, const struct vgw_json *item)
{
    struct vgw_json *o = vgw_json_type(item) == VGW_JSON_OBJECT ? vgw_json_copy(item) : NULL, *value;
    const char *key;
    for (size_t i = 0; o && vgw_json_object_next(body, &i, &key, &value);)
        if (strcmp(key, "messages") != 0 && strcmp(key, "source") != 0 && !vgw_json_has(o, key))
            vgw_json_set(o, key, vgw_json_copy(value));
    return o;
}

static void bulk_errors(struct taking *t, size_t index, struct vgw_json *errors)
{
    for (size_t i = 0; i < vgw_json_count(errors); i++) {
        struct vgw_json *e = vgw_json_copy(vgw_json_at(errors, i));
        vgw_json_set_int(e, "index", (int64_t)index);
        if (e)
            vgw_json_append(t->errors, e);
    }
}

static struct vgw_json *bulk_rows(struct vgw_api_request *r, struct taking *t,
                                  const struct vgw_message_campaign *campaign)
{
    const struct vgw_json *list = vgw_json_get(r->body, "messages");
    bool csv = vgw_streq(vgw_json_get_string(r->body, "source", NULL), "csv");
    struct vgw_message_origin origin = {.source = csv ? "csv" : "http",
                                        .project_id = t->project,
                                        .wall_us = vgw_wall(r->api->env.loop),
                                        .campaign = campaign};
    struct vgw_json *rows = vgw_json_array();
    for (size_t i = 0; rows && i < vgw_json_count(list); i++) {
        struct vgw_json *item = with_defaults(r->body, vgw_json_at(list, i)), *errors = vgw_json_array(), *row = NULL;
        if (vgw_message_read(vgw_delivery_settings_of(r->api->env.delivery), item, &origin, errors, &row) == 0) {
            vgw_json_append_string(t->ids, vgw_json_get_string(row, "message_id", ""));
            vgw_json_append(rows, row);
        } else {
            bulk_errors(t, i, errors);
        }
        vgw_json_free(errors);
        vgw_json_free(item);
    }
    return rows;
}

void vgw_api_message_bulk(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct taking *t;
    const char *project = there_is_delivery(r) ? project_of(r, r->body) : NULL;
    if (!project || !taking_new(r, &t))
        return;
    t->project = project;
    t->ids = vgw_json_array();
    t->errors = vgw_json_array();
    t->count = vgw_json_count(vgw_json_get(r->body, "messages"));
    if (t->count == 0 || t->count > BULK_MAX) {
        vgw_api_fail(r, VGW_EINVALID, "messages", "must be a list of 1 to 500 messages");
        return;
    }
    with_campaign(r);
}

static void send_many(struct vgw_api_request *r)
{
    struct taking *t = r->state;
    struct vgw_message_campaign campaign;
    const struct vgw_message_campaign *of;
    if (!campaign_of(r, t, &campaign, &of))
        return;
    struct vgw_json *rows = bulk_rows(r, t, of);
    if (rows && vgw_json_count(rows) == 0) {
        vgw_json_free(rows);
        on_bulk_taken(r, 0, "");
    } else if (!rows || vgw_delivery_accept(r->api->env.delivery, rows, on_bulk_taken, r) < 0) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "too much is waiting for the store; try again in a moment");
    }
}

/* ---- lists ---- */

static const char *const filters[] = {"status", "outcome",      "campaign_id", "thread_id",    "lead_id",    "channel",
                                      "source", "voice_config", "provider",    "message_type", "project_id", NULL};

static struct vgw_json *shown(struct vgw_api_request *r, const struct vgw_json *rows)
{
    struct vgw_json *items = vgw_json_array();
    for (size_t i = 0; i < vgw_json_count(rows); i++)
        if (vgw_api_may_see_row(r, vgw_json_at(rows, i)))
            vgw_json_append(items, vgw_message_show(vgw_json_at(rows, i)));
    return items;
}

static void on_list(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    size_t n = vgw_json_count(rows);
    char *text = vgw_api_param(r, "limit");
    int64_t limit = VGW_API_LIMIT_DEFAULT;
    if (text)
        vgw_parse_i64(text, &limit);
    vgw_free(text);
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    const char *cursor = (int64_t)n >= limit ? vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", NULL) : NULL;
    vgw_api_reply(r, 200, vgw_api_list("messages", shown(r, rows), cursor));
    vgw_json_free(rows);
}

void vgw_api_message_list(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    uint32_t limit;
    struct vgw_json *filter;
    if (!vgw_api_limit(r, &limit))
        return;
    filter = vgw_json_object();
    vgw_api_filter(r, filters, filter);
    char *to = vgw_api_param(r, "to"), *cursor = vgw_api_param(r, "cursor");
    if (to && *to)
        vgw_json_set_string(filter, "to_number", to);
    vgw_api_query(r, "messages", filter, limit, cursor, on_list);
    vgw_free(to);
    vgw_free(cursor);
}

/* ---- threads ---- */

static void thread_free(void *state)
{
    vgw_json_free(state);
}

static void on_thread_messages(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct vgw_json *thread = r->state;
    size_t n = vgw_json_count(rows);
    if (status != VGW_OK) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    r->state = NULL;
    const char *cursor =
        n >= VGW_API_LIMIT_DEFAULT ? vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", NULL) : NULL;
    struct vgw_json *items = shown(r, rows);
    vgw_json_set_int(thread, "count", (int64_t)vgw_json_count(items));
    vgw_json_set(thread, "messages", items);
    vgw_json_set_string(thread, "next_cursor", cursor);
    vgw_json_free(rows);
    vgw_api_reply(r, 200, thread);
}

static void on_thread(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct vgw_json *row = vgw_json_at(rows, 0);
    if (status != VGW_OK || !row || !vgw_api_may_see_row(r, row)) {
        if (status != VGW_OK)
            vgw_api_fail(r, status, NULL, sentence);
        else
            vgw_api_not_found(r, "thread", r->id[0]);
        vgw_json_free(rows);
        return;
    }
    struct vgw_json *thread = vgw_api_row(vgw_json_copy(row));
    const char *to = vgw_json_get_string(row, "to_number", NULL);
    vgw_json_set_string(thread, "to", to);
    vgw_json_del(thread, "to_number");
    r->state = thread;
    r->state_free = thread_free;
    vgw_json_free(rows);
    char *cursor = vgw_api_param(r, "cursor");
    vgw_api_query(r, "messages", vgw_message_key("thread_id", r->id[0]), VGW_API_LIMIT_DEFAULT, cursor,
                  on_thread_messages);
    vgw_free(cursor);
}

void vgw_api_thread_show(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    vgw_api_query(r, "threads", vgw_message_key("thread_id", r->id[0]), 1, NULL, on_thread);
}
