/* SPDX-License-Identifier: MIT */
/* Durations, sizes, and words that people misspell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <weir/random.h>
#include <weir/text.h>

static void durations_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"0s", 0},
        {"1ns", 1},
        {"250ms", 250000000},
        {"1.5s", 1500000000},
        {"1m", 60000000000},
        {"1m30s", 90000000000},
        {"2h5m", 7500000000000},
        {"0.000001ms", 1},
        {"12.3us", 12300},
        {"2562047h", 2562047LL * 3600 * 1000000000},
    };
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        weir_duration d = {-1};
        if (weir_duration_parse(good[i].text, &d) != 0 || d.ns != good[i].ns)
            fail_msg("%s was read as %lld ns", good[i].text, (long long)d.ns);
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    static const char *const bad[] = {"",     "1",    "s",     "-1s",  "+1s",        " 1s",   "1s ",
                                      "1 s",  "1S",   "1d",    "1.s",  ".5s",        "1..5s", "1s1m",
                                      "1s1s", "1e3s", "0x1s",  "1ms5", "1,",         "1,5s",  "1.5.5",
                                      "nan",  "infs", "0.1ns", "1s\n", "0.0000001ms"};
    static const char *const large[] = {"9223372036854775808ns", "2562048h", "99999999999999999999s",
                                        "2562047h60m"};

    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        weir_duration d = {7};
        if (weir_duration_parse(bad[i], &d) != -EINVAL || d.ns != 7)
            fail_msg("'%s' was taken", bad[i]);
    }
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        weir_duration d = {7};
        if (weir_duration_parse(large[i], &d) != -ERANGE || d.ns != 7)
            fail_msg("'%s' was not out of range", large[i]);
    }
}

static void sizes_are_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"123", 123},
        {"123B", 123},
        {"16KiB", 16384},
        {"1MiB", 1 << 20},
        {"4GiB", UINT64_C(4) << 30},
        {"2TiB", UINT64_C(2) << 40},
        {"18446744073709551615", UINT64_MAX},
    };
    static const char *const bad[] = {"",   "KiB", "1KB",   "1K",     "1kib", "-1",
                                      "+1", " 1",  "1 KiB", "1.5MiB", "0x10", "1KiBB"};
    static const char *const large[] = {"18446744073709551616", "16777216TiB", "99999999999999999999999GiB"};
    uint64_t bytes;
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        bytes = 7;
        if (weir_size_parse(good[i].text, &bytes) != 0 || bytes != good[i].bytes)
            fail_msg("%s was read as %llu", good[i].text, (unsigned long long)bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bytes = 7;
        if (weir_size_parse(bad[i], &bytes) != -EINVAL || bytes != 7)
            fail_msg("'%s' was taken", bad[i]);
    }
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        bytes = 7;
        if (weir_size_parse(large[i], &bytes) != -ERANGE || bytes != 7)
            fail_msg("'%s' was not out of range", large[i]);
    }
}

static void expect_format(int64_t ns, const char *text)
{
    char out[WEIR_DURATION_TEXT_MAX];

    assert_string_equal(weir_duration_format(out, sizeof out, (weir_duration){ns}), text);
}

static void durations_are_written_for_people(void **state)
{
    (void)state;
    expect_format(0, "0s");
    expect_format(850, "850ns");
    expect_format(12300, "12.3us");
    expect_format(41200000, "41.2ms");
    expect_format(1500000000, "1.5s");
    expect_format(90000000000, "1m30s");
    expect_format(7500000000000, "2h5m");
    expect_format(999999, "1ms"); /* rounded into the next unit */
    expect_format(60000000000, "1m");
}

/* Written, read back, written again: the same text, however large or small, and always within its room. */
static void what_is_written_can_be_read_back(void **state)
{
    uint64_t x = 88172645463325252u;

    (void)state;

    for (int i = 0; i < 20000; i++) {
        char once[WEIR_DURATION_TEXT_MAX], twice[WEIR_DURATION_TEXT_MAX];
        weir_duration d;
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        weir_duration_format(once, sizeof once, (weir_duration){(int64_t)(x >> 1 >> (x % 63))});
        assert_true(strlen(once) < sizeof once);
        if (weir_duration_parse(once, &d) != 0)
            fail_msg("%s can't be read", once);
        assert_string_equal(weir_duration_format(twice, sizeof twice, d), once);
    }
}

static void too_little_room_cuts(void **state)
{
    char out[4] = "xxx";

    (void)state;

    weir_duration_format(out, sizeof out, weir_seconds(90));
    assert_string_equal(out, "1m3");
    weir_duration_format(out, 1, weir_seconds(90));
    assert_string_equal(out, "");
}

static void the_nearest_word_is_found(void **state)
{
    static const char *const keys[] = {"listen", "limits", NULL, "loops", "admin", "drain", "routes"};
    size_t n = sizeof keys / sizeof keys[0];

    (void)state;

    assert_string_equal(weir_text_nearest("lisen", keys, n), "listen");   /* dropped */
    assert_string_equal(weir_text_nearest("lissten", keys, n), "listen"); /* added */
    assert_string_equal(weir_text_nearest("lixits", keys, n), "limits");  /* changed */
    assert_string_equal(weir_text_nearest("ruotes", keys, n), "routes");  /* swapped */
    assert_string_equal(weir_text_nearest("DRAIN", keys, n), "drain");
    assert_null(weir_text_nearest("banana", keys, n));
    assert_null(weir_text_nearest("", keys, n));
    assert_null(weir_text_nearest("listen", keys, 0));
}

static void long_words_do_no_harm(void **state)
{
    static char word[5000];
    const char *keys[] = {"listen", word};

    (void)state;

    memset(word, 'a', sizeof word - 1);
    assert_null(weir_text_nearest(word, keys, 1));
    (void)weir_text_nearest(word, keys, 2);
    (void)weir_text_nearest("aaaa", keys, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(durations_are_written_for_people),
        cmocka_unit_test(what_is_written_can_be_read_back),
        cmocka_unit_test(too_little_room_cuts),
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(long_words_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
