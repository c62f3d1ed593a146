/* register.h - a trunk's registration with its registrar: refreshed in time, tried again with patience. All [sip]. */
#ifndef SIP_REGISTER_H
#define SIP_REGISTER_H
#include "trunk.h"

void trunk_register_start(struct trunk *trunk);
/** Withdraws it: a REGISTER that expires at once leaves. */
void trunk_register_withdraw(struct trunk *trunk);
void trunk_register_stop(struct trunk *trunk);
/** When to refresh what lasts so long, and when to try again after so many failures, in ms. `random`: any 32 bits.
 * Pure. */
uint64_t sip_register_refresh_ms(uint32_t expires_s);
uint64_t sip_register_backoff_ms(uint32_t failures, uint32_t random);
/** What the registrar granted: the expires parameter of the Contact that bears `user`, else Expires, else what was
 * asked. Pure. */
uint32_t sip_register_granted(const char *contacts, const char *expires, uint32_t asked_s);
/* trunk.c */
void trunk_set_state(struct trunk *trunk, enum trunk_state state, const char *why);
void trunk_judge(struct trunk *trunk);
#endif
