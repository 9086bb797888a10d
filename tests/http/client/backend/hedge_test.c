/* SPDX-License-Identifier: MIT */
/* Hedging: when a second attempt is made, where, what it says, and which answer is taken. */
#include "attempts_rig.h"

static struct cluster cluster;

static void open_hedging(int instances)
{
    weir_backend_options options = hedging();

    cluster_open(&cluster, instances, serve_by_plan, &options);
    fill_budget(&cluster);
}

static void close_hedging(void)
{
    until_at_rest(&cluster);
    cluster_close(&cluster);
}

/* Asks with a plan. */
static struct asked ask_by(const struct way *way, struct answer first, struct answer second)
{
    plan[0] = first;
    plan[1] = second;
    return way->ask(&cluster, (weir_fetch_options){0});
}

static const struct answer silent = {.then = HANGS};

/* --- what wins --- */

static int a_slow_one(void *arg)
{
    struct asked asked;

    open_hedging(3);
    asked = ask_by(arg, silent, (struct answer){.after_us = 1000, .text = ANSWER("b!")});
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "b!");
    assert_in_range(asked.took_us, 11000, 13000);
    assert_int_equal(asked.made.made, 2);
    assert_int_equal(asked.made.taken, 2);
    assert_int_equal(asked.made.last, WEIR_ATTEMPT_HEDGE);
    assert_in_range(asked.made.last_after.ns, 10000000, 11000000);
    assert_int_equal(came.attempts[0], 1);
    assert_int_equal(came.attempts[1], 1);
    assert_int_not_equal(came.instance[0], came.instance[1]);
    while (came.left == 0) /* the one that lost is told so */
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    close_hedging();
    return 0;
}

static void a_slow_request_is_asked_elsewhere_and_that_answer_is_taken(void **state)
{
    (void)state;
    on_both_ways(a_slow_one, 20);
}

static int a_quick_one(void *arg)
{
    struct asked asked;

    open_hedging(2);
    asked = ask_by(arg, (struct answer){.after_us = 9000, .text = ANSWER("a!")}, silent);
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "a!");
    assert_int_equal(asked.made.made, 1);
    assert_int_equal(asked.made.taken, 1);
    assert_int_equal(came.attempts[1], 0);
    close_hedging();
    return 0;
}

static void a_quick_request_is_sent_once(void **state)
{
    (void)state;
    on_both_ways(a_quick_one, 5);
}

static int first_after_all(void *arg)
{
    struct asked asked;

    open_hedging(2);
    asked = ask_by(arg, (struct answer){.after_us = 15000, .text = ANSWER("a!")},
                   (struct answer){.after_us = 20000, .text = ANSWER("b!")});
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "a!");
    assert_in_range(asked.took_us, 15000, 17000);
    assert_int_equal(asked.made.made, 2);
    assert_int_equal(asked.made.taken, 1);
    assert_int_equal(came.attempts[1], 1);
    close_hedging();
    return 0;
}

static void the_first_attempt_may_still_win(void **state)
{
    (void)state;
    on_both_ways(first_after_all, 10);
}

/* The body of the one that wins is read to its end, whatever the other says meanwhile. */
static int a_slow_body(void *arg)
{
    struct asked asked;

    open_hedging(2);
    asked = ask_by(
        arg, (struct answer){.after_us = 5000, .text = OK_HEAD "a", .rest_after_us = 30000, .rest = "!"},
        silent);
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "a!");
    assert_int_equal(asked.made.made, 1); /* a head is enough */
    asked =
        ask_by(arg, silent,
               (struct answer){.after_us = 1000, .text = OK_HEAD "b", .rest_after_us = 30000, .rest = "!"});
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "b!");
    assert_int_equal(asked.made.taken, 2);
    asked = ask_by(
        arg, (struct answer){.after_us = 12000, .text = OK_HEAD "a", .rest_after_us = 30000, .rest = "!"},
        (struct answer){.after_us = 5000, .text = ANSWER("b!")});
    assert_string_equal(asked.body, "a!");
    assert_int_equal(asked.made.taken, 1);
    close_hedging();
    return 0;
}

