/* re_transport.c - UDP, TCP and TLS in libre's own names: this takes the place of the archive's transp.o, which binds
 * no wildcard truthfully, closes no listener, verifies no peer, and drops what it cannot read without a word. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/tcp.h>
#include <unistd.h>
#include "re_private.h"
#include "sips.h"
#include "strict.h"

#define IDLE_MS 900000u /* a connection on which nothing comes */
#define FIRST_MS 32000u /* … before its first message */
#define MESSAGE_MAX 65536u
#define UDP_MAX 65535u
#define UDP_BATCH 16u /* datagrams that are read before others have their turn */
#define UDP_BUFFER (4 << 20)
#define QUEUED_MAX 64u /* messages that wait for a connection to be made */

/* What the rest of the library asks of a transport; its private header is not installed. */
struct sip_conn;
struct sip_connqent;
typedef void(sip_transp_h)(int err, void *arg);
int sip_transp_init(struct sip *sip, uint32_t sz);
int sip_transp_send(struct sip_connqent **qentp, struct sip *sip, void *sock, enum sip_transp tp, const struct sa *dst,
                    struct mbuf *mb, sip_transp_h *transph, void *arg);
bool sip_transp_supported(struct sip *sip, enum sip_transp tp, int af);
const char *sip_transp_srvid(enum sip_transp tp);
bool sip_transp_reliable(enum sip_transp tp);
int sip_transp_debug(struct re_printf *pf, const struct sip *sip);
int sip_keepalive_tcp(struct sip_keepalive *ka, struct sip_conn *conn, uint32_t interval);

struct listener {
    struct le le;
    enum sip_transp tp;
    struct sa laddr;
    struct udp_sock *udp;
    int fd; /* of udp */
    struct tcp_sock *tcp;
    struct tls *tls;
};

struct sip_conn {
    struct le he;
    struct list queue;
    struct tmr tmr;
    struct sa laddr, paddr;
    struct tls_conn *sc;
    struct tcp_conn *tc;
    struct mbuf *mb;
    enum sip_transp tp;
    bool established, closed;
};

struct sip_connqent {
    struct le le;
    struct mbuf *mb;
    struct sip_connqent **qentp;
    sip_transp_h *transph;
    void *arg;
};

/* One stack runs on a thread. */
static _Thread_local struct {
    struct sip *sip;
    struct re_transport_params p;
    struct list listeners;
    struct hash *conns;
    uint32_t conn_count;
    struct sa external;
    uint8_t *datagram; /* UDP_MAX bytes, for what comes */
} here;

/* ---- what is seen ---- */

void re_print_address(const struct sa *sa, char *out, size_t cap)
{
    (void)re_snprintf(out, cap, "%J", sa);
}

static void trace(bool sent, enum sip_transp tp, const struct sa *local, const struct sa *remote, const struct mbuf *mb)
{
    char l[64], r[64];
    if (!here.p.on_trace)
        return;
    re_print_address(local, l, sizeof l);
    re_print_address(remote, r, sizeof r);
    struct re_trace t = {.sent = sent, .transport = (int)tp, .local = l, .remote = r};
    t.data = (const char *)mbuf_buf(mb);
    t.bytes = mbuf_get_left(mb);
    here.p.on_trace(here.p.arg, &t);
}

static void garbage(const struct sa *remote, const char *what)
{
    char r[64];
    re_print_address(remote, r, sizeof r);
    if (here.p.on_garbage)
        here.p.on_garbage(here.p.arg, r, what);
}

static void hand_on(struct sip_msg *msg)
{
    const struct sip_head *sip = (const struct sip_head *)(const void *)here.sip;
    struct le *le = sip->lsnrl.head;
    while (le) {
        const struct sip_lsnr_head *listener = le->data;
        le = le->next;
        if (msg->req == listener->req && listener->msgh(msg, listener->arg))
            return;
    }
}

/* ---- addresses ---- */

static bool is_private(const struct sa *sa)
{
    if (sa_is_loopback(sa) || sa_is_linklocal(sa))
        return true;
    if (sa_af(sa) == AF_INET) {
        uint32_t a = sa_in(sa);
        return (a >> 24) == 10 || (a >> 20) == 0xac1 || (a >> 16) == 0xc0a8 || (a >> 22) == (0x64400000u >> 22);
    }
    uint8_t a[16];
    sa_in6(sa, a);
    return (a[0] & 0xfe) == 0xfc;
}

