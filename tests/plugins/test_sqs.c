/* test_sqs.c - the pure parts of the plugin sqs: signatures, bodies, answers, credentials. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/json.h"
#include "voicegw/status.h"
#include "../../plugins/sqs/credentials.h"
#include "../../plugins/sqs/wire.h"

static int32_t digest(const struct voicegw_host *host, uint32_t algorithm, const void *data, uint64_t bytes,
                      uint8_t *out)
{
    unsigned n = 0;
    cr_assert_eq(algorithm, VOICEGW_DIGEST_SHA256);
    cr_assert_eq(EVP_Digest(data, bytes, out, &n, EVP_sha256(), NULL), 1);
    return (int32_t)n;
}

static int32_t hmac(const struct voicegw_host *host, uint32_t algorithm, const void *key, uint64_t key_bytes,
                    const void *data, uint64_t bytes, uint8_t *out)
{
    unsigned n = 0;
    cr_assert_eq(algorithm, VOICEGW_DIGEST_SHA256);
    cr_assert_not_null(HMAC(EVP_sha256(), key, (int)key_bytes, data, bytes, out, &n));
    return (int32_t)n;
}

static const struct voicegw_host_crypto crypto = {.size = sizeof crypto, .digest = digest, .hmac = hmac};

/* 2015-08-30T12:36:00Z, the moment of AWS's published vectors. */
#define VECTOR_US (INT64_C(1440938160) * 1000000)

static struct sqs_credentials keys(const char *token)
{
    struct sqs_credentials c = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
    snprintf(c.session_token, sizeof c.session_token, "%s", token);
    return c;
}

