/* answer.c - what commands share: asking, and saying what went wrong. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/table.h"

int vgw_ctl_fail(int code, const char *fmt, ...)
{
    struct vgw_buf text, safe;
    va_list ap;
    vgw_buf_init(&text, 0);
    vgw_buf_init(&safe, 0);
    va_start(ap, fmt);
    vgw_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    vgw_ctl_text_write(&safe, vgw_buf_str(&text));
    fflush(stdout);
    fprintf(stderr, "voicegwctl: %s\n", vgw_buf_str(&safe));
    vgw_buf_done(&text);
    vgw_buf_done(&safe);
    return code;
}

int vgw_ctl_fail_error(const struct vgw_error *err)
{
    int code = err->status == VGW_ENETWORK   ? VGW_CTL_UNREACHABLE
               : err->status == VGW_EINVALID ? VGW_CTL_USAGE
                                             : VGW_CTL_REFUSED;
    return vgw_ctl_fail(code, "%s", err->text);
}

void vgw_ctl_print_json(const struct vgw_json *v)
{
    char *text = vgw_json_text(v, false);
    puts(text ? text : "null");
    vgw_free(text);
}

static void print_errors(const struct vgw_json *errors, const char *said)
{
    for (size_t i = 0; i < vgw_json_count(errors); i++) {
        struct vgw_buf line;
        const struct vgw_json *e = vgw_json_at(errors, i);
        const char *field = vgw_json_get_string(e, "field", ""), *text = vgw_json_get_string(e, "detail", "");
        if (vgw_json_count(errors) == 1 && said && vgw_ends_with(said, text))
            return; /* the sentence has said it */
        vgw_buf_init(&line, 0);
        vgw_ctl_text_write(&line, field);
        vgw_buf_adds(&line, *field ? ": " : "");
        vgw_ctl_text_write(&line, text);
        fprintf(stderr, "%s\n", vgw_buf_str(&line));
        vgw_buf_done(&line);
    }
}

int vgw_ctl_refused(const struct vgw_ctl *ctl, const struct vgw_ctl_answer *answer)
{
    struct vgw_json *problem = NULL;
    (void)vgw_json_parse(answer->body, answer->len, &problem, NULL);
    const char *detail = vgw_json_get_string(problem, "detail", vgw_json_get_string(problem, "title", NULL));
    const struct vgw_json *errors = vgw_json_get(problem, "errors");
    if (detail)
        vgw_ctl_fail(VGW_CTL_REFUSED, "%s", detail);
    else
        vgw_ctl_fail(VGW_CTL_REFUSED, "the gateway answered with HTTP status %d", answer->http_status);
    print_errors(errors, detail);
    if (answer->http_status == 401 && !vgw_ctl_client_trusted(ctl->client))
        fputs("set VOICEGW_TOKEN to a token of that gateway\n", stderr);
    if (ctl->json && answer->len)
        printf("%s\n", answer->body);
    vgw_json_free(problem);
    return VGW_CTL_REFUSED;
}

/* Sends; `*ret_text` (the caller frees, may be NULL) is the answer as it came. */
static int ask(struct vgw_ctl *ctl, const char *method, const char *path, const struct vgw_json *body,
               struct vgw_json **ret_answer, struct vgw_ctl_answer *ret_text)
{
    struct vgw_ctl_answer answer = {0};
    struct vgw_json *v = NULL;
    struct vgw_error err = {0};
    char *text = body ? vgw_json_text(body, false) : NULL;
    int rc = !path || (body && !text) ? vgw_error_nomem(&err)
                                      : vgw_ctl_client_request(ctl->client, method, path, text, &answer, &err);
    vgw_free(text);
    if (rc != VGW_OK)
        return vgw_ctl_fail_error(&err);
    bool is_json = vgw_json_parse(answer.body, answer.len, &v, &err) == VGW_OK;
    int code = VGW_CTL_OK;
    if (answer.http_status < 200 || answer.http_status > 299)
        code = vgw_ctl_refused(ctl, &answer);
    else if (answer.len && !is_json)
        code = vgw_ctl_fail(VGW_CTL_REFUSED, "what answers there is no voicegw: HTTP status %d, but no JSON",
                            answer.http_status);
    if (code == VGW_CTL_OK) {
        *ret_answer = v;
        *ret_text = answer;
    } else {
        vgw_json_free(v);
        vgw_ctl_answer_done(&answer);
    }
    return code;
}

