/* recording.c - recordings that a provider made: fetched into our own storage by the gateway's HTTP client, one after
 * another, within bounds of size, time and tries; then they stand in the record under our own address. */
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/archive.h"
#include "gateway/gateway_private.h"
#include "media/sound_file.h"
#include "store/record.h"
#include "store/store.h"

#define WAITING_MAX 1000
#define TRIES_MAX 6
#define BACKOFF_US (2 * VGW_US_PER_S)
#define FETCH_US (120 * VGW_US_PER_S)

struct vgw_recording {
    struct vgw_list link;
    struct vgw_gateway *g;
    struct vgw_timer timer;
    struct vgw_job job;
    uint64_t number;
    unsigned tries;
    bool running; /* a request or a job is under way */
    bool trusted;
    double duration_s;
    char id[VGW_ID_MAX];
    const struct vgw_sound_format *format;
    char *url, *username, *password, *path, *project_id;
    struct vgw_json *call;
    struct vgw_buf body;
    int error;
};

static void next_start(struct vgw_gateway *g);

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    vgw_free(secret);
}

static void recording_free(struct vgw_recording *r)
{
    vgw_timer_stop(&r->timer);
    vgw_list_remove(&r->link);
    vgw_free(r->url);
    wipe(r->username);
    wipe(r->password);
    vgw_free(r->path);
    vgw_free(r->project_id);
    vgw_json_free(r->call);
    vgw_buf_done(&r->body);
    vgw_free(r);
}

static const char *text(const struct vgw_recording *r, const char *key)
{
    return vgw_json_get_string(r->call, key, NULL);
}

static void count(const char *result)
{
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_recordings_fetched_total",
                                     "Recordings of providers that were to be fetched", "result"),
                   1, result, NULL, NULL);
}

static void given_up(struct vgw_recording *r, const char *sentence)
{
    struct vgw_gateway *g = r->g;
    struct vgw_log_scope scope = {
        .session = text(r, "session_id"), .call = text(r, "call_id"), .provider = text(r, "provider")};
    vgw_log(VGW_LOG_WARNING, &scope, "a provider's recording could not be fetched; it is still there", "recording_id",
            r->id, "error", sentence, NULL);
    count("failed");
    recording_free(r);
    next_start(g);
}

static void again(struct vgw_recording *r, bool may, const char *sentence)
{
    int64_t wait_us = BACKOFF_US << (r->tries < 6 ? r->tries - 1 : 5);
    struct vgw_gateway *g = r->g;
    r->running = false;
    vgw_buf_done(&r->body);
    r->body = (struct vgw_buf){0};
    if (!may || r->tries >= TRIES_MAX || vgw_timer_start(&r->timer, wait_us) < 0)
        given_up(r, sentence);
    else
        next_start(g);
}

/* ---- into the record ---- */

static void put_rows(struct vgw_recording *r, const char *url)
{
    struct vgw_gateway *g = r->g;
    struct vgw_record_recording row;
    struct vgw_record_session session;
    vgw_record_recording_init(&row, r->id);
    row.session_id = text(r, "session_id");
    row.call_id = text(r, "call_id");
    row.project_id = r->project_id;
    row.provider = text(r, "provider");
    row.status = "stopped";
    row.url = url;
    row.path = r->path;
    row.format = r->format->name;
    row.bytes = (int64_t)r->body.len;
    if (r->duration_s >= 0)
        row.duration = r->duration_s;
    row.stopped_us = vgw_wall(g->loop);
    struct vgw_session *live = vgw_calls_session_find(g->calls, row.session_id);
    if (live)
        vgw_session_recorded(live, url);
    if (!g->store)
        return;
    vgw_store_write(g->store, vgw_record_recording_op(&row), VGW_STORE_JOURNALLED, NULL);
    vgw_record_session_init(&session, row.session_id);
    session.recording_url = url;
    vgw_store_write(g->store, vgw_record_session_op(&session), VGW_STORE_JOURNALLED, NULL);
}

