/* ctl_table.c - tables, cells and dialogues for a terminal. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/print.h"

static struct vgw_json *parse(const char *text)
{
    struct vgw_json *v = NULL;
    struct vgw_error err = {0};
    cr_assert(vgw_json_parse(text, strlen(text), &v, &err) == VGW_OK, "%s", err.text);
    return v;
}

static void utc(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
}

Test(ctl_table, columns_are_as_wide_as_their_widest_cell, .init = utc)
{
    static const struct vgw_ctl_column columns[] = {{"NAME", "name", VGW_CTL_PLAIN},
                                                    {"SINCE", "at", VGW_CTL_TIME},
                                                    {"LASTED", "sub.s", VGW_CTL_DURATION},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    struct vgw_json *rows = parse("[{\"name\":\"J\\u00fcrgen\",\"at\":\"2026-02-01T12:34:56.789012Z\",\"sub\":{\"s\":"
                                  "62.4}},{\"name\":\"a\",\"at\":null}]");
    struct vgw_buf out = {0};
    vgw_ctl_table_write(&out, rows, columns);
    cr_assert(eq(str, (char *)vgw_buf_str(&out),
                 (char *)"NAME    SINCE            LASTED\n"
                         "J\xc3\xbcrgen  Feb 01 12:34:56  1:02\n"
                         "a       -                -\n"));
    vgw_buf_done(&out);
    vgw_json_free(rows);
}

Test(ctl_table, cells_show_values_by_their_type, .init = utc)
{
    static const struct {
        const char *json;
        enum vgw_ctl_format format;
        const char *text;
    } rows[] = {
        {"null", VGW_CTL_PLAIN, ""},
        {"true", VGW_CTL_PLAIN, "yes"},
        {"0.5", VGW_CTL_PLAIN, "0.5"},
        {"12", VGW_CTL_PLAIN, "12"},
        {"[\"a\",1]", VGW_CTL_PLAIN, "a, 1"},
        {"{\"a\":1}", VGW_CTL_PLAIN, "{\"a\":1}"},
        {"\"yesterday\"", VGW_CTL_TIME, "yesterday"},
        {"3700", VGW_CTL_DURATION, "1:01:40"},
        {"-1", VGW_CTL_DURATION, "0:00"},
        {"812.4", VGW_CTL_MS, "812 ms"},
        {"\"a\\u001b[31mb\\u009bc\\u007f\\nd\"", VGW_CTL_PLAIN, "a?[31mb?c? d"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vgw_json *v = parse(rows[i].json);
        struct vgw_buf out = {0};
        vgw_ctl_cell_write(&out, v, rows[i].format);
        cr_assert(eq(str, (char *)vgw_buf_str(&out), (char *)rows[i].text));
        vgw_buf_done(&out);
        vgw_json_free(v);
    }
}

Test(ctl_table, invalid_utf8_does_no_harm)
{
    struct vgw_buf out = {0};
    vgw_ctl_text_write(&out, "a\xff\xc3");
    cr_assert(eq(str, (char *)vgw_buf_str(&out), (char *)"a??"));
    vgw_buf_done(&out);
}

Test(ctl_print, a_dialogue_shows_who_spoke_and_how_long_it_took, .init = utc)
{
    struct vgw_json *v =
        parse("{\"session_id\":\"s\",\"turns\":["
              "{\"role\":\"user\",\"content\":\"Hello\",\"latency_ms\":null,\"timestamp\":\"2026-02-01T12:00:00Z\"},"
              "{\"role\":\"assistant\",\"content\":\"Yes?\",\"latency_ms\":100,\"timestamp\":\"2026-02-01T12:00:01Z\"},"
              "{\"role\":\"assistant\",\"content\":\"Well\",\"latency_ms\":300,\"interrupted\":true}]}");
    struct vgw_buf out = {0};
    vgw_ctl_dialogue_write(&out, v);
    cr_assert(eq(str, (char *)vgw_buf_str(&out),
                 (char *)"s\n"
                         "Feb 01 12:00:00  caller     Hello\n"
                         "Feb 01 12:00:01  assistant  Yes?  [100 ms]\n"
                         "-  assistant  Well  [300 ms]  [interrupted]\n"
                         "3 turns; latency 200 ms on average, 300 ms at most\n"));
    vgw_buf_done(&out);
    vgw_json_free(v);
}

Test(ctl_print, an_empty_dialogue_says_so)
{
    struct vgw_json *v = parse("{\"session_id\":\"s\",\"turns\":[]}");
    struct vgw_buf out = {0};
    vgw_ctl_dialogue_write(&out, v);
    cr_assert(eq(str, (char *)vgw_buf_str(&out), (char *)"s: nothing was said\n"));
    vgw_buf_done(&out);
    vgw_json_free(v);
}
