/* sdes.h - keys of SRTP in a session description: a=crypto lines (RFC 4568). Pure; keys are the caller's to wipe. */
#ifndef SIP_MEDIA_SDES_H
#define SIP_MEDIA_SDES_H
#include <stddef.h>
#include <stdint.h>

enum media_suite {
    MEDIA_SUITE_NONE,
    MEDIA_AES_CM_128_HMAC_SHA1_80,
    MEDIA_AES_CM_128_HMAC_SHA1_32,
    MEDIA_AEAD_AES_128_GCM /* RFC 7714 */
};
#define MEDIA_KEY_MAX 30u
struct media_crypto {
    uint32_t tag; /* 1 to 999,999,999 */
    enum media_suite suite;
    uint8_t key[MEDIA_KEY_MAX]; /* master key and salt */
    uint32_t key_bytes;
};
/** Octets of master key and salt: 30, 30, 28. */
uint32_t media_suite_key_bytes(enum media_suite suite);
const char *media_suite_name(enum media_suite suite);
/** The value of an a=crypto attribute ("1 AES_CM_128_HMAC_SHA1_80 inline:…|2^31|1:4"). 0; VOICEGW_EUNSUPPORTED: a suite
 * or a parameter that we do not have (the next line may do); VOICEGW_EINVALID. */
int32_t media_crypto_parse(const char *value, struct media_crypto *ret);
/** Writes that value, NUL-terminated; its length, or 0 when `cap` is too small (120 are enough). */
size_t media_crypto_format(const struct media_crypto *c, char *out, size_t cap);
#endif
