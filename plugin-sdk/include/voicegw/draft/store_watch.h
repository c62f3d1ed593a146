/* voicegw/draft/store_watch.h - being woken when another gateway wrote to the shared store. Part of the voicegw plugin
 * SDK (MIT). Draft: may change until version 1 is cut.
 *
 * An extension of a store instance. A wake-up may be missed (a lost connection) or come without need: whoever waits
 * looks by itself from time to time as well. */
#ifndef VOICEGW_DRAFT_STORE_WATCH_H
#define VOICEGW_DRAFT_STORE_WATCH_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_KIND_STORE_WATCH "voicegw.store.watch/1"

struct voicegw_store_watch {
    uint32_t size;
    uint32_t reserved;
    /** From now until the instance is drained calls fn(arg) on [control] soon after rows of `table` ("jobs",
     * "messages", "campaigns", "outbox") were written by any gateway, this one included; several writes may be told
     * once. At most 8 watches. VOICEGW_EINVALID: a table that is not watched; VOICEGW_ELIMIT. [control] */
    int32_t (*watch)(void *instance, const char *table, voicegw_callback fn, void *arg);
};

#endif
