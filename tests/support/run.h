/* SPDX-License-Identifier: MIT */
/* Runs the body of a test as the first task of a runtime.
 *
 * The bodies may use cmocka's assertions. A failed assertion leaves the task and ends the test, and the
 * program with it, because the runtime was not ended.
 */
#ifndef TEST_SUPPORT_RUN_H
#define TEST_SUPPORT_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <weir.h>

/* Where io_uring is missing or forbidden, a test that should also run on it reports SKIP after the rest of it
 * has passed. */
#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, setup, teardown)                                                       \
    run_cases(#tests, tests, sizeof(tests) / sizeof(tests)[0], setup, teardown)
#undef cmocka_run_group_tests_name
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                            \
    run_cases(name, tests, sizeof(tests) / sizeof(tests)[0], setup, teardown)
int run_cases(const char *group, const struct CMUnitTest *tests, size_t count, CMFixtureFunction setup,
              CMFixtureFunction teardown);

/* Runs fn on the simulated kernel, io_uring and epoll, one after the other; a backend that the machine lacks
 * is left out. fn must return 0. */
void run_everywhere(int (*fn)(void *arg), void *arg);

/* Like run_everywhere(), once more with all connections in memory (memory.h), and once more with TLS on
 * these. */
void run_on_all_transports(int (*fn)(void *arg), void *arg);

/* Like run_simulated(), once more with all connections in memory, and with one seed of four once more with
 * TLS on these. */
void run_simulated_and_in_memory(uint64_t seed, int (*fn)(void *arg), void *arg);

/* The same without TLS below: for tests that have TLS of their own. */
void run_on_plain_transports(int (*fn)(void *arg), void *arg);
void run_simulated_plainly(uint64_t seed, int (*fn)(void *arg), void *arg);

/* Each alone: with all connections in memory, and with TLS on these (secure_network.h). */
void run_in_memory(uint64_t seed, int (*fn)(void *arg), void *arg);
void run_securely(uint64_t seed, int (*fn)(void *arg), void *arg);

/* Runs fn under simulation, with this seed. fn must return 0. */
void run_simulated(uint64_t seed, int (*fn)(void *arg), void *arg);

/* Seeds of a test with several: for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++). They begin
 * at 1, or at n with WEIR_SEED_FROM=n in the environment (tools/soak). WEIR_SEED=n runs only n; then a test
 * must not require what only all seeds together show. */
uint64_t seed_first(void);
uint64_t seed_last(uint64_t count);
uint64_t seed_count(uint64_t count); /* how many run, of so many */
bool seed_is_alone(void);

/* Names a backend: "sim", "uring", "epoll". */
const char *io_name(enum weir_io io);

/* Reports whether this kernel allows a backend. If not, the calling test will report SKIP. */
bool io_is_here(enum weir_io io);

#endif
