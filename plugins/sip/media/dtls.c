/* dtls.c - the handshake, between two memory buffers. */
#include "dtls.h"
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "voicegw/status.h"

#define PROFILES "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM"
#define SALT_CM 14u
#define SALT_GCM 12u
#define KEY 16u
#define DAYS_VALID 3650
#define RECORD_HEAD 13u /* type, version, epoch, number, length */
#define OUT_MAX 16384   /* bytes of a flight that waits to leave */

struct media_identity {
    SSL_CTX *ctx;
    char fingerprint[MEDIA_FINGERPRINT_CAP];
};

struct media_dtls {
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
    enum media_dtls_state state;
    int active, begun;
    char fingerprint[MEDIA_FINGERPRINT_CAP];
};

/* ---- who we are ---- */

/* "sha-256 AB:CD:…" of a certificate; 0 or -1. */
static int print_fingerprint(const X509 *certificate, const EVP_MD *hash, const char *name, char *out, size_t cap)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    size_t n = (size_t)snprintf(out, cap, "%s ", name);
    if (X509_digest(certificate, hash, digest, &bytes) != 1 || n + 3 * (size_t)bytes >= cap)
        return -1;
    for (unsigned i = 0; i < bytes; i++)
        n += (size_t)snprintf(out + n, cap - n, i ? ":%02X" : "%02X", digest[i]);
    return 0;
}

static X509 *certificate_new(EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
    if (name && X509_set_version(x, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(x), -86400) &&
        X509_gmtime_adj(X509_getm_notAfter(x), 86400L * DAYS_VALID) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"voicegw", -1, -1, 0) == 1 &&
        X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0)
        return x;
    X509_free(x);
    return NULL;
}

/* Whoever it is may come: the fingerprint decides afterwards. */
static int take_any(int good, X509_STORE_CTX *store)
{
    (void)good;
    (void)store;
    return 1;
}

struct media_identity *media_identity_new(void)
{
    struct media_identity *id = calloc(1, sizeof *id);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? certificate_new(key) : NULL;
    int fine = id && certificate && (id->ctx = SSL_CTX_new(DTLS_method())) != NULL &&
               SSL_CTX_use_certificate(id->ctx, certificate) == 1 && SSL_CTX_use_PrivateKey(id->ctx, key) == 1 &&
               SSL_CTX_set_tlsext_use_srtp(id->ctx, PROFILES) == 0 &&
               print_fingerprint(certificate, EVP_sha256(), "sha-256", id->fingerprint, sizeof id->fingerprint) == 0;
    if (fine) {
        (void)SSL_CTX_set_min_proto_version(id->ctx, DTLS1_2_VERSION);
        SSL_CTX_set_verify(id->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, take_any);
        (void)SSL_CTX_set_session_cache_mode(id->ctx, SSL_SESS_CACHE_OFF);
        (void)SSL_CTX_set_options(id->ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
        (void)SSL_CTX_set_mode(id->ctx, SSL_MODE_RELEASE_BUFFERS);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (fine)
        return id;
    media_identity_free(id);
    return NULL;
}

void media_identity_free(struct media_identity *id)
{
    if (id)
        SSL_CTX_free(id->ctx);
    free(id);
}

const char *media_identity_fingerprint(const struct media_identity *id)
{
    return id->fingerprint;
}

/* ---- an association ---- */

/* The hash of "sha-256 AB:…"; NULL for one that nobody should use. `name` gets its name. */
static const EVP_MD *hash_of(const char *fingerprint, const char **ret_name)
{
    static const char *const names[][2] = {
        {"sha-256", "SHA256"}, {"sha-1", "SHA1"}, {"sha-224", "SHA224"}, {"sha-384", "SHA384"}, {"sha-512", "SHA512"}};
    size_t n = strcspn(fingerprint, " ");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i][0]) == n && strncasecmp(fingerprint, names[i][0], n) == 0) {
            *ret_name = names[i][0];
            return EVP_get_digestbyname(names[i][1]);
        }
    return NULL;
}

struct media_dtls *media_dtls_new(const struct media_identity *id, int active, const char *fingerprint)
{
    const char *name;
    struct media_dtls *d = hash_of(fingerprint, &name) ? calloc(1, sizeof *d) : NULL;
    if (!d)
        return NULL;
    d->active = active;
    (void)snprintf(d->fingerprint, sizeof d->fingerprint, "%s", fingerprint);
    d->ssl = SSL_new(id->ctx);
    d->in = BIO_new(BIO_s_mem());
    d->out = BIO_new(BIO_s_mem());
    if (!d->ssl || !d->in || !d->out) {
        BIO_free(d->in);
        BIO_free(d->out);
        SSL_free(d->ssl);
        free(d);
        return NULL;
    }
    (void)BIO_set_mem_eof_return(d->in, -1);
    SSL_set_bio(d->ssl, d->in, d->out);
    (void)SSL_set_mtu(d->ssl, MEDIA_DTLS_MTU);
    if (active)
        SSL_set_connect_state(d->ssl);
    else
        SSL_set_accept_state(d->ssl);
    return d;
}

