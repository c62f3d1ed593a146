/* rtp.c - calls by SIP whose audio comes back, and what that costs at the least.
 * rtp floor COUNT CORE: one thread, one socket a call, each packet sent back as it came; prints the first of its ports,
 * of which every other is one.
 * rtp load --port PORT [--floor] --pid PID --calls N --seconds S --core C: makes N calls at PORT, speaks PCMU on all of
 * them, each at its own place within the 20 ms, and prints a line of JSON. With --floor no call is made: the audio goes
 * to the floor's ports. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "wire.h"

#define FRAME_US 20000
#define WARM_US 1500000
#define DRAIN_US 500000
#define RECENT 64u /* packets of a call whose moment is remembered */
#define TRIES 3

struct call {
    int fd;
    struct sockaddr_in far;
    char tag[64]; /* the gateway's */
    uint32_t sent;
    int64_t sent_us[RECENT];
};

static struct call *calls;
static struct {
    unsigned port, calls, seconds;
    int floor, pid, core;
} options;
static struct {
    uint64_t sent, received, other, opened;
    struct hist trip, late;
} result;
static int64_t counted_from_us;

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)core, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

static struct sockaddr_in local(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/* A socket on that port, or -1. */
static int try_port(unsigned port)
{
    struct sockaddr_in a = local(port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = 1 << 20;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) < 0) {
        (void)close(fd);
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return fd;
}

static int bound(unsigned port)
{
    int fd = try_port(port);
    if (fd < 0) {
        perror("rtp: socket");
        exit(1);
    }
    return fd;
}

static unsigned port_of(int fd)
{
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    return getsockname(fd, (struct sockaddr *)&a, &n) == 0 ? ntohs(a.sin_port) : 0;
}

static int watch(int epoll, int fd, unsigned i)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

/* ---- the floor ---- */

/* Sockets on every other port from the first port on that has so many free behind it; 0: there is none. */
static unsigned open_floor(int *fds, unsigned count)
{
    for (unsigned first = 30000, i = 0; first + 2 * count < 65536; first += 2 * i + 2) {
        for (i = 0; i < count && (fds[i] = try_port(first + 2 * i)) >= 0; i++)
            ;
        if (i == count)
            return first;
        for (unsigned k = 0; k < i; k++)
            (void)close(fds[k]);
    }
    return 0;
}

static int serve(unsigned count, int core)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC), *fds = calloc(count, sizeof *fds);
    struct epoll_event events[256];
    uint8_t packet[2048];
    pin(core);
    unsigned first = fds ? open_floor(fds, count) : 0;
    for (unsigned i = 0; i < count; i++)
        if (!first || watch(epoll, fds[i], i) < 0)
            return 1;
    printf("%u\n", first);
    (void)fflush(stdout);
    for (;;) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; fds && i < n; i++) {
            struct sockaddr_in from;
            socklen_t size = sizeof from;
            int fd = fds[events[i].data.u32];
            ssize_t bytes = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);
            if (bytes > 0 && sendto(fd, packet, (size_t)bytes, 0, (struct sockaddr *)&from, size) < 0)
                continue;
        }
    }
}

/* ---- calls ---- */

static int signalling;

static void say(const char *method, unsigned i, unsigned cseq, const char *body)
{
    static char text[2048];
    unsigned port = port_of(signalling);
    struct sockaddr_in to = local(options.port);
    const char *tag = calls[i].tag;
    int n = snprintf(
        text, sizeof text,
        "%s sip:echo@127.0.0.1:%u SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%d-%u-%s\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:bench@127.0.0.1>;tag=b%u\r\nTo: <sip:echo@127.0.0.1>%s%s\r\n"
        "Call-ID: %d-%u\r\nCSeq: %u %s\r\nContact: <sip:bench@127.0.0.1:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, options.port, port, (int)getpid(), i, method, i, *tag ? ";tag=" : "", tag, (int)getpid(), i, cseq,
        strcmp(method, "ACK") == 0 ? "ACK" : method, port, *body ? "Content-Type: application/sdp\r\n" : "",
        strlen(body), body);
    if (n > 0 && sendto(signalling, text, (size_t)n, 0, (struct sockaddr *)&to, sizeof to) < 0)
        perror("rtp: signalling");
}

