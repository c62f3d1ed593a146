/* fields.h - may a vendor be sent this object? Its fields as a table of rules; pure. */
#ifndef VOICEGW_PLUGIN_FIELDS_H
#define VOICEGW_PLUGIN_FIELDS_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/json.h"

#define FIELDS_PATH_MAX 160u

enum field_type {
    FIELD_TEXT,   /* of min to max bytes */
    FIELD_WORD,   /* one of `words` */
    FIELD_CHARS,  /* characters of `words`, at most max */
    FIELD_INT,    /* whole, min to max */
    FIELD_NUMBER, /* min to max */
    FIELD_BOOL,
    FIELD_PHONE,  /* E.164 */
    FIELD_URL,    /* http or https; `words`: the scheme that alone is taken */
    FIELD_OBJECT, /* members by their own rules, else by `path.*`; without either they are refused */
    FIELD_MAP,    /* members of any name, by the rule `path.*`, when there is one */
    FIELD_LIST,   /* at most max items, by the rule `path[]`, when there is one */
    FIELD_ANY
};

/** `path`: "voicemail.sms.from", "keywords[]", "tools[].name", "transfer_list.*". min and max both 0: no bound. */
struct field_rule {
    const char *path;
    enum field_type type;
    double min, max;
    const char *words; /* separated by spaces */
};

/** Holds an object against the rules; null members are as if absent. 0, or VOICEGW_EINVALID with a sentence in `why`
 * that names the field and its limit. */
int32_t fields_check(const struct field_rule *rules, size_t count, struct voicegw_json object, char *why, size_t cap);
/** One value by its rule's path. */
int32_t fields_check_value(const struct field_rule *rules, size_t count, const char *path, struct voicegw_json value,
                           char *why, size_t cap);
/** "+" and 7 to 15 digits, no 0 first. */
int fields_is_phone(const char *text);
/** A text without control characters, at most cap - 1 bytes, cut at a character's end: fit for a sentence. */
void fields_clean(const char *text, char *out, size_t cap);

#endif
