/* SPDX-License-Identifier: MIT */
/* What a supervisor tells its admin address, and does for it (admin_of_many.h).
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_ADMIN_ADMIN_SUPERVISOR_H
#define APP_ADMIN_ADMIN_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weir/error.h>
#include <weir/process.h>
#include <weir/stream.h>
#include <weir/time.h>

#include "text/text_out.h"

/* A gateway process, as its supervisor knows it; or the place of one that is to be started again. */
struct admin_process {
    char address[WEIR_ADDRESS_BYTES]; /* of its pages: "unix:PATH"; "": its configuration has no admin
                                         address, so it has none */
    pid_t pid;          /* 0: it waits to be started again, and the rest of its state is false */
    int number, member; /* as struct handed */
    unsigned generation;
    bool ready, draining;
    weir_instant since; /* it is in this state */
    unsigned restarts;  /* of the process with this number, after an end that was not planned */
    char last_end[WEIR_PROCESS_END_BYTES]; /* how the one before it ended so; "": none has */
};

/* What a supervisor does for its admin address. */
struct admin_supervisor {
    /* Lists the processes, those that drain included: by number, then by generation. Returns: how many. */
    size_t (*processes)(void *arg, struct admin_process *out, size_t room);
    /* Returns: how often a process was started again after an end that was not planned; never less than before.
     */
    uint64_t (*restarts)(void *arg);
    /* Reads the configuration anew, and puts it into force if it can be served; writes what came of it, in
     * lines for a person. Waits. Returns: 0; -WEIR_ECONFIG it is faulty, and the old one stays in force. */
    int (*reload)(void *arg, struct text_out *out);
    void (*drain)(void *arg); /* as SIGTERM does */
    /* Writes further members of the JSON object of /processes, separated by commas: "state":"serving" (or
     * "starting", "reloading", "draining"), "generation":N, "apps":[…] as apps_status() writes it. */
    void (*status)(void *arg, struct text_out *out);
    /* Of applications (supervisor/app_watch.h): JSON objects separated by commas, members of the pages
     * /stalls, the latest first, and /tasks; and the sums of their stalls. Each may be NULL. */
    void (*app_stalls)(void *arg, struct text_out *out);
    void (*app_tasks)(void *arg, struct text_out *out);
    void (*app_stall_totals)(void *arg,
                             void (*fn)(void *to, const char *app, const char *kind, uint64_t count,
                                        int64_t held_ns),
                             void *to);
    /* Of applications: the processes that get requests, and how many have ended unplanned, ever. May be NULL.
     */
    void (*app_totals)(void *arg, void (*fn)(void *to, const char *app, size_t ready, uint64_t deaths),
                       void *to);
    void *arg;
};

enum { ADMIN_PROCESSES_MAX = 64 };

#endif
