/* metric.c - the registry, and its text for Prometheus. */
#include "base/metric.h"
#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include <math.h>
#include <pthread.h>
#include <string.h>

static const double bounds[] = {.005, .01, .02, .05, .1, .2, .3, .5, .8, 1.2, 2, 3, 5, 10};
#define BOUND_COUNT (sizeof bounds / sizeof *bounds)
#define LABELS_MAX 3
#define CHILDREN_MAX 1000
#define LABEL_VALUE_MAX 128

struct child {
    char *values[LABELS_MAX]; /* owned */
    double value;             /* histograms: the sum */
    uint64_t count;
    uint64_t buckets[BOUND_COUNT + 1]; /* not cumulative; the last is beyond every bound */
};

struct vgw_metric {
    struct vgw_metric *next; /* sorted by name */
    enum vgw_metric_kind kind;
    char *name, *help;
    char *labels[LABELS_MAX];
    size_t label_count;
    struct vgw_map *children; /* by label values joined with 0x1F */
};

/* One lock for all: an update is some hundred nanoseconds, and nobody counts samples one by one. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vgw_metric *families;

static bool is_name(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_';
        if (!letter && !(i > 0 && s[i] >= '0' && s[i] <= '9'))
            return false;
    }
    return len > 0;
}

static void free_child(void *value)
{
    struct child *c = value;
    for (size_t i = 0; i < LABELS_MAX; i++)
        vgw_free(c->values[i]);
    vgw_free(c);
}

static void free_family(struct vgw_metric *m)
{
    for (size_t i = 0; i < LABELS_MAX; i++)
        vgw_free(m->labels[i]);
    vgw_map_free(m->children);
    vgw_free(m->name);
    vgw_free(m->help);
    vgw_free(m);
}

static bool set_labels(struct vgw_metric *m, const char *labels)
{
    while (labels && *(labels += strspn(labels, " "))) {
        size_t n = strcspn(labels, " ");
        if (m->label_count == LABELS_MAX || !is_name(labels, n))
            return false;
        char *copy = vgw_strndup(labels, n);
        if (!copy)
            return false;
        m->labels[m->label_count++] = copy;
        labels += n;
    }
    return true;
}

static struct vgw_metric *make_family(enum vgw_metric_kind kind, const char *name, const char *help, const char *labels)
{
    struct vgw_metric *m;
    if (!VGW_NEW(m))
        return NULL;
    m->kind = kind;
    m->name = vgw_strdup(name);
    m->help = vgw_strdup(help ? help : "");
    m->children = vgw_map_new(free_child);
    if (!m->name || !m->help || !m->children || !set_labels(m, labels)) {
        free_family(m);
        return NULL;
    }
    return m;
}

static bool same_shape(const struct vgw_metric *a, const struct vgw_metric *b)
{
    if (a->kind != b->kind || a->label_count != b->label_count)
        return false;
    for (size_t i = 0; i < a->label_count; i++)
        if (strcmp(a->labels[i], b->labels[i]) != 0)
            return false;
    return true;
}

struct vgw_metric *vgw_metric_family(enum vgw_metric_kind kind, const char *name, const char *help, const char *labels)
{
    if (!name || !is_name(name, strlen(name)))
        return NULL;
    struct vgw_metric *made = make_family(kind, name, help, labels);
    if (!made)
        return NULL;
    pthread_mutex_lock(&lock);
    struct vgw_metric **at = &families;
    while (*at && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    struct vgw_metric *found = *at && !strcmp((*at)->name, name) ? *at : NULL;
    if (!found) {
        made->next = *at;
        *at = made;
    }
    pthread_mutex_unlock(&lock);
    if (!found)
        return made;
    bool same = same_shape(found, made);
    free_family(made);
    return same ? found : NULL;
}

static void put_key(char *key, size_t cap, const struct vgw_metric *m, const char *const *values)
{
    size_t n = 0;
    for (size_t i = 0; i < m->label_count && i < LABELS_MAX; i++) {
        if (i > 0)
            key[n++] = '\x1f';
        vgw_strncopy(key + n, cap - n, values[i] ? values[i] : "", LABEL_VALUE_MAX);
        n += strlen(key + n);
    }
    key[n] = '\0';
}

static struct child *make_child(struct vgw_metric *m, const char *key, const char *const *values)
{
    struct child *c;
    if (!VGW_NEW(c))
        return NULL;
    for (size_t i = 0; i < m->label_count && i < LABELS_MAX; i++) {
        c->values[i] = vgw_calloc(LABEL_VALUE_MAX + 1, 1);
        if (!c->values[i])
            goto fail;
        vgw_strcopy(c->values[i], LABEL_VALUE_MAX + 1, values[i] ? values[i] : "");
    }
    if (vgw_map_set(m->children, key, c) == 0)
        return c;
fail:
    free_child(c);
    return NULL;
}

/* Under the lock. NULL when out of memory (or, for `make` false, when absent). */
static struct child *find_child(struct vgw_metric *m, const char *l1, const char *l2, const char *l3, bool make)
{
    static const char *const other[LABELS_MAX] = {"other", "other", "other"};
    const char *const given[LABELS_MAX] = {l1, l2, l3};
    char key[LABELS_MAX * (LABEL_VALUE_MAX + 1) + 1];
    put_key(key, sizeof key, m, given);
    struct child *c = vgw_map_get(m->children, key);
    if (c || !make)
        return c;
    /* One place is kept for "other", so that a family never has more than its limit. */
    if (vgw_map_count(m->children) < CHILDREN_MAX - 1)
        return make_child(m, key, given);
    put_key(key, sizeof key, m, other);
    c = vgw_map_get(m->children, key);
    return c ? c : make_child(m, key, other);
}

