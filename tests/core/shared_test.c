/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/shared.h>

#include "base/random.h"
#include "core/shared.h"
#include "support/child.h"
#include "support/run.h"

enum { ROOM = 1 << 20, PAGE = 4096 };

static int make(size_t bytes)
{
    int fd;

    assert_int_equal(weir_shared_make(bytes, &fd), 0);
    return fd;
}

static weir_shared *join(int fd, int member)
{
    weir_shared *shared;

    assert_int_equal(weir_shared_open(fd, member, &shared), 0);
    return shared;
}

static void *block(weir_shared *shared, const char *name, size_t counts, size_t bytes)
{
    void *out;

    assert_int_equal(weir_shared_block(shared, name, counts, bytes, &out), 0);
    return out;
}

static weir_shared_count *count_named(weir_shared *shared, const char *name)
{
    return block(shared, name, 1, sizeof(weir_shared_count));
}

/* --- what is refused --- */

static void sizes_out_of_range_are_refused(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(weir_shared_make(0, &fd), -EINVAL);
    assert_int_equal(weir_shared_make(((size_t)1 << 30) + 1, &fd), -EINVAL);
}

static void a_descriptor_of_another_file_is_refused(void **state)
{
    weir_shared *shared;
    int ends[2], file = memfd_create("another", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    (void)state;
    assert_int_equal(weir_shared_open(-1, 0, &shared), -EBADF);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(weir_shared_open(ends[0], 0, &shared), -EINVAL);
    assert_int_equal(weir_shared_open(file, 0, &shared), -EINVAL);
    assert_int_equal(ftruncate(file, 64), 0);
    assert_int_equal(weir_shared_open(file, 0, &shared), -EINVAL);
    assert_int_equal(ftruncate(file, ROOM), 0);
    assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    assert_int_equal(weir_shared_open(file, 0, &shared), -EINVAL);
    close(file);
    close(ends[0]);
    close(ends[1]);
}

/* It would do, but it could shrink. */
static void memory_that_is_not_sealed_is_refused(void **state)
{
    static char copy[ROOM + PAGE];
    weir_shared *shared;
    int fd = make(ROOM), file = memfd_create("a copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ssize_t n = pread(fd, copy, sizeof copy, 0);

    (void)state;
    assert_in_range(n, ROOM, ROOM + PAGE);
    assert_int_equal(write(file, copy, (size_t)n), n);
    assert_int_equal(weir_shared_open(file, 0, &shared), -EINVAL);
    assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    assert_int_equal(weir_shared_open(file, 0, &shared), 0);
    weir_shared_close(shared);
    close(file);
    close(fd);
}

static void memory_open_for_reading_is_refused(void **state)
{
    weir_shared *shared;
    char path[32];
    int fd = make(ROOM), reading;

    (void)state;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    reading = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(reading >= 0);
    assert_int_equal(weir_shared_open(reading, 0, &shared), -EINVAL);
    close(reading);
    close(fd);
}

static void another_version_is_refused(void **state)
{
    int fd = make(ROOM);
    weir_shared *shared;
    uint32_t *words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    (void)state;
    assert_true(words != MAP_FAILED);
    for (int i = 0; i < 6; i++) { /* magic, version, the sizes of header and file */
        words[i]++;
        assert_int_equal(weir_shared_open(fd, 0, &shared), -EINVAL);
        words[i]--;
    }
    weir_shared_close(join(fd, 0));
    (void)munmap(words, PAGE);
    close(fd);
}

static void a_member_out_of_range_is_refused(void **state)
{
    int fd = make(ROOM);
    weir_shared *shared;

    (void)state;
    assert_int_equal(weir_shared_open(fd, -1, &shared), -EINVAL);
    assert_int_equal(weir_shared_open(fd, WEIR_SHARED_MEMBERS_MAX, &shared), -EINVAL);
    shared = join(fd, WEIR_SHARED_MEMBERS_MAX - 1);
    assert_int_equal(weir_shared_member(shared), WEIR_SHARED_MEMBERS_MAX - 1);
    weir_shared_close(shared);
    weir_shared_close(NULL);
    close(fd);
}

static void the_size_is_sealed(void **state)
{
    int fd = make(ROOM);

    (void)state;
    assert_int_equal(ftruncate(fd, 16), -1);
    assert_int_equal(ftruncate(fd, 1 << 22), -1);
    close(fd);
}

/* --- blocks --- */

static void a_block_is_found_again_by_name_and_size(void **state)
{
    int fd = make(ROOM);
    weir_shared *one = join(fd, 0), *two = join(fd, 1);
    char longest[WEIR_SHARED_NAME_BYTES + 1];
    char *a = block(one, "a", 0, 100), *b = block(one, "b", 1, sizeof(weir_shared_count) + 8);
    void *out;

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(a[i], 0);
    assert_int_equal((uintptr_t)a % 64, 0);
    assert_int_equal((uintptr_t)b % 64, 0);
    assert_true(b >= a + 100);
    (void)strcpy(a, "hello");
    assert_string_equal(block(two, "a", 0, 100), "hello");
    assert_ptr_equal(block(one, "a", 0, 100), a);

    assert_int_equal(weir_shared_block(two, "a", 0, 101, &out), -WEIR_ECONFIG);
    assert_int_equal(weir_shared_block(two, "b", 0, sizeof(weir_shared_count) + 8, &out), -WEIR_ECONFIG);
    assert_int_equal(weir_shared_block(two, "", 0, 1, &out), -EINVAL);
    assert_int_equal(weir_shared_block(two, "c", 2, 2 * sizeof(weir_shared_count) - 1, &out), -EINVAL);
    assert_int_equal(weir_shared_block(two, "c", SIZE_MAX, SIZE_MAX, &out), -EINVAL);
    memset(longest, 'x', sizeof longest);
    longest[WEIR_SHARED_NAME_BYTES] = '\0';
    assert_int_equal(weir_shared_block(two, longest, 0, 1, &out), -EINVAL);
    longest[WEIR_SHARED_NAME_BYTES - 1] = '\0';
    assert_ptr_not_equal(block(two, longest, 0, 1), a);
    weir_shared_close(one);
    weir_shared_close(two);
    close(fd);
}

static void no_room_is_told_and_smaller_blocks_still_fit(void **state)
{
    int fd = make(16384);
    weir_shared *shared = join(fd, 0);
    void *out;

    (void)state;
    assert_int_equal(weir_shared_block(shared, "huge", 0, 16385, &out), -ENOSPC);
    assert_int_equal(weir_shared_block(shared, "endless", 0, SIZE_MAX, &out), -ENOSPC);
    memset(block(shared, "large", 0, 12000), 'x', 12000);
    assert_int_equal(weir_shared_block(shared, "large too", 0, 12000, &out), -ENOSPC);
    memset(block(shared, "small", 0, 1), 'x', 1);
    for (int i = 0, err = 0; err != -ENOSPC; i++) { /* to the last byte */
        char name[16];
        (void)snprintf(name, sizeof name, "%d", i);
        err = weir_shared_block(shared, name, 0, 1, &out);
        assert_true(err == 0 || err == -ENOSPC);
        if (err == 0)
            memset(out, 'y', 1);
    }
    assert_int_equal(*(char *)block(shared, "small", 0, 1), 'x');
    weir_shared_close(shared);
    close(fd);
}

struct race {
    int fd;
    int member;
};

enum { RACED = 200 };

/* Finds the same blocks as its sibling, at the same time, and leaves a mark in each. */
static int find_blocks(void *arg)
{
    const struct race *race = arg;
    weir_shared *shared;
    weir_shared_count *gate;

    if (weir_shared_open(race->fd, race->member, &shared) < 0)
        return 1;
    if (weir_shared_block(shared, "gate", 1, sizeof *gate, (void **)&gate) < 0)
        return 2;
    for (int i = 0; i < RACED; i++) {
        char name[16];
        _Atomic int *mark;
        (void)snprintf(name, sizeof name, "%d", i);
        weir_shared_count_add(shared, gate, 1);
        while (weir_shared_count_of(gate, 1 - race->member) < i)
            (void)sched_yield();
        if (weir_shared_block(shared, name, 0, sizeof *mark, (void **)&mark) < 0)
            return 3;
        (void)atomic_fetch_add(mark, 1);
    }
    weir_shared_close(shared);
    return 0;
}

static void two_processes_find_the_same_block(void **state)
{
    int fd = make(ROOM), status;
    struct race race[2] = {{fd, 0}, {fd, 1}};
    weir_shared *shared = join(fd, 2);
    pid_t sibling = fork();

    (void)state;
    assert_true(sibling >= 0);
    if (sibling == 0)
        _exit(find_blocks(&race[0]));
    assert_int_equal(find_blocks(&race[1]), 0);
    assert_int_equal(waitpid(sibling, &status, 0), sibling);
    assert_int_equal(status, 0);
    for (int i = 0; i < RACED; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", i);
        assert_int_equal(*(int *)block(shared, name, 0, sizeof(int)), 2);
    }
    weir_shared_close(shared);
    close(fd);
}

/* Dies while it adds a block: the page that the block's entry begins in cannot be written to. */
static int die_while_adding(void *arg)
{
    weir_shared *shared = arg;
    uintptr_t end = (uintptr_t)block(shared, "first", 0, (size_t)3 * PAGE) + (size_t)3 * PAGE;
    void *out;

    if (mprotect((void *)(end & ~(uintptr_t)(PAGE - 1)), (size_t)2 * PAGE, PROT_READ) < 0)
        return 42;
    return weir_shared_block(shared, "second", 0, 64, &out) < 0 ? 43 : 44;
}

static void a_block_half_added_by_the_dead_is_none(void **state)
{
    int fd = make(ROOM), status;
    weir_shared *shared = join(fd, 0);
    char *first = block(shared, "first", 0, (size_t)3 * PAGE), *second, said[64];

    (void)state;
    status = run_in_child(die_while_adding, shared, said, sizeof said);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) < 42); /* a sanitizer makes an exit of it */
    second = block(shared, "second", 1, sizeof(weir_shared_count));
    assert_true(second >= first + (size_t)3 * PAGE);
    assert_ptr_equal(block(shared, "second", 1, sizeof(weir_shared_count)), second);
    (void)block(shared, "third", 0, 8);
    weir_shared_close(shared);
    close(fd);
}

