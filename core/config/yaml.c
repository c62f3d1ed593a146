/* yaml.c - libyaml's events into a tree with positions. */
#include "config/yaml.h"

#include <limits.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "base/str.h"

/* One open list or mapping. */
struct frame {
    struct vgw_node *node;
    char *key; /* of the value that comes next, in a mapping */
    int key_line;
    int key_column;
    bool drop;   /* the value that comes next belongs to a refused key */
    bool is_key; /* this collection stands where a key should: refused, read only to get past it */
};

struct builder {
    struct vgw_config_errors *errors;
    struct vgw_source *source;
    const char *file;
    struct vgw_node *documents;
    struct vgw_node *root;
    struct vgw_node *dropped; /* refused nodes live until the end: an anchor in them may still be named */
    struct vgw_map *anchors;  /* name -> node, borrowed */
    struct frame frames[VGW_NODE_DEPTH_MAX];
    int depth;
    size_t alias_nodes;
    size_t found; /* errors added */
    bool stop;
    bool nomem;
};

static int line_of(const yaml_mark_t *mark)
{
    return mark->line < INT_MAX ? (int)mark->line + 1 : INT_MAX;
}

static int column_of(const yaml_mark_t *mark)
{
    return mark->column < INT_MAX ? (int)mark->column + 1 : INT_MAX;
}

