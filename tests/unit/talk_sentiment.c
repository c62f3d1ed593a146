/* talk_sentiment.c - how a caller's words sound. */
#include "talk/sentiment.h"

#include <criterion/criterion.h>
#include <string.h>

#include "talk_fake.h"

Test(talk_sentiment, words_negations_boosters_and_but_make_the_score)
{
    static const struct {
        const char *text;
        double from, to;
    } rows[] = {{"", 0, 0},
                {"book a room for three nights", 0, 0},
                {"thank you that is great", 0.6, 1},
                {"this is terrible", -0.6, -0.3},
                {"this is really terrible", -0.7, -0.45},
                {"that is not good", -0.5, -0.2},
                {"not bad at all", 0.2, 0.6},
                {"the room was nice but the service was awful", -0.6, -0.2},
                {"THE WORST, the most horrible mess!", -1, -0.8},
                {"el servicio es horroroso", 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double score = vgw_sentiment_score(rows[i].text);
        cr_assert(score >= rows[i].from && score <= rows[i].to, "%s: %f", rows[i].text, score);
    }
    cr_assert_lt(vgw_sentiment_score("really terrible"), vgw_sentiment_score("terrible"));
    cr_assert_gt(vgw_sentiment_score("slightly terrible"), vgw_sentiment_score("terrible"));
    char many[8000];
    memset(many, 'a', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    cr_assert_eq(vgw_sentiment_score(many), 0, "a word without end is no word");
    cr_assert_str_eq(vgw_sentiment_phrase("I want to Speak to a manager now"), "speak to a manager");
    cr_assert_null(vgw_sentiment_phrase("I want to book a room"));
}

Test(talk_sentiment, the_trend_follows_the_newest_turns)
{
    struct vgw_sentiment s = {0};
    vgw_sentiment_add(&s, 0.6);
    cr_assert_str_eq(vgw_sentiment_trend(&s), "steady");
    vgw_sentiment_add(&s, -0.6);
    cr_assert_str_eq(vgw_sentiment_trend(&s), "falling");
    for (int i = 0; i < 12; i++)
        vgw_sentiment_add(&s, -0.6);
    cr_assert_str_eq(vgw_sentiment_trend(&s), "steady");
    cr_assert_float_eq(s.mean, -0.6, 0.01);
    vgw_sentiment_add(&s, 0.8);
    cr_assert_str_eq(vgw_sentiment_trend(&s), "rising");
}

Test(talk_sentiment, a_turn_tells_of_itself_and_what_is_sensitive_does_not)
{
    for (int sensitive = 0; sensitive < 2; sensitive++) {
        struct fake *f = fake_new(1);
        f->stt[0].said = "this is ridiculous I want to speak to a manager";
        fake_begin(f, 1, 1, false, NULL, NULL);
        fake_run(f, 1 * S);
        fake_command(f, "gather", sensitive ? "{\"sensitive\":true}" : "{}");
        fake_speak(f, 1500);
        fake_run(f, 6 * S);
        cr_assert_eq(fake_count(f, "event", "voice.stt.final"), 1);
        cr_assert_eq(fake_count(f, "event", "voice.sentiment"), (size_t)!sensitive);
        if (!sensitive) {
            const struct fake_note *n = fake_note(f, "event", "voice.sentiment", 0);
            cr_assert_lt(vgw_json_get_double(n->json, "score", 1), -0.2);
            cr_assert_str_eq(fake_text(n, "phrase"), "speak to a manager");
        }
        fake_end(f);
        fake_free(f);
    }
}
