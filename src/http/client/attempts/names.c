/* SPDX-License-Identifier: MIT */
/* Names as labels. */
#include <weir/attempts.h>

const char *weir_attempt_kind_name(enum weir_attempt_kind kind)
{
    static const char *const names[WEIR_ATTEMPT_KINDS] = {
        [WEIR_ATTEMPT_FIRST] = "first",
        [WEIR_ATTEMPT_RETRY] = "retry",
        [WEIR_ATTEMPT_HEDGE] = "hedge",
    };

    return (unsigned)kind < WEIR_ATTEMPT_KINDS ? names[kind] : "first";
}

const char *weir_attempt_outcome_name(enum weir_attempt_outcome outcome)
{
    static const char *const names[WEIR_ATTEMPT_OUTCOMES] = {
        [WEIR_ATTEMPT_ANSWERED] = "ok",
        [WEIR_ATTEMPT_FAILED] = "failed",
        [WEIR_ATTEMPT_LOST] = "lost",
        [WEIR_ATTEMPT_CANCELLED] = "cancelled",
    };

    return (unsigned)outcome < WEIR_ATTEMPT_OUTCOMES ? names[outcome] : "failed";
}

const char *weir_attempt_denial_name(enum weir_attempt_denial denial)
{
    static const char *const names[WEIR_ATTEMPT_DENIALS] = {
        [WEIR_ATTEMPT_NO_BUDGET] = "budget",  [WEIR_ATTEMPT_PUSHBACK] = "pushback",
        [WEIR_ATTEMPT_TOO_LATE] = "deadline", [WEIR_ATTEMPT_OPEN] = "open",
        [WEIR_ATTEMPT_NO_ROOM] = "busy",
    };

    return (unsigned)denial < WEIR_ATTEMPT_DENIALS ? names[denial] : "budget";
}
