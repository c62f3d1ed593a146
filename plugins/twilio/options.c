/* options.c - what the operator can set, read into a constant block. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define OPTION(t, n, d, c, text)                                                                                       \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_##t, .name = n, .dflt = d,                       \
        .flags = VOICEGW_OPTION_RELOADABLE, .choices = c, .description = text                                          \
    }
#define BASE_URL "https://" TWILIO_HOST

const struct voicegw_option twilio_options[] = {
    VOICEGW_VENDOR_OPTIONS(BASE_URL, VOICEGW_OPTION_RELOADABLE),
    VOICEGW_VENDOR_ACCOUNT_OPTIONS(VOICEGW_OPTION_RELOADABLE),
    OPTION(SECRET, "auth_token", NULL, NULL,
           "The account's auth token, which signs webhooks; api_secret when there is no api_key."),
    OPTION(SECRET, "auth_token_secondary", NULL, NULL,
           "A second token that signatures may be made with, to change it."),
    OPTION(STRING, "region", NULL, NULL, "Twilio's region (us1, ie1, au1); goes into the address of the interface."),
    OPTION(STRING, "edge", NULL, NULL, "Twilio's edge (ashburn, dublin, frankfurt, sydney and so on), likewise."),
    OPTION(BOOL, "validate_signatures", "true", NULL,
           "Refuse webhooks without a valid X-Twilio-Signature. false lets anybody drive calls."),
    OPTION(ENUM, "stream_auth", "either", "either both token signature none",
           "What a media stream must prove itself by: the signature of its upgrade, the one-time token of its start "
           "frame, either, both or nothing."),
    OPTION(ENUM, "stream_mode", "two_way", "two_way one_way",
           "two_way connects the stream; one_way starts one to listen by, and the call goes on."),
    OPTION(BOOL, "stream_events", "false", NULL,
           "Also send what was recognized and said as frames on the stream, for clients that want them."),
    OPTION(ENUM, "on_stream_loss", "end", "end redirect",
           "When a stream breaks in mid-call: end the call, or send it to a fresh stream."),
    OPTION(STRING, "error_text", "Sorry, we encountered an error. Please try again later.", NULL,
           "What callers hear when the gateway fails."),
    OPTION(STRING, "fallback_number", NULL, NULL, "Where callers are connected instead, when it is set."),
    OPTION(STRING, "greeting", "Connecting to agent.", NULL,
           "What incoming callers hear before the stream begins, unless their route has a greeting; empty: nothing."),
    OPTION(JSON, "hold", "{}", NULL,
           "How calls are held: {mode: conference or redirect, music: URL}; a conference of one, or the music itself."),
    OPTION(ENUM, "amd", "off", "off sync async",
           "Whether outbound calls are asked who answered: before the call goes on, or beside it."),
    OPTION(STRING, "messaging_service", NULL, NULL, "The messaging service that text messages go out by."),
    OPTION(STRING, "say_voice", "alice", NULL, "The voice of Twilio's own speech."),
};
_Static_assert(sizeof twilio_options / sizeof twilio_options[0] == TWILIO_OPTIONS, "the table is full");

/* A copy that lives as long as the block; "" for NULL. */
static const char *keep(struct twilio_settings *s, const char *text)
{
    char *copy = strdup(text ? text : "");
    if (!copy || s->string_count == sizeof s->strings / sizeof s->strings[0]) {
        free(copy);
        return NULL;
    }
    s->strings[s->string_count++] = copy;
    return copy;
}

