#include "digest.h"
#include <stdlib.h>
#include <string.h>
#include "../../plugins/common/stream_wire.h"

static uint32_t rotl(uint32_t v, unsigned n)
{
    return (v << n) | (v >> (32u - n));
}

static uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void sha1_block(uint32_t h[5], const uint8_t *p)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (unsigned i = 0; i < 80; i++)
        w[i] = i < 16 ? word(p + 4 * i) : rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
        uint32_t k = i < 20 ? 0x5a827999u : i < 40 ? 0x6ed9eba1u : i < 60 ? 0x8f1bbcdcu : 0xca62c1d6u;
        uint32_t t = rotl(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotl(b, 30);
        b = a;
        a = t;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static const uint32_t k256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static void sha256_block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], v[8];
    memcpy(v, h, sizeof v);
    for (unsigned i = 0; i < 64; i++) {
        if (i < 16) {
            w[i] = word(p + 4 * i);
            continue;
        }
        uint32_t s0 = rotl(w[i - 15], 25) ^ rotl(w[i - 15], 14) ^ (w[i - 15] >> 3);
        uint32_t s1 = rotl(w[i - 2], 15) ^ rotl(w[i - 2], 13) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (unsigned i = 0; i < 64; i++) {
        uint32_t s1 = rotl(v[4], 26) ^ rotl(v[4], 21) ^ rotl(v[4], 7), ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + ch + k256[i] + w[i];
        uint32_t s0 = rotl(v[0], 30) ^ rotl(v[0], 19) ^ rotl(v[0], 10);
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

/* Both share their padding. */
static void run(int sha256, const void *data, size_t bytes, uint8_t *out)
{
    uint32_t h1[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint32_t h2[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    size_t padded = (bytes + 9 + 63) / 64 * 64;
    uint8_t *text = calloc(1, padded);
    memcpy(text, data, bytes);
    text[bytes] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        text[padded - 1 - i] = (uint8_t)((uint64_t)bytes * 8 >> (8 * i));
    for (size_t i = 0; i < padded; i += 64) {
        if (sha256)
            sha256_block(h2, text + i);
        else
            sha1_block(h1, text + i);
    }
    free(text);
    for (unsigned i = 0; i < (sha256 ? 32u : 20u); i++)
        out[i] = (uint8_t)((sha256 ? h2 : h1)[i / 4] >> (24 - 8 * (i % 4)));
}

static int32_t digest(const struct voicegw_host *host, uint32_t algorithm, const void *data, uint64_t bytes,
                      uint8_t *out)
{
    (void)host;
    if (algorithm == VOICEGW_DIGEST_MD5)
        return VOICEGW_EUNSUPPORTED;
    run(algorithm == VOICEGW_DIGEST_SHA256, data, (size_t)bytes, out);
    return algorithm == VOICEGW_DIGEST_SHA256 ? 32 : 20;
}

static int32_t hmac(const struct voicegw_host *host, uint32_t algorithm, const void *key, uint64_t key_bytes,
                    const void *data, uint64_t bytes, uint8_t *out)
{
    uint8_t pad[64 + 32] = {0}, block[64] = {0};
    (void)host;
    if (algorithm != VOICEGW_DIGEST_SHA1)
        return VOICEGW_EUNSUPPORTED;
    if (key_bytes > 64)
        run(0, key, (size_t)key_bytes, block);
    else
        memcpy(block, key, (size_t)key_bytes);
    uint8_t *inner = malloc(64 + (size_t)bytes);
    for (unsigned i = 0; i < 64; i++) {
        inner[i] = block[i] ^ 0x36;
        pad[i] = block[i] ^ 0x5c;
    }
    memcpy(inner + 64, data, (size_t)bytes);
    run(0, inner, 64 + (size_t)bytes, pad + 64);
    free(inner);
    run(0, pad, 64 + 20, out);
    return 20;
}

static void random_bytes(const struct voicegw_host *host, void *out, uint64_t bytes)
{
    static uint8_t count;
    (void)host;
    for (uint64_t i = 0; i < bytes; i++)
        ((uint8_t *)out)[i] = count++;
}

static uint32_t equal(const struct voicegw_host *host, const void *a, const void *b, uint64_t bytes)
{
    (void)host;
    return memcmp(a, b, (size_t)bytes) == 0;
}

static int64_t encode(const struct voicegw_host *host, const void *data, uint64_t bytes, char *out, uint64_t cap)
{
    (void)host;
    if ((bytes + 2) / 3 * 4 >= cap)
        return VOICEGW_ELIMIT;
    size_t n = base64_encode(data, (size_t)bytes, out);
    out[n] = '\0';
    return (int64_t)n;
}

static int64_t decode(const struct voicegw_host *host, const char *text, uint64_t bytes, void *out, uint64_t cap)
{
    size_t used;
    (void)host;
    int64_t n = base64_decode(text, (size_t)bytes, out, (size_t)cap, &used);
    return n >= 0 && used == bytes ? n : VOICEGW_EINVALID;
}

const struct voicegw_host_crypto *digest_crypto(void)
{
    static const struct voicegw_host_crypto crypto = {.size = sizeof crypto,
                                                      .digest = digest,
                                                      .hmac = hmac,
                                                      .random = random_bytes,
                                                      .equal = equal,
                                                      .base64_encode = encode,
                                                      .base64_decode = decode};
    return &crypto;
}
