/* intake.c - from a queue's messages to ours. */
#include "delivery/intake.h"

#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/campaign.h"
#include "delivery/inside.h"

#define LOOK_US (5 * VGW_US_PER_S)    /* between looks at what became of those that are held */
#define EXTEND_US (60 * VGW_US_PER_S) /* how long the queue is asked to hide a message, again and again */
#define BACKOFF_MAX_US (60 * VGW_US_PER_S)

struct held {
    struct vgw_list link;
    char message_id[VGW_ID_MAX];
    char *receipt;
    int64_t extend_after_us;
};

struct vgw_intake {
    struct vgw_delivery *d;
    char name[64];
    struct vgw_intake_ops ops;
    struct vgw_list held;
    size_t held_count;
    uint64_t last_op, receiving; /* 0: not asked */
    struct vgw_timer timer, look_timer;
    struct vgw_bus_sub *sub;
    int64_t backoff_us;
    bool looking, freed;
    unsigned pending; /* requests to the store that come back here */
};

static void count(const struct vgw_intake *s, const char *result)
{
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_queue_messages_total",
                                     "Messages of queues outside, by what became of them: processed, failed, buried",
                                     "queue result"),
                   1, s->name, result, NULL);
}

static void held_free(struct vgw_intake *s, struct held *h)
{
    vgw_list_remove(&h->link);
    s->held_count--;
    vgw_free(h->receipt);
    vgw_free(h);
}

static void destroy(struct vgw_intake *s)
{
    if (s->freed && !s->pending)
        vgw_free(s);
}

static void receive(void *arg)
{
    struct vgw_intake *s = arg;
    size_t room = VGW_INTAKE_HELD_MAX - s->held_count;
    if (s->freed || s->receiving || s->d->paused || room == 0) {
        vgw_timer_start(&s->timer, VGW_DELIVERY_POLL_US);
        return;
    }
    s->receiving = ++s->last_op;
    if (s->ops.receive(s->ops.arg, s->receiving, room < VGW_INTAKE_BATCH ? (uint32_t)room : VGW_INTAKE_BATCH) < 0) {
        s->receiving = 0;
        s->backoff_us = s->backoff_us ? s->backoff_us * 2 : VGW_US_PER_S;
        s->backoff_us = s->backoff_us < BACKOFF_MAX_US ? s->backoff_us : BACKOFF_MAX_US;
        vgw_timer_start(&s->timer, s->backoff_us);
    }
}

/* ---- what is held ---- */

static struct held *held_find(struct vgw_intake *s, const char *message_id)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &s->held) {
        struct held *h = VGW_CONTAINER_OF(at, struct held, link);
        if (strcmp(h->message_id, message_id) == 0)
            return h;
    }
    return NULL;
}

static void over(struct vgw_intake *s, struct held *h, const char *result)
{
    s->ops.remove(s->ops.arg, ++s->last_op, h->receipt);
    count(s, result);
    held_free(s, h);
}

/* One that has to wait for hours is safe here and needs no place at the queue. */
static bool done_with(const struct vgw_intake *s, const struct vgw_json *row)
{
    const char *status = vgw_json_get_string(row, "status", "");
    bool waits = vgw_streq(status, "queued");
    return (!waits && !vgw_streq(status, "calling")) ||
           (waits && vgw_json_get_int(row, "due_at", 0) > vgw_wall(s->d->env.loop) + EXTEND_US);
}

static void extend_all(struct vgw_intake *s)
{
    struct vgw_list *at, *next;
    int64_t now_us = vgw_now(s->d->env.loop);
    VGW_LIST_EACH (at, next, &s->held) {
        struct held *h = VGW_CONTAINER_OF(at, struct held, link);
        if (now_us < h->extend_after_us)
            continue;
        h->extend_after_us = now_us + EXTEND_US / 3;
        s->ops.extend(s->ops.arg, ++s->last_op, h->receipt, EXTEND_US);
    }
}

static void on_looked(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_intake *s = arg;
    s->pending--;
    if (s->freed) {
        destroy(s);
        return;
    }
    s->looking = false;
    for (size_t i = 0; status == 0 && i < vgw_json_count(rows); i++) {
        const struct vgw_json *row = vgw_json_at(rows, i);
        struct held *h = held_find(s, vgw_json_get_string(row, "message_id", ""));
        if (h && done_with(s, row))
            over(s, h, vgw_streq(vgw_json_get_string(row, "status", ""), "failed") ? "failed" : "processed");
    }
    extend_all(s);
    vgw_timer_start(&s->look_timer, LOOK_US);
}

