/* probe.c - the gateway's side of a probe: checks the file, asks the cache, else spawns the helper and reads its
 * answer. */
#include "plugin/probe.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/str.h"
#include "plugin/file.h"

enum { ANSWER_MAX = 1 << 20, CHILD_FD = 3 };

struct child {
    pid_t pid;
    int from; /* the helper's lines */
    int timer;
    bool timed_out;
    int exit_status;
    struct vgw_buf text;
};

/* posix_spawn, not fork: a fork of a threaded daemon copies its page tables and inherits its locks. */
static int spawn(const char *helper, const char *file, int to, pid_t *ret_pid)
{
    char argument[] = VGW_PLUGIN_PROBE_ARGUMENT;
    char *argv[] = {(char *)helper, argument, (char *)file, NULL};
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
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, to, CHILD_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, CHILD_FD + 1);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    int rc = posix_spawn(ret_pid, helper, &actions, &attr, argv, envp);
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
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
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
    int pidfd = c->timed_out ? -1 : pidfd_open(c->pid, 0);
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

static int run_helper(struct vgw_plugin_prober *prober, const char *file, struct child *c, struct vgw_error *err)
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
        int failed = spawn(prober->helper ? prober->helper : "/proc/self/exe", file, ends[1], &c->pid);
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
        if (sentence)
            vgw_error_at(err, VGW_ECONFIG, file, "%s", sentence);
        else if (vgw_json_has(line, "plugin"))
            *ret_json = vgw_json_ref(vgw_json_get(line, "plugin"));
        bool done = sentence || *ret_json;
        vgw_json_free(line);
        if (done)
            return sentence ? VGW_ECONFIG : 0;
    }
    return explain_silence(c, stage, file, timeout_ms, err);
}

static int ask_helper(struct vgw_plugin_prober *prober, const char *file, struct vgw_json **ret_json,
                      struct vgw_error *err)
{
    struct child c = {.from = -1, .timer = -1};
    int rc = run_helper(prober, file, &c, err);
    if (rc == 0)
        rc =
            read_answer(&c, file, prober->timeout_ms ? prober->timeout_ms : VGW_PLUGIN_PROBE_TIMEOUT_MS, ret_json, err);
    vgw_buf_done(&c.text);
    return rc;
}

static int fingerprint(const char *file, char *hash, struct vgw_error *err)
{
    int fd;
    int rc = vgw_plugin_file_open(file, &fd, err);
    if (rc != 0)
        return rc;
    rc = vgw_plugin_file_scan(fd, file, -1, hash, err);
    close(fd);
    return rc;
}

static int accept_desc(const struct vgw_json *json, const char *file, const char *name,
                       struct vgw_plugin_desc **ret_desc, struct vgw_error *err)
{
    struct vgw_plugin_desc *desc = NULL;
    int rc = vgw_plugin_desc_from_json(json, &desc, err);
    if (rc != 0)
        return rc;
    if (!vgw_streq(desc->name, name)) {
        vgw_error_at(err, VGW_ECONFIG, file,
                     "the plugin calls itself %s, but its file is %s.so: rename the file to %s.so", desc->name, name,
                     desc->name);
        vgw_plugin_desc_free(desc);
        return VGW_ECONFIG;
    }
    *ret_desc = desc;
    return 0;
}

int vgw_plugin_probe(struct vgw_plugin_prober *prober, const char *file, const char *name,
                     struct vgw_plugin_desc **ret_desc, char *ret_hash, struct vgw_error *err)
{
    char hash[VGW_PLUGIN_HASH_TEXT];
    struct vgw_json *answer = NULL;
    int rc = fingerprint(file, hash, err);
    if (rc != 0)
        return rc;
    const struct vgw_json *json = prober->cache ? vgw_plugin_cache_get(prober->cache, hash) : NULL;
    if (!json) {
        rc = ask_helper(prober, file, &answer, err);
        json = answer;
    }
    if (rc == 0)
        rc = accept_desc(json, file, name, ret_desc, err);
    /* A cache that cannot take the answer costs one more child at the next start, nothing else. */
    if (rc == 0 && answer && prober->cache) {
        (void)vgw_plugin_cache_put(prober->cache, hash, answer);
        answer = NULL;
    }
    if (rc == 0)
        memcpy(ret_hash, hash, sizeof hash);
    vgw_json_free(answer);
    return rc;
}
