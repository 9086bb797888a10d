/* SPDX-License-Identifier: MIT */
/* A backend of several processes: maxima, ejection, breaker and keeper are those of all of them; what one
 * that is killed had is given back. */
#include "processes_rig.h"

#include "core/shared.h"

enum { CHILDREN = 3, ROUNDS = 20, LOOKS_EACH_MS = 250 };

/* --- maxima --- */

static int common_limit(struct rig *rig)
{
    weir_scope scope;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(2);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_int_equal(weir_spawn(&scope, "asking", hang_here, NULL), 0);
    until_hanging(3);
    assert_int_equal(ask(&cluster, "/", NULL), -WEIR_ELIMITED);
    assert_int_equal(tell(rig, 0, ASK), -WEIR_ELIMITED);
    assert_int_equal(see().stats.in_use, 3);
    assert_int_equal(see().instances[0].in_use, 3);
    kill_child(rig, 0); /* and gives back what it had */
    assert_int_equal(see().stats.in_use, 1);
    assert_int_equal(see().instances[0].in_use, 1);
    assert_int_equal(see().stats.connections, 1);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    weir_event_set(&go_on);
    (void)weir_scope_close(&scope);
    assert_at_rest(&cluster);
    return 0;
}

static void all_processes_have_one_limit(void **state)
{
    (void)state;
    run_processes(CHILDREN, (weir_backend_options){.limit = 3}, common_limit);
}

static int wait_for_the_dead(struct rig *rig)
{
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(2);
    {
        struct asking asking = {.cluster = &cluster};
        weir_scope scope;
        weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
        assert_int_equal(weir_spawn(&scope, "asking", ask_once, &asking), 0);
        until_waiting(1);
        assert_int_equal(see().stats.connections, 2);
        kill_child(rig, 0);
        (void)weir_scope_close(&scope);
        assert_int_equal(asking.err, 0);
    }
    assert_at_rest(&cluster);
    assert_int_equal(see().stats.connections, 1);
    return 0;
}

static void connections_of_the_dead_are_free(void **state)
{
    (void)state;
    run_processes(CHILDREN, (weir_backend_options){.connections_max = 2}, wait_for_the_dead);
}

/* The one connection is idle in one process when the other asks. */
static int ask_in_turn(struct rig *rig)
{
    int64_t began = weir_now().ns;

    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(tell(rig, 0, ASK), 0);
        assert_int_equal(ask(&cluster, "/", NULL), 0);
        assert_int_equal(see().stats.connections, 1);
    }
    /* Each was rung for: looking now and then alone would take at least twice as long. */
    assert_true(weir_now().ns - began < INT64_C(1000000) * ROUNDS * LOOKS_EACH_MS);
    return 0;
}

static void an_idle_connection_is_given_up_for_another_process(void **state)
{
    (void)state;
    run_processes(CHILDREN, (weir_backend_options){.connections_max = 1}, ask_in_turn);
}

static int wait_too_many(struct rig *rig)
{
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(1);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_waiting(1);
    assert_int_equal(ask(&cluster, "/", NULL), -WEIR_EBUSY);
    kill_child(rig, 0);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_at_rest(&cluster);
    return 0;
}

static void all_processes_have_one_maximum_of_waiting(void **state)
{
    (void)state;
    run_processes(CHILDREN, (weir_backend_options){.connections_max = 1, .waiting_max = 1}, wait_too_many);
}

/* A process that is stopped while it waits holds up nobody for good, and gets its turn when it goes on. */
static int stop_one_that_waits(struct rig *rig)
{
    weir_scope scope;
    int status;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    assert_int_equal(weir_spawn(&scope, "asking", hang_here, NULL), 0);
    until_hanging(1);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_waiting(1);
    assert_int_equal(tell(rig, 0, REST),
                     0); /* it is not stopped while it reaches for a slot, which it would keep */
    assert_int_equal(kill(rig->children[0].pid, SIGSTOP), 0);
    assert_int_equal(waitpid(rig->children[0].pid, &status, WUNTRACED), rig->children[0].pid);
    assert_true(WIFSTOPPED(status)); /* before that it might still be given the slot */
    weir_event_set(&go_on);
    (void)weir_scope_close(&scope);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_int_equal(kill(rig->children[0].pid, SIGCONT), 0);
    while (see().stats.in_use > 0)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
    assert_at_rest(&cluster);
    return 0;
}

