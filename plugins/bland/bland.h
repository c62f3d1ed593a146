/* bland.h - the parts of the Bland provider. All on [control]. */
#ifndef BLAND_BLAND_H
#define BLAND_BLAND_H
#include "platform.h"

enum bland_text { BLAND_CALL, BLAND_WEBHOOK_SECRET, BLAND_WEBHOOK_URL, BLAND_TEXTS };

struct bland_call {
    struct platform_call base;
};

/* api.c */
int32_t bland_stop(struct platform *p, struct platform_settings *s, struct platform_call *c, const char *id,
                   uint64_t op);
int32_t bland_transfer(void *instance, uint64_t op, uint64_t call, uint32_t kind, const char *to,
                       const char *params_json);

/* calls.c */
extern const struct voicegw_provider bland_operations;
void bland_apply(struct platform_call *c, struct voicegw_json call);

/* webhook.c */
int32_t bland_routes(struct platform *p);
int32_t bland_identify(void *instance, const struct voicegw_request *request, char *out, uint32_t cap);
#endif
