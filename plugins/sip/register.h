/* register.h - a trunk's registration with its registrar: refreshed in time, tried again with patience. All [sip]. */
#ifndef SIP_REGISTER_H
#define SIP_REGISTER_H
#include "refresh.h"
#include "trunk.h"

void trunk_register_start(struct trunk *trunk);
/** Withdraws it: a REGISTER that expires at once leaves. */
void trunk_register_withdraw(struct trunk *trunk);
void trunk_register_stop(struct trunk *trunk);
/* trunk.c */
void trunk_set_state(struct trunk *trunk, enum trunk_state state, const char *why);
void trunk_judge(struct trunk *trunk);
#endif
