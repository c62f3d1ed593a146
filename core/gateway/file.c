/* file.c - bytes that were fetched, as a file: written beside and renamed, so that what is read is never half of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/gateway_private.h"

int vgw_gateway_file_write(const char *path, uint64_t number, const struct vgw_buf *body)
{
    struct vgw_buf temp = {0};
    int error = 0;
    size_t done = 0;
    vgw_buf_printf(&temp, "%s.%llx", path, (unsigned long long)number);
    int fd = open(vgw_buf_str(&temp), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    while (fd >= 0 && done < body->len) {
        ssize_t n = write(fd, body->data + done, body->len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (fd < 0 || done < body->len)
        error = errno ? errno : EIO;
    if (fd >= 0)
        close(fd);
    if (!error && rename(vgw_buf_str(&temp), path) < 0)
        error = errno;
    if (error)
        unlink(vgw_buf_str(&temp));
    vgw_buf_done(&temp);
    return error;
}
