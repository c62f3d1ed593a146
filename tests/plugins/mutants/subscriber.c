/* subscriber.c - breaks the rules of subscribers. */
#include "mutant.h"
#include "voicegw/draft/subscriber.h"

static const char *on_filter(void *i)
{
    (void)i;
#ifdef BREAK_FILTER
    return "call_*";
#else
    return "[\"call_*\"]";
#endif
}
static int32_t on_events(void *i, const char *json, uint32_t n)
{
    (void)i;
    (void)n;
#ifdef BREAK_LIMITS
    if (json[0] == 'x')
        abort();
#endif
#ifdef BREAK_STATUS
    return json ? 12 : 0;
#endif
    (void)json;
    return VOICEGW_OK;
}
static const struct voicegw_subscriber table = {.size = sizeof table, .filter = on_filter, .on_events = on_events};
MUTANT_PLUGIN("subscriber", VOICEGW_KIND_SUBSCRIBER, table, 0, NULL)
