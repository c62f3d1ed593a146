/* hash.c - two lanes of multiply and rotate over 16-byte blocks, mixed at the end (after MurmurHash3 x64_128, public
 * domain). */
#include "plugin/hash.h"
#include <stdio.h>
#include <string.h>

#define C1 UINT64_C(0x87c37b91114253d5)
#define C2 UINT64_C(0x4cf5ad432745937f)

static uint64_t rotl(uint64_t x, int n)
{
    return (x << n) | (x >> (64 - n));
}

static uint64_t finish(uint64_t k)
{
    k ^= k >> 33;
    k *= UINT64_C(0xff51afd7ed558ccd);
    k ^= k >> 33;
    k *= UINT64_C(0xc4ceb9fe1a85ec53);
    return k ^ (k >> 33);
}

static void block(struct vgw_plugin_hash *h, const uint8_t *p)
{
    uint64_t k1, k2;
    memcpy(&k1, p, 8);
    memcpy(&k2, p + 8, 8);
    h->a = (rotl(h->a ^ (rotl(k1 * C1, 31) * C2), 27) + h->b) * 5 + 0x52dce729u;
    h->b = (rotl(h->b ^ (rotl(k2 * C2, 33) * C1), 31) + h->a) * 5 + 0x38495ab5u;
}

void vgw_plugin_hash_init(struct vgw_plugin_hash *h)
{
    *h = (struct vgw_plugin_hash){.a = 0x766f696365677731u, .b = 0x706c7567696e3030u};
}

void vgw_plugin_hash_add(struct vgw_plugin_hash *h, const void *data, size_t len)
{
    const uint8_t *p = data;
    h->bytes += len;
    while (len > 0) {
        if (h->rest_len == 0 && len >= 16) {
            block(h, p);
            p += 16;
            len -= 16;
            continue;
        }
        size_t n = 16 - h->rest_len < len ? 16 - h->rest_len : len;
        memcpy(h->rest + h->rest_len, p, n);
        h->rest_len += n;
        p += n;
        len -= n;
        if (h->rest_len == 16) {
            block(h, h->rest);
            h->rest_len = 0;
        }
    }
}

void vgw_plugin_hash_text(struct vgw_plugin_hash *h, char *out)
{
    if (h->rest_len > 0) {
        memset(h->rest + h->rest_len, 0, 16 - h->rest_len);
        block(h, h->rest);
        h->rest_len = 0;
    }
    uint64_t a = h->a ^ h->bytes, b = h->b ^ h->bytes;
    a += b;
    b += a;
    a = finish(a);
    b = finish(b);
    a += b;
    b += a;
    snprintf(out, VGW_PLUGIN_HASH_TEXT, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
}
