/* outcome.c - what a final response means for a call. */
#include "outcome.h"
#include "voicegw/draft/provider.h"

uint32_t sip_outcome_of(uint32_t status)
{
    switch (status) {
    case 486:
    case 600:
        return VOICEGW_OUTCOME_BUSY;
    case 408:
    case 480:
    case 487:
        return VOICEGW_OUTCOME_NO_ANSWER;
    default:
        return VOICEGW_OUTCOME_FAILED;
    }
}

int sip_outcome_try_next(uint32_t status)
{
    return status == 0 || status == 401 || status == 403 || status == 407 || status == 408 ||
           (status >= 500 && status < 600);
}
