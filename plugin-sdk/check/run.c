/* run.c - a rule in a child process: whatever the plugin does there, the next rule starts afresh. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "plugin/desc.h"

enum { RULE_TIMEOUT_MS = 20000, VERDICT_MAX = 1024 };
static int verdict_fd = -1;

__attribute__((format(printf, 2, 0))) static _Noreturn void leave(char letter, const char *fmt, va_list ap)
{
    char text[VERDICT_MAX];
    text[0] = letter;
    vsnprintf(text + 1, sizeof text - 1, fmt, ap);
    if (write(verdict_fd, text, strlen(text)) < 0)
        _exit(3);
    _exit(0);
}

void fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    leave('F', fmt, ap);
}

void not_applicable(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    leave('N', fmt, ap);
}

__attribute__((format(printf, 2, 3))) static _Noreturn void verdict(char letter, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    leave(letter, fmt, ap);
}

void pass(void)
{
    verdict('P', "%s", "");
}

static _Noreturn void child(struct subject *s, const struct rule *rule, int fd)
{
    int null = open("/dev/null", O_RDWR);
    verdict_fd = fd;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        close(null);
    }
    rule->run(s, rule);
    pass();
}

/* The child's words, or "" when it died or hung; *ret_status as waitpid gives it, -1: it hung. */
static void hear(pid_t pid, int fd, char *text, int *ret_status)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n = 0;
    text[0] = '\0';
    *ret_status = 0;
    int ready;
    while ((ready = poll(&p, 1, RULE_TIMEOUT_MS)) < 0 && errno == EINTR)
        ;
    if (ready > 0)
        n = read(fd, text, VERDICT_MAX - 1);
    text[n > 0 ? n : 0] = '\0';
    if (ready == 0 || n > 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    if (ready == 0)
        *ret_status = -1;
}

bool rule_run(struct subject *s, const struct rule *rule)
{
    char text[VERDICT_MAX], name[160];
    int ends[2], status;
    snprintf(name, sizeof name, "%s%s%s", rule->kind ? s->kind : "", rule->kind ? " " : "", rule->name);
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        printf("FAIL %s: the rule cannot be run (%s)\n", name, strerror(errno));
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(s, rule, ends[1]);
    }
    close(ends[1]);
    hear(pid, ends[0], text, &status);
    close(ends[0]);
    if (text[0] == 'P')
        printf("ok   %s: %s\n", name, rule->promise);
    else if (text[0] == 'N')
        printf("ok   %s: not applicable, %s\n", name, text + 1);
    else if (text[0] == 'F')
        printf("FAIL %s: %s\n", name, text + 1);
    else if (status == -1)
        printf("FAIL %s: the plugin did not return within %d s: no function may block its thread\n", name,
               RULE_TIMEOUT_MS / 1000);
    else if (WIFSIGNALED(status))
        printf("FAIL %s: the plugin crashed with SIG%s\n", name, sigabbrev_np(WTERMSIG(status)));
    else
        printf("FAIL %s: the plugin ended the process with exit code %d: it must never exit\n", name,
               WEXITSTATUS(status));
    return text[0] == 'P' || text[0] == 'N';
}

void subject_open(struct subject *s)
{
    void *handle = dlopen(s->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        fail("it cannot be opened: %s", dlerror());
    const struct voicegw_plugin *(*entry)(uint32_t, uint32_t);
    *(void **)&entry = dlsym(handle, "voicegw_plugin_entry");
    if (!entry)
        fail("it exports no voicegw_plugin_entry: define it with VOICEGW_EXPORT");
    s->plugin = entry(VOICEGW_ABI_MAJOR, VOICEGW_ABI_MINOR);
    if (!s->plugin)
        fail("voicegw_plugin_entry(%u, %u) returned NULL: build it with this SDK", VOICEGW_ABI_MAJOR,
             VOICEGW_ABI_MINOR);
    if (s->factory < s->plugin->factory_count)
        s->f = s->plugin->factories[s->factory];
}

void subject_create(struct subject *s, enum fake_config config, int32_t *ret_rc)
{
    if (!s->plugin)
        subject_open(s);
    s->host = fake_host_begin("check", s->plugin->name);
    s->options = fake_options_new(s->f, config);
    s->instance = NULL;
    int32_t rc = s->f->create(s->host, s->options, &s->instance);
    if (ret_rc)
        *ret_rc = rc;
    else if (rc != 0)
        fail("create() refused defaults and dummies with %d (%s): give values that it takes as OPTION=VALUE arguments",
             rc, fake_sentence());
}

void subject_start(struct subject *s)
{
    subject_create(s, FAKE_DEFAULTS, NULL);
    fake_sentence_clear();
    int32_t rc = s->f->start(s->instance);
    if (rc != 0)
        fail("start() refused with %d (%s): give values that it takes as OPTION=VALUE arguments", rc, fake_sentence());
    fake_run(1000);
}

void subject_destroy(struct subject *s)
{
    fake_tag_set(VOICEGW_THREAD_CONTROL);
    s->f->destroy(s->instance);
    fake_host_end();
    fake_options_free(s->options);
    s->options = NULL;
    s->instance = NULL;
}

const void *subject_table(struct subject *s, const char *id)
{
    const void *table = s->f->get_extension(s->instance, id);
    if (!table)
        fail("get_extension(\"%s\") returned NULL, though the factory is of that kind", id);
    return table;
}

const char *oversize_text(void)
{
    static char text[64 * 1024 + 1];
    memset(text, 'x', sizeof text - 1);
    return text;
}

static unsigned count_dir(const char *path)
{
    unsigned n = 0;
    DIR *d = opendir(path);
    for (const struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

unsigned fd_count(void)
{
    return count_dir("/proc/self/fd");
}

unsigned thread_count(void)
{
    return count_dir("/proc/self/task");
}
