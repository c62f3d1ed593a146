/* addr.c - IP addresses: parsing, classes of special addresses, networks. */
#include "net/addr.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static void fold_mapped(struct vgw_addr *a)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (a->family != 6 || memcmp(a->bytes, prefix, sizeof prefix) != 0)
        return;
    memmove(a->bytes, a->bytes + 12, 4);
    memset(a->bytes + 4, 0, 12);
    a->family = 4;
}

bool vgw_addr_parse(const char *text, struct vgw_addr *ret_addr)
{
    struct vgw_addr a = {0};
    if (!text)
        return false;
    if (inet_pton(AF_INET, text, a.bytes) == 1) {
        a.family = 4;
    } else if (inet_pton(AF_INET6, text, a.bytes) == 1) {
        a.family = 6;
        fold_mapped(&a);
    } else {
        return false;
    }
    *ret_addr = a;
    return true;
}

bool vgw_addr_from_sockaddr(const void *sockaddr, struct vgw_addr *ret_addr)
{
    struct vgw_addr a = {0};
    sa_family_t family;
    memcpy(&family, sockaddr, sizeof family);
    if (family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sockaddr, sizeof in);
        a.family = 4;
        memcpy(a.bytes, &in.sin_addr, 4);
    } else if (family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sockaddr, sizeof in6);
        a.family = 6;
        memcpy(a.bytes, &in6.sin6_addr, 16);
        fold_mapped(&a);
    } else {
        return false;
    }
    *ret_addr = a;
    return true;
}

char *vgw_addr_format(const struct vgw_addr *addr, char *out)
{
    out[0] = '\0';
    if (addr->family)
        inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out, VGW_ADDR_TEXT);
    return out;
}

bool vgw_addr_equal(const struct vgw_addr *a, const struct vgw_addr *b)
{
    return a->family == b->family && !memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16);
}

static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool vgw_cidr_holds(const struct vgw_cidr *cidr, const struct vgw_addr *addr)
{
    return addr->family != 0 && cidr->addr.family == addr->family &&
           prefix_equal(cidr->addr.bytes, addr->bytes, cidr->bits);
}

bool vgw_addr_is_loopback(const struct vgw_addr *addr)
{
    static const uint8_t one[16] = {[15] = 1};
    return (addr->family == 4 && addr->bytes[0] == 127) || (addr->family == 6 && !memcmp(addr->bytes, one, 16));
}

struct special {
    uint8_t bytes[16];
    uint8_t bits;
    const char *name;
};

static const struct special special4[] = {
    {{0}, 8, "this network"},
    {{10}, 8, "private"},
    {{100, 64}, 10, "carrier-grade NAT"},
    {{127}, 8, "loopback"},
    {{169, 254}, 16, "link-local"},
    {{172, 16}, 12, "private"},
    {{192, 0, 0}, 24, "reserved"},
    {{192, 0, 2}, 24, "documentation"},
    {{192, 31, 196}, 24, "reserved"},
    {{192, 52, 193}, 24, "reserved"},
    {{192, 88, 99}, 24, "6to4 relay"},
    {{192, 168}, 16, "private"},
    {{192, 175, 48}, 24, "reserved"},
    {{198, 18}, 15, "benchmarking"},
    {{198, 51, 100}, 24, "documentation"},
    {{203, 0, 113}, 24, "documentation"},
    {{168, 63, 129, 16}, 32, "metadata"},
    {{224}, 4, "multicast"},
    {{240}, 4, "reserved"},
};

/* Global unicast is 2000::/3; what is refused inside it is listed, all outside of it is refused. */
static const struct special special6[] = {
    {{0x20, 0x01, 0x00}, 23, "reserved"}, /* Teredo, ORCHID, benchmarking */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x20, 0x02}, 16, "6to4"},
    {{0x3f, 0xff}, 20, "documentation"},
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48, "reserved"},
};

static const char *special_outside_unicast(const uint8_t *b)
{
    static const uint8_t zero[16] = {0};
    static const uint8_t nat64[2] = {0x00, 0x64};
    if (!memcmp(b, zero, 16))
        return "unspecified";
    if (!memcmp(b, zero, 15) && b[15] == 1)
        return "loopback";
    if (b[0] == 0xff)
        return "multicast";
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
        return "link-local";
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0)
        return "site-local";
    if ((b[0] & 0xfe) == 0xfc)
        return "private";
    if (!memcmp(b, nat64, 2))
        return "NAT64";
    return "reserved";
}

const char *vgw_addr_special(const struct vgw_addr *addr)
{
    if (addr->family == 4) {
        for (size_t i = 0; i < sizeof special4 / sizeof *special4; i++)
            if (prefix_equal(special4[i].bytes, addr->bytes, special4[i].bits))
                return special4[i].name;
        return NULL;
    }
    if (addr->family != 6)
        return "unknown";
    if ((addr->bytes[0] & 0xe0) != 0x20)
        return special_outside_unicast(addr->bytes);
    for (size_t i = 0; i < sizeof special6 / sizeof *special6; i++)
        if (prefix_equal(special6[i].bytes, addr->bytes, special6[i].bits))
            return special6[i].name;
    return NULL;
}

int vgw_cidr_parse(const char *text, struct vgw_cidr *ret_cidr, struct vgw_error *err)
{
    struct vgw_cidr c = {0};
    char host[VGW_ADDR_TEXT];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (!vgw_strncopy(host, sizeof host, text, len) || !vgw_addr_parse(host, &c.addr))
        return vgw_error_set(err, VGW_EINVALID,
                             "\"%s\" is not an address or network; write 192.0.2.1, 10.0.0.0/8 or fd00::/8", text);
    unsigned most = c.addr.family == 4 ? 32 : 128;
    c.bits = (uint8_t)most;
    if (slash) {
        int64_t bits;
        if (!vgw_parse_i64(slash + 1, &bits) || bits < 0 || bits > (int64_t)most || slash[1] == '+')
            return vgw_error_set(err, VGW_EINVALID, "\"%s\" has no valid prefix length; it is 0 to %u here", text,
                                 most);
        c.bits = (uint8_t)bits;
    }
    *ret_cidr = c;
    return 0;
}
