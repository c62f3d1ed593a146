/* sqs - jobs from an Amazon SQS queue, or from what speaks its JSON protocol. Lifecycle and operations. */
#include "sqs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/draft/vendor_options.h"

#define O(kind, named, ...)                                                                                            \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }
static const struct voicegw_option options[] = {
    O(VOICEGW_OPTION_URL, "url", .flags = VOICEGW_OPTION_REQUIRED,
      .description = "The queue's address, as in https://sqs.eu-west-1.amazonaws.com/123456789012/jobs."),
    O(VOICEGW_OPTION_STRING, "region", .description = "The region; left out where the address names it."),
    O(VOICEGW_OPTION_URL, "dead_letter_url",
      .description = "The queue for messages that nobody can use; without it they stay to the queue's own policy."),
    O(VOICEGW_OPTION_URL, "base_url", .description = "Where requests go instead of the queue's own host."),
    O(VOICEGW_OPTION_STRING, "access_key_id",
      .description = "With secret_access_key; else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else the file."),
    O(VOICEGW_OPTION_SECRET, "secret_access_key", .description = "The secret of access_key_id."),
    O(VOICEGW_OPTION_SECRET, "session_token", .description = "Of temporary credentials."),
    O(VOICEGW_OPTION_PATH, "credentials_file",
      .description = "A file in the manner of ~/.aws/credentials; read again when its credentials have expired."),
    O(VOICEGW_OPTION_STRING, "profile", .dflt = "default", .description = "The file's section."),
    O(VOICEGW_OPTION_DURATION, "wait", .dflt = "20s", .min = 0, .max = 20,
      .description = "How long one request waits for messages (long polling)."),
    O(VOICEGW_OPTION_DURATION, "visibility", .dflt = "60s", .min = 5, .max = 43200,
      .description = "How long a message that was received is hidden from others; prolonged while its call runs."),
    O(VOICEGW_OPTION_DURATION, "timeout", .dflt = "10s", .min = 1, .max = 60,
      .description = "How long one request may take; the wait comes on top."),
    O(VOICEGW_OPTION_DURATION, "connect_timeout", .dflt = "5s", .min = 0.1, .max = 60,
      .description = "How long a connection may take."),
    O(VOICEGW_OPTION_JSON, "retry", .dflt = "{\"max\": 2, \"backoff\": \"500ms\"}",
      .description = "Further tries: {max, backoff}; the wait doubles."),
};

static void copy(char *out, size_t cap, const char *text)
{
    (void)snprintf(out, cap, "%s", text ? text : "");
}

static int32_t read_keys(struct sqs *q, const struct voicegw_options *o)
{
    const struct voicegw_host *host = q->host;
    copy(q->file, sizeof q->file, host->option_string(host, o, "credentials_file"));
    copy(q->profile, sizeof q->profile, host->option_string(host, o, "profile"));
    copy(q->credentials.access_key, sizeof q->credentials.access_key, host->option_string(host, o, "access_key_id"));
    copy(q->credentials.secret_key, sizeof q->credentials.secret_key,
         host->option_string(host, o, "secret_access_key"));
    copy(q->credentials.session_token, sizeof q->credentials.session_token,
         host->option_string(host, o, "session_token"));
    if (q->credentials.access_key[0] && q->credentials.secret_key[0])
        return VOICEGW_OK;
    if (q->credentials.access_key[0] || q->credentials.secret_key[0])
        return host->set_error(host, VOICEGW_ECONFIG, "access_key_id and secret_access_key belong together");
    if (sqs_credentials_environment(&q->credentials))
        return VOICEGW_OK;
    if (!q->file[0])
        return host->set_error(host, VOICEGW_ECONFIG,
                               "there are no credentials: set access_key_id and secret_access_key, the environment's "
                               "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or credentials_file");
    if (!sqs_credentials_read(q->file, q->profile, &q->credentials))
        return host->set_error(host, VOICEGW_ECONFIG,
                               "credentials_file cannot be read, or the profile in it lacks aws_access_key_id and "
                               "aws_secret_access_key");
    return VOICEGW_OK;
}