static uint32_t choice(const char *text, const char *const *words, uint32_t count)
{
    for (uint32_t i = 0; text && i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return 0;
}

/* The interface's address: the operator's own, or that of a region and edge. */
static const char *address(struct twilio_settings *s, const struct voicegw_host *host,
                           const struct voicegw_options *options)
{
    char url[256];
    if (twilio_address(strcmp(s->vendor.base_url, BASE_URL) != 0 ? s->vendor.base_url : NULL,
                       host->option_string(host, options, "region"), host->option_string(host, options, "edge"), url,
                       sizeof url))
        return keep(s, url);
    (void)host->set_error(host, VOICEGW_ECONFIG, "region and edge are words such as ie1 and dublin");
    return NULL;
}

static int32_t read_strings(struct twilio_settings *s, const struct voicegw_host *host,
                            const struct voicegw_options *options)
{
    struct voicegw_json hold = voicegw_json_of(host->option_json(host, options, "hold"));
    char music[TWILIO_URL_CAP / 2] = "";
    const char *token = host->option_string(host, options, "auth_token");
    (void)voicegw_json_get_string(hold, "music", music, sizeof music);
    s->hold_conference = !voicegw_json_equals(voicegw_json_member(hold, "mode"), "redirect");
    if (voicegw_json_member(hold, "mode").text && s->hold_conference &&
        !voicegw_json_equals(voicegw_json_member(hold, "mode"), "conference"))
        return host->set_error(host, VOICEGW_ECONFIG, "hold.mode must be conference or redirect");
    if ((!token || !*token) && !*s->vendor.api_key)
        token = s->vendor.api_secret;
    s->vendor.base_url = address(s, host, options);
    s->vendor.api_key = keep(s, s->vendor.api_key);
    s->vendor.api_secret = keep(s, s->vendor.api_secret);
    s->vendor.account_id = keep(s, s->vendor.account_id);
    s->vendor.headers_json = keep(s, s->vendor.headers_json);
    s->vendor.extra_json = keep(s, s->vendor.extra_json);
    s->token = keep(s, token);
    s->token2 = keep(s, host->option_string(host, options, "auth_token_secondary"));
    s->from = keep(s, host->option_string(host, options, "default_from"));
    s->messaging_service = keep(s, host->option_string(host, options, "messaging_service"));
    s->error_text = keep(s, host->option_string(host, options, "error_text"));
    s->fallback = keep(s, host->option_string(host, options, "fallback_number"));
    s->greeting = keep(s, host->option_string(host, options, "greeting"));
    s->voice = keep(s, host->option_string(host, options, "say_voice"));
    s->language = keep(s, host->option_string(host, options, "tts_language"));
    s->music = keep(s, music);
    if (s->string_count < 16)
        return s->vendor.base_url ? host->set_error(host, VOICEGW_ELIMIT, "out of memory") : VOICEGW_ECONFIG;
    s->user = *s->vendor.api_key ? s->vendor.api_key : s->vendor.account_id;
    s->password = *s->vendor.api_key || *s->vendor.api_secret ? s->vendor.api_secret : s->token;
    if (*s->vendor.account_id && !form_sid_valid(s->vendor.account_id, strlen(s->vendor.account_id)))
        return host->set_error(host, VOICEGW_ECONFIG, "account_id must be the account's id: AC and 32 digits");
    return VOICEGW_OK;
}

struct twilio_settings *twilio_settings_new(const struct voicegw_host *host, const struct voicegw_options *options,
                                            int32_t *ret_status)
{
    static const char *const auths[] = {"either", "both", "token", "signature", "none"};
    static const char *const amds[] = {"off", "sync", "async"};
    struct twilio_settings *s = calloc(1, sizeof *s);
    if (!s) {
        *ret_status = host->set_error(host, VOICEGW_ELIMIT, "out of memory");
        return NULL;
    }
    s->refs = 1;
    s->validate = host->option_int(host, options, "validate_signatures", 1) != 0;
    s->events = host->option_int(host, options, "stream_events", 0) != 0;
    s->auth = (enum twilio_auth)choice(host->option_string(host, options, "stream_auth"), auths, 5);
    s->amd = (enum twilio_amd)choice(host->option_string(host, options, "amd"), amds, 3);
    const char *mode = host->option_string(host, options, "stream_mode");
    const char *loss = host->option_string(host, options, "on_stream_loss");
    s->one_way = mode && strcmp(mode, "one_way") == 0;
    s->redirect_lost = loss && strcmp(loss, "redirect") == 0;
    *ret_status = voicegw_vendor_read(host, options, &s->vendor);
    if (*ret_status == VOICEGW_OK)
        *ret_status = read_strings(s, host, options);
    if (*ret_status == VOICEGW_OK)
        return s;
    twilio_settings_drop(s);
    return NULL;
}

struct twilio_settings *twilio_settings_keep(struct twilio_settings *s)
{
    s->refs++;
    return s;
}

struct twilio_settings *twilio_settings_now(struct twilio *m, struct twilio_settings *s)
{
    return strcmp(s->vendor.account_id, m->settings->vendor.account_id) == 0 ? m->settings : s;
}

void twilio_settings_drop(struct twilio_settings *s)
{
    if (--s->refs > 0)
        return;
    for (uint32_t i = 0; i < s->string_count; i++)
        free(s->strings[i]);
    free(s);
}
