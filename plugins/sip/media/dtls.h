/* dtls.h - keys for SRTP by a DTLS handshake on the audio's own socket (RFC 5763, RFC 5764), by OpenSSL. An association
 * belongs to its call's worker; packets are handed in and out, no socket is touched. */
#ifndef SIP_MEDIA_DTLS_H
#define SIP_MEDIA_DTLS_H
#include <stddef.h>
#include <stdint.h>
#include "sdes.h"

#define MEDIA_DTLS_MTU 1200u           /* of the records that we send together */
#define MEDIA_FINGERPRINT_CAP 220      /* "sha-512 AB:CD:…" and its zero */
#define MEDIA_DTLS_TIMEOUT_US 10000000 /* of a handshake */

/* A certificate made for this process alone, and what a description says of it; constant once it is made. [any] */
struct media_identity;
/** NULL: OpenSSL gives none. */
struct media_identity *media_identity_new(void);
void media_identity_free(struct media_identity *identity); /* takes NULL; after its last association */
const char *media_identity_fingerprint(const struct media_identity *identity);

struct media_dtls;
/** `active`: we send the first packet. `fingerprint`: the value of the peer's a=fingerprint. NULL: out of memory, or a
 * hash that is not sha-1, -224, -256, -384 or -512. The identity outlives it. */
struct media_dtls *media_dtls_new(const struct media_identity *identity, int active, const char *fingerprint);
void media_dtls_free(struct media_dtls *dtls); /* takes NULL */
/** Is it a packet of DTLS (RFC 7983)? */
int media_is_dtls(const void *data, uint32_t bytes);

enum media_dtls_state { MEDIA_DTLS_GOES_ON, MEDIA_DTLS_DONE, MEDIA_DTLS_FAILED };
/** A packet came (bytes 0: nothing, begin or see what time asks for). Once DONE or FAILED it stays so; FAILED: refused,
 * or the peer is another than its fingerprint says. */
enum media_dtls_state media_dtls_take(struct media_dtls *dtls, const void *data, uint32_t bytes);
/** The next packet that is to leave; its bytes, 0: none. `cap` of MEDIA_DTLS_MTU is enough. */
uint32_t media_dtls_next(struct media_dtls *dtls, uint8_t *out, uint32_t cap);
/** The keys of both directions, once DONE. 0, or VOICEGW_EINVALID. */
int32_t media_dtls_keys(struct media_dtls *dtls, struct media_crypto *ret_in, struct media_crypto *ret_out);
#endif
