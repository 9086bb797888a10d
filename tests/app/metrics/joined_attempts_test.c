/* SPDX-License-Identifier: MIT */
/* Second attempts and limits of several gateways: what they have in common counts once, and never goes back.
 */
#include "metrics/joined.h"

#include <string.h>

#include "admin/page_metrics.h"
#include "admin/page_stats.h"
#include "app/metrics/counting.h"
#include "metrics/collector_parts.h"

static const char file[] = "listen: 127.0.0.1:0\n"
                           "admin: 127.0.0.1:0\n"
                           "backends:\n"
                           "  shop: {urls: \"http://127.0.0.1:1\", hedge: {after: p95}, limit: auto}\n"
                           "  mail: {urls: \"http://127.0.0.1:2\", limit: 9}\n"
                           "routes:\n"
                           "  - {path: /shop, proxy: {backend: shop, timeout: 1s}}\n"
                           "  - {path: /mail, proxy: {backend: mail, timeout: 1s}}\n",
                  without[] = "listen: 127.0.0.1:0\n"
                              "admin: 127.0.0.1:0\n"
                              "routes:\n"
                              "  - {path: /a, respond: {body: a}}\n";

enum { PROCESSES = 3 };

static struct gateway g[PROCESSES];
static struct joined *j;

static int begin_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROCESSES; i++)
        begin(&g[i], file);
    return joined_open(&g[0].config, &j);
}

static int end_all(void **state)
{
    (void)state;
    joined_close(j);
    for (size_t i = 0; i < PROCESSES; i++)
        end(&g[i]);
    return 0;
}

/* What a library would have told the collector of a process. */
static void tell(size_t process, const weir_backend_stats *stats)
{
    take_backend((struct snapshot *)(uintptr_t)collector_totals(g[process].collector), stats);
}

/* Of memory with this id: so many hedges, half of them won. */
static weir_backend_stats hedged(uint64_t id, uint64_t hedges, int after_ms)
{
    weir_backend_stats stats = {.name = "shop", .limit = 40, .limit_is_auto = true, .shared_id = id};
    weir_attempts_stats *a = &stats.attempts;

    a->shared_id = id;
    a->attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_ANSWERED] = 20 * hedges;
    a->attempts[WEIR_ATTEMPT_FIRST][WEIR_ATTEMPT_LOST] = hedges / 2;
    a->attempts[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_ANSWERED] = hedges / 2;
    a->attempts[WEIR_ATTEMPT_HEDGE][WEIR_ATTEMPT_LOST] = hedges - hedges / 2;
    a->denied[WEIR_ATTEMPT_NO_BUDGET] = hedges / 4;
    a->hedge_after = weir_ms(after_ms);
    a->hedge_saved = weir_ms((int64_t)hedges * 10);
    a->budget = 2.5;
    return stats;
}

static void report(size_t process)
{
    struct text_out out;

    text_out_init(&out, TOTALS_BYTES_MAX);
    totals_write(&out, collector_all_totals(g[process].collector));
    assert_int_equal(out.err, 0);
    assert_int_equal(sums_take(joined_sums(j), process, (int)process + 1, &out.text), 0);
}

static void tell_and_report(size_t process, const weir_backend_stats *stats)
{
    tell(process, stats);
    report(process);
}

static const struct snapshot_attempts *shop(const struct snapshot *s)
{
    return &s->backends[0].attempts;
}

static uint64_t hedges_of(const struct snapshot *s)
{
    return snapshot_attempts_of(shop(s)->ended.numbers, WEIR_ATTEMPT_HEDGE);
}

static void before_any_is_heard_all_is_there(void **state)
{
    const struct snapshot *s = joined_totals(j, NULL);

    (void)state;
    assert_int_equal(s->backend_count, 2);
    assert_true(snapshot_attempts_counted(shop(s)));
    assert_int_equal(hedges_of(s), 0);
    assert_int_equal(shop(s)->hedge_after.ns, 0);
    assert_int_equal(s->backends[1].limit, 9);
}

static void what_is_common_counts_once(void **state)
{
    const weir_backend_stats early = hedged(7, 100, 40), late = hedged(7, 104, 60),
                             unlearned = hedged(7, 104, 0);
    const struct snapshot *s;

    (void)state;
    tell_and_report(0, &early);
    tell_and_report(1, &late);
    tell_and_report(2, &unlearned);
    s = joined_totals(j, NULL);
    assert_int_equal(hedges_of(s), 104); /* as the latest says */
    assert_int_equal(
        snapshot_attempts_ended(shop(s)->ended.numbers, WEIR_ATTEMPT_FIRST, WEIR_ATTEMPT_ANSWERED), 2080);
    assert_int_equal(shop(s)->ended.numbers[ATTEMPTS_DENIED + WEIR_ATTEMPT_NO_BUDGET], 26);
    assert_int_equal(shop(s)->ended.numbers[ATTEMPTS_SAVED_NS], 1040000000);
    assert_true(shop(s)->budget == 2.5);
    assert_int_equal(shop(s)->hedge_after.ns, 50000000); /* the mean of those that have learned one */
    assert_int_equal(s->backends[0].limit, 40);
    assert_int_equal(s->backends[1].limit, 3 * 9); /* without shared memory each has its own */
}

