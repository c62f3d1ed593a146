/* re_message.c - a message as plain text. */
#include "re_private.h"

static void copy(const struct pl *pl, char *out, size_t cap)
{
    size_t n = pl->p ? pl->l : 0;
    if (n >= cap)
        n = cap - 1;
    if (n)
        memcpy(out, pl->p, n);
    out[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)out[i] < ' ')
            out[i] = ' ';
}

static void user(const struct pl *pl, char *out, size_t cap)
{
    if (!pl->p || re_snprintf(out, cap, "%H", uri_user_unescape, (void *)(uintptr_t)pl) < 0)
        copy(pl, out, cap);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

static void display_name(const struct pl *pl, char *out, size_t cap)
{
    char raw[130];
    size_t n = 0;
    copy(pl, raw, sizeof raw);
    for (const char *c = raw; *c && n + 1 < cap; c++) {
        if (*c == '\\' && c[1])
            c++;
        else if (*c == '"')
            continue;
        out[n++] = *c;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

static void body(const struct sip_msg *m, struct re_summary *s)
{
    size_t n = mbuf_get_left(m->mb);
    if (pl_isset(&m->clen) && pl_u32(&m->clen) < n)
        n = pl_u32(&m->clen);
    s->body = (const char *)mbuf_buf(m->mb);
    s->body_bytes = n;
    s->is_sdp = msg_ctype_cmp(&m->ctyp, "application", "sdp");
}

void re_message_summary(const struct re_message *message, struct re_summary *s)
{
    const struct sip_msg *m = re_msg(message);
    memset(s, 0, sizeof *s);
    copy(m->req ? &m->met : &m->cseq.met, s->method, sizeof s->method);
    s->status = m->req ? 0 : m->scode;
    copy(&m->reason, s->reason, sizeof s->reason);
    user(&m->uri.user, s->uri_user, sizeof s->uri_user);
    copy(&m->uri.host, s->uri_host, sizeof s->uri_host);
    user(&m->from.uri.user, s->from_user, sizeof s->from_user);
    copy(&m->from.uri.host, s->from_host, sizeof s->from_host);
    display_name(&m->from.dname, s->from_name, sizeof s->from_name);
    copy(&m->from.auri, s->from_uri, sizeof s->from_uri);
    user(&m->to.uri.user, s->to_user, sizeof s->to_user);
    copy(&m->to.uri.host, s->to_host, sizeof s->to_host);
    copy(&m->to.auri, s->to_uri, sizeof s->to_uri);
    copy(&m->from.tag, s->from_tag, sizeof s->from_tag);
    copy(&m->to.tag, s->to_tag, sizeof s->to_tag);
    copy(&m->callid, s->call_id, sizeof s->call_id);
    re_print_address(&m->src, s->remote, sizeof s->remote);
    (void)re_snprintf(s->remote_ip, sizeof s->remote_ip, "%j", &m->src);
    (void)re_snprintf(s->local_ip, sizeof s->local_ip, "%j", &m->dst);
    s->remote_port = sa_port(&m->src);
    s->transport = (int)m->tp;
    s->cseq = m->cseq.num;
    body(m, s);
}

static char compact_of(const char *name)
{
    static const struct {
        const char *name;
        char compact;
    } forms[] = {{"Contact", 'm'},      {"Refer-To", 'r'},         {"Referred-By", 'b'},   {"Session-Expires", 'x'},
                 {"Supported", 'k'},    {"Content-Encoding", 'e'}, {"Subject", 's'},       {"Event", 'o'},
                 {"Allow-Events", 'u'}, {"Content-Type", 'c'},     {"Via", 'v'},           {"From", 'f'},
                 {"To", 't'},           {"Call-ID", 'i'},          {"Content-Length", 'l'}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (str_casecmp(forms[i].name, name) == 0)
            return forms[i].compact;
    return 0;
}

static bool matches(const struct sip_hdr *h, const char *name, char compact)
{
    return pl_strcasecmp(&h->name, name) == 0 || (compact && h->name.l == 1 && (h->name.p[0] | 32) == compact);
}

int re_message_header(const struct re_message *message, const char *name, unsigned nth, char *out, size_t cap)
{
    const struct sip_msg *m = re_msg(message);
    char compact = compact_of(name);
    for (struct le *le = m->hdrl.head; le; le = le->next) {
        const struct sip_hdr *h = le->data;
        if (!matches(h, name, compact))
            continue;
        if (nth-- == 0) {
            copy(&h->val, out, cap);
            return (int)strlen(out);
        }
    }
    return -1;
}

int re_message_extension(const struct re_message *message, unsigned nth, char *name, size_t name_cap, char *value,
                         size_t value_cap)
{
    const struct sip_msg *m = re_msg(message);
    for (struct le *le = m->hdrl.head; le; le = le->next) {
        const struct sip_hdr *h = le->data;
        if (h->name.l < 3 || h->name.l >= name_cap || (h->name.p[0] | 32) != 'x' || h->name.p[1] != '-' || nth-- > 0)
            continue;
        copy(&h->name, name, name_cap);
        copy(&h->val, value, value_cap);
        return 0;
    }
    return -1;
}

int re_address_uri(const char *text, char *out, size_t cap)
{
    struct sip_addr addr;
    struct pl pl;
    pl_set_str(&pl, text);
    if (sip_addr_decode(&addr, &pl) != 0 || addr.auri.l >= cap)
        return -1;
    copy(&addr.auri, out, cap);
    return 0;
}

int re_uri_user(const char *uri, char *out, size_t cap)
{
    struct uri u;
    struct pl pl;
    pl_set_str(&pl, uri);
    if (uri_decode(&u, &pl) != 0)
        return -1;
    user(&u.user, out, cap);
    return 0;
}

int re_uri_host(const char *uri, char *out, size_t cap)
{
    struct uri u;
    struct pl pl;
    pl_set_str(&pl, uri);
    if (uri_decode(&u, &pl) != 0 || u.host.l >= cap)
        return -1;
    copy(&u.host, out, cap);
    return 0;
}

int re_message_certified(const struct re_message *message, const char *name)
{
    return re_transport_certified(re_msg(message), name);
}
