/* SPDX-License-Identifier: MIT */
/* Doubly linked lists whose links live inside their members, so that linking never allocates.
 *
 * Threading: no locks; a list belongs to one thread.
 *
 * A node that is in no list is linked to itself: removing it again is harmless, and weir__list_is_empty() of
 * a node says whether it is in a list. So nodes must be initialised before use.
 */
#ifndef WEIR_BASE_LIST_H
#define WEIR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct weir__list {
    struct weir__list *next;
    struct weir__list *prev;
};

#define weir__container_of(ptr, type, member)                                                                \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member) + 0 * sizeof((ptr) == &((type *)0)->member)))

/* Each node of a list. pos must not be removed in the body; weir__list_each_safe() allows that, for pos only.
 */
#define weir__list_each(pos, head) for (struct weir__list *pos = (head)->next; pos != (head); pos = pos->next)

#define weir__list_each_safe(pos, head)                                                                      \
    for (struct weir__list *pos = (head)->next, *pos##_next = pos->next; pos != (head);                      \
         pos = pos##_next, pos##_next = pos->next)

static inline void weir__list_init(struct weir__list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool weir__list_is_empty(const struct weir__list *l)
{
    return l->next == l;
}

/* Puts node, which must be in no list, before at. */
static inline void weir__list_insert_before(struct weir__list *at, struct weir__list *node)
{
    node->next = at;
    node->prev = at->prev;
    at->prev->next = node;
    at->prev = node;
}

static inline void weir__list_push_back(struct weir__list *head, struct weir__list *node)
{
    weir__list_insert_before(head, node);
}

static inline void weir__list_push_front(struct weir__list *head, struct weir__list *node)
{
    weir__list_insert_before(head->next, node);
}

/* Takes out a node that is not used again, or only when initialised anew. */
static inline void weir__list_drop(struct weir__list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
}

static inline void weir__list_remove(struct weir__list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    weir__list_init(node);
}

/* Returns: NULL if the list is empty. */
static inline struct weir__list *weir__list_pop_front(struct weir__list *head)
{
    struct weir__list *node = head->next;

    if (node == head)
        return NULL;
    weir__list_remove(node);
    return node;
}

/* Moves all members of from, in order, behind those of to; from is empty afterwards. */
static inline void weir__list_move_all(struct weir__list *to, struct weir__list *from)
{
    if (weir__list_is_empty(from))
        return;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    weir__list_init(from);
}

#endif
