/* rules_life.c - the life of an instance, for each factory. */
#include <malloc.h>
#include <string.h>
#include "check.h"

static void verdict_of(unsigned classes)
{
    const char *text = fake_first(classes);
    if (text)
        fail("%s", text);
}

static void check_create(struct subject *s, const struct rule *rule)
{
    (void)rule;
    subject_create(s, FAKE_DEFAULTS, NULL);
    if (!s->instance)
        fail("create() returned 0 and no instance");
    subject_destroy(s);
    fake_run(1000000);
    verdict_of(~0u);
}

static void check_extension(struct subject *s, const struct rule *rule)
{
    (void)rule;
    subject_create(s, FAKE_DEFAULTS, NULL);
    if (s->f->get_extension(s->instance, "org.example.unknown/1") || s->f->get_extension(s->instance, ""))
        fail("get_extension() answered an id that it cannot know: it must return NULL");
    const uint32_t *size = s->f->get_extension(s->instance, s->kind);
    if (!size && strcmp(s->kind, "voicegw.assistant/1") != 0)
        fail("get_extension(\"%s\") returned NULL, though the factory is of that kind", s->kind);
    if (size && (*size < 16 || *size > 4096))
        fail("the table of %s has size %u: it begins with its sizeof", s->kind, *size);
    if (s->f->get_extension(s->instance, s->kind) != size)
        fail("get_extension(\"%s\") returned another table the second time: it must be constant", s->kind);
    subject_destroy(s);
}

static void check_life(struct subject *s, const struct rule *rule)
{
    (void)rule;
    subject_start(s);
    if (fake_drained_count() > 0)
        fail("drained() came before drain()");
    if (s->f->drain) {
        s->f->drain(s->instance);
        fake_run(60 * INT64_C(1000000));
        if (fake_drained_count() == 0)
            fail("drained() did not come within a minute of drain(), though nothing runs");
        if (fake_drained_count() > 1)
            fail("drained() came %u times, once is owed", fake_drained_count());
    }
    subject_destroy(s);
    fake_run(60 * INT64_C(1000000));
    verdict_of(~0u);
}

static void check_bad_config(struct subject *s, const struct rule *rule)
{
    (void)rule;
    for (enum fake_config config = FAKE_ABSENT; config < FAKE_CONFIGS; config++) {
        int32_t rc;
        subject_create(s, config, &rc);
        if (rc > 0 || rc < VOICEGW_EINTERNAL)
            fail("create() with %s returned %d, which is no status", fake_config_name(config), rc);
        if (rc < 0 && !*fake_sentence())
            fail("create() with %s returned %d without a sentence: leave one by host->set_error()",
                 fake_config_name(config), rc);
        if (rc == 0)
            subject_destroy(s);
        else
            fake_options_free(s->options);
    }
}

static void check_no_services(struct subject *s, const struct rule *rule)
{
    int32_t rc;
    (void)rule;
    fake_services(false);
    subject_create(s, FAKE_DEFAULTS, &rc);
    if (rc < 0 && !*fake_sentence())
        fail("create() on a host without services returned %d without a sentence", rc);
    if (rc != 0)
        return;
    fake_sentence_clear();
    rc = s->f->start(s->instance);
    if (rc < 0 && !*fake_sentence())
        fail("start() on a host without services returned %d without a sentence", rc);
    subject_destroy(s);
}

static void check_reconfigure(struct subject *s, const struct rule *rule)
{
    struct voicegw_options *options;
    (void)rule;
    subject_start(s);
    if (!s->f->reconfigure)
        not_applicable("it has no reconfigure()");
    for (enum fake_config config = FAKE_DEFAULTS; config < FAKE_CONFIGS; config++) {
        options = fake_options_new(s->f, config);
        fake_sentence_clear();
        int32_t rc = s->f->reconfigure(s->instance, options);
        fake_status("reconfigure()", rc);
        if (config == FAKE_DEFAULTS && rc != 0)
            fail("reconfigure() refused what create() took, with %d (%s)", rc, fake_sentence());
        verdict_of(~0u);
    }
    subject_destroy(s);
}

static void cycle(struct subject *s, int n, bool start)
{
    for (int i = 0; i < n; i++) {
        if (start)
            subject_start(s);
        else
            subject_create(s, FAKE_DEFAULTS, NULL);
        subject_destroy(s);
    }
}

static void check_leaks(struct subject *s, const struct rule *rule)
{
    enum { CYCLES = 40 };
    (void)rule;
    for (int start = 0; start < 2; start++) {
        cycle(s, 8, start);
        unsigned fds = fd_count(), threads = thread_count();
        size_t bytes = mallinfo2().uordblks;
        cycle(s, CYCLES, start);
        const char *what = start ? "create, start and destroy" : "create and destroy";
        long leaked = (long)(mallinfo2().uordblks - bytes);
        if (leaked >= CYCLES * 8)
            fail("%d times %s left %ld bytes allocated", CYCLES, what, leaked);
        if (fd_count() > fds)
            fail("%d times %s left %u files open", CYCLES, what, fd_count() - fds);
        if (thread_count() > threads)
            fail("%d times %s left %u threads running", CYCLES, what, thread_count() - threads);
    }
}

const struct rule rules_life[] = {
    {"create-destroy", "without start, silent afterwards", "", check_create, 0, 0},
    {"extensions", "its own kind's table, NULL for an unknown id", "", check_extension, 0, 0},
    {"lifecycle", "start, drain, one drained, destroy, silence", "", check_life, 0, 0},
    {"bad-config", "a wrong configuration is refused with a sentence", "", check_bad_config, 0, 0},
    {"no-services", "a host that lacks services is borne", "", check_no_services, 0, 0},
    {"reconfigure", "takes good options, refuses bad ones with a sentence", "", check_reconfigure, 0, 0},
    {"leaks", "no memory, file or thread is left behind", "", check_leaks, 0, 0},
    {NULL, NULL, NULL, NULL, 0, 0},
};
