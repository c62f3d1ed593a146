/* session.h - one call with its application: the caller's voice to it, its voice and marks to the caller. Runs on the
 * session's worker. */
#ifndef MEDIASTREAM_SESSION_H
#define MEDIASTREAM_SESSION_H
#include <stdatomic.h>
#include "application.h"
#include "voicegw/draft/assistant.h"

#define SESSION_WAIT_BYTES 16000u      /* of the caller's audio that wait for the application: 2 s */
#define SESSION_MESSAGE_MAX (4u << 20) /* bytes of one message of the application */
#define SESSION_GUARD_US 10000000      /* so long after its time an item is taken as heard, whatever the host says */
#define SESSION_REST_US 100000         /* after the last of its audio must have been heard */

struct mediastream {
    const struct voicegw_host *host;
    const struct voicegw_host_assistant *out;
    const struct voicegw_host_ws *ws;
    const struct voicegw_host_crypto *crypto;
    struct application_settings settings;
    int64_t max_queue_us;
    atomic_uint sessions, draining;
};

extern const struct voicegw_assistant_audio session_operations;
void mediastream_tell_drained(struct mediastream *m);

#endif
