/* re_request.c - a request outside of a dialog: OPTIONS, REGISTER. */
#include "re_private.h"

#define TRIES_MAX 2u /* answers to challenges, one for a nonce that went stale */

struct re_request {
    struct re_agent *agent;
    struct sip_dialog *dlg;
    struct sip_auth *auth;
    struct sip_request *req;
    char *method, *contact, *headers, *username, *password;
    void (*on_done)(void *arg, uint32_t status, int error, const struct re_message *message);
    void *arg;
    unsigned tries;
};

static void destructor(void *arg)
{
    struct re_request *r = arg;
    struct sip_request *req = r->req;
    r->req = NULL;
    mem_deref(req);
    mem_deref(r->dlg);
    mem_deref(r->auth);
    mem_deref(r->method);
    mem_deref(r->contact);
    mem_deref(r->headers);
    mem_deref(r->username);
    mem_deref(r->password);
}

static int on_auth(char **username, char **password, const char *realm, void *arg)
{
    const struct re_request *r = arg;
    (void)realm;
    if (!r->username)
        return EAUTH;
    int err = str_dup(username, r->username);
    return err ? err : str_dup(password, r->password);
}

static int print_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb, void *arg)
{
    const struct re_request *r = arg;
    (void)dst;
    return r->contact ? mbuf_printf(mb, "Contact: <sip:%s@%J%s>\r\n", r->contact, src, sip_transp_param(tp)) : 0;
}

static void on_response(int err, const struct sip_msg *msg, void *arg);

static int send_it(struct re_request *r)
{
    return sip_drequestf(&r->req, r->agent->sip, true, r->method, r->dlg, 0, r->auth, print_contact, on_response, r,
                         "%sContent-Length: 0\r\n\r\n", r->headers ? r->headers : "");
}

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
    struct re_request *r = arg;
    if (!err && msg->scode < 200)
        return;
    r->req = NULL;
    if (!err && (msg->scode == 401 || msg->scode == 407) && r->tries++ < TRIES_MAX &&
        sip_auth_authenticate(r->auth, msg) == 0 && send_it(r) == 0)
        return;
    mem_ref(r);
    r->on_done(r->arg, err ? 0 : msg->scode, err, err ? NULL : re_view(msg));
    mem_deref(r);
}

static int take(char **to, const char *from)
{
    return from && *from ? str_dup(to, from) : 0;
}

struct re_request *re_request_new(struct re_agent *agent, const struct re_request_params *p)
{
    const char *routes[] = {p->route};
    struct re_request *r = mem_zalloc(sizeof *r, destructor);
    if (!r)
        return NULL;
    r->agent = agent;
    r->on_done = p->on_done;
    r->arg = p->arg;
    int err = str_dup(&r->method, p->method);
    err |= take(&r->contact, p->contact);
    err |= take(&r->headers, p->headers);
    err |= take(&r->username, p->credentials.username);
    if (r->username)
        err |= str_dup(&r->password, p->credentials.password ? p->credentials.password : "");
    err |= sip_auth_alloc(&r->auth, on_auth, r, false);
    if (!err)
        err = sip_dialog_alloc(&r->dlg, p->uri, p->to_uri, NULL, p->from_uri, routes, p->route && *p->route ? 1 : 0);
    if (!err)
        err = send_it(r);
    return err ? mem_deref(r) : r;
}

int re_request_again(struct re_request *r, const char *headers)
{
    if (r->req)
        return -1;
    r->tries = 0;
    if (headers) {
        r->headers = mem_deref(r->headers);
        if (take(&r->headers, headers) != 0)
            return -1;
    }
    return send_it(r) == 0 ? 0 : -1;
}

void re_request_free(struct re_request *r)
{
    if (!r)
        return;
    if (r->req) { /* its transaction goes on without us */
        struct sip_request *req = r->req;
        r->req = NULL;
        mem_deref(req);
    }
    mem_deref(r);
}
