/* media.c - what the media leg of a call has to say about it. */
#include <math.h>

#include "base/metric.h"
#include "call/inside.h"

void vgw_calls_media_up(struct vgw_calls *calls, struct vgw_call *call)
{
    if (call->settled)
        return;
    vgw_session_activate(call->session);
    vgw_calls_activity(calls, call);
}

void vgw_calls_media_lost(struct vgw_calls *calls, struct vgw_call *call, const char *why)
{
    (void)calls;
    /* A provider may take the stream down while a call waits elsewhere. */
    if (call->settled || call->state != VGW_CALL_CONNECTED)
        return;
    vgw_call_end(call, VGW_OUTCOME_NONE, why && *why ? why : "media_lost", NULL);
}

void vgw_calls_activity(struct vgw_calls *calls, struct vgw_call *call)
{
    if (call->settled)
        return;
    call->media_activity_us = vgw_now(calls->env.loop);
    vgw_session_touch(call->session);
}

void vgw_calls_media_summary(struct vgw_calls *calls, uint64_t call_handle, const struct vgw_json *summary)
{
    struct vgw_call *call = vgw_calls_by_handle(calls, call_handle);
    if (!call || !call->summary_due || call->session->record_done) {
        vgw_metric_dropped("media_summary");
        return;
    }
    struct vgw_session *s = call->session;
    const char *url = vgw_json_get_string(summary, "recording_url", NULL);
    const struct vgw_json *quality = vgw_json_get(summary, "quality");
    call->summary_due = false;
    s->summaries_due--;
    if (url)
        vgw_text_set(&s->recording_url, url);
    if (quality && s->transport_metadata)
        vgw_json_set(s->transport_metadata, "quality", vgw_json_copy(quality));
    vgw_call_recording_over(call, url, vgw_json_get_double(summary, "duration", NAN));
    if (s->state == VGW_SESSION_STOPPED && s->summaries_due == 0)
        vgw_session_finish_in(s, 0);
}
