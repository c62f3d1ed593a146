/* bucket.h - so many a second: a bucket that holds one second's worth. Pure. */
#ifndef SIP_BUCKET_H
#define SIP_BUCKET_H
#include <stdint.h>

struct sip_bucket {
    double rate, tokens;
    int64_t filled_us;
};
void sip_bucket_init(struct sip_bucket *bucket, double rate, int64_t now_us);
/** 1: one may go; 0: too many. A rate of 0 lets all go. */
int sip_bucket_take(struct sip_bucket *bucket, int64_t now_us);
#endif
