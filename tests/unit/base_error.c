/* base_error.c - the status table and the sentence. */
#include "base/error.h"
#include "base/str.h"
#include <criterion/criterion.h>
#include <string.h>

Test(base_error, every_status_has_its_row)
{
    static const struct {
        int status;
        const char *name, *error_class;
        int http;
    } rows[] = {
        {VGW_EINVALID, "invalid", "validation", 422},
        {VGW_ECONFIG, "config", "configuration", 422},
        {VGW_EUNSUPPORTED, "unsupported", "unsupported", 501},
        {VGW_ENOTFOUND, "not_found", "not_found", 404},
        {VGW_EBUSY, "busy", "busy", 409},
        {VGW_ELIMIT, "limit", "limit", 503},
        {VGW_ERATELIMIT, "rate_limit", "rate_limit", 429},
        {VGW_ETIMEOUT, "timeout", "network", 504},
        {VGW_ENETWORK, "network", "network", 502},
        {VGW_EAUTH, "auth", "authentication", 502},
        {VGW_EPROVIDER, "provider", "provider", 502},
        {VGW_ESTORAGE, "storage", "storage", 503},
        {VGW_EINTERNAL, "internal", "internal", 500},
        {-99, "internal", "internal", 500},
        {7, "internal", "internal", 500},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct vgw_status_info *info = vgw_status_info(rows[i].status);
        cr_expect_str_eq(info->name, rows[i].name);
        cr_expect_str_eq(info->error_class, rows[i].error_class);
        cr_expect_eq(info->http_status, rows[i].http, "%s", rows[i].name);
    }
    cr_expect_eq(vgw_status_info(VGW_OK)->http_status, 200);
}

Test(base_error, a_class_names_its_status)
{
    for (int status = VGW_EINVALID; status >= VGW_EINTERNAL; status--) {
        int expected = status == VGW_ETIMEOUT ? VGW_ENETWORK : status;
        cr_expect_eq(vgw_status_from_class(vgw_status_info(status)->error_class), expected);
    }
    cr_expect_eq(vgw_status_from_class("nonsense"), VGW_EINTERNAL);
    cr_expect_eq(vgw_status_from_class(""), VGW_EINTERNAL);
    cr_expect_eq(vgw_status_from_class(NULL), VGW_EINTERNAL);
}

Test(base_error, set_fills_and_returns_the_status)
{
    struct vgw_error e = {0};
    cr_expect_eq(vgw_error_set(&e, VGW_EBUSY, "call %s is %s", "c1", "busy"), VGW_EBUSY);
    cr_expect_eq(e.status, VGW_EBUSY);
    cr_expect_str_eq(e.text, "call c1 is busy");
    cr_expect_str_eq(e.place, "");
    cr_expect_eq(vgw_error_at(&e, VGW_ECONFIG, "a.yaml:3:1", "no"), VGW_ECONFIG);
    cr_expect_str_eq(e.place, "a.yaml:3:1");
    cr_expect_eq(vgw_error_set(NULL, VGW_ENETWORK, "x"), VGW_ENETWORK);
    cr_expect_eq(vgw_error_nomem(&e), VGW_ELIMIT);
    cr_expect_str_eq(e.text, "out of memory");
}

Test(base_error, prefix_keeps_status_and_place)
{
    struct vgw_error e;
    vgw_error_at(&e, VGW_EAUTH, "here", "refused");
    cr_expect_eq(vgw_error_prefix(&e, "provider %d", 1), VGW_EAUTH);
    cr_expect_str_eq(e.text, "provider 1: refused");
    cr_expect_str_eq(e.place, "here");
    cr_expect_eq(vgw_error_prefix(NULL, "x"), VGW_EINTERNAL);
}

Test(base_error, a_long_sentence_is_cut_between_characters)
{
    struct vgw_error e;
    char text[2048];
    for (size_t shift = 0; shift < 4; shift++) {
        size_t n = 0;
        for (; n < shift; n++)
            text[n] = 'a';
        for (; n + 4 < sizeof text; n += 4)
            memcpy(text + n, "\xF0\x9F\x98\x80", 4);
        text[n] = '\0';
        vgw_error_set(&e, VGW_EINVALID, "%s", text);
        cr_expect_geq(strlen(e.text), VGW_ERROR_TEXT_MAX - 5);
        cr_expect(vgw_utf8_valid(e.text, strlen(e.text)));
        vgw_error_at(&e, VGW_EINVALID, text, "x");
        cr_expect(vgw_utf8_valid(e.place, strlen(e.place)));
    }
}
