/* voicegw/draft/host_http.h - the gateway's HTTP client for plugins. Part of the voicegw plugin SDK (MIT).
 * Draft: may change until version 1 is cut. */
#ifndef VOICEGW_DRAFT_HOST_HTTP_H
#define VOICEGW_DRAFT_HOST_HTTP_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_HOST_HTTP "voicegw.host.http/1"

#define VOICEGW_HTTP_TRUSTED_URL                                                                                       \
    1u                         /* the URL is from the operator's file: loopback and private targets are allowed        \
                                */
#define VOICEGW_HTTP_STREAM 2u /* the body comes by on_body() as it arrives, not in the response */
#define VOICEGW_HTTP_ONCE 4u   /* on a connection of its own, so that no lost one makes it go out twice unseen */

struct voicegw_http_response {
    uint32_t size;
    uint32_t http_status;     /* 0 when no answer came */
    const char *headers_json; /* {"lower-case-name": "value"} */
    const void *body;         /* borrowed */
    uint64_t body_bytes;
};

struct voicegw_http_request {
    uint32_t size;
    uint32_t flags;
    const char *method; /* "GET", "POST", … */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-ended, or NULL */
    const void *body;           /* copied */
    uint64_t body_bytes;
    uint32_t timeout_ms;             /* whole request; 0: 15,000 */
    uint32_t connect_timeout_ms;     /* 0: 5,000 */
    uint64_t max_body_bytes;         /* 0: 1 MiB */
    const char *username, *password; /* HTTP Basic, or NULL */
    const char *aws_sigv4;           /* "aws:amz:REGION:SERVICE", or NULL */
    /** Exactly once, on the target's thread, never from inside request(). status 0: an answer came (whatever its code).
     */
    void (*on_done)(void *arg, int32_t status, const char *sentence, const struct voicegw_http_response *response);
    /** With VOICEGW_HTTP_STREAM; may be NULL otherwise. */
    void (*on_body)(void *arg, const void *data, uint64_t bytes);
    void *arg;
};

struct voicegw_host_http {
    uint32_t size;
    uint32_t reserved;
    /** Starts a request; all strings are copied. `target`: whose thread serves it. 0 and *ret_request, or a negative
     * status (the policy for outgoing URLs refuses, limit of requests reached). [control, media: of that target] */
    int32_t (*request)(const struct voicegw_host *host, uint64_t target, const struct voicegw_http_request *request,
                       uint64_t *ret_request);
    /** on_done() follows with VOICEGW_ETIMEOUT. [the target's thread] */
    void (*cancel)(const struct voicegw_host *host, uint64_t request);
};

#endif
