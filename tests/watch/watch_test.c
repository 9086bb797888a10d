/* SPDX-License-Identifier: MIT */
/* The watch on loops that a task or callback holds. The holder goes on until the watch has reported it. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "core/loop.h"
#include "support/child.h"
#include "watch/watch_rig.h"

/* --- computing --- */

/* Lets this thread go before others if that is permitted, else asks for slices that are long enough for a
 * verdict: on a busy machine a task that computes is starved first of all. */
static void be_urgent(bool urgent)
{
    const struct sched_param first = {.sched_priority = urgent ? 1 : 0};
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t slice_ns, deadline_ns, period_ns;
    } attr = {.size = sizeof attr, .slice_ns = urgent ? 100000000 : 0}; /* the maximum, or the default */

    if (sched_setscheduler(0, urgent ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER, &first) < 0)
        (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

static bool too_busy; /* no thread computes for long */

static int sees_computing(void *arg)
{
    struct rig *r = arg;

    be_urgent(true);
    assert_int_equal(spawn_and_wait(computes, r), 0);
    be_urgent(false);
    if (atomic_load(&r->seen[WEIR_STALL_COMPUTING]) == 0) {
        too_busy = true;
        return 0;
    }
    assert_string_equal(r->task, "holder of this");
    assert_string_equal(r->route, "/report/{id}");
    assert_string_equal(r->scope, "main > holder of this");
    assert_string_equal(r->spawned, "spawn_and_wait");
    assert_string_equal(r->hint, "weir_offload(weir_pool_compute(), \"compute_until_seen\", …)");
    assert_non_null(strstr(r->stack, "compute_until_seen;computes;weir__task_main;"));
    assert_true(r->ongoing);
    assert_true(r->held_ns >= weir_ms(10).ns);
    assert_int_equal(r->loop, 0);
    return 0;
}

static void who_computes_is_named_while_it_does(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_COMPUTING, 1, sees_computing);
    if (too_busy) {
        print_message("# the machine is so busy that nobody computes for long\n");
        skip();
    }
}

/* --- blocked --- */

static void who_is_blocked_is_named_and_not_disturbed(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_BLOCKED, 1, sees_blocked);
}

