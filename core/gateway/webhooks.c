/* webhooks.c - events as webhooks out: to each of `webhooks:`, and to a provider's status_callback_url. What is to go
 * stands in the store's outbox before it goes and leaves it when the receiver took it, so a restart loses none; an
 * endpoint that is far behind is served from there, a page at a time. */
#include <string.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/gateway_private.h"
#include "net/outbox.h"
#include "store/record.h"
#include "store/store.h"

#define MEMORY_MAX 500u /* messages of one receiver in memory; the rest waits in the store */
#define PAGE 200u
#define TYPES_MAX 64u /* of one receiver's filter */

struct hook {
    char *url, *secret, *provider; /* provider NULL: events of all */
    char *profile;                 /* of messages: their events alone; NULL: all */
    char *types[TYPES_MAX];        /* names, or globs as "call_*"; none: all */
    size_t type_count;
    int64_t loaded; /* sequence up to which the store was read */
    bool behind;    /* new messages go to the store alone until what is there has been read */
    bool reading, missed;
    bool refused; /* the last message was not taken; said once */
};

struct vgw_webhooks {
    struct vgw_gateway *g;
    struct vgw_outbox *outbox;
    struct vgw_rng rng;
    struct vgw_bus_sub *sub;
    struct hook *hooks;
    size_t count;
    uint64_t round; /* of the configuration: answers of an earlier one are for nobody */
    struct vgw_list reads;
};

struct reading { /* a page that is being read */
    struct vgw_list link;
    struct vgw_webhooks *w; /* NULL: it has gone */
    uint64_t round;
    size_t hook;
};

static void hook_done(struct hook *h)
{
    if (h->secret)
        explicit_bzero(h->secret, strlen(h->secret));
    vgw_free(h->url);
    vgw_free(h->secret);
    vgw_free(h->provider);
    vgw_free(h->profile);
    for (size_t i = 0; i < h->type_count; i++)
        vgw_free(h->types[i]);
}

static void hooks_free(struct vgw_webhooks *w)
{
    for (size_t i = 0; i < w->count; i++)
        hook_done(&w->hooks[i]);
    vgw_free(w->hooks);
    w->hooks = NULL;
    w->count = 0;
}

/* ---- the configuration ---- */

static const char *secret_text(const struct vgw_options *o, const char *name)
{
    const struct vgw_secret *s = vgw_options_secret(o, name);
    return s ? vgw_secret_reveal(s) : NULL;
}

static void check_secret(const struct vgw_options *o, const char *name, struct vgw_config_errors *errors)
{
    struct vgw_buf out = {0};
    const char *secret = secret_text(o, name);
    if (secret && vgw_webhook_sign(secret, "check", 1, "", 0, &out) < 0)
        vgw_options_error(o, name, errors,
                          "the secret of a webhook is whsec_ and 24 to 64 random bytes in base64; make one by: echo "
                          "whsec_$(openssl rand -base64 32)");
    vgw_buf_done(&out);
}

void vgw_gateway_webhooks_check(const struct vgw_plan *plan, struct vgw_config_errors *errors)
{
    for (size_t i = 0; i < vgw_options_count(plan->main, "webhooks"); i++) {
        const struct vgw_options *o = vgw_options_section_at(plan->main, "webhooks", i);
        check_secret(o, "secret", errors);
        for (size_t k = 0; k < i; k++) {
            const struct vgw_options *other = vgw_options_section_at(plan->main, "webhooks", k);
            if (vgw_streq(vgw_options_string(o, "url"), vgw_options_string(other, "url")))
                vgw_options_error(o, "url", errors,
                                  "this address is there already; join the two, with all their events");
        }
        if (vgw_options_count(o, "events") > TYPES_MAX)
            vgw_options_error(o, "events", errors, "at most %u; leave events out to get all", TYPES_MAX);
    }
    for (size_t i = 0; i < plan->recipe_count; i++) {
        if (vgw_streq(plan->recipes[i]->section, "providers") && plan->recipes[i]->options)
            check_secret(plan->recipes[i]->options, "status_callback_secret", errors);
    }
}

