/* error.c - the table of statuses and the sentence that goes with one. */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct vgw_status_info statuses[] = {
    {VGW_OK, "ok", "", 200, false},
    {VGW_EINVALID, "invalid", "validation", 422, false},
    {VGW_ECONFIG, "config", "configuration", 422, false},
    {VGW_EUNSUPPORTED, "unsupported", "unsupported", 501, false},
    {VGW_ENOTFOUND, "not_found", "not_found", 404, false},
    {VGW_EBUSY, "busy", "busy", 409, true},
    {VGW_ELIMIT, "limit", "limit", 503, true},
    {VGW_ERATELIMIT, "rate_limit", "rate_limit", 429, true},
    {VGW_ETIMEOUT, "timeout", "network", 504, true},
    {VGW_ENETWORK, "network", "network", 502, true},
    {VGW_EAUTH, "auth", "authentication", 502, false},
    {VGW_EPROVIDER, "provider", "provider", 502, false},
    {VGW_ESTORAGE, "storage", "storage", 503, true},
    {VGW_EINTERNAL, "internal", "internal", 500, false},
};
#define STATUS_COUNT (sizeof statuses / sizeof *statuses)

const struct vgw_status_info *vgw_status_info(int status)
{
    for (size_t i = 0; i < STATUS_COUNT; i++)
        if (statuses[i].status == status)
            return &statuses[i];
    return &statuses[STATUS_COUNT - 1];
}

int vgw_status_from_class(const char *error_class)
{
    if (!error_class || !*error_class)
        return VGW_EINTERNAL;
    /* A timeout and a broken network share their class: the class alone means the network. */
    if (!strcmp(error_class, "network"))
        return VGW_ENETWORK;
    for (size_t i = 0; i < STATUS_COUNT; i++)
        if (!strcmp(statuses[i].error_class, error_class))
            return statuses[i].status;
    return VGW_EINTERNAL;
}

/* A character that the limit has cut in two would make the sentence invalid UTF-8. */
static void trim_partial_char(char *text, size_t len)
{
    size_t lead = len;
    while (lead > 0 && len - lead < 3 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80)
        lead--;
    if (lead == 0)
        return;
    unsigned char c = (unsigned char)text[lead - 1];
    size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    if (need > len - lead + 1)
        text[lead - 1] = '\0';
}

__attribute__((format(printf, 4, 0))) static int fill(struct vgw_error *err, int status, const char *place,
                                                      const char *fmt, va_list ap)
{
    if (!err)
        return status;
    /* The arguments may point into err itself (its old text quoted in the new one). */
    char text[VGW_ERROR_TEXT_MAX];
    char where[sizeof err->place];
    int n = vsnprintf(text, sizeof text, fmt, ap);
    if (n < 0)
        text[0] = '\0';
    else if ((size_t)n >= sizeof text)
        trim_partial_char(text, sizeof text - 1);
    n = snprintf(where, sizeof where, "%s", place ? place : "");
    if (n >= (int)sizeof where)
        trim_partial_char(where, sizeof where - 1);
    err->status = status;
    memcpy(err->text, text, sizeof text);
    memcpy(err->place, where, sizeof where);
    return status;
}

int vgw_error_set(struct vgw_error *err, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, status, "", fmt, ap);
    va_end(ap);
    return status;
}

int vgw_error_at(struct vgw_error *err, int status, const char *place, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fill(err, status, place, fmt, ap);
    va_end(ap);
    return status;
}

int vgw_error_nomem(struct vgw_error *err)
{
    return vgw_error_set(err, VGW_ELIMIT, "out of memory");
}

int vgw_error_prefix(struct vgw_error *err, const char *fmt, ...)
{
    if (!err)
        return VGW_EINTERNAL;
    char prefix[VGW_ERROR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    if (n < 0)
        prefix[0] = '\0';
    char place[sizeof err->place];
    memcpy(place, err->place, sizeof place);
    return vgw_error_at(err, err->status, place, "%s: %s", prefix, err->text);
}
