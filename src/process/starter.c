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
    weir__wake(weir__container_of(message, struct weir__start_work, done)->task, 0);
}

bool weir__start_commit(struct weir__start_work *work)
{
    int state = AWAITED;

    return atomic_compare_exchange_strong(&work->state, &state, COMMITTED);
}

static void work_on(struct weir__start_work *work, char *stack)
{
    int state = AWAITED;

    if (atomic_load(&work->state) == AWAITED)
        work->run(work, stack);
    if (atomic_compare_exchange_strong(&work->state, &state, DONE) || state == COMMITTED)
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

static int put(struct weir__starter *s, struct weir__start_work *work)
{
    struct weir__task *self = weir__task_current();
    int err = 0;

    work->task = self;
    work->loop = self->loop;
    work->done.deliver = task_goes_on;
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

/* Work that is committed, or done, ends the wait. */
static void leave(struct weir__task *task)
{
    struct weir__start_work *work = task->wait_arg;
    int state = AWAITED;

    if (take_back(task->loop->runtime->starter, work)) {
        work->drop(work);
        weir__wake_cancelled(task);
    } else if (atomic_compare_exchange_strong(&work->state, &state, LEFT)) {
        weir__wake_cancelled(task);
    }
}

int weir__starter_do(struct weir__starter *s, struct weir__start_work *work)
{
    int err = put(s, work);

    if (err < 0) {
        work->drop(work);
        return err;
    }
    return weir__park(&starting, leave, work);
}

void weir__starter_do_surely(struct weir__starter *s, struct weir__start_work *work)
{
    if (put(s, work) == 0)
        (void)weir__park(&starting, NULL, work);
}
