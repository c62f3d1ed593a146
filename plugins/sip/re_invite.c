/* re_invite.c - an INVITE of ours, the first or a later one: challenges, forks, the ACK and its repetitions. */
#include "re_private.h"

#define TRIES_MAX 3u /* answers to challenges */

static void ack_destructor(void *arg)
{
    struct ack *a = arg;
    struct sip_request *req = a->req;
    a->req = NULL;
    list_unlink(&a->le);
    tmr_cancel(&a->tmr);
    mem_deref(req);
    mem_deref(a->mb);
    mem_deref(a->tag);
}

void re_ack_free(struct ack *ack)
{
    mem_deref(ack);
}

static void on_ack_time(void *arg)
{
    struct ack *a = arg;
    struct re_session *s = a->session;
    mem_deref(a);
    re_session_touch(s);
}

static int keep_ack(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb, void *arg)
{
    struct ack *a = arg;
    (void)src;
    mem_deref(a->mb);
    a->mb = mem_ref(mb);
    a->dst = *dst;
    a->tp = tp;
    return 0;
}

static void on_ack_sent(int err, const struct sip_msg *msg, void *arg)
{
    (void)err;
    (void)msg;
    (void)arg;
}

/* The ACK to a 2xx is a request of its own; it is kept for the 2xx that come again. */
static void send_ack(struct re_session *s, struct sip_dialog *dlg, const struct sip_msg *msg)
{
    struct ack *a = mem_zalloc(sizeof *a, ack_destructor);
    if (!a)
        return;
    a->session = s;
    a->cseq = msg->cseq.num;
    (void)pl_strdup(&a->tag, &msg->to.tag);
    list_append(&s->acks, &a->le, a);
    tmr_start(&a->tmr, 64 * SIP_T1, on_ack_time, a);
    (void)sip_drequestf(&a->req, s->agent->sip, false, "ACK", dlg, a->cseq, s->auth, keep_ack, on_ack_sent, a,
                        "Content-Length: 0\r\n\r\n");
}

/* Another branch of a forked call answered too: taken and hung up at once (RFC 3261, 13.2.2.4). */
static void refuse_fork(struct re_session *s, const struct sip_msg *msg)
{
    struct sip_dialog *fork = NULL;
    if (!s->half || sip_dialog_fork(&fork, s->half, msg) != 0)
        return;
    send_ack(s, fork, msg);
    (void)sip_drequestf(NULL, s->agent->sip, true, "BYE", fork, 0, s->auth, NULL, NULL, NULL,
                        "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\nContent-Length: 0\r\n\r\n");
    mem_deref(fork);
}

static void on_accepted(struct re_session *s, const struct sip_msg *msg)
{
    struct re_summary summary;
    bool initial = !s->established;
    if (initial) {
        s->dlg = re_prack_dialog(s, msg);
        if (!s->dlg && sip_dialog_fork(&s->dlg, s->half, msg) != 0) {
            re_session_over(s, 0, "the answer has no Contact that can be read", NULL, false);
            return;
        }
        s->established = true;
        (void)pl_strdup(&s->remote_tag, &msg->to.tag);
        (void)pl_strdup(&s->local_tag, &msg->from.tag);
    } else {
        (void)sip_dialog_update(s->dlg, msg);
    }
    send_ack(s, s->dlg, msg);
    if (s->ended) { /* the CANCEL came too late, or the end while a re-INVITE ran */
        if (!s->bye_sent && !s->peer_ended) {
            s->bye_sent = true;
            (void)re_inside_send(s, "BYE", "Content-Length: 0\r\n\r\n");
        }
        re_session_touch(s);
        return;
    }
    re_message_summary(re_view(msg), &summary);
    if (s->events)
        s->events->on_accepted(s->arg, re_view(msg), &summary, initial);
}

static void on_retry(void *arg)
{
    struct re_session *s = arg;
    if (!s->ended && !s->req && !s->st && re_invite_send(s) != 0 && s->events)
        s->events->on_refused(s->arg, 0);
}

/* Both sides asked at once (RFC 3261, 14.1): who made the call waits longer. */
static bool retry_later(struct re_session *s, const struct sip_msg *msg)
{
    uint32_t delay_ms;
    if (msg->scode != 491 || s->tries++ >= TRIES_MAX)
        return false;
    delay_ms = s->outbound ? 2100 + rand_u32() % 1900 : rand_u32() % 2000;
    tmr_start(&s->retry, delay_ms, on_retry, s);
    return true;
}

static bool answer_challenge(struct re_session *s, const struct sip_msg *msg)
{
    if ((msg->scode != 401 && msg->scode != 407) || s->tries++ >= TRIES_MAX || s->ended)
        return false;
    return sip_auth_authenticate(s->auth, msg) == 0 && re_invite_send(s) == 0;
}

static void refused_later(struct re_session *s, uint32_t status, int err)
{
    if (status == 408 || status == 481 || (status == 0 && err == ETIMEDOUT))
        re_session_over(s, status, status ? re_reason(status) : "the peer is silent", NULL, true);
    else if (s->events)
        s->events->on_refused(s->arg, status);
}

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
    struct re_session *s = arg;
    struct re_summary summary;
    if (!err && msg->scode < 200) {
        re_message_summary(re_view(msg), &summary);
        re_prack_provisional(s, msg);
        if (s->events && !s->established)
            s->events->on_progress(s->arg, re_view(msg), &summary);
        return;
    }
    s->req = NULL;
    tmr_cancel(&s->cancel);
    mem_ref(s);
    if (!err && msg->scode < 300) {
        on_accepted(s, msg);
    } else if (err || !answer_challenge(s, msg)) {
        uint32_t status = err ? 0 : msg->scode;
        char reason[128];
        (void)re_snprintf(reason, sizeof reason, "%r", err ? &pl_null : &msg->reason);
        if (err)
            (void)re_snprintf(reason, sizeof reason, "%m", err);
        if (s->ended)
            re_session_touch(s);
        else if (!s->established)
            re_session_over(s, status ? status : err == ETIMEDOUT ? 408 : 503, reason, err ? NULL : msg, false);
        else if (err || !retry_later(s, msg))
            refused_later(s, status, err);
    }
    mem_deref(s);
}

int re_invite_send(struct re_session *s)
{
    struct sip_dialog *dlg = s->dlg ? s->dlg : s->half;
    return sip_drequestf(&s->req, s->agent->sip, true, "INVITE", dlg, 0, s->auth, re_session_print_contact, on_response,
                         s, "%s", s->invite_text);
}

bool re_invite_response(struct re_agent *agent, const struct sip_msg *msg)
{
    if (pl_strcmp(&msg->cseq.met, "INVITE") != 0)
        return true;
    if (msg->scode < 200 || msg->scode > 299)
        return true;
    struct le *le = list_head(hash_list(agent->sessions, hash_joaat_pl(&msg->callid)));
    for (; le; le = le->next) {
        struct re_session *s = le->data;
        if (!s->outbound || !s->half || !sip_dialog_cmp_half(s->half, msg))
            continue;
        for (struct le *a = s->acks.head; a; a = a->next) {
            struct ack *ack = a->data;
            if (ack->cseq == msg->cseq.num && ack->tag && pl_strcmp(&msg->to.tag, ack->tag) == 0) {
                if (ack->mb)
                    (void)sip_send(agent->sip, NULL, ack->tp, &ack->dst, ack->mb);
                return true;
            }
        }
        refuse_fork(s, msg);
        return true;
    }
    return true;
}
