/* trace.c - the messages of the last calls. */
#include "trace.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "voicegw/json_writer.h"

#define BUCKETS 1024u
#define CALL_ID_CAP 260

struct trace_call {
    struct trace_call *next;          /* of its bucket */
    struct trace_call *older, *newer; /* by their beginning */
    char call_id[CALL_ID_CAP], name[64];
    struct trace_message *first, **last;
    uint32_t count, dropped;
};

struct trace {
    uint32_t limit, count;
    struct trace_call *newest, *oldest, *buckets[BUCKETS];
};

static struct trace_call **bucket(const struct trace *t, const char *id)
{
    uint32_t h = 2166136261u;
    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 16777619u;
    return (struct trace_call **)(uintptr_t)&t->buckets[h % BUCKETS];
}

static struct trace_call *find(const struct trace *t, const char *call_id)
{
    struct trace_call *c = *bucket(t, call_id);
    while (c && strcmp(c->call_id, call_id) != 0)
        c = c->next;
    return c;
}

static void drop_oldest(struct trace *t)
{
    struct trace_call *c = t->oldest, **at = bucket(t, c->call_id);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    t->oldest = c->newer;
    if (t->oldest)
        t->oldest->older = NULL;
    else
        t->newest = NULL;
    while (c->first) {
        struct trace_message *m = c->first;
        c->first = m->next;
        free(m);
    }
    free(c);
    t->count--;
}

struct trace *trace_new(uint32_t calls)
{
    struct trace *t = calloc(1, sizeof *t);
    if (t)
        t->limit = calls;
    return t;
}

void trace_limit(struct trace *t, uint32_t calls)
{
    t->limit = calls;
    while (t->count > calls)
        drop_oldest(t);
}

void trace_free(struct trace *t)
{
    if (t)
        trace_limit(t, 0);
    free(t);
}

/* The value of a header in its long or compact form, on one line. */
static int header(const char *text, size_t bytes, const char *name, char compact, char *out, size_t cap)
{
    size_t n = strlen(name);
    for (size_t at = 0; at < bytes;) {
        const char *lf = memchr(text + at, '\n', bytes - at);
        size_t len = lf ? (size_t)(lf - text) - at : bytes - at, used = 0;
        const char *line = text + at;
        if (len <= 1)
            return -1; /* the body begins */
        if (len > n && (line[0] | 32) == (name[0] | 32) && strncasecmp(line, name, n) == 0)
            used = n;
        else if (compact && (line[0] | 32) == compact && (line[1] == ':' || line[1] == ' '))
            used = 1;
        const char *colon = used ? memchr(line, ':', len) : NULL;
        if (colon && strspn(line + used, " \t") == (size_t)(colon - line) - used) {
            const char *v = colon + 1, *end = line + len;
            while (v < end && (*v == ' ' || *v == '\t'))
                v++;
            while (end > v && (end[-1] == '\r' || end[-1] == ' '))
                end--;
            if ((size_t)(end - v) >= cap)
                return -1;
            memcpy(out, v, (size_t)(end - v));
            out[end - v] = '\0';
            return 0;
        }
        at += len + 1;
    }
    return -1;
}

static void stars(char *from, const char *end, const char *stops)
{
    for (; from < end && !strchr(stops, *from); from++)
        *from = '*';
}

void trace_mask(char *text, size_t bytes)
{
    static const struct {
        const char *word, *stops;
    } secrets[] = {{"inline:", "|\r\n"}, {"response=\"", "\"\r\n"}, {"cnonce=\"", "\"\r\n"}, {"nonce=\"", "\"\r\n"}};
    for (size_t i = 0; i < bytes; i++) {
        char first = (char)(text[i] | 32);
        if (first != 'i' && first != 'r' && first != 'c' && first != 'n')
            continue;
        for (size_t k = 0; k < sizeof secrets / sizeof secrets[0]; k++) {
            size_t n = strlen(secrets[k].word);
            if (i + n < bytes && strncasecmp(text + i, secrets[k].word, n) == 0)
                stars(text + i + n, text + bytes, secrets[k].stops);
        }
    }
}

