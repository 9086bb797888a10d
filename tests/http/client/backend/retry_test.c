/* SPDX-License-Identifier: MIT */
/* Retries: what is tried again, where, how often, and what pushes back. */
#include "attempts_rig.h"

#include <time.h>

enum {
    EVERYTHING = WEIR_RETRY_CONNECT | WEIR_RETRY_RESET | WEIR_RETRY_502 | WEIR_RETRY_503 | WEIR_RETRY_504
};

static struct cluster cluster;

static weir_backend_options retrying(unsigned on, int times)
{
    return (weir_backend_options){.retry = {.on = on, .times = times, .extra_percent = 100},
                                  .eject.after = -1};
}

static void open_with(int instances, const weir_backend_options *options)
{
    cluster_open(&cluster, instances, serve_by_plan, options);
    fill_budget(&cluster);
}

static void open_retrying(int instances, unsigned on, int times)
{
    weir_backend_options options = retrying(on, times);

    open_with(instances, &options);
}

static void close_retrying(void)
{
    until_at_rest(&cluster);
    cluster_close(&cluster);
}

/* Asks with a plan. */
static struct asked ask_by(const struct way *way, struct answer first, struct answer second)
{
    plan[0] = first;
    plan[1] = second;
    memset(came.attempts, 0, sizeof came.attempts);
    return way->ask(&cluster, (weir_fetch_options){0});
}

static const struct answer good = {.text = ANSWER("b!")};

/* --- what is tried again --- */

struct fault {
    unsigned on;
    struct answer answer;
};

static const struct fault faults[] = {
    {WEIR_RETRY_RESET, {.then = CLOSES}},
    {WEIR_RETRY_RESET, {.text = "HTTP/1.1 200 OK\r\ncont", .then = CLOSES}},
    {WEIR_RETRY_502, {.text = FAILED("502")}},
    {WEIR_RETRY_503, {.text = FAILED("503")}},
    {WEIR_RETRY_504, {.text = FAILED("504")}},
    {WEIR_RETRY_503, {.text = "HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nno", .then = HANGS}},
};

enum { UNENDING = sizeof faults / sizeof faults[0] - 1 }; /* the last one, unless it is dropped */

static int tried_again(void *arg)
{
    open_retrying(3, EVERYTHING, 1);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct asked asked = ask_by(arg, faults[i].answer, good);
        assert_int_equal(asked.err, 0);
        assert_string_equal(asked.body, "b!");
        assert_int_equal(asked.made.made, 2);
        assert_int_equal(asked.made.taken, 2);
        assert_int_equal(asked.made.last, WEIR_ATTEMPT_RETRY);
        assert_int_equal(came.attempts[1], 1);
        assert_int_not_equal(came.instance[0], came.instance[1]);
        assert_true(asked.took_us < 5000); /* it waits for nothing */
    }
    close_retrying();
    return 0;
}

static void what_the_options_name_is_tried_again_elsewhere(void **state)
{
    (void)state;
    on_both_ways(tried_again, 10);
}

static int not_named(void *arg)
{
    for (size_t i = 0; i < UNENDING; i++) {
        struct asked asked;
        open_retrying(2, EVERYTHING & ~faults[i].on, 1);
        asked = ask_by(arg, faults[i].answer, good);
        assert_int_equal(came.attempts[1], 0);
        assert_true(asked.err < 0 || asked.status >= 500);
        assert_int_equal(asked.made.made, 1);
        close_retrying();
    }
    return 0;
}

static void what_the_options_do_not_name_is_not(void **state)
{
    (void)state;
    on_both_ways(not_named, 3);
}

static int never_tried_again(void *arg)
{
    static const struct answer answers[] = {
        {.text = FAILED("500")},
        {.text = FAILED("501")},
        {.text = FAILED("429")},
        {.text = FAILED("404")},
        {.text = "HTTP/9 200 OK\r\n\r\n", .then = CLOSES},
        {.text = OK_HEAD "a", .then = CLOSES},
        {.text = "HTTP/1.1 103 Hints\r\n\r\n", .then = CLOSES},
    };

    open_retrying(2, EVERYTHING, 3);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct asked asked = ask_by(arg, answers[i], good);
        assert_int_equal(came.attempts[1], 0);
        assert_int_equal(asked.made.made, 1);
    }
    close_retrying();
    return 0;
}

static void other_answers_and_halves_of_one_are_not_tried_again(void **state)
{
    (void)state;
    on_both_ways(never_tried_again, 5);
}

/* --- how often --- */

