/* yaml.h - text to trees. yaml.c alone knows libyaml, and uses its events only: positions, limits and duplicates are
 * ours. */
#ifndef VGW_CONFIG_YAML_H
#define VGW_CONFIG_YAML_H
#include <stddef.h>
#include "config/errors.h"
#include "config/node.h"

/** Largest file, in bytes. */
#define VGW_YAML_SIZE_MAX (1024 * 1024)
/** Nodes that the aliases of one file may add in all. */
#define VGW_YAML_ALIAS_NODES_MAX 10000

/** Reads all documents of `text` (YAML 1.1 as libyaml 0.2.5 reads it, UTF-8).
 *  - Errors go to `errors` with places in `file`: bad UTF-8, NUL characters, text over VGW_YAML_SIZE_MAX, nesting over
 *    VGW_NODE_DEPTH_MAX, bad syntax, a key given twice, keys that are no plain text, merge keys (<<), unknown aliases,
 * aliases that hold themselves, aliases that add more than VGW_YAML_ALIAS_NODES_MAX nodes. Reading goes on after an
 * error wherever that makes sense; after bad syntax the rest of the file is not read.
 *  - *ret_documents gets a sequence of all documents that were read to their end, empty documents left out: also when
 * there were errors, so that the caller can go on to find more. Free it with vgw_node_free().
 *  - Tags are kept as they are (`!file`); "!!str" makes a plain scalar a quoted one. Other tags are the caller's to
 * judge. Returns 0, VGW_ECONFIG (errors were added), or VGW_ELIMIT (out of memory: nothing is returned). Thread: any;
 * pure. */
int vgw_yaml_parse(const char *file, const char *text, size_t len, struct vgw_config_errors *errors,
                   struct vgw_node **ret_documents);
#endif
