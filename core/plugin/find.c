/* find.c - lists NAME.so in the directories of the plugin path. */
#include "plugin/find.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

struct vgw_plugin_list {
    struct vgw_plugin_found *items;
    size_t count, cap;
    struct vgw_buf dirs; /* for the sentence: "A, B" */
};

bool vgw_plugin_name_valid(const char *name)
{
    size_t n = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") : 0;
    return n > 0 && n <= VGW_PLUGIN_NAME_MAX && name[n] == '\0';
}

void vgw_plugin_list_free(struct vgw_plugin_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++) {
        vgw_free(list->items[i].name);
        vgw_free(list->items[i].file);
        vgw_free(list->items[i].also_in);
    }
    vgw_free(list->items);
    vgw_buf_done(&list->dirs);
    vgw_free(list);
}

static struct vgw_plugin_found *find_name(const struct vgw_plugin_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    }
    return NULL;
}

static int append(struct vgw_plugin_list *list, const char *name, char *file, unsigned rank)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 32;
        void *items = vgw_realloc(list->items, cap * sizeof *list->items);
        if (!items)
            return VGW_ELIMIT;
        list->items = items;
        list->cap = cap;
    }
    char *copy = vgw_strdup(name);
    if (!copy)
        return VGW_ELIMIT;
    list->items[list->count++] = (struct vgw_plugin_found){.name = copy, .file = file, .rank = rank};
    return 0;
}

static int add_file(struct vgw_plugin_list *list, const struct vgw_plugin_dir *dir, const char *entry)
{
    size_t len = strlen(entry);
    char name[VGW_PLUGIN_NAME_MAX + 1];
    if (len < 4 || strcmp(entry + len - 3, ".so") != 0 || !vgw_strncopy(name, sizeof name, entry, len - 3) ||
        !vgw_plugin_name_valid(name))
        return 0;
    struct vgw_plugin_found *there = find_name(list, name);
    if ((there && (there->rank < dir->rank || there->also_in)) || (!there && list->count == VGW_PLUGIN_FOUND_MAX))
        return 0;
    struct vgw_buf path = {0};
    vgw_buf_printf(&path, "%s%s%s", dir->dir, vgw_ends_with(dir->dir, "/") ? "" : "/", entry);
    char *file = vgw_buf_take(&path);
    if (!file)
        return VGW_ELIMIT;
    if (there && there->rank == dir->rank) {
        if (strcmp(there->file, file) == 0) /* one directory named twice */
            vgw_free(file);
        else
            there->also_in = file;
        return 0;
    }
    if (there) {
        vgw_free(there->file);
        vgw_free(there->also_in);
        there->file = file;
        there->also_in = NULL;
        there->rank = dir->rank;
        return 0;
    }
    int rc = append(list, name, file, dir->rank);
    if (rc != 0)
        vgw_free(file);
    return rc;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct vgw_plugin_found *)a)->name, ((const struct vgw_plugin_found *)b)->name);
}

static int scan_dir(struct vgw_plugin_list *list, const struct vgw_plugin_dir *dir, struct vgw_error *err)
{
    vgw_buf_printf(&list->dirs, "%s%s", list->dirs.len > 0 ? ", " : "", dir->dir);
    DIR *d = opendir(dir->dir);
    if (!d)
        return vgw_error_at(err, VGW_ENOTFOUND, dir->dir,
                            "the plugin directory cannot be read (%s): make it or take it off the path",
                            strerror(errno));
    int rc = 0;
    for (const struct dirent *e; rc == 0 && (e = readdir(d));)
        rc = add_file(list, dir, e->d_name);
    closedir(d);
    return rc == 0 ? 0 : vgw_error_nomem(err);
}

int vgw_plugin_find(const struct vgw_plugin_dir *dirs, size_t count, struct vgw_plugin_list **ret_list,
                    struct vgw_error *err)
{
    int result = 0;
    struct vgw_plugin_list *list;
    if (!VGW_NEW(list))
        return vgw_error_nomem(err);
    for (size_t i = 0; i < count; i++) {
        int rc = scan_dir(list, &dirs[i], err);
        if (rc == VGW_ELIMIT) {
            vgw_plugin_list_free(list);
            return rc;
        }
        if (rc != 0)
            result = rc;
    }
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare);
    *ret_list = list;
    return result;
}

size_t vgw_plugin_list_count(const struct vgw_plugin_list *list)
{
    return list->count;
}

const struct vgw_plugin_found *vgw_plugin_list_at(const struct vgw_plugin_list *list, size_t i)
{
    return &list->items[i];
}

static const char *nearest(const struct vgw_plugin_list *list, const char *name)
{
    const char *near = NULL;
    int best = (int)(strlen(name) / 3 > 2 ? strlen(name) / 3 : 2);
    for (size_t i = 0; i < list->count; i++) {
        int distance = vgw_edit_distance(name, list->items[i].name, best);
        if (distance <= best && (!near || distance < best)) {
            near = list->items[i].name;
            best = distance;
        }
    }
    return near;
}

int vgw_plugin_locate(const struct vgw_plugin_list *list, const char *name, const char **ret_file,
                      struct vgw_error *err)
{
    if (!vgw_plugin_name_valid(name))
        return vgw_error_set(err, VGW_ECONFIG, "\"%.64s\" is no plugin's name: it has 1 to %d of a-z, 0-9, _ and -",
                             name, VGW_PLUGIN_NAME_MAX);
    const struct vgw_plugin_found *found = find_name(list, name);
    if (!found) {
        const char *near = nearest(list, name);
        return vgw_error_set(
            err, VGW_ENOTFOUND, "there is no plugin %s: %s.so is not in %s%s%s%s", name, name,
            list->dirs.len > 0 ? vgw_buf_str(&list->dirs) : "any directory, since plugins.path is empty",
            near ? "; did you mean " : "; install it there or correct plugins.path", near ? near : "", near ? "?" : "");
    }
    if (found->also_in)
        return vgw_error_at(err, VGW_ECONFIG, found->file,
                            "the plugin %s is on the path twice, also as %s: remove one of them", name, found->also_in);
    *ret_file = found->file;
    return 0;
}
