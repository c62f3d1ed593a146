/* settings.c - the option table, and reading it. */
#include "settings.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "voicegw/json.h"

#define OPTION(t, n, d, u, lo, hi, c, text)                                                                            \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_##t, .name = n, .dflt = d,                       \
        .flags = VOICEGW_OPTION_RELOADABLE, .unit = u, .min = lo, .max = hi, .choices = c, .description = text         \
    }

const struct voicegw_option sip_options[SIP_OPTIONS] = {
    OPTION(LIST, "listen", "[\"udp:127.0.0.1:5060\"]", NULL, 0, 0, NULL,
           "Where to listen: udp:, tcp: or tls: with an address and a port (5060, tls 5061); [::] for IPv6."),
    OPTION(STRING, "external_address", "", NULL, 0, 0, NULL,
           "The address that peers outside of private networks reach us by, when a router translates ours."),
    OPTION(STRING, "rtp_ports", "20000-29999", NULL, 0, 0, NULL, "UDP ports for audio: first-last, two for each call."),
    OPTION(LIST, "codecs", "[\"pcmu\", \"pcma\", \"g722\", \"opus\"]", NULL, 0, 0, NULL,
           "Codecs, best first: pcmu, pcma, g722, opus."),
    OPTION(ENUM, "srtp", "off", NULL, 0, 0, "off optional required",
           "Encryption of audio: not at all, where the peer wants it, or else no call."),
    OPTION(
        ENUM, "srtp_keys", "sdes", NULL, 0, 0, "sdes dtls",
        "How our calls agree on keys: in the description (SDES, RFC 4568; use TLS), or by a handshake on the audio's "
        "own path (DTLS-SRTP, RFC 5763). Of calls that come in both are taken."),
    OPTION(ENUM, "dtmf", "rfc4733", NULL, 0, 0, "rfc4733 info inband", "How digits are sent; all are understood."),
    OPTION(DURATION, "session_timer", "1800s", NULL, 0, 86400, NULL,
           "Session-Expires of our calls (RFC 4028); 0 asks for none, a peer's wish of at least 90 s is honoured."),
    OPTION(RATE, "max_cps", "100/s", NULL, 0, 10000, NULL, "Incoming calls a second; beyond it 503 with Retry-After."),
    OPTION(INT, "max_calls", "0", NULL, 0, 100000, NULL,
           "Calls of this instance at a time; beyond it 503 with Retry-After. 0: as many as the gateway takes."),
    OPTION(INT, "max_registrations", "1000", NULL, 0, 100000, NULL,
           "Contacts that users may have registered at a time."),
    OPTION(JSON, "pcap", NULL, NULL, 0, 0, NULL,
           "{calls: 100, path: FILE}: keeps the signalling of the last calls for Wireshark."),
    OPTION(INT, "trace_calls", "100", NULL, 0, 10000, NULL, "Calls whose messages are kept for `sip trace`."),
    OPTION(DURATION, "rtp_timeout", "30s", NULL, 0, 86400, NULL,
           "A call on which no RTP comes for so long ends, unless it is held; 0: never."),
    OPTION(JSON, "trunks", "[]", NULL, 0, 0, NULL,
           "List of {name, host, port, transport, username, password, from, register, expires, auth: none, digest, "
           "address or tls, "
           "addresses, outbound_proxy, options_ping: 30s, max_cps, max_calls, srtp, srtp_keys, tls {ca, certificate, "
           "key, verify}}."),
    OPTION(JSON, "users", "[]", NULL, 0, 0, NULL, "List of {name, password}: phones that may register and call."),
    OPTION(
        ENUM, "anonymous", "auto", NULL, 0, 0, "auto accept reject",
        "Callers that are neither trunk nor user: accept, reject (403), or accept only on loopback listeners (auto)."),
    OPTION(ENUM, "redirects", "reject", NULL, 0, 0, "reject follow",
           "A 3xx answer to our call: the call fails, or its Contact is called."),
    OPTION(STRING, "realm", "voicegw", NULL, 0, 0, NULL, "The realm of digest challenges."),
    OPTION(JSON, "tls", NULL, NULL, 0, 0, NULL,
           "{certificate, key, ca}: of tls listeners; `ca` verifies peers of trunks with auth: tls, whose certificate "
           "bears "
           "the trunk's host."),
};

