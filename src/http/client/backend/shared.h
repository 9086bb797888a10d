/* SPDX-License-Identifier: MIT */
/* A backend of a runtime: what its loops have in common, found by its name; its options; and its members, one
 * for each loop that has it open.
 *
 * Threading: common has its own rules (common.h). Options are immutable. The rest is under the lock, which is
 * held for moments.
 */
#ifndef WEIR__BACKEND_SHARED_H
#define WEIR__BACKEND_SHARED_H

#include "core/lock.h"
#include "core/loop.h"
#include "core/registry.h"
#include "core/shared.h"
#include "http/client/backend/common_block.h"
#include "http/client/backend/settings.h"

struct weir_runtime;

/* What a code of an instance means, in words. They are this process's; the code may come from another one. */
struct weir__backend_words {
    atomic_int of; /* the code */
    _Atomic(const char *) text;
};

struct weir__backend_shared {
    struct weir__registered registered; /* in runtime->shared, whose lock guards it and users */
    struct weir__registered seen;       /* in runtime->registry, for statistics */
    int users;
    struct weir__backend_settings settings;
    struct weir__lock lock;
    struct weir__list members;           /* struct weir__backend_member */
    struct weir__backend_member *keeper; /* whose loop does what is done once for all; NULL: none */
    weir_shared *memory;                 /* common lies there; NULL: in the memory of this runtime */
    int process;                         /* the number of this one in the counts of common */
    struct weir__backend_common *common;
    bool listens; /* to the other processes */
    weir_shared_listener listener;
    uint64_t seen_version; /* of the table, by the listener */
    /* What common says in codes, by the number of the instance. */
    struct weir__backend_words error_words[WEIR__INSTANCES_MAX], check_words[WEIR__INSTANCES_MAX];
};

/* Guards the table of instances, for moments: against the other loops, and against other processes. */
static inline void weir__backend_lock(struct weir__backend_shared *s)
{
    if (s->memory == NULL)
        weir__lock_enter(&s->lock);
    else
        weir__backend_common_enter(s->memory, s->common);
}

/* The same for what can be left for later. Returns: false: a process that is stopped has the lock. */
static inline bool WEIR_CHECKED weir__backend_try_lock(struct weir__backend_shared *s)
{
    if (s->memory != NULL)
        return weir__backend_common_try_enter(s->memory, s->common);
    weir__lock_enter(&s->lock);
    return true;
}

static inline void weir__backend_unlock(struct weir__backend_shared *s)
{
    if (s->memory == NULL)
        weir__lock_leave(&s->lock);
    else
        weir__shared_leave(s->memory);
}

static inline void weir__backend_word(struct weir__backend_words *words, int code, const char *text)
{
    atomic_store_explicit(&words->text, text, memory_order_relaxed);
    atomic_store_explicit(&words->of, code, memory_order_relaxed);
}

/* Returns: NULL: the code says it all, or it is another process's. */
static inline const char *weir__backend_words_of(const struct weir__backend_words *words, int code)
{
    struct weir__backend_words *seen = (struct weir__backend_words *)(uintptr_t)words;

    return atomic_load_explicit(&seen->of, memory_order_relaxed) == code
               ? atomic_load_explicit(&seen->text, memory_order_relaxed)
               : NULL;
}

static inline int weir__backend_number(const struct weir__backend_shared *s,
                                       const struct weir__instance *instance)
{
    return (int)(instance - s->common->instances);
}

/* A loop's part of it. */
struct weir__backend_member {
    struct weir__backend_shared *shared;
    struct weir__backend_common *common; /* of shared, and process: at hand for each request */
    int process;
    struct weir__loop *loop;
    struct weir__attempts attempts;
    struct weir__list node; /* this and notified are under the lock */
    bool notified;          /* the message is under way */
    struct weir__message message;
    /* The table of instances has changed, or the member has become the keeper. On its loop's own stack. */
    void (*heed)(struct weir__backend_member *m);
};

/* Finds the backend of this name, or makes it, and joins.
 * Returns: 0; -WEIR_ECONFIG it has other options; -EINVAL, a URL; -ENOMEM; -ENOSPC, -EAGAIN of shared memory.
 */
int weir__backend_join(struct weir__backend_member *m, struct weir__loop *loop,
                       const weir_backend_options *options) WEIR_CHECKED;

/* Leaves; the last one frees it. Returns: false: the message is under way; try again in the next turn. */
bool weir__backend_leave_shared(struct weir__backend_member *m) __attribute__((warn_unused_result));

/* Makes the member the keeper, if there is none. Returns: whether it is now, and was not. */
bool weir__backend_claim(struct weir__backend_member *m);

/* Ends that. pass_on: another member is to become the keeper, of this or another process. */
void weir__backend_disclaim(struct weir__backend_member *m, bool pass_on);

/* Sets the addresses of a URL, and tells the members when that changes the table. */
void weir__backend_set_addresses(struct weir__backend_shared *s, int url,
                                 const char (*addresses)[WEIR__INSTANCE_ADDRESS_BYTES], int count,
                                 int64_t now_ns);

/* Calls fn for each backend of a runtime; see weir_backend_each(). */
void weir__backend_shared_each(struct weir_runtime *runtime,
                               void (*fn)(void *arg, struct weir__backend_shared *s), void *arg);

#endif
