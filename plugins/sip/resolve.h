/* resolve.h - the addresses behind a trunk's host name, so that what comes from them is known to be the trunk's. [sip]
 */
#ifndef SIP_RESOLVE_H
#define SIP_RESOLVE_H
#include "trunk.h"

/** Looks now and every five minutes. */
void resolve_start(struct trunk *trunk);
#endif