int sip_listen_parse(const char *text, struct sip_listen *l)
{
    static const char *const names[] = {"udp:", "tcp:", "tls:"};
    unsigned char a[16];
    memset(l, 0, sizeof *l);
    l->transport = -1;
    for (int i = 0; i < 3; i++)
        if (strncasecmp(text, names[i], 4) == 0)
            l->transport = i;
    if (l->transport < 0)
        return -1;
    text += 4;
    const char *end = text[0] == '[' ? strchr(text, ']') : text + strcspn(text, ":");
    const char *from = text[0] == '[' ? text + 1 : text;
    if (!end || (size_t)(end - from) >= sizeof l->ip)
        return -1;
    memcpy(l->ip, from, (size_t)(end - from));
    if (text[0] == '[')
        end++;
    l->port = l->transport == 2 ? 5061 : 5060;
    if (*end == ':') {
        char *rest;
        unsigned long port = strtoul(end + 1, &rest, 10);
        if (rest == end + 1 || *rest || port == 0 || port > 65535)
            return -1;
        l->port = (uint16_t)port;
    } else if (*end) {
        return -1;
    }
    return inet_pton(text[0] == '[' ? AF_INET6 : AF_INET, l->ip, a) == 1 ? 0 : -1;
}

static int mapped(const char *ip, uint8_t *out)
{
    memset(out, 0, 16);
    if (inet_pton(AF_INET6, ip, out) == 1)
        return 128;
    out[10] = out[11] = 0xff;
    return inet_pton(AF_INET, ip, out + 12) == 1 ? 32 : -1;
}

int sip_network_parse(const char *text, struct sip_network *n)
{
    char ip[64];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof ip)
        return -1;
    memcpy(ip, text, len);
    ip[len] = '\0';
    int width = mapped(ip, n->address);
    unsigned long bits = (unsigned long)(width < 0 ? 0 : width);
    char *rest = NULL;
    if (width < 0)
        return -1;
    if (slash) {
        bits = strtoul(slash + 1, &rest, 10);
        if (rest == slash + 1 || *rest || bits > (unsigned long)width)
            return -1;
    }
    n->bits = (uint8_t)(128 - width + (int)bits);
    return 0;
}

int sip_network_has(const struct sip_network *n, const char *ip)
{
    uint8_t a[16];
    if (mapped(ip, a) < 0 || memcmp(a, n->address, n->bits / 8) != 0)
        return 0;
    unsigned left = n->bits % 8;
    return left == 0 || ((a[n->bits / 8] ^ n->address[n->bits / 8]) >> (8 - left)) == 0;
}

/* ---- reading ---- */

struct reading {
    const struct voicegw_host *host;
    const struct voicegw_options *options;
    struct sip_settings *s;
    char why[300];
};

static int fail(struct reading *r, const char *where, const char *problem)
{
    (void)snprintf(r->why, sizeof r->why, "%s: %s", where, problem);
    return -1;
}

/* "2s", "500ms", "5m", "1h" or seconds; -1 for what is none. */
static int64_t duration_us(struct voicegw_json v)
{
    char text[32], *unit = text;
    double s = voicegw_json_double(v, -1);
    if (s < 0 && voicegw_json_string(v, text, sizeof text) > 0) {
        s = strtod(text, &unit);
        double scale = strcmp(unit, "ms") == 0            ? 0.001
                       : !*unit || strcmp(unit, "s") == 0 ? 1
                       : strcmp(unit, "m") == 0           ? 60
                       : strcmp(unit, "h") == 0           ? 3600
                                                          : -1;
        s = unit == text ? -1 : s * scale;
    }
    return s >= 0 && s <= 604800 ? (int64_t)(s * 1e6) : -1;
}

/* "50/s" or a number; -1 for what is none. */
static double rate(struct voicegw_json v)
{
    char text[32], *unit = text;
    double n = voicegw_json_double(v, -1);
    if (n < 0 && voicegw_json_string(v, text, sizeof text) > 0) {
        n = strtod(text, &unit);
        if (unit == text || (*unit && strcmp(unit, "/s") != 0))
            n = -1;
    }
    return n;
}