/* Which of our addresses the kernel would speak from. */
static int source_of(const struct sa *dst, struct sa *out)
{
    struct sa to = *dst;
    int err = 0, fd = socket(sa_af(dst), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (sa_port(&to) == 0)
        sa_set_port(&to, 9);
    sa_init(out, sa_af(dst));
    out->len = sizeof out->u;
    if (connect(fd, &to.u.sa, to.len) < 0 || getsockname(fd, &out->u.sa, &out->len) < 0)
        err = errno;
    (void)close(fd);
    return err;
}

static struct listener *listener_for(enum sip_transp tp, const struct sa *dst)
{
    struct listener *fits = NULL;
    struct sa source;
    int af = sa_af(dst);
    for (struct le *le = here.listeners.head; le; le = le->next) {
        struct listener *l = le->data;
        if (l->tp != tp || sa_af(&l->laddr) != af)
            continue;
        /* One that is bound to the very address that leads there is better than the first. */
        if (!fits)
            fits = l;
        else if (source_of(dst, &source) == 0 && sa_cmp(&l->laddr, &source, SA_ADDR))
            return l;
    }
    return fits;
}

int sip_transp_laddr(struct sip *sip, struct sa *laddr, enum sip_transp tp, const struct sa *dst)
{
    const struct listener *l = listener_for(tp, dst);
    (void)sip;
    if (!l && tp == SIP_TRANSP_UDP)
        return EPROTONOSUPPORT;
    if (l && !sa_is_any(&l->laddr)) {
        *laddr = l->laddr;
    } else {
        int err = source_of(dst, laddr);
        if (err)
            return err;
        sa_set_port(laddr, l ? sa_port(&l->laddr) : sip_transp_port(tp, 0));
    }
    if (sa_isset(&here.external, SA_ADDR) && sa_af(&here.external) == sa_af(dst) && !is_private(dst)) {
        uint16_t port = sa_port(laddr);
        *laddr = here.external;
        sa_set_port(laddr, port);
    }
    return 0;
}

void re_transport_external(const char *address)
{
    sa_init(&here.external, AF_UNSPEC);
    if (address && *address)
        (void)sa_set_str(&here.external, address, 0);
}

int re_transport_local(int transport, const char *peer_ip, char *out, size_t cap, uint16_t *ret_port)
{
    struct sa peer, local;
    if (sa_set_str(&peer, peer_ip, 9) != 0 || sip_transp_laddr(NULL, &local, (enum sip_transp)transport, &peer) != 0 ||
        re_snprintf(out, cap, "%j", &local) < 0)
        return -1;
    *ret_port = sa_port(&local);
    return 0;
}

int re_contact_uri(enum sip_transp tp, const struct sa *peer, const char *user, char *out, size_t cap)
{
    struct sa local;
    int err = sip_transp_laddr(NULL, &local, tp, peer);
    if (err)
        return err;
    return re_snprintf(out, cap, "sip:%s%s%J%s", user, *user ? "@" : "", &local, sip_transp_param(tp)) < 0 ? ENOMEM : 0;
}

/* ---- receiving ---- */

static struct mbuf *text_buffer(const char *text)
{
    struct mbuf *mb = mbuf_alloc(strlen(text) + 1);
    if (mb && mbuf_write_str(mb, text) != 0)
        mb = mem_deref(mb);
    if (mb)
        mb->pos = 0;
    return mb;
}

/* What came by TLS may name sips: targets. Takes the buffer and gives it, or another, back. */
static struct mbuf *with_targets(struct mbuf *mb)
{
    size_t n = mbuf_get_left(mb), cap = n + 1024;
    struct mbuf *changed = mbuf_alloc(cap + 1);
    size_t bytes = changed ? sip_sips_targets((const char *)mbuf_buf(mb), n, (char *)changed->buf, cap) : 0;
    if (bytes == 0) {
        mem_deref(changed);
        return mb;
    }
    changed->end = bytes;
    mem_deref(mb);
    return changed;
}

/* 0 and a message, or an error: it cannot be handed on. An answer, if one is due, comes in *ret_answer. */
static int read_message(struct mbuf *mb, const struct sa *src, struct sip_msg **ret_msg, struct mbuf **ret_answer)
{
    char text[4096];
    const char *what = "unreadable", *bytes = (const char *)mbuf_buf(mb);
    size_t count = mbuf_get_left(mb);
    int rc = sip_strict_check(bytes, count, text, sizeof text, &what), err = 0;
    *ret_answer = NULL;
    if (rc == SIP_STRICT_OK && (err = sip_msg_decode(ret_msg, mb)) != 0) {
        what = "libre cannot read it";
        rc = sip_strict_refuse(bytes, count, text, sizeof text);
    }
    if (rc == SIP_STRICT_OK && !err)
        return 0;
    garbage(src, what);
    if (rc == SIP_STRICT_REFUSE)
        *ret_answer = text_buffer(text);
    return EBADMSG;
}

/* The message alone, in a buffer that its transaction holds for 32 s. */
static struct mbuf *message_of(const uint8_t *bytes, size_t count)
{
    struct mbuf *own = mbuf_alloc(count + 1);
    if (own && mbuf_write_mem(own, bytes, count) != 0)
        own = mem_deref(own);
    if (own)
        own->pos = 0;
    return own;
}

static void on_datagram(struct listener *l, const struct sa *src, struct mbuf *own)
{
    struct sip_msg *msg = NULL;
    struct mbuf *answer = NULL;
    trace(false, SIP_TRANSP_UDP, &l->laddr, src, own);
    int err = read_message(own, src, &msg, &answer);
    if (answer) {
        trace(true, SIP_TRANSP_UDP, &l->laddr, src, answer);
        (void)udp_send(l->udp, src, answer);
        mem_deref(answer);
    }
    if (!err) {
        msg->sock = mem_ref(l->udp);
        msg->src = *src;
        msg->dst = l->laddr;
        msg->tp = SIP_TRANSP_UDP;
        hand_on(msg);
        mem_deref(msg);
    }
}

/* Read here and not by libre, which takes a fresh 64 KB for each datagram and looks at the poll between two. */
static void on_readable(int flags, void *arg)
{
    struct listener *l = mem_ref(arg);
    (void)flags;
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        struct sa src;
        sa_init(&src, AF_UNSPEC);
        src.len = sizeof src.u;
        ssize_t n = recvfrom(l->fd, here.datagram, UDP_MAX, MSG_DONTWAIT, &src.u.sa, &src.len);
        if (n < 0)
            break;
        struct mbuf *own = n > 4 ? message_of(here.datagram, (size_t)n) : NULL; /* fewer bytes are a keepalive */
        if (own)
            on_datagram(l, &src, own);
        mem_deref(own);
    }
    mem_deref(l);
}

