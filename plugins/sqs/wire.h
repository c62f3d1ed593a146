/* wire.h - SQS's AWS JSON 1.0 protocol: requests and answers, pure. Facts: botocore's service-2.json of 2012-11-05. */
#ifndef SQS_WIRE_H
#define SQS_WIRE_H
#include <stdint.h>
#include "voicegw/json.h"

#define SQS_VISIBILITY_MAX_S 43200
#define SQS_BODY_MAX (1u << 20)

/** The parts of a queue's URL. */
struct sqs_place {
    char origin[300];    /* "https://host:port": where requests go, whatever a queue calls itself */
    char host[256];      /* as in the Host header */
    char path[200];      /* of the queue */
    char queue_url[600]; /* as the operator wrote it */
    char dead_url[600];  /* or "" */
    char region[40];
};
/** Splits a URL; region "" takes it from a host like sqs.eu-west-1.amazonaws.com. 0, or VOICEGW_ECONFIG with *ret_why.
 */
int32_t sqs_place_parse(const char *url, const char *base_url, const char *region, const char *dead_url,
                        struct sqs_place *ret, const char **ret_why);

/* Bodies, into `out` of `cap` octets: the length, or VOICEGW_ELIMIT. */
int64_t sqs_receive_body(const struct sqs_place *p, uint32_t n, uint32_t wait_s, uint32_t visibility_s, char *out,
                         uint64_t cap);
int64_t sqs_visibility_body(const struct sqs_place *p, const char *receipt, int64_t us, char *out, uint64_t cap);
int64_t sqs_delete_body(const struct sqs_place *p, const char *receipt, char *out, uint64_t cap);
int64_t sqs_bury_body(const struct sqs_place *p, const char *body, const char *reason, char *out, uint64_t cap);

/** Turns an answer to ReceiveMessage into what the host wants: [{"id","receipt","body","attempt","attributes"}]. The
 * length, VOICEGW_EPROVIDER for what is no such answer, or VOICEGW_ELIMIT. */
int64_t sqs_messages(const char *answer, uint64_t bytes, char *out, uint64_t cap);

/** What an answer that is no success means: a status, and the service's own words into `sentence`. */
struct sqs_trouble {
    int32_t status;
    uint32_t retry;   /* the same request may succeed a little later */
    uint32_t expired; /* other credentials are needed */
    uint32_t skewed;  /* our clock is off by more than the service bears */
    char sentence[240];
};
void sqs_trouble_of(uint32_t http_status, const char *body, uint64_t bytes, struct sqs_trouble *ret);
#endif
