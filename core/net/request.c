/* request.c - reading a request: headers, query and form fields, paths, the WebSocket upgrade. */
#include "net/http.h"
#include "base/alloc.h"
#include "base/str.h"
#include <string.h>

const char *vgw_http_header(const struct vgw_http_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (vgw_strieq(r->headers[i].name, name))
            return r->headers[i].value;
    return NULL;
}

size_t vgw_http_header_count(const struct vgw_http_request *r, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < r->header_count; i++)
        n += vgw_strieq(r->headers[i].name, name);
    return n;
}

static bool list_has(const char *list, const char *token)
{
    size_t want = strlen(token);
    while (*list) {
        list += strspn(list, " \t,");
        size_t len = strcspn(list, ",");
        size_t used = len;
        while (used && (list[used - 1] == ' ' || list[used - 1] == '\t'))
            used--;
        if (used == want && !strncasecmp(list, token, want))
            return true;
        list += len;
    }
    return false;
}

bool vgw_http_header_has(const struct vgw_http_request *r, const char *name, const char *token)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (vgw_strieq(r->headers[i].name, name) && list_has(r->headers[i].value, token))
            return true;
    return false;
}

#define FORM_FIELDS_MAX 1000

int vgw_http_form_each(const char *text, size_t len, bool (*fn)(void *arg, const char *name, const char *value),
                       void *arg)
{
    char *name = vgw_calloc(2, len + 1);
    if (!name)
        return VGW_ELIMIT;
    char *value = name + len + 1;
    int rc = 0;
    size_t fields = 0;
    for (size_t at = 0; at < len && !rc;) {
        const char *amp = memchr(text + at, '&', len - at);
        size_t field = amp ? (size_t)(amp - text) - at : len - at;
        const char *eq = memchr(text + at, '=', field);
        size_t name_len = eq ? (size_t)(eq - text) - at : field;
        size_t value_len = eq ? field - name_len - 1 : 0;
        if (++fields > FORM_FIELDS_MAX || vgw_url_decode(text + at, name_len, name, len + 1, true) < 0 ||
            vgw_url_decode(eq ? eq + 1 : "", value_len, value, len + 1, true) < 0)
            rc = VGW_EINVALID;
        else if (field > 0 && !fn(arg, name, value))
            break;
        at += field + 1;
    }
    vgw_free(name);
    return rc;
}

struct look {
    const char *name;
    char *found;
};

static bool look_for(void *arg, const char *name, const char *value)
{
    struct look *l = arg;
    if (strcmp(name, l->name) != 0)
        return true;
    l->found = vgw_strdup(value);
    return false;
}

char *vgw_http_query(const struct vgw_http_request *r, const char *name)
{
    struct look l = {.name = name};
    (void)vgw_http_form_each(r->query, strlen(r->query), look_for, &l);
    return l.found;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One character of a path, decoded; -1 when it may not be there. */
static int path_char(const char *raw, size_t len, size_t *i)
{
    unsigned char c = (unsigned char)raw[(*i)++];
    if (c == '%') {
        if (*i + 2 > len || hex_digit(raw[*i]) < 0 || hex_digit(raw[*i + 1]) < 0)
            return -1;
        c = (unsigned char)(hex_digit(raw[*i]) << 4 | hex_digit(raw[*i + 1]));
        *i += 2;
        if (c == '/')
            return -1;
    }
    return c < 0x20 || c == 0x7f || c == '\\' ? -1 : c;
}

long vgw_http_path_clean(const char *raw, size_t len, char *out)
{
    size_t used = 0, segment = 1;
    if (len == 0 || raw[0] != '/')
        return -1;
    for (size_t i = 0; i <= len;) {
        int c = i < len ? path_char(raw, len, &i) : (int)(i++, '/');
        if (c < 0)
            return -1;
        if (c != '/') {
            out[used++] = (char)c;
            continue;
        }
        size_t seg_len = used - segment;
        bool has = used >= segment;
        if (has && seg_len == 2 && out[segment] == '.' && out[segment + 1] == '.')
            return -1;
        if (has && seg_len == 1 && out[segment] == '.')
            used = segment;
        if (i > len) /* the end: the '/' is not there */
            break;
        if (used == 0 || out[used - 1] != '/')
            out[used++] = '/';
        segment = used;
    }
    out[used] = '\0';
    return vgw_utf8_valid(out, used) ? (long)used : -1;
}

int vgw_http_check_upgrade(const struct vgw_http_request *r, struct vgw_http_refusal *ret_refusal)
{
    uint8_t key[24];
    if (!vgw_http_header_has(r, "upgrade", "websocket"))
        return VGW_ENOTFOUND;
    struct vgw_http_refusal no = {.status = 400, .reason = "upgrade"};
    const char *version = vgw_http_header(r, "sec-websocket-version");
    const char *text = vgw_http_header(r, "sec-websocket-key");
    if (!vgw_http_header_has(r, "connection", "upgrade") || r->minor < 1 || !vgw_streq(r->method, "GET")) {
        no.detail = "A WebSocket upgrade is a GET over HTTP/1.1 with Connection: Upgrade.";
    } else if (r->chunked || r->content_length > 0) {
        no.detail = "A WebSocket upgrade has no body.";
    } else if (!version || !vgw_streq(version, "13") || vgw_http_header_count(r, "sec-websocket-version") != 1) {
        no.status = 426;
        no.detail = "Sec-WebSocket-Version has to be 13.";
    } else if (!text || vgw_http_header_count(r, "sec-websocket-key") != 1 || strlen(text) != 24 ||
               vgw_base64_decode(text, 24, key, sizeof key) != 16) {
        no.detail = "Sec-WebSocket-Key has to be 16 bytes in base64.";
    } else {
        return 0;
    }
    *ret_refusal = no;
    return VGW_EINVALID;
}
