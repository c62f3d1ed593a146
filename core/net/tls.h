/* tls.h - OpenSSL for the whole core: digests, HMAC, certificates, contexts, and threads that end TLS. tls.c alone
 * knows it. */
#ifndef VGW_NET_TLS_H
#define VGW_NET_TLS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "loop/loop.h"
#include "net/front.h"

/* ---- digests: any thread ---- */

enum vgw_digest { VGW_DIGEST_MD5 = 1, VGW_DIGEST_SHA1 = 2, VGW_DIGEST_SHA256 = 3, VGW_DIGEST_SHA512 = 4 };
#define VGW_DIGEST_MAX 64
/** Writes 16, 20, 32 or 64 bytes to `out` and returns that number; VGW_EUNSUPPORTED for other algorithms. */
int vgw_digest(enum vgw_digest algorithm, const void *data, size_t len, uint8_t *out);
int vgw_hmac(enum vgw_digest algorithm, const void *key, size_t key_len, const void *data, size_t len, uint8_t *out);

/* ---- clients: one store of CA certificates a process ---- */

/** Loads the system's CA certificates into the shared store, once (about 50 ms: call it in a pool job). Thread: any.
 * VGW_ENETWORK with a sentence. */
int vgw_tls_store_load(struct vgw_error *err);
/** Is the store loaded? Thread: any. */
bool vgw_tls_store_ready(void);
/** Uses these CA files beside the system's; before the store is loaded. Thread: any. */
int vgw_tls_store_add_file(const char *path, struct vgw_error *err);
/** Puts the shared store into an SSL_CTX made by a library (libcurl's CURLOPT_SSL_CTX_FUNCTION). The store must be
 * ready. Thread: any. */
void vgw_tls_share_store(void *ssl_ctx);
/** A new client SSL_CTX (TLS 1.2 and later, peer verified against the shared store); NULL when out of memory. Its taker
 * frees it by vgw_tls_client_ctx_free(), or gives it to a library that does. */
void *vgw_tls_client_ctx(void);
void vgw_tls_client_ctx_free(void *ssl_ctx);

/* ---- servers ---- */

/** A certificate chain and its key, for listeners; counted, so that a reload replaces it while handshakes run. */
struct vgw_tls_server;
/** Reads both files (PEM) and checks that they belong together. VGW_ECONFIG with a sentence. */
int vgw_tls_server_new(const char *certificate, const char *key, struct vgw_tls_server **ret_server,
                       struct vgw_error *err);
/** Reads files anew; connections that are there keep what they have. On failure the old ones stay in use. Thread: any.
 */
int vgw_tls_server_reload(struct vgw_tls_server *s, const char *certificate, const char *key, struct vgw_error *err);
void vgw_tls_server_free(struct vgw_tls_server *s); /* takes NULL; after its threads are gone */

/** A thread that ends TLS: it takes accepted sockets, does the handshake, and hands the plain end of a socket pair with
 * small buffers on. */
struct vgw_tls_thread;
struct vgw_tls_limits {
    unsigned max_connections;     /* 4,096; zeros take the defaults */
    int64_t handshake_timeout_us; /* 10 s */
    int64_t linger_timeout_us;    /* 5 s for the last bytes once one side has ended */
    int buffer_bytes;             /* 16 KiB: of the pair's sockets */
};
/** Starts a thread. on_plain(arg, fd, peer) is called on it for each finished handshake and owns fd (a non-blocking
 * stream socket; peer->tls is set): post it to the front's loop and give it to vgw_front_adopt(). `limits` may be NULL.
 */
int vgw_tls_thread_new(struct vgw_tls_server *server, const struct vgw_tls_limits *limits,
                       void (*on_plain)(void *arg, int fd, const struct vgw_peer *peer), void *arg,
                       struct vgw_tls_thread **ret_thread, struct vgw_error *err);
/** Gives an accepted socket over (closed when the thread is full). Thread: any. */
void vgw_tls_thread_take(struct vgw_tls_thread *t, int fd, const struct vgw_peer *peer);
/** Connections now held. Thread: any. */
unsigned vgw_tls_thread_count(const struct vgw_tls_thread *t);
/** The thread's loop, for the watchdog. */
struct vgw_loop *vgw_tls_thread_loop(struct vgw_tls_thread *t);
/** Cuts its connections, ends and joins the thread. Takes NULL. */
void vgw_tls_thread_free(struct vgw_tls_thread *t);

#endif
