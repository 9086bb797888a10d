/* SPDX-License-Identifier: MIT */
/* weir_serve(): a program that is a server, with loops and signals of its own.
 *
 * A thread waits for signals, not a task: a loop may be held just then. The thread has each loop drain. When
 * the time to drain is over, or a second signal has come, it ends the process, whatever still runs: a handler
 * that computes for ever, a job that ignores its cancel.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/guard.h>
#include <weir/log.h>
#include <weir/pool.h>

#include "base/clock.h"
#include "core/log/log.h"
#include "core/runtime.h"
#include "core/signal.h"
#include "core/task.h"
#include "http/server/server.h"
#include "http/server/unfinished.h"

/* How long exchanges that are cancelled may take to end, after the drain and after a second signal; and how
 * long it may take to write the log. */
enum { AFTER_DRAIN_MS = 1000, AT_ONCE_MS = 500, WRITING_MS = 1000 };

struct service {
    const weir_server_options *options;
    const weir_route *routes;
    size_t route_count;
    weir_runtime *runtime;
    struct weir__loop *main_loop;
    struct weir__message cancel; /* to the main loop */
    weir_scope serving;          /* ends the opening of the server, or the wait for its end */
    bool closed;                 /* serving is; for the main loop alone */
    pthread_mutex_t lock;        /* guards the server */
    weir_server *server;         /* NULL: it is not open */
    pthread_t thread;
    atomic_bool over;
    int asked;      /* the number of signals to end that have come */
    bool termed;    /* SIGTERM has */
    int64_t end_ns; /* the process ends then, whatever still runs */
};

__attribute__((noreturn)) static void end_process(struct service *s)
{
    static struct weir__unfinished unfinished;

    if (weir__unfinished_find(s->runtime, &unfinished))
        weir_log(WEIR_LOG_WARN, "ended with work left", WEIR_KV_INT("left", unfinished.count),
                 WEIR_KV("what", unfinished.text));
    else
        weir_log(WEIR_LOG_WARN, "ended with work left");
    (void)weir_log_flush(weir_ms(WRITING_MS));
    _exit(0);
}

/* --- signals --- */

static void cancel_serving(struct weir__message *message)
{
    struct service *s = weir__container_of(message, struct service, cancel);

    if (!s->closed)
        weir__scope_cancel(weir__scope_of(&s->serving), -WEIR_ECANCELED);
}

static void tell(struct service *s, void (*fn)(weir_server *server))
{
    (void)pthread_mutex_lock(&s->lock);
    if (s->server != NULL)
        fn(s->server);
    (void)pthread_mutex_unlock(&s->lock);
}

static void ask_to_end(struct service *s, int64_t now_ns)
{
    int64_t drain_ns = s->options->drain.ns != 0 ? s->options->drain.ns : weir_seconds(WEIR__DRAIN_S).ns;

    if (s->asked++ == 0) {
        s->end_ns =
            now_ns + (drain_ns < INT64_MAX / 4 ? drain_ns : INT64_MAX / 4) + weir_ms(AFTER_DRAIN_MS).ns;
        tell(s, weir_server_drain); /* the main loop may be held */
        weir__loop_post(s->main_loop, &s->cancel);
    } else if (s->asked == 2) {
        if (!s->options->sigterm_once) /* else its supervisor says so */
            weir_log(WEIR_LOG_INFO, "ending at once");
        s->end_ns = now_ns + weir_ms(AT_ONCE_MS).ns;
        tell(s, weir_server_stop);
    } else {
        s->end_ns = now_ns;
    }
}

static void handle_signal(struct service *s, int number)
{
    char text[32];

    if (number == SIGTERM && s->options->sigterm_once && s->termed)
        return;
    s->termed = s->termed || number == SIGTERM; /* of two signals at once, SIGINT comes first */
    if (number == SIGTERM || number == SIGINT || (number == SIGHUP && s->options->on_signal == NULL)) {
        ask_to_end(s, weir__clock_monotonic_ns());
    } else if (s->options->on_signal != NULL) {
        s->options->on_signal(s->options->arg, number);
    } else {
        (void)snprintf(text, sizeof text, "SIG%s is not used", sigabbrev_np(number));
        weir_log(WEIR_LOG_INFO, text);
    }
}

