/* outbox.c - signed webhooks with retries. */
#include "net/outbox.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "net/tls.h"
#include <stdio.h>
#include <string.h>

#define KEY_MIN 24
#define KEY_MAX 64
#define RETRY_AFTER_MAX_S 86400

struct endpoint;

struct message {
    struct vgw_list link; /* endpoint->messages, oldest first */
    struct endpoint *endpoint;
    struct message *before, *after; /* of the same order: it waits until there is none before it */
    int64_t due_us;
    unsigned attempts;
    size_t len;
    uint64_t order; /* hash of its order key; 0: none */
    bool sending;
    char *id, *secret, *body;
};

struct endpoint {
    struct vgw_list link;
    struct vgw_outbox *outbox; /* NULL: freed while answers were under way */
    struct vgw_list messages;
    struct vgw_timer timer; /* the next attempt that is due */
    unsigned sending;
    char *url;
    size_t count, bytes;
    bool trusted, disabled;
};

struct vgw_outbox {
    struct vgw_loop *loop;
    vgw_outbox_send_fn send;
    void *send_arg;
    struct vgw_rng *rng;
    struct vgw_outbox_limits limits;
    struct vgw_outbox_events events;
    struct vgw_list endpoints;
    unsigned endpoint_count;
    struct vgw_metric *m_dropped, *m_sent, *m_pending;
};

int64_t vgw_webhook_delay_us(unsigned attempt)
{
    static const int64_t seconds[] = {0,        5,         5 * 60,    30 * 60,   2 * 3600,
                                      5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600};
    return attempt < sizeof seconds / sizeof *seconds ? seconds[attempt] * VGW_US_PER_S : -1;
}

static long decode_key(const char *secret, uint8_t *key)
{
    if (!vgw_starts_with(secret, "whsec_"))
        return -1;
    long n = vgw_base64_decode(secret + 6, strlen(secret + 6), key, KEY_MAX);
    return n >= KEY_MIN ? n : -1;
}

int vgw_webhook_sign(const char *secret, const char *id, int64_t unix_s, const void *body, size_t len,
                     struct vgw_buf *out)
{
    uint8_t key[KEY_MAX], mac[VGW_DIGEST_MAX];
    struct vgw_buf text = {0};
    long n = decode_key(secret, key);
    if (n < 0 || !*id || strchr(id, '.'))
        return VGW_EINVALID;
    vgw_buf_printf(&text, "%s.%lld.", id, (long long)unix_s);
    vgw_buf_add(&text, body, len);
    int size = text.failed ? VGW_ELIMIT : vgw_hmac(VGW_DIGEST_SHA256, key, (size_t)n, text.data, text.len, mac);
    explicit_bzero(key, sizeof key);
    vgw_buf_done(&text);
    if (size < 0)
        return size;
    vgw_buf_adds(out, "v1,");
    vgw_base64_encode(out, mac, (size_t)size);
    return out->failed ? VGW_ELIMIT : 0;
}

/* ---- messages and endpoints ---- */

static void message_free(struct message *m)
{
    if (m->secret)
        explicit_bzero(m->secret, strlen(m->secret));
    vgw_free(m->secret);
    vgw_free(m->id);
    vgw_free(m->body);
    vgw_free(m);
}

static void message_remove(struct message *m)
{
    struct endpoint *e = m->endpoint;
    if (m->before)
        m->before->after = m->after;
    if (m->after)
        m->after->before = m->before;
    vgw_list_remove(&m->link);
    e->count--;
    e->bytes -= m->len;
    message_free(m);
    vgw_metric_set(e->outbox->m_pending, (double)vgw_outbox_count(e->outbox), NULL, NULL, NULL);
}

static void endpoint_free(struct endpoint *e)
{
    struct vgw_list *node;
    while ((node = vgw_list_pop(&e->messages)))
        message_free(VGW_CONTAINER_OF(node, struct message, link));
    vgw_timer_stop(&e->timer);
    vgw_list_remove(&e->link);
    vgw_free(e->url);
    vgw_free(e);
}

static void park(struct message *m, const char *why)
{
    struct vgw_outbox *o = m->endpoint->outbox;
    vgw_metric_add(o->m_sent, 1, "parked", NULL, NULL);
    if (o->events.on_parked)
        o->events.on_parked(o->events.arg, m->id, m->endpoint->url, why);
    message_remove(m);
}

