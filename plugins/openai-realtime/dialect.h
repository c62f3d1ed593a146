/* dialect.h - the names of events, by generation of the interface: what we do stands in the code, how it is called
 * here. Pure. Source: the vendor's realtime reference and its list of renames from the beta. */
#ifndef REALTIME_DIALECT_H
#define REALTIME_DIALECT_H
#include <stdint.h>
#include "voicegw/json.h"

#define RT_NAME_MAX 80u

enum rt_event {
    /* from the server */
    RT_SESSION_CREATED,
    RT_SESSION_UPDATED,
    RT_AUDIO_DELTA,
    RT_AUDIO_DONE,
    RT_TRANSCRIPT_DELTA,
    RT_TRANSCRIPT_DONE,
    RT_USER_TRANSCRIPT,
    RT_USER_TRANSCRIPT_FAILED,
    RT_SPEECH_STARTED,
    RT_SPEECH_STOPPED,
    RT_RESPONSE_CREATED,
    RT_RESPONSE_DONE,
    RT_ERROR,
    /* from us */
    RT_SESSION_UPDATE,
    RT_APPEND,
    RT_COMMIT,
    RT_CLEAR,
    RT_ITEM_CREATE,
    RT_ITEM_DELETE,
    RT_ITEM_TRUNCATE,
    RT_RESPOND,
    RT_CANCEL,
    RT_EVENTS
};

struct rt_dialect {
    char names[RT_EVENTS][RT_NAME_MAX];
    uint32_t beta; /* 1: the session's settings have the beta's shape */
};

/** Fills a dialect: "ga" or "beta", with `names` (an object {our key: their name}, or NULL) laid over it. 0, or
 * VOICEGW_ECONFIG with *ret_why. */
int32_t rt_dialect_read(struct rt_dialect *d, const char *generation, const char *names, const char **ret_why);
/** The event of that name; RT_EVENTS when it is not known. */
enum rt_event rt_dialect_event(const struct rt_dialect *d, const char *name);
#endif