static void look(void *arg)
{
    struct vgw_intake *s = arg;
    struct vgw_json *filter = vgw_json_object(), *ids = vgw_json_array();
    struct vgw_list *at, *next;
    size_t n = 0;
    /* The oldest come first, and go to the end of the line: all are looked at in turn. */
    VGW_LIST_EACH (at, next, &s->held) {
        if (n++ == VGW_DELIVERY_CLAIM_MAX)
            break;
        vgw_json_append_string(ids, VGW_CONTAINER_OF(at, struct held, link)->message_id);
    }
    for (size_t i = 0; s->held_count > VGW_DELIVERY_CLAIM_MAX && i < VGW_DELIVERY_CLAIM_MAX; i++) {
        struct vgw_list *first = vgw_list_pop(&s->held);
        vgw_list_append(&s->held, first);
    }
    vgw_json_set(filter, "message_id", ids);
    s->looking = !s->looking && n &&
                 vgw_store_query(s->d->env.store, "messages", filter, VGW_STORE_ROWS_MAX, NULL, on_looked, s) == 0;
    s->pending += s->looking;
    if (!s->looking)
        vgw_timer_start(&s->look_timer, LOOK_US);
    vgw_json_free(filter);
}

/* The record is on its way to the store; the look comes behind it. */
static void on_event(void *arg, struct vgw_event *e)
{
    struct vgw_intake *s = arg;
    const char *id = vgw_json_get_string(vgw_event_data(e), "message_id", NULL);
    if (id && !s->looking && held_find(s, id))
        vgw_timer_start(&s->look_timer, VGW_DELIVERY_HINT_US);
}

/* ---- taking in ---- */

struct batch {
    struct vgw_intake *s;
    struct vgw_list held; /* of those that go into the store together */
};

static void batch_held_free(struct batch *b)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&b->held))) {
        struct held *h = VGW_CONTAINER_OF(at, struct held, link);
        vgw_free(h->receipt);
        vgw_free(h);
    }
}

static void on_accepted(void *arg, int status, const char *sentence)
{
    struct batch *b = arg;
    struct vgw_intake *s = b->s;
    struct vgw_list *at, *next;
    s->pending--;
    if (!s->freed && status < 0) {
        vgw_log(VGW_LOG_WARNING, NULL, "messages of a queue cannot be stored; they go back to it", "queue", s->name,
                "error", sentence, NULL);
        VGW_LIST_EACH (at, next, &b->held)
            s->ops.reject(s->ops.arg, ++s->last_op, VGW_CONTAINER_OF(at, struct held, link)->receipt,
                          10 * VGW_US_PER_S);
    }
    while (!s->freed && status == 0 && (at = vgw_list_pop(&b->held))) {
        struct held *h = VGW_CONTAINER_OF(at, struct held, link), *before = held_find(s, h->message_id);
        if (before) /* it came again while it is held: the last receipt is the one that counts */
            held_free(s, before);
        h->extend_after_us = 0;
        vgw_list_append(&s->held, &h->link);
        s->held_count++;
    }
    batch_held_free(b);
    vgw_free(b);
    if (s->freed) {
        destroy(s);
        return;
    }
    vgw_timer_start(&s->look_timer, VGW_DELIVERY_HINT_US);
    vgw_timer_start(&s->timer, status < 0 ? VGW_US_PER_S : 0);
}

static void bury(struct vgw_intake *s, const struct vgw_json *m, const char *reason)
{
    const char *receipt = vgw_json_get_string(m, "receipt", ""), *body = vgw_json_get_string(m, "body", "");
    count(s, "buried");
    vgw_log(VGW_LOG_WARNING, NULL, "a queue holds what is no message of ours", "queue", s->name, "id",
            vgw_json_get_string(m, "id", ""), "reason", reason, NULL);
    if (s->ops.bury(s->ops.arg, ++s->last_op, receipt, body, reason) < 0)
        s->ops.reject(s->ops.arg, ++s->last_op, receipt, 0); /* the queue's own policy decides */
}

