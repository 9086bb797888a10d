/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "edge/keyed_hash.h"

/* The vectors that the authors of SipHash have published for 2-4: the key 00 01 … 0f, and texts 00 01 … */
static void the_published_vectors_hold(void **state)
{
    static const uint64_t seed[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    unsigned char text[16];

    (void)state;
    for (unsigned char i = 0; i < sizeof text; i++)
        text[i] = i;
    assert_true(keyed_hash_2_4(seed, text, 0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(keyed_hash_2_4(seed, text, 1) == UINT64_C(0x74f839c593dc67fd));
    assert_true(keyed_hash_2_4(seed, text, 8) == UINT64_C(0x93f5f5799a932462));
    assert_true(keyed_hash_2_4(seed, text, 15) == UINT64_C(0xa129ca6149be45e5));
}

static void every_bit_of_seed_and_key_counts(void **state)
{
    uint64_t seed[2] = {1, 2};
    unsigned char key[9] = {0};
    const uint64_t before = keyed_hash(seed, key, sizeof key);

    (void)state;
    for (int bit = 0; bit < 72; bit++) {
        key[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_true(keyed_hash(seed, key, sizeof key) != before);
        key[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (int bit = 0; bit < 128; bit++) {
        seed[bit / 64] ^= UINT64_C(1) << bit % 64;
        assert_true(keyed_hash(seed, key, sizeof key) != before);
        seed[bit / 64] ^= UINT64_C(1) << bit % 64;
    }
    assert_true(keyed_hash(seed, key, 8) != before);
    key[0] = 7; /* the first byte of a number is its lowest */
    assert_true(keyed_hash(seed, key, 7) == keyed_hash_number(seed, UINT64_C(7) << 56 | 7)); /* its length */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors_hold),
        cmocka_unit_test(every_bit_of_seed_and_key_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
