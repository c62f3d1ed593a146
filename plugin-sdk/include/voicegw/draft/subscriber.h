/* voicegw/draft/subscriber.h - a plugin that listens to events. Part of the voicegw plugin SDK (MIT).
 * Draft: may change until version 1 is cut. */
#ifndef VOICEGW_DRAFT_SUBSCRIBER_H
#define VOICEGW_DRAFT_SUBSCRIBER_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_KIND_SUBSCRIBER "voicegw.subscriber/1"

struct voicegw_subscriber {
    uint32_t size;
    uint32_t reserved;
    /** Event types wanted: array of names or globs ("call_*"); NULL: all. Constant after start. [control] */
    const char *(*filter)(void *instance);
    /** Events in order, at most 256 at a time: a JSON array of envelopes, borrowed. VOICEGW_EBUSY: ask again in a
     * second, they are kept while the log keeps them. [control] */
    int32_t (*on_events)(void *instance, const char *events_json, uint32_t count);
    /** Events up to `resume_id` were lost to this subscriber because it was too slow. [control] */
    void (*on_gap)(void *instance, uint64_t resume_id);
};

#endif