static void bury_errors(struct vgw_intake *s, const struct vgw_json *m, const struct vgw_json *errors)
{
    struct vgw_buf text;
    vgw_buf_init(&text, 4096);
    for (size_t i = 0; i < vgw_json_count(errors); i++)
        vgw_buf_printf(&text, "%s%s: %s", i ? "; " : "", vgw_json_get_string(vgw_json_at(errors, i), "field", ""),
                       vgw_json_get_string(vgw_json_at(errors, i), "detail", ""));
    bury(s, m, vgw_buf_str(&text));
    vgw_buf_done(&text);
}

static void nothing(void *arg, int status, const char *sentence) {}

/* The campaign that a message names, or why it cannot have one. */
static const char *campaign_of(struct vgw_intake *s, const char *id, struct vgw_message_campaign *ret_campaign)
{
    if (!vgw_campaign_about(s->d, id, ret_campaign))
        return "campaign_id: there is no such campaign";
    if (vgw_streq(ret_campaign->status, "canceled"))
        return "campaign_id: the campaign was canceled";
    if (vgw_streq(ret_campaign->status, "finished"))
        vgw_campaign_set(s->d, id, "running", NULL, nothing, NULL, NULL);
    return NULL;
}

static void take(struct vgw_intake *s, const struct vgw_json *m, struct vgw_json *rows, struct batch *b)
{
    const char *text = vgw_json_get_string(m, "body", ""), *id = vgw_json_get_string(m, "id", "");
    struct vgw_json *body = NULL, *errors = vgw_json_array(), *row = NULL;
    struct vgw_message_campaign campaign;
    struct vgw_error err = {0};
    struct vgw_buf key = {0};
    struct held *h = NULL;
    vgw_buf_printf(&key, "queue:%s:%s", s->name, id);
    int rc = vgw_json_parse(text, strlen(text), &body, &err);
    if (rc < 0) {
        bury(s, m, "its body is no JSON");
    } else {
        struct vgw_message_origin origin = {.source = "queue",
                                            .source_ref = id,
                                            .project_id = vgw_json_get_string(body, "project_id", NULL),
                                            .idempotency_key = vgw_buf_str(&key),
                                            .wall_us = vgw_wall(s->d->env.loop)};
        const char *of = vgw_json_get_string(body, "campaign_id", NULL);
        const char *wrong = of ? campaign_of(s, of, &campaign) : NULL;
        if (of && !wrong)
            origin.campaign = &campaign;
        if (wrong)
            bury(s, m, wrong);
        else if (vgw_message_read(s->d->settings, body, &origin, errors, &row) == VGW_EINVALID)
            bury_errors(s, m, errors);
    }
    if (row && VGW_NEW(h) && (h->receipt = vgw_strdup(vgw_json_get_string(m, "receipt", "")))) {
        vgw_strcopy(h->message_id, sizeof h->message_id, vgw_json_get_string(row, "message_id", ""));
        vgw_list_append(&b->held, &h->link);
        vgw_json_append(rows, row);
    } else {
        vgw_free(h);
        vgw_json_free(row);
    }
    vgw_buf_done(&key);
    vgw_json_free(errors);
    vgw_json_free(body);
}

/* The campaigns of a batch are known here, or there are none of those names. */
static void take_all(struct vgw_intake *s, const struct vgw_json *messages)
{
    struct vgw_json *rows;
    struct batch *b = NULL;
    if (!(rows = vgw_json_array()) || !VGW_NEW(b)) {
        vgw_json_free(rows);
        vgw_timer_start(&s->timer, VGW_US_PER_S);
        return;
    }
    b->s = s;
    vgw_list_init(&b->held);
    for (size_t i = 0; i < vgw_json_count(messages); i++)
        take(s, vgw_json_at(messages, i), rows, b);
    if (vgw_json_count(rows) && vgw_delivery_accept(s->d, rows, on_accepted, b) == 0) {
        s->pending++;
        return;
    }
    if (!vgw_json_count(rows))
        vgw_json_free(rows);
    batch_held_free(b);
    vgw_free(b);
    vgw_timer_start(&s->timer, vgw_json_count(messages) ? 0 : VGW_DELIVERY_HINT_US);
}

struct arrival { /* a batch that waits for the campaigns that it names: another gateway may have made them */
    struct vgw_intake *s;
    struct vgw_json *messages;
    size_t next; /* to look at */
};

static void arrival_go_on(struct arrival *a);

static void arrival_free(struct arrival *a)
{
    vgw_json_free(a->messages);
    vgw_free(a);
}

