/* hash.h - a 128-bit fingerprint of a file's bytes: finds change, does not resist a forger (who may write the file may
 * run code). */
#ifndef VGW_PLUGIN_HASH_H
#define VGW_PLUGIN_HASH_H
#include <stddef.h>
#include <stdint.h>

#define VGW_PLUGIN_HASH_TEXT 33 /* 32 hex digits and the NUL */

struct vgw_plugin_hash {
    uint64_t a, b, bytes;
    uint8_t rest[16];
    size_t rest_len;
};
/** Begins; feed by add, ask by text. Any thread, pure. The sum depends on the bytes alone, not on how they were cut. */
void vgw_plugin_hash_init(struct vgw_plugin_hash *h);
void vgw_plugin_hash_add(struct vgw_plugin_hash *h, const void *data, size_t len);
/** Ends: 32 hex digits into out (VGW_PLUGIN_HASH_TEXT bytes). */
void vgw_plugin_hash_text(struct vgw_plugin_hash *h, char *out);
#endif