/* Arms the timer for the message that may go first. */
static void schedule_next(struct endpoint *e)
{
    struct vgw_list *pos, *next;
    int64_t due_us = INT64_MAX, now_us = vgw_now(e->outbox->loop);
    vgw_timer_stop(&e->timer);
    if (e->disabled || e->sending >= e->outbox->limits.max_at_once)
        return;
    VGW_LIST_EACH (pos, next, &e->messages) {
        const struct message *m = VGW_CONTAINER_OF(pos, struct message, link);
        if (!m->sending && !m->before && m->due_us < due_us)
            due_us = m->due_us;
    }
    if (due_us != INT64_MAX)
        (void)vgw_timer_start(&e->timer, due_us > now_us ? due_us - now_us : 0);
}

static void disable(struct endpoint *e)
{
    struct vgw_outbox *o = e->outbox;
    struct vgw_list *pos, *next;
    e->disabled = true;
    if (o->events.on_disabled)
        o->events.on_disabled(o->events.arg, e->url);
    VGW_LIST_EACH (pos, next, &e->messages) {
        struct message *m = VGW_CONTAINER_OF(pos, struct message, link);
        if (!m->sending) /* others are told when their answers come */
            park(m, "the endpoint answered 410 Gone");
    }
}

/* Up to a tenth more, so that endpoints that failed together do not come back together. */
static int64_t jittered(struct vgw_outbox *o, int64_t delay_us)
{
    return delay_us + (int64_t)vgw_rng_below(o->rng, (uint64_t)(delay_us / 10) + 1);
}

static int64_t retry_after_us(const struct vgw_client_result *result)
{
    const char *text = vgw_client_header(result, "retry-after");
    int64_t seconds;
    if (!text || !vgw_parse_i64(text, &seconds) || seconds < 0)
        return 0;
    return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * VGW_US_PER_S;
}

static void retry(struct message *m, const struct vgw_client_result *result)
{
    struct endpoint *e = m->endpoint;
    int64_t delay = vgw_webhook_delay_us(m->attempts);
    if (delay < 0) {
        char why[160];
        if (result->http_status)
            (void)snprintf(why, sizeof why, "the last of %u attempts was answered with %d", m->attempts,
                           result->http_status);
        else
            (void)snprintf(why, sizeof why, "the last of %u attempts failed: %.100s", m->attempts, result->sentence);
        park(m, why);
        schedule_next(e);
        return;
    }
    delay = jittered(e->outbox, delay);
    int64_t asked = retry_after_us(result);
    m->due_us = vgw_now(e->outbox->loop) + (asked > delay ? asked : delay);
    schedule_next(e);
}

static void on_done(void *arg, const struct vgw_client_result *result)
{
    struct message *m = arg;
    struct endpoint *e = m->endpoint;
    struct vgw_outbox *o = e->outbox;
    m->sending = false;
    e->sending--;
    if (!o) {
        if (e->sending == 0)
            endpoint_free(e);
        return;
    }
    if (result->status == 0 && result->http_status / 100 == 2) {
        vgw_metric_add(o->m_sent, 1, "delivered", NULL, NULL);
        if (o->events.on_delivered)
            o->events.on_delivered(o->events.arg, m->id, m->attempts);
        message_remove(m);
        schedule_next(e);
    } else if (result->status == 0 && result->http_status == 410) {
        disable(e);
    } else if (e->disabled) {
        park(m, "the endpoint answered 410 Gone");
    } else {
        vgw_metric_add(o->m_sent, 1, "failed", NULL, NULL);
        retry(m, result);
    }
}

/* ---- sending ---- */

