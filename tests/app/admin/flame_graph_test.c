/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "admin/flame_graph.h"

static char *draw(struct text_out *out, const char *folded)
{
    text_out_init(out, 1 << 20);
    assert_int_equal(flame_graph_write(out, weir_bytes_of(folded), "CPU, 5 s"), 0);
    assert_int_equal(out->err, 0);
    return out->text.data;
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

/* Fails unless a box has this title. */
static void assert_box(const char *svg, const char *title)
{
    char wanted[256];

    snprintf(wanted, sizeof wanted, "<title>%s</title>", title);
    if (strstr(svg, wanted) == NULL)
        fail_msg("no box \"%s\" in %s", title, svg);
}

static void a_frame_counts_all_that_stands_on_it(void **state)
{
    struct text_out out;
    const char *svg =
        draw(&out, "GET /a;main;sort 6\nGET /b;main 1\nGET /a;main 2\nGET /a;main;sort;swap 1\n");

    (void)state;
    assert_box(svg, "GET /a: 9 samples, 90.00%");
    assert_box(svg, "GET /b: 1 sample, 10.00%");
    assert_box(svg, "sort: 7 samples, 70.00%");
    assert_box(svg, "swap: 1 sample, 10.00%");
    assert_int_equal(count_of(svg, "<rect"), 6);
    weir_buffer_free(&out.text);
}

static void boxes_lie_below_the_one_they_belong_to(void **state)
{
    struct text_out out;
    /* "ab" sorts between "a" and "a;c" as bytes do; it must not come between them here */
    const char *svg = draw(&out, "a 4\nab 4\na;c 4\n");

    (void)state;
    assert_box(svg, "a: 8 samples, 66.67%");
    assert_non_null(strstr(svg, "66.67%</title><rect x=\"8.0\" y=\"44\" width=\"789.33\""));
    assert_non_null(strstr(svg, "c: 4 samples, 33.33%</title><rect x=\"402.7\" y=\"62\" width=\"394.67\""));
    weir_buffer_free(&out.text);
}

static void names_are_text_whatever_is_in_them(void **state)
{
    struct text_out out;
    const char *svg = draw(&out, "<script>alert(1)</script>;a&b\"\x01\xff 3\n");

    (void)state;
    assert_null(strstr(svg, "<script"));
    assert_non_null(strstr(svg, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_box(svg, "a&amp;b&quot;??: 3 samples, 100.00%");
    weir_buffer_free(&out.text);
}

static void what_is_no_stack_counts_for_nothing(void **state)
{
    struct text_out out;
    const char *svg =
        draw(&out, "\n 5\nno count\nminus -1\nnone 0\nhuge 99999999999999999999999\ntwo words 2\nlast;one 2");

    (void)state;
    assert_box(svg, "two words: 2 samples, 50.00%");
    assert_box(svg, "one: 2 samples, 50.00%");
    assert_int_equal(count_of(svg, "<rect"), 3);
    weir_buffer_free(&out.text);
    svg = draw(&out, "");
    assert_non_null(strstr(svg, "No samples"));
    weir_buffer_free(&out.text);
}

static void an_end_of_room_is_an_error(void **state)
{
    struct text_out out;

    (void)state;
    text_out_init(&out, 600);
    assert_int_equal(flame_graph_write(&out, weir_bytes_of("a;b 1\n"), "t"), 0);
    assert_int_equal(out.err, -WEIR_ETOOLARGE);
    weir_buffer_free(&out.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_counts_all_that_stands_on_it),
        cmocka_unit_test(boxes_lie_below_the_one_they_belong_to),
        cmocka_unit_test(names_are_text_whatever_is_in_them),
        cmocka_unit_test(what_is_no_stack_counts_for_nothing),
        cmocka_unit_test(an_end_of_room_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
