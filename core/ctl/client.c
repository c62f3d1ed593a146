/* client.c - HTTP to the gateway by libcurl. */
#include "ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

#define CONNECT_TIMEOUT_S 5L
#define TIMEOUT_S 30L
#define BODY_MAX (64u * 1024 * 1024)
#define LINE_MAX_BYTES (4u * 1024 * 1024)
#define POLL_MS 250

struct vgw_ctl_client {
    struct vgw_ctl_target target;
    char *base;          /* "http://localhost/voice" */
    bool loopback;       /* no proxy leads there */
    char *authorization; /* header line, or NULL */
    long timeout_s;
};

/* ---- the target ---- */

static int read_url(struct vgw_ctl_client *c, const char *text, struct vgw_error *err)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *path = NULL, *plain = NULL;
    bool fits = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
                (vgw_streq(scheme, "http") || vgw_streq(scheme, "https"));
    if (fits) {
        size_t len = strlen(path);
        while (len && path[len - 1] == '/')
            path[--len] = '\0';
        c->loopback = vgw_streq(host, "localhost") || vgw_streq(host, "[::1]") || vgw_starts_with(host, "127.");
        curl_url_set(url, CURLUPART_PATH, len ? path : "/voice", 0);
        curl_url_set(url, CURLUPART_QUERY, NULL, 0);
        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
        if (curl_url_get(url, CURLUPART_URL, &plain, 0) == CURLUE_OK)
            c->base = vgw_strdup(plain);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(path);
    curl_free(plain);
    curl_url_cleanup(url);
    if (!fits)
        return vgw_error_set(
            err, VGW_EINVALID,
            "VOICEGW_URL is no address; it must be as http://127.0.0.1:8080 or https://voice.example.com");
    return c->base ? VGW_OK : vgw_error_nomem(err);
}

static int read_target(struct vgw_ctl_client *c, struct vgw_error *err)
{
    const struct vgw_ctl_target *t = &c->target;
    if (!t->url) {
        c->loopback = true;
        c->base = vgw_strdup("http://localhost/voice");
        return c->base ? VGW_OK : vgw_error_nomem(err);
    }
    int rc = read_url(c, t->url, err);
    if (rc == VGW_OK && t->token && *t->token) {
        struct vgw_buf line;
        if (strpbrk(t->token, "\r\n"))
            return vgw_error_set(err, VGW_EINVALID, "VOICEGW_TOKEN must be one line");
        vgw_buf_init(&line, 0);
        vgw_buf_printf(&line, "Authorization: Bearer %s", t->token);
        c->authorization = vgw_buf_take(&line);
        rc = c->authorization ? VGW_OK : vgw_error_nomem(err);
    }
    return rc;
}

struct vgw_ctl_client *vgw_ctl_client_new(const struct vgw_ctl_target *target, struct vgw_error *err)
{
    struct vgw_ctl_client *c;
    if (!VGW_NEW(c) || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        vgw_error_nomem(err);
        vgw_free(c);
        return NULL;
    }
    c->target = *target;
    c->timeout_s = TIMEOUT_S;
    if (read_target(c, err) == VGW_OK)
        return c;
    vgw_ctl_client_free(c);
    return NULL;
}

void vgw_ctl_client_free(struct vgw_ctl_client *c)
{
    if (!c)
        return;
    vgw_free(c->base);
    vgw_free(c->authorization);
    vgw_free(c);
    curl_global_cleanup();
}

bool vgw_ctl_client_trusted(const struct vgw_ctl_client *c)
{
    return !c->target.url || c->authorization;
}

void vgw_ctl_client_set_timeout(struct vgw_ctl_client *c, long timeout_s)
{
    c->timeout_s = timeout_s;
}

/* ---- sentences ---- */

static const char start_it[] = "start it (systemctl start voicegw, or voicegwd -c FILE)";