static void *wait_for_signals(void *arg)
{
    struct service *s = arg;
    struct weir__log_here log = weir__log_enter(&s->runtime->logger, 0);

    (void)pthread_setname_np(pthread_self(), "signals");
    while (!atomic_load(&s->over)) {
        int number = weir__thread_signals_wait(s->end_ns);
        if (number != 0)
            handle_signal(s, number);
        else if (!atomic_load(&s->over) && weir__clock_monotonic_ns() >= s->end_ns)
            end_process(s);
    }
    weir__log_leave(&log);
    return NULL;
}

static bool is_default(int number)
{
    struct sigaction now;

    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL;
}

static int begin_signals(const weir_server_options *o)
{
    static const int others[] = {SIGHUP, SIGUSR1, SIGUSR2};
    int numbers[2 + sizeof others / sizeof *others] = {SIGTERM, SIGINT};
    size_t count = 2;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (o->on_signal != NULL || is_default(others[i]))
            numbers[count++] = others[i];
    return weir__thread_signals_begin(numbers, count);
}

static int start_thread(struct service *s)
{
    sigset_t all, before;
    int err = begin_signals(s->options);

    if (err < 0)
        return err;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = -pthread_create(&s->thread, NULL, wait_for_signals, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err < 0)
        weir__thread_signals_end();
    return err;
}

static void end_thread(struct service *s)
{
    weir_guard_allow once;

    atomic_store(&s->over, true);
    weir__thread_signals_nudge();
    weir_guard_allow_begin(&once, "pthread_join"); /* the thread ends at once */
    (void)pthread_join(s->thread, NULL);
    weir_guard_allow_end(&once);
    weir__thread_signals_end();
}

/* --- the service --- */

static void set_server(struct service *s, weir_server *server)
{
    (void)pthread_mutex_lock(&s->lock);
    s->server = server;
    (void)pthread_mutex_unlock(&s->lock);
}

/* A second signal may come while the server is being closed. */
static int run_server(struct service *s, const weir_server_options *options)
{
    weir_server *server;
    int err = weir_server_open(options, s->routes, s->route_count, &server);

    if (err < 0)
        return err;
    set_server(s, server);
    err = weir_server_wait(server);
    weir_server_drain(server);
    weir__server_await(server);
    set_server(s, NULL);
    weir_server_close(server);
    return err;
}

/* Lets the program complete a copy of the options: the thread for signals reads the others. */
static int run_prepared(struct service *s)
{
    weir_server_options options = *s->options;
    int err = options.prepare != NULL ? options.prepare(options.arg, &options) : 0;

    if (err < 0)
        return err;
    err = run_server(s, &options);
    if (options.finish != NULL)
        options.finish(options.arg);
    return err;
}

static int serve(void *arg)
{
    struct service *s = arg;
    int err;

    s->runtime = weir_runtime_here();
    s->main_loop = weir__task_current()->loop;
    weir_scope_open(&s->serving, weir_never(), 0);
    err = start_thread(s);
    if (err == 0) {
        err = run_prepared(s);
        end_thread(s);
    }
    (void)weir_scope_close(&s->serving);
    s->closed = true;
    return err == -WEIR_ECANCELED ? 0 : err;
}

int weir_serve(const weir_server_options *options, const weir_route *routes, size_t route_count)
{
    struct service s = {.options = options,
                        .routes = routes,
                        .route_count = route_count,
                        .cancel.deliver = cancel_serving,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .end_ns = INT64_MAX};
    weir_options runtime = options->runtime;

    runtime.loops = runtime.loops != 0 ? runtime.loops : weir_cpu_count();
    return weir_run(&runtime, serve, &s);
}
