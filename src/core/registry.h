/* SPDX-License-Identifier: MIT */
/* Things that come and go while a runtime runs and that are looked up by other threads: clients, …
 * They belong to the layers above; the core knows of each only its type.
 *
 * Threading: any thread, between weir__registry_enter() and weir__registry_leave().
 */
#ifndef WEIR__CORE_REGISTRY_H
#define WEIR__CORE_REGISTRY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct weir__registry {
    pthread_mutex_t lock;
    struct weir__list entries; /* of all types, oldest first */
};

/* Told apart by its address. */
struct weir__registry_type {
    const char *name; /* for people */
};

/* Part of the thing that is registered. */
struct weir__registered {
    struct weir__list node;
    const struct weir__registry_type *type;
};

static inline void weir__registry_init(struct weir__registry *r)
{
    (void)pthread_mutex_init(&r->lock, NULL);
    weir__list_init(&r->entries);
}

static inline void weir__registry_destroy(struct weir__registry *r)
{
    (void)pthread_mutex_destroy(&r->lock);
}

static inline void weir__registry_enter(struct weir__registry *r)
{
    (void)pthread_mutex_lock(&r->lock);
}

/* Returns: false when another thread is within. */
static inline bool weir__registry_try_enter(struct weir__registry *r)
{
    return pthread_mutex_trylock(&r->lock) == 0;
}

static inline void weir__registry_leave(struct weir__registry *r)
{
    (void)pthread_mutex_unlock(&r->lock);
}

/* Ends one of the uses of an entry, counted by *users, which the registry's lock guards; the last one removes
 * it. Not within. Returns: whether that was the last. */
static inline bool weir__registry_drop(struct weir__registry *r, struct weir__registered *entry, int *users)
{
    bool last;

    weir__registry_enter(r);
    last = --*users == 0;
    if (last)
        weir__list_remove(&entry->node);
    weir__registry_leave(r);
    return last;
}

/* --- within --- */

static inline void weir__registry_add(struct weir__registry *r, struct weir__registered *entry,
                                      const struct weir__registry_type *type)
{
    entry->type = type;
    weir__list_push_back(&r->entries, &entry->node);
}

static inline void weir__registry_remove(struct weir__registered *entry)
{
    weir__list_remove(&entry->node);
}

/* The first entry of a type behind a node. NULL: there is none. */
static inline struct weir__registered *weir__registry_next(const struct weir__registry *r,
                                                           const struct weir__list *node,
                                                           const struct weir__registry_type *type)
{
    for (struct weir__list *next = node->next; next != &r->entries; next = next->next) {
        struct weir__registered *entry = weir__container_of(next, struct weir__registered, node);
        if (entry->type == type)
            return entry;
    }
    return NULL;
}

/* Each entry of a type. The body must not remove it. */
#define weir__registry_each(entry, registry, type)                                                           \
    for (struct weir__registered *entry = weir__registry_next((registry), &(registry)->entries, (type));     \
         entry != NULL; entry = weir__registry_next((registry), &entry->node, (type)))

/* --- not within --- */

/* Adds an entry, unless it is there: its node is empty or in the list. */
static inline void weir__registry_show(struct weir__registry *r, struct weir__registered *entry,
                                       const struct weir__registry_type *type)
{
    weir__registry_enter(r);
    if (weir__list_is_empty(&entry->node))
        weir__registry_add(r, entry, type);
    weir__registry_leave(r);
}

static inline void weir__registry_hide(struct weir__registry *r, struct weir__registered *entry)
{
    weir__registry_enter(r);
    weir__registry_remove(entry);
    weir__registry_leave(r);
}

#endif