static int64_t text_of(struct voicegw_json o, const char *key, char *out, size_t cap)
{
    struct voicegw_json v = voicegw_json_member(o, key);
    out[0] = '\0';
    if (!v.text || voicegw_json_type(v) == VOICEGW_JSON_NULL)
        return 0;
    int64_t n = voicegw_json_string(v, out, cap);
    if (n < 0)
        out[0] = '\0';
    return n;
}

/* What goes into a header or a URI as it is. */
static int plain(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || strchr("<>\"@;,\\", *s) || (unsigned char)*s > 126)
            return 0;
    return 1;
}

static int read_enum(struct voicegw_json o, const char *key, const char *const *words, int count, int dflt)
{
    struct voicegw_json v = voicegw_json_member(o, key);
    if (!v.text || voicegw_json_type(v) == VOICEGW_JSON_NULL)
        return dflt;
    for (int i = 0; i < count; i++)
        if (voicegw_json_equals(v, words[i]))
            return i;
    return -1;
}

static const char *const trunk_keys[] = {"name",      "host",           "port",         "transport", "username",
                                         "password",  "from",           "register",     "expires",   "auth",
                                         "addresses", "outbound_proxy", "options_ping", "max_cps",   "max_calls",
                                         "srtp",      "srtp_keys",      "tls",          "realm"};

static const char *unknown_key(struct voicegw_json o, const char *const *keys, size_t count)
{
    static _Thread_local char problem[128];
    struct voicegw_json_iter it = voicegw_json_each(o);
    while (voicegw_json_next(&it)) {
        size_t i = 0;
        char key[64];
        while (i < count && !voicegw_json_equals(it.key, keys[i]))
            i++;
        if (i < count)
            continue;
        if (voicegw_json_string(it.key, key, sizeof key) < 0)
            (void)snprintf(key, sizeof key, "(long)");
        (void)snprintf(problem, sizeof problem, "there is no key %s", key);
        return problem;
    }
    return NULL;
}

static const char *read_addresses(struct voicegw_json v, struct sip_trunk *t)
{
    struct voicegw_json_iter it = voicegw_json_each(v);
    char text[64];
    while (voicegw_json_next(&it)) {
        if (t->address_count == SIP_ADDRESSES_MAX)
            return "at most 32 addresses";
        if (voicegw_json_string(it.value, text, sizeof text) <= 0 ||
            sip_network_parse(text, &t->addresses[t->address_count]) < 0)
            return "addresses must be IP addresses or blocks such as 192.0.2.0/24";
        t->address_count++;
    }
    return NULL;
}

static const char *read_trunk_limits(struct voicegw_json v, struct sip_trunk *t)
{
    struct voicegw_json ping = voicegw_json_member(v, "options_ping"), cps = voicegw_json_member(v, "max_cps"),
                        expires = voicegw_json_member(v, "expires");
    int64_t calls = voicegw_json_get_int(v, "max_calls", 0);
    t->ping_us = ping.text ? duration_us(ping) : 30000000;
    t->expires_us = expires.text ? duration_us(expires) : 3600000000;
    t->max_cps = cps.text ? rate(cps) : 0;
    t->max_calls = calls >= 0 && calls <= 100000 ? (uint32_t)calls : 0;
    if (t->ping_us < 0)
        return "options_ping must be a duration such as 30s, or 0 for none";
    if (t->expires_us < 60000000)
        return "expires must be a duration of at least 60s";
    if (t->max_cps < 0)
        return "max_cps must be a rate such as 10/s";
    return calls < 0 || calls > 100000 ? "max_calls must be 0 to 100000" : NULL;
}

