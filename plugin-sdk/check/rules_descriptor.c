/* rules_descriptor.c - the descriptor and the option tables. */
#include <string.h>
#include "base/str.h"
#include "check.h"
#include "plugin/desc.h"

static void check_descriptor(struct subject *s, const struct rule *rule)
{
    struct vgw_plugin_desc *desc = NULL;
    struct vgw_error err = {0};
    (void)rule;
    subject_open(s);
    if (vgw_plugin_desc_read(s->plugin, &desc, &err) != 0)
        fail("%s", err.text);
    if (s->plugin->size != sizeof *s->plugin)
        fail("its size is %u, sizeof(struct voicegw_plugin) is %zu", s->plugin->size, sizeof *s->plugin);
    if (s->plugin->reserved != 0 || (s->plugin->flags & ~(VOICEGW_PLUGIN_CLOSABLE | VOICEGW_PLUGIN_EXCLUSIVE)))
        fail("reserved must be 0 and flags none but VOICEGW_PLUGIN_*");
    for (uint32_t i = 0; i < s->plugin->factory_count; i++) {
        const struct voicegw_factory *f = s->plugin->factories[i];
        if (f->size != sizeof *f)
            fail("the factory of %s has size %u, sizeof(struct voicegw_factory) is %zu", f->kind, f->size, sizeof *f);
        if (f->caps != 0 && strncmp(f->kind, "voicegw.provider/", 17) != 0)
            fail("the factory of %s has caps, which are for providers", f->kind);
    }
}

static void check_name(struct subject *s, const struct rule *rule)
{
    (void)rule;
    subject_open(s);
    if (!vgw_streq(s->plugin->name, s->name))
        fail("it calls itself %s, but its file is %s.so: both must be the same", s->plugin->name, s->name);
}

static void check_texts(struct subject *s, const struct rule *rule)
{
    (void)rule;
    subject_open(s);
    if (!s->plugin->license || !*s->plugin->license || strchr(s->plugin->license, '\n'))
        fail("license is missing: give the SPDX identifier, like MIT");
    if (!s->plugin->description || strlen(s->plugin->description) < 4 || strchr(s->plugin->description, '\n'))
        fail("description is missing or longer than one line");
}

static void check_option(const struct voicegw_option *o, const char *kind)
{
    const char *wrong = fake_option_default_wrong(o);
    if (wrong)
        fail("%s option %s: %s", kind, o->name, wrong);
    if (!o->description || strlen(o->description) < 4)
        fail("%s option %s has no description", kind, o->name);
    if (o->max < o->min && (o->max < 0 || o->max > 0))
        fail("%s option %s has a max below its min", kind, o->name);
    if ((o->flags & VOICEGW_OPTION_REQUIRED) && o->dflt)
        fail("%s option %s is required and has a default: it can be one of them", kind, o->name);
    if (o->flags & ~(VOICEGW_OPTION_REQUIRED | VOICEGW_OPTION_RELOADABLE))
        fail("%s option %s has flags that there are not", kind, o->name);
    if (vgw_streq(o->name, "plugin") || vgw_streq(o->name, "default"))
        fail("%s option %s has a name that every instance has already", kind, o->name);
}

static void check_options(struct subject *s, const struct rule *rule)
{
    (void)rule;
    subject_open(s);
    for (uint32_t i = 0; i < s->plugin->factory_count; i++) {
        const struct voicegw_factory *f = s->plugin->factories[i];
        for (uint32_t k = 0; k < f->option_count; k++)
            check_option(&f->options[k], f->kind);
        for (uint32_t k = 0; k < f->option_count; k++) {
            if ((f->options[k].flags & VOICEGW_OPTION_RELOADABLE) && !f->reconfigure)
                fail("%s option %s is reloadable, but there is no reconfigure()", f->kind, f->options[k].name);
        }
    }
}

const struct rule rules_descriptor[] = {
    {"descriptor", "sizes, versions, counts and kinds are sound", NULL, check_descriptor, 0, 0},
    {"name", "is the file's", NULL, check_name, 0, 0},
    {"texts", "license and a description of one line", NULL, check_texts, 0, 0},
    {"options", "types, defaults, bounds, names and descriptions are sound", NULL, check_options, 0, 0},
    {NULL, NULL, NULL, NULL, 0, 0},
};
