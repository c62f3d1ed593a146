/* chat_wire.c - what both interfaces share, and chat completions. */
#include "chat_wire.h"
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

void chat_answer_free(struct chat_answer *a)
{
    for (uint32_t i = 0; i < a->call_count; i++)
        free(a->calls[i].arguments);
    free(a->text);
    memset(a, 0, sizeof *a);
}

/* Room for `more` bytes and a NUL behind what is there; 0: beyond `max` or no memory. */
static uint32_t make_room(char **text, uint64_t len, uint64_t *cap, uint64_t more, uint64_t max)
{
    uint64_t want = *cap ? *cap : 256;
    if (len + more > max)
        return 0;
    while (want < len + more + 1)
        want *= 2;
    if (want > *cap) {
        char *grown = realloc(*text, want);
        if (!grown)
            return 0;
        *text = grown;
        *cap = want;
    }
    return 1;
}

/* Adds a JSON string, decoded; what is none adds nothing. */
static int32_t add_string(char **text, uint64_t *len, uint64_t *cap, struct voicegw_json v, uint64_t max)
{
    int64_t n;
    if (voicegw_json_type(v) != VOICEGW_JSON_STRING || v.bytes <= 2)
        return VOICEGW_OK;
    if (!make_room(text, *len, cap, v.bytes, max))
        return VOICEGW_ELIMIT;
    n = voicegw_json_string(v, *text + *len, *cap - *len);
    if (n < 0) {
        (*text)[*len] = '\0';
        return VOICEGW_EPROVIDER;
    }
    *len += (uint64_t)n;
    return VOICEGW_OK;
}

int32_t chat_answer_text(struct chat_answer *a, struct voicegw_json piece)
{
    return add_string(&a->text, &a->bytes, &a->cap, piece, CHAT_TEXT_MAX);
}

int32_t chat_call_arguments(struct chat_call *c, struct voicegw_json piece)
{
    return add_string(&c->arguments, &c->bytes, &c->cap, piece, CHAT_ARGUMENTS_MAX);
}

static struct chat_call *call_new(struct chat_answer *a, int64_t index)
{
    if (a->call_count == CHAT_CALLS_MAX)
        return NULL;
    struct chat_call *c = &a->calls[a->call_count++];
    memset(c, 0, sizeof *c);
    c->index = index;
    return c;
}

struct chat_call *chat_answer_call(struct chat_answer *a, int64_t index)
{
    for (uint32_t i = 0; i < a->call_count; i++)
        if (a->calls[i].index == index)
            return &a->calls[i];
    return call_new(a, index);
}

const char *chat_answer_why(int32_t status)
{
    return status == VOICEGW_ELIMIT ? "the model's answer is longer than is taken in"
           : status < 0             ? "the model's server sent text that is broken"
                                    : NULL;
}

int32_t chat_event_read(const char *data, uint64_t bytes, struct voicegw_json *ret_doc, const char **ret_why)
{
    struct voicegw_json doc = voicegw_json_ofn(data, bytes);
    *ret_why = NULL;
    if (!voicegw_json_valid(data, bytes) || voicegw_json_type(doc) != VOICEGW_JSON_OBJECT)
        *ret_why = "the model's server sent what is no JSON object";
    else if (voicegw_json_type(voicegw_json_member(doc, "error")) > VOICEGW_JSON_NULL)
        *ret_why = "the model's server failed in the middle of its answer";
    *ret_doc = doc;
    return *ret_why ? VOICEGW_EPROVIDER : VOICEGW_OK;
}

/* ---- chat completions: answers ---- */

static struct chat_call *call_of(struct chat_answer *a, struct voicegw_json piece)
{
    struct voicegw_json id = voicegw_json_member(piece, "id");
    int64_t index = voicegw_json_get_int(piece, "index", -1);
    uint32_t named = voicegw_json_type(id) == VOICEGW_JSON_STRING && id.bytes > 2;
    for (uint32_t i = 0; i < a->call_count; i++)
        if (index >= 0 ? a->calls[i].index == index : !named && i + 1 == a->call_count)
            return &a->calls[i];
    return call_new(a, index);
}

