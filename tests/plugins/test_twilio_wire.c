/* test_twilio_wire.c - Twilio's forms, words and documents: what is read, what is refused, what goes out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/twilio/verb.h"

static int passed, failed;

static void check(int ok, const char *promise)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        (void)printf("FAILED: %s\n", promise);
}

static int parse(const char *text, struct form *f)
{
    const char *why = NULL;
    int32_t rc = form_parse(text, strlen(text), f, &why);
    check(rc == 0 || why != NULL, "a refusal says why");
    return rc == 0;
}

/* ---- forms ---- */

static void forms_are_decoded(void)
{
    struct form f;
    char text[16];
    check(parse("CallSid=CA1&From=%2B1555&Name=A+B%26c&Empty=&Bare&=x&A=1&A=2&&", &f), "a usual form is read");
    check(f.count == 8, "every pair is a field, and nothing between two ampersands is none");
    check(form_is(&f, "From", "+1555") && form_is(&f, "Name", "A B&c"), "percent codes and plus signs are decoded");
    check(form_is(&f, "Empty", "") && form_is(&f, "Bare", ""), "a field without a value is empty");
    check(!form_find(&f, "Absent") && form_count(&f, "A") == 2, "fields are found and counted by their names");
    check(form_int(&f, "A", -1) == 1 && form_int(&f, "Name", -1) == -1 && form_int(&f, "Absent", 7) == 7, "numbers");
    check(form_sid(&f, "CallSid", text, sizeof text) == 0 && strcmp(text, "CA1") == 0, "an id is read");
    check(form_sid(&f, "A", text, sizeof text) < 0 && form_sid(&f, "Name", text, sizeof text) < 0 &&
              form_sid(&f, "Absent", text, sizeof text) < 0 && form_sid(&f, "Empty", text, sizeof text) < 0,
          "twice, of another form, absent or empty: no id");
    form_done(&f);
    check(parse("", &f) && f.count == 0, "an empty form has no fields");
    form_done(&f);
}

static void forms_that_are_none(void)
{
    static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "%=1", "a=1&b=%f"};
    struct form f;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check(!parse(bad[i], &f), bad[i]);
        form_done(&f);
    }
    size_t cap = 10000 * 8, n = 0;
    char *many = malloc(cap);
    for (int i = 0; i < 10000; i++)
        n += (size_t)snprintf(many + n, cap - n, "%sF%d=x", i ? "&" : "", i % 100);
    check(!parse(many, &f), "10,000 fields are refused");
    form_done(&f);
    free(many);
}

static void text_is_made_fit(void)
{
    static const struct {
        const char *given, *want;
    } rows[] = {{"x=%ff%fe%c3%28", "??\x3f("},
                {"x=%80", "?"},
                {"x=%c3%a9%f0%9f%98%80", "\xc3\xa9\xf0\x9f\x98\x80"},
                {"x=a%00b%0d%0ac%7f", "a b  c "},
                {"x=%ed%a0%80", "??\x3f"},
                {"x=%f0%9f%98", "??\x3f"}};
    struct form f;
    char text[64], little[6];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(parse(rows[i].given, &f), rows[i].given);
        size_t n = form_text(&f, "x", text, sizeof text);
        check(n == strlen(rows[i].want) && strcmp(text, rows[i].want) == 0, rows[i].given);
        form_done(&f);
    }
    check(parse("x=abc%c3%a9%c3%a9", &f) && form_text(&f, "x", little, sizeof little) == 5 &&
              strcmp(little, "abc\xc3\xa9") == 0,
          "a long text is cut between characters");
    form_done(&f);
}

/* ---- words ---- */

