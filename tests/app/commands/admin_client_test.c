/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "commands/admin_client.h"

static void expect_base(const char *address, const char *expected)
{
    char base[ADMIN_BASE_BYTES] = "";

    assert_int_equal(admin_client_base(address, base), 0);
    assert_string_equal(base, expected);
}

static void an_address_may_be_short(void **state)
{
    (void)state;
    expect_base(NULL, "http://127.0.0.1:8081");
    expect_base("9000", "http://127.0.0.1:9000");
    expect_base("localhost:9000", "http://localhost:9000");
    expect_base("[::1]:9000", "http://[::1]:9000");
    expect_base("http://10.0.0.7:9000/", "http://10.0.0.7:9000");
    expect_base("unix:/run/weir.sock", "http://localhost");
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {"",      ":",      "host",        "host:",   "host:0",  ":9000",
                                      "0",     "host:x", "host:65536",  "[::1]",   "[]:9000", "::1:9000",
                                      "unix:", "a b:1",  "host:9000/x", "1.2.3:4", "http://"};
    char base[ADMIN_BASE_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (admin_client_base(bad[i], base) != -EINVAL)
            fail_msg("'%s' is taken for an address", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_may_be_short),
        cmocka_unit_test(what_is_no_address_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
