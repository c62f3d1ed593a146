/* base_metric.c - metrics. */
#include "base/metric.h"
#include "base/alloc.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

Test(base_metric, families_are_rendered_sorted_and_escaped)
{
    struct vgw_metric *b = vgw_metric_family(VGW_METRIC_COUNTER, "b_total", "Help\nof \\b.", "provider status");
    struct vgw_metric *a = vgw_metric_family(VGW_METRIC_GAUGE, "a", "A.", NULL);
    vgw_metric_add(b, 1, "tw\"i\\l\nio", "ok", NULL);
    vgw_metric_add(b, 2, "tw\"i\\l\nio", "ok", NULL);
    vgw_metric_add(b, -5, "tw\"i\\l\nio", "ok", NULL);
    vgw_metric_set(b, 9, "tw\"i\\l\nio", "ok", NULL);
    vgw_metric_set(a, 1.5, NULL, NULL, NULL);
    vgw_metric_add(a, -1, NULL, NULL, NULL);
    struct vgw_buf out = {0};
    vgw_metric_render(&out);
    cr_expect_str_eq(vgw_buf_str(&out), "# HELP a A.\n# TYPE a gauge\na 0.5\n"
                                        "# HELP b_total Help\\nof \\\\b.\n# TYPE b_total counter\n"
                                        "b_total{provider=\"tw\\\"i\\\\l\\nio\",status=\"ok\"} 3\n");
    vgw_buf_done(&out);
}

Test(base_metric, a_histogram_counts_cumulatively)
{
    struct vgw_metric *h = vgw_metric_family(VGW_METRIC_HISTOGRAM, "turn_seconds", "T.", "stage");
    vgw_metric_observe(h, .005, "stt", NULL, NULL);
    vgw_metric_observe(h, .25, "stt", NULL, NULL);
    vgw_metric_observe(h, 11, "stt", NULL, NULL);
    vgw_metric_add(h, 1, "stt", NULL, NULL);
    cr_expect_eq(vgw_metric_value(h, "stt", NULL, NULL), 3);
    struct vgw_buf out = {0};
    vgw_metric_render(&out);
    static const char *const parts[] = {
        "turn_seconds_bucket{stage=\"stt\",le=\"0.005\"} 1\n",
        "turn_seconds_bucket{stage=\"stt\",le=\"0.2\"} 1\n",
        "turn_seconds_bucket{stage=\"stt\",le=\"0.3\"} 2\n",
        "turn_seconds_bucket{stage=\"stt\",le=\"10\"} 2\n",
        "turn_seconds_bucket{stage=\"stt\",le=\"+Inf\"} 3\n",
        "turn_seconds_sum{stage=\"stt\"} 11.255\n",
        "turn_seconds_count{stage=\"stt\"} 3\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_expect_not_null(strstr(vgw_buf_str(&out), parts[i]), "%s", parts[i]);
    vgw_buf_done(&out);
}

Test(base_metric, a_family_is_found_again_and_never_bent)
{
    struct vgw_metric *m = vgw_metric_family(VGW_METRIC_COUNTER, "x_total", "X.", "what");
    cr_expect_not_null(m);
    cr_expect_eq(vgw_metric_family(VGW_METRIC_COUNTER, "x_total", "other help", "what"), m);
    cr_expect_null(vgw_metric_family(VGW_METRIC_GAUGE, "x_total", "X.", "what"));
    cr_expect_null(vgw_metric_family(VGW_METRIC_COUNTER, "x_total", "X.", "who"));
    cr_expect_null(vgw_metric_family(VGW_METRIC_COUNTER, "x-y", "X.", NULL));
    cr_expect_null(vgw_metric_family(VGW_METRIC_COUNTER, "y_total", "X.", "a b c d"));
    vgw_metric_add(NULL, 1, NULL, NULL, NULL);
    vgw_metric_set(NULL, 1, NULL, NULL, NULL);
    vgw_metric_observe(NULL, 1, NULL, NULL, NULL);
    cr_expect_eq(vgw_metric_value(NULL, NULL, NULL, NULL), 0);
}

Test(base_metric, children_beyond_the_limit_share_one)
{
    struct vgw_metric *m = vgw_metric_family(VGW_METRIC_COUNTER, "many_total", "M.", "id");
    for (int i = 0; i < 2000; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        vgw_metric_add(m, 1, id, NULL, NULL);
    }
    cr_expect_eq(vgw_metric_value(m, "998", NULL, NULL), 1);
    cr_expect_eq(vgw_metric_value(m, "999", NULL, NULL), 0);
    cr_expect_eq(vgw_metric_value(m, "other", NULL, NULL), 1001);
}

Test(base_metric, every_failed_allocation_is_borne)
{
    long n = 1;
    for (bool injected = true; injected; n++) {
        char name[32];
        snprintf(name, sizeof name, "sweep%ld_total", n);
        vgw_alloc_fail_at(n);
        struct vgw_metric *m = vgw_metric_family(VGW_METRIC_COUNTER, name, "S.", "a b");
        vgw_metric_add(m, 1, "x", "y", NULL);
        injected = vgw_alloc_count() >= n;
        vgw_alloc_fail_at(0);
        cr_expect_eq(vgw_metric_value(m, "x", "y", NULL), injected ? 0 : 1);
    }
    cr_expect_gt(n, 8);
}

static void *add_many(void *arg)
{
    for (int i = 0; i < 5000; i++) {
        vgw_metric_dropped("thread");
        vgw_metric_add(arg, 1, i % 2 ? "odd" : "even", NULL, NULL);
    }
    return NULL;
}

Test(base_metric, updates_from_threads_add_up)
{
    struct vgw_metric *m = vgw_metric_family(VGW_METRIC_COUNTER, "threads_total", "T.", "kind");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, add_many, m);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(vgw_metric_value(m, "odd", NULL, NULL), 10000);
    struct vgw_metric *d = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_dropped_total", NULL, "what");
    cr_expect_eq(vgw_metric_value(d, "thread", NULL, NULL), 20000);
}
