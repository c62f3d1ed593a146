/* feed.c - which events a client gets, and from where on. */
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

static void on_feed_wake(void *arg)
{
    struct vgw_api_feed *feed = arg;
    feed->wake(feed);
}

/* The feed follows the ring from now on. */
static int join_ring(struct vgw_api_feed *feed, uint64_t last)
{
    int status = vgw_feed_open(feed->api->env.bus, last, on_feed_wake, feed, &feed->feed);
    if (status != VGW_OK)
        return status;
    vgw_past_free(feed->past);
    feed->past = NULL;
    return VGW_OK;
}

static void refuse(struct vgw_api_feed *feed, int http_status, const char *detail)
{
    vgw_api_refuse(feed->api, feed->exchange, http_status, detail, NULL);
    vgw_api_feed_done(feed);
    feed->opened(feed, false);
}

static void settle(struct vgw_api_feed *feed)
{
    if (vgw_api_grant_holds(feed->api, feed->grant)) {
        vgw_list_append(&feed->api->feeds, &feed->link);
        feed->opened(feed, true);
    } else {
        refuse(feed, 401, "the token is no longer valid");
    }
}

static void on_past_open(void *arg, int status)
{
    struct vgw_api_feed *feed = arg;
    if (status == VGW_OK) {
        settle(feed);
    } else if (status == VGW_EBUSY) { /* the front is gone too */
        feed->past = NULL;
        vgw_api_feed_done(feed);
        feed->opened(feed, false);
    } else if (vgw_past_last(feed->past) == 0 && join_ring(feed, 0) == VGW_OK) {
        settle(feed);
    } else if (status == VGW_ENOTFOUND) {
        refuse(feed, 410,
               "neither the log nor the store goes back to this event; begin again without Last-Event-ID, or with 0");
    } else {
        refuse(feed, 503, "the events since then cannot be read from the store now; try again later");
    }
}

static void open_past(struct vgw_api_feed *feed, uint64_t last)
{
    feed->past = vgw_past_new(feed->api, last, on_feed_wake, feed);
    if (feed->past)
        vgw_past_open(feed->past, on_past_open);
    else
        refuse(feed, 503, "out of memory; try again in a moment");
}

void vgw_api_feed_open(struct vgw_api *api, struct vgw_api_feed *feed, uint64_t exchange,
                       const struct vgw_http_request *http, struct vgw_grant *grant)
{
    uint64_t last = VGW_FEED_NEW;
    feed->api = api;
    feed->exchange = exchange;
    feed->grant = vgw_grant_ref(grant);
    api->feed_count++;
    vgw_feed_filter_read(http->query, &feed->filter);
    if (!api->env.bus || api->feed_count > VGW_API_FEEDS_MAX) {
        refuse(feed, 503, "too many event feeds are open; close one, or try again later");
        return;
    }
    if (!resume_point(http, &last)) {
        refuse(feed, 422, "Last-Event-ID and since must be the id of an event");
        return;
    }
    const struct vgw_ring *ring = vgw_bus_ring(api->env.bus);
    bool is_past = last + 1 < vgw_ring_oldest(ring) && last != VGW_FEED_NEW;
    if (is_past && api->env.store_query) {
        open_past(feed, last);
        return;
    }
    int status = join_ring(feed, last);
    if (status == VGW_OK)
        settle(feed);
    else if (status == VGW_ENOTFOUND)
        refuse(feed, 410,
               "the log does not hold what came after this event; begin again without Last-Event-ID, or with 0");
    else
        refuse(feed, 503, "too many event feeds are open; try again later");
}

/* The ring has overtaken a reader whose client keeps up: a burst was longer than the ring. The store has it. */
static enum vgw_feed_result turn_back(struct vgw_api_feed *feed, struct vgw_event **ret_event)
{
    if (feed->lagged || !feed->api->env.store_query)
        return VGW_FEED_GAP;
    feed->past = vgw_past_new(feed->api, vgw_feed_last(feed->feed), on_feed_wake, feed);
    if (!feed->past)
        return VGW_FEED_GAP;
    vgw_feed_close(feed->feed);
    feed->feed = NULL;
    return vgw_past_next(feed->past, ret_event) == VGW_PAST_WAIT ? VGW_FEED_EMPTY : VGW_FEED_GAP;
}

static enum vgw_feed_result next_of_ring(struct vgw_api_feed *feed, struct vgw_event **ret_event)
{
    enum vgw_feed_result result = vgw_feed_next(feed->feed, ret_event);
    feed->lagged = feed->lagged && result != VGW_FEED_EMPTY;
    return result == VGW_FEED_GAP ? turn_back(feed, ret_event) : result;
}

enum vgw_feed_result vgw_api_feed_next(struct vgw_api_feed *feed, struct vgw_event **ret_event, const char **ret_reason)
{
    *ret_reason = "the client is too slow";
    if (!feed->past)
        return next_of_ring(feed, ret_event);
    enum vgw_past_result result = vgw_past_next(feed->past, ret_event);
    if (result == VGW_PAST_WAIT)
        return VGW_FEED_EMPTY;
    if (result == VGW_PAST_EVENT)
        return VGW_FEED_EVENT;
    if (result == VGW_PAST_JOIN && join_ring(feed, vgw_past_last(feed->past)) == VGW_OK)
        return next_of_ring(feed, ret_event);
    *ret_reason = "earlier events cannot be read now";
    return VGW_FEED_GAP;
}

void vgw_api_feed_blocked(struct vgw_api_feed *feed)
{
    if (!feed->blocked_since_us)
        feed->blocked_since_us = vgw_now(feed->api->env.loop);
}

static bool blocked_for(const struct vgw_api_feed *feed, int64_t span_us)
{
    return feed->blocked_since_us && vgw_now(feed->api->env.loop) - feed->blocked_since_us >= span_us;
}

void vgw_api_feed_took(struct vgw_api_feed *feed)
{
    feed->lagged = feed->lagged || blocked_for(feed, VGW_API_LAG_US);
    feed->blocked_since_us = 0;
}

bool vgw_api_feed_is_slow(const struct vgw_api_feed *feed)
{
    uint64_t oldest = vgw_ring_oldest(vgw_bus_ring(feed->api->env.bus));
    bool overtaken = feed->feed && vgw_feed_last(feed->feed) + 1 < oldest;
    return blocked_for(feed, overtaken ? VGW_API_LAG_US : VGW_API_SLOW_US);
}

uint64_t vgw_api_feed_last(const struct vgw_api_feed *feed)
{
    return feed->past ? vgw_past_last(feed->past) : feed->feed ? vgw_feed_last(feed->feed) : 0;
}

void vgw_api_feed_done(struct vgw_api_feed *feed)
{
    if (!feed->api)
        return;
    vgw_timer_stop(&feed->timer);
    vgw_list_remove(&feed->link);
    feed->api->feed_count--;
    vgw_past_free(feed->past);
    vgw_feed_close(feed->feed);
    vgw_feed_filter_done(&feed->filter);
    vgw_grant_unref(feed->grant);
    feed->api = NULL;
}
