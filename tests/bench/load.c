/* load.c - many telephone calls at once over WebSockets, as a provider would stream them: a frame of 20 ms each 20 ms a
 * call. Raw epoll and framing of its own, so that it shares nothing with what it measures. One line of JSON at the end;
 * see usage(). */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "wire.h"

#define PERIOD_NS 20000000u
#define RING 256 /* frames an echo may be late: 5 s */
#define BATCH 512
#define SECOND_NS 1000000000u
#define AFTER_NS 200000000u /* so long after a stall nothing of it may be left */
#define SPEECH_FRAMES 20    /* a spoken turn: 400 ms of voice, then */
#define TURN_FRAMES 90      /* quiet up to 1.8 s */

struct stream {
    int fd;
    uint32_t index, number, key, got;
    bool open, started, closed;
    SSL *tls;
    uint8_t *rest;
    size_t kept;
    uint64_t sent_ns[RING];
    uint64_t asked_ns; /* the first quiet frame of a turn that is not answered yet */
};

static struct {
    const char *prefix, *secret,
        *public_url; /* secret: of an account at Twilio, which signs upgrades of the public URL */
    int port, first, streams, pid, core, stalls, stall_ms, ramp, tls, turns, quantum_us;
    double warm_s, measure_s;
} opt = {.prefix = "/",
         .public_url = "",
         .port = 8080,
         .streams = 10,
         .core = -1,
         .ramp = 1000,
         .warm_s = 1,
         .measure_s = 5};

static struct stream *streams;
static int ep, open_count, failed, closed_count;
static uint64_t begin_ns, from_ns, to_ns, frames, echoed, wrong, stray, bad, other, turns_asked;
static uint64_t stall_from_ns, stall_to_ns;
static struct hist round_trip, lateness, before_stall, after_stall;
static uint8_t rx[262144];
static SSL_CTX *tls_context;

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void stream_end(struct stream *s)
{
    if (s->closed)
        return;
    s->closed = true;
    if (s->open)
        closed_count++;
    else
        failed++;
    SSL_free(s->tls);
    s->tls = NULL;
    close(s->fd);
}

static void put(struct stream *s, const void *data, size_t n)
{
    ssize_t sent = s->tls ? SSL_write(s->tls, data, (int)n) : send(s->fd, data, n, MSG_NOSIGNAL);
    if (sent != (ssize_t)n)
        stream_end(s);
}

static void put_text(struct stream *s, const char *text, size_t n)
{
    uint8_t frame[WIRE_TEXT_MAX + 16];
    put(s, frame, wire_mask(text, n, s->key, frame));
}

/* ---- opening ---- */

/* "CA" and 32 digits where calls have such names. */
static uint32_t sid_of(uint32_t index)
{
    return (uint32_t)opt.first + index;
}

/* X-Twilio-Signature of an upgrade: base64 of HMAC-SHA1 over its URL. */
static int put_signature(char *out, size_t cap, const char *path)
{
    char url[512];
    unsigned char mac[EVP_MAX_MD_SIZE], text[64];
    unsigned len = 0;
    if (!opt.secret)
        return 0;
    int n = snprintf(url, sizeof url, "%s%s", opt.public_url, path);
    if (!HMAC(EVP_sha1(), opt.secret, (int)strlen(opt.secret), (unsigned char *)url, (size_t)n, mac, &len))
        return 0;
    (void)EVP_EncodeBlock(text, mac, (int)len);
    return snprintf(out, cap, "X-Twilio-Signature: %s\r\n", (char *)text);
}

static int stream_connect(struct stream *s, uint32_t index)
{
    char head[1024], path[256], signature[128] = "";
    int one = 1;
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *s = (struct stream){.index = index, .key = (index + 1) * 2654435761u};
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&at, sizeof at))
        return -1;
    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (tls_context) {
        s->tls = SSL_new(tls_context);
        if (!s->tls || !SSL_set_fd(s->tls, s->fd) || SSL_connect(s->tls) != 1)
            return -1;
    }
    (void)snprintf(path, sizeof path, opt.secret ? "%s%032x" : "%s%u", opt.prefix, sid_of(index));
    (void)put_signature(signature, sizeof signature, path);
    int n = snprintf(head, sizeof head,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                     path, opt.port, signature);
    put(s, head, (size_t)n);
    struct timeval none = {0, 1};
    (void)setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
    return s->closed || epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e) ? -1 : 0;
}

