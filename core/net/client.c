/* client.c - outgoing HTTP over libcurl's multi interface, driven by the loop. This file and curl_late.c alone know the
 * library.
 */
#include "net/client.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "net/curl_late.h"
#include "net/resolve.h"
#include "net/tls.h"
#include <stdio.h>
#include <string.h>

#define REDIRECTS_MAX 5
#define HEADERS_MAX_BYTES (64 * 1024)
#define HEADERS_MAX 200

struct request {
    struct vgw_list link; /* client->active or client->waiting */
    struct vgw_client *client;
    uint64_t id;
    struct vgw_url url;
    char *method, *body, *username, *password, *sigv4;
    size_t body_len;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
    CURL *easy;
    struct vgw_timer timer;
    struct vgw_buf answer, answer_headers;
    int64_t connect_timeout_us;
    size_t limit, streamed;
    unsigned redirects;
    int failure; /* enum vgw_status that ends the transfer */
    bool trusted, once, follow, started, added, resolving, orphan;
    char sentence[256];
    char curl_text[CURL_ERROR_SIZE];
    void (*on_done)(void *arg, const struct vgw_client_result *result);
    void (*on_body)(void *arg, const void *data, size_t len);
    void *arg;
};

struct vgw_client {
    struct vgw_loop *loop;
    struct vgw_pool *pool;
    struct vgw_policy *policy; /* a reference */
    struct vgw_client_limits limits;
    CURLM *multi;
    struct vgw_timer timer;
    struct vgw_list active, waiting;
    struct vgw_list sockets;
    uint64_t next_id;
    unsigned active_count, waiting_count;
    bool freeing;
    struct vgw_metric *m_requests, *m_pending;
};

/* A socket of the library's, watched for it. */
struct watch {
    struct vgw_list link;
    struct vgw_client *client;
    struct vgw_io *io;
    curl_socket_t fd;
};

static void start_waiting(struct vgw_client *c);
static void collect(struct vgw_client *c);

/* ---- the library's sockets and timer ---- */

static void on_watch(void *arg, unsigned events)
{
    struct watch *w = arg;
    struct vgw_client *c = w->client;
    int running, mask = (events & VGW_IO_READ ? CURL_CSELECT_IN : 0) | (events & VGW_IO_WRITE ? CURL_CSELECT_OUT : 0);
    vgw_curl.multi_socket_action(c->multi, w->fd, mask, &running);
    collect(c);
}

static void watch_free(struct watch *w)
{
    vgw_io_free(w->io);
    vgw_list_remove(&w->link);
    vgw_free(w);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct vgw_client *c = arg;
    struct watch *w = socket_arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            vgw_curl.multi_assign(c->multi, fd, NULL);
            watch_free(w);
        }
        return 0;
    }
    if (!w) {
        if (!VGW_NEW(w))
            return -1;
        w->client = c;
        w->fd = fd;
        w->io = vgw_io_new(c->loop, fd, on_watch, w);
        vgw_list_append(&c->sockets, &w->link);
        if (!w->io) {
            watch_free(w);
            return -1;
        }
        vgw_curl.multi_assign(c->multi, fd, w);
    }
    unsigned want = (what & CURL_POLL_IN ? VGW_IO_READ : 0) | (what & CURL_POLL_OUT ? VGW_IO_WRITE : 0);
    return vgw_io_want(w->io, want) < 0 ? -1 : 0;
}

static int on_timer_wish(CURLM *multi, long ms, void *arg)
{
    struct vgw_client *c = arg;
    (void)multi;
    if (ms < 0)
        vgw_timer_stop(&c->timer);
    else
        (void)vgw_timer_start(&c->timer, ms * VGW_US_PER_MS);
    return 0;
}

static void on_timer(void *arg)
{
    struct vgw_client *c = arg;
    int running;
    vgw_curl.multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(c);
}

static bool make_multi(struct vgw_client *c)
{
    if (c->multi)
        return true;
    c->multi = vgw_curl.multi_init();
    if (!c->multi)
        return false;
    vgw_curl.multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    vgw_curl.multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    vgw_curl.multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    vgw_curl.multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    /* Fewer than may run at once would make the library close and open connections all the time. */
    vgw_curl.multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->limits.max_requests);
    return true;
}

/* ---- ending ---- */

static void wipe(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    vgw_free(s);
}

static void headers_free(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    vgw_curl.slist_free_all(headers);
}

