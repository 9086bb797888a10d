/* SPDX-License-Identifier: MIT */
/* The number of CPUs the process may use by its cgroups.
 *
 * Threading: any.
 */
#ifndef WEIR__POOL_CPUS_H
#define WEIR__POOL_CPUS_H

/* Returns: the tightest quota of the process's cgroup and those around it, in thousandths of a CPU; -1: none. root stands before
 * every path that is read, "" for the machine itself. */
long weir__cpus_quota_milli(const char *root);

/* Returns: how many of so many CPUs are for computing under that quota. */
int weir__cpus_for_computing(int cpus, long quota_milli);

#endif