static bool hook_fill(struct hook *h, const char *url, const char *secret, const char *provider)
{
    *h = (struct hook){.url = vgw_strdup(url),
                       .secret = secret && *secret ? vgw_strdup(secret) : NULL,
                       .provider = vgw_strdup(provider),
                       .behind = true};
    return h->url && (!secret || !*secret || h->secret) && (!provider || h->provider);
}

/* `webhook_config` of the profiles of messages. */
static bool profile_hooks(const struct vgw_plan *plan, struct hook *hooks, size_t *count)
{
    bool fine = true;
    for (size_t i = 0; fine && i < vgw_options_count(plan->main, "voice_configs"); i++) {
        const char *name = vgw_options_item_key(plan->main, "voice_configs", i);
        const struct vgw_profile *p = vgw_delivery_profile(plan->delivery, name);
        const struct vgw_json *config = p ? p->webhook_config : NULL, *events = vgw_json_get(config, "events");
        const char *url = vgw_json_get_string(config, "url", NULL);
        if (!url)
            continue;
        struct hook *h = &hooks[(*count)++];
        fine = hook_fill(h, url, vgw_json_get_string(config, "secret", NULL), NULL) &&
               (h->profile = vgw_strdup(name)) != NULL;
        for (size_t k = 0; fine && k < vgw_json_count(events) && k < TYPES_MAX; k++)
            if (vgw_json_str(vgw_json_at(events, k)))
                fine = (h->types[h->type_count++] = vgw_strdup(vgw_json_str(vgw_json_at(events, k)))) != NULL;
    }
    return fine;
}

static int hooks_make(struct vgw_webhooks *w, const struct vgw_plan *plan)
{
    size_t n = vgw_options_count(plan->main, "webhooks");
    struct hook *hooks =
        vgw_calloc(n + plan->recipe_count + vgw_options_count(plan->main, "voice_configs") + 1, sizeof *hooks);
    bool fine = hooks != NULL;
    size_t count = 0;
    for (size_t i = 0; fine && i < n; i++) {
        const struct vgw_options *o = vgw_options_section_at(plan->main, "webhooks", i);
        struct hook *h = &hooks[count++];
        fine = hook_fill(h, vgw_options_string(o, "url"), secret_text(o, "secret"), NULL);
        for (size_t k = 0; fine && k < vgw_options_count(o, "events") && k < TYPES_MAX; k++)
            fine = (h->types[h->type_count++] = vgw_strdup(vgw_options_item(o, "events", k))) != NULL;
    }
    for (size_t i = 0; fine && i < plan->recipe_count; i++) {
        const struct vgw_recipe *r = plan->recipes[i];
        const char *url = vgw_streq(r->section, "providers") && r->options
                              ? vgw_options_string(r->options, "status_callback_url")
                              : NULL;
        if (url && *url)
            fine = hook_fill(&hooks[count++], url, secret_text(r->options, "status_callback_secret"), r->name);
    }
    fine = fine && profile_hooks(plan, hooks, &count);
    struct vgw_webhooks old = *w;
    w->hooks = hooks;
    w->count = count;
    if (!fine) {
        hooks_free(w);
        w->hooks = old.hooks;
        w->count = old.count;
        return VGW_ELIMIT;
    }
    hooks_free(&old);
    w->round++;
    return 0;
}

/* ---- out ---- */

static int send_it(void *arg, const struct vgw_client_request *request, struct vgw_error *err)
{
    struct vgw_webhooks *w = arg;
    struct vgw_client *client = vgw_gateway_client_of(w->g, w->g->loop);
    return client ? vgw_client_send(client, request, NULL, err)
                  : vgw_error_set(err, VGW_EBUSY, "no HTTP client: the gateway ends");
}

static void write_op(struct vgw_webhooks *w, const char *op, const char *id, struct vgw_json *values, bool journalled)
{
    struct vgw_json *key = vgw_json_object();
    vgw_json_set_string(key, "outbox_id", id);
    struct vgw_json *doc = vgw_record_op(op, "outbox", key, values, NULL);
    if (w->g->store)
        (void)vgw_store_write(w->g->store, doc, journalled ? VGW_STORE_JOURNALLED : VGW_STORE_QUEUED, NULL);
    else
        vgw_json_free(doc);
}

