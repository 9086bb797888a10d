/* SPDX-License-Identifier: MIT */
#include "http/server/handler_check.h"

#include <stdio.h>

enum { PHRASE_BYTES = 160 };

void weir__misuse_of_exchange(const struct weir__loop *loop, const char *function, const char *what)
{
    const struct weir__loop *here = weir__loop_current();
    char wrong[PHRASE_BYTES];

    if (loop == NULL) {
        (void)snprintf(wrong, sizeof wrong, "on %s whose handler has returned", what);
        weir__misuse(
            function, wrong,
            "close the scope of the tasks that use it before the handler returns, or copy what they need");
    }
    if (here == NULL) {
        (void)snprintf(wrong, sizeof wrong, "from a job or another thread, on %s of %s", what, loop->label);
        weir__misuse(function, wrong, "read what is needed before weir_offload(), and answer after it");
    }
    (void)snprintf(wrong, sizeof wrong, "from %s, on %s of %s", here->label, what, loop->label);
    weir__misuse(function, wrong, "answer on the loop of the handler, which weir_loop_call() returns to");
}
