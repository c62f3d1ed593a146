/* load.c - finds, reads and joins the files of a configuration. */
#include "config/load.h"

#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "base/str.h"
#include "config/file.h"
#include "config/yaml.h"

struct loading {
    struct vgw_config_reader *reader;
    struct vgw_node *root;
    struct vgw_map *seen; /* real paths of the files read */
    int depth;
};

/* Parses and expands one file. `at` (may be NULL) is where it was asked for. */
static int read_documents(struct vgw_config_reader *reader, const char *path, const struct vgw_node *at,
                          struct vgw_node **ret_documents)
{
    char *text = NULL;
    size_t len = 0;
    struct vgw_error err = {0};
    struct vgw_node *docs = NULL;
    int rc = vgw_file_read(path, VGW_YAML_SIZE_MAX, &text, &len, &err);
    if (rc == VGW_ECONFIG)
        rc = at ? vgw_node_error(&reader->errors, at, "%s", err.text)
                : vgw_config_errors_add(&reader->errors, path, 0, 0, "%s; name a readable file", err.text);
    if (rc)
        goto out;
    reader->bytes += len;
    if (reader->bytes > VGW_CONFIG_BYTES_MAX) {
        rc = vgw_config_errors_add(&reader->errors, path, 0, 0,
                                   "all files together have more than %zu bytes; use fewer", VGW_CONFIG_BYTES_MAX);
        goto out;
    }
    rc = vgw_yaml_parse(path, text, len, &reader->errors, &docs);
    if (docs) {
        int more = vgw_config_expand(reader, docs);
        rc = more == VGW_ELIMIT || rc == 0 ? more : rc;
    }
    if (rc != VGW_ELIMIT) {
        *ret_documents = docs;
        docs = NULL;
    }
out:
    vgw_node_free(docs);
    if (text)
        explicit_bzero(text, len);
    vgw_free(text);
    return rc;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_wildcard(const char *s)
{
    return strpbrk(s, "*?[") != NULL;
}

/* Calls `fn` for each file that one pattern names. */
static int each_match(struct vgw_config_reader *reader, const struct vgw_node *pattern,
                      int (*fn)(const char *path, const struct vgw_node *at, void *arg), void *arg)
{
    const char *text = vgw_node_text(pattern);
    if (!text || !*text)
        return vgw_node_error(&reader->errors, pattern, "a file name or pattern is wanted here, found %s",
                              vgw_node_kind_name(pattern));
    char *path = vgw_file_beside(vgw_node_file(pattern), text);
    if (!path)
        return VGW_ELIMIT;
    int rc = 0;
    if (!has_wildcard(text)) {
        rc = fn(path, pattern, arg);
        vgw_free(path);
        return rc;
    }
    glob_t g = {0};
    int found = glob(path, GLOB_NOSORT | GLOB_NOESCAPE, NULL, &g);
    vgw_free(path);
    if (found == GLOB_NOSPACE)
        rc = VGW_ELIMIT;
    else if (found == 0 && g.gl_pathc > VGW_CONFIG_FILES_MAX)
        rc = vgw_node_error(&reader->errors, pattern, "'%s' matches %zu files, more than %d; use fewer", text,
                            (size_t)g.gl_pathc, VGW_CONFIG_FILES_MAX);
    else if (found == 0) {
        qsort(g.gl_pathv, g.gl_pathc, sizeof *g.gl_pathv, by_bytes);
        for (size_t i = 0; i < g.gl_pathc && rc != VGW_ELIMIT; i++) {
            int one = fn(g.gl_pathv[i], pattern, arg);
            rc = one ? one : rc;
        }
    }
    globfree(&g);
    return rc;
}

static bool is_joined_map(const char *key)
{
    static const char *const names[] = {"providers", "stt",         "tts",    "assistants",   "agents",
                                        "tools",     "departments", "queues", "voice_configs"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (vgw_streq(names[i], key))
            return true;
    }
    return false;
}

static bool is_joined_list(const char *key)
{
    return vgw_streq(key, "routes") || vgw_streq(key, "rules") || vgw_streq(key, "workflows") ||
           vgw_streq(key, "webhooks");
}

static void say_twice(struct vgw_config_reader *reader, const struct vgw_node *value, int line, int column,
                      const struct vgw_node *there, const char *what)
{
    struct vgw_buf place = {0};
    vgw_node_place(there, &place);
    vgw_config_errors_add(&reader->errors, vgw_node_file(value), line, column,
                          "%s stands at %s too; keep it in one place", what, vgw_buf_str(&place));
    vgw_buf_done(&place);
}

static int join_map(struct vgw_config_reader *reader, struct vgw_node *to, struct vgw_node *from, const char *section)
{
    int rc = 0;
    while (vgw_node_count(from) > 0) {
        int line = 0;
        int column = 0;
        char *key = vgw_strdup(vgw_node_key_at(from, 0, &line, &column));
        if (!key)
            return VGW_ELIMIT;
        struct vgw_node *value = vgw_node_take(from, key);
        const struct vgw_node *there = vgw_node_get(to, key);
        if (there) {
            struct vgw_buf what = {0};
            vgw_buf_printf(&what, "'%s' in '%s'", key, section);
            say_twice(reader, value, line, column, there, vgw_buf_str(&what));
            vgw_buf_done(&what);
            vgw_node_free(value);
            rc = VGW_ECONFIG;
        } else if (vgw_node_put(to, key, line, column, value)) {
            rc = VGW_ELIMIT;
        }
        vgw_free(key);
        if (rc == VGW_ELIMIT)
            return rc;
    }
    return rc;
}

/* Joins one top-level entry of a fragment. Takes `value`. */
static int join_entry(struct loading *l, const char *key, int line, int column, struct vgw_node *value)
{
    struct vgw_node *there = vgw_node_get(l->root, key);
    if (!there)
        return vgw_node_put(l->root, key, line, column, value);
    int rc = VGW_ECONFIG;
    bool maps = vgw_node_kind(there) == VGW_NODE_MAPPING && vgw_node_kind(value) == VGW_NODE_MAPPING;
    bool lists = vgw_node_kind(there) == VGW_NODE_SEQUENCE && vgw_node_kind(value) == VGW_NODE_SEQUENCE;
    if (is_joined_map(key) && maps) {
        rc = join_map(l->reader, there, value, key);
    } else if (is_joined_list(key) && lists) {
        rc = vgw_node_move_items(there, value);
    } else if ((is_joined_map(key) || is_joined_list(key)) && !vgw_node_is_null(value) && !vgw_node_is_null(there)) {
        vgw_node_error(
            &l->reader->errors, value, "'%s' must be %s in every file, so that they can be joined; found %s and %s",
            key, is_joined_map(key) ? "a mapping" : "a list", vgw_node_kind_name(there), vgw_node_kind_name(value));
    } else if (is_joined_map(key) || is_joined_list(key)) {
        rc = 0;
        if (vgw_node_is_null(there)) {
            vgw_node_free(vgw_node_take(l->root, key));
            return vgw_node_put(l->root, key, line, column, value);
        }
    } else {
        struct vgw_buf what = {0};
        vgw_buf_printf(&what, "key '%s'", key);
        say_twice(l->reader, value, line, column, there, vgw_buf_str(&what));
        vgw_buf_done(&what);
    }
    vgw_node_free(value);
    return rc;
}

static int include_all(struct loading *l, const struct vgw_node *patterns);

/* Moves a document's entries into the tree, then follows its includes. */
static int join_document(struct loading *l, struct vgw_node *doc)
{
    int rc = 0;
    struct vgw_node *includes = vgw_node_take(doc, "include");
    while (vgw_node_count(doc) > 0) {
        int line = 0;
        int column = 0;
        char *key = vgw_strdup(vgw_node_key_at(doc, 0, &line, &column));
        int one = key ? join_entry(l, key, line, column, vgw_node_take(doc, key)) : VGW_ELIMIT;
        vgw_free(key);
        rc = one ? one : rc;
        if (rc == VGW_ELIMIT)
            break;
    }
    if (rc != VGW_ELIMIT && includes) {
        int one = include_all(l, includes);
        rc = one ? one : rc;
    }
    vgw_node_free(includes);
    return rc;
}

/* A main file or fragment: one document, a mapping. */
static int take_documents(struct loading *l, const char *path, const struct vgw_node *docs)
{
    struct vgw_config_errors *errors = &l->reader->errors;
    size_t n = vgw_node_count(docs);
    struct vgw_node *first = vgw_node_at(docs, 0);
    if (n == 0)
        return l->depth > 0 || vgw_config_errors_total(errors)
                   ? 0
                   : vgw_config_errors_add(errors, path, 0, 0, "the file is empty; write at least 'gateway: {}'");
    int rc = 0;
    if (n > 1)
        rc = vgw_node_error(errors, vgw_node_at(docs, 1), "a second document begins here; this file may hold only one");
    if (vgw_node_kind(first) != VGW_NODE_MAPPING)
        return vgw_node_error(errors, first, "the file must be a mapping such as 'gateway: {…}', found %s",
                              vgw_node_kind_name(first));
    int joined = join_document(l, first);
    return joined ? joined : rc;
}

static int note_seen(struct loading *l, const char *path, const struct vgw_node *at)
{
    char *real = realpath(path, NULL);
    if (!real)
        return 0;
    int rc = 0;
    if (vgw_map_has(l->seen, real))
        rc = vgw_node_error(&l->reader->errors, at, "%s is included a second time; include it once", path);
    else if (vgw_map_count(l->seen) >= VGW_CONFIG_FILES_MAX)
        rc = vgw_node_error(&l->reader->errors, at, "more than %d files are included; use fewer", VGW_CONFIG_FILES_MAX);
    else
        rc = vgw_map_set(l->seen, real, l);
    free(real);
    return rc;
}

static int include_one(const char *path, const struct vgw_node *at, void *arg)
{
    struct loading *l = arg;
    struct vgw_node *docs = NULL;
    int rc = note_seen(l, path, at);
    if (rc)
        return rc;
    rc = read_documents(l->reader, path, at, &docs);
    if (docs) {
        int one = take_documents(l, path, docs);
        rc = one ? one : rc;
    }
    vgw_node_free(docs);
    return rc;
}

static int include_all(struct loading *l, const struct vgw_node *patterns)
{
    if (vgw_node_is_null(patterns))
        return 0;
    if (l->depth >= VGW_CONFIG_INCLUDE_DEPTH_MAX)
        return vgw_node_error(&l->reader->errors, patterns, "includes go deeper than %d files; include from higher up",
                              VGW_CONFIG_INCLUDE_DEPTH_MAX);
    if (vgw_node_kind(patterns) == VGW_NODE_MAPPING)
        return vgw_node_error(&l->reader->errors, patterns,
                              "'include' must be a list of patterns such as [conf.d/*.yaml]");
    int rc = 0;
    l->depth++;
    bool list = vgw_node_kind(patterns) == VGW_NODE_SEQUENCE;
    size_t n = list ? vgw_node_count(patterns) : 1;
    for (size_t i = 0; i < n && rc != VGW_ELIMIT; i++) {
        int one = each_match(l->reader, list ? vgw_node_at(patterns, i) : patterns, include_one, l);
        rc = one ? one : rc;
    }
    l->depth--;
    return rc;
}

/* `docs` holds the main file's documents and is taken; NULL: they could not be read. */
static int load_tree(struct vgw_config_reader *reader, const char *path, struct vgw_node *docs,
                     struct vgw_node **ret_root)
{
    struct loading l = {.reader = reader, .seen = vgw_map_new(NULL)};
    struct vgw_source *source = vgw_source_new(path);
    int rc = VGW_ELIMIT;
    if (!l.seen || !source)
        goto out;
    const struct vgw_node *first = vgw_node_at(docs, 0);
    l.root = vgw_node_new(VGW_NODE_MAPPING, source, vgw_node_line(first) ? vgw_node_line(first) : 1,
                          vgw_node_column(first) ? vgw_node_column(first) : 1);
    if (!l.root || note_seen(&l, path, NULL))
        goto out;
    rc = docs ? take_documents(&l, path, docs) : VGW_ECONFIG;
    if (rc == VGW_ELIMIT)
        goto out;
    if (docs && (vgw_node_count(l.root) > 0 || rc == 0)) {
        *ret_root = l.root;
        l.root = NULL;
    }
out:
    vgw_node_free(docs);
    vgw_node_free(l.root);
    vgw_map_free(l.seen);
    vgw_source_unref(source);
    return rc;
}

static int conclude(struct vgw_config_reader *reader, const char *path, int rc, int loaded)
{
    if (rc == VGW_ELIMIT || loaded == VGW_ELIMIT)
        return vgw_config_errors_nomem(&reader->errors, path);
    return rc ? rc : loaded;
}

int vgw_config_load(struct vgw_config_reader *reader, const char *path, struct vgw_node **ret_root)
{
    struct vgw_node *docs = NULL;
    int rc = read_documents(reader, path, NULL, &docs);
    int loaded = rc == VGW_ELIMIT ? rc : load_tree(reader, path, docs, ret_root);
    return conclude(reader, path, rc, loaded);
}

int vgw_config_load_text(struct vgw_config_reader *reader, const char *name, const char *text, size_t len,
                         struct vgw_node **ret_root)
{
    struct vgw_node *docs = NULL;
    int rc = vgw_yaml_parse(name, text, len, &reader->errors, &docs);
    if (docs) {
        int more = vgw_config_expand(reader, docs);
        rc = more ? more : rc;
    }
    if (rc == VGW_ELIMIT) {
        vgw_node_free(docs);
        return vgw_config_errors_nomem(&reader->errors, name);
    }
    return conclude(reader, name, rc, load_tree(reader, name, docs, ret_root));
}

struct gathering {
    struct vgw_config_reader *reader;
    struct vgw_node *documents;
    const char *what;
};

static int gather_document(struct gathering *g, const struct vgw_node *doc)
{
    if (vgw_node_kind(doc) == VGW_NODE_MAPPING)
        return vgw_node_append(g->documents, vgw_node_copy(doc));
    return vgw_node_error(&g->reader->errors, doc, "a %s must be a mapping with 'id', found %s", g->what,
                          vgw_node_kind_name(doc));
}

static int gather_file(const char *path, const struct vgw_node *at, void *arg)
{
    struct gathering *g = arg;
    struct vgw_node *docs = NULL;
    int rc = read_documents(g->reader, path, at, &docs);
    for (size_t i = 0; i < vgw_node_count(docs) && rc != VGW_ELIMIT; i++) {
        int one = gather_document(g, vgw_node_at(docs, i));
        rc = one ? one : rc;
    }
    vgw_node_free(docs);
    return rc;
}

int vgw_config_load_documents(struct vgw_config_reader *reader, const struct vgw_node *patterns, const char *what,
                              struct vgw_node **ret_documents)
{
    struct gathering g = {.reader = reader, .what = what};
    g.documents =
        vgw_node_new(VGW_NODE_SEQUENCE, vgw_node_source(patterns), vgw_node_line(patterns), vgw_node_column(patterns));
    int rc = g.documents ? 0 : VGW_ELIMIT;
    bool list = vgw_node_kind(patterns) == VGW_NODE_SEQUENCE;
    size_t n = vgw_node_is_null(patterns) ? 0 : list ? vgw_node_count(patterns) : 1;
    for (size_t i = 0; i < n && rc != VGW_ELIMIT; i++) {
        const struct vgw_node *item = list ? vgw_node_at(patterns, i) : patterns;
        int one = vgw_node_kind(item) == VGW_NODE_MAPPING ? gather_document(&g, item)
                                                          : each_match(reader, item, gather_file, &g);
        rc = one ? one : rc;
    }
    if (rc == VGW_ELIMIT) {
        vgw_node_free(g.documents);
        return vgw_config_errors_nomem(&reader->errors, vgw_node_file(patterns));
    }
    *ret_documents = g.documents;
    return rc;
}
