/* re_tls.c - contexts of TLS: whose certificates we show, and whose we believe. */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "re_private.h"

/* The layer's contexts are libre's, so that its connections can take them. */
struct re_tls *re_tls_new(const char *certificate, const char *key, const char *ca, int verify, const char *name,
                          char *why, size_t cap)
{
    struct tls *tls = NULL;
    if (tls_alloc(&tls, TLS_METHOD_SSLV23, NULL, NULL) != 0) {
        (void)snprintf(why, cap, "OpenSSL gives no context");
        return NULL;
    }
    SSL_CTX *ctx = tls_openssl_context(tls);
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify_depth(ctx, 8);
    if (certificate && *certificate &&
        (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
         SSL_CTX_use_PrivateKey_file(ctx, key && *key ? key : certificate, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_check_private_key(ctx) != 1)) {
        (void)snprintf(why, cap, "the certificate %s and its key cannot be read, or do not belong together",
                       certificate);
        mem_deref(tls);
        return NULL;
    }
    if (ca && *ca ? SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1 : SSL_CTX_set_default_verify_paths(ctx) != 1) {
        (void)snprintf(why, cap, "the CA certificates %s cannot be read", ca && *ca ? ca : "of the system");
        mem_deref(tls);
        return NULL;
    }
    SSL_CTX_set_verify(ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    struct sa numeric;
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (verify && name && *name &&
        (sa_set_str(&numeric, name, 0) == 0 ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
                                            : X509_VERIFY_PARAM_set1_host(param, name, 0)) != 1) {
        (void)snprintf(why, cap, "%s is no name that a certificate could bear", name);
        mem_deref(tls);
        return NULL;
    }
    return (struct re_tls *)(void *)tls;
}

void re_tls_free(struct re_tls *tls)
{
    mem_deref(tls);
}

/* The head of libre 1.1.0's private struct tls_conn. */
struct tls_conn_head {
    SSL *ssl;
};

bool re_tls_bears(const struct tls_conn *conn, const char *name)
{
    X509 *shown = SSL_get1_peer_certificate(((const struct tls_conn_head *)(const void *)conn)->ssl);
    struct sa numeric;
    bool bears = shown && (sa_set_str(&numeric, name, 0) == 0
                               ? X509_check_ip_asc(shown, name, 0)
                               : X509_check_host(shown, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL)) == 1;
    X509_free(shown);
    return bears;
}
