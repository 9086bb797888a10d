/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/buffer.h>

#include "base/random.h"

/* An allocation that can never succeed must fail here as it does without a sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void assert_holds(const weir_buffer *b, const char *text)
{
    assert_int_equal(b->len, strlen(text));
    assert_string_equal(b->data, text); /* so the NUL is there as well */
}

static void starts_empty_and_terminated(void **state)
{
    weir_buffer b;

    (void)state;
    weir_buffer_init(&b, 100);
    assert_holds(&b, "");
    assert_int_equal(b.cap, 0);
    weir_buffer_consume(&b, 5);
    weir_buffer_truncate(&b, 0);
    weir_buffer_clear(&b);
    assert_int_equal(weir_buffer_append(&b, NULL, 0), 0);
    assert_int_equal(weir_buffer_printf(&b, "%s", ""), 0);
    assert_holds(&b, "");
    weir_buffer_free(&b);
    weir_buffer_free(&b);
}

static void collects_all_kinds(void **state)
{
    weir_buffer b;

    (void)state;
    weir_buffer_init(&b, 100);
    assert_int_equal(weir_buffer_append(&b, "abcdef", 3), 0);
    assert_int_equal(weir_buffer_append_text(&b, "-de-"), 0);
    assert_int_equal(weir_buffer_append_byte(&b, 'f'), 0);
    assert_int_equal(weir_buffer_printf(&b, "%d/%s", 42, "x"), 0);
    assert_holds(&b, "abc-de-f42/x");
    assert_true(weir_bytes_equal(weir_buffer_bytes(&b), weir_bytes_of("abc-de-f42/x")));
    weir_buffer_free(&b);
    assert_holds(&b, "");
    assert_int_equal(b.max, 100);
    assert_int_equal(weir_buffer_append_text(&b, "again"), 0);
    assert_holds(&b, "again");
    weir_buffer_free(&b);
}

static void refuses_what_passes_the_maximum_and_stays_as_it_was(void **state)
{
    weir_buffer b;

    (void)state;
    weir_buffer_init(&b, 8);
    assert_int_equal(weir_buffer_append_text(&b, "123456"), 0);
    assert_int_equal(weir_buffer_append_text(&b, "789"), -WEIR_ETOOLARGE);
    assert_holds(&b, "123456");
    assert_int_equal(weir_buffer_printf(&b, "%s", "789"), -WEIR_ETOOLARGE);
    assert_holds(&b, "123456");
    assert_null(weir_buffer_reserve(&b, 3));
    assert_int_equal(weir_buffer_append_text(&b, "78"), 0);
    assert_holds(&b, "12345678");
    assert_int_equal(weir_buffer_append_byte(&b, '9'), -WEIR_ETOOLARGE);
    assert_holds(&b, "12345678");
    assert_true(b.cap <= 8);
    weir_buffer_free(&b);

    weir_buffer_init(&b, 0);
    assert_int_equal(weir_buffer_append_byte(&b, 'x'), -WEIR_ETOOLARGE);
    assert_int_equal(weir_buffer_printf(&b, "%d", 1), -WEIR_ETOOLARGE);
    assert_holds(&b, "");
    weir_buffer_free(&b);
}

static void without_memory_it_stays_as_it_was(void **state)
{
    weir_buffer b;
    volatile size_t much = SIZE_MAX / 4;

    (void)state;
    weir_buffer_init(&b, SIZE_MAX);
    assert_int_equal(weir_buffer_append_text(&b, "kept"), 0);
    assert_null(weir_buffer_reserve(&b, much));
    assert_int_equal(weir_buffer_append(&b, "x", much), -ENOMEM);
    assert_null(weir_buffer_reserve(&b, SIZE_MAX));
    assert_holds(&b, "kept");
    weir_buffer_free(&b);
}

static void printf_grows_to_fit(void **state)
{
    weir_buffer b;

    (void)state;
    for (int width = 1; width < 1000; width += 13) {
        weir_buffer_init(&b, 5000);
        assert_int_equal(weir_buffer_printf(&b, "<%*d>", width, 7), 0);
        assert_int_equal(b.len, width + 2);
        assert_int_equal(weir_buffer_printf(&b, "[%*d]", 2 * width, 7), 0);
        assert_int_equal(b.len, 3 * width + 4);
        assert_int_equal(b.data[width + 1], '>');
        assert_string_equal(b.data + 3 * width + 2, "7]");
        weir_buffer_free(&b);
    }
}

static void room_is_reserved_and_then_counted_in(void **state)
{
    weir_buffer b;
    char *room;

    (void)state;
    weir_buffer_init(&b, 1000);
    assert_int_equal(weir_buffer_append_text(&b, "head "), 0);
    room = weir_buffer_reserve(&b, 900);
    assert_ptr_equal(room, b.data + 5);
    assert_holds(&b, "head ");
    memset(room, 'x', 900);
    weir_buffer_commit(&b, 3);
    assert_holds(&b, "head xxx");
    weir_buffer_commit(&b, 0);
    assert_holds(&b, "head xxx");
    weir_buffer_free(&b);
}

