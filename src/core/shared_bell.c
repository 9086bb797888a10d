/* SPDX-License-Identifier: MIT */
/* Waking another member of a shared memory: a word of it in the memory, which grows, and a thread of its
 * process that sleeps until it has. A word needs no path and no descriptor, and ringing one whose process is
 * stopped or dead does no harm. */
#include "core/shared.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOKS_EACH_NS = 250000000 };

struct listener {
    struct weir__list node; /* in no list once it listens no more */
    void (*fn)(void *arg);
    void *arg;
};
_Static_assert(sizeof(struct listener) <= sizeof(weir_shared_listener), "it lies there");

static struct listener *listener_of(weir_shared_listener *l)
{
    return (struct listener *)l->storage;
}

/* --- ringing --- */

/* Not private: the word is one for all processes. */
static void futex(_Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *most)
{
    (void)syscall(SYS_futex, word, operation, value, most, NULL, 0);
}

void weir_shared_ring(weir_shared *shared, int member)
{
    struct weir__shared_bell *bell = &shared->header->bells[member];

    (void)atomic_fetch_add(&bell->rung, 1);
    futex(&bell->rung, FUTEX_WAKE, INT32_MAX, NULL);
}

void weir__shared_ring_others(weir_shared *shared)
{
    int members = weir__shared_members(shared);

    for (int i = 0; i < members; i++)
        if (i != shared->member)
            weir_shared_ring(shared, i);
}

/* --- listening --- */

static void call_all(weir_shared *shared)
{
    (void)pthread_mutex_lock(&shared->calling);
    weir__list_each (node, &shared->listeners) {
        struct listener *l = weir__container_of(node, struct listener, node);
        l->fn(l->arg);
    }
    (void)pthread_mutex_unlock(&shared->calling);
}

/* The member looks also when it was not rung: what it waits for may have been given up by a process that died
 * before it could ring. */
static void *listen(void *arg)
{
    static const struct timespec most = {.tv_nsec = LOOKS_EACH_NS};
    weir_shared *shared = arg;
    struct weir__shared_bell *bell = &shared->header->bells[shared->member];

    while (!atomic_load(&shared->ends)) {
        uint32_t rung = atomic_load(&bell->rung);
        atomic_store(&bell->heard, rung); /* before it looks: what comes later rings anew */
        call_all(shared);
        futex(&bell->rung, FUTEX_WAIT, rung, &most);
    }
    return NULL;
}

static int start(weir_shared *shared)
{
    sigset_t all, before;
    int err;

    atomic_store(&shared->ends, false);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = -pthread_create(&shared->thread, NULL, listen, shared);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

static void add(weir_shared *shared, struct listener *l)
{
    (void)pthread_mutex_lock(&shared->calling);
    weir__list_push_back(&shared->listeners, &l->node);
    (void)pthread_mutex_unlock(&shared->calling);
}

/* Returns: whether it was the last. */
static bool drop(weir_shared *shared, struct listener *l)
{
    bool was_last;

    (void)pthread_mutex_lock(&shared->calling);
    weir__list_remove(&l->node);
    was_last = weir__list_is_empty(&shared->listeners);
    (void)pthread_mutex_unlock(&shared->calling);
    return was_last;
}

int weir_shared_listen(weir_shared *shared, weir_shared_listener *listener, void (*fn)(void *arg), void *arg)
{
    struct listener *l = listener_of(listener);
    bool is_first;
    int err = 0;

    l->fn = fn;
    l->arg = arg;
    weir__list_init(&l->node);
    (void)pthread_mutex_lock(&shared->managing);
    is_first = weir__list_is_empty(&shared->listeners);
    add(shared, l);
    if (is_first)
        err = start(shared);
    if (err < 0)
        (void)drop(shared, l);
    (void)pthread_mutex_unlock(&shared->managing);
    return err;
}

void weir_shared_unlisten(weir_shared *shared, weir_shared_listener *listener)
{
    (void)pthread_mutex_lock(&shared->managing);
    if (drop(shared, listener_of(listener))) {
        atomic_store(&shared->ends, true);
        weir_shared_ring(shared, shared->member);
        (void)pthread_join(shared->thread, NULL);
    }
    (void)pthread_mutex_unlock(&shared->managing);
}
