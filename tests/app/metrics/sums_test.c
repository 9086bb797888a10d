/* SPDX-License-Identifier: MIT */
/* Processes that count, begin anew, die and come back: the sums equal what was reported, and never decrease.
 */
#include "metrics/sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/snapshot.h"
#include "support/run.h"

enum { NAMES = 6, PROCESSES = 16, STEPS = 120 };

/* What a process has counted, by name; and a backend that those of one id have in common. */
struct process {
    bool lives, has[NAMES];
    uint64_t numbers[NAMES], durations[NAMES];
    size_t world; /* into worlds */
};

struct world {
    uint64_t id, requests;
};

/* The truth: what has ever been reported and not been taken back. */
struct truth {
    uint64_t numbers[NAMES], durations[NAMES];
};

static uint64_t draw_state;

static uint64_t draw(uint64_t below)
{
    draw_state = draw_state * 6364136223846793005U + 1442695040888963407U;
    return (draw_state >> 33) % below;
}

static const char *name_of(size_t i)
{
    static const char *const names[NAMES] = {"/", "/a", "/b", "/c", "/d", "none"};

    return names[i];
}

static void add_routes(struct totals_writer *w, const struct process *p)
{
    for (size_t i = 0; i < NAMES; i++) {
        struct totals_row row = {.part = TOTALS_ROUTE, .keys = {name_of(i)}, .values = {1}};
        weir_meter meter = {0};
        row.numbers[ROUTE_ERRORS] = p->numbers[i];
        weir_meter_record_many(&meter, weir_ms(5), p->durations[i]);
        if (p->has[i])
            totals_add(w, &row, &meter);
    }
}

static void report(struct sums *s, size_t place, const struct process *p, const struct world *worlds)
{
    struct text_out out;
    struct totals_writer w;
    struct totals_row row = {.part = TOTALS_BACKEND, .common = worlds[p->world].id, .keys = {"shop"}};

    text_out_init(&out, TOTALS_BYTES_MAX);
    totals_begin(&w, &out);
    add_routes(&w, p);
    row.numbers[BACKEND_REQUESTS] = worlds[p->world].requests;
    totals_add(&w, &row, NULL);
    row = (struct totals_row){.part = TOTALS_LOOP, .keys = {"0"}, .numbers = {[LOOP_UP] = 1}};
    totals_add(&w, &row, NULL);
    totals_end(&w);
    assert_int_equal(sums_take(s, place, 1, &out.text), 0);
    assert_int_equal(out.text.len, 0); /* taken over */
}

static const struct sum_row *find(const struct sums *s, enum totals_part part, const char *name)
{
    return sums_find(s, part, (const char *const[]){name, NULL});
}

static void check(const struct sums *s, const struct truth *truth)
{
    for (size_t i = 0; i < NAMES; i++) {
        const struct sum_row *row = find(s, TOTALS_ROUTE, name_of(i));
        assert_int_equal(row != NULL ? row->numbers[ROUTE_ERRORS] : 0, truth->numbers[i]);
        assert_int_equal(row != NULL ? weir_meter_count(row->series->meter) : 0, truth->durations[i]);
        if (row != NULL)
            assert_int_equal(row->series->meter->sum_ns, truth->durations[i] * 5000000);
    }
}

/* Forgets a name, and begins anew with it when it counts again. (Both between two reports could not be told.)
 */
static void forget(struct process *p)
{
    const size_t i = draw(NAMES);

    p->has[i] = p->has[i] && draw(2) > 0; /* or it is reported with zeros */
    p->numbers[i] = p->durations[i] = 0;
}

/* Counts a little. */
static void live(struct process *p, struct truth *truth)
{
    const size_t i = draw(NAMES);
    const uint64_t n = draw(5), d = draw(3);

    p->has[i] = true;
    p->numbers[i] += n;
    p->durations[i] += d;
    truth->numbers[i] += n;
    truth->durations[i] += d;
}

static void step(struct sums *s, struct process *processes, struct world *worlds, struct truth *truth)
{
    const size_t place = draw(PROCESSES);
    struct process *p = &processes[place];

    if (!p->lives) {
        *p = (struct process){.lives = true, .world = draw(2)};
    } else if (draw(8) == 0) {
        sums_end(s, place);
        p->lives = false;
        return;
    }
    if (draw(8) == 0)
        forget(p);
    else
        for (uint64_t i = draw(4); i > 0; i--)
            live(p, truth);
    worlds[p->world].requests += draw(10);
    report(s, place, p, worlds);
}