/* ---- connections ---- */

static void conn_destructor(void *arg)
{
    struct sip_conn *c = arg;
    if (c->he.list)
        here.conn_count--;
    hash_unlink(&c->he);
    tmr_cancel(&c->tmr);
    list_flush(&c->queue);
    mem_deref(c->sc);
    mem_deref(c->tc);
    mem_deref(c->mb);
}

static void qent_destructor(void *arg)
{
    struct sip_connqent *q = arg;
    if (q->qentp)
        *q->qentp = NULL;
    list_unlink(&q->le);
    mem_deref(q->mb);
}

/* The table's reference goes; messages that are being handled keep theirs. */
static void conn_close(struct sip_conn *c, int err)
{
    if (c->closed)
        return;
    c->closed = true;
    c->sc = mem_deref(c->sc);
    c->tc = mem_deref(c->tc);
    tmr_cancel(&c->tmr);
    if (c->he.list)
        here.conn_count--;
    hash_unlink(&c->he);
    while (c->queue.head) {
        struct sip_connqent *q = c->queue.head->data;
        sip_transp_h *handler = q->transph;
        void *arg = q->arg;
        mem_deref(q);
        if (handler)
            handler(err, arg);
    }
    mem_deref(c);
}

static void on_idle(void *arg)
{
    conn_close(arg, ETIMEDOUT);
}

static int conn_write(struct sip_conn *c, struct mbuf *mb)
{
    trace(true, c->tp, &c->laddr, &c->paddr, mb);
    return tcp_send(c->tc, mb);
}

