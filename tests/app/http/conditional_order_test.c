/* SPDX-License-Identifier: MIT */
/* Conditional requests: all combinations of the five fields and Range, compared with the steps of RFC 9110,
 * 13.2.2, written down once more from its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "http/conditional.h"

/* The current version: 100 bytes, changed at DATE. */
#define ETAG "\"now\""
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"
enum { MODIFIED = 784111777 };

/* What a field says of the current version. */
enum truth { ABSENT, YES, NO, INVALID };

struct value {
    const char *text;
    enum truth truth;
};

/* If-Match: YES a strong tag is the current one. */
static const struct value if_match[] = {
    {NULL, ABSENT},  {ETAG, YES},     {"\"a\", " ETAG, YES}, {"*", YES},
    {"W/" ETAG, NO}, {"\"old\"", NO}, {"now", NO}, /* no tag is none that matches */
};

/* If-Unmodified-Since: YES the current version is not later. */
static const struct value if_unmodified_since[] = {
    {NULL, ABSENT},
    {DATE, YES},
    {LATER, YES},
    {EARLIER, NO},
    {"Sunday, 06-Nov-94 08:49:37 GMT", YES},
    {"Sun Nov  6 08:49:36 1994", NO},
    {"yesterday", INVALID},
    {EARLIER ", " EARLIER, INVALID},
};

/* If-None-Match: YES no tag is the current one, weakly compared. */
static const struct value if_none_match[] = {
    {NULL, ABSENT}, {"\"old\"", YES}, {ETAG, NO}, {"W/" ETAG, NO}, {"\"a\", W/\"b\"," ETAG, NO},
    {"*", NO},      {"now", YES},
};

/* If-Modified-Since: YES the current version is later. */
static const struct value if_modified_since[] = {
    {NULL, ABSENT},
    {EARLIER, YES},
    {DATE, NO},
    {LATER, NO},
    {"Sun Nov  6 08:49:37 1994", NO},
    {"Sun, 06 Nov 1994 08:49:37", INVALID},
    {"", INVALID},
};

/* If-Range: YES it is exactly the current version. */
static const struct value if_range[] = {
    {NULL, ABSENT}, {ETAG, YES}, {DATE, YES}, {"\"old\"", NO},      {"W/" ETAG, NO},
    {EARLIER, NO},  {LATER, NO}, {"now", NO}, {ETAG ", " ETAG, NO}, {"*", NO},
};

/* Range: YES satisfiable. */
static const struct value range[] = {
    {NULL, ABSENT}, {"bytes=0-9", YES}, {"bytes=0-9,90-", YES}, {"bytes=100-", NO}, {"bytes=9-8", INVALID},
};

struct truths {
    enum truth match, unmodified, none_match, modified, if_range, range;
};

/* "Applicable" in step 5, and what a GET with Range alone gets (14.2). */
static int by_range(enum truth truth)
{
    return truth == YES ? 206 : truth == NO ? 416 : 200;
}

/* RFC 9110, 13.2.2, with 13.1.3 and 13.1.4: dates that are none are ignored. */
static int by_the_rfc(const struct truths *t, bool is_get)
{
    /* 1. When recipient is the origin server and If-Match is present */
    if (t->match != ABSENT) {
        if (t->match != YES)
            return 412;
    } else if (t->unmodified == YES || t->unmodified == NO) {
        /* 2. … If-Match is not present, and If-Unmodified-Since is present */
        if (t->unmodified == NO)
            return 412;
    }
    /* 3. When If-None-Match is present */
    if (t->none_match != ABSENT) {
        if (t->none_match == NO)
            return 304;
    } else if (t->modified == YES || t->modified == NO) {
        /* 4. When the method is GET or HEAD, If-None-Match is not present, and If-Modified-Since is present
         */
        if (t->modified == NO)
            return 304;
    }
    /* 5. When the method is GET and both Range and If-Range are present */
    if (is_get && t->range != ABSENT && t->if_range != ABSENT)
        return t->if_range == YES ? by_range(t->range) : 200;
    /* 6. Otherwise, perform the requested method */
    return is_get ? by_range(t->range) : 200;
}

