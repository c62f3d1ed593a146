#include "model.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "voicegw-stt-"
#define YOUNG_S 60 /* whoever made it may not have locked it yet */

static const char *const files[] = {"mdef", "means", "variances", "transition_matrices", "sendump", "noisedict"};
#define FILES (sizeof files / sizeof *files)

static int readable(const char *path, const char *what, const char *option, char *why, size_t cap)
{
    if (access(path, R_OK) == 0)
        return 0;
    (void)snprintf(why, cap, "%s %s cannot be read: %s; install pocketsphinx-en-us or set %s", what, path,
                   strerror(errno), option);
    return -1;
}

int model_check(const struct model_settings *settings, char *why, size_t cap)
{
    char path[700];
    for (size_t i = 0; i < FILES; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", settings->acoustic, files[i]);
        if (readable(path, "the acoustic model's file", "acoustic_model", why, cap) < 0)
            return -1;
    }
    (void)snprintf(path, sizeof path, "%s/feat.params", settings->acoustic);
    if (readable(path, "the acoustic model's file", "acoustic_model", why, cap) < 0)
        return -1;
    if (readable(settings->dictionary, "the dictionary", "dictionary", why, cap) < 0)
        return -1;
    return settings->full ? readable(settings->language_model, "the language model", "language_model", why, cap) : 0;
}

/* The stock parameters with our means: what stands there wins over what a program sets. */
static int write_parameters(const struct model *m)
{
    char path[700], line[512];
    (void)snprintf(path, sizeof path, "%s/feat.params", m->settings.acoustic);
    FILE *in = fopen(path, "re");
    (void)snprintf(path, sizeof path, "%s/feat.params", m->folder);
    FILE *out = in ? fopen(path, "we") : NULL;
    int rc = -1;
    if (out) {
        while (fgets(line, sizeof line, in))
            if (strncmp(line, "-cmninit", 8) != 0)
                (void)fputs(line, out);
        (void)fprintf(out, "-cmninit %s\n", m->settings.cmninit);
        rc = ferror(out) ? -1 : 0;
        rc = fclose(out) == 0 ? rc : -1;
    }
    if (in)
        (void)fclose(in);
    return rc;
}

static int fill(const struct model *m)
{
    char from[700], to[700];
    for (size_t i = 0; i < FILES; i++) {
        (void)snprintf(from, sizeof from, "%s/%s", m->settings.acoustic, files[i]);
        (void)snprintf(to, sizeof to, "%s/%s", m->folder, files[i]);
        if (symlink(from, to) != 0)
            return -1;
    }
    return write_parameters(m);
}

static void remove_folder(const char *folder)
{
    char path[1200];
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)unlink(path);
    }
    (void)closedir(dir);
    (void)rmdir(folder);
}

/* A folder whose lock nobody holds belonged to a process that was killed. */
static void remove_if_left(const char *folder, int64_t now_s)
{
    struct stat st;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (int64_t)st.st_mtime + YOUNG_S < now_s &&
        flock(fd, LOCK_EX | LOCK_NB) == 0)
        remove_folder(folder);
    (void)close(fd);
}

static void sweep(const char *parent, int64_t now_s)
{
    char path[900];
    DIR *dir = opendir(parent);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strncmp(e->d_name, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", parent, e->d_name);
        remove_if_left(path, now_s);
    }
    (void)closedir(dir);
}

int model_start(struct model *m, const char *parent, int64_t now_s, char *why, size_t cap)
{
    const char *tmp = parent && parent[0] ? parent : getenv("TMPDIR");
    tmp = tmp && tmp[0] ? tmp : "/tmp";
    sweep(tmp, now_s);
    (void)snprintf(m->folder, sizeof m->folder, "%s/" PREFIX "XXXXXX", tmp);
    m->lock = -1;
    if (!mkdtemp(m->folder)) {
        (void)snprintf(why, cap, "no folder for the model can be made at %s: %s; set work_dir to one that is writable",
                       m->folder, strerror(errno));
        m->folder[0] = '\0';
        return -1;
    }
    m->lock = open(m->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->lock >= 0 && flock(m->lock, LOCK_EX | LOCK_NB) == 0 && fill(m) == 0)
        return 0;
    (void)snprintf(why, cap, "the model's folder %s cannot be filled: %s", m->folder, strerror(errno));
    model_stop(m);
    return -1;
}

void model_stop(struct model *m)
{
    if (!m->folder[0])
        return;
    remove_folder(m->folder);
    m->folder[0] = '\0';
    if (m->lock >= 0)
        (void)close(m->lock);
    m->lock = -1;
}

int model_write(const struct model *m, const struct phrases *p, uint64_t number, char *ret_lm, char *ret_dict,
                size_t cap)
{
    (void)snprintf(ret_lm, cap, "%s/%llu.lm", m->folder, (unsigned long long)number);
    (void)snprintf(ret_dict, cap, "%s/%llu.dict", m->folder, (unsigned long long)number);
    FILE *lm = fopen(ret_lm, "we"), *dict = fopen(ret_dict, "we");
    int rc = lm && dict ? 0 : -1;
    if (rc == 0 && grammar_write(p, &m->settings.weights, lm) < 0)
        rc = -1;
    if (rc == 0 && grammar_write_dictionary(p, &m->settings.weights, dict) < 0)
        rc = -1;
    if (lm && fclose(lm) != 0)
        rc = -1;
    if (dict && fclose(dict) != 0)
        rc = -1;
    if (rc < 0) {
        (void)unlink(ret_lm);
        (void)unlink(ret_dict);
    }
    return rc;
}