static void say_start(struct stream *s)
{
    char text[WIRE_TEXT_MAX];
    static const char hello[] = "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}";
    put_text(s, hello, sizeof hello - 1);
    int n = snprintf(
        text, sizeof text,
        "{\"event\":\"start\",\"sequenceNumber\":\"1\",\"start\":{\"streamSid\":\"MZ%032x\",\"accountSid\":\"AC%032x\","
        "\"callSid\":\"CA%032x\",\"tracks\":[\"inbound\"],\"mediaFormat\":{\"encoding\":\"audio/"
        "x-mulaw\",\"sampleRate\":8000,"
        "\"channels\":1},\"customParameters\":{\"from\":\"+15550001\",\"to\":\"+15550002\"}},\"streamSid\":\"MZ%"
        "032x\"}",
        s->index, 1u, sid_of(s->index), s->index);
    put_text(s, text, (size_t)n);
}

static size_t on_head(struct stream *s, const uint8_t *data, size_t n)
{
    const uint8_t *end = memmem(data, n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    if (n < 12 || memcmp(data + 9, "101", 3) != 0) {
        stream_end(s);
        return 0;
    }
    s->open = true;
    open_count++;
    say_start(s);
    return (size_t)(end + 4 - data);
}

/* ---- what comes back ---- */

static void on_echo(struct stream *s, const uint8_t *audio)
{
    uint32_t stream, number;
    uint8_t want[WIRE_AUDIO];
    uint64_t now = now_ns();
    if (!wire_audio_of(audio, &stream, &number)) {
        stray++;
        return;
    }
    wire_audio(stream, number, want);
    if (stream != s->index || memcmp(want, audio, WIRE_AUDIO) != 0) {
        wrong++;
        return;
    }
    uint64_t sent = s->sent_ns[number % RING];
    if (number >= s->number || s->number - number > RING || !sent) {
        stray++;
        return;
    }
    s->sent_ns[number % RING] = 0;
    if (sent < from_ns || sent >= to_ns)
        return;
    echoed++;
    hist_add(&round_trip, now - sent);
    if (opt.stalls && (!stall_from_ns || sent < stall_from_ns))
        hist_add(&before_stall, now - sent);
    else if (opt.stalls && stall_to_ns && sent >= stall_to_ns + AFTER_NS)
        hist_add(&after_stall, now - sent);
}

static void on_answer(struct stream *s, const uint8_t *audio)
{
    bool sound = false;
    for (int i = 0; i < WIRE_AUDIO && !sound; i++)
        sound = audio[i] != 0xff && audio[i] != 0x7f;
    if (!sound || !s->asked_ns)
        return;
    uint64_t asked = s->asked_ns;
    s->asked_ns = 0;
    if (asked < from_ns || asked >= to_ns)
        return;
    echoed++;
    hist_add(&round_trip, now_ns() - asked);
}

static void answer_mark(struct stream *s, const char *text, size_t n)
{
    const char *name = memmem(text, n, "\"name\":\"", 8);
    char back[WIRE_TEXT_MAX];
    if (!name)
        return;
    int len = snprintf(back, sizeof back, "{\"event\":\"mark\",\"streamSid\":\"MZ%032x\",\"mark\":{\"name\":\"%.*s\"}}",
                       s->index, (int)strcspn(name + 8, "\""), name + 8);
    put_text(s, back, (size_t)len);
}

static void on_text(struct stream *s, const char *text, size_t n)
{
    uint8_t audio[WIRE_AUDIO];
    const char *payload = memmem(text, n, "\"payload\":\"", 11);
    s->got++;
    if (!payload) {
        other++;
        if (memmem(text, n, "\"event\":\"mark\"", 14))
            answer_mark(s, text, n);
        return;
    }
    payload += 11;
    if (wire_decode(payload, n - (size_t)(payload - text), audio, sizeof audio) != WIRE_AUDIO)
        bad++;
    else if (opt.turns)
        on_answer(s, audio);
    else
        on_echo(s, audio);
}

static void on_bytes(struct stream *s, size_t n)
{
    size_t at = s->open ? 0 : on_head(s, rx, n);
    while (s->open && !s->closed && at < n) {
        int opcode;
        const uint8_t *payload;
        size_t len;
        long took = wire_frame(rx + at, n - at, &opcode, &payload, &len);
        if (took < 0 || (took && opcode == 8)) {
            stream_end(s);
            return;
        }
        if (!took)
            break;
        if (opcode == 1)
            on_text(s, (const char *)payload, len);
        at += (size_t)took;
    }
    s->kept = s->closed ? 0 : n - at;
    if (s->kept) {
        s->rest = realloc(s->rest, s->kept);
        if (!s->rest)
            exit(1);
        memcpy(s->rest, rx + at, s->kept);
    }
}

static void on_readable(struct stream *s)
{
    do {
        if (s->kept)
            memcpy(rx, s->rest, s->kept);
        ssize_t n = s->tls ? SSL_read(s->tls, rx + s->kept, (int)(sizeof rx - s->kept))
                           : recv(s->fd, rx + s->kept, sizeof rx - s->kept, MSG_DONTWAIT);
        if (n <= 0) {
            bool later = s->tls ? SSL_get_error(s->tls, (int)n) == SSL_ERROR_WANT_READ : n < 0 && errno == EAGAIN;
            if (!later)
                stream_end(s);
            return;
        }
        on_bytes(s, (size_t)n + s->kept);
    } while (s->tls && !s->closed && SSL_pending(s->tls));
}

/* Never sleeps: else each answer would pay for waking the generator, at a price that depends on who is faster. */
static void service(uint64_t until)
{
    struct epoll_event events[BATCH];
    do {
        int n = epoll_wait(ep, events, BATCH, 0);
        for (int i = 0; i < n; i++) {
            struct stream *s = events[i].data.ptr;
            if (!s->closed)
                on_readable(s);
        }
    } while (now_ns() < until);
}

/* ---- what goes out ---- */

static void fill(struct stream *s, uint8_t audio[WIRE_AUDIO])
{
    uint32_t place = (s->number + s->index * 7) % TURN_FRAMES;
    if (!opt.turns) {
        wire_audio(s->index, s->number, audio);
        return;
    }
    if (place < SPEECH_FRAMES) {
        wire_audio(s->index, s->number, audio);
        return;
    }
    memset(audio, 0xff, WIRE_AUDIO);
    if (place == SPEECH_FRAMES && s->number >= SPEECH_FRAMES) {
        uint64_t now = now_ns();
        s->asked_ns = now;
        turns_asked += now >= from_ns && now < to_ns;
    }
}

static void speak(struct stream *s)
{
    uint8_t audio[WIRE_AUDIO];
    char text[WIRE_TEXT_MAX];
    fill(s, audio);
    int n = snprintf(text, sizeof text,
                     "{\"event\":\"media\",\"sequenceNumber\":\"%u\",\"media\":{\"track\":\"inbound\",\"chunk\":\"%u\","
                     "\"timestamp\":\"%u\","
                     "\"payload\":\"",
                     s->number + 2, s->number + 1, s->number * 20);
    n += (int)wire_encode(audio, sizeof audio, text + n);
    n += snprintf(text + n, sizeof text - (size_t)n, "\"},\"streamSid\":\"MZ%032x\"}", s->index);
    uint64_t now = now_ns();
    s->sent_ns[s->number++ % RING] = now;
    frames += now >= from_ns && now < to_ns;
    put_text(s, text, (size_t)n);
}

/* The calls take turns within each 20 ms, evenly; what is due within a quantum goes out together, so that a server
 * wakes as often whether it is fast or slow. */
static void run_calls(uint64_t until)
{
    const uint64_t step = PERIOD_NS / (uint64_t)opt.streams, quantum = (uint64_t)opt.quantum_us * 1000;
    static uint64_t sent;
    while (now_ns() < until) {
        uint64_t due = begin_ns + sent * step, now = now_ns();
        for (; due <= now; due = begin_ns + ++sent * step) {
            struct stream *s = &streams[sent % (uint64_t)opt.streams];
            if (s->closed || !s->open)
                continue;
            if (now >= from_ns && now < to_ns)
                hist_add(&lateness, now - due);
            speak(s);
        }
        if (quantum)
            due = begin_ns + ((due - begin_ns) / quantum + 1) * quantum;
        service(due < until ? due : until);
    }
}

static void stall(void)
{
    uint64_t at = now_ns();
    stall_from_ns = stall_from_ns ? stall_from_ns : at;
    (void)kill(opt.pid, SIGSTOP);
    stall_to_ns = UINT64_MAX - AFTER_NS;
    run_calls(at + (uint64_t)opt.stall_ms * 1000000u);
    (void)kill(opt.pid, SIGCONT);
    stall_to_ns = now_ns();
    run_calls(stall_to_ns + SECOND_NS);
}

static void connect_all(void)
{
    uint64_t start = now_ns();
    for (int i = 0; i < opt.streams; i++) {
        if (stream_connect(&streams[i], (uint32_t)i) < 0)
            stream_end(&streams[i]);
        service(start + (uint64_t)(i + 1) * SECOND_NS / (uint64_t)opt.ramp);
    }
    for (uint64_t give_up = now_ns() + 10ull * SECOND_NS; open_count + failed < opt.streams && now_ns() < give_up;)
        service(now_ns() + 10000000u);
}

static int read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", 1, NULL, 'p'},       {"prefix", 1, NULL, 'u'},  {"streams", 1, NULL, 'n'},
        {"warm", 1, NULL, 'w'},       {"seconds", 1, NULL, 'd'}, {"pid", 1, NULL, 'P'},
        {"core", 1, NULL, 'c'},       {"tls", 0, NULL, 't'},     {"stalls", 1, NULL, 's'},
        {"stall-ms", 1, NULL, 'S'},   {"turns", 0, NULL, 'T'},   {"ramp", 1, NULL, 'r'},
        {"quantum-us", 1, NULL, 'q'}, {"secret", 1, NULL, 'x'},  {"public-url", 1, NULL, 'U'},
        {"first", 1, NULL, 'f'},      {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        int number = optarg ? (int)strtol(optarg, NULL, 10) : 1;
        switch (c) {
        case 'p':
            opt.port = number;
            break;
        case 'u':
            opt.prefix = optarg;
            break;
        case 'n':
            opt.streams = number;
            break;
        case 'w':
            opt.warm_s = strtod(optarg, NULL);
            break;
        case 'd':
            opt.measure_s = strtod(optarg, NULL);
            break;
        case 'P':
            opt.pid = number;
            break;
        case 'c':
            opt.core = number;
            break;
        case 't':
            opt.tls = 1;
            break;
        case 's':
            opt.stalls = number;
            break;
        case 'S':
            opt.stall_ms = number;
            break;
        case 'x':
            opt.secret = optarg;
            break;
        case 'U':
            opt.public_url = optarg;
            break;
        case 'f':
            opt.first = number;
            break;
        case 'T':
            opt.turns = 1;
            break;
        case 'q':
            opt.quantum_us = number;
            break;
        case 'r':
            opt.ramp = number;
            break;
        default:
            (void)fprintf(stderr, "load --port N --prefix PATH [--secret TOKEN --public-url URL] [--first N] --streams "
                                  "N [--warm S] [--seconds S] [--pid SERVER] [--core N] [--tls]\n"
                                  "     [--stalls N --stall-ms MS] [--turns] [--ramp A_SECOND] [--quantum-us US]\n");
            return -1;
        }
    }
    return opt.streams > 0 && opt.ramp > 0 ? 0 : -1;
}