static void check(const struct conditions *asked, const struct truths *truths)
{
    const struct representation what = {ETAG, MODIFIED, MODIFIED + 1, 100, false};
    struct byte_ranges ranges;

    for (int is_get = 0; is_get < 2; is_get++) {
        int got = conditions_decide(asked, &what, is_get, &ranges);
        int wanted = by_the_rfc(truths, is_get);
        if (got != wanted)
            fail_msg("%s: %d, not %d; If-Match: %s, If-Unmodified-Since: %s, If-None-Match: %s, "
                     "If-Modified-Since: %s, If-Range: %s, Range: %s",
                     is_get ? "GET" : "HEAD", got, wanted, asked->if_match, asked->if_unmodified_since,
                     asked->if_none_match, asked->if_modified_since, asked->if_range, asked->range);
        assert_int_equal(ranges.count > 0, got == 206);
    }
}

/* Takes a value by a digit of a number whose digits count the values of each field. */
#define TAKE(list, number) take(list, sizeof(list) / sizeof *(list), number)

static const struct value *take(const struct value *list, size_t count, size_t *number)
{
    const struct value *taken = &list[*number % count];

    *number /= count;
    return taken;
}

static void every_combination_is_decided_in_the_order_of_the_rfc(void **state)
{
    size_t number, left = 0;

    (void)state;
    for (number = 0; left == 0; number++) {
        const struct value *match, *unmodified, *none_match, *modified, *same, *part;
        left = number;
        match = TAKE(if_match, &left);
        unmodified = TAKE(if_unmodified_since, &left);
        none_match = TAKE(if_none_match, &left);
        modified = TAKE(if_modified_since, &left);
        same = TAKE(if_range, &left);
        part = TAKE(range, &left);
        check(&(struct conditions){match->text, unmodified->text, none_match->text, modified->text,
                                   part->text, same->text},
              &(struct truths){match->truth, unmodified->truth, none_match->truth, modified->truth,
                               same->truth, part->truth});
    }
    assert_int_equal(number - 1, 7 * 8 * 7 * 7 * 10 * 5);
}

static void a_date_of_this_second_is_no_strong_validator(void **state)
{
    struct representation what = {ETAG, MODIFIED, MODIFIED, 100, false};
    struct conditions asked = {.range = "bytes=0-9", .if_range = DATE};
    struct byte_ranges ranges;

    (void)state;
    assert_int_equal(conditions_decide(&asked, &what, true, &ranges), 200);
    asked.if_range = ETAG; /* the tag is */
    assert_int_equal(conditions_decide(&asked, &what, true, &ranges), 206);
    asked.if_range = DATE;
    what.now++;
    assert_int_equal(conditions_decide(&asked, &what, true, &ranges), 206);
    what.modified = what.now + 100; /* the file is of the future */
    assert_int_equal(conditions_decide(&asked, &what, true, &ranges), 200);
}

/* A compressed sibling mostly has the time of its file. */
static void a_date_does_not_tell_representations_apart(void **state)
{
    const struct representation what = {ETAG, MODIFIED, MODIFIED + 1, 100, true};
    struct conditions asked = {.range = "bytes=0-9", .if_range = DATE};
    struct byte_ranges ranges;

    (void)state;
    assert_int_equal(conditions_decide(&asked, &what, true, &ranges), 200);
    asked.if_range = ETAG;
    assert_int_equal(conditions_decide(&asked, &what, true, &ranges), 206);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_is_decided_in_the_order_of_the_rfc),
        cmocka_unit_test(a_date_does_not_tell_representations_apart),
        cmocka_unit_test(a_date_of_this_second_is_no_strong_validator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
