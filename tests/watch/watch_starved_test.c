/* SPDX-License-Identifier: MIT */
/* The watch on loops that are held through no fault of a task: starved, throttled. */
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support/child.h"
#include "watch/watch_rig.h"

enum { BUSY_THREADS = 8 };

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

/* In a control group of its own, where this machine lets us make one. off_cpu_test reads the accounts of a
 * group, too. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_does_not_get_the_cpu_is_starved),
        cmocka_unit_test(who_has_used_up_its_quota_is_throttled),
    };

#if defined(__SANITIZE_THREAD__)
    printf("1..1\nok 1 # SKIP under TSan: its threads change what is measured\n");
    if (getenv("WEIR_TEST_ALL") == NULL)
        return 0;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
