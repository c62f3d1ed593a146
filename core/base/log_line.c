/* log_line.c - a line as text, as JSON and as a datagram for the journal. */
#include "base/log_line.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include <string.h>

#define AUDIT "AUDIT: "

/* A copy without secrets: masking comes before escaping, which would hide them from the search. */
static char *masked(const char *value)
{
    char *copy = vgw_strdup(value);
    if (copy)
        vgw_secret_mask(copy, strlen(copy));
    return copy;
}

static const char *shown(const char *copy)
{
    return copy ? copy : "***";
}

/* A sentence is not quoted, but it stays on its line. */
static void put_sentence(struct vgw_buf *out, const char *text)
{
    const char *end = text + strlen(text);
    for (const char *p = text; p < end;) {
        size_t n = vgw_utf8_char_len(p, (size_t)(end - p));
        if (n == 0 || (unsigned char)*p < 0x20 || *p == 0x7F || (n == 2 && !memcmp(p, "\xC2\x85", 2)) ||
            (n == 3 && (!memcmp(p, "\xE2\x80\xA8", 3) || !memcmp(p, "\xE2\x80\xA9", 3)))) {
            for (size_t i = 0; i < (n ? n : 1); i++)
                vgw_buf_printf(out, "\\x%02X", (unsigned)(unsigned char)p[i]);
        } else {
            vgw_buf_add(out, p, n);
        }
        p += n ? n : 1;
    }
}

/* "message key=value …", what a person reads in every format. */
static void put_readable(struct vgw_buf *out, const struct vgw_log_line *line)
{
    char *message = masked(line->message);
    if (line->audit)
        vgw_buf_adds(out, AUDIT);
    put_sentence(out, shown(message));
    vgw_free(message);
    for (size_t i = 0; i < line->count; i++) {
        char *value = masked(line->fields[i].value);
        vgw_buf_addc(out, ' ');
        put_sentence(out, line->fields[i].key);
        vgw_buf_addc(out, '=');
        vgw_kv_escape(out, shown(value));
        vgw_free(value);
    }
}

static void render_text(const struct vgw_log_line *line, struct vgw_buf *out)
{
    static const char *const names[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
    char time[VGW_TIME_TEXT];
    vgw_buf_printf(out, "%s %s ", vgw_time_format(line->wall_us, time), names[line->level]);
    put_readable(out, line);
    vgw_buf_addc(out, '\n');
}

static void put_json_string(struct vgw_buf *out, const char *key, const char *value)
{
    vgw_buf_addc(out, ',');
    vgw_json_quote(out, key, strlen(key));
    vgw_buf_addc(out, ':');
    vgw_json_quote(out, value, strlen(value));
}

static void put_json_message(struct vgw_buf *out, const char *prefix, const char *text)
{
    struct vgw_buf both = {.limit = VGW_LOG_LINE_MAX_BYTES};
    vgw_buf_adds(&both, prefix);
    vgw_buf_adds(&both, text);
    put_json_string(out, "message", vgw_buf_str(&both));
    vgw_buf_done(&both);
}

static void render_json(const struct vgw_log_line *line, struct vgw_buf *out)
{
    static const char *const ours[] = {"time", "level", "message", "audit"};
    char time[VGW_TIME_TEXT];
    char *message = masked(line->message);
    vgw_buf_printf(out, "{\"time\":\"%s\"", vgw_time_format(line->wall_us, time));
    put_json_string(out, "level", vgw_log_level_name(line->level));
    put_json_message(out, line->audit ? AUDIT : "", shown(message));
    if (line->audit)
        put_json_string(out, "audit", shown(message));
    vgw_free(message);
    for (size_t i = 0; i < line->count; i++) {
        char key[80] = "";
        for (size_t k = 0; k < sizeof ours / sizeof *ours; k++)
            if (vgw_streq(line->fields[i].key, ours[k]))
                vgw_strcopy(key, sizeof key, "field_"); /* a second "time" would hide the first */
        size_t n = strlen(key);
        vgw_strcopy(key + n, sizeof key - n, line->fields[i].key);
        char *value = masked(line->fields[i].value);
        put_json_string(out, key, shown(value));
        vgw_free(value);
    }
    vgw_buf_adds(out, "}\n");
}

/* Text with a newline has its length before it (64 bits, little endian) in place of the equals sign. */
static void put_journal_value(struct vgw_buf *out, const char *key, const char *value)
{
    size_t len = strlen(value);
    vgw_buf_adds(out, key);
    if (strchr(value, '\n')) {
        uint8_t size[8];
        for (int i = 0; i < 8; i++)
            size[i] = (uint8_t)((uint64_t)len >> (8 * i));
        vgw_buf_addc(out, '\n');
        vgw_buf_add(out, size, sizeof size);
    } else {
        vgw_buf_addc(out, '=');
    }
    vgw_buf_add(out, value, len);
    vgw_buf_addc(out, '\n');
}

static void put_journal_field(struct vgw_buf *out, const char *key, const char *value)
{
    /* The journal takes at most 64 of A-Z, 0-9 and _, and nothing that begins with _. */
    char name[65] = "VOICEGW_";
    size_t n = strlen(name);
    for (; *key && n < sizeof name - 1; key++) {
        char c = *key;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        name[n++] = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
    }
    name[n] = '\0';
    char *copy = masked(value);
    put_journal_value(out, name, shown(copy));
    vgw_free(copy);
}

static void render_journal(const struct vgw_log_line *line, struct vgw_buf *out)
{
    static const char *const priorities[] = {"3", "4", "6", "7"}; /* syslog(3) */
    struct vgw_buf readable = {.limit = VGW_LOG_LINE_MAX_BYTES};
    put_readable(&readable, line);
    put_journal_value(out, "MESSAGE", vgw_buf_str(&readable));
    vgw_buf_done(&readable);
    put_journal_value(out, "PRIORITY", priorities[line->level]);
    put_journal_value(out, "SYSLOG_IDENTIFIER", "voicegwd");
    if (line->audit)
        put_journal_field(out, "audit", line->message);
    for (size_t i = 0; i < line->count; i++)
        put_journal_field(out, line->fields[i].key, line->fields[i].value);
}

void vgw_log_render(enum vgw_log_format format, const struct vgw_log_line *line, struct vgw_buf *out)
{
    if (format == VGW_LOG_JSON)
        render_json(line, out);
    else if (format == VGW_LOG_JOURNAL)
        render_journal(line, out);
    else
        render_text(line, out);
}