static void request_free(struct request *r)
{
    if (r->easy)
        vgw_curl.easy_cleanup(r->easy);
    headers_free(r->headers);
    vgw_curl.slist_free_all(r->connect_to);
    vgw_buf_done(&r->answer);
    vgw_buf_done(&r->answer_headers);
    vgw_free(r->method);
    vgw_free(r->body);
    wipe(r->username);
    wipe(r->password);
    vgw_free(r->sigv4);
    vgw_free(r);
}

/* Takes "Name: value\n" lines apart in place. */
static size_t split_headers(struct vgw_buf *lines, struct vgw_http_header *out)
{
    size_t n = 0;
    for (char *p = lines->data; p && *p && n < HEADERS_MAX;) {
        char *end = strchr(p, '\n');
        if (!end)
            break;
        *end = '\0';
        char *colon = strchr(p, ':');
        if (colon) {
            *colon = '\0';
            out[n++] = (struct vgw_http_header){.name = p, .value = colon + 1 + strspn(colon + 1, " \t")};
        }
        p = end + 1;
    }
    return n;
}

static void stop_transfer(struct request *r)
{
    if (r->added)
        vgw_curl.multi_remove_handle(r->client->multi, r->easy);
    r->added = false;
}

static void finish(struct request *r, int status, const char *sentence)
{
    struct vgw_client *c = r->client;
    struct vgw_http_header headers[HEADERS_MAX];
    long code = 0;
    stop_transfer(r);
    if (r->easy)
        vgw_curl.easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &code);
    vgw_timer_stop(&r->timer);
    vgw_list_remove(&r->link);
    if (r->started)
        c->active_count--;
    else
        c->waiting_count--;
    vgw_metric_add(c->m_requests, 1, vgw_status_info(status)->name, NULL, NULL);
    vgw_metric_add(c->m_pending, -1, NULL, NULL, NULL);
    struct vgw_client_result result = {.status = status,
                                       .http_status = (int)code,
                                       .sentence = sentence ? sentence : "",
                                       .headers = headers,
                                       .body = vgw_buf_str(&r->answer),
                                       .body_len = r->answer.len};
    result.header_count = split_headers(&r->answer_headers, headers);
    r->on_done(r->arg, &result);
    if (r->resolving)
        r->orphan = true;
    else
        request_free(r);
    if (!c->freeing)
        start_waiting(c);
}

static void on_deadline(void *arg)
{
    struct request *r = arg;
    finish(r, r->failure ? r->failure : VGW_ETIMEOUT, r->sentence[0] ? r->sentence : "no answer came in time");
}

/* Ends a request from a place where its callback may not be called. */
static void finish_soon(struct request *r, int status, const char *sentence)
{
    r->failure = status;
    (void)vgw_strcopy(r->sentence, sizeof r->sentence, sentence);
    (void)vgw_timer_start(&r->timer, 0);
}

/* ---- the transfer ---- */

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
    struct request *r = arg;
    size_t len = size * count;
    long code = 0;
    if (r->failure)
        return 0;
    vgw_curl.easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &code);
    bool stream = r->on_body && code >= 200 && code < 300;
    r->streamed += len;
    if (r->limit && r->streamed > r->limit) {
        r->failure = VGW_ELIMIT;
        (void)snprintf(r->sentence, sizeof r->sentence, "the answer is larger than %zu bytes", r->limit);
        return 0;
    }
    if (stream) {
        r->on_body(r->arg, data, len);
        return r->failure ? 0 : len;
    }
    vgw_buf_add(&r->answer, data, len);
    if (!r->answer.failed)
        return len;
    r->failure = VGW_ELIMIT;
    (void)vgw_strcopy(r->sentence, sizeof r->sentence, "the answer does not fit into memory");
    return 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct request *r = arg;
    size_t len = size * count;
    if (len > 5 && !memcmp(data, "HTTP/", 5)) {
        vgw_buf_reset(&r->answer_headers);
        return len;
    }
    size_t used = len;
    while (used && (data[used - 1] == '\n' || data[used - 1] == '\r' || data[used - 1] == ' '))
        used--;
    if (used && !memchr(data, '\0', used)) {
        vgw_buf_add(&r->answer_headers, data, used);
        vgw_buf_addc(&r->answer_headers, '\n');
    }
    return r->answer_headers.failed ? 0 : len;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    (void)easy;
    (void)arg;
    vgw_tls_share_store(ssl_ctx);
    return CURLE_OK;
}