static void on_established(void *arg)
{
    struct sip_conn *c = arg;
    c->established = true;
    (void)tcp_conn_local_get(c->tc, &c->laddr);
    while (c->queue.head && !c->closed) {
        struct sip_connqent *q = c->queue.head->data;
        struct mbuf *mb = mem_ref(q->mb);
        sip_transp_h *handler = q->transph;
        void *handler_arg = q->arg;
        mem_deref(q);
        int err = conn_write(c, mb);
        mem_deref(mb);
        if (err && handler)
            handler(err, handler_arg);
    }
}

/* Two line ends are a ping, one is the pong (RFC 5626, 4.4.1). True: something was taken. */
static bool take_keepalive(struct sip_conn *c)
{
    static uint8_t pong[] = {'\r', '\n'};
    if (mbuf_get_left(c->mb) < 2 || memcmp(mbuf_buf(c->mb), "\r\n", 2) != 0)
        return false;
    c->mb->pos += 2;
    if (mbuf_get_left(c->mb) >= 2 && memcmp(mbuf_buf(c->mb), "\r\n", 2) == 0) {
        struct mbuf out = {.buf = pong, .size = sizeof pong, .end = sizeof pong};
        c->mb->pos += 2;
        (void)tcp_send(c->tc, &out);
    }
    tmr_start(&c->tmr, IDLE_MS, on_idle, c);
    return true;
}

/* 0: one message was handed on; ENODATA: more must come; another error: the connection is lost. */
static int take_message(struct sip_conn *c)
{
    struct sip_msg *msg = NULL;
    size_t start = c->mb->pos, bytes = 0;
    int rc = sip_strict_frame((const char *)mbuf_buf(c->mb), mbuf_get_left(c->mb), &bytes);
    if (rc == SIP_FRAME_MORE)
        return mbuf_get_left(c->mb) > MESSAGE_MAX ? EOVERFLOW : ENODATA;
    if (rc == SIP_FRAME_BAD) {
        garbage(&c->paddr, "a message without a readable Content-Length on a stream");
        return EBADMSG;
    }
    /* The message has a buffer of its own: it is kept while its transaction lives. */
    struct mbuf *own = mbuf_alloc(bytes + 1);
    if (!own || mbuf_write_mem(own, mbuf_buf(c->mb), bytes) != 0) {
        mem_deref(own);
        return ENOMEM;
    }
    own->pos = 0;
    c->mb->pos = start + bytes;
    tmr_start(&c->tmr, IDLE_MS, on_idle, c);
    trace(false, c->tp, &c->laddr, &c->paddr, own);
    if (c->tp == SIP_TRANSP_TLS)
        own = with_targets(own);
    struct mbuf *answer = NULL;
    int err = read_message(own, &c->paddr, &msg, &answer);
    if (answer) {
        (void)conn_write(c, answer);
        mem_deref(answer);
    }
    if (!err) {
        msg->sock = mem_ref(c);
        msg->src = c->paddr;
        msg->dst = c->laddr;
        msg->tp = c->tp;
        hand_on(msg);
        mem_deref(msg);
    }
    mem_deref(own);
    return 0;
}

static void on_bytes(struct mbuf *mb, void *arg)
{
    struct sip_conn *c = arg;
    int err = 0;
    if (!c->mb) {
        c->mb = mbuf_alloc(mbuf_get_left(mb) + 1);
        if (!c->mb) {
            conn_close(c, ENOMEM);
            return;
        }
    }
    size_t pos = c->mb->pos;
    c->mb->pos = c->mb->end;
    err = mbuf_write_mem(c->mb, mbuf_buf(mb), mbuf_get_left(mb));
    c->mb->pos = pos;
    mem_ref(c);
    while (!err && !c->closed && mbuf_get_left(c->mb) > 0) {
        if (take_keepalive(c))
            continue;
        err = mbuf_get_left(c->mb) < 2 ? ENODATA : take_message(c);
    }
    if (err && err != ENODATA) {
        conn_close(c, err);
    } else if (!c->closed && c->mb->pos > 0) {
        size_t left = mbuf_get_left(c->mb);
        memmove(c->mb->buf, mbuf_buf(c->mb), left);
        c->mb->pos = 0;
        c->mb->end = left;
    }
    mem_deref(c);
}

