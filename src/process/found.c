/* SPDX-License-Identifier: MIT */
/* It belongs to the process, so this is state outside a runtime, written once. */
#include "process/found.h"

#include <sys/prctl.h>

#include "core/priority.h"

static struct {
    rlim_t descriptors;
    int timer_slack_ns;
    struct weir__priority_found priority;
} found = {.descriptors = RLIM_INFINITY};

__attribute__((constructor)) static void look(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        found.descriptors = limit.rlim_cur;
    found.timer_slack_ns = prctl(PR_GET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL);
    weir__priority_find(&found.priority);
}

rlim_t weir__found_descriptors(void)
{
    return found.descriptors;
}

void weir__found_restore(void)
{
    if (found.timer_slack_ns > 0)
        (void)prctl(PR_SET_TIMERSLACK, (unsigned long)found.timer_slack_ns, 0UL, 0UL, 0UL);
    weir__priority_put_back(&found.priority);
}
