/* SPDX-License-Identifier: MIT */
/* Instances that fail: ejection, the breaker, health checks; what happens when all of them fail. */
#include "cluster.h"

#include "core/loop.h"
#include "io/sim/sim.h"
#include "net/address.h"

/* What a server does, as the test says. */
enum mood {
    WELL,
    SILENT,
    BREAKS_IN_HEAD,
    BREAKS_IN_BODY,
    CLOSES,
    FAILS_503,
    FAILS_501,
    GARBAGE,
    FAILS_404,
    MOODS
};

static enum mood moods[SERVERS_MAX];

static int number_of(const struct backend *b)
{
    const struct cluster *c = b->arg;

    return (int)(b - c->servers);
}

static int answer(struct backend *b, weir_stream *s, int number)
{
    static const char *const answers[MOODS] = {
        [WELL] = OK_ANSWER,
        [BREAKS_IN_HEAD] = "HTTP/1.1 200 OK\r\nconte",
        [BREAKS_IN_BODY] = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
        [FAILS_503] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        [FAILS_501] = "HTTP/1.1 501 Not Implemented\r\ncontent-length: 0\r\n\r\n",
        [GARBAGE] = "SSH-2.0-OpenSSH\r\n\r\n",
        [FAILS_404] = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    };

    (void)number;
    while (read_request(b, s) > 0) {
        enum mood mood = moods[number_of(b)];
        if (mood == CLOSES)
            return 0;
        if (mood == SILENT)
            return client_leaves(s) ? 0 : -1;
        if (send_text(s, answers[mood]) < 0 || mood == BREAKS_IN_HEAD || mood == BREAKS_IN_BODY ||
            mood == GARBAGE)
            return 0;
    }
    return 0;
}

static void set_moods(enum mood all)
{
    for (int i = 0; i < SERVERS_MAX; i++)
        moods[i] = all;
}

/* Asks with a deadline. */
static int ask_within(struct cluster *c, weir_duration d)
{
    weir_scope scope;
    int err;

    weir_scope_open(&scope, weir_after(d), 0);
    err = ask(c, "/", NULL);
    (void)weir_scope_close(&scope);
    return err;
}

/* --- ejection --- */

static int ejected(void *arg)
{
    const enum mood mood = *(const enum mood *)arg;
    struct cluster c;
    int failed = 0;

    set_moods(WELL);
    cluster_open(&c, 2, answer, NULL);
    moods[0] = mood;
    for (int i = 0; i < 60; i++)
        failed += ask_within(&c, weir_ms(50)) != 0;
    assert_int_equal(failed, 5);
    assert_int_equal(state_of(0), WEIR_INSTANCE_EJECTED);
    assert_int_equal(see().instances[0].failures, 5);
    assert_int_equal(see().instances[0].ejections, 1);
    assert_int_equal(state_of(1), WEIR_INSTANCE_UP);
    assert_false(see().stats.panics);
    moods[0] = WELL;
    assert_int_equal(weir_sleep(weir_seconds(11)), 0);
    for (int i = 0; i < 60; i++)
        assert_int_equal(ask_within(&c, weir_ms(50)), 0);
    assert_int_equal(state_of(0), WEIR_INSTANCE_UP);
    assert_true(see().instances[0].requests > 15);
    assert_at_rest(&c);
    cluster_close(&c);
    return 0;
}

static void a_failing_instance_is_ejected_and_returns(void **state)
{
    static const enum mood failing[] = {SILENT, BREAKS_IN_HEAD, BREAKS_IN_BODY, CLOSES, FAILS_503, GARBAGE};

    (void)state;
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++)
        for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++) {
            enum mood mood = failing[i];
            run_simulated_and_in_memory(seed, ejected, &mood);
        }
}

static int not_ejected(void *arg)
{
    struct cluster c;

    set_moods(WELL);
    cluster_open(&c, 2, answer, NULL);
    moods[0] = *(const enum mood *)arg;
    for (int i = 0; i < 60; i++)
        (void)ask(&c, "/", NULL);
    assert_int_equal(state_of(0), WEIR_INSTANCE_UP);
    assert_int_equal(see().instances[0].failures, 0);
    assert_true(see().instances[0].requests > 15);
    cluster_close(&c);
    return 0;
}

