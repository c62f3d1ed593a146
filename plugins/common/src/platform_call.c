/* platform_call.c - one call at a platform: found by handle and ids; its states and lines told to the host. */
#include "platform.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TURN_TEXT_MAX 20000u

static struct platform_call **bucket(struct platform *p, uint64_t handle)
{
    return &p->calls[(handle ^ (handle >> 32) * 31u) % PLATFORM_BUCKETS];
}

struct platform_call *platform_call_of(struct platform *p, uint64_t handle)
{
    struct platform_call *c = *bucket(p, handle);
    while (c && c->handle != handle)
        c = c->next;
    return c;
}

static struct platform_call *search(struct platform *p, size_t field, const char *text)
{
    for (uint32_t i = 0; i < PLATFORM_BUCKETS && *text; i++)
        for (struct platform_call *c = p->calls[i]; c; c = c->next)
            if (strcmp((const char *)c + field, text) == 0)
                return c;
    return NULL;
}

struct platform_call *platform_call_by_id(struct platform *p, const char *id)
{
    uint64_t handle = *id ? p->provider->call_find(p->host, id) : 0;
    struct platform_call *c = handle ? platform_call_of(p, handle) : NULL;
    return c && strcmp(c->id, id) == 0 ? c : search(p, offsetof(struct platform_call, id), id);
}

struct platform_call *platform_call_by_call_id(struct platform *p, const char *call_id)
{
    return search(p, offsetof(struct platform_call, call_id), call_id);
}

/* ---- life ---- */

struct platform_call *platform_call_new(struct platform *p, const char *to)
{
    struct platform_call *c = calloc(1, p->kind->call_bytes);
    if (!c)
        return NULL;
    c->p = p;
    c->settings = platform_settings_keep(p->settings);
    (void)snprintf(c->to, sizeof c->to, "%s", to);
    c->made_us = p->host->wall_us(p->host);
    platform_live(p, 1);
    return c;
}

void platform_call_enter(struct platform_call *c, uint64_t handle)
{
    struct platform_call **at = bucket(c->p, handle);
    c->handle = handle;
    c->next = *at;
    *at = c;
}

void platform_call_free(struct platform_call *c)
{
    if (!c)
        return;
    struct platform *p = c->p;
    struct platform_call **at = bucket(p, c->handle);
    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
    if (c->timer)
        (void)p->host->timer_cancel(p->host, c->timer);
    if (p->kind->freed)
        p->kind->freed(c);
    platform_settings_drop(c->settings);
    free(c);
    platform_live(p, -1);
}

/* ---- asking ---- */

static void on_quiet(void *arg)
{
    struct platform_call *c = arg;
    c->timer = 0;
    int64_t left_us = c->heard_us + c->settings->poll_us - c->p->host->now_us(c->p->host);
    if (left_us > 0)
        platform_call_ask_in(c, left_us);
    else
        platform_ask(c);
}

static void on_asked_for(void *arg)
{
    struct platform_call *c = arg;
    c->timer = 0;
    platform_ask(c);
}

static void watch(struct platform_call *c, int64_t wait_us, voicegw_callback fn)
{
    const struct voicegw_host *host = c->p->host;
    if (c->over)
        return;
    if (c->timer)
        (void)host->timer_cancel(host, c->timer);
    c->timer = host->timer_start(host, VOICEGW_TARGET_CONTROL, wait_us, fn, c);
}

void platform_call_ask_in(struct platform_call *c, int64_t wait_us)
{
    watch(c, wait_us, on_asked_for);
}

void platform_call_heard(struct platform_call *c)
{
    c->heard_us = c->p->host->now_us(c->p->host);
    if (!c->timer)
        watch(c, c->settings->poll_us, on_quiet);
}

void platform_call_known(struct platform_call *c, const char *id)
{
    if (c->id[0] || !*id)
        return;
    (void)snprintf(c->id, sizeof c->id, "%s", id);
    platform_call_heard(c);
    if (c->ending)
        (void)c->p->kind->stop(c->p, c->settings, c, c->id, c->end_op);
}

