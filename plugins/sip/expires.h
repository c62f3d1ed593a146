/* expires.h - session timers (RFC 4028): what the headers say, and who refreshes. Pure. */
#ifndef SIP_EXPIRES_H
#define SIP_EXPIRES_H
#include <stdint.h>

#define SIP_MIN_SE_S 90u

enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };

struct sip_expires {
    uint32_t seconds; /* 0: no timer */
    enum sip_refresher refresher;
};

/** Reads "1800;refresher=uac"; all zero for NULL and for what cannot be read. */
struct sip_expires sip_expires_read(const char *header);
/** What we answer a request with: 0, or 422 when it asks for less than SIP_MIN_SE_S. `supported`: the peer knows
 * timers; `ours_s`: what we want, 0 nothing. */
uint32_t sip_expires_answer(struct sip_expires asked, int supported, uint32_t ours_s, struct sip_expires *ret_agreed);
/** When the refresher refreshes, and when the other side gives up, in ms (RFC 4028, 10). */
uint64_t sip_expires_refresh_ms(uint32_t seconds);
uint64_t sip_expires_give_up_ms(uint32_t seconds);
/** Does a comma-separated header value name this word? Case does not matter. */
int sip_header_has(const char *list, const char *word);
#endif
