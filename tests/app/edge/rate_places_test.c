/* SPDX-License-Identifier: MIT */
/* Places for tables of rates: which table a digest has, what becomes of it when no process uses it, and when
 * processes die. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/rate_places.h"

enum { MEMBERS = 2, SHARED_BYTES = 300 << 20, CHANGES = 2000, KILLS = 100 };

/* As two processes have it. */
struct rig {
    weir_shared *memory[MEMBERS];
    struct rate_places places[MEMBERS];
};

static void rig_open(struct rig *rig)
{
    int fd;

    assert_int_equal(weir_shared_make(SHARED_BYTES, &fd), 0);
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(weir_shared_open(fd, i, &rig->memory[i]), 0);
        assert_int_equal(rate_places_open(&rig->places[i], rig->memory[i]), 0);
    }
    assert_int_equal(close(fd), 0);
}

static void rig_close(struct rig *rig)
{
    for (int i = 0; i < MEMBERS; i++)
        weir_shared_close(rig->memory[i]);
}

/* Where a table lies, the same for all that have the memory mapped. */
static ptrdiff_t place_of(const struct rate_places *places, const struct rate_table *table)
{
    assert_non_null(table);
    return (const char *)table - (const char *)places->directory;
}

static bool is_zero(const struct rate_table *table)
{
    const char *bytes = (const char *)table;

    return bytes[0] == 0 && memcmp(bytes, bytes + 1, rate_table_bytes(true) - 1) == 0;
}

static void processes_have_one_table_for_a_digest(void **state)
{
    struct rig rig;
    struct rate_table *table, *other;

    (void)state;
    rig_open(&rig);
    assert_null(rate_places_find(&rig.places[0], 7));
    table = rate_places_take(&rig.places[0], 7, true);
    assert_true(is_zero(table));
    assert_int_equal(place_of(&rig.places[1], rate_places_take(&rig.places[1], 7, true)),
                     place_of(&rig.places[0], table));
    assert_int_equal(place_of(&rig.places[1], rate_places_find(&rig.places[1], 7)),
                     place_of(&rig.places[0], table));
    other = rate_places_take(&rig.places[0], 8, true);
    assert_int_not_equal(place_of(&rig.places[0], other), place_of(&rig.places[0], table));
    assert_int_equal(rate_places_begun(&rig.places[1]), 2);
    rig_close(&rig);
}

static void a_table_stays_until_its_place_is_needed(void **state)
{
    const struct rate_limit limit = rate_limit_of(1, 1000000000, 1);
    struct rig rig;
    struct rate_table *table;

    (void)state;
    rig_open(&rig);
    table = rate_places_take(&rig.places[0], 7, true);
    assert_true(rate_table_take(table, &limit, 1, 1000).accepted);
    assert_true(rate_table_take_common(table, &limit, 1000).accepted);
    rate_places_leave(&rig.places[0], table);

    table = rate_places_take(&rig.places[1], 7, true); /* a process comes back to it */
    assert_false(rate_table_take(table, &limit, 1, 1000).accepted);
    assert_int_not_equal(place_of(&rig.places[0], rate_places_take(&rig.places[0], 8, false)),
                         place_of(&rig.places[1], table));
    rate_places_leave(&rig.places[1], table);

    table = rate_places_take(&rig.places[1], 9, false); /* another rate gets its place, and nothing else */
    assert_true(is_zero(table));
    assert_int_equal(rate_places_begun(&rig.places[0]), 2);
    assert_null(rate_places_find(&rig.places[1], 7));
    rate_places_leave(&rig.places[1], table);
    table = rate_places_take(&rig.places[1], 7, true); /* there were keys before the one without */
    assert_true(is_zero(table));
    rig_close(&rig);
}

/* Each change begins while the processes of the one before still serve. */
static void rates_may_change_for_ever(void **state)
{
    struct rig rig;
    struct rate_table *last = NULL;

    (void)state;
    rig_open(&rig);
    for (uint64_t i = 0; i < CHANGES; i++) {
        struct rate_table *next = rate_places_take(&rig.places[i % MEMBERS], i + 1, i % 3 != 0);
        assert_non_null(next);
        assert_true(is_zero(next));
        memset(next, 0x55, rate_table_bytes(i % 3 != 0));
        if (last != NULL)
            rate_places_leave(&rig.places[(i + 1) % MEMBERS], last);
        last = next;
    }
    assert_int_equal(rate_places_begun(&rig.places[0]), 2);
    rig_close(&rig);
}

