/* front_impl.h - what front.c, listen.c, conn.c and answer.c share. Private to net/. */
#ifndef VGW_NET_FRONT_IMPL_H
#define VGW_NET_FRONT_IMPL_H
#include "base/buf.h"
#include "base/list.h"
#include "base/metric.h"
#include "base/time.h"
#include "net/front.h"

enum conn_state {
    CONN_HEAD,   /* reading a head (or waiting for its first byte) */
    CONN_BODY,   /* reading a body */
    CONN_ANSWER, /* the handler has the exchange */
    CONN_STREAM, /* a streaming answer is open */
    CONN_FLUSH,  /* everything is answered, the rest is being written, then close */
    CONN_LINGER, /* our side is shut down: what still comes is thrown away for a moment, so that the answer is not lost
                    to a reset */
    CONN_CLOSED,
};

struct conn {
    struct vgw_list link; /* front->conns */
    struct vgw_front *front;
    int fd;
    struct vgw_io *io;
    struct vgw_timer timer;       /* deadline of the state */
    struct vgw_timer write_timer; /* no progress in writing */
    struct vgw_buf in, out;
    struct vgw_peer peer;
    struct vgw_http_request *request;
    struct vgw_chunked chunked;
    struct vgw_buf body;
    struct vgw_front_stream stream;
    enum conn_state state;
    uint32_t slot, generation;
    size_t scanned; /* of the head in `in` */
    size_t body_limit, lingered;
    unsigned requests;
    unsigned want;       /* VGW_IO_… now asked for */
    unsigned busy;       /* frames of ours on the stack: freed when the last one leaves */
    bool eof;            /* the client sends no more */
    bool upgrade;        /* the exchange is a WebSocket upgrade */
    bool keep;           /* the connection may stay after this answer */
    bool stream_chunked; /* the streaming answer is in chunks (else until close) */
    bool stream_waits;   /* on_drained() is owed */
    bool kept_listener;  /* came by a listener that stays open while draining */
    bool head_started;   /* the first byte of the head is there */
    bool counted;        /* in the count of its address */
};

struct listener {
    struct vgw_list link; /* front->listeners */
    struct vgw_front *front;
    int fd;
    struct vgw_io *io;
    char *address;
    char *path; /* UNIX: unlinked when closed */
    struct vgw_listen how;
};

struct vgw_front {
    struct vgw_loop *loop;
    struct vgw_front_handler handler;
    struct vgw_front_limits limits;
    struct vgw_list listeners, conns;
    struct vgw_cidr *trusted;
    size_t trusted_len;
    struct conn **slots;
    uint32_t *free_slots;
    uint32_t *generations;
    uint32_t slot_cap, free_len;
    struct address_row *rows; /* open addressing; open connections by address */
    size_t rows_cap;
    unsigned conn_count, exchange_count, stream_count;
    struct vgw_timer accept_timer;
    bool draining, accept_paused;
    struct vgw_metric *m_conns, *m_accepted, *m_requests, *m_refused;
};

/* listen.c */
void vgw_front_listeners_close(struct vgw_front *f, bool all);
/* front.c: connections of one address */
bool vgw_front_address_enter(struct vgw_front *f, const struct vgw_addr *addr);
void vgw_front_address_leave(struct vgw_front *f, const struct vgw_addr *addr);
bool vgw_front_trusts(const struct vgw_front *f, const struct vgw_addr *addr);
struct conn *vgw_front_conn(struct vgw_front *f, uint64_t exchange);
/* conn.c */
int vgw_conn_new(struct vgw_front *f, int fd, const struct vgw_peer *peer, bool kept_listener);
void vgw_conn_close(struct conn *c);
void vgw_conn_idle_out(struct conn *c);
uint64_t vgw_conn_exchange(const struct conn *c);
void vgw_conn_update(struct conn *c);
void vgw_conn_answered(struct conn *c);
void vgw_conn_enter(struct conn *c);
void vgw_conn_leave(struct conn *c);
void vgw_conn_flush(struct conn *c);
void vgw_conn_detach(struct conn *c);
void vgw_conn_refuse(struct conn *c, const struct vgw_http_refusal *refusal);
/* peer.c */
void vgw_conn_fill_peer(struct conn *c);
/* answer.c */
int vgw_conn_write_answer(struct conn *c, const struct vgw_http_response *r);

#endif
