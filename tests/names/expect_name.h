/* SPDX-License-Identifier: MIT */
/* What a name is resolved to, for tests of the resolver. */
#ifndef TESTS_NAMES_EXPECT_NAME_H
#define TESTS_NAMES_EXPECT_NAME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <weir.h>

/* Resolves a name. expected: its addresses, or the words of a failure. Returns: the time it took, in ms,
 * virtual under simulation. */
static inline int64_t expect(const char *name, const char *expected)
{
    weir_instant began = weir_now();
    weir_resolved *r = calloc(1, sizeof *r);
    char all[WEIR_RESOLVED_MAX * (WEIR_IP_BYTES + 1)] = "";
    int err = weir_resolve(name, r);

    for (size_t i = 0; i < r->count; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, r->addresses[i]);
    }
    if (err == -WEIR_EDNS)
        strcpy(all, r->why);
    else
        assert_int_equal(err, 0);
    assert_string_equal(all, expected);
    free(r);
    return weir_between(began, weir_now()).ns / 1000000;
}

#endif
