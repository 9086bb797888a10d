/* SPDX-License-Identifier: MIT */
/* From tasks seen one by one to the tree: order, places in queues, filter. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch/tree/inspect_inside.h"

/* --- order by id: parents come before their children --- */

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct weir__seen *)a)->info.id, y = ((const struct weir__seen *)b)->info.id;

    return (x > y) - (x < y);
}

void weir__inspect_sort(weir_tasks *tasks)
{
    if (tasks->count > 0)
        qsort(tasks->seen, tasks->count, sizeof *tasks->seen, by_id);
}

uint32_t weir__inspect_find(const weir_tasks *tasks, uint64_t id)
{
    size_t low = 0, high = tasks->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tasks->seen[middle].info.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tasks->count && tasks->seen[low].info.id == id ? (uint32_t)low : WEIR__NO_SEEN;
}

/* --- places in queues --- */

static int by_place(const void *a, const void *b)
{
    const struct weir__seen *x = *(struct weir__seen *const *)a, *y = *(struct weir__seen *const *)b;

    if (x->queue != y->queue)
        return (uintptr_t)x->queue < (uintptr_t)y->queue ? -1 : 1;
    return (x->ticket > y->ticket) - (x->ticket < y->ticket);
}

static const char *ending_of(size_t n)
{
    if (n / 10 % 10 == 1)
        return "th";
    return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

static int add_places(weir_tasks *tasks, struct weir__seen **first, size_t count)
{
    char words[WEIR__WAIT_WORDS_BYTES + 64];

    for (size_t i = 0; i < count && count > 1; i++) {
        (void)snprintf(words, sizeof words, "%s, %zu%s of %zu", first[i]->info.waits_for, i + 1,
                       ending_of(i + 1), count);
        first[i]->info.waits_for = weir__intern_keep(&tasks->texts, words);
        if (first[i]->info.waits_for == NULL)
            return -ENOMEM;
    }
    return 0;
}

int weir__inspect_rank(weir_tasks *tasks)
{
    struct weir__seen **waiting = malloc((tasks->count + 1) * sizeof(struct weir__seen *));
    size_t n = 0, next;
    int err = 0;

    if (waiting == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < tasks->count; i++)
        if (tasks->seen[i].queue != NULL)
            waiting[n++] = &tasks->seen[i];
    qsort(waiting, n, sizeof(struct weir__seen *), by_place);
    for (size_t i = 0; i < n && err == 0; i = next) {
        for (next = i + 1; next < n && waiting[next]->queue == waiting[i]->queue; next++)
            ;
        err = add_places(tasks, &waiting[i], next - i);
    }
    free(waiting);
    return err;
}

/* --- the filter --- */

static bool has(const char *text, const char *part)
{
    return text != NULL && strcasestr(text, part) != NULL;
}

void weir__inspect_filter(weir_tasks *tasks, const char *filter)
{
    for (size_t i = tasks->count; i-- > 0;) {
        struct weir__seen *s = &tasks->seen[i];
        if (filter == NULL || has(s->info.name, filter) || has(s->info.route, filter) ||
            has(s->info.waits_for, filter))
            s->wanted = true;
        if (s->wanted && s->parent != WEIR__NO_SEEN)
            tasks->seen[s->parent].wanted = true; /* the loop comes to it later: its id is smaller */
    }
}

/* --- the order of the tree --- */

struct child {
    uint32_t parent; /* an index in seen; beyond its end: a loop */
    uint32_t self;
    uint64_t scope, id;
};

static int by_parent(const void *a, const void *b)
{
    const struct child *x = a, *y = b;

    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static size_t list_children(const weir_tasks *tasks, struct child *out)
{
    size_t n = 0;

    for (uint32_t i = 0; i < tasks->count; i++) {
        const struct weir__seen *s = &tasks->seen[i];
        bool is_top = s->parent == WEIR__NO_SEEN;
        if (s->wanted)
            out[n++] =
                (struct child){.parent = is_top ? (uint32_t)tasks->count + (uint32_t)s->info.loop : s->parent,
                               .self = i,
                               .scope = is_top ? 0 : s->info.scope,
                               .id = s->info.id};
    }
    return n;
}

/* Walks the tree below `top`, depth first. next[i] is the position of the next child of i to be visited, so
 * the walk needs no stack, however deep or wide the tree is. */
static void walk(weir_tasks *tasks, const struct child *children, size_t count, size_t *next, uint32_t top,
                 size_t most)
{
    uint32_t at = top;

    for (;;) {
        size_t i = next[at];
        if (i < count && children[i].parent == at) {
            struct weir__seen *s = &tasks->seen[children[i].self];
            next[at]++;
            if (tasks->given == most) {
                tasks->is_cut = true;
                return;
            }
            s->info.depth = at == top ? 0 : tasks->seen[at].info.depth + 1;
            tasks->order[tasks->given++] = children[i].self;
            at = children[i].self;
        } else if (at == top) {
            return;
        } else {
            at = tasks->seen[at].parent != WEIR__NO_SEEN ? tasks->seen[at].parent : top;
        }
    }
}

int weir__inspect_order(weir_tasks *tasks, size_t tasks_max)
{
    size_t nodes = tasks->count + (size_t)tasks->loop_count;
    struct child *children = malloc((tasks->count + 1) * sizeof *children);
    size_t *next = malloc(nodes * sizeof *next);
    size_t count;

    tasks->order = malloc((tasks->count + 1) * sizeof *tasks->order);
    if (children == NULL || next == NULL || tasks->order == NULL) {
        free(children);
        free(next);
        return -ENOMEM;
    }
    count = list_children(tasks, children);
    qsort(children, count, sizeof *children, by_parent);
    for (size_t i = 0; i < nodes; i++)
        next[i] = count;
    for (size_t i = count; i-- > 0;)
        next[children[i].parent] = i;
    for (int i = 0; i < tasks->loop_count; i++)
        walk(tasks, children, count, next, (uint32_t)tasks->count + (uint32_t)i,
             tasks_max > 0 ? tasks_max : SIZE_MAX);
    free(children);
    free(next);
    return 0;
}
