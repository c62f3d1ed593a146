/* call_state.c - the tables of states. */
#include "call/state.h"

#include <criterion/criterion.h>

#include "base/str.h"

/* Rows: from; columns: idle initiating ringing connected on_hold transferring ended failed. */
static const char *const allowed[VGW_CALL_STATES] = {
    ".xx...xx", "..xx..xx", "...x..xx", "....xxx.", "...x.xx.", "...xx.x.", "........", "........",
};

Test(call_state, a_call_moves_as_the_table_says_and_no_other_way)
{
    for (int from = 0; from < VGW_CALL_STATES; from++) {
        for (int to = 0; to < VGW_CALL_STATES; to++)
            cr_expect_eq(vgw_call_state_allows(from, to), allowed[from][to] == 'x', "%s to %s",
                         vgw_call_state_name(from), vgw_call_state_name(to));
    }
    cr_expect_not(vgw_call_state_allows(VGW_CALL_IDLE, VGW_CALL_STATES));
    cr_expect_not(vgw_call_state_allows((enum vgw_call_state)99, VGW_CALL_ENDED));
}

Test(call_state, names_read_back)
{
    enum vgw_call_state s;
    enum vgw_outcome o;
    for (int i = 0; i < VGW_CALL_STATES; i++) {
        cr_assert(vgw_call_state_parse(vgw_call_state_name(i), &s));
        cr_expect_eq((int)s, i);
    }
    for (int i = 0; i < VGW_OUTCOMES; i++) {
        cr_assert(vgw_outcome_parse(vgw_outcome_name(i), &o));
        cr_expect_eq((int)o, i);
    }
    cr_expect_not(vgw_call_state_parse("flying", &s));
    cr_expect_not(vgw_call_state_parse(NULL, &s));
    cr_expect_not(vgw_outcome_parse("", &o));
    cr_expect_str_eq(vgw_call_state_name((enum vgw_call_state)77), "unknown");
}

Test(call_state, a_session_only_goes_forward)
{
    for (int from = VGW_SESSION_CREATED; from <= VGW_SESSION_STOPPED; from++) {
        for (int to = VGW_SESSION_CREATED; to <= VGW_SESSION_STOPPED; to++)
            cr_expect_eq(vgw_session_state_allows(from, to), to > from);
    }
}

Test(call_state, an_outcome_has_one_terminal_state)
{
    static const struct {
        enum vgw_outcome in;
        bool answered;
        enum vgw_outcome out;
        enum vgw_call_state state;
    } rows[] = {
        {VGW_OUTCOME_COMPLETED, false, VGW_OUTCOME_COMPLETED, VGW_CALL_ENDED},
        {VGW_OUTCOME_BUSY, false, VGW_OUTCOME_BUSY, VGW_CALL_FAILED},
        {VGW_OUTCOME_NO_ANSWER, false, VGW_OUTCOME_NO_ANSWER, VGW_CALL_FAILED},
        {VGW_OUTCOME_CANCELED, false, VGW_OUTCOME_CANCELED, VGW_CALL_FAILED},
        {VGW_OUTCOME_NONE, false, VGW_OUTCOME_FAILED, VGW_CALL_FAILED},
        {VGW_OUTCOME_INTERRUPTED, false, VGW_OUTCOME_INTERRUPTED, VGW_CALL_ENDED},
        {VGW_OUTCOME_BUSY, true, VGW_OUTCOME_COMPLETED, VGW_CALL_ENDED},
        {VGW_OUTCOME_FAILED, true, VGW_OUTCOME_COMPLETED, VGW_CALL_ENDED},
        {VGW_OUTCOME_INTERRUPTED, true, VGW_OUTCOME_INTERRUPTED, VGW_CALL_ENDED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum vgw_outcome o = rows[i].in;
        cr_expect_eq(vgw_outcome_state(&o, rows[i].answered), rows[i].state, "row %zu", i);
        cr_expect_eq(o, rows[i].out, "row %zu", i);
    }
}
