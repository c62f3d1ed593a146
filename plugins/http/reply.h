/* reply.h - what an operator's service answers, read as it comes: JSON, lines of JSON, server-sent events or plain
 * text, told apart by how it begins. Pure.
 *
 * JSON objects hold "text" (said), "actions": [{"action", "params"}] or a single "action" with "params", and "error" (a
 * sentence: the turn has failed). Events carry such an object or plain text; "[DONE]" ends them. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H
#include <stdint.h>
#include "sse.h"
#include "voicegw/json.h"

#define REPLY_OBJECT_MAX (256u << 10) /* bytes of one JSON object */
#define REPLY_TEXT_MAX (32u << 10)    /* bytes of all that is said in one turn */

enum reply_kind { REPLY_AUTO, REPLY_JSON, REPLY_EVENTS, REPLY_TEXT };

struct reply_sink {
    void (*on_text)(void *arg, const char *text);
    void (*on_action)(void *arg, const char *action, const char *params_json); /* params: an object or NULL */
    void *arg;
};

/** Zeroed is ready; `kind` and `sink` are set by the owner. */
struct reply {
    enum reply_kind kind;
    struct reply_sink sink;
    struct sse sse;
    char *object; /* the one under way, or the beginning until the kind is known */
    uint64_t bytes, cap;
    uint64_t said; /* bytes of text so far */
    uint32_t depth, in_string, escaped;
    char tail[4]; /* the beginning of a character that a piece was cut in */
    uint32_t tail_bytes;
    const char *why; /* of a refusal */
};

/** Feeds octets. 0; VOICEGW_EPROVIDER for what cannot be read, VOICEGW_ELIMIT for too much: then r->why says it. */
int32_t reply_feed(struct reply *r, const void *data, uint64_t bytes);
/** The answer is over; the same results. An empty answer is fine. */
int32_t reply_finish(struct reply *r);
/** Frees its buffers. */
void reply_done(struct reply *r);
#endif
