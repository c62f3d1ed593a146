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

int line_take_offer(struct line *line, const char *text, size_t bytes, char *out, size_t cap,
                    struct sdp_result *ret_result, char *why, size_t why_cap)
{
    struct sdp *sdp = ua_sdp(line->call->sip);
    struct sdp_local local;
    char address[64];
    if (line_local(line, &local, address, sizeof address) < 0) {
        (void)snprintf(why, why_cap, "no address of ours leads there");
        return -1;
    }
    if (sdp_parse(text, bytes, sdp, why, why_cap) < 0)
        return -1;
    return sdp_answer(sdp, &local, ret_result, out, cap, why, why_cap);
}

int line_make_offer(struct line *line, char *out, size_t cap)
{
    struct sdp_local local;
    char address[64];
    if (line_local(line, &local, address, sizeof address) < 0)
        return -1;
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
    if (sdp_parse(text, bytes, sdp, why, why_cap) < 0)
        return -1;
    return sdp_accept(sdp, &local, ret_result, why, why_cap);
}

void line_agree(struct line *line, const struct sdp_result *r)
{
    struct sip_media m = {.codec = r->codec, .pt = r->pt, .dtmf_pt = r->dtmf_pt, .direction = r->direction};
    if (*r->address)
        (void)snprintf(m.remote, sizeof m.remote, strchr(r->address, ':') ? "[%s]:%u" : "%s:%u", r->address, r->port);
    m.held = r->peer_holds || line->held_by_us;
    line->media = m;
    sip_call_publish(line->call, &m);
}
