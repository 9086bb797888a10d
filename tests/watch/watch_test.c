/* SPDX-License-Identifier: MIT */
/* The watch on loops that are held, in each way there is. Whoever holds a loop does so until the watch has
 * said so. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/task.h"
#include "core/account/activity.h"
#include "support/child.h"
#include "support/run.h"

enum { BUSY_THREADS = 8, TEXT_BYTES = 4096 };

/* What the hook saw, and what it does to let the task go. */
struct rig {
    atomic_int seen[WEIR_STALL_KINDS]; /* of each kind */
    atomic_int all;
    atomic_bool stop;
    int pipe[2]; /* a byte comes when a stall was seen that is blocked */
    int written; /* bytes the hook has written */
    /* the latest of a kind that is awaited, as text, written before it is counted */
    enum weir_stall_kind awaited;
    char stack[TEXT_BYTES], task[64], route[64], scope[128], hint[256], spawned[64];
    bool ongoing, has_route;
    int64_t held_ns;
    int loop;
    weir_runtime *runtime;
};

static void remember(struct rig *r, const weir_stall *s)
{
    r->stack[0] = '\0';
    for (size_t i = 0; i < s->frame_count; i++)
        snprintf(r->stack + strlen(r->stack), sizeof r->stack - strlen(r->stack), "%s;",
                 s->frames[i].function);
    snprintf(r->task, sizeof r->task, "%s", s->task);
    r->has_route = s->route != NULL;
    snprintf(r->route, sizeof r->route, "%s", r->has_route ? s->route : "");
    snprintf(r->scope, sizeof r->scope, "%s", s->scope);
    snprintf(r->hint, sizeof r->hint, "%s", s->hint != NULL ? s->hint : "");
    snprintf(r->spawned, sizeof r->spawned, "%s",
             s->spawned_at.function != NULL ? s->spawned_at.function : "");
    r->ongoing = s->ongoing;
    r->held_ns = s->held.ns;
    r->loop = s->loop;
}

static void on_stall(void *arg, const weir_stall *s)
{
    struct rig *r = arg;

    if (s->kind == r->awaited && strncmp(s->task, "holder", 6) == 0 && atomic_load(&r->seen[s->kind]) == 0) {
        remember(r, s);
        if (s->kind == WEIR_STALL_BLOCKED && write(r->pipe[1], "x", 1) == 1)
            r->written++;
        atomic_fetch_add(&r->seen[s->kind], 1);
    }
    atomic_fetch_add(&r->all, 1);
}

static void run_on(enum weir_io io, struct rig *r, int loops, int (*fn)(void *arg))
{
    weir_options options = {.io = io, .loops = loops, .on_stall = on_stall, .on_stall_arg = r};

    assert_int_equal(pipe2(r->pipe, O_CLOEXEC), 0);
    assert_int_equal(weir_run(&options, fn, r), 0);
    close(r->pipe[0]);
    close(r->pipe[1]);
}

/* On the kernel's interfaces; the simulated one has no watch. */
static void run_watched(enum weir_stall_kind awaited, int loops, int (*fn)(void *arg))
{
    static const enum weir_io all[] = {WEIR_IO_URING, WEIR_IO_EPOLL};

    for (size_t i = 0; i < 2; i++) {
        struct rig r = {.awaited = awaited};
        if (io_is_here(all[i]))
            run_on(all[i], &r, loops, fn);
    }
}

static int spawn_and_wait(int (*fn)(void *arg), void *arg)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), 0);
    (void)weir_spawn(&scope, "holder", fn, arg);
    return weir_scope_close(&scope);
}

/* --- computing --- */

static volatile unsigned sink;

/* On a busy machine who computes is starved first of all. Where we may, this thread goes before the others;
 * else it asks for slices that are long enough for a verdict. */
