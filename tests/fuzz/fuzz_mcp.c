/* fuzz_mcp.c - any octets as the answer of an MCP server, as a document and as an event stream: what is found has the
 * id that was asked for, and what a tool gave is one value or one sentence. Lines that end with CR LF say the same. */
#include <stdlib.h>
#include <string.h>
#include "gateway/mcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool promise)
{
    if (!promise)
        abort();
}

static void look(const char *body, size_t size, bool sse)
{
    struct vgw_json *answer = vgw_mcp_answer(body, size, sse, 7), *value = NULL;
    struct vgw_error err = {0};
    if (!answer)
        return;
    expect(vgw_json_get_int(answer, "id", -1) == 7);
    expect(vgw_json_has(answer, "result") || vgw_json_has(answer, "error"));
    int rc = vgw_mcp_result(vgw_json_get(answer, "result"), &value, &err);
    expect(rc == 0 ? value && !err.text[0] : rc == VGW_EPROVIDER && !value && err.text[0]);
    vgw_json_free(value);
    vgw_json_free(answer);
}

/* Is it found, too, when each line ends with CR LF? */
static void look_at_lines(const char *body, size_t size)
{
    struct vgw_json *plain = vgw_mcp_answer(body, size, true, 7), *crlf;
    char *lines = malloc(2 * size + 1);
    size_t n = 0;
    expect(lines != NULL);
    for (size_t i = 0; i < size; i++) {
        if (body[i] == '\n')
            lines[n++] = '\r';
        lines[n++] = body[i];
    }
    crlf = memchr(body, '\r', size) ? NULL : vgw_mcp_answer(lines, n, true, 7);
    expect(memchr(body, '\r', size) || !plain == !crlf);
    vgw_json_free(plain);
    vgw_json_free(crlf);
    free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body = malloc(size ? size : 1); /* exact, so that a read beyond the end is seen */
    expect(body != NULL);
    memcpy(body, data, size);
    look(body, size, false);
    look(body, size, true);
    look_at_lines(body, size);
    free(body);
    return 0;
}
