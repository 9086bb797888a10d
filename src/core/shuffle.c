/* SPDX-License-Identifier: MIT */
#include "core/shuffle.h"

#include "core/loop.h"
#include "core/task_record.h"

/* More tasks than that are shuffled in pieces. */
enum { PIECE = 64 };

static void swap(struct weir__task **a, struct weir__task **b)
{
    struct weir__task *t = *a;

    *a = *b;
    *b = t;
}

/* Collects the tasks at the front of a list that may run in any order. Returns: the rest of the list. */
static struct weir__task *collect(struct weir__task *list, struct weir__task *piece[PIECE], size_t *count)
{
    *count = 0;
    while (list != NULL && *count < PIECE) {
        bool is_fixed = list->state == WEIR__TASK_YIELDED;
        if (is_fixed && *count > 0)
            break;
        piece[(*count)++] = list;
        list = list->next_ready;
        if (is_fixed)
            break;
    }
    return list;
}

void weir__shuffle_ready(struct weir__loop *loop)
{
    struct weir__task *piece[PIECE], *rest = loop->first_ready, **end = &loop->first_ready;
    size_t count;

    loop->last_ready->next_ready = NULL;
    while (rest != NULL) {
        rest = collect(rest, piece, &count);
        for (size_t i = count; i > 1; i--)
            swap(&piece[i - 1], &piece[weir__random_below(&loop->order, i)]);
        for (size_t i = 0; i < count; i++) {
            *end = loop->last_ready = piece[i];
            end = &piece[i]->next_ready;
        }
    }
    *end = NULL;
}

struct weir__list *weir__shuffle_timer(struct weir__loop *loop, struct weir__list *expired)
{
    int64_t first_ns = weir__container_of(expired->next, struct weir__timer, node)->expires_ns;
    struct weir__list *chosen = expired->next;
    uint64_t seen = 0;

    weir__list_each (node, expired)
        if (weir__container_of(node, struct weir__timer, node)->expires_ns == first_ns &&
            weir__random_below(&loop->order, ++seen) == 0)
            chosen = node;
    weir__list_remove(chosen);
    return chosen;
}
