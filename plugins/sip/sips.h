/* sips.h - SIPS URIs (RFC 3261, 26.2.2) for a library that sends to sip: only. Pure. */
#ifndef SIP_SIPS_H
#define SIP_SIPS_H
#include <stddef.h>

/** A message whose Contact and Record-Route say sip: with TLS where they said sips:, so that what follows in the dialog
 * can be sent; the rest is as it was. Its bytes; 0: there is nothing to change, or no room. */
size_t sip_sips_targets(const char *text, size_t bytes, char *out, size_t cap);
/** The next hop of a sips: URI, as a URI that the library routes by; -1: it is none, or no room. */
int sip_sips_route(const char *uri, char *out, size_t cap);
/** "sip:user@host:port;transport=tls" becomes "sips:user@host:port", in place. */
void sip_sips_contact(char *uri, size_t cap);
#endif
