/* form.h - application/x-www-form-urlencoded, as webhooks bring it: decoded octet by octet, since signatures are made
 * over what was sent and not over what is fit to print. Pure; every function: any thread. */
#ifndef TWILIO_FORM_H
#define TWILIO_FORM_H
#include <stddef.h>
#include <stdint.h>

#define FORM_FIELDS_MAX 512u /* Twilio sends about 40 */

struct form_field {
    const char *name, *value; /* NUL-terminated; octets of any value, NUL too */
    size_t name_bytes, value_bytes;
};

/** A decoded form; begin with {0}. */
struct form {
    char *text;
    size_t count;
    struct form_field *fields; /* in the order of arrival */
};

/** Decodes a form. 0; or VOICEGW_EINVALID (a broken percent code, more than FORM_FIELDS_MAX fields) or VOICEGW_ELIMIT
 * and a constant sentence in *ret_why. form_done() frees it either way. */
int32_t form_parse(const char *text, size_t bytes, struct form *ret, const char **ret_why);
void form_done(struct form *form);

/** The first field of this name, or NULL. */
const struct form_field *form_find(const struct form *form, const char *name);
/** How many fields have this name. */
size_t form_count(const struct form *form, const char *name);
/** The field's text made fit for logs, JSON and numbers: at most `cap` - 1 bytes of valid UTF-8, cut at a character,
 * control characters as spaces, what is broken as '?'. "" when it is absent. Returns its length. */
size_t form_text(const struct form *form, const char *name, char *out, size_t cap);
/** The same for any octets. */
size_t form_clean(const char *text, size_t bytes, char *out, size_t cap);
/** A whole number, or `dflt`. */
int64_t form_int(const struct form *form, const char *name, int64_t dflt);
/** 1: the field is there and reads so. */
int form_is(const struct form *form, const char *name, const char *value);
/** A resource's id: 1 to 64 of letters, digits, '_', '-', '.'. 0, or VOICEGW_EINVALID and out is "": absent, there more
 * than once, or of another form. */
int32_t form_sid(const struct form *form, const char *name, char *out, size_t cap);
/** 1: fit for an id. */
int form_sid_valid(const char *text, size_t bytes);
#endif
