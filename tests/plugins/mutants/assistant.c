/* assistant.c - breaks the rules of assistants. */
#include "mutant.h"
#include "voicegw/draft/assistant.h"

static uint64_t handle;
#define API ((const struct voicegw_host_assistant *)host->get_extension(host, VOICEGW_HOST_ASSISTANT))

static int32_t on_open(void *i, uint64_t session, const struct voicegw_assistant_params *p, void **ret)
{
    (void)i;
    (void)p;
    handle = session;
    *ret = &handle;
    return VOICEGW_OK;
}
static int32_t on_turn(void *s, const struct voicegw_turn *t)
{
    (void)s;
    API->on_delta(host, handle, t->turn, t->text);
#ifdef BREAK_ACTION_JSON
    API->on_action(host, handle, t->turn, "end", "{");
#endif
#ifndef BREAK_TURN_NEVER
    API->on_turn_done(host, handle, t->turn, VOICEGW_OK, NULL, NULL);
#endif
#ifdef BREAK_TURN_TWICE
    API->on_turn_done(host, handle, t->turn, VOICEGW_OK, NULL, NULL);
#endif
    return VOICEGW_OK;
}
static int32_t on_interrupt(void *s, uint64_t turn, const char *heard, uint32_t ms)
{
    (void)s;
    (void)turn;
    (void)heard;
    (void)ms;
    return VOICEGW_OK;
}
static int32_t on_tool_result(void *s, uint64_t call, int32_t status, const char *json)
{
    (void)s;
    (void)call;
    (void)status;
    (void)json;
    return VOICEGW_OK;
}
static void on_close(void *s)
{
    (void)s;
#ifndef BREAK_CLOSED_NEVER
    API->on_closed(host, handle);
#endif
#ifdef BREAK_AFTER_CLOSED
    API->on_delta(host, handle, 1, "one more thing");
#endif
}
static const struct voicegw_assistant table = {.size = sizeof table,
                                               .open = on_open,
                                               .turn = on_turn,
                                               .interrupt = on_interrupt,
                                               .tool_result = on_tool_result,
                                               .close = on_close};
MUTANT_PLUGIN("assistant", VOICEGW_KIND_ASSISTANT, table, 0, NULL)
