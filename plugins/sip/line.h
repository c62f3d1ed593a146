/* line.h - the signalling of one call, on the SIP thread. */
#ifndef SIP_LINE_H
#define SIP_LINE_H
#include "sip.h"
#include "voicegw/json.h"

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
    struct dial *dial; /* an outbound call that is not answered */
    uint32_t outcome;  /* of an end that the host does not know of yet */
    char cause[SIP_CAUSE_CAP];
    char headers[1024]; /* of an INVITE of ours, out of the session's variables */
};

/* line.c */
extern const struct re_session_events line_events;
void line_state(struct line *line, uint32_t state, uint32_t outcome, const char *cause);
/** It is over: the host is told once. */
void line_over(struct line *line, uint32_t outcome, const char *cause);
struct line *line_new(struct sip_call *call);
/* dial.c */
/** A provisional answer, an answer, the end of an attempt: of a call that goes out. */
void dial_progress(struct line *line, const struct re_summary *summary);
void dial_answered(struct line *line, const struct re_summary *summary);
void dial_closed(struct line *line, uint32_t status, const char *reason, const struct re_message *message);
void dial_free(struct line *line);
/* line_headers.c */
/** Headers that the host should know, {"sip_headers": {…}}; malloc()ed, NULL when there are none. */
char *line_read_headers(const struct re_message *message);
/** Takes the headers that a call's variables ask for; what may not be written is counted. */
void line_take_variables(struct line *line, struct voicegw_json variables);
/** The headers of an INVITE of ours. */
void line_headers(const struct line *line, char *out, size_t cap);
/** May a variable name this header? Pure. */
int sip_header_allowed(const char *name);
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