static void set_method(struct request *r)
{
    CURL *e = r->easy;
    if (!strcmp(r->method, "HEAD")) {
        vgw_curl.easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else if (!strcmp(r->method, "GET") && !r->body_len) {
        vgw_curl.easy_setopt(e, CURLOPT_HTTPGET, 1L);
    } else {
        if (r->body_len || !strcmp(r->method, "POST") || !strcmp(r->method, "PUT") || !strcmp(r->method, "PATCH")) {
            vgw_curl.easy_setopt(e, CURLOPT_POST, 1L);
            vgw_curl.easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
            vgw_curl.easy_setopt(e, CURLOPT_POSTFIELDS, r->body);
        }
        vgw_curl.easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

static void set_fixed(struct request *r)
{
    CURL *e = r->easy;
    vgw_curl.easy_setopt(e, CURLOPT_PRIVATE, r);
    vgw_curl.easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    vgw_curl.easy_setopt(e, CURLOPT_ERRORBUFFER, r->curl_text);
    vgw_curl.easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    vgw_curl.easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    /* The library repeats by itself what a kept connection lost, a POST too. */
    vgw_curl.easy_setopt(e, CURLOPT_FRESH_CONNECT, r->once ? 1L : 0L);
    /* The environment's proxies would go around the policy. */
    vgw_curl.easy_setopt(e, CURLOPT_PROXY, "");
    vgw_curl.easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    vgw_curl.easy_setopt(e, CURLOPT_USERAGENT, "voicegw/" VGW_VERSION);
    vgw_curl.easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
    vgw_curl.easy_setopt(e, CURLOPT_WRITEDATA, r);
    vgw_curl.easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    vgw_curl.easy_setopt(e, CURLOPT_HEADERDATA, r);
    vgw_curl.easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(r->connect_timeout_us / VGW_US_PER_MS));
    vgw_curl.easy_setopt(e, CURLOPT_CAINFO, NULL);
    vgw_curl.easy_setopt(e, CURLOPT_CAPATH, NULL);
    vgw_curl.easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    vgw_curl.easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    vgw_curl.easy_setopt(e, CURLOPT_HTTPHEADER, r->headers);
}

static void set_credentials(struct request *r)
{
    CURL *e = r->easy;
    vgw_curl.easy_setopt(e, CURLOPT_USERNAME, r->username);
    vgw_curl.easy_setopt(e, CURLOPT_PASSWORD, r->password);
    vgw_curl.easy_setopt(e, CURLOPT_HTTPAUTH, r->username && !r->sigv4 ? CURLAUTH_BASIC : CURLAUTH_NONE);
    if (r->sigv4)
        vgw_curl.easy_setopt(e, CURLOPT_AWS_SIGV4, r->sigv4);
}

/* The connection goes to the checked address; name, certificate and Host stay those of the URL. Pinning this way also
 * keeps a connection that was made to one address from being taken for another. */
static bool pin(struct request *r, const struct vgw_addr *addr)
{
    char text[VGW_ADDR_TEXT], entry[VGW_ADDR_TEXT + 16];
    vgw_addr_format(addr, text);
    (void)snprintf(entry, sizeof entry, addr->family == 6 ? "::[%s]:%u" : "::%s:%u", text, r->url.port);
    vgw_curl.slist_free_all(r->connect_to);
    r->connect_to = vgw_curl.slist_append(NULL, entry);
    vgw_curl.easy_setopt(r->easy, CURLOPT_CONNECT_TO, r->connect_to);
    return r->connect_to != NULL;
}

static void start_transfer(struct request *r, const struct vgw_addr *addr)
{
    char authority[280], url[sizeof authority + VGW_URL_MAX + 16];
    if (!make_multi(r->client) || (!r->easy && !(r->easy = vgw_curl.easy_init())) || !pin(r, addr)) {
        finish(r, VGW_ELIMIT, "out of memory");
        return;
    }
    (void)snprintf(url, sizeof url, "%s://%s%s", vgw_url_scheme_name(r->url.scheme),
                   vgw_url_authority(&r->url, authority), r->url.target);
    set_fixed(r);
    set_credentials(r);
    set_method(r);
    vgw_curl.easy_setopt(r->easy, CURLOPT_URL, url);
    if (vgw_curl.multi_add_handle(r->client->multi, r->easy) != CURLM_OK) {
        finish(r, VGW_ELIMIT, "out of memory");
        return;
    }
    r->added = true;
}

static void on_resolved(void *arg, const struct vgw_resolved *resolved)
{
    struct request *r = arg;
    struct vgw_error err = {0};
    r->resolving = false;
    if (r->orphan) {
        request_free(r);
        return;
    }
    if (resolved->status) {
        finish(r, resolved->status, resolved->sentence);
        return;
    }
    for (size_t i = 0; i < resolved->count; i++) {
        if (vgw_policy_check_addr(r->client->policy, &r->url, &resolved->addrs[i], r->trusted, &err) == 0) {
            start_transfer(r, &resolved->addrs[i]);
            return;
        }
    }
    finish(r, VGW_EINVALID, err.text);
}

static void start_request(struct request *r)
{
    struct vgw_client *c = r->client;
    int rc = vgw_resolve(c->pool, c->loop, r->url.host, vgw_url_is_tls(&r->url), on_resolved, r);
    r->resolving = rc == 0;
    if (rc)
        finish_soon(r, rc, "too many names wait to be resolved");
}

static void start_waiting(struct vgw_client *c)
{
    while (c->active_count < c->limits.max_requests && !vgw_list_empty(&c->waiting)) {
        struct request *r = VGW_CONTAINER_OF(vgw_list_pop(&c->waiting), struct request, link);
        vgw_list_append(&c->active, &r->link);
        c->waiting_count--;
        c->active_count++;
        r->started = true;
        start_request(r);
    }
}

/* ---- redirects and ends of transfers ---- */

static void drop_credentials(struct request *r)
{
    struct curl_slist *kept = NULL;
    /* Keys travel in headers of any name, so only those go along that never hold one. */
    for (struct curl_slist *h = r->headers; h; h = h->next)
        if (strncasecmp(h->data, "accept:", 7) == 0 || strncasecmp(h->data, "accept-language:", 16) == 0 ||
            strncasecmp(h->data, "content-type:", 13) == 0)
            kept = vgw_curl.slist_append(kept, h->data);
    headers_free(r->headers);
    r->headers = kept;
    wipe(r->username);
    wipe(r->password);
    vgw_free(r->sigv4);
    r->username = r->password = r->sigv4 = NULL;
}

static bool same_origin(const struct vgw_url *a, const struct vgw_url *b)
{
    return a->scheme == b->scheme && a->port == b->port && !strcmp(a->host, b->host);
}

/* Prepares the next request of a chain of redirects. */
static int prepare_redirect(struct request *r, long code, const char *location, struct vgw_error *err)
{
    char text[VGW_URL_MAX];
    struct vgw_url next;
    int rc = vgw_url_join(&r->url, location, text, err);
    if (!rc)
        rc = vgw_url_parse(text, &next, err);
    if (rc)
        return rc;
    if (next.scheme != VGW_URL_HTTPS && (next.scheme != VGW_URL_HTTP || r->url.scheme == VGW_URL_HTTPS))
        return vgw_error_set(err, VGW_EINVALID, "a redirect leads from %s to %s", vgw_url_scheme_name(r->url.scheme),
                             vgw_url_scheme_name(next.scheme));
    r->trusted = false;
    rc = vgw_policy_check_url(r->client->policy, &next, false, err);
    if (rc)
        return rc;
    if (!same_origin(&r->url, &next))
        drop_credentials(r);
    if (code == 303 || (code != 307 && code != 308 && !strcmp(r->method, "POST"))) {
        char *method = vgw_strdup(!strcmp(r->method, "HEAD") ? "HEAD" : "GET");
        if (!method)
            return vgw_error_nomem(err);
        vgw_free(r->method);
        r->method = method;
        r->body_len = 0;
    }
    r->url = next;
    return 0;
}

static void redirect(struct request *r, long code, const char *location)
{
    struct vgw_error err = {0};
    stop_transfer(r);
    if (++r->redirects > REDIRECTS_MAX) {
        finish(r, VGW_ENETWORK, "more than five redirects follow one another");
        return;
    }
    int rc = prepare_redirect(r, code, location, &err);
    if (rc) {
        vgw_error_prefix(&err, "the redirect is refused");
        finish(r, rc, err.text);
        return;
    }
    vgw_curl.easy_reset(r->easy);
    vgw_buf_reset(&r->answer);
    r->streamed = 0;
    start_request(r);
}

static char *location_of(struct request *r)
{
    for (const char *p = r->answer_headers.data; p && *p;) {
        size_t len = strcspn(p, "\n");
        if (len > 9 && !strncasecmp(p, "location:", 9)) {
            size_t skip = 9 + strspn(p + 9, " \t");
            return vgw_strndup(p + skip, len - skip);
        }
        p += len + (p[len] == '\n');
    }
    return NULL;
}

static void on_transfer_end(struct request *r, CURLcode rc)
{
    long code = 0;
    vgw_curl.easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &code);
    bool moved = code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
    if (rc == CURLE_OK && r->follow && moved && !r->failure) {
        char *location = location_of(r);
        if (location) {
            redirect(r, code, location);
            vgw_free(location);
            return;
        }
    }
    if (r->failure)
        finish(r, r->failure, r->sentence);
    else if (rc == CURLE_OK)
        finish(r, 0, NULL);
    else
        finish(r, rc == CURLE_OPERATION_TIMEDOUT ? VGW_ETIMEOUT : VGW_ENETWORK,
               r->curl_text[0] ? r->curl_text : vgw_curl.easy_strerror(rc));
}

static void collect(struct vgw_client *c)
{
    CURLMsg *m;
    int left;
    while ((m = vgw_curl.multi_info_read(c->multi, &left))) {
        struct request *r = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = m->data.result;
        vgw_curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
        on_transfer_end(r, rc);
    }
}

/* ---- the interface ---- */

const char *vgw_client_header(const struct vgw_client_result *result, const char *name)
{
    for (size_t i = 0; i < result->header_count; i++)
        if (vgw_strieq(result->headers[i].name, name))
            return result->headers[i].value;
    return NULL;
}

int vgw_client_new(struct vgw_loop *loop, struct vgw_pool *pool, const struct vgw_policy *policy,
                   const struct vgw_client_limits *limits, struct vgw_client **ret_client, struct vgw_error *err)
{
    struct vgw_client *c;
    if (!VGW_NEW(c))
        return vgw_error_nomem(err);
    c->loop = loop;
    c->pool = pool;
    c->policy = vgw_policy_ref(policy);
    if (limits)
        c->limits = *limits;
    c->limits.max_requests = c->limits.max_requests ? c->limits.max_requests : 256;
    c->limits.max_queue = c->limits.max_queue ? c->limits.max_queue : 1024;
    vgw_list_init(&c->active);
    vgw_list_init(&c->waiting);
    vgw_list_init(&c->sockets);
    vgw_timer_init(&c->timer, loop, on_timer, c);
    c->m_requests = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_http_client_requests_total",
                                      "Outgoing HTTP requests by outcome.", "outcome");
    c->m_pending = vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_http_client_pending",
                                     "Outgoing HTTP requests under way or waiting.", NULL);
    *ret_client = c;
    return 0;
}

