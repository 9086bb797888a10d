/* SPDX-License-Identifier: MIT */
/* When and in which threads the guard looks at calls. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard/sins.h"

/* Before main() and most constructors the next definition of a call is found, too. */
static int early_result = -1;

__attribute__((constructor(102))) static void call_early(void)
{
    early_result = usleep(1);
}

static void it_passes_calls_on_before_main(void **state)
{
    (void)state;
    assert_int_equal(early_result, 0);
}

static bool is_of_guard(const char *name)
{
    void *function = dlsym(RTLD_DEFAULT, name);
    Dl_info info;

    return function != NULL && dladdr(function, &info) != 0 && strstr(info.dli_fname, "weir-guard") != NULL;
}

/* Each name in the table is that of a wrapped function; others would never be caught. */
static void it_has_a_function_for_each_name(void **state)
{
    const char *name;

    (void)state;

    need_guard();
    for (size_t i = 0; (name = weir_guard_call_name(i)) != NULL; i++) {
        char function[64];
        snprintf(function, sizeof function, "%.*s", (int)strcspn(name, ":"), name);
        if (!is_of_guard(function))
            fail_msg("%s is not wrapped", function);
    }
}

static void names_are_found(void **state)
{
    weir_guard_options options = {.mode = WEIR_GUARD_COUNT};
    const char *name, *before = "";

    (void)state;

    for (size_t i = 0; (name = weir_guard_call_name(i)) != NULL; i++) {
        options.allow = (const char *const[]){name, NULL};
        assert_int_equal(weir_guard_configure(&options), 0);
        assert_true(strcmp(before, name) < 0);
        before = name;
    }
    options.allow = (const char *const[]){"rea", NULL};
    assert_int_equal(weir_guard_configure(&options), -WEIR_ECONFIG);
    options.allow = (const char *const[]){"reads", NULL};
    assert_int_equal(weir_guard_configure(&options), -WEIR_ECONFIG);
    assert_int_equal(weir_guard_call_count("no such call"), 0);
    options.allow = NULL;
    assert_int_equal(weir_guard_configure(&options), 0);
}

static void *sin_elsewhere(void *arg)
{
    uint64_t before = caught();

    usleep(1);
    *(uint64_t *)arg = caught() - before;
    return NULL;
}

static void start_a_thread(void)
{
    uint64_t more = 77;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, sin_elsewhere, &more), 0);
    while (pthread_tryjoin_np(thread, NULL) == EBUSY)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_int_equal(more, 0);
}

static void other_threads_are_left_alone(void **state)
{
    (void)state;
    need_guard();
    in_task(start_a_thread);
}

static int sin_on_loop(void *arg)
{
    (void)arg;
    usleep(1);
    return 0;
}

static int sin_on_all_loops(void *arg)
{
    (void)arg;
    for (int i = 0; i < weir_loop_count(); i++)
        assert_int_equal(weir_loop_call(i, "caller", sin_on_loop, NULL), 0);
    return 0;
}

static void every_loop_is_looked_at(void **state)
{
    const weir_options options = {.loops = 3, .io = WEIR_IO_EPOLL};
    uint64_t before;

    (void)state;

    need_guard();
    before = caught();
    assert_int_equal(weir_run(&options, sin_on_all_loops, NULL), 0);
    assert_int_equal(caught(), before + 3);
    usleep(1);
    assert_int_equal(caught(), before + 3); /* this thread was loop 0, but is not any more */
}

static int sin_here(void *arg)
{
    uint64_t before = caught();

    (void)arg;
    usleep(1);
    assert_int_equal(caught(), before + 1);
    return 0;
}

static void every_kernel_interface_is_looked_at(void **state)
{
    (void)state;
    need_guard();
    run_everywhere(sin_here, NULL);
}

/* --- libweir's own calls --- */

static int use_libweir(void *arg)
{
    weir_listener *listener;
    weir_stream *ours, *theirs;
    char byte;

    (void)arg;

    assert_int_equal(weir_listen("127.0.0.1:0", &listener), 0);
    assert_int_equal(weir_connect(weir_listener_address(listener), &ours), 0);
    assert_int_equal(weir_accept(listener, &theirs), 0);
    assert_int_equal(weir_write(ours, "x", 1), 0);
    assert_int_equal(weir_read(theirs, &byte, 1), 1);
    weir_stream_close(ours);
    weir_stream_close(theirs);
    weir_listener_close(listener);
    weir_log(WEIR_LOG_INFO, "to a pipe, a terminal or a file: it is libweir's business");
    return 0;
}

static int nothing(void *arg)
{
    (void)arg;
    return weir_yield();
}

