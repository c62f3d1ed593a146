/* test_speech_vendors.c - the pure parts of the speech vendors' plugins: addresses, messages, texts, files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/assemblyai/assemblyai.h"
#include "batch.h"
#include "live.h"
#include "wav.h"
#include "../../plugins/deepgram/deepgram.h"
#include "../../plugins/elevenlabs/elevenlabs.h"
#include "../../plugins/whisper/whisper.h"

static const struct live_dialect dialect = {.word_names = {"word", "start", "end", "confidence"}, .word_unit_ms = 1000};

typedef void (*reader)(struct voicegw_json message, struct live_news *news);

static struct live_news *news_of(reader read, const char *text)
{
    static struct live_news n;
    memset(&n, 0, sizeof n);
    n.confidence = n.start_s = n.end_s = -1;
    cr_assert(voicegw_json_valid(text, strlen(text)), "%s", text);
    read(voicegw_json_of(text), &n);
    return &n;
}

/* ---- texts of an utterance ---- */

Test(speech_vendors, settled_parts_are_appended_and_others_replaced)
{
    static struct live_said said;
    live_said_clear(&said);
    static const struct {
        const char *text;
        uint32_t settled, changed;
        const char *whole;
    } steps[] = {{"i", 0, 1, "i"},
                 {"i would", 0, 1, "i would"},
                 {"i would", 0, 0, "i would"},
                 {" I would ", 1, 1, "I would"},
                 {"", 0, 0, "I would"},
                 {"like a", 0, 1, "I would like a"},
                 {"", 1, 1, "I would"},
                 {"like a room", 1, 1, "I would like a room"}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        static struct live_news n;
        memset(&n, 0, sizeof n);
        n.heard = 1;
        n.settled = steps[i].settled;
        n.confidence = 0.5;
        n.start_s = n.end_s = -1;
        (void)snprintf(n.text, sizeof n.text, "%s", steps[i].text);
        cr_expect_eq(live_said_take(&said, &dialect, &n), steps[i].changed, "step %zu", i);
        cr_expect_str_eq(said.text, steps[i].whole, "step %zu", i);
    }
    cr_expect_float_eq(live_said_confidence(&said), 0.5, 1e-9);
    live_said_clear(&said);
    cr_expect_str_eq(said.text, "");
    cr_expect_lt(live_said_confidence(&said), 0);
}

Test(speech_vendors, endless_texts_stay_within_their_room)
{
    static struct live_said said;
    static struct live_news n;
    live_said_clear(&said);
    n.heard = n.settled = 1;
    n.confidence = n.start_s = n.end_s = -1;
    for (size_t i = 0; i + 2 < sizeof n.text; i += 2)
        memcpy(n.text + i, "\xc3\xa4", 2);
    for (unsigned i = 0; i < 10; i++)
        (void)live_said_take(&said, &dialect, &n);
    size_t bytes = strlen(said.text);
    cr_expect_lt(bytes, sizeof said.text);
    cr_expect_gt(bytes, sizeof n.text);
    cr_expect_neq((unsigned char)said.text[bytes - 1], 0xc3, "a character was cut in half");
}

/* ---- Deepgram ---- */

static const struct deepgram_ear *nova(void)
{
    static struct deepgram_ear ear = {.model = "nova-3",
                                      .language = "",
                                      .keyterms_json = "[\"Hotel M\\u00fcller\"]",
                                      .extra_json = "{\"numerals\": true, \"tag\": [\"a\", \"b&c\"]}",
                                      .endpointing_ms = 300,
                                      .utterance_end_ms = 1000};
    ear.home.vendor.api_key = "k";
    ear.home.vendor.base_url = "https://api.deepgram.com/";
    return &ear;
}

Test(speech_vendors, deepgram_is_asked_for_the_calls_own_audio)
{
    char text[2048], why[128] = "";
    struct vendor_headers headers = {.count = 0};
    struct live_wish wish = {"en-US", "[\"yes please\"]", VOICEGW_AUDIO_PCMU, 8000, 1, 0};
    struct voicegw_text url = vendor_socket_url(&nova()->home.vendor, text, sizeof text);
    cr_assert_eq(deepgram_address(nova(), &wish, &url, &headers, why, sizeof why), VOICEGW_OK);
    cr_expect_str_eq(text,
                     "wss://api.deepgram.com/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000&language=en-US"
                     "&channels=1&interim_results=true&punctuate=true&smart_format=false&endpointing=300"
                     "&keyterm=Hotel%20M%C3%BCller&keyterm=yes%20please&numerals=true&tag=a&tag=b%26c");
    cr_expect_str_eq(headers.list[0], "Authorization: Token k");
}

