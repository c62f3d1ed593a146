/* policy.h - outgoing URLs: a strict parser and the rules of where the gateway may be sent. Pure; any thread.
 *
 * Refused unless allowed by name or network, or trusted (the operator's own file): loopback, private, link-local,
 * carrier-grade NAT, multicast, metadata and every other special-purpose address, IPv4 in IPv6 clothes (mapped, NAT64,
 * 6to4) included. A name is checked by the addresses it resolves to, and the connection is made to the address that was
 * checked. */
#ifndef VGW_NET_POLICY_H
#define VGW_NET_POLICY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "net/addr.h"

#define VGW_URL_MAX 4096

enum vgw_url_scheme { VGW_URL_HTTP, VGW_URL_HTTPS, VGW_URL_WS, VGW_URL_WSS };

/** A URL taken apart; a value. */
struct vgw_url {
    enum vgw_url_scheme scheme;
    char host[256];           /* lower case, without brackets and trailing dot */
    char target[VGW_URL_MAX]; /* path and query, begins with '/' */
    uint16_t port;
    bool has_port;   /* the port was written */
    bool is_address; /* host is an address: `addr` */
    struct vgw_addr addr;
};

/** Strict: http, https, ws, wss; no user name, backslash, blank, control or non-ASCII character; hosts are names of
 * letters, digits, '-', '_' and dots, or plain addresses (no decimal, octal, hexadecimal or short forms). A fragment is
 * dropped. VGW_EINVALID with a sentence. */
int vgw_url_parse(const char *text, struct vgw_url *ret_url, struct vgw_error *err);
bool vgw_url_is_tls(const struct vgw_url *url);
const char *vgw_url_scheme_name(enum vgw_url_scheme scheme);
/** "host", "host:8080", "[::1]:8080": for Host headers. `out` holds 280 bytes. Returns out. */
char *vgw_url_authority(const struct vgw_url *url, char *out);
/** A Location resolved against the URL that sent it: absolute, "//host/…", "/path", "?query" or a relative path. `out`
 * holds VGW_URL_MAX bytes. VGW_EINVALID when it does not fit or cannot be a URL. */
int vgw_url_join(const struct vgw_url *base, const char *location, char *out, struct vgw_error *err);

/** Immutable and counted (atomically): whoever goes by it for longer than a call holds a reference. */
struct vgw_policy;
/** With one reference. `allow`: host names ("pbx.example.com", "*.example.com"), addresses and networks. VGW_EINVALID
 * names the one that is none. */
int vgw_policy_new(const char *const *allow, size_t count, struct vgw_policy **ret_policy, struct vgw_error *err);
struct vgw_policy *vgw_policy_ref(const struct vgw_policy *p); /* bears NULL */
void vgw_policy_unref(struct vgw_policy *p);                   /* takes NULL */
/** May this URL be asked for, as far as can be told before its name is resolved? A NULL policy allows nothing special.
 * VGW_EINVALID with a sentence. */
int vgw_policy_check_url(const struct vgw_policy *p, const struct vgw_url *url, bool trusted, struct vgw_error *err);
/** May the connection for `url` be made to this address? */
int vgw_policy_check_addr(const struct vgw_policy *p, const struct vgw_url *url, const struct vgw_addr *addr,
                          bool trusted, struct vgw_error *err);

#endif