static void statuses(void)
{
    static const struct {
        const char *status;
        uint32_t state, outcome;
    } rows[] = {{"queued", VOICEGW_CALL_INITIATING, 0},
                {"initiated", VOICEGW_CALL_INITIATING, 0},
                {"ringing", VOICEGW_CALL_RINGING, 0},
                {"in-progress", VOICEGW_CALL_CONNECTED, 0},
                {"completed", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED},
                {"canceled", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_CANCELED},
                {"busy", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_BUSY},
                {"no-answer", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_NO_ANSWER},
                {"failed", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
                {"levitating", 0, 0},
                {"", 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t outcome = 0;
        check(twilio_state_of(rows[i].status, &outcome) == rows[i].state && outcome == rows[i].outcome, rows[i].status);
    }
    static const char *const messages[] = {"queued", "accepted", "sending",     "sent",     "delivered",
                                           "read",   "failed",   "undelivered", "canceled", "scheduled"};
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        check(twilio_sms_of(messages[i]) != 0, messages[i]);
    check(twilio_sms_of("received") == 0 && twilio_sms_of("") == 0, "other statuses of messages mean nothing");
    check(strcmp(twilio_outcome_of("answered"), "completed") == 0 &&
              strcmp(twilio_outcome_of("no-answer"), "no_answer") == 0 &&
              strcmp(twilio_outcome_of("odd"), "failed") == 0,
          "how a dialled leg ended");
}

static void prices_and_dates(void)
{
    check(twilio_price(voicegw_json_of("\"-0.0085\"")) > 0.00849 &&
              twilio_price(voicegw_json_of("\"-0.0085\"")) < 0.00851,
          "a price is told negative, as text");
    check(twilio_price(voicegw_json_of("null")) < 0 && twilio_price(voicegw_json_of("\"\"")) < 0 &&
              twilio_price(voicegw_json_of("\"free\"")) < 0,
          "what is no price is none");
    check(twilio_date_us("Sun, 06 Nov 1994 08:49:37 +0000") == INT64_C(784111777000000), "a date is read");
    check(twilio_date_us("Sun, 06 Nov 1994 08:49:37 GMT") == -1 && twilio_date_us("") == -1, "another form is none");
}

static void addresses(void)
{
    static const struct {
        const char *own, *region, *edge, *expected;
    } rows[] = {{NULL, NULL, NULL, "https://api.twilio.com"},
                {NULL, "", "", "https://api.twilio.com"},
                {NULL, "ie1", NULL, "https://api.ie1.twilio.com"},
                {NULL, NULL, "dublin", "https://api.dublin.us1.twilio.com"},
                {NULL, "au1", "sydney", "https://api.sydney.au1.twilio.com"},
                {"http://127.0.0.1:9", "au1", "sydney", "http://127.0.0.1:9"},
                {NULL, "evil.example.com/", NULL, NULL},
                {NULL, NULL, "a b", NULL}};
    char out[128];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int good = twilio_address(rows[i].own, rows[i].region, rows[i].edge, out, sizeof out);
        check(good == (rows[i].expected != NULL) && (!good || strcmp(out, rows[i].expected) == 0),
              "region and edge make the interface's address");
    }
    check(!twilio_address("https://long.example.com", NULL, NULL, out, 8), "an address is whole or none");
}

static void parties(void)
{
    char giant[400];
    memset(giant, '1', sizeof giant);
    giant[sizeof giant - 1] = '\0';
    check(!twilio_check_party("+15551234567", 1) && !twilio_check_party("sip:a@b.example", 1) &&
              !twilio_check_party("", 0) && !twilio_check_party("client:joe", 1),
          "numbers, SIP addresses and clients are taken");
    check(twilio_check_party("", 1) && twilio_check_party(NULL, 1) && twilio_check_party("a b", 1) &&
              twilio_check_party("+1\r\nX: y", 1) && twilio_check_party("<x>", 0) && twilio_check_party(giant, 1),
          "nothing, spaces, line ends, brackets and giants are refused");
}

/* ---- documents ---- */

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>"

static void documents(void)
{
    static struct twiml t;
    check(twiml_apology(&t, "Sorry.") > 0 &&
              strcmp(t.text, HEAD "<Say voice=\"alice\">Sorry.</Say><Hangup/></Response>") == 0,
          "the apology");
    twiml_begin(&t);
    check(twiml_end(&t) > 0 && strcmp(t.text, HEAD "</Response>") == 0
              ? 1
              : strcmp(t.text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>") == 0,
          "an empty document");
    twiml_begin(&t);
    twiml_open(&t, "Dial");
    twiml_attr(&t, "callerId", "\"'<&>\r\n");
    twiml_attr(&t, "none", NULL);
    twiml_text(&t, "</Dial><Redirect>x</Redirect>\x01\xff");
    check(twiml_end(&t) > 0 &&
              strcmp(t.text, HEAD "<Dial callerId=\"&quot;&apos;&lt;&amp;&gt;  \">&lt;/Dial&gt;&lt;Redirect&gt;x&lt;/"
                                  "Redirect&gt; ?</Dial></Response>") == 0,
          "what callers say stays text");
    char *giant = malloc(TWIML_MAX + 1);
    memset(giant, 'a', TWIML_MAX);
    giant[TWIML_MAX] = '\0';
    check(twiml_apology(&t, giant) < 0 && t.text[0] == '\0', "a text that does not fit fails the document");
    free(giant);
    char umlauts[2001];
    for (int i = 0; i < 1000; i++)
        memcpy(umlauts + 2 * i, "\xc3\xa9", 2);
    umlauts[2000] = '\0';
    check(twiml_apology(&t, umlauts) > 0 && strstr(t.text, umlauts) && !strchr(t.text + sizeof HEAD, '?'),
          "long texts are cut between characters, unseen");
}

static const char *verb(enum verb_kind kind, const char *params, const char *text)
{
    static struct twiml t;
    char *copy = params ? strdup(params) : NULL, *say = text ? strdup(text) : NULL;
    const struct twilio_verb v = {.kind = kind, .params = copy, .text = say, .loop = 1};
    twiml_begin(&t);
    verb_put(&t, &v, "https://a/n?ref=1&doc=2", "alice", "");
    (void)twiml_end(&t);
    free(copy);
    free(say);
    return t.text;
}

static void verbs(void)
{
    static const struct {
        enum verb_kind kind;
        const char *params, *text, *want;
    } rows[] = {{VERB_SAY, NULL, "Hello & welcome", "<Say voice=\"alice\">Hello &amp; welcome</Say>"},
                {VERB_PLAY, NULL, "https://a/x.wav", "<Play>https://a/x.wav</Play>"},
                {VERB_DTMF, NULL, "ww12#", "<Play digits=\"ww12#\"/>"},
                {VERB_PAUSE, "{\"duration_ms\":1500}", NULL, "<Pause length=\"2\"/>"},
                {VERB_GATHER,
                 "{\"prompt\":\"Press "
                 "one\",\"input\":[\"speech\",\"dtmf\"],\"num_digits\":1,\"finish_on\":\"#\",\"timeout_ms\":4000,"
                 "\"phrases\":[\"yes\",\"no\"]}",
                 NULL,
                 "<Gather input=\"speech dtmf\" action=\"https://a/n?ref=1&amp;doc=2\" method=\"POST\" timeout=\"4\" "
                 "numDigits=\"1\" "
                 "finishOnKey=\"#\" hints=\"yes,no\" speechTimeout=\"auto\" actionOnEmptyResult=\"true\"><Say "
                 "voice=\"alice\">Press "
                 "one</Say></Gather>"},
                {VERB_DIAL, "{\"to\":\"+1555\",\"from\":\"+1666\",\"timeout_ms\":20000,\"record\":true}", NULL,
                 "<Dial action=\"https://a/n?ref=1&amp;doc=2\" method=\"POST\" timeout=\"20\" callerId=\"+1666\" "
                 "record=\"record-from-answer-dual\"><Number>+1555</Number></Dial>"},
                {VERB_DIAL, "{\"to\":\"sip:a@b\"}", NULL,
                 "<Dial action=\"https://a/n?ref=1&amp;doc=2\" method=\"POST\"><Sip>sip:a@b</Sip></Dial>"},
                {VERB_DIAL, "{\"to\":\"client:joe\"}", NULL,
                 "<Dial action=\"https://a/n?ref=1&amp;doc=2\" method=\"POST\"><Client>joe</Client></Dial>"},
                {VERB_RECORD, "{\"max_duration_ms\":30000,\"finish_on\":\"*\",\"beep\":false}", NULL,
                 "<Record action=\"https://a/n?ref=1&amp;doc=2\" method=\"POST\" finishOnKey=\"*\" maxLength=\"30\" "
                 "playBeep=\"false\"/>"},
                {VERB_ENQUEUE, "{\"queue\":\"desk\"}", NULL,
                 "<Enqueue action=\"https://a/n?ref=1&amp;doc=2\" method=\"POST\">desk</Enqueue>"},
                {VERB_CONFERENCE, "{\"name\":\"board\",\"muted\":true,\"end_on_exit\":false}", NULL,
                 "<Dial action=\"https://a/n?ref=1&amp;doc=2\" method=\"POST\"><Conference muted=\"true\" "
                 "endConferenceOnExit=\"false\">board</Conference></Dial>"},
                {VERB_REDIRECT, "{\"url\":\"https://b/x?y&z\"}", NULL, "<Redirect>https://b/x?y&amp;z</Redirect>"},
                {VERB_GATHER, "nonsense", NULL,
                 "<Gather action=\"https://a/n?ref=1&amp;doc=2\" method=\"POST\" speechTimeout=\"auto\" "
                 "actionOnEmptyResult=\"true\"/>"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got = verb(rows[i].kind, rows[i].params, rows[i].text);
        int ok = strncmp(got, HEAD, strlen(HEAD)) == 0 &&
                 strncmp(got + strlen(HEAD), rows[i].want, strlen(rows[i].want)) == 0 &&
                 strcmp(got + strlen(HEAD) + strlen(rows[i].want), "</Response>") == 0;
        check(ok, rows[i].want);
        if (!ok)
            (void)printf("  got: %s\n", got);
    }
    enum verb_kind kind;
    check(verb_kind_of("gather", &kind) && kind == VERB_GATHER && !verb_kind_of("sing", &kind) &&
              !verb_kind_of("say", &kind),
          "verbs by name");
    check(verb_check(VERB_DIAL, voicegw_json_of("{}")) && verb_check(VERB_REDIRECT, voicegw_json_of("[]")) &&
              !verb_check(VERB_GATHER, voicegw_json_of("{}")) &&
              !verb_check(VERB_DIAL, voicegw_json_of("{\"to\":\"+1\"}")),
          "what a verb needs");
}

static void results(void)
{
    static const struct {
        enum verb_kind kind;
        const char *form, *want;
    } rows[] = {
        {VERB_GATHER, "Digits=12%23", "{\"input\":\"dtmf\",\"digits\":\"12#\"}"},
        {VERB_GATHER, "SpeechResult=book+a+room&Confidence=0.5",
         "{\"input\":\"speech\",\"text\":\"book a room\",\"confidence\":0.5}"},
        {VERB_GATHER, "Digits=", "{\"input\":\"none\"}"},
        {VERB_DIAL, "DialCallStatus=no-answer&DialCallDuration=3", "{\"outcome\":\"no_answer\",\"duration\":3}"},
        {VERB_DIAL, "", "{\"outcome\":\"failed\",\"duration\":0}"},
        {VERB_RECORD, "RecordingSid=RE1&RecordingUrl=https%3A%2F%2Fx&RecordingDuration=7",
         "{\"recording_id\":\"RE1\",\"url\":\"https://x\",\"duration\":7}"},
        {VERB_ENQUEUE, "QueueResult=bridged&QueueTime=12", "{\"outcome\":\"bridged\",\"wait_seconds\":12}"},
        {VERB_SAY, "x=y", "{}"}};
    char json[512];
    struct form f;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(parse(rows[i].form, &f), rows[i].form);
        check(verb_result(rows[i].kind, &f, json, sizeof json) > 0 && strcmp(json, rows[i].want) == 0, rows[i].want);
        form_done(&f);
    }
}

int main(void)
{
    forms_are_decoded();
    forms_that_are_none();
    text_is_made_fit();
    statuses();
    prices_and_dates();
    addresses();
    parties();
    documents();
    verbs();
    results();
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