static void a_head_decides_not_the_body(void **state)
{
    (void)state;
    on_both_ways(a_slow_body, 10);
}

/* --- what an answer says of itself --- */

static void assert_told(struct asked asked, int64_t took_us)
{
    assert_in_range(asked.took_us, took_us, took_us + 5000);
    assert_int_equal(asked.instance, came.instance[asked.made.taken > 1]);
    assert_in_range(asked.told_us, took_us, asked.took_us);
}

static int whose_it_is(void *arg)
{
    struct asked asked;

    open_hedging(3);
    assert_told(ask_by(arg, (struct answer){.after_us = 5000, .text = ANSWER("a!")}, silent), 5000);
    assert_told(ask_by(arg, silent, (struct answer){.after_us = 4000, .text = ANSWER("b!")}), 14000);
    assert_told(ask_by(arg, (struct answer){.after_us = 15000, .text = ANSWER("a!")}, silent), 15000);
    asked = ask_by(arg, (struct answer){.after_us = 3000, .then = CLOSES}, silent);
    if (((const struct way *)arg)->ask == ask_with) { /* a stream has no answer that could say so */
        assert_int_equal(asked.err, -WEIR_ETRUNCATED);
        assert_told(asked, 3000);
    }
    close_hedging();
    return 0;
}

static void an_answer_says_whose_it_is_and_how_long_it_took(void **state)
{
    (void)state;
    on_both_ways(whose_it_is, 5);
}

/* --- where --- */

/* By a key there is a second instance, too, as there is a first: the next best. */
static int by_key(void *arg)
{
    const struct way *way = arg;
    weir_backend_options options = hedging();
    int others = 0, second_of[SERVERS_MAX];

    options.balance = WEIR_BALANCE_HASH;
    cluster_open(&cluster, SERVERS_MAX, serve_by_plan, &options);
    fill_budget(&cluster);
    memset(second_of, -1, sizeof second_of);
    plan[0] = silent;
    plan[1] = (struct answer){.text = ANSWER("b!")};
    for (int key = 0; key < 20; key++) {
        char text[16];
        int pair[2] = {-1, -1};
        (void)snprintf(text, sizeof text, "%d", key);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(way->ask(&cluster, (weir_fetch_options){.balance_key = text}).made.taken, 2);
            assert_int_not_equal(came.instance[0], came.instance[1]);
            assert_true(i == 0 || (came.instance[0] == pair[0] && came.instance[1] == pair[1]));
            memcpy(pair, came.instance, sizeof pair);
        }
        others += second_of[pair[0]] >= 0 && second_of[pair[0]] != pair[1];
        second_of[pair[0]] = pair[1];
    }
    assert_true(others > 0); /* it is the key's, not the first instance's */
    close_hedging();
    return 0;
}

static void by_a_key_the_second_instance_is_always_the_same(void **state)
{
    (void)state;
    on_both_ways(by_key, 3);
}

/* --- bad answers --- */

static int bad_then_good(void *arg)
{
    static const char *const bad[] = {FAILED("500"), FAILED("503"), FAILED("429"), FAILED("501")};

    open_hedging(2);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct asked asked = ask_by(arg, (struct answer){.after_us = 12000, .text = bad[i]},
                                    (struct answer){.after_us = 5000, .text = ANSWER("b!")});
        assert_int_equal(asked.err, 0);
        assert_string_equal(asked.body, "b!");
        assert_int_equal(asked.made.taken, 2);
        asked = ask_by(arg, (struct answer){.after_us = 15000, .text = ANSWER("a!")},
                       (struct answer){.text = bad[i]});
        assert_int_equal(asked.err, 0);
        assert_string_equal(asked.body, "a!");
        assert_int_equal(asked.made.taken, 1);
        assert_int_equal(asked.made.made, 2);
    }
    close_hedging();
    return 0;
}

static void a_bad_answer_waits_for_the_other(void **state)
{
    (void)state;
    on_both_ways(bad_then_good, 10);
}

