/* SPDX-License-Identifier: MIT */
#include "routes/attempts_text.h"

#include <stdio.h>

#include <weir/text.h>

static const char *outcome_of(const weir_attempts_made *made)
{
    if (!made->good)
        return "failed";
    return made->taken == made->made ? "won" : "lost";
}

const char *attempts_text(char text[ATTEMPTS_TEXT_BYTES], const weir_attempts_made *made)
{
    char after[WEIR_DURATION_TEXT_MAX], count[24] = "";

    if (made->made > 2)
        (void)snprintf(count, sizeof count, " (%u attempts)", made->made);
    (void)snprintf(text, ATTEMPTS_TEXT_BYTES, "%s %s %s%s",
                   made->last == WEIR_ATTEMPT_HEDGE ? "hedge" : "retry",
                   weir_duration_format(after, sizeof after, made->last_after), outcome_of(made), count);
    return text;
}
