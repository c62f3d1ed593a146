/* load.c - private copies and libltdl. */
#include "plugin/load.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ltdl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/str.h"
#include "plugin/file.h"

/* libltdl bears one thread at a time; code is opened on an io lane while control may close some. */
static pthread_mutex_t ltdl = PTHREAD_MUTEX_INITIALIZER;

struct vgw_plugin_loader {
    char *dir;
    unsigned serial;
};

struct vgw_plugin_module {
    unsigned refs;
    lt_dlhandle handle;
    char *copy;
    char hash[VGW_PLUGIN_HASH_TEXT];
    const struct voicegw_plugin *plugin;
    struct vgw_plugin_desc *desc;
};

/* Copies are named NAME-HASH-PID-SERIAL.so; nothing else in the directory is touched. */
static void remove_leftovers(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (const struct dirent *e; (e = readdir(d));) {
        if (vgw_glob_match("*-*-*-*.so", e->d_name))
            unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

int vgw_plugin_loader_new(const char *dir, struct vgw_plugin_loader **ret_loader, struct vgw_error *err)
{
    struct stat st;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return vgw_error_at(err, VGW_ESTORAGE, dir,
                            "the directory for plugin copies cannot be made (%s): make it, for the gateway's user",
                            strerror(errno));
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
        return vgw_error_at(err, VGW_ESTORAGE, dir, "the place for plugin copies is no directory: make one there");
    if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return vgw_error_at(
            err, VGW_ESTORAGE, dir,
            "the directory for plugin copies is writable by others: chmod go-w it, for the gateway's user");
    if (lt_dlinit() != 0)
        return vgw_error_set(err, VGW_EINTERNAL, "libltdl does not start (%s)", lt_dlerror());
    struct vgw_plugin_loader *loader;
    if (VGW_NEW(loader))
        loader->dir = vgw_strdup(dir);
    if (!loader || !loader->dir) {
        vgw_plugin_loader_free(loader);
        return vgw_error_nomem(err);
    }
    remove_leftovers(dir);
    *ret_loader = loader;
    return 0;
}

/* lt_dlexit() would close modules that still run, so libltdl stays initialised. */
void vgw_plugin_loader_free(struct vgw_plugin_loader *loader)
{
    if (!loader)
        return;
    vgw_free(loader->dir);
    vgw_free(loader);
}

static int make_copy(const char *file, const char *copy, const char *hash, struct vgw_error *err)
{
    char found[VGW_PLUGIN_HASH_TEXT];
    int from = -1, to = -1;
    int rc = vgw_plugin_file_open(file, &from, err);
    if (rc != 0)
        return rc;
    to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0500);
    if (to < 0)
        rc = vgw_error_at(err, VGW_ESTORAGE, copy,
                          "the plugin's private copy cannot be made (%s): make room in the state directory",
                          strerror(errno));
    if (rc == 0)
        rc = vgw_plugin_file_scan(from, file, to, found, err);
    if (rc == 0 && strcmp(found, hash) != 0)
        rc = vgw_error_at(err, VGW_EBUSY, file, "the plugin's file changed while it was loaded: reload again");
    close(from);
    if (to >= 0 && close(to) != 0 && rc == 0)
        rc = vgw_error_at(err, VGW_ESTORAGE, copy,
                          "the plugin's private copy cannot be written (%s): make room in the state directory",
                          strerror(errno));
    return rc;
}

/* libltdl says "file not found" for every failure; the loader's own words tell the reason. */
static int open_failed(const char *file, const char *copy, struct vgw_error *err)
{
    const char *reason = lt_dlerror();
    void *again = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    if (again)
        dlclose(again);
    else
        reason = dlerror();
    if (!reason)
        reason = "no reason given";
    bool refused = strstr(reason, "failed to map segment") || strstr(reason, "Operation not permitted");
    return vgw_error_at(err, VGW_ECONFIG, file, "it cannot be opened (%s): %s", reason,
                        refused ? "the directory for copies must allow execution, so mount it without noexec"
                                : "install what it needs, or build it again on this system");
}

static int open_code(struct vgw_plugin_module *m, const char *code, const char *file, struct vgw_error *err)
{
    lt_dladvise advise;
    pthread_mutex_lock(&ltdl);
    if (lt_dladvise_init(&advise) != 0) {
        pthread_mutex_unlock(&ltdl);
        return vgw_error_nomem(err);
    }
    if (lt_dladvise_local(&advise) == 0)
        m->handle = lt_dlopenadvise(code, advise);
    lt_dladvise_destroy(&advise);
    int rc = m->handle ? 0 : open_failed(file, code, err);
    const struct voicegw_plugin *(*entry)(uint32_t, uint32_t);
    *(void **)&entry = m->handle ? lt_dlsym(m->handle, "voicegw_plugin_entry") : NULL;
    pthread_mutex_unlock(&ltdl);
    if (rc < 0)
        return rc;
    if (entry)
        m->plugin = entry(VOICEGW_ABI_MAJOR, VOICEGW_ABI_MINOR);
    if (!m->plugin)
        return vgw_error_at(err, VGW_ECONFIG, file,
                            "its voicegw_plugin_entry gave no descriptor here, though it did when it was probed");
    return 0;
}

/* The probe saw this descriptor in another process; the live one must be the same, since its counts are trusted from
 * here on. */
static int check_same(const struct vgw_plugin_module *m, const char *file, const struct vgw_plugin_desc *desc,
                      struct vgw_error *err)
{
    struct vgw_plugin_desc *live = NULL;
    int rc = vgw_plugin_desc_read(m->plugin, &live, err);
    if (rc == 0 && (!vgw_streq(live->name, desc->name) || live->factory_count != desc->factory_count))
        rc = vgw_error_at(err, VGW_ECONFIG, file,
                          "its descriptor here differs from the one it gave when it was probed: it must be constant");
    vgw_plugin_desc_free(live);
    return rc;
}

int vgw_plugin_load(struct vgw_plugin_loader *loader, const char *file, const char *hash, struct vgw_plugin_desc *desc,
                    struct vgw_plugin_module **ret_module, struct vgw_error *err)
{
    struct vgw_buf path = {0};
    struct vgw_plugin_module *m;
    int rc;
    if (!VGW_NEW(m))
        return vgw_error_nomem(err);
    m->refs = 1;
    vgw_strcopy(m->hash, sizeof m->hash, hash);
    vgw_buf_printf(&path, "%s/%s-%s-%ld-%u.so", loader->dir, desc->name, hash, (long)getpid(), ++loader->serial);
    m->copy = vgw_buf_take(&path);
    rc = m->copy ? make_copy(file, m->copy, hash, err) : vgw_error_nomem(err);
    if (rc == 0)
        rc = open_code(m, m->copy, file, err);
    if (rc == 0)
        rc = check_same(m, file, desc, err);
    if (rc == 0) {
        m->desc = desc;
        *ret_module = m;
        return 0;
    }
    vgw_plugin_module_unref(m);
    return rc;
}

int vgw_plugin_open(const char *file, struct vgw_plugin_module **ret_module, struct vgw_error *err)
{
    struct vgw_plugin_module *m;
    if (lt_dlinit() != 0)
        return vgw_error_set(err, VGW_EINTERNAL, "libltdl does not start (%s)", lt_dlerror());
    if (!VGW_NEW(m))
        return vgw_error_nomem(err);
    m->refs = 1;
    int rc = open_code(m, file, file, err);
    if (rc == 0)
        rc = vgw_plugin_desc_read(m->plugin, &m->desc, err);
    if (rc == 0)
        *ret_module = m;
    else
        vgw_plugin_module_unref(m);
    return rc;
}

struct vgw_plugin_module *vgw_plugin_module_ref(struct vgw_plugin_module *module)
{
    module->refs++;
    return module;
}

void vgw_plugin_module_unref(struct vgw_plugin_module *module)
{
    if (!module || --module->refs > 0)
        return;
    if (module->handle && module->desc && module->desc->closable) {
        pthread_mutex_lock(&ltdl);
        lt_dlclose(module->handle);
        pthread_mutex_unlock(&ltdl);
    }
    if (module->copy)
        unlink(module->copy);
    vgw_plugin_desc_free(module->desc);
    vgw_free(module->copy);
    vgw_free(module);
}

const struct vgw_plugin_desc *vgw_plugin_module_desc(const struct vgw_plugin_module *module)
{
    return module->desc;
}

const char *vgw_plugin_module_hash(const struct vgw_plugin_module *module)
{
    return module->hash;
}

const struct voicegw_factory *vgw_plugin_module_factory(const struct vgw_plugin_module *module, const char *kind)
{
    int i = vgw_plugin_desc_factory(module->desc, kind);
    return i < 0 ? NULL : module->plugin->factories[i];
}
