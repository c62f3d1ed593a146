/* base_log.c - log lines. */
#include "base/log.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/log_line.h"
#include "base/metric.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char captured[4096];
static int lines;

static void on_line(const char *line, void *arg)
{
    vgw_strcopy(captured, sizeof captured, line);
    lines++;
}

static const char *after_time(void)
{
    int64_t wall_us;
    char time[VGW_TIME_TEXT];
    vgw_strncopy(time, sizeof time, captured, strcspn(captured, " "));
    cr_assert(vgw_time_parse(time, &wall_us), "%s", captured);
    return captured + strlen(time);
}

Test(base_log, a_text_line_is_time_level_message_and_fields)
{
    vgw_log_capture(on_line, NULL);
    struct vgw_log_scope scope = {.session = "s-1", .plugin = "mock"};
    vgw_log(VGW_LOG_INFO, &scope, "listening", "address", "127.0.0.1:1", "empty", "", "none", NULL, "text", "a b",
            NULL);
    cr_expect_str_eq(after_time(),
                     " INFO listening session=s-1 plugin=mock address=127.0.0.1:1 empty=\"\" text=\"a b\"\n");
    vgw_logf(VGW_LOG_WARNING, NULL, "%d of %s", 3, "x\ny");
    cr_expect_str_eq(after_time(), " WARNING 3 of x\\x0Ay\n");
    vgw_audit("voice.twilio.session.created", "session_id", "twilio-CA1", "call_sid", "CA1", NULL);
    cr_expect_str_eq(after_time(), " INFO AUDIT: voice.twilio.session.created session_id=twilio-CA1 call_sid=CA1\n");
}

Test(base_log, no_value_can_forge_a_field_or_a_line)
{
    static const struct {
        const char *value, *written;
    } rows[] = {
        {"x\nERROR y", "\"x\\nERROR y\""},
        {"a\" b=\"c", "\"a\\\" b=\\\"c\""},
        {"a=b", "\"a=b\""},
        {"\x1b[31m", "\"\\x1B[31m\""},
        {"\xC2\x85", "\"\\xC2\\x85\""},
        {"\xE2\x80\xA8", "\"\\xE2\\x80\\xA8\""},
        {"\xFF", "\"\\xFF\""},
        {"\\n", "\"\\\\n\""},
        {"\xC3\xA9", "\xC3\xA9"},
        {"\xE2\x80\xAE", "\"\\xE2\\x80\\xAE\""},
        {"\r\t", "\"\\r\\t\""},
    };
    vgw_log_capture(on_line, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[128];
        vgw_audit("n", "k", rows[i].value, NULL);
        snprintf(expected, sizeof expected, " INFO AUDIT: n k=%s\n", rows[i].written);
        cr_expect_str_eq(after_time(), expected);
    }
}

Test(base_log, levels_filter_all_but_audit)
{
    vgw_log_capture(on_line, NULL);
    vgw_log_set_level(VGW_LOG_ERROR);
    vgw_log(VGW_LOG_WARNING, NULL, "quiet", NULL);
    vgw_logf(VGW_LOG_INFO, NULL, "quiet");
    cr_expect_eq(lines, 0);
    vgw_log(VGW_LOG_ERROR, NULL, "loud", NULL);
    vgw_audit("kept", NULL);
    cr_expect_eq(lines, 2);
    cr_expect_not(vgw_log_enabled(VGW_LOG_DEBUG));
    enum vgw_log_level level;
    cr_expect(vgw_log_level_parse("Debug", &level));
    cr_expect_eq(level, VGW_LOG_DEBUG);
    cr_expect_not(vgw_log_level_parse("loud", &level));
    cr_expect_not(vgw_log_level_parse(NULL, &level));
    cr_expect_str_eq(vgw_log_level_name(VGW_LOG_WARNING), "warning");
}

Test(base_log, secrets_are_masked_in_every_format)
{
    struct vgw_secret *s = vgw_secret_new("hush \"now\"", 10);
    struct vgw_log_line line = {.message = "token hush \"now\"", .level = VGW_LOG_INFO, .count = 1};
    line.fields[0] = (struct vgw_log_field){"k", "x hush \"now\" y"};
    for (int format = VGW_LOG_TEXT; format <= VGW_LOG_JOURNAL; format++) {
        struct vgw_buf out = {0};
        vgw_log_render((enum vgw_log_format)format, &line, &out);
        cr_expect_null(strstr(vgw_buf_str(&out), "hush"), "%s", vgw_buf_str(&out));
        cr_expect_not_null(strstr(vgw_buf_str(&out), "**********"));
        vgw_buf_done(&out);
    }
    vgw_secret_free(s);
}

