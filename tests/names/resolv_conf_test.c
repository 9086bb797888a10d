/* SPDX-License-Identifier: MIT */
/* resolv.conf, and the full names that a name may stand for. */
#include "names/resolv_conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "support/run.h"

static struct weir__resolv_conf conf;

static void read_text(const char *text)
{
    weir__resolv_conf_read(text, strlen(text), &conf);
}

/* All servers and domains, with blanks between. */
static const char *servers(void)
{
    static char all[500];
    char one[WEIR__NAME_SERVER_BYTES];

    all[0] = '\0';
    for (int i = 0; i < conf.server_count; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, weir__name_server_format(&conf.servers[i], one));
    }
    return all;
}

static const char *search(void)
{
    static char all[WEIR__SEARCH_BYTES];

    all[0] = '\0';
    for (int i = 0; i < conf.search_count; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, conf.search[i]);
    }
    return all;
}

static void a_file_is_read(void **state)
{
    (void)state;
    read_text("");
    assert_string_equal(servers(), "127.0.0.1:53");
    assert_int_equal(conf.search_count, 0);
    assert_int_equal(conf.ndots, 1);
    read_text("# a comment\n; another\n"
              "nameserver 10.96.0.10\n  nameserver\tfd00::10 \r\n"
              "search default.svc.cluster.local svc.cluster.local. cluster.local\n"
              "options ndots:5 timeout:3 attempts:4 rotate edns0 trust-ad\nnameserver 10.0.0.1:5300");
    assert_string_equal(servers(), "10.96.0.10:53 [fd00::10]:53 10.0.0.1:5300");
    assert_string_equal(search(), "default.svc.cluster.local svc.cluster.local cluster.local");
    assert_int_equal(conf.ndots, 5);
    assert_int_equal(conf.timeout_s, 3);
    assert_int_equal(conf.attempts, 4);
    assert_true(conf.rotate);
}

static void what_is_wrong_is_passed_over(void **state)
{
    (void)state;
    read_text("nameserver\nnameserver 10.0.0.300\nnameserver a.example\nnameserver fe80::1%eth0\nnonsense "
              "10.0.0.9\n"
              "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n"
              "options ndots:x timeout:99999999999 attempts:-1 ndots: rotated\n");
    assert_string_equal(servers(), "10.0.0.1:53 10.0.0.2:53 10.0.0.3:53");
    assert_int_equal(conf.ndots, 1);
    assert_int_equal(conf.timeout_s, WEIR__CONF_TIMEOUT_MAX_S);
    assert_int_equal(conf.attempts, 0);
    assert_false(conf.rotate);
    read_text(
        "search one.test\ndomain two.test three.test\n"); /* the last line counts, and a domain is one */
    assert_string_equal(search(), "two.test");
    read_text("domain two.test\nsearch b.test -bad .test 10.0.0.1 c.test\n");
    assert_string_equal(search(), "b.test c.test");
}

static void long_lists_are_cut(void **state)
{
    char text[20000] = "search";

    (void)state;
    for (int i = 0; i < 300; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), " domain%d.with.a.long.name.example",
                       i);
    read_text(text);
    assert_int_equal(conf.search_count, WEIR__SEARCH_MAX);
    assert_string_equal(conf.search[WEIR__SEARCH_MAX - 1], "domain31.with.a.long.name.example");
}

static void expect_names(const char *name, const char *expected)
{
    char full[WEIR__NAME_BYTES], all[2000] = "";
    size_t len;

    for (int n = 0; (len = weir__search_name(&conf, name, strlen(name), n, full)) > 0; n++) {
        assert_int_equal(len, strlen(full));
        strcat(all, n > 0 ? " " : "");
        strcat(all, full);
    }
    assert_string_equal(all, expected);
}

static void names_are_completed(void **state)
{
    (void)state;
    read_text("");
    expect_names("db", "db");
    read_text("search a.test b.test\n");
    expect_names("db", "db.a.test db.b.test db");
    expect_names("db.c", "db.c db.c.a.test db.c.b.test");
    expect_names("db.", "db");
    read_text("search a.test\noptions ndots:5\n");
    expect_names("a.b.c.d.e", "a.b.c.d.e.a.test a.b.c.d.e");
    expect_names("a.b.c.d.e.f", "a.b.c.d.e.f a.b.c.d.e.f.a.test");
}

static void names_that_become_too_long_are_left_out(void **state)
{
    char name[254];

    (void)state;
    memset(name, 'a', sizeof name);
    for (int i = 60; i < 250; i += 60)
        name[i] = '.';
    name[252] = '\0';
    read_text("search a.test b\n");
    expect_names(name, name);
    name[250] = '\0';
    {
        char all[600];
        (void)snprintf(all, sizeof all, "%s %s.b", name, name);
        expect_names(name, all);
    }
}

static void servers_are_parsed(void **state)
{
    static const char *const wrong[] = {
        "", "a", "10.0.0", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:70000", "[::1]", "::1:x"};
    struct weir__name_server s;
    char text[WEIR__NAME_SERVER_BYTES];

    (void)state;
    assert_int_equal(weir__name_server_parse("10.0.0.1", 8, &s), 0);
    assert_string_equal(weir__name_server_format(&s, text), "10.0.0.1:53");
    assert_int_equal(weir__name_server_parse("[2001:db8::1]:5300", 18, &s), 0);
    assert_string_equal(weir__name_server_format(&s, text), "[2001:db8::1]:5300");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(weir__name_server_parse(wrong[i], strlen(wrong[i]), &s), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(what_is_wrong_is_passed_over),
        cmocka_unit_test(long_lists_are_cut),
        cmocka_unit_test(names_are_completed),
        cmocka_unit_test(names_that_become_too_long_are_left_out),
        cmocka_unit_test(servers_are_parsed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
