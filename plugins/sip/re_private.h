/* re_private.h - what the files of the libre layer share among themselves. */
#ifndef SIP_RE_PRIVATE_H
#define SIP_RE_PRIVATE_H
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "re_layer.h"

/* The head of libre 1.1.0's private struct sip, and its listeners: what a transport must know to hand a message on. */
struct sip_head {
    struct list transpl, lsnrl;
};
struct sip_lsnr_head {
    struct le le;
    struct sip_lsnr **lsnrp;
    sip_msg_h *msgh;
    void *arg;
    bool req;
};

static inline const struct sip_msg *re_msg(const struct re_message *m)
{
    return (const struct sip_msg *)(const void *)m;
}
static inline const struct re_message *re_view(const struct sip_msg *m)
{
    return (const struct re_message *)(const void *)m;
}

/* re_transport.c */
int re_transport_open(struct sip *sip, const struct re_transport_params *params);
void re_transport_close(void);
void re_print_address(const struct sa *sa, char *out, size_t cap);
/** "sip:USER@HOST:PORT;transport=…" of ours for a peer; 0 or errno. */
int re_contact_uri(enum sip_transp tp, const struct sa *peer, const char *user, char *out, size_t cap);
/** Did the message's TLS peer show a certificate that was verified and bears this name? */
bool re_transport_certified(const struct sip_msg *msg, const char *name);
/* re_tls.c */
/** Does the certificate that a connection's peer showed bear this name or address? */
bool re_tls_bears(const struct tls_conn *conn, const char *name);
#define RE_CONTACT_CAP 320

struct re_agent {
    struct sip *sip;
    struct dnsc *dnsc;
    struct sip_lsnr *requests, *responses;
    struct hash *sessions; /* by Call-ID */
    size_t count;
    struct tmr closing;
    uint64_t close_at;
    const struct re_agent_events *events;
    void *arg;
    bool closed;
};

struct ack {
    struct le le;
    struct re_session *session;
    struct sip_request *req;
    struct sa dst;
    enum sip_transp tp;
    struct mbuf *mb;
    uint32_t cseq;
    char *tag;
    struct tmr tmr;
};

/* A 2xx of ours that waits for its ACK. */
struct reply {
    struct le le;
    struct re_session *session;
    const struct sip_msg *msg;
    struct mbuf *mb;
    struct sa dst;
    struct tmr give_up, again;
    uint32_t sent;
    bool awaits_answer;
};

/* A request of ours within the dialog that is no INVITE. */
struct inner {
    struct le le;
    struct re_session *session;
    struct sip_request *req;
    char *method, *text; /* text: headers, body and all */
    unsigned tries;
};

struct re_session {
    struct le he; /* of agent->sessions */
    struct re_agent *agent;
    const struct re_session_events *events; /* NULL: the owner let go */
    void *arg;
    struct sip_dialog *half; /* outbound: the dialog before a peer answered; forks are made of it */
    struct sip_dialog *dlg;  /* the dialog; outbound: NULL until a 2xx */
    struct sip_auth *auth;
    struct sip_strans *st; /* an INVITE of the peer that has no final answer */
    const struct sip_msg *invite;
    struct sip_request *req; /* an INVITE of ours that has none */
    char *contact, *invite_text, *username, *password;
    char *call_id, *local_tag, *remote_tag;
    struct list replies, acks, inners, earlies;
    struct rel *rel;                     /* a provisional response of ours that waits for its PRACK */
    uint32_t rseq, rack_rseq, rack_cseq; /* the next one; which PRACK is awaited, 0: none */
    struct tmr retry, cancel;
    unsigned tries, redials;
    bool sips;     /* the call asked for TLS all the way: our Contact says so */
    bool reliable; /* the peer wants provisional responses that it can acknowledge */
    bool outbound, established, initial, ended, bye_sent, peer_ended, canceled, released;
};

/* re_session.c */
void re_session_touch(struct re_session *s); /* frees it when nothing is left to do */
/** Tells the owner that it is over; BYE is sent when `bye`. */
void re_session_over(struct re_session *s, uint32_t status, const char *reason, const struct sip_msg *msg, bool bye);
struct re_session *re_session_alloc(struct re_agent *agent, const char *contact, const struct re_session_events *events,
                                    void *arg);
/** Our Contact for that peer; 0 or errno. */
int re_session_contact(const struct re_session *s, const struct sip_msg *msg, char *out, size_t cap);
void re_session_enter(struct re_session *s, const char *call_id);
int re_session_auth(char **username, char **password, const char *realm, void *arg);
int re_session_print_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb,
                             void *arg);
/* re_invite.c */
int re_invite_send(struct re_session *s);
bool re_invite_response(struct re_agent *a, const struct sip_msg *msg); /* a 2xx that no transaction knows */
void re_ack_free(struct ack *ack);
/* re_inside.c */
bool re_inside_request(struct re_agent *a, const struct sip_msg *msg);
int re_inside_send(struct re_session *s, const char *method, const char *text);
void re_inner_free(struct inner *inner);
/* re_prack.c */
bool re_prack_wanted(const struct sip_msg *invite);
/** A provisional response that is sent again until its PRACK comes; 0 or errno. */
int re_prack_progress(struct re_session *s, uint16_t status, const char *contact, const char *headers, const char *sdp);
/** A PRACK came: answered here. */
void re_prack_asked(struct re_session *s, const struct sip_msg *msg);
void re_prack_done(struct re_session *s); /* nothing waits for a PRACK any more */
/** A provisional response to an INVITE of ours: a PRACK leaves if it asks for one. */
void re_prack_provisional(struct re_session *s, const struct sip_msg *msg);
/** The early dialog that this 2xx confirms, with a reference: its PRACKs were counted there. NULL: there was none. */
struct sip_dialog *re_prack_dialog(struct re_session *s, const struct sip_msg *msg);
void re_prack_free(struct re_session *s);
/* re_answer.c */
int re_answer_2xx(struct re_session *s, const struct sip_msg *msg, const char *headers, const char *sdp);
void re_reply_free(struct reply *reply);
/** The ACK's reply, which is gone then; false: none waited. */
bool re_answer_acked(struct re_session *s, const struct sip_msg *msg, bool *ret_awaits_answer);
#endif
