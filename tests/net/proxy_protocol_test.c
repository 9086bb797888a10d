/* SPDX-License-Identifier: MIT */
/* The header of the PROXY protocol: what it tells, each malformation, and a header cut at each byte. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/address.h"
#include "net/proxy_protocol.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_BLOCK                                                                                             \
    "\xc0\x00\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb" /* 192.0.2.1:56324 to 198.51.100.7:443                \
                                                        */
#define V6_ADDRESSES                                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"                                                             \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define V6_BLOCK V6_ADDRESSES "\xdc\x04\x01\xbb"

/* A literal with what stands in it, NULs too. */
#define LITERAL(text) (text), sizeof(text) - 1

static const char *text_of(const union weir__proxy_address *address)
{
    static char text[2][WEIR_ADDRESS_BYTES];
    static int turn;

    turn = !turn;
    return weir__address_format(&address->any, weir__proxy_address_len(address), text[turn]);
}

/* A header is read when it is whole, whatever follows it, and with less more is asked for. */
static void check_cuts(const char *data, size_t len)
{
    char longer[WEIR__PROXY_BYTES_MAX + 8];
    struct weir__proxy_header header;
    const char *fault = NULL;

    for (size_t cut = 0; cut < len; cut++) {
        char *exact = malloc(cut); /* so that ASan sees a read beyond */

        memcpy(exact, data, cut);
        assert_int_equal(weir__proxy_header_parse(exact, cut, &header, &fault), 0);
        free(exact);
    }
    memcpy(longer, data, len);
    memcpy(longer + len, "GET /\n\0", 7);
    assert_int_equal(weir__proxy_header_parse(longer, len + 7, &header, &fault), len);
    assert_null(fault);
}

static void expect(const char *data, size_t len, const char *client, const char *server)
{
    struct weir__proxy_header header;
    const char *fault = NULL;

    assert_int_equal(weir__proxy_header_parse(data, len, &header, &fault), len);
    assert_false(header.real);
    assert_string_equal(text_of(&header.client), client);
    assert_string_equal(text_of(&header.server), server);
    check_cuts(data, len);
}

static void expect_real(const char *data, size_t len)
{
    struct weir__proxy_header header;
    const char *fault = NULL;

    assert_int_equal(weir__proxy_header_parse(data, len, &header, &fault), len);
    assert_true(header.real);
    check_cuts(data, len);
}

static void expect_fault(const char *data, size_t len)
{
    struct weir__proxy_header header;
    const char *fault = NULL;
    int result = weir__proxy_header_parse(data, len, &header, &fault);

    if (result != -WEIR_EPROTOCOL)
        fail_msg("%.*s: %d", (int)len, data, result);
    assert_non_null(fault);
}

