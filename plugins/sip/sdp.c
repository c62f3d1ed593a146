/* sdp.c - reading descriptions. */
#include "sdp.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    uint32_t rate;
} codecs[SIP_CODECS] = {[SIP_CODEC_NONE] = {"none", 8000},
                        [SIP_CODEC_PCMU] = {"pcmu", 8000},
                        [SIP_CODEC_PCMA] = {"pcma", 8000},
                        [SIP_CODEC_G722] = {"g722", 16000},
                        [SIP_CODEC_OPUS] = {"opus", 48000}};

enum sip_codec sip_codec_of(const char *name)
{
    for (uint32_t i = 1; i < SIP_CODECS; i++)
        if (strcasecmp(codecs[i].name, name) == 0)
            return (enum sip_codec)i;
    return SIP_CODEC_NONE;
}

const char *sip_codec_name(uint32_t codec)
{
    return codec < SIP_CODECS ? codecs[codec].name : "none";
}

uint32_t sip_codec_rate(uint32_t codec)
{
    return codec < SIP_CODECS ? codecs[codec].rate : 8000;
}

/* ---- pieces of a line ---- */

/* A decimal number at *at, which then stands behind it; -1 when there is none or it is above `max`. */
static int64_t number(const char **at, int64_t max)
{
    int64_t n = 0;
    const char *s = *at;
    if (*s < '0' || *s > '9')
        return -1;
    while (*s >= '0' && *s <= '9') {
        n = n * 10 + (*s++ - '0');
        if (n > max)
            return -1;
    }
    *at = s;
    return n;
}

/* The word at *at, cut off at a space; 0 when it is empty or too long. */
static int word(const char **at, char *out, size_t cap)
{
    size_t n = strcspn(*at, " \t");
    if (n == 0 || n >= cap)
        return 0;
    memcpy(out, *at, n);
    out[n] = '\0';
    *at += n + strspn(*at + n, " \t");
    return 1;
}

static int valid_address(const char *text, int six)
{
    unsigned char a[16];
    return inet_pton(six ? AF_INET6 : AF_INET, text, a) == 1;
}

/* c=IN IP4 192.0.2.1; a multicast suffix is no address for a call. */
static int read_connection(const char *s, char *out, size_t cap)
{
    char net[8], family[8], address[64];
    if (!word(&s, net, sizeof net) || !word(&s, family, sizeof family) || !word(&s, address, sizeof address))
        return -1;
    if (strcmp(net, "IN") != 0 || (strcmp(family, "IP4") != 0 && strcmp(family, "IP6") != 0))
        return -1;
    if (!valid_address(address, family[2] == '6'))
        return -1;
    (void)snprintf(out, cap, "%s", address);
    return 0;
}

static uint8_t profile_of(const char *proto)
{
    if (strcmp(proto, "RTP/AVP") == 0 || strcmp(proto, "RTP/AVPF") == 0)
        return SDP_AVP;
    if (strcmp(proto, "RTP/SAVP") == 0 || strcmp(proto, "RTP/SAVPF") == 0)
        return SDP_SAVP;
    if (strcmp(proto, "UDP/TLS/RTP/SAVP") == 0 || strcmp(proto, "UDP/TLS/RTP/SAVPF") == 0)
        return SDP_DTLS;
    return SDP_OTHER;
}

static void static_format(struct sdp_format *f)
{
    const char *name = f->pt == 0 ? "PCMU" : f->pt == 8 ? "PCMA" : f->pt == 9 ? "G722" : f->pt == 13 ? "CN" : "";
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    f->rate = 8000;
    f->channels = 1;
}

