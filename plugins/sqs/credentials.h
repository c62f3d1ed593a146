/* credentials.h - whose keys sign: what the operator wrote, else the environment, else a file in the manner of
 * ~/.aws/credentials. Reading a file blocks: at create(), and later on the io lane only. */
#ifndef SQS_CREDENTIALS_H
#define SQS_CREDENTIALS_H
#include "signer.h"

/** Takes the keys of a profile out of a file's text. 1: found both keys. Pure. */
int sqs_credentials_parse(const char *text, const char *profile, struct sqs_credentials *ret);
/** Reads a file of at most 64 KiB; 1: found both keys. */
int sqs_credentials_read(const char *path, const char *profile, struct sqs_credentials *ret);
/** AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; 1: the first two are set. */
int sqs_credentials_environment(struct sqs_credentials *ret);
#endif
