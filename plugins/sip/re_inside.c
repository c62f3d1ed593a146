/* re_inside.c - requests within a dialog, theirs and ours. */
#include "re_private.h"

#define TRIES_MAX 2u

/* ---- theirs ---- */

static struct re_session *find(struct re_agent *a, const struct sip_msg *msg)
{
    struct le *le = list_head(hash_list(a->sessions, hash_joaat_pl(&msg->callid)));
    for (; le; le = le->next) {
        struct re_session *s = le->data;
        if (s->dlg && sip_dialog_cmp(s->dlg, msg))
            return s;
    }
    return NULL;
}

static void on_ack(struct re_session *s, const struct sip_msg *msg)
{
    struct re_summary summary;
    bool awaits_answer = false;
    if (!re_answer_acked(s, msg, &awaits_answer))
        return;
    if (s->ended) {
        re_session_touch(s);
        return;
    }
    re_message_summary(re_view(msg), &summary);
    if (!awaits_answer)
        summary.body_bytes = 0;
    if (s->events)
        s->events->on_ack(s->arg, &summary);
}

static void on_bye(struct re_session *s, const struct sip_msg *msg)
{
    const struct sip_hdr *reason = sip_msg_hdr(msg, SIP_HDR_REASON);
    char text[128] = "";
    (void)sip_treply(NULL, s->agent->sip, msg, 200, "OK");
    s->peer_ended = true;
    if (s->st) {
        (void)sip_treply(&s->st, s->agent->sip, s->invite ? s->invite : msg, 487, "Request Terminated");
        s->st = NULL;
    }
    if (reason)
        (void)re_snprintf(text, sizeof text, "%r", &reason->val);
    re_session_over(s, 0, text, msg, false);
}

