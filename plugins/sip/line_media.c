/* line_media.c - what a call's descriptions say, and what its worker is told of it. */
#include <stdio.h>
#include <string.h>
#include "line.h"

int line_local(struct line *line, struct sdp_local *l, char *address, size_t cap)
{
    const struct sip_settings *s = line->call->settings;
    uint16_t port;
    memset(l, 0, sizeof *l);
    if (re_transport_local(line->transport, line->peer_ip, address, cap, &port) < 0)
        return -1;
    l->address = address;
    l->port = (uint16_t)line->call->port;
    memcpy(l->codecs, s->codecs, sizeof l->codecs);
    l->codec_count = s->codec_count;
    l->dtmf = s->dtmf != SIP_DTMF_INBAND;
    l->direction = line->held_by_us ? SDP_SENDONLY : SDP_SENDRECV;
    l->profile = SDP_AVP;
    l->session = line->sdp_session;
    l->version = ++line->sdp_version;
    return 0;
}

/* ---- keys by a handshake (RFC 5763) ---- */

static void write_identity(const struct line *line, const char *setup, char *out, size_t cap)
{
    (void)snprintf(out, cap, "a=fingerprint:%s\r\na=setup:%s\r\n",
                   media_identity_fingerprint(line->call->sip->identity), setup);
}

/* What the stream says of its handshake; -1: nothing. Theirs is `setup`: who leaves it open is called upon. */
static int choose_role(struct line *line, const struct sdp_media *m)
{
    if (!m || !*m->fingerprint)
        return -1;
    int known = line->dtls != SIP_ROLE_NONE && strcmp(line->fingerprint, m->fingerprint) == 0;
    if (strcmp(m->setup, "active") == 0)
        line->dtls = SIP_ROLE_PASSIVE;
    else if (strcmp(m->setup, "passive") == 0 || !known) /* a handshake that is done keeps its roles (RFC 8842, 5.2) */
        line->dtls = SIP_ROLE_ACTIVE;
    (void)snprintf(line->fingerprint, sizeof line->fingerprint, "%s", m->fingerprint);
    memset(&line->key_in, 0, sizeof line->key_in);
    memset(&line->key_out, 0, sizeof line->key_out);
    return 0;
}

/* ---- keys in the description (RFC 4568) ---- */

static void make_keys(struct line *line)
{
    static const enum media_suite suites[] = {MEDIA_AES_CM_128_HMAC_SHA1_80, MEDIA_AEAD_AES_128_GCM};
    if (line->keys[0].suite != MEDIA_SUITE_NONE)
        return;
    for (uint32_t i = 0; i < 2; i++) {
        line->keys[i].tag = i + 1;
        line->keys[i].suite = suites[i];
        line->keys[i].key_bytes = media_suite_key_bytes(suites[i]);
        re_random(line->keys[i].key, line->keys[i].key_bytes);
    }
}

static void offer_keys(struct line *line, char *out, size_t cap)
{
    size_t n = 0;
    char value[SDP_CRYPTO_CAP];
    make_keys(line);
    for (uint32_t i = 0; i < 2; i++)
        if (media_crypto_format(&line->keys[i], value, sizeof value) > 0)
            n += (size_t)snprintf(out + n, cap - n, "a=crypto:%s\r\n", value);
}

/* The first line of theirs whose suite is ours: their key for what comes, ours for what goes. */
static int choose_keys(struct line *line, const struct sdp_media *m)
{
    make_keys(line);
    for (uint32_t i = 0; i < m->crypto_count; i++) {
        struct media_crypto theirs;
        if (media_crypto_parse(m->crypto[i], &theirs) != 0)
            continue;
        for (uint32_t k = 0; k < 2; k++)
            if (line->keys[k].suite == theirs.suite) {
                line->key_in = theirs;
                line->key_out = line->keys[k];
                line->key_out.tag = theirs.tag;
                line->dtls = SIP_ROLE_NONE;
                return 0;
            }
    }
    return -1;
}

static int no_keys(struct line *line, char *why, size_t cap)
{
    line->dtls = SIP_ROLE_NONE;
    memset(&line->key_in, 0, sizeof line->key_in);
    memset(&line->key_out, 0, sizeof line->key_out);
    if (line->srtp != SIP_SRTP_REQUIRED)
        return 0;
    (void)snprintf(why, cap, "encryption is required");
    return -1;
}

/* A handshake that is offered, also beside plain audio (RFC 8643). 0: it is to be. */
static int answer_role(struct line *line, const struct sdp *sdp, struct sdp_local *local)
{
    if (line->srtp == SIP_SRTP_OFF)
        return -1;
    local->profile = SDP_DTLS;
    if (choose_role(line, sdp_audio(sdp, local)) == 0)
        return 0;
    local->profile = SDP_AVP;
    return line->srtp == SIP_SRTP_OPTIONAL ? choose_role(line, sdp_audio(sdp, local)) : -1;
}

