/* wire.c - requests and answers. */
#include "wire.h"
#include <stdio.h>
#include <string.h>
#include "voicegw/status.h"

static int32_t split(const char *url, char *origin, size_t origin_cap, char *host, size_t host_cap, char *path,
                     size_t path_cap)
{
    const char *p = strstr(url, "://");
    if (!p || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0))
        return VOICEGW_ECONFIG;
    p += 3;
    size_t len = strcspn(p, "/?#");
    if (len == 0 || len >= host_cap || memchr(p, '@', len) || p[len] == '?' || p[len] == '#')
        return VOICEGW_ECONFIG;
    snprintf(host, host_cap, "%.*s", (int)len, p);
    if ((size_t)snprintf(origin, origin_cap, "%.*s", (int)(p + len - url), url) >= origin_cap)
        return VOICEGW_ECONFIG;
    if ((size_t)snprintf(path, path_cap, "%s", p[len] ? p + len : "/") >= path_cap || strpbrk(path, "?#"))
        return VOICEGW_ECONFIG;
    return VOICEGW_OK;
}

/* sqs.eu-west-1.amazonaws.com, eu-west-1.queue.amazonaws.com, sqs.us-gov-west-1.amazonaws.com.cn */
static void region_of(const char *host, char *out, size_t cap)
{
    const char *from = strncmp(host, "sqs.", 4) == 0 ? host + 4 : host;
    const char *end = strchr(from, '.');
    out[0] = '\0';
    if (end && strstr(host, ".amazonaws.com") && (from != host || strncmp(end, ".queue.", 7) == 0))
        snprintf(out, cap, "%.*s", (int)(end - from), from);
}

int32_t sqs_place_parse(const char *url, const char *base_url, const char *region, const char *dead_url,
                        struct sqs_place *ret, const char **ret_why)
{
    struct sqs_place p;
    char ignored[300];
    memset(&p, 0, sizeof p);
    *ret_why = "url must be the queue's address, as in https://sqs.eu-west-1.amazonaws.com/123456789012/jobs";
    if (!url || strlen(url) >= sizeof p.queue_url ||
        split(url, p.origin, sizeof p.origin, p.host, sizeof p.host, p.path, sizeof p.path) != VOICEGW_OK)
        return VOICEGW_ECONFIG;
    snprintf(p.queue_url, sizeof p.queue_url, "%s", url);
    if (region && region[0])
        snprintf(p.region, sizeof p.region, "%.30s", region);
    else
        region_of(p.host, p.region, sizeof p.region);
    *ret_why = "region is missing, and the address of the queue does not name it";
    if (!p.region[0])
        return VOICEGW_ECONFIG;
    *ret_why = "base_url must be an address like http://127.0.0.1:4566";
    if (base_url && base_url[0] &&
        split(base_url, p.origin, sizeof p.origin, p.host, sizeof p.host, ignored, sizeof ignored) != VOICEGW_OK)
        return VOICEGW_ECONFIG;
    *ret_why = "dead_letter_url must be a queue's address";
    if (dead_url && dead_url[0]) {
        char origin[300], host[256], path[200];
        if (strlen(dead_url) >= sizeof p.dead_url ||
            split(dead_url, origin, sizeof origin, host, sizeof host, path, sizeof path) != VOICEGW_OK)
            return VOICEGW_ECONFIG;
        snprintf(p.dead_url, sizeof p.dead_url, "%s", dead_url);
    }
    *ret = p;
    return VOICEGW_OK;
}

static int64_t finish(struct voicegw_json_writer *w)
{
    return voicegw_json_finish(w);
}