/* Makes calls that a signal would end, whatever its flags. */
static int sleeps(void *arg)
{
    struct rig *r = arg;
    struct timespec t = {.tv_nsec = 60000000}, left;
    struct pollfd none = {.fd = r->pipe[0], .events = POLLPRI};
    int sockets[2];
    struct timeval most = {.tv_usec = 60000};
    char byte;

    assert_int_equal(nanosleep(&t, &left), 0);
    assert_int_equal(poll(&none, 1, 60), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    assert_int_equal(setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most), 0);
    assert_int_equal(recv(sockets[0], &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
    close(sockets[0]);
    close(sockets[1]);
    return 0;
}

static int sleeps_undisturbed(void *arg)
{
    struct rig *r = arg;

    while (atomic_load(&r->all) <
           3) /* the three calls are one slice: one stall, unless it is held up before */
        assert_int_equal(spawn_and_wait(sleeps, r), 0);
    return 0;
}

static void no_call_is_ended_by_being_looked_at(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_BLOCKED, 1, sleeps_undisturbed);
}

/* --- the loop itself --- */

struct timer {
    struct weir__timeout timeout;
    struct rig *rig;
    bool fired;
};

static void on_loop_stall(void *arg, const weir_stall *s)
{
    struct rig *r = arg;

    if (s->type != WEIR_STALL_BLOCKED)
        return;
    remember(r, s);
    if (write(r->pipe[1], "x", 1) == 1)
        r->written++;
    atomic_fetch_add(&r->all, 1);
}

static void blocks_in_a_timer(struct weir__timeout *timeout)
{
    struct timer *timer = weir__container_of(timeout, struct timer, timeout);

    timer->fired = true;
    sink += (unsigned)read_until_seen(timer->rig);
}

static int sets_timer(void *arg)
{
    struct timer timer = {.rig = arg};

    weir__timeout_init(&timer.timeout, blocks_in_a_timer);
    weir__timeout_set(weir__loop_current(), &timer.timeout, weir_now().ns);
    while (!timer.fired)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    return 0;
}

static void a_callback_that_blocks_is_the_loops_own(void **state)
{
    struct rig r = {.awaited = WEIR_STALL_BLOCKED};
    weir_options options = {.io = WEIR_IO_EPOLL, .on_stall = on_loop_stall, .on_stall_arg = &r};

    (void)state;
    assert_int_equal(pipe2(r.pipe, O_CLOEXEC), 0);
    assert_int_equal(weir_run(&options, sets_timer, &r), 0);
    close(r.pipe[0]);
    close(r.pipe[1]);
    assert_string_equal(r.task, "the loop itself");
    assert_string_equal(r.scope, "");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* sanitizers put wrappers between */
    assert_non_null(strstr(r.stack, "read_until_seen;blocks_in_a_timer;"));
    assert_non_null(strstr(r.stack, "fire_timers;weir__loop_turn_until;"));
    assert_non_null(strstr(r.stack, ";main;"));
#endif
}

/* --- several loops --- */

struct both {
    int pipe[2][2];
    atomic_int seen[2];
};

/* Lets both go when both have been seen. */
static void on_both(void *arg, const weir_stall *s)
{
    struct both *b = arg;

    if (s->type != WEIR_STALL_BLOCKED || strcmp(s->task, "holder") != 0)
        return;
    atomic_fetch_add(&b->seen[s->loop], 1);
    if (atomic_load(&b->seen[0]) == 1 && atomic_load(&b->seen[1]) == 1)
        for (int i = 0; i < 2; i++)
            sink += (unsigned)write(b->pipe[i][1], "x", 1);
}

static int reads_on_its_loop(void *arg)
{
    struct both *b = arg;
    char byte;

    return read(b->pipe[weir_loop_index()][0], &byte, 1) == 1 ? 0 : -errno;
}

static int reads_over_there(void *arg)
{
    return weir_loop_call(1, "holder", reads_on_its_loop, arg);
}

static int blocks_both(void *arg)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "caller", reads_over_there, arg);
    (void)weir_yield();
    (void)weir_spawn(&scope, "holder", reads_on_its_loop, arg);
    return weir_scope_close(&scope);
}

static void each_loop_is_watched(void **state)
{
    struct both b = {0};
    weir_options options = {.io = WEIR_IO_EPOLL, .loops = 2, .on_stall = on_both, .on_stall_arg = &b};

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pipe2(b.pipe[i], O_CLOEXEC), 0);
    assert_int_equal(weir_run(&options, blocks_both, &b), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(atomic_load(&b.seen[i]), 1);
        close(b.pipe[i][0]);
        close(b.pipe[i][1]);
    }
}

/* --- loops that sleep for long, loops that only switch --- */

static int is_quiet_first(void *arg)
{
    assert_int_equal(weir_sleep(weir_ms(400)), 0); /* so that the watch has gone to sleep, too */
    return sees_blocked(arg);
}

static void the_watch_wakes_with_the_loop(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_BLOCKED, 1, is_quiet_first);
}

static int switches(void *arg)
{
    while (!atomic_load((atomic_bool *)arg))
        (void)weir_yield();
    return 0;
}

static int blocks_among_switches(void *arg)
{
    weir_scope scope;
    atomic_bool stop = false;
    int err;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < 10; i++)
        (void)weir_spawn(&scope, "switcher", switches, &stop);
    for (int i = 0; i < 20000; i++)
        (void)weir_yield();
    err = sees_blocked(arg);
    atomic_store(&stop, true);
    assert_int_equal(weir_scope_close(&scope), 0);
    return err;
}

static void a_stall_among_short_slices_is_found(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_BLOCKED, 1, blocks_among_switches);
}

/* --- reading what was found --- */

