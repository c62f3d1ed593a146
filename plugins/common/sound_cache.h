/* sound_cache.h - a folder of sounds that were made before: a greeting is paid for and waited for once. One file a
 * sound, named by the digest of all that shapes it; written whole and renamed, so that a reader never sees half; the
 * ones that were not used for longest go when the folder is full.
 *
 * What is there is found and kept on the io lane; nothing else touches files. */
#ifndef VOICEGW_PLUGIN_SOUND_CACHE_H
#define VOICEGW_PLUGIN_SOUND_CACHE_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/host_crypto.h"

#define SOUND_BYTES_MAX 4194304 /* of one sound; longer ones are not kept */
#define SOUND_NAME_MAX 72

/** Constant after init. An empty path: nothing is kept. */
struct sound_cache {
    const struct voicegw_host *host;
    const struct voicegw_host_crypto *crypto;
    char path[3072];
    int64_t max_bytes;
};

/** Row cache. */
#define SOUND_CACHE_OPTION                                                                                             \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_JSON, .name = "cache",                           \
        .description = "Keeps what was spoken on disk for the next time: {path: FOLDER, max_size: 256MiB}; only "      \
                       "sentences as a whole, by all that shapes their sound. Absent: nothing is kept."                \
    }

/** Reads `cache`. 0, or a negative status with a sentence. [control] */
int32_t sound_cache_init(struct sound_cache *cache, const struct voicegw_host *host,
                         const struct voicegw_options *options);
/** The file's name for this key. 0 or a negative status. Pure. [any] */
int32_t sound_cache_name(const struct sound_cache *cache, const char *key, char *out);
/** The sound, and marks it as used; NULL when it is not there or is broken. The caller frees it. [pool] */
uint8_t *sound_cache_find(const struct sound_cache *cache, const char *name, size_t *ret_bytes);
/** Keeps a sound; makes room. 0, or VOICEGW_ESTORAGE with errno's reason in `why`. [pool] */
int32_t sound_cache_keep(const struct sound_cache *cache, const char *name, const uint8_t *data, size_t bytes,
                         char *why, size_t cap);
#endif
