/* outcome.h - what a final response means for a call (RFC 3261, 21; RFC 3398, 8.2.6.1). Pure. */
#ifndef SIP_OUTCOME_H
#define SIP_OUTCOME_H
#include <stdint.h>

/** VOICEGW_OUTCOME_* of a final status; 0 and what is no failure: failed. */
uint32_t sip_outcome_of(uint32_t status);
/** Is it the trunk that failed, so that another may do better? */
int sip_outcome_try_next(uint32_t status);
#endif