static int thrice(void *arg)
{
    const struct way *way = arg;
    struct asked asked;

    open_retrying(4, EVERYTHING, 3);
    plan[0] = plan[1] = plan[2] = (struct answer){.text = FAILED("503")};
    plan[3] = good;
    asked = way->ask(&cluster, (weir_fetch_options){0});
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "b!");
    assert_int_equal(asked.made.made, 4);
    assert_int_equal(asked.made.taken, 4);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            assert_int_not_equal(came.instance[i], came.instance[k]);
    plan[3] = (struct answer){.text = FAILED("502")};
    asked = way->ask(&cluster, (weir_fetch_options){0});
    assert_int_equal(asked.err, 0);
    assert_int_equal(asked.status, 502); /* the last one's */
    assert_string_equal(asked.body, "no");
    assert_int_equal(asked.made.made, 4);
    close_retrying();
    open_retrying(2, EVERYTHING, 1);
    plan[0] = (struct answer){.text = FAILED("503")};
    plan[1] = (struct answer){.then = CLOSES};
    asked = way->ask(&cluster, (weir_fetch_options){0});
    assert_int_equal(asked.err, -WEIR_ETRUNCATED);
    assert_int_equal(came.attempts[2], 0);
    close_retrying();
    return 0;
}

static void as_often_as_the_options_say_and_the_last_one_counts(void **state)
{
    (void)state;
    on_both_ways(thrice, 5);
}

/* --- a dead instance --- */

static int one_is_dead(void *arg)
{
    const struct way *way = arg;
    weir_backend_options options = retrying(EVERYTHING, 1);

    options.eject = (weir_backend_eject){0};
    open_with(3, &options);
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        plan[i] = good;
    cluster_kill(&cluster, 1);
    for (int i = 0; i < 60; i++) {
        struct asked asked = way->ask(&cluster, (weir_fetch_options){0});
        assert_int_equal(asked.err, 0);
        assert_string_equal(asked.body, "b!");
    }
    assert_int_equal(state_of(1), WEIR_INSTANCE_EJECTED);
    assert_true(attempts_seen().attempts[WEIR_ATTEMPT_RETRY][WEIR_ATTEMPT_ANSWERED] > 0);
    close_retrying();
    return 0;
}

static void of_three_instances_one_may_be_dead(void **state)
{
    (void)state;
    on_both_ways(one_is_dead, 10);
}

/* --- where there is only one place --- */

static int one_place(void *arg)
{
    weir_backend_options options = retrying(EVERYTHING, 1);
    struct asked asked;

    options.connections_max = 1;
    options.limit = 1;
    open_with(1, &options);
    asked = ask_by(arg, (struct answer){.then = CLOSES}, good);
    assert_int_equal(asked.err, 0);
    assert_string_equal(asked.body, "b!");
    close_retrying();
    return 0;
}

static void a_failed_attempt_makes_room_for_the_next(void **state)
{
    (void)state;
    on_both_ways(one_place, 5);
}

static int whole_answer(void *arg)
{
    weir_backend_options options = retrying(EVERYTHING, 1);
    struct asked asked;

    options.connections_max = 1;
    open_with(1, &options);
    asked = ask_by(arg, (struct answer){.text = FAILED("503")}, good);
    assert_int_equal(asked.err, 0);
    assert_true(asked.status == 200 || asked.status == 503); /* its body may not be here yet */
    assert_string_equal(asked.body, asked.status == 200 ? "b!" : "no");
    close_retrying();
    return 0;
}

static void an_answer_is_kept_where_there_is_no_room_for_another_attempt(void **state)
{
    (void)state;
    on_both_ways(whole_answer, 10);
}

/* --- budget --- */

static int without_budget(void *arg)
{
    weir_backend_options options = retrying(EVERYTHING, 1);
    struct asked asked;
    int retried = 0;

    options.retry.extra_percent = 1;
    cluster_open(&cluster, 2, serve_by_plan, &options);
    forget();
    for (int i = 0; i < 50; i++) {
        asked = ask_by(arg, (struct answer){.text = FAILED("503")}, good);
        retried += came.attempts[1];
        assert_int_equal(asked.err, 0);
        assert_int_equal(asked.status, came.attempts[1] > 0 ? 200 : 503);
    }
    assert_in_range(retried, 1, 3); /* one is there, and one a second comes */
    assert_int_equal(attempts_seen().denied[WEIR_ATTEMPT_NO_BUDGET], 50 - retried);
    close_retrying();
    return 0;
}

static void without_budget_the_answer_is_passed_on(void **state)
{
    (void)state;
    on_both_ways(without_budget, 3);
}

/* --- pushback --- */

static char busy[160];

static const char *busy_for(int status, const char *retry_after)
{
    (void)snprintf(busy, sizeof busy, "HTTP/1.1 %d No\r\nretry-after: %s\r\ncontent-length: 2\r\n\r\nno",
                   status, retry_after);
    return busy;
}

static const char *date_in(char *out, size_t bytes, const char *form, int seconds)
{
    time_t at = time(NULL) + seconds;
    struct tm tm;

    (void)strftime(out, bytes, form, gmtime_r(&at, &tm));
    return out;
}