static void a_status_that_is_no_failure_ejects_nothing(void **state)
{
    enum mood mood = FAILS_501;

    (void)state;
    run_simulated(1, not_ejected, &mood);
    mood = FAILS_404;
    run_simulated(1, not_ejected, &mood);
}

/* --- connecting --- */

/* Nothing passes to or from a server, as if its machine was off. */
static void cut_off(const struct cluster *c, int server, bool off)
{
    struct weir__address address;
    const char *text = weir_listener_address(c->servers[server].listener), *colon = strrchr(text, ':');

    assert_int_equal(weir__address_of_literal("127.0.0.1", (uint16_t)atoi(colon + 1), &address), 0);
    weir__sim_partition(weir__loop_current()->io, &address.any, address.len, off);
}

static int unreachable(void *arg)
{
    struct cluster c;
    int failed = 0;

    (void)arg;
    set_moods(WELL);
    cluster_open(&c, 2, answer, &(weir_backend_options){.connect_timeout = weir_ms(20)});
    cut_off(&c, 0, true);
    for (int i = 0; i < 60; i++)
        failed += ask_within(&c, weir_ms(i % 2 == 0 ? 10 : 50)) != 0;
    assert_int_equal(failed, 5);
    assert_int_equal(state_of(0), WEIR_INSTANCE_EJECTED);
    cut_off(&c, 0, false);
    assert_at_rest(&c);
    cluster_close(&c);
    return 0;
}

static int unreachable_by_checks(void *arg)
{
    struct cluster c;

    (void)arg;
    set_moods(WELL);
    cluster_open(&c, 2, answer, &(weir_backend_options){.health = {.path = "/", .timeout = weir_ms(500)}});
    cut_off(&c, 1, true);
    until_state(1, WEIR_INSTANCE_DOWN, weir_ms(100));
    assert_int_equal(state_of(0), WEIR_INSTANCE_UP);
    cut_off(&c, 1, false);
    until_state(1, WEIR_INSTANCE_UP, weir_ms(100));
    cluster_close(&c);
    return 0;
}

static void an_instance_that_cannot_be_reached_is_ejected_or_down(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++) {
        run_simulated(seed, unreachable, NULL);
        run_simulated(seed, unreachable_by_checks, NULL);
    }
}

/* --- clients that leave --- */

static int leave_early(void *arg)
{
    return ask(arg, "/", NULL);
}

static int cancelled(void *arg)
{
    struct cluster c;

    (void)arg;
    set_moods(SILENT);
    cluster_open(&c, 2, answer, NULL);
    for (int i = 0; i < 20; i++) {
        weir_scope scope;
        weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
        (void)weir_spawn(&scope, "asking", leave_early, &c);
        assert_int_equal(weir_sleep(weir_ms(5)), 0);
        weir_scope_cancel(&scope);
        (void)weir_scope_close(&scope);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(state_of(i), WEIR_INSTANCE_UP);
        assert_int_equal(see().instances[i].failures, 0);
    }
    assert_at_rest(&c);
    cluster_close(&c);
    return 0;
}

/* A deadline that others have set is no failure of a silent server; one of this side is. */
static int deadlines(void *arg)
{
    const weir_backend_options breaking = {.breaker = {.failed_percent = 50, .of = 10}};
    const bool foreign = *(const bool *)arg;
    struct cluster c;
    weir_reply reply;

    set_moods(SILENT);
    cluster_open(&c, 2, answer, &breaking);
    for (int i = 0; i < 30; i++) {
        const weir_fetch_options options = {.backend = c.backend, .url = "/", .foreign_deadline = foreign};
        weir_scope scope;
        weir_scope_open(&scope, weir_after(weir_ms(5)), 0);
        assert_int_equal(weir_fetch(c.client, &options, &reply),
                         foreign || i < 10 ? -WEIR_EDEADLINE : -WEIR_EOPEN);
        (void)weir_scope_close(&scope);
    }
    assert_int_equal(see().instances[0].failures + see().instances[1].failures, foreign ? 0 : 10);
    assert_int_equal(see().stats.open, !foreign);
    cluster_close(&c);
    return 0;
}

