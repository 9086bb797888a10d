/* SPDX-License-Identifier: MIT */
/* What the tests of findings share: all findings as text. */
#ifndef TEST_APP_ADMIN_FINDINGS_RIG_H
#define TEST_APP_ADMIN_FINDINGS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <weir/json.h>

#include "admin/findings.h"

static struct text_out out;

static inline const char *findings_text(const struct findings_input *in)
{
    weir_buffer_free(&out.text);
    text_out_init(&out, 1 << 20);
    findings_write(&out, in);
    assert_int_equal(out.err, 0);
    assert_true(weir_json_is_valid(out.text.data, out.text.len, 10));
    return out.text.data;
}

static inline void findings_say(const struct findings_input *in, const char *wanted)
{
    if (strstr(findings_text(in), wanted) == NULL)
        fail_msg("\"%s\" is not in %s", wanted, out.text.data);
}

#endif
