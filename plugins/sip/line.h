/* line.h - the signalling of one call, on the SIP thread. */
#ifndef SIP_LINE_H
#define SIP_LINE_H
#include "sip.h"
#include "words.h"
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
    enum sip_srtp srtp;          /* of the trunk, else of the instance */
    struct media_crypto keys[2]; /* ours, one for each suite; what we send is protected with the one agreed on */
    struct media_crypto key_in, key_out;
    enum sip_keys keys_by;                   /* what an offer of ours offers */
    uint8_t dtls;                            /* enum sip_role, once it is agreed on */
    char fingerprint[MEDIA_FINGERPRINT_CAP]; /* of the peer */
    uint8_t known;                           /* the host has a handle */
    uint8_t late;                            /* the offer was ours, in the 200 */
    uint8_t held_by_us, held_by_peer;
    struct dial *dial; /* an outbound call that is not answered */
    /* a change of ours that is not answered: hold, resume */
    uint64_t change_op;
    uint8_t change_before;
    /* session timer */
    struct re_timer *session_timer;
    uint32_t timer_s;
    uint8_t we_refresh, peer_timer, peer_update;
    /* transfers */
    uint64_t refer_op;
    struct re_timer *refer_timer;
    struct refer *refer;
    uint8_t refer_done, notify_due;
    struct re_timer *later; /* what follows once an answer has left */
    char digits[64];        /* that wait for INFO */
    uint8_t info_runs;
    uint32_t outcome; /* of an end that the host does not know of yet */
    char cause[SIP_CAUSE_CAP];
    char *headers; /* of an INVITE of ours, out of the session's variables; or NULL */
};

/* line.c */
extern const struct re_session_events line_events;
void line_state(struct line *line, uint32_t state, uint32_t outcome, const char *cause);
/** It is over: the host is told once. */
void line_over(struct line *line, uint32_t outcome, const char *cause);
struct line *line_new(struct sip_call *call);
/** Whether its audio is encrypted is its trunk's affair. */
void line_srtp(struct line *line);
/* dial.c */
/** A provisional answer, an answer, the end of an attempt: of a call that goes out. */
void dial_progress(struct line *line, const struct re_summary *summary);
void dial_answered(struct line *line, const struct re_message *message, const struct re_summary *summary);
void dial_closed(struct line *line, uint32_t status, const char *reason, const struct re_message *message);
void dial_free(struct line *line);
/* line_timer.c */
/** The headers of an INVITE of ours: what we want, at least `min_se_s`. */
void line_timer_offer(const struct line *line, uint32_t min_se_s, char *out, size_t cap);
/** The peer asks: 0 and the headers of our 2xx, or 422 and the headers of that. */
uint32_t line_timer_asked(struct line *line, const struct re_message *message, char *out, size_t cap);
/** The headers of a 2xx, and of a later request of ours. */
void line_timer_header(const struct line *line, char *out, size_t cap);
void line_timer_request(const struct line *line, char *out, size_t cap);
/** It runs (anew). */
void line_timer_begin(struct line *line);
/** Our INVITE or refresh was accepted. */
void line_timer_answered(struct line *line, const struct re_message *message, int initial);
/* line_change.c */
void line_changed(struct line *line, const struct re_message *message, const struct re_summary *summary);
void line_unchanged(struct line *line, uint32_t status);
void line_change_over(struct line *line);
void line_offered(struct line *line, const struct re_message *message, const struct re_summary *summary,
                  struct re_reply *reply);
/* line_transfer.c */
void line_referred(struct line *line, uint32_t status);
void line_notified(struct line *line, const struct re_message *message, const struct re_summary *summary,
                   struct re_reply *reply);
void line_refer_asked(struct line *line, const struct re_message *message, struct re_reply *reply);
/** The call is over: what was to become of it is settled. */
void line_transfer_over(struct line *line);
void line_transfer_free(struct line *line);
/* line_replace.c */
/** Another dialog is the call's from now on; the old one ends. */
void line_replace_session(struct line *line, struct re_session *fresh, const char *peer_ip, int transport);
/* line_dtmf.c */
void line_info(struct line *line, const struct re_message *message, const struct re_summary *summary,
               struct re_reply *reply);
void line_info_answered(struct line *line, uint32_t status);
/* line_headers.c */
/** Headers that the host should know, {"sip_headers": {…}}; malloc()ed, NULL when there are none. */
char *line_read_headers(const struct re_message *message);
/** Takes the headers that a call's variables ask for; what may not be written is counted. */
void line_take_variables(struct line *line, struct voicegw_json variables);
/** The headers of an INVITE of ours. */
void line_headers(const struct line *line, uint32_t min_se_s, char *out, size_t cap);
/* line_media.c */
/** Our side for a description; `address` is where the text of the address lies. */
int line_local(struct line *line, struct sdp_local *ret_local, char *address, size_t cap);
/** Answers a description; `out` gets ours. 0, or -1 and a sentence. */
int line_take_offer(struct line *line, const char *text, size_t bytes, char *out, size_t cap,
                    struct sdp_result *ret_result, char *why, size_t why_cap);
int line_make_offer(struct line *line, char *out, size_t cap);
int line_take_answer(struct line *line, const char *text, size_t bytes, struct sdp_result *ret_result, char *why,
                     size_t why_cap);
/** What was agreed on, as a worker must know it. */
void line_media(const struct line *line, const struct sdp_result *result, struct sip_media *ret_media);
/** Tells the worker what was agreed on. */
void line_agree(struct line *line, const struct sdp_result *result);
#endif