/* --- counts --- */

static void a_count_is_the_sum_of_all_members(void **state)
{
    int fd = make(ROOM);
    weir_shared *one = join(fd, 0), *two = join(fd, 63);
    weir_shared_count *a = count_named(one, "n"), *b = count_named(two, "n");

    (void)state;
    assert_false(weir_shared_count_try(one, a, 0));
    assert_true(weir_shared_count_try(one, a, 2));
    assert_true(weir_shared_count_try(two, b, 2));
    assert_false(weir_shared_count_try(one, a, 2));
    assert_false(weir_shared_count_try(two, b, 2));
    assert_int_equal(weir_shared_count_sum(one, a), 2);
    weir_shared_count_add(one, a, -1);
    weir_shared_count_add(two, b, 5);
    assert_int_equal(weir_shared_count_of(a, 0), 0);
    assert_int_equal(weir_shared_count_of(a, 63), 6);
    assert_int_equal(weir_shared_count_of(a, 1), 0);
    assert_int_equal(weir_shared_count_sum(two, b), 6);
    weir_shared_close(two); /* what it has counted stays */
    assert_int_equal(weir_shared_count_sum(one, a), 6);
    weir_shared_close(one);
    close(fd);
}

static void the_expelled_gives_back_all_it_had(void **state)
{
    int fd = make(ROOM);
    weir_shared *one = join(fd, 0), *two = join(fd, 1);
    weir_shared_count *all[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", i);
        all[i] = block(two, name, 2, 2 * sizeof(weir_shared_count));
        weir_shared_count_add(two, &all[i][1], 7);
        all[i] = block(one, name, 2, 2 * sizeof(weir_shared_count));
        weir_shared_count_add(one, &all[i][0], 3);
    }
    weir_shared_expel(one, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(weir_shared_count_sum(one, &all[i][0]), 3);
        assert_int_equal(weir_shared_count_sum(one, &all[i][1]), 0);
    }
    weir_shared_close(one);
    weir_shared_close(two);
    close(fd);
}

