/* SPDX-License-Identifier: MIT */
/* Published state. A reader on a loop announces nothing: between two waits of its task the loop delivers no
 * message, so a message that has been around all loops has found each of them between tasks. A worker
 * announces the epoch in which its job first reads, until the job is over. A publisher swaps the pointer,
 * begins an epoch, sends the message around, and waits for the workers that have announced an earlier one and
 * for the holders of the version.
 *
 * (Quiescent states as in RCU: McKenney and Slingwine, 1998; epochs: Fraser, 2004.)
 */
#include "pool/published.h"

#include <errno.h>
#include <stdlib.h>

#include "pool/pool.h"
#include "core/misuse.h"
#include "core/runtime.h"
#include "core/task.h"
#include "core/wait.h"

struct weir_published_version {
    void *value;
    atomic_int holders;
};

void weir__publishers_init(struct weir__publishers *publishers)
{
    (void)pthread_mutex_init(&publishers->lock, NULL);
    weir__list_init(&publishers->waiting);
    atomic_init(&publishers->epoch, 1); /* 0: no reader */
    atomic_init(&publishers->count, 0);
}

void weir__publishers_free(struct weir__publishers *publishers)
{
    (void)pthread_mutex_destroy(&publishers->lock);
}

/* --- reading --- */

/* Ends the program. */
__attribute__((noreturn, cold, noinline)) static void not_there(const char *function)
{
    weir__misuse(
        function, "on published state that was freed, or never initialised",
        "call weir_published_init() before it is first read, and weir_published_free() when no task or job "
        "reads it any more");
}

static inline struct weir_published_version *load(const weir_published *p, const char *function)
{
    struct weir__worker *worker = weir__worker_here;
    struct weir_published_version *version;

    if (worker == NULL) {
        if (__builtin_expect(weir__loop_current() == NULL, 0))
            weir__misuse(
                function, "from another thread",
                "read it in a task or in a job; a version does not wait for readers on other threads");
        version = __atomic_load_n(&p->current, __ATOMIC_ACQUIRE);
        if (__builtin_expect(version == NULL, 0))
            not_there(function);
        return version;
    }
    /* Announced before it is read, in this order for all threads; once for each job, which may keep all it
     * reads. */
    if (atomic_load_explicit(&worker->reads_since, memory_order_relaxed) == 0)
        atomic_store(&worker->reads_since, atomic_load(&worker->pool->runtime->publishers->epoch));
    version = __atomic_load_n(&p->current, __ATOMIC_SEQ_CST);
    if (__builtin_expect(version == NULL, 0))
        not_there(function);
    return version;
}

const void *weir_published_get(const weir_published *p)
{
    return load(p, __func__)->value;
}

/* --- readers that go --- */

/* A publisher; lies on the task's stack. */
struct publisher {
    struct weir__list node;
    struct weir__message message;
    struct weir__task *task;
    bool is_posted; /* under the lock: the message is on its way */
};

static void post_all(struct weir__publishers *publishers)
{
    if (atomic_load(&publishers->count) == 0)
        return;
    (void)pthread_mutex_lock(&publishers->lock);
    weir__list_each (node, &publishers->waiting) {
        struct publisher *publisher = weir__container_of(node, struct publisher, node);
        if (!publisher->is_posted)
            weir__loop_post(publisher->task->loop, &publisher->message);
        publisher->is_posted = true;
    }
    (void)pthread_mutex_unlock(&publishers->lock);
}

void weir__published_job_over(struct weir__worker *worker)
{
    if (atomic_load_explicit(&worker->reads_since, memory_order_relaxed) == 0)
        return;
    atomic_store(&worker->reads_since, 0);
    post_all(worker->pool->runtime->publishers);
}

/* The version is there while it is read, and then because it is held. */
const void *weir_published_hold(weir_published *p, weir_published_held *held)
{
    struct weir_published_version *version = load(p, __func__);

    atomic_fetch_add(&version->holders, 1);
    held->version = version;
    return version->value;
}

void weir_published_release(weir_published_held *held)
{
    struct weir__publishers *publishers = weir__pool_runtime_here(__func__)->publishers;
    struct weir_published_version *version = held->version;

    if (version == NULL)
        weir__misuse(__func__, "of a version that was released already", "release each hold once");
    held->version = NULL;
    if (atomic_fetch_sub(&version->holders, 1) == 1) /* from here on the version may be gone */
        post_all(publishers);
}

/* --- waiting for readers on loops --- */

static const struct weir__wait_class readers = {"the readers of what was published before", NULL,
                                                .charge = WEIR_CHARGE_LOCK};

/* A message that visits all loops, one after the other, and comes home. */
struct round {
    struct weir__message message;
    struct weir__task *task;
    int next;
};

static void visit(struct weir__message *message)
{
    struct round *round = weir__container_of(message, struct round, message);
    struct weir__loop *home = round->task->loop;
    struct weir_runtime *r = home->runtime;

    if (round->next == home->index)
        round->next++;
    if (round->next < r->loop_count)
        weir__loop_post(&r->loops[round->next++], message);
    else if (weir__loop_current() != home)
        weir__loop_post(home, message);
    else
        weir__wake(round->task, 0);
}

