/* test_twilio_signature.c - webhooks' signatures: what Twilio's own libraries sign is taken, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/twilio/signature.h"
#include "digest.h"

static int passed, failed;

static void check(int ok, const char *promise)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        (void)printf("FAILED: %s\n", promise);
}

#define TOKEN "12345"

struct row {
    const char *name, *url, *form, *body, *signature;
    int valid;
};

/* Sources: the tests of twilio-python, twilio-node and twilio-go; the rest made by twilio-python's RequestValidator. */
static const struct row rows[] = {
    {"form-basic", "https://mycompany.com/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", NULL,
     "RSOYDt4T1cUTdK1PDd93/VVr8B8=", 1},
    {"https-port-in-request-but-not-signed", "https://mycompany.com:1234/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", NULL,
     "RSOYDt4T1cUTdK1PDd93/VVr8B8=", 1},
    {"http-port-signed", "http://mycompany.com:1234/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", NULL,
     "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", 1},
    {"https-443-signed-but-not-in-request", "https://mycompany.com/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", NULL,
     "kvajT1Ptam85bY51eRf/AJRuM3w=", 1},
    {"http-80-signed-but-not-in-request", "http://mycompany.com/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", NULL,
     "0ZXoZLH/DfblKGATFgpif+LLRf4=", 1},
    {"duplicate-keys-sorted-unique", "https://mycompany.com/myapp.php?foo=1&bar=2",
     "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234", NULL, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", 1},
    {"sort-by-name-not-by-concatenation", "https://mycompany.com/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212&"
     "ReasonConferenceEnded=test&Reason=Participant",
     NULL, "vOEb5UThFn24KEfnOFLQY2AE5FY=", 1},
    {"http-no-port", "http://mycompany.com/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212&"
     "ReasonConferenceEnded=test&Reason=Participant",
     NULL, "n2xBNyzSW7rfYStDtOFiFMv7qNo=", 1},
    {"http-port-in-request-but-not-signed", "http://mycompany.com:1234/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212&"
     "ReasonConferenceEnded=test&Reason=Participant",
     NULL, "n2xBNyzSW7rfYStDtOFiFMv7qNo=", 1},
    {"form-body-two-params", "https://mycompany.com/myapp.php?foo=1&bar=2", "property=value&boolean=true", NULL,
     "NBdBDr/T/lgjI+tlgpXjKZQZs/k=", 1},
    {"array-param", "https://mycompany.com/myapp.php?foo=1&bar=2",
     "MessagingBinding.Address=%2B1325xxxxxxx&MessagingBinding.Address=%2B1415xxxxxxx", NULL,
     "83O6e2vORAoJHUNzJjDWN1jz+BA=", 1},
    {"userinfo", "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", NULL,
     "CukzLTc1tT5dXEDIHm/tKBanW10=", 1},
    {"userinfo-user-only", "https://user@mycompany.com/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", NULL,
     "2YRLlVAflCqxaNicjMpJcSTgzSs=", 1},
    {"userinfo-443-signed", "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", NULL,
     "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=", 1},
    {"apostrophe-signed-percent-encoded", "https://mycompany.com/myapp.php?foo=1&bar=2&Body=It's+amazing",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", NULL,
     "TfZzewPq8wqrGlMfyAud8+/IvJ0=", 1},
    {"json-body",
     "https://mycompany.com/"
     "myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
     NULL, "{\"property\": \"value\", \"boolean\": true}", "a9nBmqA0ju/hNViExpshrM61xv4=", 1},
    {"json-body-only-sha",
     "https://mycompany.com/myapp.php?bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
     NULL, "{\"property\": \"value\", \"boolean\": true}", "y77kIzt2vzLz71DgmJGsen2scGs=", 1},
    {"json-empty-object-443-signed",
     "https://mycompany.com/"
     "myapp.php?foo=1&bar=2&bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
     NULL, "{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc=", 1},
    {"websocket-upgrade", "wss://mycompany.com/media", NULL, NULL, "okykUWKkAOgQseVjzERZh4soLeU=", 1},
    {"websocket-upgrade-443-signed", "wss://mycompany.com/media", NULL, NULL, "y/eZxfvMeXBmejSJYHDm4y/cRMk=", 1},
    {"reject-wrong-sort", "https://mycompany.com/myapp.php?foo=1&bar=2",
     "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212&"
     "ReasonConferenceEnded=test&Reason=Participant",
     NULL, "95+Bu0JVPi0r/SsESZCVf0dWAjw=", 0},
    {"reject-json-body-without-bodySHA256", "https://mycompany.com/myapp.php?foo=1&bar=2", NULL,
     "{\"property\": \"value\", \"boolean\": true}", "vOEb5UThFn24KEfnOFLQY2AE5FY=", 0}};

static int valid(const struct row *row, const char *first, const char *second, const char *header)
{
    struct form form = {0};
    const char *why = "";
    if (row->form)
        check(form_parse(row->form, strlen(row->form), &form, &why) == 0, why);
    const struct signature s = {.url = row->url,
                                .form = row->form ? &form : NULL,
                                .body = row->body,
                                .body_bytes = row->body ? strlen(row->body) : 0,
                                .header = header,
                                .tokens = {first, second},
                                .crypto = digest_crypto()};
    int ok = signature_valid(&s);
    form_done(&form);
    return ok;
}

static void what_twilio_signs(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        char other[32];
        check(valid(r, TOKEN, NULL, r->signature) == r->valid, r->name);
        check(valid(r, "another", TOKEN, r->signature) == r->valid, "the second token serves as well");
        check(!valid(r, "another", NULL, r->signature), "another token does not");
        check(!valid(r, "", NULL, r->signature) && !valid(r, NULL, NULL, r->signature), "no token does not");
        check(!valid(r, TOKEN, NULL, NULL) && !valid(r, TOKEN, NULL, ""), "no signature is none");
        for (size_t at = 0; at < strlen(r->signature); at += 9) {
            (void)snprintf(other, sizeof other, "%s", r->signature);
            other[at] = other[at] == 'A' ? 'B' : 'A';
            check(!valid(r, TOKEN, NULL, other), "one letter changed, and it is refused");
        }
    }
    check(!valid(&rows[0], TOKEN, NULL, "not base64 at all, but it is long enough to be one"), "a text that is none");
    check(!valid(&rows[0], TOKEN, NULL, "****************************"), "28 characters that are no base64");
}