static void on_conn_closed(int err, void *arg)
{
    struct sip_conn *c = arg;
    if (c->tp == SIP_TRANSP_TLS && !c->established && here.p.on_log) {
        char sentence[160], remote[64];
        re_print_address(&c->paddr, remote, sizeof remote);
        (void)re_snprintf(sentence, sizeof sentence, "the TLS handshake with %s failed: %m", remote, err);
        here.p.on_log(here.p.arg, sentence);
    }
    conn_close(c, err ? err : ECONNRESET);
}

static struct sip_conn *conn_new(const struct sa *peer, enum sip_transp tp)
{
    struct sip_conn *c = here.conn_count < RE_CONNECTIONS_MAX ? mem_zalloc(sizeof *c, conn_destructor) : NULL;
    if (!c)
        return NULL;
    hash_append(here.conns, sa_hash(peer, SA_ALL), &c->he, c);
    here.conn_count++;
    c->paddr = *peer;
    c->tp = tp;
    return c;
}

static bool same_host(struct le *le, void *arg)
{
    const struct sip_conn *c = le->data;
    struct {
        const struct sa *peer;
        unsigned count;
    } *q = arg;
    q->count += sa_cmp(&c->paddr, q->peer, SA_ADDR);
    return false;
}

static void on_connect(const struct sa *peer, void *arg)
{
    struct listener *l = arg;
    struct {
        const struct sa *peer;
        unsigned count;
    } q = {peer, 0};
    (void)hash_apply(here.conns, same_host, &q);
    struct sip_conn *c = q.count < RE_ADDRESS_CONNECTIONS_MAX ? conn_new(peer, l->tp) : NULL;
    if (!c) {
        garbage(peer, "too many connections");
        tcp_reject(l->tcp);
        return;
    }
    int err = tcp_accept(&c->tc, l->tcp, on_established, on_bytes, on_conn_closed, c);
    if (!err)
        err = tcp_conn_local_get(c->tc, &c->laddr);
    if (!err && l->tls)
        err = tls_start_tcp(&c->sc, l->tls, c->tc, 0);
    if (err) {
        if (!c->tc)
            tcp_reject(l->tcp);
        conn_close(c, err);
        return;
    }
    tmr_start(&c->tmr, FIRST_MS, on_idle, c);
}

/* ---- sending ---- */

static struct sip_conn *conn_find(const struct sa *peer, enum sip_transp tp)
{
    struct le *le = list_head(hash_list(here.conns, sa_hash(peer, SA_ALL)));
    for (; le; le = le->next) {
        struct sip_conn *c = le->data;
        if (c->tp == tp && !c->closed && sa_cmp(&c->paddr, peer, SA_ALL))
            return c;
    }
    return NULL;
}

static int start_tls(struct sip_conn *c)
{
    const char *name = NULL;
    char ip[64];
    (void)re_snprintf(ip, sizeof ip, "%j", &c->paddr);
    struct re_tls *tls = here.p.tls_for ? here.p.tls_for(here.p.arg, ip, sa_port(&c->paddr), &name) : NULL;
    if (!tls)
        return EPROTONOSUPPORT;
    int err = tls_start_tcp(&c->sc, (struct tls *)(void *)tls, c->tc, 0);
    if (!err && name && *name)
        (void)tls_set_servername(c->sc, name);
    return err;
}

static struct sip_conn *conn_open(const struct sa *peer, enum sip_transp tp, int *ret_err)
{
    struct sip_conn *c = conn_new(peer, tp);
    if (!c) {
        *ret_err = ENOMEM;
        return NULL;
    }
    int err = tcp_connect(&c->tc, peer, on_established, on_bytes, on_conn_closed, c);
    if (!err)
        (void)tcp_conn_local_get(c->tc, &c->laddr);
    if (!err && tp == SIP_TRANSP_TLS)
        err = start_tls(c);
    if (err) {
        conn_close(c, err);
        *ret_err = err;
        return NULL;
    }
    tmr_start(&c->tmr, FIRST_MS, on_idle, c);
    return c;
}

