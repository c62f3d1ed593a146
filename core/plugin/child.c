/* child.c - both sides of a helper process. */
#include "plugin/child.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/str.h"

#define STOP_LOOK_MS 100 /* how soon a helper is given up once nobody wants its answer */
enum { ANSWER_MAX = 1 << 20, CHILD_FD = 3 };

struct child {
    pid_t pid;
    int from; /* the helper's lines */
    int timer;
    const atomic_bool *stop; /* given up from outside; may be NULL */
    bool timed_out, stopped;
    int exit_status;
    struct vgw_buf text;
};

/* posix_spawn, not fork: a fork of a threaded daemon copies its page tables and inherits its locks. */
static int spawn(char *const argv[], int in, int to, pid_t *ret_pid)
{
    char fd_setting[] = "VGW_PROBE_FD=3", path[] = "PATH=/usr/bin:/bin", *envp[5] = {fd_setting, path};
    const char *library_path = getenv("LD_LIBRARY_PATH"), *asan = getenv("ASAN_OPTIONS");
    struct vgw_buf library = {0}, sanitizer = {0};
    size_t n = 2;
    if (library_path) {
        vgw_buf_printf(&library, "LD_LIBRARY_PATH=%s", library_path);
        envp[n++] = library.data;
    }
    if (asan) {
        vgw_buf_printf(&sanitizer, "ASAN_OPTIONS=%s", asan);
        envp[n++] = sanitizer.data;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    if (in >= 0)
        posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    else
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, to, CHILD_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, CHILD_FD + 1);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    int rc = posix_spawn(ret_pid, argv[0], &actions, &attr, argv, envp);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    vgw_buf_done(&library);
    vgw_buf_done(&sanitizer);
    return rc;
}

/* Reads lines until the helper ends or its time is over; the deadline is the kernel's, so a helper that dribbles gains
 * nothing. */
static void listen_to(struct child *c)
{
    struct pollfd fds[2] = {{.fd = c->from, .events = POLLIN}, {.fd = c->timer, .events = POLLIN}};
    char chunk[4096];
    for (;;) {
        int n_ready = poll(fds, 2, STOP_LOOK_MS);
        if (n_ready < 0 && errno != EINTR)
            return;
        c->stopped = c->stop && atomic_load(c->stop);
        if (c->stopped)
            return;
        if (n_ready <= 0)
            continue;
        if (fds[0].revents) {
            ssize_t n = read(c->from, chunk, sizeof chunk);
            if (n == 0 || (n < 0 && errno != EINTR))
                return;
            if (n > 0)
                vgw_buf_add(&c->text, chunk, (size_t)n);
            if (c->text.failed)
                return;
        } else if (fds[1].revents) {
            c->timed_out = true;
            return;
        }
    }
}

/* A helper that closed its end but lives on gets the rest of the time to leave by itself. */
static void reap(struct child *c)
{
    int pidfd = c->timed_out || c->stopped ? -1 : pidfd_open(c->pid, 0);
    if (pidfd >= 0) {
        struct pollfd fds[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = c->timer, .events = POLLIN}};
        while (poll(fds, 2, -1) < 0 && errno == EINTR)
            ;
        c->timed_out = !fds[0].revents;
        close(pidfd);
    }
    kill(-c->pid, SIGKILL);
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, &c->exit_status, 0) < 0 && errno == EINTR)
        ;
}

static int run_helper(struct vgw_plugin_prober *prober, char *const argv[], int in, const char *file, struct child *c,
                      struct vgw_error *err)
{
    int ends[2] = {-1, -1}, rc = 0;
    uint32_t ms = prober->timeout_ms ? prober->timeout_ms : VGW_PLUGIN_PROBE_TIMEOUT_MS;
    struct itimerspec when = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L}};
    vgw_buf_init(&c->text, ANSWER_MAX);
    c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (c->timer < 0 || timerfd_settime(c->timer, 0, &when, NULL) != 0 || pipe2(ends, O_CLOEXEC) != 0) {
        rc = vgw_error_at(err, VGW_ELIMIT, file, "it cannot be probed (%s): raise the limit of open files",
                          strerror(errno));
    } else {
        int failed = spawn(argv, in, ends[1], &c->pid);
        close(ends[1]);
        c->from = ends[0];
        if (failed) {
            rc = vgw_error_at(err, VGW_EINTERNAL, file, "it cannot be probed: the helper process does not start (%s)",
                              strerror(failed));
        } else {
            prober->spawned++;
            listen_to(c);
            reap(c);
        }
        close(ends[0]);
    }
    if (c->timer >= 0)
        close(c->timer);
    return rc;
}

/* What the helper was doing when it was last heard of. */
static const char *stage_sentence(const char *stage)
{
    if (strcmp(stage, "constructor") == 0)
        return "its constructor (code that runs when it is opened)";
    if (strcmp(stage, "entry") == 0)
        return "its voicegw_plugin_entry()";
    if (strcmp(stage, "descriptor") == 0)
        return "reading its descriptor";
    if (strcmp(stage, "create") == 0)
        return "its create(), with these options,";
    if (strcmp(stage, "destroy") == 0)
        return "its destroy(), after create() without start(),";
    return "the helper process, before it was opened,";
}

