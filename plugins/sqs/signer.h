/* signer.h - AWS Signature Version 4 of a request with a body and no query. Pure but for the digests, which are the
 * host's; time is an argument. Source: AWS, "Create a signed AWS API request"; vectors of botocore's aws4_testsuite. */
#ifndef SQS_SIGNER_H
#define SQS_SIGNER_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/draft/host_crypto.h"

struct sqs_credentials {
    char access_key[160], secret_key[256], session_token[4096]; /* token "": none */
};
struct sqs_request {
    const char *method, *host, *path, *query; /* path and query as they go out, encoded; query "" for none */
    const char *region, *service;
    const char *content_type, *target; /* headers that are signed when not NULL */
    const void *body;
    uint64_t body_bytes;
    int64_t wall_us;
};
#define SQS_HEADER_MAX 4500
struct sqs_signed {
    char date[96];                      /* "X-Amz-Date: …" */
    char authorization[1024];           /* "Authorization: …" */
    char token[SQS_HEADER_MAX];         /* "X-Amz-Security-Token: …" or "" */
    char canonical_hash[65], stamp[72]; /* for tests and for what the service complains of */
};
/** 0, or VOICEGW_ELIMIT when something does not fit. */
int32_t sqs_sign(const struct voicegw_host *host, const struct voicegw_host_crypto *crypto,
                 const struct sqs_credentials *credentials, const struct sqs_request *request, struct sqs_signed *ret);
#endif
