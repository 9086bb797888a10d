/* SPDX-License-Identifier: MIT */
/* The inside of a weir_tasks. Included by the files inspect*.c alone.
 *
 * Threading: as <weir/inspect.h>.
 *
 * Each file uses only files above it:
 *
 *     inspect_names.c  names for stacks and places
 *     inspect_tree.c   from tasks seen one by one to the tree
 *     inspect_walk.c   walks the records of all loops
 *     inspect.c        the public functions
 */
#ifndef WEIR__WATCH_TREE_INSPECT_INSIDE_H
#define WEIR__WATCH_TREE_INSPECT_INSIDE_H

#include <weir/inspect.h>

#include "base/intern.h"
#include "symbols/symbols.h"
#include "watch/tree/task_view.h"

enum { WEIR__NO_SEEN = UINT32_MAX };

/* One task that was seen. */
struct weir__seen {
    weir_task_info info;
    struct weir__task *record;
    struct weir__task *owner; /* the record of the parent; or NULL */
    const void *queue;        /* that it waits in; or NULL */
    uint64_t ticket;
    uint32_t parent; /* index of the parent in seen, or WEIR__NO_SEEN */
    bool wanted;
};

struct weir_tasks {
    struct weir__intern texts; /* holds also all else that the infos point to */
    struct weir__seen *seen;
    size_t count, room;
    uint32_t *order; /* indices in seen of the tasks that are given out */
    size_t given;
    bool is_cut;
    int loop_count;
    size_t *on_loop;
};

/* --- inspect_names.c --- */

struct weir__named_stack;

/* Names of stacks and places; each is looked up once. */
struct weir__naming {
    struct weir__symbols *symbols;
    struct weir__intern *texts;
    struct weir__named_stack **stacks; /* by hash; room is a power of two */
    size_t count, room;
    unsigned broken; /* stacks whose chain of frame pointers does not identify them */
    struct {
        const void *address;
        weir_frame frame;
    } places[256];
};

int weir__naming_open(struct weir__naming *n, struct weir__symbols *symbols, struct weir__intern *texts)
    __attribute__((warn_unused_result));
void weir__naming_close(struct weir__naming *n);
/* Return: false: no memory. */
bool weir__naming_place(struct weir__naming *n, const void *address, weir_frame *out);
bool weir__naming_stack(struct weir__naming *n, const struct weir__task_view *view, const char *stack,
                        weir_task_info *out);
bool weir__naming_running(struct weir__naming *n, const struct weir__registers *r,
                          const struct weir__stack_copy *stack, weir_task_info *out);

/* --- inspect_tree.c --- */

/* The index of the task with this id in seen, which is ordered by id; WEIR__NO_SEEN: it is not there. */
uint32_t weir__inspect_find(const weir_tasks *tasks, uint64_t id);
/* Orders seen by id, so that a parent comes before its children. */
void weir__inspect_sort(weir_tasks *tasks);
/* Adds the place in its queue to the words of each task that waits in one. Returns: 0; -ENOMEM. */
int weir__inspect_rank(weir_tasks *tasks) __attribute__((warn_unused_result));
/* Marks the tasks that the filter wants, and all above them. */
void weir__inspect_filter(weir_tasks *tasks, const char *filter);
/* Fills order and given with the wanted tasks, and sets their depths. Returns: 0; -ENOMEM. */
int weir__inspect_order(weir_tasks *tasks, size_t tasks_max) __attribute__((warn_unused_result));

/* --- inspect_walk.c --- */

/* Fills seen and on_loop of tasks, ordered by id and linked to their parents. Returns: 0; -ENOMEM, -EPERM …
 */
int weir__inspect_walk(weir_runtime *runtime, bool stacks, weir_tasks *tasks)
    __attribute__((warn_unused_result));

#endif