/* The final answer of call `i`: its status, 0 when none came in a second. */
static int answer(unsigned i, char *text, size_t cap)
{
    char id[64];
    struct pollfd p = {.fd = signalling, .events = POLLIN};
    int64_t until = now_us() + 1000000;
    (void)snprintf(id, sizeof id, "Call-ID: %d-%u\r\n", (int)getpid(), i);
    while (now_us() < until && poll(&p, 1, 100) >= 0) {
        ssize_t n = recv(signalling, text, cap - 1, 0);
        if (n <= 0)
            continue;
        text[n] = '\0';
        int status = strncmp(text, "SIP/2.0 ", 8) == 0 ? (int)strtol(text + 8, NULL, 10) : 0;
        if (status >= 200 && strstr(text, id))
            return status;
    }
    return 0;
}

static int open_call(unsigned i)
{
    char body[300], text[4096];
    struct call *c = &calls[i];
    (void)snprintf(body, sizeof body,
                   "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %u RTP/AVP 0\r\n",
                   port_of(c->fd));
    int status = 0;
    for (int k = 0; k < TRIES && status == 0; k++) {
        say("INVITE", i, 1, body);
        status = answer(i, text, sizeof text);
    }
    const char *media = strstr(text, "m=audio "), *to = strstr(text, "\nTo:"), *tag = to ? strstr(to, ";tag=") : NULL;
    if (status != 200 || !media || !tag)
        return -1;
    size_t n = strcspn(tag + 5, "\r\n;");
    (void)snprintf(c->tag, sizeof c->tag, "%.*s", n < sizeof c->tag ? (int)n : 0, tag + 5);
    c->far = local((unsigned)strtoul(media + 8, NULL, 10));
    say("ACK", i, 1, "");
    return 0;
}

static void close_call(unsigned i)
{
    char text[4096];
    int status = 0;
    for (int k = 0; k < TRIES && status == 0; k++) {
        say("BYE", i, 2, "");
        status = answer(i, text, sizeof text);
    }
}

/* ---- audio ---- */

static void speak(unsigned i, int64_t due_us, int64_t now)
{
    struct call *c = &calls[i];
    uint8_t packet[12 + WIRE_AUDIO];
    uint32_t n = c->sent++, stamp = n * WIRE_AUDIO;
    packet[0] = 0x80;
    packet[1] = n ? 0 : 0x80;
    packet[2] = (uint8_t)(n >> 8);
    packet[3] = (uint8_t)n;
    for (int k = 0; k < 4; k++) {
        packet[4 + k] = (uint8_t)(stamp >> (24 - 8 * k));
        packet[8 + k] = (uint8_t)((i + 1) >> (24 - 8 * k));
    }
    wire_audio(i, n, packet + 12);
    c->sent_us[n % RECENT] = now;
    if (sendto(c->fd, packet, sizeof packet, 0, (struct sockaddr *)&c->far, sizeof c->far) < 0)
        return;
    if (now < counted_from_us)
        return;
    result.sent++;
    hist_add(&result.late, (uint64_t)(now - due_us));
}

static void listen_to(unsigned i)
{
    struct call *c = &calls[i];
    uint8_t packet[2048];
    uint32_t stream, n;
    ssize_t bytes = recv(c->fd, packet, sizeof packet, 0);
    int64_t now = now_us();
    if (bytes != 12 + WIRE_AUDIO || !wire_audio_of(packet + 12, &stream, &n) || stream != i || c->sent - n > RECENT) {
        result.other += bytes > 0 && now >= counted_from_us;
        return;
    }
    int64_t sent_us = c->sent_us[n % RECENT];
    if (sent_us < counted_from_us)
        return;
    result.received++;
    hist_add(&result.trip, (uint64_t)(now - sent_us));
}

static void hear(int epoll)
{
    struct epoll_event events[128];
    int n = epoll_wait(epoll, events, 128, 0);
    for (int i = 0; i < n; i++)
        listen_to(events[i].data.u32);
}

