/* policy.h - whether a tool that an assistant asks for may run, and what the caller's answer to a question means. Pure.
 */
#ifndef VGW_ACTION_POLICY_H
#define VGW_ACTION_POLICY_H
#include <stdbool.h>
#include "base/error.h"

enum vgw_tool_policy {
    VGW_POLICY_ALLOW,
    VGW_POLICY_CONFIRM, /* the caller is asked, and must say yes or press 1 in the next turn */
    VGW_POLICY_VERIFY,  /* the session's variable `verified` must be true */
    VGW_POLICY_NEVER,
};
/** allow, confirm, verify or never; false for another word. */
bool vgw_tool_policy_parse(const char *word, enum vgw_tool_policy *ret_policy);

enum vgw_tool_verdict { VGW_VERDICT_RUN, VGW_VERDICT_ASK, VGW_VERDICT_REFUSE };
/** What follows from a policy. A refusal's sentence, for the assistant, goes to err (VGW_EBUSY: not yet;
 * VGW_EUNSUPPORTED: never). */
enum vgw_tool_verdict vgw_tool_judge(enum vgw_tool_policy policy, const char *tool, bool verified,
                                     struct vgw_error *err);

/** A question to the caller. */
struct vgw_consent {
    unsigned asked; /* how often it was put */
};
#define VGW_CONSENT_ASKS_MAX 2 /* a second time when the answer said neither yes nor no */
enum vgw_consent_next {
    VGW_CONSENT_ASK, /* put the question (again) */
    VGW_CONSENT_YES,
    VGW_CONSENT_NO,      /* the caller declined */
    VGW_CONSENT_UNCLEAR, /* no answer that counts as one: as no */
};
/** Begins: VGW_CONSENT_ASK. */
enum vgw_consent_next vgw_consent_begin(struct vgw_consent *consent);
/** The answer: digits ("1" is yes, any other no) or what was said; both empty: silence. Yes needs a word of consent and
 * none of refusal. */
enum vgw_consent_next vgw_consent_answer(struct vgw_consent *consent, const char *digits, const char *text);
#endif
