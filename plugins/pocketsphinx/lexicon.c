#include "lexicon.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Adds one line "word PH PH" or "word(2) PH PH" to its word, if that is one of ours. */
static int take_line(struct phrases *p, const char *line, size_t bytes)
{
    char name[WORD_BYTES];
    size_t n = 0;
    while (n < bytes && line[n] != ' ' && line[n] != '(' && line[n] != '\t')
        n++;
    if (n == 0 || n >= sizeof name)
        return 0;
    memcpy(name, line, n);
    name[n] = '\0';
    int32_t index = phrases_word(p, name);
    if (index < 0)
        return 0;
    struct word *w = &p->words[index];
    size_t have = w->pronunciations ? strlen(w->pronunciations) : 0;
    char *grown = realloc(w->pronunciations, have + bytes + 2);
    if (!grown)
        return -1;
    memcpy(grown + have, line, bytes);
    memcpy(grown + have + bytes, "\n", 2);
    w->pronunciations = grown;
    return 0;
}

static int scan(struct phrases *p, const char *text, size_t bytes)
{
    const char *end = text + bytes;
    while (text < end) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((eol ? eol : end) - text);
        if (take_line(p, text, n) < 0)
            return -1;
        text += n + 1;
    }
    return 0;
}

static int32_t list_missing(const struct phrases *p, char *missing, uint32_t cap)
{
    int32_t count = 0;
    uint32_t used = 0;
    missing[0] = '\0';
    for (uint32_t i = 0; i < p->word_count; i++) {
        if (p->words[i].pronunciations)
            continue;
        int n = snprintf(missing + used, cap - used, "%s%s", count ? ", " : "", p->words[i].text);
        if (n > 0 && (uint32_t)n < cap - used)
            used += (uint32_t)n;
        else
            missing[used] = '\0';
        count++;
    }
    return count;
}

int32_t lexicon_look_up(struct phrases *p, const char *path, char *missing, uint32_t cap)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = -1;
    if (fstat(fd, &info) == 0 && info.st_size > 0) {
        size_t bytes = (size_t)info.st_size;
        void *text = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (text != MAP_FAILED) {
            rc = scan(p, text, bytes);
            (void)munmap(text, bytes);
        }
    }
    (void)close(fd);
    return rc < 0 ? -1 : list_missing(p, missing, cap);
}
