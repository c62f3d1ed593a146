/* listen.c - listeners of the front door: TCP of both families, UNIX sockets, accepting under limits. */
#include "net/front_impl.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 511
#define ACCEPTS_A_TURN 64 /* others on the loop get their turn */

static void fill_peer(int fd, const struct sockaddr_storage *from, struct vgw_peer *peer)
{
    if (vgw_addr_from_sockaddr(from, &peer->addr)) {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        memcpy(&in, from, sizeof in);
        memcpy(&in6, from, sizeof in6);
        peer->port = ntohs(from->ss_family == AF_INET ? in.sin_port : in6.sin6_port);
        return;
    }
    struct ucred cred = {.pid = -1, .uid = UINT32_MAX, .gid = UINT32_MAX};
    socklen_t len = sizeof cred;
    (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
    peer->is_unix = true;
    peer->uid = cred.uid;
    peer->gid = cred.gid;
    peer->pid = cred.pid;
}

static void refuse_over_limit(struct vgw_front *f, int fd, const char *reason)
{
    static const char text[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n"
        "Content-Length: 99\r\nConnection: close\r\n\r\n"
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"Too many "
        "connections.\"}\n";
    vgw_metric_add(f->m_refused, 1, reason, NULL, NULL);
    (void)!send(fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

static void on_accept_timer(void *arg)
{
    struct vgw_front *f = arg;
    f->accept_paused = false;
    struct vgw_list *pos, *next;
    VGW_LIST_EACH (pos, next, &f->listeners)
        (void)vgw_io_want(VGW_CONTAINER_OF(pos, struct listener, link)->io, VGW_IO_READ);
}

/* Out of descriptors: accepting again at once would spin. */
static void pause_accepting(struct vgw_front *f)
{
    if (f->accept_paused)
        return;
    f->accept_paused = true;
    vgw_logf(VGW_LOG_WARNING, NULL, "accepting connections pauses for 100 ms: %s", strerror(errno));
    struct vgw_list *pos, *next;
    VGW_LIST_EACH (pos, next, &f->listeners)
        (void)vgw_io_want(VGW_CONTAINER_OF(pos, struct listener, link)->io, 0);
    vgw_timer_init(&f->accept_timer, f->loop, on_accept_timer, f);
    (void)vgw_timer_start(&f->accept_timer, 100 * VGW_US_PER_MS);
}

static void on_readable(void *arg, unsigned events)
{
    struct listener *l = arg;
    struct vgw_front *f = l->front;
    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(f);
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            return;
        }
        struct vgw_peer peer = {0};
        fill_peer(fd, &from, &peer);
        vgw_metric_add(f->m_accepted, 1, NULL, NULL, NULL);
        /* The control socket has room even when the public side is full. */
        if (f->conn_count + (l->how.keep_in_drain ? 0 : 8) >= f->limits.max_connections) {
            refuse_over_limit(f, fd, "connections");
            continue;
        }
        if (l->how.on_accept)
            l->how.on_accept(l->how.arg, fd, &peer);
        else if (vgw_conn_new(f, fd, &peer, l->how.keep_in_drain) < 0)
            refuse_over_limit(f, fd, "connections");
    }
}

static int open_unix(const char *path, const struct vgw_listen *how, int *ret_fd, struct vgw_error *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = -1, rc;
    if (!vgw_strcopy(un.sun_path, sizeof un.sun_path, path) || !*path)
        return vgw_error_set(err, VGW_EINVALID, "the socket path \"%s\" is empty or longer than %zu bytes", path,
                             sizeof un.sun_path - 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return vgw_error_set(err, VGW_ENETWORK, "cannot make a UNIX socket: %s", strerror(errno));
    struct stat st;
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            rc =
                vgw_error_set(err, VGW_EINVALID, "%s exists and is not a socket; name another path or remove it", path);
            goto out;
        }
        if (connect(fd, (struct sockaddr *)&un, sizeof un) == 0 || errno == EAGAIN) {
            rc = vgw_error_set(err, VGW_EBUSY, "%s is served by another process already", path);
            goto out;
        }
        (void)unlink(path);
    }
    /* Nobody may connect between bind() and chmod(). */
    mode_t old = umask(0177);
    rc = bind(fd, (struct sockaddr *)&un, sizeof un);
    int bind_errno = errno;
    umask(old);
    if (rc < 0) {
        rc = vgw_error_set(err, VGW_ENETWORK, "cannot bind %s: %s", path, strerror(bind_errno));
        goto out;
    }
    if ((how->gid && chown(path, (uid_t)-1, (gid_t)how->gid) < 0) || chmod(path, how->mode ? how->mode : 0660) < 0) {
        rc = vgw_error_set(err, VGW_ENETWORK, "cannot set group and mode of %s: %s", path, strerror(errno));
        (void)unlink(path);
        goto out;
    }
    *ret_fd = fd;
    return 0;
out:
    close(fd);
    return rc;
}

/* "host:port", "[v6]:port", ":port". */
static int split_address(const char *address, char *host, size_t cap, char *port, size_t port_cap,
                         struct vgw_error *err)
{
    const char *colon = strrchr(address, ':');
    int64_t number;
    if (!colon || !vgw_parse_i64(colon + 1, &number) || number < 0 || number > 65535 ||
        !vgw_strcopy(port, port_cap, colon + 1))
        return vgw_error_set(err, VGW_EINVALID, "\"%s\" has no valid port; write 127.0.0.1:8080 or [::1]:8080",
                             address);
    size_t len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']')
        address++, len -= 2;
    struct vgw_addr addr;
    if (!vgw_strncopy(host, cap, address, len) ||
        (*host && !vgw_addr_parse(host, &addr) && strcmp(host, "localhost") != 0))
        return vgw_error_set(err, VGW_EINVALID,
                             "\"%s\" is not an address with a port; write 127.0.0.1:8080 or [::1]:8080", address);
    if (!strcmp(host, "localhost"))
        (void)vgw_strcopy(host, cap, "127.0.0.1");
    return 0;
}