static int explain_socket(const char *path, long os_errno, struct vgw_error *err)
{
    if (os_errno == EACCES || os_errno == EPERM)
        return vgw_error_set(err, VGW_ENETWORK,
                             "%s may not be opened; use sudo, or become a member of the group voicegw", path);
    if (os_errno == ECONNREFUSED)
        return vgw_error_set(err, VGW_ENETWORK, "no gateway listens at %s any more; %s", path, start_it);
    return vgw_error_set(
        err, VGW_ENETWORK,
        "there is no gateway at %s; %s, or name the socket of one that runs with --socket or VOICEGW_SOCKET", path,
        start_it);
}

static int explain(const struct vgw_ctl_client *c, CURL *easy, CURLcode code, struct vgw_error *err)
{
    const char *where = c->target.url ? c->target.url : c->target.socket;
    long os_errno = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        if (!c->target.url)
            return explain_socket(where, os_errno, err);
        return vgw_error_set(err, VGW_ENETWORK, "no gateway answers at %s; is it running, and is VOICEGW_URL right?",
                             where);
    case CURLE_COULDNT_RESOLVE_HOST:
        return vgw_error_set(err, VGW_ENETWORK, "the host of %s is not known; correct VOICEGW_URL", where);
    case CURLE_OPERATION_TIMEDOUT:
        return vgw_error_set(err, VGW_ENETWORK,
                             "the gateway at %s did not answer in time; its log and its load may say why", where);
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return vgw_error_set(err, VGW_ENETWORK,
                             "the gateway at %s broke off without an answer; its log says why it ended", where);
    case CURLE_WRITE_ERROR:
        return vgw_error_set(err, VGW_ELIMIT, "the answer is larger than %u MiB; ask for less with --limit",
                             BODY_MAX >> 20);
    default:
        return vgw_error_set(err, VGW_ENETWORK, "the gateway at %s was not reached: %s", where,
                             curl_easy_strerror(code));
    }
}

/* ---- requests ---- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct vgw_buf *body = arg;
    vgw_buf_add(body, data, size * count);
    return body->failed ? 0 : size * count;
}

/* A handle ready for `path`. NULL: out of memory. `*ret_headers` goes with it. */
static CURL *prepare(const struct vgw_ctl_client *c, const char *method, const char *path, const char *json,
                     struct curl_slist **ret_headers)
{
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    struct vgw_buf url;
    vgw_buf_init(&url, 0);
    vgw_buf_printf(&url, "%s%s", c->base, path);
    headers = curl_slist_append(headers, json ? "Content-Type: application/json" : "Content-Type:");
    if (c->authorization)
        headers = curl_slist_append(headers, c->authorization);
    *ret_headers = headers;
    if (easy && !url.failed) {
        curl_easy_setopt(easy, CURLOPT_URL, vgw_buf_str(&url));
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "voicegwctl/" VGW_VERSION);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
        if (c->loopback)
            curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
        if (!c->target.url)
            curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, c->target.socket);
        if (strcmp(method, "GET") != 0)
            curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
        if (json || strcmp(method, "POST") == 0)
            curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, json ? json : "");
    }
    vgw_buf_done(&url);
    return easy;
}

void vgw_ctl_answer_done(struct vgw_ctl_answer *answer)
{
    vgw_free(answer->body);
    vgw_free(answer->link);
    *answer = (struct vgw_ctl_answer){0};
}

static int take_answer(CURL *easy, struct vgw_buf *body, struct vgw_ctl_answer *ret_answer, struct vgw_error *err)
{
    struct vgw_ctl_answer answer = {.len = body->len};
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    answer.http_status = (int)status;
    struct curl_header *link = NULL;
    if (curl_easy_header(easy, "Link", 0, CURLH_HEADER, -1, &link) == CURLHE_OK)
        answer.link = vgw_strdup(link->value);
    answer.body = body->len ? vgw_buf_take(body) : vgw_strdup("");
    if (!answer.body)
        return vgw_error_nomem(err);
    *ret_answer = answer;
    return VGW_OK;
}

