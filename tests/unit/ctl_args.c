/* ctl_args.c - words and options of a command line. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/args.h"

static const struct vgw_ctl_option options[] = {
    {"from", "NUMBER", "from", VGW_CTL_TEXT, ""},  {"limit", "N", "limit", VGW_CTL_NUMBER, ""},
    {"loop", NULL, "loop", VGW_CTL_FLAG, ""},      {"barge", "YES|NO", "interruptible", VGW_CTL_BOOL, ""},
    {"var", "K=V", "variables", VGW_CTL_PAIR, ""}, {"wait", NULL, NULL, VGW_CTL_FLAG, ""},
    {NULL, NULL, NULL, VGW_CTL_TEXT, NULL},
};

struct row {
    const char *argv[8];
    const char *words; /* joined by '|' */
    const char *body;
    const char *query;
    const char *error; /* part of the sentence; NULL: it is read */
};

static const struct row rows[] = {
    {{"a", "b"}, "a|b", "{}", "", NULL},
    {{"a", "--from", "+1", "--loop", "b"}, "a|b", "{\"from\":\"+1\",\"loop\":true}", "?from=%2B1&loop=true", NULL},
    {{"--from=", "--limit=5"}, "", "{\"from\":\"\",\"limit\":5.0}", "?from=&limit=5", NULL},
    {{"--from", "--loop"}, "", "{\"from\":\"--loop\"}", "?from=--loop", NULL},
    {{"--barge", "no"}, "", "{\"interruptible\":false}", "?interruptible=no", NULL},
    {{"--var", "a=1", "--var=b=c=d"},
     "",
     "{\"variables\":{\"a\":\"1\",\"b\":\"c=d\"}}",
     "?variables=a%3D1&variables=b%3Dc%3Dd",
     NULL},
    {{"--wait"}, "", "{}", "", NULL},
    {{"--", "--from", "-x"}, "--from|-x", "{}", "", NULL},
    {{"-"}, "-", "{}", "", NULL},
    {{"--form", "x"}, NULL, NULL, NULL, "did you mean --from"},
    {{"--from"}, NULL, NULL, NULL, "needs a value: --from NUMBER"},
    {{"--limit", "many"}, NULL, NULL, NULL, "takes a number"},
    {{"--loop=yes"}, NULL, NULL, NULL, "takes no value"},
    {{"--barge", "maybe"}, NULL, NULL, NULL, "takes yes or no"},
    {{"--var", "a"}, NULL, NULL, NULL, "KEY=VALUE"},
    {{"--var", "=a"}, NULL, NULL, NULL, "KEY=VALUE"},
    {{"-x"}, NULL, NULL, NULL, "behind --"},
};

static void check(const struct row *row)
{
    struct vgw_ctl_args args;
    struct vgw_error err = {0};
    size_t count = 0;
    while (row->argv[count])
        count++;
    int rc = vgw_ctl_args_read(&args, options, false, (char *const *)row->argv, count, &err);
    if (row->error) {
        cr_assert(rc == VGW_EINVALID && strstr(err.text, row->error), "%s: %s", row->argv[0], err.text);
        return;
    }
    cr_assert(rc == VGW_OK, "%s: %s", row->argv[0], err.text);
    struct vgw_buf words = {0}, query = {0};
    for (size_t i = 0; i < args.word_count; i++)
        vgw_buf_printf(&words, "%s%s", i ? "|" : "", args.words[i]);
    cr_assert(eq(str, (char *)vgw_buf_str(&words), (char *)row->words));
    struct vgw_json *body = vgw_json_object(), *want;
    cr_assert(vgw_ctl_args_to_body(&args, body, &err) == VGW_OK);
    cr_assert(vgw_json_parse(row->body, strlen(row->body), &want, &err) == VGW_OK);
    cr_assert(vgw_json_equal(body, want), "%s", row->body);
    vgw_ctl_args_to_query(&args, &query);
    cr_assert(eq(str, (char *)vgw_buf_str(&query), (char *)row->query));
    vgw_json_free(body);
    vgw_json_free(want);
    vgw_buf_done(&words);
    vgw_buf_done(&query);
}

Test(ctl_args, words_and_options_are_told_apart)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i]);
}

Test(ctl_args, free_options_keep_their_names_and_are_strings)
{
    char *const argv[] = {(char *)"call",   (char *)"--phone=+1", (char *)"--nights", (char *)"2",
                          (char *)"--late", (char *)"--x",        (char *)"-1"};
    struct vgw_ctl_args args;
    struct vgw_error err = {0};
    cr_assert(vgw_ctl_args_read(&args, NULL, true, argv, 7, &err) == VGW_OK);
    cr_assert(args.word_count == 1);
    struct vgw_json *object = vgw_json_object();
    cr_assert(vgw_ctl_args_free_to(&args, object, &err) == VGW_OK);
    char *text = vgw_json_text(object, false);
    cr_assert(eq(str, text, (char *)"{\"phone\":\"+1\",\"nights\":\"2\",\"late\":\"true\",\"x\":\"-1\"}"));
    vgw_free(text);
    vgw_json_free(object);
}

Test(ctl_args, a_query_goes_on_where_one_has_begun)
{
    char *const argv[] = {(char *)"--from", (char *)"a b"};
    struct vgw_ctl_args args;
    struct vgw_buf path = {0};
    cr_assert(vgw_ctl_args_read(&args, options, false, argv, 2, NULL) == VGW_OK);
    vgw_buf_adds(&path, "/history?caller=x");
    vgw_ctl_args_to_query(&args, &path);
    cr_assert(eq(str, (char *)vgw_buf_str(&path), (char *)"/history?caller=x&from=a%20b"));
    vgw_buf_done(&path);
}

Test(ctl_args, too_many_words_are_refused)
{
    static char *argv[VGW_CTL_WORDS_MAX + 1];
    struct vgw_ctl_args args;
    struct vgw_error err = {0};
    for (size_t i = 0; i < VGW_CTL_WORDS_MAX + 1; i++)
        argv[i] = (char *)"word";
    cr_assert(vgw_ctl_args_read(&args, options, false, argv, VGW_CTL_WORDS_MAX, &err) == VGW_OK);
    cr_assert(vgw_ctl_args_read(&args, options, false, argv, VGW_CTL_WORDS_MAX + 1, &err) == VGW_EINVALID);
}
