/* floor.c - what an echo costs at the least: one thread, raw epoll, framing by hand, text sent back as it came.
 * floor PORT CORE. Serves until it is killed. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 512

struct conn {
    int fd, open;
    size_t kept; /* bytes of a frame that has not come whole */
    uint8_t *rest;
};

static uint8_t in[65536], out[65536];

/* The answer to the upgrade; 0 while the head is not whole. */
static size_t greet(size_t n, size_t *ret_used)
{
    char text[128], accept[64];
    uint8_t digest[SHA_DIGEST_LENGTH];
    const char *end = memmem(in, n, "\r\n\r\n", 4), *key = memmem(in, n, "Sec-WebSocket-Key: ", 19);
    if (!end || !key)
        return 0;
    int len = snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
    SHA1((const uint8_t *)text, (size_t)len, digest);
    EVP_EncodeBlock((uint8_t *)accept, digest, sizeof digest);
    *ret_used = (size_t)(end + 4 - (const char *)in);
    return (size_t)snprintf((char *)out, sizeof out,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n\r\n",
                            accept);
}

/* Unmasks one frame at `p` into `to`; 0 when it is not whole. */
static size_t echo(uint8_t *p, size_t n, uint8_t *to, size_t *ret_put)
{
    size_t len = p[1] & 127, head = 2, put = 0;
    uint64_t wide;
    uint32_t key;
    if (len == 126) {
        len = (size_t)p[2] << 8 | p[3];
        head = 4;
    }
    if (n < head + 4 + len || len == 127)
        return 0;
    to[put++] = p[0];
    memcpy(to + 1, p + 1, head - 1);
    to[1] &= 127;
    put = head;
    memcpy(&key, p + head, 4);
    wide = (uint64_t)key << 32 | key;
    uint8_t *from = p + head + 4;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t v;
        memcpy(&v, from + i, 8);
        v ^= wide;
        memcpy(to + put + i, &v, 8);
    }
    for (; i < len; i++)
        to[put + i] = from[i] ^ (uint8_t)(key >> (8 * (i & 3)));
    *ret_put = put + len;
    return head + 4 + len;
}

static void serve(struct conn *c)
{
    size_t used = 0, filled = 0, put;
    if (c->kept)
        memcpy(in, c->rest, c->kept);
    ssize_t got = recv(c->fd, in + c->kept, sizeof in - c->kept, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        close(c->fd);
        free(c->rest);
        free(c);
        return;
    }
    size_t n = c->kept + (size_t)got;
    c->kept = 0;
    if (!c->open && (filled = greet(n, &used)))
        c->open = 1;
    while (c->open && n - used >= 6 && filled < sizeof out - 8192) {
        size_t took = echo(in + used, n - used, out + filled, &put);
        if (!took)
            break;
        used += took;
        filled += put;
    }
    if (filled)
        (void)!send(c->fd, out, filled, MSG_NOSIGNAL);
    if (n > used) {
        c->rest = realloc(c->rest, n - used);
        c->kept = c->rest ? n - used : 0;
        if (c->rest)
            memcpy(c->rest, in + used, n - used);
    }
}

static void welcome(int ep, int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct conn *c = calloc(1, sizeof *c);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        if (!c)
            exit(1);
        c->fd = fd;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        (void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    }
}

int main(int argc, char **argv)
{
    cpu_set_t core;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), ep = epoll_create1(0);
    struct epoll_event events[BATCH], e = {.events = EPOLLIN};
    if (argc != 3)
        return 64;
    CPU_ZERO(&core);
    CPU_SET((int)strtol(argv[2], NULL, 10), &core);
    (void)sched_setaffinity(0, sizeof core, &core);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)(int)strtol(argv[1], NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096))
        return 1;
    (void)epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(ep, events, BATCH, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                serve(events[i].data.ptr);
            else
                welcome(ep, listener);
        }
    }
}
