/* refresh.h - when a registration is made again. Pure. */
#ifndef SIP_REFRESH_H
#define SIP_REFRESH_H
#include <stdint.h>

/** When to refresh what lasts so long, and when to try again after so many failures, in ms. `random`: any 32 bits.
 * */
uint64_t sip_register_refresh_ms(uint32_t expires_s);
uint64_t sip_register_backoff_ms(uint32_t failures, uint32_t random);
/** What the registrar granted: the expires parameter of the Contact that bears `user`, else Expires, else what was
 * asked. */
uint32_t sip_register_granted(const char *contacts, const char *expires, uint32_t asked_s);
#endif
