/* response.c - what a response looks like on the wire. */
#include "net/http.h"
#include "base/json.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *vgw_http_phrase(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Unknown";
}

char *vgw_http_date(int64_t wall_us, char *out)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || tm.tm_year > 8099 || tm.tm_year < -1900) {
        out[0] = '\0';
        return out;
    }
    snprintf(out, 32, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday % 7], (unsigned)tm.tm_mday % 100u,
             months[tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)tm.tm_hour % 100u,
             (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u);
    return out;
}

static bool line_safe(const char *s)
{
    return s[0] != '\0' && strpbrk(s, "\r\n") == NULL;
}

void vgw_http_write_head(struct vgw_buf *out, const struct vgw_http_response *r, int64_t length, bool chunked,
                         bool keep_alive, int64_t wall_us)
{
    char date[32];
    vgw_buf_printf(out, "HTTP/1.1 %d %s\r\n", r->status, vgw_http_phrase(r->status));
    if (wall_us >= 0)
        vgw_buf_printf(out, "Date: %s\r\n", vgw_http_date(wall_us, date));
    if (r->content_type && line_safe(r->content_type))
        vgw_buf_printf(out, "Content-Type: %s\r\n", r->content_type);
    if (length >= 0)
        vgw_buf_printf(out, "Content-Length: %lld\r\n", (long long)length);
    if (chunked)
        vgw_buf_adds(out, "Transfer-Encoding: chunked\r\n");
    for (const char *const *h = r->headers; h && *h; h++) {
        if (!line_safe(*h))
            continue;
        vgw_buf_adds(out, *h);
        vgw_buf_adds(out, "\r\n");
    }
    vgw_buf_adds(out, keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

void vgw_http_problem_json(struct vgw_buf *out, int status, const char *detail, const char *errors_json)
{
    vgw_buf_adds(out, "{\"type\":\"about:blank\",\"title\":");
    vgw_json_quote(out, vgw_http_phrase(status), strlen(vgw_http_phrase(status)));
    vgw_buf_printf(out, ",\"status\":%d", status);
    if (detail && *detail) {
        vgw_buf_adds(out, ",\"detail\":");
        vgw_json_quote(out, detail, strlen(detail));
    }
    if (errors_json) {
        vgw_buf_adds(out, ",\"errors\":");
        vgw_buf_adds(out, errors_json);
    }
    vgw_buf_addc(out, '}');
}
