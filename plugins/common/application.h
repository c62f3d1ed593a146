/* application.h - an operator's own application behind a WebSocket that the gateway opens: where it is, how it is told
 * who asks, what it is told of a call, and how it is given up. Shared by the assistants that speak Twilio's wire.
 *
 * Settings are made on [control] and constant afterwards; everything else runs on the worker of one session. */
#ifndef VOICEGW_PLUGIN_APPLICATION_H
#define VOICEGW_PLUGIN_APPLICATION_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/host.h"
#include "voicegw/json.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_ws.h"

#define APPLICATION_TRIES 3u             /* connections that are tried within connect_timeout */
#define APPLICATION_RETRY_US 200000      /* before the second one; doubled before the third */
#define APPLICATION_BAD_MAX 10u          /* messages in a row that are forgiven */
#define APPLICATION_STALL_US 10000000    /* so long may it read nothing while we have something to tell */
#define APPLICATION_PARAMETERS_MAX 8192u /* bytes of the custom parameters, as JSON */
#define APPLICATION_SIGNATURE_CAP 32u    /* base64 of an HMAC-SHA1, with its NUL */

/** Rows of the option table that every such assistant has. */
#define APPLICATION_OPTION_(kind, named, dflt_, flags_, lo, hi, text)                                                  \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, .dflt = dflt_, .flags = flags_, .min = lo, \
        .max = hi, .description = text                                                                                 \
    }
#define APPLICATION_OPTIONS                                                                                            \
    APPLICATION_OPTION_(VOICEGW_OPTION_URL, "url", NULL, VOICEGW_OPTION_REQUIRED, 0, 0,                                \
                        "The application's WebSocket, as in wss://app.example.com/media."),                            \
        APPLICATION_OPTION_(VOICEGW_OPTION_SECRET, "auth_token", NULL, 0, 0, 0,                                        \
                            "Signs the upgrade as Twilio does (X-Twilio-Signature), for applications that check it."), \
        APPLICATION_OPTION_(VOICEGW_OPTION_STRING, "account_sid", "", 0, 0, 0,                                         \
                            "What the application reads as accountSid."),                                              \
        APPLICATION_OPTION_(VOICEGW_OPTION_MAP, "headers", "{}", 0, 0, 0, "Further headers of the upgrade."),          \
        APPLICATION_OPTION_(VOICEGW_OPTION_MAP, "parameters", "{}", 0, 0, 0,                                           \
                            "Custom parameters for the application; {{ from }}, {{ variables.guest }} and other "      \
                            "members of the session stand for their values."),                                         \
        APPLICATION_OPTION_(VOICEGW_OPTION_DURATION, "connect_timeout", "5s", 0, 0.1, 60,                              \
                            "How long the application may take until its WebSocket is open."),                         \
        APPLICATION_OPTION_(VOICEGW_OPTION_STRING, "error_text",                                                       \
                            "Sorry, we encountered an error. Please try again later.", 0, 0, 0,                        \
                            "Said before the call ends because the application cannot be reached or has failed; "      \
                            "empty: nothing.")

struct application_settings {
    char *url, *account_sid, *parameters, *error_text;
    char **headers; /* "Name: value", NULL-ended */
    int64_t connect_timeout_us;
};

/** Twilio's signature of a WebSocket's upgrade: base64(HMAC-SHA1(token, URL)), the URL without its fragment. 0, or a
 * status when the host has no such digest. Pure. Source: twilio.com/docs/usage/security. */
int32_t application_sign(const struct voicegw_host *host, const struct voicegw_host_crypto *crypto, const char *token,
                         const char *url, char out[APPLICATION_SIGNATURE_CAP]);
/** Reads the options above. 0, or VOICEGW_ECONFIG (ELIMIT) with a sentence; then nothing is to be freed. */
int32_t application_settings_read(const struct voicegw_host *host, const struct voicegw_options *options,
                                  struct application_settings *ret_settings);
void application_settings_done(struct application_settings *settings);

/** Writes the custom parameters as the object `name`; `parameters` is a JSON object of texts, in which {{ path }}
 * stands for a member of `session`. What the session lacks is empty. Pure. */
void application_put_parameters(struct voicegw_json_writer *w, const char *name, const char *parameters,
                                struct voicegw_json session);
/** The call's id for the application, the provider's where there is one, else ours. Pure. */
void application_call_sid(struct voicegw_json session, char *out, size_t cap);
/** A prefix of two letters and 32 random hexadecimal digits. */
void application_random_sid(const struct voicegw_host *host, const struct voicegw_host_crypto *crypto,
                            const char *prefix, char out[35]);

/** What on_over() is to lead to: the call ends when what was said has been heard, with a cause; an application that
 * failed is told as the event `error`, and the caller hears error_text before. */
void application_end_call(const struct voicegw_host *host, const struct voicegw_host_assistant *out, uint64_t session,
                          const struct application_settings *settings, uint32_t done, const char *sentence);

struct application_events {
    void (*on_open)(void *arg);
    void (*on_text)(void *arg, const char *text, size_t bytes);
    /** There is room again after application_send() answered VOICEGW_EBUSY. */
    void (*on_room)(void *arg);
    /** Once, not after application_close(): it closed the socket as one that is done (1), or it never was there, was
     * lost or misbehaved (0, and why). Only application_close() is called afterwards. */
    void (*on_over)(void *arg, uint32_t done, const char *sentence);
    /** After application_close() answered 0: nothing calls back any more. */
    void (*on_gone)(void *arg);
};

struct application {
    const struct voicegw_host *host;
    const struct voicegw_host_ws *ws;
    const struct application_settings *settings;
    const struct application_events *events;
    void *arg;
    uint64_t target, socket, timer, max_message_bytes;
    uint32_t state, tries, bad;
    int64_t deadline_us, stalled_us;
    char why[200];
};

/** Begins to connect on the thread of `target`, a session's handle. on_open() or on_over() follows, never from inside.
 * `max_message_bytes`: of one message of the application. 0, or VOICEGW_ELIMIT: no timer is left. */
int32_t application_open(struct application *a, const struct voicegw_host *host, const struct voicegw_host_ws *ws,
                         const struct application_settings *settings, uint64_t target, uint64_t max_message_bytes,
                         const struct application_events *events, void *arg);
/** 1 between on_open() and the end. */
uint32_t application_is_open(const struct application *a);
/** Sends a text. VOICEGW_EBUSY: not now; one that takes nothing for APPLICATION_STALL_US is given up. */
int32_t application_send(struct application *a, const char *text, size_t bytes);
/** It sent what nobody understands; more than APPLICATION_BAD_MAX in a row are its end. 1: it is over. */
uint32_t application_bad(struct application *a, const char *why);
/** It sent what is understood. */
void application_good(struct application *a);
/** Gives it up: on_over(0, sentence) comes from inside. */
void application_fail(struct application *a, uint32_t code, const char *sentence);
/** Closes it for good. 1: it is gone; 0: on_gone() follows. */
uint32_t application_close(struct application *a, const char *reason);

#endif