static void sums_equal_the_truth_and_never_decrease(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(40); seed++) {
        struct process *processes = calloc(PROCESSES, sizeof *processes);
        struct world worlds[2] = {{.id = 1}, {.id = 2}};
        struct truth truth = {0};
        weir_instant now = {1};
        struct sums *s;
        uint64_t common = 0;

        draw_state = seed;
        assert_non_null(processes);
        assert_int_equal(sums_open(&s), 0);
        for (int i = 0; i < STEPS; i++, now.ns += 500000000) {
            const struct sum_row *shop;
            step(s, processes, worlds, &truth);
            sums_add_up(s, now, NULL);
            check(s, &truth);
            shop = find(s, TOTALS_BACKEND, "shop");
            assert_true(shop == NULL || shop->numbers[BACKEND_REQUESTS] >= common);
            assert_true(shop == NULL ||
                        shop->numbers[BACKEND_REQUESTS] <= worlds[0].requests + worlds[1].requests);
            common = shop != NULL ? shop->numbers[BACKEND_REQUESTS] : 0;
        }
        sums_close(s);
        free(processes);
    }
}

/* Every one reports what all have in common; memory that is new begins at 0. */
static void what_is_common_counts_once(void **state)
{
    struct world worlds[2] = {{.id = 5, .requests = 100}, {.id = 6, .requests = 7}};
    const struct process a = {.world = 0}, b = {.world = 1};
    struct totals_row read;
    struct sums *s;
    size_t place = 0;

    (void)state;
    assert_int_equal(sums_open(&s), 0);
    for (size_t i = 0; i < 4; i++)
        report(s, i, &a, worlds);
    sums_add_up(s, (weir_instant){1}, NULL);
    assert_int_equal(find(s, TOTALS_BACKEND, "shop")->numbers[BACKEND_REQUESTS], 100);
    report(s, 4, &b, worlds);
    sums_add_up(s, (weir_instant){2}, NULL);
    assert_int_equal(find(s, TOTALS_BACKEND, "shop")->numbers[BACKEND_REQUESTS], 107);
    assert_true(sums_each_apart(s, find(s, TOTALS_BACKEND, "shop"), &place, &read));
    assert_true(sums_each_apart(s, find(s, TOTALS_BACKEND, "shop"), &place, &read));
    assert_int_equal(read.common, 6);
    assert_false(sums_each_apart(s, find(s, TOTALS_BACKEND, "shop"), &place, &read));
    for (size_t i = 0; i < 5; i++)
        sums_end(s, i);
    sums_add_up(s, (weir_instant){3}, NULL);
    assert_int_equal(find(s, TOTALS_BACKEND, "shop")->numbers[BACKEND_REQUESTS], 107);
    report(s, 0, &a, worlds); /* the memory has outlived them */
    sums_add_up(s, (weir_instant){4}, NULL);
    assert_int_equal(find(s, TOTALS_BACKEND, "shop")->numbers[BACKEND_REQUESTS], 107);
    report(s, 1, &a, (const struct world[2]){{.id = 5, .requests = 90}}); /* it was stopped meanwhile */
    sums_add_up(s, (weir_instant){5}, NULL);
    assert_int_equal(find(s, TOTALS_BACKEND, "shop")->numbers[BACKEND_REQUESTS], 107);
    worlds[0] = (struct world){.id = 8, .requests = 3};
    report(s, 0, &a, worlds);
    sums_add_up(s, (weir_instant){6}, NULL);
    assert_int_equal(find(s, TOTALS_BACKEND, "shop")->numbers[BACKEND_REQUESTS], 110);
    sums_close(s);
}

/* What is malformed changes nothing. */
static void totals_that_are_refused_leave_those_of_before(void **state)
{
    struct world worlds[2] = {{.id = 0}, {.id = 0}};
    struct process p = {.has = {true}, .numbers = {9}};
    struct sums *s;
    weir_buffer bad;

    (void)state;
    assert_int_equal(sums_open(&s), 0);
    report(s, 3, &p, worlds);
    weir_buffer_init(&bad, 100);
    assert_int_equal(weir_buffer_append_text(&bad, "weir totals 1"), 0);
    assert_true(sums_take(s, 3, 1, &bad) < 0);
    weir_buffer_free(&bad);
    sums_add_up(s, (weir_instant){1}, NULL);
    assert_int_equal(find(s, TOTALS_ROUTE, "/")->numbers[ROUTE_ERRORS], 9);
    sums_close(s);
}

static void loops_are_told_apart_by_their_process(void **state)
{
    struct world worlds[2] = {{.id = 0}, {.id = 0}};
    const struct process p = {.lives = true};
    struct text_out out;
    struct totals_writer w;
    struct sums *s;

    (void)state;
    assert_int_equal(sums_open(&s), 0);
    report(s, 0, &p, worlds);
    text_out_init(&out, TOTALS_BYTES_MAX);
    totals_begin(&w, &out);
    totals_add(&w, &(struct totals_row){.part = TOTALS_LOOP, .keys = {"0"}, .numbers = {[LOOP_UP] = 5}},
               NULL);
    totals_end(&w);
    assert_int_equal(sums_take(s, 1, 2, &out.text), 0);
    sums_add_up(s, (weir_instant){1}, NULL);
    assert_int_equal(sums_find(s, TOTALS_LOOP, (const char *const[]){"1", "0", NULL})->numbers[LOOP_UP], 1);
    assert_int_equal(sums_find(s, TOTALS_LOOP, (const char *const[]){"2", "0", NULL})->numbers[LOOP_UP], 5);
    sums_close(s);
}

