/* Policies of tools, and the caller's consent. */
#include <criterion/criterion.h>
#include <string.h>
#include "action/policy.h"

Test(policy, decides_by_word_and_verification)
{
    static const struct {
        const char *word;
        bool verified;
        enum vgw_tool_verdict verdict;
        const char *says;
    } rows[] = {
        {"allow", false, VGW_VERDICT_RUN, NULL},
        {"confirm", false, VGW_VERDICT_ASK, NULL},
        {"confirm", true, VGW_VERDICT_ASK, NULL},
        {"verify", false, VGW_VERDICT_REFUSE, "verified first"},
        {"verify", true, VGW_VERDICT_RUN, NULL},
        {"never", false, VGW_VERDICT_REFUSE, "never done by voice"},
        {"never", true, VGW_VERDICT_REFUSE, "never done by voice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum vgw_tool_policy policy;
        struct vgw_error err = {0};
        cr_assert(vgw_tool_policy_parse(rows[i].word, &policy));
        cr_expect(vgw_tool_judge(policy, "book", rows[i].verified, &err) == rows[i].verdict, "%s", rows[i].word);
        cr_expect(rows[i].says ? strstr(err.text, rows[i].says) != NULL : !err.status, "%s: %s", rows[i].word,
                  err.text);
    }
    enum vgw_tool_policy policy;
    cr_expect(!vgw_tool_policy_parse("sometimes", &policy));
    cr_expect(!vgw_tool_policy_parse(NULL, &policy));
}

Test(policy, takes_yes_and_nothing_else_for_consent)
{
    static const struct {
        const char *digits, *text;
        enum vgw_consent_next next;
    } rows[] = {
        {"1", "", VGW_CONSENT_YES},
        {"2", "", VGW_CONSENT_NO},
        {"11", "", VGW_CONSENT_NO},
        {"", "yes", VGW_CONSENT_YES},
        {"", "Yes, please do.", VGW_CONSENT_YES},
        {"", "okay", VGW_CONSENT_YES},
        {"", "s\xc3\xad", VGW_CONSENT_YES},
        {"", "no", VGW_CONSENT_NO},
        {"", "yes no wait", VGW_CONSENT_NO},
        {"", "please don't", VGW_CONSENT_NO},
        {"", "that is not right", VGW_CONSENT_NO},
        {"", "yesterday", VGW_CONSENT_ASK},
        {"", "what would that cost", VGW_CONSENT_ASK},
        {"", "", VGW_CONSENT_ASK},
        {NULL, NULL, VGW_CONSENT_ASK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_consent c = {0};
        cr_expect(vgw_consent_begin(&c) == VGW_CONSENT_ASK);
        cr_expect(vgw_consent_answer(&c, rows[i].digits, rows[i].text) == rows[i].next, "%s",
                  rows[i].text ? rows[i].text : "");
    }
}

Test(policy, asks_no_more_than_twice)
{
    struct vgw_consent c = {0};
    vgw_consent_begin(&c);
    cr_expect(vgw_consent_answer(&c, "", "hm") == VGW_CONSENT_ASK);
    cr_expect(vgw_consent_answer(&c, "", "hm") == VGW_CONSENT_UNCLEAR);
    vgw_consent_begin(&c);
    cr_expect(vgw_consent_answer(&c, "", "") == VGW_CONSENT_ASK);
    cr_expect(vgw_consent_answer(&c, "", "yes") == VGW_CONSENT_YES);
}
