/* fuzz_platform.c - any octets as what Bland and Vapi send, and as the parameters of a call to them: what is written
 * from valid JSON is valid JSON. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/bland/wire.h"
#include "../../plugins/vapi/wire.h"

#define OUT_CAP 262144u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int promise)
{
    if (!promise)
        abort();
}

static void read_answers(struct voicegw_json doc, const char *text)
{
    char out[600];
    struct platform_view view;
    struct vapi_tool_call call;
    bland_view(doc, &view);
    expect(view.state <= VOICEGW_CALL_FAILED && memchr(view.status, 0, sizeof view.status));
    vapi_view(doc, &view);
    expect(view.state <= VOICEGW_CALL_FAILED && memchr(view.status, 0, sizeof view.status));
    expect(vapi_reason_of(text).state >= VOICEGW_CALL_ENDED);
    (void)bland_news_of(doc);
    (void)vapi_message_of(doc);
    (void)bland_is_error(doc);
    bland_explain(doc, out, sizeof out);
    vapi_explain(doc, out, sizeof out);
    (void)bland_find_id(doc, "call-1", out, sizeof out);
    (void)vapi_find_id(doc, "call-1", out, sizeof out);
    (void)vapi_control_url(doc, out, sizeof out);
    (void)vapi_read_tool_call(doc, &call);
    (void)platform_time_us(doc);
    (void)platform_duration_s(doc);
    vapi_one_line(text, strlen(text), out, sizeof out);
    expect(!strpbrk(out, "\r\n"));
}

static void write_payloads(struct voicegw_json doc, int valid, char *out)
{
    char why[400] = "";
    const struct voicegw_call_params params = {.size = sizeof params,
                                               .max_duration_ms = 60000,
                                               .to = "+15550001",
                                               .from = "",
                                               .session_id = "s",
                                               .call_id = "call-1",
                                               .variables_json = "{}",
                                               .route_json = "{}"};
    const struct platform_sources sources = {.params = &params,
                                             .variables = doc,
                                             .webhook_url = "https://gateway.example/",
                                             .default_from = "",
                                             .own = {"number", "assistant", "secret", ""}};
    int64_t n = bland_format_payload(&sources, out, OUT_CAP, why, sizeof why);
    expect(n > 0 ? !valid || voicegw_json_valid(out, (uint64_t)n) : n == VOICEGW_ELIMIT || why[0]);
    why[0] = '\0';
    n = vapi_format_payload(&sources, out, OUT_CAP, why, sizeof why);
    expect(n > 0 ? !valid || voicegw_json_valid(out, (uint64_t)n) : n == VOICEGW_ELIMIT || why[0]);
    n = vapi_redact(doc, out, OUT_CAP);
    expect(n < 0 || !valid || voicegw_json_valid(out, (uint64_t)n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1), *out = malloc(OUT_CAP);
    if (copy && out) {
        memcpy(copy, data, size);
        copy[size] = '\0';
        struct voicegw_json doc = voicegw_json_ofn(copy, size);
        read_answers(doc, copy);
        write_payloads(doc, (int)voicegw_json_valid(copy, size), out);
    }
    free(copy);
    free(out);
    return 0;
}