static void be_urgent(bool urgent)
{
    const struct sched_param first = {.sched_priority = urgent ? 1 : 0};
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t slice_ns, deadline_ns, period_ns;
    } attr = {.size = sizeof attr,
              .slice_ns = urgent ? 100000000 : 0}; /* the most there is, or as it comes */

    if (sched_setscheduler(0, urgent ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER, &first) < 0)
        (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

/* It lets go now and then, and tries again, for as long as may be. */
__attribute__((noinline)) static void compute_until_told(struct rig *r)
{
    weir_instant until = weir_after(weir_seconds(20));

    while (atomic_load(&r->seen[r->awaited]) == 0 && weir_now().ns < until.ns) {
        int told = atomic_load(&r->all);
        while (atomic_load(&r->all) == told)
            for (int i = 0; i < 1000; i++)
                sink = sink * 7 + 1;
        (void)weir_yield();
    }
}

static int computes(void *arg)
{
    struct weir__activity activity = {.route = "/report/{id}"};

    weir_task_set_name("holder of %s", "this");
    weir__task_set_activity(weir__task_current(), &activity);
    compute_until_told(arg);
    weir__task_set_activity(weir__task_current(), NULL);
    return 0;
}

static bool too_busy; /* for anybody to compute for long */

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
    assert_string_equal(r->hint, "weir_offload(weir_pool_compute(), \"compute_until_told\", …)");
    assert_non_null(strstr(r->stack, "compute_until_told;computes;weir__task_main;"));
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

__attribute__((noinline)) static int read_until_told(struct rig *r)
{
    char byte;
    int n = (int)read(r->pipe[0], &byte, 1);

    return n == 1 ? 0 : -errno;
}

static int reads(void *arg)
{
    int err = read_until_told(arg);

    sink++; /* so that this function has a frame */
    return err;
}

static int sees_blocked(void *arg)
{
    struct rig *r = arg;

    assert_int_equal(spawn_and_wait(reads, r), 0); /* not -EINTR */
    assert_string_equal(r->task, "holder");
    assert_false(r->has_route);
    assert_non_null(strstr(r->stack, "read_until_told;reads;weir__task_main;"));
    assert_non_null(strstr(r->hint, "instead of read: weir_read()"));
    assert_true(r->ongoing);
    return 0;
}

static void who_is_blocked_is_named_and_not_disturbed(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_BLOCKED, 1, sees_blocked);
}

/* Calls that a signal would end, whatever its flags. */
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

    while (atomic_load(&r->all) < 3) /* all three are one slice: one stall, unless it is held up before */
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

    if (s->kind != WEIR_STALL_BLOCKED)
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
    sink += (unsigned)read_until_told(timer->rig);
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
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose wrappers stand between */
    assert_non_null(strstr(r.stack, "read_until_told;blocks_in_a_timer;"));
    assert_non_null(strstr(r.stack, "fire_timers;weir__loop_turn_until;"));
    assert_non_null(strstr(r.stack, ";main;"));
#endif
}

/* --- several loops --- */

struct both {
    int pipe[2][2];
    atomic_int told[2];
};

/* Neither is let go before both are seen. */
static void on_both(void *arg, const weir_stall *s)
{
    struct both *b = arg;

    if (s->kind != WEIR_STALL_BLOCKED || strcmp(s->task, "holder") != 0)
        return;
    atomic_fetch_add(&b->told[s->loop], 1);
    if (atomic_load(&b->told[0]) == 1 && atomic_load(&b->told[1]) == 1)
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
        assert_int_equal(atomic_load(&b.told[i]), 1);
        close(b.pipe[i][0]);
        close(b.pipe[i][1]);
    }
}

/* --- not its fault --- */

static atomic_bool busy_stop;

static void *busy(void *arg)
{
    (void)arg;
    for (volatile unsigned own = 1; !atomic_load_explicit(&busy_stop, memory_order_relaxed);)
        own = own * 7 + 1;
    return NULL;
}

static int is_starved(void *arg)
{
    pthread_t threads[BUSY_THREADS];
    cpu_set_t before, one;
    struct rig *r = arg;
    int cpu = sched_getcpu();

    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0); /* the others inherit it */
    atomic_store(&busy_stop, false);
    for (int i = 0; i < BUSY_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, busy, NULL), 0);
    assert_int_equal(spawn_and_wait(computes, r), 0);
    atomic_store(&busy_stop, true);
    for (int i = 0; i < BUSY_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(atomic_load(&r->seen[WEIR_STALL_BLOCKED]), 0);
    return 0;
}

static void who_does_not_get_the_cpu_is_starved(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_STARVED, 1, is_starved);
}

