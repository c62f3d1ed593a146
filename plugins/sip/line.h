/* line.h - the signalling of one call, on the SIP thread. */
#ifndef SIP_LINE_H
#define SIP_LINE_H
#include "sip.h"

enum line_state { LINE_WAITING, LINE_RINGING, LINE_CALLING, LINE_TALKING, LINE_OVER };

struct line {
    struct line *next, **at; /* of all lines of the instance */
    struct sip_call *call;   /* a reference */
    struct re_session *session;
    enum line_state state;
    uint32_t sequence;
    int transport;
    char peer_ip[64];
    char *offer; /* the peer's description that waits for our answer */
    size_t offer_bytes;
    struct sip_media media; /* as published */
    uint64_t sdp_session, sdp_version;
    uint8_t known; /* the host has a handle */
    uint8_t late;  /* the offer was ours, in the 200 */
    uint8_t held_by_us, held_by_peer;
    uint32_t outcome; /* of an end that the host does not know of yet */
    char cause[SIP_CAUSE_CAP];
};

/* line.c */
extern const struct re_session_events line_events;
void line_state(struct line *line, uint32_t state, uint32_t outcome, const char *cause);
/** It is over: the host is told once. */
void line_over(struct line *line, uint32_t outcome, const char *cause);
/* line_media.c */
/** Our side for a description; `address` is where the text of the address lies. */
int line_local(struct line *line, struct sdp_local *ret_local, char *address, size_t cap);
/** Answers a description; `out` gets ours. 0, or -1 and a sentence. */
int line_take_offer(struct line *line, const char *text, size_t bytes, char *out, size_t cap,
                    struct sdp_result *ret_result, char *why, size_t why_cap);
int line_make_offer(struct line *line, char *out, size_t cap);
int line_take_answer(struct line *line, const char *text, size_t bytes, struct sdp_result *ret_result, char *why,
                     size_t why_cap);
/** Tells the worker what was agreed on. */
void line_agree(struct line *line, const struct sdp_result *result);
#endif