static const char *signal_name(int number)
{
    const char *name = sigabbrev_np(number);
    return name ? name : "unknown";
}

static int explain_silence(const struct child *c, const char *stage, const char *file, uint32_t timeout_ms,
                           struct vgw_error *err)
{
    const char *what = stage_sentence(stage);
    if (c->text.failed)
        return vgw_error_at(err, VGW_ECONFIG, file, "its descriptor is larger than %d bytes: make it smaller",
                            ANSWER_MAX);
    if (c->stopped)
        return vgw_error_at(err, VGW_EBUSY, file, "it was not tried out to the end: the gateway ends");
    if (c->timed_out)
        return vgw_error_at(err, VGW_ETIMEOUT, file,
                            "%s hung: it did not return within %u ms; move the work to start()", what, timeout_ms);
    if (WIFSIGNALED(c->exit_status))
        return vgw_error_at(err, VGW_ECONFIG, file, "%s crashed with SIG%s: run voicegw-plugin-check on it", what,
                            signal_name(WTERMSIG(c->exit_status)));
    return vgw_error_at(err, VGW_ECONFIG, file, "%s ended the process with exit code %d: a plugin must never exit",
                        what, WIFEXITED(c->exit_status) ? WEXITSTATUS(c->exit_status) : -1);
}

/* Reads the helper's lines: 0 and *ret_json (caller frees), or the reason. */
static int read_answer(const struct child *c, const char *file, uint32_t timeout_ms, struct vgw_json **ret_json,
                       struct vgw_error *err)
{
    char stage[32] = "";
    for (const char *p = vgw_buf_str(&c->text), *end; (end = strchr(p, '\n')); p = end + 1) {
        struct vgw_json *line = NULL;
        if (vgw_json_parse(p, (size_t)(end - p), &line, NULL) != 0)
            break;
        const char *sentence = vgw_json_get_string(line, "error", NULL);
        vgw_strcopy(stage, sizeof stage, vgw_json_get_string(line, "stage", stage));
        bool answered = vgw_json_has(line, "plugin");
        int64_t status = vgw_json_get_int(line, "status", VGW_ECONFIG);
        if (status >= 0 || status < VGW_EINTERNAL)
            status = VGW_ECONFIG;
        if (sentence)
            vgw_error_at(err, (int)status, file, "%s", sentence);
        else if (answered)
            *ret_json = vgw_json_ref(vgw_json_get(line, "plugin"));
        vgw_json_free(line);
        if (sentence || answered)
            return sentence ? (int)status : 0;
    }
    return explain_silence(c, stage, file, timeout_ms, err);
}

int vgw_plugin_child_run(struct vgw_plugin_prober *prober, const char *argument, const char *second, int in,
                         const char *file, struct vgw_json **ret_answer, struct vgw_error *err)
{
    struct child c = {.from = -1, .timer = -1, .stop = prober->stop};
    char *argv[] = {(char *)(uintptr_t)(prober->helper ? prober->helper : "/proc/self/exe"),
                    (char *)(uintptr_t)argument, (char *)(uintptr_t)second, NULL};
    int rc = run_helper(prober, argv, in, file, &c, err);
    if (rc == 0)
        rc = read_answer(&c, file, prober->timeout_ms ? prober->timeout_ms : VGW_PLUGIN_PROBE_TIMEOUT_MS, ret_answer,
                         err);
    vgw_buf_done(&c.text);
    return rc;
}

/* ---- the helper's side ---- */

static void put_line(int fd, struct vgw_buf *line)
{
    vgw_buf_addc(line, '\n');
    const char *p = vgw_buf_str(line);
    for (size_t left = line->failed ? 0 : line->len; left > 0;) {
        ssize_t n = write(fd, p, left);
        if (n <= 0)
            break;
        p += n;
        left -= (size_t)n;
    }
    vgw_buf_done(line);
}

int vgw_plugin_child_begin(void)
{
    int64_t fd = STDOUT_FILENO;
    const char *given = getenv("VGW_PROBE_FD");
    if (!given || !vgw_parse_i64(given, &fd) || fd < 0 || fd > 1024)
        fd = STDOUT_FILENO;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return (int)fd;
}

void vgw_plugin_child_stage(int fd, const char *name)
{
    struct vgw_buf line = {0};
    vgw_buf_printf(&line, "{\"stage\":\"%s\"}", name);
    put_line(fd, &line);
}

void vgw_plugin_child_error(int fd, const struct vgw_error *err)
{
    struct vgw_buf line = {0};
    vgw_buf_adds(&line, "{\"error\":");
    vgw_json_quote(&line, err->text, strlen(err->text));
    vgw_buf_printf(&line, ",\"status\":%d}", err->status);
    put_line(fd, &line);
}

void vgw_plugin_child_answer(int fd, const struct vgw_json *value)
{
    struct vgw_buf line = {0};
    vgw_buf_adds(&line, "{\"plugin\":");
    vgw_json_write(value, &line);
    vgw_buf_addc(&line, '}');
    put_line(fd, &line);
}
