/* SPDX-License-Identifier: MIT */
/* Very many requests to instances that do all that servers do, under seeds. Each request ends once, with its
 * own answer or an error that is to be expected; none that must not be repeated arrives twice; second
 * attempts are no more than the budget pays for; and in the end nothing is held.
 *
 * A run has 36 000 requests; tools/soak has a million. */
#include "attempts_rig.h"

enum { SEEDS = 12, REQUESTS = 3000, TASKS = 24, EXTRA_PERCENT = 10, TIMES = 2 };

static struct cluster cluster;

static int post_arrived[REQUESTS];

static struct {
    int answered, failed, refused, given_up;
    uint64_t first_made, second_made; /* by what replies say */
} ended;

/* --- the instances --- */

static int64_t some_us(void)
{
    int64_t us = 500 + (int64_t)weir_random_below(3000);

    if (weir_random_below(10) == 0)
        us += (int64_t)weir_random_below(80000);
    return us;
}

/* Answers with the number of the request. Returns: whether the connection goes on. */
static bool answer(weir_stream *s, int id, bool is_head)
{
    static const char *const heads[] = {"200 OK", "200 OK", "200 OK", "200 OK", "200 OK", "404 No",
                                        "500 No", "502 No", "503 No", "504 No", "429 No", "501 No"};
    static const char *const extras[] = {"", "", "", "", "retry-after: 0\r\n", "retry-after: soon\r\n"};
    const char *head = heads[weir_random_below(5) > 0 ? 0 : weir_random_below(12)];
    char text[256], body[16];
    int len;

    (void)snprintf(body, sizeof body, "%d", id);
    len = snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%scontent-length: %zu\r\n\r\n%s", head,
                   extras[weir_random_below(6)], strlen(body), is_head ? "" : body);
    switch (weir_random_below(40)) {
    case 0: /* half of it */
        (void)!weir_write(s, text, (size_t)weir_random_below((uint64_t)len));
        return false;
    case 1: /* in two parts */
        if (weir_write(s, text, (size_t)len / 2) < 0 || weir_sleep(weir_us(some_us())) < 0)
            return false;
        return weir_write(s, text + len / 2, (size_t)(len - len / 2)) == 0;
    case 2:
        if (send_text(s, "HTTP/1.1 103 Hints\r\n\r\n") < 0 || weir_sleep(weir_us(some_us())) < 0)
            return false;
        break;
    case 3:
        if (send_text(s, "HTTP/1.1 100 Continue\r\n\r\n") < 0 || weir_sleep(weir_us(some_us())) < 0)
            return false;
        break;
    case 4:
        return false;
    case 5:
        (void)client_leaves(s);
        return false;
    default:
        break;
    }
    return weir_write(s, text, (size_t)len) == 0 && weir_random_below(50) > 0;
}

static int serve(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0) {
        char head[REQUEST_BYTES];
        int id;
        memcpy(head, b->request, sizeof head);
        id = atoi(strstr(head, " /") + 2);
        assert_in_range(id, 0, REQUESTS - 1);
        assert_in_range(attempt_of(head), 0, TIMES);
        post_arrived[id] += strncmp(head, "POST", 4) == 0;
        if (weir_sleep(weir_us(some_us())) < 0 || !answer(s, id, strncmp(head, "HEAD", 4) == 0))
            break;
    }
    return 0;
}

/* --- the requests --- */

static void check_answer(int id, const char *method, const struct asked *asked)
{
    char body[16];

    (void)snprintf(body, sizeof body, "%d", id);
    if (asked->status != 0 && strcmp(method, "HEAD") != 0)
        assert_string_equal(asked->body, body);
    ended.answered++;
}

static void check_error(const struct asked *asked)
{
    switch (-asked->err) {
    case WEIR_EBUSY:
    case WEIR_ELIMITED:
    case WEIR_EOPEN:
        assert_int_equal(asked->made.made, 0);
        ended.refused++;
        break;
    case WEIR_EDEADLINE:
        ended.given_up++;
        break;
    default:
        assert_true(asked->err == -WEIR_ETRUNCATED || asked->err == -ECONNRESET || asked->err == -EPIPE ||
                    asked->err == -WEIR_EPROTOCOL);
        ended.failed++;
    }
}