Test(sqs, signatures_are_those_of_the_published_vectors)
{
    static const struct {
        const char *method, *query, *token, *signature;
    } vectors[] = {
        {"GET", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"GET", "Param1=value1&Param2=value2", "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"POST", "", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"POST", "",
         "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8"
         "YUuwthAx7mSEI/qkPpKPi/"
         "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8Y"
         "QcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
         "scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/"
         "oLxBA==",
         "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct sqs_credentials c = keys(vectors[i].token);
        struct sqs_signed s;
        struct sqs_request r = {.method = vectors[i].method,
                                .host = "example.amazonaws.com",
                                .path = "/",
                                .query = vectors[i].query,
                                .region = "us-east-1",
                                .service = "service",
                                .wall_us = VECTOR_US};
        cr_assert_eq(sqs_sign(NULL, &crypto, &c, &r, &s), VOICEGW_OK);
        cr_expect_str_eq(s.stamp, "20150830T123600Z");
        cr_expect(strstr(s.authorization, vectors[i].signature), "vector %zu: %s", i, s.authorization);
        cr_expect_eq(s.token[0] != '\0', vectors[i].token[0] != '\0');
    }
}

Test(sqs, a_signature_covers_what_is_sent_and_fits_or_is_refused)
{
    struct sqs_credentials c = keys("");
    struct sqs_signed a, b;
    struct sqs_request r = {.method = "POST",
                            .host = "sqs.eu-west-1.amazonaws.com",
                            .path = "/",
                            .query = "",
                            .region = "eu-west-1",
                            .service = "sqs",
                            .content_type = "application/x-amz-json-1.0",
                            .target = "AmazonSQS.ReceiveMessage",
                            .body = "{}",
                            .body_bytes = 2,
                            .wall_us = VECTOR_US};
    cr_assert_eq(sqs_sign(NULL, &crypto, &c, &r, &a), VOICEGW_OK);
    cr_assert(strstr(a.authorization, "SignedHeaders=content-type;host;x-amz-date;x-amz-target"), "%s",
              a.authorization);
    r.body = "{ ";
    cr_assert_eq(sqs_sign(NULL, &crypto, &c, &r, &b), VOICEGW_OK);
    cr_assert_str_neq(a.authorization, b.authorization);
    cr_assert_null(strstr(a.authorization, c.secret_key));
    memset(c.session_token, 'x', sizeof c.session_token - 1);
    cr_assert_eq(sqs_sign(NULL, &crypto, &c, &r, &a), VOICEGW_OK);
    char host[9000];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    r.host = host;
    cr_assert_eq(sqs_sign(NULL, &crypto, &c, &r, &a), VOICEGW_ELIMIT);
}

Test(sqs, places_are_split_and_bad_ones_named)
{
    struct sqs_place p;
    const char *why = "";
    static const struct {
        const char *url, *base, *region, *dead;
        int32_t status;
        const char *origin, *got_region;
    } rows[] = {
        {"https://sqs.eu-west-1.amazonaws.com/123/jobs", "", "", "", VOICEGW_OK, "https://sqs.eu-west-1.amazonaws.com",
         "eu-west-1"},
        {"https://eu-north-1.queue.amazonaws.com/123/jobs", NULL, NULL, NULL, VOICEGW_OK,
         "https://eu-north-1.queue.amazonaws.com", "eu-north-1"},
        {"https://sqs.eu-west-1.amazonaws.com/123/jobs", "http://127.0.0.1:4566", "", "", VOICEGW_OK,
         "http://127.0.0.1:4566", "eu-west-1"},
        {"http://127.0.0.1:4566/000/jobs", "", "us-east-1", "http://127.0.0.1:4566/000/dead", VOICEGW_OK,
         "http://127.0.0.1:4566", "us-east-1"},
        {"http://127.0.0.1:4566/000/jobs", "", "", "", VOICEGW_ECONFIG, "region", NULL},
        {"jobs", "", "x", "", VOICEGW_ECONFIG, "address", NULL},
        {"ftp://a/b", "", "x", "", VOICEGW_ECONFIG, "address", NULL},
        {"https://user:pass@a/b", "", "x", "", VOICEGW_ECONFIG, "address", NULL},
        {"https://a/b?c=d", "", "x", "", VOICEGW_ECONFIG, "address", NULL},
        {"https://a/b", "nonsense", "x", "", VOICEGW_ECONFIG, "base_url", NULL},
        {"https://a/b", "", "x", "nonsense", VOICEGW_ECONFIG, "dead_letter_url", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int32_t status = sqs_place_parse(rows[i].url, rows[i].base, rows[i].region, rows[i].dead, &p, &why);
        cr_expect_eq(status, rows[i].status, "%s", rows[i].url);
        if (status == VOICEGW_OK) {
            cr_expect_str_eq(p.origin, rows[i].origin);
            cr_expect_str_eq(p.region, rows[i].got_region);
            cr_expect_str_eq(p.queue_url, rows[i].url, "a queue is called by its own name, wherever requests go");
        } else {
            cr_expect(strstr(why, rows[i].origin), "%s: %s", rows[i].url, why);
        }
    }
}

Test(sqs, bodies_are_json_whatever_is_in_them)
{
    struct sqs_place p;
    const char *why;
    char out[4096];
    cr_assert_eq(sqs_place_parse("http://h/1/q", "", "r", "http://h/1/dead", &p, &why), VOICEGW_OK);
    int64_t n = sqs_receive_body(&p, 50, 99, 60, out, sizeof out);
    cr_assert(n > 0 && voicegw_json_valid(out, (uint64_t)n));
    cr_assert_eq(voicegw_json_get_int(voicegw_json_of(out), "MaxNumberOfMessages", 0), 10);
    cr_assert_eq(voicegw_json_get_int(voicegw_json_of(out), "WaitTimeSeconds", 0), 20);
    n = sqs_visibility_body(&p, "a\"b\\\n", 1500000, out, sizeof out);
    cr_assert(n > 0 && voicegw_json_valid(out, (uint64_t)n));
    cr_assert_eq(voicegw_json_get_int(voicegw_json_of(out), "VisibilityTimeout", 0), 2, "rounded up");
    cr_assert_gt(sqs_visibility_body(&p, "r", INT64_MAX / 2, out, sizeof out), 0);
    cr_assert_eq(voicegw_json_get_int(voicegw_json_of(out), "VisibilityTimeout", 0), SQS_VISIBILITY_MAX_S);
    n = sqs_bury_body(&p, "not { ours", "no key \"to\"", out, sizeof out);
    char text[64];
    cr_assert_gt(voicegw_json_get_string(voicegw_json_of(out), "MessageAttributes.voicegw_reason.StringValue", text,
                                         sizeof text),
                 0);
    cr_assert_str_eq(text, "no key \"to\"");
    cr_assert_gt(voicegw_json_get_string(voicegw_json_of(out), "QueueUrl", text, sizeof text), 0);
    cr_assert_str_eq(text, "http://h/1/dead");
    cr_assert_eq(sqs_delete_body(&p, "r", out, 20), VOICEGW_ELIMIT);
}

Test(sqs, answers_become_messages)
{
    static const char answer[] =
        "{\"Messages\":[{\"MessageId\":\"m1\",\"ReceiptHandle\":\"r\\\"1\",\"MD5OfBody\":\"x\",\"Body\":\"{\\\"to\\\":"
        "\\\"+1\\\"}\",\"Attributes\":{\"ApproximateReceiveCount\":\"3\"},\"MessageAttributes\":{\"kind\":{"
        "\"DataType\":"
        "\"String\",\"StringValue\":\"lead\"},\"raw\":{\"DataType\":\"Binary\",\"BinaryValue\":\"AA==\"}}}]}";
    char out[2048], text[64];
    int64_t n = sqs_messages(answer, sizeof answer - 1, out, sizeof out);
    cr_assert(n > 0 && voicegw_json_valid(out, (uint64_t)n), "%s", out);
    struct voicegw_json m = voicegw_json_item(voicegw_json_of(out), 0);
    cr_assert_eq(voicegw_json_get_int(m, "attempt", 0), 3);
    cr_assert_gt(voicegw_json_get_string(m, "body", text, sizeof text), 0);
    cr_assert_str_eq(text, "{\"to\":\"+1\"}");
    cr_assert_gt(voicegw_json_get_string(m, "receipt", text, sizeof text), 0);
    cr_assert_str_eq(text, "r\"1");
    cr_assert_gt(voicegw_json_get_string(m, "attributes.kind", text, sizeof text), 0);
    cr_assert_eq(sqs_messages("{}", 2, out, sizeof out), 2, "an empty queue");
    static const char *const bad[] = {
        "", "[]", "<html>", "{\"Messages\":3}", "{\"Messages\":[{}]}", "{\"Messages\":[{\"MessageId\":\"m\"}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(sqs_messages(bad[i], strlen(bad[i]), out, sizeof out), VOICEGW_EPROVIDER, "%s", bad[i]);
    cr_assert_eq(sqs_messages(answer, sizeof answer - 1, out, 40), VOICEGW_ELIMIT);
}

Test(sqs, troubles_have_their_class_and_their_words)
{
    static const struct {
        uint32_t http;
        const char *body;
        int32_t status;
        uint32_t retry, expired, skewed;
        const char *says;
    } rows[] = {
        {400,
         "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"The specified queue does not exist.\"}",
         VOICEGW_ENOTFOUND, 0, 0, 0, "does not exist"},
        {403, "{\"__type\":\"com.amazon.coral.service#ExpiredTokenException\",\"message\":\"x\"}", VOICEGW_EAUTH, 0, 1,
         0, "Expired"},
        {403, "{\"__type\":\"RequestTimeTooSkewed\"}", VOICEGW_EAUTH, 0, 0, 1, "Skewed"},
        {400, "{\"__type\":\"com.amazonaws.sqs#OverLimit\",\"message\":\"too many\"}", VOICEGW_ERATELIMIT, 1, 0, 0,
         "too many"},
        {503, "<html>oops</html>", VOICEGW_EPROVIDER, 1, 0, 0, "503"},
        {429, "", VOICEGW_ERATELIMIT, 1, 0, 0, "429"},
        {418, "{\"__type\":\"x#Strange\",\"message\":\"a\\u000ab\"}", VOICEGW_EPROVIDER, 0, 0, 0, "a b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sqs_trouble t;
        sqs_trouble_of(rows[i].http, rows[i].body, strlen(rows[i].body), &t);
        cr_expect(t.status == rows[i].status && t.retry == rows[i].retry && t.expired == rows[i].expired &&
                      t.skewed == rows[i].skewed,
                  "row %zu", i);
        cr_expect(strstr(t.sentence, rows[i].says), "%s", t.sentence);
    }
}

Test(sqs, credentials_come_from_a_file_or_the_environment)
{
    static const char file[] =
        "# mine\n[default]\naws_access_key_id = AKIA1\r\naws_secret_access_key=s3cret/+=\n\n[ other ]\n"
        "aws_access_key_id=AKIA2\naws_secret_access_key = two \naws_session_token = tok\n[half]\naws_access_key_id=x\n";
    struct sqs_credentials c;
    cr_assert_eq(sqs_credentials_parse(file, "default", &c), 1);
    cr_assert_str_eq(c.access_key, "AKIA1");
    cr_assert_str_eq(c.secret_key, "s3cret/+=");
    cr_assert_str_eq(c.session_token, "");
    cr_assert_eq(sqs_credentials_parse(file, "other", &c), 1);
    cr_assert_str_eq(c.secret_key, "two");
    cr_assert_str_eq(c.session_token, "tok");
    cr_assert_eq(sqs_credentials_parse(file, "half", &c), 0);
    cr_assert_eq(sqs_credentials_parse(file, "none", &c), 0);
    cr_assert_eq(sqs_credentials_read("/no/such/file", "default", &c), 0);
    unsetenv("AWS_SECRET_ACCESS_KEY");
    cr_assert_eq(sqs_credentials_environment(&c), 0);
    setenv("AWS_ACCESS_KEY_ID", "E", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
    cr_assert_eq(sqs_credentials_environment(&c), 1);
    cr_assert_str_eq(c.access_key, "E");
}
