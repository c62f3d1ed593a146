/* base_secret.c - secrets do not show. */
#include "base/secret.h"
#include "base/alloc.h"
#include <criterion/criterion.h>
#include <string.h>

static void expect_masked(const char *in, const char *out)
{
    char text[128];
    memcpy(text, in, strlen(in) + 1);
    vgw_secret_mask(text, strlen(text));
    cr_expect_str_eq(text, out);
}

Test(base_secret, only_reveal_shows_the_value)
{
    struct vgw_secret *s = vgw_secret_new("hunter22xyz", 8);
    cr_expect_str_eq(vgw_secret_reveal(s), "hunter22");
    cr_expect_eq(vgw_secret_len(s), 8);
    cr_expect_str_eq(vgw_secret_print(s), "***");
    cr_expect_str_eq(vgw_secret_print(NULL), "***");
    vgw_secret_free(s);
    vgw_secret_free(NULL);
    cr_expect_eq(vgw_secret_len(NULL), 0);
    vgw_alloc_fail_at(1);
    cr_expect_null(vgw_secret_new("hunter22", 8));
}

Test(base_secret, equality_wants_every_byte_and_the_length)
{
    struct vgw_secret *s = vgw_secret_new("hunter22", 8);
    static const struct {
        const char *given;
        size_t len;
        bool equal;
    } rows[] = {
        {"hunter22", 8, true},
        {"hunter23", 8, false},
        {"hunter2", 7, false},
        {"", 0, false},
        {"hunter22", 7, false},
        {"hunter22\0", 9, false},
        {"hunter22\0hunter22", 17, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(vgw_secret_equals(s, rows[i].given, rows[i].len), rows[i].equal, "row %zu", i);
    cr_expect_not(vgw_secret_equals(NULL, "", 0));
    cr_expect_not(vgw_secret_equals(s, NULL, 0));
    vgw_secret_free(s);
    s = vgw_secret_new("", 0);
    cr_expect(vgw_secret_equals(s, "", 0));
    cr_expect_not(vgw_secret_equals(s, "x", 1));
    vgw_secret_free(s);
}

Test(base_secret, text_is_masked_while_the_secret_lives)
{
    struct vgw_secret *inner = vgw_secret_new("abcdef", 6);
    struct vgw_secret *outer = vgw_secret_new("abcdefghi", 9);
    struct vgw_secret *shorter = vgw_secret_new("12345", 5);
    expect_masked("key=abcdef, abcdef", "key=******, ******");
    expect_masked("key=abcdefghi", "key=*********");
    expect_masked("pin 12345", "pin 12345");
    expect_masked("", "");
    vgw_secret_free(outer);
    expect_masked("key=abcdefghi", "key=******ghi");
    vgw_secret_free(inner);
    vgw_secret_free(shorter);
    expect_masked("key=abcdef", "key=abcdef");
}