Test(speech_vendors, a_key_of_two_lines_is_refused)
{
    char text[1024], why[128] = "";
    struct deepgram_ear ear = *nova();
    struct vendor_headers headers = {.count = 0};
    struct live_wish wish = {"", NULL, VOICEGW_AUDIO_L16, 16000, 1, 1};
    struct voicegw_text url = voicegw_text_of(text, sizeof text);
    ear.home.vendor.api_key = "k\r\nX-Evil: 1";
    cr_expect_eq(deepgram_address(&ear, &wish, &url, &headers, why, sizeof why), VOICEGW_ECONFIG);
    cr_expect(strstr(why, "one line"), "%s", why);
}

Test(speech_vendors, deepgrams_messages_are_read)
{
    struct live_news *n =
        news_of(deepgram_read,
                "{\"type\":\"Results\",\"is_final\":true,\"speech_final\":true,\"from_finalize\":true,\"start\":1.5,"
                "\"duration\":2,\"channel\":{\"alternatives\":[{\"transcript\":\"a room\",\"confidence\":0.75,"
                "\"languages\":[\"en\"],\"words\":[{\"word\":\"a\",\"start\":1.75,\"end\":1.9,\"confidence\":1},"
                "{\"word\":\"room\",\"start\":2,\"end\":2.5,\"confidence\":0.5}]}]}}");
    static struct live_said said;
    cr_expect(n->heard && n->settled && n->flushed && n->turn_ended);
    cr_expect_str_eq(n->text, "a room");
    cr_expect_str_eq(n->language, "en");
    cr_expect_float_eq(n->confidence, 0.75, 1e-9);
    cr_expect_float_eq(n->start_s, 1.75, 1e-9);
    cr_expect_float_eq(n->end_s, 3.5, 1e-9);
    live_said_clear(&said);
    (void)live_said_take(&said, &dialect, n);
    cr_expect_str_eq(said.words, "{\"word\":\"a\",\"start_ms\":1750,\"end_ms\":1900,\"confidence\":1},"
                                 "{\"word\":\"room\",\"start_ms\":2000,\"end_ms\":2500,\"confidence\":0.5}");
    cr_expect(news_of(deepgram_read, "{\"type\":\"UtteranceEnd\",\"last_word_end\":-1}")->turn_ended);
    cr_expect(news_of(deepgram_read, "{\"type\":\"SpeechStarted\",\"timestamp\":0.5}")->speech);
    cr_expect_float_eq(news_of(deepgram_read, "{\"type\":\"Metadata\",\"duration\":12.5}")->used_s, 12.5, 1e-9);
    n = news_of(deepgram_read, "{\"type\":\"TurnInfo\",\"event\":\"EndOfTurn\",\"transcript\":\"yes\",\"words\":[]}");
    cr_expect(n->heard && n->settled && n->turn_ended);
    n = news_of(deepgram_read, "{\"type\":\"Error\",\"code\":\"RATE_LIMIT_EXCEEDED\",\"description\":\"too\\nmany\"}");
    cr_expect_eq(n->status, VOICEGW_ERATELIMIT);
    cr_expect_str_eq(n->sentence, "Deepgram complains: too many");
}

Test(speech_vendors, strange_messages_say_nothing)
{
    static const char *const strange[] = {"{}",
                                          "[]",
                                          "null",
                                          "5",
                                          "\"x\"",
                                          "{\"type\":5}",
                                          "{\"type\":\"Nonsense\"}",
                                          "{\"type\":null,\"message_type\":[]}",
                                          "{\"message_type\":\"something_new\",\"text\":\"no\"}",
                                          "{\"type\":\"Begin\",\"id\":\"x\"}"};
    static const reader readers[] = {deepgram_read, elevenlabs_read, assemblyai_read};
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++)
        for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
            struct live_news *n = news_of(readers[r], strange[i]);
            cr_expect(!n->heard && !n->flushed && !n->turn_ended && n->status == 0 && n->text[0] == '\0',
                      "reader %zu takes %s for something", r, strange[i]);
        }
    struct live_news *n = news_of(deepgram_read, "{\"type\":\"Results\",\"channel\":{\"alternatives\":{\"0\":7}}}");
    cr_expect_str_eq(n->text, "");
}

/* ---- ElevenLabs ---- */