struct found {
    int places, totals;
    uint64_t blocked;
    bool ongoing;
    int64_t held_ns;
    char task[32];
};

static int look(void *arg, const weir_stall *s)
{
    struct found *f = arg;

    if (s->type != WEIR_STALL_BLOCKED)
        return 0;
    f->places++;
    f->ongoing = s->ongoing;
    f->held_ns = s->held.ns;
    snprintf(f->task, sizeof f->task, "%s", s->task);
    return 0;
}

static int add_up(void *arg, const weir_stall_total *t)
{
    struct found *f = arg;

    f->totals++;
    if (t->type == WEIR_STALL_BLOCKED)
        f->blocked += t->count;
    return 0;
}

/* Runs on a thread of its own, while the loop is stuck. */
static void *looks(void *arg)
{
    struct rig *r = arg;
    struct found f = {0};

    while (f.places == 0)
        assert_int_equal(weir_stalls_each(r->runtime, look, &f), 0);
    assert_true(f.ongoing);
    assert_string_equal(f.task, "holder");
    assert_int_equal(write(r->pipe[1], "x", 1), 1);
    return NULL;
}

static int is_looked_at(void *arg)
{
    struct rig *r = arg;
    struct found f = {0};
    pthread_t thread;

    r->runtime = weir_runtime_here();
    assert_int_equal(pthread_create(&thread, NULL, looks, r), 0);
    assert_int_equal(spawn_and_wait(reads, r), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    do { /* until the watch has seen that it is over */
        memset(&f, 0, sizeof f);
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
        assert_int_equal(weir_stalls_each(r->runtime, look, &f), 0);
    } while (f.ongoing);
    assert_int_equal(f.places, 1);
    assert_true(f.held_ns >= weir_ms(10).ns);
    assert_int_equal(weir_stall_totals_each(r->runtime, add_up, &f), 0);
    assert_int_equal(f.blocked, 1);
    return 0;
}

static void what_was_found_can_be_read_while_a_loop_is_stuck(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_STARVED, 1, is_looked_at); /* so the hook does nothing */
}

/* --- the end --- */

static int computes_to_the_end(void *arg)
{
    struct rig *r = arg;

    while (atomic_load(&r->all) == 0)
        sink = sink * 7 + 1;
    return 0;
}

static void a_stall_in_the_last_slice_is_found(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_COMPUTING, 1, computes_to_the_end);
}

static int aborts(void *arg)
{
    weir_options options = {.io = WEIR_IO_EPOLL, .stall_then = WEIR_STALL_ABORT};
    struct rig r = {.pipe = {-1, -1}};

    (void)arg;
    if (pipe2(r.pipe, O_CLOEXEC) < 0)
        return 1;
    return weir_run(&options, reads, &r);
}

static void a_stall_may_end_the_program(void **state)
{
    char said[TEXT_BYTES];
    int status = run_in_child(aborts, NULL, said, sizeof said);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "by task \"main\" (blocked)"));
    assert_non_null(strstr(said, "read_until_seen watch_rig.h:"));
    assert_non_null(strstr(said, "hint="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_computes_is_named_while_it_does),
        cmocka_unit_test(who_is_blocked_is_named_and_not_disturbed),
        cmocka_unit_test(no_call_is_ended_by_being_looked_at),
        cmocka_unit_test(a_callback_that_blocks_is_the_loops_own),
        cmocka_unit_test(each_loop_is_watched),
        cmocka_unit_test(the_watch_wakes_with_the_loop),
        cmocka_unit_test(a_stall_among_short_slices_is_found),
        cmocka_unit_test(what_was_found_can_be_read_while_a_loop_is_stuck),
        cmocka_unit_test(a_stall_in_the_last_slice_is_found),
        cmocka_unit_test(a_stall_may_end_the_program),
    };

#if defined(__SANITIZE_THREAD__)
    printf("1..1\nok 1 # SKIP under TSan: its threads change what is measured\n");
    if (getenv("WEIR_TEST_ALL") == NULL)
        return 0;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