static void a_caller_that_leaves_is_no_failure(void **state)
{
    bool foreign = true;

    (void)state;
    run_simulated(1, cancelled, NULL);
    run_simulated(1, deadlines, &foreign);
    foreign = false;
    run_simulated(1, deadlines, &foreign);
}

/* --- all fail --- */

static int one_may_go(void *arg)
{
    struct cluster c;

    (void)arg;
    set_moods(CLOSES);
    cluster_open(&c, 2, answer, NULL);
    for (int i = 0; i < 60; i++)
        assert_true(ask(&c, "/", NULL) < 0);
    assert_int_equal((state_of(0) == WEIR_INSTANCE_EJECTED) + (state_of(1) == WEIR_INSTANCE_EJECTED), 1);
    cluster_close(&c);
    return 0;
}

static int a_single_one_stays(void *arg)
{
    struct cluster c;

    (void)arg;
    set_moods(CLOSES);
    cluster_open(&c, 1, answer, NULL);
    for (int i = 0; i < 20; i++)
        assert_true(ask(&c, "/", NULL) < 0);
    assert_int_equal(state_of(0), WEIR_INSTANCE_UP);
    cluster_close(&c);
    return 0;
}

static int all_out(void *arg)
{
    static const weir_backend_options all = {.eject.at_most_percent = 100};
    struct cluster c;

    (void)arg;
    set_moods(CLOSES);
    cluster_open(&c, 3, answer, &all);
    for (int i = 0; i < 60; i++)
        assert_true(ask(&c, "/", NULL) < 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(state_of(i), WEIR_INSTANCE_EJECTED);
    assert_true(see().stats.panics);
    set_moods(WELL);
    for (int i = 0; i < 30; i++)
        assert_int_equal(ask(&c, "/", NULL), 0); /* all are asked */
    for (int i = 0; i < 3; i++)
        assert_true(c.servers[i].requests > 5);
    assert_int_equal(weir_sleep(weir_seconds(11)), 0);
    assert_int_equal(ask(&c, "/", NULL), 0);
    assert_false(see().stats.panics);
    cluster_close(&c);
    return 0;
}

static void never_more_than_allowed_are_ejected_and_all_are_asked_when_all_are(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(5); seed++) {
        run_simulated(seed, one_may_go, NULL);
        run_simulated(seed, a_single_one_stays, NULL);
        run_simulated(seed, all_out, NULL);
    }
}

static int dead(void *arg)
{
    struct cluster c;
    int failed = 0;

    (void)arg;
    set_moods(WELL);
    cluster_open(&c, 3, answer, NULL);
    for (int i = 0; i < 30; i++)
        assert_int_equal(ask(&c, "/", NULL), 0);
    cluster_kill(&c, 1); /* with idle connections to it */
    for (int i = 0; i < 60; i++)
        failed += ask(&c, "/", NULL) != 0;
    assert_int_equal(failed, 5);
    assert_string_equal(see().instances[1].last_error, weir_error_text(-ECONNREFUSED));
    cluster_close(&c);
    return 0;
}

static void an_instance_that_dies_is_ejected(void **state)
{
    (void)state;
    run_everywhere(dead, NULL);
}

/* --- the breaker --- */

