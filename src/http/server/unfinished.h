/* SPDX-License-Identifier: MIT */
/* The tasks of requests that a process leaves unfinished when it ends: for its log.
 *
 * Threading: any thread.
 */
#ifndef WEIR__HTTP_SERVER_UNFINISHED_H
#define WEIR__HTTP_SERVER_UNFINISHED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <weir/runtime.h>

enum { WEIR__UNFINISHED_BYTES = 600 };

struct weir__unfinished {
    weir_runtime *runtime;
    size_t count;                      /* of tasks */
    char text[WEIR__UNFINISHED_BYTES]; /* the first of them: "GET /page (running), …" */
    atomic_int ready;
};

/* Finds the unfinished tasks, for at most 300 ms. *unfinished must be zero, and outlive the process: the
 * thread that looks may go on.
 * Returns: whether they were found in time. */
bool weir__unfinished_find(weir_runtime *runtime, struct weir__unfinished *unfinished);

#endif
