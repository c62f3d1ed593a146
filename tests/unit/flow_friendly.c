/* Data as a sentence that a voice can say. */
#include <criterion/criterion.h>
#include <string.h>
#include "flow/friendly.h"

Test(friendly, says_data_as_a_person_does)
{
    static const struct {
        const char *format, *data, *says; /* says NULL: refused */
    } rows[] = {
        {"availability", "{\"available\":5,\"check_in\":\"January 15th\",\"check_out\":\"January 17th\"}",
         "Excellent! We have 5 rooms available from January 15th to January 17th."},
        {"availability", "{\"available\":5,\"check_in\":\"2026-01-15\",\"check_out\":\"2026-01-17\"}",
         "Excellent! We have 5 rooms available from January 15th to January 17th."},
        {"availability", "{\"available\":1,\"date\":\"2026-03-02\",\"item\":\"table\"}",
         "Excellent! We have 1 table available on March 2nd."},
        {"availability", "{\"available\":0,\"check_in\":\"2026-01-21\",\"check_out\":\"2026-01-23\"}",
         "I'm sorry, we have no rooms available from January 21st to January 23rd."},
        {"availability", "{\"available\":[1,2],\"room_type\":\"suite\"}", "Excellent! We have 2 suites available."},
        {"availability", "{\"available\":\"3\",\"price\":89.5,\"currency\":\"EUR\",\"per\":\"night\"}",
         "Excellent! We have 3 rooms available, at 89 euros and 50 cents per night."},
        {"availability", "{\"check_in\":\"2026-01-21\"}", NULL},
        {"availability", "{\"available\":-1}", NULL},
        {"availability", "5", NULL},
        {"price", "129", "129 dollars"},
        {"price", "1", "1 dollar"},
        {"price", "\"$129.50\"", "129 dollars and 50 cents"},
        {"price", "0.01", "1 cent"},
        {"price", "0", "0 dollars"},
        {"price", "-5", "minus 5 dollars"},
        {"price", "{\"amount\":2.5,\"currency\":\"GBP\"}", "2 pounds and 50 pence"},
        {"price", "{\"amount\":1000,\"currency\":\"JPY\",\"per\":\"person\"}", "1000 yen per person"},
        {"price", "{\"amount\":9.99,\"currency\":\"SEK\"}", "9.99 SEK"},
        {"price", "\"much\"", NULL},
        {"price", "1e300", NULL},
        {"date", "\"2026-01-15\"", "January 15th, 2026"},
        {"date", "{\"date\":\"2026-11-11T10:00:00Z\"}", "November 11th, 2026"},
        {"date", "\"2026-06-22\"", "June 22nd, 2026"},
        {"date", "\"next Friday\"", "next Friday"},
        {"date", "\"2026-13-01\"", "2026-13-01"},
        {"date", "5", NULL},
        {"time", "\"14:30\"", "2:30 PM"},
        {"time", "\"09:05\"", "9:05 AM"},
        {"time", "\"2026-01-15T15:00:00Z\"", "3 PM"},
        {"time", "\"12:00\"", "noon"},
        {"time", "\"00:00\"", "midnight"},
        {"time", "{\"time\":\"0:30\"}", "12:30 AM"},
        {"time", "\"25:00\"", NULL},
        {"time", "\"soon\"", NULL},
        {"phone", "\"+15551234567\"", "plus one, five five five, one two three, four five six seven"},
        {"phone", "{\"phone\":\"555-1234\"}", "five five five, one two three four"},
        {"phone", "\"call me\"", NULL},
        {"phone", "\"\"", NULL},
        {"list", "[\"a\",\"b\",\"c\"]", "a, b, and c"},
        {"list", "[\"a\",2]", "a and 2"},
        {"list", "{\"items\":[\"a\"]}", "a"},
        {"list", "[]", "nothing"},
        {"list", "\"a\"", NULL},
        {"poem", "\"a\"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *v = NULL;
        struct vgw_buf out = {0};
        struct vgw_error err = {0};
        cr_assert(vgw_json_parse(rows[i].data, strlen(rows[i].data), &v, NULL) == 0, "%s", rows[i].data);
        int rc = vgw_friendly_format(v, rows[i].format, &out, &err);
        cr_expect(rc == (rows[i].says ? 0 : VGW_EINVALID), "%s %s: %d %s", rows[i].format, rows[i].data, rc, err.text);
        cr_expect(!rows[i].says || strcmp(vgw_buf_str(&out), rows[i].says) == 0, "%s %s: %s", rows[i].format,
                  rows[i].data, vgw_buf_str(&out));
        cr_expect(rc == 0 || err.text[0]);
        vgw_buf_done(&out);
        vgw_json_free(v);
    }
}
