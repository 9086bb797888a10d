/* What a task works for: a request from outside, mostly. Tasks hand it on to those they spawn.
 *
 * Threading: belongs to the loop of its tasks. The texts it points to outlive it, so that others may read
 * them.
 */
#ifndef WEIR__WORK_H
#define WEIR__WORK_H

struct weir__arena;

struct weir__work {
    struct weir__arena *memory; /* lives as long as the work */
    const char *route;          /* the pattern, "/page/{id}"; lives as long as the runtime; or NULL */
};

#endif
