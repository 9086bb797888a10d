/* SPDX-License-Identifier: MIT */
#include "core/thread.h"

#include <signal.h>
#include <unistd.h>

#include "core/runtime.h"

__thread struct weir__thread *weir__thread_here
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

void weir__threads_init(struct weir__threads *threads, const struct weir__thread_hooks *hooks)
{
    threads->hooks = hooks;
    pthread_mutex_init(&threads->lock, NULL);
    weir__list_init(&threads->all);
}

void weir__threads_free(struct weir__threads *threads)
{
    pthread_mutex_destroy(&threads->lock);
}

static struct weir__thread_stack own_stack(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t bytes = 0;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return (struct weir__thread_stack){0};
    if (pthread_attr_getstack(&attributes, &low, &bytes) != 0)
        bytes = 0;
    pthread_attr_destroy(&attributes);
    return (struct weir__thread_stack){(uintptr_t)low, (uintptr_t)low + bytes};
}

void weir__thread_enter(struct weir__thread *thread, struct weir_runtime *runtime, struct weir__loop *loop,
                        struct weir__worker *worker)
{
    struct weir__threads *threads = runtime->threads;

    *thread = (struct weir__thread){
        .runtime = runtime, .loop = loop, .worker = worker, .tid = gettid(), .stack = own_stack()};
    weir__thread_here = thread;
    pthread_mutex_lock(&threads->lock);
    weir__list_push_back(&threads->all, &thread->node);
    threads->hooks->entered(threads, thread);
    pthread_mutex_unlock(&threads->lock);
}

void weir__thread_leave(struct weir__thread *thread)
{
    struct weir__threads *threads = thread->runtime->threads;

    pthread_mutex_lock(&threads->lock);
    threads->hooks->leaves(thread);
    weir__list_remove(&thread->node);
    pthread_mutex_unlock(&threads->lock);
    weir__thread_here = NULL;
}
