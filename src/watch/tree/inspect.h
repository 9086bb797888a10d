/* SPDX-License-Identifier: MIT */
/* The inside of a weir_tasks: what inspect.c, inspect_tree.c and inspect_names.c share.
 *
 * Threading: as <weir/inspect.h>.
 */
#ifndef WEIR__WATCH_TREE_INSPECT_H
#define WEIR__WATCH_TREE_INSPECT_H

#include <weir/inspect.h>

#include "base/intern.h"
#include "watch/tree/task_view.h"
#include "symbols/symbols.h"

enum { WEIR__NO_SEEN = UINT32_MAX };

struct weir__seen {
    weir_task_info info;
    struct weir__task *record;
    struct weir__task *owner; /* the record of the parent; or NULL */
    const void *queue;        /* it stands in; or NULL */
    uint64_t ticket;
    uint32_t parent; /* where that is seen */
    bool wanted;
};

struct weir_tasks {
    struct weir__intern texts; /* and all else that the infos point to */
    struct weir__seen *seen;
    size_t count, room;
    uint32_t *order; /* those that are given out */
    size_t given;
    bool is_cut;
    int loop_count;
    size_t *on_loop;
};

/* --- inspect_names.c --- */

struct weir__named_stack;

/* Names for stacks and places, each found once. */
struct weir__naming {
    struct weir__symbols *symbols;
    struct weir__intern *texts;
    struct weir__named_stack **stacks; /* by hash; room is a power of two */
    size_t count, room;
    unsigned looked_at; /* stacks that could be told from others by their tables alone */
    struct {
        const void *address;
        weir_frame frame;
    } places[256];
};

int weir__naming_open(struct weir__naming *n, struct weir__symbols *symbols, struct weir__intern *texts)
    __attribute__((warn_unused_result));
void weir__naming_close(struct weir__naming *n);
/* False: no memory. */
bool weir__naming_place(struct weir__naming *n, const void *address, weir_frame *out);
bool weir__naming_stack(struct weir__naming *n, const struct weir__task_view *view, const char *stack,
                        weir_task_info *out);
bool weir__naming_running(struct weir__naming *n, const struct weir__registers *r,
                          const struct weir__stack_copy *stack, weir_task_info *out);

/* --- inspect_tree.c --- */

/* Where the task with this id is seen, or WEIR__NO_SEEN. seen is ordered by id. */
uint32_t weir__inspect_find(const weir_tasks *tasks, uint64_t id);
/* Orders seen by id, so that whoever is above another comes before it. */
void weir__inspect_sort(weir_tasks *tasks);
/* Adds to the words of those who stand in a queue which place they have. */
int weir__inspect_rank(weir_tasks *tasks) __attribute__((warn_unused_result));
/* Marks what the filter wants. */
void weir__inspect_filter(weir_tasks *tasks, const char *filter);
/* Fills order and given from what is wanted, and sets the depths. */
int weir__inspect_order(weir_tasks *tasks, size_t tasks_max) __attribute__((warn_unused_result));

#endif
