/* SPDX-License-Identifier: MIT */
/* It belongs to the process, so this is state outside a runtime, written once. */
#include "process/found.h"

#include <sys/prctl.h>

static struct weir__found found = {.descriptors = RLIM_INFINITY};

__attribute__((constructor)) static void look(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        found.descriptors = limit.rlim_cur;
    found.timer_slack_ns = prctl(PR_GET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL);
    found.has_scheduling = weir__priority_read(&found.scheduling);
}

const struct weir__found *weir__found(void)
{
    return &found;
}