Test(base_log, json_lines_carry_fields_and_parse)
{
    struct vgw_error err;
    cr_assert_eq(vgw_log_open(VGW_LOG_JSON, "stderr", VGW_LOG_INFO, &err), 0);
    vgw_log_capture(on_line, NULL);
    vgw_audit("voice.x", "session_id", "a\"b\n\xFF", "time", "forged", NULL);
    struct vgw_json *v = NULL;
    cr_assert_eq(vgw_json_parse(captured, strlen(captured), &v, &err), 0, "%s", captured);
    cr_expect_str_eq(vgw_json_get_string(v, "audit", ""), "voice.x");
    cr_expect_str_eq(vgw_json_get_string(v, "message", ""), "AUDIT: voice.x");
    cr_expect_str_eq(vgw_json_get_string(v, "level", ""), "info");
    cr_expect_str_eq(vgw_json_get_string(v, "session_id", ""), "a\"b\n\xEF\xBF\xBD");
    cr_expect_str_eq(vgw_json_get_string(v, "field_time", ""), "forged");
    cr_expect_str_neq(vgw_json_get_string(v, "time", ""), "forged");
    vgw_json_free(v);
}

Test(base_log, a_journal_datagram_frames_its_fields)
{
    struct vgw_log_line line = {.message = "voice.x", .audit = true, .level = VGW_LOG_WARNING, .count = 2};
    line.fields[0] = (struct vgw_log_field){"session_id", "s1"};
    line.fields[1] = (struct vgw_log_field){"text", "a\nPRIORITY=0"};
    struct vgw_buf out = {0};
    vgw_log_render(VGW_LOG_JOURNAL, &line, &out);
    static const char expected[] = "MESSAGE=AUDIT: voice.x session_id=s1 text=\"a\\nPRIORITY=0\"\n"
                                   "PRIORITY=4\nSYSLOG_IDENTIFIER=voicegwd\nVOICEGW_AUDIT=voice.x\n"
                                   "VOICEGW_SESSION_ID=s1\nVOICEGW_TEXT\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n";
    cr_assert_eq(out.len, sizeof expected - 1);
    cr_expect_arr_eq(out.data, expected, sizeof expected - 1);
    vgw_buf_done(&out);
}

static size_t file_text(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);
    if (fd >= 0)
        close(fd);
    out[n < 0 ? 0 : n] = '\0';
    return n < 0 ? 0 : (size_t)n;
}

Test(base_log, a_file_is_appended_to_and_opened_anew)
{
    char dir[] = "/tmp/vgw-log-XXXXXX", path[64], old[72], text[512];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(old, sizeof old, "%s/log.1", dir);
    struct vgw_error err;
    cr_assert_eq(vgw_log_open(VGW_LOG_TEXT, path, VGW_LOG_INFO, &err), 0, "%s", err.text);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_mode & 0137, 0, "neither others nor the group may write");
    vgw_log(VGW_LOG_INFO, NULL, "first", NULL);
    cr_assert_eq(rename(path, old), 0);
    vgw_log(VGW_LOG_INFO, NULL, "second", NULL);
    vgw_log_reopen();
    vgw_log(VGW_LOG_INFO, NULL, "third", NULL);
    file_text(old, text, sizeof text);
    cr_expect(strstr(text, "first\n") && strstr(text, "second\n") && !strstr(text, "third"));
    file_text(path, text, sizeof text);
    cr_expect(strstr(text, "third\n") && !strstr(text, "second"));
    cr_expect_eq(vgw_log_open(VGW_LOG_TEXT, "/nonexistent/x.log", VGW_LOG_INFO, &err), VGW_ECONFIG);
    cr_expect_str_eq(err.place, "log.target");
    cr_expect_eq(vgw_log_open(VGW_LOG_TEXT, "stderr", VGW_LOG_INFO, &err), 0);
    unlink(path);
    unlink(old);
    rmdir(dir);
}

Test(base_log, a_line_that_cannot_be_made_is_counted)
{
    struct vgw_error err;
    cr_assert_eq(vgw_log_open(VGW_LOG_TEXT, "/dev/null", VGW_LOG_INFO, &err), 0);
    vgw_log_capture(on_line, NULL);
    char *huge = vgw_calloc(200001, 1);
    memset(huge, 'x', 200000);
    vgw_audit("big", "k", huge, NULL);
    cr_expect_eq(lines, 0);
    struct vgw_metric *m = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_dropped_total", NULL, "what");
    cr_expect_eq(vgw_metric_value(m, "log", NULL, NULL), 1);
    vgw_free(huge);
}
