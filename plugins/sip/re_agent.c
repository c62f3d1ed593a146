/* re_agent.c - the SIP stack of one loop: what comes goes to sessions, or to the owner. */
#include "re_private.h"

#define TABLE 1024u
#define CLOSE_MS 2000u
#define CLOSE_LOOK_MS 50u
#define ALLOW "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY, UPDATE, PRACK, REGISTER\r\n"
#define SUPPORTED "timer, replaces, 100rel"

const char *re_reason(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *reason;
    } all[] = {{180, "Ringing"},
               {183, "Session Progress"},
               {200, "OK"},
               {202, "Accepted"},
               {302, "Moved Temporarily"},
               {400, "Bad Request"},
               {401, "Unauthorized"},
               {403, "Forbidden"},
               {404, "Not Found"},
               {405, "Method Not Allowed"},
               {407, "Proxy Authentication Required"},
               {408, "Request Timeout"},
               {415, "Unsupported Media Type"},
               {420, "Bad Extension"},
               {422, "Session Interval Too Small"},
               {423, "Interval Too Brief"},
               {480, "Temporarily Unavailable"},
               {481, "Call/Transaction Does Not Exist"},
               {482, "Loop Detected"},
               {486, "Busy Here"},
               {487, "Request Terminated"},
               {488, "Not Acceptable Here"},
               {489, "Bad Event"},
               {491, "Request Pending"},
               {500, "Server Internal Error"},
               {501, "Not Implemented"},
               {503, "Service Unavailable"},
               {504, "Server Time-out"},
               {603, "Decline"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].status == status)
            return all[i].reason;
    return status < 200 ? "Progress" : status < 300 ? "OK" : "Failure";
}

/* What a flood would be answered with keeps no state (RFC 3261, 8.2.7). */
void re_agent_reply(struct re_agent *a, const struct re_message *message, uint32_t status, const char *reason,
                    const char *headers)
{
    const char *text = reason ? reason : re_reason(status), *lines = headers ? headers : "";
    if (status == 401 || status == 405 || status == 503)
        (void)sip_replyf(a->sip, re_msg(message), (uint16_t)status, text, "%sContent-Length: 0\r\n\r\n", lines);
    else
        (void)sip_treplyf(NULL, NULL, a->sip, re_msg(message), false, (uint16_t)status, text,
                          "%sContent-Length: 0\r\n\r\n", lines);
}

/* ---- what a request must not ask for ---- */

