/* tls.c - OpenSSL: digests, the shared store of CA certificates, client contexts, servers' certificates. */
#include "net/tls.h"
#include "base/alloc.h"
#include "net/tls_impl.h"
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* ---- digests ---- */

static const EVP_MD *find(enum vgw_digest algorithm)
{
    switch (algorithm) {
    case VGW_DIGEST_MD5:
        return EVP_md5();
    case VGW_DIGEST_SHA1:
        return EVP_sha1();
    case VGW_DIGEST_SHA256:
        return EVP_sha256();
    case VGW_DIGEST_SHA512:
        return EVP_sha512();
    default:
        return NULL;
    }
}

int vgw_digest(enum vgw_digest algorithm, const void *data, size_t len, uint8_t *out)
{
    const EVP_MD *md = find(algorithm);
    unsigned n = 0;
    if (!md)
        return VGW_EUNSUPPORTED;
    return EVP_Digest(data, len, out, &n, md, NULL) == 1 ? (int)n : VGW_EINTERNAL;
}

int vgw_hmac(enum vgw_digest algorithm, const void *key, size_t key_len, const void *data, size_t len, uint8_t *out)
{
    const EVP_MD *md = find(algorithm);
    unsigned n = 0;
    if (!md)
        return VGW_EUNSUPPORTED;
    if (key_len > INT_MAX)
        return VGW_ELIMIT;
    return HMAC(md, key ? key : "", (int)key_len, data, len, out, &n) ? (int)n : VGW_EINTERNAL;
}

/* ---- the shared store ---- */

static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static X509_STORE *store;
static atomic_bool store_ready;

static const char *why(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return text ? text : "unknown reason";
}

static bool make_store(void)
{
    if (!store)
        store = X509_STORE_new();
    return store != NULL;
}

int vgw_tls_store_add_file(const char *path, struct vgw_error *err)
{
    int rc = 0;
    pthread_mutex_lock(&store_lock);
    if (!make_store())
        rc = vgw_error_nomem(err);
    else if (X509_STORE_load_file(store, path) != 1)
        rc = vgw_error_set(err, VGW_ECONFIG, "%s holds no CA certificates in PEM: %s", path, why());
    pthread_mutex_unlock(&store_lock);
    return rc;
}

int vgw_tls_store_load(struct vgw_error *err)
{
    int rc = 0;
    if (atomic_load(&store_ready))
        return 0;
    pthread_mutex_lock(&store_lock);
    if (!make_store())
        rc = vgw_error_nomem(err);
    else if (!atomic_load(&store_ready) && X509_STORE_set_default_paths(store) != 1)
        rc = vgw_error_set(err, VGW_ENETWORK, "the system's CA certificates cannot be loaded: %s", why());
    else
        atomic_store(&store_ready, true);
    ERR_clear_error();
    pthread_mutex_unlock(&store_lock);
    return rc;
}

bool vgw_tls_store_ready(void)
{
    return atomic_load(&store_ready);
}

void vgw_tls_share_store(void *ssl_ctx)
{
    if (atomic_load(&store_ready))
        SSL_CTX_set1_cert_store(ssl_ctx, store);
}

void *vgw_tls_client_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    vgw_tls_share_store(ctx);
    return ctx;
}

void vgw_tls_client_ctx_free(void *ssl_ctx)
{
    SSL_CTX_free(ssl_ctx);
}

/* ---- servers' certificates ---- */

struct vgw_tls_server {
    pthread_mutex_t lock;
    SSL_CTX *ctx; /* counted by OpenSSL: each connection keeps the one it began with */
};

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                   unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *read_files(const char *certificate, const char *key, struct vgw_error *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx) {
        vgw_error_nomem(err);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1); /* else each record costs two reads of the socket */
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    SSL_CTX_set_num_tickets(ctx, 1);
    if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
        vgw_error_set(err, VGW_ECONFIG, "%s holds no certificate in PEM that can be used: %s", certificate, why());
    else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        vgw_error_set(err, VGW_ECONFIG, "%s holds no private key in PEM that belongs to %s: %s", key, certificate,
                      why());
    else if (SSL_CTX_check_private_key(ctx) != 1)
        vgw_error_set(err, VGW_ECONFIG, "the key in %s does not belong to the certificate in %s", key, certificate);
    else
        return ctx;
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return NULL;
}

int vgw_tls_server_new(const char *certificate, const char *key, struct vgw_tls_server **ret_server,
                       struct vgw_error *err)
{
    struct vgw_tls_server *s;
    if (!VGW_NEW(s))
        return vgw_error_nomem(err);
    s->ctx = read_files(certificate, key, err);
    if (!s->ctx) {
        vgw_free(s);
        return VGW_ECONFIG;
    }
    pthread_mutex_init(&s->lock, NULL);
    *ret_server = s;
    return 0;
}

int vgw_tls_server_reload(struct vgw_tls_server *s, const char *certificate, const char *key, struct vgw_error *err)
{
    SSL_CTX *ctx = read_files(certificate, key, err);
    if (!ctx)
        return VGW_ECONFIG;
    pthread_mutex_lock(&s->lock);
    SSL_CTX *old = s->ctx;
    s->ctx = ctx;
    pthread_mutex_unlock(&s->lock);
    SSL_CTX_free(old);
    return 0;
}

void vgw_tls_server_free(struct vgw_tls_server *s)
{
    if (!s)
        return;
    SSL_CTX_free(s->ctx);
    pthread_mutex_destroy(&s->lock);
    vgw_free(s);
}

/* ---- a session, for the threads ---- */

void *vgw_tls_session_new(struct vgw_tls_server *s, int fd)
{
    pthread_mutex_lock(&s->lock);
    SSL *ssl = SSL_new(s->ctx);
    pthread_mutex_unlock(&s->lock);
    if (ssl && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl)
        SSL_set_accept_state(ssl);
    return ssl;
}

void vgw_tls_session_free(void *session)
{
    SSL_free(session);
}

static long outcome(SSL *ssl, int n, unsigned *ret_want)
{
    if (n > 0)
        return n;
    switch (SSL_get_error(ssl, n)) {
    case SSL_ERROR_WANT_READ:
        *ret_want = VGW_IO_READ;
        return VGW_TLS_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        *ret_want = VGW_IO_WRITE;
        return VGW_TLS_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return VGW_TLS_END;
    default:
        ERR_clear_error();
        return VGW_TLS_BROKEN;
    }
}

long vgw_tls_session_handshake(void *session, unsigned *ret_want)
{
    ERR_clear_error();
    return outcome(session, SSL_do_handshake(session), ret_want);
}

long vgw_tls_session_read(void *session, void *out, size_t cap, unsigned *ret_want)
{
    ERR_clear_error();
    return outcome(session, SSL_read(session, out, (int)cap), ret_want);
}

bool vgw_tls_session_pending(void *session)
{
    return SSL_has_pending(session);
}

long vgw_tls_session_write(void *session, const void *data, size_t len, unsigned *ret_want)
{
    ERR_clear_error();
    return outcome(session, SSL_write(session, data, (int)len), ret_want);
}

void vgw_tls_session_end(void *session)
{
    ERR_clear_error();
    (void)SSL_shutdown(session);
    ERR_clear_error();
}