static void read_more(struct vgw_webhooks *w, size_t i);

static void post(struct vgw_webhooks *w, struct hook *h, const char *id, const char *order, const char *body)
{
    struct vgw_error err = {0};
    int rc = vgw_outbox_post(w->outbox, h->url, true, h->secret, id, order, body, strlen(body), &err);
    if (rc < 0 && !h->refused)
        vgw_log(VGW_LOG_WARNING, NULL, "webhooks wait in the store", "url", h->url, "error", err.text, NULL);
    h->refused = rc < 0;
}

/* {"type","timestamp","data": the event} (Standard Webhooks 1.0.0, payload structure). */
static char *body_of(struct vgw_event *e)
{
    char time[VGW_TIME_TEXT];
    size_t len = 0;
    const char *text = vgw_event_text(e, &len);
    struct vgw_buf b = {0};
    vgw_buf_adds(&b, "{\"type\":");
    vgw_json_quote(&b, e->name, strlen(e->name));
    vgw_buf_printf(&b, ",\"timestamp\":\"%s\",\"data\":", vgw_time_format(e->wall_us, time));
    vgw_buf_add(&b, text ? text : "null", text ? len : 4);
    vgw_buf_adds(&b, "}");
    return vgw_buf_take(&b);
}

/* An event of a message bears its profile's name; without one it is the default's. */
static bool of_profile(const char *profile, const struct vgw_event *e)
{
    const struct vgw_json *data = vgw_event_data(e);
    return vgw_starts_with(e->name, "message_") && vgw_json_has(data, "thread_id") &&
           vgw_streq(vgw_json_get_string(data, "voice_config", "default"), profile);
}

static bool wanted(const struct hook *h, const struct vgw_event *e)
{
    if (h->profile && !of_profile(h->profile, e))
        return false;
    if (h->provider && !vgw_streq(h->provider, e->about.provider))
        return false;
    for (size_t i = 0; i < h->type_count; i++) {
        if (vgw_glob_match(h->types[i], e->name))
            return true;
    }
    return h->type_count == 0;
}

static void take(struct vgw_webhooks *w, struct hook *h, struct vgw_event *e, const char *body)
{
    char id[VGW_ID_MAX];
    const char *order = e->about.call_id ? e->about.call_id : e->about.session_id ? e->about.session_id : "";
    int64_t now_us = vgw_wall(w->g->loop);
    struct vgw_json *v = vgw_json_object();
    vgw_id_make("msg", now_us, NULL, id);
    vgw_json_set_string(v, "endpoint", h->url);
    vgw_json_set_string(v, "order_key", order);
    vgw_json_set_int(v, "sequence", (int64_t)e->id);
    vgw_json_set_string(v, "type", e->name);
    vgw_json_set_string(v, "body", body);
    vgw_json_set_string(v, "status", "queued");
    vgw_json_set_int(v, "due_at", now_us);
    vgw_json_set_int(v, "created_at", now_us);
    vgw_json_set_int(v, "updated_at", now_us);
    vgw_json_set_string(v, "call_id", e->about.call_id);
    vgw_json_set_string(v, "project_id", e->about.project_id);
    vgw_json_set_string(v, "node", vgw_gateway_node(w->g));
    write_op(w, "insert", id, v, true);
    if (!w->g->store || (!h->behind && vgw_outbox_endpoint_count(w->outbox, h->url) < MEMORY_MAX)) {
        h->loaded = (int64_t)e->id;
        post(w, h, id, order, body);
        return;
    }
    h->behind = h->missed = true;
    if (!h->reading)
        read_more(w, (size_t)(h - w->hooks));
}

static void on_event(void *arg, struct vgw_event *e)
{
    struct vgw_webhooks *w = arg;
    char *body = NULL;
    for (size_t i = 0; i < w->count; i++) {
        if (!wanted(&w->hooks[i], e))
            continue;
        if (!body && !(body = body_of(e))) {
            vgw_metric_dropped("webhook_memory");
            return;
        }
        take(w, &w->hooks[i], e, body);
    }
    vgw_free(body);
}

/* ---- from the store ---- */