static int32_t add_call(struct chat_answer *a, struct voicegw_json piece)
{
    struct chat_call *c = call_of(a, piece);
    struct voicegw_json arguments = voicegw_json_get(piece, "function.arguments");
    if (!c)
        return VOICEGW_ELIMIT;
    if (!c->id[0])
        (void)voicegw_json_get_string(piece, "id", c->id, sizeof c->id);
    if (!c->name[0])
        (void)voicegw_json_get_string(piece, "function.name", c->name, sizeof c->name);
    if (voicegw_json_type(arguments) == VOICEGW_JSON_OBJECT) { /* some servers send the object itself */
        if (!make_room(&c->arguments, c->bytes, &c->cap, arguments.bytes, CHAT_ARGUMENTS_MAX))
            return VOICEGW_ELIMIT;
        memcpy(c->arguments + c->bytes, arguments.text, arguments.bytes);
        c->bytes += arguments.bytes;
        c->arguments[c->bytes] = '\0';
        return VOICEGW_OK;
    }
    return chat_call_arguments(c, arguments);
}

static int32_t take_choice(struct chat_answer *a, struct voicegw_json choice, const char **ret_why)
{
    struct voicegw_json delta = voicegw_json_member(choice, "delta");
    int32_t status = chat_answer_text(a, voicegw_json_member(delta, "content"));
    if (status == VOICEGW_OK)
        status = chat_answer_text(a, voicegw_json_member(delta, "refusal"));
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_member(delta, "tool_calls"));
    while (status == VOICEGW_OK && voicegw_json_next(&it))
        status = add_call(a, it.value);
    (void)voicegw_json_get_string(choice, "finish_reason", a->finish, sizeof a->finish);
    *ret_why = chat_answer_why(status);
    return status;
}

static int32_t take_chunk(struct chat_answer *a, const char *data, uint64_t bytes, const char **ret_delta,
                          const char **ret_why)
{
    struct voicegw_json doc, usage;
    uint64_t before = a->bytes;
    int32_t status;
    *ret_delta = "";
    if (bytes == 6 && memcmp(data, "[DONE]", 6) == 0) {
        a->done = 1;
        return VOICEGW_OK;
    }
    status = chat_event_read(data, bytes, &doc, ret_why);
    if (status < 0)
        return status;
    usage = voicegw_json_member(doc, "usage");
    if (voicegw_json_type(usage) == VOICEGW_JSON_OBJECT) {
        a->input_tokens = voicegw_json_get_int(usage, "prompt_tokens", a->input_tokens);
        a->output_tokens = voicegw_json_get_int(usage, "completion_tokens", a->output_tokens);
    }
    struct voicegw_json choice = voicegw_json_get(doc, "choices.0");
    if (voicegw_json_type(choice) == VOICEGW_JSON_OBJECT) {
        a->chunks++;
        status = take_choice(a, choice, ret_why);
    }
    if (a->bytes > before)
        *ret_delta = a->text + before;
    return status;
}

uint32_t chat_call_valid(const struct chat_call *c)
{
    if (!c->arguments) /* a function without parameters */
        return 1;
    return voicegw_json_valid(c->arguments, c->bytes) &&
           voicegw_json_type(voicegw_json_ofn(c->arguments, c->bytes)) == VOICEGW_JSON_OBJECT;
}

static void write_calls(const void *of, struct voicegw_json_writer *w)
{
    const struct chat_answer *a = of;
    voicegw_json_put_array(w, NULL);
    for (uint32_t i = 0; i < a->call_count; i++) {
        const struct chat_call *c = &a->calls[i];
        voicegw_json_put_object(w, NULL);
        voicegw_json_put_string(w, "id", c->id);
        voicegw_json_put_string(w, "type", "function");
        voicegw_json_put_object(w, "function");
        voicegw_json_put_string(w, "name", c->name);
        voicegw_json_put_string(w, "arguments", c->arguments && chat_call_valid(c) ? c->arguments : "{}");
        voicegw_json_put_end(w);
        voicegw_json_put_end(w);
    }
    voicegw_json_put_end(w);
}

