#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "ctl/csv.h"

static FILE *file_of(const char *text, size_t len)
{
    FILE *f = tmpfile();
    cr_assert_not_null(f);
    fwrite(text, 1, len, f);
    rewind(f);
    return f;
}

Test(ctl_csv, records_have_the_line_they_begin_on)
{
    static const char text[] = "a,b\r\n\n\"x\ny\",2\nlast";
    static const struct {
        const char *record;
        size_t line;
    } wanted[] = {{"a,b", 1}, {"\"x\ny\",2", 3}, {"last", 5}};
    FILE *f = file_of(text, sizeof text - 1);
    struct vgw_buf record;
    size_t lines = 0, line;
    vgw_buf_init(&record, VGW_CTL_CSV_RECORD_MAX + 1);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(vgw_ctl_csv_next(f, &record, &lines, &line), 1);
        cr_assert_str_eq(vgw_buf_str(&record), wanted[i].record);
        cr_assert_eq(line, wanted[i].line, "record %zu begins on line %zu", i, line);
    }
    cr_assert_eq(vgw_ctl_csv_next(f, &record, &lines, &line), 0);
    vgw_buf_done(&record);
    fclose(f);
}

Test(ctl_csv, a_record_that_is_too_long_harms_no_other)
{
    size_t len = VGW_CTL_CSV_RECORD_MAX + 100;
    char *text = vgw_calloc(1, len + 8);
    struct vgw_buf record;
    size_t lines = 0, line;
    memset(text, 'x', len);
    memcpy(text + len, "\na,b\n", 5);
    FILE *f = file_of(text, len + 5);
    vgw_buf_init(&record, VGW_CTL_CSV_RECORD_MAX + 1);
    cr_assert_eq(vgw_ctl_csv_next(f, &record, &lines, &line), VGW_EINVALID);
    cr_assert_eq(line, 1);
    cr_assert_eq(vgw_ctl_csv_next(f, &record, &lines, &line), 1);
    cr_assert_str_eq(vgw_buf_str(&record), "a,b");
    cr_assert_eq(line, 2);
    vgw_buf_done(&record);
    vgw_free(text);
    fclose(f);
}

Test(ctl_csv, fields_are_read_or_the_error_is_named)
{
    static const struct {
        const char *record, *fields; /* with | between, or what the sentence says behind a ! */
    } cases[] = {
        {"a,b,c", "a|b|c"},          {"a,,", "a||"},         {"\"a,b\",\"c \"\"d\"\"\"", "a,b|c \"d\""},
        {"\"x\ny\"", "x\ny"},        {"\"a", "!not closed"}, {"\"a\"b", "!closing quote"},
        {"\xff\xfe,b", "!no UTF-8"}, {"\"\",x", "|x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vgw_json *fields = NULL;
        struct vgw_error err = {0};
        struct vgw_buf text = {0};
        int rc = vgw_ctl_csv_fields(cases[i].record, strlen(cases[i].record), &fields, &err);
        for (size_t k = 0; k < vgw_json_count(fields); k++)
            vgw_buf_printf(&text, "%s%s", k ? "|" : "", vgw_json_str(vgw_json_at(fields, k)));
        if (cases[i].fields[0] == '!')
            cr_assert(rc == VGW_EINVALID && strstr(err.text, cases[i].fields + 1), "%s: %s", cases[i].record, err.text);
        else
            cr_assert_str_eq(vgw_buf_str(&text), cases[i].fields, "%s", cases[i].record);
        vgw_buf_done(&text);
        vgw_json_free(fields);
    }
}
