/* chat_responses.c - the interface "responses": the conversation as items, the answer as typed events. Nothing is kept
 * at the vendor (store: false): what the caller heard is known here only. */
#include <string.h>
#include "chat_wire.h"

/* ---- requests ---- */

static void put_message(struct voicegw_json_writer *w, const char *role, const char *text)
{
    voicegw_json_put_object(w, NULL);
    voicegw_json_put_string(w, "role", role);
    voicegw_json_put_string(w, "content", text);
    voicegw_json_put_end(w);
}

/* The history keeps calls as chat completions have them. */
static void put_calls(struct voicegw_json_writer *w, const char *calls)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(calls));
    while (voicegw_json_next(&it)) {
        voicegw_json_put_object(w, NULL);
        voicegw_json_put_string(w, "type", "function_call");
        voicegw_json_put_json(w, "call_id", voicegw_json_member(it.value, "id"));
        voicegw_json_put_json(w, "name", voicegw_json_get(it.value, "function.name"));
        voicegw_json_put_json(w, "arguments", voicegw_json_get(it.value, "function.arguments"));
        voicegw_json_put_end(w);
    }
}

static void put_history(const struct chat_history *h, struct voicegw_json_writer *w)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    for (const struct chat_message *m = h->first; m; m = m->next) {
        if (m->role == CHAT_TOOL) {
            voicegw_json_put_object(w, NULL);
            voicegw_json_put_string(w, "type", "function_call_output");
            voicegw_json_put_string(w, "call_id", m->call_id);
            voicegw_json_put_string(w, "output", m->content);
            voicegw_json_put_end(w);
            continue;
        }
        if (m->content[0] || !m->calls)
            put_message(w, roles[m->role], m->content);
        if (m->calls)
            put_calls(w, m->calls);
    }
}

static void put_tools(const struct chat_body *b, struct voicegw_json_writer *w)
{
    voicegw_json_put_array(w, "tools");
    for (uint32_t i = 0; i < b->tool_count; i++) {
        voicegw_json_put_object(w, NULL);
        voicegw_json_put_string(w, "type", "function");
        voicegw_json_put_string(w, "name", b->tools[i].name);
        voicegw_json_put_string(w, "description", b->tools[i].description);
        voicegw_json_put_json(w, "parameters", tool_parameters(&b->tools[i]));
        voicegw_json_put_bool(w, "strict", 0);
        voicegw_json_put_end(w);
    }
    voicegw_json_put_end(w);
}

static void write_request(const void *body, struct voicegw_json_writer *w)
{
    static const char *const ours[] = {"model",       "input", "instructions",      "tools", "stream", "store",
                                       "temperature", "top_p", "max_output_tokens", NULL};
    const struct chat_body *b = body;
    voicegw_json_put_object(w, NULL);
    voicegw_json_put_string(w, "model", b->model);
    if (b->system[0])
        voicegw_json_put_string(w, "instructions", b->system[0]);
    voicegw_json_put_array(w, "input");
    for (const char *const *s = b->system[0] ? b->system + 1 : b->system; *s; s++)
        if (**s)
            put_message(w, "system", *s);
    put_history(b->history, w);
    voicegw_json_put_end(w);
    if (b->tool_count)
        put_tools(b, w);
    voicegw_json_put_bool(w, "stream", 1);
    voicegw_json_put_bool(w, "store", 0);
    if (b->max_tokens)
        voicegw_json_put_int(w, "max_output_tokens", b->max_tokens);
    chat_body_rest(b, ours, w);
    voicegw_json_put_end(w);
}

/* ---- answers ---- */

