/* lease.c - the timers that see to it that every call and session ends. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"

static void on_turn(void *arg)
{
    struct vgw_call *call = arg;
    bool release = call->release_due, route = call->route_due;
    call->release_due = call->route_due = false;
    if (call->settled)
        return;
    if (release && call->session->holds == 0 && !call->redirected)
        vgw_call_end(call, VGW_OUTCOME_NONE, "run_ended", NULL);
    else if (route)
        vgw_call_follow_route(call);
}

static void on_lease(void *arg)
{
    struct vgw_call *call = arg;
    int64_t left_us = call->lease_deadline_us - vgw_now(call->calls->env.loop);
    if (left_us > 0) {
        vgw_call_lease(call, left_us);
        on_turn(call);
    } else if (call->ending) {
        enum vgw_outcome outcome = call->end_outcome;
        if (outcome == VGW_OUTCOME_NONE)
            outcome = call->answered_wall_us ? VGW_OUTCOME_COMPLETED : VGW_OUTCOME_CANCELED;
        vgw_call_settle(call, outcome, "end_timeout", NULL);
    } else if (call->answered_wall_us) {
        vgw_call_end(call, VGW_OUTCOME_COMPLETED, "max_call_duration", NULL);
    } else {
        vgw_call_end(call, VGW_OUTCOME_NO_ANSWER, "ring_timeout", NULL);
    }
}

static void on_media_silence(void *arg)
{
    struct vgw_call *call = arg;
    int64_t now_us = vgw_now(call->calls->env.loop), limit_us = call->calls->limits.media_silence_timeout_us;
    if (call->settled || call->ending)
        return;
    if (call->state != VGW_CALL_CONNECTED)
        call->media_activity_us = now_us;
    int64_t left_us = call->media_activity_us + limit_us - now_us;
    if (left_us <= 0 || vgw_timer_start(&call->media_timer, left_us) != VGW_OK)
        vgw_call_end(call, VGW_OUTCOME_COMPLETED, "media_silence", NULL);
}

int vgw_call_arm(struct vgw_call *call)
{
    struct vgw_loop *loop = call->calls->env.loop;
    vgw_timer_init(&call->lease_timer, loop, on_lease, call);
    vgw_timer_init(&call->media_timer, loop, on_media_silence, call);
    vgw_timer_init(&call->turn_timer, loop, on_turn, call);
    if (call->ring_timeout_us <= 0)
        call->ring_timeout_us =
            vgw_call_setting_us(call, "default_timeout_seconds", call->calls->limits.ring_timeout_us);
    call->lease_deadline_us = vgw_now(loop) + call->ring_timeout_us;
    return vgw_timer_start_at(&call->lease_timer, call->lease_deadline_us);
}

void vgw_call_lease(struct vgw_call *call, int64_t delay_us)
{
    /* Armed as long as the call lives, or just fired: the heap has its place. */
    call->lease_deadline_us = vgw_now(call->calls->env.loop) + delay_us;
    vgw_timer_start_at(&call->lease_timer, call->lease_deadline_us);
}

void vgw_call_next_turn(struct vgw_call *call)
{
    if (call->settled)
        return;
    if (vgw_timer_start(&call->turn_timer, 0) != VGW_OK)
        vgw_timer_start(&call->lease_timer, 0);
}

void vgw_call_watch_media(struct vgw_call *call)
{
    call->media_activity_us = vgw_now(call->calls->env.loop);
    if (vgw_timer_start(&call->media_timer, call->calls->limits.media_silence_timeout_us) != VGW_OK)
        vgw_log(VGW_LOG_WARNING, &call->scope, "memory is short, the call has no watch on its media", NULL);
}

/* Waiting on purpose is no silence. */
static bool session_waits(const struct vgw_session *s)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &s->call_list) {
        const struct vgw_call *call = VGW_CONTAINER_OF(p, struct vgw_call, in_session);
        enum vgw_call_state state = call->state;
        if (state == VGW_CALL_ON_HOLD || state == VGW_CALL_TRANSFERRING || vgw_call_is_elsewhere(call))
            return true;
    }
    return false;
}

void vgw_session_on_idle(void *session)
{
    struct vgw_session *s = session;
    struct vgw_loop *loop = s->calls->env.loop;
    int64_t limit_us = s->calls->limits.session_timeout_us;
    if (s->state == VGW_SESSION_STOPPED) {
        vgw_session_on_summary(s);
        return;
    }
    if (session_waits(s))
        s->last_activity_us = vgw_now(loop);
    int64_t left_us = s->last_activity_us + limit_us - vgw_now(loop);
    bool over = left_us <= 0;
    /* Its place in the heap has just become free. */
    vgw_timer_start(&s->idle_timer, over ? limit_us : left_us);
    if (over)
        vgw_calls_session_end(s->calls, s, "session_timeout", NULL);
}
