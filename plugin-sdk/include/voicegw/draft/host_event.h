/* voicegw/draft/host_event.h - events and small state for plugins. Part of the voicegw plugin SDK (MIT).
 * Draft: may change until version 1 is cut. */
#ifndef VOICEGW_DRAFT_HOST_EVENT_H
#define VOICEGW_DRAFT_HOST_EVENT_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_HOST_EVENT "voicegw.host.event/1"
#define VOICEGW_HOST_STATE "voicegw.host.state/1"

struct voicegw_host_event {
    uint32_t size;
    uint32_t reserved;
    /** Publishes an event, type "<plugin>.<word>", or "amd_result" with {"answered_by","duration_ms"}; `call` 0: about
     * the instance. data: object. [any] */
    int32_t (*emit)(const struct voicegw_host *host, uint64_t call, const char *type, const char *data_json);
    /** `fn(arg, event_json)` on [control] for each event whose type matches the glob and, unless `call` is 0, that is
     * about this call. Returns a subscription (0: limit); it ends with the instance or by unsubscribe(). [control] */
    uint64_t (*subscribe)(const struct voicegw_host *host, uint64_t call, const char *type_glob,
                          void (*fn)(void *arg, const char *event_json), void *arg);
    void (*unsubscribe)(const struct voicegw_host *host, uint64_t subscription);
};

/** Small state of an instance's name that outlives reloads and restarts: at most 64 keys of 4 KiB. [control] */
struct voicegw_host_state {
    uint32_t size;
    uint32_t reserved;
    /** Valid until the callback returns; NULL when absent. */
    const char *(*get)(const struct voicegw_host *host, const char *key);
    int32_t (*set)(const struct voicegw_host *host, const char *key, const char *value); /* value NULL: remove */
};

#endif
