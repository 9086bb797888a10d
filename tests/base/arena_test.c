/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "base/sanitizer.h"
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

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

static void allocations_are_aligned_apart_and_keep_their_bytes(void **state)
{
    struct weir__chunk_cache cache;
    struct weir__arena a;
    struct weir__random r;
    static char *at[2000];
    static size_t size[2000];

    (void)state;
    weir__random_seed(&r, 5);
    weir__chunk_cache_init(&cache, 100);
    weir__arena_init(&a, &cache, SIZE_MAX);
    for (int i = 0; i < 2000; i++) {
        size[i] = weir__random_below(&r, 1ULL << weir__random_below(&r, 14));
        at[i] = weir__arena_alloc(&a, size[i]);
        assert_non_null(at[i]);
        assert_int_equal((uintptr_t)at[i] % 16, 0);
        memset(at[i], i % 251, size[i]);
    }
    for (int i = 0; i < 2000; i++) {
        for (size_t j = 0; j < size[i]; j++)
            assert_int_equal((unsigned char)at[i][j], i % 251);
    }
    weir__arena_free(&a);
    weir__chunk_cache_drain(&cache);
}

static void the_maximum_is_exact(void **state)
{
    struct weir__arena a;

    (void)state;
    weir__arena_init(&a, NULL, 10000);
    assert_non_null(weir__arena_alloc(&a, 5000));
    for (int i = 0; i < (10000 - 5008) / 16; i++)
        assert_non_null(weir__arena_alloc(&a, 9));
    assert_int_equal(a.used, 10000);
    assert_null(weir__arena_alloc(&a, 1));
    assert_null(weir__arena_alloc(&a, 0));
    assert_null(weir__arena_alloc(&a, 5000));
    weir__arena_free(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(weir__arena_alloc(&a, 10000));
    weir__arena_free(&a);
    weir__arena_init(&a, NULL, 17);
    assert_null(weir__arena_alloc(&a, 17)); /* rounded up it is 32 */
    assert_non_null(weir__arena_alloc(&a, 16));
    weir__arena_free(&a);
}

static void impossible_sizes_give_null(void **state)
{
    struct weir__arena a;
    volatile size_t much = SIZE_MAX;

    (void)state;
    weir__arena_init(&a, NULL, SIZE_MAX);
    assert_null(weir__arena_alloc(&a, much));
    assert_null(weir__arena_alloc(&a, much - 15));
    assert_null(weir__arena_alloc(&a, much / 2));
    assert_null(weir__arena_calloc(&a, much / 2, 3));
    assert_null(weir__arena_memdup(&a, "", much));
    assert_int_equal(a.used, 0);
    assert_non_null(weir__arena_alloc(&a, 100));
    weir__arena_free(&a);
}

static void copies_texts(void **state)
{
    struct weir__arena a;
    char big[1000];
    char *cleared, *printed;
    const char *text;
    char *copy;

    (void)state;
    memset(big, 'y', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    weir__arena_init(&a, NULL, 100000);
    text = "some text";
    copy = weir__arena_strdup(&a, text);
    assert_ptr_not_equal(copy, text);
    assert_string_equal(copy, "some text");
    assert_string_equal(weir__arena_memdup(&a, "abcdef", 3), "abc");
    assert_string_equal(weir__arena_memdup(&a, NULL, 0), "");
    assert_string_equal(weir__arena_printf(&a, "%s-%d", "a", 5), "a-5");
    printed = weir__arena_printf(&a, "%s!", big);
    assert_int_equal(strlen(printed), 1000);
    assert_memory_equal(printed, big, 999);
    for (size_t width = 250; width < 260; width++) /* about the size printed without a second pass */
        assert_int_equal(strlen(weir__arena_printf(&a, "%*d", (int)width, 1)), width);
    cleared = weir__arena_calloc(&a, 10, 7);
    for (int i = 0; i < 70; i++)
        assert_int_equal(cleared[i], 0);
    weir__arena_free(&a);
}

static void cleared_memory_is_clear_even_in_a_used_chunk(void **state)
{
    struct weir__chunk_cache cache;
    struct weir__arena a;
    char *p;

    (void)state;
    weir__chunk_cache_init(&cache, 1);
    weir__arena_init(&a, &cache, SIZE_MAX);
    memset(weir__arena_alloc(&a, 900), 'x', 900);
    weir__arena_free(&a);
    p = weir__arena_calloc(&a, 900, 1);
    for (int i = 0; i < 900; i++)
        assert_int_equal(p[i], 0);
    weir__arena_free(&a);
    weir__chunk_cache_drain(&cache);
}

static void chunks_are_reused_last_first_up_to_a_bound(void **state)
{
    struct weir__chunk_cache cache;
    struct weir__arena a;
    void *hot;

    (void)state;
    weir__chunk_cache_init(&cache, 2);
    weir__arena_init(&a, &cache, SIZE_MAX);
    for (int i = 0; i < 20; i++)
        assert_non_null(weir__arena_alloc(&a, 1000));
    assert_int_equal(cache.count, 0);
    weir__arena_free(&a);
    assert_int_equal(cache.count, 2);
    hot = weir__arena_alloc(&a, 100);
    assert_int_equal(cache.count, 1);
    weir__arena_free(&a);
    assert_int_equal(cache.count, 2);
    assert_ptr_equal(weir__arena_alloc(&a, 100), hot);
    weir__arena_free(&a);
    weir__chunk_cache_drain(&cache);
    assert_int_equal(cache.count, 0);
    assert_null(cache.free);
}

static void big_ones_leave_the_chunk_to_small_ones(void **state)
{
    struct weir__chunk_cache cache;
    struct weir__arena a;
    char *second, *first;

    (void)state;
    weir__chunk_cache_init(&cache, 10);
    weir__arena_init(&a, &cache, SIZE_MAX);
    first = weir__arena_alloc(&a, 16);
    assert_non_null(weir__arena_alloc(&a, 100000));
    second = weir__arena_alloc(&a, 16);
    assert_ptr_equal(second, first + 16);
    weir__arena_free(&a);
    assert_int_equal(cache.count, 1); /* the big one is not kept */
    weir__chunk_cache_drain(&cache);
}

static void children_go_with_their_parent(void **state)
{
    struct weir__chunk_cache cache;
    struct weir__arena parent, child, grandchild;

    (void)state;
    weir__chunk_cache_init(&cache, 10);
    weir__arena_init(&parent, &cache, 1000);
    weir__arena_init(&child, &cache, 1000);
    weir__arena_init(&grandchild, &cache, 1000);
    weir__arena_attach(&parent, &child);
    weir__arena_attach(&child, &grandchild);
    assert_non_null(weir__arena_alloc(&parent, 1));
    assert_non_null(weir__arena_alloc(&child, 1));
    assert_non_null(weir__arena_alloc(&grandchild, 1));
    weir__arena_free(&parent);
    assert_int_equal(cache.count, 3);
    assert_int_equal(child.used, 0);
    assert_true(weir__list_is_empty(&grandchild.sibling));
    weir__chunk_cache_drain(&cache);
}

static void an_early_free_detaches(void **state)
{
    struct weir__chunk_cache cache;
    struct weir__arena parent, first, second;
    char *kept;

    (void)state;
    weir__chunk_cache_init(&cache, 10);
    weir__arena_init(&parent, &cache, 1000);
    weir__arena_init(&first, &cache, 1000);
    weir__arena_init(&second, &cache, 1000);
    weir__arena_attach(&parent, &first);
    weir__arena_attach(&parent, &second);
    assert_non_null(weir__arena_alloc(&first, 1));
    assert_non_null(weir__arena_alloc(&second, 1));
    weir__arena_free(&first);
    assert_int_equal(cache.count, 1);
    kept = weir__arena_strdup(&first, "first is on its own now");
    weir__arena_free(&parent);
    assert_string_equal(kept, "first is on its own now");
    assert_int_equal(second.used, 0);
    weir__arena_free(&first);
    assert_int_equal(cache.count, 2);
    weir__chunk_cache_drain(&cache);
}

/* The record of a request lies in the request's own arena, and records of its calls in there as well. */
static void arenas_may_lie_in_arenas(void **state)
{
    struct weir__chunk_cache cache;
    struct weir__arena start, *own;

    (void)state;
    weir__chunk_cache_init(&cache, 10);
    weir__arena_init(&start, &cache, 10000);
    own = weir__arena_alloc(&start, sizeof *own);
    *own = start;
    weir__list_init(&own->children);
    weir__list_init(&own->sibling);
    for (int i = 0; i < 3; i++) {
        struct weir__arena *child = weir__arena_alloc(own, sizeof *child);
        weir__arena_init(child, &cache, 1000);
        weir__arena_attach(own, child);
        assert_non_null(weir__arena_alloc(child, 10));
    }
    weir__arena_free(own);
    assert_int_equal(cache.count, 4);
    weir__chunk_cache_drain(&cache);
}

static void asan_sees_use_beyond_and_after(void **state)
{
#ifdef WITH_ASAN
    struct weir__chunk_cache cache;
    struct weir__arena a;
    char *p;

    weir__chunk_cache_init(&cache, 10);
    weir__arena_init(&a, &cache, 10000);
    p = weir__arena_alloc(&a, 10);
    assert_false(__asan_address_is_poisoned(p + 9));
    assert_true(__asan_address_is_poisoned(p + 10));
    assert_true(__asan_address_is_poisoned(p + 16));
    weir__arena_free(&a);
    assert_true(__asan_address_is_poisoned(p));
    weir__chunk_cache_drain(&cache);
#else
    skip();
#endif
    (void)state;
}

static void resized_ones_keep_their_bytes_and_leave_nothing_behind(void **state)
{
    struct weir__chunk_cache cache;
    struct weir__arena a;
    size_t n = 0, room = 0;
    char *p = NULL;

    (void)state;
    weir__chunk_cache_init(&cache, 10);
    weir__arena_init(&a, &cache, 1 << 20);
    while (room < 1 << 19) {
        room = room ? 2 * room : 100;
        p = weir__arena_resize(&a, p, n, room);
        assert_non_null(p);
        for (size_t i = 0; i < n; i++)
            assert_int_equal((unsigned char)p[i], i % 251);
        for (; n < room; n++)
            p[n] = (char)(n % 251);
    }
    assert_in_range(a.used, room, room + WEIR__CHUNK_SIZE); /* the small ones alone are left behind */
    assert_null(weir__arena_resize(&a, p, n, 1 << 20));
    assert_null(weir__arena_resize(&a, p, n, SIZE_MAX));
    p = weir__arena_resize(&a, p, n, 5000);
    assert_non_null(p);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal((unsigned char)p[i], i % 251);
    assert_in_range(a.used, 5000, 5000 + WEIR__CHUNK_SIZE);
    weir__arena_free(&a);
    weir__chunk_cache_drain(&cache);
}

static void what_is_held_is_counted(void **state)
{
    enum { MANY = 50 };
    struct weir__chunk_cache cache;
    struct weir__arena a[MANY];
    struct weir__account one, two;
    _Atomic size_t sum = 0;
    size_t held = 0;

    (void)state;
    weir__account_init(&one, &sum);
    weir__account_init(&two, &sum);
    weir__chunk_cache_init(&cache, 10);
    for (int i = 0; i < MANY; i++) {
        char *p;

        weir__arena_init(&a[i], &cache, SIZE_MAX);
        weir__arena_charge(&a[i], i % 2 ? &one : &two);
        assert_non_null(weir__arena_alloc(&a[i], 10));
        p = weir__arena_alloc(&a[i], 100000);
        assert_non_null(weir__arena_resize(&a[i], p, 100000, (size_t)(i + 1) * 10000));
        held += (size_t)(i + 1) * 10000;
    }
    assert_in_range(weir__account_sum(&one), held,
                    held + MANY * WEIR__CHUNK_SIZE + 4 * WEIR__ACCOUNT_BATCH_BYTES);
    for (int i = 0; i < MANY; i++)
        weir__arena_free(&a[i]);
    assert_in_range(weir__account_sum(&one), 0, 4 * WEIR__ACCOUNT_BATCH_BYTES);
    assert_int_equal(weir__account_sum(&one), one.in_hand + two.in_hand);
    weir__chunk_cache_drain(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_aligned_apart_and_keep_their_bytes),
        cmocka_unit_test(the_maximum_is_exact),
        cmocka_unit_test(impossible_sizes_give_null),
        cmocka_unit_test(copies_texts),
        cmocka_unit_test(cleared_memory_is_clear_even_in_a_used_chunk),
        cmocka_unit_test(chunks_are_reused_last_first_up_to_a_bound),
        cmocka_unit_test(big_ones_leave_the_chunk_to_small_ones),
        cmocka_unit_test(children_go_with_their_parent),
        cmocka_unit_test(an_early_free_detaches),
        cmocka_unit_test(arenas_may_lie_in_arenas),
        cmocka_unit_test(resized_ones_keep_their_bytes_and_leave_nothing_behind),
        cmocka_unit_test(what_is_held_is_counted),
        cmocka_unit_test(asan_sees_use_beyond_and_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
