/* SPDX-License-Identifier: MIT */
/* Outliers in memory: bounded by number and bytes, fair to rare routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "app/outliers/made.h"
#include "outliers/outlier_ring.h"

static struct outlier_ring *ring;

static void open_ring(size_t keep, size_t bytes)
{
    assert_int_equal(outlier_ring_open(keep, bytes, 3, &ring), 0);
}

static void add(size_t route, const char *id, size_t bytes)
{
    outlier_ring_add(ring, made(route, id, bytes));
}

static void assert_list(const char *expected)
{
    struct text_out out;

    text_out_init(&out, 1 << 20);
    outlier_ring_write_list(ring, &out);
    assert_int_equal(out.err, 0);
    assert_int_equal(out.text.len, strlen(expected));
    assert_memory_equal(out.text.data, expected, out.text.len);
    weir_buffer_free(&out.text);
}

static void the_latest_are_kept_and_listed_first(void **state)
{
    (void)state;
    open_ring(2, 1 << 20);
    assert_list("[]\n");
    add(0, "1", 60);
    add(0, "2", 60);
    assert_list("[{\"id\":\"2\"},{\"id\":\"1\"}]\n");
    add(0, "3", 60);
    assert_list("[{\"id\":\"3\"},{\"id\":\"2\"}]\n");
    outlier_ring_close(ring);
}

static size_t listed(const char **first)
{
    static struct text_out out;
    size_t count = 0;

    weir_buffer_free(&out.text);
    text_out_init(&out, 1 << 20);
    outlier_ring_write_list(ring, &out);
    text_out_bytes(&out, "", 1);
    for (const char *at = out.text.data; (at = strchr(at, '{')) != NULL; at++)
        count++;
    *first = out.text.data;
    return count;
}

static void bytes_are_bounded_too(void **state)
{
    const char *first;
    char id[16];

    (void)state;
    open_ring(100, 128 << 10);
    for (int i = 1; i <= 20; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        add(0, id, 20 << 10);
    }
    assert_in_range(listed(&first), 2, 6);
    assert_ptr_equal(strstr(first, "[{\"id\":\"20\"},{\"id\":\"19\"}"), first);
    add(0, "21", 127 << 10); /* alone */
    assert_int_equal(listed(&first), 1);
    outlier_ring_close(ring);
}

static void a_busy_route_does_not_push_out_a_rare_one(void **state)
{
    char id[16];

    (void)state;
    open_ring(4, 1 << 20);
    add(1, "100", 60);
    for (int i = 1; i <= 50; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        add(0, id, 60);
    }
    assert_list("[{\"id\":\"50\"},{\"id\":\"49\"},{\"id\":\"48\"},{\"id\":\"100\"}]\n");
    add(2, "200", 60);
    add(2, "201", 60); /* now each of two has two */
    assert_list("[{\"id\":\"201\"},{\"id\":\"200\"},{\"id\":\"50\"},{\"id\":\"100\"}]\n");
    outlier_ring_close(ring);
}

static void one_is_found_by_its_id(void **state)
{
    struct text_out out;

    (void)state;
    open_ring(4, 1 << 20);
    add(0, "1-2", 60);
    text_out_init(&out, 1 << 20);
    assert_false(outlier_ring_write(ring, "1-3", &out));
    assert_false(outlier_ring_write(ring, "", &out));
    assert_int_equal(out.text.len, 0);
    assert_true(outlier_ring_write(ring, "1-2", &out));
    assert_int_equal(out.text.len, 61);
    assert_int_equal(out.text.data[60], '\n');
    weir_buffer_free(&out.text);
    outlier_ring_close(ring);
}

static void ids_are_digits_and_dashes(void **state)
{
    struct outlier *o = outlier_new(0, weir_ms(5), 4000000000u);
    char longer[OUTLIER_ID_BYTES + 1];

    (void)state;
    assert_true(outlier_id_is_valid(o->id));
    assert_int_equal(o->ended_ns - o->began_ns, weir_ms(5).ns);
    outlier_free(o);
    memset(longer, '1', sizeof longer);
    longer[OUTLIER_ID_BYTES] = '\0';
    assert_false(outlier_id_is_valid(longer));
    assert_false(outlier_id_is_valid(""));
    assert_false(outlier_id_is_valid("../1-2"));
    assert_false(outlier_id_is_valid("1%2f2"));
    assert_false(outlier_id_is_valid("1 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_are_kept_and_listed_first),
        cmocka_unit_test(bytes_are_bounded_too),
        cmocka_unit_test(a_busy_route_does_not_push_out_a_rare_one),
        cmocka_unit_test(one_is_found_by_its_id),
        cmocka_unit_test(ids_are_digits_and_dashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