static int pushed_back(void *arg)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};
    char date[64];
    struct asked asked;

    open_retrying(2, EVERYTHING, 1);
    asked = ask_by(arg, (struct answer){.text = busy_for(503, "2")}, good);
    assert_int_equal(asked.status, 503);
    asked = ask_by(arg, (struct answer){.text = FAILED("502")}, good);
    assert_int_equal(asked.status, 502);
    assert_int_equal(attempts_seen().denied[WEIR_ATTEMPT_PUSHBACK], 2);
    assert_int_equal(weir_sleep(weir_ms(2100)), 0);
    asked = ask_by(arg, (struct answer){.text = FAILED("502")}, good);
    assert_int_equal(asked.status, 200);
    for (size_t i = 0; i < 3; i++) { /* for half a minute at least */
        asked = ask_by(arg, (struct answer){.text = busy_for(503, date_in(date, sizeof date, forms[i], 60))},
                       good);
        assert_int_equal(asked.status, 503);
        assert_int_equal(weir_sleep(weir_seconds(30)), 0);
        asked = ask_by(arg, (struct answer){.text = FAILED("502")}, good);
        assert_int_equal(asked.status, 502);
        assert_int_equal(weir_sleep(weir_seconds(31)), 0);
    }
    close_retrying();
    return 0;
}

static void retry_after_is_kept_to_in_all_its_forms(void **state)
{
    (void)state;
    on_both_ways(pushed_back, 3);
}

static int no_pushback(void *arg)
{
    static const char *const words[] = {"0", "-1", "soon", "", "1.5", "Sat, 01 Jan 2000 00:00:00 GMT"};
    struct asked asked;

    open_retrying(2, EVERYTHING, 1);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        asked = ask_by(arg, (struct answer){.text = busy_for(503, words[i])}, good);
        assert_int_equal(asked.status, 200);
    }
    asked = ask_by(arg, (struct answer){.text = busy_for(502, "60")}, good); /* of another status */
    assert_int_equal(asked.status, 200);
    asked = ask_by(arg, (struct answer){.text = busy_for(429, "60")}, good);
    assert_int_equal(asked.status, 429);
    asked = ask_by(arg, (struct answer){.text = FAILED("502")}, good);
    assert_int_equal(asked.status, 502);
    close_retrying();
    return 0;
}

static void what_is_no_retry_after_pushes_nothing_back(void **state)
{
    (void)state;
    on_both_ways(no_pushback, 3);
}

/* A POST is not tried again, but what it is told holds for others. */
static int told_to_a_post(void *arg)
{
    const struct way *way = arg;
    struct asked asked;

    open_retrying(2, EVERYTHING, 1);
    plan[0] = (struct answer){.text = busy_for(503, "60")};
    asked = way->ask(&cluster, (weir_fetch_options){.method = "POST"});
    assert_int_equal(asked.status, 503);
    assert_int_equal(came.posts, 1);
    asked = ask_by(arg, (struct answer){.text = FAILED("502")}, good);
    assert_int_equal(asked.status, 502);
    close_retrying();
    return 0;
}

static void retry_after_in_any_answer_counts(void **state)
{
    (void)state;
    on_both_ways(told_to_a_post, 3);
}

/* --- what must not be repeated --- */

static int posts(void *arg)
{
    const struct way *way = arg;
    int count = 0;

    open_retrying(2, EVERYTHING, 3);
    for (size_t i = 0; i < UNENDING; i++) {
        plan[0] = faults[i].answer;
        plan[1] = good;
        forget();
        (void)way->ask(&cluster,
                       (weir_fetch_options){
                           .method = "POST", .body = "x", .body_bytes = 1, .first = "x", .first_bytes = 1});
        count += came.posts;
        assert_int_equal(came.posts, 1);
    }
    assert_int_equal(count, UNENDING);
    close_retrying();
    return 0;
}

static void a_post_is_sent_once(void **state)
{
    (void)state;
    on_both_ways(posts, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_options_name_is_tried_again_elsewhere),
        cmocka_unit_test(what_the_options_do_not_name_is_not),
        cmocka_unit_test(other_answers_and_halves_of_one_are_not_tried_again),
        cmocka_unit_test(as_often_as_the_options_say_and_the_last_one_counts),
        cmocka_unit_test(of_three_instances_one_may_be_dead),
        cmocka_unit_test(a_failed_attempt_makes_room_for_the_next),
        cmocka_unit_test(an_answer_is_kept_where_there_is_no_room_for_another_attempt),
        cmocka_unit_test(without_budget_the_answer_is_passed_on),
        cmocka_unit_test(retry_after_is_kept_to_in_all_its_forms),
        cmocka_unit_test(what_is_no_retry_after_pushes_nothing_back),
        cmocka_unit_test(retry_after_in_any_answer_counts),
        cmocka_unit_test(a_post_is_sent_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
