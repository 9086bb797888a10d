/* SPDX-License-Identifier: MIT */
/* Which descriptors a child has, and how they get their numbers.
 *
 * Threading: weir__descriptors_prepare() anywhere; weir__descriptors_arrange() in the child.
 */
#ifndef WEIR__PROCESS_DESCRIPTORS_H
#define WEIR__PROCESS_DESCRIPTORS_H

#include <stddef.h>

#include <weir/process.h>

enum { WEIR__DESCRIPTORS_MAX = WEIR_PROCESS_FDS_MAX + 3, WEIR__DESCRIPTOR_NULL = -1 /* /dev/null */ };

struct weir__descriptors {
    size_t count;
    weir_process_fd fds[WEIR__DESCRIPTORS_MAX]; /* by the number that the child has them under */
    int sources[WEIR__DESCRIPTORS_MAX];         /* the same descriptors by their numbers here */
    int moved[WEIR__DESCRIPTORS_MAX];           /* the child's notes */
};

/* Puts together what a child gets: standard[i] as i, and the rest as it says. */
void weir__descriptors_prepare(struct weir__descriptors *d, const int standard[3], const weir_process_fd *fds,
                               size_t count);

/* Gives the descriptors their numbers, and closes all others. Returns: 0; -EBADF; -EMFILE … */
int weir__descriptors_arrange(struct weir__descriptors *d);

#endif
