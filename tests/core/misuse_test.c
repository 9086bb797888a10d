/* SPDX-License-Identifier: MIT */
/* Mistakes with scopes, tasks, and what tasks wait for: each ends the program with a sentence that names the
 * public function and what to write instead. Each runs in a child process. */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "support/mistake.h"
#include "support/run.h"

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* --- from another thread --- */

static void on_thread(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, fn, arg) == 0)
        pthread_join(thread, NULL);
}

static void *set_event(void *event)
{
    weir_event_set(event);
    return NULL;
}

static int event_of_a_thread(void *arg)
{
    weir_event event;

    (void)arg;
    weir_event_init(&event);
    on_thread(set_event, &event);
    return 0;
}

static void *release_semaphore(void *semaphore)
{
    weir_semaphore_release(semaphore);
    return NULL;
}

static int semaphore_of_a_thread(void *arg)
{
    weir_semaphore semaphore;

    (void)arg;
    weir_semaphore_init(&semaphore, 1);
    on_thread(release_semaphore, &semaphore);
    return 0;
}

static void *cancel_scope(void *scope)
{
    weir_scope_cancel(scope);
    return NULL;
}

static int scope_of_a_thread(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    on_thread(cancel_scope, &scope);
    return weir_scope_close(&scope);
}

static void *spawn_in(void *scope)
{
    (void)weir_spawn(scope, "foreign", nothing, NULL);
    return NULL;
}

static int spawn_of_a_thread(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    on_thread(spawn_in, &scope);
    return weir_scope_close(&scope);
}

static void *end_channel(void *channel)
{
    weir_channel_end(channel);
    return NULL;
}

static int channel_of_a_thread(void *arg)
{
    weir_channel *channel;

    (void)arg;
    if (weir_channel_open(1, 1, &channel) == 0)
        on_thread(end_channel, channel);
    return 0;
}

static void *sleep_there(void *arg)
{
    (void)weir_sleep(weir_ms(1));
    return arg;
}

static int sleep_of_a_thread(void *arg)
{
    on_thread(sleep_there, arg);
    return 0;
}

static void *random_there(void *arg)
{
    (void)weir_random_u64();
    return arg;
}

static int random_of_a_thread(void *arg)
{
    on_thread(random_there, arg);
    return 0;
}

static void calls_from_another_thread_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = event_of_a_thread,
         .said = {"error weir_event_set() from another thread, on an event of loop 0: ", "weir_post()"},
         .is_real = true},
        {.fn = semaphore_of_a_thread,
         .said = {"weir_semaphore_release() from another thread"},
         .is_real = true},
        {.fn = scope_of_a_thread,
         .said = {"weir_scope_cancel() from another thread, on a scope"},
         .is_real = true},
        {.fn = spawn_of_a_thread, .said = {"weir_spawn() outside a task", "weir_post()"}, .is_real = true},
        {.fn = channel_of_a_thread,
         .said = {"weir_channel_end() from another thread, on a channel"},
         .is_real = true},
        {.fn = sleep_of_a_thread, .said = {"weir_sleep() outside a task", "weir_run()"}, .is_real = true},
        {.fn = random_of_a_thread, .said = {"weir_random_u64() outside a task"}, .is_real = true},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

/* --- from another loop --- */

static int set_there(void *event)
{
    weir_event_set(event);
    return 0;
}

static int event_of_a_loop(void *arg)
{
    weir_event event;

    (void)arg;
    weir_event_init(&event);
    return weir_loop_call(1, "setter", set_there, &event);
}

static int wait_there(void *event)
{
    return weir_event_wait(event);
}

static int wait_of_a_loop(void *arg)
{
    weir_event event;

    (void)arg;
    weir_event_init(&event);
    return weir_loop_call(1, "waiter", wait_there, &event);
}

static int spawn_there(void *scope)
{
    return weir_spawn(scope, "stranger", nothing, NULL);
}

static int spawn_of_a_loop(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    if (weir_loop_call(1, "spawner", spawn_there, &scope) < 0)
        weir_scope_cancel(&scope);
    return weir_scope_close(&scope);
}

static int lock_there(void *mutex)
{
    return weir_mutex_lock(mutex);
}

static int mutex_of_a_loop(void *arg)
{
    weir_mutex mutex;

    (void)arg;
    weir_mutex_init(&mutex);
    return weir_loop_call(1, "locker", lock_there, &mutex);
}

static int select_there(void *channel)
{
    char item;
    weir_case c = weir_on_receive(channel, &item);

    return weir_select(&c, 1, NULL);
}

static int select_of_a_loop(void *arg)
{
    weir_channel *channel;

    (void)arg;
    return weir_channel_open(1, 1, &channel) < 0 ? 0 : weir_loop_call(1, "selector", select_there, channel);
}

static int no_such_loop(void *arg)
{
    (void)arg;
    return weir_loop_call(7, "lost", nothing, NULL);
}

