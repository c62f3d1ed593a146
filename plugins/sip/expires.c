/* expires.c - session timers. */
#include "expires.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sip_expires sip_expires_read(const char *header)
{
    struct sip_expires e = {0, SIP_REFRESHER_NONE};
    char *end = NULL;
    unsigned long n = header ? strtoul(header, &end, 10) : 0;
    if (!header || end == header || n == 0 || n > 1000000)
        return e;
    e.seconds = (uint32_t)n;
    const char *refresher = strcasestr(end, "refresher=");
    if (refresher && strncasecmp(refresher + 10, "uac", 3) == 0)
        e.refresher = SIP_REFRESHER_UAC;
    else if (refresher && strncasecmp(refresher + 10, "uas", 3) == 0)
        e.refresher = SIP_REFRESHER_UAS;
    return e;
}

uint32_t sip_expires_answer(struct sip_expires asked, int supported, uint32_t ours_s, struct sip_expires *ret)
{
    if (asked.seconds > 0 && asked.seconds < SIP_MIN_SE_S)
        return 422;
    if (asked.seconds == 0) {
        *ret = (struct sip_expires){supported ? ours_s : 0, SIP_REFRESHER_UAS};
        return 0;
    }
    *ret = asked;
    if (ours_s > 0 && ours_s < asked.seconds)
        ret->seconds = ours_s;
    if (!supported)
        ret->refresher = SIP_REFRESHER_UAS;
    else if (asked.refresher == SIP_REFRESHER_NONE)
        ret->refresher = SIP_REFRESHER_UAC;
    return 0;
}

uint64_t sip_expires_refresh_ms(uint32_t seconds)
{
    return (uint64_t)seconds * 500;
}

uint64_t sip_expires_give_up_ms(uint32_t seconds)
{
    uint32_t early = seconds / 3 < 32 ? seconds / 3 : 32;
    return (uint64_t)(seconds - early) * 1000;
}

int sip_header_has(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; *at;) {
        at += strspn(at, " \t,");
        size_t len = strcspn(at, " \t,");
        if (len == n && strncasecmp(at, word, n) == 0)
            return 1;
        at += len;
    }
    return 0;
}
