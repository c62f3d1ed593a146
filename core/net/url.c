/* url.c - the strict parser of outgoing URLs. */
#include "base/str.h"
#include "net/policy.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint16_t port;
} schemes[] = {[VGW_URL_HTTP] = {"http", 80},
               [VGW_URL_HTTPS] = {"https", 443},
               [VGW_URL_WS] = {"ws", 80},
               [VGW_URL_WSS] = {"wss", 443}};

const char *vgw_url_scheme_name(enum vgw_url_scheme scheme)
{
    return schemes[scheme].name;
}

bool vgw_url_is_tls(const struct vgw_url *url)
{
    return url->scheme == VGW_URL_HTTPS || url->scheme == VGW_URL_WSS;
}

static const char *take_scheme(const char *text, struct vgw_url *u)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].name);
        if (!strncasecmp(text, schemes[i].name, len) && !strncmp(text + len, "://", 3)) {
            u->scheme = (enum vgw_url_scheme)i;
            u->port = schemes[i].port;
            return text + len + 3;
        }
    }
    return NULL;
}

/* A name whose last label is a number is read as an IPv4 address by somebody: "127.1", "0x7f000001", "2130706433". */
static bool last_label_numeric(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *label = dot ? dot + 1 : host;
    if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
        return true;
    return strspn(label, "0123456789") == strlen(label);
}

static bool name_valid(const char *host)
{
    size_t label = 0;
    for (const char *p = host;; p++) {
        if (*p == '.' || *p == '\0') {
            if (label == 0 || label > 63 || p[-1] == '-')
                return false;
            if (*p == '\0')
                return p - host <= 253;
            label = 0;
            continue;
        }
        bool alnum = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        if (!alnum && *p != '_' && (*p != '-' || label == 0))
            return false;
        label++;
    }
}

static int take_host(const char *at, size_t len, struct vgw_url *u, struct vgw_error *err)
{
    char host[256];
    bool bracketed = len >= 2 && at[0] == '[' && at[len - 1] == ']';
    if (bracketed)
        at++, len -= 2;
    if (len == 0 || !vgw_strncopy(host, sizeof host, at, len))
        return vgw_error_set(err, VGW_EINVALID, "the URL has no host, or one longer than 253 characters");
    for (char *p = host; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    if (!bracketed && len > 1 && host[len - 1] == '.')
        host[len - 1] = '\0';
    u->is_address = vgw_addr_parse(host, &u->addr);
    bool v6_text = strchr(host, ':') != NULL;
    if (bracketed != v6_text || (bracketed && !u->is_address) ||
        (!u->is_address && (last_label_numeric(host) || !name_valid(host))))
        return vgw_error_set(err, VGW_EINVALID, "\"%s\" is neither a host name nor an address written in full", host);
    if (u->is_address)
        vgw_addr_format(&u->addr, u->host);
    else
        memcpy(u->host, host, sizeof host);
    return 0;
}

static int take_authority(const char *at, size_t len, struct vgw_url *u, struct vgw_error *err)
{
    if (memchr(at, '@', len))
        return vgw_error_set(err, VGW_EINVALID, "the URL holds a user name; credentials do not belong in URLs");
    size_t host_len = len;
    for (size_t i = len; i > 0 && at[i - 1] != ']'; i--)
        if (at[i - 1] == ':') {
            host_len = i - 1;
            break;
        }
    if (host_len < len) {
        char port[8];
        int64_t number;
        size_t digits = len - host_len - 1;
        if (digits == 0 || digits > 5 || !vgw_strncopy(port, sizeof port, at + host_len + 1, digits) ||
            strspn(port, "0123456789") != digits || !vgw_parse_i64(port, &number) || number < 1 || number > 65535)
            return vgw_error_set(err, VGW_EINVALID, "the URL's port is not a number from 1 to 65535");
        u->port = (uint16_t)number;
        u->has_port = true;
    }
    return take_host(at, host_len, u, err);
}

int vgw_url_parse(const char *text, struct vgw_url *ret_url, struct vgw_error *err)
{
    struct vgw_url u = {0};
    if (!text || strlen(text) >= VGW_URL_MAX)
        return vgw_error_set(err, VGW_EINVALID, "the URL is missing or longer than %d characters", VGW_URL_MAX - 1);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || *p == '\\' || strchr("\"<>^`{|}", *p))
            return vgw_error_set(err, VGW_EINVALID, "the URL holds a character that has to be percent-encoded");
    const char *at = take_scheme(text, &u);
    if (!at)
        return vgw_error_set(err, VGW_EINVALID, "the URL does not begin with http://, https://, ws:// or wss://");
    size_t authority = strcspn(at, "/?#");
    int rc = take_authority(at, authority, &u, err);
    if (rc)
        return rc;
    const char *rest = at + authority;
    size_t len = strcspn(rest, "#");
    size_t used = 0;
    if (*rest != '/')
        u.target[used++] = '/';
    memcpy(u.target + used, rest, len);
    u.target[used + len] = '\0';
    *ret_url = u;
    return 0;
}

char *vgw_url_authority(const struct vgw_url *url, char *out)
{
    bool v6 = url->is_address && url->addr.family == 6;
    int n = snprintf(out, 280, "%s%s%s", v6 ? "[" : "", url->host, v6 ? "]" : "");
    if (url->port != schemes[url->scheme].port && n > 0)
        (void)snprintf(out + n, 280 - (size_t)n, ":%u", url->port);
    return out;
}

/* Does it begin with a scheme (RFC 3986 3.1)? */
static bool has_scheme(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    return n > 0 && s[n] == ':';
}

int vgw_url_join(const struct vgw_url *base, const char *location, char *out, struct vgw_error *err)
{
    char authority[280], path[VGW_URL_MAX];
    int n;
    vgw_url_authority(base, authority);
    (void)vgw_strcopy(path, sizeof path, base->target);
    path[strcspn(path, "?")] = '\0';
    const char *scheme = schemes[base->scheme].name;
    if (has_scheme(location)) {
        n = snprintf(out, VGW_URL_MAX, "%s", location);
    } else if (!strncmp(location, "//", 2)) {
        n = snprintf(out, VGW_URL_MAX, "%s:%s", scheme, location);
    } else if (location[0] == '/') {
        n = snprintf(out, VGW_URL_MAX, "%s://%s%s", scheme, authority, location);
    } else if (location[0] == '?') {
        n = snprintf(out, VGW_URL_MAX, "%s://%s%s%s", scheme, authority, path, location);
    } else {
        char *slash = strrchr(path, '/');
        slash[1] = '\0';
        n = snprintf(out, VGW_URL_MAX, "%s://%s%s%s", scheme, authority, path, location);
    }
    if (n < 0 || n >= VGW_URL_MAX)
        return vgw_error_set(err, VGW_EINVALID, "the redirect's URL is longer than %d characters", VGW_URL_MAX - 1);
    return 0;
}