static void make_one(int id)
{
    static const char *const methods[] = {"GET",     "GET",  "GET",  "GET", "HEAD",
                                          "OPTIONS", "POST", "POST", "PUT"};
    const char *method = methods[weir_random_below(9)];
    const bool in_pieces = weir_random_below(3) == 0;
    struct asked asked;
    weir_scope scope;
    char url[16];

    (void)snprintf(url, sizeof url, "/%d", id);
    weir_scope_open(
        &scope, weir_random_below(3) == 0 ? weir_after(weir_us(2 * some_us())) : weir_after(weir_seconds(2)),
        WEIR_COLLECT);
    asked = in_pieces ? ask_in_pieces(&cluster, (weir_fetch_options){.url = url, .method = method})
                      : ask_with(&cluster, (weir_fetch_options){.url = url, .method = method});
    (void)weir_scope_close(&scope);
    if (asked.err == 0)
        check_answer(id, method, &asked);
    else
        check_error(&asked);
    assert_in_range(asked.made.made, 0, TIMES + 1);
    assert_in_range(asked.made.taken, 0, asked.made.made);
    ended.first_made += asked.made.made > 0;
    ended.second_made += asked.made.made > 0 ? (uint64_t)asked.made.made - 1 : 0;
}

static int next;
static uint64_t seconds_of_all;

static int ask_on(void *arg)
{
    (void)arg;
    while (next < REQUESTS) {
        make_one(next++);
        assert_int_equal(weir_sleep(weir_us((int64_t)weir_random_below(2000))), 0);
    }
    return 0;
}

/* --- what must hold --- */

static uint64_t sum_of(const weir_attempts_stats *stats, enum weir_attempt_kind kind)
{
    uint64_t sum = 0;

    for (int i = 0; i < WEIR_ATTEMPT_OUTCOMES; i++)
        sum += stats->attempts[kind][i];
    return sum;
}

static void check_counts(int64_t took_ns)
{
    const weir_attempts_stats stats = attempts_seen();
    const uint64_t first = sum_of(&stats, WEIR_ATTEMPT_FIRST),
                   second = sum_of(&stats, WEIR_ATTEMPT_HEDGE) + sum_of(&stats, WEIR_ATTEMPT_RETRY);

    assert_int_equal(ended.answered + ended.failed + ended.refused + ended.given_up, REQUESTS);
    assert_int_equal(first, ended.first_made);
    assert_int_equal(second, ended.second_made);
    assert_true((double)second <= (double)first * EXTRA_PERCENT / 100 + (double)took_ns / 1e9 + 1);
    for (int i = 0; i < REQUESTS; i++)
        assert_true(post_arrived[i] <= 1);
    seconds_of_all += second;
}

static weir_backend_options some_options(void)
{
    weir_backend_options options = {
        .hedge = {.percentile = 90, .extra_percent = EXTRA_PERCENT},
        .retry = {.on = WEIR_RETRY_CONNECT | WEIR_RETRY_RESET | WEIR_RETRY_502 | WEIR_RETRY_503,
                  .times = TIMES,
                  .extra_percent = EXTRA_PERCENT},
        .connections_max = 20 + (int)weir_random_below(40),
        .limit = weir_random_below(2) == 0 ? 22 + (int)weir_random_below(16) : 0,
        .balance = (enum weir_balance)weir_random_below(2),
        .tells_deadline = weir_random_below(2) == 0,
    };

    if (weir_random_below(3) == 0)
        options.breaker = (weir_backend_breaker){.failed_percent = 60, .of = 10, .open = weir_ms(20)};
    if (weir_random_below(3) == 0)
        options.hedge = (weir_hedge_options){.after = weir_ms(3), .extra_percent = EXTRA_PERCENT};
    return options;
}

static int storm(void *arg)
{
    weir_backend_options options = some_options();
    int64_t began;
    weir_scope scope;

    (void)arg;
    memset(post_arrived, 0, sizeof post_arrived);
    memset(&ended, 0, sizeof ended);
    next = 0;
    cluster_open(&cluster, 3, serve, &options);
    began = weir_now().ns;
    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(weir_spawn(&scope, "asking", ask_on, NULL), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    check_counts(weir_now().ns - began);
    until_at_rest(&cluster);
    assert_int_equal(cluster.backend->lingering_count, 0);
    assert_int_equal(see().stats.connections, idle_count(&cluster.backend->client));
    cluster_close(&cluster);
    return 0;
}

static void every_request_ends_once_and_nothing_is_left(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(SEEDS); seed++)
        run_simulated(seed, storm, NULL);
    if (!seed_is_alone())
        assert_true(seconds_of_all > seed_count(SEEDS) * REQUESTS / 100); /* it is what this is about */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_ends_once_and_nothing_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
