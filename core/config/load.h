/* load.h - the main file with its fragments as one tree; and the files of workflows, rules and menus. */
#ifndef VGW_CONFIG_LOAD_H
#define VGW_CONFIG_LOAD_H
#include "config/node.h"
#include "config/reader.h"

/** Bounds of one reading: files that one list of patterns may name, bytes of all files, includes within includes. */
#define VGW_CONFIG_FILES_MAX 10000
#define VGW_CONFIG_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define VGW_CONFIG_INCLUDE_DEPTH_MAX 8

/** Reads the main file (one document, a mapping), then the files its `include:` patterns name, and joins them into one
 * tree.
 *  - `include` is a pattern or a list of them, relative to the file it stands in. Matches of one pattern come in byte
 * order. A pattern with * ? [ may match nothing; a plain name must exist. A fragment may include others, at most
 *    VGW_CONFIG_INCLUDE_DEPTH_MAX deep; a file that is included twice is an error.
 *  - Variables and secret files are expanded in each file (vgw_config_expand()).
 *  - Joining, at the top level: the maps providers, stt, tts, assistants, agents, tools, departments, queues and
 * voice_configs join, a name given twice is an error; the lists routes, rules, workflows and webhooks join in order;
 * any other key may stand in one file only. `include` itself is not in the result. All errors go to reader->errors.
 * *ret_root (a mapping; vgw_node_free()) is set whenever there is something to check further, also when there were
 * errors. Returns 0, VGW_ECONFIG, or VGW_ELIMIT (nothing returned). Blocks on the disk. */
int vgw_config_load(struct vgw_config_reader *reader, const char *path, struct vgw_node **ret_root);
/** The same from a text (embedded defaults); `name` stands for the file in places, and relative names start at its
 * folder. */
int vgw_config_load_text(struct vgw_config_reader *reader, const char *name, const char *text, size_t len,
                         struct vgw_node **ret_root);
/** Reads the files that `patterns` (a scalar or a list of scalars; null: none) name, expanded as above, and gives all
 * their documents as one sequence (vgw_node_free()). Each document must be a mapping; others are errors and left out.
 * `what` names them in sentences: "workflow", "rule", "menu". An item of `patterns` that is a mapping is a document
 * written in place. Returns as vgw_config_load(). */
int vgw_config_load_documents(struct vgw_config_reader *reader, const struct vgw_node *patterns, const char *what,
                              struct vgw_node **ret_documents);
#endif