/* A re-INVITE, or an UPDATE: the same question with and without a three-way handshake. */
static void on_offer(struct re_session *s, const struct sip_msg *msg, bool invite)
{
    struct re_summary summary;
    struct re_reply reply = {.status = 488};
    struct sip *sip = s->agent->sip;
    if (s->req || s->st || (invite && s->replies.head)) {
        bool ours = s->req != NULL;
        (void)sip_treplyf(NULL, NULL, sip, msg, false, ours ? 491 : 500, re_reason(ours ? 491 : 500),
                          "Retry-After: 2\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    re_message_summary(re_view(msg), &summary);
    if (!invite && summary.body_bytes == 0)
        summary.is_sdp = 0;
    mem_ref(s);
    if (s->events)
        s->events->on_offer(s->arg, re_view(msg), &summary, &reply);
    if (reply.status >= 300 || s->ended) {
        uint32_t status = s->ended ? 481 : reply.status;
        (void)sip_treplyf(NULL, NULL, sip, msg, false, (uint16_t)status, re_reason(status),
                          "%sContent-Length: 0\r\n\r\n", reply.headers);
    } else {
        (void)sip_dialog_update(s->dlg, msg);
        if (invite) {
            (void)re_answer_2xx(s, msg, reply.headers, reply.body);
        } else {
            char contact[RE_CONTACT_CAP];
            if (re_session_contact(s, msg, contact, sizeof contact) == 0)
                (void)sip_treplyf(NULL, NULL, sip, msg, true, 200, "OK",
                                  "Contact: <%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s", contact, reply.headers,
                                  reply.body ? "Content-Type: application/sdp\r\n" : "",
                                  reply.body ? strlen(reply.body) : (size_t)0, reply.body ? reply.body : "");
        }
    }
    free(reply.body);
    mem_deref(s);
}

static void on_other(struct re_session *s, const struct sip_msg *msg)
{
    struct re_summary summary;
    struct re_reply reply = {.status = 405};
    re_message_summary(re_view(msg), &summary);
    mem_ref(s);
    if (s->events)
        s->events->on_request(s->arg, re_view(msg), &summary, &reply);
    (void)sip_treplyf(NULL, NULL, s->agent->sip, msg, false, (uint16_t)reply.status, re_reason(reply.status),
                      "%sContent-Length: 0\r\n\r\n", reply.headers);
    free(reply.body);
    mem_deref(s);
}

bool re_inside_request(struct re_agent *a, const struct sip_msg *msg)
{
    struct re_session *s = find(a, msg);
    if (pl_strcmp(&msg->met, "ACK") == 0) {
        if (s)
            on_ack(s, msg);
        return true;
    }
    if (!s || s->ended) {
        (void)sip_treply(NULL, a->sip, msg, 481, re_reason(481));
        return true;
    }
    if (!sip_dialog_rseq_valid(s->dlg, msg)) {
        (void)sip_treply(NULL, a->sip, msg, 500, re_reason(500));
        return true;
    }
    if (pl_strcmp(&msg->met, "BYE") == 0)
        on_bye(s, msg);
    else if (pl_strcmp(&msg->met, "INVITE") == 0)
        on_offer(s, msg, true);
    else if (pl_strcmp(&msg->met, "PRACK") == 0)
        re_prack_asked(s, msg);
    else if (pl_strcmp(&msg->met, "UPDATE") == 0)
        on_offer(s, msg, false);
    else if (pl_strcmp(&msg->met, "OPTIONS") == 0)
        (void)sip_treply(NULL, a->sip, msg, 200, "OK");
    else
        on_other(s, msg);
    return true;
}

/* ---- ours ---- */

static void inner_destructor(void *arg)
{
    struct inner *i = arg;
    struct sip_request *req = i->req;
    i->req = NULL;
    list_unlink(&i->le);
    mem_deref(req);
    mem_deref(i->method);
    mem_deref(i->text);
}

void re_inner_free(struct inner *inner)
{
    mem_deref(inner);
}

static void on_done(int err, const struct sip_msg *msg, void *arg);

static int print_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb, void *arg)
{
    const struct inner *i = arg;
    return re_session_print_contact(tp, src, dst, mb, i->session);
}

static int send_inner(struct inner *i)
{
    struct re_session *s = i->session;
    bool contact =
        strcmp(i->method, "UPDATE") == 0 || strcmp(i->method, "REFER") == 0 || strcmp(i->method, "NOTIFY") == 0;
    return sip_drequestf(&i->req, s->agent->sip, true, i->method, s->dlg, 0, s->auth, contact ? print_contact : NULL,
                         on_done, i, "%s", i->text);
}

static void tell(struct re_session *s, const char *method, uint32_t status, const struct sip_msg *msg)
{
    struct re_summary summary;
    if (!s->events)
        return;
    if (strcmp(method, "UPDATE") != 0) {
        s->events->on_answer(s->arg, method, status);
    } else if (status >= 200 && status < 300) {
        re_message_summary(re_view(msg), &summary);
        (void)sip_dialog_update(s->dlg, msg);
        s->events->on_accepted(s->arg, re_view(msg), &summary, 0);
    } else {
        s->events->on_refused(s->arg, status);
    }
}

static void on_done(int err, const struct sip_msg *msg, void *arg)
{
    struct inner *i = arg;
    struct re_session *s = i->session;
    if (!err && msg->scode < 200)
        return;
    i->req = NULL;
    if (!err && (msg->scode == 401 || msg->scode == 407) && i->tries++ < TRIES_MAX &&
        sip_auth_authenticate(s->auth, msg) == 0 && send_inner(i) == 0)
        return;
    uint32_t status = err ? 0 : msg->scode;
    bool bye = strcmp(i->method, "BYE") == 0;
    char method[16];
    (void)snprintf(method, sizeof method, "%s", i->method);
    mem_ref(s);
    mem_deref(i);
    if (!s->ended && !bye && (status == 481 || status == 408))
        re_session_over(s, status, re_reason(status), NULL, true);
    else if (!s->ended)
        tell(s, method, status, msg);
    if (s->ended)
        re_session_touch(s);
    mem_deref(s);
}

int re_inside_send(struct re_session *s, const char *method, const char *text)
{
    struct inner *i = mem_zalloc(sizeof *i, inner_destructor);
    if (!i)
        return ENOMEM;
    i->session = s;
    list_append(&s->inners, &i->le, i);
    int err = str_dup(&i->method, method);
    if (!err)
        err = str_dup(&i->text, text);
    if (!err)
        err = send_inner(i);
    if (err)
        mem_deref(i);
    return err;
}
