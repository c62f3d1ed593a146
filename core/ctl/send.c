/* send.c - messages: one, or a file of them in chunks. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "ctl/csv.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

#define CHUNK_MESSAGES 500u
#define CHUNK_BYTES (180u << 10) /* below what the gateway takes as one body */

struct upload {
    struct vgw_ctl *ctl;
    const char *file;
    char key[64];
    struct vgw_json *columns;
    struct vgw_json *messages;
    size_t lines[CHUNK_MESSAGES]; /* of the messages */
    size_t bytes;
    size_t accepted, refused;
    int code;
};

static void wrong(struct upload *u, size_t line, const char *field, const char *detail)
{
    struct vgw_buf text, safe;
    vgw_buf_init(&text, 0);
    vgw_buf_init(&safe, 0);
    vgw_buf_printf(&text, "%s:%zu: %s%s%s", u->file, line, field ? field : "", field && *field ? ": " : "", detail);
    vgw_ctl_text_write(&safe, vgw_buf_str(&text));
    fprintf(stderr, "%s\n", vgw_buf_str(&safe));
    vgw_buf_done(&text);
    vgw_buf_done(&safe);
}

/* Columns that are fields of a message; all others are the lead's. */
static bool own_column(const char *name)
{
    static const char *const own[] = {"to",           "content", "message_type", "channel",        "schedule",
                                      "timezone",     "from",    "lead_id",      "language",       "voice_id",
                                      "voice_config", "user",    "campaign_id",  "idempotency_key"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (vgw_streq(own[i], name))
            return true;
    return false;
}

static bool number_column(const char *name)
{
    return vgw_streq(name, "to") || vgw_streq(name, "phone") || vgw_streq(name, "phone_number") ||
           vgw_streq(name, "number");
}

static void flush(struct upload *u)
{
    struct vgw_json *body = vgw_ctl_body(u->ctl), *answer = NULL;
    size_t n = vgw_json_count(u->messages);
    if (!n || !body || u->code != VGW_CTL_OK) {
        vgw_json_free(body);
        return;
    }
    vgw_json_set_string(body, "source", "csv");
    vgw_json_set(body, "messages", u->messages);
    u->messages = vgw_json_array();
    u->bytes = 0;
    u->code = vgw_ctl_ask(u->ctl, "POST", "/messages/bulk", body, &answer);
    if (u->code != VGW_CTL_OK)
        return;
    u->accepted += (size_t)vgw_json_get_int(answer, "accepted", 0);
    u->refused += (size_t)vgw_json_get_int(answer, "refused", 0);
    const struct vgw_json *errors = vgw_json_get(answer, "errors");
    for (size_t i = 0; i < vgw_json_count(errors); i++) {
        const struct vgw_json *e = vgw_json_at(errors, i);
        int64_t at = vgw_json_get_int(e, "index", 0);
        wrong(u, at >= 0 && (size_t)at < n ? u->lines[at] : 0, vgw_json_get_string(e, "field", ""),
              vgw_json_get_string(e, "detail", ""));
    }
    vgw_json_free(answer);
}

static struct vgw_json *message_of(const struct upload *u, const struct vgw_json *fields, size_t line)
{
    struct vgw_json *m = vgw_json_object(), *lead = vgw_json_object();
    struct vgw_buf key = {0};
    for (size_t i = 0; m && lead && i < vgw_json_count(fields); i++) {
        const char *name = vgw_json_str(vgw_json_at(u->columns, i)), *value = vgw_json_str(vgw_json_at(fields, i));
        if (!*value)
            continue;
        if (own_column(name))
            vgw_json_set_string(m, name, value);
        else
            vgw_json_set_string(lead, name, value);
    }
    vgw_buf_printf(&key, "%s:%zu", u->key, line);
    if (!vgw_json_has(m, "idempotency_key"))
        vgw_json_set_string(m, "idempotency_key", vgw_buf_str(&key));
    vgw_json_set(m, "lead", lead);
    vgw_buf_done(&key);
    return m;
}

static void take(struct upload *u, const struct vgw_buf *record, size_t line)
{
    struct vgw_json *fields = NULL;
    struct vgw_error err = {0};
    size_t wanted = vgw_json_count(u->columns);
    int rc = vgw_ctl_csv_fields(vgw_buf_str(record), record->len, &fields, &err);
    if (rc == VGW_OK && vgw_json_count(fields) != wanted)
        rc =
            vgw_error_set(&err, VGW_EINVALID, "it has %zu fields, the heading has %zu", vgw_json_count(fields), wanted);
    if (rc != VGW_OK) {
        u->refused++;
        wrong(u, line, NULL, err.text);
    } else {
        if (vgw_json_count(u->messages) == CHUNK_MESSAGES || u->bytes + 3 * record->len > CHUNK_BYTES)
            flush(u);
        u->lines[vgw_json_count(u->messages)] = line;
        u->bytes += 3 * record->len + 64; /* names and escapes */
        vgw_json_append(u->messages, message_of(u, fields, line));
    }
    vgw_json_free(fields);
}

/* False: told. */
static bool read_heading(struct upload *u, FILE *in, struct vgw_buf *record, size_t *lines)
{
    struct vgw_error err = {0};
    size_t line;
    bool number = false;
    int rc = vgw_ctl_csv_next(in, record, lines, &line);
    if (rc != 1) {
        u->code = vgw_ctl_fail(VGW_CTL_USAGE, "%s: the file is empty; its first line names the columns", u->file);
        return false;
    }
    bool mark = record->len >= 3 && memcmp(record->data, "\xef\xbb\xbf", 3) == 0;
    if (vgw_ctl_csv_fields(record->data + (mark ? 3 : 0), record->len - (mark ? 3 : 0), &u->columns, &err) != VGW_OK) {
        u->code = vgw_ctl_fail(VGW_CTL_USAGE, "%s:1: %s", u->file, err.text);
        return false;
    }
    for (size_t i = 0; i < vgw_json_count(u->columns); i++)
        number |= number_column(vgw_json_str(vgw_json_at(u->columns, i)));
    if (!number)
        u->code = vgw_ctl_fail(VGW_CTL_USAGE,
                               "%s:1: no column is called to, phone, phone_number or number; the columns "
                               "are named in the first line, with commas between",
                               u->file);
    return number;
}

static int send_file(struct vgw_ctl *ctl, const char *file)
{
    struct upload u = {.ctl = ctl, .file = file, .messages = vgw_json_array()};
    FILE *in = vgw_streq(file, "-") ? stdin : fopen(file, "re");
    const char *key = vgw_ctl_args_value(&ctl->args, "key");
    struct vgw_buf record, name = {0};
    size_t lines = 0, line;
    uint8_t bits[10];
    int rc;
    if (!in) {
        vgw_json_free(u.messages);
        return vgw_ctl_fail(VGW_CTL_USAGE, "%s cannot be opened", file);
    }
    vgw_random_bytes(bits, sizeof bits);
    vgw_hex_encode(&name, bits, sizeof bits);
    vgw_strcopy(u.key, sizeof u.key, key ? key : vgw_buf_str(&name));
    vgw_buf_init(&record, VGW_CTL_CSV_RECORD_MAX + 1);
    if (read_heading(&u, in, &record, &lines)) {
        while (u.code == VGW_CTL_OK && (rc = vgw_ctl_csv_next(in, &record, &lines, &line)) != 0) {
            if (rc == 1) {
                take(&u, &record, line);
            } else {
                u.refused++;
                wrong(&u, line, NULL, "it is longer than 65536 bytes");
            }
        }
        flush(&u);
        printf("%zu accepted, %zu refused\n", u.accepted, u.refused);
        if (u.code != VGW_CTL_OK)
            fprintf(stderr, "what was accepted is sent; --key %s goes on where this ended, and sends nothing twice\n",
                    u.key);
    }
    if (in != stdin)
        fclose(in);
    vgw_buf_done(&record);
    vgw_buf_done(&name);
    vgw_json_free(u.columns);
    vgw_json_free(u.messages);
    return u.code != VGW_CTL_OK ? u.code : u.refused ? VGW_CTL_REFUSED : VGW_CTL_OK;
}

static void print_message(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column fields[] = {{"message", "message_id", VGW_CTL_PLAIN},
                                                   {"thread", "thread_id", VGW_CTL_PLAIN},
                                                   {"campaign", "campaign_id", VGW_CTL_PLAIN},
                                                   {"to", "to", VGW_CTL_PLAIN},
                                                   {"status", "status", VGW_CTL_PLAIN},
                                                   {"outcome", "outcome", VGW_CTL_PLAIN},
                                                   {"due", "due_at", VGW_CTL_TIME},
                                                   {"call", "call_id", VGW_CTL_PLAIN},
                                                   {"error", "error", VGW_CTL_PLAIN},
                                                   {"cost", "cost", VGW_CTL_PLAIN},
                                                   {"currency", "currency", VGW_CTL_PLAIN},
                                                   {"content", "content", VGW_CTL_PLAIN},
                                                   {"transcript", "transcript", VGW_CTL_PLAIN},
                                                   {NULL, NULL, VGW_CTL_PLAIN}};
    static const struct vgw_ctl_column columns[] = {{"ATTEMPT", "attempt", VGW_CTL_PLAIN},
                                                    {"PROVIDER", "provider", VGW_CTL_PLAIN},
                                                    {"STARTED", "started_at", VGW_CTL_TIME},
                                                    {"OUTCOME", "outcome", VGW_CTL_PLAIN},
                                                    {"CALL", "call_id", VGW_CTL_PLAIN},
                                                    {"ERROR", "error", VGW_CTL_PLAIN},
                                                    {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_fields(answer, fields);
    if (vgw_json_count(vgw_json_get(answer, "attempts")))
        vgw_ctl_print_list(answer, "attempts", columns);
}

static void print_messages(const struct vgw_json *answer)
{
    static const struct vgw_ctl_column columns[] = {
        {"MESSAGE", "message_id", VGW_CTL_PLAIN},     {"TO", "to", VGW_CTL_PLAIN},
        {"STATUS", "status", VGW_CTL_PLAIN},          {"OUTCOME", "outcome", VGW_CTL_PLAIN},
        {"ATTEMPTS", "attempts_made", VGW_CTL_PLAIN}, {"PROVIDER", "provider", VGW_CTL_PLAIN},
        {"CREATED", "created_at", VGW_CTL_TIME},      {NULL, NULL, VGW_CTL_PLAIN}};
    vgw_ctl_print_list(answer, "messages", columns);
}

int vgw_ctl_messages(struct vgw_ctl *ctl)
{
    const char *id = ctl->args.word_count ? ctl->args.words[0] : NULL;
    char *path = vgw_ctl_path(ctl, "/messages", id, "");
    int code = vgw_ctl_show(ctl, "GET", path, NULL, id ? print_message : print_messages);
    vgw_free(path);
    return code;
}

int vgw_ctl_send(struct vgw_ctl *ctl)
{
    const struct vgw_ctl_args *args = &ctl->args;
    const char *file = vgw_ctl_args_value(args, "csv");
    if (file)
        return args->word_count ? vgw_ctl_fail(VGW_CTL_USAGE, "send takes a file or a number, not both")
                                : send_file(ctl, file);
    if (!args->word_count)
        return vgw_ctl_fail(VGW_CTL_USAGE, "send wants --csv FILE, or a number and a text");
    struct vgw_json *body = vgw_ctl_body(ctl);
    struct vgw_buf text = {0};
    for (size_t i = 1; i < args->word_count; i++)
        vgw_buf_printf(&text, "%s%s", i > 1 ? " " : "", args->words[i]);
    if (body) {
        vgw_json_set_string(body, "to", args->words[0]);
        if (text.len)
            vgw_json_set_string(body, "content", vgw_buf_str(&text));
        if (vgw_ctl_args_value(args, "key"))
            vgw_json_set_string(body, "idempotency_key", vgw_ctl_args_value(args, "key"));
    }
    vgw_buf_done(&text);
    return body ? vgw_ctl_show(ctl, "POST", "/messages", body, print_message) : VGW_CTL_REFUSED;
}