static int conn_send(struct sip_connqent **qentp, struct sip_conn *c, enum sip_transp tp, const struct sa *dst,
                     struct mbuf *mb, sip_transp_h *transph, void *arg)
{
    int err = 0;
    if (!c || c->closed || !c->tc)
        c = conn_find(dst, tp);
    if (c && c->established)
        return conn_write(c, mb);
    if (!c)
        c = conn_open(dst, tp, &err);
    if (!c)
        return err;
    if (list_count(&c->queue) >= QUEUED_MAX)
        return ENOBUFS;
    struct sip_connqent *q = mem_zalloc(sizeof *q, qent_destructor);
    if (!q)
        return ENOMEM;
    list_append(&c->queue, &q->le, q);
    q->mb = mem_ref(mb);
    q->transph = transph;
    q->arg = arg;
    q->qentp = qentp;
    if (qentp)
        *qentp = q;
    return 0;
}

int sip_transp_send(struct sip_connqent **qentp, struct sip *sip, void *sock, enum sip_transp tp, const struct sa *dst,
                    struct mbuf *mb, sip_transp_h *transph, void *arg)
{
    if (!sip || !dst || !mb)
        return EINVAL;
    if (tp == SIP_TRANSP_TCP || tp == SIP_TRANSP_TLS)
        return conn_send(qentp, sock, tp, dst, mb, transph, arg);
    if (tp != SIP_TRANSP_UDP)
        return EPROTONOSUPPORT;
    struct sa local;
    struct listener *l = NULL;
    if (!sock) {
        l = listener_for(tp, dst);
        if (!l)
            return EPROTONOSUPPORT;
        sock = l->udp;
    }
    if (here.p.on_trace && udp_local_get(sock, &local) == 0)
        trace(true, tp, &local, dst, mb);
    return udp_send(sock, dst, mb);
}

/* ---- listeners ---- */

static void listener_destructor(void *arg)
{
    struct listener *l = arg;
    if (l->udp) /* transactions hold the socket still */
        fd_close(l->fd);
    list_unlink(&l->le);
    mem_deref(l->udp);
    mem_deref(l->tcp);
    mem_deref(l->tls);
}

static int listen_udp(struct listener *l, const struct sa *sa)
{
    int err = udp_listen(&l->udp, sa, NULL, NULL);
    if (err)
        return err;
    l->fd = udp_sock_fd(l->udp, sa_af(sa));
    fd_close(l->fd);
    (void)udp_sockbuf_set(l->udp, UDP_BUFFER);
    err = udp_local_get(l->udp, &l->laddr);
    return err ? err : fd_listen(l->fd, FD_READ, on_readable, l);
}

static struct listener *listener_at(int transport, const struct sa *sa)
{
    for (struct le *le = here.listeners.head; le; le = le->next) {
        struct listener *l = le->data;
        if ((int)l->tp == transport && sa_cmp(&l->laddr, sa, SA_ALL))
            return l;
    }
    return NULL;
}

int re_transport_listen(int transport, const char *ip, uint16_t port, struct re_tls *tls)
{
    struct sa sa;
    if (sa_set_str(&sa, ip, port) != 0)
        return -EINVAL;
    struct listener *l = listener_at(transport, &sa);
    if (l) {
        mem_deref(l->tls);
        l->tls = mem_ref(tls);
        return 0;
    }
    l = mem_zalloc(sizeof *l, listener_destructor);
    if (!l)
        return -ENOMEM;
    int err;
    l->tp = (enum sip_transp)transport;
    if (transport == RE_UDP) {
        err = listen_udp(l, &sa);
    } else {
        l->tls = mem_ref(tls);
        err = tcp_listen(&l->tcp, &sa, on_connect, l);
        if (!err)
            err = tcp_sock_local_get(l->tcp, &l->laddr);
    }
    if (err) {
        mem_deref(l);
        return -err;
    }
    list_append(&here.listeners, &l->le, l);
    return 0;
}

void re_transport_unlisten(int transport, const char *ip, uint16_t port)
{
    struct sa sa;
    if (sa_set_str(&sa, ip, port) != 0)
        return;
    mem_deref(listener_at(transport, &sa));
}

int re_transport_open(struct sip *sip, const struct re_transport_params *params)
{
    here.sip = sip;
    here.p = *params;
    here.datagram = malloc(UDP_MAX);
    return here.datagram ? 0 : ENOMEM;
}

