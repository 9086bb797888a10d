/* SPDX-License-Identifier: MIT */
#include "process/starter.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/runtime.h"
#include "core/task.h"
#include "core/wait.h"
#include "process/child.h"

enum state { AWAITED, COMMITTED, LEFT, DONE };

enum { HURRIED_EACH_MS = 10, HURRIED_MAX = 100 };

static const int64_t LIMIT_NS = INT64_C(10) * 1000000000;

/* --- the thread --- */

/* With a page below that ends a child whose stack is too small. Returns: NULL: no memory. */
static char *open_stack(void)
{
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    char *stack = mmap(NULL, guard + WEIR__CHILD_STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    if (stack == MAP_FAILED)
        return NULL;
    (void)mprotect(stack, guard, PROT_NONE);
    return stack + guard;
}

static void close_stack(char *stack)
{
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);

    if (stack != NULL)
        (void)munmap(stack - guard, guard + WEIR__CHILD_STACK_BYTES);
}

static void task_goes_on(struct weir__message *message)
{
    struct weir__start_work *work = weir__container_of(message, struct weir__start_work, done);

    weir__timeout_cancel(work->loop, &work->limit);
    weir__wake(work->task, 0);
}

bool weir__start_commit(struct weir__start_work *work)
{
    int state = AWAITED;

    return atomic_compare_exchange_strong(&work->state, &state, COMMITTED);
}

static void work_on(struct weir__start_work *work, char *stack)
{
    if (atomic_load(&work->state) == AWAITED)
        work->run(work, stack);
    if (atomic_exchange(&work->state, DONE) != LEFT)
        weir__loop_post(work->loop, &work->done);
    else
        work->drop(work);
}

static void *serve(void *arg)
{
    struct weir__starter *s = arg;
    char *stack = NULL;

    (void)pthread_setname_np(pthread_self(), "starter");
    (void)pthread_mutex_lock(&s->lock);
    while (!s->ending) {
        struct weir__list *node = weir__list_pop_front(&s->queue);

        if (node == NULL) {
            (void)pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&s->lock);
        if (stack == NULL)
            stack = open_stack();
        work_on(weir__container_of(node, struct weir__start_work, node), stack);
        (void)pthread_mutex_lock(&s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    close_stack(stack);
    return NULL;
}

void weir__starter_init(struct weir__starter *s)
{
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    weir__list_init(&s->queue);
    s->limit_ns = LIMIT_NS;
}

void weir__starter_free(struct weir__starter *s)
{
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
}

/* Under the lock. The thread gets no signal of the program. */
static int start_thread(struct weir__starter *s)
{
    sigset_t all, before;
    int err;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = -pthread_create(&s->thread, NULL, serve, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->started = err == 0;
    return err;
}

void weir__starter_stop(struct weir__starter *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->ending = true;
    (void)pthread_cond_signal(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    if (s->started)
        (void)pthread_join(s->thread, NULL);
    s->started = false;
}

/* --- waiting for it --- */

static const struct weir__wait_class starting = {"a process to start", NULL, .charge = WEIR_CHARGE_OTHER};

/* Returns: whether the work has not begun, and is the task's again. */
static bool take_back(struct weir__starter *s, struct weir__start_work *work)
{
    bool is_queued;

    (void)pthread_mutex_lock(&s->lock);
    is_queued = !weir__list_is_empty(&work->node);
    if (is_queued)
        weir__list_remove(&work->node);
    (void)pthread_mutex_unlock(&s->lock);
    return is_queued;
}

/* Leaves running work to the starter. Work that is committed may still have to come to what it can be ended
 * in. Returns: false: its end is on its way. */
static bool leave_running(struct weir__start_work *work)
{
    int state = AWAITED;

    if (atomic_compare_exchange_strong(&work->state, &state, LEFT))
        return true;
    if (state != COMMITTED)
        return false;
    if (work->hurried++ < HURRIED_MAX) {
        work->hurry(work);
        return false;
    }
    return atomic_compare_exchange_strong(&work->state, &state, LEFT);
}

/* The work may be freed as soon as it is left. */
static void give_up(struct weir__start_work *work)
{
    struct weir__task *task = work->task;
    bool is_cancelled = work->is_cancelled;

    weir__timeout_cancel(task->loop, &work->limit);
    if (take_back(task->loop->runtime->starter, work)) {
        work->drop(work);
    } else if (!leave_running(work)) {
        weir__timeout_set(task->loop, &work->limit,
                          weir__loop_now_ns(task->loop) + HURRIED_EACH_MS * INT64_C(1000000));
        return;
    }
    if (is_cancelled)
        weir__wake_cancelled(task);
    else
        weir__wake(task, -ETIMEDOUT);
}

static void it_takes_long(struct weir__timeout *limit)
{
    give_up(weir__container_of(limit, struct weir__start_work, limit));
}

static void is_cancelled(struct weir__task *task)
{
    struct weir__start_work *work = task->wait_arg;

    work->is_cancelled = true;
    give_up(work);
}

static int put(struct weir__starter *s, struct weir__start_work *work)
{
    struct weir__task *self = weir__task_current();
    int err = 0;

    work->task = self;
    work->loop = self->loop;
    work->done.deliver = task_goes_on;
    work->is_cancelled = false;
    work->hurried = 0;
    weir__timeout_init(&work->limit, it_takes_long);
    atomic_init(&work->state, AWAITED);
    (void)pthread_mutex_lock(&s->lock);
    if (!s->started)
        err = start_thread(s);
    if (err == 0)
        weir__list_push_back(&s->queue, &work->node);
    (void)pthread_mutex_unlock(&s->lock);
    if (err == 0)
        (void)pthread_cond_signal(&s->changed); /* without the lock, which the thread takes at once */
    return err;
}

int weir__starter_do(struct weir__starter *s, struct weir__start_work *work)
{
    int err = put(s, work);

    if (err < 0) {
        work->drop(work);
        return err;
    }
    weir__timeout_set(work->loop, &work->limit, weir__loop_now_ns(work->loop) + s->limit_ns);
    return weir__park(&starting, is_cancelled, work);
}

void weir__starter_do_surely(struct weir__starter *s, struct weir__start_work *work)
{
    if (put(s, work) == 0)
        (void)weir__park(&starting, NULL, work);
}
