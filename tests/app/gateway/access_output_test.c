/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/access_output.h"

enum { TRACES = 10000 };

static const weir_exchange_record fine = {
    .method = "GET", .target = "/", .route = "/", .status = 200, .complete = true, .took = {5000000}};
static int sample;

static bool wants(const struct config_access_log *settings, weir_exchange_record record, uint64_t trace)
{
    return access_output_wants(settings, &record, &(weir_trace){.id_low = trace}, &sample);
}

static void all_have_a_line_without_a_sample(void **state)
{
    const struct config_access_log all = {.sample = 100};

    (void)state;
    for (uint64_t trace = 0; trace < 200; trace++) {
        assert_true(wants(&all, fine, trace));
        assert_int_equal(sample, 0);
    }
}

static int count(const struct config_access_log *settings)
{
    int lines = 0;

    for (uint64_t trace = 1; trace <= TRACES; trace++)
        lines += wants(settings, fine, trace);
    return lines;
}

/* Also of traces that are numbered. */
static void a_sample_has_its_share_and_says_so(void **state)
{
    static const int shares[] = {1, 10, 50, 99};

    (void)state;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        const struct config_access_log settings = {.sample = shares[i]};
        const int lines = count(&settings), wanted = TRACES / 100 * shares[i];
        assert_in_range(lines, wanted - TRACES / 100, wanted + TRACES / 100);
        for (uint64_t trace = 1; !wants(&settings, fine, trace);)
            trace++;
        assert_int_equal(sample, shares[i]);
    }
}

static void a_trace_is_chosen_everywhere_or_nowhere(void **state)
{
    const struct config_access_log few = {.sample = 10}, more = {.sample = 20};

    (void)state;
    for (uint64_t trace = 1; trace <= 1000; trace++) {
        const bool chosen = wants(&few, fine, trace);
        assert_int_equal(wants(&few, fine, trace), chosen);
        assert_true(!chosen || wants(&more, fine, trace));
    }
}

static void what_failed_or_is_slow_always_has_a_line(void **state)
{
    const struct config_access_log settings = {.sample = 1, .slow = {5000001}}, none = {.slow = {5000001}};
    weir_exchange_record failed[] = {fine, fine, fine, fine, fine};

    (void)state;
    failed[0].status = 503;
    failed[1].refused = "not_found";
    failed[2].complete = false;
    failed[3].status = 0;
    failed[4].took.ns = 5000001;
    for (size_t i = 0; i < sizeof failed / sizeof *failed; i++)
        for (uint64_t trace = 0; trace < 200; trace++) {
            assert_true(wants(&settings, failed[i], trace));
            assert_int_equal(sample, 0);
            assert_true(wants(&none, failed[i], trace));
        }
    failed[0].status = 499;
    assert_int_equal(count(&none), 0);
    assert_false(wants(&none, failed[0], 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_have_a_line_without_a_sample),
        cmocka_unit_test(a_sample_has_its_share_and_says_so),
        cmocka_unit_test(a_trace_is_chosen_everywhere_or_nowhere),
        cmocka_unit_test(what_failed_or_is_slow_always_has_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
