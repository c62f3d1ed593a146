/* test_realtime.c - the pure parts of speech to speech: names of events by generation, settings, addresses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/openai-realtime/wire.h"

static int passed, failed;

static void check(int ok, const char *promise)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        (void)printf("FAILED: %s\n", promise);
}

static void names_by_generation(void)
{
    struct rt_dialect ga = {0}, beta = {0}, other = {0};
    const char *why = NULL;
    check(rt_dialect_read(&ga, "ga", NULL, &why) == VOICEGW_OK &&
              rt_dialect_read(&beta, "beta", "{}", &why) == VOICEGW_OK,
          "both generations are known");
    check(rt_dialect_event(&ga, "response.output_audio.delta") == RT_AUDIO_DELTA &&
              rt_dialect_event(&ga, "response.audio.delta") == RT_EVENTS,
          "ga names");
    check(rt_dialect_event(&beta, "response.audio.delta") == RT_AUDIO_DELTA &&
              rt_dialect_event(&beta, "response.done") == RT_RESPONSE_DONE,
          "beta names, and those that stayed");
    check(rt_dialect_event(&ga, "session.update") == RT_EVENTS, "what we send is nothing that comes");
    check(rt_dialect_read(&other, "ga",
                          "{\"audio_delta\":\"session.output_audio.delta\",\"append\":\"session.input_audio.append\"}",
                          &why) == VOICEGW_OK &&
              rt_dialect_event(&other, "session.output_audio.delta") == RT_AUDIO_DELTA &&
              strcmp(other.names[RT_APPEND], "session.input_audio.append") == 0,
          "single names are laid over");
    check(rt_dialect_read(&other, "ga", "{\"audio\":\"x\"}", &why) == VOICEGW_ECONFIG && why,
          "unknown keys are refused");
    check(rt_dialect_read(&other, "ga", "{\"append\":7}", &why) == VOICEGW_ECONFIG, "a name is a text");
}

static void settings_by_generation(void)
{
    static const char *const wants[][2] = {
        {"ga",
         "{\"type\":\"session.update\",\"session\":{\"instructions\":\"Be "
         "kind.\\n\",\"type\":\"realtime\",\"model\":\"m\","
         "\"output_modalities\":[\"audio\"],\"audio\":{\"input\":{\"format\":{\"type\":\"audio/"
         "pcmu\"},\"transcription\":"
         "{\"model\":\"w\",\"language\":\"en\"},\"turn_detection\":{\"type\":\"server_vad\",\"threshold\":0.5,"
         "\"prefix_padding_ms\":300,\"silence_duration_ms\":500,\"create_response\":true,\"interrupt_response\":true}},"
         "\"output\":{\"format\":{\"type\":\"audio/pcmu\"},\"voice\":\"v\"}},\"max_output_tokens\":9,\"tools\":[],"
         "\"tool_choice\":\"auto\",\"truncation\":\"auto\"}}"},
        {"beta",
         "{\"type\":\"session.update\",\"session\":{\"instructions\":\"Be "
         "kind.\\n\",\"modalities\":[\"audio\",\"text\"],"
         "\"input_audio_format\":\"g711_ulaw\",\"output_audio_format\":\"g711_ulaw\",\"input_audio_transcription\":"
         "{\"model\":\"w\",\"language\":\"en\"},\"turn_detection\":{\"type\":\"server_vad\",\"threshold\":0.5,"
         "\"prefix_padding_ms\":300,\"silence_duration_ms\":500,\"create_response\":true,\"interrupt_response\":true},"
         "\"voice\":\"v\",\"max_response_output_tokens\":9,\"tools\":[],\"tool_choice\":\"auto\",\"truncation\":"
         "\"auto\"}}"}};
    struct tool_offer none = {0};
    struct rt_setup s = {.model = "m",
                         .instructions = "Be kind.",
                         .more = "",
                         .voice = "v",
                         .transcription = "w",
                         .language = "en-US",
                         .noise_reduction = "",
                         .detection = "server_vad",
                         .eagerness = "auto",
                         .encoding = "pcmu",
                         .threshold = 0.5,
                         .prefix_ms = 300,
                         .silence_ms = 500,
                         .max_tokens = 9,
                         .offer = &none,
                         .extra = voicegw_json_of("{\"truncation\":\"auto\",\"model\":\"other\"}")};
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        struct rt_dialect d = {0};
        const char *why;
        (void)rt_dialect_read(&d, wants[i][0], NULL, &why);
        char *text = rt_wire_setup(&d, &s);
        check(text && strcmp(text, wants[i][1]) == 0, text ? text : "no text");
        free(text);
    }
}

static void events_of_ours(void)
{
    struct rt_dialect d = {0};
    const char *why;
    (void)rt_dialect_read(&d, "ga", NULL, &why);
    char *texts[] = {rt_wire_plain(&d, RT_CANCEL),     rt_wire_message(&d, "assistant", "\"a\""),
                     rt_wire_message(&d, "user", "b"), rt_wire_result(&d, "c", "{\"n\":1}"),
                     rt_wire_heard(&d, "i", 0),        rt_wire_heard(&d, "i", 1240),
                     rt_wire_respond(&d, NULL),        rt_wire_respond(&d, "Greet.")};
    static const char *const wants[] = {
        "{\"type\":\"response.cancel\"}",
        "{\"type\":\"conversation.item.create\",\"item\":{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{"
        "\"type\":"
        "\"output_text\",\"text\":\"\\\"a\\\"\"}]}}",
        "{\"type\":\"conversation.item.create\",\"item\":{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
        "\"type\":"
        "\"input_text\",\"text\":\"b\"}]}}",
        "{\"type\":\"conversation.item.create\",\"item\":{\"type\":\"function_call_output\",\"call_id\":\"c\","
        "\"output\":"
        "\"{\\\"n\\\":1}\"}}",
        "{\"type\":\"conversation.item.delete\",\"item_id\":\"i\"}",
        "{\"type\":\"conversation.item.truncate\",\"item_id\":\"i\",\"content_index\":0,\"audio_end_ms\":1240}",
        "{\"type\":\"response.create\"}",
        "{\"type\":\"response.create\",\"response\":{\"instructions\":\"Greet.\"}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        check(texts[i] && strcmp(texts[i], wants[i]) == 0, wants[i]);
        free(texts[i]);
    }
}

static void addresses(void)
{
    static const struct {
        const char *base, *path, *model, *want;
    } rows[] = {{"https://api.openai.com/v1", "/realtime", "a b", "wss://api.openai.com/v1/realtime?model=a%20b"},
                {"http://127.0.0.1:9/v1/", "/realtime", "m", "ws://127.0.0.1:9/v1/realtime?model=m"},
                {"wss://x.example", "/live?a=1", "m", "wss://x.example/live?a=1&model=m"},
                {"wss://x.example", "/live/sessions", "", "wss://x.example/live/sessions"}};
    char out[128];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rt_wire_url(rows[i].base, rows[i].path, rows[i].model, out, sizeof out) == VOICEGW_OK &&
                  strcmp(out, rows[i].want) == 0,
              rows[i].want);
    check(rt_wire_url("https://api.openai.com/v1", "/realtime", "m", out, 20) == VOICEGW_ELIMIT, "too long is refused");
}

int main(void)
{
    names_by_generation();
    settings_by_generation();
    events_of_ours();
    addresses();
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
