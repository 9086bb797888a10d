/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/sentences.h"

static void a_full_store_keeps_no_more_and_forgets_nothing(void **state)
{
    struct weir__sentences s;
    const char *first;

    (void)state;
    weir__sentences_init(&s);
    first = weir__sentence_keep(&s, "sentence %d", 0);
    assert_string_equal(first, "sentence 0");
    for (int i = 1; i < WEIR__SENTENCES_MAX; i++)
        assert_non_null(weir__sentence_keep(&s, "sentence %d", i));
    assert_null(weir__sentence_keep(&s, "one more"));
    assert_ptr_equal(weir__sentence_keep(&s, "sentence %d", 0), first);
    weir__sentences_free(&s);
}

static void a_long_sentence_is_cut(void **state)
{
    struct weir__sentences s;

    (void)state;
    weir__sentences_init(&s);
    assert_int_equal(strlen(weir__sentence_keep(&s, "%*s", 10000, "x")), WEIR__SENTENCE_BYTES - 1);
    weir__sentences_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_store_keeps_no_more_and_forgets_nothing),
        cmocka_unit_test(a_long_sentence_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