/* What pages show of an application are the numbers of its windows. */
static void applications_have_windows_of_their_numbers(void **state)
{
    struct totals_row row = {.part = TOTALS_APP, .keys = {"shop"}};
    const struct sum_row *sum;
    struct text_out out;
    struct totals_writer w;
    struct sums *s;

    (void)state;
    assert_int_equal(sums_open(&s), 0);
    for (uint64_t i = 0; i < APP_NUMBERS; i++)
        row.numbers[i] = 10 + i;
    text_out_init(&out, TOTALS_BYTES_MAX);
    totals_begin(&w, &out);
    totals_add(&w, &row, &(weir_meter){0});
    totals_end(&w);
    assert_int_equal(sums_take(s, 0, 1, &out.text), 0);
    sums_add_up(s, (weir_instant){1}, NULL);
    assert_non_null(sum = find(s, TOTALS_APP, "shop"));
    for (uint64_t i = 0; i < APP_NUMBERS; i++)
        assert_int_equal(sum->series->numbers[i], 10 + i);
    sums_close(s);
}

/* Names that come and go for ever: what is kept of them is bounded, and the latest stay. */
static void what_is_gone_is_bounded(void **state)
{
    struct sums *s;
    char name[32];

    (void)state;
    assert_int_equal(sums_open(&s), 0);
    for (int i = 0; i < 4 * SUMS_GONE_MAX; i++) {
        const weir_instant now = {(int64_t)(i + 1) * 1000000000};
        struct text_out out;
        struct totals_writer w;
        snprintf(name, sizeof name, "/%d", i);
        text_out_init(&out, TOTALS_BYTES_MAX);
        totals_begin(&w, &out);
        totals_add(&w, &(struct totals_row){.part = TOTALS_GATHER, .keys = {name}, .numbers = {3}}, NULL);
        totals_end(&w);
        assert_int_equal(sums_take(s, 0, 1, &out.text), 0);
        sums_add_up(s, now, NULL);
        assert_true(sums_row_count(s) <= SUMS_GONE_MAX + 2);
    }
    assert_non_null(find(s, TOTALS_GATHER, name));
    snprintf(name, sizeof name, "/%d", 4 * SUMS_GONE_MAX - SUMS_GONE_MAX / 2);
    assert_true(find(s, TOTALS_GATHER, name)->gone);
    assert_int_equal(find(s, TOTALS_GATHER, name)->numbers[0], 3);
    assert_null(find(s, TOTALS_GATHER, "/0"));
    sums_close(s);
}

/* A row that is gone for more than its windows gives them up, and gets new ones without a jump. */
static void a_row_that_comes_back_continues(void **state)
{
    struct world worlds[2] = {{.id = 0}, {.id = 0}};
    struct process p = {.has = {true}, .numbers = {9}, .durations = {4}};
    struct window_clock clock;
    const struct sum_row *row;
    struct sums *s;

    (void)state;
    assert_int_equal(sums_open(&s), 0);
    report(s, 0, &p, worlds);
    sums_add_up(s, (weir_instant){1}, NULL);
    sums_end(s, 0);
    for (int64_t second = 1; second < 100; second += 10)
        sums_add_up(s, (weir_instant){second * 1000000000}, NULL);
    row = find(s, TOTALS_ROUTE, "/");
    assert_null(row->series->window);
    assert_int_equal(row->numbers[ROUTE_ERRORS], 9);
    assert_int_equal(weir_meter_count(row->series->meter), 4);
    window_clock_init(&clock, (weir_instant){100000000000});
    report(s, 0, &p, worlds);
    sums_add_up(s, (weir_instant){100000000000}, NULL);
    p.numbers[0] = 10;
    report(s, 0, &p, worlds);
    sums_add_up(s, (weir_instant){101000000000}, NULL);
    sums_work_out(s, TOTALS_PARTS, &clock, (weir_instant){101000000000}, NULL);
    assert_non_null(row->series->window);
    assert_int_equal(row->numbers[ROUTE_ERRORS], 19);
    assert_int_equal(weir_meter_count(row->series->meter), 8);
    assert_true(row->series->last[LAST_60S].numbers[ROUTE_ERRORS] <= 10);
    sums_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_equal_the_truth_and_never_decrease),
        cmocka_unit_test(what_is_common_counts_once),
        cmocka_unit_test(totals_that_are_refused_leave_those_of_before),
        cmocka_unit_test(loops_are_told_apart_by_their_process),
        cmocka_unit_test(applications_have_windows_of_their_numbers),
        cmocka_unit_test(what_is_gone_is_bounded),
        cmocka_unit_test(a_row_that_comes_back_continues),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
