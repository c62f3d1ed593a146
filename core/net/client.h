/* client.h - outgoing HTTP: one client a loop, made cheaply; libcurl starts with the first request. client.c alone
 * knows the library.
 *
 * Each URL passes the policy; its name is resolved once, off the loop; the connection goes to the address that was
 * checked; redirects (at most five, and only where asked for) go through the same again, never trusted. Every function
 * belongs to the loop's thread. */
#ifndef VGW_NET_CLIENT_H
#define VGW_NET_CLIENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "net/http.h"
#include "net/policy.h"

struct vgw_client;

struct vgw_client_limits {
    unsigned max_requests; /* 256 under way; zeros take the defaults */
    unsigned max_queue;    /* 1,024 waiting for one of those places */
};

/** How a request ended. Borrowed during on_done(). */
struct vgw_client_result {
    int status; /* 0: an answer came, whatever its code; VGW_ETIMEOUT (cancelled, too), VGW_ENETWORK, VGW_ELIMIT (body
                   too big), VGW_EINVALID (a redirect was refused) */
    int http_status;                       /* 0 when no answer came */
    const char *sentence;                  /* "" or what went wrong */
    const struct vgw_http_header *headers; /* of the last answer */
    size_t header_count;
    const char *body; /* NUL behind body_len; "" with on_body */
    size_t body_len;
};
/** The first header of that name (any case), or NULL. */
const char *vgw_client_header(const struct vgw_client_result *result, const char *name);

/** A request; all is copied by vgw_client_send(). */
struct vgw_client_request {
    const char *method;         /* NULL: GET */
    const char *url;            /* http or https */
    const char *const *headers; /* "Name: value", NULL-ended, or NULL */
    const void *body;
    size_t body_len;
    int64_t timeout_us;         /* for everything, redirects included; 0: 15 s */
    int64_t connect_timeout_us; /* 0: 5 s */
    size_t max_body_bytes;      /* of the answer; 0: 1 MiB. With on_body: of the whole stream, 0: no limit but time */
    const char *username, *password; /* Basic, or the keys of aws_sigv4; or NULL */
    const char *aws_sigv4;           /* "aws:amz:REGION:SERVICE", or NULL */
    bool trusted;                    /* the operator's own URL: private targets are fine */
    bool once;                       /* on a connection of its own: it is never sent twice by itself */
    bool follow;                     /* follow redirects */
    /** Exactly once, never from inside vgw_client_send(). */
    void (*on_done)(void *arg, const struct vgw_client_result *result);
    /** The body of a 2xx answer as it arrives, instead of in the result; may be NULL. May call vgw_client_cancel(). */
    void (*on_body)(void *arg, const void *data, size_t len);
    void *arg;
};

/** Makes a client. `policy` (may be NULL) is referenced, `pool` borrowed and outlives it; `limits` may be NULL. */
int vgw_client_new(struct vgw_loop *loop, struct vgw_pool *pool, const struct vgw_policy *policy,
                   const struct vgw_client_limits *limits, struct vgw_client **ret_client, struct vgw_error *err);
/** A reload's new policy; requests under way keep to it from their next step on. */
void vgw_client_set_policy(struct vgw_client *c, const struct vgw_policy *policy);
/** Starts a request: 0 and *ret_id (may be NULL), VGW_EINVALID (URL, header, policy), VGW_ELIMIT (queue full, memory).
 * On failure on_done() is not called. */
int vgw_client_send(struct vgw_client *c, const struct vgw_client_request *request, uint64_t *ret_id,
                    struct vgw_error *err);
/** on_done() follows with VGW_ETIMEOUT. VGW_ENOTFOUND: over already. */
int vgw_client_cancel(struct vgw_client *c, uint64_t id);
/** Requests under way and waiting. */
unsigned vgw_client_count(const struct vgw_client *c);
/** Ends all requests: their on_done() comes from inside with VGW_ENETWORK. Takes NULL. */
void vgw_client_free(struct vgw_client *c);

#endif
