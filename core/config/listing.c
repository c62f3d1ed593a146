/* listing.c - option tables as text for people. */
#include <string.h>

#include "base/str.h"
#include "config/schema.h"

/* One character of an mdoc text. At the start of a line a dot or quote would be a control character. */
static void mdoc_char(struct vgw_buf *out, char c, bool first)
{
    if (first && (c == '.' || c == '\''))
        vgw_buf_adds(out, "\\&");
    if (c == '\\')
        vgw_buf_adds(out, "\\e");
    else if (c == '"')
        vgw_buf_adds(out, "\\(dq");
    else
        vgw_buf_addc(out, c);
}

/* Text in lines of at most about 70 characters; `from` of them stand on the line already. */
static void mdoc_text(struct vgw_buf *out, const char *s, size_t from)
{
    size_t column = from;
    while (*s) {
        size_t word = strcspn(s, " ");
        if (column > 0 && column + word > 70) {
            vgw_buf_addc(out, '\n');
            column = 0;
        } else if (column > from) {
            vgw_buf_addc(out, ' ');
        }
        for (size_t i = 0; i < word; i++)
            mdoc_char(out, s[i], column == 0 && i == 0);
        column += word + 1;
        s += word + (s[word] == ' ');
    }
}

static void bound(const struct vgw_option *row, double value, struct vgw_buf *out)
{
    const char *unit = row->type == VGW_OPTION_DURATION ? "s"
                       : row->type == VGW_OPTION_SIZE   ? " bytes"
                       : row->type == VGW_OPTION_RATE   ? "/s"
                                                        : "";
    vgw_buf_printf(out, "%.15g%s", value, unit);
}

static void word_list(const char *list, struct vgw_buf *out)
{
    for (const char *p = list; *p; p++) {
        if (*p == '|')
            vgw_buf_adds(out, ", ");
        else
            vgw_buf_addc(out, *p);
    }
}

/* "duration; default 10m; 1s to 86400s; also session_timeout_seconds; restart needed" */
static void facts(const struct vgw_option *row, struct vgw_buf *out)
{
    bool bounded = row->max > row->min;
    vgw_buf_adds(out, vgw_option_type_name(row->type));
    if (row->unit)
        vgw_buf_printf(out, " (%s)", row->unit);
    if (row->choices) {
        vgw_buf_adds(out, row->type == VGW_OPTION_ENUM || row->type == VGW_OPTION_STRINGS ? ": " : " or ");
        word_list(row->choices, out);
    }
    if (row->flags & VGW_OPTION_REQUIRED)
        vgw_buf_adds(out, "; required");
    if (row->dflt)
        vgw_buf_printf(out, "; default %s", *row->dflt ? row->dflt : "empty");
    if (bounded || row->min > 0) {
        vgw_buf_adds(out, bounded ? "; " : "; at least ");
        bound(row, row->min, out);
        if (bounded) {
            vgw_buf_adds(out, " to ");
            bound(row, row->max, out);
        }
    }
    if (row->alias) {
        vgw_buf_adds(out, "; also ");
        word_list(row->alias, out);
    }
    if (row->metric)
        vgw_buf_printf(out, "; metric %s", row->metric);
    if (!(row->flags & VGW_OPTION_RELOADABLE) && !row->table)
        vgw_buf_adds(out, "; a change needs a restart");
}

void vgw_schema_mdoc(const struct vgw_option_table *table, struct vgw_buf *out)
{
    const struct vgw_option *row;
    vgw_buf_adds(out, ".Bl -tag -width 4n\n");
    for (size_t i = 0; (row = vgw_option_next(table, &i));) {
        if (row->flags & VGW_OPTION_LATER)
            continue;
        struct vgw_buf line = {0};
        vgw_buf_printf(out, ".It Ic %s\n", row->name);
        if (row->text) {
            mdoc_text(out, row->text, 0);
            vgw_buf_adds(out, ".\n");
        }
        facts(row, &line);
        vgw_buf_adds(out, "Type: ");
        mdoc_text(out, vgw_buf_str(&line), 6);
        vgw_buf_adds(out, ".\n");
        vgw_buf_done(&line);
        if (row->table)
            vgw_schema_mdoc(row->table, out);
    }
    vgw_buf_adds(out, ".El\n");
}

static void text_rows(const struct vgw_option_table *table, int depth, struct vgw_buf *out)
{
    const struct vgw_option *row;
    for (size_t i = 0; (row = vgw_option_next(table, &i));) {
        if (row->flags & VGW_OPTION_LATER)
            continue;
        vgw_buf_printf(out, "%*s%s: ", depth * 2, "", row->name);
        facts(row, out);
        if (row->text)
            vgw_buf_printf(out, " - %s", row->text);
        vgw_buf_addc(out, '\n');
        if (row->table)
            text_rows(row->table, depth + 1, out);
    }
}

void vgw_schema_text(const struct vgw_option_table *table, struct vgw_buf *out)
{
    text_rows(table, 0, out);
}
