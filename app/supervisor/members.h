/* SPDX-License-Identifier: MIT */
/* The numbers of processes in the shared memory: each of a living process alone. Number 0 is the
 * supervisor's.
 *
 * Threading: tasks of the supervisor's loop. Nothing here waits.
 */
#ifndef APP_SUPERVISOR_MEMBERS_H
#define APP_SUPERVISOR_MEMBERS_H

#include <stdint.h>

#include <weir/shared.h>

struct members {
    weir_shared *shared;
    uint64_t taken;                       /* a bit for each */
    void (*expel)(void *arg, int member); /* called when a process has ended, beside weir_shared_expel(). May
                                            be NULL */
    void *arg;
};

void members_init(struct members *m, weir_shared *shared);

/* Returns: a number; -1: all are taken. */
int members_take(struct members *m);

/* The process has ended: what it had counted is given back, and then its number. */
void members_give(struct members *m, int member);

/* How many are free. */
int members_left(const struct members *m);

#endif
