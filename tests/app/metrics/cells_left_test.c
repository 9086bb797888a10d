/* SPDX-License-Identifier: MIT */
#include "metrics/cells_left.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/load.h"
#include "metrics/request_cells.h"
#include "metrics/request_totals.h"
#include "metrics/snapshot.h"
#include "metrics/totals.h"
#include "routes/table.h"

static const char file[] = "listen: 127.0.0.1:0\n"
                           "routes:\n"
                           "  - {path: /a, methods: [GET], respond: {body: a}}\n"
                           "  - {path: /b, sleep: {for: 1ms}}\n"
                           "  - {path: /a, methods: [POST], respond: {body: b}}\n";

enum { TIMES = 1000 };

/* --- a process that counts --- */

static void count(const struct config *config, struct request_counts_loop *loop, int route, int status,
                  const char *refused)
{
    const weir_exchange_record record = {
        .method = "GET",
        .target = "/",
        .route = route < 0 ? "" : config->routes[route].path,
        .data = route < 0 ? NULL : (void *)(uintptr_t)&config->routes[route],
        .status = status,
        .refused = refused,
        .complete = status != 0,
        .request_bytes = 3,
        .reply_bytes = 10,
        .took = weir_ms(5),
    };

    request_counts_add(loop, &record);
}

/* Counts on two loops, and is killed. Runs in a process of its own, without assertions of the test. */
static void count_and_die(int memory)
{
    struct config_faults faults;
    struct config config;
    struct request_counts *counts;
    struct request_counts_loop *loops[2];

    config_faults_open(&faults, "test.yaml");
    if (config_parse(&config, file, sizeof file - 1, &route_kinds, &faults) < 0 ||
        request_counts_open(&config, &counts) < 0 || request_counts_share(counts, memory) < 0)
        _exit(1);
    for (int i = 0; i < 2; i++)
        if ((loops[i] = request_counts_loop_open(counts)) == NULL)
            _exit(2);
    for (int i = 0; i < TIMES; i++)
        count(&config, loops[i % 2], 0, 200, NULL);
    count(&config, loops[0], 2, 201, NULL);
    count(&config, loops[1], 1, 503, "queueing");
    count(&config, loops[1], 1, 0, NULL);
    count(&config, loops[0], -1, 404, "not_found");
    request_counts_add_rate_shared(loops[0], &config.routes[0]);
    (void)kill(getpid(), SIGKILL);
}

/* Returns: the memory of a process that has counted and is gone. */
static int memory_of_a_dead_process(void)
{
    const int memory = cells_left_make();
    pid_t child;
    int status;

    assert_true(memory >= 0);
    child = fork();
    if (child == 0)
        count_and_die(memory);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return memory;
}

/* --- rows --- */

static struct totals_row find(weir_bytes totals, enum totals_part part, const char *key, const char *second)
{
    struct totals_row row;

    for (size_t at = totals_first(totals), next; totals_read(totals, at, &row, &next); at = next)
        if (row.part == part && strcmp(row.keys[0], key) == 0 &&
            (second == NULL || strcmp(row.keys[1], second) == 0))
            return row;
    fail_msg("no row of part %d: %s %s", part, key, second != NULL ? second : "");
    return row;
}

static size_t rows_of(weir_bytes totals, enum totals_part part)
{
    struct totals_row row;
    size_t count = 0;

    for (size_t at = totals_first(totals), next; totals_read(totals, at, &row, &next); at = next)
        count += row.part == part;
    return count;
}

