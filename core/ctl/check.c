/* check.c - a configuration is checked by the daemon's own program. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"

#define PATH_MAX_BYTES 4096
#define OUTPUT_MAX (4u * 1024 * 1024)

/* The daemon beside this program, in the sbin beside this bin, or where it is installed. */
static bool find_daemon(char *path, size_t cap)
{
    static const char *const places[] = {"voicegwd", "../sbin/voicegwd"};
    char own[PATH_MAX_BYTES];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    own[len > 0 ? (size_t)len : 0] = '\0';
    char *slash = strrchr(own, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof places[0]; i++) {
        slash[1] = '\0';
        int n = snprintf(path, cap, "%s%s", own, places[i]);
        if (n > 0 && (size_t)n < cap && access(path, X_OK) == 0)
            return true;
    }
    vgw_strcopy(path, cap, "/usr/sbin/voicegwd");
    return access(path, X_OK) == 0;
}

/* "FILE:LINE:COLUMN: sentence" as {"field", "detail"}. */
static void add_line(struct vgw_json *errors, const char *line)
{
    struct vgw_json *e = vgw_json_object();
    const char *end = strstr(line, ": ");
    char *place = end ? vgw_strndup(line, (size_t)(end - line)) : NULL;
    vgw_json_set_string(e, "field", place ? place : "");
    vgw_json_set_string(e, "detail", end ? end + 2 : line);
    vgw_json_append(errors, e);
    vgw_free(place);
}

static void print_result(const char *file, int code, struct vgw_buf *output)
{
    struct vgw_json *o = vgw_json_object(), *lines = vgw_json_array();
    char *save = NULL;
    for (char *line = output->len ? strtok_r(output->data, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save))
        add_line(lines, line);
    vgw_json_set_string(o, "file", file);
    vgw_json_set_bool(o, "ok", code == 0);
    vgw_json_set(o, code == 0 ? "notes" : "errors", lines);
    vgw_ctl_print_json(o);
    vgw_json_free(o);
}

/* Runs the daemon's check and collects what it prints; its exit code, -1: it could not be run. */
static int collect(char *const *argv, struct vgw_buf *output)
{
    char chunk[4096];
    int pipes[2], status = 0;
    if (pipe(pipes) < 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], STDOUT_FILENO);
        dup2(pipes[1], STDERR_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execv(argv[0], argv);
        _exit(127);
    }
    close(pipes[1]);
    for (ssize_t n; child > 0 && ((n = read(pipes[0], chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR));)
        vgw_buf_add(output, chunk, n > 0 ? (size_t)n : 0);
    close(pipes[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status) : -1;
}

int vgw_ctl_check(struct vgw_ctl *ctl)
{
    char path[PATH_MAX_BYTES + 32], *file = vgw_strdup(ctl->args.words[0]);
    char check[] = "-t", config[] = "-c", plugin_path[] = "-p";
    char *argv[] = {path, check, config, file, NULL, NULL, NULL};
    const char *plugins = vgw_ctl_args_value(&ctl->args, "plugin-path");
    char *folder = vgw_strdup(plugins);
    int code;
    if (!find_daemon(path, sizeof path)) {
        code = vgw_ctl_fail(VGW_CTL_UNREACHABLE, "voicegwd is neither beside voicegwctl nor in /usr/sbin; install it");
    } else {
        struct vgw_buf output;
        if (folder) {
            argv[4] = plugin_path;
            argv[5] = folder;
        }
        vgw_buf_init(&output, OUTPUT_MAX);
        code = ctl->json ? collect(argv, &output) : execv(path, argv);
        if (code >= 0)
            print_result(ctl->args.words[0], code, &output);
        else
            code = vgw_ctl_fail(VGW_CTL_UNREACHABLE, "%s could not be run: %s", path, strerror(errno));
        vgw_buf_done(&output);
    }
    vgw_free(file);
    vgw_free(folder);
    return code;
}
