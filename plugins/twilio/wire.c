/* wire.c - Twilio's words and ours. Pure. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const char *twilio_state_name(uint32_t state)
{
    static const char *const names[] = {"idle",    "initiating",   "ringing", "connected",
                                        "on_hold", "transferring", "ended",   "failed"};
    return state < COUNT(names) ? names[state] : "idle";
}

uint32_t twilio_state_of(const char *status, uint32_t *ret_outcome)
{
    static const struct {
        const char *status;
        uint32_t state, outcome;
    } rows[] = {{"queued", VOICEGW_CALL_INITIATING, VOICEGW_OUTCOME_NONE},
                {"initiated", VOICEGW_CALL_INITIATING, VOICEGW_OUTCOME_NONE},
                {"ringing", VOICEGW_CALL_RINGING, VOICEGW_OUTCOME_NONE},
                {"in-progress", VOICEGW_CALL_CONNECTED, VOICEGW_OUTCOME_NONE},
                {"answered", VOICEGW_CALL_CONNECTED, VOICEGW_OUTCOME_NONE},
                {"completed", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED},
                {"canceled", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_CANCELED},
                {"busy", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_BUSY},
                {"no-answer", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_NO_ANSWER},
                {"failed", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (strcmp(status, rows[i].status) == 0) {
            *ret_outcome = rows[i].outcome;
            return rows[i].state;
        }
    }
    return 0;
}

uint32_t twilio_sms_of(const char *status)
{
    static const struct {
        const char *status;
        uint32_t sms;
    } rows[] = {{"accepted", VOICEGW_SMS_ACCEPTED},  {"scheduled", VOICEGW_SMS_ACCEPTED},
                {"queued", VOICEGW_SMS_ACCEPTED},    {"sending", VOICEGW_SMS_ACCEPTED},
                {"sent", VOICEGW_SMS_SENT},          {"delivered", VOICEGW_SMS_DELIVERED},
                {"read", VOICEGW_SMS_DELIVERED},     {"failed", VOICEGW_SMS_FAILED},
                {"undelivered", VOICEGW_SMS_FAILED}, {"canceled", VOICEGW_SMS_FAILED}};
    for (size_t i = 0; i < COUNT(rows); i++)
        if (strcmp(status, rows[i].status) == 0)
            return rows[i].sms;
    return 0;
}

const char *twilio_outcome_of(const char *dial_status)
{
    if (strcmp(dial_status, "completed") == 0 || strcmp(dial_status, "answered") == 0)
        return "completed";
    if (strcmp(dial_status, "busy") == 0)
        return "busy";
    if (strcmp(dial_status, "no-answer") == 0)
        return "no_answer";
    return strcmp(dial_status, "canceled") == 0 ? "canceled" : "failed";
}

double twilio_price(struct voicegw_json price)
{
    char text[32], *end = text;
    double amount = voicegw_json_double(price, 0);
    if (voicegw_json_type(price) == VOICEGW_JSON_STRING) {
        if (voicegw_json_string(price, text, sizeof text) <= 0)
            return -1;
        amount = strtod(text, &end);
        if (*end)
            return -1;
    } else if (voicegw_json_type(price) != VOICEGW_JSON_NUMBER) {
        return -1;
    }
    return amount < 0 ? -amount : amount;
}

/* "Fri, 20 Nov 2026 12:00:00 +0000" read as the HTTP date of the same time. */
int64_t twilio_date_us(const char *text)
{
    char date[32];
    size_t n = strlen(text);
    if (n != 31 || strcmp(text + 25, " +0000") != 0)
        return -1;
    memcpy(date, text, 25);
    memcpy(date + 25, " GMT", 5);
    int64_t s = voicegw_rest_date_(date);
    return s < 0 ? -1 : s * 1000000;
}

const char *twilio_check_party(const char *text, uint32_t needed)
{
    if (!text || !*text)
        return needed ? "to must be a number (+15551234567), a SIP address (sip:user@host) or a client (client:name)"
                      : NULL;
    if (strlen(text) >= TWILIO_PARTY_CAP)
        return "to and from have at most 256 bytes";
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '<' || *p == '>' || *p == '"')
            return "to and from are numbers, SIP addresses or clients, without spaces, quotes or brackets";
    return NULL;
}

int twilio_code_is_over(int64_t code)
{
    return code == 21220 || code == 20404;
}

int twilio_address(const char *base_url, const char *region, const char *edge, char *out, size_t cap)
{
    int has_region = region && *region, has_edge = edge && *edge;
    int n;
    if ((has_region && !form_sid_valid(region, strlen(region))) || (has_edge && !form_sid_valid(edge, strlen(edge))))
        return 0;
    if (base_url || (!has_region && !has_edge))
        n = snprintf(out, cap, "%s", base_url ? base_url : "https://" TWILIO_HOST);
    else
        n = snprintf(out, cap, "https://api.%s%s%s.twilio.com", has_edge ? edge : "", has_edge ? "." : "",
                     has_region ? region : "us1");
    return n > 0 && (size_t)n < cap;
}
