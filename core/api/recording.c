/* recording.c - a recording's audio: whole, a range of bytes, or the cut of a turn. Read piece by piece on the io lane.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/inside.h"
#include "api/range.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "media/sound_file.h"
#include "media/wav.h"

#define PIECE (256 * 1024)
#define WHOLE_MAX (4 * 1024 * 1024) /* an answer up to this size is sent with its length */

/* One transfer. A job reads the next piece; what it brought is sent; then the next. */
struct download {
    struct vgw_list link;
    struct vgw_api *api;
    uint64_t exchange;
    struct vgw_job job;
    char *path, *range; /* path: without its ending, unless it was fetched */
    char *id;
    const struct vgw_sound_format *format;
    double from_s, to_s; /* cut, in seconds; negative: none */
    int fd;
    uint8_t header[VGW_WAV_HEADER_MAX];
    size_t header_bytes;
    uint64_t file_bytes; /* of the file */
    uint64_t offset, left;
    uint64_t first, total; /* the range that is sent, of how many octets */
    int http_status;
    char sentence[160];
    char *data;
    size_t data_len;
    bool busy, streaming, gone;
    bool absent, fetched; /* the file is not here; it was brought here for this alone */
};

static void download_free(struct download *d)
{
    vgw_list_remove(&d->link);
    if (d->fd >= 0)
        close(d->fd);
    vgw_free(d->path);
    vgw_free(d->id);
    vgw_free(d->range);
    vgw_free(d->data);
    vgw_free(d);
}

static bool refuse_job(struct download *d, int http_status, const char *sentence)
{
    d->http_status = http_status;
    vgw_strcopy(d->sentence, sizeof d->sentence, sentence);
    return false;
}

/* ---- on the io lane ---- */

static bool cut(struct download *d)
{
    struct vgw_wav wav;
    struct vgw_error err = {0};
    if (d->format != &vgw_sound_formats[0])
        return refuse_job(d, 416, "parts are cut out of WAV recordings only");
    char *head = vgw_calloc(1, VGW_WAV_HEAD_BYTES);
    ssize_t n = head ? pread(d->fd, head, VGW_WAV_HEAD_BYTES, 0) : -1;
    bool fits = n > 0 && vgw_wav_parse(head, (size_t)n, d->file_bytes, &wav, &err) == VGW_OK;
    vgw_free(head);
    if (!fits)
        return refuse_job(d, 500, err.text[0] ? err.text : "the recording cannot be read");
    uint64_t from = d->from_s > 0 ? (uint64_t)(d->from_s * wav.rate_hz) : 0;
    uint64_t to = d->to_s >= 0 && d->to_s < 1e7 ? (uint64_t)(d->to_s * wav.rate_hz) : wav.samples;
    if (vgw_wav_cut(&wav, from, to, &d->offset, &d->left, d->header, &d->header_bytes, &err) != VGW_OK)
        return refuse_job(d, 416, err.text);
    return true;
}

/* Narrows what is sent to the range that was asked for. The header of a cut counts as its first octets. */
static bool narrow(struct download *d)
{
    uint64_t first = 0, last = 0;
    d->total = d->header_bytes + d->left;
    d->http_status = 200;
    if (!d->range)
        return true;
    int found = vgw_range_parse(d->range, d->total, &first, &last);
    if (found == 0)
        return true;
    if (found < 0)
        return refuse_job(d, 416, "the range lies outside of the recording");
    uint64_t len = last - first + 1;
    d->first = first;
    d->http_status = 206;
    if (first >= d->header_bytes) {
        d->offset += first - d->header_bytes;
        d->left = len;
        d->header_bytes = 0;
        return true;
    }
    size_t of_header = d->header_bytes - (size_t)first;
    of_header = of_header < len ? of_header : (size_t)len;
    memmove(d->header, d->header + first, of_header);
    d->header_bytes = of_header;
    d->left = len - of_header;
    return true;
}

/* What a provider made has the format that it came in. */
static int open_any(struct download *d)
{
    char path[4096];
    for (size_t i = 0; i < VGW_SOUND_FORMATS; i++) {
        d->format = &vgw_sound_formats[i];
        int n = snprintf(path, sizeof path, "%s.%s", d->path, d->format->name);
        int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
        if (fd >= 0 || errno != ENOENT)
            return fd;
    }
    return -1;
}

