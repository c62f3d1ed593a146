/* instance.c - providers' own routes: voicegwctl INSTANCE PATH... */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

static bool names_provider(const struct vgw_json *plugins, const char *word)
{
    for (size_t i = 0; i < vgw_json_count(plugins); i++) {
        const struct vgw_json *plugin = vgw_json_at(plugins, i), *instances = vgw_json_get(plugin, "instances");
        bool bears = vgw_streq(vgw_json_get_string(plugin, "name", NULL), word);
        for (size_t n = 0; n < vgw_json_count(instances); n++) {
            const struct vgw_json *instance = vgw_json_at(instances, n);
            if (vgw_streq(vgw_json_get_string(instance, "section", ""), "providers") &&
                (bears || vgw_streq(vgw_json_get_string(instance, "name", NULL), word)))
                return true;
        }
    }
    return false;
}

static int no_command(const char *word, const char *more)
{
    const char *near = vgw_ctl_command_nearest(word);
    if (near)
        return vgw_ctl_fail(VGW_CTL_USAGE, "there is no command %s%s; did you mean %s?", word, more, near);
    return vgw_ctl_fail(VGW_CTL_USAGE, "there is no command %s%s; voicegwctl help lists what there is", word, more);
}

/* Is the word an instance? VGW_CTL_OK: yes, or whoever asks may not know. */
static int look_up(struct vgw_ctl *ctl, const char *word)
{
    struct vgw_ctl_answer answer = {0};
    struct vgw_json *list = NULL;
    struct vgw_error err = {0};
    if (vgw_ctl_client_request(ctl->client, "GET", "/plugins", NULL, &answer, &err) != VGW_OK) {
        int code = vgw_ctl_fail_error(&err);
        return code == VGW_CTL_UNREACHABLE ? code : VGW_CTL_REFUSED;
    }
    bool known = answer.http_status != 200 || vgw_json_parse(answer.body, answer.len, &list, NULL) != VGW_OK ||
                 names_provider(vgw_json_get(list, "plugins"), word);
    vgw_json_free(list);
    vgw_ctl_answer_done(&answer);
    return known ? VGW_CTL_OK : no_command(word, ", nor a provider of that name");
}

int vgw_ctl_instance(struct vgw_ctl *ctl)
{
    const char *word = ctl->args.words[0];
    struct vgw_buf path;
    if (ctl->args.word_count < 2)
        return no_command(word, "");
    int code = look_up(ctl, word);
    if (code != VGW_CTL_OK)
        return code;
    vgw_buf_init(&path, 0);
    for (size_t i = 0; i < ctl->args.word_count; i++) {
        char *part = vgw_strdup(ctl->args.words[i]), *save = NULL;
        for (char *p = part ? strtok_r(part, "/", &save) : NULL; p; p = strtok_r(NULL, "/", &save)) {
            vgw_buf_addc(&path, '/');
            vgw_url_encode(&path, p);
        }
        vgw_free(part);
    }
    vgw_ctl_args_to_query(&ctl->args, &path);
    char *text = vgw_buf_take(&path);
    code = vgw_ctl_show(ctl, "GET", text, NULL, vgw_ctl_print_any);
    vgw_free(text);
    return code;
}
