/* secret.h - secrets are a type of their own and print as "***". */
#ifndef VGW_BASE_SECRET_H
#define VGW_BASE_SECRET_H
#include <stdbool.h>
#include <stddef.h>

struct vgw_secret; /* opaque, immutable; memory is wiped when freed */
/** Copies `value`; NULL when out of memory. Registers the value so that logs mask it (values of 6 bytes and more).
 *  Thread: any. */
struct vgw_secret *vgw_secret_new(const char *value, size_t len);
void vgw_secret_free(struct vgw_secret *s); /* takes NULL; wipes */
/** The value: use it in the call that needs it, never store or print it. NUL-terminated. */
const char *vgw_secret_reveal(const struct vgw_secret *s);
size_t vgw_secret_len(const struct vgw_secret *s);
/** Constant-time comparison with what somebody presents. NULL secret: false. */
bool vgw_secret_equals(const struct vgw_secret *s, const char *given, size_t len);
/** Always "***". */
const char *vgw_secret_print(const struct vgw_secret *s);
/** Replaces every registered secret in `text` (in place) by asterisks. Thread: any. Used by the log writer. */
void vgw_secret_mask(char *text, size_t len);
#endif
