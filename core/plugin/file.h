/* file.h - a plugin's file before any of its code runs: who may write it, is it a shared object for this machine, its
 * fingerprint. */
#ifndef VGW_PLUGIN_FILE_H
#define VGW_PLUGIN_FILE_H
#include <stddef.h>
#include "base/error.h"
#include "plugin/hash.h"

#define VGW_PLUGIN_FILE_MAX (256u << 20) /* bytes; a larger file is refused */

/** Opens a plugin's file for reading. Refuses what is absent, no regular file, writable by group or others, or owned by
 * neither root nor the gateway's own user: whoever can write it could run code here. 0 and *ret_fd (caller closes), or
 * VGW_ENOTFOUND, VGW_ECONFIG. Thread: any; reads the disk. */
int vgw_plugin_file_open(const char *file, int *ret_fd, struct vgw_error *err);
/** Reads the whole file once: checks the ELF header (shared object, this machine) and writes its fingerprint into
 * `hash` (VGW_PLUGIN_HASH_TEXT bytes). With copy_fd >= 0 the bytes that were hashed are written there. 0, VGW_ECONFIG
 * or VGW_ESTORAGE. Thread: any; reads the disk. */
int vgw_plugin_file_scan(int fd, const char *file, int copy_fd, char *hash, struct vgw_error *err);
/** Pure: are these the first bytes of a shared object that this machine can run? 0 or VGW_ECONFIG with a sentence. ELF:
 * gABI 4.1. */
int vgw_plugin_elf_check(const void *head, size_t len, const char *file, struct vgw_error *err);
#endif
