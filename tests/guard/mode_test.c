/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard/link.h"
#include "guard/sins.h"
#include "support/child.h"

static char said[16384];

static void sin_once(void)
{
    usleep(1);
}

static void sin_thrice_in_two_places(void)
{
    for (volatile int i = 0; i < 2; i++) /* not unrolled: that would be two places */
        usleep(1);
    usleep(1);
}

struct run {
    const char *environment;   /* WEIR_GUARD */
    enum weir_guard_mode mode; /* set by the program; WEIR_GUARD_DEFAULT: it sets none */
    void (*fn)(void);
};

/* Exits with the number of calls that were caught. */
static int run(void *arg)
{
    const struct run *r = arg;
    const weir_guard_options options = {.mode = r->mode};

    if (r->environment != NULL)
        setenv("WEIR_GUARD", r->environment, 1);
    if (r->mode != WEIR_GUARD_DEFAULT && weir_guard_configure(&options) < 0)
        return 99;
    in_task(r->fn);
    return (int)weir_guard_call_count("usleep");
}

static int run_so(const char *environment, enum weir_guard_mode mode, void (*fn)(void))
{
    struct run r = {environment, mode, fn};

    return run_in_child(run, &r, said, sizeof said);
}

/* In a child, where the mode is not decided yet. */
static void prepare(void)
{
    unsetenv("WEIR_GUARD");
    if (weir__guard_attach != NULL)
        return;
    print_message("the guard is not part of this build\n");
    skip();
}

static int times(const char *word)
{
    int n = 0;

    for (const char *at = said; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

static void it_warns_once_for_each_place(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(WEXITSTATUS(run_so(NULL, WEIR_GUARD_DEFAULT, sin_thrice_in_two_places)), 3);
    assert_int_equal(times("call=usleep"), 2);
    assert_int_equal(times("hint=weir_sleep()"), 2);
    assert_int_equal(times("task=main"), 2);
}

static void it_counts_in_silence(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(WEXITSTATUS(run_so("count", WEIR_GUARD_DEFAULT, sin_once)), 1);
    assert_string_equal(said, "");
}

static void off_is_off(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(run_so("off", WEIR_GUARD_DEFAULT, sin_once), 0);
    assert_string_equal(said, "");
}

static void it_ends_the_process(void **state)
{
    int status;

    (void)state;

    prepare();
    status = run_so("abort", WEIR_GUARD_DEFAULT, sin_once);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_int_equal(times("call=usleep"), 1);
}

static void the_program_may_choose(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(WEXITSTATUS(run_so(NULL, WEIR_GUARD_COUNT, sin_once)), 1);
    assert_string_equal(said, "");
    assert_int_equal(run_so(NULL, WEIR_GUARD_OFF, sin_once), 0);
}

static void the_environment_goes_before_the_program(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(WEXITSTATUS(run_so("warn", WEIR_GUARD_COUNT, sin_once)), 1);
    assert_int_equal(times("call=usleep"), 1);
    assert_int_equal(run_so("off", WEIR_GUARD_ABORT, sin_once), 0);
    assert_int_equal(WEXITSTATUS(run_so("", WEIR_GUARD_COUNT, sin_once)), 1);
    assert_string_equal(said, "");
}

static void a_word_it_does_not_know_is_told(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(WEXITSTATUS(run_so("loud", WEIR_GUARD_COUNT, sin_once)), 1);
    assert_int_equal(times("WEIR_GUARD has an unknown value"), 1);
    assert_int_equal(times("call=usleep"), 0);
}

static void options_are_checked(void **state)
{
    static const char *const wrong[] = {"usleep", "getadrinfo", NULL}, *const right[] = {"usleep", NULL};
    weir_guard_options options = {.mode = WEIR_GUARD_COUNT, .allow = right};
    uint64_t before;

    (void)state;

    need_guard();
    before = caught();
    assert_int_equal(weir_guard_configure(&options), 0);
    in_task(sin_once);
    assert_int_equal(caught(), before);
    options.allow = wrong;
    assert_int_equal(weir_guard_configure(&options), -WEIR_ECONFIG);
    in_task(sin_once); /* as before */
    assert_int_equal(caught(), before);
    options.allow = NULL;
    options.mode = (enum weir_guard_mode)77;
    assert_int_equal(weir_guard_configure(&options), -EINVAL);
    options.mode = WEIR_GUARD_COUNT;
    assert_int_equal(weir_guard_configure(&options), 0);
    in_task(sin_once);
    assert_int_equal(caught(), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_warns_once_for_each_place),
        cmocka_unit_test(it_counts_in_silence),
        cmocka_unit_test(off_is_off),
        cmocka_unit_test(it_ends_the_process),
        cmocka_unit_test(the_program_may_choose),
        cmocka_unit_test(the_environment_goes_before_the_program),
        cmocka_unit_test(a_word_it_does_not_know_is_told),
        cmocka_unit_test(options_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