void re_transport_close(void)
{
    while (here.listeners.head)
        mem_deref(here.listeners.head->data);
    for (uint32_t i = 0; here.conns && i < hash_bsize(here.conns); i++) {
        struct list *bucket = hash_list(here.conns, i);
        while (bucket->head)
            conn_close(bucket->head->data, ECONNABORTED);
    }
    here.conns = mem_deref(here.conns);
    free(here.datagram);
    here.datagram = NULL;
    memset(&here.p, 0, sizeof here.p);
    here.sip = NULL;
}

bool re_transport_certified(const struct sip_msg *msg, const char *name)
{
    const struct sip_conn *c = msg->tp == SIP_TRANSP_TLS ? msg->sock : NULL;
    return c && c->sc && tls_peer_verify(c->sc) == 0 && re_tls_bears(c->sc, name);
}

/* ---- the rest of what libre's other files ask for ---- */

int sip_transp_init(struct sip *sip, uint32_t sz)
{
    (void)sip;
    return here.conns ? 0 : hash_alloc(&here.conns, sz);
}

bool sip_transp_supported(struct sip *sip, enum sip_transp tp, int af)
{
    (void)sip;
    if (tp == SIP_TRANSP_TCP || tp == SIP_TRANSP_TLS)
        return true;
    for (struct le *le = here.listeners.head; le; le = le->next) {
        const struct listener *l = le->data;
        if (l->tp == tp && (af == AF_UNSPEC || sa_af(&l->laddr) == af))
            return true;
    }
    return false;
}

bool sip_transp_isladdr(const struct sip *sip, enum sip_transp tp, const struct sa *laddr)
{
    (void)sip;
    for (struct le *le = here.listeners.head; le; le = le->next) {
        const struct listener *l = le->data;
        if ((tp == SIP_TRANSP_NONE || l->tp == tp) && sa_cmp(&l->laddr, laddr, SA_ALL))
            return true;
    }
    return false;
}

const char *sip_transp_name(enum sip_transp tp)
{
    static const char *const names[] = {"UDP", "TCP", "TLS"};
    return (unsigned)tp < 3 ? names[tp] : "???";
}

const char *re_transport_name(int transport)
{
    static const char *const names[] = {"udp", "tcp", "tls"};
    return (unsigned)transport < 3 ? names[transport] : "?";
}

const char *sip_transp_srvid(enum sip_transp tp)
{
    static const char *const ids[] = {"_sip._udp", "_sip._tcp", "_sips._tcp"};
    return (unsigned)tp < 3 ? ids[tp] : "???";
}

const char *sip_transp_param(enum sip_transp tp)
{
    static const char *const params[] = {"", ";transport=tcp", ";transport=tls"};
    return (unsigned)tp < 3 ? params[tp] : "";
}

bool sip_transp_reliable(enum sip_transp tp)
{
    return tp != SIP_TRANSP_UDP;
}

uint16_t sip_transp_port(enum sip_transp tp, uint16_t port)
{
    return port ? port : tp == SIP_TRANSP_TLS ? SIP_PORT_TLS : SIP_PORT;
}

int sip_transp_debug(struct re_printf *pf, const struct sip *sip)
{
    (void)sip;
    return re_hprintf(pf, "connections: %u\n", here.conn_count);
}

int sip_transp_add(struct sip *sip, enum sip_transp tp, const struct sa *laddr, ...)
{
    (void)sip;
    (void)tp;
    (void)laddr;
    return ENOSYS;
}

int sip_transp_add_websock(struct sip *sip, enum sip_transp tp, const struct sa *laddr, bool server, const char *cert)
{
    (void)sip;
    (void)tp;
    (void)laddr;
    (void)server;
    (void)cert;
    return ENOSYS;
}

void sip_transp_flush(struct sip *sip)
{
    (void)sip;
}

struct tcp_conn *sip_msg_tcpconn(const struct sip_msg *msg)
{
    const struct sip_conn *c = msg && msg->tp != SIP_TRANSP_UDP ? msg->sock : NULL;
    return c ? c->tc : NULL;
}

int sip_keepalive_tcp(struct sip_keepalive *ka, struct sip_conn *conn, uint32_t interval)
{
    (void)ka;
    (void)conn;
    (void)interval;
    return ENOSYS;
}
