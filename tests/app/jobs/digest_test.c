/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/digest.h"
#include "support/starve.h"

/* The digest of data, given in pieces. */
static int digest_of(enum digest_algorithm algorithm, const char *data, size_t bytes, size_t piece,
                     char hex[DIGEST_HEX_BYTES])
{
    struct digest_method method;
    struct digest digest = {0};
    int err = digest_method_open(&method, algorithm);

    if (err < 0)
        return err;
    err = digest_begin(&digest, &method);
    for (size_t at = 0; at < bytes && err == 0; at += piece)
        err = digest_add(&digest, data + at, bytes - at < piece ? bytes - at : piece);
    if (err == 0)
        err = digest_end(&digest, hex);
    digest_free(&digest);
    digest_method_close(&method);
    return err;
}

static void check(enum digest_algorithm algorithm, const char *data, size_t bytes, const char *wanted)
{
    const size_t pieces[] = {bytes ? bytes : 1, 1, 3, 64, 127};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char hex[DIGEST_HEX_BYTES] = "";
        assert_int_equal(digest_of(algorithm, data, bytes, pieces[i], hex), 0);
        assert_string_equal(hex, wanted);
    }
}

#define FIPS_448 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"

static void sha_2_is_what_fips_180_says(void **state)
{
    (void)state;
    check(DIGEST_SHA256, "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check(DIGEST_SHA256, "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check(DIGEST_SHA256, FIPS_448, 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check(DIGEST_SHA512, "abc", 3,
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void a_million_a_are_what_fips_180_says(void **state)
{
    const size_t million = 1000000;
    char hex[DIGEST_HEX_BYTES];
    char *a = malloc(million);

    (void)state;
    assert_non_null(a);
    memset(a, 'a', million);
    assert_int_equal(digest_of(DIGEST_SHA256, a, million, 4093, hex), 0);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_int_equal(digest_of(DIGEST_SHA512, a, million, 65536, hex), 0);
    assert_string_equal(hex, "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
                             "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b");
    free(a);
}

static void blake2b_is_what_rfc_7693_says(void **state)
{
    (void)state;
    check(DIGEST_BLAKE2B, "abc", 3,
          "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
          "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

/* The bytes and values are those of xxHash's own self-test. */
static void xxh3_is_what_its_author_says(void **state)
{
    static const struct {
        size_t bytes;
        const char *hex;
    } table[] = {
        {0, "2d06800538d394c2"},  {1, "c44bdff4074eecdb"},   {6, "27b56a84cd2d7325"},
        {12, "a713daf0dfbb77e7"}, {24, "a3fe70bf9d3510eb"},  {48, "397da259ecba1f11"},
        {80, "bcdefbbb2c47c90a"}, {195, "cd94217ee362ec3a"},
    };
    char bytes[256];
    uint64_t generator = UINT64_C(2654435761);
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(generator >> 56);
        generator *= UINT64_C(11400714785074694797);
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(DIGEST_XXH3, bytes, table[i].bytes, table[i].hex);
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    if (!STARVE_WORKS)
        skip();
    for (int algorithm = 0; algorithm < DIGEST_ALGORITHMS; algorithm++) {
        int failures = 0;
        for (long n = 0;; n++) {
            char hex[DIGEST_HEX_BYTES];
            struct digest_method method;
            struct digest digest = {0};
            bool starved;
            int err;
            assert_int_equal(digest_method_open(&method, (enum digest_algorithm)algorithm), 0);
            starve_after(n);
            err = digest_begin(&digest, &method);
            if (err == 0)
                err = digest_add(&digest, "abc", 3);
            if (err == 0)
                err = digest_end(&digest, hex);
            starved = starve_end();
            digest_free(&digest);
            digest_method_close(&method);
            if (!starved)
                break;
            assert_int_equal(err, -ENOMEM);
            failures++;
        }
        assert_true(failures > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha_2_is_what_fips_180_says),   cmocka_unit_test(a_million_a_are_what_fips_180_says),
        cmocka_unit_test(blake2b_is_what_rfc_7693_says), cmocka_unit_test(xxh3_is_what_its_author_says),
        cmocka_unit_test(without_memory_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
