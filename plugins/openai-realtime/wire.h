/* wire.h - what is sent to a realtime model, as JSON text. Pure; each text is malloc()ed, NULL: no memory. */
#ifndef REALTIME_WIRE_H
#define REALTIME_WIRE_H
#include <stdint.h>
#include "dialect.h"
#include "tool_offer.h"

struct rt_setup {
    const char *model, *instructions, *more;                        /* more: a second part of the instructions, or "" */
    const char *voice, *transcription, *language, *noise_reduction; /* "" for none */
    const char *detection;                                          /* "server_vad", "semantic_vad", "" for ours */
    const char *eagerness;
    const char *encoding; /* "pcmu", "pcma", "pcm" */
    double threshold, speed;
    uint32_t prefix_ms, silence_ms, idle_ms, max_tokens; /* idle_ms, max_tokens 0: none */
    const struct tool_offer *offer;
    struct voicegw_json extra; /* members of the session beside ours */
};

char *rt_wire_setup(const struct rt_dialect *d, const struct rt_setup *s);
/** An event without anything. */
char *rt_wire_plain(const struct rt_dialect *d, enum rt_event event);
/** A message of the conversation; role "user", "assistant" or "system". */
char *rt_wire_message(const struct rt_dialect *d, const char *role, const char *text);
char *rt_wire_result(const struct rt_dialect *d, const char *call_id, const char *output);
/** Of an item so much was heard; 0: it leaves the conversation. */
char *rt_wire_heard(const struct rt_dialect *d, const char *item, uint32_t heard_ms);
/** Asks for an answer; `instructions` for this one alone, or NULL. */
char *rt_wire_respond(const struct rt_dialect *d, const char *instructions);
/** The address of the socket: base_url with ws for http, path and model. VOICEGW_ELIMIT: it does not fit. */
int32_t rt_wire_url(const char *base_url, const char *path, const char *model, char *out, uint64_t cap);
#endif
