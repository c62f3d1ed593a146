/* scope.c - paths: a.b.0.c, a[0], a[-1], a["key with spaces"]. */
#include "flow/scope.h"
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"

struct segment {
    char *key;
    long index;
    bool is_index; /* digits: an array's index, or an object's key */
};

struct vgw_path {
    char *text;
    size_t count;
    struct segment segments[];
};

struct piece {
    const char *p;
    size_t len;
};

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-';
}

/* The piece in brackets that starts at text[*pos] == '['. */
static int read_bracket(const char *text, size_t len, size_t *pos, struct piece *ret, struct vgw_error *err)
{
    size_t i = *pos + 1;
    if (i < len && (text[i] == '"' || text[i] == '\'')) {
        char quote = text[i++];
        const char *end = memchr(text + i, quote, len - i);
        if (!end)
            return vgw_error_set(err, VGW_ECONFIG, "the key in [%c… has no closing %c", quote, quote);
        *ret = (struct piece){text + i, (size_t)(end - text) - i};
        i = (size_t)(end - text) + 1;
    } else {
        size_t start = i;
        if (i < len && text[i] == '-')
            i++;
        size_t digits = i;
        while (i < len && text[i] >= '0' && text[i] <= '9')
            i++;
        if (i == digits || i - digits > 9)
            return vgw_error_set(err, VGW_ECONFIG, "[ needs an index such as [0] or a key such as [\"name\"]");
        *ret = (struct piece){text + start, i - start};
    }
    if (i >= len || text[i] != ']')
        return vgw_error_set(err, VGW_ECONFIG, "a ] is missing");
    *pos = i + 1;
    return 0;
}

static int read_pieces(const char *text, size_t len, struct piece *pieces, size_t *ret_count, size_t *ret_used,
                       struct vgw_error *err)
{
    size_t i = 0, n = 0;
    int rc = 0;
    while (rc == 0) {
        if (n == VGW_PATH_SEGMENTS_MAX || i > VGW_PATH_BYTES_MAX) {
            rc = vgw_error_set(err, VGW_ECONFIG, "a path may have at most %d parts and %d bytes", VGW_PATH_SEGMENTS_MAX,
                               VGW_PATH_BYTES_MAX);
            break;
        }
        size_t start = i;
        if (i < len && (n == 0 ? is_name_start(text[i]) : is_name(text[i]))) {
            while (i < len && is_name(text[i]))
                i++;
            pieces[n++] = (struct piece){text + start, i - start};
        } else {
            rc = vgw_error_set(err, VGW_ECONFIG, n == 0 ? "a name is expected" : "a name is expected after the dot");
            break;
        }
        while (rc == 0 && i < len && text[i] == '[') {
            if (n == VGW_PATH_SEGMENTS_MAX)
                rc = vgw_error_set(err, VGW_ECONFIG, "a path may have at most %d parts", VGW_PATH_SEGMENTS_MAX);
            else
                rc = read_bracket(text, len, &i, &pieces[n], err);
            n += rc == 0;
        }
        if (rc < 0 || i >= len || text[i] != '.')
            break;
        i++;
    }
    *ret_used = i;
    *ret_count = n;
    return rc;
}

int vgw_path_compile(const char *text, size_t len, struct vgw_path **ret_path, size_t *ret_used, struct vgw_error *err)
{
    struct piece pieces[VGW_PATH_SEGMENTS_MAX];
    size_t count = 0, used = 0;
    int rc = read_pieces(text, len, pieces, &count, &used, err);
    *ret_used = used;
    if (rc < 0)
        return rc;
    size_t bytes = used + 1;
    for (size_t i = 0; i < count; i++)
        bytes += pieces[i].len + 1;
    struct vgw_path *path = vgw_calloc(1, sizeof *path + count * sizeof *path->segments + bytes);
    if (!path)
        return vgw_error_nomem(err);
    char *out = (char *)(path->segments + count);
    path->text = out;
    memcpy(out, text, used);
    out += used + 1;
    path->count = count;
    for (size_t i = 0; i < count; i++) {
        struct segment *s = &path->segments[i];
        int64_t index = 0;
        s->key = out;
        memcpy(out, pieces[i].p, pieces[i].len);
        out += pieces[i].len + 1;
        s->is_index = pieces[i].len < 11 && vgw_parse_i64(s->key, &index);
        s->index = (long)index;
    }
    *ret_path = path;
    return 0;
}

void vgw_path_free(struct vgw_path *path)
{
    vgw_free(path);
}

const char *vgw_path_text(const struct vgw_path *path)
{
    return path->text;
}

const char *vgw_path_root(const struct vgw_path *path)
{
    return path->segments[0].key;
}

static bool step_into(const struct segment *s, const struct vgw_json *from, struct vgw_json **ret)
{
    enum vgw_json_type type = vgw_json_type(from);
    if (type == VGW_JSON_OBJECT) {
        *ret = vgw_json_get(from, s->key);
        return *ret || vgw_json_has(from, s->key);
    }
    if (type != VGW_JSON_ARRAY || !s->is_index)
        return false;
    long count = (long)vgw_json_count(from);
    long i = s->index < 0 ? s->index + count : s->index;
    if (i < 0 || i >= count)
        return false;
    *ret = vgw_json_at(from, (size_t)i);
    return true;
}

static bool descend(const struct vgw_path *path, size_t first, const struct vgw_json *from, struct vgw_json **ret_value)
{
    if (!from)
        return false;
    struct vgw_json *v = (struct vgw_json *)from;
    for (size_t i = first; i < path->count; i++) {
        if (!step_into(&path->segments[i], v, &v))
            return false;
    }
    *ret_value = v;
    return true;
}

static bool in_event(const struct vgw_path *path, size_t first, const struct vgw_json *event,
                     struct vgw_json **ret_value)
{
    if (!event)
        return false;
    if (first == path->count) {
        *ret_value = (struct vgw_json *)event;
        return true;
    }
    return descend(path, first, vgw_json_get(event, "data"), ret_value) || descend(path, first, event, ret_value);
}

static bool names_trigger(const struct vgw_path *path)
{
    return strcmp(path->segments[0].key, "trigger") == 0;
}

bool vgw_path_lookup(const struct vgw_path *path, const struct vgw_scope *scope, struct vgw_json **ret_value)
{
    if (names_trigger(path))
        return in_event(path, 1, scope->trigger, ret_value);
    return descend(path, 0, scope->vars, ret_value);
}

bool vgw_path_lookup_field(const struct vgw_path *path, const struct vgw_scope *scope, struct vgw_json **ret_value)
{
    if (scope->fields)
        return in_event(path, names_trigger(path) && path->count > 1 ? 1 : 0, scope->fields, ret_value);
    if (names_trigger(path) && path->count > 1)
        return in_event(path, 1, scope->trigger, ret_value);
    return descend(path, 0, scope->vars, ret_value) || in_event(path, 0, scope->trigger, ret_value);
}