/* On this loop the other tasks wait, or have not run since. */
static void pass_by_loops(struct weir__task *self)
{
    struct round round = {.message.deliver = visit, .task = self};

    if (self->loop->runtime->loop_count == 1)
        return;
    weir__loop_post(self->loop, &round.message);
    (void)weir__park(&readers, NULL, &round);
}

/* --- waiting for readers in jobs, and for holders --- */

static bool is_read_by_job(struct weir__pools *pools, uint64_t epoch)
{
    bool found = false;

    (void)pthread_mutex_lock(&pools->lock);
    for (int i = 0; i < pools->count && !found; i++)
        for (int k = 0; k < pools->pool[i]->workers_max && !found; k++) {
            uint64_t since = atomic_load(&pools->pool[i]->workers[k].reads_since);
            found = since != 0 && since < epoch;
        }
    (void)pthread_mutex_unlock(&pools->lock);
    return found;
}

/* Readers first: a reader may have become a holder before it was gone. */
static bool is_in_use(struct weir_runtime *r, struct weir_published_version *version, uint64_t epoch)
{
    return is_read_by_job(r->pools, epoch) || atomic_load(&version->holders) > 0;
}

static void reader_gone(struct weir__message *message)
{
    weir__wake(weir__container_of(message, struct publisher, message)->task, 0);
}

static void enter(struct weir__publishers *publishers, struct publisher *self)
{
    (void)pthread_mutex_lock(&publishers->lock);
    weir__list_push_back(&publishers->waiting, &self->node);
    (void)pthread_mutex_unlock(&publishers->lock);
    atomic_fetch_add(&publishers->count, 1);
}

/* From now on a reader that goes posts the message, also one that goes during the check. */
static void listen_again(struct weir__publishers *publishers, struct publisher *self)
{
    (void)pthread_mutex_lock(&publishers->lock);
    self->is_posted = false;
    (void)pthread_mutex_unlock(&publishers->lock);
}

static void leave(struct weir__publishers *publishers, struct publisher *self)
{
    atomic_fetch_sub(&publishers->count, 1);
    (void)pthread_mutex_lock(&publishers->lock);
    weir__list_remove(&self->node);
    (void)pthread_mutex_unlock(&publishers->lock);
    if (self->is_posted)
        (void)weir__park(&readers, NULL, self);
}

static void pass_by_jobs_and_holders(struct weir__task *self, struct weir_published_version *version,
                                     uint64_t epoch)
{
    struct weir_runtime *r = self->loop->runtime;
    struct publisher publisher = {.message.deliver = reader_gone, .task = self};

    if (!is_in_use(r, version, epoch))
        return;
    enter(r->publishers, &publisher);
    while (is_in_use(r, version, epoch)) {
        (void)weir__park(&readers, NULL, &publisher);
        listen_again(r->publishers, &publisher);
    }
    leave(r->publishers, &publisher);
}

/* --- publishing --- */

static struct weir_published_version *make(void *value)
{
    struct weir_published_version *version = calloc(1, sizeof *version);

    if (version != NULL)
        version->value = value;
    return version;
}

int weir_published_init(weir_published *p, void *value, void (*free_value)(void *value))
{
    struct weir_published_version *version = make(value);

    if (version == NULL)
        return -ENOMEM;
    p->free_value = free_value;
    __atomic_store_n(&p->current, version, __ATOMIC_RELEASE);
    return 0;
}

void weir_published_free(weir_published *p)
{
    struct weir_published_version *version = p->current;

    if (version == NULL)
        not_there(__func__);
    if (atomic_load(&version->holders) != 0)
        weir__misuse(__func__, "while a version of it is held",
                     "call weir_published_release() for each hold before the state is freed");
    if (p->free_value != NULL)
        p->free_value(version->value);
    free(version);
    p->current = NULL;
}

static int replace(weir_published *p, void *value, void **before, const char *function)
{
    struct weir__task *self = weir__calling_task(function);
    struct weir_published_version *version, *old;
    uint64_t epoch;
    int err = weir__wait_begin_of(self);

    if (__atomic_load_n(&p->current, __ATOMIC_RELAXED) == NULL)
        not_there(function);
    if (err < 0)
        return err;
    version = make(value);
    if (version == NULL)
        return -ENOMEM;
    old = __atomic_exchange_n(&p->current, version, __ATOMIC_SEQ_CST);
    epoch = atomic_fetch_add(&self->loop->runtime->publishers->epoch, 1) + 1;
    pass_by_loops(self);
    pass_by_jobs_and_holders(self, old, epoch);
    *before = old->value;
    free(old);
    return 0;
}

int weir_published_replace(weir_published *p, void *value, void **before)
{
    return replace(p, value, before, __func__);
}

int weir_published_set(weir_published *p, void *value)
{
    void *before;
    int err = replace(p, value, &before, __func__);

    if (err == 0 && p->free_value != NULL)
        p->free_value(before);
    return err;
}
