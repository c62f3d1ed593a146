/* error.h - the one error idiom: a function returns 0 or a negative vgw_status, and fills a vgw_error
 * with a sentence. */
#ifndef VGW_BASE_ERROR_H
#define VGW_BASE_ERROR_H
#include <stdbool.h>
#include <stddef.h>

/* Same numbers as voicegw_status in the SDK (plugin-sdk/include/voicegw/status.h); host/ asserts that. */
enum vgw_status {
    VGW_OK = 0,
    VGW_EINVALID = -1,     /* input cannot be accepted */
    VGW_ECONFIG = -2,      /* configuration is wrong */
    VGW_EUNSUPPORTED = -3, /* this part cannot do that */
    VGW_ENOTFOUND = -4,
    VGW_EBUSY = -5,  /* state does not allow it now */
    VGW_ELIMIT = -6, /* one of our limits is reached (out of memory too) */
    VGW_ERATELIMIT = -7,
    VGW_ETIMEOUT = -8,
    VGW_ENETWORK = -9,
    VGW_EAUTH = -10,
    VGW_EPROVIDER = -11,
    VGW_ESTORAGE = -12,
    VGW_EINTERNAL = -13,
};

/** One row of the table that every part uses: HTTP, events, metrics, records. */
struct vgw_status_info {
    int status;              /* enum vgw_status */
    const char *name;        /* "not_found" */
    const char *error_class; /* "not_found", "network", … as options.md lists them */
    int http_status;         /* 404 … */
    bool retryable;
};
/** The row for a status; unknown values get that of VGW_EINTERNAL. Thread: any. Static memory. */
const struct vgw_status_info *vgw_status_info(int status);
/** Status for an error class name, or VGW_EINTERNAL. */
int vgw_status_from_class(const char *error_class);

#define VGW_ERROR_TEXT_MAX 512
struct vgw_error {
    int status;
    char text[VGW_ERROR_TEXT_MAX]; /* a sentence: what is wrong and what would be right */
    char place[160];               /* "file:line:column", a field name, or "" */
};
/** Fills `err` (may be NULL) and returns `status`: `return vgw_error_set(err, VGW_EINVALID, "…");`. Thread: any. */
int vgw_error_set(struct vgw_error *err, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** The same with a place. */
int vgw_error_at(struct vgw_error *err, int status, const char *place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** Out of memory: sets VGW_ELIMIT with the usual sentence and returns it. */
int vgw_error_nomem(struct vgw_error *err);
/** "prefix: " before the text that is there. Returns err's status. */
int vgw_error_prefix(struct vgw_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__ /* which sees one source at a time: what error.c answers, so that it knows success from      \
                             failure */
#define vgw_error_set(err, status, ...) ((void)vgw_error_set(err, status, __VA_ARGS__), (status))
#define vgw_error_at(err, status, place, ...) ((void)vgw_error_at(err, status, place, __VA_ARGS__), (status))
#define vgw_error_nomem(err) ((void)vgw_error_nomem(err), VGW_ELIMIT)
#endif
#endif
