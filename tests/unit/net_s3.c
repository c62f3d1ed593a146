/* net_s3.c - signatures of the S3 API reference's own examples, and where objects are. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/s3.h"

/* 24 May 2013, the day of the examples. */
#define DAY_US (INT64_C(1369353600) * 1000000)

static const struct vgw_s3_site example = {.bucket = "examplebucket",
                                           .region = "us-east-1",
                                           .access_key = "AKIAIOSFODNN7EXAMPLE",
                                           .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

Test(net_s3, the_presigned_address_is_that_of_the_vendor_s_example)
{
    struct vgw_s3_site site = example;
    struct vgw_buf url = {0};
    site.base_url = "https://examplebucket.s3.amazonaws.com"; /* the global host of the example */
    site.bucket = "";
    cr_assert_eq(vgw_s3_presign(&site, "test.txt", 86400, DAY_US, &url, NULL), 0);
    cr_assert_str_eq(
        vgw_buf_str(&url),
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
        "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&"
        "X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    vgw_buf_done(&url);
}

Test(net_s3, objects_are_where_the_server_s_manner_puts_them)
{
    static const struct {
        const char *base_url, *bucket, *key, *url;
    } rows[] = {
        {NULL, "calls", "a.wav", "https://calls.s3.eu-west-1.amazonaws.com/a.wav"},
        {NULL, "my.calls", "a.wav", "https://s3.eu-west-1.amazonaws.com/my.calls/a.wav"},
        {"http://127.0.0.1:9000", "calls", "a/b c.wav", "http://127.0.0.1:9000/calls/a/b%20c.wav"},
        {"http://minio/", "calls", "x", "http://minio/calls/x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_s3_site site = {.base_url = rows[i].base_url, .bucket = rows[i].bucket, .region = "eu-west-1"};
        struct vgw_buf url = {0};
        vgw_s3_url(&site, rows[i].key, &url);
        cr_assert_str_eq(vgw_buf_str(&url), rows[i].url);
        vgw_buf_done(&url);
    }
}

Test(net_s3, a_request_is_signed_with_what_it_sends)
{
    struct vgw_s3_site site = example;
    struct vgw_s3_request r;
    struct vgw_error err = {0};
    static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    site.session_token = "a-token";
    cr_assert_eq(vgw_s3_sign(&site, "PUT", "x.wav", "audio/wav", empty, DAY_US, &r, &err), 0, "%s", err.text);
    cr_assert_str_eq(r.url, "https://examplebucket.s3.us-east-1.amazonaws.com/x.wav");
    cr_assert_eq(
        strncmp(r.headers[0],
                "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                "aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "
                "Signature=",
                sizeof "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                       "aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "
                       "Signature=" -
                    1),
        0, "%s", r.headers[0]);
    cr_assert_str_eq(r.headers[1], "X-Amz-Date: 20130524T000000Z");
    cr_assert_str_eq(r.headers[3], "X-Amz-Security-Token: a-token");
    cr_assert_str_eq(r.headers[4], "Content-Type: audio/wav");
    vgw_s3_request_done(&r);
    site.base_url = "minio";
    cr_assert_eq(vgw_s3_sign(&site, "PUT", "x.wav", NULL, empty, DAY_US, &r, &err), VGW_ECONFIG);
    cr_assert_null(r.url);
}