Test(speech_vendors, elevenlabs_messages_are_read)
{
    struct live_news *n = news_of(elevenlabs_read, "{\"message_type\":\"partial_transcript\",\"text\":\"i would\"}");
    cr_expect(n->heard && !n->settled && !n->flushed);
    n = news_of(elevenlabs_read, "{\"message_type\":\"committed_transcript\",\"text\":\"i would like\"}");
    cr_expect(n->heard && n->settled && n->flushed && n->turn_ended);
    cr_expect(news_of(elevenlabs_read, "{\"message_type\":\"commit_throttled\",\"error\":\"short\"}")->flushed);
    static const struct {
        const char *type;
        int32_t status;
        uint32_t fatal;
    } errors[] = {{"auth_error", VOICEGW_EAUTH, 1},
                  {"quota_exceeded", VOICEGW_ERATELIMIT, 1},
                  {"rate_limited", VOICEGW_ERATELIMIT, 1},
                  {"session_time_limit_exceeded", VOICEGW_EPROVIDER, 1},
                  {"insufficient_audio_activity", VOICEGW_EPROVIDER, 1},
                  {"input_error", VOICEGW_EINVALID, 0}};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "{\"message_type\":\"%s\",\"error\":\"why\"}", errors[i].type);
        n = news_of(elevenlabs_read, text);
        cr_expect_eq(n->status, errors[i].status, "%s", errors[i].type);
        cr_expect_eq(n->fatal, errors[i].fatal, "%s", errors[i].type);
    }
}

Test(speech_vendors, a_callers_words_cannot_leave_their_place_in_a_request)
{
    struct elevenlabs_voice v = {.model = "eleven_flash_v2_5", .voice = "own", .seed = -1};
    struct speaker_request sentence = {"Say \"yes\"\n\x01", "../v1/user?x=", "de-DE", 0};
    struct remote_request *q = calloc(1, sizeof *q);
    char why[128] = "";
    v.remote.vendor = (struct voicegw_vendor){.base_url = "https://x", .api_key = "k", .extra_json = "{\"a\":[1]}"};
    q->url = voicegw_text_of(q->url_text, sizeof q->url_text);
    q->body = voicegw_json_writer_of(q->body_text, sizeof q->body_text);
    q->encoding = VOICEGW_AUDIO_PCMU;
    q->rate = 8000;
    cr_assert_eq(elevenlabs_speech_write(&v, &sentence, q, why, sizeof why), VOICEGW_OK);
    cr_expect_str_eq(q->url_text, "/v1/text-to-speech/..%2Fv1%2Fuser%3Fx%3D/stream?output_format=ulaw_8000");
    cr_expect_gt(voicegw_json_finish(&q->body), 0);
    cr_expect_str_eq(q->body_text, "{\"text\":\"Say \\\"yes\\\"\\n\\u0001\",\"model_id\":\"eleven_flash_v2_5\","
                                   "\"language_code\":\"de\",\"a\":[1]}");
    free(q);
}

/* ---- AssemblyAI ---- */

Test(speech_vendors, assemblyais_turns_are_read)
{
    struct live_news *n = news_of(
        assemblyai_read, "{\"type\":\"Turn\",\"end_of_turn\":false,\"transcript\":\"a\",\"words\":[{\"text\":\"a\","
                         "\"start\":100,\"end\":200,\"confidence\":1,\"word_is_final\":true},{\"text\":\"roo\","
                         "\"start\":300,\"end\":400,\"confidence\":0.5,\"word_is_final\":false}]}");
    cr_expect(n->heard && !n->settled && !n->flushed);
    cr_expect_str_eq(n->text, "a roo");
    cr_expect_float_eq(n->confidence, 0.75, 1e-9);
    cr_expect_float_eq(n->end_s, 0.4, 1e-9);
    n = news_of(assemblyai_read, "{\"type\":\"Turn\",\"end_of_turn\":true,\"transcript\":\"a room\",\"words\":[]}");
    cr_expect(n->heard && n->settled && n->flushed && n->turn_ended);
    cr_expect_str_eq(n->text, "a room");
    cr_expect_float_eq(news_of(assemblyai_read, "{\"type\":\"Termination\",\"session_duration_seconds\":7}")->used_s, 7,
                       1e-9);
    n = news_of(assemblyai_read, "{\"type\":\"Error\",\"error_code\":1,\"error\":\"Unauthorized connection\"}");
    cr_expect_eq(n->status, VOICEGW_EAUTH);
    char out[256];
    cr_expect_gt(assemblyai_update("[\"a \\\"b\\\"\",5,\"c\"]", out, sizeof out), 0);
    cr_expect_str_eq(out, "{\"type\":\"UpdateConfiguration\",\"keyterms_prompt\":[\"a \\\"b\\\"\",\"c\"]}");
}