static void objects_of_another_loop_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = event_of_a_loop,
         .said = {"weir_event_set() from loop 1, on an event of loop 0: ", "weir_post()", "task=setter"},
         .loops = 2},
        {.fn = wait_of_a_loop, .said = {"weir_event_wait() from loop 1", "task=waiter"}, .loops = 2},
        {.fn = spawn_of_a_loop,
         .said = {"weir_spawn() from loop 1, on a scope of loop 0", "task=spawner"},
         .loops = 2},
        {.fn = mutex_of_a_loop, .said = {"weir_mutex_lock() from loop 1, on a mutex of loop 0"}, .loops = 2},
        {.fn = select_of_a_loop, .said = {"weir_select() from loop 1, on a channel of loop 0"}, .loops = 2},
        {.fn = no_such_loop,
         .said = {"weir_loop_call() of a loop that does not exist: ", "weir_loop_count()"}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

/* --- in a job --- */

static int sleep_in_job(weir_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return weir_sleep(weir_ms(1));
}

static int sleep_of_a_job(void *arg)
{
    return weir_offload(weir_pool_blocking(), "sleepy", sleep_in_job, arg);
}

static int set_in_job(weir_job *job, void *event)
{
    (void)job;
    weir_event_set(event);
    return 0;
}

static int event_of_a_job(void *arg)
{
    weir_event event;

    (void)arg;
    weir_event_init(&event);
    return weir_offload(weir_pool_blocking(), "setter", set_in_job, &event);
}

static void task_functions_in_a_job_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = sleep_of_a_job,
         .said = {"weir_sleep() in a job: a job does not wait on a loop"},
         .is_real = true},
        {.fn = sleep_of_a_job, .said = {"weir_sleep() in a job: a job does not wait on a loop"}},
        {.fn = event_of_a_job,
         .said = {"weir_event_set() in a job, on an event of loop 0: ", "weir_mailbox"},
         .is_real = true},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

/* --- scopes --- */

static int spawn_into_closed(void *arg)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_scope_close(&scope);
    return weir_spawn(&scope, "late", nothing, arg);
}

static int spawn_into_unopened(void *arg)
{
    weir_scope scope;

    memset(&scope, 0x5a, sizeof scope);
    return weir_spawn(&scope, "early", nothing, arg);
}

static int cancel_closed(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_scope_close(&scope);
    weir_scope_cancel(&scope);
    return 0;
}

static int close_twice(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_scope_close(&scope);
    return weir_scope_close(&scope);
}

static int open_twice(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    weir_scope_open(&scope, weir_never(), 0);
    return 0;
}

static int close_outer_first(void *arg)
{
    weir_scope outer, inner;

    (void)arg;
    weir_scope_open(&outer, weir_never(), 0);
    weir_scope_open(&inner, weir_never(), 0);
    return weir_scope_close(&outer);
}

static int close_given(void *scope)
{
    return weir_scope_close(scope);
}

static int close_by_another(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "thief", close_given, &scope);
    return weir_scope_close(&scope);
}

static int leave_open(void *arg)
{
    weir_scope scope;

    (void)arg;
    weir_scope_open(&scope, weir_never(), 0);
    return 0;
}

static int spawn_one_that_leaves_open(void *arg)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "careless", leave_open, arg);
    return weir_scope_close(&scope);
}

#if defined(__SANITIZE_THREAD__) /* its own calls overwrite the frame in which the scope lay */
#define OPENED_AT "opened_at="
#else
#define OPENED_AT "leave_open"
#endif

static void mistakes_with_scopes_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = spawn_into_closed,
         .said = {"weir_spawn() on a scope that is closed, or was never made", "task=main"}},
        {.fn = spawn_into_unopened, .said = {"weir_spawn() on a scope that is closed, or was never made"}},
        {.fn = cancel_closed, .said = {"weir_scope_cancel() on a scope that is closed"}},
        {.fn = close_twice, .said = {"weir_scope_close() on a scope that is closed"}},
        {.fn = open_twice,
         .said = {"weir_scope_open() on a scope that is open already: ", "opened_at=", "open_twice"}},
        {.fn = close_outer_first,
         .said = {"weir_scope_close() of a scope while a scope that was opened inside it is open: ",
                  "opened_at=", "close_outer_first"}},
        {.fn = close_by_another,
         .said = {"weir_scope_close() by another task than the one that opened the scope: ",
                  "weir_scope_cancel()", "task=thief"}},
        {.fn = leave_open,
         .said = {"weir_scope_close() was not called: a task returned with a scope open: ",
                  "weir_scope_auto()", OPENED_AT}},
        {.fn = spawn_one_that_leaves_open,
         .said = {"weir_scope_close() was not called: a task returned", "task=careless",
                  "spawn_one_that_leaves_open"}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

/* --- what tasks wait for --- */

static int event_not_made(void *arg)
{
    weir_event event;

    (void)arg;
    memset(&event, 0, sizeof event);
    return weir_event_wait(&event);
}

static int wait_for_event(void *event)
{
    return weir_event_wait(event);
}

static int event_made_again(void *arg)
{
    weir_scope scope;
    weir_event event;

    (void)arg;
    weir_event_init(&event);
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "waiter", wait_for_event, &event);
    (void)weir_yield();
    weir_event_init(&event);
    weir_scope_cancel(&scope);
    return weir_scope_close(&scope);
}

