/* conversationrelay - lets the operator's own application hold the conversation, by the messages of Twilio's
 * ConversationRelay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "session.h"
#include "voicegw/plugin.h"

static const struct voicegw_option options[] = {
    APPLICATION_OPTIONS,
    APPLICATION_OPTION_(VOICEGW_OPTION_STRING, "welcome_greeting", "", 0, 0, 0,
                        "Said when the conversation begins; empty: nothing."),
    APPLICATION_OPTION_(VOICEGW_OPTION_STRING, "language", "", 0, 0, 0,
                        "Of what is said and understood; empty: the call's."),
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_ENUM,
     .name = "interruptible",
     .dflt = "any",
     .choices = "none dtmf speech any",
     .description = "What of the caller's cuts what is being said."},
    APPLICATION_OPTION_(VOICEGW_OPTION_BOOL, "dtmf_detection", "false", 0, 0, 0,
                        "Whether the application is told of keys that the caller presses."),
    APPLICATION_OPTION_(VOICEGW_OPTION_BOOL, "partial_prompts", "false", 0, 0, 0,
                        "Whether it is told what has been understood so far, too."),
    APPLICATION_OPTION_(VOICEGW_OPTION_LIST, "hints", "[]", 0, 0, 0, "Phrases that the recognizer should expect."),
};

void relay_tell_drained(struct relay *r)
{
    unsigned asked = 1;
    if (atomic_load(&r->sessions) == 0 && atomic_compare_exchange_strong(&r->draining, &asked, 2))
        r->host->drained(r->host);
}

/* The action's parameters, made once. */
static char *hints_of(const char *list)
{
    static const char frame[] = "{\"phrases\":%s}";
    size_t cap = list ? strlen(list) + sizeof frame : 0;
    char *text = list && voicegw_json_count(voicegw_json_of(list)) ? malloc(cap) : NULL;
    if (text)
        (void)snprintf(text, cap, frame, list);
    return text;
}

static int32_t read_options(struct relay *r, const struct voicegw_options *given)
{
    const struct voicegw_host *host = r->host;
    const char *text = host->option_string(host, given, "welcome_greeting");
    const char *cut = host->option_string(host, given, "interruptible");
    const char *language = host->option_string(host, given, "language");
    if (language && strlen(language) >= sizeof r->language)
        return host->set_error(host, VOICEGW_ECONFIG, "language must be a language such as en-US");
    (void)snprintf(r->language, sizeof r->language, "%s", language ? language : "");
    r->by_speech = !cut || strcmp(cut, "any") == 0 || strcmp(cut, "speech") == 0;
    r->by_keys = !cut || strcmp(cut, "any") == 0 || strcmp(cut, "dtmf") == 0;
    r->digits = host->option_int(host, given, "dtmf_detection", 0) != 0;
    r->partials = host->option_int(host, given, "partial_prompts", 0) != 0;
    int32_t rc = application_settings_read(host, given, &r->settings);
    if (rc < 0)
        return rc;
    r->greeting = strdup(text ? text : "");
    r->hints = hints_of(host->option_json(host, given, "hints"));
    if (r->greeting)
        return VOICEGW_OK;
    application_settings_done(&r->settings);
    free(r->hints);
    return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
}

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct relay *r = calloc(1, sizeof *r);
    if (!r)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    r->host = host;
    r->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    r->ws = host->get_extension(host, VOICEGW_HOST_WS);
    r->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    atomic_init(&r->sessions, 0);
    atomic_init(&r->draining, 0);
    int32_t rc =
        r->out && r->ws && r->crypto
            ? read_options(r, given)
            : host->set_error(host, VOICEGW_EUNSUPPORTED,
                              "this host lacks assistants, WebSockets or digests, which conversationrelay needs");
    if (rc != VOICEGW_OK) {
        free(r);
        return rc;
    }
    *ret_instance = r;
    return VOICEGW_OK;
}

static int32_t start(void *instance)
{
    return VOICEGW_OK;
}

static void drain(void *instance)
{
    struct relay *r = instance;
    atomic_store(&r->draining, 1);
    relay_tell_drained(r);
}

static void destroy(void *instance)
{
    struct relay *r = instance;
    application_settings_done(&r->settings);
    free(r->greeting);
    free(r->hints);
    free(r);
}

static const void *get_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_ASSISTANT) == 0 ? &session_operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_ASSISTANT,
                                               .options = options,
                                               .create = create,
                                               .start = start,
                                               .drain = drain,
                                               .destroy = destroy,
                                               .get_extension = get_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "conversationrelay",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description =
                                                 "A conversation held by an application that speaks ConversationRelay",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