static bool open_file(struct download *d)
{
    struct stat st;
    d->fd = d->fetched ? open(d->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : open_any(d);
    d->absent = d->fd < 0 && errno == ENOENT && !d->fetched;
    if (d->fetched)
        unlink(d->path);
    if (d->fd < 0 || fstat(d->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return refuse_job(d, d->fd < 0 && errno == ENOENT ? 404 : 500,
                          d->fd < 0 && errno == ENOENT ? "there is no such recording" : "the recording cannot be read");
    d->file_bytes = (uint64_t)st.st_size;
    d->left = d->file_bytes;
    d->http_status = 0;
    d->sentence[0] = '\0';
    if ((d->from_s >= 0 || d->to_s >= 0) && !cut(d))
        return false;
    return narrow(d);
}

static void work(void *arg)
{
    struct download *d = arg;
    if (d->fd < 0 && !open_file(d))
        return;
    uint64_t whole = d->header_bytes + d->left;
    size_t want = whole <= WHOLE_MAX && !d->streaming ? (size_t)d->left : d->left < PIECE ? (size_t)d->left : PIECE;
    vgw_free(d->data);
    d->data_len = 0;
    if (!(d->data = vgw_calloc(1, d->header_bytes + want + 1))) {
        refuse_job(d, 503, "out of memory; try again in a moment");
        return;
    }
    memcpy(d->data, d->header, d->header_bytes);
    d->data_len = d->header_bytes;
    d->header_bytes = 0;
    while (want) {
        ssize_t n = pread(d->fd, d->data + d->data_len, want, (off_t)d->offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            refuse_job(d, 500, "the recording ends too early");
            return;
        }
        d->data_len += (size_t)n;
        d->offset += (uint64_t)n;
        d->left -= (uint64_t)n;
        want -= (size_t)n;
    }
}

/* ---- on control ---- */

static void on_drained(void *arg, uint64_t exchange)
{
    struct download *d = arg;
    if (d->busy || !d->left)
        return;
    d->busy = vgw_pool_submit(d->api->env.pool, &d->job) == VGW_OK;
    if (d->busy)
        return;
    vgw_front_stream_abort(d->api->front, exchange);
    download_free(d);
}

static void on_closed(void *arg, uint64_t exchange)
{
    struct download *d = arg;
    d->gone = true;
    if (!d->busy)
        download_free(d);
}

/* The first piece: with the head; true when more is to follow. */
static bool begin(struct download *d)
{
    char range[96];
    snprintf(range, sizeof range, "Content-Range: bytes %llu-%llu/%llu", (unsigned long long)d->first,
             (unsigned long long)(d->first + d->data_len + d->left - 1), (unsigned long long)d->total);
    const char *lines[] = {"Accept-Ranges: bytes", "Cache-Control: private, no-store",
                           d->http_status == 206 ? range : NULL, NULL};
    struct vgw_http_response response = {.status = d->http_status,
                                         .content_type = d->format->content_type,
                                         .headers = lines,
                                         .body = d->data,
                                         .body_len = d->data_len};
    struct vgw_front_stream stream = {.on_drained = on_drained, .on_closed = on_closed, .arg = d};
    if (!d->left) {
        vgw_front_reply(d->api->front, d->exchange, &response);
        return false;
    }
    int status = vgw_front_stream(d->api->front, d->exchange, &response, &stream);
    if (status == VGW_ELIMIT)
        vgw_api_refuse(d->api, d->exchange, 503, "too many answers are being sent; try again in a moment", NULL);
    d->streaming = status == VGW_OK;
    return d->streaming;
}

static bool go_on(struct download *d)
{
    if (vgw_front_stream_write(d->api->front, d->exchange, d->data, d->data_len) != VGW_OK) {
        vgw_front_stream_abort(d->api->front, d->exchange);
        return false;
    }
    if (d->left)
        return true;
    vgw_front_stream_end(d->api->front, d->exchange);
    return false;
}

/* ---- recordings that are elsewhere ---- */

static void on_fetched(void *arg, int status, const char *sentence, const char *path)
{
    struct download *d = arg;
    d->busy = false;
    if (status == 0 && d->gone)
        unlink(path);
    if (status == 0 && !d->gone) {
        vgw_free(d->path);
        d->path = vgw_strdup(path);
        d->fetched = true;
        d->busy = d->path && vgw_pool_submit(d->api->env.pool, &d->job) == VGW_OK;
        if (d->busy)
            return;
        unlink(path);
    }
    if (!d->gone)
        vgw_api_refuse(d->api, d->exchange, status == VGW_ENOTFOUND ? 404 : 503,
                       status < 0 ? sentence : "too many files are being read; try again in a moment", NULL);
    download_free(d);
}

static void redirect(struct download *d, const char *url)
{
    struct vgw_buf line = {0};
    vgw_buf_printf(&line, "Location: %s", url);
    const char *lines[] = {vgw_buf_str(&line), "Cache-Control: private, no-store", NULL};
    struct vgw_http_response response = {
        .status = 307, .content_type = "text/plain", .headers = lines, .body = "", .body_len = 0};
    vgw_front_reply(d->api->front, d->exchange, &response);
    vgw_buf_done(&line);
    download_free(d);
}

/* It is known, so it is in the bucket, or on its way from there to nowhere. */
static void bring(struct download *d)
{
    const struct vgw_api_env *env = &d->api->env;
    char *url = NULL;
    char name[VGW_ID_MAX + 16];
    snprintf(name, sizeof name, "%s.%s", d->id, d->format->name);
    int rc = env->recording_address(env->arg, name, &url);
    bool whole = d->from_s < 0 && d->to_s < 0;
    if (rc == 0 && whole && url) {
        redirect(d, url);
        vgw_free(url);
        return;
    }
    vgw_free(url);
    d->busy = true;
    if (env->recording_fetch(env->arg, name, on_fetched, d) == 0)
        return;
    d->busy = false;
    vgw_api_refuse(d->api, d->exchange, 503, "the recording cannot be fetched from its storage now", NULL);
    download_free(d);
}

static void on_known(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct download *d = arg;
    bool known = status == 0 && vgw_json_count(rows) > 0;
    const char *format = vgw_json_get_string(vgw_json_at(rows, 0), "format", "");
    d->format = &vgw_sound_formats[0];
    for (size_t i = 0; known && i < VGW_SOUND_FORMATS; i++)
        if (vgw_streq(format, vgw_sound_formats[i].name))
            d->format = &vgw_sound_formats[i];
    vgw_json_free(rows);
    d->busy = false;
    if (!d->gone && known) {
        bring(d);
        return;
    }
    if (!d->gone)
        vgw_api_refuse(d->api, d->exchange, status < 0 ? 503 : 404,
                       status < 0 ? "the store cannot be asked for the recording now" : "there is no such recording",
                       NULL);
    download_free(d);
}

static bool elsewhere(struct download *d)
{
    const struct vgw_api_env *env = &d->api->env;
    char *url = NULL;
    if (!d->absent || !env->recording_address || env->recording_address(env->arg, d->id, &url) == VGW_ENOTFOUND)
        return false;
    vgw_free(url);
    d->absent = false;
    d->sentence[0] = '\0';
    if (!env->store_query) {
        d->format = &vgw_sound_formats[0];
        bring(d);
        return true;
    }
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "recording_id", d->id);
    d->busy = true;
    env->store_query(env->arg, "recordings", filter, 1, NULL, on_known, d);
    return true;
}

static void done(void *arg)
{
    struct download *d = arg;
    bool more = false;
    d->busy = false;
    if (!d->gone && elsewhere(d))
        return;
    if (d->gone) {
        download_free(d);
        return;
    }
    if (d->sentence[0] && d->streaming) {
        vgw_front_stream_abort(d->api->front, d->exchange);
    } else if (d->sentence[0]) {
        char header[64];
        snprintf(header, sizeof header, "Content-Range: bytes */%llu", (unsigned long long)d->total);
        vgw_api_refuse(d->api, d->exchange, d->http_status, d->sentence, d->http_status == 416 ? header : NULL);
    } else {
        more = d->streaming ? go_on(d) : begin(d);
    }
    if (!more)
        download_free(d);
}

void vgw_api_downloads_end(struct vgw_api *api)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &api->downloads) {
        struct download *d = VGW_CONTAINER_OF(p, struct download, link);
        if (d->streaming && !d->gone)
            vgw_front_stream_abort(api->front, d->exchange);
        d->gone = true;
        vgw_list_remove(&d->link);
        if (!d->busy)
            download_free(d);
    }
}

