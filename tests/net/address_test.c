/* SPDX-License-Identifier: MIT */
/* Addresses as text, both ways, and those of names to listen on. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "net/address.h"
#include "net/net_rig.h"

/* --- reading --- */

static void addresses_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
    } table[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080}, {"0.0.0.0:0", "0.0.0.0", 0},
        {"[::1]:65535", "::1", 65535},         {"[2001:db8::7]:80", "2001:db8::7", 80},
        {"localhost:1", "localhost", 1},       {"a-b.c_d.example:443", "a-b.c_d.example", 443},
        {"3com.x2:80", "3com.x2", 80},         {"[::ffff:127.0.0.1]:9", "::ffff:127.0.0.1", 9},
    };
    struct weir__endpoint e;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(weir__endpoint_parse(table[i].text, &e), 0);
        assert_false(e.is_unix);
        assert_string_equal(e.host, table[i].host);
        assert_int_equal(e.port, table[i].port);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const table[] = {
        "",
        ":",
        ":80",
        "localhost",
        "localhost:",
        "127.0.0.1",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1]:",
        "[127.0.0.1]:80",
        "[localhost]:80",
        "[]:80",
        "[::1:80",
        "a:b",
        "a:-1",
        "a:+1",
        "a: 1",
        "a:1 ",
        "a:65536",
        "a:100000",
        "a:999999999",
        "a:1:2",
        "a b:80",
        "a..b:80",
        ".a:80",
        "-a:80",
        "a-:80",
        "256.0.0.1:80",
        "1.2.3:80",
        "a.7:80",
        "unix:",
        "http://a:80",
        "[::1%lo]:80",
        "*:80",
        "a\n:80",
        "[::g]:80",
        "1.2.3.4.5:1",
        "0x7f000001.9:1",
    };
    struct weir__endpoint e;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (weir__endpoint_parse(table[i], &e) != -EINVAL)
            fail_msg("'%s' was taken for an address", table[i]);
}

static void lengths_have_their_limits(void **state)
{
    struct weir__endpoint e;
    struct sockaddr_un un;
    char text[400] = "unix:";

    (void)state;
    memset(text + 5, 'p', sizeof un.sun_path - 1);
    assert_int_equal(weir__endpoint_parse(text, &e), 0);
    assert_true(e.is_unix);
    memcpy(&un, &e.unix_path.storage, sizeof un);
    assert_int_equal(un.sun_family, AF_UNIX);
    assert_string_equal(un.sun_path, text + 5);
    text[5 + sizeof un.sun_path - 1] = 'p';
    assert_int_equal(weir__endpoint_parse(text, &e), -EINVAL);

    memset(text, 'a', sizeof text);
    strcpy(text + 63, ".x:80");
    assert_int_equal(weir__endpoint_parse(text, &e), 0);
    memset(text, 'a', sizeof text);
    strcpy(text + 64, ".x:80");
    assert_int_equal(weir__endpoint_parse(text, &e), -EINVAL);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '.' : 'a';
    strcpy(text + 253, ":80");
    assert_int_equal(weir__endpoint_parse(text, &e), 0);
    for (size_t i = 250; i < 256; i++)
        text[i] = i % 2 ? '.' : 'a';
    strcpy(text + 255, ":80");
    assert_int_equal(weir__endpoint_parse(text, &e), -EINVAL);
    for (size_t i = 250; i < sizeof text; i++)
        text[i] = i % 2 ? '.' : 'a';
    strcpy(text + 387, ":80");
    assert_int_equal(weir__endpoint_parse(text, &e), -EINVAL);
}

/* --- writing --- */