void vgw_client_set_policy(struct vgw_client *c, const struct vgw_policy *policy)
{
    struct vgw_policy *before = c->policy;
    c->policy = vgw_policy_ref(policy);
    vgw_policy_unref(before);
}

unsigned vgw_client_count(const struct vgw_client *c)
{
    return c->active_count + c->waiting_count;
}

static int copy_headers(struct request *r, const char *const *headers, struct vgw_error *err)
{
    for (size_t i = 0; headers && headers[i]; i++) {
        const char *colon = strchr(headers[i], ':');
        if (!colon || colon == headers[i] || strpbrk(headers[i], "\r\n") || i >= 64)
            return vgw_error_set(err, VGW_EINVALID,
                                 "a header is not \"Name: value\" on one line, or there are more than 64");
        /* "Name:" alone would take the header away in the library's language; an empty value is written with ';'. */
        char empty[128];
        const char *line = headers[i];
        if (colon[1 + strspn(colon + 1, " \t")] == '\0') {
            (void)snprintf(empty, sizeof empty, "%.*s;", (int)(colon - line < 120 ? colon - line : 120), line);
            line = empty;
        }
        struct curl_slist *more = vgw_curl.slist_append(r->headers, line);
        if (!more)
            return vgw_error_nomem(err);
        r->headers = more;
    }
    struct curl_slist *more = vgw_curl.slist_append(r->headers, "Expect:");
    if (!more)
        return vgw_error_nomem(err);
    r->headers = more;
    return 0;
}

