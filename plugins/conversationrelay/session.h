/* session.h - one conversation with its application: the caller's words to it, its words to the caller. Runs on the
 * session's worker. */
#ifndef CONVERSATIONRELAY_SESSION_H
#define CONVERSATIONRELAY_SESSION_H
#include <stdatomic.h>
#include "application.h"
#include "voicegw/draft/assistant.h"

#define SESSION_WAITING_MAX 64u          /* messages that wait for the application */
#define SESSION_MESSAGE_MAX (256u << 10) /* bytes of one message of the application */
#define SESSION_LANGUAGE_CAP 32u

struct relay {
    const struct voicegw_host *host;
    const struct voicegw_host_assistant *out;
    const struct voicegw_host_ws *ws;
    const struct voicegw_host_crypto *crypto;
    struct application_settings settings;
    char *greeting, *hints; /* hints: parameters of that action, or NULL */
    char language[SESSION_LANGUAGE_CAP];
    uint32_t by_speech, by_keys; /* what interrupts */
    uint32_t digits, partials;
    atomic_uint sessions, draining;
};

extern const struct voicegw_assistant session_operations;
void relay_tell_drained(struct relay *r);

#endif
