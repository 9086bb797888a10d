/* SPDX-License-Identifier: MIT */
/* The ring between a thread that logs and the one that writes. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log_ring.h"

enum { SIZE = 64 << 10, LINE = 1000, LINES = 20000 };

static size_t put_line(struct weir__log_ring *r, size_t number, size_t n)
{
    char line[LINE + 1];

    memset(line, 'x', sizeof line);
    (void)snprintf(line, sizeof line, "%zu", number);
    line[strlen(line)] = ' ';
    line[n - 1] = '\n';
    return weir__log_ring_put(r, line, n);
}

/* Takes up to max lines and looks that they follow on. Returns: how many there were. */
static size_t take_lines(struct weir__log_ring *r, size_t number, size_t max)
{
    const char *text;
    size_t count = 0, n;

    while (count < max && (n = weir__log_ring_peek(r, &text)) > 0) {
        const char *end = memchr(text, '\n', n);
        assert_true(text >= r->bytes && text + n <= r->bytes + r->size);
        assert_non_null(end); /* whole lines */
        assert_int_equal(strtoull(text, NULL, 10), number + count++);
        weir__log_ring_take(r, (size_t)(end - text) + 1);
    }
    return count;
}

static void all_of_the_ring_can_be_used_wherever_it_begins(void **state)
{
    (void)state;
    for (size_t before = 0; before < 3 * SIZE / LINE; before++) {
        struct weir__log_ring *r = weir__log_ring_new(SIZE);
        size_t count = 0;
        for (size_t i = 0; i < before; i++) {
            assert_int_not_equal(put_line(r, i, LINE), 0);
            assert_int_equal(take_lines(r, i, 1), 1);
        }
        assert_true(weir__log_ring_is_empty(r));
        while (put_line(r, before + count, LINE) != 0)
            count++;
        assert_true(count >= SIZE / LINE - 1); /* less what does not fit before its end */
        assert_int_equal(take_lines(r, before, 7), 7);
        while (put_line(r, before + count, LINE) != 0)
            count++;
        assert_true(count >= SIZE / LINE - 1 + 6);
        assert_int_equal(take_lines(r, before + 7, SIZE), count - 7);
        assert_true(weir__log_ring_is_empty(r));
        free(r);
    }
}

/* Then no lap begins early: a line ends where the ring does. */
static void lines_may_fill_it_exactly(void **state)
{
    enum { EXACT = 512 };
    struct weir__log_ring *r = weir__log_ring_new(SIZE);
    size_t first = 0, next = 0;

    (void)state;
    while (put_line(r, next, EXACT) != 0)
        next++;
    assert_int_equal(next, SIZE / EXACT);
    for (int round = 0; round < 1000; round++) {
        assert_int_equal(take_lines(r, first, 5), 5);
        first += 5;
        while (put_line(r, next, EXACT) != 0)
            next++;
        assert_int_equal(next - first, SIZE / EXACT);
    }
    assert_int_equal(take_lines(r, first, SIZE), next - first);
    assert_true(weir__log_ring_is_empty(r));
    free(r);
}

static void what_does_not_fit_changes_nothing(void **state)
{
    static char large[SIZE + 1];
    struct weir__log_ring *r = weir__log_ring_new(SIZE);

    (void)state;
    assert_int_equal(weir__log_ring_put(r, large, sizeof large), 0);
    assert_int_equal(weir__log_ring_put(r, large, SIZE), SIZE);
    assert_int_equal(weir__log_ring_put(r, "x\n", 2), 0);
    weir__log_ring_take(r, SIZE);
    assert_int_equal(put_line(r, 0, LINE), LINE);
    assert_int_equal(take_lines(r, 0, SIZE), 1);
    free(r);
}

/* As long as the reader keeps up, only the front of it is touched. */
static void a_ring_that_is_emptied_stays_small(void **state)
{
    struct weir__log_ring *r = weir__log_ring_new(SIZE);
    const char *text;

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        assert_int_not_equal(put_line(r, i, LINE), 0);
        assert_int_equal(weir__log_ring_peek(r, &text), LINE);
        assert_true(text < r->bytes + SIZE / 2 + LINE);
        weir__log_ring_take(r, LINE);
    }
    free(r);
}

static void *put_many(void *arg)
{
    unsigned random = 1;

    for (size_t i = 0; i < LINES;) {
        size_t n = 10 + (size_t)rand_r(&random) % (LINE - 10);
        i += put_line(arg, i, n) != 0;
    }
    return NULL;
}

static void one_thread_puts_while_another_takes(void **state)
{
    struct weir__log_ring *r = weir__log_ring_new(SIZE);
    pthread_t thread;
    size_t count = 0;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, put_many, r), 0);
    while (count < LINES)
        count += take_lines(r, count, SIZE);
    pthread_join(thread, NULL);
    assert_true(weir__log_ring_is_empty(r));
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_ring_can_be_used_wherever_it_begins),
        cmocka_unit_test(lines_may_fill_it_exactly),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(a_ring_that_is_emptied_stays_small),
        cmocka_unit_test(one_thread_puts_while_another_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
