/* args.c - words and options of one command line. */
#include "ctl/args.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

#define NAMES_MAX 32

static const struct vgw_ctl_option *find(const struct vgw_ctl_option *options, const char *name, size_t len)
{
    for (const struct vgw_ctl_option *o = options; o && o->name; o++) {
        if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
            return o;
    }
    return NULL;
}

static int unknown(const struct vgw_ctl_option *options, const char *word, size_t len, struct vgw_error *err)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    char *name = vgw_strndup(word, len);
    for (const struct vgw_ctl_option *o = options; o && o->name && count < NAMES_MAX; o++)
        names[count++] = o->name;
    const char *near = name ? vgw_nearest(name, names, count) : NULL;
    if (near)
        vgw_error_set(err, VGW_EINVALID, "there is no option --%s; did you mean --%s?", name, near);
    else
        vgw_error_set(err, VGW_EINVALID, "there is no option --%s here", name ? name : word);
    vgw_free(name);
    return VGW_EINVALID;
}

static int give(struct vgw_ctl_args *args, const struct vgw_ctl_given *given, struct vgw_error *err)
{
    const struct vgw_ctl_option *o = given->option;
    double number;
    bool truth;
    if (args->given_count == VGW_CTL_GIVEN_MAX)
        return vgw_error_set(err, VGW_EINVALID, "at most %d options fit into one command", VGW_CTL_GIVEN_MAX);
    if (o && o->kind == VGW_CTL_NUMBER && !vgw_parse_double(given->value, &number))
        return vgw_error_set(err, VGW_EINVALID, "--%s takes a number, not '%s'", o->name, given->value);
    if (o && o->kind == VGW_CTL_BOOL && !vgw_parse_bool(given->value, &truth))
        return vgw_error_set(err, VGW_EINVALID, "--%s takes yes or no, not '%s'", o->name, given->value);
    if (o && o->kind == VGW_CTL_PAIR && (!strchr(given->value, '=') || given->value[0] == '='))
        return vgw_error_set(err, VGW_EINVALID, "--%s takes KEY=VALUE, not '%s'", o->name, given->value);
    args->given[args->given_count++] = *given;
    return VGW_OK;
}

/* One option at argv[*at], which moves on when the value stands in the next argument. */
static int read_option(struct vgw_ctl_args *args, const struct vgw_ctl_option *options, bool free_options,
                       char *const *argv, size_t count, size_t *at, struct vgw_error *err)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    struct vgw_ctl_given given = {.option = find(options, name, len), .name = name, .name_len = len};
    bool next = *at + 1 < count;
    given.value = equals ? equals + 1 : NULL;
    if (!len || (!given.option && !free_options))
        return unknown(options, name, len, err);
    if (given.option && given.option->kind == VGW_CTL_FLAG) {
        if (equals)
            return vgw_error_set(err, VGW_EINVALID, "--%s takes no value", given.option->name);
        given.value = "true";
    } else if (!equals && next && (given.option || !vgw_starts_with(argv[*at + 1], "--"))) {
        given.value = argv[++*at];
    } else if (!equals && given.option) {
        return vgw_error_set(err, VGW_EINVALID, "--%s needs a value: --%s %s", given.option->name, given.option->name,
                             given.option->value);
    } else if (!equals) {
        given.value = "true";
    }
    return give(args, &given, err);
}

int vgw_ctl_args_read(struct vgw_ctl_args *args, const struct vgw_ctl_option *options, bool free_options,
                      char *const *argv, size_t count, struct vgw_error *err)
{
    bool plain = false;
    *args = (struct vgw_ctl_args){0};
    for (size_t i = 0; i < count; i++) {
        const char *word = argv[i];
        if (!plain && vgw_streq(word, "--")) {
            plain = true;
        } else if (!plain && vgw_starts_with(word, "--")) {
            int rc = read_option(args, options, free_options, argv, count, &i, err);
            if (rc < 0)
                return rc;
        } else if (!plain && word[0] == '-' && word[1]) {
            return vgw_error_set(err, VGW_EINVALID,
                                 "there is no option %s here; what begins with a dash goes behind --", word);
        } else if (args->word_count == VGW_CTL_WORDS_MAX) {
            return vgw_error_set(err, VGW_EINVALID, "at most %d words fit into one command; put a text in quotes",
                                 VGW_CTL_WORDS_MAX);
        } else {
            args->words[args->word_count++] = word;
        }
    }
    return VGW_OK;
}

