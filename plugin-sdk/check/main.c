/* main.c - voicegw-plugin-check FILE.so [NAME=VALUE…]: holds a plugin against each rule of the ABI. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/str.h"
#include "check.h"
#include "plugin/desc.h"
#include "plugin/file.h"
#include "plugin/probe.h"

static unsigned passed, failed;

static bool run(struct subject *s, const struct rule *rule)
{
    bool ok = rule_run(s, rule);
    passed += ok;
    failed += !ok;
    return ok;
}

static bool run_all(struct subject *s, const struct rule *rules)
{
    bool ok = true;
    for (; rules->name; rules++)
        ok = run(s, rules) && ok;
    return ok;
}

/* The kinds, read by a probe: this process itself never runs the plugin's code. */
static int run_factories(struct subject *s, const char *helper)
{
    struct vgw_plugin_prober prober = {.helper = helper};
    struct vgw_plugin_desc *desc = NULL;
    struct vgw_error err = {0};
    char hash[VGW_PLUGIN_HASH_TEXT];
    if (vgw_plugin_probe(&prober, s->file, s->name, &desc, hash, &err) != 0) {
        printf("FAIL probe: %s\n", err.text);
        failed++;
        return -1;
    }
    for (size_t i = 0; i < desc->factory_count; i++) {
        s->factory = (unsigned)i;
        vgw_strcopy(s->kind, sizeof s->kind, desc->factories[i].kind);
        if (!run_all(s, rules_life))
            continue;
        for (const struct rule *r = rules_kind; r->name; r++) {
            if (strcmp(r->kind, s->kind) == 0)
                run(s, r);
        }
    }
    vgw_plugin_desc_free(desc);
    return 0;
}

static int remove_one(const char *file, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(file);
}

int main(int argc, char **argv)
{
    struct subject s = {0};
    if (argc == 3 && strcmp(argv[1], VGW_PLUGIN_PROBE_ARGUMENT) == 0)
        _exit(vgw_probe_main(argv[2]));
    if (argc == 2 && (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0)) {
        printf("voicegw-plugin-check " VGW_VERSION ", ABI %u.%u\n", VOICEGW_ABI_MAJOR, VOICEGW_ABI_MINOR);
        return 0;
    }
    if (argc < 2 || argv[1][0] == '-') {
        fprintf(argc == 2 && strcmp(argv[1], "-h") == 0 ? stdout : stderr,
                "usage: voicegw-plugin-check FILE.so [OPTION=VALUE...]\n"
                "Checks a plugin against each rule of the voicegw ABI, one line a rule. OPTION=VALUE sets an option\n"
                "of the instances it makes where a dummy would be refused. Exit code 1 when a rule fails.\n");
        return argc == 2 && strcmp(argv[1], "-h") == 0 ? 0 : 64;
    }
    static char path[4096], dir[] = "/tmp/voicegw-plugin-check-XXXXXX";
    if (!realpath(argv[1], path)) {
        printf("FAIL file: %s does not exist: name a built plugin\n0 passed, 1 failed\n", argv[1]);
        return 1;
    }
    const char *base = strrchr(path, '/') + 1;
    size_t len = strlen(base);
    s.file = path;
    vgw_strncopy(s.name, sizeof s.name, base, len > 3 && strcmp(base + len - 3, ".so") == 0 ? len - 3 : len);
    if (!mkdtemp(dir)) {
        printf("FAIL file: no directory can be made in /tmp\n0 passed, 1 failed\n");
        return 1;
    }
    fake_options_given(argv + 2, argc - 2, dir);
    if (run_all(&s, rules_file) && run_all(&s, rules_descriptor))
        run_factories(&s, NULL);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
