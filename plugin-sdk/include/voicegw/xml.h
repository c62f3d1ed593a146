/* voicegw/xml.h - text into XML (TwiML, BXML, SSML) without allocating. Part of the voicegw plugin SDK (MIT). Header
 * only. */
#ifndef VOICEGW_XML_H
#define VOICEGW_XML_H
#include <stdint.h>
#include <string.h>
#include "voicegw/status.h"

/** Writes `bytes` bytes of text into `out` (`cap` bytes, the NUL included), escaped for an element's content and for an
 * attribute in either quotes: & < > " ' become entities, control characters that XML 1.0 forbids become spaces. Returns
 * the length without the NUL, or VOICEGW_ELIMIT when it does not fit (then out is ""). Any thread, pure. */
static inline int64_t voicegw_xml_escapen(const char *text, uint64_t bytes, char *out, uint64_t cap)
{
    uint64_t i, n = 0;
    if (cap == 0)
        return VOICEGW_ELIMIT;
    for (i = 0; i < bytes; i++) {
        char one[1];
        const char *put = one;
        uint64_t len = 1;
        unsigned char c = (unsigned char)text[i];
        one[0] = c < 0x20u && c != '\n' && c != '\r' && c != '\t' ? ' ' : text[i];
        if (c == '&')
            put = "&amp;";
        else if (c == '<')
            put = "&lt;";
        else if (c == '>')
            put = "&gt;";
        else if (c == '"')
            put = "&quot;";
        else if (c == '\'')
            put = "&apos;";
        if (put != one)
            len = (uint64_t)strlen(put);
        if (len >= cap - n) {
            out[0] = '\0';
            return VOICEGW_ELIMIT;
        }
        memcpy(out + n, put, (size_t)len);
        n += len;
    }
    out[n] = '\0';
    return (int64_t)n;
}

/** The same for a C string; NULL reads as "". */
static inline int64_t voicegw_xml_escape(const char *text, char *out, uint64_t cap)
{
    return voicegw_xml_escapen(text ? text : "", text ? (uint64_t)strlen(text) : 0, out, cap);
}

#endif
