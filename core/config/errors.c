/* errors.c - the list of configuration errors. */
#include "config/errors.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

void vgw_config_errors_done(struct vgw_config_errors *errors)
{
    if (!errors)
        return;
    for (size_t i = 0; i < errors->count; i++) {
        vgw_free(errors->items[i].file);
        vgw_free(errors->items[i].text);
    }
    vgw_free(errors->items);
    *errors = (struct vgw_config_errors){0};
}

size_t vgw_config_errors_total(const struct vgw_config_errors *errors)
{
    return errors ? errors->count + errors->more : 0;
}

static bool make_room(struct vgw_config_errors *errors)
{
    if (errors->count >= VGW_CONFIG_ERRORS_MAX)
        return false;
    if (errors->count < errors->cap)
        return true;
    size_t cap = errors->cap ? errors->cap * 2 : 8;
    struct vgw_config_error *items = vgw_realloc(errors->items, cap * sizeof *items);
    if (!items)
        return false;
    errors->items = items;
    errors->cap = cap;
    return true;
}

int vgw_config_errors_vadd(struct vgw_config_errors *errors, const char *file, int line, int column, const char *fmt,
                           va_list ap)
{
    if (!errors)
        return VGW_ECONFIG;
    if (!make_room(errors)) {
        errors->more++;
        return VGW_ECONFIG;
    }
    struct vgw_buf text;
    vgw_buf_init(&text, 64 * 1024);
    vgw_buf_vprintf(&text, fmt, ap);
    struct vgw_config_error e = {
        .file = vgw_strdup(file ? file : ""), .line = line, .column = column, .text = vgw_buf_take(&text)};
    vgw_buf_done(&text);
    if (!e.file || !e.text) {
        vgw_free(e.file);
        vgw_free(e.text);
        errors->more++;
        return VGW_ECONFIG;
    }
    errors->items[errors->count++] = e;
    return VGW_ECONFIG;
}

int vgw_config_errors_add(struct vgw_config_errors *errors, const char *file, int line, int column, const char *fmt,
                          ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = vgw_config_errors_vadd(errors, file, line, column, fmt, ap);
    va_end(ap);
    return rc;
}

int vgw_config_errors_nomem(struct vgw_config_errors *errors, const char *file)
{
    vgw_config_errors_add(errors, file, 0, 0, "out of memory while the configuration was read; nothing was changed");
    return VGW_ELIMIT;
}

/* The list is at most VGW_CONFIG_ERRORS_MAX long: quadratic work here is bounded. */
static size_t file_rank(const struct vgw_config_errors *errors, const char *file)
{
    size_t i = 0;
    while (i < errors->count && !vgw_streq(errors->items[i].file, file))
        i++;
    return i;
}

void vgw_config_errors_sort(struct vgw_config_errors *errors)
{
    if (!errors || errors->count < 2)
        return;
    size_t rank[VGW_CONFIG_ERRORS_MAX];
    for (size_t i = 0; i < errors->count; i++)
        rank[i] = file_rank(errors, errors->items[i].file);
    for (size_t i = 1; i < errors->count; i++) {
        struct vgw_config_error e = errors->items[i];
        size_t r = rank[i];
        size_t k = i;
        for (; k > 0; k--) {
            const struct vgw_config_error *p = &errors->items[k - 1];
            bool after = rank[k - 1] != r    ? rank[k - 1] > r
                         : p->line != e.line ? p->line > e.line
                                             : p->column > e.column;
            if (!after)
                break;
            errors->items[k] = *p;
            rank[k] = rank[k - 1];
        }
        errors->items[k] = e;
        rank[k] = r;
    }
}

void vgw_config_error_print(const struct vgw_config_error *error, struct vgw_buf *out)
{
    if (error->line > 0)
        vgw_buf_printf(out, "%s:%d:%d: %s", error->file, error->line, error->column, error->text);
    else
        vgw_buf_printf(out, "%s: %s", error->file, error->text);
}

void vgw_config_errors_print(const struct vgw_config_errors *errors, struct vgw_buf *out)
{
    for (size_t i = 0; i < errors->count; i++) {
        vgw_config_error_print(&errors->items[i], out);
        vgw_buf_addc(out, '\n');
    }
    if (errors->more)
        vgw_buf_printf(out, "and %zu more error%s\n", errors->more, errors->more == 1 ? "" : "s");
}