static int open_tcp(const char *address, int *ret_fd, struct vgw_error *err)
{
    char host[64], port[8];
    int rc = split_address(address, host, sizeof host, port, sizeof port, err);
    if (rc)
        return rc;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM},
                    *found = NULL;
    const char *text = *host ? host : "::";
    if (getaddrinfo(text, port, &hints, &found) != 0)
        return vgw_error_set(err, VGW_EINVALID, "\"%s\" is not an address to listen on", address);
    int one = 1, zero = 0;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        rc = vgw_error_set(err, VGW_ENETWORK, "cannot make a socket for %s: %s", address, strerror(errno));
        goto out;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (found->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, *host ? &one : &zero, sizeof one);
    if (bind(fd, found->ai_addr, found->ai_addrlen) < 0) {
        rc = vgw_error_set(err, VGW_ENETWORK, "cannot listen on %s: %s", address, strerror(errno));
        close(fd);
        goto out;
    }
    *ret_fd = fd;
out:
    freeaddrinfo(found);
    return rc;
}

static void listener_close(struct listener *l)
{
    vgw_list_remove(&l->link);
    vgw_io_free(l->io);
    if (l->fd >= 0)
        close(l->fd);
    if (l->path)
        (void)unlink(l->path);
    vgw_free(l->path);
    vgw_free(l->address);
    vgw_free(l);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof ss;
    if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
        return 0;
    const struct sockaddr_in *in = (const void *)&ss;
    const struct sockaddr_in6 *in6 = (const void *)&ss;
    return ntohs(ss.ss_family == AF_INET ? in->sin_port : ss.ss_family == AF_INET6 ? in6->sin6_port : 0);
}

int vgw_front_listen(struct vgw_front *f, const struct vgw_listen *how, uint16_t *ret_port, struct vgw_error *err)
{
    struct listener *l;
    bool is_unix = vgw_starts_with(how->address, "unix:");
    if (!VGW_NEW(l))
        return vgw_error_nomem(err);
    l->fd = -1;
    l->front = f;
    l->how = *how;
    int rc = is_unix ? open_unix(how->address + 5, how, &l->fd, err) : open_tcp(how->address, &l->fd, err);
    if (rc)
        goto out;
    if (is_unix)
        l->path = vgw_strdup(how->address + 5);
    l->address = vgw_strdup(how->address);
    l->how.address = l->address;
    l->io = vgw_io_new(f->loop, l->fd, on_readable, l);
    if (!l->address || !l->io || (is_unix && !l->path)) {
        rc = vgw_error_nomem(err);
        goto out;
    }
    if (listen(l->fd, BACKLOG) < 0) {
        rc = vgw_error_set(err, VGW_ENETWORK, "cannot listen on %s: %s", how->address, strerror(errno));
        goto out;
    }
    rc = vgw_io_want(l->io, VGW_IO_READ);
    if (rc) {
        vgw_error_set(err, rc, "cannot watch the listener on %s", how->address);
        goto out;
    }
    vgw_list_append(&f->listeners, &l->link);
    if (ret_port)
        *ret_port = port_of(l->fd);
    return 0;
out:
    listener_close(l);
    return rc;
}

int vgw_front_unlisten(struct vgw_front *f, const char *address)
{
    struct vgw_list *pos, *next;
    VGW_LIST_EACH (pos, next, &f->listeners) {
        struct listener *l = VGW_CONTAINER_OF(pos, struct listener, link);
        if (!strcmp(l->address, address)) {
            listener_close(l);
            return 0;
        }
    }
    return VGW_ENOTFOUND;
}

void vgw_front_listeners_close(struct vgw_front *f, bool all)
{
    struct vgw_list *pos, *next;
    VGW_LIST_EACH (pos, next, &f->listeners) {
        struct listener *l = VGW_CONTAINER_OF(pos, struct listener, link);
        if (all || !l->how.keep_in_drain)
            listener_close(l);
    }
}

int vgw_front_adopt(struct vgw_front *f, int fd, const struct vgw_peer *peer)
{
    int rc = f->draining ? VGW_EBUSY : vgw_conn_new(f, fd, peer, false);
    if (rc < 0)
        refuse_over_limit(f, fd, "connections");
    return rc;
}
