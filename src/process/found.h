/* SPDX-License-Identifier: MIT */
/* What the program was started with, and a process that it starts gets again: a program raises its limit of
 * descriptors, and loops change how the kernel schedules their threads and fires their timers, all of which
 * execve(2) keeps.
 *
 * Threading: any thread; read as the program was loaded, and constant since.
 */
#ifndef WEIR__PROCESS_FOUND_H
#define WEIR__PROCESS_FOUND_H

#include <stdbool.h>
#include <sys/resource.h>

#include "core/priority.h"

struct weir__found {
    rlim_t descriptors; /* the soft limit */
    int timer_slack_ns; /* <= 0: unknown */
    bool has_scheduling;
    struct weir__scheduling scheduling;
};

const struct weir__found *weir__found(void);

#endif