static struct trace_call *begin(struct trace *t, const char *call_id)
{
    struct trace_call *c = t->limit ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    while (t->count >= t->limit)
        drop_oldest(t);
    (void)snprintf(c->call_id, sizeof c->call_id, "%s", call_id);
    c->last = &c->first;
    c->next = *bucket(t, call_id);
    *bucket(t, call_id) = c;
    c->older = t->newest;
    if (t->newest)
        t->newest->newer = c;
    else
        t->oldest = c;
    t->newest = c;
    t->count++;
    return c;
}

int trace_add(struct trace *t, int sent, int transport, const char *local, const char *remote, const char *text,
              size_t bytes, int64_t wall_us)
{
    char call_id[CALL_ID_CAP];
    if (t->limit == 0 || header(text, bytes, "Call-ID", 'i', call_id, sizeof call_id) < 0)
        return 0;
    struct trace_call *c = find(t, call_id);
    if (!c && bytes > 7 && strncmp(text, "INVITE ", 7) == 0)
        c = begin(t, call_id);
    if (!c)
        return 0;
    uint32_t n = bytes < TRACE_MESSAGE_BYTES ? (uint32_t)bytes : TRACE_MESSAGE_BYTES;
    struct trace_message *m = c->count < TRACE_MESSAGES_MAX ? malloc(sizeof *m + n + 1) : NULL;
    if (!m) {
        c->dropped++;
        return 0;
    }
    *m = (struct trace_message){.wall_us = wall_us, .sent = sent, .transport = transport, .bytes = n};
    (void)snprintf(m->local, sizeof m->local, "%s", local);
    (void)snprintf(m->remote, sizeof m->remote, "%s", remote);
    memcpy(m->text, text, n);
    m->text[n] = '\0';
    trace_mask(m->text, n);
    *c->last = m;
    c->last = &m->next;
    c->count++;
    return 1;
}

void trace_name(struct trace *t, const char *call_id, const char *name)
{
    struct trace_call *c = find(t, call_id);
    if (c)
        (void)snprintf(c->name, sizeof c->name, "%s", name);
}

static void put_message(struct voicegw_json_writer *w, const struct trace_message *m)
{
    static const char *const transports[] = {"udp", "tcp", "tls"};
    char cseq[64] = "";
    size_t n = strcspn(m->text, "\r\n");
    (void)header(m->text, m->bytes, "CSeq", 0, cseq, sizeof cseq);
    voicegw_json_put_object(w, NULL);
    voicegw_json_put_int(w, "time_us", m->wall_us);
    voicegw_json_put_string(w, "direction", m->sent ? "sent" : "received");
    voicegw_json_put_string(w, "transport", transports[m->transport % 3]);
    voicegw_json_put_string(w, "remote", m->remote);
    voicegw_json_put_stringn(w, "line", m->text, n < 200 ? n : 200);
    voicegw_json_put_string(w, "cseq", cseq);
    voicegw_json_put_end(w);
}

char *trace_json(const struct trace *t, const char *id)
{
    const struct trace_call *c = find(t, id);
    for (const struct trace_call *o = t->newest; !c && o; o = o->older)
        if (*o->name && strcmp(o->name, id) == 0)
            c = o;
    if (!c)
        return NULL;
    size_t cap = 2048 + (size_t)c->count * 2048;
    char *json = malloc(cap);
    if (!json)
        return NULL;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "call_id", c->name);
    voicegw_json_put_string(&w, "provider_call_id", c->call_id);
    voicegw_json_put_array(&w, "messages");
    for (const struct trace_message *m = c->first; m; m = m->next)
        put_message(&w, m);
    voicegw_json_put_end(&w);
    voicegw_json_put_array(&w, "ladder");
    for (const struct trace_message *m = c->first; m; m = m->next) {
        char line[200];
        double s = (double)(m->wall_us - c->first->wall_us) / 1e6;
        (void)snprintf(line, sizeof line, "%8.3f  %s  %-22s  %.*s", s, m->sent ? "-->" : "<--", m->remote,
                       (int)(strcspn(m->text, "\r\n") < 120 ? strcspn(m->text, "\r\n") : 120), m->text);
        voicegw_json_put_string(&w, NULL, line);
    }
    voicegw_json_put_end(&w);
    voicegw_json_put_int(&w, "dropped", c->dropped);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) >= 0)
        return json;
    free(json);
    return NULL;
}

