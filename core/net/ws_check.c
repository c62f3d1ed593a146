/* ws_check.c - what may go over a WebSocket. */
#include "net/ws_check.h"
#include "base/str.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool all_ascii(const unsigned char *p, size_t len)
{
    uint64_t word, seen = 0;
    for (; len >= 8; p += 8, len -= 8) {
        memcpy(&word, p, 8);
        seen |= word;
    }
    unsigned char rest = 0;
    for (; len; len--)
        rest |= *p++;
    return ((seen & UINT64_C(0x8080808080808080)) | (rest & 0x80)) == 0;
}

bool vgw_ws_text_valid(const void *data, size_t len)
{
    return all_ascii(data, len) || vgw_utf8_valid(data, len);
}

bool vgw_ws_code_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

bool vgw_ws_header_valid(const char *h)
{
    const char *colon = strchr(h, ':');
    return colon && colon != h && !strpbrk(h, "\r\n") && colon - h < 100;
}

void vgw_ws_failure(unsigned code, const void *why, size_t len, char *out, size_t cap)
{
    char text[160];
    (void)vgw_strncopy(text, sizeof text, why ? why : "connection failed", why ? len : strlen("connection failed"));
    if (code >= 300 && code <= 599)
        (void)snprintf(out, cap, "answered %u: %s", code, text);
    else
        (void)snprintf(out, cap, "%s", text);
}