static int start(struct endpoint *e, struct message *m, struct vgw_error *err)
{
    struct vgw_outbox *o = e->outbox;
    char id[160], stamp[64];
    struct vgw_buf signature = {0};
    int64_t now_s = vgw_wall(o->loop) / VGW_US_PER_S;
    (void)snprintf(id, sizeof id, "webhook-id: %s", m->id);
    (void)snprintf(stamp, sizeof stamp, "webhook-timestamp: %lld", (long long)now_s);
    const char *headers[5] = {"Content-Type: application/json", id, stamp};
    vgw_buf_adds(&signature, "webhook-signature: ");
    if (m->secret && vgw_webhook_sign(m->secret, m->id, now_s, m->body, m->len, &signature) == 0)
        headers[3] = vgw_buf_str(&signature);
    struct vgw_client_request q = {.method = "POST",
                                   .url = e->url,
                                   .headers = headers,
                                   .body = m->body,
                                   .body_len = m->len,
                                   .timeout_us = o->limits.timeout_us,
                                   .max_body_bytes = 64 * 1024,
                                   .trusted = e->trusted,
                                   .on_done = on_done,
                                   .arg = m};
    int rc = o->send(o->send_arg, &q, err);
    vgw_buf_done(&signature);
    return rc;
}

static void attempt(struct endpoint *e, struct message *m)
{
    struct vgw_error err = {0};
    m->sending = true;
    m->attempts++;
    e->sending++;
    int rc = start(e, m, &err);
    if (rc < 0) {
        struct vgw_client_result failed = {.status = rc, .sentence = err.text};
        m->sending = false;
        e->sending--;
        retry(m, &failed);
    }
}

static void on_due(void *arg)
{
    struct endpoint *e = arg;
    struct vgw_list *pos, *next;
    int64_t now_us = vgw_now(e->outbox->loop);
    VGW_LIST_EACH (pos, next, &e->messages) {
        struct message *m = VGW_CONTAINER_OF(pos, struct message, link);
        if (e->disabled || e->sending >= e->outbox->limits.max_at_once)
            break;
        if (!m->sending && !m->before && m->due_us <= now_us)
            attempt(e, m);
    }
    schedule_next(e);
}

/* ---- the interface ---- */

int vgw_outbox_new(struct vgw_loop *loop, vgw_outbox_send_fn send, void *send_arg, struct vgw_rng *rng,
                   const struct vgw_outbox_limits *limits, const struct vgw_outbox_events *events,
                   struct vgw_outbox **ret_outbox, struct vgw_error *err)
{
    struct vgw_outbox *o;
    if (!VGW_NEW(o))
        return vgw_error_nomem(err);
    o->loop = loop;
    o->send = send;
    o->send_arg = send_arg;
    o->rng = rng;
    if (limits)
        o->limits = *limits;
    if (events)
        o->events = *events;
    struct vgw_outbox_limits *l = &o->limits;
    l->max_endpoints = l->max_endpoints ? l->max_endpoints : 256;
    l->max_messages = l->max_messages ? l->max_messages : 1000;
    l->max_at_once = l->max_at_once ? l->max_at_once : 4;
    l->max_bytes = l->max_bytes ? l->max_bytes : 4u << 20;
    l->timeout_us = l->timeout_us ? l->timeout_us : 20 * VGW_US_PER_S;
    vgw_list_init(&o->endpoints);
    o->m_dropped = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_webhook_dropped_total",
                                     "Webhooks refused because a queue was full.", NULL);
    o->m_sent = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_webhook_attempts_total", "Webhook attempts by outcome.",
                                  "outcome");
    o->m_pending =
        vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_webhook_pending", "Webhooks that wait for delivery.", NULL);
    *ret_outbox = o;
    return 0;
}

static struct endpoint *find(struct vgw_outbox *o, const char *url)
{
    struct vgw_list *pos, *next;
    VGW_LIST_EACH (pos, next, &o->endpoints) {
        struct endpoint *e = VGW_CONTAINER_OF(pos, struct endpoint, link);
        if (!strcmp(e->url, url))
            return e;
    }
    return NULL;
}

static struct endpoint *make_endpoint(struct vgw_outbox *o, const char *url)
{
    struct endpoint *e;
    struct vgw_list *pos, *next;
    /* An endpoint without work has nothing to remember. */
    if (o->endpoint_count >= o->limits.max_endpoints) {
        VGW_LIST_EACH (pos, next, &o->endpoints) {
            struct endpoint *idle = VGW_CONTAINER_OF(pos, struct endpoint, link);
            if (idle->count == 0 && !idle->disabled && !idle->sending) {
                endpoint_free(idle);
                o->endpoint_count--;
                break;
            }
        }
    }
    if (o->endpoint_count >= o->limits.max_endpoints || !VGW_NEW(e))
        return NULL;
    e->url = vgw_strdup(url);
    if (!e->url) {
        vgw_free(e);
        return NULL;
    }
    e->outbox = o;
    vgw_list_init(&e->messages);
    vgw_timer_init(&e->timer, o->loop, on_due, e);
    vgw_list_append(&o->endpoints, &e->link);
    o->endpoint_count++;
    return e;
}

