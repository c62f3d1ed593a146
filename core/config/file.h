/* file.h - whole small files, and names relative to a configuration file. */
#ifndef VGW_CONFIG_FILE_H
#define VGW_CONFIG_FILE_H
#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"

/** Reads a regular file of at most `limit` bytes into a new text (vgw_free; NUL-terminated) and its length. Refuses
 * folders, devices, pipes. 0, VGW_ECONFIG with a sentence in `err` ("no such file", …), or VGW_ELIMIT. Blocks on the
 * disk. */
int vgw_file_read(const char *path, size_t limit, char **ret_text, size_t *ret_len, struct vgw_error *err);
/** `path` as it is when absolute, else below the folder of `beside` (a file's name; without a '/', the path itself). A
 * new string (vgw_free), NULL when out of memory. Thread: any; pure. */
char *vgw_file_beside(const char *beside, const char *path);
#endif
