/* net_crypto.c - digests, HMAC and webhook signatures against published vectors. */
#include "base/str.h"
#include "net/outbox.h"
#include "net/tls.h"
#include <criterion/criterion.h>
#include <string.h>

static const char *hex(const uint8_t *p, int n, struct vgw_buf *b)
{
    vgw_buf_reset(b);
    vgw_hex_encode(b, p, (size_t)n);
    return vgw_buf_str(b);
}

/* RFC 1321 A.5, FIPS 180-4 examples. */
Test(net_crypto, digests_match_their_standards)
{
    uint8_t out[VGW_DIGEST_MAX];
    struct vgw_buf b = {0};
    cr_assert_str_eq(hex(out, vgw_digest(VGW_DIGEST_MD5, "abc", 3, out), &b), "900150983cd24fb0d6963f7d28e17f72");
    cr_assert_str_eq(hex(out, vgw_digest(VGW_DIGEST_SHA1, "abc", 3, out), &b),
                     "a9993e364706816aba3e25717850c26c9cd0d89d");
    cr_assert_str_eq(hex(out, vgw_digest(VGW_DIGEST_SHA256, "abc", 3, out), &b),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_assert_str_eq(hex(out, vgw_digest(VGW_DIGEST_SHA256, "", 0, out), &b),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_assert_str_eq(hex(out, vgw_digest(VGW_DIGEST_SHA512, "abc", 3, out), &b),
                     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    cr_assert_eq(vgw_digest((enum vgw_digest)9, "abc", 3, out), VGW_EUNSUPPORTED);
    vgw_buf_done(&b);
}

/* RFC 2202 test 2, RFC 4231 test 2, and the vector of Twilio's request validator. */
Test(net_crypto, hmac_matches_its_standards)
{
    uint8_t out[VGW_DIGEST_MAX];
    struct vgw_buf b = {0};
    static const char data[] = "what do ya want for nothing?";
    static const char twilio[] =
        "https://mycompany.com/"
        "myapp.php?foo=1&bar=2CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212";
    cr_assert_str_eq(hex(out, vgw_hmac(VGW_DIGEST_SHA1, "Jefe", 4, data, sizeof data - 1, out), &b),
                     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    cr_assert_str_eq(hex(out, vgw_hmac(VGW_DIGEST_SHA256, "Jefe", 4, data, sizeof data - 1, out), &b),
                     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    cr_assert_str_eq(hex(out, vgw_hmac(VGW_DIGEST_SHA512, "Jefe", 4, data, sizeof data - 1, out), &b),
                     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    vgw_buf_reset(&b);
    vgw_base64_encode(&b, out, (size_t)vgw_hmac(VGW_DIGEST_SHA1, "12345", 5, twilio, sizeof twilio - 1, out));
    cr_assert_str_eq(vgw_buf_str(&b), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    vgw_buf_done(&b);
}

Test(net_crypto, webhooks_are_signed_as_the_published_vector)
{
    static const char body[] = "{\"test\": 2432232314}";
    struct vgw_buf b = {0};
    cr_assert_eq(vgw_webhook_sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                  body, sizeof body - 1, &b),
                 0);
    cr_assert_str_eq(vgw_buf_str(&b), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    cr_assert_eq(vgw_webhook_sign("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "m", 1, body, 1, &b), VGW_EINVALID);
    cr_assert_eq(vgw_webhook_sign("whsec_YWJj", "m", 1, body, 1, &b), VGW_EINVALID);
    cr_assert_eq(vgw_webhook_sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a.b", 1, body, 1, &b), VGW_EINVALID);
    vgw_buf_done(&b);
}

Test(net_crypto, certificates_that_cannot_be_used_are_refused_with_a_sentence)
{
    struct vgw_tls_server *s = NULL;
    struct vgw_error err = {0};
    cr_assert_eq(vgw_tls_server_new("/nonexistent.pem", "/nonexistent.key", &s, &err), VGW_ECONFIG);
    cr_assert(strstr(err.text, "/nonexistent.pem"));
}
