/* find.h - which plugins lie on the path. Looks at file names only: nothing is opened, so plugins that nobody names
 * cost nothing. */
#ifndef VGW_PLUGIN_FIND_H
#define VGW_PLUGIN_FIND_H
#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

#define VGW_PLUGIN_NAME_MAX 32    /* bytes, as voicegw/plugin.h says */
#define VGW_PLUGIN_FOUND_MAX 1024 /* files on the path; those beyond are not seen */

/** A directory of the path. A name found in two directories of one rank is an error; a lower rank (the command line's)
 * hides a higher one (the configuration's). */
struct vgw_plugin_dir {
    const char *dir;
    unsigned rank;
};
struct vgw_plugin_found {
    char *name;    /* "mock" */
    char *file;    /* "/usr/lib/voicegw/mock.so" */
    char *also_in; /* the second file of that name and rank, or NULL */
    unsigned rank;
};
struct vgw_plugin_list; /* sorted by name; one owner */

/** Scans the directories; one that cannot be read is named in `err` while the rest is used (the return is then
 * VGW_ENOTFOUND, and *ret_list is set all the same). VGW_ELIMIT: out of memory, nothing set. Thread: any; reads the
 * disk. */
int vgw_plugin_find(const struct vgw_plugin_dir *dirs, size_t count, struct vgw_plugin_list **ret_list,
                    struct vgw_error *err);
void vgw_plugin_list_free(struct vgw_plugin_list *list); /* takes NULL */
size_t vgw_plugin_list_count(const struct vgw_plugin_list *list);
const struct vgw_plugin_found *vgw_plugin_list_at(const struct vgw_plugin_list *list, size_t i); /* borrowed */
/** The file of a plugin by name: 0 and *ret_file (borrowed from the list), or VGW_ENOTFOUND (with the nearest name and
 * the directories searched), VGW_ECONFIG (it is there twice, or the name has characters that no plugin's has). Pure. */
int vgw_plugin_locate(const struct vgw_plugin_list *list, const char *name, const char **ret_file,
                      struct vgw_error *err);
/** Pure: [a-z0-9_-], 1 to 32 of them. */
bool vgw_plugin_name_valid(const char *name);
#endif
