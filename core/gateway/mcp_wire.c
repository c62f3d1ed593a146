/* mcp_wire.c - JSON-RPC answers of MCP servers. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "gateway/mcp.h"

static bool is_answer(const struct vgw_json *v, int64_t id)
{
    return v && vgw_json_get_int(v, "id", -1) == id && (vgw_json_has(v, "result") || vgw_json_has(v, "error"));
}

/* A message that may be the answer; takes what it does not give back. */
static struct vgw_json *parsed(const char *text, size_t len, int64_t id)
{
    struct vgw_json *v = NULL;
    if (vgw_json_parse(text, len, &v, NULL) < 0)
        return NULL;
    if (is_answer(v, id))
        return v;
    vgw_json_free(v);
    return NULL;
}

static void data_line(struct vgw_buf *data, const char *line, size_t len)
{
    if (len < 5 || strncmp(line, "data:", 5) != 0)
        return;
    size_t skip = 5 + (len > 5 && line[5] == ' ');
    if (data->len)
        vgw_buf_addc(data, '\n');
    vgw_buf_add(data, line + skip, len - skip);
}

struct vgw_json *vgw_mcp_answer(const char *body, size_t len, bool sse, int64_t id)
{
    struct vgw_buf data;
    struct vgw_json *found = NULL;
    if (!sse)
        return parsed(body, len, id);
    vgw_buf_init(&data, VGW_MCP_ANSWER_MAX);
    for (size_t at = 0; at < len && !found;) {
        const char *end = memchr(body + at, '\n', len - at);
        size_t n = end ? (size_t)(end - body) - at : len - at, whole = n;
        if (n && body[at + n - 1] == '\r')
            n--;
        data_line(&data, body + at, n);
        at += whole + 1;
        if ((n == 0 || at >= len) && data.len) { /* the message is complete */
            found = parsed(vgw_buf_str(&data), data.len, id);
            vgw_buf_reset(&data);
        }
    }
    vgw_buf_done(&data);
    return found;
}

int vgw_mcp_result(const struct vgw_json *result, struct vgw_json **ret_value, struct vgw_error *err)
{
    const struct vgw_json *content = vgw_json_get(result, "content"),
                          *whole = vgw_json_get(result, "structuredContent");
    struct vgw_buf text;
    vgw_buf_init(&text, VGW_MCP_ANSWER_MAX);
    for (size_t i = 0; i < vgw_json_count(content); i++) {
        const char *part = vgw_json_get_string(vgw_json_at(content, i), "text", NULL);
        if (part)
            vgw_buf_printf(&text, "%s%s", text.len ? "\n" : "", part);
    }
    int rc = 0;
    if (vgw_json_get_bool(result, "isError", false)) {
        rc = vgw_error_set(err, VGW_EPROVIDER, "%.300s", text.len ? vgw_buf_str(&text) : "the tool failed");
    } else if (whole) {
        *ret_value = vgw_json_copy(whole);
    } else {
        *ret_value = vgw_json_object();
        vgw_json_set_string(*ret_value, "text", vgw_buf_str(&text));
    }
    vgw_buf_done(&text);
    return rc;
}
