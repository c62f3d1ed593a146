/* chat_history.h - what a model or a service is told of the conversation so far: bounded, and true to what the caller
 * heard. Pure; one thread at a time. */
#ifndef COMMON_CHAT_HISTORY_H
#define COMMON_CHAT_HISTORY_H
#include <stdint.h>
#include "voicegw/json.h"

#define CHAT_TEXT_MAX (32u << 10)   /* of one message; more is cut at a character's end */
#define CHAT_RESULT_MAX (16u << 10) /* of a tool's result */
#define CHAT_ID_MAX 80u             /* of a call's id, with its NUL */

enum chat_role { CHAT_SYSTEM, CHAT_USER, CHAT_ASSISTANT, CHAT_TOOL };

struct chat_message {
    struct chat_message *next;
    uint64_t turn;
    enum chat_role role;
    char *content;             /* "" for an assistant that only called tools */
    char *calls;               /* JSON array of tool_calls, or NULL */
    char call_id[CHAT_ID_MAX]; /* of CHAT_TOOL */
    uint64_t tool_call;        /* our number of it; 0: none */
};

struct chat_history {
    struct chat_message *first, *last;
    uint64_t bytes;
    uint32_t users;     /* messages of the caller that are kept */
    uint32_t max_turns; /* of these at most */
    uint64_t max_bytes;
};

void chat_history_free(struct chat_history *h);
/** Adds a message; texts are copied and cut to their limits. The oldest turns leave when it grows beyond its limits,
 * but never a part of one, and never `turn` itself. 0 or VOICEGW_ELIMIT (no memory). */
int32_t chat_history_add(struct chat_history *h, uint64_t turn, enum chat_role role, const char *content,
                         const char *calls);
/** Adds the place of a tool's result, with a text that stands until chat_history_result(). */
int32_t chat_history_call(struct chat_history *h, uint64_t turn, const char *call_id, uint64_t tool_call,
                          const char *until_then);
/** 1: the result of that call stands in its place; 0: there is none (any more). */
uint32_t chat_history_result(struct chat_history *h, uint64_t tool_call, const char *result);
/** Of this turn's answer the caller heard so much: the rest leaves. */
void chat_history_heard(struct chat_history *h, uint64_t turn, const char *heard);
/** Takes over [{"role","content"}]; other roles than user, assistant and system are passed over. */
int32_t chat_history_read(struct chat_history *h, struct voicegw_json list);
/** Writes the messages as items of an array that is open. */
void chat_history_write(const struct chat_history *h, struct voicegw_json_writer *w);
#endif