static int breaker(void *arg)
{
    static const weir_backend_options options = {.breaker.failed_percent = 50};
    struct cluster c;
    weir_reply reply;

    (void)arg;
    set_moods(FAILS_503);
    cluster_open(&c, 1, answer, &options);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(&c, "/", NULL), 503);
    assert_true(see().stats.open);
    assert_int_equal(weir_fetch(c.client, &(weir_fetch_options){.backend = c.backend, .url = "/"}, &reply),
                     -WEIR_EOPEN);
    assert_non_null(reply.why);
    assert_int_equal(c.servers[0].requests, 20);
    assert_true(weir_backend_retry_after(c.backend).ns > 4000000000);
    assert_int_equal(weir_sleep(weir_seconds(5)), 0);
    assert_int_equal(ask(&c, "/", NULL), 503); /* the probe */
    assert_int_equal(ask(&c, "/", NULL), -WEIR_EOPEN);
    assert_int_equal(weir_sleep(weir_seconds(9)), 0);
    assert_int_equal(ask(&c, "/", NULL), -WEIR_EOPEN);
    set_moods(WELL);
    assert_int_equal(weir_sleep(weir_seconds(1)), 0);
    assert_int_equal(ask_at_once(&c, 10, -WEIR_EOPEN), 9); /* one probes */
    assert_int_equal(ask_at_once(&c, 10, 0), 10);
    assert_false(see().stats.open);
    assert_int_equal(see().stats.opened, 1);
    assert_int_equal(weir_backend_retry_after(c.backend).ns, 0);
    assert_int_equal(see().stats.refused[WEIR_BACKEND_OPEN], 12);
    assert_at_rest(&c);
    cluster_close(&c);
    return 0;
}

/* A probe that is cancelled decides nothing; another follows. */
static int lost_probe(void *arg)
{
    static const weir_backend_options options = {.breaker.failed_percent = 50};
    struct cluster c;
    weir_scope scope;

    (void)arg;
    set_moods(FAILS_503);
    cluster_open(&c, 1, answer, &options);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(&c, "/", NULL), 503);
    assert_int_equal(weir_sleep(weir_seconds(5)), 0);
    set_moods(SILENT);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    (void)weir_spawn(&scope, "asking", leave_early, &c);
    assert_int_equal(weir_sleep(weir_ms(5)), 0);
    assert_int_equal(ask(&c, "/", NULL), -WEIR_EOPEN);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    set_moods(WELL);
    assert_int_equal(ask(&c, "/", NULL), 0);
    assert_false(see().stats.open);
    cluster_close(&c);
    return 0;
}

static void the_breaker_opens_probes_and_closes(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, breaker, NULL);
    run_simulated_and_in_memory(1, lost_probe, NULL);
}

/* --- health checks --- */

static const weir_backend_options checked = {.health = {.path = "/healthz", .timeout = {1000000000}}};

static int health(void *arg)
{
    const enum mood mood = *(const enum mood *)arg;
    struct cluster c;
    int before;

    set_moods(WELL);
    cluster_open(&c, 2, answer, &checked);
    assert_int_equal(ask(&c, "/", NULL), 0); /* before any check */
    assert_int_equal(weir_sleep(weir_seconds(6)), 0);
    assert_true(c.servers[0].requests > 0 && c.servers[1].requests > 0);
    assert_int_equal(see().stats.requests, 1);
    moods[0] = mood;
    until_state(0, WEIR_INSTANCE_DOWN, weir_ms(100));
    assert_non_null(see().instances[0].last_check);
    assert_int_equal(see().instances[0].failures, 0);
    before = c.servers[1].requests;
    moods[0] = WELL;
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(&c, "/", NULL), 0);
    assert_int_equal(c.servers[1].requests, before + 20);
    until_state(0, WEIR_INSTANCE_PROBING, weir_ms(100));
    until_state(0, WEIR_INSTANCE_UP, weir_ms(100));
    assert_null(see().instances[0].last_check);
    assert_at_rest(&c);
    cluster_close(&c);
    return 0;
}

static void an_instance_that_fails_its_checks_is_down_until_they_are_good(void **state)
{
    (void)state;
    for (int mood = WELL + 1; mood < MOODS; mood++)
        for (uint64_t seed = seed_first(); seed <= seed_last(2); seed++) {
            enum mood each = (enum mood)mood;
            run_simulated_and_in_memory(seed, health, &each);
        }
}

