/* SPDX-License-Identifier: MIT */
/* Where the supervisor of applications works.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_SUPERVISOR_APP_PLACE_H
#define APP_SUPERVISOR_APP_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/process.h>
#include <weir/shared.h>

struct apps_place {
    const char *folder; /* private, for sockets */
    weir_shared *shared;
    size_t
        starts; /* processes of an application that start at the same time; 0: as many as CPUs, at least 2 */
    /* For tests under simulation: as weir_process_options.simulate, with arg. NULL: processes are real */
    int (*simulate)(void *arg, weir_simulated_process *self);
    uint64_t (*memory)(void *arg, pid_t pid); /* of a process. NULL: /proc is asked */
    void *arg;
};

#endif