static void what_is_apart_is_added_up(void **state)
{
    const weir_backend_stats own = hedged(0, 10, 40);
    const struct snapshot *s;

    (void)state;
    for (size_t i = 0; i < PROCESSES; i++)
        tell_and_report(i, &own);
    s = joined_totals(j, NULL);
    assert_int_equal(hedges_of(s), 30);
    assert_true(shop(s)->budget == 7.5);
    assert_int_equal(s->backends[0].limit, 120);
}

/* A reload: processes with other options have memory of their own, which begins at 0. */
static void counts_never_go_back(void **state)
{
    const weir_backend_stats before = hedged(7, 100, 40), after = hedged(8, 4, 40);
    struct config config;

    (void)state;
    tell_and_report(0, &before);
    tell_and_report(1, &before);
    assert_int_equal(hedges_of(joined_totals(j, NULL)), 100);
    tell_and_report(2, &after);
    assert_int_equal(hedges_of(joined_totals(j, NULL)), 104);
    sums_end(joined_sums(j), 0);
    sums_end(joined_sums(j), 1);
    assert_int_equal(hedges_of(joined_totals(j, NULL)), 104);
    assert_int_equal(joined_totals(j, NULL)->backends[0].limit, 40);
    parse(&config, without);
    assert_int_equal(joined_configure(j, &config), 0);
    sums_end(joined_sums(j), 2);
    assert_int_equal(hedges_of(joined_totals(j, NULL)), 104); /* of a backend that is gone */
    assert_int_equal(joined_configure(j, &g[0].config), 0);
    config_free(&config);
}

static void pages_have_it(void **state)
{
    const weir_backend_stats stats = hedged(7, 100, 40);
    struct text_out out;

    (void)state;
    for (size_t i = 0; i < PROCESSES; i++)
        tell_and_report(i, &stats);
    text_out_init(&out, 1 << 20);
    page_metrics_write(&out, joined_totals(j, NULL), false);
    assert_non_null(
        strstr(out.text.data, "\nweir_attempts_total{backend=\"shop\",kind=\"hedge\",outcome=\"ok\"} 50\n"));
    assert_non_null(strstr(
        out.text.data, "\nweir_attempts_total{backend=\"mail\",kind=\"retry\",outcome=\"cancelled\"} 0\n"));
    assert_non_null(
        strstr(out.text.data, "\nweir_attempts_denied_total{backend=\"shop\",why=\"budget\"} 25\n"));
    assert_non_null(strstr(out.text.data, "\nweir_hedge_after_seconds{backend=\"shop\"} 0.04\n"));
    assert_null(strstr(out.text.data, "\nweir_hedge_after_seconds{backend=\"mail\"}"));
    assert_non_null(strstr(out.text.data, "\nweir_hedge_saved_seconds{backend=\"shop\"} 1\n"));
    assert_non_null(strstr(out.text.data, "\nweir_backend_limit{backend=\"shop\"} 40\n"));
    weir_buffer_free(&out.text);
    text_out_init(&out, 1 << 20);
    page_stats_write(&out, joined_windows(j, NULL));
    assert_non_null(strstr(out.text.data, "\"limit\":40,\"limit_is_auto\":true,"));
    assert_non_null(strstr(out.text.data, "\"hedges\":true,\"retries\":false,\"hedge_after_ms\":40,"
                                          "\"budget\":2.5,"));
    assert_non_null(strstr(out.text.data,
                           "\"attempts\":{\"first\":2050,\"hedged\":100,\"won\":50,\"retried\":0,"
                           "\"recovered\":0,\"saved_ms\":1000,\"rate\":"));
    assert_non_null(strstr(out.text.data, ",\"denied\":25,\"reasons\":{\"budget\":25}}"));
    assert_non_null(strstr(out.text.data, "\"limit\":27,\"limit_is_auto\":false,"));
    weir_buffer_free(&out.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(before_any_is_heard_all_is_there, begin_all, end_all),
        cmocka_unit_test_setup_teardown(what_is_common_counts_once, begin_all, end_all),
        cmocka_unit_test_setup_teardown(what_is_apart_is_added_up, begin_all, end_all),
        cmocka_unit_test_setup_teardown(counts_never_go_back, begin_all, end_all),
        cmocka_unit_test_setup_teardown(pages_have_it, begin_all, end_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