static bool known_method(const struct sip_msg *m)
{
    static const char *const methods[] = {"INVITE", "ACK",    "BYE",    "CANCEL", "OPTIONS", "INFO",
                                          "REFER",  "NOTIFY", "UPDATE", "PRACK",  "REGISTER"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (pl_strcmp(&m->met, methods[i]) == 0)
            return true;
    return false;
}

struct unsupported {
    char list[256];
    size_t n;
};

static bool add_unsupported(const struct sip_hdr *h, const struct sip_msg *msg, void *arg)
{
    static const char *const supported[] = {"timer", "replaces", "norefersub", "100rel"};
    struct unsupported *u = arg;
    (void)msg;
    for (size_t i = 0; i < sizeof supported / sizeof supported[0]; i++)
        if (pl_strcasecmp(&h->val, supported[i]) == 0)
            return false;
    if (u->n + h->val.l + 3 < sizeof u->list) {
        int w = re_snprintf(u->list + u->n, sizeof u->list - u->n, "%s%r", u->n ? ", " : "", &h->val);
        u->n += w > 0 ? (size_t)w : 0;
    }
    return false;
}

/* True: refused. */
static bool refuse_requirements(struct re_agent *a, const struct sip_msg *m)
{
    struct unsupported u = {.n = 0};
    const struct sip_hdr *encoding = sip_msg_hdr(m, SIP_HDR_CONTENT_ENCODING);
    (void)sip_msg_hdr_apply(m, true, SIP_HDR_REQUIRE, add_unsupported, &u);
    if (u.n) {
        (void)sip_treplyf(NULL, NULL, a->sip, m, false, 420, "Bad Extension",
                          "Unsupported: %s\r\nContent-Length: 0\r\n\r\n", u.list);
        return true;
    }
    if (encoding && pl_strcasecmp(&encoding->val, "identity") != 0) {
        (void)sip_treplyf(NULL, NULL, a->sip, m, false, 415, "Unsupported Media Type",
                          "Accept-Encoding: identity\r\nContent-Length: 0\r\n\r\n");
        return true;
    }
    if (pl_strcmp(&m->met, "INVITE") == 0 && mbuf_get_left(m->mb) > 0 && pl_u32(&m->clen) > 0 &&
        !msg_ctype_cmp(&m->ctyp, "application", "sdp")) {
        (void)sip_treplyf(NULL, NULL, a->sip, m, false, 415, "Unsupported Media Type",
                          "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
        return true;
    }
    return false;
}

static bool on_request(const struct sip_msg *msg, void *arg)
{
    struct re_agent *a = arg;
    if (!known_method(msg)) {
        (void)sip_treplyf(NULL, NULL, a->sip, msg, false, 405, "Method Not Allowed", ALLOW "Content-Length: 0\r\n\r\n");
        return true;
    }
    if (pl_strcmp(&msg->met, "CANCEL") == 0) {
        (void)sip_reply(a->sip, msg, 481, re_reason(481));
        return true;
    }
    if (pl_strcmp(&msg->met, "ACK") != 0 && refuse_requirements(a, msg))
        return true;
    if (pl_strcasecmp(&msg->uri.scheme, "sips") == 0 && msg->tp != SIP_TRANSP_TLS && pl_strcmp(&msg->met, "ACK") != 0) {
        (void)sip_treply(NULL, a->sip, msg, 403, "TLS Required");
        return true;
    }
    if (pl_isset(&msg->to.tag) || pl_strcmp(&msg->met, "ACK") == 0)
        return re_inside_request(a, msg);
    if (pl_strcmp(&msg->met, "OPTIONS") == 0) {
        (void)sip_treplyf(NULL, NULL, a->sip, msg, false, a->closed ? 503 : 200, re_reason(a->closed ? 503 : 200),
                          ALLOW "Accept: application/sdp\r\nSupported: " SUPPORTED "\r\nContent-Length: 0\r\n\r\n");
        return true;
    }
    if (pl_strcmp(&msg->met, "INVITE") != 0 && pl_strcmp(&msg->met, "REGISTER") != 0 &&
        pl_strcmp(&msg->met, "REFER") != 0) {
        (void)sip_treply(NULL, a->sip, msg, 481, re_reason(481));
        return true;
    }
    if (a->closed) {
        (void)sip_treply(NULL, a->sip, msg, 503, re_reason(503));
        return true;
    }
    struct re_summary summary;
    re_message_summary(re_view(msg), &summary);
    a->events->on_request(a->arg, re_view(msg), &summary);
    return true;
}

static bool on_response(const struct sip_msg *msg, void *arg)
{
    return re_invite_response(arg, msg);
}

/* ---- life ---- */

static int open_dns(struct dnsc **ret)
{
    struct sa servers[4];
    uint32_t n = sizeof servers / sizeof servers[0];
    if (dns_srv_get(NULL, 0, servers, &n) != 0)
        n = 0;
    return dnsc_alloc(ret, NULL, servers, n);
}

struct re_agent *re_agent_new(const char *software, const struct re_transport_params *transport,
                              const struct re_agent_events *events, void *arg)
{
    struct re_agent *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->events = events;
    a->arg = arg;
    int err = open_dns(&a->dnsc);
    if (!err)
        err = sip_alloc(&a->sip, a->dnsc, TABLE, TABLE, TABLE, software, NULL, NULL);
    if (!err)
        err = re_transport_open(a->sip, transport);
    if (!err)
        err = hash_alloc(&a->sessions, TABLE);
    if (!err)
        err = sip_listen(&a->requests, a->sip, true, on_request, a);
    if (!err)
        err = sip_listen(&a->responses, a->sip, false, on_response, a);
    if (!err)
        return a;
    re_agent_close(a, 1);
    return NULL;
}

static void agent_free(struct re_agent *a)
{
    tmr_cancel(&a->closing);
    for (uint32_t i = 0; a->sessions && i < hash_bsize(a->sessions); i++) {
        struct list *bucket = hash_list(a->sessions, i);
        while (bucket->head)
            mem_deref(bucket->head->data);
    }
    mem_deref(a->requests);
    mem_deref(a->responses);
    if (a->sip) {
        sip_close(a->sip, true);
        mem_deref(a->sip);
    }
    re_transport_close();
    re_hosts_clear();
    mem_deref(a->sessions);
    mem_deref(a->dnsc);
    free(a);
}

/* Does a transaction wait for the other side still? ACKs that are only kept for repetitions do not count. */
static bool busy(struct le *le, void *arg)
{
    const struct re_session *s = le->data;
    (void)arg;
    return s->req || s->replies.head || s->inners.head;
}

static void on_close_time(void *arg)
{
    struct re_agent *a = arg;
    const struct re_agent_events *events = a->events;
    void *owner = a->arg;
    if (tmr_jiffies() < a->close_at && hash_apply(a->sessions, busy, NULL)) {
        tmr_start(&a->closing, CLOSE_LOOK_MS, on_close_time, a);
        return;
    }
    agent_free(a);
    events->on_closed(owner);
}

void re_agent_close(struct re_agent *a, int force)
{
    if (!a)
        return;
    if (force) {
        agent_free(a);
        return;
    }
    if (a->closed)
        return;
    a->closed = true;
    a->close_at = tmr_jiffies() + CLOSE_MS;
    tmr_start(&a->closing, 0, on_close_time, a);
}

size_t re_agent_sessions(const struct re_agent *a)
{
    return a->count;
}
