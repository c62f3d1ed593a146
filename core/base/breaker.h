/* breaker.h - a circuit breaker for one vendor (a delivery provider, an engine of speech): after so many failures in a
 * row it is left alone for a while, then asked once. Pure: time is an argument. Not thread safe. */
#ifndef VGW_BASE_BREAKER_H
#define VGW_BASE_BREAKER_H
#include <stdbool.h>
#include <stdint.h>

enum vgw_breaker_state { VGW_BREAKER_CLOSED, VGW_BREAKER_OPEN, VGW_BREAKER_HALF_OPEN };
struct vgw_breaker {
    uint32_t threshold;   /* failures in a row that open it; 0: never */
    int64_t open_us;      /* how long it stays open the first time */
    int64_t max_open_us;  /* it doubles up to this */
    uint32_t failures;    /* in a row */
    uint32_t opened;      /* times in a row */
    int64_t until_us;     /* while open */
    bool probing;         /* half open: one call is under way */
    int64_t probe_end_us; /* a probe whose end was never told stops to count then */
};
void vgw_breaker_init(struct vgw_breaker *b, uint32_t threshold, int64_t open_us, int64_t max_open_us);
enum vgw_breaker_state vgw_breaker_state(const struct vgw_breaker *b, int64_t now_us);
/** "closed", "open", "half_open". Static. */
const char *vgw_breaker_state_name(enum vgw_breaker_state state);
/** May a call go out? In the half-open state one at a time may, for at most `probe_us`; false gives *ret_wait_us (may
 * be NULL) until it is worth asking again. */
bool vgw_breaker_take(struct vgw_breaker *b, int64_t now_us, int64_t probe_us, int64_t *ret_wait_us);
/** How a call that was taken went; `failed`: the provider's fault (its network, its 5xx, its limits), not the callee's.
 */
void vgw_breaker_report(struct vgw_breaker *b, bool failed, int64_t now_us);
#endif