void vgw_metric_add(struct vgw_metric *m, double by, const char *l1, const char *l2, const char *l3)
{
    if (!m || m->kind == VGW_METRIC_HISTOGRAM || !isfinite(by) || (m->kind == VGW_METRIC_COUNTER && by < 0))
        return;
    pthread_mutex_lock(&lock);
    struct child *c = find_child(m, l1, l2, l3, true);
    if (c)
        c->value += by;
    pthread_mutex_unlock(&lock);
}

void vgw_metric_set(struct vgw_metric *m, double value, const char *l1, const char *l2, const char *l3)
{
    if (!m || m->kind != VGW_METRIC_GAUGE)
        return;
    pthread_mutex_lock(&lock);
    struct child *c = find_child(m, l1, l2, l3, true);
    if (c)
        c->value = value;
    pthread_mutex_unlock(&lock);
}

void vgw_metric_observe(struct vgw_metric *m, double value, const char *l1, const char *l2, const char *l3)
{
    if (!m || m->kind != VGW_METRIC_HISTOGRAM || !isfinite(value))
        return;
    size_t i = 0;
    while (i < BOUND_COUNT && value > bounds[i])
        i++;
    pthread_mutex_lock(&lock);
    struct child *c = find_child(m, l1, l2, l3, true);
    if (c) {
        c->buckets[i]++;
        c->count++;
        c->value += value;
    }
    pthread_mutex_unlock(&lock);
}

double vgw_metric_value(struct vgw_metric *m, const char *l1, const char *l2, const char *l3)
{
    if (!m)
        return 0;
    pthread_mutex_lock(&lock);
    struct child *c = find_child(m, l1, l2, l3, false);
    double value = !c ? 0 : m->kind == VGW_METRIC_HISTOGRAM ? (double)c->count : c->value;
    pthread_mutex_unlock(&lock);
    return value;
}

static void put_escaped(struct vgw_buf *out, const char *s, bool quotes)
{
    for (; *s; s++) {
        if (*s == '\n')
            vgw_buf_adds(out, "\\n");
        else if (*s == '\\' || (quotes && *s == '"'))
            vgw_buf_add(out, (char[]){'\\', *s}, 2);
        else
            vgw_buf_addc(out, *s);
    }
}

/* One sample: name_suffix{labels,le="…"} value. */
static void put_sample(struct vgw_buf *out, const struct vgw_metric *m, const struct child *c, const char *suffix,
                       const char *le, double value)
{
    char number[VGW_DOUBLE_TEXT];
    const char *before = "{";
    vgw_buf_adds(out, m->name);
    vgw_buf_adds(out, suffix);
    for (size_t i = 0; i < m->label_count; i++) {
        vgw_buf_printf(out, "%s%s=\"", before, m->labels[i]);
        put_escaped(out, c->values[i], true);
        vgw_buf_addc(out, '"');
        before = ",";
    }
    if (le) {
        vgw_buf_printf(out, "%sle=\"%s\"", before, le);
        before = ",";
    }
    vgw_buf_printf(out, "%s %s\n", *before == ',' ? "}" : "", vgw_double_text(value, number));
}

static void put_histogram(struct vgw_buf *out, const struct vgw_metric *m, const struct child *c)
{
    char le[VGW_DOUBLE_TEXT];
    uint64_t total = 0;
    for (size_t i = 0; i < BOUND_COUNT; i++) {
        total += c->buckets[i];
        put_sample(out, m, c, "_bucket", vgw_double_text(bounds[i], le), (double)total);
    }
    put_sample(out, m, c, "_bucket", "+Inf", (double)c->count);
    put_sample(out, m, c, "_sum", NULL, c->value);
    put_sample(out, m, c, "_count", NULL, (double)c->count);
}

void vgw_metric_render(struct vgw_buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    pthread_mutex_lock(&lock);
    for (const struct vgw_metric *m = families; m; m = m->next) {
        void *child;
        vgw_buf_printf(out, "# HELP %s ", m->name);
        put_escaped(out, m->help, false);
        vgw_buf_printf(out, "\n# TYPE %s %s\n", m->name, kinds[m->kind]);
        for (size_t i = 0; vgw_map_next(m->children, &i, NULL, &child);) {
            if (m->kind == VGW_METRIC_HISTOGRAM)
                put_histogram(out, m, child);
            else
                put_sample(out, m, child, "", NULL, ((struct child *)child)->value);
        }
    }
    pthread_mutex_unlock(&lock);
}

void vgw_metric_dropped(const char *what)
{
    static _Atomic(struct vgw_metric *) family;
    struct vgw_metric *m = family;
    if (!m)
        family = m =
            vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_dropped_total", "What was dropped at a limit.", "what");
    vgw_metric_add(m, 1, what, NULL, NULL);
}