int64_t sqs_receive_body(const struct sqs_place *p, uint32_t n, uint32_t wait_s, uint32_t visibility_s, char *out,
                         uint64_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "QueueUrl", p->queue_url);
    voicegw_json_put_int(&w, "MaxNumberOfMessages", n > 10 ? 10 : n < 1 ? 1 : n);
    voicegw_json_put_int(&w, "WaitTimeSeconds", wait_s > 20 ? 20 : wait_s);
    voicegw_json_put_int(&w, "VisibilityTimeout", visibility_s);
    /* Both names: MessageSystemAttributeNames took the place of AttributeNames in 2024. */
    voicegw_json_put_array(&w, "AttributeNames");
    voicegw_json_put_string(&w, NULL, "ApproximateReceiveCount");
    voicegw_json_put_string(&w, NULL, "SentTimestamp");
    voicegw_json_put_end(&w);
    voicegw_json_put_array(&w, "MessageAttributeNames");
    voicegw_json_put_string(&w, NULL, "All");
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    return finish(&w);
}

int64_t sqs_visibility_body(const struct sqs_place *p, const char *receipt, int64_t us, char *out, uint64_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    int64_t s = us <= 0 ? 0 : (us + 999999) / 1000000;
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "QueueUrl", p->queue_url);
    voicegw_json_put_string(&w, "ReceiptHandle", receipt);
    voicegw_json_put_int(&w, "VisibilityTimeout", s > SQS_VISIBILITY_MAX_S ? SQS_VISIBILITY_MAX_S : s);
    voicegw_json_put_end(&w);
    return finish(&w);
}

int64_t sqs_delete_body(const struct sqs_place *p, const char *receipt, char *out, uint64_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "QueueUrl", p->queue_url);
    voicegw_json_put_string(&w, "ReceiptHandle", receipt);
    voicegw_json_put_end(&w);
    return finish(&w);
}

int64_t sqs_bury_body(const struct sqs_place *p, const char *body, const char *reason, char *out, uint64_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "QueueUrl", p->dead_url);
    voicegw_json_put_string(&w, "MessageBody", body);
    voicegw_json_put_object(&w, "MessageAttributes");
    voicegw_json_put_object(&w, "voicegw_reason");
    voicegw_json_put_string(&w, "DataType", "String");
    voicegw_json_put_string(&w, "StringValue", reason && reason[0] ? reason : "unknown");
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    return finish(&w);
}

static void put_attributes(struct voicegw_json_writer *w, struct voicegw_json attributes)
{
    char name[260], value[4096];
    struct voicegw_json_iter it = voicegw_json_each(attributes);
    voicegw_json_put_object(w, "attributes");
    while (voicegw_json_next(&it)) {
        if (voicegw_json_string(it.key, name, sizeof name) > 0 &&
            voicegw_json_string(voicegw_json_member(it.value, "StringValue"), value, sizeof value) >= 0)
            voicegw_json_put_string(w, name, value);
    }
    voicegw_json_put_end(w);
}

int64_t sqs_messages(const char *answer, uint64_t bytes, char *out, uint64_t cap)
{
    struct voicegw_json doc = voicegw_json_ofn(answer, bytes);
    if (!voicegw_json_valid(answer, bytes) || voicegw_json_type(doc) != VOICEGW_JSON_OBJECT)
        return VOICEGW_EPROVIDER;
    struct voicegw_json list = voicegw_json_member(doc, "Messages");
    uint32_t type = voicegw_json_type(list);
    if (type != VOICEGW_JSON_ARRAY && type != VOICEGW_JSON_ABSENT && type != VOICEGW_JSON_NULL)
        return VOICEGW_EPROVIDER;
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    struct voicegw_json_iter it = voicegw_json_each(list);
    voicegw_json_put_array(&w, NULL);
    while (voicegw_json_next(&it)) {
        struct voicegw_json id = voicegw_json_member(it.value, "MessageId"),
                            receipt = voicegw_json_member(it.value, "ReceiptHandle"),
                            body = voicegw_json_member(it.value, "Body");
        if (voicegw_json_type(id) != VOICEGW_JSON_STRING || voicegw_json_type(receipt) != VOICEGW_JSON_STRING ||
            voicegw_json_type(body) != VOICEGW_JSON_STRING)
            return VOICEGW_EPROVIDER;
        voicegw_json_put_object(&w, NULL);
        voicegw_json_put_json(&w, "id", id);
        voicegw_json_put_json(&w, "receipt", receipt);
        voicegw_json_put_json(&w, "body", body);
        voicegw_json_put_int(&w, "attempt", voicegw_json_get_int(it.value, "Attributes.ApproximateReceiveCount", 1));
        put_attributes(&w, voicegw_json_member(it.value, "MessageAttributes"));
        voicegw_json_put_end(&w);
    }
    voicegw_json_put_end(&w);
    return finish(&w);
}

