/* metric.h - counters, gauges and histograms, kept in one registry, rendered for Prometheus (text 0.0.4). */
#ifndef VGW_BASE_METRIC_H
#define VGW_BASE_METRIC_H
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

struct vgw_metric; /* one family: name, help, kind, label names */
enum vgw_metric_kind { VGW_METRIC_COUNTER, VGW_METRIC_GAUGE, VGW_METRIC_HISTOGRAM };

/** Finds or makes a family; lives for ever. `labels`: at most 3 names separated by spaces, or NULL. Thread: any
 *  (locked). Histograms in seconds use the bounds .005 .01 .02 .05 .1 .2 .3 .5 .8 1.2 2 3 5 10. NULL when out of
 *  memory, for names that Prometheus refuses and for a name that is there with another kind or other labels: all
 *  functions below bear NULL and do nothing. */
struct vgw_metric *vgw_metric_family(enum vgw_metric_kind kind, const char *name, const char *help, const char *labels);
/** Updates the child with these label values (as many as labels, each cut at 128 bytes; the others are NULL). At
 *  most 1,000 children a family: beyond, all go to the child whose values are "other". Thread: any; atomic. `add`
 *  is for counters (by >= 0) and gauges, `set` for gauges, `observe` for histograms; what does not fit the kind is
 *  ignored. */
void vgw_metric_add(struct vgw_metric *m, double by, const char *l1, const char *l2, const char *l3);
void vgw_metric_set(struct vgw_metric *m, double value, const char *l1, const char *l2, const char *l3);
void vgw_metric_observe(struct vgw_metric *m, double value, const char *l1, const char *l2, const char *l3);
/** A counter's or gauge's value, a histogram's count; 0 when there is none. For tests and health. Thread: any. */
double vgw_metric_value(struct vgw_metric *m, const char *l1, const char *l2, const char *l3);
/** All families, sorted by name. Thread: any. */
void vgw_metric_render(struct vgw_buf *out);
/** Shorthand for voicegw_dropped_total{what}. */
void vgw_metric_dropped(const char *what);
#endif