static void refuse(struct builder *b, const yaml_mark_t *mark, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void refuse(struct builder *b, const yaml_mark_t *mark, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vgw_config_errors_vadd(b->errors, b->file, line_of(mark), column_of(mark), fmt, ap);
    va_end(ap);
    b->found++;
}

static void give_up(struct builder *b)
{
    b->stop = true;
    b->nomem = true;
}

static struct frame *top(struct builder *b)
{
    return b->depth > 0 ? &b->frames[b->depth - 1] : NULL;
}

static bool wants_key(const struct frame *f)
{
    return f && vgw_node_kind(f->node) == VGW_NODE_MAPPING && !f->key && !f->drop;
}

static void drop_node(struct builder *b, struct vgw_node *node)
{
    if (vgw_node_append(b->dropped, node))
        give_up(b);
}

/* Gives a finished node its place below the innermost open collection, or makes it the document. */
static void place_node(struct builder *b, struct vgw_node *node)
{
    struct frame *f = top(b);
    if (!f) {
        b->root = node;
        return;
    }
    if (vgw_node_kind(f->node) == VGW_NODE_SEQUENCE) {
        if (vgw_node_append(f->node, node))
            give_up(b);
        return;
    }
    if (f->drop) {
        f->drop = false;
        drop_node(b, node);
        return;
    }
    if (vgw_node_put(f->node, f->key, f->key_line, f->key_column, node))
        give_up(b);
    vgw_free(f->key);
    f->key = NULL;
}

static void take_key(struct builder *b, const yaml_event_t *ev)
{
    struct frame *f = top(b);
    const char *text = (const char *)ev->data.scalar.value;
    size_t len = ev->data.scalar.length;
    int line = 0;
    int column = 0;
    if (len == 0) {
        refuse(b, &ev->start_mark, "a key is missing before ':'; write 'name: value'");
    } else if (memchr(text, 0, len)) {
        refuse(b, &ev->start_mark, "a key holds a NUL character; take it out");
    } else if (ev->data.scalar.plain_implicit && vgw_streq(text, "<<")) {
        refuse(b, &ev->start_mark,
               "merge keys ('<<') are not supported; repeat the keys, or name the whole value by *alias");
    } else if (vgw_node_key_place(f->node, text, &line, &column)) {
        refuse(b, &ev->start_mark,
               "key '%s' stands here a second time, first at line %d, column %d; keep one of the two", text, line,
               column);
    } else {
        f->key = vgw_strndup(text, len);
        f->key_line = line_of(&ev->start_mark);
        f->key_column = column_of(&ev->start_mark);
        if (!f->key)
            give_up(b);
        return;
    }
    f->drop = true;
}

static void note_anchor(struct builder *b, const yaml_char_t *anchor, struct vgw_node *node)
{
    if (anchor && vgw_map_set(b->anchors, (const char *)anchor, node))
        give_up(b);
}

static void on_scalar(struct builder *b, const yaml_event_t *ev)
{
    if (wants_key(top(b))) {
        if (ev->data.scalar.anchor)
            refuse(b, &ev->start_mark, "a key cannot bear an anchor; put '&%s' before the value",
                   (const char *)ev->data.scalar.anchor);
        take_key(b, ev);
        return;
    }
    const char *tag = (const char *)ev->data.scalar.tag;
    bool to_text = vgw_streq(tag, YAML_STR_TAG);
    const char *text = (const char *)ev->data.scalar.value;
    size_t len = ev->data.scalar.length;
    if (memchr(text, 0, len)) {
        refuse(b, &ev->start_mark, "the text holds a NUL character; take it out");
        text = "";
        len = 0;
    }
    bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !to_text;
    struct vgw_node *node = vgw_node_scalar(b->source, line_of(&ev->start_mark), column_of(&ev->start_mark), text, len,
                                            plain ? VGW_NODE_PLAIN : 0);
    if (!node || (tag && !to_text && vgw_node_set_tag(node, tag))) {
        vgw_node_free(node);
        give_up(b);
        return;
    }
    note_anchor(b, ev->data.scalar.anchor, node);
    place_node(b, node);
}

static void on_open(struct builder *b, const yaml_event_t *ev, enum vgw_node_kind kind)
{
    bool map = kind == VGW_NODE_MAPPING;
    const yaml_char_t *anchor = map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
    const yaml_char_t *tag = map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag;
    bool is_key = wants_key(top(b));
    if (is_key)
        refuse(b, &ev->start_mark, "a key must be a text, found %s; quote it when it begins with [ or {",
               map ? "a mapping" : "a list");
    if (b->depth >= VGW_NODE_DEPTH_MAX) {
        refuse(b, &ev->start_mark, "nested deeper than %d levels; make the structure flatter", VGW_NODE_DEPTH_MAX);
        b->stop = true;
        return;
    }
    struct vgw_node *node = vgw_node_new(kind, b->source, line_of(&ev->start_mark), column_of(&ev->start_mark));
    if (!node || (tag && vgw_node_set_tag(node, (const char *)tag))) {
        vgw_node_free(node);
        give_up(b);
        return;
    }
    b->frames[b->depth++] = (struct frame){.node = node, .is_key = is_key};
    note_anchor(b, anchor, node);
}

static void on_close(struct builder *b)
{
    struct frame f = b->frames[--b->depth];
    vgw_free(f.key);
    b->frames[b->depth] = (struct frame){0};
    if (f.is_key) {
        top(b)->drop = true;
        drop_node(b, f.node);
        return;
    }
    place_node(b, f.node);
}

static bool is_open(const struct builder *b, const struct vgw_node *node)
{
    for (int i = 0; i < b->depth; i++) {
        if (b->frames[i].node == node)
            return true;
    }
    return false;
}

/* The copy that stands for an alias; a null node where the alias is refused, so that reading goes on. */
static struct vgw_node *expand_alias(struct builder *b, const yaml_event_t *ev)
{
    const char *name = (const char *)ev->data.alias.anchor;
    const struct vgw_node *target = vgw_map_get(b->anchors, name);
    int height = 0;
    if (!target) {
        refuse(b, &ev->start_mark,
               "alias '*%s' names nothing; put '&%s' before the value it stands for, above this line", name, name);
    } else if (is_open(b, target)) {
        refuse(b, &ev->start_mark, "alias '*%s' stands inside the value it names; a value cannot hold itself", name);
    } else {
        size_t size = vgw_node_measure(target, VGW_YAML_ALIAS_NODES_MAX, &height);
        b->alias_nodes += size;
        if (b->alias_nodes > VGW_YAML_ALIAS_NODES_MAX) {
            refuse(b, &ev->start_mark, "aliases add more than %d values to this file; write fewer of them",
                   VGW_YAML_ALIAS_NODES_MAX);
            b->stop = true;
        } else if (b->depth + height > VGW_NODE_DEPTH_MAX + 1) {
            refuse(b, &ev->start_mark, "alias '*%s' makes the file nested deeper than %d levels; make it flatter", name,
                   VGW_NODE_DEPTH_MAX);
        } else {
            return vgw_node_copy(target);
        }
    }
    return vgw_node_new(VGW_NODE_NULL, b->source, line_of(&ev->start_mark), column_of(&ev->start_mark));
}

static void on_alias(struct builder *b, const yaml_event_t *ev)
{
    struct frame *f = top(b);
    if (wants_key(f)) {
        refuse(b, &ev->start_mark, "an alias cannot be a key; write the key out");
        f->drop = true;
        return;
    }
    struct vgw_node *node = expand_alias(b, ev);
    if (!node)
        give_up(b);
    else
        place_node(b, node);
}

static void clear_anchors(struct builder *b)
{
    vgw_map_free(b->anchors);
    b->anchors = vgw_map_new(NULL);
    if (!b->anchors)
        give_up(b);
}

static void on_document_end(struct builder *b)
{
    struct vgw_node *root = b->root;
    b->root = NULL;
    if (vgw_node_is_null(root) && !vgw_node_tag(root))
        drop_node(b, root ? root : vgw_node_new(VGW_NODE_NULL, b->source, 1, 1));
    else if (vgw_node_append(b->documents, root))
        give_up(b);
    clear_anchors(b);
}

static void on_event(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        on_scalar(b, ev);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_open(b, ev, VGW_NODE_SEQUENCE);
        break;
    case YAML_MAPPING_START_EVENT:
        on_open(b, ev, VGW_NODE_MAPPING);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_close(b);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(b, ev);
        break;
    case YAML_DOCUMENT_END_EVENT:
        on_document_end(b);
        break;
    case YAML_STREAM_END_EVENT:
        b->stop = true;
        break;
    default:
        break;
    }
}

