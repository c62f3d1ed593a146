/* tools.c - tool-calls: each is a POST to the address that the operator wrote for it; the answer waits for all.
 * Source: docs.vapi.ai/tools/custom-tools, server-url/events. */
#include <stdio.h>
#include <stdlib.h>
#include "vapi.h"

#define ANSWER_CAP (VAPI_TOOLS_MAX * (VAPI_RESULT_MAX * 2u + 400u))
#define TOOL_ANSWER_MAX 65536u
#define TOOL_TIMEOUT_S 10

struct batch;

struct item {
    struct batch *batch;
    uint64_t http;
    uint32_t done;
    char name[80];
    struct vapi_result result;
};

struct batch {
    struct batch *next;
    struct platform *p; /* NULL: the instance has gone */
    uint64_t request, timer, call;
    uint32_t count, flying; /* flying: requests whose answer is still to come, also behind our own answer */
    struct item items[VAPI_TOOLS_MAX];
};

static struct voicegw_json tool_of(const struct platform *p, const char *name)
{
    return voicegw_json_member(voicegw_json_of(p->settings->texts[VAPI_TOOLS]), name);
}

int32_t vapi_check_tools(const struct voicegw_host *host, const struct platform_settings *s)
{
    static const struct field_rule rules[] = {{"*", FIELD_OBJECT, 0, 0, NULL},
                                              {"*.url", FIELD_URL, 0, 0, NULL},
                                              {"*.headers", FIELD_MAP, 0, 0, NULL},
                                              {"*.headers.*", FIELD_TEXT, 1, 1000, NULL},
                                              {"*.timeout", FIELD_NUMBER, 0.1, 12, NULL}};
    char why[300], sentence[320];
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(s->texts[VAPI_TOOLS]));
    while (voicegw_json_next(&it)) {
        if (fields_check_value(rules, sizeof rules / sizeof rules[0], "*", it.value, why, sizeof why) != VOICEGW_OK) {
            (void)snprintf(sentence, sizeof sentence, "tools: %s", why);
            return host->set_error(host, VOICEGW_ECONFIG, sentence);
        }
        if (voicegw_json_type(voicegw_json_member(it.value, "url")) == VOICEGW_JSON_ABSENT)
            return host->set_error(host, VOICEGW_ECONFIG, "tools: each tool needs the url that it is asked at");
    }
    return VOICEGW_OK;
}

/* ---- the answer ---- */

static void keep(struct batch *b, const struct item *i)
{
    struct vapi_call *c = (struct vapi_call *)platform_call_of(b->p, b->call);
    if (!c)
        return;
    struct vapi_result **slot = &c->results[c->result_count++ % VAPI_KEPT_RESULTS];
    if (!*slot)
        *slot = malloc(sizeof **slot);
    if (*slot)
        **slot = i->result;
}

static void drop_if_done(struct batch *b)
{
    if (b->request || b->flying)
        return;
    if (b->p) {
        struct batch **at = (struct batch **)&b->p->own;
        while (*at && *at != b)
            at = &(*at)->next;
        if (*at)
            *at = b->next;
        platform_live(b->p, -1);
    }
    free(b);
}

static void answer(struct batch *b)
{
    struct platform *p = b->p;
    char *json = malloc(ANSWER_CAP);
    if (b->timer)
        (void)p->host->timer_cancel(p->host, b->timer);
    b->timer = 0;
    if (json) {
        struct voicegw_json_writer w = voicegw_json_writer_of(json, ANSWER_CAP);
        voicegw_json_put_object(&w, NULL);
        voicegw_json_put_array(&w, "results");
        for (uint32_t i = 0; i < b->count; i++) {
            const struct item *t = &b->items[i];
            voicegw_json_put_object(&w, NULL);
            voicegw_json_put_string(&w, "toolCallId", t->result.id);
            voicegw_json_put_string(&w, "name", t->name);
            voicegw_json_put_string(&w, t->result.is_error ? "error" : "result", t->result.text);
            voicegw_json_put_end(&w);
        }
        voicegw_json_put_end(&w);
        voicegw_json_put_end(&w);
        (void)voicegw_json_finish(&w);
    }
    platform_reply(p, b->request, 200, json && json[0] ? json : "{\"results\":[]}");
    b->request = 0;
    free(json);
}

