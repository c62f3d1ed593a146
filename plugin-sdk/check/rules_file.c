/* rules_file.c - the file and its entry. */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/alloc.h"
#include "check.h"
#include "plugin/file.h"

static void check_file(struct subject *s, const struct rule *rule)
{
    struct vgw_error err = {0};
    char hash[VGW_PLUGIN_HASH_TEXT];
    int fd;
    (void)rule;
    if (vgw_plugin_file_open(s->file, &fd, &err) != 0 || vgw_plugin_file_scan(fd, s->file, -1, hash, &err) != 0)
        fail("%s", err.text);
}

static void check_loads(struct subject *s, const struct rule *rule)
{
    (void)rule;
    subject_open(s);
}

/* The dynamic symbol table of the file itself: what dlsym() finds may come from a dependency. */
static void check_exports(struct subject *s, const struct rule *rule)
{
    static char bytes[64 << 20];
    int fd = open(s->file, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    (void)rule;
    for (ssize_t n; fd >= 0 && size < sizeof bytes && (n = read(fd, bytes + size, sizeof bytes - size)) > 0;)
        size += (size_t)n;
    const ElfW(Ehdr) *head = (const void *)bytes;
    const ElfW(Shdr) *sections = (const void *)(bytes + head->e_shoff);
    bool entry = false;
    if (head->e_shoff == 0 || head->e_shoff + (size_t)head->e_shnum * sizeof *sections > size)
        not_applicable("its section table was stripped");
    for (unsigned i = 0; i < head->e_shnum; i++) {
        if (sections[i].sh_type != SHT_DYNSYM || sections[i].sh_offset + sections[i].sh_size > size)
            continue;
        const ElfW(Sym) *symbols = (const void *)(bytes + sections[i].sh_offset);
        const char *names = bytes + sections[sections[i].sh_link].sh_offset;
        for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; k++) {
            const char *name = names + symbols[k].st_name;
            if (symbols[k].st_shndx == SHN_UNDEF || symbols[k].st_shndx == SHN_ABS ||
                ELF64_ST_BIND(symbols[k].st_info) == STB_LOCAL)
                continue;
            if (strcmp(name, "voicegw_plugin_entry") == 0)
                entry = true;
            else if (strcmp(name, "_init") != 0 && strcmp(name, "_fini") != 0 && strncmp(name, "__asan", 6) != 0)
                fail("it also exports %s: build with plugin.mk, or with -fvisibility=hidden", name);
        }
    }
    if (!entry)
        fail("it exports no voicegw_plugin_entry: define it with VOICEGW_EXPORT");
}

static const struct voicegw_plugin *call_entry(struct subject *s, uint32_t major, uint32_t minor)
{
    void *handle = dlopen(s->file, RTLD_NOW | RTLD_LOCAL);
    const struct voicegw_plugin *(*entry)(uint32_t, uint32_t);
    *(void **)&entry = dlsym(handle, "voicegw_plugin_entry");
    return entry(major, minor);
}

static void check_foreign_major(struct subject *s, const struct rule *rule)
{
    static const uint32_t majors[] = {0, VOICEGW_ABI_MAJOR + 1, 999};
    (void)rule;
    subject_open(s);
    for (size_t i = 0; i < sizeof majors / sizeof majors[0]; i++) {
        if (call_entry(s, majors[i], 0))
            fail("voicegw_plugin_entry(%u, 0) must return NULL: it was built for major %u", majors[i],
                 VOICEGW_ABI_MAJOR);
    }
}

static void check_minors(struct subject *s, const struct rule *rule)
{
    (void)rule;
    subject_open(s);
    if (!call_entry(s, VOICEGW_ABI_MAJOR, VOICEGW_ABI_MINOR + 50))
        fail("voicegw_plugin_entry(%u, %u) returned NULL: a newer host minor must be borne", VOICEGW_ABI_MAJOR,
             VOICEGW_ABI_MINOR + 50);
    if (call_entry(s, VOICEGW_ABI_MAJOR, VOICEGW_ABI_MINOR) != s->plugin)
        fail("voicegw_plugin_entry() returned another descriptor the second time: it must be constant");
}

static int handlers_set(void)
{
    int n = 0;
    for (int i = 1; i < 32; i++) {
        struct sigaction a;
        if (sigaction(i, NULL, &a) == 0 && a.sa_handler != SIG_DFL)
            n++;
    }
    return n;
}

static void check_effects(struct subject *s, const struct rule *rule)
{
    char before[512] = "", after[512] = "";
    unsigned fds = fd_count(), threads = thread_count();
    int handlers = handlers_set();
    mode_t mask = umask(022);
    (void)rule;
    umask(mask);
    if (!getcwd(before, sizeof before))
        before[0] = '\0';
    subject_open(s);
    if (thread_count() > threads)
        fail("opening it started a thread: do that in start()");
    if (fd_count() > fds)
        fail("opening it left a file open: open files in start()");
    if (handlers_set() != handlers)
        fail("opening it changed signal handlers: signals are the gateway's");
    if (getcwd(after, sizeof after) && strcmp(before, after) != 0)
        fail("opening it changed the working directory");
    if (umask(022) != mask)
        fail("opening it changed the umask");
}

static void check_load_time(struct subject *s, const struct rule *rule)
{
    struct timespec from, to;
    (void)rule;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    subject_open(s);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    if (ms > 250)
        fail("opening it took %.0f ms of CPU: load heavy libraries at first use", ms);
}

const struct rule rules_file[] = {
    {"file", "a shared object for this machine that only its owner may write", NULL, check_file, 0, 0},
    {"loads", "opens with every symbol resolved", NULL, check_loads, 0, 0},
    {"exports", "voicegw_plugin_entry and nothing else", NULL, check_exports, 0, 0},
    {"entry-major", "answers NULL to a foreign ABI major", NULL, check_foreign_major, 0, 0},
    {"entry-minor", "answers the same descriptor to any minor", NULL, check_minors, 0, 0},
    {"entry-effects", "opening it has no effects", NULL, check_effects, 0, 0},
    {"load-time", "opens in under 250 ms of CPU", NULL, check_load_time, 0, 0},
    {NULL, NULL, NULL, NULL, 0, 0},
};
