/* line_headers.c - headers of a call into the session's variables, and out of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "line.h"
#include "voicegw/json_writer.h"

#define TAKEN_MAX 16u /* headers of a call that are told */
#define VALUE_CAP 257
#define ALLOW "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY, UPDATE, PRACK\r\n"

static const char *const told[] = {"P-Asserted-Identity",
                                   "P-Preferred-Identity",
                                   "Remote-Party-ID",
                                   "Diversion",
                                   "History-Info",
                                   "Referred-By",
                                   "Reason",
                                   "User-to-User",
                                   "Subject",
                                   "User-Agent"};

char *line_read_headers(const struct re_message *m)
{
    char name[64], value[VALUE_CAP], json[TAKEN_MAX * (2 * VALUE_CAP + 80)];
    unsigned count = 0;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_object(&w, "sip_headers");
    for (size_t i = 0; i < sizeof told / sizeof told[0] && count < TAKEN_MAX; i++) {
        if (re_message_header(m, told[i], 0, value, sizeof value) <= 0)
            continue;
        voicegw_json_put_string(&w, told[i], value);
        count++;
    }
    for (unsigned i = 0; count < TAKEN_MAX && re_message_extension(m, i, name, sizeof name, value, sizeof value) == 0;
         i++, count++)
        voicegw_json_put_string(&w, name, value);
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    return count > 0 && voicegw_json_finish(&w) >= 0 ? strdup(json) : NULL;
}

void line_take_variables(struct line *line, struct voicegw_json variables)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_member(variables, "sip_headers"));
    char name[64], value[VALUE_CAP], text[1024] = "";
    size_t n = 0;
    while (voicegw_json_next(&it)) {
        if (voicegw_json_string(it.key, name, sizeof name) <= 0 ||
            voicegw_json_string(it.value, value, sizeof value) < 0 || !sip_header_allowed(name) ||
            strpbrk(value, "\r\n")) {
            line->call->sip->host->count(line->call->sip->host, "headers_refused", 1);
            continue;
        }
        int w = snprintf(text + n, sizeof text - n, "%s: %s\r\n", name, value);
        if (w < 0 || n + (size_t)w >= sizeof text) {
            text[n] = '\0';
            break;
        }
        n += (size_t)w;
    }
    free(line->headers);
    line->headers = n > 0 ? strdup(text) : NULL;
}

void line_headers(const struct line *line, uint32_t min_se_s, char *out, size_t cap)
{
    char timer[96];
    line_timer_offer(line, min_se_s, timer, sizeof timer);
    (void)snprintf(out, cap, ALLOW "Supported: timer, replaces, 100rel\r\n%s%s", timer,
                   line->headers ? line->headers : "");
}
