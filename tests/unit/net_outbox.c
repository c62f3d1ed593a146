/* net_outbox.c - webhooks in virtual time: retries, order, dead endpoints, signatures. */
#include "base/alloc.h"
#include "base/time.h"
#include "loop/driver.h"
#include "net/outbox.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define WALL INT64_C(1600000000000000)
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ATTEMPTS_MAX 64

struct attempt {
    int64_t at_us;
    char url[64], id[64], signature[160];
};

struct world {
    struct vgw_driver *driver;
    struct vgw_loop *loop;
    struct vgw_outbox *outbox;
    struct vgw_rng rng;
    int answer; /* HTTP status of "http://a/"; 0: no connection; "http://b/" answers 200 */
    const char *retry_after;
    bool mute;
    struct attempt attempts[ATTEMPTS_MAX];
    size_t attempts_len;
    unsigned delivered, parked, disabled;
    struct vgw_timer timers[ATTEMPTS_MAX];
};

struct call {
    struct world *w;
    struct vgw_client_request q;
    int status;
};

static void answer(void *arg)
{
    struct call *c = arg;
    struct vgw_http_header header = {"Retry-After", c->w->retry_after};
    struct vgw_client_result r = {.status = c->status ? 0 : VGW_ENETWORK,
                                  .http_status = c->status,
                                  .sentence = c->status ? "" : "refused",
                                  .headers = &header,
                                  .header_count = c->w->retry_after ? 1 : 0,
                                  .body = ""};
    c->q.on_done(c->q.arg, &r);
    vgw_free(c);
}

static int send_fake(void *arg, const struct vgw_client_request *q, struct vgw_error *err)
{
    struct world *w = arg;
    (void)err;
    cr_assert_lt(w->attempts_len, ATTEMPTS_MAX);
    struct attempt *a = &w->attempts[w->attempts_len];
    a->at_us = vgw_now(w->loop);
    snprintf(a->url, sizeof a->url, "%s", q->url);
    for (size_t i = 0; q->headers[i]; i++) {
        (void)sscanf(q->headers[i], "webhook-id: %63s", a->id);
        (void)sscanf(q->headers[i], "webhook-signature: %159s", a->signature);
    }
    if (w->mute)
        return 0;
    struct call *c = vgw_calloc(1, sizeof *c);
    c->w = w;
    c->q = *q;
    c->status = strstr(q->url, "//b") ? 200 : w->answer;
    struct vgw_timer *t = &w->timers[w->attempts_len++];
    vgw_timer_init(t, w->loop, answer, c);
    return vgw_timer_start(t, 1000);
}

static void on_delivered(void *arg, const char *id, unsigned attempts)
{
    ((struct world *)arg)->delivered++;
}

static void on_parked(void *arg, const char *id, const char *url, const char *why)
{
    ((struct world *)arg)->parked++;
}

static void on_disabled(void *arg, const char *url)
{
    ((struct world *)arg)->disabled++;
}

static void begin(struct world *w)
{
    *w = (struct world){.answer = 200};
    struct vgw_outbox_events events = {on_delivered, on_parked, on_disabled, w};
    struct vgw_outbox_limits limits = {.max_messages = 20};
    vgw_rng_seed(&w->rng, 1);
    w->driver = vgw_driver_new(1, WALL);
    w->loop = vgw_driver_loop(w->driver, "control");
    cr_assert_eq(vgw_outbox_new(w->loop, send_fake, w, &w->rng, &limits, &events, &w->outbox, NULL), 0);
}

static void end(struct world *w)
{
    vgw_outbox_free(w->outbox);
    vgw_loop_free(w->loop);
    vgw_driver_free(w->driver);
}

static int post(struct world *w, const char *url, const char *id)
{
    return vgw_outbox_post(w->outbox, url, false, SECRET, id, "call-1", "{}", 2, NULL);
}

Test(net_outbox, delivers_in_order_signed_with_the_time_of_the_attempt)
{
    struct world w;
    begin(&w);
    cr_assert_eq(post(&w, "http://a/", "one"), 0);
    cr_assert_eq(post(&w, "http://a/", "two"), 0);
    cr_assert_eq(w.attempts_len, 0, "nothing is sent from inside post()");
    vgw_driver_run(w.driver, VGW_US_PER_S);
    cr_assert_eq(w.delivered, 2);
    cr_assert_str_eq(w.attempts[0].id, "one");
    cr_assert_str_eq(w.attempts[1].id, "two");
    struct vgw_buf want = {0};
    cr_assert_eq(vgw_webhook_sign(SECRET, "one", WALL / 1000000, "{}", 2, &want), 0);
    cr_assert_str_eq(w.attempts[0].signature, vgw_buf_str(&want));
    cr_assert_eq(vgw_outbox_count(w.outbox), 0);
    vgw_buf_done(&want);
    end(&w);
}

