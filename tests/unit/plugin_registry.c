/* plugin_registry.c - what loading, instances and generations promise. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"
#include "plugin/registry.h"
#include "plugin_subject.h"

static unsigned wakes, forced_count;
static char promoted[32];

static void on_wake(void *arg)
{
    (void)arg;
    wakes++;
}

static void on_gone(void *arg, struct vgw_instance *i, bool forced)
{
    (void)arg;
    (void)i;
    forced_count += forced;
}

static void on_promoted(void *arg, struct vgw_instance *i, const struct vgw_error *err)
{
    (void)arg;
    vgw_strcopy(promoted, sizeof promoted, err ? err->text : i->name);
}

static const struct vgw_registry_ops ops = {.wake = on_wake, .on_gone = on_gone, .on_promoted = on_promoted};
static struct vgw_plugin_loader *loader;

static struct vgw_plugin_loader *the_loader(void)
{
    struct vgw_error err = {0};
    if (!loader)
        cr_assert_eq(vgw_plugin_loader_new(subject_path("copies"), &loader, &err), 0, "%s", err.text);
    return loader;
}

/* An instance of the subject as it now lies on the disk; running unless told. */
static struct vgw_instance *make(const char *version, const char *more, bool start)
{
    char defines[256];
    struct vgw_error err = {0};
    struct vgw_instance *i = NULL;
    snprintf(defines, sizeof defines, "-DSUBJECT_VERSION='\"%s\"' %s", version, more);
    subject_build("subject.so", defines);
    struct vgw_plugin_module *m = subject_load(the_loader(), subject_path("subject.so"));
    cr_assert_eq(vgw_instance_new(m, "actions", "desk", "voicegw.action/1", &subject_hostops, &i, &err), 0, "%s",
                 err.text);
    vgw_plugin_module_unref(m);
    cr_assert_eq(vgw_instance_create(i, NULL, &err), 0, "%s", err.text);
    if (start)
        cr_assert_eq(vgw_instance_start(i, &err), 0, "%s", err.text);
    return i;
}

Test(instance, life_goes_one_way_and_refusals_carry_the_plugins_sentence)
{
    struct vgw_error err = {0};
    struct vgw_instance *i = make("1", "", false);
    cr_assert_eq(vgw_instance_drain(i), VGW_EBUSY);
    cr_assert_eq(vgw_instance_create(i, NULL, &err), VGW_EBUSY);
    cr_assert_eq(vgw_instance_reconfigure(i, NULL, &err), VGW_EBUSY);
    cr_assert_eq(vgw_instance_start(i, &err), 0);
    cr_assert_eq(vgw_instance_start(i, &err), VGW_EBUSY);
    cr_assert_eq(vgw_instance_reconfigure(i, NULL, &err), VGW_ECONFIG);
    cr_assert_str_eq(err.text, "the colour must be blue");
    cr_assert_str_eq(err.place, "actions.desk");
    cr_assert_not(vgw_instance_on_drained(i), "drained() that nobody asked for changes nothing");
    cr_assert_eq(vgw_instance_drain(i), 0);
    cr_assert_eq(subject_drained, i);
    cr_assert(vgw_instance_on_drained(i));
    cr_assert_not(vgw_instance_on_drained(i), "a second drained() changes nothing");
    vgw_instance_free(i);
    cr_assert_str_eq(subject_trace(), "create 1;start 1;drain 1;destroy 1;");
}

Test(instance, wrong_kind_is_refused_with_the_kinds_that_there_are)
{
    struct vgw_error err = {0};
    struct vgw_instance *i = NULL;
    subject_build("subject.so", "");
    struct vgw_plugin_module *m = subject_load(the_loader(), subject_path("subject.so"));
    cr_assert_eq(vgw_instance_new(m, "stt", "x", "voicegw.stt/1", &subject_hostops, &i, &err), VGW_EUNSUPPORTED);
    cr_assert(strstr(err.text, "offers voicegw.action/1"), "%s", err.text);
    vgw_plugin_module_unref(m);
}

