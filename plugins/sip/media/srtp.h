/* srtp.h - SRTP and SRTCP (RFC 3711, RFC 7714) by libsrtp2. A context serves one direction of one call and belongs to
 * its worker. */
#ifndef SIP_MEDIA_SRTP_H
#define SIP_MEDIA_SRTP_H
#include <stdint.h>
#include "sdes.h"

#define MEDIA_SRTP_TAIL 144u /* octets that protecting may add */
/** Prepares the library; once in the process, before the first context. 0, or VOICEGW_EINTERNAL. */
int32_t media_srtp_begin(void);
struct media_srtp;
/** inbound 1: for unprotecting. NULL: out of memory, or a key that the suite does not take. */
struct media_srtp *media_srtp_new(const struct media_crypto *crypto, int inbound);
void media_srtp_free(struct media_srtp *s); /* takes NULL; keys are wiped */
/** In place. *bytes grows by at most MEDIA_SRTP_TAIL, for which the buffer has room, or shrinks. 0; VOICEGW_EAUTH: not
 * authentic; VOICEGW_EBUSY: seen before (replayed); VOICEGW_EINVALID. */
int32_t media_srtp_protect(struct media_srtp *s, uint8_t *packet, uint32_t *bytes, int rtcp);
int32_t media_srtp_unprotect(struct media_srtp *s, uint8_t *packet, uint32_t *bytes, int rtcp);
#endif
