#include "session.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "answer.h"
#include "match.h"
#include "voicegw/json.h"

#define SAY_MAX 4096
#define FAILED "I am sorry, that did not work."

struct session {
    struct menus *home;
    uint64_t handle;
    const struct menu *menu;
    bool resumed;  /* the caller comes from another assistant and was greeted there */
    uint64_t turn; /* the last one */
    char digits[MENU_DIGITS_MAX + 1];
    uint64_t timer;
    /* A tool at work: the answer waits for it. */
    uint64_t tool_call, tool_turn;
    bool tool_pending;
    const struct choice *choice;
    struct match match;
};

static void tell_drained(struct menus *m)
{
    unsigned asked = 1;
    if (atomic_load(&m->sessions) == 0 && atomic_compare_exchange_strong(&m->draining, &asked, 2))
        m->host->drained(m->host);
}

void menus_drain(struct menus *m)
{
    atomic_store(&m->draining, 1);
    tell_drained(m);
}

static void say(const struct session *s, uint64_t turn, const char *text)
{
    if (text && text[0])
        (void)s->home->out->on_delta(s->home->host, s->handle, turn, text);
}

/* Two sentences need a space between them. */
static void say_both(const struct session *s, uint64_t turn, const char *first, const char *second)
{
    say(s, turn, first);
    if (first && first[0] && second && second[0])
        say(s, turn, " ");
    say(s, turn, second);
}

static void done(const struct session *s, uint64_t turn, int32_t status, const char *sentence)
{
    (void)s->home->out->on_turn_done(s->home->host, s->handle, turn, status, sentence, NULL);
}

static void act(const struct session *s, uint64_t turn, const char *action, const char *params_json)
{
    (void)s->home->out->on_action(s->home->host, s->handle, turn, action, params_json);
}

static void enter(struct session *s, uint64_t turn, const struct menu *menu)
{
    s->menu = menu;
    s->digits[0] = '\0';
    act(s, turn, "hints", menu->hints);
}

static void stop_timer(struct session *s)
{
    if (s->timer)
        (void)s->home->host->timer_cancel(s->home->host, s->timer);
    s->timer = 0;
}

/* "+1555…", "sip:…" and plain digits are numbers, all else a department. */
static const char *transfer_field(const char *to)
{
    if (to[0] == '+' || strncmp(to, "sip:", 4) == 0 || strncmp(to, "sips:", 5) == 0 || strncmp(to, "tel:", 4) == 0)
        return "to";
    return strspn(to, "0123456789") == strlen(to) ? "to" : "department";
}

static void act_on(const struct session *s, uint64_t turn, const char *action, const char *name, const char *value,
                   const struct choice *c, const struct match *m)
{
    char params[4096], slots[3072];
    answer_slots(c, m, slots, sizeof slots);
    struct voicegw_json_writer w = voicegw_json_writer_of(params, sizeof params);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, name, value);
    if (strcmp(action, "workflow") == 0)
        voicegw_json_put_json(&w, "variables", voicegw_json_of(slots));
    if (strcmp(action, "transfer") == 0)
        voicegw_json_put_string(&w, "kind", "blind");
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) > 0)
        act(s, turn, action, params);
}

/* What an option does after it has spoken. */
static void follow(struct session *s, uint64_t turn, const struct choice *c, const struct match *m, bool spoke)
{
    if (c->workflow)
        act_on(s, turn, "workflow", "id", c->workflow, c, m);
    else if (c->transfer)
        act_on(s, turn, "transfer", transfer_field(c->transfer), c->transfer, c, m);
    else if (c->assistant)
        act_on(s, turn, "assistant", "name", c->assistant, c, m);
    else if (c->hangup)
        act(s, turn, "end", NULL);
    if (c->menu < 0)
        return;
    enter(s, turn, &s->home->book->menus[c->menu]);
    const char *space = spoke ? " " : "";
    say(s, turn, space);
    say_both(s, turn, s->menu->greeting, s->menu->prompt);
}

static void answer(struct session *s, uint64_t turn, const struct choice *c, const struct match *m,
                   const char *result_json)
{
    char text[SAY_MAX];
    answer_fill(c, m, result_json, text, sizeof text);
    say(s, turn, text);
    follow(s, turn, c, m, text[0] != '\0');
    done(s, turn, VOICEGW_OK, NULL);
}

static void choose(struct session *s, uint64_t turn, int32_t index, const struct match *m)
{
    const struct choice *c = &s->menu->choices[index];
    char slots[3072];
    s->digits[0] = '\0';
    if (!c->tool) {
        answer(s, turn, c, m, NULL);
        return;
    }
    s->choice = c;
    s->match = *m;
    s->tool_turn = turn;
    s->tool_pending = true;
    s->tool_call++;
    answer_slots(c, m, slots, sizeof slots);
    int32_t rc = s->home->out->on_tool(s->home->host, s->handle, turn, s->tool_call, c->tool, slots);
    if (rc != VOICEGW_OK && s->tool_pending)
        (void)session_tool_result(s, s->tool_call, rc, NULL);
}

static void no_match(struct session *s, uint64_t turn)
{
    s->digits[0] = '\0';
    say_both(s, turn, s->menu->no_match ? s->menu->no_match : "I am sorry, I did not understand.", s->menu->prompt);
    done(s, turn, VOICEGW_OK, NULL);
}

