/* events.c - the event feed. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

#define QUIET_MS 500 /* without --follow: so long a silence means that all that is kept has been shown */
#define RETRY_MS 1000
#define RETRIES_MAX 60

struct feed {
    const struct vgw_ctl *ctl;
    char last_id[32]; /* of the event seen last, "" before the first */
    bool follow;
    bool was_there; /* the gateway has answered once */
    int tries;      /* attempts since it answered last */
};

static void print_event(const struct vgw_json *event)
{
    struct vgw_buf text, cell;
    const char *key;
    struct vgw_json *v;
    const char *call = vgw_json_get_string(event, "call_id", NULL);
    vgw_buf_init(&text, 0);
    vgw_buf_init(&cell, 0);
    vgw_ctl_time_write(&text, vgw_json_get_string(event, "time", "-"));
    vgw_ctl_text_write(&cell, vgw_json_get_string(event, "type", "-"));
    vgw_buf_printf(&text, "  %-26s  ", vgw_buf_str(&cell));
    vgw_ctl_text_write(&text, call ? call : vgw_json_get_string(event, "session_id", "-"));
    for (size_t i = 0; vgw_json_object_next(vgw_json_get(event, "data"), &i, &key, &v);) {
        if (!v)
            continue;
        vgw_buf_reset(&cell);
        vgw_ctl_cell_write(&cell, v, VGW_CTL_PLAIN);
        vgw_buf_addc(&text, ' ');
        vgw_ctl_text_write(&text, key);
        vgw_buf_addc(&text, '=');
        vgw_kv_escape(&text, vgw_buf_str(&cell));
    }
    vgw_buf_printf(&text, " id=%lld\n", (long long)vgw_json_get_int(event, "id", 0));
    vgw_buf_done(&cell);
    vgw_ctl_print(&text);
}

/* One line of the stream (HTML, "Server-sent events"): only `data:` lines matter, each of which is a whole envelope.
 * False: nobody reads what is printed any more. */
static bool on_line(void *arg, const char *line)
{
    struct feed *feed = arg;
    struct vgw_json *event = NULL;
    feed->was_there = true;
    feed->tries = 0;
    if (!vgw_starts_with(line, "data:"))
        return true;
    line += 5 + (line[5] == ' ');
    if (vgw_json_parse(line, strlen(line), &event, NULL) != VGW_OK)
        return true;
    snprintf(feed->last_id, sizeof feed->last_id, "%lld", (long long)vgw_json_get_int(event, "id", 0));
    if (feed->ctl->json)
        puts(line);
    else
        print_event(event);
    vgw_json_free(event);
    return fflush(stdout) == 0;
}

/* Where the feed is to be read: after the event seen last, or as --since says; without --follow from the oldest. */
static char *feed_path(const struct feed *feed)
{
    struct vgw_buf path;
    const char *since = vgw_ctl_args_value(&feed->ctl->args, "since");
    const char *from = feed->last_id[0] ? feed->last_id : since ? since : feed->follow ? NULL : "0";
    vgw_buf_init(&path, 0);
    vgw_buf_adds(&path, "/events");
    vgw_ctl_args_to_query(&feed->ctl->args, &path);
    if (from) {
        vgw_buf_addc(&path, path.data && strchr(path.data, '?') ? '&' : '?');
        vgw_buf_adds(&path, "since=");
        vgw_url_encode(&path, from);
    }
    return vgw_buf_take(&path);
}

/* What is to be done when the stream has ended: go on at once, after a while, or not. */
enum next { NEXT_END, NEXT_AGAIN, NEXT_LATER };

static enum next decide(struct feed *feed, int rc, const struct vgw_ctl_answer *answer)
{
    if (!feed->follow || !feed->was_there || ferror(stdout))
        return NEXT_END;
    if (answer->http_status == 410 && !vgw_streq(feed->last_id, "0")) {
        vgw_ctl_fail(VGW_CTL_OK, "the gateway no longer keeps what came behind event %s; some events are missing here",
                     feed->last_id);
        /* ids grow even over restarts, so nothing comes twice */
        vgw_strcopy(feed->last_id, sizeof feed->last_id, "0");
        return NEXT_AGAIN;
    }
    if (answer->http_status || (rc != VGW_OK && rc != VGW_ENETWORK) || feed->tries >= RETRIES_MAX)
        return NEXT_END;
    return NEXT_LATER;
}

int vgw_ctl_events(struct vgw_ctl *ctl)
{
    struct feed feed = {.ctl = ctl, .follow = vgw_ctl_args_value(&ctl->args, "follow") != NULL};
    for (;;) {
        struct vgw_ctl_answer answer = {0};
        struct vgw_error err = {0};
        char *path = feed_path(&feed);
        int rc = VGW_ELIMIT, code = VGW_CTL_OK;
        feed.tries++;
        if (path)
            rc = vgw_ctl_client_stream(ctl->client, path, feed.follow ? 0 : QUIET_MS, on_line, &feed, &answer, &err);
        else
            vgw_error_nomem(&err);
        vgw_free(path);
        enum next next = decide(&feed, rc, &answer);
        if (next == NEXT_END && answer.http_status)
            code = vgw_ctl_refused(ctl, &answer);
        else if (next == NEXT_END && rc != VGW_OK)
            code = vgw_ctl_fail_error(&err);
        vgw_ctl_answer_done(&answer);
        if (next == NEXT_END)
            return code;
        if (next == NEXT_LATER)
            (void)poll(NULL, 0, RETRY_MS);
    }
}