static void answer_if_whole(struct batch *b)
{
    for (uint32_t i = 0; i < b->count; i++)
        if (!b->items[i].done)
            return;
    if (b->request)
        answer(b);
    drop_if_done(b);
}

static void settle(struct item *i, uint32_t is_error, const char *text, uint64_t bytes)
{
    struct platform *p = i->batch->p;
    i->done = 1;
    i->result.is_error = is_error;
    vapi_one_line(text, bytes, i->result.text, sizeof i->result.text);
    p->host->count(p->host, is_error ? "tool_errors" : "tool_results", 1);
    keep(i->batch, i);
}

static void on_late(void *arg)
{
    struct batch *b = arg;
    static const char late[] = "the tool did not answer in time";
    b->timer = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->items[i].done)
            continue;
        settle(&b->items[i], 1, late, sizeof late - 1);
        if (b->items[i].http && b->p->http->cancel)
            b->p->http->cancel(b->p->host, b->items[i].http);
    }
    answer_if_whole(b);
}

/* ---- asking ---- */

static void on_done(void *arg, int32_t status, const char *sentence, const struct voicegw_http_response *h)
{
    struct item *i = arg;
    struct batch *b = i->batch;
    char why[200];
    i->http = 0;
    b->flying--;
    if (b->p && !i->done) {
        struct voicegw_json doc =
            status == VOICEGW_OK && h ? voicegw_json_ofn(h->body, h->body_bytes) : voicegw_json_absent_();
        struct voicegw_json result = voicegw_json_member(doc, "result"), error = voicegw_json_member(doc, "error");
        char text[VAPI_RESULT_MAX + 1];
        if (status != VOICEGW_OK || !h || h->http_status < 200 || h->http_status > 299) {
            (void)snprintf(why, sizeof why,
                           h && h->http_status ? "the tool answered HTTP %u" : "the tool cannot be reached",
                           h ? h->http_status : 0);
            settle(i, 1, why, strlen(why));
        } else if (voicegw_json_string(error, text, sizeof text) > 0) {
            settle(i, 1, text, strlen(text));
        } else if (voicegw_json_type(result) == VOICEGW_JSON_STRING) {
            (void)voicegw_json_string(result, text, sizeof text);
            settle(i, 0, text, strlen(text));
        } else if (voicegw_json_type(result) != VOICEGW_JSON_ABSENT) {
            settle(i, 0, result.text, result.bytes);
        } else {
            settle(i, 0, h->body, h->body_bytes);
        }
    }
    (void)sentence;
    if (b->p && b->request)
        answer_if_whole(b);
    else
        drop_if_done(b);
}

static void put_arguments(struct voicegw_json_writer *w, struct voicegw_json arguments, char *room, size_t cap)
{
    if (voicegw_json_type(arguments) == VOICEGW_JSON_STRING) { /* JSON in a string */
        int64_t n = voicegw_json_string(arguments, room, cap);
        arguments = n > 0 && voicegw_json_valid(room, (uint64_t)n) ? voicegw_json_ofn(room, (uint64_t)n) : arguments;
    }
    voicegw_json_put_json(w, "arguments", arguments);
}