/* m=audio 49170 RTP/AVP 0 8 101 */
static int read_media(const char *s, struct sdp *sdp, char *why, size_t cap)
{
    if (sdp->media_count == SDP_MEDIA_MAX) {
        (void)snprintf(why, cap, "more than %u streams", SDP_MEDIA_MAX);
        return -1;
    }
    struct sdp_media *m = &sdp->media[sdp->media_count];
    memset(m, 0, sizeof *m);
    int ok = word(&s, m->type, sizeof m->type);
    int64_t port = ok ? number(&s, 65535) : -1;
    if (port >= 0 && *s == '/') {
        s++;
        if (number(&s, 65535) < 0)
            port = -1;
    }
    s += strspn(s, " \t");
    if (port < 0 || !word(&s, m->proto, sizeof m->proto)) {
        (void)snprintf(why, cap, "a media line that cannot be read");
        return -1;
    }
    const char *formats = s;
    if (!word(&formats, m->first_format, sizeof m->first_format))
        (void)snprintf(m->first_format, sizeof m->first_format, "0");
    m->port = (uint16_t)port;
    m->rtcp_port = (uint16_t)(port + 1);
    m->audio = strcmp(m->type, "audio") == 0;
    m->profile = profile_of(m->proto);
    m->direction = sdp->direction;
    memcpy(m->address, sdp->address, sizeof m->address);
    memcpy(m->fingerprint, sdp->fingerprint, sizeof m->fingerprint);
    memcpy(m->setup, sdp->setup, sizeof m->setup);
    while (m->audio && *s && m->format_count < SDP_FORMATS_MAX) {
        int64_t pt = number(&s, 127);
        if (pt < 0)
            break;
        s += strspn(s, " \t");
        m->formats[m->format_count].pt = (uint8_t)pt;
        static_format(&m->formats[m->format_count++]);
    }
    sdp->media_count++;
    return 0;
}

/* ---- attributes ---- */

static struct sdp_format *format_of(struct sdp_media *m, int64_t pt)
{
    for (uint32_t i = 0; i < m->format_count; i++)
        if (m->formats[i].pt == pt)
            return &m->formats[i];
    return NULL;
}

/* a=rtpmap:101 telephone-event/8000 */
static void read_rtpmap(struct sdp_media *m, const char *s)
{
    int64_t pt = number(&s, 127);
    struct sdp_format *f = pt >= 0 && *s == ' ' ? format_of(m, pt) : NULL;
    size_t n;
    if (!f)
        return;
    s += strspn(s, " ");
    n = strcspn(s, "/");
    if (n >= sizeof f->name || s[n] != '/') {
        f->name[0] = '\0';
        return;
    }
    memcpy(f->name, s, n);
    f->name[n] = '\0';
    s += n + 1;
    int64_t rate = number(&s, 192000);
    f->rate = rate > 0 ? (uint32_t)rate : 0;
    f->channels = 1;
    if (*s == '/') {
        s++;
        int64_t channels = number(&s, 8);
        f->channels = channels > 0 ? (uint8_t)channels : 0;
    }
}

static void read_fmtp(struct sdp_media *m, const char *s)
{
    int64_t pt = number(&s, 127);
    struct sdp_format *f = pt >= 0 && *s == ' ' ? format_of(m, pt) : NULL;
    if (f && strlen(s + 1) < sizeof f->fmtp)
        (void)snprintf(f->fmtp, sizeof f->fmtp, "%s", s + 1);
}

static int direction_of(const char *s)
{
    static const char *const words[] = {"inactive", "recvonly", "sendonly", "sendrecv"};
    for (int i = 0; i < 4; i++)
        if (strcmp(s, words[i]) == 0)
            return i;
    return -1;
}

