/* locate.c - paths in sentences. */
#include "config/locate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct finding {
    const struct vgw_node *at;
    const char *file;
    int line, column;
    bool found;
};

static void reached(struct finding *f, const struct vgw_node *node)
{
    f->at = node;
    f->file = vgw_node_file(node);
    f->line = vgw_node_line(node);
    f->column = vgw_node_column(node);
    f->found = true;
}

static bool enter_key(struct finding *f, const char *name, size_t len)
{
    char key[80];
    if (len == 0 || len >= sizeof key)
        return false;
    vgw_strncopy(key, sizeof key, name, len);
    const struct vgw_node *value = vgw_node_get(f->at, key);
    int line, column;
    if (!vgw_node_key_place(f->at, key, &line, &column))
        return false;
    const char *file = vgw_node_file(f->at);
    reached(f, value);
    /* a document that was filled in from a file stands there, its key does not */
    if (vgw_streq(file, f->file)) {
        f->line = line;
        f->column = column;
    }
    return true;
}

static size_t word_length(const char *p)
{
    size_t n = 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '-')
        n++;
    return n;
}

/* "[3]" or ".name" behind a key. Returns what follows, or NULL: it leads nowhere. */
static const char *enter_part(struct finding *f, const char *p)
{
    if (*p == '.') {
        size_t n = word_length(p + 1);
        return enter_key(f, p + 1, n) ? p + 1 + n : NULL;
    }
    char *end;
    unsigned long index = strtoul(p + 1, &end, 10);
    const struct vgw_node *item = *end == ']' && end > p + 1 ? vgw_node_at(f->at, index) : NULL;
    if (!item || vgw_node_kind(f->at) != VGW_NODE_SEQUENCE)
        return NULL;
    reached(f, item);
    return end + 1;
}

/* `menu "desk"`: the document of that id, in a list of them. Returns what follows. */
static const char *enter_named(struct finding *f, const char *p)
{
    const char *close = strchr(p + 1, '"');
    if (!close)
        return p;
    for (size_t i = 0; vgw_node_kind(f->at) == VGW_NODE_SEQUENCE && i < vgw_node_count(f->at); i++) {
        const struct vgw_node *item = vgw_node_at(f->at, i);
        const char *id = vgw_node_text(vgw_node_get(item, "id"));
        if (id && strlen(id) == (size_t)(close - p - 1) && strncmp(id, p + 1, strlen(id)) == 0) {
            reached(f, item);
            break;
        }
    }
    return close + 1;
}

/* A key that is quoted in the rest of the sentence. */
static void enter_quoted(struct finding *f, const char *p)
{
    for (const char *open = strpbrk(p, "\"'"); open; open = strpbrk(open + 1, "\"'")) {
        size_t n = word_length(open + 1);
        if (n && open[1 + n] == *open && enter_key(f, open + 1, n))
            return;
    }
}

bool vgw_node_locate(const struct vgw_node *mapping, const char *sentence, const char **ret_file, int *ret_line,
                     int *ret_column)
{
    struct finding f = {.at = mapping};
    const char *p = sentence;
    for (;;) {
        size_t n = word_length(p);
        if (!enter_key(&f, p, n))
            break;
        p += n;
        while (*p == '[' || (*p == '.' && word_length(p + 1))) {
            const char *next = enter_part(&f, p);
            if (!next)
                break;
            p = next;
        }
        if (p[0] == ' ' && p[1] == '"')
            p = enter_named(&f, p + 1);
        if (p[0] != ':' || p[1] != ' ')
            break;
        p += 2;
    }
    enter_quoted(&f, p);
    if (!f.found)
        return false;
    *ret_file = f.file;
    *ret_line = f.line;
    *ret_column = f.column;
    return true;
}
