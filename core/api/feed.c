/* feed.c - which events a client gets, and from where on. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"
#include "event/ring.h"

void vgw_feed_filter_read(const char *query, struct vgw_feed_filter *filter)
{
    struct vgw_http_request http = {.query = query};
    filter->types = vgw_http_query(&http, "types");
    if (!filter->types)
        filter->types = vgw_http_query(&http, "type");
    filter->call_id = vgw_http_query(&http, "call_id");
    filter->session_id = vgw_http_query(&http, "session_id");
    filter->project_id = vgw_http_query(&http, "project_id");
    filter->provider = vgw_http_query(&http, "provider");
}

void vgw_feed_filter_done(struct vgw_feed_filter *filter)
{
    vgw_free(filter->types);
    vgw_free(filter->call_id);
    vgw_free(filter->session_id);
    vgw_free(filter->project_id);
    vgw_free(filter->provider);
    *filter = (struct vgw_feed_filter){0};
}

static bool type_fits(const char *types, const char *name)
{
    char one[96];
    for (const char *p = types; *p; p += strcspn(p, ","), p += *p == ',') {
        if (vgw_strncopy(one, sizeof one, p, strcspn(p, ",")) && vgw_glob_match(one, name))
            return true;
    }
    return false;
}

bool vgw_feed_filter_takes(const struct vgw_feed_filter *f, const struct vgw_grant *grant, const struct vgw_event *e)
{
    const struct vgw_event_about *a = &e->about;
    if (!vgw_grant_sees(grant, a->project_id))
        return false;
    if (f->types && *f->types && !type_fits(f->types, e->name))
        return false;
    if (f->call_id && !vgw_streq(f->call_id, a->call_id) && !vgw_streq(f->call_id, a->provider_call_id))
        return false;
    if (f->session_id && !vgw_streq(f->session_id, a->session_id))
        return false;
    if (f->project_id && !vgw_streq(f->project_id, a->project_id))
        return false;
    return !f->provider || vgw_streq(f->provider, a->provider);
}

/* True and the id from which to go on; false: the text is no id. */
static bool resume_point(const struct vgw_http_request *http, uint64_t *ret_last)
{
    const char *header = vgw_http_header(http, "Last-Event-ID");
    char *text = header && *header ? vgw_strdup(header) : vgw_http_query(http, "since");
    int64_t id = 0;
    bool fits = true;
    *ret_last = VGW_FEED_NEW;
    if (!text)
        text = vgw_http_query(http, "last_event_id");
    if (text && *text) {
        fits = vgw_parse_i64(text, &id) && id >= 0;
        *ret_last = (uint64_t)id;
    }
    vgw_free(text);
    return fits;
}

bool vgw_api_feed_open(struct vgw_api *api, struct vgw_api_feed *feed, uint64_t exchange,
                       const struct vgw_http_request *http, struct vgw_grant *grant, void (*wake)(void *arg), void *arg)
{
    uint64_t last;
    char detail[160];
    if (!api->env.bus || api->feed_count >= VGW_API_FEEDS_MAX) {
        vgw_api_refuse(api, exchange, 503, "too many event feeds are open; close one, or try again later", NULL);
        return false;
    }
    if (!resume_point(http, &last)) {
        vgw_api_refuse(api, exchange, 422, "Last-Event-ID and since must be the id of an event", NULL);
        return false;
    }
    int status = vgw_feed_open(api->env.bus, last, wake, arg, &feed->feed);
    if (status == VGW_ENOTFOUND) {
        snprintf(detail, sizeof detail,
                 "the log goes back to event %llu only; begin again without Last-Event-ID, or with 0",
                 (unsigned long long)vgw_ring_oldest(vgw_bus_ring(api->env.bus)));
        vgw_api_refuse(api, exchange, 410, detail, NULL);
        return false;
    }
    if (status != VGW_OK) {
        vgw_api_refuse(api, exchange, 503, "too many event feeds are open; try again later", NULL);
        return false;
    }
    feed->api = api;
    feed->grant = vgw_grant_ref(grant);
    vgw_feed_filter_read(http->query, &feed->filter);
    vgw_list_append(&api->feeds, &feed->link);
    api->feed_count++;
    return true;
}

void vgw_api_feed_done(struct vgw_api_feed *feed)
{
    if (!feed->feed)
        return;
    vgw_timer_stop(&feed->timer);
    vgw_list_remove(&feed->link);
    feed->api->feed_count--;
    vgw_feed_close(feed->feed);
    vgw_feed_filter_done(&feed->filter);
    vgw_grant_unref(feed->grant);
    feed->feed = NULL;
}