static int ask(struct item *i, const struct vapi_tool_call *call, const struct platform_call *c)
{
    struct platform *p = i->batch->p;
    struct voicegw_json tool = tool_of(p, call->name);
    char url[2049], headers_json[4096] = "{}", texts[4096], arguments[16384], body[24576];
    const char *headers[VOICEGW_VENDOR_HEADERS_MAX + 2] = {"Content-Type: application/json", NULL};
    if (voicegw_json_get_string(tool, "url", url, sizeof url) <= 0)
        return 0;
    (void)voicegw_json_raw(voicegw_json_member(tool, "headers"), headers_json, sizeof headers_json);
    const struct voicegw_vendor with = {.headers_json = headers_json};
    if (voicegw_vendor_headers(&with, headers, 1, VOICEGW_VENDOR_HEADERS_MAX + 2, texts, sizeof texts) < 0)
        return 0;
    struct voicegw_json_writer w = voicegw_json_writer_of(body, sizeof body);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "name", call->name);
    voicegw_json_put_string(&w, "tool_call_id", call->id);
    voicegw_json_put_string(&w, "call_id", c ? c->call_id : "");
    voicegw_json_put_string(&w, "session_id", c ? c->session : "");
    put_arguments(&w, call->arguments, arguments, sizeof arguments);
    voicegw_json_put_end(&w);
    int64_t n = voicegw_json_finish(&w);
    if (n < 0)
        return 0;
    const struct voicegw_http_request request = {
        .size = sizeof request,
        .flags = VOICEGW_HTTP_TRUSTED_URL,
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = body,
        .body_bytes = (uint64_t)n,
        .timeout_ms = (uint32_t)(voicegw_json_get_double(tool, "timeout", TOOL_TIMEOUT_S) * 1000),
        .max_body_bytes = TOOL_ANSWER_MAX,
        .on_done = on_done,
        .arg = i};
    if (p->http->request(p->host, VOICEGW_TARGET_CONTROL, &request, &i->http) != VOICEGW_OK)
        return 0;
    i->batch->flying++;
    return 1;
}

static const struct vapi_result *kept(const struct vapi_call *c, const char *id)
{
    for (size_t i = 0; c && i < VAPI_KEPT_RESULTS; i++)
        if (c->results[i] && strcmp(c->results[i]->id, id) == 0)
            return c->results[i];
    return NULL;
}

static void begin(struct item *i, const struct vapi_tool_call *call, struct vapi_call *c)
{
    const struct vapi_result *before = kept(c, call->id);
    char why[160];
    memcpy(i->name, call->name, sizeof i->name);
    memcpy(i->result.id, call->id, sizeof i->result.id);
    if (before) {
        i->result = *before;
        i->done = 1;
    } else if (voicegw_json_type(tool_of(i->batch->p, call->name)) != VOICEGW_JSON_OBJECT) {
        (void)snprintf(why, sizeof why, "there is no tool %s here; name it under the provider's `tools`", call->name);
        settle(i, 1, why, strlen(why));
    } else if (!ask(i, call, c ? &c->base : NULL)) {
        (void)snprintf(why, sizeof why, "the tool %s cannot be asked", call->name);
        settle(i, 1, why, strlen(why));
    }
}

void vapi_on_tool_calls(struct platform *p, struct vapi_call *c, const char *id, struct voicegw_json message,
                        uint64_t request)
{
    struct voicegw_json list = voicegw_json_member(message, "toolCallList");
    struct batch *b = calloc(1, sizeof *b);
    (void)id;
    if (!b) {
        platform_reply(p, request, 200, "{\"results\":[]}");
        return;
    }
    if (voicegw_json_count(list) == 0) /* a name from before */
        list = voicegw_json_member(message, "toolCalls");
    struct voicegw_json_iter it = voicegw_json_each(list);
    b->p = p;
    b->request = request;
    b->call = c ? c->base.handle : 0;
    b->next = p->own;
    p->own = b;
    platform_live(p, 1);
    b->timer = p->host->timer_start(p->host, VOICEGW_TARGET_CONTROL, VAPI_TOOLS_US, on_late, b);
    while (voicegw_json_next(&it) && b->count < VAPI_TOOLS_MAX) {
        struct vapi_tool_call call;
        if (!vapi_read_tool_call(it.value, &call))
            continue;
        struct item *i = &b->items[b->count++];
        i->batch = b;
        begin(i, &call, c);
    }
    answer_if_whole(b);
}

void vapi_tools_end(struct platform *p)
{
    while (p->own) {
        struct batch *b = p->own;
        p->own = b->next;
        if (b->timer)
            (void)p->host->timer_cancel(p->host, b->timer);
        b->request = 0;
        for (uint32_t i = 0; i < b->count; i++)
            if (b->items[i].http && p->http->cancel)
                p->http->cancel(p->host, b->items[i].http);
        b->p = NULL;
        drop_if_done(b);
    }
}
