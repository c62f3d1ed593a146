/* digest.h - asking callers for a password (RFC 3261, 22; RFC 2617): nonces, their counts, and the check. Pure: time
 * and randomness come in as arguments. */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H
#include <stddef.h>
#include <stdint.h>

#define DIGEST_NONCES 4096u       /* that are remembered; the oldest goes first */
#define DIGEST_NONCE_US 300000000 /* how long one is good */
#define DIGEST_NONCE_CAP 33
#define DIGEST_FIELD_CAP 256

struct digest_nonce {
    char text[DIGEST_NONCE_CAP];
    uint32_t count; /* the highest that was used */
    int64_t made_us;
};

struct digest {
    struct digest_nonce nonces[DIGEST_NONCES];
    uint32_t next;
};

/* What an Authorization header says. */
struct digest_claim {
    char username[DIGEST_FIELD_CAP], realm[DIGEST_FIELD_CAP], nonce[DIGEST_FIELD_CAP], uri[DIGEST_FIELD_CAP],
        response[40];
    char qop[16], nc[12], cnonce[DIGEST_FIELD_CAP], algorithm[16];
};

enum digest_verdict {
    DIGEST_GOOD,
    DIGEST_WRONG,   /* the password is not that */
    DIGEST_STALE,   /* right, but the nonce is old, unknown or used: ask again */
    DIGEST_UNKNOWN, /* the claim cannot be checked: another realm or algorithm */
};

/** 16 bytes of MD5 of a text. */
typedef void (*digest_md5)(void *arg, const char *text, size_t bytes, uint8_t *out);

/** Reads "Digest username=…, …"; 0, or -1: it is none. */
int digest_parse(const char *header, struct digest_claim *ret_claim);
/** Makes a nonce of 16 random bytes and remembers it. */
const char *digest_nonce_new(struct digest *digest, const uint8_t *random, int64_t now_us);
/** Checks a claim about `method`. A nonce's count may only grow; without qop it is good once. */
enum digest_verdict digest_check(struct digest *digest, const struct digest_claim *claim, const char *method,
                                 const char *realm, const char *password, digest_md5 md5, void *md5_arg,
                                 int64_t now_us);
#endif
