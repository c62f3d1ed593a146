/* summary.c - the conversation summed up for somebody who takes over: asked of a second session of the assistant in
 * use, so that its own turn is not disturbed, and never heard by the caller. */
#include "talk/talk_private.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

#define TEXT_MAX 2000
#define TURN 1

static const char request[] =
    "Another person takes over this call now. Tell that person in one or two short sentences, "
    "to be spoken, what the caller wants and what is settled already. Say nothing else.";

struct vgw_summary {
    struct vgw_engine_stream *es;
    uint64_t number; /* of who asked */
    struct vgw_buf text;
    struct vgw_timer timer;
};

static void tell(struct vgw_talk *t, uint64_t number, const char *text)
{
    vgw_talk_tell(t, "summary", text, number, 0, NULL);
}

static void over(struct vgw_talk *t, bool whole)
{
    struct vgw_summary *s = t->summary;
    t->summary = NULL;
    vgw_timer_stop(&s->timer);
    if (s->es)
        vgw_talk_stream_close(t, &s->es, s->es->engine->assistant->close, NULL);
    if (!whole && !t->ending)
        vgw_log(VGW_LOG_WARNING, &t->scope, "the assistant gave no summary in time; the transfer goes on without",
                NULL);
    tell(t, s->number, whole && !s->text.failed ? vgw_buf_str(&s->text) : "");
    vgw_buf_done(&s->text);
    vgw_free(s);
}

static void on_late(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->summary)
        over(t, false);
}

static void on_message(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    struct vgw_talk *t = owner;
    struct vgw_summary *s = t->summary;
    if (!s || stream != s->es)
        return;
    switch (m->kind) {
    case VGW_MSG_DELTA:
        if (m->text && s->text.len + strlen(m->text) < TEXT_MAX)
            vgw_buf_adds(&s->text, m->text);
        break;
    case VGW_MSG_TOOL: /* it is to speak, not to act */
        stream->engine->assistant->tool_result(stream->s, (uint64_t)m->a, VGW_EUNSUPPORTED,
                                               "{\"error\":\"no tool can be used here; answer in words\"}");
        break;
    case VGW_MSG_TURN_DONE:
        over(t, m->status == 0 && s->text.len);
        break;
    case VGW_MSG_ERROR:
        if (m->flag)
            over(t, false);
        break;
    case VGW_MSG_CLOSED:
        s->es = NULL;
        over(t, false);
        vgw_engine_stream_free(stream);
        break;
    default:
        break;
    }
}

static bool begin(struct vgw_talk *t, struct vgw_summary *s, const char *history_json)
{
    const struct vgw_engine *e = &t->assistant_engine;
    const struct voicegw_assistant_params params = {.size = sizeof params,
                                                    .resumed = 1,
                                                    .session_json = t->cfg->session_json ? t->cfg->session_json : "{}",
                                                    .tools_json = "[]",
                                                    .history_json = history_json,
                                                    .agent_json = t->cfg->agent_json};
    const struct voicegw_turn turn = {
        .size = sizeof turn, .turn = TURN, .text = request, .confidence = 1, .language = t->cfg->language};
    s->es = vgw_engine_stream_new(VGW_HANDLE_ASSISTANT, t->worker, on_message, t);
    if (!s->es)
        return false;
    s->es->engine = e;
    if (e->assistant->open(e->instance, s->es->handle, &params, &s->es->s) < 0) {
        vgw_engine_stream_free(s->es);
        s->es = NULL;
        return false;
    }
    return e->assistant->turn(s->es->s, &turn) >= 0;
}

void vgw_talk_summary_run(struct vgw_talk *t, uint64_t number, const char *history_json)
{
    struct vgw_summary *s;
    if (t->ending || t->summary || !t->started || !t->assistant || !VGW_NEW(s)) {
        tell(t, number, "");
        return;
    }
    t->summary = s;
    s->number = number;
    vgw_buf_init(&s->text, TEXT_MAX + 1);
    vgw_timer_init(&s->timer, t->worker, on_late, t);
    vgw_timer_start(&s->timer, VGW_TALK_SUMMARY_US);
    if (!begin(t, s, history_json))
        over(t, false);
}

void vgw_talk_summary_end(struct vgw_talk *t)
{
    if (t->summary)
        over(t, false);
}
