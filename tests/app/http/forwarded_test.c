/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support/pieces.h"

#include "http/client_address.h"
#include "http/forwarded.h"

enum { HEADERS = 16, TEXT_BYTES = 1024 };

/* What a trusted peer gives, as "name: value|…", and what is said of it: X-Forwarded-For / -Proto / -Host,
 * "-" for none, and Forwarded. The request is "http" for "us". */
static const struct {
    const char *peer, *given, *plain, *forwarded;
} table[] = {
    /* nothing: the peer is the client */
    {"10.0.0.1:1", "", "10.0.0.1 / http / us", "for=10.0.0.1;host=us;proto=http"},
    {"[::1]:1", "", "::1 / http / us", "for=\"[::1]\";host=us;proto=http"},
    {"unix", "", "- / http / us", "for=unknown;host=us;proto=http"},
    {"10.0.0.1:1", "f:", "10.0.0.1 / http / us", "for=10.0.0.1;host=us;proto=http"},
    {"10.0.0.1:1", "x: ,", "10.0.0.1 / http / us", "for=10.0.0.1;host=us;proto=http"},

    /* X-Forwarded-…: Forwarded is made from it, with host and scheme at the client */
    {"10.0.0.1:1", "x: 192.0.2.1", "192.0.2.1, 10.0.0.1 / http / us",
     "for=192.0.2.1;host=us;proto=http, for=10.0.0.1"},
    {"10.0.0.1:1", "x: 192.0.2.1|p: https|h: shop:8", "192.0.2.1, 10.0.0.1 / https / shop:8",
     "for=192.0.2.1;host=\"shop:8\";proto=https, for=10.0.0.1"},
    {"10.0.0.1:1", "p: https", "10.0.0.1 / https / us", "for=10.0.0.1;host=us;proto=https"},
    {"10.0.0.1:1", "h: shop", "10.0.0.1 / http / shop", "for=10.0.0.1;host=shop;proto=http"},
    {"unix", "p: https", "- / https / us", "for=unknown;host=us;proto=https"},
    {"unix", "x: 192.0.2.1|p: https", "192.0.2.1 / https / us", "for=192.0.2.1;host=us;proto=https"},
    {"10.0.0.1:1", "x: 192.0.2.9|x: ,192.0.2.1 ,|x: 10.0.0.2|p: https",
     "192.0.2.9, 192.0.2.1, 10.0.0.2, 10.0.0.1 / https / us",
     "for=192.0.2.9, for=192.0.2.1;host=us;proto=https, for=10.0.0.2, for=10.0.0.1"},
    {"10.0.0.1:1", "x: 10.0.0.3, 10.0.0.2", "10.0.0.3, 10.0.0.2, 10.0.0.1 / http / us",
     "for=10.0.0.3;host=us;proto=http, for=10.0.0.2, for=10.0.0.1"},
    {"10.0.0.1:1", "x: 2001:db8::1, [2001:db8::2]:80, 192.0.2.1:80",
     "2001:db8::1, [2001:db8::2]:80, 192.0.2.1:80, 10.0.0.1 / http / us",
     "for=\"[2001:db8::1]\", for=\"[2001:db8::2]\", for=192.0.2.1;host=us;proto=http, for=10.0.0.1"},
    /* no addresses */
    {"10.0.0.1:1", "x: 192.0.2.1, unknown|p: https", "192.0.2.1, unknown, 10.0.0.1 / https / us",
     "for=192.0.2.1, for=unknown;host=us;proto=https, for=10.0.0.1"},
    {"10.0.0.1:1", "x: 192.0.2.1, 10.0.0.x|p: https", "192.0.2.1, 10.0.0.x, 10.0.0.1 / https / us",
     "for=192.0.2.1, for=unknown;host=us;proto=https, for=10.0.0.1"},
    {"10.0.0.1:1", "x: _a.b, _\"\", a;b=\"c, 1.2.3", "_a.b, _\"\", a;b=\"c, 1.2.3, 10.0.0.1 / http / us",
     "for=_a.b, for=unknown, for=unknown, for=unknown;host=us;proto=http, for=10.0.0.1"},
    {"unix", "x: x", "x / http / us", "for=unknown;host=us;proto=http"},
    /* several values: the last is the peer's own */
    {"10.0.0.1:1", "p: gopher|p: ftp , https|h: evil, shop", "10.0.0.1 / https / shop",
     "for=10.0.0.1;host=shop;proto=https"},
    {"10.0.0.1:1", "p: gopher|p:|h: evil,", "10.0.0.1 / http / us", "for=10.0.0.1;host=us;proto=http"},
    {"10.0.0.1:1", "h: a\"b\\|p: a b", "10.0.0.1 / a b / a\"b\\",
     "for=10.0.0.1;host=\"a\\\"b\\\\\";proto=\"a b\""},

    /* both: Forwarded may be the client's */
    {"10.0.0.1:1", "x: 192.0.2.1|f: for=192.0.2.9;proto=gopher;host=evil", "192.0.2.1, 10.0.0.1 / http / us",
     "for=192.0.2.1;host=us;proto=http, for=10.0.0.1"},
    {"10.0.0.1:1", "f: for=192.0.2.9;proto=gopher|p: https", "10.0.0.1 / https / us",
     "for=10.0.0.1;host=us;proto=https"},
    {"10.0.0.1:1", "f: for=192.0.2.9;host=evil|h:", "10.0.0.1 / http / us",
     "for=10.0.0.1;host=us;proto=http"},
    {"10.0.0.1:1", "x:|f: for=192.0.2.9", "10.0.0.1 / http / us", "for=10.0.0.1;host=us;proto=http"},

    /* Forwarded: X-Forwarded-… is made from it */
    {"10.0.0.1:1", "f: for=192.0.2.1;proto=https;by=_x;host=shop", "192.0.2.1, 10.0.0.1 / https / shop",
     "for=192.0.2.1;proto=https;by=_x;host=shop, for=10.0.0.1"},
    {"10.0.0.1:1", "f: for=192.0.2.1", "192.0.2.1, 10.0.0.1 / http / us",
     "for=192.0.2.1;host=us;proto=http, for=10.0.0.1"},
    {"10.0.0.1:1", "f: FOR=\"[2001:db8::1]:80\" ; Host=\"shop:8\"|f: for=10.0.0.2;proto=http;host=inner",
     "2001:db8::1, 10.0.0.2, 10.0.0.1 / http / shop:8",
     "FOR=\"[2001:db8::1]:80\" ; Host=\"shop:8\";proto=http, for=10.0.0.2;proto=http;host=inner, "
     "for=10.0.0.1"},
    {"unix", "f: for=192.0.2.1;proto=https", "192.0.2.1 / https / us", "for=192.0.2.1;proto=https;host=us"},
    {"10.0.0.1:1", "f: for=192.0.2.9;proto=gopher;host=evil, for=192.0.2.1:5;proto=https;host=shop",
     "192.0.2.9, 192.0.2.1, 10.0.0.1 / https / shop",
     "for=192.0.2.9;proto=gopher;host=evil, for=192.0.2.1:5;proto=https;host=shop, for=10.0.0.1"},
    /* no addresses: X-Forwarded-For begins behind them */
    {"10.0.0.1:1", "f: for=192.0.2.1, for=_hidden;proto=https, for=10.0.0.2",
     "10.0.0.2, 10.0.0.1 / https / us",
     "for=192.0.2.1, for=_hidden;proto=https;host=us, for=10.0.0.2, for=10.0.0.1"},
    {"10.0.0.1:1", "f: for=192.0.2.1, proto=https", "10.0.0.1 / https / us",
     "for=192.0.2.1, proto=https;host=us, for=10.0.0.1"},
    {"unix", "f: for=unknown", "- / http / us", "for=unknown;host=us;proto=http"},
    /* what no other header can say */
    {"10.0.0.1:1", "f: for=192.0.2.1;host=\"a, b\";proto=\"a\\\"\"", "192.0.2.1, 10.0.0.1 / - / -",
     "for=192.0.2.1;host=\"a, b\";proto=\"a\\\"\", for=10.0.0.1"},
    {"10.0.0.1:1", "f: for=192.0.2.1;host=;proto=\"\"", "192.0.2.1, 10.0.0.1 / - / -",
     "for=192.0.2.1;host=;proto=\"\", for=10.0.0.1"},
    /* malformed: nothing before it counts */
    {"10.0.0.1:1", "f: for=\"192.0.2.9, for=192.0.2.1", "192.0.2.1, 10.0.0.1 / http / us",
     "for=192.0.2.1;host=us;proto=http, for=10.0.0.1"},
    {"10.0.0.1:1", "f: for=192.0.2.9;x=\", for=192.0.2.1, for=\"[2001:db8::1]\"",
     "192.0.2.1, 2001:db8::1, 10.0.0.1 / http / us",
     "for=192.0.2.1, for=\"[2001:db8::1]\";host=us;proto=http, for=10.0.0.1"},
    {"10.0.0.1:1", "f: for=192.0.2.1, for=192.0.2.2;for=192.0.2.3", "10.0.0.1 / http / us",
     "for=10.0.0.1;host=us;proto=http"},
    {"10.0.0.1:1", "f: for=192.0.2.1, 192.0.2.2", "10.0.0.1 / http / us", "for=10.0.0.1;host=us;proto=http"},
    {"10.0.0.1:1", "f: for=192.0.2.1;a b=c", "10.0.0.1 / http / us", "for=10.0.0.1;host=us;proto=http"},
    {"10.0.0.1:1", "f: for=192.0.2.1;a=b c", "10.0.0.1 / http / us", "for=10.0.0.1;host=us;proto=http"},
    {"10.0.0.1:1", "f: for=192.0.2.1;a=\"b\"c\"\"", "10.0.0.1 / http / us",
     "for=10.0.0.1;host=us;proto=http"},
    {"10.0.0.1:1", "f: for=192.0.2.1;a=\"b\\\"", "10.0.0.1 / http / us", "for=10.0.0.1;host=us;proto=http"},
};

