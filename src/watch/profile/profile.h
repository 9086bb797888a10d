/* SPDX-License-Identifier: MIT */
/* What the runtime tells the profiler. Threading: as said at each. */
#ifndef WEIR__WATCH_PROFILE_PROFILE_H
#define WEIR__WATCH_PROFILE_PROFILE_H

struct weir__thread_hooks;
struct weir__threads;

/* Sample the threads that enter while a profile is taken. Called on the thread, under the threads' lock. */
extern const struct weir__thread_hooks weir__profile_hooks __attribute__((visibility("hidden")));

/* The runtime goes, and no thread of it is left. A profile that is still open keeps what it has. */
void weir__profile_runtime_ends(struct weir__threads *threads);

#endif