static void a_stopped_process_holds_nobody_up(void **state)
{
    (void)state;
    run_processes(CHILDREN, (weir_backend_options){.connections_max = 1}, stop_one_that_waits);
}

/* A member that stops itself with the lock of the memory. */
static pid_t hold_memory(const struct rig *rig)
{
    weir_shared *memory;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (weir_shared_open(rig->fd, rig->child_count + 1, &memory) == 0) {
            weir__shared_enter(memory);
            (void)raise(SIGSTOP);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    return pid;
}

/* Requests go on; instances are neither ejected nor reported meanwhile. */
static int stop_with_the_lock(struct rig *rig)
{
    pid_t holder;

    open_backend(rig);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    holder = hold_memory(rig);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(&cluster, "/", NULL), 0);
    assert_int_equal(see().stats.instance_count, 0);
    fails = true;
    for (int i = 0; i < 10; i++)
        (void)ask(&cluster, "/", NULL);
    fails = false;
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_int_equal(see().stats.instance_count, 1);
    assert_int_equal(see().instances[0].ejections, 0);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    return 0;
}

static void one_that_is_stopped_with_the_lock_holds_up_no_request(void **state)
{
    (void)state;
    run_processes(0, (weir_backend_options){.connections_max = 1}, stop_with_the_lock);
}

/* --- what is known of it --- */

static int fail_elsewhere(struct rig *rig)
{
    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    fails = true;
    for (int i = 0; i < 20; i++)
        (void)tell(rig, 0, ASK);
    assert_int_equal(ask(&cluster, "/", NULL), -WEIR_EOPEN);
    assert_true(see().stats.open);
    assert_int_equal(state_of(0), WEIR_INSTANCE_UP);
    kill_child(rig, 0); /* which changes nothing */
    assert_int_equal(ask(&cluster, "/", NULL), -WEIR_EOPEN);
    return 0;
}

static void all_processes_have_one_breaker(void **state)
{
    (void)state;
    run_processes(CHILDREN,
                  (weir_backend_options){.breaker = {.failed_percent = 50, .open = weir_seconds(60)},
                                         .eject.after = -1},
                  fail_elsewhere);
}

static int eject_elsewhere(struct rig *rig)
{
    struct seen seen;

    open_backend(rig);
    assert_int_equal(tell(rig, 0, OPEN), 0);
    fails = true;
    for (int i = 0; i < 5; i++)
        (void)tell(rig, 0, ASK);
    assert_int_equal(state_of(0), WEIR_INSTANCE_EJECTED);
    seen = see();
    assert_int_equal(seen.instances[0].failures, 5);
    assert_string_equal(seen.instances[0].last_error, "Internal Server Error");
    return 0;
}

static void all_processes_have_one_ejection(void **state)
{
    (void)state;
    run_processes(CHILDREN,
                  (weir_backend_options){.eject = {.at_most_percent = 100, .period = weir_seconds(300)}},
                  eject_elsewhere);
}

/* --- the keeper --- */

static void until_checked(int more)
{
    int before = checks;

    while (checks < before + more)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
}

static int keeper_count(int member)
{
    return weir_shared_count_of(&weir__backend_common(cluster.backend)->counts.keeper, member);
}

/* The first keeps; it is killed, and one of the others goes on; and the same when it leaves. */
static int keep_in_turn(struct rig *rig)
{
    int second;

    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(tell(rig, i, OPEN), 0);
        until_checked(2);
    }
    open_backend(rig);
    assert_int_equal(keeper_count(0), 1);
    assert_int_equal(keeper_count(1) + keeper_count(2) + keeper_count(CHILDREN), 0);
    kill_child(rig, 0);
    until_checked(3);
    while (keeper_count(1) + keeper_count(2) + keeper_count(CHILDREN) != 1)
        assert_int_equal(weir_sleep(weir_us(200)), 0);
    second = keeper_count(1) == 1 ? 1 : 2;
    end_child(rig, second);
    until_checked(3);
    end_child(rig, 3 - second);
    until_checked(3);
    assert_int_equal(keeper_count(CHILDREN), 1);
    return 0;
}

static void one_process_checks_and_another_goes_on(void **state)
{
    (void)state;
    run_processes(CHILDREN, (weir_backend_options){.health = {.path = "/healthz", .every = weir_ms(10)}},
                  keep_in_turn);
}

