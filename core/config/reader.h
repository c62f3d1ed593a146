/* reader.h - what reading a configuration needs and gathers: the environment, the errors, the names that supplied
 * values. */
#ifndef VGW_CONFIG_READER_H
#define VGW_CONFIG_READER_H
#include <stddef.h>
#include "config/errors.h"
#include "config/node.h"

/** Fill `getenv` and `getenv_arg`, leave the rest zero; vgw_config_reader_done() at the end. One thread at a time. */
struct vgw_config_reader {
    const char *(*getenv)(const char *name, void *arg); /* NULL: an empty environment. The text is copied at once */
    void *getenv_arg;
    struct vgw_config_errors errors;
    char **supplied; /* names of variables that supplied a value, each once, in order of use; owned */
    size_t supplied_count;
    size_t supplied_cap;
    size_t bytes; /* of all files read so far, bounded by VGW_CONFIG_BYTES_MAX */
};

void vgw_config_reader_done(struct vgw_config_reader *reader);
/** A variable's value, NULL when unset. Borrowed until the environment changes. */
const char *vgw_config_getenv(const struct vgw_config_reader *reader, const char *name);
/** Notes that `name` supplied a value. 0 or VGW_ELIMIT. */
int vgw_config_supply(struct vgw_config_reader *reader, const char *name);

/** Longest text that one scalar may become by expansion, and largest file that !file reads: 64 KiB. */
#define VGW_CONFIG_TEXT_MAX ((size_t)64 * 1024)

/** Replaces, in every scalar of the tree (values, not keys):
 *  - ${NAME} by the variable's value, empty when it is set and empty; unset: an error at the scalar's place;
 *  - ${NAME:-default} by the value, or by `default` (taken as it is, to the next '}') when unset or empty;
 *  - $$ by one $; any other $ stays.
 *  A plain scalar is typed anew by what it becomes ("${PORT}" is a number, an empty text is null); a quoted one stays a
 * text. What came from a variable is not expanded again.
 *  `!file PATH` (a scalar; relative to the folder of the file it stands in) becomes the file's content without its last
 * line end, flagged VGW_NODE_SECRET; at most VGW_CONFIG_TEXT_MAX bytes of UTF-8 without NUL. Other tags are errors.
 *  Errors go to the reader. Returns 0, VGW_ECONFIG, or VGW_ELIMIT (out of memory). Reads files: never on a loop that
 * carries calls. */
int vgw_config_expand(struct vgw_config_reader *reader, struct vgw_node *root);
#endif
