/* datagram.c - UDP sockets of plugins on their legs' workers. A port is leased on control, so that two calls never want
 * the same one. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "host/host_private.h"

#define PACKET_MAX 2048
#define PACKETS_A_TURN 32

struct lease {
    int fd[2];
    uint64_t handle;
};

struct datagram_socket {
    int fd;
    struct vgw_io *io;
    uint64_t handle, target;
    void (*on_packet)(void *arg, const void *data, uint32_t bytes, const char *remote);
    void *arg;
};

static int bind_port(const char *address, uint32_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    bool is6 = inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    if (!is6 && inet_pton(AF_INET, address, &v4.sin_addr) != 1)
        return -1;
    int fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    const struct sockaddr *sa = is6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    if (bind(fd, sa, is6 ? sizeof v6 : sizeof v4) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int32_t lease(const struct voicegw_host *h, const char *address, uint32_t first, uint32_t last, uint32_t pair,
                     uint64_t *ret_lease, uint32_t *ret_port)
{
    struct vgw_host *host = vgw_host_of(h)->host;
    struct lease *l;
    first += first & 1;
    if (!address || first < 1024 || last > 65535 || first + pair > last)
        return vgw_host_set_error(h, VOICEGW_EINVALID,
                                  "a port range lies within 1024 to 65535 and holds at least one even port");
    if (!VGW_NEW(l))
        return VOICEGW_ELIMIT;
    uint32_t count = (last - pair - first) / 2 + 1;
    uint64_t start;
    vgw_random_bytes(&start, sizeof start); /* so that a late packet of an old call seldom meets a new one */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t port = first + (uint32_t)((start + i) % count) * 2;
        l->fd[0] = bind_port(address, port);
        l->fd[1] = l->fd[0] >= 0 && pair ? bind_port(address, port + 1) : -1;
        if (l->fd[0] >= 0 && (!pair || l->fd[1] >= 0)) {
            l->handle = vgw_handle_new(VGW_HANDLE_OTHER, host->env.control, l);
            *ret_lease = l->handle;
            *ret_port = port;
            return l->handle ? 0 : VOICEGW_ELIMIT;
        }
        if (l->fd[0] >= 0)
            close(l->fd[0]);
    }
    vgw_free(l);
    return vgw_host_set_error(h, VOICEGW_ELIMIT, "every port of the range is taken; widen it");
}

static void release(const struct voicegw_host *h, uint64_t handle)
{
    struct lease *l = vgw_handle_get(handle, VGW_HANDLE_OTHER);
    if (!l)
        return;
    vgw_handle_drop(handle);
    for (int i = 0; i < 2; i++)
        if (l->fd[i] >= 0)
            close(l->fd[i]);
    vgw_free(l);
}

static void remote_text(const struct sockaddr_storage *from, char *out, size_t cap)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (from->ss_family == AF_INET6) {
        struct sockaddr_in6 a;
        memcpy(&a, from, sizeof a);
        inet_ntop(AF_INET6, &a.sin6_addr, host, sizeof host);
        snprintf(out, cap, "[%s]:%u", host, ntohs(a.sin6_port));
    } else {
        struct sockaddr_in a;
        memcpy(&a, from, sizeof a);
        inet_ntop(AF_INET, &a.sin_addr, host, sizeof host);
        snprintf(out, cap, "%s:%u", host, ntohs(a.sin_port));
    }
}

static void on_readable(void *arg, unsigned events)
{
    struct datagram_socket *s = arg;
    uint8_t data[PACKET_MAX];
    char remote[80];
    uint64_t handle = s->handle;
    for (int i = 0; i < PACKETS_A_TURN; i++) {
        struct sockaddr_storage from = {0};
        socklen_t n = sizeof from;
        ssize_t got = recvfrom(s->fd, data, sizeof data, 0, (struct sockaddr *)&from, &n);
        if (got < 0)
            return;
        remote_text(&from, remote, sizeof remote);
        s->on_packet(s->arg, data, (uint32_t)got, remote);
        if (!vgw_handle_get(handle, VGW_HANDLE_OTHER)) /* closed from inside */
            return;
    }
}

