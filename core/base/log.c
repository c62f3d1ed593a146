/* log.c - where lines go: standard error, a file, the journal. How they look is log_line.c's. */
#include "base/log.h"
#include "base/log_line.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define LOG_FILE_MODE 0640

static struct {
    pthread_mutex_t lock;
    _Atomic(enum vgw_log_level) level;
    _Atomic(enum vgw_log_format) format;
    int fd;          /* the target: STDERR_FILENO or a file of ours */
    int journal_fd;  /* -1: none */
    char path[1024]; /* "" for standard error */
    void (*capture)(const char *line, void *arg);
    void *capture_arg;
} logger = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .level = VGW_LOG_INFO,
    .format = VGW_LOG_TEXT,
    .fd = STDERR_FILENO,
    .journal_fd = -1,
};

static const char *const level_names[] = {"error", "warning", "info", "debug"};
#define LEVEL_COUNT (sizeof level_names / sizeof *level_names)

const char *vgw_log_level_name(enum vgw_log_level level)
{
    return (size_t)level < LEVEL_COUNT ? level_names[level] : "debug";
}

bool vgw_log_level_parse(const char *s, enum vgw_log_level *ret)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (vgw_strieq(s, level_names[i])) {
            *ret = (enum vgw_log_level)i;
            return true;
        }
    }
    return false;
}

void vgw_log_set_level(enum vgw_log_level level)
{
    atomic_store_explicit(&logger.level, level, memory_order_relaxed);
}

enum vgw_log_level vgw_log_get_level(void)
{
    return atomic_load_explicit(&logger.level, memory_order_relaxed);
}

bool vgw_log_enabled(enum vgw_log_level level)
{
    return level <= vgw_log_get_level();
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, LOG_FILE_MODE);
}