/* libyaml says what it did not find; the remedies are ours. */
static const char *remedy(const char *problem)
{
    static const struct {
        const char *problem;
        const char *remedy;
    } known[] = {
        {"found character that cannot start any token",
         "indent by spaces, not tabs, and quote texts that begin with @ ` or %"},
        {"found a tab character", "indent by spaces, not tabs"},
        {"mapping values are not allowed", "quote a text that holds ': ', or put the key on a line of its own"},
        {"did not find expected key", "give the keys of one mapping the same indentation, and quote texts with ': '"},
        {"did not find expected '-' indicator", "give the items of one list the same indentation, each with '- '"},
        {"could not find expected ':'", "write 'name: value', with a space after the colon"},
        {"did not find expected ',' or ']'", "close the list with ']' and part its items by ','"},
        {"did not find expected ',' or '}'", "close the mapping with '}' and part its entries by ','"},
        {"found unexpected end of stream", "close the quotes"},
        {"did not find expected <document start>", "begin a further document with a line '---'"},
        {"unknown escape character", "write a backslash as \\\\, or use single quotes"},
        {"did not find expected node content", "write a value here, or quote the text"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (problem && strstr(problem, known[i].problem))
            return known[i].remedy;
    }
    return "correct the YAML";
}

static void on_syntax_error(struct builder *b, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        give_up(b);
        return;
    }
    const char *problem = parser->problem ? parser->problem : "the text is no YAML";
    const char *why =
        strstr(problem, "cannot start any token") ? "a character stands here that begins nothing" : problem;
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        refuse(b, &parser->problem_mark, "%s %s that began at line %d: %s", why, parser->context,
               line_of(&parser->context_mark), remedy(problem));
    else
        refuse(b, &parser->problem_mark, "%s: %s", why, remedy(problem));
    b->stop = true;
}

static int run(struct builder *b, const char *text, size_t len)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return VGW_ELIMIT;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    while (!b->stop) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&parser, &ev)) {
            on_syntax_error(b, &parser);
            break;
        }
        on_event(b, &ev);
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&parser);
    return b->nomem ? VGW_ELIMIT : 0;
}

/* Bytes of the character at `p`, 0 when it is not valid UTF-8. */
static size_t character(const char *p, size_t left)
{
    unsigned char c = (unsigned char)*p;
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return n <= left && vgw_utf8_valid(p, n) ? n : 0;
}

/* YAML's printable characters among the ASCII controls: tab, line feed, carriage return, next line. */
static bool is_control(const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;
    unsigned char d = n > 1 ? (unsigned char)p[1] : 0;
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f || (c == 0xc2 && d < 0xa0 && d != 0x85);
}

/* Places of what libyaml would refuse without a place: found before it reads. */
static bool check_characters(struct builder *b, const char *text, size_t len)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < len;) {
        size_t n = character(text + i, len - i);
        if (n == 0) {
            refuse(b, &mark, "the file is not UTF-8 here (byte 0x%02x); save it as UTF-8", (unsigned char)text[i]);
            return false;
        }
        if (is_control(text + i, n)) {
            refuse(b, &mark, "a control character stands here (byte 0x%02x); take it out, or write it as \"\\x%02x\"",
                   (unsigned char)text[i + n - 1], (unsigned char)text[i + n - 1]);
            return false;
        }
        if (text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else {
            mark.column++;
        }
        i += n;
    }
    return true;
}

static void builder_done(struct builder *b)
{
    while (b->depth > 0) {
        b->depth--;
        vgw_free(b->frames[b->depth].key);
        vgw_node_free(b->frames[b->depth].node);
    }
    vgw_node_free(b->root);
    vgw_node_free(b->dropped);
    vgw_node_free(b->documents);
    vgw_map_free(b->anchors);
    vgw_source_unref(b->source);
}

int vgw_yaml_parse(const char *file, const char *text, size_t len, struct vgw_config_errors *errors,
                   struct vgw_node **ret_documents)
{
    struct builder b = {.errors = errors, .file = file};
    int rc = VGW_ELIMIT;
    b.source = vgw_source_new(file);
    b.documents = vgw_node_new(VGW_NODE_SEQUENCE, b.source, 1, 1);
    b.dropped = vgw_node_new(VGW_NODE_SEQUENCE, b.source, 1, 1);
    b.anchors = vgw_map_new(NULL);
    if (!b.source || !b.documents || !b.dropped || !b.anchors)
        goto out;
    if (len > VGW_YAML_SIZE_MAX) {
        vgw_config_errors_add(errors, file, 0, 0,
                              "the file has %zu bytes, more than %d; part it into several by 'include'", len,
                              VGW_YAML_SIZE_MAX);
        b.found++;
    } else if (check_characters(&b, text, len) && run(&b, text, len)) {
        goto out;
    }
    *ret_documents = b.documents;
    b.documents = NULL;
    rc = b.found ? VGW_ECONFIG : 0;
out:
    if (rc == VGW_ELIMIT)
        vgw_config_errors_nomem(errors, file);
    builder_done(&b);
    return rc;
}
