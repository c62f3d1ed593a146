/* bucket.c - so many a second. */
#include "bucket.h"

void sip_bucket_init(struct sip_bucket *b, double rate, int64_t now_us)
{
    b->rate = rate;
    b->tokens = rate < 1 ? 1 : rate;
    b->filled_us = now_us;
}

int sip_bucket_take(struct sip_bucket *b, int64_t now_us)
{
    double most = b->rate < 1 ? 1 : b->rate;
    if (b->rate <= 0)
        return 1;
    b->tokens += (double)(now_us - b->filled_us) * b->rate / 1e6;
    b->filled_us = now_us;
    if (b->tokens > most)
        b->tokens = most;
    if (b->tokens < 1)
        return 0;
    b->tokens -= 1;
    return 1;
}
