/* node.h - a configuration as a tree in which each node knows where it was written. Made by yaml.h, load.h,
 * environment.h; read by option.h and by rooms that take open-ended parts (steps of a workflow). One thread at a time
 * for one tree. */
#ifndef VGW_CONFIG_NODE_H
#define VGW_CONFIG_NODE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/json.h"
#include "config/errors.h"

/** Deepest nesting of a tree, aliases expanded. */
#define VGW_NODE_DEPTH_MAX 64

/* A source names the file that nodes come from. It is counted (atomically), because parts of a tree outlive it. */
struct vgw_source;
/** A source named `name`, with one reference; NULL when out of memory. Thread: any. */
struct vgw_source *vgw_source_new(const char *name);
struct vgw_source *vgw_source_ref(struct vgw_source *source);
void vgw_source_unref(struct vgw_source *source);             /* takes NULL */
const char *vgw_source_name(const struct vgw_source *source); /* "" for NULL */

struct vgw_node;
enum vgw_node_kind { VGW_NODE_NULL, VGW_NODE_SCALAR, VGW_NODE_SEQUENCE, VGW_NODE_MAPPING };

enum vgw_node_flag {
    VGW_NODE_PLAIN = 1,       /* a scalar without quotes: typed by its look in JSON */
    VGW_NODE_SECRET = 2,      /* came from !file or a secret variable: printed as *** */
    VGW_NODE_ENVIRONMENT = 4, /* supplied by the environment, not by a file */
};

/* Making. All: NULL when out of memory; the caller owns the node until it is given to a parent. `source` may be NULL
 * and is referenced, not taken. Lines and columns are 1-based. */
struct vgw_node *vgw_node_new(enum vgw_node_kind kind, struct vgw_source *source, int line, int column);
/** A scalar of `len` bytes (no NUL inside). `flags`: enum vgw_node_flag. */
struct vgw_node *vgw_node_scalar(struct vgw_source *source, int line, int column, const char *text, size_t len,
                                 unsigned flags);
/** A deep copy, places included. The anchor's place stays: an error in an expanded alias points to the text. */
struct vgw_node *vgw_node_copy(const struct vgw_node *node);
void vgw_node_free(struct vgw_node *node); /* with all below; takes NULL */

/* Changing. Values are taken even on failure. */
/** At the end of a sequence. 0 or VGW_ELIMIT. A NULL item is out of memory (VGW_ELIMIT), so calls may be nested. */
int vgw_node_append(struct vgw_node *sequence, struct vgw_node *item);
/** Adds a key, which is copied. 0, VGW_EINVALID when the key is there already (nothing changes), VGW_ELIMIT. */
int vgw_node_put(struct vgw_node *mapping, const char *key, int key_line, int key_column, struct vgw_node *value);
/** Takes the value of `key` out of a mapping; the caller owns it. NULL when absent. */
struct vgw_node *vgw_node_take(struct vgw_node *mapping, const char *key);
/** Moves all of one sequence to the end of another; `from` is left empty. 0 or VGW_ELIMIT. */
int vgw_node_move_items(struct vgw_node *to, struct vgw_node *from);
/** Replaces a scalar's text; a plain one that became empty, "~" or "null" turns into a null node. 0 or VGW_ELIMIT. */
int vgw_node_set_text(struct vgw_node *scalar, const char *text, size_t len);
/** 0 or VGW_ELIMIT; NULL takes the tag away. */
int vgw_node_set_tag(struct vgw_node *node, const char *tag);
void vgw_node_add_flags(struct vgw_node *node, unsigned flags);

/* Reading. Strings and nodes are borrowed from the tree. A NULL node reads as null. */
enum vgw_node_kind vgw_node_kind(const struct vgw_node *node);
/** "nothing", "a text", "a list", "a mapping", for sentences. */
const char *vgw_node_kind_name(const struct vgw_node *node);
bool vgw_node_is_null(const struct vgw_node *node);
const char *vgw_node_text(const struct vgw_node *node); /* NULL unless a scalar */
size_t vgw_node_len(const struct vgw_node *node);       /* bytes of a scalar */
const char *vgw_node_tag(const struct vgw_node *node);  /* "!file" or NULL */
unsigned vgw_node_flags(const struct vgw_node *node);
struct vgw_source *vgw_node_source(const struct vgw_node *node);
const char *vgw_node_file(const struct vgw_node *node);
int vgw_node_line(const struct vgw_node *node);
int vgw_node_column(const struct vgw_node *node);
/** Items of a sequence or entries of a mapping; 0 for others. */
size_t vgw_node_count(const struct vgw_node *node);
/** The i-th item of a sequence or value of a mapping; NULL when out of range. */
struct vgw_node *vgw_node_at(const struct vgw_node *node, size_t i);
/** The i-th key of a mapping, its place in `ret_line` and `ret_column` (may be NULL). NULL when out of range. */
const char *vgw_node_key_at(const struct vgw_node *mapping, size_t i, int *ret_line, int *ret_column);
/** The value of a key; NULL when absent or when this is no mapping. */
struct vgw_node *vgw_node_get(const struct vgw_node *mapping, const char *key);
/** The place of a key; false when absent. */
bool vgw_node_key_place(const struct vgw_node *mapping, const char *key, int *ret_line, int *ret_column);
/** In order: `for (size_t i = 0; vgw_node_next(map, &i, &key, &value);)`. */
bool vgw_node_next(const struct vgw_node *mapping, size_t *cursor, const char **ret_key, struct vgw_node **ret_value);
/** "http.tls.key", "routes.0.match": keys and indices, parted by dots. NULL when absent. */
struct vgw_node *vgw_node_path(const struct vgw_node *node, const char *path);
/** "FILE:LINE:COLUMN" (or "FILE") appended to `out`. */
void vgw_node_place(const struct vgw_node *node, struct vgw_buf *out);
/** Nodes in the tree and its height (a scalar: 1 and 1), counted no further than `limit` nodes. */
size_t vgw_node_measure(const struct vgw_node *node, size_t limit, int *ret_height);
bool vgw_node_equal(const struct vgw_node *a, const struct vgw_node *b); /* by content and style, not by place */

/** As JSON: plain scalars by their look (true false, integers, decimals, else text), quoted ones as strings, null as
 * null. A secret becomes "***" unless `reveal`. 0 and *ret_json (NULL for null; the caller frees), or VGW_ELIMIT. */
int vgw_node_json(const struct vgw_node *node, bool reveal, struct vgw_json **ret_json);
/** An error at a node's place. Returns VGW_ECONFIG. */
int vgw_node_error(struct vgw_config_errors *errors, const struct vgw_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** An error at the place of the mapping's key (of the mapping, when the key is absent). Returns VGW_ECONFIG. */
int vgw_node_key_error(struct vgw_config_errors *errors, const struct vgw_node *mapping, const char *key,
                       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
#endif
