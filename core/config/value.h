/* value.h - how option values are kept. For the room's own files; others use options.h. */
#ifndef VGW_CONFIG_VALUE_H
#define VGW_CONFIG_VALUE_H
#include <stdatomic.h>
#include "config/options.h"

/** One item of a list or map. */
struct vgw_option_item {
    char *key;                   /* in maps */
    char *text;                  /* of STRINGS, STRING_MAP */
    struct vgw_options *section; /* of SECTION_LIST, SECTION_MAP */
    struct vgw_node *node;       /* of INSTANCES */
};

struct vgw_option_value {
    const struct vgw_option *row;
    bool is_set;
    bool is_explicit;
    struct vgw_source *source; /* with line and column: where it was written */
    int line;
    int column;
    bool truth;
    int64_t whole; /* INT, microseconds of DURATION, bytes of SIZE */
    double number; /* DOUBLE, RATE */
    char *text;    /* STRING ENUM URL PATH, number words, JSON text */
    struct vgw_secret *secret;
    struct vgw_options *section;
    struct vgw_node *node;
    struct vgw_option_item *items;
    size_t count;
};

struct vgw_options {
    atomic_uint refs;
    const struct vgw_option_table *table;
    size_t count;
    struct vgw_option_value values[];
};

/** Frees what a value holds and zeroes it. */
void vgw_option_value_done(struct vgw_option_value *value);
/** Same type and content. */
bool vgw_option_value_equal(const struct vgw_option_value *a, const struct vgw_option_value *b);
/** Converts a node (not null) by a row into a zeroed value; errors as in vgw_options_check(). 0, VGW_ECONFIG,
 * VGW_ELIMIT; the value is to be freed in any case. */
int vgw_option_convert(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors,
                       struct vgw_option_value *value);
#endif
