#include "process.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 32
#define WORD_BYTES_MAX 1024
#define TEXT_BYTES_MAX 16384 /* less than a pipe holds: writing it never waits */

struct command {
    char *words[WORDS_MAX + 1];
    char texts[WORDS_MAX][WORD_BYTES_MAX];
};

struct child {
    pid_t pid;
    int in, out;
};

static int32_t read_command(const char *json, struct command *c, char *why, size_t cap)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(json));
    size_t n = 0;
    while (voicegw_json_next(&it)) {
        if (n == WORDS_MAX || voicegw_json_string(it.value, c->texts[n], WORD_BYTES_MAX) < 0) {
            (void)snprintf(why, cap, "command must be a list of at most %d texts of at most %d bytes", WORDS_MAX,
                           WORD_BYTES_MAX - 1);
            return VOICEGW_ECONFIG;
        }
        c->words[n] = c->texts[n];
        n++;
    }
    c->words[n] = NULL;
    if (n > 0 && c->words[0][0] == '/')
        return VOICEGW_OK;
    (void)snprintf(why, cap, "command must begin with the whole path of a program, like /usr/bin/piper");
    return VOICEGW_ECONFIG;
}

int32_t process_check(const char *command_json, char *why, size_t cap)
{
    struct command *c = calloc(1, sizeof *c);
    if (!c)
        return VOICEGW_ELIMIT;
    int32_t rc = read_command(command_json, c, why, cap);
    if (rc == VOICEGW_OK && access(c->words[0], X_OK) != 0) {
        (void)snprintf(why, cap, "command: %.150s cannot be run: %s", c->words[0], strerror(errno));
        rc = VOICEGW_ECONFIG;
    }
    free(c);
    return rc;
}

/* What a program needs of our environment; nothing else, as secrets stand there too. */
static void clean_environment(char *texts, size_t cap, char **list, size_t slots)
{
    static const char *const names[] = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && n + 1 < slots; i++) {
        const char *value = getenv(names[i]);
        int used = value ? snprintf(texts, cap, "%s=%s", names[i], value) : -1;
        if (used < 0 || (size_t)used >= cap)
            continue;
        list[n++] = texts;
        texts += used + 1;
        cap -= (size_t)used + 1;
    }
    list[n] = NULL;
}

static int spawn(const struct command *c, int in, int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char texts[4096], *environment[8];
    sigset_t all, none;
    clean_environment(texts, sizeof texts, environment, sizeof environment / sizeof *environment);
    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    int rc = posix_spawn_file_actions_adddup2(&files, in, 0);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(&files, out, 1);
    rc = rc ? rc : posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    rc = rc ? rc : posix_spawn(ret_pid, c->words[0], &files, &attributes, c->words, environment);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    return rc;
}

static int start(const struct command *c, struct child *child)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0)
        return errno;
    if (pipe2(out, O_CLOEXEC) != 0) {
        int why = errno;
        (void)close(in[0]);
        (void)close(in[1]);
        return why;
    }
    int rc = spawn(c, in[0], out[1], &child->pid);
    (void)close(in[0]);
    (void)close(out[1]);
    child->in = in[1];
    child->out = out[0];
    if (rc == 0)
        return 0;
    (void)close(in[1]);
    (void)close(out[0]);
    return rc;
}

/* 0 at the end of the audio, negative when it stalls or cannot be read, 1 when nobody wants more. */
static int hand_on(const struct child *child, uint32_t rate, uint32_t stall_ms, speaker_sink sink, void *arg,
                   uint64_t *samples)
{
    int16_t pcm[2048];
    size_t have = 0; /* bytes */
    for (;;) {
        struct pollfd p = {.fd = child->out, .events = POLLIN};
        int ready = poll(&p, 1, (int)stall_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return -1;
        ssize_t n = read(child->out, (char *)pcm + have, sizeof pcm - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -1 : 0;
        have += (size_t)n;
        *samples += have / 2;
        if (have >= 2 && sink(arg, pcm, have / 2, rate) != 0)
            return 1;
        if (have & 1u)
            ((char *)pcm)[0] = ((char *)pcm)[have - 1];
        have &= 1u;
    }
}

static int32_t judge(const struct child *child, int how, uint64_t samples, uint32_t stall_ms, char *why, size_t cap)
{
    int status = 0;
    if (how != 0)
        (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (how > 0)
        return VOICEGW_OK;
    if (how < 0) {
        (void)snprintf(why, cap, "the command wrote no audio for %u ms", stall_ms);
        return VOICEGW_ETIMEOUT;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && samples > 0)
        return VOICEGW_OK;
    (void)snprintf(why, cap, "the command ended with %d and %s audio", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                   samples ? "some" : "no");
    return VOICEGW_EPROVIDER;
}

int32_t process_speak(const char *command_json, const char *text, uint32_t rate, uint32_t stall_ms, speaker_sink sink,
                      void *arg, char *why, size_t cap)
{
    struct child child;
    uint64_t samples = 0;
    size_t n = strlen(text);
    struct command *c = calloc(1, sizeof *c);
    int32_t rc = c ? read_command(command_json, c, why, cap) : VOICEGW_ELIMIT;
    if (rc == VOICEGW_OK && n > TEXT_BYTES_MAX) {
        (void)snprintf(why, cap, "the command takes sentences of at most %d bytes", TEXT_BYTES_MAX);
        rc = VOICEGW_EINVALID;
    }
    int failed = rc == VOICEGW_OK ? start(c, &child) : 0;
    if (failed) {
        (void)snprintf(why, cap, "the command cannot be run: %s", strerror(failed));
        rc = VOICEGW_EPROVIDER;
    }
    free(c);
    if (rc != VOICEGW_OK)
        return rc;
    /* A child that is gone already shows when its output ends. */
    bool written = write(child.in, text, n) == (ssize_t)n && write(child.in, "\n", 1) == 1;
    (void)close(child.in);
    int how = hand_on(&child, rate, stall_ms, sink, arg, &samples);
    (void)close(child.out);
    rc = judge(&child, how, samples, stall_ms, why, cap);
    if (rc == VOICEGW_OK && !written && how == 0) {
        (void)snprintf(why, cap, "the command did not read its text");
        return VOICEGW_EPROVIDER;
    }
    return rc;
}
