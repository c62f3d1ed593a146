/* table.c - rows of JSON as an aligned table. */
#include "ctl/table.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"

#define COLUMNS_MAX 16
#define GAP 2

void vgw_ctl_text_write(struct vgw_buf *out, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        size_t len = vgw_utf8_char_len(text, left);
        /* C1 controls (U+0080 to U+009F) steer terminals as well as C0 */
        bool control = (unsigned char)text[0] < 0x20 || text[0] == 0x7f ||
                       (len == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0);
        if (!len || control)
            vgw_buf_addc(out, text[0] == '\n' || text[0] == '\t' ? ' ' : '?');
        else
            vgw_buf_add(out, text, len);
        len = len ? len : 1;
        text += len;
        left -= len;
    }
}

void vgw_ctl_time_write(struct vgw_buf *out, const char *rfc3339)
{
    int64_t wall_us;
    struct tm local;
    char text[32];
    if (!vgw_time_parse(rfc3339, &wall_us)) {
        vgw_ctl_text_write(out, rfc3339);
        return;
    }
    time_t seconds = (time_t)(wall_us / VGW_US_PER_S);
    if (localtime_r(&seconds, &local) && strftime(text, sizeof text, "%b %d %H:%M:%S", &local))
        vgw_buf_adds(out, text);
    else
        vgw_ctl_text_write(out, rfc3339);
}

void vgw_ctl_duration_write(struct vgw_buf *out, double seconds)
{
    long long whole = seconds > 0 && seconds < 1e15 ? (long long)seconds : 0;
    if (whole >= 3600)
        vgw_buf_printf(out, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        vgw_buf_printf(out, "%lld:%02lld", whole / 60, whole % 60);
}

static void write_list(struct vgw_buf *out, const struct vgw_json *list)
{
    for (size_t i = 0; i < vgw_json_count(list); i++) {
        if (i)
            vgw_buf_adds(out, ", ");
        vgw_ctl_cell_write(out, vgw_json_at(list, i), VGW_CTL_PLAIN);
    }
}

void vgw_ctl_cell_write(struct vgw_buf *out, const struct vgw_json *v, enum vgw_ctl_format format)
{
    char number[VGW_DOUBLE_TEXT];
    enum vgw_json_type type = vgw_json_type(v);
    bool numeric = type == VGW_JSON_INT || type == VGW_JSON_DOUBLE;
    if (format == VGW_CTL_TIME && type == VGW_JSON_STRING)
        vgw_ctl_time_write(out, vgw_json_str(v));
    else if (format == VGW_CTL_DURATION && numeric)
        vgw_ctl_duration_write(out, vgw_json_as_double(v, 0));
    else if (format == VGW_CTL_MS && numeric)
        vgw_buf_printf(out, "%.0f ms", vgw_json_as_double(v, 0));
    else if (type == VGW_JSON_STRING)
        vgw_ctl_text_write(out, vgw_json_str(v));
    else if (type == VGW_JSON_DOUBLE)
        vgw_buf_adds(out, vgw_double_text(vgw_json_as_double(v, 0), number));
    else if (type == VGW_JSON_BOOL)
        vgw_buf_adds(out, vgw_json_as_bool(v, false) ? "yes" : "no");
    else if (type == VGW_JSON_ARRAY)
        write_list(out, v);
    else if (type != VGW_JSON_NULL)
        vgw_json_write(v, out);
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* The cell as a text, "-" when there is nothing. The caller frees; NULL: out of memory. */
static char *cell_text(const struct vgw_json *row, const struct vgw_ctl_column *column)
{
    struct vgw_buf cell;
    vgw_buf_init(&cell, 0);
    vgw_ctl_cell_write(&cell, vgw_json_path(row, column->field), column->format);
    if (!cell.len)
        vgw_buf_addc(&cell, '-');
    return vgw_buf_take(&cell);
}

static void write_padded(struct vgw_buf *out, const char *text, size_t width, bool last)
{
    vgw_buf_adds(out, text);
    for (size_t n = width_of(text); !last && n < width + GAP; n++)
        vgw_buf_addc(out, ' ');
    if (last)
        vgw_buf_addc(out, '\n');
}

void vgw_ctl_table_write(struct vgw_buf *out, const struct vgw_json *rows, const struct vgw_ctl_column *columns)
{
    size_t count = 0, n = vgw_json_count(rows), width[COLUMNS_MAX];
    while (count < COLUMNS_MAX && columns[count].heading)
        count++;
    char **cells = vgw_calloc(n * count + 1, sizeof *cells);
    if (!cells) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < count; c++) {
        width[c] = width_of(columns[c].heading);
        for (size_t r = 0; r < n; r++) {
            char *text = cells[r * count + c] = cell_text(vgw_json_at(rows, r), &columns[c]);
            size_t w = text ? width_of(text) : 0;
            width[c] = w > width[c] ? w : width[c];
        }
    }
    for (size_t c = 0; c < count; c++)
        write_padded(out, columns[c].heading, width[c], c + 1 == count);
    for (size_t i = 0; i < n * count; i++) {
        write_padded(out, cells[i] ? cells[i] : "", width[i % count], (i + 1) % count == 0);
        vgw_free(cells[i]);
    }
    vgw_free(cells);
}
