/* locate.h - from a sentence about a configuration to the place it speaks of. */
#ifndef VGW_CONFIG_LOCATE_H
#define VGW_CONFIG_LOCATE_H
#include "config/node.h"

/** Where in `mapping` (an instance as written, its files' documents filled in) is what the sentence names? Followed are
 * paths at its beginning, such as "voice must be …", "outcomes[2]: after must be …" or "menu \"desk\": options[0]: …",
 * as far as they lead, then a key that the sentence quotes: has no field "phrase". True and the place of the last key
 * or item reached (*ret_file is borrowed from the tree); false when the sentence names nothing that was written there.
 * Pure. */
bool vgw_node_locate(const struct vgw_node *mapping, const char *sentence, const char **ret_file, int *ret_line,
                     int *ret_column);
#endif