Test(net_outbox, calls_keep_their_order_and_do_not_wait_for_one_another)
{
    static const char *const posts[][2] = {
        {"a1", "call-a"}, {"a2", "call-a"}, {"b1", "call-b"}, {"n1", NULL}, {"b2", "call-b"}};
    struct world w;
    begin(&w);
    w.answer = 500;
    for (size_t i = 0; i < sizeof posts / sizeof *posts; i++)
        cr_assert_eq(vgw_outbox_post(w.outbox, "http://a/", false, SECRET, posts[i][0], posts[i][1], "{}", 2, NULL), 0);
    vgw_driver_run(w.driver, VGW_US_PER_S);
    cr_assert_eq(w.attempts_len, 3, "a1, b1 and n1; a2 and b2 wait for theirs");
    cr_assert_eq(vgw_outbox_endpoint_count(w.outbox, "http://a/"), 5);
    cr_assert_eq(vgw_outbox_endpoint_count(w.outbox, "http://x/"), 0);
    w.answer = 200;
    vgw_driver_run(w.driver, 60 * VGW_US_PER_S);
    cr_assert_eq(w.delivered, 5);
    size_t at[5] = {0};
    for (size_t i = 0; i < w.attempts_len; i++)
        for (size_t k = 0; k < 5; k++)
            at[k] = strcmp(w.attempts[i].id, posts[k][0]) == 0 ? i : at[k];
    cr_assert(at[0] < at[1] && at[2] < at[4], "in order");
    end(&w);
}

Test(net_outbox, at_most_four_at_once_go_to_one_endpoint)
{
    struct world w;
    begin(&w);
    for (int i = 0; i < 12; i++) {
        char id[8];
        snprintf(id, sizeof id, "m%d", i);
        w.answer = 200;
        cr_assert_eq(vgw_outbox_post(w.outbox, "http://a/", false, SECRET, id, id, "{}", 2, NULL), 0);
    }
    vgw_driver_run(w.driver, 500);
    cr_assert_eq(w.attempts_len, 4);
    vgw_driver_run(w.driver, VGW_US_PER_S);
    cr_assert_eq(w.delivered, 12);
    end(&w);
}

Test(net_outbox, retries_by_the_schedule_then_parks)
{
    static const int64_t seconds[] = {0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};
    struct world w;
    begin(&w);
    w.answer = 500;
    cr_assert_eq(post(&w, "http://a/", "one"), 0);
    vgw_driver_run(w.driver, 400000 * VGW_US_PER_S);
    cr_assert_eq(w.attempts_len, 10);
    for (size_t i = 1; i < 10; i++) {
        int64_t gap = w.attempts[i].at_us - w.attempts[i - 1].at_us;
        cr_assert(gap >= seconds[i] * VGW_US_PER_S && gap <= seconds[i] * VGW_US_PER_S * 11 / 10 + 2000,
                  "gap %zu is %ld", i, (long)gap);
        cr_assert_str_eq(w.attempts[i].id, "one");
    }
    cr_assert_eq(w.parked, 1);
    cr_assert_eq(vgw_outbox_count(w.outbox), 0);
    end(&w);
}

Test(net_outbox, one_dead_endpoint_holds_no_other)
{
    struct world w;
    begin(&w);
    w.answer = 0;
    for (int i = 0; i < 5; i++) {
        char id[8];
        snprintf(id, sizeof id, "m%d", i);
        cr_assert_eq(post(&w, "http://a/", id), 0);
        cr_assert_eq(post(&w, "http://b/", id), 0);
    }
    vgw_driver_run(w.driver, VGW_US_PER_S);
    cr_assert_eq(w.delivered, 5);
    cr_assert_eq(vgw_outbox_count(w.outbox), 5);
    w.answer = 204;
    vgw_driver_run(w.driver, 60 * VGW_US_PER_S);
    cr_assert_eq(w.delivered, 10);
    end(&w);
}

Test(net_outbox, gone_disables_until_enabled)
{
    struct world w;
    begin(&w);
    w.answer = 410;
    cr_assert_eq(post(&w, "http://a/", "one"), 0);
    cr_assert_eq(post(&w, "http://a/", "two"), 0);
    vgw_driver_run(w.driver, VGW_US_PER_S);
    cr_assert_eq(w.disabled, 1);
    cr_assert_eq(w.parked, 2);
    cr_assert_eq(w.attempts_len, 1);
    cr_assert_eq(post(&w, "http://a/", "three"), VGW_EBUSY);
    w.answer = 200;
    cr_assert_eq(vgw_outbox_enable(w.outbox, "http://a/"), 0);
    cr_assert_eq(post(&w, "http://a/", "three"), 0);
    vgw_driver_run(w.driver, VGW_US_PER_S);
    cr_assert_eq(w.delivered, 1);
    end(&w);
}

Test(net_outbox, retry_after_is_obeyed_and_redirects_are_failures)
{
    struct world w;
    begin(&w);
    w.answer = 429;
    w.retry_after = "120";
    cr_assert_eq(post(&w, "http://a/", "one"), 0);
    vgw_driver_run(w.driver, 119 * VGW_US_PER_S);
    cr_assert_eq(w.attempts_len, 1);
    w.answer = 302;
    w.retry_after = NULL;
    vgw_driver_run(w.driver, 2 * VGW_US_PER_S);
    cr_assert_eq(w.attempts_len, 2);
    cr_assert_eq(w.delivered, 0);
    end(&w);
}

Test(net_outbox, queues_are_bounded_and_input_is_checked)
{
    struct world w;
    begin(&w);
    w.mute = true;
    for (int i = 0; i < 20; i++)
        cr_assert_eq(post(&w, "http://a/", "m"), 0);
    cr_assert_eq(post(&w, "http://a/", "m"), VGW_ELIMIT);
    cr_assert_eq(post(&w, "http://b/", "m"), 0);
    cr_assert_eq(post(&w, "http://b/", "a.b"), VGW_EINVALID);
    cr_assert_eq(vgw_outbox_post(w.outbox, "http://b/", false, "secret", "m", NULL, "", 0, NULL), VGW_EINVALID);
    end(&w);
}