static const char *read_trunk(struct voicegw_json v, struct sip_trunk *t, const struct sip_settings *dflt)
{
    static const char *const transports[] = {"udp", "tcp", "tls"},
                             *const auths[] = {"none", "digest", "address", "tls"},
                             *const srtps[] = {"off", "optional", "required"}, *const key_ways[] = {"sdes", "dtls"};
    struct voicegw_json tls = voicegw_json_member(v, "tls");
    const char *problem = unknown_key(v, trunk_keys, sizeof trunk_keys / sizeof trunk_keys[0]);
    if (problem)
        return problem;
    if (text_of(v, "name", t->name, sizeof t->name) <= 0 || !plain(t->name))
        return "name must be there, a word of at most 63 bytes";
    if (text_of(v, "host", t->host, sizeof t->host) <= 0 || !plain(t->host))
        return "host must be there, a name or an address";
    if (text_of(v, "username", t->username, sizeof t->username) < 0 ||
        text_of(v, "password", t->password, sizeof t->password) < 0 ||
        text_of(v, "from", t->from, sizeof t->from) < 0 || !plain(t->from) ||
        text_of(v, "realm", t->realm, sizeof t->realm) < 0 ||
        text_of(v, "outbound_proxy", t->outbound_proxy, sizeof t->outbound_proxy) < 0 ||
        strpbrk(t->outbound_proxy, "<>\" "))
        return "username, password, from, realm and outbound_proxy are texts of at most 127 bytes";
    int transport = read_enum(v, "transport", transports, 3, 0),
        auth = read_enum(v, "auth", auths, 4, SIP_AUTH_ADDRESS), srtp = read_enum(v, "srtp", srtps, 3, (int)dflt->srtp),
        keys = read_enum(v, "srtp_keys", key_ways, 2, (int)dflt->srtp_keys);
    if (transport < 0)
        return "transport must be udp, tcp or tls";
    if (auth < 0)
        return "auth must be none, digest, address or tls";
    if (srtp < 0)
        return "srtp must be off, optional or required";
    if (keys < 0)
        return "srtp_keys must be sdes or dtls";
    int64_t port = voicegw_json_get_int(v, "port", transport == 2 ? 5061 : 5060);
    if (port < 1 || port > 65535)
        return "port must be 1 to 65535";
    t->port = (uint16_t)port;
    t->transport = transport;
    t->auth = (enum sip_auth)auth;
    t->srtp = (enum sip_srtp)srtp;
    t->srtp_keys = (enum sip_keys)keys;
    t->do_register = voicegw_json_get_bool(v, "register", 0) != 0;
    t->tls_verify = voicegw_json_get_bool(tls, "verify", 1) != 0;
    if (text_of(tls, "ca", t->tls_ca, sizeof t->tls_ca) < 0 ||
        text_of(tls, "certificate", t->tls_certificate, sizeof t->tls_certificate) < 0 ||
        text_of(tls, "key", t->tls_key, sizeof t->tls_key) < 0)
        return "tls is {ca, certificate, key, verify}";
    if (t->do_register && !*t->username)
        return "register needs a username";
    if (t->auth == SIP_AUTH_DIGEST && (!*t->username || !*t->password))
        return "auth: digest needs username and password";
    problem = read_addresses(voicegw_json_member(v, "addresses"), t);
    return problem ? problem : read_trunk_limits(v, t);
}

static int is_list(struct voicegw_json v)
{
    return !v.text || voicegw_json_type(v) == VOICEGW_JSON_ARRAY || voicegw_json_type(v) == VOICEGW_JSON_NULL;
}

static int read_trunks(struct reading *r)
{
    struct voicegw_json list = voicegw_json_of(r->host->option_json(r->host, r->options, "trunks"));
    struct voicegw_json_iter it = voicegw_json_each(list);
    uint64_t count = is_list(list) && list.text ? voicegw_json_count(list) : 0;
    char where[96];
    if (!is_list(list) || count > SIP_TRUNKS_MAX)
        return fail(r, "trunks", "must be a list of at most 256");
    r->s->trunks = calloc((size_t)count + 1, sizeof *r->s->trunks);
    if (!r->s->trunks)
        return fail(r, "trunks", "out of memory");
    while (r->s->trunk_count < count && voicegw_json_next(&it)) {
        struct sip_trunk *t = &r->s->trunks[r->s->trunk_count];
        const char *problem = read_trunk(it.value, t, r->s);
        (void)snprintf(where, sizeof where, "trunks[%u]", r->s->trunk_count);
        if (!problem && sip_settings_trunk(r->s, t->name))
            problem = "another trunk bears that name";
        if (problem)
            return fail(r, where, problem);
        r->s->trunk_count++;
    }
    return 0;
}

