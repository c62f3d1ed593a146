/* main.c - voicegwctl: finds the gateway and the command, and runs it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"

/* Options that stand before or behind a command. */
struct globals {
    bool json, help, version;
    const char *socket;
    char **rest; /* what remains, in order; points into argv */
    size_t rest_count;
};

static int read_globals(struct globals *g, int argc, char **argv)
{
    bool plain = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        plain = plain || vgw_streq(word, "--");
        if (plain)
            g->rest[g->rest_count++] = argv[i];
        else if (vgw_streq(word, "--json"))
            g->json = true;
        else if (vgw_streq(word, "--help") || vgw_streq(word, "-h"))
            g->help = true;
        else if (vgw_streq(word, "--version") || vgw_streq(word, "-V"))
            g->version = true;
        else if (vgw_starts_with(word, "--socket="))
            g->socket = word + strlen("--socket=");
        else if (!vgw_streq(word, "--socket"))
            g->rest[g->rest_count++] = argv[i];
        else if (i + 1 < argc)
            g->socket = argv[++i];
        else
            return vgw_ctl_fail(VGW_CTL_USAGE, "--socket needs the path of a control socket");
    }
    return VGW_CTL_OK;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Where the gateway is; `path` holds the socket's path when it is made here. */
static struct vgw_ctl_target find_target(const struct globals *g, struct vgw_buf *path)
{
    struct vgw_ctl_target t = {.socket = g->socket};
    if (t.socket)
        return t;
    t.url = environment("VOICEGW_URL");
    t.token = environment("VOICEGW_TOKEN");
    t.socket = environment("VOICEGW_SOCKET");
    if (!t.socket) {
        const char *folder = environment("VOICEGW_RUN_DIR");
        vgw_buf_printf(path, "%s/control.sock", folder ? folder : VGW_RUNDIR);
        t.socket = vgw_buf_str(path);
    }
    return t;
}

static int usage_error(const struct vgw_ctl_command *c, const char *sentence)
{
    return vgw_ctl_fail(VGW_CTL_USAGE, "%s; voicegwctl help%s%s says more", sentence, c ? " " : "", c ? c->name : "");
}

/* Reads the words and options behind the command; for a provider's routes the first word is one of them. */
static int read_command(struct vgw_ctl *ctl, const struct globals *g)
{
    const struct vgw_ctl_command *c = ctl->command;
    struct vgw_error err = {0};
    size_t skip = c ? 1 : 0;
    if (vgw_ctl_args_read(&ctl->args, c ? c->options : NULL, !c || c->free_options, g->rest + skip,
                          g->rest_count - skip, &err) < 0)
        return usage_error(c, err.text);
    if (c && (ctl->args.word_count < c->min_words || ctl->args.word_count > c->max_words)) {
        vgw_ctl_fail(VGW_CTL_USAGE, "%s",
                     ctl->args.word_count < c->min_words ? "a word is missing" : "that is a word too many");
        vgw_ctl_usage(stderr, c);
        return VGW_CTL_USAGE;
    }
    return VGW_CTL_OK;
}

static int run(struct vgw_ctl *ctl, const struct globals *g)
{
    struct vgw_buf path = {0};
    struct vgw_error err = {0};
    struct vgw_ctl_target target = find_target(g, &path);
    int code = read_command(ctl, g);
    if (code == VGW_CTL_OK) {
        ctl->client = vgw_ctl_client_new(&target, &err);
        if (!ctl->client)
            code = vgw_ctl_fail_error(&err);
        else
            code = ctl->command ? ctl->command->fn(ctl) : vgw_ctl_instance(ctl);
        vgw_ctl_client_free(ctl->client);
    }
    vgw_buf_done(&path);
    return code;
}

int main(int argc, char **argv)
{
    struct globals g = {.rest = vgw_calloc((size_t)argc + 1, sizeof *g.rest)};
    struct vgw_ctl ctl = {0};
    signal(SIGPIPE, SIG_IGN);
    int code = g.rest ? read_globals(&g, argc, argv) : VGW_CTL_REFUSED;
    ctl.json = g.json;
    ctl.command = g.rest_count ? vgw_ctl_command_find(g.rest[0]) : NULL;
    if (code != VGW_CTL_OK) {
        vgw_free(g.rest);
        return code;
    }
    if (g.version) {
        puts("voicegwctl " VGW_VERSION);
    } else if (g.help) {
        vgw_ctl_usage(stdout, ctl.command);
    } else if (!g.rest_count || vgw_starts_with(g.rest[0], "-")) {
        if (g.rest_count)
            vgw_ctl_fail(VGW_CTL_USAGE, "there is no option %s", g.rest[0]);
        vgw_ctl_usage(stderr, NULL);
        code = VGW_CTL_USAGE;
    } else {
        code = run(&ctl, &g);
    }
    vgw_free(g.rest);
    return fflush(stdout) == 0 ? code : VGW_CTL_REFUSED;
}