static void file_written(void *arg)
{
    struct vgw_recording *r = arg;
    struct vgw_gateway *g = r->g;
    struct vgw_buf url = {0};
    if (g->ending) {
        recording_free(r);
        return;
    }
    if (r->error) {
        again(r, true, "the file could not be written; is the folder of recordings writable and not full?");
        return;
    }
    vgw_buf_printf(&url, "%s%s/recordings/%s", g->plan->public_url, vgw_options_string(g->plan->main, "http.prefix"),
                   r->id);
    put_rows(r, vgw_buf_str(&url));
    vgw_archive_store(g->archive, strrchr(r->path, '/') + 1);
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "recording_id", r->id);
    vgw_json_set_string(data, "url", vgw_buf_str(&url));
    if (r->duration_s >= 0)
        vgw_json_set_double(data, "duration", r->duration_s);
    struct vgw_event_about about = {.session_id = text(r, "session_id"),
                                    .call_id = text(r, "call_id"),
                                    .provider_call_id = text(r, "provider_call_id"),
                                    .provider = text(r, "provider"),
                                    .plugin = text(r, "plugin"),
                                    .project_id = r->project_id};
    vgw_bus_publish(g->bus, vgw_event_new("recording_available", &about, data, 0));
    count("stored");
    vgw_buf_done(&url);
    recording_free(r);
    next_start(g);
}

static void file_write(void *arg)
{
    struct vgw_recording *r = arg;
    r->error = vgw_gateway_file_write(r->path, r->number, &r->body);
}

/* ---- fetching ---- */

static bool make_path(struct vgw_recording *r)
{
    struct vgw_buf path = {0};
    vgw_buf_printf(&path, "%s/%s.%s", vgw_options_string(r->g->plan->main, "recordings.path"), r->id, r->format->name);
    vgw_free(r->path);
    return (r->path = vgw_buf_take(&path)) != NULL;
}

/* Below the vendor's own address its own key opens the door, unless the address brought credentials. */
static const char *key_line(const struct vgw_recording *r, struct vgw_buf *line)
{
    const struct vgw_recipe *recipe = vgw_plan_recipe(r->g->plan, "providers", text(r, "provider"));
    bool has = recipe && recipe->options && vgw_option_find(vgw_options_table(recipe->options), "api_key");
    const struct vgw_secret *key = has ? vgw_options_secret(recipe->options, "api_key") : NULL;
    if (!r->trusted || r->username || !key)
        return NULL;
    vgw_buf_printf(line, "Authorization: Bearer %s", vgw_secret_reveal(key));
    return vgw_buf_str(line);
}

static void on_done(void *arg, const struct vgw_client_result *result)
{
    struct vgw_recording *r = arg;
    struct vgw_buf why = {0};
    int code = result->http_status;
    if (r->g->ending) {
        recording_free(r);
        return;
    }
    if (result->status < 0) {
        again(r, result->status != VGW_EINVALID && result->status != VGW_ELIMIT, result->sentence);
        return;
    }
    if (code < 200 || code > 299) {
        /* 404: vendors tell of a recording a moment before it can be had. */
        vgw_buf_printf(&why, "the server answered %d", code);
        again(r, code == 404 || code == 408 || code == 429 || code >= 500, vgw_buf_str(&why));
        vgw_buf_done(&why);
        return;
    }
    r->format = vgw_sound_format_of(result->body, result->body_len);
    if (!r->format || !make_path(r)) {
        again(r, false, r->format ? "out of memory" : "what came is no WAV, MP3 or Ogg file");
        return;
    }
    vgw_buf_init(&r->body, result->body_len + 1);
    vgw_buf_add(&r->body, result->body, result->body_len);
    r->job =
        (struct vgw_job){.work = file_write, .done = file_written, .arg = r, .home = r->g->loop, .lane = VGW_LANE_IO};
    if (r->body.failed || vgw_pool_submit(r->g->pool, &r->job) < 0)
        again(r, true, "the gateway has no room for this recording now");
}

static void fetch(struct vgw_recording *r)
{
    struct vgw_gateway *g = r->g;
    struct vgw_client *client = vgw_gateway_client_of(g, g->loop);
    struct vgw_error err = {0};
    struct vgw_buf line = {0};
    const char *const headers[] = {key_line(r, &line), NULL};
    struct vgw_client_request request = {.url = r->url,
                                         .headers = headers,
                                         .username = r->username,
                                         .password = r->password,
                                         .timeout_us = FETCH_US,
                                         .max_body_bytes = vgw_options_size(g->plan->main, "recordings.fetch_max_size"),
                                         .trusted = r->trusted,
                                         .follow = true,
                                         .on_done = on_done,
                                         .arg = r};
    r->tries++;
    r->running = true;
    int rc = client ? vgw_client_send(client, &request, NULL, &err)
                    : vgw_error_set(&err, VGW_ELIMIT, "there is no HTTP client");
    if (line.data)
        explicit_bzero(line.data, line.len);
    vgw_buf_done(&line);
    if (rc < 0)
        again(r, rc == VGW_ELIMIT, err.text);
}

