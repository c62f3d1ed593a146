/* addr.h - IP addresses and networks: strict text, canonical text, classes. Pure; any thread. */
#ifndef VGW_NET_ADDR_H
#define VGW_NET_ADDR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define VGW_ADDR_TEXT 48 /* any address, NUL included */

/** An address of either family. IPv4-mapped IPv6 (::ffff:a.b.c.d) is folded into IPv4 by every function that makes one.
 */
struct vgw_addr {
    uint8_t family; /* 4, 6, or 0: none */
    uint8_t bytes[16];
};

/** A network: address and prefix length. */
struct vgw_cidr {
    struct vgw_addr addr;
    uint8_t bits;
};

/** Strict dotted quad (four decimal numbers, no leading zeros) or RFC 4291 text without brackets and zone. */
bool vgw_addr_parse(const char *text, struct vgw_addr *ret_addr);
/** From a `struct sockaddr` (in or in6) of any family; false for others. */
bool vgw_addr_from_sockaddr(const void *sockaddr, struct vgw_addr *ret_addr);
/** Canonical text (RFC 5952) into `out` of VGW_ADDR_TEXT bytes; "" for family 0. Returns out. */
char *vgw_addr_format(const struct vgw_addr *addr, char *out);
bool vgw_addr_equal(const struct vgw_addr *a, const struct vgw_addr *b);
bool vgw_addr_is_loopback(const struct vgw_addr *addr);
/** Why an address is not one of the public internet: "loopback", "private", "link-local", "multicast", … or NULL when
 * it is public. Source: IANA special-purpose registries (RFC 6890); addresses that embed an IPv4 one (NAT64, 6to4,
 * Teredo) are refused whole. */
const char *vgw_addr_special(const struct vgw_addr *addr);
/** "10.0.0.0/8", "fd00::/8", or an address alone. VGW_EINVALID with a sentence. */
int vgw_cidr_parse(const char *text, struct vgw_cidr *ret_cidr, struct vgw_error *err);
bool vgw_cidr_holds(const struct vgw_cidr *cidr, const struct vgw_addr *addr);

#endif
