/* campaigns.c - campaigns: made, shown with their progress, paused, gone on with, canceled, reported. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"
#include "delivery/campaign.h"

#define CSV_ROWS 500u

struct campaign {
    char id[VGW_ID_MAX];
    struct vgw_json *row;
    bool csv;
    char *cursor;
};

static void campaign_free(void *state)
{
    struct campaign *c = state;
    vgw_json_free(c->row);
    vgw_free(c->cursor);
    vgw_free(c);
}

static struct campaign *state_new(struct vgw_api_request *r)
{
    struct campaign *c;
    if (!r->api->env.delivery) {
        vgw_api_fail(r, VGW_ESTORAGE, NULL, "campaigns need a store, and none is configured or it cannot be opened");
        return NULL;
    }
    if (!VGW_NEW(c)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return NULL;
    }
    r->state = c;
    r->state_free = campaign_free;
    vgw_strcopy(c->id, sizeof c->id, r->id[0]);
    return c;
}

static void busy(struct vgw_api_request *r)
{
    vgw_api_fail(r, VGW_ELIMIT, NULL, "too much is waiting for the store; try again in a moment");
}

/* ---- showing ---- */

static void on_counts(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    const struct campaign *c = r->state;
    char location[512];
    if (status < 0) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    snprintf(location, sizeof location, "Location: %s/campaigns/%s", vgw_api_config_now(r->api)->prefix, c->id);
    bool made = r->route->status == 201;
    vgw_api_reply_with(r, r->route->status, vgw_campaign_show(c->row, rows), made ? location : NULL);
}