static int32_t adopt(const struct voicegw_host *h, uint64_t target, int32_t fd,
                     void (*on_packet)(void *arg, const void *data, uint32_t bytes, const char *remote), void *arg,
                     uint64_t *ret_socket)
{
    struct vgw_loop *loop = target ? vgw_handle_loop(target) : vgw_host_of(h)->host->env.control;
    struct datagram_socket *s;
    if (!loop || !vgw_loop_is_here(loop))
        return VOICEGW_ENOTFOUND;
    if (!VGW_NEW(s))
        return VOICEGW_ELIMIT;
    *s = (struct datagram_socket){.fd = fd, .target = target, .on_packet = on_packet, .arg = arg};
    s->handle = vgw_handle_new(VGW_HANDLE_OTHER, loop, s);
    s->io = s->handle ? vgw_io_new(loop, fd, on_readable, s) : NULL;
    if (!s->io || vgw_io_want(s->io, VGW_IO_READ) < 0) {
        vgw_io_free(s->io);
        vgw_handle_drop(s->handle);
        vgw_free(s);
        return VOICEGW_ELIMIT;
    }
    *ret_socket = s->handle;
    return 0;
}

static int32_t open_leased(const struct voicegw_host *h, uint64_t target, uint64_t lease_handle, uint32_t part,
                           void (*on_packet)(void *arg, const void *data, uint32_t bytes, const char *remote),
                           void *arg, uint64_t *ret_socket)
{
    /* The lease is control's, but control does not look at its descriptors before the plugin releases it, which it does
     * after its sockets. */
    struct lease *l = vgw_handle_get(lease_handle, VGW_HANDLE_OTHER);
    if (!l || part > 1 || l->fd[part] < 0)
        return VOICEGW_ENOTFOUND;
    /* The descriptor goes over to the socket: two for each call would be one too many. */
    int32_t rc = adopt(h, target, l->fd[part], on_packet, arg, ret_socket);
    if (rc == 0)
        l->fd[part] = -1;
    return rc;
}

static int32_t send_packet(const struct voicegw_host *h, uint64_t socket, const char *remote, const void *data,
                           uint32_t bytes)
{
    struct datagram_socket *s = vgw_handle_get(socket, VGW_HANDLE_OTHER);
    const char *colon = remote ? strrchr(remote, ':') : NULL;
    char host[64];
    int64_t port;
    if (!s)
        return VOICEGW_ENOTFOUND;
    if (!colon || !vgw_parse_i64(colon + 1, &port) || port < 1 || port > 65535)
        return VOICEGW_EINVALID;
    bool is6 = remote[0] == '[';
    vgw_strncopy(host, sizeof host, remote + is6, (size_t)(colon - remote) - 2u * is6);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(is6 ? AF_INET6 : AF_INET, host, is6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
        return VOICEGW_EINVALID;
    ssize_t n = sendto(s->fd, data, bytes, 0, is6 ? (void *)&v6 : (void *)&v4, is6 ? sizeof v6 : sizeof v4);
    return n == (ssize_t)bytes ? 0 : errno == EAGAIN ? VOICEGW_EBUSY : VOICEGW_ENETWORK;
}

static void close_socket(const struct voicegw_host *h, uint64_t socket)
{
    struct datagram_socket *s = vgw_handle_get(socket, VGW_HANDLE_OTHER);
    if (!s)
        return;
    vgw_handle_drop(socket);
    vgw_io_free(s->io);
    close(s->fd);
    vgw_free(s);
}

const struct voicegw_host_datagram vgw_host_datagram_table = {
    .size = sizeof vgw_host_datagram_table,
    .lease = lease,
    .release = release,
    .open = open_leased,
    .adopt = adopt,
    .send = send_packet,
    .close = close_socket,
};
