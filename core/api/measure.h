/* measure.h - what analytics are counted with: sums and percentiles of one group of calls. Pure; one thread. */
#ifndef VGW_API_MEASURE_H
#define VGW_API_MEASURE_H
#include <stddef.h>
#include "base/json.h"

#define VGW_MEASURE_SAMPLES 4096u /* kept a stage; beyond, a fair sample of all (reservoir) */
#define VGW_MEASURE_STAGES 16u
struct vgw_measure;
struct vgw_measure *vgw_measure_new(void);    /* NULL: out of memory */
void vgw_measure_free(struct vgw_measure *m); /* takes NULL */
/** Counts a call's row: status, duration, cost. */
void vgw_measure_call(struct vgw_measure *m, const struct vgw_json *call);
/** Counts a turn's row: latency_ms as stage "total", and each number in `stages`. */
void vgw_measure_turn(struct vgw_measure *m, const struct vgw_json *turn);
/** Adds {"calls","by_status","duration","latency_ms","cost"} to `out`. */
void vgw_measure_show(struct vgw_measure *m, struct vgw_json *out);
#endif