static void on_page(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    const struct campaign *c = r->state;
    size_t n = vgw_json_count(rows);
    char link[512] = "";
    if (status < 0) {
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    struct vgw_buf text;
    vgw_buf_init(&text, 0);
    if (!c->cursor)
        vgw_campaign_csv(NULL, &text);
    for (size_t i = 0; i < n; i++)
        vgw_campaign_csv(vgw_json_at(rows, i), &text);
    if (n >= CSV_ROWS)
        snprintf(link, sizeof link, "Link: <%s/campaigns/%s/report?format=csv&cursor=%s>; rel=\"next\"",
                 vgw_api_config_now(r->api)->prefix, c->id,
                 vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", ""));
    vgw_json_free(rows);
    vgw_api_reply_text_with(r, 200, "text/csv; charset=utf-8", vgw_buf_str(&text), text.len, link[0] ? link : NULL);
    vgw_buf_done(&text);
}

static void on_row(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct campaign *c = r->state;
    const struct vgw_json *row = vgw_json_at(rows, 0);
    if (status < 0 || !row || !vgw_api_may_see_row(r, row)) {
        if (status < 0)
            vgw_api_fail(r, status, NULL, sentence);
        else
            vgw_api_not_found(r, "campaign", c->id);
        vgw_json_free(rows);
        return;
    }
    c->row = vgw_json_copy(row);
    vgw_json_free(rows);
    struct vgw_json *filter = vgw_message_key("campaign_id", c->id), *what = vgw_campaign_tally();
    if (c->csv) {
        vgw_json_set_string(filter, "order", "asc");
        vgw_api_query(r, "messages", filter, CSV_ROWS, c->cursor, on_page);
        filter = NULL;
    } else if (r->api->env.store_tally(r->api->env.arg, "messages", filter, what, on_counts, r) < 0) {
        busy(r);
    }
    vgw_json_free(filter);
    vgw_json_free(what);
}

static void show(struct vgw_api_request *r)
{
    const struct campaign *c = r->state;
    vgw_api_query(r, "campaigns", vgw_message_key("campaign_id", c->id), 1, NULL, on_row);
}

void vgw_api_campaign_show(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    if (state_new(r))
        show(r);
}

void vgw_api_campaign_report(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct campaign *c = state_new(r);
    char *format = c ? vgw_api_param(r, "format") : NULL;
    if (!c)
        return;
    c->csv = vgw_streq(format, "csv");
    c->cursor = vgw_api_param(r, "cursor");
    vgw_free(format);
    show(r);
}

static void on_list(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    struct vgw_json *items = vgw_json_array();
    size_t n = vgw_json_count(rows);
    uint32_t limit = VGW_API_LIMIT_DEFAULT;
    if (status < 0) {
        vgw_json_free(items);
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    if (!vgw_api_limit(r, &limit)) {
        vgw_json_free(items);
        vgw_json_free(rows);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (vgw_api_may_see_row(r, vgw_json_at(rows, i)))
            vgw_json_append(items, vgw_campaign_show(vgw_json_at(rows, i), NULL));
    const char *cursor = n >= limit ? vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", NULL) : NULL;
    vgw_api_reply(r, 200, vgw_api_list("campaigns", items, cursor));
    vgw_json_free(rows);
}

void vgw_api_campaign_list(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    static const char *const filters[] = {"status", "name", "project_id", NULL};
    uint32_t limit;
    if (!vgw_api_limit(r, &limit))
        return;
    struct vgw_json *filter = vgw_json_object();
    char *cursor = vgw_api_param(r, "cursor");
    vgw_api_filter(r, filters, filter);
    vgw_api_query(r, "campaigns", filter, limit, cursor, on_list);
    vgw_free(cursor);
}

/* ---- changing ---- */

static void on_done(void *arg, int status, const char *sentence)
{
    struct vgw_api_request *r = arg;
    if (status < 0)
        vgw_api_fail(r, status, NULL, sentence);
    else
        show(r);
}

void vgw_api_campaign_create(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct campaign *c = state_new(r);
    if (!c)
        return;
    struct vgw_delivery *d = r->api->env.delivery;
    const char *own = vgw_grant_project(r->grant);
    const char *project = vgw_json_get_string(r->body, "project_id", own ? own : "default");
    struct vgw_json *errors, *row = NULL;
    if (!vgw_api_may_see(r, project)) {
        vgw_api_problem(r, 403, "this token may not use that project_id", NULL);
        return;
    }
    errors = vgw_json_array();
    int rc = vgw_campaign_read(vgw_delivery_settings_of(d), r->body, project, vgw_wall(r->api->env.loop), errors, &row);
    if (rc == VGW_EINVALID) {
        vgw_api_problem(r, 422, "the campaign has errors", errors);
        return;
    }
    vgw_json_free(errors);
    if (rc == 0) {
        vgw_strcopy(c->id, sizeof c->id, vgw_json_get_string(row, "campaign_id", ""));
        rc = vgw_campaign_create(d, row, on_done, r);
    }
    if (rc < 0)
        busy(r);
}

static void change(struct vgw_api_request *r)
{
    static const char *const words[] = {"paused", "running", "canceled"};
    const struct campaign *c = r->state;
    struct vgw_message_campaign about;
    struct vgw_error err = {0};
    struct vgw_delivery *d = r->api->env.delivery;
    if (!vgw_campaign_about(d, c->id, &about) || !vgw_api_may_see(r, about.project_id)) {
        vgw_api_not_found(r, "campaign", c->id);
        return;
    }
    int code = r->route->code;
    if (vgw_campaign_set(d, c->id, words[code], code == 0 ? "asked for" : NULL, on_done, r, &err) < 0)
        vgw_api_fail_error(r, &err);
}

static void on_loaded(void *arg, int status, const char *sentence)
{
    if (status < 0 && status != VGW_ENOTFOUND)
        vgw_api_fail(arg, status, NULL, sentence);
    else
        change(arg);
}

void vgw_api_campaign_change(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct campaign *c = state_new(r);
    struct vgw_message_campaign about;
    if (!c)
        return;
    if (vgw_campaign_about(r->api->env.delivery, c->id, &about))
        change(r);
    else if (vgw_campaign_load(r->api->env.delivery, c->id, on_loaded, r) < 0)
        busy(r);
}
