/* health.h - how an engine has been doing over all calls: a circuit breaker that calls share, so that the next call
 * need not find out for itself what the last one did. */
#ifndef VGW_TALK_HEALTH_H
#define VGW_TALK_HEALTH_H
#include <stdbool.h>
#include <stdint.h>

#define VGW_ENGINE_FAILURES 3     /* in a row, over all calls: then others are taken first */
#define VGW_ENGINE_REST_S 10      /* for so long, the first time */
#define VGW_ENGINE_REST_MAX_S 300 /* and twice as long each time, up to this */
#define VGW_ENGINE_PROBE_S 30     /* one call tries it out afterwards, and has so long */

struct vgw_engine_health;
/** `kind`: stt, tts, assistants; `name`: of the instance. Both are copied. NULL: out of memory. Thread: any. */
struct vgw_engine_health *vgw_engine_health_new(const char *kind, const char *name);
/** Nobody uses it any more. Takes NULL. */
void vgw_engine_health_free(struct vgw_engine_health *h);
/** May this engine be asked? In doubt yes: a NULL health always may. False while it rests. Thread: any. */
bool vgw_engine_health_take(struct vgw_engine_health *h, int64_t now_us);
/** How it went: `failed` is a refusal, a broken stream or a stage that took too long. Counted in
 * voicegw_engine_failures_total; the state stands in voicegw_engine_breaker_open. Takes NULL. Thread: any. */
void vgw_engine_health_report(struct vgw_engine_health *h, bool failed, int64_t now_us);
#endif
