/* params.c - may these parameters be sent with a command? Pure. */
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"

#define TEXT_MAX_BYTES 10000
#define URL_MAX_BYTES 2048
#define DIGITS_MAX 64
#define DURATION_MAX_S 86400

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

static int check_url(const struct vgw_json *params, const char *key, struct vgw_error *err)
{
    int status = check_text(params, key, URL_MAX_BYTES, err);
    if (status != VGW_OK)
        return status;
    const char *url = vgw_json_get_string(params, key, "");
    for (const char *p = url; *p; p++) {
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return vgw_error_at(err, VGW_EINVALID, key,
                                "%s holds a space or a control character; it must be percent-encoded", key);
    }
    return VGW_OK;
}

bool vgw_command_duration_us(const struct vgw_json *params, const char *key, int64_t *ret_us)
{
    const struct vgw_json *v = vgw_json_get(params, key);
    double seconds = vgw_json_as_double(v, -1);
    int64_t us;
    if (vgw_json_str(v)
            ? !vgw_parse_duration_us(vgw_json_str(v), &us)
            : !(seconds > 0 && seconds <= DURATION_MAX_S) || (us = (int64_t)(seconds * (double)VGW_US_PER_S)) <= 0)
        return false;
    if (us <= 0 || us > DURATION_MAX_S * VGW_US_PER_S)
        return false;
    *ret_us = us;
    return true;
}

static int check_durations(const struct vgw_json *params, const char *const *keys, bool needed, struct vgw_error *err)
{
    int64_t us;
    for (; *keys; keys++) {
        if ((needed || vgw_json_has(params, *keys)) && !vgw_command_duration_us(params, *keys, &us))
            return vgw_error_at(err, VGW_EINVALID, *keys, "%s must be a duration such as 5s, up to a day", *keys);
    }
    return VGW_OK;
}

static int check_dial(const struct vgw_json *params, struct vgw_error *err)
{
    static const char *const durations[] = {"timeout", "max_duration", NULL};
    const char *from = vgw_json_get_string(params, "from", NULL);
    if (!vgw_party_valid(vgw_json_get_string(params, "to", NULL)))
        return vgw_error_at(err, VGW_EINVALID, "to",
                            "to must be a phone number (+15551234567), a sip: address or a provider's name");
    if (from && *from && !vgw_party_valid(from))
        return vgw_error_at(err, VGW_EINVALID, "from",
                            "from must be a phone number (+15551234567), a sip: address or a provider's name");
    return check_durations(params, durations, false, err);
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

static int check_monitor(const struct vgw_json *params, struct vgw_error *err)
{
    const char *mode = vgw_json_get_string(params, "mode", "listen");
    if (!vgw_streq(mode, "listen") && !vgw_streq(mode, "whisper") && !vgw_streq(mode, "barge"))
        return vgw_error_at(err, VGW_EINVALID, "mode", "mode is %s; it must be listen, whisper or barge", mode);
    return check_text(params, "call", VGW_CALLS_PROVIDER_ID_MAX, err);
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
    int status;
    if (params && vgw_json_type(params) != VGW_JSON_OBJECT)
        return vgw_error_set(err, VGW_EINVALID, "the parameters of %s must be an object", vgw_command_name(command));
    switch (command) {
    case VGW_CMD_PLAY:
        return check_url(params, "url", err);
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
    case VGW_CMD_MONITOR:
        return check_monitor(params, err);
    case VGW_CMD_CONFERENCE:
        return check_text(params, "name", VGW_CALLS_PARTY_MAX, err);
    case VGW_CMD_DIAL:
        return check_dial(params, err);
    case VGW_CMD_ENQUEUE:
        status = check_text(params, "queue", VGW_CALLS_PARTY_MAX, err);
        return status == VGW_OK && vgw_json_has(params, "wait_url") ? check_url(params, "wait_url", err) : status;
    case VGW_CMD_REDIRECT:
        return check_url(params, "url", err);
    case VGW_CMD_PAUSE:
        return check_durations(params, (const char *const[]){"duration", NULL}, true, err);
    case VGW_CMD_RECORD_MESSAGE:
        return check_durations(params, (const char *const[]){"max_duration", "silence", NULL}, false, err);
    default:
        return VGW_OK;
    }
}
