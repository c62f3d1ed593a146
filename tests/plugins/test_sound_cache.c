/* test_sound_cache.c - the folder of sounds: found again, bounded, never half, and not fooled by its names. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sound_cache.h"

static const char *cache_json;
static char refused[512];

static int32_t digest(const struct voicegw_host *host, uint32_t algorithm, const void *data, uint64_t bytes,
                      uint8_t *out)
{
    unsigned n = 0;
    cr_assert_eq(algorithm, VOICEGW_DIGEST_SHA256);
    cr_assert_eq(EVP_Digest(data, bytes, out, &n, EVP_sha256(), NULL), 1);
    return (int32_t)n;
}
static const struct voicegw_host_crypto crypto = {.size = sizeof crypto, .digest = digest};

static const char *option_json(const struct voicegw_host *host, const struct voicegw_options *o, const char *name)
{
    cr_assert_str_eq(name, "cache");
    return cache_json;
}
static const void *extension(const struct voicegw_host *host, const char *id)
{
    return strcmp(id, VOICEGW_HOST_CRYPTO) == 0 ? &crypto : NULL;
}
static int32_t set_error(const struct voicegw_host *host, int32_t status, const char *sentence)
{
    (void)snprintf(refused, sizeof refused, "%s", sentence);
    return status;
}
static const struct voicegw_host host = {
    .size = sizeof host, .option_json = option_json, .get_extension = extension, .set_error = set_error};

static char folder[64];

static struct sound_cache *cache_of(const char *max_size)
{
    static struct sound_cache c;
    static char json[256];
    memcpy(folder, "/tmp/voicegw-sounds-XXXXXX", 27);
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(json, sizeof json, "{\"path\": \"%s\", \"max_size\": \"%s\"}", folder, max_size);
    cache_json = json;
    cr_assert_eq(sound_cache_init(&c, &host, NULL), VOICEGW_OK, "%s", refused);
    return &c;
}

static size_t files(int64_t *ret_bytes)
{
    size_t n = 0;
    *ret_bytes = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0) {
            *ret_bytes += st.st_size;
            n++;
        }
    }
    (void)closedir(d);
    return n;
}

static void tidy_up(void)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    (void)closedir(d);
    (void)rmdir(folder);
}

static void age(const char *name, time_t seconds)
{
    char path[256];
    struct timespec when[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(utimensat(AT_FDCWD, path, when, 0), 0);
}

Test(sound_cache, what_was_kept_is_found_by_all_that_shapes_it)
{
    struct sound_cache *c = cache_of("1MiB");
    char a[SOUND_NAME_MAX], b[SOUND_NAME_MAX], why[300];
    uint8_t sound[5000];
    size_t n = 0;
    int64_t bytes;
    memset(sound, 7, sizeof sound);
    cr_assert_eq(sound_cache_name(c, "1:8000:vendor:voice:Hello.", a), VOICEGW_OK);
    cr_assert_eq(sound_cache_name(c, "1:8000:vendor:voice:Hello!", b), VOICEGW_OK);
    cr_expect_str_neq(a, b);
    cr_expect_null(sound_cache_find(c, a, &n));
    cr_assert_eq(sound_cache_keep(c, a, sound, sizeof sound, why, sizeof why), VOICEGW_OK, "%s", why);
    uint8_t *found = sound_cache_find(c, a, &n);
    cr_assert_not_null(found);
    cr_expect_eq(n, sizeof sound);
    cr_expect_eq(memcmp(found, sound, n), 0);
    free(found);
    cr_expect_null(sound_cache_find(c, b, &n));
    cr_expect_eq(files(&bytes), 1, "no part is left behind");
    tidy_up();
}

Test(sound_cache, a_full_folder_loses_what_was_not_used_for_longest)
{
    struct sound_cache *c = cache_of("64KiB");
    char name[8][SOUND_NAME_MAX], key[16], why[300];
    static uint8_t sound[20000];
    size_t n;
    int64_t bytes;
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(key, sizeof key, "key %u", i);
        cr_assert_eq(sound_cache_name(c, key, name[i]), VOICEGW_OK);
        cr_assert_eq(sound_cache_keep(c, name[i], sound, sizeof sound, why, sizeof why), VOICEGW_OK);
        age(name[i], 1000 + (time_t)i);
        if (i > 0) {
            free(sound_cache_find(c, name[0], &n)); /* the first is used all the time */
        }
    }
    (void)files(&bytes);
    cr_expect_leq(bytes, 64 * 1024);
    uint8_t *first = sound_cache_find(c, name[0], &n), *second = sound_cache_find(c, name[1], &n);
    cr_expect_not_null(first, "what is used goes");
    cr_expect_null(second, "what is not used stays");
    free(first);
    free(second);
    tidy_up();
}

Test(sound_cache, broken_files_and_links_are_not_played)
{
    struct sound_cache *c = cache_of("1MiB");
    char name[SOUND_NAME_MAX], path[256];
    size_t n;
    cr_assert_eq(sound_cache_name(c, "x", name), VOICEGW_OK);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    cr_assert_eq(write(fd, "no sound at all", 15), 15);
    (void)close(fd);
    cr_expect_null(sound_cache_find(c, name, &n));
    (void)unlink(path);
    cr_assert_eq(symlink("/etc/passwd", path), 0);
    cr_expect_null(sound_cache_find(c, name, &n));
    tidy_up();
}

Test(sound_cache, wrong_settings_are_refused_with_a_sentence)
{
    static const struct {
        const char *json, *part;
    } cases[] = {{"{\"path\":\"relative\"}", "begins with /"},
                 {"{}", "begins with /"},
                 {"5", "begins with /"},
                 {"{\"path\":\"/tmp\",\"size\":1}", "path and max_size only"},
                 {"{\"path\":\"/tmp\",\"max_size\":\"1KiB\"}", "at least 64KiB"},
                 {"{\"path\":\"/tmp\",\"max_size\":\"many\"}", "at least 64KiB"},
                 {"{\"path\":\"/nowhere/at/all\"}", "cannot be used"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sound_cache c;
        cache_json = cases[i].json;
        cr_expect_eq(sound_cache_init(&c, &host, NULL), VOICEGW_ECONFIG, "%s", cases[i].json);
        cr_expect(strstr(refused, cases[i].part), "%s: %s", cases[i].json, refused);
    }
}
