/* policy.c - allow, confirm, verify, never; yes and no. */
#include "action/policy.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

bool vgw_tool_policy_parse(const char *word, enum vgw_tool_policy *ret_policy)
{
    static const char *const words[] = {"allow", "confirm", "verify", "never"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!vgw_streq(words[i], word))
            continue;
        *ret_policy = (enum vgw_tool_policy)i;
        return true;
    }
    return false;
}

enum vgw_tool_verdict vgw_tool_judge(enum vgw_tool_policy policy, const char *tool, bool verified,
                                     struct vgw_error *err)
{
    switch (policy) {
    case VGW_POLICY_ALLOW:
        return VGW_VERDICT_RUN;
    case VGW_POLICY_CONFIRM:
        return VGW_VERDICT_ASK;
    case VGW_POLICY_VERIFY:
        if (verified)
            return VGW_VERDICT_RUN;
        vgw_error_set(err, VGW_EBUSY,
                      "'%s' needs the caller's identity to be verified first, and it is not; verify it, then ask again",
                      tool);
        return VGW_VERDICT_REFUSE;
    case VGW_POLICY_NEVER:
        break;
    }
    vgw_error_set(err, VGW_EUNSUPPORTED,
                  "'%s' is never done by voice here, whoever asks for it; tell the caller so, or bring a person in",
                  tool);
    return VGW_VERDICT_REFUSE;
}

/* ---- yes and no ---- */

static const char *const yes_words[] = {
    "yes",        "yeah",       "yep",    "yup", "sure",   "okay", "ok", "correct", "right", "confirm", "confirmed",
    "absolutely", "definitely", "please", "ja",  "jawohl", "sí",   "si", "oui",     "claro", "sim"};
static const char *const no_words[] = {"no",   "nope",   "not",   "nah",   "don't", "dont", "never",
                                       "stop", "cancel", "wait",  "nein",  "nicht", "non",  "não",
                                       "nao",  "wrong",  "isn't", "won't", "cannot"};

static bool listed(const char *const *words, size_t count, const char *word, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == len && strncasecmp(words[i], word, len) == 0)
            return true;
    return false;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '\'' || ((unsigned char)c & 0x80);
}

static void count_words(const char *text, unsigned *yes, unsigned *no)
{
    for (const char *p = text; *p;) {
        size_t n = 0;
        while (in_word(p[n]))
            n++;
        *yes += listed(yes_words, sizeof yes_words / sizeof *yes_words, p, n);
        *no += listed(no_words, sizeof no_words / sizeof *no_words, p, n);
        p += n ? n : 1;
    }
}

enum vgw_consent_next vgw_consent_begin(struct vgw_consent *consent)
{
    consent->asked = 1;
    return VGW_CONSENT_ASK;
}

enum vgw_consent_next vgw_consent_answer(struct vgw_consent *consent, const char *digits, const char *text)
{
    unsigned yes = 0, no = 0;
    if (digits && digits[0])
        return vgw_streq(digits, "1") ? VGW_CONSENT_YES : VGW_CONSENT_NO;
    count_words(text ? text : "", &yes, &no);
    if (no)
        return VGW_CONSENT_NO;
    if (yes)
        return VGW_CONSENT_YES;
    if (consent->asked >= VGW_CONSENT_ASKS_MAX)
        return VGW_CONSENT_UNCLEAR;
    consent->asked++;
    return VGW_CONSENT_ASK;
}