static void what_was_counted_is_read_after_a_kill(void **state)
{
    const int memory = memory_of_a_dead_process();
    struct text_out out;
    struct totals_row row;
    weir_bytes totals;

    (void)state;
    text_out_init(&out, TOTALS_BYTES_MAX);
    assert_int_equal(cells_left_write(memory, &out), 0);
    totals = weir_buffer_bytes(&out.text);
    assert_int_equal(totals_check(totals), 0);
    assert_int_equal(rows_of(totals, TOTALS_ROUTE), 3);
    assert_int_equal(rows_of(totals, TOTALS_BREAKDOWN), 3);
    assert_int_equal(rows_of(totals, TOTALS_OUTCOME), 5);
    row = find(totals, TOTALS_ROUTE, "/a", NULL);
    assert_string_equal(row.texts[0], "respond");
    assert_int_equal(totals_meter_count(row.meter), TIMES + 1);
    assert_int_equal(row.numbers[ROUTE_REQUEST_BYTES], 3 * (TIMES + 1));
    assert_int_equal(row.numbers[ROUTE_REPLY_BYTES], 10 * (TIMES + 1));
    assert_int_equal(row.numbers[ROUTE_RATE_SHARED], 1);
    assert_int_equal(find(totals, TOTALS_OUTCOME, "/a", "0 200").numbers[0], TIMES);
    assert_int_equal(find(totals, TOTALS_OUTCOME, "/a", "0 201").numbers[0], 1);
    row = find(totals, TOTALS_ROUTE, "/b", NULL);
    assert_string_equal(row.texts[0], "sleep");
    assert_int_equal(row.numbers[ROUTE_ERRORS], 1);
    assert_int_equal(row.numbers[ROUTE_REFUSED + request_refusal_index("queueing")], 1);
    assert_int_equal(find(totals, TOTALS_OUTCOME, "/b", "0 503").numbers[0], 1);
    assert_int_equal(find(totals, TOTALS_OUTCOME, "/b", "0 499").numbers[0], 1);
    row = find(totals, TOTALS_ROUTE, "none", NULL);
    assert_null(row.texts[0]);
    assert_int_equal(row.numbers[ROUTE_REFUSED + request_refusal_index("not_found")], 1);
    weir_buffer_free(&out.text);
    close(memory);
}

/* --- what is no such memory --- */

static int result_of(int memory)
{
    struct text_out out;
    int err;

    text_out_init(&out, TOTALS_BYTES_MAX);
    err = cells_left_write(memory, &out);
    weir_buffer_free(&out.text);
    return err;
}

static void what_has_counted_nothing_has_no_rows(void **state)
{
    const int memory = cells_left_make();
    const struct cells_head head = {1, 4096, cells_bytes(1, (size_t)sysconf(_SC_PAGESIZE))};

    (void)state;
    assert_int_equal(result_of(memory), -ENOENT);
    assert_int_equal(ftruncate(memory, 7), 0);
    assert_int_equal(result_of(memory), -ENOENT);
    assert_int_equal(pwrite(memory, &head, sizeof head, 0), sizeof head);
    assert_int_equal(result_of(memory), -ENOENT); /* killed before its first loop */
    assert_int_equal(ftruncate(memory, 5), -1);   /* while it is read */
    close(memory);
}

static void a_process_gone_wrong_is_not_believed(void **state)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const struct cells_head heads[] = {
        {0, page, cells_bytes(3, page)},          {3, page, 0},
        {3, page, cells_bytes(3, page) + page},   {3, 0, cells_bytes(3, page)},
        {3, page + 8, cells_bytes(3, page)},      {UINT64_MAX, page, cells_bytes(3, page)},
        {UINT64_MAX / 2, page, UINT64_MAX - 100},
    };
    const int memory = memory_of_a_dead_process();
    char text[4096];

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(pwrite(memory, text, page - sizeof heads[0], sizeof heads[0]),
                     page - sizeof heads[0]); /* names without an end */
    assert_int_equal(result_of(memory), -WEIR_EPROTOCOL);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        assert_int_equal(pwrite(memory, &heads[i], sizeof heads[i], 0), sizeof heads[i]);
        assert_int_equal(result_of(memory), -WEIR_EPROTOCOL);
    }
    close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_counted_is_read_after_a_kill),
        cmocka_unit_test(what_has_counted_nothing_has_no_rows),
        cmocka_unit_test(a_process_gone_wrong_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