/* An offer of encrypted audio is taken where that is allowed, else a plain one. */
static int answer_keys(struct line *line, const struct sdp *sdp, struct sdp_local *local, char *attributes,
                       size_t attributes_cap, char *why, size_t cap)
{
    char value[SDP_CRYPTO_CAP];
    local->attributes = attributes;
    if (answer_role(line, sdp, local) == 0) {
        write_identity(line, line->dtls == SIP_ROLE_ACTIVE ? "active" : "passive", attributes, attributes_cap);
        return 0;
    }
    local->profile = SDP_SAVP;
    local->attributes = NULL;
    const struct sdp_media *m = line->srtp != SIP_SRTP_OFF ? sdp_audio(sdp, local) : NULL;
    if (!m && line->srtp == SIP_SRTP_OPTIONAL) {
        local->profile = SDP_AVP;
        m = sdp_audio(sdp, local);
        m = m && m->crypto_count > 0 ? m : NULL;
    }
    if (m && choose_keys(line, m) == 0) {
        if (media_crypto_format(&line->key_out, value, sizeof value) > 0)
            (void)snprintf(attributes, attributes_cap, "a=crypto:%s\r\n", value);
        local->attributes = attributes;
        return 0;
    }
    local->profile = SDP_AVP;
    return no_keys(line, why, cap);
}

/* ---- offers and answers ---- */

int line_take_offer(struct line *line, const char *text, size_t bytes, char *out, size_t cap,
                    struct sdp_result *ret_result, char *why, size_t why_cap)
{
    struct sdp *sdp = ua_sdp(line->call->sip);
    struct sdp_local local;
    char address[64], attributes[SDP_CRYPTO_CAP + 16];
    if (line_local(line, &local, address, sizeof address) < 0) {
        (void)snprintf(why, why_cap, "no address of ours leads there");
        return -1;
    }
    if (sdp_parse(text, bytes, sdp, why, why_cap) < 0 ||
        answer_keys(line, sdp, &local, attributes, sizeof attributes, why, why_cap) < 0)
        return -1;
    return sdp_answer(sdp, &local, ret_result, out, cap, why, why_cap);
}

static uint8_t offered_profile(const struct line *line)
{
    return line->srtp != SIP_SRTP_REQUIRED ? SDP_AVP : line->keys_by == SIP_KEYS_SDES ? SDP_SAVP : SDP_DTLS;
}

int line_make_offer(struct line *line, char *out, size_t cap)
{
    struct sdp_local local;
    char address[64], attributes[2 * (SDP_CRYPTO_CAP + 16)];
    if (line_local(line, &local, address, sizeof address) < 0)
        return -1;
    if (line->srtp != SIP_SRTP_OFF) {
        if (line->keys_by == SIP_KEYS_SDES)
            offer_keys(line, attributes, sizeof attributes);
        else
            write_identity(line, "actpass\r\na=rtcp-mux", attributes, sizeof attributes);
        local.attributes = attributes;
        local.profile = offered_profile(line);
    }
    return sdp_offer(&local, out, cap) < 0 ? -1 : 0;
}

int line_take_answer(struct line *line, const char *text, size_t bytes, struct sdp_result *ret_result, char *why,
                     size_t why_cap)
{
    struct sdp *sdp = ua_sdp(line->call->sip);
    struct sdp_local local;
    char address[64];
    if (line_local(line, &local, address, sizeof address) < 0) {
        (void)snprintf(why, why_cap, "no address of ours leads there");
        return -1;
    }
    line->sdp_version--; /* nothing of ours is written */
    if (sdp_parse(text, bytes, sdp, why, why_cap) < 0)
        return -1;
    local.profile = offered_profile(line);
    const struct sdp_media *m = line->srtp != SIP_SRTP_OFF ? sdp_audio(sdp, &local) : NULL;
    int agreed = !m ? -1 : line->keys_by == SIP_KEYS_SDES ? choose_keys(line, m) : choose_role(line, m);
    if (agreed < 0 && no_keys(line, why, why_cap) < 0)
        return -1;
    return sdp_accept(sdp, &local, ret_result, why, why_cap);
}

static void print_remote(char *out, size_t cap, const char *address, uint16_t port)
{
    (void)snprintf(out, cap, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, port);
}

void line_media(const struct line *line, const struct sdp_result *r, struct sip_media *m)
{
    memset(m, 0, sizeof *m);
    m->codec = r->codec;
    m->pt = r->pt;
    m->dtmf_pt = r->dtmf_pt;
    m->direction = r->direction;
    m->rtcp_mux = r->rtcp_mux;
    if (*r->address) {
        print_remote(m->remote, sizeof m->remote, r->address, r->port);
        print_remote(m->rtcp, sizeof m->rtcp, r->address, r->rtcp_port);
    }
    m->dtls = line->dtls;
    if (m->dtls) {
        (void)snprintf(m->fingerprint, sizeof m->fingerprint, "%s", line->fingerprint);
        if (!m->rtcp_mux) /* it would want a handshake of its own */
            m->rtcp[0] = '\0';
    }
    m->held = r->peer_holds || line->held_by_us;
    m->key_in = line->key_in;
    m->key_out = line->key_out;
}

void line_agree(struct line *line, const struct sdp_result *r)
{
    struct sip_media m;
    line_media(line, r, &m);
    line->media = m;
    sip_call_publish(line->call, &m);
}
