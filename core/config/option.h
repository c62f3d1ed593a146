/* option.h - typed option tables, as the core and every plugin declare them. From one table come the check of a mapping
 * (options.h), the JSON Schema, the man page and the listing (schema.h). */
#ifndef VGW_CONFIG_OPTION_H
#define VGW_CONFIG_OPTION_H
#include <stddef.h>

/** Types, with what the value set keeps of them. "Number words": an INT, DOUBLE, DURATION, SIZE or RATE with `choices`
 * also takes one of these words (`workers: auto`): its number is then 0 and vgw_options_string() gives the word. */
enum vgw_option_type {
    VGW_OPTION_STRING,   /* any scalar; min and max bound its length in bytes */
    VGW_OPTION_SECRET,   /* as a string, or `!file PATH`; kept as a vgw_secret; an empty one counts as none */
    VGW_OPTION_INT,      /* int64 */
    VGW_OPTION_DOUBLE,   /* double */
    VGW_OPTION_BOOL,     /* true false yes no on off 1 0 */
    VGW_OPTION_DURATION, /* 500ms 30s 10m 1h, plain seconds; kept in microseconds; min and max in seconds */
    VGW_OPTION_SIZE,     /* 64KiB, plain bytes; kept in bytes */
    VGW_OPTION_RATE,     /* 50/s 10/m, plain events a second; kept as events a second */
    VGW_OPTION_ENUM,     /* one of `choices`; kept as the word */
    VGW_OPTION_URL,      /* scheme://host…; `choices`: schemes, default http|https|ws|wss */
    VGW_OPTION_PATH,     /* kept absolute or relative to the folder of the file it was written in */
    VGW_OPTION_STRINGS,  /* list of scalars; one scalar is a list of one. `choices`: the words allowed; min, max: count
                          */
    VGW_OPTION_STRING_MAP,   /* mapping of names to scalars */
    VGW_OPTION_JSON,         /* anything; kept as JSON text */
    VGW_OPTION_JSON_LIST,    /* a list of anything; JSON text */
    VGW_OPTION_JSON_MAP,     /* a mapping to anything; JSON text */
    VGW_OPTION_SECTION,      /* a mapping checked by `table`; always there, with defaults, unless OPTIONAL */
    VGW_OPTION_SECTION_LIST, /* a list of such mappings */
    VGW_OPTION_SECTION_MAP,  /* names to such mappings */
    VGW_OPTION_INSTANCES,    /* names to {plugin: NAME, …}: kept as nodes, checked later by the plugin's own table */
    VGW_OPTION_NODE,         /* anything; kept as a node, checked by whoever reads it */
};

enum vgw_option_flag {
    VGW_OPTION_REQUIRED = 1,   /* must be given */
    VGW_OPTION_RELOADABLE = 2, /* a reload applies it; others need a restart */
    VGW_OPTION_OPTIONAL = 4,   /* a SECTION that is absent (NULL) unless written */
    VGW_OPTION_LATER = 8,      /* known, but nothing honours it in this version: using it is an error */
};

struct vgw_option_table;

/** One option. Unused fields are zero. All text is static, or lives as long as every vgw_options made from the table.
 */
struct vgw_option {
    const char *name;
    enum vgw_option_type type;
    const char *dflt;    /* as in YAML: a bare scalar, or flow style for lists, maps and JSON; NULL: none */
    unsigned flags;      /* enum vgw_option_flag */
    const char *text;    /* description: a sentence without a final stop */
    const char *alias;   /* further names, parted by '|'; given under two names with different values is an error */
    const char *choices; /* words parted by '|' */
    const char *unit;    /* for the reader: "s", "ms", "bytes", "calls" */
    double min, max;     /* bounds, both inclusive, when max > min; max = 0 with min > 0: no upper bound */
    const struct vgw_option_table *table; /* of SECTION… */
    const char *metric;                   /* the metric that shows this limit at work, or NULL */
};

/** A table. Rows of `base` (may be NULL, may have a base too) are accepted as well; a row of the same name here hides
 * them. */
struct vgw_option_table {
    const char *name; /* "gateway", "mock": for titles */
    const struct vgw_option *rows;
    size_t count;
    const struct vgw_option_table *base;
    const char *text; /* what the section is for; may be NULL */
};

/** `.rows` and `.count` from an array. */
#define VGW_OPTION_ROWS(array) .rows = (array), .count = sizeof(array) / sizeof((array)[0])

/** All visible rows of a table and its bases, in order: `for (size_t i = 0; (row = vgw_option_next(table, &i));)`. */
const struct vgw_option *vgw_option_next(const struct vgw_option_table *table, size_t *cursor);
/** The row for a name or alias; NULL when unknown. */
const struct vgw_option *vgw_option_find(const struct vgw_option_table *table, const char *name);
/** "string", "duration", … as documents say it. Static. */
const char *vgw_option_type_name(enum vgw_option_type type);
/** Whether `word` (of `len` bytes) stands in a '|'-parted list; NULL list: false. */
int vgw_option_has_word(const char *words, const char *word, size_t len);
#endif
