/* print.c - answers for people. */
#include "ctl/print.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

#define COLUMNS_MAX 12

void vgw_ctl_print(struct vgw_buf *text)
{
    if (text->failed)
        fputs("voicegwctl: out of memory\n", stderr);
    else
        fwrite(vgw_buf_str(text), 1, text->len, stdout);
    vgw_buf_done(text);
}

void vgw_ctl_print_list(const struct vgw_json *answer, const char *plural, const struct vgw_ctl_column *columns)
{
    struct vgw_buf text;
    const struct vgw_json *rows = vgw_json_get(answer, plural);
    const char *cursor = vgw_json_get_string(answer, "next_cursor", NULL);
    vgw_buf_init(&text, 0);
    if (vgw_json_count(rows))
        vgw_ctl_table_write(&text, rows, columns);
    else
        vgw_buf_printf(&text, "no %s\n", plural);
    if (cursor) {
        vgw_buf_adds(&text, "more with --cursor '");
        vgw_ctl_text_write(&text, cursor);
        vgw_buf_adds(&text, "'\n");
    }
    vgw_ctl_print(&text);
}

void vgw_ctl_print_fields(const struct vgw_json *o, const struct vgw_ctl_column *fields)
{
    struct vgw_buf text, cell;
    size_t width = 0;
    vgw_buf_init(&text, 0);
    vgw_buf_init(&cell, 0);
    for (const struct vgw_ctl_column *f = fields; f->heading; f++)
        width = strlen(f->heading) > width ? strlen(f->heading) : width;
    for (const struct vgw_ctl_column *f = fields; f->heading; f++) {
        vgw_buf_reset(&cell);
        vgw_ctl_cell_write(&cell, vgw_json_path(o, f->field), f->format);
        if (cell.len)
            vgw_buf_printf(&text, "%-*s  %s\n", (int)width, f->heading, vgw_buf_str(&cell));
    }
    vgw_buf_done(&cell);
    vgw_ctl_print(&text);
}

/* ---- shapes that are not known here: what a provider's own routes answer ---- */

static bool is_list_of_objects(const struct vgw_json *v)
{
    return vgw_json_type(v) == VGW_JSON_ARRAY && vgw_json_type(vgw_json_at(v, 0)) == VGW_JSON_OBJECT;
}

static void print_table(const struct vgw_json *rows)
{
    struct vgw_ctl_column columns[COLUMNS_MAX + 1] = {{0}};
    const char *key;
    struct vgw_json *v;
    struct vgw_buf text;
    size_t n = 0;
    for (size_t i = 0; n < COLUMNS_MAX && vgw_json_object_next(vgw_json_at(rows, 0), &i, &key, &v);) {
        bool is_path = strchr(key, '.'); /* would be read as one */
        if (!is_path)
            columns[n++] = (struct vgw_ctl_column){key, key, vgw_ends_with(key, "_at") ? VGW_CTL_TIME : VGW_CTL_PLAIN};
    }
    vgw_buf_init(&text, 0);
    if (n)
        vgw_ctl_table_write(&text, rows, columns);
    vgw_ctl_print(&text);
}

void vgw_ctl_print_any(const struct vgw_json *v)
{
    const char *key;
    struct vgw_json *child;
    struct vgw_buf text;
    if (is_list_of_objects(v)) {
        print_table(v);
        return;
    }
    for (size_t i = 0; vgw_json_type(v) == VGW_JSON_OBJECT && vgw_json_object_next(v, &i, &key, &child);) {
        if (!child)
            continue;
        vgw_buf_init(&text, 0);
        if (!is_list_of_objects(child)) {
            vgw_ctl_text_write(&text, key);
            vgw_buf_adds(&text, ": ");
            vgw_ctl_cell_write(&text, child, VGW_CTL_PLAIN);
            vgw_buf_addc(&text, '\n');
        }
        vgw_ctl_print(&text);
        if (is_list_of_objects(child))
            print_table(child);
    }
    if (vgw_json_type(v) == VGW_JSON_OBJECT)
        return;
    vgw_buf_init(&text, 0);
    vgw_ctl_cell_write(&text, v, VGW_CTL_PLAIN);
    vgw_buf_addc(&text, '\n');
    vgw_ctl_print(&text);
}

/* ---- transcripts ---- */

static const char *speaker_of(const struct vgw_json *turn)
{
    const char *role = vgw_json_get_string(turn, "role", "?");
    return vgw_streq(role, "user") ? "caller" : role;
}

static void write_turn(struct vgw_buf *out, const struct vgw_json *turn, size_t width)
{
    const char *speaker = speaker_of(turn);
    const struct vgw_json *latency = vgw_json_get(turn, "latency_ms");
    vgw_ctl_time_write(out, vgw_json_get_string(turn, "timestamp", "-"));
    vgw_buf_adds(out, "  ");
    vgw_ctl_text_write(out, speaker);
    for (size_t n = strlen(speaker); n < width + 2; n++)
        vgw_buf_addc(out, ' ');
    vgw_ctl_text_write(out, vgw_json_get_string(turn, "content", ""));
    if (latency)
        vgw_buf_printf(out, "  [%.0f ms]", vgw_json_as_double(latency, 0));
    if (vgw_json_get_bool(turn, "interrupted", false))
        vgw_buf_adds(out, "  [interrupted]");
    vgw_buf_addc(out, '\n');
}

void vgw_ctl_dialogue_write(struct vgw_buf *out, const struct vgw_json *transcript)
{
    const struct vgw_json *turns = vgw_json_get(transcript, "turns");
    size_t count = vgw_json_count(turns), width = 0, answers = 0;
    double sum = 0, longest = 0;
    vgw_ctl_text_write(out, vgw_json_get_string(transcript, "session_id", "-"));
    if (!count) {
        vgw_buf_adds(out, ": nothing was said\n");
        return;
    }
    vgw_buf_addc(out, '\n');
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(speaker_of(vgw_json_at(turns, i)));
        width = len > width ? len : width;
    }
    for (size_t i = 0; i < count; i++) {
        const struct vgw_json *turn = vgw_json_at(turns, i), *latency = vgw_json_get(turn, "latency_ms");
        double ms = vgw_json_as_double(latency, 0);
        write_turn(out, turn, width);
        answers += latency != NULL;
        sum += ms;
        longest = ms > longest ? ms : longest;
    }
    vgw_buf_printf(out, "%zu turn%s", count, count == 1 ? "" : "s");
    if (answers)
        vgw_buf_printf(out, "; latency %.0f ms on average, %.0f ms at most", sum / (double)answers, longest);
    vgw_buf_addc(out, '\n');
}