/* ---- writing into as much room as it takes ---- */

char *chat_written(void (*write)(const void *of, struct voicegw_json_writer *w), const void *of, uint64_t *ret_bytes)
{
    for (uint64_t cap = 16384; cap <= CHAT_BODY_MAX; cap *= 2) {
        char *out = malloc(cap);
        if (!out)
            return NULL;
        struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
        write(of, &w);
        int64_t n = voicegw_json_finish(&w);
        if (n >= 0) {
            *ret_bytes = (uint64_t)n;
            return out;
        }
        free(out);
    }
    return NULL;
}

char *chat_answer_calls(const struct chat_answer *a)
{
    uint64_t bytes;
    return chat_written(write_calls, a, &bytes);
}

/* ---- chat completions: requests ---- */

static void write_tools(const struct chat_body *b, struct voicegw_json_writer *w)
{
    voicegw_json_put_array(w, "tools");
    for (uint32_t i = 0; i < b->tool_count; i++) {
        const struct tool_entry *t = &b->tools[i];
        voicegw_json_put_object(w, NULL);
        voicegw_json_put_string(w, "type", "function");
        voicegw_json_put_object(w, "function");
        voicegw_json_put_string(w, "name", t->name);
        voicegw_json_put_string(w, "description", t->description);
        voicegw_json_put_json(w, "parameters", tool_parameters(t));
        voicegw_json_put_end(w);
        voicegw_json_put_end(w);
    }
    voicegw_json_put_end(w);
}

void chat_body_rest(const struct chat_body *b, const char *const *ours, struct voicegw_json_writer *w)
{
    struct voicegw_json_iter it = voicegw_json_each(b->extra);
    if (b->temperature >= 0)
        voicegw_json_put_double(w, "temperature", b->temperature);
    if (b->top_p >= 0)
        voicegw_json_put_double(w, "top_p", b->top_p);
    while (it.object && voicegw_json_next(&it)) {
        char name[64];
        uint32_t taken = voicegw_json_string(it.key, name, sizeof name) < 0 || strcmp(name, b->tokens_field) == 0;
        for (const char *const *own = ours; *own; own++)
            taken |= strcmp(name, *own) == 0;
        if (!taken)
            voicegw_json_put_json(w, name, it.value);
    }
}

static void write_body(const void *body, struct voicegw_json_writer *w)
{
    static const char *const ours[] = {"model",          "messages",    "tools", "stream",
                                       "stream_options", "temperature", "top_p", NULL};
    const struct chat_body *b = body;
    voicegw_json_put_object(w, NULL);
    voicegw_json_put_string(w, "model", b->model);
    voicegw_json_put_array(w, "messages");
    for (const char *const *s = b->system; *s; s++) {
        if (!**s)
            continue;
        voicegw_json_put_object(w, NULL);
        voicegw_json_put_string(w, "role", "system");
        voicegw_json_put_string(w, "content", *s);
        voicegw_json_put_end(w);
    }
    chat_history_write(b->history, w);
    voicegw_json_put_end(w);
    if (b->tool_count)
        write_tools(b, w);
    voicegw_json_put_bool(w, "stream", 1);
    voicegw_json_put_object(w, "stream_options");
    voicegw_json_put_bool(w, "include_usage", 1);
    voicegw_json_put_end(w);
    if (b->max_tokens)
        voicegw_json_put_int(w, b->tokens_field, b->max_tokens);
    chat_body_rest(b, ours, w);
    voicegw_json_put_end(w);
}

const struct chat_wire chat_completions_wire = {.path = "/chat/completions", .write = write_body, .take = take_chunk};
