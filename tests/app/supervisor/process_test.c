/* SPDX-License-Identifier: MIT */
/* One gateway process as it leaves: whoever is told of that does not keep it. */
#include "supervisor/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/shared.h>
#include <weir/task.h>

#include "support/run.h"

struct world {
    struct members members;
    struct process_place place;
    uint64_t restarts;
    struct gateway_process process;
    weir_event changed;
    int told;
    weir_instant signalled;
};

/* What the process does: it is ready, and ends at the first signal. */
static int serve(void *arg, weir_simulated_process *self)
{
    struct world *w = arg;

    assert_int_equal(weir_simulated_process_print(self, false, "ready"), 0);
    (void)!weir_simulated_process_signal(self);
    w->signalled = weir_now();
    return 0;
}

static void wait_long(void *arg, const struct gateway_process *process)
{
    struct world *w = arg;

    (void)process;
    w->told++;
    (void)weir_sleep(weir_seconds(3600));
}

static struct in_force *read_configuration(void)
{
    static const char text[] = "listen: 127.0.0.1:0\nroutes: [{path: /a, respond: {body: a}}]\n";
    char path[] = "/tmp/weir-test-XXXXXX";
    const int fd = mkstemp(path);
    struct config_faults faults;
    struct in_force *f;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    config_faults_open(&faults, path);
    assert_int_equal(in_force_read(path, &faults, &f), 0);
    assert_int_equal(unlink(path), 0);
    return f;
}

/* Has a process leave whose end is told to somebody who waits. Returns: how long that takes. */
static weir_duration leave(bool hurries)
{
    static const int listeners[] = {0};
    struct world w = {.told = 0};
    struct in_force *f = read_configuration();
    weir_instant began;
    weir_shared *shared;
    weir_scope scope;
    int fd;

    assert_int_equal(weir_shared_make(1 << 20, &fd), 0);
    assert_int_equal(weir_shared_open(fd, 0, &shared), 0);
    members_init(&w.members, shared);
    weir_event_init(&w.changed);
    w.place = (struct process_place){.file = "gateway.yaml",
                                     .folder = "/sim",
                                     .members = &w.members,
                                     .shared = fd,
                                     .changed = &w.changed,
                                     .restarts = &w.restarts,
                                     .leaves = wait_long,
                                     .leaves_arg = &w,
                                     .simulate = serve,
                                     .arg = &w};
    gateway_process_init(&w.process, &w.place, f, listeners);
    w.process.number = 1;
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "process", gateway_process_run, &w.process), 0);
    while (w.process.state != PROCESS_READY)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    began = weir_now();
    gateway_process_leave(&w.process);
    while (w.told == 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    if (hurries)
        gateway_process_hurry(&w.process);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_int_equal(w.process.state, PROCESS_OVER);
    assert_int_equal(w.told, 1);
    assert_true(w.signalled.ns > 0);
    weir_shared_close(shared);
    (void)close(fd);
    in_force_release(f);
    return weir_between(began, weir_now());
}

static int nobody_keeps_it(void *arg)
{
    (void)arg;
    assert_true(leave(false).ns < weir_seconds(5).ns);
    assert_true(leave(true).ns < weir_ms(500).ns); /* and does not keep it from hurrying */
    return 0;
}

static void who_is_told_of_its_leaving_does_not_keep_it(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)
        run_simulated(seed, nobody_keeps_it, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_told_of_its_leaving_does_not_keep_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
