/* tool_offer.h - what a model may call: the host's tools, and functions of our own for what only the line can do. Pure;
 * one thread at a time. */
#ifndef COMMON_TOOL_OFFER_H
#define COMMON_TOOL_OFFER_H
#include <stdint.h>
#include "voicegw/json.h"

#define TOOL_OFFER_MAX 64u /* functions that are offered at once; further ones are left out */
#define TOOL_NAME_MAX 65u  /* of a function, with its NUL */

enum tool_builtin { TOOL_OF_HOST, TOOL_END_CALL, TOOL_TRANSFER, TOOL_HAND_OFF };

struct tool_entry {
    const char *name, *description;
    struct voicegw_json parameters; /* JSON Schema; absent: an empty object's */
    enum tool_builtin builtin;
};

/** Zeroed is ready. */
struct tool_offer {
    struct tool_entry tools[TOOL_OFFER_MAX];
    uint32_t count;
    /* private: what the entries point to */
    char *names, *tools_json, *agent_json, *handoff;
};

/** Reads what is offered. `wanted`, `builtins`: JSON lists of names (NULL: all); agent_json and tools_json as the host
 * gives them, where NULL keeps what was read before. 0 or VOICEGW_ELIMIT (no memory). */
int32_t tool_offer_read(struct tool_offer *offer, const char *wanted, const char *builtins, const char *agent_json,
                        const char *tools_json);
void tool_offer_free(struct tool_offer *offer);
/** Its entry, or NULL. */
const struct tool_entry *tool_offer_find(const struct tool_offer *offer, const char *name);
/** 1: a name that vendors take: 1 to 64 of [A-Za-z0-9_-]. */
uint32_t tool_name_valid(const char *name);
/** The parameters to write: the entry's, or those of a function without any. */
struct voicegw_json tool_parameters(const struct tool_entry *tool);

/** The action (voicegw/draft/assistant.h) that a function of our own asks for, with its params in `params`; NULL when
 * the arguments are too long. `transfer_to`: where to when no department is named. */
const char *tool_builtin_action(enum tool_builtin builtin, struct voicegw_json arguments, const char *transfer_to,
                                char *params, uint64_t cap);
/** What the caller shall hear before that; "" for nothing. */
void tool_builtin_words(enum tool_builtin builtin, struct voicegw_json arguments, char *out, uint64_t cap);
#endif
