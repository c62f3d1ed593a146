/* status.c - how the gateway is, on one screen. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

#define PAGES_MAX 200

/* Counts one page of a list; the cursor moves on, "" behind the last. False: that may not be known, or nobody answers
 * any more. */
static bool count_page(struct vgw_ctl *ctl, const char *path, struct vgw_buf *cursor, int64_t *count)
{
    struct vgw_ctl_answer answer = {0};
    struct vgw_json *list = NULL;
    struct vgw_buf page;
    vgw_buf_init(&page, 0);
    vgw_buf_adds(&page, path);
    if (cursor->len) {
        vgw_buf_adds(&page, "&cursor=");
        vgw_url_encode(&page, vgw_buf_str(cursor));
    }
    bool read = vgw_ctl_client_request(ctl->client, "GET", vgw_buf_str(&page), NULL, &answer, NULL) == VGW_OK &&
                answer.http_status == 200 && vgw_json_parse(answer.body, answer.len, &list, NULL) == VGW_OK;
    vgw_buf_reset(cursor);
    if (read) {
        *count += vgw_json_get_int(list, "count", 0);
        vgw_buf_adds(cursor, vgw_json_get_string(list, "next_cursor", ""));
    }
    vgw_json_free(list);
    vgw_ctl_answer_done(&answer);
    vgw_buf_done(&page);
    return read;
}

/* Adds how many live items a list has: "calls": 3; null when that may not be known. */
static void add_count(struct vgw_ctl *ctl, struct vgw_json *health, const char *name, const char *path)
{
    struct vgw_buf cursor;
    int64_t count = 0;
    bool known = true;
    vgw_buf_init(&cursor, 0);
    for (unsigned page = 0; known && page < PAGES_MAX && (page == 0 || cursor.len); page++)
        known = count_page(ctl, path, &cursor, &count);
    vgw_json_set(health, name, known ? vgw_json_int(count) : NULL);
    vgw_buf_done(&cursor);
}

/* The parts as rows, so that they make a table. */
static struct vgw_json *part_rows(const struct vgw_json *parts)
{
    struct vgw_json *rows = vgw_json_array(), *part;
    const char *name;
    for (size_t i = 0; rows && vgw_json_object_next(parts, &i, &name, &part);) {
        struct vgw_json *row = vgw_json_copy(part);
        vgw_json_set_string(row, "name", name);
        vgw_json_append(rows, row);
    }
    return rows;
}

static void print_status(const struct vgw_json *health)
{
    static const struct vgw_ctl_column fields[] = {
        {"status", "status", VGW_CTL_PLAIN}, {"version", "version", VGW_CTL_PLAIN},
        {"node", "node", VGW_CTL_PLAIN},     {"draining", "draining", VGW_CTL_PLAIN},
        {"calls", "calls", VGW_CTL_PLAIN},   {"sessions", "sessions", VGW_CTL_PLAIN},
        {NULL, NULL, VGW_CTL_PLAIN}};
    static const struct vgw_ctl_column columns[] = {{"PART", "name", VGW_CTL_PLAIN},
                                                    {"STATUS", "status", VGW_CTL_PLAIN},
                                                    {"DETAIL", "detail", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    struct vgw_json *rows = part_rows(vgw_json_get(health, "parts"));
    struct vgw_buf text;
    vgw_ctl_print_fields(health, fields);
    vgw_buf_init(&text, 0);
    if (vgw_json_count(rows)) {
        vgw_buf_addc(&text, '\n');
        vgw_ctl_table_write(&text, rows, columns);
    }
    vgw_ctl_print(&text);
    vgw_json_free(rows);
}

int vgw_ctl_status(struct vgw_ctl *ctl)
{
    struct vgw_json *health = NULL;
    int code = vgw_ctl_ask(ctl, "GET", "/health", NULL, &health);
    if (code != VGW_CTL_OK)
        return code;
    vgw_json_set_bool(health, "draining", vgw_streq(vgw_json_get_string(health, "status", ""), "draining"));
    add_count(ctl, health, "calls", "/calls?status=active&limit=500");
    add_count(ctl, health, "sessions", "/sessions?limit=500");
    if (ctl->json)
        vgw_ctl_print_json(health);
    else
        print_status(health);
    vgw_json_free(health);
    return VGW_CTL_OK;
}
