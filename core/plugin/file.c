/* file.c - owner, mode, ELF header and fingerprint of a plugin's file. */
#include "plugin/file.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#define OWN_NAME "x86-64"
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#define OWN_NAME "arm64"
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#define OWN_NAME "riscv64"
#elif defined(__powerpc64__)
#define OWN_MACHINE EM_PPC64
#define OWN_NAME "ppc64"
#elif defined(__s390x__)
#define OWN_MACHINE EM_S390
#define OWN_NAME "s390x"
#elif defined(__i386__)
#define OWN_MACHINE EM_386
#define OWN_NAME "i386"
#else
#define OWN_MACHINE EM_ARM
#define OWN_NAME "arm"
#endif
#define OWN_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define OWN_DATA (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

enum { CHUNK = 64 * 1024 };

int vgw_plugin_file_open(const char *file, int *ret_fd, struct vgw_error *err)
{
    /* Non-blocking, so that a FIFO in a plugin directory cannot hold the caller. */
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT)
            return vgw_error_at(err, VGW_ENOTFOUND, file, "the plugin's file does not exist: install it there");
        return vgw_error_at(err, VGW_ECONFIG, file,
                            "the plugin's file cannot be read (%s): let the gateway's user read it", strerror(errno));
    }
    struct stat st;
    int rc;
    if (fstat(fd, &st) != 0)
        rc = vgw_error_at(err, VGW_ECONFIG, file, "the plugin's file cannot be examined (%s)", strerror(errno));
    else if (!S_ISREG(st.st_mode))
        rc = vgw_error_at(err, VGW_ECONFIG, file, "it is no regular file: a plugin is a shared object, NAME.so");
    else if (st.st_uid != 0 && st.st_uid != geteuid())
        rc = vgw_error_at(err, VGW_ECONFIG, file,
                          "the plugin's file belongs to user %u, who could run code here: chown it to root",
                          (unsigned)st.st_uid);
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        rc = vgw_error_at(err, VGW_ECONFIG, file,
                          "the plugin's file is writable by others (mode %04o), who could run code here: chmod go-w it",
                          (unsigned)(st.st_mode & 07777));
    else if ((unsigned long long)st.st_size > VGW_PLUGIN_FILE_MAX)
        rc = vgw_error_at(err, VGW_ECONFIG, file, "the plugin's file is larger than %u MiB: strip it",
                          VGW_PLUGIN_FILE_MAX >> 20);
    else {
        *ret_fd = fd;
        return 0;
    }
    close(fd);
    return rc;
}

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {{EM_X86_64, "x86-64"}, {EM_AARCH64, "arm64"}, {EM_386, "i386"},  {EM_ARM, "arm"},
                 {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"},   {EM_S390, "s390x"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].machine == machine)
            return names[i].name;
    }
    return "another machine";
}

int vgw_plugin_elf_check(const void *head, size_t len, const char *file, struct vgw_error *err)
{
    const unsigned char *id = head;
    if (len < EI_NIDENT || memcmp(id, ELFMAG, SELFMAG) != 0)
        return vgw_error_at(err, VGW_ECONFIG, file,
                            "it is not an ELF file: a plugin is a shared object, built by plugin.mk");
    if (id[EI_CLASS] != OWN_CLASS || id[EI_DATA] != OWN_DATA)
        return vgw_error_at(err, VGW_ECONFIG, file,
                            "it is built for the wrong architecture (%s-bit, %s-endian): build it for " OWN_NAME,
                            id[EI_CLASS] == ELFCLASS64 ? "64" : "32", id[EI_DATA] == ELFDATA2LSB ? "little" : "big");
    uint16_t type, machine; /* at the same place in both classes */
    if (len < EI_NIDENT + 4)
        return vgw_error_at(err, VGW_ECONFIG, file, "it is cut off inside of its ELF header: build or copy it again");
    memcpy(&type, id + EI_NIDENT, 2);
    memcpy(&machine, id + EI_NIDENT + 2, 2);
    if (machine != OWN_MACHINE)
        return vgw_error_at(err, VGW_ECONFIG, file,
                            "it is built for the wrong architecture (%s, ELF machine %u): build it for " OWN_NAME,
                            machine_name(machine), machine);
    if (type != ET_DYN)
        return vgw_error_at(err, VGW_ECONFIG, file, "it is an ELF file but no shared object: link it with -shared");
    return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int vgw_plugin_file_scan(int fd, const char *file, int copy_fd, char *hash, struct vgw_error *err)
{
    struct vgw_plugin_hash sum;
    size_t total = 0;
    int rc = 0;
    char *chunk = vgw_calloc(1, CHUNK);
    if (!chunk)
        return vgw_error_nomem(err);
    vgw_plugin_hash_init(&sum);
    while (rc == 0) {
        ssize_t n = pread(fd, chunk, CHUNK, (off_t)total);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = vgw_error_at(err, VGW_ESTORAGE, file, "the plugin's file cannot be read (%s)", strerror(errno));
            break;
        }
        if (total == 0)
            rc = vgw_plugin_elf_check(chunk, (size_t)n, file, err);
        if (rc != 0 || n == 0)
            break;
        total += (size_t)n;
        if (total > VGW_PLUGIN_FILE_MAX)
            rc = vgw_error_at(err, VGW_ECONFIG, file, "the plugin's file is larger than %u MiB: strip it",
                              VGW_PLUGIN_FILE_MAX >> 20);
        vgw_plugin_hash_add(&sum, chunk, (size_t)n);
        if (copy_fd >= 0 && write_all(copy_fd, chunk, (size_t)n) != 0)
            rc = vgw_error_at(err, VGW_ESTORAGE, file,
                              "its private copy cannot be written (%s): make room in the state directory",
                              strerror(errno));
    }
    if (rc == 0)
        vgw_plugin_hash_text(&sum, hash);
    vgw_free(chunk);
    return rc;
}
