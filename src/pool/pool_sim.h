/* SPDX-License-Identifier: MIT */
/* Workers in virtual time. Threading: the one loop of a simulation. */
#ifndef WEIR__POOL_POOL_SIM_H
#define WEIR__POOL_POOL_SIM_H

struct weir__worker;

/* The worker, a fiction, runs the job it was given: after a virtual time; for a job within a job now. */
void weir__sim_worker_begin(struct weir__worker *worker);

#endif