enum { THREADS = 4, MOST = 3, TIMES = 20000 };

struct counting {
    weir_shared *shared;
    weir_shared_count *count;
    atomic_int *holders;
    int got, passed_max;
};

static void *take_and_give_back(void *arg)
{
    struct counting *c = arg;

    for (int i = 0; i < TIMES; i++) {
        if (!weir_shared_count_try(c->shared, c->count, MOST))
            continue;
        c->got++;
        c->passed_max += atomic_fetch_add(c->holders, 1) >= MOST;
        (void)atomic_fetch_sub(c->holders, 1);
        weir_shared_count_add(c->shared, c->count, -1);
    }
    return NULL;
}

/* Two threads of each of two members, as the loops of two processes are. */
static void the_maximum_is_never_passed(void **state)
{
    int fd = make(ROOM);
    weir_shared *members[2] = {join(fd, 0), join(fd, 1)};
    atomic_int holders = 0;
    struct counting counting[THREADS];
    pthread_t threads[THREADS];
    int got = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        counting[i] = (struct counting){.shared = members[i / 2], .holders = &holders};
        counting[i].count = count_named(counting[i].shared, "n");
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give_back, &counting[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(counting[i].passed_max, 0);
        got += counting[i].got;
    }
    assert_true(got > 0);
    assert_int_equal(weir_shared_count_sum(members[0], counting[0].count), 0);
    weir_shared_close(members[0]);
    weir_shared_close(members[1]);
    close(fd);
}

