/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/intern.h"

static void the_same_text_is_kept_once(void **state)
{
    struct weir__intern t = {0};
    const char *kept[1000];
    char text[32];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "text %d", i);
        kept[i] = weir__intern_keep(&t, text);
        assert_string_equal(kept[i], text);
        assert_ptr_not_equal(kept[i], text);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "text %d", i);
        assert_ptr_equal(weir__intern_keep(&t, text), kept[i]);
    }
    assert_int_equal(t.count, 1000);
    assert_ptr_equal(weir__intern_find(&t, "text 7"), kept[7]);
    assert_null(weir__intern_find(&t, "text 1000"));
    assert_string_equal(weir__intern_keep(&t, ""), "");
    weir__intern_free(&t);
    assert_null(t.blocks);
}

static void room_is_aligned_and_as_large_as_asked(void **state)
{
    struct weir__intern t = {0};

    (void)state;
    for (size_t bytes = 1; bytes < 300000; bytes = bytes * 3 + 1) {
        char *room = weir__intern_room(&t, bytes);
        assert_non_null(room);
        assert_int_equal((uintptr_t)room % 16, 0);
        memset(room, 1, bytes);
    }
    assert_null(weir__intern_room(&t, SIZE_MAX));
    weir__intern_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_text_is_kept_once),
        cmocka_unit_test(room_is_aligned_and_as_large_as_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