static void drops_from_both_ends(void **state)
{
    weir_buffer b;

    (void)state;
    weir_buffer_init(&b, 100);
    assert_int_equal(weir_buffer_append_text(&b, "0123456789"), 0);
    weir_buffer_consume(&b, 3);
    assert_holds(&b, "3456789");
    weir_buffer_truncate(&b, 5);
    assert_holds(&b, "34567");
    weir_buffer_truncate(&b, 6);
    assert_holds(&b, "34567");
    weir_buffer_consume(&b, 0);
    assert_holds(&b, "34567");
    weir_buffer_consume(&b, 5);
    assert_holds(&b, "");
    assert_int_equal(weir_buffer_append_text(&b, "new"), 0);
    weir_buffer_consume(&b, 99);
    assert_holds(&b, "");
    weir_buffer_free(&b);
}

/* Against a plain array: appends and drops of any size, up to the maximum and beyond. */
static void does_what_an_array_does(void **state)
{
    static char model[3000], chunk[700];
    size_t len = 0;
    struct weir__random r;
    weir_buffer b;

    (void)state;
    weir__random_seed(&r, 4);
    weir_buffer_init(&b, sizeof model);
    for (int step = 0; step < 20000; step++) {
        size_t n = weir__random_below(&r, sizeof chunk);
        if (weir__random_below(&r, 2)) {
            bool fits;

            memset(chunk, 'a' + step % 26, n);
            fits = len + n <= sizeof model;
            assert_int_equal(weir_buffer_append(&b, chunk, n), fits ? 0 : -WEIR_ETOOLARGE);
            if (fits) {
                memcpy(model + len, chunk, n);
                len += n;
            }
        } else {
            n = n > len ? len : n;
            memmove(model, model + n, len - n);
            len -= n;
            weir_buffer_consume(&b, n);
        }
        assert_int_equal(b.len, len);
        assert_memory_equal(b.data, model, len);
        assert_int_equal(b.data[len], 0);
        assert_true(b.cap <= b.max);
    }
    weir_buffer_free(&b);
}

static void spans_compare(void **state)
{
    weir_bytes none = {NULL, 0};

    (void)state;
    assert_int_equal(weir_bytes_of(NULL).len, 0);
    assert_true(weir_bytes_equal(none, weir_bytes_of("")));
    assert_true(weir_bytes_equal(weir_bytes_of("Abc"), weir_bytes_of("Abc")));
    assert_false(weir_bytes_equal(weir_bytes_of("Abc"), weir_bytes_of("abc")));
    assert_false(weir_bytes_equal(weir_bytes_of("abc"), weir_bytes_of("abcd")));
    assert_true(weir_bytes_equal_nocase(weir_bytes_of("Content-LENGTH"), weir_bytes_of("content-length")));
    assert_false(weir_bytes_equal_nocase(weir_bytes_of("abc"), weir_bytes_of("abd")));
    assert_false(weir_bytes_equal_nocase(weir_bytes_of("abc"), weir_bytes_of("abcd")));
    /* Only letters have cases: these pairs differ by the same bit. */
    assert_false(weir_bytes_equal_nocase(weir_bytes_of("@[]"), weir_bytes_of("`{}")));
    assert_false(weir_bytes_equal_nocase(weir_bytes_of("\xc4"), weir_bytes_of("\xe4")));
}

static int lowered(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Every pair of bytes, at each place of texts that are compared byte by byte, and eight bytes at once. */
static void only_the_case_of_letters_is_passed_over(void **state)
{
    const size_t lengths[] = {1, 8, 11, 16};

    (void)state;
    for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++)
        for (size_t at = 0; at < lengths[n]; at++) {
            char a[16] = "a-Header-so-long", b[16] = "A-heaDER-so-LONG";
            for (int left = 0; left < 256; left++)
                for (int right = 0; right < 256; right++) {
                    a[at] = (char)left;
                    b[at] = (char)right;
                    if (weir_bytes_equal_nocase((weir_bytes){a, lengths[n]}, (weir_bytes){b, lengths[n]}) !=
                        (lowered(left) == lowered(right)))
                        fail_msg("%02x and %02x at %zu of %zu", left, right, at, lengths[n]);
                }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty_and_terminated),
        cmocka_unit_test(collects_all_kinds),
        cmocka_unit_test(refuses_what_passes_the_maximum_and_stays_as_it_was),
        cmocka_unit_test(without_memory_it_stays_as_it_was),
        cmocka_unit_test(printf_grows_to_fit),
        cmocka_unit_test(room_is_reserved_and_then_counted_in),
        cmocka_unit_test(drops_from_both_ends),
        cmocka_unit_test(does_what_an_array_does),
        cmocka_unit_test(spans_compare),
        cmocka_unit_test(only_the_case_of_letters_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