static void version_1(void **state)
{
    (void)state;
    expect(LITERAL("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"), "192.0.2.1:56324", "198.51.100.7:443");
    expect(LITERAL("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n"), "255.255.255.255:65535", "0.0.0.0:0");
    expect(LITERAL("PROXY TCP6 2001:db8::1 ::1 56324 443\r\n"), "[2001:db8::1]:56324", "[::1]:443");
    expect(
        LITERAL("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                "65535 65535\r\n"),
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    expect_real(LITERAL("PROXY UNKNOWN\r\n"));
    expect_real(LITERAL("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"));
    expect_real(LITERAL("PROXY UNKNOWN \xff\0 anything\r\n"));
}

static void version_1_is_read_strictly(void **state)
{
    static const char *const faults[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "proxy TCP4 192.0.2.1 198.51.100.7 1 2\r\n",
        " PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY  TCP4 192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY TCP 192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY UNKNOWN\n",
        "PROXY UNKNOW\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 \r\n",
        "PROXY TCP4 192.0.2.1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 \r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1  198.51.100.7 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 99999999999\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 00 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 -1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 0x1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n",
        "PROXY TCP4 192.0.2 198.51.100.7 1 2\r\n",
        "PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.7 1 2\r\n",
        "PROXY TCP6 2001:db8::1::2 ::1 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1\t198.51.100.7 1 2\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        expect_fault(faults[i], strlen(faults[i]));
    expect_fault(LITERAL("PROXY TCP4 192.0.2.1\0 198.51.100.7 1 2\r\n"));
    expect_fault(LITERAL("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\0\r\n"));
}

static void version_1_has_107_bytes_at_most(void **state)
{
    char line[WEIR__PROXY_V1_BYTES_MAX + 2];

    (void)state;
    memset(line, 'x', sizeof line);
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + WEIR__PROXY_V1_BYTES_MAX - 2, "\r\n", 2);
    expect_real(line, WEIR__PROXY_V1_BYTES_MAX);
    memcpy(line + WEIR__PROXY_V1_BYTES_MAX - 2, "xx\r\n", 4);
    expect_fault(line, WEIR__PROXY_V1_BYTES_MAX);
    expect_fault(line, sizeof line);
}

static void version_2(void **state)
{
    char unix_block[16 + 216] = SIGNATURE "\x21\x31\0\xd8";

    (void)state;
    expect(LITERAL(SIGNATURE "\x21\x11\0\x0c" V4_BLOCK), "192.0.2.1:56324", "198.51.100.7:443");
    expect(LITERAL(SIGNATURE "\x21\x12\0\x0c" V4_BLOCK), "192.0.2.1:56324", "198.51.100.7:443");
    expect(LITERAL(SIGNATURE "\x21\x21\0\x24" V6_BLOCK), "[2001:db8::1]:56324", "[2001:db8::2]:443");
    expect(unix_block, sizeof unix_block, "unix", "unix");
    expect_real(LITERAL(SIGNATURE "\x20\0\0\0"));
    expect_real(LITERAL(SIGNATURE "\x20\x11\0\x0c" V4_BLOCK));
    expect_real(LITERAL(SIGNATURE "\x20\xff\0\x03"
                                  "\xff\xff\xff")); /* of LOCAL the rest has no meaning */
    expect_real(LITERAL(SIGNATURE "\x21\0\0\0"));
    expect_real(LITERAL(SIGNATURE "\x21\x10\0\x0c" V4_BLOCK)); /* of an unknown protocol */
    expect_real(LITERAL(SIGNATURE "\x21\x01\0\x04\x04\0\x01x"));
}

static void further_fields_are_passed_over(void **state)
{
    (void)state;
    expect(LITERAL(SIGNATURE "\x21\x11\0\x0f" V4_BLOCK "\x04\0\0"), "192.0.2.1:56324", "198.51.100.7:443");
    expect(LITERAL(SIGNATURE "\x21\x11\0\x17" V4_BLOCK "\x01\0\x02h2\xe0\0\x03"
                             "abc"),
           "192.0.2.1:56324", "198.51.100.7:443");
    expect_fault(LITERAL(SIGNATURE "\x21\x11\0\x0d" V4_BLOCK "\x04"));
    expect_fault(LITERAL(SIGNATURE "\x21\x11\0\x0e" V4_BLOCK "\x04\0"));
    expect_fault(LITERAL(SIGNATURE "\x21\x11\0\x0f" V4_BLOCK "\x04\0\x01"));
    expect_fault(LITERAL(SIGNATURE "\x21\x11\0\x10" V4_BLOCK "\x04\xff\xff!"));
}

static void version_2_is_read_strictly(void **state)
{
    char wrong[] = SIGNATURE;

    (void)state;
    for (size_t i = 1; i < sizeof wrong - 1; i++) { /* told from a signature at the first byte that differs */
        wrong[i] ^= 1;
        expect_fault(wrong, i + 1);
        wrong[i] ^= 1;
    }
    expect_fault(LITERAL(SIGNATURE "\x11"));
    expect_fault(LITERAL(SIGNATURE "\x31"));
    expect_fault(LITERAL(SIGNATURE "\x22"));
    expect_fault(LITERAL(SIGNATURE "\x2f\x11\0\x0c" V4_BLOCK));
    expect_fault(LITERAL(SIGNATURE "\x21\x41\0\x0c" V4_BLOCK));
    expect_fault(LITERAL(SIGNATURE "\x21\x13\0\x0c" V4_BLOCK));
    expect_fault(LITERAL(SIGNATURE "\x21\x11\0\x0b" V4_BLOCK));
    expect_fault(LITERAL(SIGNATURE "\x21\x11\0\0"));
    expect_fault(LITERAL(SIGNATURE "\x21\x21\0\x23" V6_BLOCK));
    expect_fault(LITERAL(SIGNATURE "\x21\x31\0\x0c" V4_BLOCK));
}

static void version_2_has_a_maximum(void **state)
{
    char header[WEIR__PROXY_V2_BYTES_MAX] = SIGNATURE "\x20\0\x10\0";

    (void)state;
    expect_real(header, sizeof header);
    expect_fault(LITERAL(SIGNATURE "\x20\0\x10\x01"));
    expect_fault(LITERAL(SIGNATURE "\x21\x11\xff\xff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1),
        cmocka_unit_test(version_1_is_read_strictly),
        cmocka_unit_test(version_1_has_107_bytes_at_most),
        cmocka_unit_test(version_2),
        cmocka_unit_test(further_fields_are_passed_over),
        cmocka_unit_test(version_2_is_read_strictly),
        cmocka_unit_test(version_2_has_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
