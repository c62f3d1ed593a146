/* re_session.c - a dialog that an INVITE made, whoever sent it: its life, and what its owner can do with it. libre's
 * own session layer takes no headers on re-INVITEs and tells nothing of a BYE, so this stands on its transactions and
 * dialogs. */
#include "re_private.h"
#include "sips.h"

#define CANCEL_MS 40000u /* a peer that answers neither the INVITE nor its CANCEL */

static void destructor(void *arg)
{
    struct re_session *s = arg;
    if (s->he.list)
        s->agent->count--;
    hash_unlink(&s->he);
    tmr_cancel(&s->retry);
    tmr_cancel(&s->cancel);
    re_prack_free(s);
    while (s->replies.head)
        re_reply_free(s->replies.head->data);
    while (s->acks.head)
        re_ack_free(s->acks.head->data);
    while (s->inners.head)
        re_inner_free(s->inners.head->data);
    struct sip_request *req = s->req;
    s->req = NULL;
    mem_deref(req);
    mem_deref(s->st);
    mem_deref((void *)(uintptr_t)s->invite);
    mem_deref(s->half);
    mem_deref(s->dlg);
    mem_deref(s->auth);
    mem_deref(s->contact);
    mem_deref(s->invite_text);
    mem_deref(s->username);
    mem_deref(s->password);
    mem_deref(s->call_id);
    mem_deref(s->local_tag);
    mem_deref(s->remote_tag);
}

void re_session_touch(struct re_session *s)
{
    if (!s->ended || s->released || s->req || s->replies.head || s->acks.head || s->inners.head)
        return;
    s->released = true;
    mem_deref(s);
}

int re_session_auth(char **username, char **password, const char *realm, void *arg)
{
    const struct re_session *s = arg;
    (void)realm;
    if (!s->username)
        return EAUTH;
    int err = str_dup(username, s->username);
    return err ? err : str_dup(password, s->password ? s->password : "");
}

struct re_session *re_session_alloc(struct re_agent *agent, const char *contact, const struct re_session_events *events,
                                    void *arg)
{
    struct re_session *s = mem_zalloc(sizeof *s, destructor);
    if (!s)
        return NULL;
    s->agent = agent;
    s->events = events;
    s->arg = arg;
    s->initial = true;
    if (str_dup(&s->contact, contact ? contact : "") != 0 || sip_auth_alloc(&s->auth, re_session_auth, s, false) != 0)
        return mem_deref(s);
    return s;
}

void re_session_enter(struct re_session *s, const char *call_id)
{
    (void)str_dup(&s->call_id, call_id);
    hash_append(s->agent->sessions, hash_joaat_str(call_id), &s->he, s);
    s->agent->count++;
}

int re_session_print_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb, void *arg)
{
    const struct re_session *s = arg;
    (void)dst;
    return mbuf_printf(mb, "Contact: <%s:%s%s%J%s>\r\n", s->sips ? "sips" : "sip", s->contact, *s->contact ? "@" : "",
                       src, s->sips ? "" : sip_transp_param(tp));
}

int re_session_contact(const struct re_session *s, const struct sip_msg *msg, char *out, size_t cap)
{
    int err = re_contact_uri(msg->tp, &msg->src, s->contact, out, cap);
    if (!err && s->sips)
        sip_sips_contact(out, cap);
    return err;
}

const char *re_session_call_id(const struct re_session *s)
{
    return s->call_id ? s->call_id : "";
}

const char *re_session_local_tag(const struct re_session *s)
{
    return s->local_tag ? s->local_tag : "";
}

const char *re_session_remote_tag(const struct re_session *s)
{
    return s->remote_tag ? s->remote_tag : "";
}

void re_session_own(struct re_session *s, const struct re_session_events *events, void *arg)
{
    s->events = events;
    s->arg = arg;
}

void *re_session_find(struct re_agent *a, const struct re_session_events *events, const char *call_id,
                      const char *local_tag, const char *remote_tag)
{
    struct le *le = list_head(hash_list(a->sessions, hash_joaat_str(call_id)));
    for (; le; le = le->next) {
        const struct re_session *s = le->data;
        if (!s->ended && s->events == events && s->call_id && strcmp(s->call_id, call_id) == 0 &&
            strcmp(re_session_local_tag(s), local_tag) == 0 && strcmp(re_session_remote_tag(s), remote_tag) == 0)
            return s->arg;
    }
    return NULL;
}

