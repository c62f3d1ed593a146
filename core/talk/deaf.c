/* deaf.c - a call that nobody can recognise any more: told, tried again and again, and ended when it stays so. */
#include "base/metric.h"
#include "talk/talk_private.h"

#define FIRST_US VGW_US_PER_S             /* until the first try; twice as long before each further one */
#define REOPEN_MAX_US (30 * VGW_US_PER_S) /* and never longer */

static void gauge(double by)
{
    vgw_metric_add(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_deaf_calls",
                                     "Calls whose recognizers have all failed, until one works again", NULL),
                   by, NULL, NULL, NULL);
}

static void count_try(bool opened)
{
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_stt_reopens_total",
                                     "Tries to open a recognizer after all have failed", "result"),
                   1, opened ? "opened" : "failed", NULL, NULL);
}

/* Is there somebody who waits for words? An assistant that takes audio hears for itself. */
static bool ears_needed(const struct vgw_talk *t)
{
    return !t->audio && (t->assistant || t->gather.speech);
}

static int64_t wait_us(const struct vgw_talk *t)
{
    int64_t wait = FIRST_US;
    for (uint32_t i = 0; i < t->deaf.tries && wait < REOPEN_MAX_US; i++)
        wait *= 2;
    return wait < REOPEN_MAX_US ? wait : REOPEN_MAX_US;
}

static bool try_again(struct vgw_talk *t, bool resting)
{
    t->deaf.tries++;
    bool opened = vgw_talk_stt_open(t, resting);
    count_try(opened);
    vgw_timer_start(&t->deaf.reopen_timer, opened ? VGW_TALK_STEADY_US : wait_us(t));
    if (!opened)
        return false;
    vgw_talk_listen_update(t);
    vgw_talk_stt_restored(t);
    return true;
}

static void on_reopen(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->ending)
        return;
    if (t->stt)
        vgw_talk_deaf_over(t);
    else
        try_again(t, false);
}

/* The one that rests is asked once more than its breaker lets: behind this is only the end of the call. */
static void on_limit(void *arg)
{
    struct vgw_talk *t = arg;
    static const char sentence[] = "no recognizer could be reached for longer than talk.deaf_timeout";
    if (t->ending)
        return;
    if (t->on_hold || !ears_needed(t)) {
        vgw_timer_start(&t->deaf.limit_timer, t->options->deaf_timeout_us);
        return;
    }
    bool trial = t->stt;
    if (!trial && !t->deaf.last_tried) {
        t->deaf.last_tried = true;
        trial = try_again(t, true);
    }
    if (trial) {
        vgw_timer_start(&t->deaf.limit_timer, VGW_TALK_STEADY_US);
        return;
    }
    vgw_talk_error(t, VGW_EPROVIDER, sentence, "the call ends: nobody can hear the caller", "stt");
    vgw_timer_stop(&t->deaf.reopen_timer);
    vgw_talk_tell(t, "lost", sentence, 0, 0, NULL);
}

static void tell(struct vgw_talk *t, const char *engine)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "engine", engine);
    vgw_json_set_double(o, "timeout", (double)t->options->deaf_timeout_us / (double)VGW_US_PER_S);
    vgw_talk_event(t, "voice.stt.deaf", o);
    vgw_log(VGW_LOG_ERROR, &t->scope, "no recognizer works: the call is deaf until one does", "last", engine, NULL);
    if (t->options->deaf_prompt[0] && ears_needed(t))
        vgw_talk_prompt(t, t->options->deaf_prompt, 0, true, VGW_SPEECH_SAY);
}

void vgw_talk_deaf_begin(struct vgw_talk *t, const char *engine)
{
    if (t->ending)
        return;
    if (!t->deaf.on) {
        t->deaf.on = true;
        t->deaf.last_tried = false;
        t->deaf.tries = 0;
        t->deaf.since_us = vgw_now(t->worker);
        gauge(1);
        tell(t, engine);
        if (t->options->deaf_timeout_us)
            vgw_timer_start(&t->deaf.limit_timer, t->options->deaf_timeout_us);
    }
    if (t->deaf.last_tried)
        vgw_timer_start(&t->deaf.limit_timer, 0);
    else
        vgw_timer_start(&t->deaf.reopen_timer, wait_us(t));
}

static void stop(struct vgw_talk *t)
{
    vgw_timer_stop(&t->deaf.reopen_timer);
    vgw_timer_stop(&t->deaf.limit_timer);
    if (t->deaf.on)
        gauge(-1);
    t->deaf.on = false;
}

void vgw_talk_deaf_over(struct vgw_talk *t)
{
    if (!t->deaf.on || !t->stt)
        return;
    stop(t);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "engine", t->stt->engine->name);
    vgw_json_set_int(o, "tries", t->deaf.tries);
    vgw_json_set_double(o, "duration", (double)(vgw_now(t->worker) - t->deaf.since_us) / (double)VGW_US_PER_S);
    vgw_talk_event(t, "voice.stt.restored", o);
    vgw_log(VGW_LOG_INFO, &t->scope, "a recognizer works again", "stt", t->stt->engine->name, NULL);
}

void vgw_talk_deaf_digit(struct vgw_talk *t)
{
    if (t->deaf.on && t->options->deaf_timeout_us)
        vgw_timer_start(&t->deaf.limit_timer, t->options->deaf_timeout_us);
}

void vgw_talk_deaf_init(struct vgw_talk *t)
{
    vgw_timer_init(&t->deaf.reopen_timer, t->worker, on_reopen, t);
    vgw_timer_init(&t->deaf.limit_timer, t->worker, on_limit, t);
}

void vgw_talk_deaf_end(struct vgw_talk *t)
{
    stop(t);
}