Test(load, new_code_runs_beside_old_and_cp_over_a_loaded_file_is_harmless)
{
    struct vgw_error err = {0};
    struct vgw_instance *one = make("1", "", false), *two = make("2", "", false);
    subject_overwrite("Makefile", subject_path("subject.so"));
    cr_assert_eq(vgw_instance_start(one, &err), 0);
    cr_assert_eq(vgw_instance_start(two, &err), 0);
    cr_assert_lt(one->generation, two->generation);
    cr_assert_str_neq(vgw_plugin_module_hash(one->module), vgw_plugin_module_hash(two->module));
    cr_assert_str_eq(subject_trace(), "create 1;create 2;start 1;start 2;");
    vgw_instance_free(one);
    vgw_instance_free(two);
}

Test(load, file_that_changed_since_its_probe_is_refused)
{
    struct vgw_plugin_prober prober = {0};
    struct vgw_plugin_desc *desc = NULL;
    struct vgw_plugin_module *m = NULL;
    struct vgw_error err = {0};
    char hash[VGW_PLUGIN_HASH_TEXT];
    const char *file = subject_path("subject.so");
    subject_build("subject.so", "");
    cr_assert_eq(vgw_plugin_probe(&prober, file, "subject", &desc, hash, &err), 0);
    subject_build("subject.so", "-DSUBJECT_VERSION='\"2\"'");
    cr_assert_eq(vgw_plugin_load(the_loader(), file, hash, desc, &m, &err), VGW_EBUSY);
    cr_assert(strstr(err.text, "reload again"), "%s", err.text);
    vgw_plugin_desc_free(desc);
}

Test(registry, calls_keep_their_generation_and_the_last_one_out_closes_it)
{
    struct vgw_error err = {0};
    struct vgw_registry *r = vgw_registry_new(&ops, 1000);
    cr_assert_null(vgw_registry_acquire(r, "actions", "desk"));
    cr_assert_eq(vgw_registry_publish(r, make("1", "", true), &err), 0);
    struct vgw_instance *call = vgw_registry_acquire(r, "actions", "desk");
    cr_assert_eq(vgw_registry_publish(r, make("2", "", true), &err), 0);
    vgw_registry_run(r, 0);
    struct vgw_instance *later = vgw_registry_acquire(r, "actions", "desk");
    cr_assert_neq(call, later);
    cr_assert_eq(vgw_registry_older(r, "actions", "desk", 0), call);
    cr_assert_eq(vgw_registry_alive(r), 2u);
    wakes = 0;
    vgw_registry_release(r, call);
    cr_assert_eq(wakes, 1u);
    cr_assert_eq(vgw_registry_alive(r), 2u, "release only marks: the plugin may be on the stack");
    cr_assert_eq(vgw_registry_run(r, 0), 1000, "drain() was called, drained() is awaited");
    vgw_registry_on_drained(r, subject_drained);
    cr_assert_eq(vgw_registry_run(r, 10), -1);
    cr_assert_eq(vgw_registry_alive(r), 1u);
    cr_assert_str_eq(subject_trace(), "create 1;start 1;create 2;start 2;drain 1;destroy 1;");
    vgw_registry_release(r, later);
    cr_assert_eq(vgw_registry_run(r, 20), -1);
    cr_assert_eq(vgw_registry_alive(r), 1u, "the current generation stays without references");
    cr_assert_eq(vgw_registry_retire(r, "actions", "desk"), 0);
    cr_assert_eq(vgw_registry_retire(r, "actions", "desk"), VGW_ENOTFOUND);
    cr_assert_null(vgw_registry_acquire(r, "actions", "desk"));
    vgw_registry_run(r, 30);
    vgw_registry_on_drained(r, subject_drained);
    vgw_registry_run(r, 31);
    cr_assert_eq(vgw_registry_alive(r), 0u);
    cr_assert_eq(forced_count, 0u);
    vgw_registry_free(r);
}

