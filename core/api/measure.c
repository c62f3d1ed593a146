/* measure.c - sums and percentiles. */
#include "api/measure.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"

struct samples {
    char stage[32];
    double *values;
    size_t count, seen;
};
struct vgw_measure {
    int64_t calls, answered;
    struct vgw_json *by_status;
    double cost, longest;
    bool has_cost;
    struct samples durations;
    double duration_sum;
    struct samples stages[VGW_MEASURE_STAGES];
    size_t stage_count;
    struct vgw_rng rng;
};

struct vgw_measure *vgw_measure_new(void)
{
    struct vgw_measure *m;
    if (!VGW_NEW(m))
        return NULL;
    vgw_rng_seed(&m->rng, 1);
    m->by_status = vgw_json_object();
    if (m->by_status)
        return m;
    vgw_measure_free(m);
    return NULL;
}

void vgw_measure_free(struct vgw_measure *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->stage_count; i++)
        vgw_free(m->stages[i].values);
    vgw_free(m->durations.values);
    vgw_json_free(m->by_status);
    vgw_free(m);
}

static void add(struct vgw_measure *m, struct samples *s, double value)
{
    s->seen++;
    if (s->count < VGW_MEASURE_SAMPLES) {
        if ((s->count & (s->count - 1)) == 0) {
            double *more = vgw_realloc(s->values, (s->count ? 2 * s->count : 1) * sizeof *more);
            if (!more)
                return;
            s->values = more;
        }
        s->values[s->count++] = value;
        return;
    }
    uint64_t at = vgw_rng_below(&m->rng, s->seen);
    if (at < s->count)
        s->values[at] = value;
}

void vgw_measure_call(struct vgw_measure *m, const struct vgw_json *call)
{
    const char *status = vgw_json_get_string(call, "status", "unknown");
    const struct vgw_json *cost = vgw_json_get(call, "cost"), *answered = vgw_json_get(call, "answered_at");
    double duration = vgw_json_get_double(call, "duration", 0);
    m->calls++;
    vgw_json_set_int(m->by_status, status, vgw_json_get_int(m->by_status, status, 0) + 1);
    if (cost) {
        m->cost += vgw_json_as_double(cost, 0);
        m->has_cost = true;
    }
    if (!answered)
        return;
    m->answered++;
    m->duration_sum += duration;
    m->longest = duration > m->longest ? duration : m->longest;
    add(m, &m->durations, duration);
}

static void add_stage(struct vgw_measure *m, const char *stage, double value)
{
    size_t i = 0;
    while (i < m->stage_count && strcmp(m->stages[i].stage, stage) != 0)
        i++;
    if (i == VGW_MEASURE_STAGES || value < 0)
        return;
    if (i == m->stage_count) {
        vgw_strcopy(m->stages[i].stage, sizeof m->stages[i].stage, stage);
        m->stage_count++;
    }
    add(m, &m->stages[i], value);
}

void vgw_measure_turn(struct vgw_measure *m, const struct vgw_json *turn)
{
    const struct vgw_json *latency = vgw_json_get(turn, "latency_ms");
    const char *stage;
    struct vgw_json *v;
    if (latency)
        add_stage(m, "total", vgw_json_as_double(latency, -1));
    for (size_t i = 0; vgw_json_object_next(vgw_json_get(turn, "stages"), &i, &stage, &v);) {
        if (v && strlen(stage) < sizeof m->stages[0].stage)
            add_stage(m, stage, vgw_json_as_double(v, -1));
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct vgw_json *percentiles(struct samples *s)
{
    static const struct {
        const char *name;
        double part;
    } which[] = {{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}};
    struct vgw_json *o = vgw_json_object();
    if (s->count)
        qsort(s->values, s->count, sizeof *s->values, by_value);
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) {
        size_t at = (size_t)(which[i].part * (double)s->count);
        if (s->count)
            vgw_json_set_double(o, which[i].name, s->values[at < s->count ? at : s->count - 1]);
        else
            vgw_json_set(o, which[i].name, NULL);
    }
    return o;
}

void vgw_measure_show(struct vgw_measure *m, struct vgw_json *out)
{
    struct vgw_json *duration = percentiles(&m->durations), *latency = vgw_json_object();
    vgw_json_set_int(out, "calls", m->calls);
    vgw_json_set(out, "by_status", vgw_json_copy(m->by_status));
    vgw_json_set_double(duration, "total", m->duration_sum);
    vgw_json_set_double(duration, "average", m->answered ? m->duration_sum / (double)m->answered : 0);
    vgw_json_set_double(duration, "max", m->longest);
    vgw_json_set(out, "duration", duration);
    for (size_t i = 0; i < m->stage_count; i++)
        vgw_json_set(latency, m->stages[i].stage, percentiles(&m->stages[i]));
    vgw_json_set(out, "latency_ms", latency);
    vgw_json_set(out, "cost", m->has_cost ? vgw_json_double(m->cost) : NULL);
}
