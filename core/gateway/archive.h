/* archive.h - recordings in S3-compatible storage: stored once they are finished, erased with their records, fetched
 * when somebody asks for them. All on control. */
#ifndef VGW_GATEWAY_ARCHIVE_H
#define VGW_GATEWAY_ARCHIVE_H
#include "config/errors.h"
#include "gateway/gateway.h"
#include "gateway/plan.h"

struct vgw_archive;

/** Bucket, keys and address that storage: s3 needs, each at its place. */
void vgw_archive_check(const struct vgw_plan *plan, struct vgw_config_errors *errors);
/** NULL: out of memory. Does nothing while recordings.storage is local. */
struct vgw_archive *vgw_archive_new(struct vgw_gateway *g);
/** Ends what has not begun; what has tells its end before vgw_archive_idle(). Takes NULL, as the next. */
void vgw_archive_close(struct vgw_archive *a);
bool vgw_archive_idle(const struct vgw_archive *a);
void vgw_archive_free(struct vgw_archive *a);
/** After a reload. Takes NULL. */
void vgw_archive_changed(struct vgw_archive *a);
/** Is storage: s3 in force? False for NULL. */
bool vgw_archive_on(const struct vgw_archive *a);
/** A recording's file, by its name in the folder of recordings (what follows takes the same), is finished, or will be
 * soon. Takes NULL, as the next. */
void vgw_archive_store(struct vgw_archive *a, const char *name);
/** False: too much waits already; ask again later. */
bool vgw_archive_erase(struct vgw_archive *a, const char *name);
/** Is who asks for a whole recording to be sent to its address? Else all is fetched. Only while it is on, as what
 * follows. */
bool vgw_archive_redirects(const struct vgw_archive *a);
/** An address that can be read without a key for five minutes. */
int vgw_archive_address(struct vgw_archive *a, const char *name, struct vgw_buf *out, struct vgw_error *err);
/** `path`: a file that the taker removes; NULL when status says why there is none. */
typedef void (*vgw_archive_fn)(void *arg, int status, const char *sentence, const char *path);
/** Brings it here. `done` once, not from inside; not when a negative status is returned. */
int vgw_archive_fetch(struct vgw_archive *a, const char *name, vgw_archive_fn done, void *arg, struct vgw_error *err);
#endif