void media_dtls_free(struct media_dtls *d)
{
    if (!d)
        return;
    SSL_free(d->ssl);
    free(d);
}

int media_is_dtls(const void *data, uint32_t bytes)
{
    const uint8_t *p = data;
    return bytes >= RECORD_HEAD && p[0] >= 20 && p[0] <= 63;
}

/* Is the peer who its description said? */
static int is_the_one(const struct media_dtls *d)
{
    char shown[EVP_MAX_MD_SIZE * 3 + 16];
    const char *name = NULL;
    const EVP_MD *hash = hash_of(d->fingerprint, &name);
    X509 *certificate = SSL_get1_peer_certificate(d->ssl);
    int same = certificate && hash && print_fingerprint(certificate, hash, name, shown, sizeof shown) == 0 &&
               strcasecmp(shown, d->fingerprint) == 0;
    X509_free(certificate);
    return same && SSL_get_selected_srtp_profile(d->ssl) != NULL;
}

enum media_dtls_state media_dtls_take(struct media_dtls *d, const void *data, uint32_t bytes)
{
    if (d->state == MEDIA_DTLS_FAILED || (!d->active && !d->begun && bytes == 0))
        return d->state;
    d->begun = 1;
    if (bytes > 0)
        (void)BIO_write(d->in, data, (int)bytes);
    else
        (void)DTLSv1_handle_timeout(d->ssl);
    if (d->state == MEDIA_DTLS_DONE) { /* a last flight that comes again is answered again; anything else is nothing */
        uint8_t nothing[256];
        (void)SSL_read(d->ssl, nothing, sizeof nothing);
        return d->state;
    }
    int rc = SSL_do_handshake(d->ssl), error = SSL_get_error(d->ssl, rc);
    if (rc == 1)
        d->state = is_the_one(d) ? MEDIA_DTLS_DONE : MEDIA_DTLS_FAILED;
    else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        d->state = MEDIA_DTLS_FAILED;
    return d->state;
}

/* Whole records, as many as fit: the buffer knows no packets. */
uint32_t media_dtls_next(struct media_dtls *d, uint8_t *out, uint32_t cap)
{
    char *all = NULL;
    long waiting = BIO_get_mem_data(d->out, &all);
    uint32_t n = 0;
    while (waiting - (long)n >= (long)RECORD_HEAD) {
        const uint8_t *p = (const uint8_t *)all + n;
        uint32_t record = RECORD_HEAD + ((uint32_t)p[11] << 8 | p[12]);
        if (n + record > cap || (long)(n + record) > waiting)
            break;
        n += record;
    }
    if (n == 0 || waiting > OUT_MAX) {
        (void)BIO_reset(d->out);
        return 0;
    }
    return BIO_read(d->out, out, (int)n) == (int)n ? n : 0;
}

int32_t media_dtls_keys(struct media_dtls *d, struct media_crypto *ret_in, struct media_crypto *ret_out)
{
    const SRTP_PROTECTION_PROFILE *profile = d->state == MEDIA_DTLS_DONE ? SSL_get_selected_srtp_profile(d->ssl) : NULL;
    uint8_t material[2 * (KEY + SALT_CM)];
    if (!profile)
        return VOICEGW_EINVALID;
    int gcm = profile->id == SRTP_AEAD_AES_128_GCM;
    size_t salt = gcm ? SALT_GCM : SALT_CM;
    static const char label[] = "EXTRACTOR-dtls_srtp";
    if (SSL_export_keying_material(d->ssl, material, 2 * (KEY + salt), label, sizeof label - 1, NULL, 0, 0) != 1)
        return VOICEGW_EINVALID;
    struct media_crypto *of[2] = {d->active ? ret_out : ret_in, d->active ? ret_in : ret_out}; /* the client's first */
    for (unsigned i = 0; i < 2; i++) {
        memset(of[i], 0, sizeof *of[i]);
        of[i]->tag = 1;
        of[i]->suite = gcm ? MEDIA_AEAD_AES_128_GCM : MEDIA_AES_CM_128_HMAC_SHA1_80;
        of[i]->key_bytes = (uint32_t)(KEY + salt);
        memcpy(of[i]->key, material + i * KEY, KEY);
        memcpy(of[i]->key + KEY, material + 2 * KEY + i * salt, salt);
    }
    explicit_bzero(material, sizeof material);
    return VOICEGW_OK;
}