/* ---- pcap (LINKTYPE_RAW: packets begin with their IP header) ---- */

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v); /* the file's byte order is the writer's, its magic says which */
}

static void put16be(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* "IP:PORT" or "[IP]:PORT": 4, 6, or 0 for what cannot be read. */
static int endpoint(const char *text, uint8_t *address, uint16_t *port)
{
    char ip[64];
    const char *colon = strrchr(text, ':');
    int six = text[0] == '[';
    size_t n = colon ? (size_t)(colon - text) - 2u * (size_t)six : 0;
    if (n == 0 || n >= sizeof ip)
        return 0;
    memcpy(ip, text + six, n);
    ip[n] = '\0';
    *port = (uint16_t)strtoul(colon + 1, NULL, 10);
    return inet_pton(six ? AF_INET6 : AF_INET, ip, address) == 1 ? (six ? 6 : 4) : 0;
}

static uint32_t checksum(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static size_t put_packet(uint8_t *out, const struct trace_message *m)
{
    uint8_t local[16], remote[16], *ip = out + 16;
    uint16_t local_port, remote_port;
    int a = endpoint(m->local, local, &local_port), b = endpoint(m->remote, remote, &remote_port);
    if (!a || a != b)
        return 0;
    size_t head = a == 6 ? 40 : 20, width = a == 6 ? 16 : 4, whole = head + 8 + m->bytes;
    memset(ip, 0, head + 8);
    if (a == 6) {
        ip[0] = 0x60;
        put16be(ip + 4, (uint32_t)(8 + m->bytes));
        ip[6] = 17;
        ip[7] = 64;
    } else {
        ip[0] = 0x45;
        put16be(ip + 2, (uint32_t)whole);
        ip[8] = 64;
        ip[9] = 17;
    }
    memcpy(ip + (a == 6 ? 8 : 12), m->sent ? local : remote, width);
    memcpy(ip + (a == 6 ? 24 : 16), m->sent ? remote : local, width);
    if (a == 4)
        put16be(ip + 10, checksum(ip, 20));
    put16be(ip + head, m->sent ? local_port : remote_port);
    put16be(ip + head + 2, m->sent ? remote_port : local_port);
    put16be(ip + head + 4, (uint32_t)(8 + m->bytes));
    memcpy(ip + head + 8, m->text, m->bytes);
    put32(out, (uint32_t)(m->wall_us / 1000000));
    put32(out + 4, (uint32_t)(m->wall_us % 1000000));
    put32(out + 8, (uint32_t)whole);
    put32(out + 12, (uint32_t)whole);
    return 16 + whole;
}

uint8_t *trace_pcap(const struct trace *t, uint32_t calls, size_t *ret_bytes)
{
    size_t cap = 24, n = 24;
    uint32_t left = calls;
    const struct trace_call *first = NULL;
    for (const struct trace_call *c = t->newest; c && left > 0; c = c->older, left--) {
        first = c;
        for (const struct trace_message *m = c->first; m; m = m->next)
            cap += 16 + 40 + 8 + m->bytes;
    }
    uint8_t *out = malloc(cap);
    if (!out)
        return NULL;
    memset(out, 0, 24);
    put32(out, 0xa1b2c3d4u);
    out[4] = 2;
    out[6] = 4;
    put32(out + 16, 65535);
    put32(out + 20, 101);
    for (const struct trace_call *c = first; c; c = c->newer)
        for (const struct trace_message *m = c->first; m; m = m->next)
            n += put_packet(out + n, m);
    *ret_bytes = n;
    return out;
}
