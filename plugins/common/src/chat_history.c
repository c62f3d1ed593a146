/* chat_history.c - the conversation as the model is told it. */
#include "chat_history.h"
#include <stdlib.h>
#include <string.h>

static const char *const role_names[] = {"system", "user", "assistant", "tool"};

static uint64_t bytes_of(const struct chat_message *m)
{
    return (uint64_t)sizeof *m + strlen(m->content) + (m->calls ? strlen(m->calls) : 0);
}

static void message_free(struct chat_message *m)
{
    free(m->content);
    free(m->calls);
    free(m);
}

void chat_history_free(struct chat_history *h)
{
    while (h->first) {
        struct chat_message *m = h->first;
        h->first = m->next;
        message_free(m);
    }
    h->last = NULL;
    h->bytes = 0;
    h->users = 0;
}

/* A copy of at most `max` bytes, cut where a character ends. */
static char *copy(const char *text, size_t max)
{
    size_t n = text ? strlen(text) : 0;
    if (n > max) {
        n = max;
        while (n && ((unsigned char)text[n] & 0xc0u) == 0x80u)
            n--;
    }
    char *out = malloc(n + 1);
    if (out) {
        if (n)
            memcpy(out, text, n);
        out[n] = '\0';
    }
    return out;
}

static void drop_first(struct chat_history *h)
{
    struct chat_message *m = h->first;
    h->first = m->next;
    if (!h->first)
        h->last = NULL;
    h->bytes -= bytes_of(m);
    h->users -= m->role == CHAT_USER ? 1u : 0u;
    message_free(m);
}

/* The oldest turn goes as a whole: a tool's result without its call would be refused by the vendor. */
static void shrink(struct chat_history *h, uint64_t keep)
{
    while (h->first && h->first->turn != keep && (h->users > h->max_turns || h->bytes > h->max_bytes)) {
        do
            drop_first(h);
        while (h->first && h->first->role != CHAT_USER && h->first->turn != keep);
    }
}

static struct chat_message *append(struct chat_history *h, uint64_t turn, enum chat_role role, const char *content,
                                   const char *calls)
{
    struct chat_message *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->turn = turn;
    m->role = role;
    m->content = copy(content, role == CHAT_TOOL ? CHAT_RESULT_MAX : CHAT_TEXT_MAX);
    m->calls = calls ? copy(calls, SIZE_MAX) : NULL;
    if (!m->content || (calls && !m->calls)) {
        message_free(m);
        return NULL;
    }
    if (h->last)
        h->last->next = m;
    else
        h->first = m;
    h->last = m;
    h->bytes += bytes_of(m);
    h->users += role == CHAT_USER ? 1u : 0u;
    return m;
}

int32_t chat_history_add(struct chat_history *h, uint64_t turn, enum chat_role role, const char *content,
                         const char *calls)
{
    if (!append(h, turn, role, content, calls))
        return VOICEGW_ELIMIT;
    shrink(h, turn);
    return VOICEGW_OK;
}

int32_t chat_history_call(struct chat_history *h, uint64_t turn, const char *call_id, uint64_t tool_call,
                          const char *until_then)
{
    struct chat_message *m = append(h, turn, CHAT_TOOL, until_then, NULL);
    if (!m)
        return VOICEGW_ELIMIT;
    m->tool_call = tool_call;
    strncpy(m->call_id, call_id, sizeof m->call_id - 1);
    return VOICEGW_OK;
}

uint32_t chat_history_result(struct chat_history *h, uint64_t tool_call, const char *result)
{
    for (struct chat_message *m = h->first; m; m = m->next) {
        if (!tool_call || m->tool_call != tool_call)
            continue;
        char *text = h->bytes > 2 * h->max_bytes ? copy("left out: this turn's results are too long", SIZE_MAX)
                                                 : copy(result, CHAT_RESULT_MAX);
        if (text) {
            h->bytes -= bytes_of(m);
            free(m->content);
            m->content = text;
            h->bytes += bytes_of(m);
        }
        return 1;
    }
    return 0;
}

/* Nothing of it was heard and it called nothing: it was never said. */
static void drop_unsaid(struct chat_history *h, uint64_t turn)
{
    struct chat_message **at = &h->first, *before = NULL;
    while (*at) {
        struct chat_message *m = *at;
        if (m->turn != turn || m->role != CHAT_ASSISTANT || m->calls || m->content[0]) {
            before = m;
            at = &m->next;
            continue;
        }
        *at = m->next;
        if (h->last == m)
            h->last = before;
        h->bytes -= bytes_of(m);
        message_free(m);
    }
}

void chat_history_heard(struct chat_history *h, uint64_t turn, const char *heard)
{
    size_t left = strlen(heard);
    for (struct chat_message *m = h->first; m; m = m->next) {
        if (m->turn != turn || m->role != CHAT_ASSISTANT)
            continue;
        size_t n = strlen(m->content);
        while (left && *heard == ' ' && m->content[0] != ' ') { /* it was set between two messages */
            heard++;
            left--;
        }
        if (n > left) {
            while (left && ((unsigned char)m->content[left] & 0xc0u) == 0x80u)
                left--;
            h->bytes -= n - left;
            m->content[left] = '\0';
            n = left;
        }
        heard += n;
        left -= n;
    }
    drop_unsaid(h, turn);
}

int32_t chat_history_read(struct chat_history *h, struct voicegw_json list)
{
    struct voicegw_json_iter it = voicegw_json_each(list);
    while (voicegw_json_next(&it)) {
        struct voicegw_json content = voicegw_json_member(it.value, "content");
        char role[16], *text;
        int32_t i, status;
        if (voicegw_json_get_string(it.value, "role", role, sizeof role) < 0 || !content.text ||
            content.bytes > CHAT_TEXT_MAX)
            continue;
        for (i = CHAT_ASSISTANT; i >= 0 && strcmp(role, role_names[i]) != 0; i--)
            ;
        if (i < 0)
            continue;
        text = malloc(content.bytes + 1);
        if (!text)
            return VOICEGW_ELIMIT;
        status = voicegw_json_string(content, text, content.bytes + 1) < 0
                     ? VOICEGW_OK
                     : chat_history_add(h, 0, (enum chat_role)i, text, NULL);
        free(text);
        if (status < 0)
            return status;
    }
    return VOICEGW_OK;
}

void chat_history_write(const struct chat_history *h, struct voicegw_json_writer *w)
{
    for (const struct chat_message *m = h->first; m; m = m->next) {
        voicegw_json_put_object(w, NULL);
        voicegw_json_put_string(w, "role", role_names[m->role]);
        if (m->calls && !m->content[0])
            voicegw_json_put_null(w, "content");
        else
            voicegw_json_put_string(w, "content", m->content);
        if (m->calls)
            voicegw_json_put_json(w, "tool_calls", voicegw_json_of(m->calls));
        if (m->role == CHAT_TOOL)
            voicegw_json_put_string(w, "tool_call_id", m->call_id);
        voicegw_json_put_end(w);
    }
}
