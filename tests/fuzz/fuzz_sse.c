/* fuzz_sse.c - any octets as the stream of a model or of a service: how they are cut into pieces changes nothing, and
 * what is told is whole. The first octet is the pieces' length. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/http/reply.h"
#include "../../plugins/openai/chat_wire.h"
#include "sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sums {
    uint64_t sum, events;
    struct chat_answer answer, response; /* by each interface of a model */
};

static void expect(int promise)
{
    if (!promise)
        abort();
}

static void add(uint64_t *sum, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *sum = (*sum ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
}

static int32_t on_event(void *arg, const char *event, const char *data, uint64_t bytes)
{
    struct sums *s = arg;
    const char *delta = "", *why = NULL;
    expect(data[bytes] == '\0');
    add(&s->sum, event, strlen(event) + 1);
    add(&s->sum, data, bytes + 1);
    s->events++;
    int32_t status = chat_completions_wire.take(&s->answer, data, bytes, &delta, &why);
    expect(status == VOICEGW_OK || why != NULL);
    why = NULL;
    status = chat_responses_wire.take(&s->response, data, bytes, &delta, &why);
    expect(status == VOICEGW_OK || why != NULL);
    add(&s->sum, delta, strlen(delta));
    for (uint32_t i = 0; i < s->answer.call_count; i++)
        (void)chat_call_valid(&s->answer.calls[i]);
    return VOICEGW_OK;
}

static void run(const char *data, size_t size, size_t step, struct sums *s)
{
    struct sse sse = {0};
    for (size_t at = 0; at < size; at += step)
        (void)sse_feed(&sse, data + at, at + step <= size ? step : size - at, on_event, s);
    (void)sse_finish(&sse, on_event, s);
    sse_done(&sse);
    free(chat_answer_calls(&s->answer));
    chat_answer_free(&s->answer);
    free(chat_answer_calls(&s->response));
    chat_answer_free(&s->response);
}

static void on_text(void *arg, const char *text)
{
    struct sums *s = arg;
    add(&s->sum, text, strlen(text));
}

static void on_action(void *arg, const char *action, const char *params_json)
{
    struct sums *s = arg;
    add(&s->sum, action, strlen(action));
    expect(!params_json || voicegw_json_valid(params_json, strlen(params_json)));
}

static int32_t run_reply(const char *data, size_t size, size_t step, struct sums *s)
{
    struct reply r = {.sink = {on_text, on_action, s}};
    int32_t status = VOICEGW_OK;
    for (size_t at = 0; at < size && status == VOICEGW_OK; at += step)
        status = reply_feed(&r, data + at, at + step <= size ? step : size - at);
    if (status == VOICEGW_OK)
        status = reply_finish(&r);
    expect(status == VOICEGW_OK || r.why != NULL);
    reply_done(&r);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sums whole = {0}, pieces = {0};
    if (!size)
        return 0;
    size_t step = data[0] ? data[0] : 1, n = size - 1;
    char *copy = malloc(n + 1); /* exact, so that a read beyond the end is seen */
    memcpy(copy, data + 1, n);
    run(copy, n, n + 1, &whole);
    run(copy, n, step, &pieces);
    expect(whole.sum == pieces.sum && whole.events == pieces.events);
    whole.sum = pieces.sum = 0;
    int32_t a = run_reply(copy, n, n + 1, &whole), b = run_reply(copy, n, step, &pieces);
    expect((a < 0) == (b < 0));
    expect(a < 0 || whole.sum == pieces.sum);
    free(copy);
    return 0;
}
