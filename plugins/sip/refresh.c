/* refresh.c - when a registration is made again. */
#include "refresh.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BACKOFF_FIRST_MS 2000u
#define BACKOFF_MOST_MS 300000u

uint64_t sip_register_refresh_ms(uint32_t expires_s)
{
    uint64_t ms = (uint64_t)expires_s * 1000;
    return ms > 120000 ? ms - 60000 : ms / 2 > 1000 ? ms / 2 : 1000;
}

uint64_t sip_register_backoff_ms(uint32_t failures, uint32_t random)
{
    uint64_t ms = BACKOFF_FIRST_MS;
    for (uint32_t i = 1; i < failures && ms < BACKOFF_MOST_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MOST_MS)
        ms = BACKOFF_MOST_MS;
    return ms / 2 + random % (ms / 2 + 1); /* spread, so that not all who lost a registrar come back at once */
}

uint32_t sip_register_granted(const char *contact, const char *expires, uint32_t asked_s)
{
    const char *at = contact ? strcasestr(contact, ";expires=") : NULL;
    char *end = NULL;
    unsigned long n = at ? strtoul(at + 9, &end, 10) : 0;
    if (at && end != at + 9 && n > 0 && n <= 604800)
        return (uint32_t)n;
    n = expires ? strtoul(expires, &end, 10) : 0;
    return expires && end != expires && n > 0 && n <= 604800 ? (uint32_t)n : asked_s;
}