/* ---- an INVITE of the peer ---- */

static void on_cancel(void *arg)
{
    struct re_session *s = arg;
    (void)sip_treply(&s->st, s->agent->sip, s->invite, 487, "Request Terminated");
    s->st = NULL;
    re_session_over(s, 487, "canceled", NULL, false);
}

struct re_session *re_session_accept(struct re_agent *agent, const struct re_message *invite, const char *contact,
                                     const struct re_session_events *events, void *arg)
{
    const struct sip_msg *msg = re_msg(invite);
    struct re_session *s = re_session_alloc(agent, contact, events, arg);
    char text[300];
    if (!s || sip_dialog_accept(&s->dlg, msg) != 0) {
        mem_deref(s);
        re_agent_reply(agent, invite, s ? 400 : 500, s ? "Contact cannot be read" : NULL, NULL);
        return NULL;
    }
    re_session_enter(s, sip_dialog_callid(s->dlg));
    s->invite = mem_ref((void *)(uintptr_t)msg);
    s->reliable = re_prack_wanted(msg);
    s->sips = pl_strcasecmp(&msg->uri.scheme, "sips") == 0;
    (void)re_snprintf(text, sizeof text, "%016llx", msg->tag);
    (void)str_dup(&s->local_tag, text);
    (void)pl_strdup(&s->remote_tag, &msg->from.tag);
    if (sip_strans_alloc(&s->st, agent->sip, msg, on_cancel, s) != 0 ||
        sip_treply(&s->st, agent->sip, msg, 100, "Trying") != 0) {
        s->st = NULL;
        mem_deref(s);
        return NULL;
    }
    return s;
}

int re_session_progress(struct re_session *s, uint32_t status, const char *headers, const char *sdp)
{
    char contact[RE_CONTACT_CAP];
    if (!s->st || s->ended || re_session_contact(s, s->invite, contact, sizeof contact) != 0)
        return -1;
    /* Where the offer is to be ours, the first reliable response would have to bring it: the 2xx does (RFC 3262, 5). */
    if (s->reliable && mbuf_get_left(s->invite->mb) == 0)
        return 0;
    if (s->reliable)
        return re_prack_progress(s, (uint16_t)status, contact, headers, sdp) ? -1 : 0;
    return sip_treplyf(&s->st, NULL, s->agent->sip, s->invite, true, (uint16_t)status, re_reason(status),
                       "Contact: <%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s", contact, headers ? headers : "",
                       sdp ? "Content-Type: application/sdp\r\n" : "", sdp ? strlen(sdp) : (size_t)0, sdp ? sdp : "")
               ? -1
               : 0;
}

int re_session_answer(struct re_session *s, const char *headers, const char *sdp)
{
    if (!s->st || s->ended)
        return -1;
    re_prack_done(s);
    int err = re_answer_2xx(s, s->invite, headers, sdp);
    s->invite = mem_deref((void *)(uintptr_t)s->invite);
    if (err)
        return -1;
    s->established = true;
    return 0;
}

/* ---- an INVITE of ours ---- */

struct re_session *re_session_connect(struct re_agent *agent, const struct re_connect_params *p,
                                      const struct re_session_events *events, void *arg)
{
    struct re_session *s = re_session_alloc(agent, p->contact, events, arg);
    char sips[340];
    const char *routes[] = {p->route};
    if (!s)
        return NULL;
    s->outbound = true;
    s->sips = sip_sips_route(p->to_uri, sips, sizeof sips) == 0;
    if (s->sips && !(p->route && *p->route))
        routes[0] = sips;
    int err = 0;
    if (p->credentials.username && *p->credentials.username) {
        err |= str_dup(&s->username, p->credentials.username);
        err |= str_dup(&s->password, p->credentials.password ? p->credentials.password : "");
    }
    err |= re_sdprintf(&s->invite_text, "%s%sContent-Length: %zu\r\n\r\n%s", p->headers ? p->headers : "",
                       p->sdp ? "Content-Type: application/sdp\r\n" : "", p->sdp ? strlen(p->sdp) : (size_t)0,
                       p->sdp ? p->sdp : "");
    if (!err)
        err = sip_dialog_alloc(&s->half, p->to_uri, p->to_uri, p->from_name && *p->from_name ? p->from_name : NULL,
                               p->from_uri, routes, routes[0] && *routes[0] ? 1 : 0);
    if (err)
        return mem_deref(s);
    re_session_enter(s, sip_dialog_callid(s->half));
    if (re_invite_send(s) != 0)
        return mem_deref(s);
    return s;
}