/* One at a time: a recording is large, and none is in a hurry. */
static void next_start(struct vgw_gateway *g)
{
    struct vgw_list *at, *after;
    struct vgw_recording *next = NULL;
    VGW_LIST_EACH (at, after, &g->recordings) {
        struct vgw_recording *r = VGW_CONTAINER_OF(at, struct vgw_recording, link);
        if (r->running)
            return;
        if (!next && !vgw_timer_armed(&r->timer))
            next = r;
    }
    if (next && !g->ending)
        fetch(next);
}

static void on_timer(void *arg)
{
    next_start(((struct vgw_recording *)arg)->g);
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* In place; what is no escape stays as it is. */
static void percent_decode(char *s)
{
    char *to = s;
    for (; *s; s++) {
        int high = *s == '%' ? hex_of(s[1]) : -1, low = high >= 0 ? hex_of(s[2]) : -1;
        if (low >= 0 && (high || low)) {
            *to++ = (char)(high * 16 + low);
            s += 2;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
}

/* "https://user:pass@host/x": the address without them, and the two, percent-decoded. False: out of memory. */
static bool take_credentials(struct vgw_recording *r, const char *url)
{
    const char *host = strstr(url, "://"), *end = host ? host + 3 + strcspn(host + 3, "/?#") : NULL, *at = NULL;
    struct vgw_buf bare = {0};
    for (const char *p = host ? host + 3 : NULL; p && p < end; p++)
        at = *p == '@' ? p : at;
    if (!at) {
        r->url = vgw_strdup(url);
        return r->url != NULL;
    }
    const char *user = host + 3, *colon = memchr(user, ':', (size_t)(at - user));
    size_t user_len = (size_t)((colon ? colon : at) - user);
    r->username = vgw_strndup(user, user_len);
    r->password = colon ? vgw_strndup(colon + 1, (size_t)(at - colon - 1)) : vgw_strdup("");
    vgw_buf_add(&bare, url, (size_t)(user - url));
    vgw_buf_adds(&bare, at + 1);
    r->url = vgw_buf_take(&bare);
    if (!r->url || !r->username || !r->password)
        return false;
    percent_decode(r->username);
    percent_decode(r->password);
    return true;
}

/* What stands below the address that the operator wrote for this vendor is as trusted as that. */
static bool trusted(struct vgw_gateway *g, const char *provider, const char *url)
{
    const struct vgw_recipe *recipe = vgw_plan_recipe(g->plan, "providers", provider);
    const char *base = recipe && recipe->options && vgw_option_find(vgw_options_table(recipe->options), "base_url")
                           ? vgw_options_string(recipe->options, "base_url")
                           : NULL;
    size_t n = base ? strlen(base) : 0;
    while (n && base[n - 1] == '/')
        n--;
    return n && strncmp(url, base, n) == 0 && (url[n] == '/' || url[n] == '?');
}

static bool id_fits(const char *id)
{
    size_t n = id ? strlen(id) : 0;
    return n && n < VGW_ID_MAX && id[0] != '.' &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static bool known(const struct vgw_gateway *g, const char *id, size_t *ret_count)
{
    struct vgw_list *at, *next;
    *ret_count = 0;
    VGW_LIST_EACH (at, next, (struct vgw_list *)(uintptr_t)&g->recordings) {
        ++*ret_count;
        if (vgw_streq(VGW_CONTAINER_OF(at, struct vgw_recording, link)->id, id))
            return true;
    }
    return false;
}

void vgw_gateway_recording_available(void *arg, const struct vgw_host_recording *what)
{
    static uint64_t last; /* control only */
    struct vgw_gateway *g = arg;
    struct vgw_recording *r;
    size_t waiting;
    if (!id_fits(what->id) || !what->url || !what->url[0] || known(g, what->id, &waiting) || waiting >= WAITING_MAX ||
        !VGW_NEW(r)) {
        vgw_metric_dropped("recording");
        return;
    }
    r->g = g;
    r->number = ++last;
    r->duration_s = what->duration_s;
    vgw_strcopy(r->id, sizeof r->id, what->id);
    r->project_id = vgw_strdup(what->project_id);
    r->call = vgw_json_copy(what->call);
    vgw_timer_init(&r->timer, g->loop, on_timer, r);
    vgw_list_append(&g->recordings, &r->link);
    if (!r->call || !take_credentials(r, what->url)) {
        recording_free(r);
        vgw_metric_dropped("recording");
        return;
    }
    r->trusted = trusted(g, text(r, "provider"), r->url);
    next_start(g);
}

void vgw_gateway_recordings_close(struct vgw_gateway *g)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->recordings) {
        struct vgw_recording *r = VGW_CONTAINER_OF(at, struct vgw_recording, link);
        if (!r->running) /* else its request or job tells its end */
            recording_free(r);
    }
}
