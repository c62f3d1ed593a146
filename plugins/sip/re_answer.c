/* re_answer.c - a 2xx of ours, sent again until its ACK comes (RFC 3261, 13.3.1.4). */
#include "re_private.h"

static void reply_destructor(void *arg)
{
    struct reply *r = arg;
    list_unlink(&r->le);
    tmr_cancel(&r->give_up);
    tmr_cancel(&r->again);
    mem_deref((void *)(uintptr_t)r->msg);
    mem_deref(r->mb);
}

void re_reply_free(struct reply *r)
{
    mem_deref(r);
}

static void on_give_up(void *arg)
{
    struct reply *r = arg;
    struct re_session *s = r->session;
    mem_ref(s);
    mem_deref(r);
    if (s->ended)
        re_session_touch(s);
    else
        re_session_over(s, 0, "the ACK never came", NULL, true);
    mem_deref(s);
}

static void on_again(void *arg)
{
    struct reply *r = arg;
    uint64_t delay_ms = SIP_T1;
    (void)sip_send(r->session->agent->sip, r->msg->sock, r->msg->tp, &r->dst, r->mb);
    r->sent++;
    for (uint32_t i = 0; i < r->sent && delay_ms < SIP_T2; i++)
        delay_ms *= 2;
    tmr_start(&r->again, delay_ms < SIP_T2 ? delay_ms : SIP_T2, on_again, r);
}

int re_answer_2xx(struct re_session *s, const struct sip_msg *msg, const char *headers, const char *sdp)
{
    char contact[RE_CONTACT_CAP];
    struct pl rport;
    struct reply *r = mem_zalloc(sizeof *r, reply_destructor);
    int err = r ? re_session_contact(s, msg, contact, sizeof contact) : ENOMEM;
    if (!err)
        err =
            sip_treplyf(&s->st, &r->mb, s->agent->sip, msg, true, 200, "OK",
                        "Contact: <%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s", contact, headers ? headers : "",
                        sdp ? "Content-Type: application/sdp\r\n" : "", sdp ? strlen(sdp) : (size_t)0, sdp ? sdp : "");
    s->st = NULL;
    if (err) {
        mem_deref(r);
        return err;
    }
    r->session = s;
    r->msg = mem_ref((void *)(uintptr_t)msg);
    sip_reply_addr(&r->dst, msg, msg_param_exists(&msg->via.params, "rport", &rport) == 0);
    r->awaits_answer = sdp && mbuf_get_left(msg->mb) == 0;
    list_append(&s->replies, &r->le, r);
    tmr_start(&r->give_up, 64 * SIP_T1, on_give_up, r);
    tmr_start(&r->again, SIP_T1, on_again, r);
    return 0;
}

bool re_answer_acked(struct re_session *s, const struct sip_msg *msg, bool *ret_awaits_answer)
{
    for (struct le *le = s->replies.head; le; le = le->next) {
        struct reply *r = le->data;
        if (r->msg->cseq.num == msg->cseq.num) {
            *ret_awaits_answer = r->awaits_answer;
            mem_deref(r);
            return true;
        }
    }
    return false;
}