/* Digits that are complete, or that nobody completed in time. */
static void take_digits(struct session *s, uint64_t turn)
{
    uint32_t longer;
    size_t n = strlen(s->digits);
    int32_t index = menu_digits(s->menu, s->digits, &longer);
    if (index < 0 && n > 1 && s->digits[n - 1] == '#') {
        s->digits[n - 1] = '\0';
        index = menu_digits(s->menu, s->digits, &longer);
    }
    struct match none = {.choice = index, .score = 1};
    if (index >= 0)
        choose(s, turn, index, &none);
    else
        no_match(s, turn);
}

static void on_digit_timeout(void *arg)
{
    struct session *s = arg;
    s->timer = 0;
    take_digits(s, s->turn);
}

static void add_digits(struct session *s, const char *digits)
{
    size_t n = strlen(s->digits);
    for (; *digits && n < MENU_DIGITS_MAX; digits++)
        if (strchr("0123456789*#", *digits))
            s->digits[n++] = *digits;
    s->digits[n] = '\0';
}

/* Digits that may still grow into a longer choice are kept here, with a timer; the one that completes goes to the host,
 * which makes a turn of it. */
int32_t session_dtmf(void *session, const char *digit)
{
    struct session *s = session;
    char before[sizeof s->digits];
    uint32_t longer;
    stop_timer(s);
    memcpy(before, s->digits, sizeof before);
    add_digits(s, digit);
    (void)menu_digits(s->menu, s->digits, &longer);
    if (longer) {
        s->timer = s->home->host->timer_start(s->home->host, s->handle, s->home->digit_timeout_us, on_digit_timeout, s);
        if (s->timer)
            return 1;
    }
    memcpy(s->digits, before, sizeof before);
    return 0;
}

static void end_pending(struct session *s, const char *why)
{
    if (!s->tool_pending)
        return;
    s->tool_pending = false;
    done(s, s->tool_turn, VOICEGW_EBUSY, why);
}

int32_t session_turn(void *session, const struct voicegw_turn *turn)
{
    struct session *s = session;
    stop_timer(s);
    end_pending(s, "a newer turn took its place");
    s->turn = turn->turn;
    if (turn->flags & VOICEGW_TURN_START) {
        enter(s, turn->turn, s->menu);
        say_both(s, turn->turn, s->resumed && s->menu->prompt ? NULL : s->menu->greeting, s->menu->prompt);
        done(s, turn->turn, VOICEGW_OK, NULL);
        return VOICEGW_OK;
    }
    if (turn->flags & VOICEGW_TURN_DTMF) {
        add_digits(s, turn->text ? turn->text : "");
        take_digits(s, turn->turn);
        return VOICEGW_OK;
    }
    s->digits[0] = '\0';
    if (turn->flags & VOICEGW_TURN_NO_INPUT) {
        say_both(s, turn->turn, s->menu->no_input, s->menu->prompt);
        done(s, turn->turn, VOICEGW_OK, NULL);
        return VOICEGW_OK;
    }
    struct match m = menu_match(s->menu, turn->text ? turn->text : "", s->home->threshold);
    if ((turn->flags & VOICEGW_TURN_NO_MATCH) || m.choice < 0)
        no_match(s, turn->turn);
    else
        choose(s, turn->turn, m.choice, &m);
    return VOICEGW_OK;
}

int32_t session_interrupt(void *session, uint64_t turn, const char *heard_text, uint32_t heard_ms)
{
    struct session *s = session;
    if (s->tool_pending && s->tool_turn == turn)
        end_pending(s, "the caller cut in");
    return VOICEGW_OK;
}

int32_t session_tool_result(void *session, uint64_t tool_call, int32_t status, const char *result_json)
{
    struct session *s = session;
    if (!s->tool_pending || tool_call != s->tool_call)
        return VOICEGW_OK;
    s->tool_pending = false;
    if (status == VOICEGW_OK) {
        answer(s, s->tool_turn, s->choice, &s->match, result_json);
        return VOICEGW_OK;
    }
    say(s, s->tool_turn, s->menu->failed ? s->menu->failed : FAILED);
    done(s, s->tool_turn, VOICEGW_OK, NULL);
    return VOICEGW_OK;
}

int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params, void **ret_session)
{
    struct menus *m = instance;
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    s->home = m;
    s->handle = handle;
    s->menu = &m->book->menus[0];
    s->resumed = params->resumed != 0;
    atomic_fetch_add(&m->sessions, 1);
    *ret_session = s;
    return VOICEGW_OK;
}

static void on_close(void *arg)
{
    struct session *s = arg;
    struct menus *m = s->home;
    end_pending(s, "the session was closed");
    (void)m->out->on_closed(m->host, s->handle);
    free(s);
    atomic_fetch_sub(&m->sessions, 1);
    tell_drained(m);
}

void session_close(void *session)
{
    struct session *s = session;
    const struct voicegw_host *host = s->home->host;
    stop_timer(s);
    if (host->post(host, s->handle, on_close, s) != VOICEGW_OK &&
        !host->timer_start(host, s->handle, 1000, on_close, s))
        on_close(s);
}
