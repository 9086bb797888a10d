/* SPDX-License-Identifier: MIT */
/* Running the body of a test as the first task of a runtime.
 *
 * The bodies may use cmocka's assertions; one that fails leaves the task and ends the test, and the tests
 * after it in the same program fail too, because the runtime was never left.
 */
#ifndef TEST_SUPPORT_RUN_H
#define TEST_SUPPORT_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <weir.h>

/* Where io_uring is missing or forbidden, a test that should have run on it says SKIP when the rest of it has
 * passed. */
#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, setup, teardown)                                                       \
    run_cases(#tests, tests, sizeof(tests) / sizeof(tests)[0], setup, teardown)
int run_cases(const char *group, const struct CMUnitTest *tests, size_t count, CMFixtureFunction setup,
              CMFixtureFunction teardown);

/* On the simulated kernel, io_uring and epoll, one after the other; what the machine does not have is left
 * out. fn must return 0. */
void run_everywhere(int (*fn)(void *arg), void *arg);

/* As run_everywhere(), and once more with all connections in memory (memory.h). */
void run_on_all_transports(int (*fn)(void *arg), void *arg);

/* As run_simulated(), and once more with all connections in memory. */
void run_simulated_and_in_memory(uint64_t seed, int (*fn)(void *arg), void *arg);

/* Under simulation, with this seed. fn must return 0. */
void run_simulated(uint64_t seed, int (*fn)(void *arg), void *arg);

/* The seeds of a test that has many: for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++). They
 * begin at 1; WEIR_SEED_FROM=n in the environment has them begin at n (tools/soak), and WEIR_SEED=n runs n
 * alone: then what all of them together should have met is not asked for. */
uint64_t seed_first(void);
uint64_t seed_last(uint64_t count);
bool seed_is_alone(void);

/* "sim", "uring", "epoll". */
const char *io_name(enum weir_io io);

/* Whether this kernel lets us have it. If it does not, the test that asked will say SKIP. */
bool io_is_here(enum weir_io io);

#endif
