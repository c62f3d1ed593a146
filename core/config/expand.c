/* expand.c - variables and secret files inside scalars. */
#include "config/reader.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "config/file.h"

static bool is_name(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool letter = (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z') || s[i] == '_';
        if (!letter && (i == 0 || s[i] < '0' || s[i] > '9'))
            return false;
    }
    return len > 0;
}

/* What stands between "${" and "}". */
static int expand_one(struct vgw_config_reader *reader, const struct vgw_node *node, const char *body, size_t len,
                      struct vgw_buf *out)
{
    const char *mark = memmem(body, len, ":-", 2);
    size_t name_len = mark ? (size_t)(mark - body) : len;
    char name[128];
    if (!is_name(body, name_len) || !vgw_strncopy(name, sizeof name, body, name_len))
        return vgw_node_error(&reader->errors, node,
                              "'${%.*s}' names no variable; write ${NAME}, ${NAME:-default}, or $$ for a dollar sign",
                              (int)(len < 60 ? len : 60), body);
    const char *value = vgw_config_getenv(reader, name);
    if (value && (*value || !mark)) {
        if (!vgw_utf8_valid(value, strlen(value)))
            return vgw_node_error(&reader->errors, node, "variable %s is not UTF-8; set it anew", name);
        vgw_buf_adds(out, value);
        return vgw_config_supply(reader, name);
    }
    if (!mark)
        return vgw_node_error(&reader->errors, node,
                              "variable %s is not set; set it, or give a default by ${%s:-default}", name, name);
    const char *text = mark + 2;
    size_t text_len = len - name_len - 2;
    if (memmem(text, text_len, "${", 2))
        return vgw_node_error(&reader->errors, node,
                              "the default of ${%s:-…} holds another variable; write a plain text", name);
    vgw_buf_add(out, text, text_len);
    return 0;
}

static int expand_text(struct vgw_config_reader *reader, const struct vgw_node *node, struct vgw_buf *out)
{
    const char *p = vgw_node_text(node);
    int rc = 0;
    while (*p) {
        const char *dollar = strchrnul(p, '$');
        vgw_buf_add(out, p, (size_t)(dollar - p));
        if (!*dollar)
            break;
        p = dollar + 1;
        if (*p == '$') {
            vgw_buf_addc(out, '$');
            p++;
        } else if (*p != '{') {
            vgw_buf_addc(out, '$');
        } else {
            const char *end = strchr(p, '}');
            if (!end)
                return vgw_node_error(&reader->errors, node,
                                      "'${' is not closed; write ${NAME}, or $$ for a dollar sign");
            int one = expand_one(reader, node, p + 1, (size_t)(end - p) - 1, out);
            if (one == VGW_ELIMIT)
                return one;
            rc = one ? one : rc;
            p = end + 1;
        }
    }
    if (out->failed)
        return vgw_node_error(&reader->errors, node,
                              "the text grows beyond %zu bytes by its variables; make it shorter", VGW_CONFIG_TEXT_MAX);
    return rc;
}

static int expand_scalar(struct vgw_config_reader *reader, struct vgw_node *node)
{
    const char *text = vgw_node_text(node);
    if (!text || !strchr(text, '$'))
        return 0;
    struct vgw_buf out;
    vgw_buf_init(&out, vgw_node_len(node) + VGW_CONFIG_TEXT_MAX);
    int rc = expand_text(reader, node, &out);
    if (rc == 0)
        rc = vgw_node_set_text(node, vgw_buf_str(&out), out.len);
    if (out.data)
        explicit_bzero(out.data, out.len);
    vgw_buf_done(&out);
    return rc;
}

/* The content of the file that !file names takes the scalar's place. */
static int read_secret(struct vgw_config_reader *reader, struct vgw_node *node)
{
    const char *text = vgw_node_text(node);
    if (!text || !*text)
        return vgw_node_error(&reader->errors, node, "!file needs a path: write '!file secrets/token'");
    char *path = vgw_file_beside(vgw_node_file(node), text);
    char *content = NULL;
    size_t len = 0;
    struct vgw_error err = {0};
    int rc = path ? vgw_file_read(path, VGW_CONFIG_TEXT_MAX, &content, &len, &err) : VGW_ELIMIT;
    if (rc == VGW_ECONFIG)
        rc = vgw_node_error(&reader->errors, node, "%s; !file needs a readable file of at most %zu bytes", err.text,
                            VGW_CONFIG_TEXT_MAX);
    if (rc)
        goto out;
    size_t keep = len;
    if (keep > 0 && content[keep - 1] == '\n')
        keep--;
    if (keep > 0 && keep < len && content[keep - 1] == '\r')
        keep--;
    if (memchr(content, 0, keep) || !vgw_utf8_valid(content, keep)) {
        rc =
            vgw_node_error(&reader->errors, node, "%s holds bytes that are no UTF-8 text; a secret must be text", path);
        goto out;
    }
    vgw_node_add_flags(node, VGW_NODE_SECRET);
    rc = vgw_node_set_text(node, content, keep);
    if (rc == 0)
        rc = vgw_node_set_tag(node, NULL);
out:
    if (content)
        explicit_bzero(content, len);
    vgw_free(content);
    vgw_free(path);
    return rc;
}

int vgw_config_expand(struct vgw_config_reader *reader, struct vgw_node *root)
{
    int rc = 0;
    const char *tag = vgw_node_tag(root);
    bool is_file = vgw_streq(tag, "!file");
    if (tag && !is_file)
        rc = vgw_node_error(&reader->errors, root, "unknown tag '%s'; only '!file PATH' is known here", tag);
    else if (is_file && vgw_node_kind(root) != VGW_NODE_SCALAR)
        rc = vgw_node_error(&reader->errors, root, "!file needs a path, found %s; write '!file secrets/token'",
                            vgw_node_kind_name(root));
    if (vgw_node_kind(root) == VGW_NODE_SCALAR && rc == 0) {
        rc = expand_scalar(reader, root);
        return rc == 0 && is_file ? read_secret(reader, root) : rc;
    }
    for (size_t i = 0; i < vgw_node_count(root); i++) {
        int one = vgw_config_expand(reader, vgw_node_at(root, i));
        if (one == VGW_ELIMIT)
            return one;
        rc = one ? one : rc;
    }
    return rc;
}
