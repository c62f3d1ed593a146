/* live_private.h - what the parts of a stream at a vendor share: its state, its timers, and what each part offers to
 * the others. All on the stream's worker. */
#ifndef VOICEGW_PLUGIN_LIVE_PRIVATE_H
#define VOICEGW_PLUGIN_LIVE_PRIVATE_H
#include <stdbool.h>
#include "live.h"

#define WAITING_MAX 8      /* finals that are owed at a time */
#define HELD_S 8           /* of audio that waits for a connection */
#define MESSAGE_MAX 262144 /* bytes of a vendor's message */
#define GOODBYE_US 1000000 /* for the vendor to close by itself */
#define PIECE_MAX 6400     /* bytes of one message with audio: 200 ms at 16 kHz linear */
#define STRANGE_MAX 50     /* messages that are no JSON until the vendor is given up */
#define FRAME_BYTES_MAX 9600

enum state { CONNECTING, OPEN, RESTING, LEAVING, BROKEN };

struct live {
    struct live_home *home;
    uint64_t handle, ws;
    enum state state;
    bool socket;      /* on_close() is still to come */
    bool closing;     /* close() was called */
    bool renew;       /* another language: once no final is owed, by a connection of its own */
    bool renewing;    /* the one before is being closed for that */
    bool ending;      /* its end is posted */
    bool news_since;  /* a message came since the oldest commit */
    uint32_t tries;   /* connections that were made without a result */
    uint32_t strange; /* messages that could not be read */
    uint64_t timer_retry, timer_keep, timer_final, timer_leave;
    char *url;    /* of the connection */
    uint64_t key; /* counts connections: what a timer was started for */

    char language[32];
    char *hints;
    uint32_t encoding, rate, width;
    bool interim;

    uint8_t *held; /* audio that waits for the connection, or for a whole piece */
    size_t held_used, held_size;
    uint64_t sent, position;           /* samples on this connection; samples of the caller so far */
    uint64_t sent_fresh;               /* samples since the last commit */
    uint64_t mark_sent, mark_position; /* one place in both, to tell where a text stands */
    int64_t sent_us;

    uint64_t utterance; /* that runs */
    uint64_t waiting[WAITING_MAX];
    uint32_t waiting_count;
    uint32_t late; /* answers to commits that nobody waits for any more */
    struct live_said said;
    struct live_news news;
};

const struct voicegw_host *live_host_of(const struct live *l);
void live_timer_end(struct live *l, uint64_t *timer);
/** Anew, when it runs already. */
void live_timer_begin(struct live *l, uint64_t *timer, int64_t us, voicegw_callback fn);

/* ---- live_turn.c: texts, finals ---- */

/** Waits for the oldest final that is owed, or for none. */
void live_expect_final(struct live *l);
/** The oldest utterance that waits is over, with what was heard of it. */
void live_settle_oldest(struct live *l);
void live_settle_all(struct live *l);
/** What a message brought; not of complaints. */
void live_take(struct live *l, const struct live_news *n);
void live_account(struct live *l, const struct live_news *n);

/* ---- live_send.c: audio and messages ---- */

int32_t live_send_text(struct live *l, const char *text, size_t bytes);
/** Sends what is held in whole pieces; `all`: the rest too. */
void live_send_held(struct live *l, bool all);
/** Asks for the rest of what was heard. */
void live_commit(struct live *l);
/** The timer's: keeps the connection when nothing was sent. */
void live_on_keep(void *arg);

/* ---- live_socket.c: the connection ---- */

/** Makes a connection. 0, or a negative status and a sentence. */
int32_t live_connect(struct live *l, char *why, size_t cap);
/** Another language: connects anew where the vendor is told it so, as soon as no final is owed. */
void live_renew_if_due(struct live *l);
void live_socket_close(struct live *l);
/** Says goodbye and lets the vendor close, so that its account of what was used still comes. */
void live_leave(struct live *l);
/** The stream is of no more use: told to the host, finals that are owed are settled. */
void live_give_up(struct live *l, int32_t status, const char *sentence);

/* ---- live.c: its life ---- */

/** Ends and frees it; the one on_closed(). */
void live_end_stream(struct live *l);
/** The same, but not from inside of what asks. */
void live_end_soon(struct live *l);
#endif