int vgw_ctl_client_request(struct vgw_ctl_client *c, const char *method, const char *path, const char *json,
                           struct vgw_ctl_answer *ret_answer, struct vgw_error *err)
{
    struct curl_slist *headers;
    struct vgw_buf body;
    CURL *easy = prepare(c, method, path, json, &headers);
    int rc;
    vgw_buf_init(&body, BODY_MAX);
    if (!easy) {
        rc = vgw_error_nomem(err);
        goto out;
    }
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, c->timeout_s);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(easy);
    rc = code == CURLE_OK ? take_answer(easy, &body, ret_answer, err) : explain(c, easy, code, err);
out:
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    vgw_buf_done(&body);
    return rc;
}

/* ---- streams ---- */

struct stream {
    CURL *easy;
    struct vgw_buf text; /* the unfinished line; or the body of an answer other than 200 */
    vgw_ctl_line_fn *fn;
    void *arg;
    bool enough, came;
};

static size_t on_stream(char *data, size_t size, size_t count, void *arg)
{
    struct stream *s = arg;
    size_t len = size * count;
    long status = 0;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    s->came = true;
    vgw_buf_add(&s->text, data, len);
    if (s->text.failed)
        return 0;
    while (status == 200 && !s->enough && s->text.len) {
        char *end = memchr(s->text.data, '\n', s->text.len);
        if (!end)
            break;
        *end = '\0';
        if (end > s->text.data && end[-1] == '\r')
            end[-1] = '\0';
        s->enough = !s->fn(s->arg, s->text.data);
        vgw_buf_consume(&s->text, (size_t)(end - s->text.data) + 1);
    }
    return s->enough ? 0 : len;
}

/* Drives the transfer; true: it ended by itself, with *ret_code. */
static bool drive(CURLM *multi, struct stream *s, int idle_ms, CURLcode *ret_code)
{
    int running = 1, left, idle = 0;
    while (!s->enough) {
        s->came = false;
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        const CURLMsg *message = running ? NULL : curl_multi_info_read(multi, &left);
        if (!running) {
            *ret_code = message ? message->data.result : CURLE_RECV_ERROR;
            return true;
        }
        long status = 0;
        curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        /* the clock of silence starts with the answer's head: connecting has a limit of its own */
        idle = s->came || !status ? 0 : idle;
        if (idle_ms && idle >= idle_ms)
            break;
        int events = 0;
        if (curl_multi_poll(multi, NULL, 0, POLL_MS, &events) != CURLM_OK)
            break;
        idle += events ? 0 : POLL_MS;
    }
    return false;
}

int vgw_ctl_client_stream(struct vgw_ctl_client *c, const char *path, int idle_ms, vgw_ctl_line_fn *fn, void *arg,
                          struct vgw_ctl_answer *ret_answer, struct vgw_error *err)
{
    struct curl_slist *headers;
    struct stream s = {.easy = prepare(c, "GET", path, NULL, &headers), .fn = fn, .arg = arg};
    CURLM *multi = curl_multi_init();
    CURLcode code = CURLE_OK;
    long status = 0;
    int rc = VGW_OK;
    *ret_answer = (struct vgw_ctl_answer){0};
    vgw_buf_init(&s.text, LINE_MAX_BYTES);
    if (!s.easy || !multi) {
        rc = vgw_error_nomem(err);
        goto out;
    }
    curl_easy_setopt(s.easy, CURLOPT_WRITEFUNCTION, on_stream);
    curl_easy_setopt(s.easy, CURLOPT_WRITEDATA, &s);
    curl_multi_add_handle(multi, s.easy);
    bool ended = drive(multi, &s, idle_ms, &code);
    curl_easy_getinfo(s.easy, CURLINFO_RESPONSE_CODE, &status);
    if (ended && code != CURLE_OK && !s.enough)
        rc = explain(c, s.easy, code, err);
    else if (status && status != 200)
        rc = take_answer(s.easy, &s.text, ret_answer, err);
    curl_multi_remove_handle(multi, s.easy);
out:
    curl_slist_free_all(headers);
    curl_easy_cleanup(s.easy);
    curl_multi_cleanup(multi);
    vgw_buf_done(&s.text);
    return rc;
}
