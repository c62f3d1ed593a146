#include "ctl/csv.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

int vgw_ctl_csv_next(FILE *in, struct vgw_buf *record, size_t *inout_line, size_t *ret_line)
{
    bool quoted = false, too_long = false, any = false;
    int c = 0;
    vgw_buf_reset(record);
    *ret_line = *inout_line + 1;
    while ((c = getc(in)) != EOF) {
        any = true;
        quoted = quoted != (c == '"');
        *inout_line += c == '\n';
        if (c == '\n' && (!quoted || too_long)) {
            if (too_long)
                return VGW_EINVALID;
            if (record->len && record->data[record->len - 1] == '\r')
                record->data[--record->len] = '\0';
            if (record->len)
                return 1;
            *ret_line = *inout_line + 1;
            continue;
        }
        if (record->len < VGW_CTL_CSV_RECORD_MAX)
            vgw_buf_addc(record, (char)c);
        else
            too_long = true;
    }
    *inout_line += any && record->len;
    if (too_long)
        return VGW_EINVALID;
    return record->len ? 1 : 0;
}

/* The field at *at, without its quotes. */
static int next_field(const char *s, size_t len, size_t *at, struct vgw_buf *out, struct vgw_error *err)
{
    size_t i = *at;
    vgw_buf_reset(out);
    if (i < len && s[i] == '"') {
        for (i++; i < len && (s[i] != '"' || (i + 1 < len && s[i + 1] == '"')); i++) {
            i += s[i] == '"';
            vgw_buf_addc(out, s[i]);
        }
        if (i >= len)
            return vgw_error_set(err, VGW_EINVALID, "a quote is opened and not closed");
        i++;
        if (i < len && s[i] != ',')
            return vgw_error_set(err, VGW_EINVALID, "text follows a closing quote; a quote in a text is written twice");
    } else {
        for (; i < len && s[i] != ','; i++)
            vgw_buf_addc(out, s[i]);
    }
    *at = i;
    return VGW_OK;
}

int vgw_ctl_csv_fields(const char *record, size_t len, struct vgw_json **ret_fields, struct vgw_error *err)
{
    struct vgw_json *fields = vgw_json_array();
    struct vgw_buf field;
    size_t at = 0;
    int rc = fields ? VGW_OK : vgw_error_nomem(err);
    vgw_buf_init(&field, 0);
    if (rc == VGW_OK && !vgw_utf8_valid(record, len))
        rc = vgw_error_set(err, VGW_EINVALID, "it is no UTF-8; save the file in that encoding");
    while (rc == VGW_OK) {
        rc = next_field(record, len, &at, &field, err);
        if (rc == VGW_OK && vgw_json_count(fields) >= VGW_CTL_CSV_FIELDS_MAX)
            rc = vgw_error_set(err, VGW_EINVALID, "it has more than 200 fields");
        if (rc == VGW_OK && vgw_json_append(fields, vgw_json_stringn(vgw_buf_str(&field), field.len)) != VGW_OK)
            rc = vgw_error_nomem(err);
        if (at >= len)
            break;
        at++;
    }
    vgw_buf_done(&field);
    if (rc == VGW_OK)
        *ret_fields = fields;
    else
        vgw_json_free(fields);
    return rc;
}