const char *vgw_ctl_args_value(const struct vgw_ctl_args *args, const char *name)
{
    for (size_t i = args->given_count; i-- > 0;) {
        const struct vgw_ctl_given *g = &args->given[i];
        if (g->option && strcmp(g->option->name, name) == 0)
            return g->value;
    }
    return NULL;
}

static int set_pair(struct vgw_json *body, const char *field, const char *pair)
{
    struct vgw_json *object = vgw_json_get(body, field);
    const char *equals = strchr(pair, '=');
    char *key = vgw_strndup(pair, (size_t)(equals - pair));
    int rc = key ? VGW_OK : VGW_ELIMIT;
    if (rc == VGW_OK && !object)
        rc = vgw_json_set(body, field, vgw_json_object());
    if (rc == VGW_OK)
        rc = vgw_json_set_string(vgw_json_get(body, field), key, equals + 1);
    vgw_free(key);
    return rc;
}

int vgw_ctl_args_to_body(const struct vgw_ctl_args *args, struct vgw_json *body, struct vgw_error *err)
{
    int rc = body ? VGW_OK : VGW_ELIMIT;
    for (size_t i = 0; rc == VGW_OK && i < args->given_count; i++) {
        const struct vgw_ctl_given *g = &args->given[i];
        const char *field = g->option ? g->option->field : NULL;
        double number = 0;
        bool truth = false;
        if (!field)
            continue;
        if (g->option->kind == VGW_CTL_NUMBER && vgw_parse_double(g->value, &number))
            rc = vgw_json_set_double(body, field, number);
        else if (g->option->kind == VGW_CTL_PAIR)
            rc = set_pair(body, field, g->value);
        else if (g->option->kind == VGW_CTL_TEXT)
            rc = vgw_json_set_string(body, field, g->value);
        else if (vgw_parse_bool(g->value, &truth))
            rc = vgw_json_set_bool(body, field, truth);
    }
    return rc == VGW_OK ? rc : vgw_error_nomem(err);
}

int vgw_ctl_args_free_to(const struct vgw_ctl_args *args, struct vgw_json *object, struct vgw_error *err)
{
    int rc = object ? VGW_OK : VGW_ELIMIT;
    for (size_t i = 0; rc == VGW_OK && i < args->given_count; i++) {
        const struct vgw_ctl_given *g = &args->given[i];
        char *name = g->option ? NULL : vgw_strndup(g->name, g->name_len);
        if (g->option)
            continue;
        rc = name ? vgw_json_set_string(object, name, g->value) : VGW_ELIMIT;
        vgw_free(name);
    }
    return rc == VGW_OK ? rc : vgw_error_nomem(err);
}

void vgw_ctl_args_to_query(const struct vgw_ctl_args *args, struct vgw_buf *path)
{
    const char *data = vgw_buf_str(path);
    char mark = strchr(data, '?') ? '&' : '?';
    for (size_t i = 0; i < args->given_count; i++) {
        const struct vgw_ctl_given *g = &args->given[i];
        if (g->option && !g->option->field)
            continue;
        char *name = g->option ? vgw_strdup(g->option->field) : vgw_strndup(g->name, g->name_len);
        vgw_buf_addc(path, mark);
        vgw_url_encode(path, name ? name : "");
        vgw_buf_addc(path, '=');
        vgw_url_encode(path, g->value);
        vgw_free(name);
        mark = '&';
    }
}
