#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "talk/options.h"
#include "talk/text.h"

Test(talk_text, words_are_counted_and_compared_without_case_and_punctuation)
{
    cr_assert_eq(vgw_text_words(""), 0);
    cr_assert_eq(vgw_text_words(" ... "), 0);
    cr_assert_eq(vgw_text_words("It's 3 o'clock, né?"), 4);
    cr_assert(vgw_text_same_words("Uh, HUH.", "uh huh"));
    cr_assert_not(vgw_text_same_words("uh huh yes", "uh huh"));
    cr_assert_not(vgw_text_same_words("uh", "uhm"));
    cr_assert(vgw_text_same_words("", "?"));
}

Test(talk_text, a_sentence_ends_where_it_ends)
{
    static const struct {
        const char *text;
        size_t end;
    } rows[] = {
        {"Hello there", 0},
        {"Hello.", 0},
        {"Hello. ", 6},
        {"Hello! And ", 6},
        {"It is 3.14 now", 0},
        {"Dr. Smith is ", 0},
        {"J. Smith is ", 0},
        {"He said \"no.\" And", 13},
        {"One\nTwo", 4},
        {"One. Two? Thr", 9},
        {"Well… then", 7},
        {"Room No. 5 is ", 0},
        {"He said no. Then", 11},
        {"e.g. this ", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(vgw_text_sentence(rows[i].text), rows[i].end, "'%s': %zu", rows[i].text,
                     vgw_text_sentence(rows[i].text));
}

Test(talk_text, what_was_heard_ends_with_a_whole_word)
{
    const char *text = "One two three four";
    cr_assert_eq(vgw_text_heard(text, 0, 100), 0);
    cr_assert_eq(vgw_text_heard(text, 100, 100), strlen(text));
    cr_assert_eq(vgw_text_heard(text, 200, 100), strlen(text));
    cr_assert_eq(vgw_text_heard(text, 5, 0), 0);
    size_t before = 0;
    for (uint64_t heard = 0; heard <= 100; heard++) {
        size_t n = vgw_text_heard(text, heard, 100);
        cr_assert_geq(n, before, "more heard is never less text");
        cr_assert(n == 0 || n == 3 || n == 7 || n == 13 || n == strlen(text), "%zu", n);
        before = n;
    }
}

Test(talk_text, the_part_that_was_heard_never_splits_a_character)
{
    const char *text = "日本語の文 è così";
    for (uint64_t heard = 0; heard <= 60; heard++) {
        size_t n = vgw_text_heard(text, heard, 60);
        cr_assert_neq((unsigned char)text[n] & 0xC0, 0x80, "%zu", n);
    }
}

Test(talk_text, an_unfinished_text_is_known_by_its_last_word)
{
    cr_assert(vgw_text_unfinished("it is my"));
    cr_assert(vgw_text_unfinished("And"));
    cr_assert(vgw_text_unfinished("well, um,"));
    cr_assert_not(vgw_text_unfinished("this is my?"));
    cr_assert_not(vgw_text_unfinished("a band"));
    cr_assert_not(vgw_text_unfinished(""));
}

static int apply(struct vgw_talk_options *o, const char *text, struct vgw_error *err)
{
    struct vgw_json *v = NULL;
    cr_assert_eq(vgw_json_parse(text, strlen(text), &v, NULL), 0);
    int rc = vgw_talk_options_apply(o, v, err);
    vgw_json_free(v);
    return rc;
}

Test(talk_options, keys_lie_over_the_defaults_and_a_bad_one_changes_nothing)
{
    struct vgw_talk_options o = vgw_talk_defaults(), before;
    cr_assert_eq(o.endpoint_silence_us, 700000);
    cr_assert_eq(o.max_turns, 200);
    cr_assert_eq(apply(&o,
                       "{\"endpoint_silence\":\"1s\",\"min_duration\":0.3,\"barge_in\":false,\"min_words\":2,"
                       "\"filler\":\"Hm\",\"backchannels\":[\"mhm\"]}",
                       NULL),
                 0);
    cr_assert_eq(o.endpoint_silence_us, 1000000);
    cr_assert_eq(o.min_duration_us, 300000);
    cr_assert_not(o.barge_in);
    cr_assert_eq(o.min_words, 2);
    cr_assert(vgw_talk_is_backchannel(&o, "Mhm!"));
    cr_assert_not(vgw_talk_is_backchannel(&o, "no"));
    before = o;
    static const struct {
        const char *text, *place, *hint;
    } bad[] = {
        {"{\"filler\":\"x\",\"endpoint_silence\":\"11s\"}", "endpoint_silence", "from 0 to 10s"},
        {"{\"filler\":\"x\",\"min_word\":2}", "min_word", "did you mean 'min_words'"},
        {"{\"barge_in\":\"yes\"}", "barge_in", "true or false"},
        {"{\"max_turns\":-1}", "max_turns", "a number from 0"},
        {"{\"backchannels\":\"mhm\"}", "backchannels", "a list"},
        {"{\"no_input_prompt\":7}", "no_input_prompt", "a text"},
        {"[]", "talk", "a map"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct vgw_error err = {0};
        cr_assert_eq(apply(&o, bad[i].text, &err), VGW_EINVALID);
        cr_assert_str_eq(err.place, bad[i].place);
        cr_assert_not_null(strstr(err.text, bad[i].hint), "%s", err.text);
        cr_assert_eq(memcmp(&o, &before, sizeof o), 0);
    }
    cr_assert_eq(vgw_talk_options_apply(&o, NULL, NULL), 0);
}