/* What the service names, behind "com.amazonaws.sqs#". */
static const struct {
    const char *name;
    int32_t status;
    uint32_t retry, expired, skewed;
} troubles[] = {
    {"QueueDoesNotExist", VOICEGW_ENOTFOUND, 0, 0, 0},
    {"AWS.SimpleQueueService.NonExistentQueue", VOICEGW_ENOTFOUND, 0, 0, 0},
    {"ReceiptHandleIsInvalid", VOICEGW_ENOTFOUND, 0, 0, 0},
    {"MessageNotInflight", VOICEGW_ENOTFOUND, 0, 0, 0},
    {"OverLimit", VOICEGW_ERATELIMIT, 1, 0, 0},
    {"RequestThrottled", VOICEGW_ERATELIMIT, 1, 0, 0},
    {"ThrottlingException", VOICEGW_ERATELIMIT, 1, 0, 0},
    {"KmsThrottled", VOICEGW_ERATELIMIT, 1, 0, 0},
    {"ExpiredToken", VOICEGW_EAUTH, 0, 1, 0},
    {"ExpiredTokenException", VOICEGW_EAUTH, 0, 1, 0},
    {"InvalidClientTokenId", VOICEGW_EAUTH, 0, 1, 0},
    {"UnrecognizedClientException", VOICEGW_EAUTH, 0, 1, 0},
    {"RequestTimeTooSkewed", VOICEGW_EAUTH, 0, 0, 1},
    {"RequestExpired", VOICEGW_EAUTH, 0, 0, 1},
    {"InvalidSignatureException", VOICEGW_EAUTH, 0, 0, 1}, /* its text tells of a signature that expired, too */
    {"SignatureDoesNotMatch", VOICEGW_EAUTH, 0, 0, 0},
    {"AccessDenied", VOICEGW_EAUTH, 0, 0, 0},
    {"AccessDeniedException", VOICEGW_EAUTH, 0, 0, 0},
};

void sqs_trouble_of(uint32_t http_status, const char *body, uint64_t bytes, struct sqs_trouble *ret)
{
    char type[120] = "", message[160] = "";
    struct voicegw_json doc = voicegw_json_ofn(body, bytes);
    struct sqs_trouble t = {.status = VOICEGW_EPROVIDER, .retry = http_status >= 500 || http_status == 429};
    if (voicegw_json_valid(body, bytes)) {
        (void)voicegw_json_get_string(doc, "__type", type, sizeof type);
        if (voicegw_json_get_string(doc, "message", message, sizeof message) < 0)
            (void)voicegw_json_get_string(doc, "Message", message, sizeof message);
    }
    const char *hash = strrchr(type, '#'), *name = hash ? hash + 1 : type;
    if (http_status == 429)
        t.status = VOICEGW_ERATELIMIT;
    else if (http_status == 401 || http_status == 403)
        t.status = VOICEGW_EAUTH;
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        if (strcmp(troubles[i].name, name) == 0) {
            t.status = troubles[i].status;
            t.retry |= troubles[i].retry;
            t.expired = troubles[i].expired;
            t.skewed = troubles[i].skewed;
        }
    }
    for (char *p = message; *p; p++)
        *p = (unsigned char)*p < 0x20 ? ' ' : *p;
    snprintf(t.sentence, sizeof t.sentence, "the queue's service answered %u%s%.60s%s%.120s", http_status,
             name[0] ? " " : "", name, message[0] ? ": " : "", message);
    *ret = t;
}
