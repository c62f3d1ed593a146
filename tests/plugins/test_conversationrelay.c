/* test_conversationrelay.c - ConversationRelay's messages: what is written, read and refused. */
#include <criterion/criterion.h>
#include <string.h>
#include "voicegw/status.h"
#include "../../plugins/conversationrelay/wire.h"

Test(conversationrelay, reads_an_applications_messages)
{
    struct wire_message m;
    const char *why;
#define READ(text) cr_assert_eq(wire_parse(text, strlen(text), &m, &why), VOICEGW_OK, "%s: %s", text, why)
    READ("{\"type\":\"text\",\"token\":\"Hi \\\"you\\\"\"}");
    cr_expect(m.kind == WIRE_TEXT && !m.last && m.interruptible == WIRE_UNSAID && !m.lang.text);
    cr_expect(voicegw_json_equals(m.text, "Hi \"you\""));
    READ("{\"type\":\"text\",\"token\":\"\",\"last\":true,\"lang\":\"es-ES\",\"interruptible\":false}");
    cr_expect(m.last == 1 && m.interruptible == 0 && voicegw_json_equals(m.lang, "es-ES"));
    READ("{\"type\":\"text\",\"token\":\"x\",\"last\":\"true\",\"interruptible\":\"true\"}");
    cr_expect(m.last == 1 && m.interruptible == 1);
    READ("{\"type\":\"play\",\"source\":\"https://a.example/x.wav\",\"loop\":0}");
    cr_expect(m.kind == WIRE_PLAY && m.times == 0);
    READ("{\"type\":\"play\",\"source\":\"http://a.example/x.wav\"}");
    cr_expect(m.times == 1);
    READ("{\"type\":\"sendDigits\",\"digits\":\"9www4085551212#\"}");
    cr_expect(m.kind == WIRE_DIGITS);
    READ("{\"type\":\"language\",\"ttsLanguage\":\"sv-SE\"}");
    cr_expect(m.kind == WIRE_LANGUAGE && m.tts.text && !m.stt.text);
    READ("{\"type\":\"end\"}");
    cr_expect(m.kind == WIRE_END && !m.handoff.text);
    READ("{\"type\":\"end\",\"handoffData\":\"{\\\"a\\\":1}\"}");
    cr_expect(voicegw_json_equals(m.handoff, "{\"a\":1}"));
}

Test(conversationrelay, refuses_with_a_sentence_what_is_none)
{
    static const char *const rows[] = {"",
                                       "{",
                                       "[]",
                                       "7",
                                       "{}",
                                       "{\"type\":7}",
                                       "{\"type\":\"setup\"}",
                                       "{\"type\":\"text\"}",
                                       "{\"type\":\"text\",\"token\":7}",
                                       "{\"type\":\"text\",\"token\":\"x\",\"lang\":7}",
                                       "{\"type\":\"text\",\"token\":\"\xff\"}",
                                       "{\"type\":\"play\"}",
                                       "{\"type\":\"play\",\"source\":\"\"}",
                                       "{\"type\":\"play\",\"source\":\"/etc/passwd\"}",
                                       "{\"type\":\"play\",\"source\":\"file:///etc/passwd\"}",
                                       "{\"type\":\"play\",\"source\":\"https://a/x.wav\",\"loop\":-1}",
                                       "{\"type\":\"play\",\"source\":\"https://a/x.wav\",\"loop\":101}",
                                       "{\"type\":\"play\",\"source\":\"https://a/x.wav\",\"loop\":\"x\"}",
                                       "{\"type\":\"sendDigits\"}",
                                       "{\"type\":\"sendDigits\",\"digits\":\"\"}",
                                       "{\"type\":\"sendDigits\",\"digits\":\"12E\"}",
                                       "{\"type\":\"language\"}",
                                       "{\"type\":\"language\",\"ttsLanguage\":7}",
                                       "{\"type\":\"end\",\"handoffData\":{}}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wire_message m;
        const char *why = NULL;
        cr_expect_eq(wire_parse(rows[i], strlen(rows[i]), &m, &why), VOICEGW_EINVALID, "%s", rows[i]);
        cr_expect(why && strlen(why) > 10, "%s", rows[i]);
    }
}

Test(conversationrelay, writes_messages_with_the_members_of_twilios)
{
    char out[2048];
    static const char *const members[] = {"sessionId", "accountSid", "parentCallSid", "callSid",   "from",      "to",
                                          "callType",  "callerName", "forwardedFrom", "direction", "callStatus"};
    struct wire_setup s = {.session_sid = "VX1",
                           .account_sid = "AC1",
                           .call_sid = "CA1",
                           .parameters = "{\"guest\":\"{{ variables.guest }}\"}",
                           .session = voicegw_json_of("{\"from\":\"+1\",\"to\":null,\"direction\":\"outbound\","
                                                      "\"variables\":{\"guest\":\"\\u0000\\n\\\"\"}}")};
    size_t n = wire_setup(&s, out, sizeof out);
    cr_assert(voicegw_json_valid(out, n));
    struct voicegw_json doc = voicegw_json_of(out);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        cr_expect_eq(voicegw_json_type(voicegw_json_member(doc, members[i])), VOICEGW_JSON_STRING, "%s", members[i]);
    cr_expect(voicegw_json_equals(voicegw_json_member(doc, "direction"), "outbound-api"));
    cr_expect_eq(voicegw_json_type(voicegw_json_get(doc, "customParameters.guest")), VOICEGW_JSON_STRING);
    cr_expect(voicegw_json_valid(out, wire_prompt("say \"x\"\n", "en-US", 0, out, sizeof out)));
    cr_expect(voicegw_json_equals(voicegw_json_member(voicegw_json_of(out), "voicePrompt"), "say \"x\"\n"));
    cr_expect(voicegw_json_valid(out, wire_interrupt("half of", 460, out, sizeof out)));
    cr_expect_eq(voicegw_json_get_int(voicegw_json_of(out), "durationUntilInterruptMs", 0), 460);
    cr_expect(voicegw_json_valid(out, wire_error("why", out, sizeof out)));
    cr_expect(voicegw_json_valid(out, wire_dtmf("*", out, sizeof out)));
    cr_expect_eq(wire_setup(&s, out, 100), 0);
}