/* --- as the guide has it --- */

/* [shared] */
struct visitors { /* a block: its counts come first */
    weir_shared_count inside;
    _Atomic uint64_t ever;
};

static int find_visitors(weir_shared *shared, struct visitors **out)
{
    return weir_shared_block(shared, "visitors", 1, sizeof **out, (void **)out);
}

static bool enter(weir_shared *shared, struct visitors *visitors)
{
    if (!weir_shared_count_try(shared, &visitors->inside, 2)) /* of all processes together */
        return false;
    (void)atomic_fetch_add(&visitors->ever, 1);
    return true;
}

static void leave(weir_shared *shared, struct visitors *visitors)
{
    weir_shared_count_add(shared, &visitors->inside, -1);
}
/* [/shared] */

static void whoever_dies_has_left(void **state)
{
    int fd = make(ROOM);
    weir_shared *one = join(fd, 0), *two = join(fd, 1);
    struct visitors *of_one, *of_two;

    (void)state;
    assert_int_equal(find_visitors(one, &of_one), 0);
    assert_int_equal(find_visitors(two, &of_two), 0);
    assert_true(enter(one, of_one));
    assert_true(enter(two, of_two));
    assert_false(enter(two, of_two));
    leave(one, of_one);
    assert_true(enter(two, of_two));
    assert_false(enter(one, of_one));
    weir_shared_expel(one, 1);
    assert_true(enter(one, of_one));
    assert_true(enter(one, of_one));
    assert_int_equal(atomic_load(&of_one->ever), 5);
    weir_shared_close(one);
    weir_shared_close(two);
    close(fd);
}

/* --- processes that are killed at any moment --- */

enum { CHILDREN = 3, COUNTS = 4, KILLS = 24 };

/* Counts and adds blocks until it is killed. */
static void live(int fd, int member, uint64_t seed)
{
    struct weir__random random;
    weir_shared *shared;
    weir_shared_count *counts;

    weir__random_seed(&random, seed);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || weir_shared_open(fd, member, &shared) < 0 ||
        weir_shared_block(shared, "counts", COUNTS, COUNTS * sizeof *counts, (void **)&counts) < 0)
        _exit(1);
    for (;;) {
        uint64_t drawn = weir__random_u64(&random);
        weir_shared_count *count = &counts[drawn % COUNTS];
        char name[16];
        void *out;
        if (drawn >> 40 & 1) {
            if (weir_shared_count_try(shared, count, 5) && (drawn >> 41 & 1))
                weir_shared_count_add(shared, count, -1);
        } else if (weir_shared_count_of(count, member) > 0) {
            weir_shared_count_add(shared, count, -1);
        }
        (void)snprintf(name, sizeof name, "%d", (int)(drawn >> 50 & 1023));
        if (weir_shared_block(shared, name, 1, sizeof(weir_shared_count), &out) < 0)
            _exit(2);
        weir_shared_count_add(shared, out, 1);
    }
}

static pid_t begin_life(int fd, int member, uint64_t seed)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        live(fd, member, seed);
    return pid;
}