int re_session_modify(struct re_session *s, const char *headers, const char *sdp)
{
    if (s->ended || !s->established || s->req || s->st || s->replies.head)
        return -1;
    s->invite_text = mem_deref(s->invite_text);
    if (re_sdprintf(&s->invite_text, "%s%sContent-Length: %zu\r\n\r\n%s", headers ? headers : "",
                    sdp ? "Content-Type: application/sdp\r\n" : "", sdp ? strlen(sdp) : (size_t)0, sdp ? sdp : "") != 0)
        return -1;
    s->tries = 0;
    return re_invite_send(s) == 0 ? 0 : -1;
}

int re_session_request(struct re_session *s, const char *method, const char *headers, const char *type,
                       const char *body)
{
    char *text = NULL;
    if (s->ended || !s->dlg)
        return -1;
    if (re_sdprintf(&text, "%s%s%s%sContent-Length: %zu\r\n\r\n%s", headers ? headers : "",
                    body ? "Content-Type: " : "", body ? type : "", body ? "\r\n" : "", body ? strlen(body) : (size_t)0,
                    body ? body : "") != 0)
        return -1;
    int err = re_inside_send(s, method, text);
    mem_deref(text);
    return err ? -1 : 0;
}

/* ---- the end ---- */

static void on_cancel_time(void *arg)
{
    struct re_session *s = arg;
    struct sip_request *req = s->req;
    s->req = NULL;
    mem_deref(req);
    re_session_touch(s);
}

static void send_bye(struct re_session *s, const char *headers)
{
    char *text = NULL;
    if (s->bye_sent || s->peer_ended || !s->dlg || !s->established)
        return;
    s->bye_sent = true;
    if (re_sdprintf(&text, "%sContent-Length: 0\r\n\r\n", headers ? headers : "") == 0)
        (void)re_inside_send(s, "BYE", text);
    mem_deref(text);
}

/* A final answer to what the peer asked, CANCEL or BYE: whatever the state wants. */
static void close_dialog(struct re_session *s, uint32_t status, const char *headers)
{
    tmr_cancel(&s->retry);
    re_prack_done(s);
    if (s->st && !s->established) {
        (void)sip_treplyf(&s->st, NULL, s->agent->sip, s->invite, false, (uint16_t)status, re_reason(status),
                          "%sContent-Length: 0\r\n\r\n", headers ? headers : "");
        s->st = NULL;
    } else if (s->req && !s->established) {
        s->canceled = true;
        sip_request_cancel(s->req);
        tmr_start(&s->cancel, CANCEL_MS, on_cancel_time, s);
    } else {
        send_bye(s, headers);
    }
}

void re_session_over(struct re_session *s, uint32_t status, const char *reason, const struct sip_msg *msg, bool bye)
{
    const struct re_session_events *events = s->events;
    if (s->ended)
        return;
    mem_ref(s);
    s->ended = true;
    s->events = NULL;
    tmr_cancel(&s->retry);
    re_prack_done(s);
    if (bye)
        send_bye(s, NULL);
    if (events)
        events->on_closed(s->arg, status, reason ? reason : "", msg ? re_view(msg) : NULL);
    re_session_touch(s);
    mem_deref(s);
}

void re_session_end(struct re_session *s, uint32_t status, const char *headers)
{
    if (!s || s->ended)
        return;
    s->events = NULL;
    s->ended = true;
    mem_ref(s);
    close_dialog(s, status ? status : 480, headers);
    re_session_touch(s);
    mem_deref(s);
}