static void report(const struct usage *idle, const struct usage *before, const struct usage *after, double connect_s)
{
    double wall = (double)(to_ns - from_ns), run = (double)(after->run_ns - before->run_ns);
    uint64_t count = opt.turns ? turns_asked : frames;
    (void)printf(
        "{\"streams\":%d,\"opened\":%d,\"failed\":%d,\"closed\":%d,\"connect_s\":%.2f,\"sent\":%llu,\"back\":%llu,"
        "\"lost\":%lld,"
        "\"wrong\":%llu,\"stray\":%llu,\"bad\":%llu,\"other\":%llu,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,"
        "\"p999_ms\":%.3f,\"max_ms\":%.3f,\"late_p99_ms\":%.3f",
        opt.streams, open_count, failed, closed_count, connect_s, (unsigned long long)count, (unsigned long long)echoed,
        (long long)(count - echoed), (unsigned long long)wrong, (unsigned long long)stray, (unsigned long long)bad,
        (unsigned long long)other, hist_at(&round_trip, .5) / 1e6, hist_at(&round_trip, .9) / 1e6,
        hist_at(&round_trip, .99) / 1e6, hist_at(&round_trip, .999) / 1e6, (double)round_trip.max / 1e6,
        hist_at(&lateness, .99) / 1e6);
    if (opt.pid)
        (void)printf(",\"cpu_pct\":%.1f,\"wait_pct\":%.1f,\"cpu_us_a_frame\":%.2f,\"rss_idle_kb\":%llu,\"rss_kb\":%llu,"
                     "\"anon_kb\":%llu,"
                     "\"kb_a_stream\":%.1f",
                     run / wall * 100, (double)(after->wait_ns - before->wait_ns) / wall * 100,
                     frames ? run / 1e3 / (double)frames : 0, (unsigned long long)idle->rss_kb,
                     (unsigned long long)after->rss_kb, (unsigned long long)after->anon_kb,
                     ((double)after->rss_kb - (double)idle->rss_kb) / (open_count ? open_count : 1));
    if (opt.stalls)
        (void)printf(",\"stalls\":%d,\"stall_ms\":%d,\"before_p50_ms\":%.3f,\"before_p99_ms\":%.3f,\"after_p50_ms\":%."
                     "3f,\"after_p99_ms\":%.3f",
                     opt.stalls, opt.stall_ms, hist_at(&before_stall, .5) / 1e6, hist_at(&before_stall, .99) / 1e6,
                     hist_at(&after_stall, .5) / 1e6, hist_at(&after_stall, .99) / 1e6);
    (void)printf("}\n");
}

