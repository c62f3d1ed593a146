/* drain.c - no new calls, and the ends of all at once. */
#include "call/inside.h"

void vgw_calls_check_drained(struct vgw_calls *calls)
{
    void (*drained)(void *) = calls->drained;
    if (!calls->draining || !drained || !vgw_list_empty(&calls->sessions))
        return;
    calls->drained = NULL;
    vgw_timer_stop(&calls->drain_timer);
    drained(calls->drained_arg);
}

void vgw_calls_on_drain(void *calls)
{
    vgw_calls_check_drained(calls);
}

void vgw_calls_drain(struct vgw_calls *calls, void (*drained)(void *arg), void *arg)
{
    calls->draining = true;
    calls->drained = drained;
    calls->drained_arg = arg;
    if (vgw_list_empty(&calls->sessions) && vgw_timer_start(&calls->drain_timer, 0) != VGW_OK)
        vgw_calls_check_drained(calls);
}

void vgw_calls_undrain(struct vgw_calls *calls)
{
    calls->draining = false;
    calls->drained = NULL;
    vgw_timer_stop(&calls->drain_timer);
}

bool vgw_calls_draining(const struct vgw_calls *calls)
{
    return calls->draining;
}

void vgw_calls_end_all(struct vgw_calls *calls, const char *reason)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &calls->sessions) {
        struct vgw_session *s = VGW_CONTAINER_OF(p, struct vgw_session, link);
        if (s->state != VGW_SESSION_STOPPED)
            vgw_calls_session_end(calls, s, reason, NULL);
    }
}

void vgw_calls_interrupt_all(struct vgw_calls *calls)
{
    struct vgw_list *p, *n, *q, *qn;
    VGW_LIST_EACH (p, n, &calls->sessions) {
        struct vgw_session *s = VGW_CONTAINER_OF(p, struct vgw_session, link);
        VGW_LIST_EACH (q, qn, &s->call_list)
            vgw_call_settle(VGW_CONTAINER_OF(q, struct vgw_call, in_session), VGW_OUTCOME_INTERRUPTED, "shutdown",
                            NULL);
        vgw_session_stop(s, VGW_OUTCOME_INTERRUPTED, "shutdown");
        if (vgw_session_write_record(s))
            vgw_session_finish_in(s, 0);
    }
}
