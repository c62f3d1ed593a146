/* voicegw/draft/host_crypto.h - digests, HMAC, randomness for plugins. Part of the voicegw plugin SDK (MIT).
 * Draft: may change until version 1 is cut. All functions are [any] and pure but random(). */
#ifndef VOICEGW_DRAFT_HOST_CRYPTO_H
#define VOICEGW_DRAFT_HOST_CRYPTO_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_HOST_CRYPTO "voicegw.host.crypto/1"

#define VOICEGW_DIGEST_MD5 1u
#define VOICEGW_DIGEST_SHA1 2u
#define VOICEGW_DIGEST_SHA256 3u
#define VOICEGW_DIGEST_SHA512 4u

struct voicegw_host_crypto {
    uint32_t size;
    uint32_t reserved;
    /** Writes 16, 20, 32 or 64 bytes to out; returns that length or VOICEGW_EUNSUPPORTED. */
    int32_t (*digest)(const struct voicegw_host *host, uint32_t algorithm, const void *data, uint64_t bytes,
                      uint8_t *out);
    int32_t (*hmac)(const struct voicegw_host *host, uint32_t algorithm, const void *key, uint64_t key_bytes,
                    const void *data, uint64_t bytes, uint8_t *out);
    void (*random)(const struct voicegw_host *host, void *out, uint64_t bytes);
    /** 1 when equal; time depends on the length alone. */
    uint32_t (*equal)(const struct voicegw_host *host, const void *a, const void *b, uint64_t bytes);
    /** Standard base64 with padding; returns the length without the NUL, or VOICEGW_ELIMIT when `cap` is too small. */
    int64_t (*base64_encode)(const struct voicegw_host *host, const void *data, uint64_t bytes, char *out,
                             uint64_t cap);
    int64_t (*base64_decode)(const struct voicegw_host *host, const char *text, uint64_t bytes, void *out,
                             uint64_t cap);
};

#endif
