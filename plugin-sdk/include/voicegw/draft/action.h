/* voicegw/draft/action.h - further actions for workflows and tools for assistants. Part of the voicegw plugin SDK
 * (MIT). Draft: may change until version 1 is cut. All functions run on [control]. */
#ifndef VOICEGW_DRAFT_ACTION_H
#define VOICEGW_DRAFT_ACTION_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_KIND_ACTION "voicegw.action/1"
#define VOICEGW_HOST_ACTION "voicegw.host.action/1"

#define VOICEGW_ACTION_IDEMPOTENT 1u /* may be run again after a lost answer */
#define VOICEGW_ACTION_TOOL 2u       /* may also be offered to assistants */

struct voicegw_action_spec {
    uint32_t size;
    uint32_t flags;            /* VOICEGW_ACTION_* */
    const char *name;          /* [a-z0-9_]+, unique; a core name is refused */
    const char *description;   /* one sentence */
    const char *params_schema; /* JSON Schema of an object: properties, required */
    const char *result_schema; /* or NULL */
    uint32_t timeout_ms;       /* 0: 30,000 */
    uint32_t reserved;
};

struct voicegw_action {
    uint32_t size;
    uint32_t reserved;
    /** The i-th action, NULL behind the last. Constant for the instance's life. */
    const struct voicegw_action_spec *(*list)(void *instance, uint32_t index);
    /** Pure: are these (untemplated) parameters acceptable? May be NULL. */
    int32_t (*validate)(void *instance, const char *name, const char *params_json);
    /** Starts a run; completes exactly once by host_action.complete(run), never from inside. context:
     * {"call_id","session_id", "run_id","variables"}. */
    int32_t (*run)(void *instance, uint64_t run, const char *name, const char *params_json, const char *context_json);
    /** Gives up; the run still completes. May be NULL. */
    void (*cancel)(void *instance, uint64_t run);
};

struct voicegw_host_action {
    uint32_t size;
    uint32_t reserved;
    /** [any] result: JSON value or NULL. */
    int32_t (*complete)(const struct voicegw_host *host, uint64_t run, int32_t status, const char *sentence,
                        const char *result_json);
};

#endif