/* --- other options --- */

static int change_options(struct rig *rig)
{
    const int limit = rig->options.limit;
    uint64_t id;

    assert_int_equal(tell(rig, 0, OPEN), 0);
    for (int i = 0; i < limit; i++)
        assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(limit);
    open_backend(rig);
    assert_int_equal(see().stats.in_use, limit);
    id = see().stats.shared_id;
    weir_backend_close(cluster.backend);

    rig->options.limit = limit + 1; /* another generation */
    open_backend(rig);
    assert_int_equal(see().stats.in_use, 0);
    assert_true(see().stats.shared_id != id);
    assert_int_equal(ask(&cluster, "/", NULL), 0);
    weir_backend_close(cluster.backend);

    for (int i = 0; i < 200; i++) { /* what nobody uses any more makes room */
        rig->options.limit = limit + 2 + i;
        open_backend(rig);
        assert_int_equal(see().stats.requests, 0);
        assert_int_equal(ask(&cluster, "/", NULL), 0);
        weir_backend_close(cluster.backend);
    }
    rig->options.limit = limit;
    open_backend(rig);
    assert_int_equal(see().stats.in_use, limit);
    assert_int_equal(see().stats.shared_id, id);
    return 0;
}

static void other_options_make_another_backend(void **state)
{
    (void)state;
    run_processes(CHILDREN, (weir_backend_options){.limit = 2}, change_options);
}

/* What it counted is there for the process that replaces it. */
static int replace(struct rig *rig)
{
    assert_int_equal(tell(rig, 0, OPEN), 0);
    assert_int_equal(tell(rig, 0, ASK), 0);
    assert_int_equal(tell(rig, 0, BEGIN), 0);
    until_hanging(1);
    kill_child(rig, 0);
    open_backend(rig);
    assert_int_equal(see().stats.requests, 2);
    assert_int_equal(see().stats.in_use, 0);
    assert_int_equal(see().stats.instance_count, 1);
    return 0;
}

static void what_is_known_outlives_the_process(void **state)
{
    (void)state;
    run_processes(CHILDREN, (weir_backend_options){.limit = 2}, replace);
}

/* --- simulated: no thread listens, and the counts are those of this member --- */

static int count_alone(void *arg)
{
    struct weir__backend_counts *counts;
    struct cluster c;

    (void)arg;
    cluster_open(&c, 1, serve, &(weir_backend_options){.health.path = "/healthz"});
    counts = &weir__backend_common(c.backend)->counts;
    assert_int_equal(ask(&c, "/", NULL), 0);
    assert_int_equal(weir_shared_count_of(&counts->users, 2), 1);
    assert_int_equal(weir_shared_count_of(&counts->keeper, 2), 1);
    assert_int_equal(weir_shared_count_of(&counts->connections, 2), 1);
    assert_at_rest(&c);
    cluster_close(&c);
    assert_int_equal(weir_shared_count_of(&counts->users, 2), 0);
    return 0;
}

static void a_member_counts_in_its_own_cells(void **state)
{
    weir_options options = {.io = WEIR_IO_SIM, .seed = 1};
    int fd;

    (void)state;
    assert_int_equal(weir_shared_make(ROOM, &fd), 0);
    assert_int_equal(weir_shared_open(fd, 2, &options.shared), 0);
    assert_int_equal(weir_run(&options, count_alone, NULL), 0);
    weir_shared_close(options.shared);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_processes_have_one_limit),
        cmocka_unit_test(connections_of_the_dead_are_free),
        cmocka_unit_test(an_idle_connection_is_given_up_for_another_process),
        cmocka_unit_test(all_processes_have_one_maximum_of_waiting),
        cmocka_unit_test(a_stopped_process_holds_nobody_up),
        cmocka_unit_test(one_that_is_stopped_with_the_lock_holds_up_no_request),
        cmocka_unit_test(all_processes_have_one_breaker),
        cmocka_unit_test(all_processes_have_one_ejection),
        cmocka_unit_test(one_process_checks_and_another_goes_on),
        cmocka_unit_test(other_options_make_another_backend),
        cmocka_unit_test(what_is_known_outlives_the_process),
        cmocka_unit_test(a_member_counts_in_its_own_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