/* ---- the request ---- */

static double seconds_param(const struct vgw_api_request *r, const char *name, bool *fits)
{
    char *text = vgw_api_param(r, name);
    double value = -1;
    if (text && (!vgw_parse_double(text, &value) || value < 0))
        *fits = false;
    vgw_free(text);
    return value;
}

static bool id_fits(const char *id)
{
    size_t len = strlen(id);
    for (const char *p = id; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (!plain && *p != '-' && *p != '_' && (*p != '.' || p == id))
            return false;
    }
    return len > 0 && len < 128;
}

static bool signature_fits(struct vgw_api_request *r)
{
    char *signature = vgw_api_param(r, "signature"), *expires = vgw_api_param(r, "expires");
    int64_t expires_s = 0;
    bool fits = signature && expires && vgw_parse_i64(expires, &expires_s) &&
                vgw_recording_verify(r->api->sign_key, r->id[0], expires_s, signature, vgw_wall(r->api->env.loop));
    vgw_free(signature);
    vgw_free(expires);
    return fits;
}

static void start(struct vgw_api_request *r)
{
    struct download *d = r->state;
    struct vgw_api *api = r->api;
    r->state = NULL;
    d->busy = vgw_pool_submit(api->env.pool, &d->job) == VGW_OK;
    if (d->busy) {
        vgw_api_request_free(r);
        return;
    }
    download_free(d);
    vgw_api_fail(r, VGW_ELIMIT, NULL, "too many files are being read; try again in a moment");
}

