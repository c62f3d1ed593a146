/* stream.h - the media stream of a call: the leg's side and the socket's side of it. All on the worker of the leg. */
#ifndef TWILIO_STREAM_H
#define TWILIO_STREAM_H
#include "stream_wire.h"
#include "twilio.h"

#define STREAM_MARKS_MAX 32u
#define STREAM_EARLY_MAX 16000u /* audio that is kept until the conversation is ready: 2 s */
#define STREAM_ERRORS_MAX 10u   /* bad frames that a socket is forgiven */

struct stream_mark {
    uint64_t id;
    uint32_t sent;
};

/* One WebSocket; several may come for a leg, one proves itself. */
struct stream_socket {
    struct stream_socket *next;
    struct twilio *m;
    struct twilio_stream *stream; /* NULL once the leg has ended */
    uint64_t ws;
    uint64_t place; /* of a socket that came without its call's id, until it has found it */
    struct stream_socket *next_late;
    char *start; /* its start frame meanwhile */
    size_t start_bytes;
    uint8_t *early; /* and the audio behind it */
    uint32_t early_bytes;
    uint32_t errors, closing, is_signed, based, stopped;
    uint64_t base_ms, next_sample, last_chunk;
    size_t prefix_bytes;
    char sid[STREAM_SID_CAP];
    char prefix[STREAM_PREFIX_CAP];
};

struct twilio_stream {
    struct twilio *m;
    uint64_t leg, call;
    struct stream_socket *sockets, *live; /* live: the one that proved itself */
    uint64_t flush_timer;
    uint32_t waiting; /* the host was told to wait for on_writable() */
    uint32_t clear_owed, told_end, flushing, one_way;
    uint32_t ready; /* the conversation has begun: what was heard before waits in `early` */
    uint32_t early_bytes;
    uint8_t *early;
    uint32_t mark_count;
    struct stream_mark *marks; /* STREAM_MARKS_MAX of them, from the first on */
};

/* stream.c */
/** Sends what was owed before any more audio; 0 when nothing is owed. */
int32_t stream_settle(struct twilio_stream *s);
/** The marks that are out come back unheard, not from inside the host's call. */
void stream_flush_marks(struct twilio_stream *s);
/** A mark came back. */
void stream_marked(struct twilio_stream *s, uint64_t id);
/** Tells control once how the stream ended. */
void stream_ended(struct twilio_stream *s, char what, const char *cause);

/* socket.c */
/** The call of a socket that came without its id: goes on from the start frame that was kept. */
void stream_found(struct stream_socket *k, struct twilio_stream *s);

/* late.c: sockets that came without their call's id */
void stream_late_add(struct stream_socket *k);
/** Also frees what it kept. */
void stream_late_remove(struct stream_socket *k);
/** A frame of such a socket: its start is kept, and its call looked for. NULL, or what is wrong. */
const char *stream_late_message(struct stream_socket *k, const char *text, size_t bytes);
#endif