/* ---- requests with files ---- */

Test(speech_vendors, whispers_answers_are_read)
{
    static struct batch_answer a;
    a.status = 1;
    whisper_read(voicegw_json_of("{\"text\":\" all\",\"segments\":[{\"text\":\" a room\",\"avg_logprob\":0,"
                                 "\"no_speech_prob\":0.1},{\"text\":\" thank you\",\"no_speech_prob\":0.95}]}"),
                 &a);
    batch_tidy(a.text);
    cr_expect_str_eq(a.text, "a room", "silence is no thanks");
    cr_expect_float_eq(a.confidence, 1, 1e-9);
    memset(&a, 0, sizeof a);
    a.status = 1;
    whisper_read(voicegw_json_of("{\"error\":\"FFmpeg conversion failed\"}"), &a);
    cr_expect_eq(a.status, VOICEGW_EPROVIDER);
}

Test(speech_vendors, remarks_of_a_model_are_no_speech)
{
    static const struct {
        const char *text, *tidy;
    } cases[] = {{" [BLANK_AUDIO]\n", ""},
                 {"(music) [noise]", ""},
                 {"[a] yes", "[a] yes"},
                 {" yes\n no ", "yes  no"},
                 {"", ""},
                 {"[", "["},
                 {"*sighs*", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s", cases[i].text);
        batch_tidy(text);
        cr_expect(strcmp(text, cases[i].tidy) == 0 || (i == 3 && strcmp(text, "yes no") == 0), "%s becomes %s",
                  cases[i].text, text);
    }
}

Test(speech_vendors, forms_hold_fields_and_a_wav_file)
{
    static const int16_t pcm[3] = {1, -2, 3};
    struct batch_form form = {0};
    struct wav_format format;
    batch_field(&form, "model", "m");
    batch_field(&form, "absent", "");
    batch_file(&form, "file", pcm, 3, 16000);
    batch_form_end(&form);
    cr_assert_not(form.failed);
    const char *head =
        "--" BATCH_BOUNDARY "\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
        "--" BATCH_BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"speech.wav\"\r\n"
        "Content-Type: audio/wav\r\n\r\n";
    cr_assert_eq(memcmp(form.data, head, strlen(head)), 0);
    const uint8_t *wav = (const uint8_t *)form.data + strlen(head);
    cr_assert_eq(wav_head(wav, WAV_HEAD_BYTES, &format), 1);
    cr_expect_eq(format.rate, 16000);
    cr_expect_eq(format.encoding, VOICEGW_AUDIO_L16);
    cr_expect_eq(memcmp(wav + format.head_bytes, "\x01\x00\xfe\xff\x03\x00\r\n--", 10), 0);
    batch_field(&form, "a\"b", "x");
    cr_expect(form.failed, "a name that leaves its place is taken");
    free(form.data);
}

Test(speech_vendors, heads_of_wav_files_are_read_in_pieces_and_strange_ones_refused)
{
    uint8_t head[WAV_HEAD_BYTES];
    struct wav_format format;
    wav_head_write(head, 22050, 10);
    for (size_t n = 1; n < sizeof head; n++)
        cr_expect_eq(wav_head(head, n, &format), 0, "%zu bytes", n);
    cr_expect_eq(wav_head(head, sizeof head, &format), 1);
    cr_expect_eq(wav_head((const uint8_t *)"ID3\x04", 4, &format), -1);
    head[22] = 2; /* channels */
    cr_expect_eq(wav_head(head, sizeof head, &format), -1);
}

Test(speech_vendors, refusals_have_a_status_and_tell_no_key)
{
    char out[400];
    static const char body[] = "{\"error\":{\"message\":\"Incorrect key sk-secret\\u0007\"}}";
    cr_expect_eq(vendor_refusal("V", 401, body, strlen(body), out, sizeof out), VOICEGW_EAUTH);
    cr_expect_null(strstr(out, "sk-secret"));
    cr_expect_eq(vendor_refusal("V", 429, "{\"detail\":{\"message\":\"slow\"}}", 29, out, sizeof out),
                 VOICEGW_ERATELIMIT);
    cr_expect_str_eq(out, "V answered 429: it asks to slow down, or the quota is used up: slow");
    cr_expect_eq(vendor_refusal("V", 402, "", 0, out, sizeof out), VOICEGW_ERATELIMIT);
    cr_expect_eq(vendor_refusal("V", 503, "<html>", 6, out, sizeof out), VOICEGW_EPROVIDER);
    cr_expect_eq(vendor_refusal("V", 301, "", 0, out, sizeof out), VOICEGW_EPROVIDER);
}
