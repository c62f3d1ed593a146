/* exchange.h - one HTTP request whose answer is read as it comes, for plugins that a caller waits for: first byte and
 * pauses have limits of their own, and what certainly did no harm is tried again until the first byte's limit.
 *
 * All on the target's thread. */
#ifndef COMMON_EXCHANGE_H
#define COMMON_EXCHANGE_H
#include <stdint.h>
#include "voicegw/host.h"
#include "voicegw/rest.h"
#include "voicegw/draft/host_http.h"

struct exchange;

/** How it ended. Borrowed during on_end(). */
struct exchange_end {
    int32_t status;       /* VOICEGW_OK: a 2xx answer is through; else what the table of voicegw/status.h says */
    uint32_t http_status; /* 0: no answer came */
    const char *sentence; /* what went wrong, for logs and events; "" when all went well. No secrets, no body */
    const char *body;     /* of an answer that was none of 2xx, or "" */
    uint64_t body_bytes;
};

struct exchange_request {
    const char *who; /* named in sentences: "the model's server" */
    const char *url;
    const char *const *headers; /* NULL-ended */
    const void *body;
    uint64_t body_bytes;
    uint32_t connect_timeout_ms, timeout_ms; /* timeout: the whole of one try */
    uint32_t first_byte_timeout_ms;          /* from the start, all tries and waits included */
    uint32_t stall_timeout_ms;               /* between two signs of progress after that */
    uint64_t max_bytes;                      /* of the answer */
    struct voicegw_retry retry;
    uint32_t repeatable; /* 1: doing it twice is as doing it once */
    /** A piece of a 2xx answer. 1: it brought the answer on; 0: it did not (a comment, half a line), so that limits go
     * on. exchange_cancel() may be called from inside. */
    uint32_t (*on_data)(void *arg, const void *data, uint64_t bytes);
    /** Exactly once, unless it was cancelled; never from inside exchange_start(). */
    void (*on_end)(void *arg, const struct exchange_end *end);
    /** Exactly once, last: nothing of it is left. A session that closes waits for it. */
    void (*on_gone)(void *arg);
    void *arg;
};

/** Starts; everything is copied. 0 and *ret_exchange, or a negative status with host->set_error(), then nothing is
 * called. */
int32_t exchange_start(const struct voicegw_host *host, const struct voicegw_host_http *http, uint64_t target,
                       const struct exchange_request *request, struct exchange **ret_exchange);
/** Neither on_data() nor on_end() follows; on_gone() does. The pointer is dead for the caller. */
void exchange_cancel(struct exchange *x);
#endif