static int bad_at_once(void *arg)
{
    struct asked asked;

    open_hedging(2);
    asked = ask_by(arg, (struct answer){.after_us = 5000, .text = FAILED("503")}, silent);
    assert_int_equal(asked.err, 0);
    assert_int_equal(asked.status, 503);
    assert_string_equal(asked.body, "no");
    assert_int_equal(asked.made.made, 1);
    asked = ask_by(
        arg, (struct answer){.after_us = 3000, .text = "HTTP/1.1 404 No\r\ncontent-length: 2\r\n\r\nno"},
        silent);
    assert_int_equal(asked.status, 404);
    assert_int_equal(asked.made.made, 1);
    close_hedging();
    return 0;
}

static void a_bad_answer_before_the_hedge_is_the_answer(void **state)
{
    (void)state;
    on_both_ways(bad_at_once, 5);
}

static int both_bad(void *arg)
{
    struct asked asked;

    open_hedging(2);
    asked = ask_by(arg, (struct answer){.after_us = 15000, .text = FAILED("503")},
                   (struct answer){.after_us = 1000, .text = FAILED("500")});
    assert_int_equal(asked.err, 0);
    assert_int_equal(asked.status, 503); /* the first's */
    assert_int_equal(asked.made.taken, 1);
    asked = ask_by(arg, (struct answer){.after_us = 15000, .then = CLOSES},
                   (struct answer){.after_us = 1000, .text = FAILED("500")});
    assert_int_equal(asked.err, 0);
    assert_int_equal(asked.status, 500); /* an answer rather than an error */
    assert_int_equal(asked.made.taken, 2);
    asked = ask_by(arg, (struct answer){.after_us = 15000, .text = "HTTP/9 200 OK\r\n\r\n", .then = CLOSES},
                   (struct answer){.after_us = 1000, .then = CLOSES});
    assert_int_equal(asked.err, -WEIR_EPROTOCOL); /* the first's */
    assert_int_equal(asked.made.taken, 0);
    close_hedging();
    return 0;
}

static void of_two_bad_ends_the_first_is_told_but_an_answer_before_an_error(void **state)
{
    (void)state;
    on_both_ways(both_bad, 10);
}

static int one_dies(void *arg)
{
    const struct way *way = arg;
    struct asked asked;

    open_hedging(2);
    asked = ask_by(arg, (struct answer){.after_us = 12000, .then = CLOSES},
                   (struct answer){.after_us = 5000, .text = ANSWER("b!")});
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "b!");
    asked = ask_by(arg, (struct answer){.after_us = 15000, .text = ANSWER("a!")},
                   (struct answer){.after_us = 1000, .then = CLOSES});
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "a!");
    asked = ask_by(
        arg, (struct answer){.after_us = 5000, .text = "HTTP/1.1 200 O", .then = HANGS}, /* half a head */
        (struct answer){.after_us = 1000, .text = ANSWER("b!")});
    assert_string_equal(asked.body, "b!");
    asked = ask_by(arg, silent, (struct answer){.after_us = 1000, .text = OK_HEAD "b", .then = CLOSES});
    assert_int_equal(asked.err, -WEIR_ETRUNCATED); /* half a body, when it has been decided for */
    asked = ask_by(arg, (struct answer){.after_us = 12000, .then = CLOSES},
                   (struct answer){.after_us = 15000, .then = CLOSES});
    assert_int_equal(asked.err, -WEIR_ETRUNCATED);
    assert_true(way->ask == ask_in_pieces || asked.told_us >= 25000); /* the wait for the hedge, too */
    close_hedging();
    return 0;
}

static void an_attempt_that_breaks_off_leaves_it_to_the_other(void **state)
{
    (void)state;
    on_both_ways(one_dies, 10);
}

/* --- informational answers --- */

