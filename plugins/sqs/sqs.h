/* sqs.h - an instance: one queue. All on [control]. */
#ifndef SQS_SQS_H
#define SQS_SQS_H
#include "credentials.h"
#include "wire.h"
#include "voicegw/plugin.h"
#include "voicegw/rest.h"
#include "voicegw/draft/host_http.h"
#include "voicegw/draft/queue.h"

#define SQS_REQUESTS_MAX 64u

struct sqs {
    const struct voicegw_host *host;
    const struct voicegw_host_http *http;
    const struct voicegw_host_crypto *crypto;
    const struct voicegw_host_queue *out;
    struct sqs_place place;
    struct sqs_credentials credentials;
    char file[1024], profile[64]; /* where newer credentials are read; "" none */
    uint32_t wait_s, visibility_s, timeout_ms, connect_timeout_ms;
    struct voicegw_retry retry;
    int64_t skew_us; /* the service's clock minus ours */
    struct sqs_call *calls;
    uint32_t count, draining, told;
};

/** Starts a request: `target` like "AmazonSQS.ReceiveMessage"; the body is taken (free()). `then`: a second body, sent
 * by `then_target` when the first is through; may be NULL. 0, or a negative status; then nothing is completed. */
int32_t sqs_call_start(struct sqs *q, uint64_t op, const char *target, char *body, const char *then_target, char *then);
/** The long polls give up at once. */
void sqs_calls_hurry(struct sqs *q);
/** Tells the host when the last request of a draining instance is over. */
void sqs_tell_drained(struct sqs *q);
#endif