static int open_journal(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (!vgw_strcopy(addr.sun_path, sizeof addr.sun_path, path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Under the lock. */
static void use_target(int fd, int journal_fd, const char *path)
{
    if (logger.fd != STDERR_FILENO)
        close(logger.fd);
    if (logger.journal_fd >= 0)
        close(logger.journal_fd);
    logger.fd = fd;
    logger.journal_fd = journal_fd;
    vgw_strcopy(logger.path, sizeof logger.path, path);
}

int vgw_log_open(enum vgw_log_format format, const char *target, enum vgw_log_level level, struct vgw_error *err)
{
    bool to_file = target && *target && strcmp(target, "stderr") != 0;
    int fd = STDERR_FILENO;
    if (to_file && strlen(target) >= sizeof logger.path)
        return vgw_error_at(err, VGW_ECONFIG, "log.target", "the log file's path is longer than %zu bytes",
                            sizeof logger.path - 1);
    if (to_file && format != VGW_LOG_JOURNAL && (fd = open_file(target)) < 0)
        return vgw_error_at(err, VGW_ECONFIG, "log.target",
                            "cannot open the log file %s (%s): its folder must exist and be writable", target,
                            strerror(errno));
    /* Without a journal (a container, a bare system) lines go to standard error as text. */
    int journal_fd = format == VGW_LOG_JOURNAL ? open_journal(to_file ? target : JOURNAL_SOCKET) : -1;
    pthread_mutex_lock(&logger.lock);
    use_target(fd, journal_fd, fd == STDERR_FILENO ? "" : target);
    atomic_store(&logger.format, format);
    pthread_mutex_unlock(&logger.lock);
    vgw_log_set_level(level);
    return VGW_OK;
}

void vgw_log_reopen(void)
{
    pthread_mutex_lock(&logger.lock);
    if (*logger.path) {
        int fd = open_file(logger.path);
        /* The old file still takes lines when the new one cannot be had. */
        if (fd >= 0) {
            close(logger.fd);
            logger.fd = fd;
        }
    }
    pthread_mutex_unlock(&logger.lock);
}

void vgw_log_capture(void (*fn)(const char *line, void *arg), void *arg)
{
    pthread_mutex_lock(&logger.lock);
    logger.capture = fn;
    logger.capture_arg = arg;
    pthread_mutex_unlock(&logger.lock);
}

/* Under the lock. False when the line is lost. */
static bool write_line(const char *text, size_t len)
{
    ssize_t n;
    do {
        n = write(logger.fd, text, len);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

static bool send_to_journal(const struct vgw_buf *datagram)
{
    return logger.journal_fd >= 0 && send(logger.journal_fd, datagram->data, datagram->len,
                                          MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)datagram->len;
}

/* Under the lock. The place of a line that could not be made. */
static void write_lost(enum vgw_log_format format)
{
    static const char text[] = "ERROR a log line is lost: it is too long, or memory is short\n";
    static const char json[] =
        "{\"level\":\"error\",\"message\":\"a log line is lost: it is too long, or memory is short\"}\n";
    if (format == VGW_LOG_JSON)
        write_line(json, sizeof json - 1);
    else
        write_line(text, sizeof text - 1);
}

static void emit(const struct vgw_log_line *line)
{
    enum vgw_log_format format = atomic_load(&logger.format);
    struct vgw_buf out = {.limit = VGW_LOG_LINE_MAX_BYTES * 2};
    struct vgw_buf text = {.limit = VGW_LOG_LINE_MAX_BYTES};
    vgw_log_render(format, line, &out);
    if (format == VGW_LOG_JOURNAL)
        vgw_log_render(VGW_LOG_TEXT, line, &text);
    bool written;
    pthread_mutex_lock(&logger.lock);
    if (out.failed || text.failed) {
        write_lost(format);
        written = false;
    } else if (logger.capture) {
        logger.capture(out.data, logger.capture_arg);
        written = true;
    } else if (format == VGW_LOG_JOURNAL) {
        written = send_to_journal(&out) || write_line(text.data, text.len);
    } else {
        written = write_line(out.data, out.len);
    }
    pthread_mutex_unlock(&logger.lock);
    vgw_buf_done(&out);
    vgw_buf_done(&text);
    if (!written)
        vgw_metric_dropped("log");
}

static void add_field(struct vgw_log_line *line, const char *key, const char *value)
{
    if (!value || line->count == VGW_LOG_FIELDS_MAX)
        return;
    line->fields[line->count++] = (struct vgw_log_field){key, value};
}

static void add_scope(struct vgw_log_line *line, const struct vgw_log_scope *scope)
{
    if (!scope)
        return;
    add_field(line, "session", scope->session);
    add_field(line, "call", scope->call);
    add_field(line, "provider", scope->provider);
    add_field(line, "plugin", scope->plugin);
}

static void add_pairs(struct vgw_log_line *line, va_list ap)
{
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;)
        add_field(line, key, va_arg(ap, const char *));
}

void vgw_log(enum vgw_log_level level, const struct vgw_log_scope *scope, const char *message, ...)
{
    if (!vgw_log_enabled(level))
        return;
    struct vgw_log_line line = {.wall_us = vgw_io_wall_us(), .level = level, .message = message};
    add_scope(&line, scope);
    va_list ap;
    va_start(ap, message);
    add_pairs(&line, ap);
    va_end(ap);
    emit(&line);
}

void vgw_logf(enum vgw_log_level level, const struct vgw_log_scope *scope, const char *fmt, ...)
{
    if (!vgw_log_enabled(level))
        return;
    char message[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (n < 0)
        message[0] = '\0';
    struct vgw_log_line line = {.wall_us = vgw_io_wall_us(), .level = level, .message = message};
    add_scope(&line, scope);
    emit(&line);
}

void vgw_audit(const char *name, ...)
{
    struct vgw_log_line line = {.wall_us = vgw_io_wall_us(), .level = VGW_LOG_INFO, .audit = true, .message = name};
    va_list ap;
    va_start(ap, name);
    add_pairs(&line, ap);
    va_end(ap);
    emit(&line);
}
