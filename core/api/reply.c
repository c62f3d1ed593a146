/* reply.c - answers, each of which ends its request. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"

static const char json_type[] = "application/json";
static const char problem_type[] = "application/problem+json";

void vgw_api_request_free(struct vgw_api_request *r)
{
    if (!r)
        return;
    vgw_list_remove(&r->link);
    if (r->idempotency_key)
        vgw_idempotency_forget(r->api->idempotency, r->idempotency_key);
    if (r->state_free)
        r->state_free(r->state);
    vgw_grant_unref(r->grant);
    vgw_json_free(r->body);
    vgw_free(r->idempotency_key);
    vgw_free(r->query);
    vgw_free(r);
}

static void keep_answer(struct vgw_api_request *r, int status, const char *type, const char *header, const char *body,
                        size_t len)
{
    if (!r->idempotency_key || status < 200 || status > 299)
        return;
    struct vgw_kept_answer answer = {.http_status = status,
                                     .content_type = (char *)(uintptr_t)type,
                                     .header = (char *)(uintptr_t)header,
                                     .body = (char *)(uintptr_t)body,
                                     .body_len = len};
    vgw_idempotency_keep(r->api->idempotency, r->idempotency_key, &answer);
    vgw_free(r->idempotency_key);
    r->idempotency_key = NULL;
}

static void send_answer(struct vgw_api *api, uint64_t exchange, int status, const char *type, const char *header,
                        const char *body, size_t len)
{
    const char *lines[] = {"Cache-Control: no-store", "X-Content-Type-Options: nosniff", header, NULL};
    struct vgw_http_response response = {
        .status = status, .content_type = type, .headers = lines, .body = body, .body_len = len};
    vgw_front_reply(api->front, exchange, &response);
}

static void finish(struct vgw_api_request *r, int status, const char *type, const char *header, const char *body,
                   size_t len)
{
    keep_answer(r, status, type, header, body, len);
    send_answer(r->api, r->exchange, status, type, header, body, len);
    vgw_api_request_free(r);
}

void vgw_api_reply_with(struct vgw_api_request *r, int http_status, struct vgw_json *body, const char *header)
{
    char *text = body ? vgw_json_text(body, false) : NULL;
    vgw_json_free(body);
    if (text)
        finish(r, http_status, json_type, header, text, strlen(text));
    else
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
    vgw_free(text);
}

void vgw_api_reply(struct vgw_api_request *r, int http_status, struct vgw_json *body)
{
    vgw_api_reply_with(r, http_status, body, NULL);
}

void vgw_api_reply_text(struct vgw_api_request *r, int http_status, const char *content_type, const char *text,
                        size_t len)
{
    finish(r, http_status, content_type, NULL, text, len);
}

void vgw_api_reply_text_with(struct vgw_api_request *r, int http_status, const char *content_type, const char *text,
                             size_t len, const char *header)
{
    finish(r, http_status, content_type, header, text, len);
}

static const char *default_header(int status)
{
    if (status == 401)
        return "WWW-Authenticate: Bearer";
    return status == 503 ? "Retry-After: 5" : status == 429 ? "Retry-After: 1" : NULL;
}

static void problem_text(struct vgw_buf *out, int status, const char *detail, struct vgw_json *errors)
{
    char *list = errors && vgw_json_count(errors) ? vgw_json_text(errors, false) : NULL;
    vgw_buf_init(out, 0);
    vgw_http_problem_json(out, status, detail, list);
    vgw_free(list);
    vgw_json_free(errors);
}

void vgw_api_problem(struct vgw_api_request *r, int http_status, const char *detail, struct vgw_json *errors)
{
    struct vgw_buf text;
    problem_text(&text, http_status, detail, errors);
    finish(r, http_status, problem_type, default_header(http_status), vgw_buf_str(&text), text.len);
    vgw_buf_done(&text);
}

void vgw_api_fail(struct vgw_api_request *r, int status, const char *field, const char *sentence)
{
    struct vgw_json *errors = NULL, *e;
    if (field && *field && (errors = vgw_json_array()) && (e = vgw_json_object())) {
        vgw_json_set_string(e, "field", field);
        vgw_json_set_string(e, "detail", sentence);
        vgw_json_append(errors, e);
    }
    vgw_api_problem(r, vgw_status_info(status)->http_status, sentence, errors);
}

void vgw_api_fail_error(struct vgw_api_request *r, const struct vgw_error *err)
{
    vgw_api_fail(r, err->status, err->place, err->text);
}

void vgw_api_not_found(struct vgw_api_request *r, const char *what, const char *id)
{
    char detail[VGW_API_ID_MAX + 64];
    snprintf(detail, sizeof detail, "there is no %s %s", what, id);
    vgw_api_problem(r, 404, detail, NULL);
}

void vgw_api_refuse_json(struct vgw_api *api, uint64_t exchange, int http_status, const char *detail,
                         struct vgw_json *errors, const char *header)
{
    struct vgw_buf text;
    problem_text(&text, http_status, detail, errors);
    send_answer(api, exchange, http_status, problem_type, header ? header : default_header(http_status),
                vgw_buf_str(&text), text.len);
    vgw_buf_done(&text);
}

void vgw_api_refuse(struct vgw_api *api, uint64_t exchange, int http_status, const char *detail, const char *header)
{
    vgw_api_refuse_json(api, exchange, http_status, detail, NULL, header);
}