/* Speaks until `until_us`; each call has its place within the 20 ms. */
static void talk(int epoll, int64_t *start_us, uint64_t *step, int64_t until_us)
{
    int64_t now;
    while ((now = now_us()) < until_us) {
        int64_t due = *start_us + (int64_t)(*step * FRAME_US / options.calls);
        if (now >= due)
            speak((unsigned)((*step)++ % options.calls), due, now);
        else
            hear(epoll);
    }
}

static void print(const struct usage *before, const struct usage *after, double seconds)
{
    double run_s = (double)(after->run_ns - before->run_ns) / 1e9,
           wait_s = (double)(after->wait_ns - before->wait_ns) / 1e9;
    uint64_t lost = result.sent > result.received ? result.sent - result.received : 0;
    printf("{\"calls\":%u,\"opened\":%llu,\"sent\":%llu,\"lost\":%llu,\"other\":%llu,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
           "\"max_ms\":%.2f,\"cpu_us_a_packet\":%.2f,\"cpu_pct\":%.1f,\"cpu_pct_100_calls\":%.2f,\"wait_pct\":%.1f,"
           "\"late_p99_ms\":%.2f,\"anon_kb\":%llu}\n",
           options.calls, (unsigned long long)result.opened, (unsigned long long)result.sent, (unsigned long long)lost,
           (unsigned long long)result.other, hist_at(&result.trip, 0.5) / 1000, hist_at(&result.trip, 0.99) / 1000,
           (double)result.trip.max / 1000, result.sent ? run_s * 1e6 / (double)result.sent : 0, run_s * 100 / seconds,
           run_s * 100 / seconds * 100 / options.calls, wait_s * 100 / seconds, hist_at(&result.late, 0.99) / 1000,
           (unsigned long long)after->anon_kb);
}

static int measure(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t step = 0;
    calls = calloc(options.calls, sizeof *calls);
    if (!calls || epoll < 0)
        return 1;
    signalling = bound(0);
    for (unsigned i = 0; i < options.calls; i++) {
        calls[i].fd = bound(0);
        calls[i].far = local(options.port + 2 * i);
        if (watch(epoll, calls[i].fd, i) < 0 || (!options.floor && open_call(i) < 0)) {
            fprintf(stderr, "rtp: call %u could not be made\n", i);
            return 1;
        }
        result.opened++;
    }
    int64_t start = now_us() + 1000;
    counted_from_us = start + WARM_US;
    talk(epoll, &start, &step, counted_from_us);
    struct usage before = usage_of(options.pid);
    int64_t began = now_us();
    talk(epoll, &start, &step, counted_from_us + (int64_t)options.seconds * 1000000);
    struct usage after = usage_of(options.pid);
    double seconds = (double)(now_us() - began) / 1e6;
    for (int64_t until = now_us() + DRAIN_US; now_us() < until;)
        hear(epoll);
    print(&before, &after, seconds);
    for (unsigned i = 0; !options.floor && i < options.calls; i++)
        close_call(i);
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit files = {65536, 65536};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 4 && strcmp(argv[1], "floor") == 0)
        return serve((unsigned)strtoul(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10));
    for (int i = 2; i < argc; i++) {
        unsigned value = i + 1 < argc ? (unsigned)strtoul(argv[i + 1], NULL, 10) : 0;
        if (strcmp(argv[i], "--floor") == 0) {
            options.floor = 1;
            continue;
        }
        if (strcmp(argv[i], "--port") == 0)
            options.port = value;
        else if (strcmp(argv[i], "--pid") == 0)
            options.pid = (int)value;
        else if (strcmp(argv[i], "--calls") == 0)
            options.calls = value;
        else if (strcmp(argv[i], "--seconds") == 0)
            options.seconds = value;
        else if (strcmp(argv[i], "--core") == 0)
            options.core = (int)value;
        i++;
    }
    if (argc < 2 || strcmp(argv[1], "load") != 0 || !options.calls || !options.seconds || !options.port) {
        fprintf(stderr,
                "rtp floor COUNT CORE | rtp load --port PORT [--floor] --pid PID --calls N --seconds S --core C\n");
        return 64;
    }
    pin(options.core);
    return measure();
}
