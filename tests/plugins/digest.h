/* digest.h - SHA-1, SHA-256 and HMAC-SHA1 for tests of plugins, as the host's crypto service gives them: small enough
 * to see through, and slow. Source: FIPS 180-4, RFC 2104. */
#ifndef DIGEST_H
#define DIGEST_H
#include "voicegw/draft/host_crypto.h"

/** A service with digests, HMAC-SHA1, comparison and base64; random() gives a counter. */
const struct voicegw_host_crypto *digest_crypto(void);
#endif
