/* resolve.h - the addresses behind the names of a trunk (its host, its outbound proxy) as the host's resolver knows
 * them: requests go there, and what comes from there is known to be the trunk's. [sip] */
#ifndef SIP_RESOLVE_H
#define SIP_RESOLVE_H
#include "trunk.h"

/** Looks now and every five minutes; trunk_begin() follows each look. */
void resolve_start(struct trunk *trunk);
#endif
