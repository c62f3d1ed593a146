#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "speech.h"

static const char desk[] =
    "{\"file\":\"desk.yaml\",\"menu\":{\"menus\":[{\"id\":\"desk\",\"greeting\":\"Welcome.\",\"prompt\":\"How can I "
    "help?\","
    "\"no_input\":\"I did not hear you.\",\"no_match\":\"Sorry?\",\"failed\":\"The booking failed.\",\"options\":["
    "{\"phrases\":[\"book a room for {nights} nights\",\"reserve a room for {nights} nights on "
    "{day}\"],\"digits\":\"1\","
    "\"slots\":{\"nights\":[\"one\",\"two\",\"three\"],\"day\":[\"friday\",\"next friday\"]},"
    "\"say\":\"Booked for {nights} nights, {day}.\"},"
    "{\"phrases\":[\"what time is breakfast\"],\"digits\":\"12\",\"say\":\"At seven.\"},"
    "{\"phrases\":[\"check my bill\"],\"digits\":2,\"tool\":\"get_bill\",\"say\":\"Your bill is {result.amount.total} "
    "{result.currency}.\"},"
    "{\"phrases\":[\"speak to reception\",\"transfer me\"],\"digits\":\"0\",\"say\":\"One "
    "moment.\",\"transfer\":\"front_desk\"},"
    "{\"phrases\":[\"call my brother\"],\"transfer\":\"+15550100\"},"
    "{\"phrases\":[\"clean my room\"],\"workflow\":\"housekeeping\"},"
    "{\"phrases\":[\"talk to the robot\"],\"assistant\":\"echo\"},"
    "{\"phrases\":[\"more options\"],\"digits\":\"9\",\"menu\":\"more\"},"
    "{\"phrases\":[\"goodbye\"],\"say\":\"Goodbye.\",\"hangup\":true}]},"
    "{\"id\":\"more\",\"prompt\":\"Pool or spa?\",\"options\":["
    "{\"phrases\":[\"pool\"],\"say\":\"The pool is "
    "open.\"},{\"phrases\":[\"back\"],\"digits\":\"9\",\"menu\":\"desk\"}]}]}}";

static struct engine e;
static void *session;

static const struct voicegw_assistant *ops(void)
{
    return e.operations;
}

static void begin(void)
{
    struct voicegw_assistant_params params = {.size = sizeof params, .session_json = "{}", .tools_json = "[]"};
    e = engine_start(PLUGIN_FOLDER, "menu", VOICEGW_KIND_ASSISTANT, desk);
    cr_assert_eq(ops()->open(e.instance, FAKEHOST_STREAM, &params, &session), VOICEGW_OK);
}

static void end(void)
{
    ops()->close(session);
    cr_expect_eq(fakehost_count(e.fake, "closed"), 0, "not from inside close()");
    fakehost_run(e.fake);
    cr_expect_eq(fakehost_count(e.fake, "closed"), 1);
    cr_expect_eq(engine_stop(&e), 0);
}

static void turn(uint64_t number, const char *text, uint32_t flags)
{
    struct voicegw_turn t = {.size = sizeof t, .flags = flags, .turn = number, .text = text, .confidence = 1};
    fakehost_forget(e.fake);
    cr_expect_eq(ops()->turn(session, &t), VOICEGW_OK);
    fakehost_run(e.fake);
}

TestSuite(menu, .init = begin, .fini = end);

struct line {
    const char *heard, *said, *action, *params;
};

Test(menu, answers_what_the_caller_means)
{
    static const struct line lines[] = {
        {"book a room for two nights", "Booked for two nights, .", NULL, NULL},
        {"hello i would like to book a room for two nights please", "Booked for two nights, .", NULL, NULL},
        {"book a room for 3 nights", "Booked for three nights, .", NULL, NULL},
        {"please reserve a room for one nights on next friday", "Booked for one nights, next friday.", NULL, NULL},
        {"book a room", "Sorry? How can I help?", NULL, NULL},
        {"breakfast what time", "Sorry? How can I help?", NULL, NULL},
        {"um what time is the breakfast", "At seven.", NULL, NULL},
        {"what time is breakfest", "At seven.", NULL, NULL},
        {"transfer me to somebody", "One moment.", "transfer", "{\"department\":\"front_desk\",\"kind\":\"blind\"}"},
        {"Speak to RECEPTION!", "One moment.", "transfer", "{\"department\":\"front_desk\",\"kind\":\"blind\"}"},
        {"call my brother", "", "transfer", "{\"to\":\"+15550100\",\"kind\":\"blind\"}"},
        {"please clean my room", "", "workflow", "{\"id\":\"housekeeping\",\"variables\":{}}"},
        {"talk to the robot", "", "assistant", "{\"name\":\"echo\"}"},
        {"okay goodbye", "Goodbye.", "end", NULL},
        {"the elephant sings at night", "Sorry? How can I help?", NULL, NULL},
        {"", "Sorry? How can I help?", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        turn(i + 2, lines[i].heard, 0);
        const struct fakehost_report *action = fakehost_last(e.fake, "action");
        cr_expect_str_eq(fakehost_text(e.fake, "delta"), lines[i].said, "%s => %s", lines[i].heard,
                         fakehost_text(e.fake, "delta"));
        cr_expect_eq(fakehost_count(e.fake, "turn_done"), 1, "%s", lines[i].heard);
        cr_expect_eq(fakehost_last(e.fake, "turn_done")->id, i + 2);
        cr_expect_eq(action != NULL, lines[i].action != NULL, "%s", lines[i].heard);
        if (action && lines[i].action) {
            cr_expect_str_eq(action->text, lines[i].action);
            cr_expect(lines[i].params ? action->json && strcmp(action->json, lines[i].params) == 0 : !action->json,
                      "%s", action->json);
        }
    }
}

Test(menu, greets_and_tells_the_recognizer_what_to_expect)
{
    turn(1, "", VOICEGW_TURN_START);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "Welcome. How can I help?");
    const struct fakehost_report *hints = fakehost_last(e.fake, "hints");
    cr_assert_not_null(hints);
    cr_expect_not_null(strstr(hints->json, "\"book a room for two nights\""));
    cr_expect_not_null(strstr(hints->json, "\"reserve a room for three nights on next friday\""));
    cr_expect_null(strstr(hints->json, "pool"));
}

