/* SPDX-License-Identifier: MIT */
/* The scheduler's books on a thread: real ones, and files that say what they like. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/account/off_cpu.h"

static char folder[] = "/tmp/weir-off-cpu-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[8][256];
    static unsigned next;
    char *p = path[next++ % 8];

    (void)snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mkdir(path_of("a"), 0700), 0);
    assert_int_equal(mkdir(path_of("a/b"), 0700), 0);
    assert_int_equal(mkdir(path_of("cpu,cpuacct"), 0700), 0);
    assert_int_equal(mkdir(path_of("cpu,cpuacct/old"), 0700), 0);
    return 0;
}

static int remove_folder(void **state)
{
    char command[300];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : -1;
}

static void open_files(struct weir__off_cpu *o, const char *cgroups)
{
    struct weir__off_cpu_files files = {path_of("schedstat"), path_of("cgroup"), folder};

    put("schedstat", "1000000 2000000 3\n");
    put("cgroup", cgroups);
    weir__off_cpu_open_files(o, &files);
}

static void expect(struct weir__off_cpu *o, uint64_t starved_ns, uint64_t throttled_ns)
{
    struct weir__off_cpu_time since = weir__off_cpu_look(o);

    assert_int_equal(since.starved_ns, starved_ns);
    assert_int_equal(since.throttled_ns, throttled_ns);
}

static void the_delay_is_what_came_since_the_last_look(void **state)
{
    struct weir__off_cpu o;

    (void)state;
    open_files(&o, "");
    assert_int_equal(o.levels, 0);
    expect(&o, 0, 0);
    put("schedstat", "9000000 7000000 4\n");
    expect(&o, 5000000, 0);
    expect(&o, 0, 0);
    put("schedstat", "rubbish");
    expect(&o, 0, 0);
    weir__off_cpu_close(&o);
}

static void throttling_is_read_from_the_cgroup_and_those_above(void **state)
{
    struct weir__off_cpu o;

    (void)state;
    put("cpu.stat", "usage_usec 5\n"); /* the root has no quota */
    put("a/cpu.stat", "usage_usec 5\nnr_throttled 1\nthrottled_usec 1000\n");
    put("a/b/cpu.stat", "usage_usec 5\nthrottled_usec 0\n");
    open_files(&o, "12:memory:/x\n0::/a/b\n");
    assert_int_equal(o.levels, 2);
    put("schedstat", "1 12000000 1\n");
    put("a/cpu.stat", "throttled_usec 5000\n");
    expect(&o, 6000000, 4000000);
    put("schedstat", "1 15000000 1\n"); /* it is of all threads: no more than this one's delay */
    put("a/cpu.stat", "throttled_usec 500000\n");
    expect(&o, 0, 3000000);
    put("schedstat", "1 15300000 1\n"); /* too little to look */
    put("a/cpu.stat", "throttled_usec 500300\n");
    expect(&o, 300000, 0);
    weir__off_cpu_close(&o);
}

static void old_cgroups_have_controllers(void **state)
{
    struct weir__off_cpu o;

    (void)state;
    put("cpu,cpuacct/old/cpu.stat", "nr_throttled 3\nthrottled_time 7\n");
    open_files(&o, "3:cpuset:/old\n2:cpu,cpuacct:/old\n1:cpuacct:/old\n");
    assert_int_equal(o.levels, 1);
    put("schedstat", "1 3000000 1\n");
    put("cpu,cpuacct/old/cpu.stat", "throttled_time 600007\n");
    expect(&o, 400000, 600000);
    weir__off_cpu_close(&o);
}

static void without_books_there_is_nothing(void **state)
{
    struct weir__off_cpu_files files = {path_of("no"), path_of("such"), path_of("place")};
    struct weir__off_cpu o;

    (void)state;
    weir__off_cpu_open_files(&o, &files);
    expect(&o, 0, 0);
    weir__off_cpu_close(&o);
}

/* --- a thread that shares its CPU with another --- */

static atomic_bool stop;

static void *hog(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop))
        ;
    return NULL;
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void waiting_for_the_cpu_is_seen(void **state)
{
    struct weir__off_cpu o;
    struct weir__off_cpu_time since;
    cpu_set_t before, one;
    pthread_t thread;
    int64_t wall_ns, cpu_ns;
    int cpu = sched_getcpu();

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET((unsigned)cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(pthread_create(&thread, NULL, hog, NULL), 0); /* inherits the CPU */
    weir__off_cpu_open(&o, gettid());
    wall_ns = now_ns(CLOCK_MONOTONIC);
    cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    /* Until the other has had a good part of it. */
    while (now_ns(CLOCK_MONOTONIC) - wall_ns - (now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns) < 20000000)
        continue;
    since = weir__off_cpu_look(&o);
    wall_ns = now_ns(CLOCK_MONOTONIC) - wall_ns;
    atomic_store(&stop, true);
    (void)pthread_join(thread, NULL);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    if (o.delay_ns == 0 && since.throttled_ns == 0) {
        print_message("no books are kept here\n");
        weir__off_cpu_close(&o);
        skip();
    }
    assert_true(since.starved_ns + since.throttled_ns >= 10000000);
    assert_true(since.starved_ns + since.throttled_ns <= (uint64_t)wall_ns);
    weir__off_cpu_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_delay_is_what_came_since_the_last_look),
        cmocka_unit_test(throttling_is_read_from_the_cgroup_and_those_above),
        cmocka_unit_test(old_cgroups_have_controllers),
        cmocka_unit_test(without_books_there_is_nothing),
        cmocka_unit_test(waiting_for_the_cpu_is_seen),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
