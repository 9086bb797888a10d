/* SPDX-License-Identifier: MIT */
/* Second attempts of a serve route: when a second process is asked, whose answer is taken, what becomes of
 * the places of both, and what is never sent twice. */
#include "app/routes/serve_play.h"
#include "routes/proxy_note.h"

#define HEDGE ", processes: 2, hedge: 40ms"
#define RETRY ", processes: 2, retry: {}"
#define BOTH ", processes: 2, hedge: 40ms, retry: {}"

static void run(int processes, const char *settings, int (*test)(struct world *w))
{
    struct play p = {.asked = 0};
    struct world w = {.processes = processes, .settings = settings, .test = test, .answer = play, .data = &p};

    run_simulated(1, world_main, &w);
}

/* --- hedging --- */

static int beat_slow(struct world *w)
{
    struct play *p = w->data;
    const weir_instant began = weir_now();

    ask(w, "GET /slow/ok", "\r\n\r\nanswer 2", 2);
    assert_true(weir_between(began, weir_now()).ns < weir_ms(60).ns);
    assert_true(weir_between(p->at[0], p->at[1]).ns >= weir_ms(40).ns);
    assert_int_not_equal(p->process[0], p->process[1]);
    assert_null(strcasestr(p->request[0], "x-weir-attempt"));
    assert_non_null(strstr(p->request[1], "\r\nx-weir-attempt: 2\r\n"));
    assert_int_equal(world_in_flight(w), 1); /* the slow one is still at it */
    ask(w, "GET /ok", "answer 1", 1);
    assert_int_equal(w->process[p->process[0]].requests, 2);
    world_await(w, 0);
    assert_int_equal(w->process[0].open + w->process[1].open, 2); /* all connections are kept */
    assert_int_equal(atomic_load(&world_block(w)->processes[0].failures), 0);
    assert_int_equal(atomic_load(&world_block(w)->processes[1].failures), 0);
    ask(w, "GET /ok", "answer 1", 1);
    return 0;
}

static void a_slow_process_is_beaten_by_another(void **state)
{
    (void)state;
    run(2, HEDGE, beat_slow);
}

static int hedge_what_may_be(struct world *w)
{
    ask(w, "HEAD /slow/ok", "200 OK", 2);
    rest();
    ask(w, "OPTIONS /slow/ok", "answer 2", 2);
    rest();
    ask(w, "POST /slow/ok", "answer 1", 1);
    ask(w, "DELETE /slow/ok", "answer 1", 1);
    ask(w, "PUT /slow/ok", "answer 1", 1);
    ask(w, "GET /ok", "answer 1", 1);
    ask(w, "GET /early/ok", "103 Early", 1); /* an answer has begun */
    return 0;
}

static void only_what_may_be_sent_twice_is(void **state)
{
    (void)state;
    run(2, HEDGE, hedge_what_may_be);
}

