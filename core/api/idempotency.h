/* idempotency.h - answers kept by Idempotency-Key: the same key with the same body gets the same answer. Pure; one
 * thread. */
#ifndef VGW_API_IDEMPOTENCY_H
#define VGW_API_IDEMPOTENCY_H
#include <stddef.h>
#include <stdint.h>

#define VGW_IDEMPOTENCY_MAX 10000u
#define VGW_IDEMPOTENCY_US (24 * 3600 * INT64_C(1000000))
#define VGW_IDEMPOTENCY_KEY_MAX 255

struct vgw_kept_answer {
    int http_status;
    char *content_type, *header, *body; /* header: a further line, or NULL */
    size_t body_len;
};
enum vgw_idempotency_result {
    VGW_IDEMPOTENCY_NEW,       /* go on; tell the end by keep() or forget() */
    VGW_IDEMPOTENCY_REPEATED,  /* *ret_answer is the answer */
    VGW_IDEMPOTENCY_IN_FLIGHT, /* 409 */
    VGW_IDEMPOTENCY_DIFFERENT, /* 422: another body */
    VGW_IDEMPOTENCY_FULL,      /* nothing but requests under way */
};
struct vgw_idempotency;
struct vgw_idempotency *vgw_idempotency_new(size_t max); /* 0: VGW_IDEMPOTENCY_MAX. NULL: out of memory */
void vgw_idempotency_free(struct vgw_idempotency *s);    /* takes NULL */
/** `key` names caller, route and key together. *ret_answer is borrowed until the next call. */
enum vgw_idempotency_result vgw_idempotency_begin(struct vgw_idempotency *s, const char *key, const char *body,
                                                  size_t len, int64_t now_us,
                                                  const struct vgw_kept_answer **ret_answer);
/** The answer, copied. Out of memory: the key is forgotten. */
void vgw_idempotency_keep(struct vgw_idempotency *s, const char *key, const struct vgw_kept_answer *answer);
/** It failed in a way that may pass: the key may be used again. */
void vgw_idempotency_forget(struct vgw_idempotency *s, const char *key);
size_t vgw_idempotency_count(const struct vgw_idempotency *s);
#endif