static void read_attribute(struct sdp *sdp, const char *s)
{
    struct sdp_media *m = sdp->media_count ? &sdp->media[sdp->media_count - 1] : NULL;
    int direction = direction_of(s);
    if (direction >= 0 && m)
        m->direction = (uint8_t)direction;
    else if (direction >= 0)
        sdp->direction = (uint8_t)direction;
    if (strncmp(s, "fingerprint:", 12) == 0)
        (void)snprintf(m ? m->fingerprint : sdp->fingerprint, SDP_FINGERPRINT_CAP, "%.219s", s + 12);
    else if (strncmp(s, "setup:", 6) == 0)
        (void)snprintf(m ? m->setup : sdp->setup, sizeof sdp->setup, "%.11s", s + 6);
    if (!m)
        return;
    if (strncmp(s, "rtpmap:", 7) == 0) {
        read_rtpmap(m, s + 7);
    } else if (strncmp(s, "fmtp:", 5) == 0) {
        read_fmtp(m, s + 5);
    } else if (strncmp(s, "crypto:", 7) == 0) {
        if (m->crypto_count < SDP_CRYPTO_MAX && strlen(s + 7) < SDP_CRYPTO_CAP)
            (void)snprintf(m->crypto[m->crypto_count++], SDP_CRYPTO_CAP, "%s", s + 7);
    } else if (strncmp(s, "ptime:", 6) == 0) {
        const char *at = s + 6;
        int64_t ms = number(&at, 200);
        m->ptime = ms > 0 ? (uint16_t)ms : 0;
    } else if (strncmp(s, "rtcp:", 5) == 0) {
        const char *at = s + 5;
        int64_t port = number(&at, 65535);
        if (port > 0)
            m->rtcp_port = (uint16_t)port;
    } else if (strcmp(s, "rtcp-mux") == 0) {
        m->rtcp_mux = 1;
    }
}

static int read_line(struct sdp *sdp, const char *line, char *why, size_t cap)
{
    if (line[0] == '\0')
        return 0;
    if (line[1] != '=') {
        (void)snprintf(why, cap, "a line that is no type=value");
        return -1;
    }
    const char *value = line + 2;
    if (line[0] == 'm')
        return read_media(value, sdp, why, cap);
    if (line[0] == 'a')
        read_attribute(sdp, value);
    if (line[0] != 'c')
        return 0;
    struct sdp_media *m = sdp->media_count ? &sdp->media[sdp->media_count - 1] : NULL;
    if (read_connection(value, m ? m->address : sdp->address, sizeof sdp->address) == 0)
        return 0;
    if (m && !m->audio) /* what we refuse anyway may say what it likes */
        return 0;
    (void)snprintf(why, cap, "a connection address that cannot be read");
    return -1;
}

int sdp_parse(const char *text, size_t bytes, struct sdp *sdp, char *why, size_t cap)
{
    char line[SDP_LINE_MAX];
    memset(sdp, 0, sizeof *sdp);
    sdp->direction = SDP_SENDRECV;
    if (bytes > SDP_BYTES_MAX) {
        (void)snprintf(why, cap, "a description of more than %u bytes", SDP_BYTES_MAX);
        return -1;
    }
    if (bytes < 3 || strncmp(text, "v=0", 3) != 0) {
        (void)snprintf(why, cap, "a description that does not begin with v=0");
        return -1;
    }
    for (size_t at = 0; at < bytes;) {
        const char *lf = memchr(text + at, '\n', bytes - at);
        size_t n = lf ? (size_t)(lf - text) - at : bytes - at;
        size_t next = at + n + 1;
        while (n > 0 && (text[at + n - 1] == '\r' || text[at + n - 1] == ' '))
            n--;
        if (n >= sizeof line || memchr(text + at, '\0', n)) {
            (void)snprintf(why, cap, "a line of more than %u bytes, or one with a zero byte", SDP_LINE_MAX - 1);
            return -1;
        }
        memcpy(line, text + at, n);
        line[n] = '\0';
        if (read_line(sdp, line, why, cap) < 0)
            return -1;
        at = next;
    }
    return 0;
}

const struct sdp_media *sdp_audio(const struct sdp *sdp, const struct sdp_local *local)
{
    for (uint32_t i = 0; i < sdp->media_count; i++)
        if (sdp->media[i].audio && sdp->media[i].port && sdp->media[i].profile == local->profile)
            return &sdp->media[i];
    return NULL;
}
