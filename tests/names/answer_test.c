/* SPDX-License-Identifier: MIT */
/* Reading raw answers of DNS servers: what is believed, for how long, and what is malformed. */
#include "names/answer.h"

#include <stdio.h>
#include <string.h>

#include "support/dns_server.h"
#include "support/run.h"

/* A question as a server sees it. */
struct asked {
    uint8_t bytes[300];
    struct dns_query query;
};

static void ask(struct asked *a, const char *name, int type)
{
    size_t len = 12;

    memset(a, 0, sizeof *a);
    a->bytes[5] = 1;
    len += dns_wire_name(name, a->bytes + len);
    a->bytes[len + 1] = (uint8_t)type;
    a->bytes[len + 3] = 1;
    a->query = (struct dns_query){.type = type, .question_end = len + 4, .bytes = a->bytes, .len = len + 4};
    strcpy(a->query.name, name);
}

static struct dns_message message;
static struct weir__answer out;

static struct dns_message *begin(const char *name, int type, int rcode)
{
    struct asked a;

    ask(&a, name, type);
    dns_begin(&message, &a.query, rcode);
    return &message;
}

static int read_as(const char *name, uint8_t family)
{
    return weir__answer_read(message.bytes, message.len, name, family, &out);
}

static void expect_addresses(const char *name, const char *first, size_t count, uint32_t ttl_s)
{
    char text[WEIR_IP_BYTES];

    assert_int_equal(read_as(name, strchr(first, ':') != NULL ? WEIR__IPV6 : WEIR__IPV4), 0);
    assert_int_equal(out.type, WEIR__ANSWER_ADDRESSES);
    assert_int_equal(out.count, count);
    assert_true(out.has_ttl);
    assert_int_equal(out.ttl_s, ttl_s);
    assert_string_equal(weir__ip_format(&out.ips[0], text), first);
}

/* ttl_s < 0: the server does not say. */
static void expect_none(const char *name, enum weir__answer_type type, int ttl_s)
{
    assert_int_equal(read_as(name, WEIR__IPV4), 0);
    assert_int_equal(out.type, type);
    assert_int_equal(out.count, 0);
    assert_int_equal(out.has_ttl, ttl_s >= 0);
    if (ttl_s >= 0)
        assert_int_equal(out.ttl_s, ttl_s);
}

static void expect_broken(const char *name, const char *why)
{
    assert_int_equal(read_as(name, WEIR__IPV4), -WEIR_EPROTOCOL);
    assert_int_equal(out.type, WEIR__ANSWER_FAILED);
    assert_string_equal(out.why, why);
}

static const char malformed[] = "malformed answer of a DNS server",
                  other_question[] = "answer of a DNS server to another question";

static void addresses_have_the_least_ttl(void **state)
{
    struct dns_message *m = begin("a.example", DNS_A, DNS_OK);

    (void)state;
    dns_add_a(m, "a.example", 300, "10.0.0.1");
    dns_add_a(m, "a.example", 200, "10.0.0.2");
    dns_add_a(m, "a.example", 400, "10.0.0.1"); /* once more */
    expect_addresses("a.example", "10.0.0.1", 2, 200);
    expect_addresses("A.Example", "10.0.0.1", 2, 200);
    m = begin("a.example", DNS_AAAA, DNS_OK);
    dns_add_a(m, "A.EXAMPLE", UINT32_C(0x80000000), "2001:db8::1"); /* RFC 2181: none */
    expect_addresses("a.example", "2001:db8::1", 1, 0);
    m = begin("a.example", DNS_A, DNS_OK);
    for (int i = 0; i < 300; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "10.0.%d.%d", i / 100, i % 100);
        dns_add_a(m, "a.example", 300, address);
    }
    expect_addresses("a.example", "10.0.0.0", WEIR_RESOLVED_MAX, 300);
}

static void aliases_are_followed(void **state)
{
    struct dns_message *m = begin("a.example", DNS_A, DNS_OK);
    char from[32], to[32];

    (void)state;
    dns_add_a(m, "c.example", 300, "10.0.0.3"); /* in any order */
    dns_add_cname(m, "b.example", 20, "c.example");
    dns_add_a(m, "d.example", 300, "10.0.0.9"); /* not on the chain */
    dns_add_cname(m, "a.example", 100, "b.example");
    expect_addresses("a.example", "10.0.0.3", 1, 20);

    m = begin("a.example", DNS_A, DNS_OK); /* a circle */
    dns_add_cname(m, "a.example", 300, "b.example");
    dns_add_cname(m, "b.example", 300, "a.example");
    expect_broken("a.example", "aliases of the name do not end");

    for (int length = 16; length <= 17; length++) {
        m = begin("n0.example", DNS_A, DNS_OK);
        for (int i = 0; i < length; i++) {
            (void)snprintf(from, sizeof from, "n%d.example", i);
            (void)snprintf(to, sizeof to, "n%d.example", i + 1);
            dns_add_cname(m, from, 300, to);
        }
        dns_add_a(m, to, 300, "10.0.0.1");
        if (length == 16)
            expect_addresses("n0.example", "10.0.0.1", 1, 300);
        else
            expect_broken("n0.example", "aliases of the name do not end");
    }
}