Test(registry, drain_that_takes_too_long_is_ended_by_force)
{
    struct vgw_error err = {0};
    struct vgw_registry *r = vgw_registry_new(&ops, 1000);
    cr_assert_eq(vgw_registry_publish(r, make("1", "-DNEVER_DRAINED", true), &err), 0);
    cr_assert_eq(vgw_registry_retire(r, "actions", "desk"), 0);
    cr_assert_eq(vgw_registry_run(r, 500), 1500);
    cr_assert_eq(vgw_registry_run(r, 1499), 1500);
    cr_assert_eq(vgw_registry_run(r, 1500), -1);
    cr_assert_eq(forced_count, 1u);
    cr_assert_eq(vgw_registry_alive(r), 0u);
    cr_assert_str_eq(subject_trace(), "create 1;start 1;drain 1;destroy 1;");
    vgw_registry_free(r);
}

Test(registry, new_code_of_an_exclusive_plugin_waits_until_the_old_is_idle)
{
    struct vgw_error err = {0};
    const char *exclusive = "-DSUBJECT_FLAGS=3u";
    struct vgw_registry *r = vgw_registry_new(&ops, 1000);
    struct vgw_instance *old = make("1", exclusive, true);
    cr_assert_eq(vgw_registry_decide(old, false, false, true), VGW_STEP_KEEP);
    cr_assert_eq(vgw_registry_decide(old, false, true, true), VGW_STEP_RECONFIGURE);
    cr_assert_eq(vgw_registry_decide(old, true, false, true), VGW_STEP_WAIT);
    cr_assert_eq(vgw_registry_publish(r, old, &err), 0);
    vgw_registry_acquire(r, "actions", "desk");
    cr_assert_eq(vgw_registry_publish_when_idle(r, make("2", exclusive, false), &err), 0);
    vgw_registry_run(r, 0);
    cr_assert_eq(vgw_registry_current(r, "actions", "desk"), old);
    cr_assert_not_null(vgw_registry_waiting(r, "actions", "desk"));
    vgw_registry_release(r, old);
    vgw_registry_run(r, 1);
    vgw_registry_on_drained(r, subject_drained);
    vgw_registry_run(r, 2);
    cr_assert_str_eq(promoted, "desk");
    cr_assert_null(vgw_registry_waiting(r, "actions", "desk"));
    cr_assert_str_eq(subject_trace(), "create 1;start 1;create 2;drain 1;destroy 1;start 2;");
    vgw_registry_free(r);
}

Test(registry, decision_between_reconfigure_and_replace)
{
    struct vgw_instance *i = make("1", "", true);
    cr_assert_eq(vgw_registry_decide(i, false, true, true), VGW_STEP_RECONFIGURE);
    cr_assert_eq(vgw_registry_decide(i, false, true, false), VGW_STEP_REPLACE);
    cr_assert_eq(vgw_registry_decide(i, true, false, true), VGW_STEP_REPLACE);
    vgw_instance_free(i);
}

Test(registry, older_generations_are_bounded)
{
    struct vgw_error err = {0};
    struct vgw_registry *r = vgw_registry_new(&ops, 1000);
    struct vgw_instance *i = NULL;
    subject_build("subject.so", "");
    struct vgw_plugin_module *m = subject_load(the_loader(), subject_path("subject.so"));
    int rc = 0;
    for (int n = 0; n < VGW_REGISTRY_OLDER_MAX + 2; n++) {
        cr_assert_eq(rc, 0);
        cr_assert_eq(vgw_instance_new(m, "actions", "desk", "voicegw.action/1", &subject_hostops, &i, &err), 0);
        cr_assert_eq(vgw_instance_create(i, NULL, &err), 0);
        cr_assert_eq(vgw_instance_start(i, &err), 0);
        rc = vgw_registry_publish(r, i, &err);
        vgw_registry_acquire(r, "actions", "desk");
    }
    cr_assert_eq(rc, VGW_ELIMIT);
    vgw_instance_free(i);
    vgw_plugin_module_unref(m);
    vgw_registry_free(r);
}