/* Whatever comes first, the better answer is taken. */
static int take_the_better(struct world *w)
{
    static const struct {
        const char *request, *wanted;
    } cases[] = {
        {"GET /half/ok", "answer 2"},       {"GET /late/ok", "answer 2"},
        {"GET /late/slow", "answer 2"},     {"GET /slow/die", "answer 1"},
        {"GET /slow/500", "answer 1"},      {"GET /slow/429", "answer 1"},
        {"GET /slow/slow", "answer 1"},     {"GET /slow/cut", "answer 1"},
        {"GET /slow/half", "answer 1"},     {"GET /late/500", "HTTP/1.1 500 "},
        {"GET /late/die", "HTTP/1.1 502 "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(w, cases[i].request, cases[i].wanted, 2);
        rest();
    }
    return 0;
}

static void the_better_answer_is_taken(void **state)
{
    (void)state;
    run(2, HEDGE ", timeout: 1500ms", take_the_better);
}

static int both_are_stuck(struct world *w)
{
    const weir_instant began = weir_now();

    ask(w, "GET /stuck/stuck", "HTTP/1.1 504 ", 2);
    assert_int_equal(weir_between(began, weir_now()).ns / 1000000, 500);
    assert_int_equal(world_in_flight(w), 0);
    ask(w, "GET /ok", "answer 1", 1);
    return 0;
}

static void of_two_that_are_stuck_the_timeout_is_that_of_one(void **state)
{
    (void)state;
    run(2, HEDGE ", timeout: 500ms", both_are_stuck);
}

/* A request that nobody waits for any more keeps its place until app.timeout. */
static int keep_away(struct world *w)
{
    struct play *p = w->data;
    int stuck;

    ask(w, "GET /stuck/ok", "answer 2", 2);
    stuck = p->process[0];
    for (int i = 0; i < 20; i++) {
        ask(w, "GET /ok", "answer 1", 1);
        assert_int_equal(p->process[0], 1 - stuck);
    }
    assert_int_equal(weir_sleep(weir_ms(500)), 0);
    assert_int_equal(world_in_flight(w), 0);
    while (w->process[stuck].open > 0) /* and is broken off */
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_int_equal(atomic_load(&world_block(w)->processes[stuck].failures), 1);
    assert_int_equal(atomic_load(&world_block(w)->processes[1 - stuck].failures), 0);
    return 0;
}

static void a_process_that_is_stuck_gets_no_requests(void **state)
{
    (void)state;
    run(2, HEDGE ", timeout: 500ms", keep_away);
}

/* The gateway ends while a request lingers: world_close_gateway() checks its place. */
static int leave_one_behind(struct world *w)
{
    ask(w, "GET /stuck/ok", "answer 2", 2);
    assert_int_equal(world_in_flight(w), 1);
    return 0;
}

static void what_lingers_ends_with_the_gateway(void **state)
{
    (void)state;
    run(2, HEDGE, leave_one_behind);
}

/* --- places --- */

/* While the other process is in use there is no second attempt; as soon as it is free there is. */
static int hedge_when_there_is_room(struct world *w)
{
    weir_stream *other = world_send(w, "POST /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const weir_instant began = weir_now();
    char *answer;

    world_await(w, 1);
    answer = world_read(world_send(w, "GET /stuck/ok HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    assert_non_null(strstr(answer, "answer 2"));
    assert_true(weir_between(began, weir_now()).ns >= weir_seconds(1).ns);
    assert_true(weir_between(began, weir_now()).ns < weir_ms(1100).ns);
    free(answer);
    free(world_read(other));
    return 0;
}

static void a_place_for_a_hedge_is_never_waited_for(void **state)
{
    (void)state;
    run(2, HEDGE, hedge_when_there_is_room);
}

/* A place that comes free is for those who wait. */
static int let_others_go_first(struct world *w)
{
    weir_stream *stuck = world_send(w, "GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), *busy,
                *waits[3];

    world_await(w, 1);
    busy = world_send(w, "GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    world_await(w, 2);
    for (int i = 0; i < 3; i++)
        waits[i] = world_send(w, "POST /ok HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    while (world_waiting(w) < 3)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    for (int i = 0; i < 3; i++)
        free(world_read(waits[i]));
    free(world_read(stuck));
    free(world_read(busy));
    assert_int_equal(w->process[0].requests + w->process[1].requests, 5);
    return 0;
}

static void a_hedge_does_not_overtake_requests_that_wait(void **state)
{
    (void)state;
    run(2, HEDGE ", wait: 5s", let_others_go_first);
}

static int hedge_in_one_process(struct world *w)
{
    ask(w, "GET /slow/ok", "answer 2", 2);
    assert_int_equal(w->process[0].requests, 2);
    world_await(w, 0);
    return 0;
}

static void without_another_process_the_same_is_asked(void **state)
{
    (void)state;
    run(1, ", concurrency: 2, hedge: 40ms", hedge_in_one_process);
}

/* The supervisor has not noticed that a process has gone: nothing was sent to it. */
static int hedge_past_one_that_is_gone(struct world *w)
{
    const struct play *p = w->data;

    atomic_store(&world_block(w)->processes[1].serial, 99);
    atomic_store(&world_block(w)->processes[0].used_ns, 1);
    atomic_store(&world_block(w)->processes[1].used_ns, 2); /* is chosen before the third */
    atomic_store(&world_block(w)->processes[2].used_ns, 3);
    ask(w, "GET /slow/ok", "answer 2", 2);
    assert_int_equal(p->process[0], 0);
    assert_int_equal(p->process[1], 2);
    assert_int_equal(atomic_load(&world_block(w)->processes[1].failures), 1);
    world_await(w, 0);
    return 0;
}

static void a_hedge_that_is_refused_is_tried_with_the_next_process(void **state)
{
    (void)state;
    run(3, ", processes: 3, hedge: 40ms", hedge_past_one_that_is_gone);
}

/* --- the budget --- */

enum { CLIENTS = 20, EACH = 100 };

static int ask_on_and_on(void *arg)
{
    struct world *w = arg;

    for (int i = 0; i < EACH; i++)
        free(world_read(world_send(w, "GET /80ms/80ms HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")));
    return 0;
}

/* Every request is slower than what hedges: 5 % are hedged, and none that the budget does not pay. */
static int be_slow(struct world *w)
{
    const struct play *p = play_again(w);
    weir_scope clients;

    weir_scope_open(&clients, weir_never(), 0);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(weir_spawn(&clients, "a client", ask_on_and_on, w), 0);
    assert_int_equal(weir_scope_close(&clients), 0);
    assert_int_equal(p->asked - p->second, CLIENTS * EACH);
    assert_in_range(p->second, CLIENTS * EACH * 4 / 100, CLIENTS * EACH * 11 / 200);
    world_await(w, 0);
    return 0;
}

static void a_budget_pays(void **state)
{
    (void)state;
    run(2, ", processes: 2, concurrency: 64, hedge: 40ms", be_slow);
}

/* --- retrying --- */

static int retry_some(struct world *w)
{
    static const struct {
        const char *request, *wanted;
        int asked;
    } cases[] = {
        {"GET /die/ok", "answer 2", 2},       {"GET /cut/ok", "answer 2", 2},
        {"GET /503/ok", "answer 2", 2},       {"GET /502/ok", "answer 2", 2},
        {"GET /500/ok", "HTTP/1.1 500 ", 1},  {"GET /429/ok", "HTTP/1.1 429 ", 1},
        {"POST /die/ok", "HTTP/1.1 502 ", 1}, {"POST /503/ok", "HTTP/1.1 503 ", 1},
        {"GET /die/die", "HTTP/1.1 502 ", 2}, {"GET /die/500", "HTTP/1.1 500 ", 2},
        {"GET /503/500", "answer 2", 2},      {"GET /503/die/ok", "HTTP/1.1 502 ", 2},
        {"GET /slow/ok", "answer 1", 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(w, cases[i].request, cases[i].wanted, cases[i].asked);
        assert_int_equal(world_in_flight(w), 0);
        rest();
    }
    return 0;
}

static void what_fails_is_sent_again(void **state)
{
    (void)state;
    run(2, RETRY, retry_some);
}

static int retry_often(struct world *w)
{
    ask(w, "GET /die/503/ok", "HTTP/1.1 503 ", 2); /* the budget pays one a second */
    for (int i = 0; i < 60; i++)
        ask(w, "GET /ok", "answer 1", 1);
    ask(w, "GET /die/503/cut/ok", "answer 4", 4);
    ask(w, "GET /503/503/503/503/ok", "answer 4", 4); /* the same processes, which have answered */
    return 0;
}

static void retries_are_paid(void **state)
{
    (void)state;
    run(2, ", processes: 2, retry: {times: 3, on: [reset, 503], extra: 100%}", retry_often);
    run(1, ", retry: {times: 3, on: [reset, 503], extra: 100%}", retry_often);
}

/* An answer says when it may be asked again. */
static int heed_pushback(struct world *w)
{
    ask(w, "GET /wait/ok", "HTTP/1.1 503 ", 1);
    ask(w, "GET /slow/ok", "answer 1", 1);
    assert_int_equal(weir_sleep(weir_ms(3900)), 0);
    ask(w, "GET /die/ok", "HTTP/1.1 502 ", 1);
    assert_int_equal(weir_sleep(weir_ms(200)), 0);
    ask(w, "GET /die/ok", "answer 2", 2);
    rest();
    ask(w, "POST /wait", "HTTP/1.1 503 ", 1); /* whoever has asked */
    ask(w, "GET /die/ok", "HTTP/1.1 502 ", 1);
    return 0;
}

static void retry_after_is_heeded(void **state)
{
    (void)state;
    run(2, BOTH, heed_pushback);
}

/* --- bodies --- */

#define BODY_HEAD "POST /slow/ok HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"

static int send_bodies(struct world *w)
{
    const struct play *p = w->data;
    char *answer = world_read(world_send(w, BODY_HEAD "Content-Length: 5\r\n\r\nabcde"));

    assert_non_null(strstr(answer, "answer 2"));
    free(answer);
    for (int i = 0; i < 2; i++)
        assert_non_null(strstr(p->request[i], "\r\n\r\nabcde"));
    world_await(w, 0);
    rest();
    play_again(w);
    answer = world_read(
        world_send(w, BODY_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nx-sum: 1\r\n\r\n"));
    assert_non_null(strstr(answer, "answer 2"));
    free(answer);
    for (int i = 0; i < 2; i++)
        assert_non_null(strstr(p->request[i], "abcde\r\n0\r\nx-sum: 1\r\n\r\n"));
    world_await(w, 0);
    rest();
    return 0;
}

static void a_body_that_may_be_sent_twice_is(void **state)
{
    struct play p = {.asked = 0};
    struct world w = {.processes = 2,
                      .settings = HEDGE,
                      .route = "{app: shop, repeatable: true}",
                      .test = send_bodies,
                      .answer = play,
                      .data = &p};

    (void)state;
    run_simulated(1, world_main, &w);
}

/* --- deadlines --- */

static int left_of(const char *request)
{
    const char *left = strcasestr(request, "\r\nx-weir-deadline-ms: ");

    return left != NULL ? atoi(left + 22) : -1;
}

static int tell_deadlines(struct world *w)
{
    const struct play *p = w->data;
    char *answer = world_read(world_send(
        w, "GET /slow/ok HTTP/1.1\r\nHost: h\r\nX-Weir-Deadline-Ms: 300\r\nConnection: close\r\n\r\n"));

    assert_non_null(strstr(answer, "answer 2"));
    free(answer);
    assert_in_range(left_of(p->request[0]), 290, 300);
    assert_in_range(left_of(p->request[1]), 240, 260);
    play_again(w);
    answer = world_read(world_send(
        w, "GET /stuck/stuck HTTP/1.1\r\nHost: h\r\nX-Weir-Deadline-Ms: 200\r\nConnection: close\r\n\r\n"));
    assert_non_null(strstr(answer, "HTTP/1.1 504 "));
    free(answer);
    return 0;
}

static void each_attempt_is_told_what_is_left(void **state)
{
    (void)state;
    run(2, HEDGE, tell_deadlines);
}

/* --- what is seen --- */

static struct {

    weir_attempts_made made;
    char charged[128]; /* what took a millisecond or more */
} seen;

static void note(struct rig *rig, const weir_exchange_record *record)
{
    seen.charged[0] = '\0';
    for (size_t i = 0; i < rig->charge_count; i++) {
        const weir_charge *charge = &rig->charges[i];
        const size_t length = strlen(seen.charged);

        if (charge->share.ns >= 1000000)

            (void)snprintf(seen.charged + length, sizeof seen.charged - length, "%s %s,",
                           weir_charge_category_name(charge->category),
                           charge->name != NULL ? charge->name : "");
    }

    if (record->note != NULL)
        seen.made = ((const struct proxy_note *)record->note)->attempts;
}

static void read_stats(void *arg, const weir_attempts_stats *stats)
{
    *(weir_attempts_stats *)arg = *stats;
}

static int see(struct world *w)
{
    weir_attempts_stats stats = {.name = NULL};

    ask(w, "GET /ok", "answer 1", 1);
    assert_string_equal(seen.charged, "");
    assert_in_range(seen.made.made, 0, 1);
    ask(w, "GET /slow/80ms", "answer 2", 2);
    assert_int_equal(seen.made.made, 2);
    assert_int_equal(seen.made.taken, 2);
    assert_true(seen.made.good);
    assert_int_equal(seen.made.last, WEIR_ATTEMPT_HEDGE);
    assert_in_range(seen.made.last_after.ns, weir_ms(40).ns, weir_ms(50).ns);
    assert_string_equal(seen.charged, "backend shop,backend shop (hedge),");
    rest();
    ask(w, "GET /die/80ms", "answer 2", 2);
    assert_int_equal(seen.made.last, WEIR_ATTEMPT_RETRY);
    assert_string_equal(seen.charged, "backend shop (retry),");
    world_await(w, 0);
    weir_attempts_each(weir_runtime_here(), read_stats, &stats);
    assert_string_equal(stats.name, "app shop");
    assert_int_equal(stats.attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_ANSWERED], 1);
    assert_int_equal(stats.attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_LOST], 1);
    assert_int_equal(stats.attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_FAILED], 1);
    assert_int_equal(stats.attempts[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_ANSWERED], 1);
    assert_int_equal(stats.attempts[WEIR_ATTEMPT_RETRY][WEIR_ATTEMPT_ANSWERED], 1);
    return 0;
}

static void attempts_are_noted_charged_and_counted(void **state)
{
    struct play p = {.asked = 0};
    struct world w = {
        .processes = 2, .settings = BOTH, .test = see, .answer = play, .noted = note, .data = &p};

    (void)state;
    memset(&seen, 0, sizeof seen);
    run_simulated(1, world_main, &w);
}

/* --- every moment, any order --- */

static void clients_may_leave_at_every_moment(void **state)
{
    static const char *const requests[] = {
        "GET /stuck/ok HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET /die/ok HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct play p = {.asked = 0};
        struct world w = {.processes = 2,
                          .settings = ", processes: 2, hedge: 4ms, retry: {}",
                          .request = requests[i],
                          .wanted = "answer 2",
                          .test = world_run_tortured,
                          .answer = play,
                          .data = &p};

        if (torture(world_tortured, &w) < 10)
            fail_msg("%s: too few waits", requests[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_process_is_beaten_by_another),
        cmocka_unit_test(only_what_may_be_sent_twice_is),
        cmocka_unit_test(the_better_answer_is_taken),
        cmocka_unit_test(of_two_that_are_stuck_the_timeout_is_that_of_one),
        cmocka_unit_test(a_process_that_is_stuck_gets_no_requests),
        cmocka_unit_test(what_lingers_ends_with_the_gateway),
        cmocka_unit_test(a_place_for_a_hedge_is_never_waited_for),
        cmocka_unit_test(a_hedge_does_not_overtake_requests_that_wait),
        cmocka_unit_test(without_another_process_the_same_is_asked),
        cmocka_unit_test(a_hedge_that_is_refused_is_tried_with_the_next_process),
        cmocka_unit_test(a_budget_pays),
        cmocka_unit_test(what_fails_is_sent_again),
        cmocka_unit_test(retries_are_paid),
        cmocka_unit_test(retry_after_is_heeded),
        cmocka_unit_test(a_body_that_may_be_sent_twice_is),
        cmocka_unit_test(each_attempt_is_told_what_is_left),
        cmocka_unit_test(attempts_are_noted_charged_and_counted),
        cmocka_unit_test(clients_may_leave_at_every_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
