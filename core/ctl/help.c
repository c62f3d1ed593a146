/* help.c - usage and shell completion, made from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ctl/ctl.h"

static const char global_options[] =
    "  --json             print what the gateway answers, as it is\n"
    "  --socket PATH      its control socket (VOICEGW_SOCKET; " VGW_RUNDIR "/control.sock)\n"
    "  -h, --help         print this, or how a command is used\n"
    "  -V, --version      print the version\n";

static void print_option(FILE *out, const struct vgw_ctl_option *o)
{
    char head[80];
    snprintf(head, sizeof head, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    fprintf(out, "  %-24s %s\n", head, o->text);
}

static void print_command(FILE *out, const struct vgw_ctl_command *c)
{
    fprintf(out, "usage: voicegwctl %s%s%s%s\n%s\n", c->name, c->options ? " [options]" : "", *c->args ? " " : "",
            c->args, c->summary);
    if (c->options)
        fputs("\n", out);
    for (const struct vgw_ctl_option *o = c->options; o && o->name; o++)
        print_option(out, o);
}

void vgw_ctl_usage(FILE *out, const struct vgw_ctl_command *command)
{
    if (command) {
        print_command(out, command);
        return;
    }
    fputs("usage: voicegwctl [--json] [--socket PATH] COMMAND [options] [words]\n\ncommands:\n", out);
    for (const struct vgw_ctl_command *c = vgw_ctl_commands(); c->name; c++) {
        char head[80];
        snprintf(head, sizeof head, "%s %s", c->name, c->args);
        fprintf(out, "  %-40s %s\n", head, c->summary);
    }
    fprintf(out, "  %-40s %s\n\noptions:\n", "PROVIDER PATH...", "What a provider offers of its own: sip trunks");
    fputs(global_options, out);
    fputs("\nVOICEGW_URL, with VOICEGW_TOKEN, names a gateway elsewhere: https://voice.example.com\n"
          "exit codes: 0 done, 1 the gateway refused, 2 usage, 3 no gateway was reached\n",
          out);
}

int vgw_ctl_help(struct vgw_ctl *ctl)
{
    const char *name = ctl->args.word_count ? ctl->args.words[0] : NULL;
    const struct vgw_ctl_command *c = name ? vgw_ctl_command_find(name) : NULL;
    if (name && !c)
        return vgw_ctl_fail(VGW_CTL_USAGE, "there is no command %s; voicegwctl help lists what there is", name);
    vgw_ctl_usage(stdout, c);
    return VGW_CTL_OK;
}

/* What may follow a command: its options and fixed words. */
static void print_case(const struct vgw_ctl_command *c)
{
    printf("    %s) words=\"--json --help", c->name);
    for (const struct vgw_ctl_option *o = c->options; o && o->name; o++)
        printf(" --%s", o->name);
    if (vgw_streq(c->name, "record"))
        fputs(" start pause resume stop", stdout);
    else if (vgw_streq(c->name, "log-level"))
        fputs(" error warning info debug", stdout);
    else if (vgw_streq(c->name, "plugin"))
        fputs(" describe", stdout);
    else if (vgw_streq(c->name, "completion"))
        fputs(" bash", stdout);
    else if (vgw_streq(c->name, "help"))
        fputs(" $commands", stdout);
    fputs("\" ;;\n", stdout);
}

int vgw_ctl_completion(struct vgw_ctl *ctl)
{
    if (!vgw_streq(ctl->args.words[0], "bash"))
        return vgw_ctl_fail(VGW_CTL_USAGE, "completion takes bash, not '%s'", ctl->args.words[0]);
    fputs("# bash completion for voicegwctl\n_voicegwctl() {\n  local cur=${COMP_WORDS[COMP_CWORD]} command= words= "
          "i\n  local commands=\"",
          stdout);
    for (const struct vgw_ctl_command *c = vgw_ctl_commands(); c->name; c++)
        printf("%s%s", c == vgw_ctl_commands() ? "" : " ", c->name);
    fputs("\"\n  for ((i = 1; i < COMP_CWORD; i++)); do\n    case ${COMP_WORDS[i]} in\n      --socket) ((i++)) ;;\n    "
          "  -*) ;;\n"
          "      *) command=${COMP_WORDS[i]}; break ;;\n    esac\n  done\n  case $command in\n"
          "    \"\") words=\"$commands --json --socket --help --version\" ;;\n",
          stdout);
    for (const struct vgw_ctl_command *c = vgw_ctl_commands(); c->name; c++)
        print_case(c);
    fputs(
        "  esac\n  if [[ $command == check && $cur != -* ]]; then\n    COMPREPLY=($(compgen -f -- \"$cur\"))\n  else\n"
        "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n  fi\n}\ncomplete -F _voicegwctl voicegwctl\n",
        stdout);
    return VGW_CTL_OK;
}
