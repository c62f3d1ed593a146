/* re_prack.c - provisional responses that are acknowledged (RFC 3262): ours, sent again until the PRACK comes, and the
 * peer's, for which a PRACK of ours leaves in the early dialog. */
#include "re_private.h"

#define EARLY_MAX 8u /* branches of a forked call whose provisional responses are acknowledged */

/* ---- ours ---- */

struct rel {
    struct re_session *session;
    const struct sip_msg *invite;
    struct mbuf *mb;
    struct sa dst;
    struct tmr tmr;
    uint64_t delay_ms, waited_ms;
};

static void rel_destructor(void *arg)
{
    struct rel *r = arg;
    tmr_cancel(&r->tmr);
    mem_deref((void *)(uintptr_t)r->invite);
    mem_deref(r->mb);
}

static void on_again(void *arg)
{
    struct rel *r = arg;
    struct re_session *s = r->session;
    r->waited_ms += r->delay_ms;
    if (r->waited_ms < 64 * SIP_T1) {
        (void)sip_send(s->agent->sip, r->invite->sock, r->invite->tp, &r->dst, r->mb);
        r->delay_ms *= 2;
        tmr_start(&r->tmr, r->delay_ms, on_again, r);
        return;
    }
    re_prack_done(s);
    if (s->st) {
        (void)sip_treply(&s->st, s->agent->sip, s->invite, 504, "Server Time-out");
        s->st = NULL;
    }
    re_session_over(s, 504, "the PRACK never came", NULL, false);
}

bool re_prack_wanted(const struct sip_msg *invite)
{
    return sip_msg_hdr_has_value(invite, SIP_HDR_REQUIRE, "100rel");
}

void re_prack_done(struct re_session *s)
{
    s->rel = mem_deref(s->rel);
}

int re_prack_progress(struct re_session *s, uint16_t status, const char *contact, const char *headers, const char *sdp)
{
    struct pl rport;
    if (s->rel) /* one at a time (RFC 3262, 3) */
        return EBUSY;
    struct rel *r = mem_zalloc(sizeof *r, rel_destructor);
    if (!r)
        return ENOMEM;
    if (s->rseq == 0)
        s->rseq = 1 + rand_u32() % 0x7fffu;
    r->session = s;
    s->rack_rseq = s->rseq++; /* its PRACK may come behind the final answer, which ends the repetitions */
    s->rack_cseq = s->invite->cseq.num;
    r->invite = mem_ref((void *)(uintptr_t)s->invite);
    r->delay_ms = SIP_T1;
    int err = sip_treplyf(&s->st, &r->mb, s->agent->sip, s->invite, true, status, re_reason(status),
                          "Contact: <%s>\r\nRequire: 100rel\r\nRSeq: %u\r\n%s%sContent-Length: %zu\r\n\r\n%s", contact,
                          s->rack_rseq, headers ? headers : "", sdp ? "Content-Type: application/sdp\r\n" : "",
                          sdp ? strlen(sdp) : (size_t)0, sdp ? sdp : "");
    if (err) {
        mem_deref(r);
        return err;
    }
    sip_reply_addr(&r->dst, s->invite, msg_param_exists(&s->invite->via.params, "rport", &rport) == 0);
    s->rel = r;
    tmr_start(&r->tmr, r->delay_ms, on_again, r);
    return 0;
}

void re_prack_asked(struct re_session *s, const struct sip_msg *msg)
{
    const struct sip_hdr *rack = sip_msg_hdr(msg, SIP_HDR_RACK);
    struct pl rseq, cseq, method;
    bool fits =
        s->rack_rseq && rack &&
        re_regex(rack->val.p, rack->val.l, "[0-9]+[ \t]+[0-9]+[ \t]+[A-Z]+", &rseq, NULL, &cseq, NULL, &method) == 0;
    fits = fits && pl_u32(&rseq) == s->rack_rseq && pl_u32(&cseq) == s->rack_cseq && pl_strcmp(&method, "INVITE") == 0;
    (void)sip_treply(NULL, s->agent->sip, msg, fits ? 200 : 481, re_reason(fits ? 200 : 481));
    if (fits) {
        s->rack_rseq = 0;
        re_prack_done(s);
    }
}

/* ---- theirs ---- */

struct early {
    struct le le;
    struct sip_dialog *dlg;
    char *tag;
    uint32_t rseq;
};

static void early_destructor(void *arg)
{
    struct early *e = arg;
    list_unlink(&e->le);
    mem_deref(e->dlg);
    mem_deref(e->tag);
}

static struct early *early_of(const struct re_session *s, const struct pl *tag)
{
    for (struct le *le = s->earlies.head; le; le = le->next) {
        struct early *e = le->data;
        if (pl_strcmp(tag, e->tag) == 0)
            return e;
    }
    return NULL;
}

static struct early *early_new(struct re_session *s, const struct sip_msg *msg)
{
    struct early *e = list_count(&s->earlies) < EARLY_MAX ? mem_zalloc(sizeof *e, early_destructor) : NULL;
    if (!e || pl_strdup(&e->tag, &msg->to.tag) != 0 || sip_dialog_fork(&e->dlg, s->half, msg) != 0)
        return mem_deref(e);
    list_append(&s->earlies, &e->le, e);
    return e;
}

void re_prack_provisional(struct re_session *s, const struct sip_msg *msg)
{
    const struct sip_hdr *header = sip_msg_hdr(msg, SIP_HDR_RSEQ);
    uint32_t rseq = header ? pl_u32(&header->val) : 0;
    if (rseq == 0 || !s->half || s->established || !pl_isset(&msg->to.tag) ||
        !sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel"))
        return;
    struct early *e = early_of(s, &msg->to.tag);
    if (e ? rseq != e->rseq + 1 : !(e = early_new(s, msg))) /* sent again, or one before it is missing */
        return;
    e->rseq = rseq;
    (void)sip_drequestf(NULL, s->agent->sip, true, "PRACK", e->dlg, 0, s->auth, NULL, NULL, NULL,
                        "RAck: %u %u INVITE\r\nContent-Length: 0\r\n\r\n", rseq, msg->cseq.num);
}

struct sip_dialog *re_prack_dialog(struct re_session *s, const struct sip_msg *msg)
{
    struct early *e = early_of(s, &msg->to.tag);
    struct sip_dialog *dlg = e && sip_dialog_update(e->dlg, msg) == 0 ? mem_ref(e->dlg) : NULL;
    list_flush(&s->earlies);
    return dlg;
}

void re_prack_free(struct re_session *s)
{
    re_prack_done(s);
    list_flush(&s->earlies);
}
