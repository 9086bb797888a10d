/* SPDX-License-Identifier: MIT */
/* How many CPUs the process may use, as its cgroups have it.
 *
 * Threading: any.
 */
#ifndef WEIR__POOL_CPUS_H
#define WEIR__POOL_CPUS_H

/* The tightest quota of the process's cgroup and those around it, in thousandths of a CPU; -1: none. root
 * stands before every path that is read, "" for the machine itself. */
long weir__cpus_quota_milli(const char *root);

/* What is for computing of so many CPUs under that quota. */
int weir__cpus_for_computing(int cpus, long quota_milli);

#endif