/* ---- told to the host ---- */

static void tell(struct platform_call *c, uint32_t state, uint32_t outcome, int64_t time_us, const char *cause,
                 const char *data_json)
{
    struct platform *p = c->p;
    const struct voicegw_call_state report = {.size = sizeof report,
                                              .state = state,
                                              .outcome = outcome,
                                              .provider_time_us = time_us,
                                              .cause = cause,
                                              .provider_call_id = c->id[0] ? c->id : NULL,
                                              .data_json = data_json};
    (void)p->provider->on_state(p->host, c->handle, &report);
}

void platform_call_state(struct platform_call *c, uint32_t state, int64_t time_us, const char *data_json)
{
    if (c->over || (state <= c->state && !(c->state == VOICEGW_CALL_TRANSFERRING && state == VOICEGW_CALL_CONNECTED)))
        return;
    c->state = state;
    tell(c, state, VOICEGW_OUTCOME_NONE, time_us, NULL, data_json);
}

void platform_call_line(struct platform_call *c, const char *role, const char *text, int64_t time_us)
{
    char line[TURN_TEXT_MAX];
    fields_clean(text, line, sizeof line);
    if (line[0])
        (void)c->p->provider->on_transcript(c->p->host, c->handle, role, line, time_us);
}

void platform_call_finish(struct platform_call *c, uint32_t state, uint32_t outcome, int64_t time_us, const char *cause,
                          double cost)
{
    struct platform *p = c->p;
    char json[192], clean[200];
    if (c->over)
        return;
    c->over = 1;
    if (c->timer)
        (void)p->host->timer_cancel(p->host, c->timer);
    c->timer = 0;
    c->state = state;
    uint64_t end_op = c->end_op;
    c->end_op = 0;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    if (c->answered_by[0])
        voicegw_json_put_string(&w, "answered_by", c->answered_by);
    if (cost >= 0) {
        voicegw_json_put_double(&w, "cost", cost);
        voicegw_json_put_string(&w, "currency", "USD");
    }
    voicegw_json_put_end(&w);
    fields_clean(cause ? cause : "", clean, sizeof clean);
    tell(c, state, outcome, time_us, clean[0] ? clean : NULL, voicegw_json_finish(&w) > 2 ? json : NULL);
    platform_complete(p, end_op, VOICEGW_OK, NULL, "{\"state\":\"ended\"}");
}

void platform_call_over(struct platform_call *c, const char *cause)
{
    if (c->state >= VOICEGW_CALL_CONNECTED)
        platform_call_finish(c, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, 0, cause, -1);
    else
        platform_call_finish(c, VOICEGW_CALL_FAILED, c->ending ? VOICEGW_OUTCOME_CANCELED : VOICEGW_OUTCOME_FAILED, 0,
                             cause, -1);
}

/* ---- times ---- */

static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = year - (month <= 2), shifted = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + day - 1 - 719468;
}

int64_t platform_time_us(struct voicegw_json v)
{
    char text[48], sign = 'Z';
    int year, month, day, hour, minute, used = 0, off_hour = 0, off_minute = 0;
    double second;
    if (voicegw_json_string(v, text, sizeof text) < 16 ||
        sscanf(text, "%4d-%2d-%2d%*1[T ]%2d:%2d:%lf%n", &year, &month, &day, &hour, &minute, &second, &used) != 6)
        return 0;
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        !(second >= 0 && second < 61) || !isfinite(second))
        return 0;
    sign = text[used];
    if ((sign == '+' || sign == '-') && sscanf(text + used + 1, "%2d:%2d", &off_hour, &off_minute) != 2)
        return 0;
    int64_t offset_s = ((int64_t)off_hour * 60 + off_minute) * (sign == '-' ? -60 : 60);
    int64_t s = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 - offset_s;
    return s * 1000000 + (int64_t)(second * 1e6);
}