static void addresses_are_written(void **state)
{
    static const struct {
        const char *host, *text;
    } table[] = {
        {"127.0.0.1", "127.0.0.1:8080"},
        {"255.255.255.255", "255.255.255.255:8080"},
        {"::", "[::]:8080"},
        {"2001:DB8:0:0:0:0:0:1", "[2001:db8::1]:8080"},
        {"::ffff:1.2.3.4", "[::ffff:1.2.3.4]:8080"},
        {"1111:2222:3333:4444:5555:6666:7777:8888", "[1111:2222:3333:4444:5555:6666:7777:8888]:8080"},
    };
    struct weir__address a;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char text[WEIR_ADDRESS_BYTES];
    char longest[sizeof un.sun_path + 6] = "unix:";

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(weir__address_of_literal(table[i].host, 8080, &a), 0);
        assert_string_equal(weir__address_format(&a.any, a.len, text), table[i].text);
    }
    assert_int_equal(weir__address_of_literal("localhost", 8080, &a), -EINVAL);
    memset(un.sun_path, 'q', sizeof un.sun_path); /* the kernel allows it to lack its NUL */
    memset(longest + 5, 'q', sizeof un.sun_path);
    assert_string_equal(weir__address_format((struct sockaddr *)&un, sizeof un, text), longest);
    assert_string_equal(weir__address_format((struct sockaddr *)&un, sizeof(sa_family_t), text), "unix");
}

/* --- resolving --- */

static int resolve_text(const char *text, struct weir__address *out)
{
    struct weir__endpoint e;

    assert_int_equal(weir__endpoint_parse(text, &e), 0);
    return weir__resolve(&e, out);
}

static void hosts_are_resolved(void **state)
{
    struct weir__address found[WEIR__ADDRESSES_MAX];
    bool loopback = true;
    int count;

    (void)state;
    assert_int_equal(resolve_text("unix:/run/x", found), 1);
    assert_int_equal(found[0].any.sa_family, AF_UNIX);
    assert_int_equal(resolve_text("[::1]:4", found), 1);
    assert_int_equal(found[0].any.sa_family, AF_INET6);
    assert_int_equal(resolve_text("no-such-host.invalid:4", found), -WEIR_EDNS);
    count = resolve_text("LocalHost:4", found);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        char text[WEIR_ADDRESS_BYTES];
        weir__address_format(&found[i].any, found[i].len, text);
        loopback = loopback && (strncmp(text, "127.", 4) == 0 || strcmp(text, "[::1]:4") == 0);
    }
    assert_true(loopback);
}

static void addresses_are_bytes(void **state)
{
    static const struct {
        const char *text, *ip;
    } cases[] = {{"192.0.2.1", "::ffff:192.0.2.1"},
                 {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
                 {"2001:db8::7", "2001:db8::7"}};
    struct sockaddr_storage none = {.ss_family = AF_UNIX};
    unsigned char ip[16], wanted[16];
    struct weir__address address;
    char text[WEIR_ADDRESS_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(weir__address_of_literal(cases[i].text, 1, &address), 0);
        assert_int_equal(inet_pton(AF_INET6, cases[i].ip, wanted), 1);
        assert_true(weir__address_ip(&address.storage, ip));
        assert_memory_equal(ip, wanted, sizeof ip);
    }
    assert_false(weir__address_ip(&none, ip));
    assert_string_equal(weir__address_format_end(&none, sizeof none, text), "unix");
}

static void families_take_turns(void **state)
{
    static const char *const before[] = {"10.0.0.1", "10.0.0.2", "::1", "10.0.0.3", "::2"};
    static const char *const after[] = {"[::1]:1", "10.0.0.1:1", "[::2]:1", "10.0.0.2:1", "10.0.0.3:1"};
    struct weir__address list[5];
    char text[WEIR_ADDRESS_BYTES];

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(weir__address_of_literal(before[i], 1, &list[i]), 0);
    weir__addresses_alternate(list, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(weir__address_format(&list[i].any, list[i].len, text), after[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart), cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(lengths_have_their_limits), cmocka_unit_test(addresses_are_written),
        cmocka_unit_test(hosts_are_resolved),        cmocka_unit_test(families_take_turns),
        cmocka_unit_test(addresses_are_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