static void on_page(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct reading *r = arg;
    struct vgw_webhooks *w = r->w;
    size_t i = r->hook;
    bool stale = !w || r->round != w->round || i >= w->count;
    vgw_list_remove(&r->link);
    vgw_free(r);
    if (stale)
        return;
    struct hook *h = &w->hooks[i];
    h->reading = false;
    if (status < 0) {
        vgw_log(VGW_LOG_WARNING, NULL, "webhooks that wait cannot be read from the store", "url", h->url, "error",
                sentence, NULL);
        return; /* the next event or delivery tries again */
    }
    size_t n = vgw_json_count(rows);
    for (size_t k = 0; k < n; k++) {
        const struct vgw_json *row = vgw_json_at(rows, k);
        h->loaded = vgw_json_get_int(row, "sequence", h->loaded);
        post(w, h, vgw_json_get_string(row, "outbox_id", ""), vgw_json_get_string(row, "order_key", ""),
             vgw_json_get_string(row, "body", ""));
    }
    if (n < PAGE && !h->missed)
        h->behind = false;
    else
        read_more(w, i);
}

static void read_more(struct vgw_webhooks *w, size_t i)
{
    struct hook *h = &w->hooks[i];
    struct reading *r;
    if (!w->g->store || h->reading || vgw_outbox_endpoint_count(w->outbox, h->url) + PAGE > MEMORY_MAX || !VGW_NEW(r))
        return;
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "endpoint", h->url);
    vgw_json_set_string(filter, "status", "queued");
    if (vgw_gateway_store_shared(w->g))
        vgw_json_set_string(filter, "node", vgw_gateway_node(w->g));
    vgw_json_set_int(filter, "sequence>", h->loaded);
    vgw_json_set_string(filter, "order", "asc");
    *r = (struct reading){.w = w, .round = w->round, .hook = i};
    h->missed = false;
    h->reading = true;
    vgw_list_append(&w->reads, &r->link);
    if (vgw_store_query(w->g->store, "outbox", filter, PAGE, NULL, on_page, r) < 0) {
        h->reading = false;
        vgw_list_remove(&r->link);
        vgw_free(r);
    }
    vgw_json_free(filter);
}

static void serve_those_behind(struct vgw_webhooks *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->hooks[i].behind)
            read_more(w, i);
    }
}

static void on_delivered(void *arg, const char *id, unsigned attempts)
{
    struct vgw_webhooks *w = arg;
    write_op(w, "delete", id, NULL, false);
    serve_those_behind(w);
}

static void on_parked(void *arg, const char *id, const char *url, const char *why)
{
    struct vgw_webhooks *w = arg;
    struct vgw_json *v = vgw_json_object();
    vgw_json_set_string(v, "status", "dead");
    vgw_json_set_string(v, "last_error", why);
    vgw_json_set_int(v, "updated_at", vgw_wall(w->g->loop));
    write_op(w, "update", id, v, true);
    vgw_log(VGW_LOG_ERROR, NULL, "a webhook is given up; it can be sent again by voicegwctl webhook-replay", "url", url,
            "webhook_id", id, "error", why, NULL);
    serve_those_behind(w);
}

static void on_disabled(void *arg, const char *url)
{
    vgw_log(VGW_LOG_ERROR, NULL, "a receiver of webhooks says that it is gone (410): nothing more is sent to it", "url",
            url, NULL);
}

/* ---- replay ---- */

struct replay {
    struct vgw_gateway *g;
    vgw_gateway_replay_fn done;
    void *arg;
};

