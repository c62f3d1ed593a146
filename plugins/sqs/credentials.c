/* credentials.c - keys from the environment or a file. */
#include "credentials.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX 65536

static int complete(const struct sqs_credentials *c)
{
    return c->access_key[0] && c->secret_key[0];
}

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t");
}

static void take(char *out, size_t cap, const char *value, const char *end)
{
    while (end > value && strchr(" \t\r", end[-1]))
        end--;
    snprintf(out, cap, "%.*s", (int)(end - value), value);
}

int sqs_credentials_parse(const char *text, const char *profile, struct sqs_credentials *ret)
{
    struct sqs_credentials c;
    memset(&c, 0, sizeof c);
    const struct {
        const char *name;
        char *out;
        size_t cap;
    } keys[] = {{"aws_access_key_id", c.access_key, sizeof c.access_key},
                {"aws_secret_access_key", c.secret_key, sizeof c.secret_key},
                {"aws_session_token", c.session_token, sizeof c.session_token}};
    int inside = 0;
    for (const char *line = text; *line;) {
        const char *p = skip_space(line), *end = line + strcspn(line, "\n");
        if (*p == '[') {
            const char *name = skip_space(p + 1);
            size_t len = strlen(profile);
            inside = strncmp(name, profile, len) == 0 && *skip_space(name + len) == ']';
        }
        for (size_t i = 0; inside && i < sizeof keys / sizeof *keys; i++) {
            size_t len = strlen(keys[i].name);
            const char *equals = strncmp(p, keys[i].name, len) == 0 ? skip_space(p + len) : NULL;
            if (equals && *equals == '=')
                take(keys[i].out, keys[i].cap, skip_space(equals + 1), end);
        }
        line = *end ? end + 1 : end;
    }
    if (!complete(&c))
        return 0;
    *ret = c;
    return 1;
}

int sqs_credentials_read(const char *path, const char *profile, struct sqs_credentials *ret)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(FILE_MAX) : NULL;
    int found = 0;
    if (text) {
        size_t n = fread(text, 1, FILE_MAX - 1, f);
        text[n] = '\0';
        found = sqs_credentials_parse(text, profile, ret);
        explicit_bzero(text, n);
    }
    free(text);
    if (f)
        fclose(f);
    return found;
}

int sqs_credentials_environment(struct sqs_credentials *ret)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID"), *key = getenv("AWS_SECRET_ACCESS_KEY"),
               *token = getenv("AWS_SESSION_TOKEN");
    struct sqs_credentials c;
    memset(&c, 0, sizeof c);
    snprintf(c.access_key, sizeof c.access_key, "%s", id ? id : "");
    snprintf(c.secret_key, sizeof c.secret_key, "%s", key ? key : "");
    snprintf(c.session_token, sizeof c.session_token, "%s", token ? token : "");
    if (!complete(&c))
        return 0;
    *ret = c;
    return 1;
}
