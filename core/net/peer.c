/* peer.c - who a request is from: the socket's peer, or what a trusted proxy reported. */
#include "net/front_impl.h"
#include "base/str.h"
#include <string.h>

/* One hop of X-Forwarded-For: an address, perhaps with a port, perhaps in brackets. */
static bool parse_hop(const char *at, size_t len, struct vgw_addr *ret)
{
    char text[64];
    while (len && (*at == ' ' || *at == '\t'))
        at++, len--;
    while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    if (!vgw_strncopy(text, sizeof text, at, len))
        return false;
    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (!end)
            return false;
        *end = '\0';
        return vgw_addr_parse(text + 1, ret);
    }
    char *colon = strchr(text, ':');
    if (colon && !strchr(colon + 1, ':'))
        *colon = '\0';
    return vgw_addr_parse(text, ret);
}

/* From the right, over our own proxies, to the first address that is none of them. */
static bool last_untrusted(const struct vgw_front *f, const char *list, struct vgw_addr *ret)
{
    size_t end = strlen(list);
    bool found = false;
    while (end > 0) {
        size_t start = end;
        while (start > 0 && list[start - 1] != ',')
            start--;
        struct vgw_addr hop;
        if (!parse_hop(list + start, end - start, &hop))
            return found;
        *ret = hop;
        found = true;
        if (!vgw_front_trusts(f, &hop))
            return true;
        end = start ? start - 1 : 0;
    }
    return found;
}

static const char *last_header(const struct vgw_http_request *r, const char *name)
{
    for (size_t i = r->header_count; i-- > 0;)
        if (vgw_strieq(r->headers[i].name, name))
            return r->headers[i].value;
    return NULL;
}

void vgw_conn_fill_peer(struct conn *c)
{
    struct vgw_http_request *r = c->request;
    struct vgw_addr addr = c->peer.addr;
    if (c->peer.is_unix) {
        r->flags = VGW_HTTP_UNIX;
        r->uid = c->peer.uid;
        r->gid = c->peer.gid;
        r->pid = c->peer.pid;
        return;
    }
    r->remote_port = c->peer.port;
    if (c->peer.tls)
        r->flags |= VGW_HTTP_TLS;
    const char *forwarded = last_header(r, "x-forwarded-for");
    const char *proto = last_header(r, "x-forwarded-proto");
    if (vgw_front_trusts(c->front, &addr)) {
        if (forwarded && last_untrusted(c->front, forwarded, &addr)) {
            r->flags |= VGW_HTTP_PROXIED;
            r->remote_port = 0;
        }
        if (proto && vgw_strieq(proto, "https"))
            r->flags |= VGW_HTTP_TLS;
    }
    /* A proxy on this machine that nobody listed speaks for somebody else: its clients are not local. */
    bool speaks_for_others = !(r->flags & VGW_HTTP_PROXIED) && (forwarded || vgw_http_header(r, "forwarded"));
    if (vgw_addr_is_loopback(&addr) && !speaks_for_others)
        r->flags |= VGW_HTTP_LOOPBACK;
    vgw_addr_format(&addr, r->remote);
}