/* The last message of the same order, so that it goes first. */
static void keep_order(struct endpoint *e, struct message *m, const char *order)
{
    m->order = order && *order ? vgw_hash64(order, strlen(order)) | 1 : 0;
    for (struct vgw_list *pos = e->messages.prev; m->order && pos != &e->messages; pos = pos->prev) {
        struct message *other = VGW_CONTAINER_OF(pos, struct message, link);
        if (other->order == m->order) {
            m->before = other;
            other->after = m;
            return;
        }
    }
}

static int drop(struct vgw_outbox *o, struct vgw_error *err, const char *url)
{
    vgw_metric_add(o->m_dropped, 1, NULL, NULL, NULL);
    return vgw_error_set(err, VGW_ELIMIT, "the webhook queue for %.200s is full", url);
}

int vgw_outbox_post(struct vgw_outbox *o, const char *url, bool trusted, const char *secret, const char *id,
                    const char *order, const char *body, size_t len, struct vgw_error *err)
{
    uint8_t key[KEY_MAX];
    struct message *m;
    if (!*id || strlen(id) > 128 || strpbrk(id, ".\r\n"))
        return vgw_error_set(err, VGW_EINVALID, "a webhook's id has 1 to 128 characters and no '.'");
    if (secret && decode_key(secret, key) < 0)
        return vgw_error_set(err, VGW_EINVALID, "a webhook's secret is whsec_ and 24 to 64 bytes in base64");
    explicit_bzero(key, sizeof key);
    struct endpoint *e = find(o, url);
    if (e && e->disabled)
        return vgw_error_set(err, VGW_EBUSY, "the endpoint %.200s answered 410 Gone and is disabled", url);
    if (!e)
        e = make_endpoint(o, url);
    if (!e || e->count >= o->limits.max_messages || e->bytes + len > o->limits.max_bytes)
        return drop(o, err, url);
    if (!VGW_NEW(m))
        return vgw_error_nomem(err);
    m->endpoint = e;
    m->id = vgw_strdup(id);
    m->secret = vgw_strdup(secret);
    m->body = vgw_calloc(1, len + 1);
    m->len = len;
    if (!m->id || !m->body || (secret && !m->secret)) {
        message_free(m);
        return vgw_error_nomem(err);
    }
    if (len)
        memcpy(m->body, body, len);
    e->trusted = trusted;
    keep_order(e, m, order);
    m->due_us = vgw_now(o->loop);
    vgw_list_append(&e->messages, &m->link);
    e->count++;
    e->bytes += len;
    vgw_metric_set(o->m_pending, (double)vgw_outbox_count(o), NULL, NULL, NULL);
    schedule_next(e);
    return 0;
}

int vgw_outbox_enable(struct vgw_outbox *o, const char *url)
{
    struct endpoint *e = find(o, url);
    if (!e || !e->disabled)
        return VGW_ENOTFOUND;
    e->disabled = false;
    schedule_next(e);
    return 0;
}

size_t vgw_outbox_endpoint_count(const struct vgw_outbox *o, const char *url)
{
    const struct endpoint *e = find((struct vgw_outbox *)(uintptr_t)o, url);
    return e ? e->count : 0;
}

size_t vgw_outbox_count(const struct vgw_outbox *o)
{
    size_t n = 0;
    for (const struct vgw_list *pos = o->endpoints.next; pos != &o->endpoints; pos = pos->next)
        n += VGW_CONTAINER_OF(pos, struct endpoint, link)->count;
    return n;
}

void vgw_outbox_free(struct vgw_outbox *o)
{
    if (!o)
        return;
    struct vgw_list *node;
    while ((node = vgw_list_pop(&o->endpoints))) {
        struct endpoint *e = VGW_CONTAINER_OF(node, struct endpoint, link);
        vgw_timer_stop(&e->timer);
        if (!e->sending)
            endpoint_free(e);
        else
            e->outbox = NULL;
    }
    vgw_free(o);
}