static int informed(void *arg)
{
    struct asked asked;

    open_hedging(2);
    asked = ask_by(arg,
                   (struct answer){.after_us = 5000,
                                   .text = "HTTP/1.1 103 Hints\r\n\r\n",
                                   .rest_after_us = 30000,
                                   .rest = ANSWER("a!")},
                   silent);
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "a!");
    assert_int_equal(asked.made.made, 1);
    asked =
        ask_by(arg, (struct answer){.after_us = 5000, .text = "HTTP/1.1 100 Continue\r\n\r\n", .then = HANGS},
               (struct answer){.after_us = 1000, .text = ANSWER("b!")});
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "b!");
    asked = ask_by(arg, silent,
                   (struct answer){.after_us = 1000,
                                   .text = "HTTP/1.1 103 Hints\r\n\r\n",
                                   .rest_after_us = 20000,
                                   .rest = FAILED("500")});
    assert_int_equal(asked.err, 0);
    assert_int_equal(asked.status, 500); /* it was decided for */
    assert_int_equal(asked.made.taken, 2);
    close_hedging();
    return 0;
}

static void an_informational_answer_decides_but_100(void **state)
{
    (void)state;
    on_both_ways(informed, 10);
}

/* --- what is sent --- */

static int said(void *arg)
{
    static const weir_header headers[] = {{"x-weir-attempt", "1"}, {"X-Weir-Deadline-Ms", "77"}, {"a", "b"}};
    const struct way *way = arg;
    weir_backend_options options = hedging();
    weir_scope scope;
    struct asked asked;

    options.tells_deadline = true;
    cluster_open(&cluster, 2, serve_by_plan, &options);
    fill_budget(&cluster);
    plan[0] = silent;
    plan[1] = (struct answer){.text = ANSWER("b!")};
    weir_scope_open(&scope, weir_after(weir_ms(100)), 0);
    asked = way->ask(&cluster, (weir_fetch_options){.headers = headers, .header_count = 3});
    (void)weir_scope_close(&scope);
    assert_int_equal(asked.err, 0);
    assert_non_null(strstr(came.heads[0], "\r\nx-weir-attempt: 1\r\n"));
    assert_non_null(strstr(came.heads[1], "\r\nx-weir-attempt: 2\r\n"));
    assert_null(strstr(came.heads[1], "x-weir-attempt: 1"));
    assert_true(strstr(came.heads[0], "\r\nx-weir-deadline-ms: 99\r\n") != NULL ||
                strstr(came.heads[0], "\r\nx-weir-deadline-ms: 100\r\n") != NULL);
    assert_true(strstr(came.heads[1], "\r\nx-weir-deadline-ms: 89\r\n") != NULL ||
                strstr(came.heads[1], "\r\nx-weir-deadline-ms: 90\r\n") != NULL);
    assert_null(strstr(came.heads[0], "77"));
    assert_null(strstr(came.heads[1], "77"));
    assert_non_null(strstr(came.heads[1], "\r\na: b\r\n"));
    plan[0] = (struct answer){.text = ANSWER("a!")};
    asked = way->ask(&cluster, (weir_fetch_options){.headers = headers, .header_count = 3});
    assert_non_null(strstr(came.heads[0], "\r\nX-Weir-Deadline-Ms: 77\r\n")); /* there is no deadline here */
    close_hedging();
    return 0;
}

static void a_second_attempt_says_so_and_what_is_left_of_the_deadline(void **state)
{
    (void)state;
    on_both_ways(said, 5);
}

/* --- what is not hedged --- */

static int never_twice(void *arg)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "TRACE"};
    const struct way *way = arg;

    open_hedging(3);
    plan[0] = (struct answer){.after_us = 30000, .text = ANSWER("a!")};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct asked asked = way->ask(&cluster, (weir_fetch_options){.method = methods[i]});
        assert_int_equal(asked.err, 0);
        assert_int_equal(asked.made.made, 0);
        assert_int_equal(came.attempts[0], i + 1);
        assert_int_equal(came.attempts[1], 0);
    }
    (void)way->ask(&cluster, (weir_fetch_options){.once = true});
    assert_int_equal(came.attempts[1], 0);
    close_hedging();
    return 0;
}

static void what_must_not_be_repeated_is_sent_once(void **state)
{
    (void)state;
    on_both_ways(never_twice, 5);
}