static int read_users(struct reading *r)
{
    struct voicegw_json list = voicegw_json_of(r->host->option_json(r->host, r->options, "users"));
    struct voicegw_json_iter it = voicegw_json_each(list);
    uint64_t count = is_list(list) && list.text ? voicegw_json_count(list) : 0;
    char where[96];
    if (!is_list(list) || count > SIP_USERS_MAX)
        return fail(r, "users", "must be a list of at most 1000");
    r->s->users = calloc((size_t)count + 1, sizeof *r->s->users);
    if (!r->s->users)
        return fail(r, "users", "out of memory");
    while (r->s->user_count < count && voicegw_json_next(&it)) {
        struct sip_user *u = &r->s->users[r->s->user_count];
        (void)snprintf(where, sizeof where, "users[%u]", r->s->user_count);
        if (text_of(it.value, "name", u->name, sizeof u->name) <= 0 || !plain(u->name) ||
            text_of(it.value, "password", u->password, sizeof u->password) <= 0)
            return fail(r, where, "name and password must be there, of at most 127 bytes");
        if (sip_settings_user(r->s, u->name))
            return fail(r, where, "another user bears that name");
        r->s->user_count++;
    }
    return 0;
}

static int read_listeners(struct reading *r)
{
    struct voicegw_json_iter it =
        voicegw_json_each(voicegw_json_of(r->host->option_json(r->host, r->options, "listen")));
    char text[128];
    while (voicegw_json_next(&it)) {
        if (r->s->listen_count == SIP_LISTENERS_MAX)
            return fail(r, "listen", "at most 16 listeners");
        if (voicegw_json_string(it.value, text, sizeof text) <= 0 ||
            sip_listen_parse(text, &r->s->listen[r->s->listen_count]) < 0)
            return fail(r, "listen", "must be udp:, tcp: or tls: with an IP address and a port, as udp:0.0.0.0:5060");
        if (r->s->listen[r->s->listen_count++].transport == 2 && !*r->s->tls_certificate)
            return fail(r, "listen", "a tls listener needs tls: {certificate, key}");
    }
    return r->s->listen_count ? 0 : fail(r, "listen", "at least one listener is needed");
}

static int read_codecs(struct reading *r)
{
    struct voicegw_json_iter it =
        voicegw_json_each(voicegw_json_of(r->host->option_json(r->host, r->options, "codecs")));
    char name[16];
    while (voicegw_json_next(&it)) {
        enum sip_codec c = voicegw_json_string(it.value, name, sizeof name) > 0 ? sip_codec_of(name) : SIP_CODEC_NONE;
        if (c == SIP_CODEC_NONE)
            return fail(r, "codecs", "must be of pcmu, pcma, g722 and opus");
        for (uint32_t i = 0; i < r->s->codec_count; i++)
            if (r->s->codecs[i] == c)
                return fail(r, "codecs", "names a codec twice");
        r->s->codecs[r->s->codec_count++] = (uint8_t)c;
    }
    return r->s->codec_count ? 0 : fail(r, "codecs", "at least one codec is needed");
}

static int read_ports(struct reading *r)
{
    const char *text = r->host->option_string(r->host, r->options, "rtp_ports");
    char *rest = NULL;
    unsigned long first = text ? strtoul(text, &rest, 10) : 20000, last = 29999;
    if (text && *rest == '-')
        last = strtoul(rest + 1, &rest, 10);
    if ((text && *rest) || first < 1024 || last > 65535 || first + 2 > last)
        return fail(r, "rtp_ports", "must be first-last within 1024 to 65535, as 20000-29999");
    r->s->rtp_first = (uint32_t)first;
    r->s->rtp_last = (uint32_t)last;
    return 0;
}

static int copy(struct reading *r, const char *name, char *out, size_t cap)
{
    const char *text = r->host->option_string(r->host, r->options, name);
    size_t n = text ? strlen(text) : 0;
    if (n >= cap)
        return fail(r, name, "is too long");
    memcpy(out, text ? text : "", n + 1);
    return 0;
}

