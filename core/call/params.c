/* params.c - may these parameters be sent with a command? Pure. */
#include <string.h>

#include "base/str.h"
#include "call/inside.h"

#define TEXT_MAX_BYTES 10000
#define URL_MAX_BYTES 2048
#define DIGITS_MAX 64

bool vgw_party_valid(const char *s)
{
    size_t len = s ? strlen(s) : 0;
    if (len == 0 || len > VGW_CALLS_PARTY_MAX || !vgw_utf8_valid(s, len))
        return false;
    for (; *s; s++) {
        if ((unsigned char)*s <= ' ' || *s == 0x7f)
            return false;
    }
    return true;
}

static int check_text(const struct vgw_json *params, const char *key, size_t max, struct vgw_error *err)
{
    const char *text = vgw_json_get_string(params, key, NULL);
    if (!text || !*text)
        return vgw_error_at(err, VGW_EINVALID, key, "%s is missing; it must be a text", key);
    if (strlen(text) > max)
        return vgw_error_at(err, VGW_EINVALID, key, "%s is too long; at most %zu bytes are allowed", key, max);
    return VGW_OK;
}

static int check_url(const struct vgw_json *params, struct vgw_error *err)
{
    int status = check_text(params, "url", URL_MAX_BYTES, err);
    if (status != VGW_OK)
        return status;
    const char *url = vgw_json_get_string(params, "url", "");
    for (const char *p = url; *p; p++) {
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return vgw_error_at(err, VGW_EINVALID, "url",
                                "url holds a space or a control character; it must be percent-encoded");
    }
    return VGW_OK;
}

static int check_digits(const struct vgw_json *params, struct vgw_error *err)
{
    int status = check_text(params, "digits", DIGITS_MAX, err);
    if (status != VGW_OK)
        return status;
    const char *digits = vgw_json_get_string(params, "digits", "");
    if (digits[strspn(digits, "0123456789*#ABCDabcdwW,")] != '\0')
        return vgw_error_at(err, VGW_EINVALID, "digits",
                            "digits may hold 0 to 9, *, #, A to D, and w or a comma for a pause");
    return VGW_OK;
}

static int check_transfer(const struct vgw_json *params, struct vgw_error *err)
{
    const char *kind = vgw_json_get_string(params, "kind", "blind");
    if (!vgw_party_valid(vgw_json_get_string(params, "to", NULL)))
        return vgw_error_at(err, VGW_EINVALID, "to",
                            "to must be a phone number (+15551234567), a sip: address or a provider's name");
    if (!vgw_streq(kind, "blind") && !vgw_streq(kind, "attended"))
        return vgw_error_at(err, VGW_EINVALID, "kind", "kind is %s; it must be blind or attended", kind);
    return VGW_OK;
}

static int check_gather(const struct vgw_json *params, struct vgw_error *err)
{
    const char *input = vgw_json_get_string(params, "input", NULL);
    int64_t digits = vgw_json_get_int(params, "num_digits", 0);
    if (vgw_json_has(params, "num_digits") && (digits < 1 || digits > DIGITS_MAX))
        return vgw_error_at(err, VGW_EINVALID, "num_digits", "num_digits must be 1 to %d", DIGITS_MAX);
    if (input && !strstr(input, "speech") && !strstr(input, "dtmf"))
        return vgw_error_at(err, VGW_EINVALID, "input", "input is %s; it must be speech, dtmf, or both", input);
    return VGW_OK;
}

int vgw_command_check_params(enum vgw_command command, const struct vgw_json *params, struct vgw_error *err)
{
    if (params && vgw_json_type(params) != VGW_JSON_OBJECT)
        return vgw_error_set(err, VGW_EINVALID, "the parameters of %s must be an object", vgw_command_name(command));
    switch (command) {
    case VGW_CMD_PLAY:
        return check_url(params, err);
    case VGW_CMD_SAY:
        return check_text(params, "text", TEXT_MAX_BYTES, err);
    case VGW_CMD_DTMF:
        return check_digits(params, err);
    case VGW_CMD_TRANSFER:
        return check_transfer(params, err);
    case VGW_CMD_GATHER:
        return check_gather(params, err);
    case VGW_CMD_ASSISTANT:
        return vgw_json_get_string(params, "agent", NULL) ? VGW_OK
                                                          : check_text(params, "name", VGW_CALLS_PARTY_MAX, err);
    case VGW_CMD_CONFERENCE:
        return check_text(params, "name", VGW_CALLS_PARTY_MAX, err);
    default:
        return VGW_OK;
    }
}
