/* SPDX-License-Identifier: MIT */
#include "support/mistake.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "support/child.h"
#include "support/run.h"

enum { SAID_BYTES = 8192, SAID = sizeof((struct mistake){0}.said) / sizeof(char *) };

static int make_mistake(void *arg)
{
    const struct mistake *m = arg;
    weir_options options = {.loops = m->loops,
                            .io = m->is_real || m->loops > 1 ? WEIR_IO_EPOLL : WEIR_IO_SIM,
                            .stall_after = weir_ms(-1)};

    return weir_run(&options, m->fn, NULL);
}

void assert_caught(const struct mistake *mistakes, size_t count)
{
    static char said[SAID_BYTES];

    for (size_t i = 0; i < count; i++) {
        const struct mistake *m = &mistakes[i];
        int status = run_in_child(make_mistake, (void *)(uintptr_t)m, said, sizeof said);
        const char *at = said;
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("mistake %zu (%s) did not abort, status %x: %s", i, m->said[0], (unsigned)status, said);
        for (int k = 0; k < SAID && m->said[k] != NULL; k++) {
            const char *found = strstr(at, m->said[k]);
            if (found == NULL)
                fail_msg("mistake %zu: no \"%s\" in: %s", i, m->said[k], said);
            at = found;
        }
    }
}