static int32_t take_item(struct chat_answer *a, struct voicegw_json doc, uint32_t done)
{
    struct voicegw_json item = voicegw_json_member(doc, "item");
    if (!voicegw_json_equals(voicegw_json_member(item, "type"), "function_call"))
        return VOICEGW_OK;
    struct chat_call *c = chat_answer_call(a, voicegw_json_get_int(doc, "output_index", -1));
    if (!c)
        return VOICEGW_ELIMIT;
    if (!c->id[0])
        (void)voicegw_json_get_string(item, "call_id", c->id, sizeof c->id);
    if (!c->name[0])
        (void)voicegw_json_get_string(item, "name", c->name, sizeof c->name);
    return done && !c->bytes ? chat_call_arguments(c, voicegw_json_member(item, "arguments")) : VOICEGW_OK;
}

static int32_t take_arguments(struct chat_answer *a, struct voicegw_json doc, const char *member)
{
    struct chat_call *c = chat_answer_call(a, voicegw_json_get_int(doc, "output_index", -1));
    if (!c)
        return VOICEGW_ELIMIT;
    return strcmp(member, "delta") == 0 || !c->bytes ? chat_call_arguments(c, voicegw_json_member(doc, member))
                                                     : VOICEGW_OK;
}

static void take_end(struct chat_answer *a, struct voicegw_json doc)
{
    struct voicegw_json response = voicegw_json_member(doc, "response"), usage = voicegw_json_member(response, "usage");
    a->input_tokens = voicegw_json_get_int(usage, "input_tokens", a->input_tokens);
    a->output_tokens = voicegw_json_get_int(usage, "output_tokens", a->output_tokens);
    if (voicegw_json_get_string(response, "incomplete_details.reason", a->finish, sizeof a->finish) <= 0)
        memcpy(a->finish, "stop", sizeof "stop");
    a->done = 1;
}

enum kind { TEXT, ITEM, ITEM_DONE, ARGUMENTS, ARGUMENTS_DONE, END, FAILED };
static const struct {
    const char *type;
    enum kind kind;
} kinds[] = {{"response.output_text.delta", TEXT},
             {"response.refusal.delta", TEXT},
             {"response.output_item.added", ITEM},
             {"response.output_item.done", ITEM_DONE},
             {"response.function_call_arguments.delta", ARGUMENTS},
             {"response.function_call_arguments.done", ARGUMENTS_DONE},
             {"response.completed", END},
             {"response.incomplete", END},
             {"response.failed", FAILED},
             {"error", FAILED}};

static int32_t take_kind(struct chat_answer *a, enum kind kind, struct voicegw_json doc)
{
    switch (kind) {
    case TEXT:
        return chat_answer_text(a, voicegw_json_member(doc, "delta"));
    case ITEM:
    case ITEM_DONE:
        return take_item(a, doc, kind == ITEM_DONE);
    case ARGUMENTS:
        return take_arguments(a, doc, "delta");
    case ARGUMENTS_DONE:
        return take_arguments(a, doc, "arguments");
    case END:
        take_end(a, doc);
        break;
    case FAILED:
        break;
    }
    return VOICEGW_OK;
}

static int32_t take_event(struct chat_answer *a, const char *data, uint64_t bytes, const char **ret_delta,
                          const char **ret_why)
{
    struct voicegw_json doc;
    uint64_t before = a->bytes;
    *ret_delta = "";
    int32_t status = chat_event_read(data, bytes, &doc, ret_why);
    for (size_t i = 0; status == VOICEGW_OK && i < sizeof kinds / sizeof *kinds; i++) {
        if (!voicegw_json_equals(voicegw_json_member(doc, "type"), kinds[i].type))
            continue;
        a->chunks++;
        if (kinds[i].kind == FAILED) {
            *ret_why = "the model's server failed in the middle of its answer";
            return VOICEGW_EPROVIDER;
        }
        status = take_kind(a, kinds[i].kind, doc);
        *ret_why = chat_answer_why(status);
        break;
    }
    if (a->bytes > before)
        *ret_delta = a->text + before;
    return status;
}

const struct chat_wire chat_responses_wire = {.path = "/responses", .write = write_request, .take = take_event};