static void on_row(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct replay *r = arg;
    struct vgw_webhooks *w = r->g->webhooks;
    const struct vgw_json *row = vgw_json_at(rows, 0);
    const char *url = vgw_json_get_string(row, "endpoint", ""), *id = vgw_json_get_string(row, "outbox_id", "");
    struct hook *h = NULL;
    for (size_t i = 0; w && i < w->count; i++)
        h = vgw_streq(w->hooks[i].url, url) ? &w->hooks[i] : h;
    if (status < 0)
        r->done(r->arg, status, sentence);
    else if (!row)
        r->done(r->arg, VGW_ENOTFOUND, "no webhook of that id is kept: it was delivered, or never was");
    else if (!vgw_streq(vgw_json_get_string(row, "status", ""), "dead"))
        r->done(r->arg, VGW_EBUSY, "the webhook is on its way still");
    else if (!h)
        r->done(r->arg, VGW_ECONFIG, "its receiver is not configured any more");
    else {
        struct vgw_json *v = vgw_json_object();
        vgw_json_set_string(v, "status", "queued");
        vgw_json_set_int(v, "updated_at", vgw_wall(r->g->loop));
        write_op(w, "update", id, v, true);
        (void)vgw_outbox_enable(w->outbox, url);
        post(w, h, id, vgw_json_get_string(row, "order_key", ""), vgw_json_get_string(row, "body", ""));
        r->done(r->arg, VGW_OK, "");
    }
    vgw_free(r);
}

void vgw_gateway_webhook_replay(struct vgw_gateway *g, const char *id, vgw_gateway_replay_fn done, void *arg)
{
    struct replay *r = NULL;
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "outbox_id", id);
    int rc = VGW_ESTORAGE;
    if (g->store && VGW_NEW(r)) {
        *r = (struct replay){g, done, arg};
        rc = vgw_store_query(g->store, "outbox", filter, 1, NULL, on_row, r);
    }
    vgw_json_free(filter);
    if (rc < 0) {
        vgw_free(r);
        done(arg, rc, g->store ? "too many requests to the store; try again in a moment" : "there is no store");
    }
}

/* ---- life ---- */

int vgw_gateway_webhooks_open(struct vgw_gateway *g, struct vgw_error *err)
{
    struct vgw_webhooks *w;
    uint64_t seed = 0;
    if (!VGW_NEW(w))
        return vgw_error_nomem(err);
    w->g = g;
    vgw_list_init(&w->reads);
    vgw_random_bytes(&seed, sizeof seed);
    vgw_rng_seed(&w->rng, seed);
    const struct vgw_outbox_events events = {on_delivered, on_parked, on_disabled, w};
    int rc = vgw_outbox_new(g->loop, send_it, w, &w->rng, NULL, &events, &w->outbox, err);
    if (rc == 0 && (rc = hooks_make(w, g->plan)) < 0)
        vgw_error_nomem(err);
    if (rc == 0 && !(w->sub = vgw_bus_subscribe(g->bus, VGW_EVENT_ALL, on_event, w)))
        rc = vgw_error_nomem(err);
    g->webhooks = w;
    if (rc == 0)
        serve_those_behind(w);
    return rc;
}

void vgw_gateway_webhooks_reloaded(struct vgw_gateway *g)
{
    struct vgw_webhooks *w = g->webhooks;
    if (!w)
        return;
    struct hook *before = w->hooks;
    size_t count = w->count;
    w->hooks = NULL;
    w->count = 0;
    if (hooks_make(w, g->plan) < 0) {
        w->hooks = before;
        w->count = count;
        vgw_log(VGW_LOG_ERROR, NULL, "out of memory: the webhooks stay as they were", NULL);
        return;
    }
    for (size_t i = 0; i < w->count; i++) { /* who was served up to now goes on from there; new ones begin now */
        struct hook *h = &w->hooks[i], *was = NULL;
        for (size_t k = 0; k < count; k++)
            was = vgw_streq(before[k].url, h->url) ? &before[k] : was;
        h->loaded = was ? was->loaded : 0;
        h->behind = !was || was->behind;
    }
    struct vgw_webhooks old = {.hooks = before, .count = count};
    hooks_free(&old);
    serve_those_behind(w);
}

void vgw_gateway_webhooks_close(struct vgw_gateway *g)
{
    struct vgw_webhooks *w = g->webhooks;
    struct vgw_list *pos, *next;
    if (!w)
        return;
    g->webhooks = NULL;
    vgw_bus_unsubscribe(w->sub);
    VGW_LIST_EACH (pos, next, &w->reads) {
        VGW_CONTAINER_OF(pos, struct reading, link)->w = NULL;
        vgw_list_remove(pos);
    }
    vgw_outbox_free(w->outbox);
    hooks_free(w);
    vgw_free(w);
}