static int refused_checks(void *arg)
{
    struct cluster c;
    weir_instant begun;
    weir_duration took;

    (void)arg;
    set_moods(WELL);
    cluster_open(&c, 2, answer, &checked);
    assert_int_equal(weir_sleep(weir_seconds(6)), 0);
    cluster_kill(&c, 0);
    begun = weir_now();
    until_state(0, WEIR_INSTANCE_DOWN, weir_ms(100));
    took = weir_between(begun, weir_now());
    assert_true(took.ns > 9000000000 && took.ns < 17000000000); /* three checks, five seconds apart */
    cluster_kill(&c, 1);
    until_state(1, WEIR_INSTANCE_DOWN, weir_ms(100));
    assert_int_equal(ask(&c, "/", NULL), -ECONNREFUSED); /* all are down: all are asked */
    assert_true(see().stats.panics);
    cluster_close(&c);
    return 0;
}

/* A gateway that has no descriptor left knows nothing of its instances. */
static int checks_without_descriptors(void *arg)
{
    struct weir__io *io = weir__loop_current()->io;
    struct weir__sim_options o = weir__sim_calm();
    struct cluster c;
    int before;

    (void)arg;
    set_moods(WELL);
    cluster_open(&c, 2, answer, &checked);
    assert_int_equal(weir_sleep(weir_seconds(6)), 0);
    before = c.servers[0].requests + c.servers[1].requests;
    o.files_max = weir__sim_stats(io).open_files;
    weir__sim_configure(io, &o);
    assert_int_equal(weir_sleep(weir_seconds(60)), 0);
    assert_int_equal(c.servers[0].requests + c.servers[1].requests, before);
    assert_int_equal(see().instances[0].state, WEIR_INSTANCE_UP);
    assert_int_equal(see().instances[1].state, WEIR_INSTANCE_UP);
    o = weir__sim_calm();
    weir__sim_configure(io, &o);
    moods[0] = SILENT;
    until_state(0, WEIR_INSTANCE_DOWN, weir_ms(100));
    cluster_close(&c);
    return 0;
}

static void count_origin(void *arg, const weir_origin_stats *stats)
{
    (void)stats;
    ++*(int *)arg;
}

/* Checks make no origins, and end with the backend. */
static int unseen_checks(void *arg)
{
    struct cluster c;
    int origins = 0, requests;

    (void)arg;
    set_moods(WELL);
    cluster_open(&c, 2, answer, &checked);
    assert_int_equal(weir_sleep(weir_seconds(60)), 0);
    weir_origin_each(weir_runtime_here(), count_origin, &origins);
    assert_int_equal(origins, 0);
    requests = c.servers[0].requests;
    assert_true(requests >= 11 && requests <= 13);
    assert_int_equal(c.servers[0].connections, requests); /* each makes one */
    assert_memory_equal(c.servers[0].request, "GET /healthz HTTP/1.1\r\n", 23);
    weir_backend_close(c.backend);
    assert_int_equal(weir_sleep(weir_seconds(60)), 0);
    assert_int_equal(c.servers[0].requests, requests);
    c.backend = NULL;
    cluster_close(&c);
    return 0;
}

static void checks_are_no_requests(void **state)
{
    (void)state;
    run_simulated(1, refused_checks, NULL);
    run_simulated(1, unseen_checks, NULL);
}

static void checks_that_this_side_cannot_make_say_nothing(void **state)
{
    (void)state;
    run_simulated(1, checks_without_descriptors, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_instance_is_ejected_and_returns),
        cmocka_unit_test(a_status_that_is_no_failure_ejects_nothing),
        cmocka_unit_test(an_instance_that_cannot_be_reached_is_ejected_or_down),
        cmocka_unit_test(a_caller_that_leaves_is_no_failure),
        cmocka_unit_test(never_more_than_allowed_are_ejected_and_all_are_asked_when_all_are),
        cmocka_unit_test(an_instance_that_dies_is_ejected),
        cmocka_unit_test(the_breaker_opens_probes_and_closes),
        cmocka_unit_test(an_instance_that_fails_its_checks_is_down_until_they_are_good),
        cmocka_unit_test(checks_are_no_requests),
        cmocka_unit_test(checks_that_this_side_cannot_make_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
