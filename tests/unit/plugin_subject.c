/* plugin_subject.c - builds the tests' plugins, and is the probe's helper when run with --probe-plugin. */
#include "plugin_subject.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/str.h"

/* The probe spawns /proc/self/exe, which is this test program: answer before Criterion's main() begins. */
__attribute__((constructor)) static void answer_probe(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], VGW_PLUGIN_PROBE_ARGUMENT) == 0)
        _exit(vgw_probe_main(argv[2]));
}

static char trace[4096];
struct vgw_instance *subject_drained;

static void remove_dir(void)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", subject_dir());
    if (system(command) != 0)
        fprintf(stderr, "left %s\n", subject_dir());
}

const char *subject_dir(void)
{
    static char dir[64];
    static pid_t owner;
    if (owner != getpid()) {
        owner = getpid();
        snprintf(dir, sizeof dir, "/tmp/voicegw-plugin-XXXXXX");
        cr_assert_not_null(mkdtemp(dir));
        atexit(remove_dir);
    }
    return dir;
}

const char *subject_path(const char *name)
{
    static char ring[64][256];
    static unsigned next;
    char *path = ring[next++ % 64];
    snprintf(path, sizeof ring[0], "%s/%s", subject_dir(), name);
    return path;
}

void subject_build(const char *name, const char *defines)
{
    char command[2048];
    const char *cc = getenv("CC");
    snprintf(
        command, sizeof command,
        "%s -std=c17 -shared -fPIC -fvisibility=hidden -Iplugin-sdk/include %s -o '%s' tests/abi/plugins/subject.c && "
        "chmod 644 '%s'",
        cc ? cc : "cc", defines, subject_path(name), subject_path(name));
    cr_assert_eq(system(command), 0, "%s", command);
}

void subject_overwrite(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *f = fopen(from, "rb");
    cr_assert_not_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

struct table {
    struct voicegw_host host;
    struct vgw_instance *instance;
    char sentence[256];
};

static void on_log(const struct voicegw_host *host, uint32_t level, const char *message, const char *fields_json)
{
    (void)host;
    (void)level;
    (void)fields_json;
    snprintf(trace + strlen(trace), sizeof trace - strlen(trace), "%s;", message);
}

static int32_t on_set_error(const struct voicegw_host *host, int32_t status, const char *sentence)
{
    struct table *t = VGW_CONTAINER_OF(host, struct table, host);
    vgw_strcopy(t->sentence, sizeof t->sentence, sentence);
    return status;
}

static const char *on_last_error(const struct voicegw_host *host)
{
    return VGW_CONTAINER_OF(host, struct table, host)->sentence;
}

static void on_drained(const struct voicegw_host *host)
{
    subject_drained = VGW_CONTAINER_OF(host, struct table, host)->instance;
}

static const struct voicegw_host *host_new(void *arg, struct vgw_instance *instance)
{
    (void)arg;
    struct table *t;
    if (!VGW_NEW(t))
        return NULL;
    t->instance = instance;
    t->host.size = sizeof t->host;
    t->host.log = on_log;
    t->host.set_error = on_set_error;
    t->host.last_error = on_last_error;
    t->host.drained = on_drained;
    return &t->host;
}

static void host_free(void *arg, struct vgw_instance *instance, const struct voicegw_host *host)
{
    (void)arg;
    (void)instance;
    vgw_free(VGW_CONTAINER_OF(host, struct table, host));
}

const struct vgw_plugin_hostops subject_hostops = {host_new, host_free, NULL};

const char *subject_trace(void)
{
    return trace;
}

struct vgw_plugin_module *subject_load(struct vgw_plugin_loader *loader, const char *file)
{
    struct vgw_plugin_prober prober = {0};
    struct vgw_plugin_desc *desc = NULL;
    struct vgw_plugin_module *module = NULL;
    struct vgw_error err = {0};
    char hash[VGW_PLUGIN_HASH_TEXT];
    cr_assert_eq(vgw_plugin_probe(&prober, file, "subject", &desc, hash, &err), 0, "%s", err.text);
    cr_assert_eq(vgw_plugin_load(loader, file, hash, desc, &module, &err), 0, "%s", err.text);
    return module;
}
