/* settings.h - what the operator set, read into a constant block. Calls keep the block they began with. */
#ifndef SIP_SETTINGS_H
#define SIP_SETTINGS_H
#include <stdatomic.h>
#include <stdint.h>
#include "sdp.h"
#include "voicegw/plugin.h"

#define SIP_LISTENERS_MAX 16u
#define SIP_TRUNKS_MAX 256u
#define SIP_USERS_MAX 1000u
#define SIP_ADDRESSES_MAX 32u
#define SIP_OPTIONS 20u

extern const struct voicegw_option sip_options[SIP_OPTIONS];

struct sip_listen {
    int transport; /* RE_UDP, RE_TCP, RE_TLS */
    char ip[64];
    uint16_t port;
};

struct sip_network { /* an address or a CIDR block; IPv4 as ::ffff:a.b.c.d */
    uint8_t address[16];
    uint8_t bits;
};

enum sip_auth { SIP_AUTH_NONE, SIP_AUTH_DIGEST, SIP_AUTH_ADDRESS, SIP_AUTH_TLS };
enum sip_srtp { SIP_SRTP_OFF, SIP_SRTP_OPTIONAL, SIP_SRTP_REQUIRED };
enum sip_keys { SIP_KEYS_SDES, SIP_KEYS_DTLS };
enum sip_dtmf { SIP_DTMF_RFC4733, SIP_DTMF_INFO, SIP_DTMF_INBAND };

struct sip_trunk {
    char name[64], host[256], username[128], password[128], outbound_proxy[256], realm[128], from[128];
    char tls_ca[512], tls_certificate[512], tls_key[512];
    uint16_t port;
    int transport;
    uint8_t do_register, tls_verify;
    enum sip_auth auth;
    enum sip_srtp srtp;
    enum sip_keys srtp_keys;
    int64_t ping_us, expires_us;
    double max_cps;
    uint32_t max_calls;
    uint32_t address_count;
    struct sip_network addresses[SIP_ADDRESSES_MAX];
};

struct sip_user {
    char name[128], password[128];
};

struct sip_settings {
    atomic_uint refs;
    uint32_t listen_count;
    struct sip_listen listen[SIP_LISTENERS_MAX];
    char external_address[64];
    uint32_t rtp_first, rtp_last;
    uint8_t codecs[SIP_CODECS];
    uint32_t codec_count;
    enum sip_srtp srtp;
    enum sip_keys srtp_keys;
    enum sip_dtmf dtmf;
    int64_t session_timer_us, rtp_timeout_us;
    double max_cps;
    uint32_t max_calls, max_registrations;
    int anonymous; /* 0: by the listener, 1: accept, 2: reject */
    int redirects; /* 3xx are followed */
    char realm[128], tls_certificate[512], tls_key[512], tls_ca[512];
    uint32_t pcap_calls;
    char pcap_path[512];
    uint32_t trace_calls;
    uint32_t trunk_count, user_count;
    struct sip_trunk *trunks;
    struct sip_user *users;
};

/** A block with one reference, or NULL after host->set_error(); *ret_status says which error. */
struct sip_settings *sip_settings_new(const struct voicegw_host *host, const struct voicegw_options *options,
                                      int32_t *ret_status);
struct sip_settings *sip_settings_keep(struct sip_settings *settings);
/** Takes NULL. [any] */
void sip_settings_drop(struct sip_settings *settings);
const struct sip_trunk *sip_settings_trunk(const struct sip_settings *settings, const char *name);
const struct sip_user *sip_settings_user(const struct sip_settings *settings, const char *name);
/** Reads "udp:0.0.0.0:5060", "tls:[::]:5061", "tcp:192.0.2.1"; 0 or -1. Pure. */
int sip_listen_parse(const char *text, struct sip_listen *ret_listen);
/** Reads an address or "192.0.2.0/24"; 0 or -1. Pure. */
int sip_network_parse(const char *text, struct sip_network *ret_network);
/** Is the bare IP in the network? Pure. */
int sip_network_has(const struct sip_network *network, const char *ip);
#endif
