/* SPDX-License-Identifier: MIT */
#include "support/mistake.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "support/child.h"
#include "support/run.h"

enum { LOG_BYTES = 16384 };

static int make_mistake(void *arg)
{
    const struct mistake *m = arg;
    weir_options options = {.loops = m->loops,
                            .io = m->is_real || m->loops > 1 ? WEIR_IO_EPOLL : WEIR_IO_SIM,
                            .stall_after = weir_ms(-1)};

    return weir_run(&options, m->fn, NULL);
}

void assert_aborts(int (*fn)(void *arg), void *arg, const char *const *said)
{
    static char log[LOG_BYTES];
    int status = run_in_child(fn, arg, log, sizeof log);
    const char *at = log;

    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail_msg("'%s' did not abort, status %x: %s", said[0], (unsigned)status, log);
    for (int i = 0; i < MISTAKE_SAID_MAX && said[i] != NULL; i++) {
        at = strstr(at, said[i]);
        if (at == NULL)
            fail_msg("no \"%s\" in: %s", said[i], log);
    }
}

void assert_caught(const struct mistake *mistakes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_aborts(make_mistake, (void *)(uintptr_t)&mistakes[i], mistakes[i].said);
}
