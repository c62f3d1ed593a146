/* option.c - option tables. */
#include "config/option.h"

#include <string.h>

#include "base/str.h"

static const struct vgw_option *own_row(const struct vgw_option_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (vgw_streq(table->rows[i].name, name))
            return &table->rows[i];
    }
    return NULL;
}

/* Whether a table before `stop` in the chain has a row of that name. */
static int is_hidden(const struct vgw_option_table *from, const struct vgw_option_table *stop, const char *name)
{
    for (; from != stop; from = from->base) {
        if (own_row(from, name))
            return 1;
    }
    return 0;
}

const struct vgw_option *vgw_option_next(const struct vgw_option_table *table, size_t *cursor)
{
    for (;;) {
        size_t i = *cursor;
        const struct vgw_option_table *t = table;
        while (t && i >= t->count) {
            i -= t->count;
            t = t->base;
        }
        if (!t)
            return NULL;
        (*cursor)++;
        if (!is_hidden(table, t, t->rows[i].name))
            return &t->rows[i];
    }
}

int vgw_option_has_word(const char *words, const char *word, size_t len)
{
    while (words && *words) {
        size_t n = strcspn(words, "|");
        if (n == len && memcmp(words, word, n) == 0)
            return 1;
        words += n + (words[n] == '|');
    }
    return 0;
}

const struct vgw_option *vgw_option_find(const struct vgw_option_table *table, const char *name)
{
    const struct vgw_option *row;
    for (size_t i = 0; (row = vgw_option_next(table, &i));) {
        if (vgw_streq(row->name, name))
            return row;
    }
    for (size_t i = 0; (row = vgw_option_next(table, &i));) {
        if (vgw_option_has_word(row->alias, name, strlen(name)))
            return row;
    }
    return NULL;
}

const char *vgw_option_type_name(enum vgw_option_type type)
{
    static const char *const names[] = {
        [VGW_OPTION_STRING] = "string",
        [VGW_OPTION_SECRET] = "secret",
        [VGW_OPTION_INT] = "integer",
        [VGW_OPTION_DOUBLE] = "number",
        [VGW_OPTION_BOOL] = "boolean",
        [VGW_OPTION_DURATION] = "duration",
        [VGW_OPTION_SIZE] = "size",
        [VGW_OPTION_RATE] = "rate",
        [VGW_OPTION_ENUM] = "choice",
        [VGW_OPTION_URL] = "url",
        [VGW_OPTION_PATH] = "path",
        [VGW_OPTION_STRINGS] = "list of strings",
        [VGW_OPTION_STRING_MAP] = "map of strings",
        [VGW_OPTION_JSON] = "any",
        [VGW_OPTION_JSON_LIST] = "list",
        [VGW_OPTION_JSON_MAP] = "map",
        [VGW_OPTION_SECTION] = "section",
        [VGW_OPTION_SECTION_LIST] = "list of sections",
        [VGW_OPTION_SECTION_MAP] = "map of sections",
        [VGW_OPTION_INSTANCES] = "map of plugin instances",
        [VGW_OPTION_NODE] = "any",
    };
    return (size_t)type < sizeof names / sizeof names[0] ? names[type] : "any";
}
