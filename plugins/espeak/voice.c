#include "voice.h"
#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "voicegw/status.h"
#include <espeak-ng/speak_lib.h>

#define CHUNK_MS 60 /* of audio between two calls of the sink: what a cancel may be late by */
#define TAG 32

/* Only the library's functions that are used, by the types of its header. */
struct library {
    __typeof__(&espeak_Initialize) initialize;
    __typeof__(&espeak_SetSynthCallback) set_callback;
    __typeof__(&espeak_SetVoiceByName) set_voice;
    __typeof__(&espeak_SetParameter) set_parameter;
    __typeof__(&espeak_Synth) synth;
    __typeof__(&espeak_Synchronize) synchronize;
    int rate;
};

struct listener {
    speaker_sink sink;
    void *arg;
    uint32_t rate;
};

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static struct library library;
static struct listener *listening; /* under library_lock */

/* espeak-ng 1.51. */
static const char languages[] =
    "af am an ar as az ba be bg bn bpy bs ca chr cmn cs cv cy da de el en eo es et eu fa fi fr ga gd gn grc gu "
    "hak haw he hi hr ht hu hy hyw ia id io is it ja jbo ka kk kl kn ko kok ku ky la lb lfn lt ltg lv mi mk ml mr ms "
    "mt my nb nci ne nl no "
    "nog om or pa pap piqd pl pt py qdb qu quc qya ro ru sd shn si sjn sk sl smj sq sr sv sw ta te th tk tn tr tt ug "
    "uk ur uz vi yue zh";

const char *espeak_languages(void)
{
    return languages;
}

static size_t primary(const char *language, char *out)
{
    size_t n = 0;
    while (n < TAG - 1 && isalpha((unsigned char)language[n])) {
        out[n] = (char)tolower((unsigned char)language[n]);
        n++;
    }
    out[n] = '\0';
    return n;
}

int espeak_speaks(const char *language)
{
    char tag[TAG];
    if (!language || !language[0])
        return 1;
    size_t n = primary(language, tag);
    for (const char *at = languages; n > 0 && (at = strstr(at, tag)) != NULL; at += n)
        if ((at == languages || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return 1;
    return 0;
}

static int on_audio(short *wave, int samples, espeak_EVENT *events)
{
    if (!wave || samples <= 0 || !listening)
        return 0;
    return listening->sink(listening->arg, wave, (size_t)samples, listening->rate) ? 1 : 0;
}

static int symbol(void *so, const char *name, void *slot)
{
    void *found = dlsym(so, name);
    memcpy(slot, &found, sizeof found);
    return found ? 0 : -1;
}

static int32_t load(char *why, size_t cap)
{
    struct library *l = &library;
    if (l->rate > 0)
        return VOICEGW_OK;
    void *so = dlopen("libespeak-ng.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        (void)snprintf(why, cap, "libespeak-ng cannot be opened: %s; install libespeak-ng1", dlerror());
        return VOICEGW_EPROVIDER;
    }
    int missing =
        symbol(so, "espeak_Initialize", &l->initialize) | symbol(so, "espeak_SetSynthCallback", &l->set_callback) |
        symbol(so, "espeak_SetVoiceByName", &l->set_voice) | symbol(so, "espeak_SetParameter", &l->set_parameter) |
        symbol(so, "espeak_Synth", &l->synth) | symbol(so, "espeak_Synchronize", &l->synchronize);
    int rate = missing ? -1 : l->initialize(AUDIO_OUTPUT_SYNCHRONOUS, CHUNK_MS, NULL, espeakINITIALIZE_DONT_EXIT);
    if (rate <= 0) {
        (void)snprintf(why, cap, "libespeak-ng does not start; install espeak-ng-data");
        return VOICEGW_EPROVIDER;
    }
    l->set_callback(on_audio);
    l->rate = rate;
    return VOICEGW_OK;
}

/* "de-AT": de-at, then de. The library knows some languages by another tag. */
static int set_language(const char *language)
{
    static const char *const other[][2] = {{"zh", "cmn"}, {"no", "nb"}};
    char tag[TAG];
    size_t n = 0;
    for (; n < TAG - 1 && language[n]; n++)
        tag[n] = language[n] == '_' ? '-' : (char)tolower((unsigned char)language[n]);
    tag[n] = '\0';
    if (library.set_voice(tag) == EE_OK)
        return 0;
    (void)primary(language, tag);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (strcmp(tag, other[i][0]) == 0)
            (void)snprintf(tag, sizeof tag, "%s", other[i][1]);
    return library.set_voice(tag) == EE_OK ? 0 : -1;
}

static int32_t choose(const struct speaker_request *request, const struct espeak_style *style, char *why, size_t cap)
{
    if (request->voice[0]) {
        if (library.set_voice(request->voice) == EE_OK)
            return VOICEGW_OK;
        *style->ret_unknown = 1;
    }
    if (style->alternative[0] && library.set_voice(style->alternative) == EE_OK)
        return VOICEGW_OK;
    if (set_language(request->language[0] ? request->language : "en-us") == 0)
        return VOICEGW_OK;
    (void)snprintf(why, cap, "espeak-ng has no voice for the language %s", request->language);
    return VOICEGW_EUNSUPPORTED;
}

int32_t espeak_voice_speak(const struct speaker_request *request, const struct espeak_style *style, speaker_sink sink,
                           void *arg, char *why, size_t cap)
{
    (void)pthread_mutex_lock(&library_lock);
    int32_t rc = load(why, cap);
    if (rc == VOICEGW_OK)
        rc = choose(request, style, why, cap);
    if (rc == VOICEGW_OK) {
        struct listener listener = {sink, arg, (uint32_t)library.rate};
        unsigned flags = espeakCHARS_UTF8 | (request->ssml ? espeakSSML : 0u);
        (void)library.set_parameter(espeakRATE, style->words_per_minute, 0);
        (void)library.set_parameter(espeakPITCH, style->pitch, 0);
        listening = &listener;
        espeak_ERROR result =
            library.synth(request->text, strlen(request->text) + 1, 0, POS_CHARACTER, 0, flags, NULL, NULL);
        (void)library.synchronize();
        listening = NULL;
        if (result != EE_OK) {
            (void)snprintf(why, cap, "espeak-ng could not speak the text");
            rc = VOICEGW_EPROVIDER;
        }
    }
    (void)pthread_mutex_unlock(&library_lock);
    return rc;
}