static void on_campaign(void *arg, int status, const char *sentence)
{
    struct arrival *a = arg;
    struct vgw_intake *s = a->s;
    s->pending--;
    if (s->freed) {
        arrival_free(a);
        destroy(s);
        return;
    }
    if (status == 0 || status == VGW_ENOTFOUND) {
        arrival_go_on(a);
        return;
    }
    vgw_log(VGW_LOG_WARNING, NULL, "messages of a queue cannot be read while the store is away; they go back to it",
            "queue", s->name, "error", sentence, NULL);
    for (size_t i = 0; i < vgw_json_count(a->messages); i++)
        s->ops.reject(s->ops.arg, ++s->last_op, vgw_json_get_string(vgw_json_at(a->messages, i), "receipt", ""),
                      10 * VGW_US_PER_S);
    arrival_free(a);
    vgw_timer_start(&s->timer, VGW_US_PER_S);
}

static void arrival_go_on(struct arrival *a)
{
    struct vgw_intake *s = a->s;
    struct vgw_message_campaign campaign;
    size_t n = vgw_json_count(a->messages);
    while (a->next < n) {
        const char *text = vgw_json_get_string(vgw_json_at(a->messages, a->next++), "body", "");
        struct vgw_json *body = NULL;
        (void)vgw_json_parse(text, strlen(text), &body, NULL);
        const char *id = vgw_json_get_string(body, "campaign_id", NULL);
        bool asked = id && !vgw_campaign_about(s->d, id, &campaign) && vgw_campaign_load(s->d, id, on_campaign, a) == 0;
        vgw_json_free(body);
        if (asked) {
            s->pending++;
            return;
        }
    }
    take_all(s, a->messages);
    arrival_free(a);
}

void vgw_intake_on_messages(struct vgw_intake *s, uint64_t op, int status, const struct vgw_json *messages)
{
    struct arrival *a = NULL;
    if (op != s->receiving)
        return;
    s->receiving = 0;
    if (status < 0) {
        s->backoff_us = s->backoff_us ? s->backoff_us * 2 : VGW_US_PER_S;
        s->backoff_us = s->backoff_us < BACKOFF_MAX_US ? s->backoff_us : BACKOFF_MAX_US;
        vgw_timer_start(&s->timer, s->backoff_us);
        return;
    }
    s->backoff_us = 0;
    if (!VGW_NEW(a)) { /* they show again when the queue hides them no longer */
        vgw_timer_start(&s->timer, VGW_US_PER_S);
        return;
    }
    *a = (struct arrival){.s = s, .messages = vgw_json_copy(messages)};
    arrival_go_on(a);
}

void vgw_intake_on_complete(struct vgw_intake *s, uint64_t op, int status, const char *sentence)
{
    if (status < 0)
        vgw_log(VGW_LOG_WARNING, NULL, "a queue did not do what it was asked; the message comes again", "queue",
                s->name, "error", sentence, NULL);
}

/* ---- life ---- */

struct vgw_intake *vgw_intake_new(struct vgw_delivery *d, const char *name, const struct vgw_intake_ops *ops)
{
    struct vgw_intake *s;
    if (!VGW_NEW(s))
        return NULL;
    s->d = d;
    s->ops = *ops;
    vgw_strcopy(s->name, sizeof s->name, name);
    vgw_list_init(&s->held);
    vgw_timer_init(&s->timer, d->env.loop, receive, s);
    vgw_timer_init(&s->look_timer, d->env.loop, look, s);
    s->sub = vgw_bus_subscribe(d->env.bus,
                               VGW_EVENT_BIT(VGW_EVENT_MESSAGE_DELIVERED) | VGW_EVENT_BIT(VGW_EVENT_MESSAGE_FAILED) |
                                   VGW_EVENT_BIT(VGW_EVENT_MESSAGE_RETRYING),
                               on_event, s);
    if (!s->sub) {
        vgw_free(s);
        return NULL;
    }
    vgw_timer_start(&s->timer, 0);
    return s;
}

void vgw_intake_free(struct vgw_intake *s)
{
    if (!s)
        return;
    s->freed = true;
    vgw_bus_unsubscribe(s->sub);
    vgw_timer_stop(&s->timer);
    vgw_timer_stop(&s->look_timer);
    while (!vgw_list_empty(&s->held))
        held_free(s, VGW_CONTAINER_OF(s->held.next, struct held, link));
    destroy(s);
}
