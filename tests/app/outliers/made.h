/* SPDX-License-Identifier: MIT */
/* Outliers that are made up: their text has a length of the test's choice. */
#ifndef TESTS_APP_OUTLIERS_MADE_H
#define TESTS_APP_OUTLIERS_MADE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "outliers/outlier.h"

static inline struct outlier *made(size_t route, const char *id, size_t bytes)
{
    struct outlier *o = outlier_new(route, weir_ms(5), 1);

    assert_non_null(o);
    (void)snprintf(o->id, sizeof o->id, "%s", id);
    text_out_add(&o->text, "{");
    o->line_at = o->text.text.len;
    text_out_printf(&o->text, "\"id\":\"%s\"", id);
    o->line_bytes = o->text.text.len - o->line_at;
    text_out_add(&o->text, ",\"fill\":\"");
    while (o->text.text.len + 2 < bytes)
        text_out_add(&o->text, "x");
    text_out_add(&o->text, "\"}");
    assert_int_equal(o->text.err, 0);
    return o;
}

#endif
