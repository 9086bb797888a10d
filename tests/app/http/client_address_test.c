/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "http/client_address.h"

/* The client is `wanted`, as inet_ntop() writes it; NULL: there is none. */
static const struct {
    const char *peer, *forwarded, *wanted;
} table[] = {
    /* a peer that is not trusted is the client, whatever it says */
    {"192.0.2.1:4711", NULL, "::ffff:192.0.2.1"},
    {"192.0.2.1:4711", "198.51.100.7", "::ffff:192.0.2.1"},
    {"[2001:db8::1]:4711", "198.51.100.7", "2001:db8::1"},
    {"[::ffff:192.0.2.1]:4711", "198.51.100.7", "::ffff:192.0.2.1"},
    /* of a trusted one, the last that is not trusted */
    {"10.0.0.1:1", "198.51.100.7", "::ffff:198.51.100.7"},
    {"[::ffff:10.0.0.1]:1", "198.51.100.7", "::ffff:198.51.100.7"},
    {"10.0.0.1:1", "203.0.113.9, 198.51.100.7", "::ffff:198.51.100.7"},
    {"10.0.0.1:1", "203.0.113.9,198.51.100.7 ,\t10.0.0.2", "::ffff:198.51.100.7"},
    {"10.0.0.1:1", "198.51.100.7, [2001:db8::5]:80", "2001:db8::5"},
    {"10.0.0.1:1", "2001:db8::5", "2001:db8::5"},
    {"10.0.0.1:1", "198.51.100.7:1234", "::ffff:198.51.100.7"},
    {"10.0.0.1:1", "198.51.100.7, ", "::ffff:198.51.100.7"},
    {"10.0.0.1:1", ",,198.51.100.7,,", "::ffff:198.51.100.7"},
    {"unix", "198.51.100.7", "::ffff:198.51.100.7"},
    /* all are trusted: the first of them */
    {"10.0.0.1:1", "10.0.0.3, 10.0.0.2", "::ffff:10.0.0.3"},
    {"10.0.0.1:1", NULL, "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", " , ", "::ffff:10.0.0.1"},
    {"unix", NULL, NULL},
    /* what is no address ends the search: the proxy that wrote it counts */
    {"10.0.0.1:1", "198.51.100.7, unknown", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.51.100.7, _x, 10.0.0.2", "::ffff:10.0.0.2"},
    {"10.0.0.1:1", "198.51.100.7 198.51.100.8", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.51.100.256", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "1", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.51.100.07", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.51.100.", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.51.100", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.51.100.7.1", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.51.100.1234", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.51.100.7:1:2", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.4294967347.100.7", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "198.51..7", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "255.255.255.255", "::ffff:255.255.255.255"},
    {"10.0.0.1:1", "0.0.0.0", "::ffff:0.0.0.0"},
    {"10.0.0.1:1", "[", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "[]", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", ":", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "%", "::ffff:10.0.0.1"},
    {"10.0.0.1:1", "::1::2", "::ffff:10.0.0.1"},
    {"unix", "unknown", NULL},
    {"?", NULL, NULL},
};

/* The same of Forwarded: each element as its proxy writes it, whatever the client wrote before. */
static const struct {
    const char *addresses, *elements, *wanted;
} told[] = {
    {NULL, "for=198.51.100.7", "::ffff:198.51.100.7"},
    {NULL, "For=198.51.100.7:1234;proto=https", "::ffff:198.51.100.7"},
    {NULL, "by=10.0.0.9; host=\"a,b;for=1.2.3.4\" ;FOR=\"[2001:db8::5]:80\"", "2001:db8::5"},
    {NULL, "for=\"198.51.100.7:1\"", "::ffff:198.51.100.7"},
    {NULL, "for=203.0.113.9, for=198.51.100.7 , , for=10.0.0.2", "::ffff:198.51.100.7"},
    {NULL, "for=10.0.0.3, for=10.0.0.2", "::ffff:10.0.0.3"},
    /* a quotation that the client left open or closed falsely ends before what its proxies wrote */
    {NULL, "for=\"203.0.113.9, for=198.51.100.7", "::ffff:198.51.100.7"},
    {NULL, "for=\", for=198.51.100.7, for=\"10.0.0.2\"", "::ffff:198.51.100.7"},
    {NULL, "for=\", for=1.2.3.4;x=\", for=\"[2001:db8::5]\"", "2001:db8::5"},
    {NULL, "for=1.2.3.4\\\", for=198.51.100.7;host=\"a\\\", \\\\\"", "::ffff:198.51.100.7"},
    /* no address */
    {NULL, "for=198.51.100.7, for=unknown", "::ffff:10.0.0.1"},
    {NULL, "for=198.51.100.7, for=_x, for=10.0.0.2", "::ffff:10.0.0.2"},
    {NULL, "for=198.51.100.7, proto=https", "::ffff:10.0.0.1"},
    {NULL, "198.51.100.7", "::ffff:10.0.0.1"},
    {NULL, "for = 198.51.100.7", "::ffff:10.0.0.1"},
    {NULL, "for=", "::ffff:10.0.0.1"},
    {NULL, "for=\"", "::ffff:10.0.0.1"},
    {NULL, "xfor=198.51.100.7", "::ffff:10.0.0.1"},
    /* malformed: who reads it from its front may find another */
    {NULL, "x;for=198.51.100.7", "::ffff:10.0.0.1"},
    {NULL, "for=198.51.100.7;for=198.51.100.8", "::ffff:10.0.0.1"},
    {NULL, "for=198.51.100.7, for=10.0.0.3;x=\"a\"b\"c\", for=10.0.0.2", "::ffff:10.0.0.2"},
    {NULL, "\"", "::ffff:10.0.0.1"},
    {NULL, "", "::ffff:10.0.0.1"},
    /* where both are, only X-Forwarded-For is read */
    {"198.51.100.8", "for=198.51.100.7", "::ffff:198.51.100.8"},
    {"", "for=198.51.100.7", "::ffff:10.0.0.1"},
};

static void forwarded_tells_the_client_too(void **state)
{
    struct network trusted;
    weir_text_fault fault;

    (void)state;
    assert_int_equal(network_parse(weir_bytes_of("10.0.0.0/8"), &trusted, &fault), 0);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const struct forwarded_headers here = {.addresses = told[i].addresses, .elements = told[i].elements};
        unsigned char address[16], wanted[16];

        assert_true(client_address_in("10.0.0.1:1", &here, &trusted, 1, address));
        assert_int_equal(inet_pton(AF_INET6, told[i].wanted, wanted), 1);
        if (memcmp(address, wanted, sizeof wanted) != 0)
            fail_msg("%s: not %s", told[i].elements, told[i].wanted);
        assert_true(client_address_in("192.0.2.1:1", &here, &trusted, 1, address));
        assert_memory_equal(address + 12, "\xc0\0\2\1", 4);
    }
}

/* A proxy that writes X-Forwarded-Proto or -Host passes on the client's Forwarded. */
static void forwarded_is_not_read_beside_the_other_family(void **state)
{
    const struct forwarded_headers others[] = {
        {.scheme = "https", .elements = "for=198.51.100.7"},
        {.host = "", .elements = "for=198.51.100.7"},
    };
    struct network trusted;
    weir_text_fault fault;

    (void)state;
    assert_int_equal(network_parse(weir_bytes_of("10.0.0.0/8"), &trusted, &fault), 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        unsigned char address[16];

        assert_true(client_address_in("10.0.0.1:1", &others[i], &trusted, 1, address));
        assert_memory_equal(address + 12, "\x0a\0\0\1", 4);
    }
}

static void the_client_is_the_last_that_is_not_trusted(void **state)
{
    static const char *const texts[] = {"10.0.0.0/8", "unix"};
    struct network trusted[2];
    weir_text_fault fault;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(network_parse(weir_bytes_of(texts[i]), &trusted[i], &fault), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        unsigned char address[16], wanted[16];
        const bool known = client_address_in(
            table[i].peer, &(struct forwarded_headers){.addresses = table[i].forwarded}, trusted, 2, address);

        if (known != (table[i].wanted != NULL))
            fail_msg("%s, %s: %s", table[i].peer, table[i].forwarded, known ? "an address" : "none");
        if (!known)
            continue;
        assert_int_equal(inet_pton(AF_INET6, table[i].wanted, wanted), 1);
        if (memcmp(address, wanted, sizeof wanted) != 0)
            fail_msg("%s, %s: not %s", table[i].peer, table[i].forwarded, table[i].wanted);
        assert_int_equal(network_address_is_v4(address), strstr(table[i].wanted, "ffff") != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_the_last_that_is_not_trusted),
        cmocka_unit_test(forwarded_tells_the_client_too),
        cmocka_unit_test(forwarded_is_not_read_beside_the_other_family),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