static int32_t read_options(struct sqs *q, const struct voicegw_options *o)
{
    const struct voicegw_host *host = q->host;
    const char *why = "";
    if (sqs_place_parse(host->option_string(host, o, "url"), host->option_string(host, o, "base_url"),
                        host->option_string(host, o, "region"), host->option_string(host, o, "dead_letter_url"),
                        &q->place, &why) != VOICEGW_OK)
        return host->set_error(host, VOICEGW_ECONFIG, why);
    q->wait_s = (uint32_t)(host->option_int(host, o, "wait", 20000000) / 1000000);
    q->visibility_s = (uint32_t)(host->option_int(host, o, "visibility", 60000000) / 1000000);
    q->timeout_ms = (uint32_t)(host->option_int(host, o, "timeout", 10000000) / 1000);
    q->connect_timeout_ms = (uint32_t)(host->option_int(host, o, "connect_timeout", 5000000) / 1000);
    int32_t status = voicegw_vendor_read_retry(host, host->option_json(host, o, "retry"), &q->retry);
    return status < 0 ? status : read_keys(q, o);
}

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    struct sqs *q = calloc(1, sizeof *q);
    if (!q)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    q->host = host;
    q->http = host->get_extension(host, VOICEGW_HOST_HTTP);
    q->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    q->out = host->get_extension(host, VOICEGW_HOST_QUEUE);
    int32_t status = q->http && q->crypto && q->out
                         ? read_options(q, o)
                         : host->set_error(host, VOICEGW_EUNSUPPORTED,
                                           "this host lacks an HTTP client, digests or queues, which sqs needs");
    if (status < 0) {
        explicit_bzero(&q->credentials, sizeof q->credentials);
        free(q);
        return status;
    }
    *ret_instance = q;
    return VOICEGW_OK;
}

static int32_t start(void *instance)
{
    return VOICEGW_OK;
}

void sqs_tell_drained(struct sqs *q)
{
    if (q->draining && !q->told && q->count == 0) {
        q->told = 1;
        q->host->drained(q->host);
    }
}

static void drain(void *instance)
{
    struct sqs *q = instance;
    q->draining = 1;
    sqs_calls_hurry(q);
    sqs_tell_drained(q);
}

static void destroy(void *instance)
{
    struct sqs *q = instance;
    explicit_bzero(&q->credentials, sizeof q->credentials);
    free(q);
}

/* A body of the length that its writer needs. */
static char *body_of(struct sqs *q, size_t cap)
{
    char *out = malloc(cap);
    if (!out)
        (void)q->host->set_error(q->host, VOICEGW_ELIMIT, "out of memory");
    return out;
}

static int32_t receive(void *instance, uint64_t op, uint32_t n)
{
    struct sqs *q = instance;
    char *body = body_of(q, 2048);
    if (body && sqs_receive_body(&q->place, n, q->wait_s, q->visibility_s, body, 2048) < 0)
        body[0] = '\0';
    return sqs_call_start(q, op, "AmazonSQS.ReceiveMessage", body, NULL, NULL);
}

static int32_t change(struct sqs *q, uint64_t op, const char *receipt, int64_t us)
{
    size_t cap = 2048 + 6 * strlen(receipt);
    char *body = body_of(q, cap);
    if (body && sqs_visibility_body(&q->place, receipt, us, body, cap) < 0)
        body[0] = '\0';
    return sqs_call_start(q, op, "AmazonSQS.ChangeMessageVisibility", body, NULL, NULL);
}

static int32_t extend(void *instance, uint64_t op, const char *receipt, int64_t ttl_us)
{
    return change(instance, op, receipt, ttl_us);
}

static int32_t reject(void *instance, uint64_t op, const char *receipt, int64_t retry_after_us)
{
    return change(instance, op, receipt, retry_after_us);
}

static int32_t remove_one(void *instance, uint64_t op, const char *receipt)
{
    struct sqs *q = instance;
    size_t cap = 2048 + 6 * strlen(receipt);
    char *body = body_of(q, cap);
    if (body && sqs_delete_body(&q->place, receipt, body, cap) < 0)
        body[0] = '\0';
    return sqs_call_start(q, op, "AmazonSQS.DeleteMessage", body, NULL, NULL);
}

static int32_t bury(void *instance, uint64_t op, const char *receipt, const char *text, const char *reason)
{
    struct sqs *q = instance;
    if (!q->place.dead_url[0])
        return q->host->set_error(q->host, VOICEGW_EUNSUPPORTED,
                                  "dead_letter_url is not set: the queue's own redrive policy decides");
    size_t cap = 4096 + 6 * (strlen(text) + strlen(reason)), delete_cap = 2048 + 6 * strlen(receipt);
    char *send = body_of(q, cap), *then = body_of(q, delete_cap);
    if (send && sqs_bury_body(&q->place, text, reason, send, cap) < 0)
        send[0] = '\0';
    if (then && sqs_delete_body(&q->place, receipt, then, delete_cap) < 0)
        then[0] = '\0';
    return sqs_call_start(q, op, "AmazonSQS.SendMessage", send, "AmazonSQS.DeleteMessage", then);
}

static const struct voicegw_queue operations = {.size = sizeof operations,
                                                .receive = receive,
                                                .extend = extend,
                                                .remove = remove_one,
                                                .reject = reject,
                                                .bury = bury};

static const void *get_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_QUEUE) == 0 ? &operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_QUEUE,
                                               .options = options,
                                               .create = create,
                                               .start = start,
                                               .drain = drain,
                                               .destroy = destroy,
                                               .get_extension = get_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "sqs",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Jobs from an Amazon SQS queue.",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
