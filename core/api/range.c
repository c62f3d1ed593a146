/* range.c - bytes=a-b, bytes=a-, bytes=-n. */
#include "api/range.h"

#include <string.h>
#include <strings.h>

static const char *digits(const char *p, uint64_t *ret)
{
    uint64_t n = 0;
    const char *start = p;
    for (; *p >= '0' && *p <= '9' && p - start < 19; p++)
        n = 10 * n + (uint64_t)(*p - '0');
    *ret = n;
    return p == start ? NULL : p;
}

int vgw_range_parse(const char *header, uint64_t total, uint64_t *ret_first, uint64_t *ret_last)
{
    uint64_t first = 0, last = total ? total - 1 : 0;
    if (strncasecmp(header, "bytes=", 6) != 0 || strchr(header, ','))
        return 0;
    const char *p = header + 6;
    if (*p == '-') {
        uint64_t n;
        p = digits(p + 1, &n);
        if (!p || *p)
            return 0;
        if (n == 0 || total == 0)
            return -1;
        first = n < total ? total - n : 0;
    } else {
        p = digits(p, &first);
        if (!p || *p != '-')
            return 0;
        uint64_t end;
        const char *rest = p[1] ? digits(p + 1, &end) : NULL;
        if (p[1] && (!rest || *rest || end < first))
            return 0;
        last = rest && end < last ? end : last;
    }
    if (first >= total)
        return -1;
    *ret_first = first;
    *ret_last = last;
    return 1;
}