static int put(const char *folder, const char *file, const char *text)
{
    char path[160];
    int fd, n;

    snprintf(path, sizeof path, "%s/%s", folder, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    n = (int)write(fd, text, strlen(text));
    close(fd);
    return n;
}

static int just_computes(void *arg)
{
    return spawn_and_wait(computes, arg);
}

static int runs_throttled(void *arg)
{
    struct rig r = {.awaited = WEIR_STALL_THROTTLED};
    weir_options options = {.io = WEIR_IO_EPOLL, .on_stall = on_stall, .on_stall_arg = &r};

    if (put(arg, "cgroup.procs", "0") < 0)
        return 77;
    return weir_run(&options, just_computes, &r);
}

/* In a group of its own, where this machine lets us make one; the books are read elsewhere, too:
 * off_cpu_test. */
static void who_has_used_up_its_quota_is_throttled(void **state)
{
    static const char *const parents[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct",
                                          "/sys/fs/cgroup"};
    char folder[128], said[1024];
    int status;

    (void)state;
    for (size_t i = 0;; i++) {
        if (i == sizeof parents / sizeof *parents)
            skip();
        snprintf(folder, sizeof folder, "%s/weir-watch-test-%d", parents[i], (int)getpid());
        if (mkdir(folder, 0755) < 0)
            continue;
        if (put(folder, "cpu.max", "10000 100000") > 0 ||
            (put(folder, "cpu.cfs_period_us", "100000") > 0 && put(folder, "cpu.cfs_quota_us", "10000") > 0))
            break;
        rmdir(folder);
    }
    status = run_in_child(runs_throttled, folder, said, sizeof said);
    assert_int_equal(rmdir(folder), 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

/* --- loops that sleep for long, and loops that do nothing but switch --- */

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

/* --- looking at what was found --- */

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

    if (s->kind != WEIR_STALL_BLOCKED)
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
    if (t->kind == WEIR_STALL_BLOCKED)
        f->blocked += t->count;
    return 0;
}

/* On a thread of its own, while the loop is stuck. */
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
    assert_int_equal(weir_stalls_total(r->runtime, add_up, &f), 0);
    assert_int_equal(f.blocked, 1);
    return 0;
}

static void what_was_found_can_be_read_while_a_loop_is_stuck(void **state)
{
    (void)state;
    run_watched(WEIR_STALL_STARVED, 1, is_looked_at); /* the hook keeps out of it */
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
    assert_non_null(strstr(said, "read_until_told watch_test.c:"));
    assert_non_null(strstr(said, "hint="));
}

/* --- options, and the signal --- */

static int blocks_for_a_while(void *arg)
{
    struct timespec t = {.tv_nsec = 50000000};

    (void)arg;
    return nanosleep(&t, NULL);
}

static void it_can_be_turned_off(void **state)
{
    struct rig r = {0};
    weir_options options = {
        .io = WEIR_IO_EPOLL, .stall_after = weir_ms(-1), .on_stall = on_stall, .on_stall_arg = &r};

    (void)state;
    assert_int_equal(weir_run(&options, blocks_for_a_while, &r), 0);
    assert_int_equal(atomic_load(&r.all), 0);
    options.stall_then = (enum weir_stall_then)2;
    assert_int_equal(weir_run(&options, blocks_for_a_while, &r), -EINVAL);
}

static int sees_none_before_its_time(void *arg)
{
    struct rig *r = arg;

    assert_int_equal(blocks_for_a_while(r), 0);
    assert_int_equal(weir_sleep(weir_ms(30)), 0);
    return 0;
}

static void the_threshold_is_the_programs(void **state)
{
    struct rig r = {0};
    weir_options options = {
        .io = WEIR_IO_EPOLL, .stall_after = weir_seconds(20), .on_stall = on_stall, .on_stall_arg = &r};

    (void)state;
    assert_int_equal(weir_run(&options, sees_none_before_its_time, &r), 0);
    assert_int_equal(atomic_load(&r.all), 0);
}

static atomic_int others;

static void other(int number)
{
    (void)number;
    atomic_fetch_add(&others, 1);
}

static int raises(void *arg)
{
    assert_int_equal(raise(SIGURG), 0);
    return sees_blocked(arg);
}

static void a_signal_that_is_not_its_own_goes_to_whose_it_is(void **state)
{
    struct sigaction action = {.sa_handler = other}, before, after;

    (void)state;
    assert_int_equal(sigaction(SIGURG, &action, &before), 0);
    atomic_store(&others, 0);
    run_watched(WEIR_STALL_BLOCKED, 1, raises);
    assert_int_equal(sigaction(SIGURG, &before, &after), 0);
    assert_ptr_equal(after.sa_handler, other);
    assert_true(atomic_load(&others) >= 1);
}

int main(void)
{
#if defined(__SANITIZE_THREAD__)
    printf("1..1\nok 1 # SKIP under TSan: its threads change what is measured\n");
    if (getenv("WEIR_TEST_ALL") == NULL)
        return 0;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_computes_is_named_while_it_does),
        cmocka_unit_test(who_is_blocked_is_named_and_not_disturbed),
        cmocka_unit_test(no_call_is_ended_by_being_looked_at),
        cmocka_unit_test(a_callback_that_blocks_is_the_loops_own),
        cmocka_unit_test(each_loop_is_watched),
        cmocka_unit_test(who_does_not_get_the_cpu_is_starved),
        cmocka_unit_test(who_has_used_up_its_quota_is_throttled),
        cmocka_unit_test(the_watch_wakes_with_the_loop),
        cmocka_unit_test(a_stall_among_short_slices_is_found),
        cmocka_unit_test(what_was_found_can_be_read_while_a_loop_is_stuck),
        cmocka_unit_test(a_stall_in_the_last_slice_is_found),
        cmocka_unit_test(a_stall_may_end_the_program),
        cmocka_unit_test(it_can_be_turned_off),
        cmocka_unit_test(the_threshold_is_the_programs),
        cmocka_unit_test(a_signal_that_is_not_its_own_goes_to_whose_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
