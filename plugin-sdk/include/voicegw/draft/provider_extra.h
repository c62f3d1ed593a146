/* voicegw/draft/provider_extra.h - conferences and text messages of a provider. Part of the voicegw plugin SDK (MIT).
 * Draft: may change until version 1 is cut.
 *
 * Both kinds are extensions of a provider instance, by factory.get_extension(). Operations run on [control], return at
 * once, and complete through host_provider.on_complete(op) under the rules of provider.h. */
#ifndef VOICEGW_DRAFT_PROVIDER_EXTRA_H
#define VOICEGW_DRAFT_PROVIDER_EXTRA_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_KIND_PROVIDER_CONFERENCE "voicegw.provider.conference/1"
#define VOICEGW_KIND_PROVIDER_SMS "voicegw.provider.sms/1"
#define VOICEGW_HOST_CONFERENCE "voicegw.host.conference/1"
#define VOICEGW_HOST_SMS "voicegw.host.sms/1"

/* What happened in a conference: on_conference(). */
#define VOICEGW_CONFERENCE_STARTED 1u /* with its first participant */
#define VOICEGW_CONFERENCE_ENDED 2u   /* the last one left; call is 0 */
#define VOICEGW_CONFERENCE_JOINED 3u
#define VOICEGW_CONFERENCE_LEFT 4u
#define VOICEGW_CONFERENCE_HELD 5u
#define VOICEGW_CONFERENCE_RESUMED 6u
#define VOICEGW_CONFERENCE_MUTED 7u
#define VOICEGW_CONFERENCE_UNMUTED 8u
#define VOICEGW_CONFERENCE_KICKED 9u /* LEFT does not follow */

struct voicegw_provider_conference {
    uint32_t size;
    uint32_t reserved;
    /** Brings a connected call into the conference of that name, which begins with its first participant. A call is in
     * one conference at most: VOICEGW_EBUSY else. params_json: provider-specific keys, object or NULL. Completes with
     * {"conference", "participants"}. */
    int32_t (*join)(void *instance, uint64_t op, uint64_t call, const char *name, const char *params_json);
    /** The call leaves and goes on alone. VOICEGW_ENOTFOUND: it is not there. */
    int32_t (*leave)(void *instance, uint64_t op, uint64_t call, const char *name);
    int32_t (*hold)(void *instance, uint64_t op, uint64_t call, const char *name, uint32_t on);
    int32_t (*mute)(void *instance, uint64_t op, uint64_t call, const char *name, uint32_t on);
    /** Removes a participant; its call ends. */
    int32_t (*kick)(void *instance, uint64_t op, uint64_t call, const char *name);
};

/** The host's side, by get_extension(VOICEGW_HOST_CONFERENCE). */
struct voicegw_host_conference {
    uint32_t size;
    uint32_t reserved;
    /** event: VOICEGW_CONFERENCE_*; data_json: {"participants", …} or NULL. [any] */
    int32_t (*on_conference)(const struct voicegw_host *host, const char *name, uint64_t call, uint32_t event,
                             const char *data_json);
};

/* How far a message came: on_sms(). */
#define VOICEGW_SMS_ACCEPTED 1u
#define VOICEGW_SMS_SENT 2u
#define VOICEGW_SMS_DELIVERED 3u /* final */
#define VOICEGW_SMS_FAILED 4u    /* final */

struct voicegw_sms {
    uint32_t size;
    uint32_t reserved;
    const char *to;
    const char *from;       /* "" when the operator set none */
    const char *text;       /* UTF-8 */
    const char *media_json; /* list of URLs or NULL */
};

struct voicegw_provider_sms {
    uint32_t size;
    uint32_t reserved;
    /** Sends a message; `message` is the host's handle for what follows. Completes with {"provider_message_id"} once
     * the provider accepted or refused it. */
    int32_t (*send)(void *instance, uint64_t op, uint64_t message, const struct voicegw_sms *sms);
    /** Pure: may this be sent? 0, or VOICEGW_EINVALID with a sentence that names the field and the limit. May be NULL.
     */
    int32_t (*validate)(void *instance, const struct voicegw_sms *sms);
};

/** The host's side, by get_extension(VOICEGW_HOST_SMS). */
struct voicegw_host_sms {
    uint32_t size;
    uint32_t reserved;
    /** A message's status: VOICEGW_SMS_*, in any order, any number of times; cause: a sentence or NULL. [any] */
    int32_t (*on_sms)(const struct voicegw_host *host, uint64_t message, const char *provider_message_id,
                      uint32_t status, const char *cause);
    /** A message that came in; the same provider_message_id again is the same message. [any] */
    int32_t (*on_sms_received)(const struct voicegw_host *host, const char *provider_message_id,
                               const struct voicegw_sms *sms);
};

#endif
