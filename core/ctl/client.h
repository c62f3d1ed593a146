/* client.h - HTTP to the gateway: over its control socket, or to an address. client.c alone knows libcurl. */
#ifndef VGW_CTL_CLIENT_H
#define VGW_CTL_CLIENT_H
#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

/* Where the gateway is. All texts are borrowed for the client's lifetime. */
struct vgw_ctl_target {
    const char *socket; /* path of the control socket; used unless there is a url */
    const char *url;    /* "https://voice.example.com", with the API's prefix when that is not /voice; or NULL */
    const char *token;  /* sent as a bearer token with `url`; or NULL */
};
struct vgw_ctl_client;

/** NULL: the target is no address, or out of memory (err). The caller frees. */
struct vgw_ctl_client *vgw_ctl_client_new(const struct vgw_ctl_target *target, struct vgw_error *err);
void vgw_ctl_client_free(struct vgw_ctl_client *c); /* takes NULL */
/** Is a token sent, or is none needed? */
bool vgw_ctl_client_trusted(const struct vgw_ctl_client *c);
/** How long a request may take as a whole, in seconds; 0: however long. 30 unless set. */
void vgw_ctl_client_set_timeout(struct vgw_ctl_client *c, long timeout_s);

struct vgw_ctl_answer {
    int http_status;
    char *body; /* NUL-terminated, at most 64 MiB; freed by vgw_ctl_answer_done() */
    size_t len;
    char *link; /* the header Link, or NULL */
};
void vgw_ctl_answer_done(struct vgw_ctl_answer *answer);
/** One request; `json` (may be NULL) is its body. Any HTTP status is success. VGW_ENETWORK: nobody answered, with a
 * sentence that says what helps. */
int vgw_ctl_client_request(struct vgw_ctl_client *c, const char *method, const char *path, const char *json,
                           struct vgw_ctl_answer *ret_answer, struct vgw_error *err);

/** A line of a stream, without its end. False: enough, the stream is closed. */
typedef bool vgw_ctl_line_fn(void *arg, const char *line);
/** GETs a stream of lines until it ends, `fn` has enough, or nothing came for `idle_ms` (0: however long). An answer
 * other than 200 is collected in `ret_answer` instead, which is zeroed otherwise. VGW_ENETWORK: not reached, or broken
 * off. */
int vgw_ctl_client_stream(struct vgw_ctl_client *c, const char *path, int idle_ms, vgw_ctl_line_fn *fn, void *arg,
                          struct vgw_ctl_answer *ret_answer, struct vgw_error *err);
#endif