/* The sum is what the living have, and that of each count is within the bounds that all keep. */
static void assert_consistent(weir_shared *shared, weir_shared_count *counts, int dead)
{
    for (int i = 0; i < COUNTS; i++) {
        assert_int_equal(weir_shared_count_of(&counts[i], dead), 0);
        assert_in_range(weir_shared_count_sum(shared, &counts[i]), 0, 5 + CHILDREN);
    }
}

static void killed_processes_leave_nothing_behind(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(2); seed++) {
        int fd = make(ROOM);
        weir_shared *shared = join(fd, CHILDREN);
        weir_shared_count *counts = block(shared, "counts", COUNTS, COUNTS * sizeof *counts);
        pid_t children[CHILDREN];
        struct weir__random random;
        void *out;
        weir__random_seed(&random, seed);
        for (int i = 0; i < CHILDREN; i++)
            children[i] = begin_life(fd, i, seed * 100 + (uint64_t)i);
        for (int kill_no = 0; kill_no < KILLS; kill_no++) {
            int dead = (int)(weir__random_below(&random, CHILDREN)), status;
            (void)usleep((useconds_t)(weir__random_below(&random, 3000))); /* any moment of its life */
            assert_int_equal(kill(children[dead], SIGKILL), 0);
            assert_int_equal(waitpid(children[dead], &status, 0), children[dead]);
            assert_true(WIFSIGNALED(status));
            weir_shared_expel(shared, dead);
            assert_consistent(shared, counts, dead);
            children[dead] = begin_life(fd, dead, seed * 1000 + (uint64_t)kill_no);
        }
        for (int i = 0; i < CHILDREN; i++) {
            assert_int_equal(kill(children[i], SIGKILL), 0);
            assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
            weir_shared_expel(shared, i);
        }
        for (int i = 0; i < COUNTS; i++)
            assert_int_equal(weir_shared_count_sum(shared, &counts[i]), 0);
        for (int i = 0; i < 1024; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "%d", i);
            assert_int_equal(weir_shared_block(shared, name, 1, sizeof(weir_shared_count), &out), 0);
            assert_int_equal(weir_shared_count_sum(shared, out), 0);
        }
        weir_shared_close(shared);
        close(fd);
    }
}

/* --- a process that is stopped with the lock --- */

/* A child that takes the lock and stops itself with it. */
static pid_t hold_lock(int fd)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        weir_shared *shared = join(fd, 1);

        weir__shared_enter(shared);
        (void)raise(SIGSTOP);
        weir__shared_leave(shared);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    return pid;
}

static void assert_free(weir_shared *shared)
{
    assert_true(weir__shared_try_enter(shared));
    weir__shared_leave(shared);
}

static void who_can_do_without_is_not_held_by_the_stopped(void **state)
{
    int fd = make(ROOM), status;
    weir_shared *shared = join(fd, 0);
    pid_t pid = hold_lock(fd);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_false(weir__shared_try_enter(shared));
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_free(shared); /* at once: what is free is not refused */
    pid = hold_lock(fd);
    assert_false(weir__shared_try_enter(shared));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_free(shared);
    assert_non_null(block(shared, "after", 0, 8));
    weir_shared_close(shared);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_out_of_range_are_refused),
        cmocka_unit_test(a_descriptor_of_another_file_is_refused),
        cmocka_unit_test(memory_that_is_not_sealed_is_refused),
        cmocka_unit_test(memory_open_for_reading_is_refused),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(a_member_out_of_range_is_refused),
        cmocka_unit_test(the_size_is_sealed),
        cmocka_unit_test(a_block_is_found_again_by_name_and_size),
        cmocka_unit_test(no_room_is_told_and_smaller_blocks_still_fit),
        cmocka_unit_test(two_processes_find_the_same_block),
        cmocka_unit_test(a_block_half_added_by_the_dead_is_none),
        cmocka_unit_test(a_count_is_the_sum_of_all_members),
        cmocka_unit_test(the_expelled_gives_back_all_it_had),
        cmocka_unit_test(the_maximum_is_never_passed),
        cmocka_unit_test(whoever_dies_has_left),
        cmocka_unit_test(killed_processes_leave_nothing_behind),
        cmocka_unit_test(who_can_do_without_is_not_held_by_the_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