static void no_more_are_used_than_there_are_places(void **state)
{
    struct rig rig;
    struct rate_table *first = NULL;

    (void)state;
    rig_open(&rig);
    for (uint64_t i = 1; i <= RATE_PLACES; i++) {
        struct rate_table *table = rate_places_take(&rig.places[i % 2], i, false);
        assert_non_null(table);
        first = i == 1 ? table : first;
    }
    assert_null(rate_places_take(&rig.places[0], RATE_PLACES + 1, false));
    assert_non_null(rate_places_take(&rig.places[0], RATE_PLACES, false)); /* it is there */
    rate_places_leave(&rig.places[1], first);
    assert_non_null(rate_places_take(&rig.places[0], RATE_PLACES + 1, false));
    assert_null(rate_places_take(&rig.places[0], RATE_PLACES + 2, false));
    weir_shared_expel(rig.memory[0], 1); /* which has the other half */
    assert_non_null(rate_places_take(&rig.places[0], RATE_PLACES + 2, false));
    rig_close(&rig);
}

/* Changes rates until it is killed. */
static void change_on(struct rig *rig, uint64_t seed)
{
    for (uint64_t i = seed;; i++) {
        struct rate_table *table = rate_places_take(&rig->places[1], i % 5 + 1, i % 2 != 0);
        if (table == NULL)
            abort();
        atomic_store(&table->common, i);
        if (i % 3 != 0)
            rate_places_leave(&rig->places[1], table);
    }
}

static void a_process_may_be_killed_at_any_point(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    for (uint64_t i = 0; i < KILLS; i++) {
        const pid_t pid = fork();
        int status;
        if (pid == 0)
            change_on(&rig, i * 7);
        assert_true(pid > 0);
        for (uint64_t turn = 0; turn < 1 + i % 7; turn++) /* both at once, for a while */
            rate_places_leave(&rig.places[0], rate_places_take(&rig.places[0], turn % 5 + 1, true));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        weir_shared_expel(rig.memory[0], 1);
    }
    for (uint64_t i = 1; i <= RATE_PLACES; i++) /* none is left in use, nor is what was in it */
        assert_true(is_zero(rate_places_take(&rig.places[0], 1000 + i, false)));
    rig_close(&rig);
}

/* Dies in the midst of clearing the table for its next rate, with the lock. */
static void die_while_taking(struct rig *rig, struct rate_table *table)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
                    middle = ((uintptr_t)table + rate_table_bytes(true) / 2) / page * page;

    (void)signal(SIGSEGV, SIG_DFL);
    if (mprotect((void *)middle, page, PROT_READ) == 0)
        (void)rate_places_take(&rig->places[1], 8, true);
}

static void a_table_that_is_half_cleared_has_no_digest(void **state)
{
    struct rig rig;
    struct rate_table *table;
    pid_t pid;
    int status;

    (void)state;
    rig_open(&rig);
    table = rate_places_take(&rig.places[1], 7, true);
    memset(table, 0x55, rate_table_bytes(true));
    rate_places_leave(&rig.places[1], table);
    pid = fork();
    if (pid == 0) {
        die_while_taking(&rig, table);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_false(is_zero(table));
    assert_null(rate_places_find(&rig.places[0], 7));
    assert_null(rate_places_find(&rig.places[0], 8));
    assert_true(is_zero(rate_places_take(&rig.places[0], 8, false)));
    assert_int_equal(rate_places_begun(&rig.places[0]), 1);
    rig_close(&rig);
}

static void memory_without_room_is_refused(void **state)
{
    struct rate_places places;
    weir_shared *memory;
    int fd;

    (void)state;
    assert_int_equal(weir_shared_make(1 << 20, &fd), 0);
    assert_int_equal(weir_shared_open(fd, 0, &memory), 0);
    assert_int_equal(rate_places_open(&places, memory), -ENOSPC);
    assert_int_equal(close(fd), 0);
    weir_shared_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_have_one_table_for_a_digest),
        cmocka_unit_test(a_table_stays_until_its_place_is_needed),
        cmocka_unit_test(rates_may_change_for_ever),
        cmocka_unit_test(no_more_are_used_than_there_are_places),
        cmocka_unit_test(a_process_may_be_killed_at_any_point),
        cmocka_unit_test(a_table_that_is_half_cleared_has_no_digest),
        cmocka_unit_test(memory_without_room_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