static int acquire(void *semaphore)
{
    return weir_semaphore_acquire(semaphore);
}

static int semaphore_gone(void *arg)
{
    weir_scope scope;
    weir_semaphore semaphore;

    (void)arg;
    weir_semaphore_init(&semaphore, 0);
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "first", acquire, &semaphore);
    (void)weir_spawn(&scope, "second", acquire, &semaphore);
    (void)weir_yield();
    memset(&semaphore, 0, sizeof semaphore); /* as when other variables use the place */
    semaphore.waiters.head[0] = semaphore.waiters.head[1] = &semaphore;
    weir_scope_cancel(&scope);
    return weir_scope_close(&scope);
}

static int lock_twice(void *arg)
{
    weir_mutex mutex;

    (void)arg;
    weir_mutex_init(&mutex);
    return weir_mutex_lock(&mutex) < 0 ? 0 : weir_mutex_lock(&mutex);
}

static int unlock_free(void *arg)
{
    weir_mutex mutex;

    (void)arg;
    weir_mutex_init(&mutex);
    weir_mutex_unlock(&mutex);
    return 0;
}

static int unlock_given(void *mutex)
{
    weir_mutex_unlock(mutex);
    return 0;
}

static int unlock_by_another(void *arg)
{
    weir_scope scope;
    weir_mutex mutex;

    (void)arg;
    weir_mutex_init(&mutex);
    if (weir_mutex_lock(&mutex) < 0)
        return 0;
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "thief", unlock_given, &mutex);
    return weir_scope_close(&scope);
}

static int receive(void *channel)
{
    char item;

    return weir_channel_receive(channel, &item);
}

static int close_awaited_channel(void *arg)
{
    weir_scope scope;
    weir_channel *channel;

    (void)arg;
    if (weir_channel_open(1, 1, &channel) < 0)
        return 0;
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "receiver", receive, channel);
    (void)weir_yield();
    weir_channel_close(channel);
    return weir_scope_close(&scope);
}

static int select_nothing(void *arg)
{
    weir_case c = {0};

    (void)arg;
    return weir_select(&c, 1, NULL);
}

static void mistakes_with_what_tasks_wait_for_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = event_not_made, .said = {"weir_event_wait() on an event that is closed, or was never made"}},
        {.fn = event_made_again,
         .said = {"weir_event_wait() in task \"waiter\": what it waits for was initialised again, or its "
                  "storage has "
                  "ended"}},
        {.fn = semaphore_gone, .said = {"weir_semaphore_acquire() in task \"first\": "}},
        {.fn = lock_twice, .said = {"weir_mutex_lock() on a mutex that this task holds already: "}},
        {.fn = unlock_free, .said = {"weir_mutex_unlock() on a mutex that is not locked: "}},
        {.fn = unlock_by_another,
         .said = {"weir_mutex_unlock() on a mutex that another task holds: ", "task=thief"}},
        {.fn = close_awaited_channel,
         .said = {"weir_channel_close() on a channel that a task waits for: ", "weir_channel_end()"}},
        {.fn = select_nothing, .said = {"weir_select() with a case of no type: "}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

/* --- signals --- */

static int wait_for_signal(void *signals)
{
    return weir_signals_wait(signals);
}

static int two_wait_for_signals(void *arg)
{
    const int numbers[] = {SIGUSR1};
    weir_signals signals;
    weir_scope scope;

    (void)arg;
    if (weir_signals_open(&signals, numbers, 1) < 0)
        return 0;
    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "first", wait_for_signal, &signals);
    (void)weir_spawn(&scope, "second", wait_for_signal, &signals);
    return weir_scope_close(&scope);
}

static int signals_closed(void *arg)
{
    const int numbers[] = {SIGUSR1};
    weir_signals signals;

    (void)arg;
    if (weir_signals_open(&signals, numbers, 1) < 0)
        return 0;
    weir_signals_close(&signals);
    return weir_signals_wait(&signals);
}

static void mistakes_with_signals_are_caught(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = two_wait_for_signals,
         .said = {"weir_signals_wait() while another task waits for the same signals: ", "task=second"}},
        {.fn = signals_closed,
         .said = {"weir_signals_wait() on a weir_signals that is closed, or was never made"}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof *mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_from_another_thread_are_caught),
        cmocka_unit_test(objects_of_another_loop_are_caught),
        cmocka_unit_test(task_functions_in_a_job_are_caught),
        cmocka_unit_test(mistakes_with_scopes_are_caught),
        cmocka_unit_test(mistakes_with_what_tasks_wait_for_are_caught),
        cmocka_unit_test(mistakes_with_signals_are_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