Test(menu, goes_on_where_another_assistant_has_greeted)
{
    void *taken = NULL;
    const struct voicegw_assistant_params params = {
        .size = sizeof params, .resumed = 1, .session_json = "{}", .tools_json = "[]"};
    cr_assert_eq(ops()->open(e.instance, 2, &params, &taken), VOICEGW_OK);
    const struct voicegw_turn start = {.size = sizeof start, .flags = VOICEGW_TURN_START, .turn = 4, .text = ""};
    cr_expect_eq(ops()->turn(taken, &start), VOICEGW_OK);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "How can I help?");
    cr_expect_not_null(fakehost_last(e.fake, "hints"));
    ops()->close(taken);
    fakehost_run(e.fake);
    fakehost_forget(e.fake);
}

Test(menu, reprompts_when_nothing_was_said_or_understood)
{
    turn(2, "", VOICEGW_TURN_NO_INPUT);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "I did not hear you. How can I help?");
    turn(3, "", VOICEGW_TURN_NO_MATCH);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "Sorry? How can I help?");
}

Test(menu, takes_digits_of_a_turn)
{
    turn(2, "12", VOICEGW_TURN_DTMF);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "At seven.");
    turn(3, "0#", VOICEGW_TURN_DTMF);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "One moment.");
    turn(4, "7", VOICEGW_TURN_DTMF);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "Sorry? How can I help?");
}

Test(menu, keeps_digits_that_may_grow_until_the_pause_between_digits_is_over)
{
    cr_expect_eq(ops()->dtmf(session, "0"), 0, "complete: a turn for the host");
    cr_expect_eq(ops()->dtmf(session, "1"), 1);
    cr_expect_eq(ops()->dtmf(session, "2"), 0);
    turn(2, "2", VOICEGW_TURN_DTMF);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "At seven.");
    fakehost_forget(e.fake);
    cr_expect_eq(ops()->dtmf(session, "1"), 1);
    fakehost_advance(e.fake, 2900000);
    cr_expect_eq(fakehost_count(e.fake, "delta"), 0);
    fakehost_advance(e.fake, 200000);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "Booked for  nights, .");
}

Test(menu, goes_to_a_sub_menu_and_back)
{
    turn(2, "more options", 0);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "Pool or spa?");
    cr_expect_not_null(strstr(fakehost_last(e.fake, "hints")->json, "pool"));
    turn(3, "is the pool open", 0);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "The pool is open.");
    turn(4, "check my bill", 0);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "I am sorry, I did not understand. Pool or spa?");
    turn(5, "9", VOICEGW_TURN_DTMF);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "Welcome. How can I help?");
}

Test(menu, speaks_a_tools_result)
{
    turn(2, "check my bill please", 0);
    const struct fakehost_report *tool = fakehost_last(e.fake, "tool");
    cr_assert_not_null(tool);
    cr_expect_str_eq(tool->text, "get_bill");
    cr_expect_str_eq(tool->json, "{}");
    cr_expect_eq(fakehost_count(e.fake, "turn_done"), 0);
    (void)ops()->tool_result(session, tool->tool_call, VOICEGW_OK,
                             "{\"amount\":{\"total\":42.5},\"currency\":\"euros\"}");
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "Your bill is 42.5 euros.");
    cr_expect_eq(fakehost_count(e.fake, "turn_done"), 1);
    (void)ops()->tool_result(session, tool->tool_call, VOICEGW_OK, "{}");
    cr_expect_eq(fakehost_count(e.fake, "turn_done"), 1, "a second result changes nothing");
}