static void on_row(void *arg, int status, const char *sentence, struct vgw_json *rows)
{
    struct vgw_api_request *r = arg;
    const struct vgw_json *row = vgw_json_at(rows, 0);
    if (status != VGW_OK)
        vgw_api_fail(r, status, NULL, sentence);
    else if (!row || !vgw_api_may_see_row(r, row))
        vgw_api_not_found(r, "recording", r->id[0]);
    else
        start(r);
    vgw_json_free(rows);
}

static void state_free(void *state)
{
    if (state)
        download_free(state);
}

/* A token that is narrowed to projects sees a recording by the session that it belongs to. */
static void check_project(struct vgw_api_request *r)
{
    for (struct vgw_session *s = vgw_calls_session_next(r->api->env.calls, NULL); s;
         s = vgw_calls_session_next(r->api->env.calls, s)) {
        if (s->recording_url && strstr(s->recording_url, r->id[0])) {
            if (vgw_api_may_see(r, s->project_id))
                start(r);
            else
                vgw_api_not_found(r, "recording", r->id[0]);
            return;
        }
    }
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_string(filter, "recording_id", r->id[0]);
    vgw_api_query(r, "recordings", filter, 1, NULL, on_row);
}

void vgw_api_recording(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct download *d;
    struct vgw_buf path;
    bool fits = true;
    if (!r->grant && !signature_fits(r)) {
        vgw_api_problem(r, 403, "this address is not signed rightly, or has expired", NULL);
        return;
    }
    char *id = r->id[0];
    if (vgw_sound_file_named(id))
        id[strlen(id) - 4] = '\0';
    double from_s = seconds_param(r, "from", &fits), to_s = seconds_param(r, "to", &fits);
    if (!fits || !id_fits(id) || !r->api->env.pool) {
        if (!fits)
            vgw_api_fail(r, VGW_EINVALID, "from", "from and to must be seconds, as in from=1.5&to=3");
        else
            vgw_api_not_found(r, "recording", id);
        return;
    }
    if (!VGW_NEW(d)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    *d = (struct download){.api = r->api, .exchange = r->exchange, .fd = -1, .from_s = from_s, .to_s = to_s};
    d->job = (struct vgw_job){.work = work, .done = done, .arg = d, .home = r->api->env.loop, .lane = VGW_LANE_IO};
    vgw_list_append(&r->api->downloads, &d->link);
    r->state = d;
    r->state_free = state_free;
    vgw_buf_init(&path, 8192);
    vgw_buf_printf(&path, "%s/%s", vgw_api_config_now(r->api)->recordings, id);
    d->path = vgw_buf_take(&path);
    d->id = vgw_strdup(id);
    const char *range = vgw_http_header(http, "Range");
    d->range = vgw_strdup(range);
    if (!d->path || !d->id || (range && !d->range))
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
    else if (r->grant && r->grant->projects && r->api->env.store_query)
        check_project(r);
    else
        start(r);
}
