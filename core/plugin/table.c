/* table.c - the SDK's option rows to core/config's. */
#include "plugin/table.h"
#include <string.h>
#include "base/alloc.h"

struct vgw_plugin_table {
    struct vgw_option_table table;
    char *name;
    struct vgw_option *rows;
    char **choices; /* the SDK parts words by spaces, core/config by bars */
    size_t count;
};

static enum vgw_option_type type_of(unsigned sdk)
{
    static const enum vgw_option_type types[] = {
        [VOICEGW_OPTION_STRING] = VGW_OPTION_STRING,  [VOICEGW_OPTION_SECRET] = VGW_OPTION_SECRET,
        [VOICEGW_OPTION_INT] = VGW_OPTION_INT,        [VOICEGW_OPTION_DOUBLE] = VGW_OPTION_DOUBLE,
        [VOICEGW_OPTION_BOOL] = VGW_OPTION_BOOL,      [VOICEGW_OPTION_DURATION] = VGW_OPTION_DURATION,
        [VOICEGW_OPTION_SIZE] = VGW_OPTION_SIZE,      [VOICEGW_OPTION_RATE] = VGW_OPTION_RATE,
        [VOICEGW_OPTION_ENUM] = VGW_OPTION_ENUM,      [VOICEGW_OPTION_LIST] = VGW_OPTION_STRINGS,
        [VOICEGW_OPTION_MAP] = VGW_OPTION_STRING_MAP, [VOICEGW_OPTION_URL] = VGW_OPTION_URL,
        [VOICEGW_OPTION_PATH] = VGW_OPTION_PATH,      [VOICEGW_OPTION_JSON] = VGW_OPTION_JSON,
    };
    return sdk < sizeof types / sizeof types[0] ? types[sdk] : VGW_OPTION_JSON;
}

static char *bars_of(const char *words)
{
    char *copy = vgw_strdup(words + strspn(words, " "));
    char *to = copy;
    for (const char *p = copy; copy && *p; p++) {
        if (*p != ' ')
            *to++ = *p;
        else if (p[1] != ' ' && p[1] != '\0')
            *to++ = '|';
    }
    if (copy)
        *to = '\0';
    return copy;
}

void vgw_plugin_table_free(struct vgw_plugin_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; table->choices && i < table->count; i++)
        vgw_free(table->choices[i]);
    vgw_free(table->choices);
    vgw_free(table->rows);
    vgw_free(table->name);
    vgw_free(table);
}

static int fill_row(struct vgw_plugin_table *t, size_t i, const struct vgw_plugin_option *from)
{
    if (from->choices && !(t->choices[i] = bars_of(from->choices)))
        return VGW_ELIMIT;
    t->rows[i] = (struct vgw_option){
        .name = from->name,
        .type = type_of(from->type),
        .dflt = from->dflt,
        .flags = ((from->flags & VOICEGW_OPTION_REQUIRED) ? VGW_OPTION_REQUIRED : 0u) |
                 ((from->flags & VOICEGW_OPTION_RELOADABLE) ? VGW_OPTION_RELOADABLE : 0u),
        .text = from->description,
        .choices = t->choices[i],
        .unit = from->unit,
        .min = from->min,
        .max = from->max,
    };
    return 0;
}

struct vgw_plugin_table *vgw_plugin_table_new(const struct vgw_plugin_factory *factory, const char *name,
                                              const struct vgw_option_table *base)
{
    struct vgw_plugin_table *t;
    size_t count = factory->option_count;
    if (!VGW_NEW(t))
        return NULL;
    t->count = count;
    t->name = vgw_strdup(name);
    t->rows = vgw_calloc(count ? count : 1, sizeof *t->rows);
    t->choices = vgw_calloc(count ? count : 1, sizeof *t->choices);
    int rc = t->name && t->rows && t->choices ? 0 : VGW_ELIMIT;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = fill_row(t, i, &factory->options[i]);
    if (rc != 0) {
        vgw_plugin_table_free(t);
        return NULL;
    }
    t->table = (struct vgw_option_table){.name = t->name, .rows = t->rows, .count = count, .base = base};
    return t;
}

const struct vgw_option_table *vgw_plugin_table_get(const struct vgw_plugin_table *table)
{
    return &table->table;
}
