/* session.h - one caller's way through the menus. A session belongs to its worker. */
#ifndef VOICEGW_MENU_SESSION_H
#define VOICEGW_MENU_SESSION_H
#include <stdatomic.h>
#include "book.h"
#include "voicegw/plugin.h"
#include "voicegw/draft/assistant.h"

/** What an instance's sessions share; constant after start but for the counts. */
struct menus {
    const struct voicegw_host *host;
    const struct voicegw_host_assistant *out;
    struct book *book;
    double threshold;
    int64_t digit_timeout_us;
    atomic_uint sessions, draining;
};

void menus_drain(struct menus *m);

/** The operations of struct voicegw_assistant. [media] */
int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                     void **ret_session);
int32_t session_turn(void *session, const struct voicegw_turn *turn);
int32_t session_dtmf(void *session, const char *digit);
int32_t session_interrupt(void *session, uint64_t turn, const char *heard_text, uint32_t heard_ms);
int32_t session_tool_result(void *session, uint64_t tool_call, int32_t status, const char *result_json);
void session_close(void *session);
#endif