static int choice(struct reading *r, const char *name, const char *const *words, int count)
{
    const char *text = r->host->option_string(r->host, r->options, name);
    for (int i = 0; text && i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return 0;
}

static int read_objects(struct reading *r)
{
    struct sip_settings *s = r->s;
    struct voicegw_json tls = voicegw_json_of(r->host->option_json(r->host, r->options, "tls")),
                        pcap = voicegw_json_of(r->host->option_json(r->host, r->options, "pcap"));
    if (text_of(tls, "certificate", s->tls_certificate, sizeof s->tls_certificate) < 0 ||
        text_of(tls, "key", s->tls_key, sizeof s->tls_key) < 0 || text_of(tls, "ca", s->tls_ca, sizeof s->tls_ca) < 0)
        return fail(r, "tls", "is {certificate, key, ca}, paths of at most 511 bytes");
    if (text_of(pcap, "path", s->pcap_path, sizeof s->pcap_path) < 0)
        return fail(r, "pcap", "is {calls, path}");
    int64_t calls = voicegw_json_get_int(pcap, "calls", *s->pcap_path ? 100 : 0);
    if (calls < 0 || calls > 10000 || (calls > 0 && !*s->pcap_path))
        return fail(r, "pcap", "calls must be 0 to 10000, and path must be there");
    s->pcap_calls = (uint32_t)calls;
    return 0;
}

static int read_all(struct reading *r)
{
    static const char *const dtmf[] = {"rfc4733", "info", "inband"}, *const anonymous[] = {"auto", "accept", "reject"},
                             *const redirects[] = {"reject", "follow"}, *const srtp[] = {"off", "optional", "required"},
                             *const keys[] = {"sdes", "dtls"};
    const struct voicegw_host *h = r->host;
    struct sip_settings *s = r->s;
    unsigned char a[16];
    s->srtp = (enum sip_srtp)choice(r, "srtp", srtp, 3);
    s->srtp_keys = (enum sip_keys)choice(r, "srtp_keys", keys, 2);
    s->dtmf = (enum sip_dtmf)choice(r, "dtmf", dtmf, 3);
    s->anonymous = choice(r, "anonymous", anonymous, 3);
    s->redirects = choice(r, "redirects", redirects, 2);
    s->session_timer_us = h->option_int(h, r->options, "session_timer", 1800000000);
    s->rtp_timeout_us = h->option_int(h, r->options, "rtp_timeout", 30000000);
    s->max_cps = h->option_double(h, r->options, "max_cps", 100);
    s->max_calls = (uint32_t)h->option_int(h, r->options, "max_calls", 0);
    s->max_registrations = (uint32_t)h->option_int(h, r->options, "max_registrations", 1000);
    s->trace_calls = (uint32_t)h->option_int(h, r->options, "trace_calls", 100);
    if (copy(r, "external_address", s->external_address, sizeof s->external_address) < 0 ||
        copy(r, "realm", s->realm, sizeof s->realm) < 0 || read_objects(r) < 0)
        return -1;
    if (*s->external_address && inet_pton(AF_INET, s->external_address, a) != 1 &&
        inet_pton(AF_INET6, s->external_address, a) != 1)
        return fail(r, "external_address", "must be an IP address");
    if (strpbrk(s->realm, "\"\\\r\n"))
        return fail(r, "realm", "must be free of quotes and backslashes");
    if (s->session_timer_us > 0 && s->session_timer_us < 90000000)
        return fail(r, "session_timer", "must be at least 90s, or 0 for none");
    if (read_ports(r) < 0 || read_codecs(r) < 0 || read_listeners(r) < 0 || read_trunks(r) < 0)
        return -1;
    return read_users(r);
}

struct sip_settings *sip_settings_new(const struct voicegw_host *host, const struct voicegw_options *options,
                                      int32_t *ret_status)
{
    struct reading r = {.host = host, .options = options, .s = calloc(1, sizeof *r.s)};
    if (!r.s) {
        *ret_status = host->set_error(host, VOICEGW_ELIMIT, "out of memory");
        return NULL;
    }
    atomic_init(&r.s->refs, 1);
    if (read_all(&r) == 0)
        return r.s;
    *ret_status = host->set_error(host, VOICEGW_ECONFIG, r.why);
    sip_settings_drop(r.s);
    return NULL;
}

struct sip_settings *sip_settings_keep(struct sip_settings *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void sip_settings_drop(struct sip_settings *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    free(s->trunks);
    free(s->users);
    free(s);
}

const struct sip_trunk *sip_settings_trunk(const struct sip_settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->trunk_count; i++)
        if (strcmp(s->trunks[i].name, name) == 0)
            return &s->trunks[i];
    return NULL;
}

const struct sip_user *sip_settings_user(const struct sip_settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->user_count; i++)
        if (strcmp(s->users[i].name, name) == 0)
            return &s->users[i];
    return NULL;
}
