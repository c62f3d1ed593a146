/* args.h - words and options of one command line. Pure. */
#ifndef VGW_CTL_ARGS_H
#define VGW_CTL_ARGS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/json.h"

enum vgw_ctl_kind {
    VGW_CTL_TEXT,
    VGW_CTL_NUMBER,
    VGW_CTL_FLAG, /* takes no value */
    VGW_CTL_BOOL, /* yes or no */
    VGW_CTL_PAIR, /* KEY=VALUE, may be given again; becomes an object of strings */
};
struct vgw_ctl_option {
    const char *name;  /* without its dashes */
    const char *value; /* what the usage calls its value; NULL for a flag */
    const char *field; /* its name in the API's body or query; NULL: the command itself reads it */
    enum vgw_ctl_kind kind;
    const char *text;
};

#define VGW_CTL_WORDS_MAX 256
#define VGW_CTL_GIVEN_MAX 256
struct vgw_ctl_given {
    const struct vgw_ctl_option *option; /* NULL for free options */
    const char *name;                    /* of a free option, without its value: `name_len` bytes */
    size_t name_len;
    const char *value; /* "true" for flags */
};
/* Everything is borrowed from argv. */
struct vgw_ctl_args {
    const char *words[VGW_CTL_WORDS_MAX];
    size_t word_count;
    struct vgw_ctl_given given[VGW_CTL_GIVEN_MAX];
    size_t given_count;
};

/** Reads `count` arguments by a table of options (ended by a row without a name; NULL: none). "--name value",
 * "--name=value"; "--" ends the options. `free_options`: unknown options are taken as they are, "--name" alone being
 * "true". VGW_EINVALID with a sentence. */
int vgw_ctl_args_read(struct vgw_ctl_args *args, const struct vgw_ctl_option *options, bool free_options,
                      char *const *argv, size_t count, struct vgw_error *err);
/** The last value of an option, or NULL. */
const char *vgw_ctl_args_value(const struct vgw_ctl_args *args, const char *name);
/** Sets what was given in `body`, by the options' fields. */
int vgw_ctl_args_to_body(const struct vgw_ctl_args *args, struct vgw_json *body, struct vgw_error *err);
/** Sets the free options in `object`, as strings. */
int vgw_ctl_args_free_to(const struct vgw_ctl_args *args, struct vgw_json *object, struct vgw_error *err);
/** Appends "?a=b&c=d" to `path`: what was given, by the options' fields, and free options by their names. */
void vgw_ctl_args_to_query(const struct vgw_ctl_args *args, struct vgw_buf *path);
#endif
