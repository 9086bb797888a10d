/* SPDX-License-Identifier: MIT */
/* Workers in virtual time. Threading: the one loop of a simulation. */
#ifndef WEIR__POOL_POOL_SIM_H
#define WEIR__POOL_POOL_SIM_H

struct weir__worker;

/* Runs the job that a worker was given, on the loop: after a virtual time; a job within a job at once. */
void weir__sim_worker_begin(struct weir__worker *worker);

#endif