/* --- texts --- */

/* Splits "x: a|f: b" in place. */
static size_t split(char *text, weir_header *headers)
{
    static const char *const names[][2] = {
        {"x", "X-Forwarded-For"}, {"p", "X-Forwarded-Proto"}, {"h", "x-forwarded-host"}, {"f", "Forwarded"}};
    size_t count = 0;

    for (char *line = strtok(text, "|"); line != NULL; line = strtok(NULL, "|"))
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (line[0] == names[i][0][0])
                headers[count++] = (weir_header){names[i][1], line[2] == ' ' ? line + 3 : line + 2};
    return count;
}

static const char *value_of(const weir_header *headers, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcasecmp(headers[i].name, name) == 0)
            return headers[i].value;
    return NULL;
}

static const char *or_none(const char *value)
{
    return value != NULL ? value : "-";
}

/* --- the tests --- */

static struct network networks[2]; /* that are trusted */

static int parse_networks(void **state)
{
    weir_text_fault fault;

    (void)state;
    assert_int_equal(network_parse(weir_bytes_of("10.0.0.0/8"), &networks[0], &fault), 0);
    assert_int_equal(network_parse(weir_bytes_of("unix"), &networks[1], &fault), 0);
    return 0;
}

/* A gateway that trusts this one finds the same client, whichever it reads. */
static void check_client(const char *given, const weir_header *said, int count)
{
    const struct forwarded_headers both = {.addresses = value_of(said, count, "x-forwarded-for"),
                                           .scheme = value_of(said, count, "x-forwarded-proto"),
                                           .host = value_of(said, count, "x-forwarded-host"),
                                           .elements = value_of(said, count, "forwarded")};
    const struct forwarded_headers elements = {.elements = both.elements};
    unsigned char one[16], other[16];
    const bool known = client_address_in("unix", &both, networks, 2, one);

    if (client_address_in("unix", &elements, networks, 2, other) != known ||
        (known && memcmp(one, other, sizeof one) != 0))
        fail_msg("%s: %s is another client than %s", given, both.addresses, both.elements);
}

