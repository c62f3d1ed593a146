/* file.c - reads whole small files. */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

static int read_all(int fd, const char *path, size_t limit, struct vgw_buf *text, struct vgw_error *err)
{
    char chunk[8192];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return vgw_error_set(err, VGW_ECONFIG, "cannot read %s: %s", path, strerror(errno));
        if (n == 0)
            return text->failed ? vgw_error_nomem(err) : 0;
        if (text->len + (size_t)n > limit)
            return vgw_error_set(err, VGW_ECONFIG, "%s is larger than %zu bytes", path, limit);
        vgw_buf_add(text, chunk, (size_t)n);
    }
}

int vgw_file_read(const char *path, size_t limit, char **ret_text, size_t *ret_len, struct vgw_error *err)
{
    struct vgw_buf text;
    vgw_buf_init(&text, limit + 1);
    struct stat st;
    int rc;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        rc = vgw_error_set(err, VGW_ECONFIG, "cannot open %s: %s", path, strerror(errno));
        goto out;
    }
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        rc = vgw_error_set(err, VGW_ECONFIG, "%s is not a regular file", path);
        goto out;
    }
    rc = read_all(fd, path, limit, &text, err);
    if (rc)
        goto out;
    size_t len = text.len;
    vgw_buf_add(&text, "", 0);
    char *taken = text.data ? vgw_buf_take(&text) : vgw_strdup("");
    if (!taken) {
        rc = vgw_error_nomem(err);
        goto out;
    }
    *ret_text = taken;
    *ret_len = len;
out:
    if (fd >= 0)
        close(fd);
    if (text.data)
        explicit_bzero(text.data, text.len);
    vgw_buf_done(&text);
    return rc;
}

char *vgw_file_beside(const char *beside, const char *path)
{
    const char *slash = beside ? strrchr(beside, '/') : NULL;
    if (path[0] == '/' || !slash)
        return vgw_strdup(path);
    struct vgw_buf b;
    vgw_buf_init(&b, 64 * 1024);
    vgw_buf_add(&b, beside, (size_t)(slash - beside) + 1);
    vgw_buf_adds(&b, path);
    char *out = vgw_buf_take(&b);
    vgw_buf_done(&b);
    return out;
}