int vgw_ctl_ask(struct vgw_ctl *ctl, const char *method, const char *path, struct vgw_json *body,
                struct vgw_json **ret_answer)
{
    struct vgw_ctl_answer text = {0};
    int code = ask(ctl, method, path, body, ret_answer, &text);
    vgw_json_free(body);
    vgw_ctl_answer_done(&text);
    return code;
}

int vgw_ctl_show(struct vgw_ctl *ctl, const char *method, const char *path, struct vgw_json *body,
                 vgw_ctl_print_fn *print)
{
    struct vgw_ctl_answer text = {0};
    struct vgw_json *answer = NULL;
    int code = ask(ctl, method, path, body, &answer, &text);
    vgw_json_free(body);
    if (code == VGW_CTL_OK && ctl->json)
        puts(text.body);
    else if (code == VGW_CTL_OK)
        print(answer);
    vgw_json_free(answer);
    vgw_ctl_answer_done(&text);
    return code;
}

/* "</voice/campaigns/x/report?cursor=y>; rel=next" as a path below the prefix. */
static char *next_of(const char *link, const char *path)
{
    const char *slash = strchr(path + 1, '/');
    struct vgw_buf first = {0}, next = {0};
    vgw_buf_add(&first, path, slash ? (size_t)(slash - path) : strlen(path));
    const char *begin = link ? strstr(link, vgw_buf_str(&first)) : NULL, *end = begin ? strchr(begin, '>') : NULL;
    if (end)
        vgw_buf_add(&next, begin, (size_t)(end - begin));
    vgw_buf_done(&first);
    return end ? vgw_buf_take(&next) : NULL;
}

int vgw_ctl_copy(struct vgw_ctl *ctl, const char *path, char **ret_next)
{
    struct vgw_ctl_answer answer = {0};
    struct vgw_error err = {0};
    int code = VGW_CTL_OK;
    if (vgw_ctl_client_request(ctl->client, "GET", path, NULL, &answer, &err) != VGW_OK)
        return vgw_ctl_fail_error(&err);
    if (answer.http_status < 200 || answer.http_status > 299)
        code = vgw_ctl_refused(ctl, &answer);
    else
        fwrite(answer.body, 1, answer.len, stdout);
    if (code == VGW_CTL_OK)
        *ret_next = next_of(answer.link, path);
    vgw_ctl_answer_done(&answer);
    return code;
}

char *vgw_ctl_path_plain(const char *before, const char *id, const char *after)
{
    struct vgw_buf path;
    vgw_buf_init(&path, 0);
    vgw_buf_adds(&path, before);
    if (id) {
        vgw_buf_addc(&path, '/');
        vgw_url_encode(&path, id);
    }
    vgw_buf_adds(&path, after);
    return vgw_buf_take(&path);
}

char *vgw_ctl_path(const struct vgw_ctl *ctl, const char *before, const char *id, const char *after)
{
    struct vgw_buf path;
    char *plain = vgw_ctl_path_plain(before, id, after);
    vgw_buf_init(&path, 0);
    vgw_buf_adds(&path, plain ? plain : "");
    vgw_ctl_args_to_query(&ctl->args, &path);
    vgw_free(plain);
    return vgw_buf_take(&path);
}

struct vgw_json *vgw_ctl_body(const struct vgw_ctl *ctl)
{
    struct vgw_error err = {0};
    struct vgw_json *body = vgw_json_object();
    if (vgw_ctl_args_to_body(&ctl->args, body, &err) == VGW_OK)
        return body;
    vgw_ctl_fail_error(&err);
    vgw_json_free(body);
    return NULL;
}