static void both_tell_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct pieces pieces = {.most = 4};
        const struct proxy_memory memory = {pieces_take, &pieces};
        const struct proxy_request request = {.peer = table[i].peer,
                                              .scheme = "http",
                                              .authority = "us",
                                              .proxies = networks,
                                              .proxy_count = 2,
                                              .trusted = true};
        weir_header headers[HEADERS], said[FORWARDED_HEADERS];
        char text[TEXT_BYTES], plain[TEXT_BYTES];
        int count;

        strcpy(text, table[i].given);
        count = forwarded_add(headers, split(text, headers), &request, &memory, said);
        assert_true(count > 0);
        (void)snprintf(plain, sizeof plain, "%s / %s / %s", or_none(value_of(said, count, "x-forwarded-for")),
                       or_none(value_of(said, count, "x-forwarded-proto")),
                       or_none(value_of(said, count, "x-forwarded-host")));
        assert_string_equal(plain, table[i].plain);
        assert_string_equal(value_of(said, count, "forwarded"), table[i].forwarded);
        check_client(table[i].given, said, count);
        pieces_free(&pieces);
    }
}

static void a_stranger_is_not_believed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct pieces pieces = {.most = 4};
        const struct proxy_memory memory = {pieces_take, &pieces};
        const struct proxy_request request = {
            .peer = "10.0.0.1:1", .scheme = "http", .authority = "us", .proxies = networks, .proxy_count = 2};
        weir_header headers[HEADERS], said[FORWARDED_HEADERS];
        char text[TEXT_BYTES];

        strcpy(text, table[i].given);
        assert_int_equal(forwarded_add(headers, split(text, headers), &request, &memory, said), 4);
        assert_string_equal(said[0].value, "10.0.0.1");
        assert_string_equal(said[1].value, "http");
        assert_string_equal(said[2].value, "us");
        assert_string_equal(said[3].value, "for=10.0.0.1;host=us;proto=http");
        pieces_free(&pieces);
    }
}

static void memory_can_be_missing(void **state)
{
    const weir_header header = {"Forwarded", "for=192.0.2.1"};
    const struct proxy_request request = {
        .peer = "10.0.0.1:1", .scheme = "http", .authority = "us", .trusted = true};

    (void)state;
    for (int most = 0; most < 3; most++) {
        struct pieces pieces = {.most = most};
        weir_header said[FORWARDED_HEADERS];

        assert_int_equal(
            forwarded_add(&header, 1, &request, &(struct proxy_memory){pieces_take, &pieces}, said),
            most < 2 ? -ENOMEM : 4);
        pieces_free(&pieces);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_tell_the_same),
        cmocka_unit_test(a_stranger_is_not_believed),
        cmocka_unit_test(memory_can_be_missing),
    };

    return cmocka_run_group_tests(tests, parse_networks, NULL);
}
