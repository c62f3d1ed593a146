/* srtp.c - the library's contexts. */
#include "srtp.h"
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/status.h"

struct media_srtp {
    srtp_t session;
    uint8_t key[MEDIA_KEY_MAX];
};

int32_t media_srtp_begin(void)
{
    return srtp_init() == srtp_err_status_ok ? VOICEGW_OK : VOICEGW_EINTERNAL;
}

struct media_srtp *media_srtp_new(const struct media_crypto *crypto, int inbound)
{
    srtp_policy_t policy;
    struct media_srtp *s = calloc(1, sizeof *s);
    if (!s || crypto->suite == MEDIA_SUITE_NONE || crypto->key_bytes != media_suite_key_bytes(crypto->suite)) {
        free(s);
        return NULL;
    }
    memcpy(s->key, crypto->key, crypto->key_bytes);
    memset(&policy, 0, sizeof policy);
    switch (crypto->suite) {
    case MEDIA_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
        break;
    case MEDIA_AES_CM_128_HMAC_SHA1_32:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp); /* RFC 4568 6.2.2: SRTCP keeps the 80 bits */
        break;
    default:
        srtp_crypto_policy_set_rtp_default(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
        break;
    }
    policy.ssrc.type = inbound ? ssrc_any_inbound : ssrc_any_outbound;
    policy.key = s->key;
    policy.window_size = 512;
    policy.allow_repeat_tx = 0;
    if (srtp_create(&s->session, &policy) == srtp_err_status_ok)
        return s;
    free(s);
    return NULL;
}

void media_srtp_free(struct media_srtp *s)
{
    if (!s)
        return;
    (void)srtp_dealloc(s->session);
    explicit_bzero(s->key, sizeof s->key);
    free(s);
}

static int32_t status_of(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return VOICEGW_OK;
    case srtp_err_status_auth_fail:
        return VOICEGW_EAUTH;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return VOICEGW_EBUSY;
    default:
        return VOICEGW_EINVALID;
    }
}

int32_t media_srtp_protect(struct media_srtp *s, uint8_t *packet, uint32_t *bytes, int rtcp)
{
    int len = (int)*bytes;
    int32_t status =
        status_of(rtcp ? srtp_protect_rtcp(s->session, packet, &len) : srtp_protect(s->session, packet, &len));
    if (status == VOICEGW_OK)
        *bytes = (uint32_t)len;
    return status;
}

int32_t media_srtp_unprotect(struct media_srtp *s, uint8_t *packet, uint32_t *bytes, int rtcp)
{
    int len = (int)*bytes;
    int32_t status =
        status_of(rtcp ? srtp_unprotect_rtcp(s->session, packet, &len) : srtp_unprotect(s->session, packet, &len));
    if (status == VOICEGW_OK)
        *bytes = (uint32_t)len;
    return status;
}