static void negative_answers_last_as_the_soa_says(void **state)
{
    struct dns_message *m = begin("a.example", DNS_A, DNS_NO_NAME);

    (void)state;
    expect_none("a.example", WEIR__ANSWER_NO_NAME, -1);
    dns_add_soa(m, "example", 300, 60);
    expect_none("a.example", WEIR__ANSWER_NO_NAME, 60);
    m = begin("a.example", DNS_A, DNS_OK);
    dns_add_soa(m, "example", 30, 60);
    expect_none("a.example", WEIR__ANSWER_NO_ADDRESS, 30);
    m = begin("a.example", DNS_A, DNS_NO_NAME); /* the SOA of a zone that the name is not in */
    dns_add_soa(m, "xample", 300, 60);
    dns_add_soa(m, "b.a.example", 300, 60);
    expect_none("a.example", WEIR__ANSWER_NO_NAME, -1);
    m = begin("a.example", DNS_A, DNS_OK); /* an alias of a name without an address */
    dns_add_cname(m, "a.example", 10, "b.test");
    expect_none("a.example", WEIR__ANSWER_NO_ADDRESS, -1);
    dns_add_soa(m, "test", 300, 60);
    expect_none("a.example", WEIR__ANSWER_NO_ADDRESS, 10);
    m = begin("a.example", DNS_A, DNS_NO_NAME); /* "no such name", with an address */
    dns_add_a(m, "a.example", 300, "10.0.0.1");
    expect_none("a.example", WEIR__ANSWER_NO_NAME, -1);
}

static void what_is_no_answer_is_refused(void **state)
{
    struct dns_message *m = begin("a.example", DNS_A, DNS_SERVFAIL);

    (void)state;
    expect_broken("a.example", "a DNS server answers with an error");
    m = begin("b.example", DNS_A, DNS_OK);
    expect_broken("a.example", other_question);
    m = begin("a.example", DNS_AAAA, DNS_OK);
    expect_broken("a.example", other_question);
    m = begin("a.example", DNS_A, DNS_OK);
    m->bytes[2] = 0x01; /* a query */
    expect_broken("a.example", other_question);
    m = begin("a.example", DNS_A, DNS_OK);
    m->bytes[2] |= 0x02;
    expect_broken("a.example", "answer of a DNS server is cut short");
    m = begin("a.example", DNS_A, DNS_OK);
    m->bytes[5] = 0;
    expect_broken("a.example", other_question);
    m = begin("a.example", DNS_A, DNS_OK);
    m->bytes[7] = 1; /* a record that is not there */
    expect_broken("a.example", malformed);
}

/* Cut anywhere, an answer is malformed or says nothing false. */
static void cut_answers_are_malformed(void **state)
{
    struct dns_message *m = begin("a.example", DNS_A, DNS_OK);
    size_t whole;

    (void)state;
    dns_add_cname(m, "a.example", 300, "b.example");
    dns_add_a(m, "b.example", 300, "10.0.0.1");
    whole = m->len;
    for (m->len = 0; m->len < whole; m->len++)
        assert_int_equal(read_as("a.example", WEIR__IPV4), -WEIR_EPROTOCOL);
    expect_addresses("a.example", "10.0.0.1", 1, 300);
}

/* Appends the start of an A record, whose owner is raw bytes. */
static void add_raw_owner(struct dns_message *m, const void *owner, size_t len)
{
    static const uint8_t rest[] = {0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 10, 0, 0, 1};

    m->bytes[7]++;
    memcpy(m->bytes + m->len, owner, len);
    memcpy(m->bytes + m->len + len, rest, sizeof rest);
    m->len += len + sizeof rest;
}

static void pointers_only_go_back(void **state)
{
    struct dns_message *m = begin("a.example", DNS_A, DNS_OK);
    uint8_t self[] = {0xc0, (uint8_t)m->len}, forward[] = {0xc0, (uint8_t)(m->len + 4)};

    (void)state;
    add_raw_owner(m, "\xc0\x0c", 2); /* the question's name */
    expect_addresses("a.example", "10.0.0.1", 1, 256);
    m = begin("a.example", DNS_A, DNS_OK);
    add_raw_owner(m, self, 2);
    expect_broken("a.example", malformed);
    m = begin("a.example", DNS_A, DNS_OK);
    add_raw_owner(m, forward, 2);
    expect_broken("a.example", malformed);
    m = begin("a.example", DNS_A, DNS_OK);
    add_raw_owner(m, "\x80\x01", 2); /* a label type that does not exist */
    expect_broken("a.example", malformed);
    m = begin("a.example", DNS_A, DNS_OK);
    add_raw_owner(m, "\xc0", 1);
    expect_broken("a.example", malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_the_least_ttl),
        cmocka_unit_test(aliases_are_followed),
        cmocka_unit_test(negative_answers_last_as_the_soa_says),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(cut_answers_are_malformed),
        cmocka_unit_test(pointers_only_go_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
