/* sse.h - server-sent events as they come off a socket: a pure parser that may be fed in any pieces. Source: WHATWG
 * HTML living standard, 9.2.6. Needs no host. */
#ifndef COMMON_SSE_H
#define COMMON_SSE_H
#include <stdint.h>
#include "voicegw/status.h"

#define SSE_EVENT_MAX (256u << 10) /* bytes of one event's data; more is refused */

/** Zeroed is ready. Private but for reading. */
struct sse {
    char *data; /* of the event under way, lines joined by \n; with a NUL */
    uint64_t bytes, cap;
    char *line; /* the line under way */
    uint64_t line_bytes, line_cap;
    char event[64];
    uint32_t has_data; /* an event is under way */
    uint32_t was_cr;   /* the last octet was \r: a \n that follows belongs to it */
    uint32_t begun;    /* octets have come: a byte order mark may only stand before them */
    uint32_t stopped;  /* on_event asked for no more, or a limit was reached */
    uint64_t events;   /* told so far */
};

/** One event. `event` is "" when it has no name; `data` has a NUL behind `bytes`. Anything but 0 stops the parser. */
typedef int32_t (*sse_on_event)(void *arg, const char *event, const char *data, uint64_t bytes);

/** Feeds octets. 0; VOICEGW_ELIMIT for an event beyond SSE_EVENT_MAX or no memory; or what on_event answered. After
 * that everything is swallowed. */
int32_t sse_feed(struct sse *s, const void *data, uint64_t bytes, sse_on_event on_event, void *arg);
/** The stream is over: an event whose lines are whole is told even if the empty line behind it is missing; half a line
 * is dropped. The same results. */
int32_t sse_finish(struct sse *s, sse_on_event on_event, void *arg);
/** Frees its buffers; it is as new then. */
void sse_done(struct sse *s);
#endif