Test(menu, says_that_a_tool_failed)
{
    turn(2, "check my bill", 0);
    (void)ops()->tool_result(session, fakehost_last(e.fake, "tool")->tool_call, VOICEGW_ETIMEOUT, NULL);
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "The booking failed.");
}

Test(menu, a_newer_turn_ends_one_that_waits_for_its_tool)
{
    turn(2, "check my bill", 0);
    uint64_t call = fakehost_last(e.fake, "tool")->tool_call;
    turn(3, "what time is breakfast", 0);
    cr_expect_eq(fakehost_count(e.fake, "turn_done"), 2);
    cr_expect_eq(fakehost_report(e.fake, "turn_done", 0)->id, 2);
    cr_expect_eq(fakehost_report(e.fake, "turn_done", 0)->status, VOICEGW_EBUSY);
    (void)ops()->tool_result(session, call, VOICEGW_OK, "{}");
    cr_expect_str_eq(fakehost_text(e.fake, "delta"), "At seven.");
}

Test(menu, ends_once_when_it_is_closed_while_a_tool_works)
{
    turn(2, "check my bill", 0);
    cr_expect_eq(fakehost_count(e.fake, "turn_done"), 0);
}

Test(menu, ends_a_tools_turn_when_the_caller_cuts_in)
{
    turn(2, "check my bill", 0);
    (void)ops()->interrupt(session, 2, "", 0);
    cr_expect_eq(fakehost_count(e.fake, "turn_done"), 1);
    (void)ops()->tool_result(session, fakehost_last(e.fake, "tool")->tool_call, VOICEGW_OK, "{}");
    cr_expect_eq(fakehost_count(e.fake, "delta"), 0);
}

struct broken {
    const char *options, *sentence;
};

Test(menu_file, is_refused_with_the_place_of_the_mistake)
{
    static const struct broken files[] = {
        {"{}", "set file to a menu file"},
        {"{\"menu\":{\"options\":[]}}", "a menu needs an id"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[]}}", "menu \"a\": options must be a list of 1 to 100"},
        {"{\"menu\":{\"id\":\"a\",\"opts\":1,\"options\":[{\"digits\":\"1\",\"say\":\"x\"}]}}",
         "a menu has no field \"opts\""},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"phrase\":[\"x\"],\"say\":\"x\"}]}}",
         "options[0]: an option has no field \"phrase\""},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"say\":\"x\"}]}}", "options[0]: it cannot be chosen"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"digits\":\"1\"}]}}", "options[0]: it does nothing"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"digits\":\"1a\",\"say\":\"x\"}]}}",
         "options[0]: digits must be 1 to 16"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"digits\":\"1\",\"say\":\"x\"},{\"digits\":\"1\",\"say\":\"x\"}]}}",
         "options[1]: digits \"1\" belong to options[0]"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"phrases\":[\"for {n} nights\"],\"say\":\"x\"}]}}",
         "phrases[0] uses the slot {n}"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"phrases\":[\"for {n nights\"],\"say\":\"x\"}]}}",
         "phrases[0] opens a slot"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"phrases\":[5],\"say\":\"x\"}]}}", "phrases[0] must be a text"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"phrases\":\"x\",\"say\":\"x\"}]}}", "phrases must be a list"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"phrases\":[\"!\"],\"say\":\"x\"}]}}", "phrases[0] has no words"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"digits\":\"1\",\"slots\":{\"n\":[]},\"say\":\"x\"}]}}",
         "slots.n must be a list"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"digits\":\"1\",\"say\":\"{x}\"}]}}", "say uses {x}"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"digits\":\"1\",\"say\":\"{result.x}\"}]}}", "names no tool"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"digits\":\"1\",\"hangup\":\"yes\"}]}}",
         "hangup must be true or false"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"digits\":\"1\",\"hangup\":true,\"menu\":\"a\"}]}}",
         "only one of workflow"},
        {"{\"menu\":{\"id\":\"a\",\"options\":[{\"digits\":\"1\",\"menu\":\"b\"}]}}",
         "options[0]: menu \"b\" is in no menu's id"},
        {"{\"menu\":[{\"id\":\"a\",\"options\":[{\"digits\":\"1\",\"say\":\"x\"}]},{\"id\":\"a\"}]}",
         "another menu has this id"},
    };
    const struct voicegw_factory *f = fakehost_factory(fakehost_load(PLUGIN_FOLDER "/menu.so"), VOICEGW_KIND_ASSISTANT);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        void *instance = NULL;
        struct fakehost *fake = fakehost_new(f, files[i].options);
        cr_expect_eq(f->create(fakehost_host(fake), fakehost_options(fake), &instance), VOICEGW_ECONFIG, "%s",
                     files[i].options);
        cr_expect_null(instance);
        cr_expect_not_null(strstr(fakehost_error(fake), files[i].sentence), "%s: %s", files[i].options,
                           fakehost_error(fake));
        (void)fakehost_free(fake);
    }
}