int main(int argc, char **argv)
{
    if (read_options(argc, argv) < 0)
        return 64;
    cpu_set_t core;
    CPU_ZERO(&core);
    CPU_SET(opt.core < 0 ? 0 : opt.core, &core);
    if (opt.core >= 0)
        (void)sched_setaffinity(0, sizeof core, &core);
    (void)signal(SIGPIPE, SIG_IGN);
    if (opt.tls)
        tls_context = SSL_CTX_new(TLS_client_method());
    streams = calloc((size_t)opt.streams, sizeof *streams);
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (!streams || ep < 0)
        return 1;
    from_ns = to_ns = UINT64_MAX;
    struct usage idle = usage_of(opt.pid);
    uint64_t start = now_ns();
    connect_all();
    double connect_s = (double)(now_ns() - start) / 1e9;
    begin_ns = now_ns();
    run_calls(begin_ns + (uint64_t)(opt.warm_s * 1e9));
    from_ns = now_ns();
    struct usage before = usage_of(opt.pid);
    if (opt.stalls)
        run_calls(from_ns + SECOND_NS);
    for (int i = 0; i < opt.stalls; i++)
        stall();
    if (!opt.stalls)
        run_calls(from_ns + (uint64_t)(opt.measure_s * 1e9));
    to_ns = now_ns();
    struct usage after = usage_of(opt.pid);
    run_calls(to_ns + SECOND_NS);
    report(&idle, &before, &after, connect_s);
    for (int i = 0; i < opt.streams; i++)
        if (!streams[i].closed && streams[i].open)
            put_text(&streams[i], "{\"event\":\"stop\"}", 16);
    return failed || wrong || open_count < opt.streams;
}