static int repeatable_twice(void *arg)
{
    const struct way *way = arg;
    struct asked asked;

    open_hedging(3);
    plan[0] = silent;
    plan[1] = (struct answer){.text = ANSWER("b!")};
    asked = way->ask(&cluster, (weir_fetch_options){.method = "POST",
                                                    .repeatable = true,
                                                    .body = "hello",
                                                    .body_bytes = 5,
                                                    .first = "hello",
                                                    .first_bytes = 5});
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "b!");
    assert_int_equal(came.posts, 2);
    assert_non_null(strstr(came.heads[0], "\r\n\r\nhello"));
    assert_non_null(strstr(came.heads[1], "\r\n\r\nhello"));
    asked = way->ask(&cluster, (weir_fetch_options){.once = true, .repeatable = true});
    assert_int_equal(asked.err, -EINVAL);
    close_hedging();
    return 0;
}

static void a_post_that_may_be_repeated_is_hedged(void **state)
{
    (void)state;
    on_both_ways(repeatable_twice, 5);
}

static char large[(64 << 10) + 1];

static int large_once(void *arg)
{
    const struct way *way = arg;
    struct asked asked;

    open_hedging(2);
    memset(large, 'x', sizeof large);
    plan[0] = (struct answer){.after_us = 30000, .text = ANSWER("a!")};
    plan[1] = (struct answer){.text = ANSWER("b!")};
    asked = way->ask(&cluster, (weir_fetch_options){.method = "OPTIONS",
                                                    .body = large,
                                                    .body_bytes = sizeof large,
                                                    .first = large,
                                                    .first_bytes = sizeof large});
    assert_int_equal(asked.made.made, 0);
    assert_int_equal(came.attempts[1], 0);
    close_hedging();
    return 0;
}

static void a_large_body_is_sent_once(void **state)
{
    (void)state;
    on_both_ways(large_once, 3);
}

static int a_streamed_body(void *arg)
{
    weir_fetch_stream *s;
    weir_reply reply;

    (void)arg;
    open_hedging(2);
    plan[0] = (struct answer){.after_us = 30000, .text = ANSWER("a!")};
    for (int64_t length = -1; length <= 5; length += 6) {
        weir_fetch_options options = {
            .backend = cluster.backend, .url = "/", .repeatable = true, .method = "PUT"};
        assert_int_equal(weir_fetch_open(cluster.client, &options, length, &s), 0);
        assert_int_equal(weir_fetch_write(s, "hello", 5), 0);
        assert_int_equal(weir_fetch_head(s, &reply), 0);
        assert_int_equal(reply.attempts.made, 0);
        weir_fetch_close(s);
    }
    assert_int_equal(came.attempts[1], 0);
    close_hedging();
    return 0;
}

static void a_body_in_pieces_is_never_hedged(void **state)
{
    (void)state;
    run_simulated(1, a_streamed_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_request_is_asked_elsewhere_and_that_answer_is_taken),
        cmocka_unit_test(a_quick_request_is_sent_once),
        cmocka_unit_test(the_first_attempt_may_still_win),
        cmocka_unit_test(a_head_decides_not_the_body),
        cmocka_unit_test(an_answer_says_whose_it_is_and_how_long_it_took),
        cmocka_unit_test(by_a_key_the_second_instance_is_always_the_same),
        cmocka_unit_test(a_bad_answer_waits_for_the_other),
        cmocka_unit_test(a_bad_answer_before_the_hedge_is_the_answer),
        cmocka_unit_test(of_two_bad_ends_the_first_is_told_but_an_answer_before_an_error),
        cmocka_unit_test(an_attempt_that_breaks_off_leaves_it_to_the_other),
        cmocka_unit_test(an_informational_answer_decides_but_100),
        cmocka_unit_test(a_second_attempt_says_so_and_what_is_left_of_the_deadline),
        cmocka_unit_test(what_must_not_be_repeated_is_sent_once),
        cmocka_unit_test(a_post_that_may_be_repeated_is_hedged),
        cmocka_unit_test(a_large_body_is_sent_once),
        cmocka_unit_test(a_body_in_pieces_is_never_hedged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