static int wake_the_other_loop(void *arg)
{
    int err = 0;

    (void)arg;
    for (int i = 0; i < 10 && err == 0; i++)
        err = weir_loop_call(1, "nothing", nothing, NULL);
    return err;
}

static void libweirs_own_calls_are_its_own(void **state)
{
    weir_options options = {.loops = 2};
    uint64_t before;

    (void)state;

    need_guard();
    before = caught();
    for (int io = WEIR_IO_URING; io <= WEIR_IO_EPOLL; io++) {
        options.io = (enum weir_io)io;
        if (!io_is_here(options.io))
            continue;
        options.loops = 1;
        assert_int_equal(weir_run(&options, use_libweir, NULL), 0);
        options.loops = 2;
        assert_int_equal(weir_run(&options, wake_the_other_loop, NULL), 0);
    }
    assert_int_equal(caught(), before);
}

/* --- signal handlers --- */

static void sin_in_handler(int number)
{
    (void)number;
    usleep(1);
}

static void raise_with(int flags)
{
    struct sigaction action = {.sa_handler = sin_in_handler, .sa_flags = flags}, before;

    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

static void handle_on_own_stack(void)
{
    raise_with(SA_ONSTACK);
}

static void handle_on_stack_of_task(void)
{
    raise_with(0);
}

static void a_handler_on_a_stack_of_its_own_is_not_the_task(void **state)
{
    uint64_t before;

    (void)state;

    need_guard();
    before = caught();
    in_task(handle_on_own_stack);
    assert_int_equal(caught(), before);
    in_task(handle_on_stack_of_task);
    assert_int_equal(caught(), before + 1);
}

/* --- stacks --- */

static int sin_and_compare(const void *a, const void *b)
{
    int order = *(const int *)a - *(const int *)b;

    fdatasync(-1);
    return order;
}

__attribute__((noinline)) static void sort_sinfully(void)
{
    int numbers[] = {2, 1};

    qsort(numbers, 2, sizeof numbers[0], sin_and_compare);
    assert_int_equal(numbers[0], 1);
}

static int find_sort(void *arg, const weir_guard_finding *finding)
{
    bool compares = false, sorts = false;

    (void)arg;
    if (strcmp(finding->function, "fdatasync") != 0)
        return 0;
    for (size_t i = 0; i < finding->stack_depth; i++) {
        compares = compares || strcmp(finding->stack[i].function, "sin_and_compare") == 0;
        sorts = sorts || (compares && strcmp(finding->stack[i].function, "sort_sinfully") == 0);
        assert_string_not_equal(finding->stack[i].function, "weir__task_main");
    }
    return sorts;
}

/* The C library keeps no frame pointers. */
static void stacks_lead_through_libraries(void **state)
{
    (void)state;
    need_guard();
    in_task(sort_sinfully);
    assert_int_equal(weir_guard_each(find_sort, NULL), 1);
}

/* --- the end of the table --- */

/* Calls from many places, each with its own return address. */
#define TEN(call) call, call, call, call, call, call, call, call, call, call

static void sin_in_many_places(void)
{
    TEN(TEN(TEN(usleep(0))));
}

static int count_places(void *arg, const weir_guard_finding *finding)
{
    (void)finding;
    ++*(int *)arg;
    return 0;
}

static void places_have_an_end_and_counts_do_not(void **state)
{
    uint64_t before;
    int places = 0;

    (void)state;

    need_guard();
    before = weir_guard_call_count("usleep");
    in_task(sin_in_many_places);
    in_task(sin_in_many_places);
    assert_int_equal(weir_guard_call_count("usleep"), before + 2000);
    assert_int_equal(weir_guard_each(count_places, &places), 0);
    assert_int_equal(places, 256);
}

static int stop(void *arg, const weir_guard_finding *finding)
{
    (void)arg, (void)finding;
    return 5;
}

static void looking_at_findings_can_be_ended(void **state)
{
    (void)state;
    need_guard();
    in_task(start_a_thread);
    assert_int_equal(weir_guard_each(stop, NULL), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_passes_calls_on_before_main),
        cmocka_unit_test(it_has_a_function_for_each_name),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(other_threads_are_left_alone),
        cmocka_unit_test(every_loop_is_looked_at),
        cmocka_unit_test(every_kernel_interface_is_looked_at),
        cmocka_unit_test(libweirs_own_calls_are_its_own),
        cmocka_unit_test(a_handler_on_a_stack_of_its_own_is_not_the_task),
        cmocka_unit_test(stacks_lead_through_libraries),
        cmocka_unit_test(places_have_an_end_and_counts_do_not),
        cmocka_unit_test(looking_at_findings_can_be_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