static bool method_valid(const char *m)
{
    size_t len = strspn(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    return len > 0 && len < 32 && m[len] == '\0';
}

static int fill(struct request *r, const struct vgw_client_request *q, struct vgw_error *err)
{
    const char *method = q->method ? q->method : "GET";
    int rc = vgw_url_parse(q->url, &r->url, err);
    if (rc)
        return rc;
    if (r->url.scheme != VGW_URL_HTTP && r->url.scheme != VGW_URL_HTTPS)
        return vgw_error_set(err, VGW_EINVALID, "a request's URL begins with http:// or https://");
    if (!method_valid(method))
        return vgw_error_set(err, VGW_EINVALID, "the method is not a word of capital letters such as GET");
    rc = vgw_policy_check_url(r->client->policy, &r->url, q->trusted, err);
    if (rc)
        return rc;
    r->method = vgw_strdup(method);
    r->body_len = q->body_len;
    r->body = vgw_calloc(1, q->body_len + 1);
    if (r->body && q->body_len)
        memcpy(r->body, q->body, q->body_len);
    r->username = vgw_strdup(q->username);
    r->password = vgw_strdup(q->password);
    r->sigv4 = vgw_strdup(q->aws_sigv4);
    if (!r->method || !r->body || (q->username && !r->username) || (q->password && !r->password) ||
        (q->aws_sigv4 && !r->sigv4))
        return vgw_error_nomem(err);
    return copy_headers(r, q->headers, err);
}

int vgw_client_send(struct vgw_client *c, const struct vgw_client_request *q, uint64_t *ret_id, struct vgw_error *err)
{
    struct request *r;
    if (c->freeing || (c->active_count >= c->limits.max_requests && c->waiting_count >= c->limits.max_queue))
        return vgw_error_set(err, VGW_ELIMIT, "too many outgoing requests wait already");
    int rc = vgw_curl_load(err);
    if (rc)
        return rc;
    if (!VGW_NEW(r))
        return vgw_error_nomem(err);
    r->client = c;
    rc = fill(r, q, err);
    if (rc) {
        request_free(r);
        return rc;
    }
    r->id = ++c->next_id;
    r->trusted = q->trusted;
    r->once = q->once;
    r->follow = q->follow;
    r->on_done = q->on_done;
    r->on_body = q->on_body;
    r->arg = q->arg;
    r->limit = q->max_body_bytes ? q->max_body_bytes : q->on_body ? 0 : 1u << 20;
    r->connect_timeout_us = q->connect_timeout_us ? q->connect_timeout_us : 5 * VGW_US_PER_S;
    vgw_buf_init(&r->answer, r->limit ? r->limit + 1 : 1u << 20);
    vgw_buf_init(&r->answer_headers, HEADERS_MAX_BYTES);
    vgw_timer_init(&r->timer, c->loop, on_deadline, r);
    (void)vgw_timer_start(&r->timer, q->timeout_us ? q->timeout_us : 15 * VGW_US_PER_S);
    vgw_list_append(&c->waiting, &r->link);
    c->waiting_count++;
    uint64_t id = r->id;
    vgw_metric_add(c->m_pending, 1, NULL, NULL, NULL);
    start_waiting(c);
    if (ret_id)
        *ret_id = id;
    return 0;
}

static struct request *find(struct vgw_list *list, uint64_t id)
{
    struct vgw_list *pos, *next;
    VGW_LIST_EACH (pos, next, list) {
        struct request *r = VGW_CONTAINER_OF(pos, struct request, link);
        if (r->id == id)
            return r;
    }
    return NULL;
}

int vgw_client_cancel(struct vgw_client *c, uint64_t id)
{
    struct request *r = find(&c->active, id);
    if (!r)
        r = find(&c->waiting, id);
    if (!r || r->failure)
        return VGW_ENOTFOUND;
    finish_soon(r, VGW_ETIMEOUT, "cancelled");
    return 0;
}

void vgw_client_free(struct vgw_client *c)
{
    if (!c)
        return;
    c->freeing = true;
    while (!vgw_list_empty(&c->active))
        finish(VGW_CONTAINER_OF(c->active.next, struct request, link), VGW_ENETWORK, "the client is closing");
    while (!vgw_list_empty(&c->waiting))
        finish(VGW_CONTAINER_OF(c->waiting.next, struct request, link), VGW_ENETWORK, "the client is closing");
    if (c->multi)
        vgw_curl.multi_cleanup(c->multi);
    while (!vgw_list_empty(&c->sockets))
        watch_free(VGW_CONTAINER_OF(c->sockets.next, struct watch, link));
    vgw_timer_stop(&c->timer);
    vgw_policy_unref(c->policy);
    vgw_free(c);
}
