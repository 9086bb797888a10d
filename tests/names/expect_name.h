/* SPDX-License-Identifier: MIT */
/* What a name is resolved to, for tests of the resolver. */
#ifndef TESTS_NAMES_EXPECT_NAME_H
#define TESTS_NAMES_EXPECT_NAME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <weir.h>

enum { EXPECT_NAME_BYTES = WEIR_RESOLVED_MAX * (WEIR_IP_BYTES + 1) };

static inline void resolve_in_words(const char *name, char out[EXPECT_NAME_BYTES])
{
    weir_resolved *r = calloc(1, sizeof *r);
    int err = weir_resolve(name, r);

    *out = '\0';
    for (size_t i = 0; i < r->count; i++) {
        strcat(out, i > 0 ? " " : "");
        strcat(out, r->addresses[i]);
    }
    if (err == -WEIR_EDNS)
        strcpy(out, r->why);
    else
        assert_int_equal(err, 0);
    free(r);
}

/* One family is used when the other is late, which it may be on a busy machine: it comes to the cache later.
 */
static inline bool is_one_family_of(const char *all, const char *expected)
{
    return strchr(expected, ' ') != NULL && strlen(all) < strlen(expected) && strstr(expected, all) != NULL;
}

/* Resolves a name. expected: its addresses, or the words of a failure. Returns: the time it took, in ms,
 * virtual under simulation. */
static inline int64_t expect(const char *name, const char *expected)
{
    weir_instant began = weir_now();
    char all[EXPECT_NAME_BYTES];

    resolve_in_words(name, all);
    while (is_one_family_of(all, expected) && weir_between(began, weir_now()).ns < weir_seconds(20).ns) {
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
        resolve_in_words(name, all);
    }
    assert_string_equal(all, expected);
    return weir_between(began, weir_now()).ns / 1000000;
}

#endif
