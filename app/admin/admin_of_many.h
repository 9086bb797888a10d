/* SPDX-License-Identifier: MIT */
/* The admin address of a supervisor: the same pages as admin.h has, for all gateway processes together. Each
 * process has its own pages on a private Unix socket, which are asked, 200 ms each; a page says which process
 * has not answered. Totals of processes that have ended stay, so that no counter ever decreases.
 *
 * Threading: tasks of the supervisor's loop.
 */
#ifndef APP_ADMIN_ADMIN_OF_MANY_H
#define APP_ADMIN_ADMIN_OF_MANY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <weir/error.h>
#include <weir/stream.h>
#include <weir/time.h>

#include "config/config.h"
#include "text/text_out.h"

struct admin_of_many;

/* A gateway process, as its supervisor knows it. */
struct admin_process {
    char address[WEIR_ADDRESS_BYTES]; /* of its pages: "unix:PATH" */
    pid_t pid;
    int number, member; /* as struct handed */
    unsigned generation;
    bool ready, draining;
};

/* What a supervisor does for its admin address. */
struct admin_supervisor {
    /* Lists the processes that run, those that drain included. Returns: how many. */
    size_t (*processes)(void *arg, struct admin_process *out, size_t room);
    /* Reads the configuration anew, and puts it into force if it can be served; writes what came of it, in
     * lines for a person. Waits. Returns: 0; -WEIR_ECONFIG it is faulty, and the old one stays in force. */
    int (*reload)(void *arg, struct text_out *out);
    void (*drain)(void *arg); /* as SIGTERM does */
    /* Writes the members of a JSON object: state, processes, apps, and since when. */
    void (*status)(void *arg, struct text_out *out);
    void *arg;
};

enum { ADMIN_PROCESSES_MAX = 64 };

/* Begins to answer at the admin address of the configuration. Tasks run in scope.
 * Owns:    config and supervisor are lent until admin_of_many_close(), config until the next
 * admin_of_many_configure().
 * Returns: 0; as weir_server_open(); -ENOMEM.
 */
WEIR_CHECKED int admin_of_many_open(const struct config *config, const struct admin_supervisor *supervisor,
                                    struct admin_of_many **out);

/* Another configuration is in force: routes, pools and backends come and go; totals stay. */
WEIR_CHECKED int admin_of_many_configure(struct admin_of_many *admin, const struct config *config);

/* A process is about to be forgotten: takes its last totals, if it still answers, and keeps them. Waits. */
void admin_of_many_retire(struct admin_of_many *admin, const struct admin_process *process);

void admin_of_many_close(struct admin_of_many *admin);

#endif
