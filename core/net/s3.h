/* s3.h - requests to an S3-compatible server, signed by AWS Signature Version 4: as headers, and as addresses that are
 * good for a while. Pure; time is an argument; any thread. Source: AWS, "Authenticating Requests (AWS Signature Version
 * 4)" of the S3 API reference, whose examples are the tests' vectors. */
#ifndef VGW_NET_S3_H
#define VGW_NET_S3_H
#include "base/buf.h"
#include "base/error.h"

#define VGW_S3_PRESIGN_MAX_S 604800 /* seconds that an address may be good for */

/** All borrowed; "" or NULL where there is none. */
struct vgw_s3_site {
    const char *base_url; /* of a compatible server, whose buckets are the first part of the path; NULL: AWS */
    const char *bucket;   /* "": base_url is the bucket's own */
    const char *region;
    const char *access_key, *secret_key, *session_token;
};
struct vgw_s3_request {
    char *url;
    char *headers[6]; /* "Name: value", NULL-ended */
};
/** The address of an object without a signature. `key` has no slash in front. */
void vgw_s3_url(const struct vgw_s3_site *site, const char *key, struct vgw_buf *out);
/** A request whose body hashes to `payload` (64 hex digits); `content_type` may be NULL. 0, VGW_ELIMIT, VGW_ECONFIG (a
 * base_url that is none). Free by vgw_s3_request_done(), also after a failure of what follows. */
int vgw_s3_sign(const struct vgw_s3_site *site, const char *method, const char *key, const char *content_type,
                const char *payload, int64_t wall_us, struct vgw_s3_request *ret_request, struct vgw_error *err);
void vgw_s3_request_done(struct vgw_s3_request *request);
/** An address that may be read without a key for `expires_s`. Errors as above. */
int vgw_s3_presign(const struct vgw_s3_site *site, const char *key, int64_t expires_s, int64_t wall_us,
                   struct vgw_buf *out, struct vgw_error *err);
#endif