static void urls_in_all_their_forms(void)
{
    static const struct {
        const char *url, *want[SIGNATURE_VARIANTS];
    } table[] = {{"https://a.example/x", {"https://a.example/x", "https://a.example:443/x"}},
                 {"https://a.example:8443/x?y",
                  {"https://a.example:8443/x?y", "https://a.example/x?y", "https://a.example:443/x?y"}},
                 {"https://a.example:443/x", {"https://a.example:443/x", "https://a.example/x"}},
                 {"http://u:p@a.example/x#part", {"http://u:p@a.example/x", "http://u:p@a.example:80/x"}},
                 {"wss://[::1]/x", {"wss://[::1]/x", "wss://[::1]:443/x"}},
                 {"ws://[::1]:81", {"ws://[::1]:81", "ws://[::1]", "ws://[::1]:80"}},
                 {"https://a.example?q='",
                  {"https://a.example?q='", "https://a.example:443?q='", "https://a.example?q=%27",
                   "https://a.example:443?q=%27"}}};
    char got[SIGNATURE_URL_MAX + 8];
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (size_t k = 0; k < SIGNATURE_VARIANTS && table[i].want[k]; k++) {
            int found = 0;
            for (unsigned n = 0; n < SIGNATURE_VARIANTS; n++)
                found |= signature_url(table[i].url, n, got) > 0 && strcmp(got, table[i].want[k]) == 0;
            check(found, table[i].want[k]);
        }
    }
    char *giant = malloc(SIGNATURE_URL_MAX + 1);
    memset(giant, 'a', SIGNATURE_URL_MAX);
    giant[SIGNATURE_URL_MAX] = '\0';
    memcpy(giant, "https://", 8);
    check(signature_url(giant, 0, got) == 0, "a URL that does not fit has no form");
    free(giant);
    check(signature_url("no url", 0, got) == 0, "a text without a scheme has none");
}

static void schemes(void)
{
    char out[64];
    check(signature_scheme("https://a/b", 1, out, sizeof out) == 9 && strcmp(out, "wss://a/b") == 0, "https is wss");
    check(signature_scheme("http://a/b", 1, out, sizeof out) == 8 && strcmp(out, "ws://a/b") == 0, "http is ws");
    check(signature_scheme("wss://a/b", 0, out, sizeof out) == 11 && strcmp(out, "https://a/b") == 0, "and back");
    check(signature_scheme("https://a/b", 1, out, 9) == 0, "what does not fit is refused");
}

int main(void)
{
    what_twilio_signs();
    urls_in_all_their_forms();
    schemes();
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
