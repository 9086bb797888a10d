/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "text/networks.h"

static void peers_lie_in_networks(void **state)
{
    static const struct {
        const char *network, *peer;
        bool in;
    } cases[] = {
        {"10.0.0.0/8", "10.255.1.2:80", true},
        {"10.0.0.0/8", "11.0.0.1:80", false},
        {"10.0.0.0/8", "10.0.0.1", true},
        {"10.0.0.0/8", "[::ffff:10.1.2.3]:80", true},
        {"10.0.0.0/8", "[::ffff:11.1.2.3]:80", false},
        {"::ffff:10.0.0.0/104", "10.1.2.3:80", true},
        {"::ffff:10.0.0.0/104", "11.1.2.3:80", false},
        {"192.168.1.128/25", "192.168.1.127:1", false},
        {"192.168.1.128/25", "192.168.1.128:1", true},
        {"192.168.1.128/25", "192.168.1.255:1", true},
        {"192.0.2.1", "192.0.2.1:1", true},
        {"192.0.2.1", "192.0.2.2:1", false},
        {"192.0.2.1/32", "192.0.2.1:1", true},
        {"0.0.0.0/0", "203.0.113.9:1", true},
        {"0.0.0.0/0", "[2001:db8::1]:1", false},
        {"::/0", "[2001:db8::1]:1", true},
        {"2001:db8::/32", "[2001:db8:ffff::1]:1", true},
        {"2001:db8::/32", "[2001:db9::1]:1", false},
        {"2001:db8::/33", "[2001:db8:8000::1]:1", false},
        {"2001:db8::/32", "2001:db8::1", true},
        {"::1", "[::1]:1", true},
        {"::1/128", "[::2]:1", false},
        {"fe80::/10", "[fe80::1%eth0]:1", true},
        {"unix", "unix", true},
        {"unix", "unix:/run/client.sock", true},
        {"unix", "127.0.0.1:1", false},
        {"0.0.0.0/0", "unix", false},
        {"::/0", "unix", false},
        {"::/0", "?", false},
        {"::/0", "", false},
        {"::/0", "[::1", false},
        {"::/0", "unknown:80", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network network;
        weir_text_fault fault;
        if (network_parse(weir_bytes_of(cases[i].network), &network, &fault) != 0)
            fail_msg("%s: expected %s", cases[i].network, fault.expected);
        if (networks_have(&network, 1, cases[i].peer) != cases[i].in)
            fail_msg("%s in %s: wanted %d", cases[i].peer, cases[i].network, cases[i].in);
    }
}

static void any_of_several_networks_will_do(void **state)
{
    struct network networks[3];
    weir_text_fault fault;

    (void)state;
    assert_int_equal(network_parse(weir_bytes_of("10.0.0.0/8"), &networks[0], &fault), 0);
    assert_int_equal(network_parse(weir_bytes_of("unix"), &networks[1], &fault), 0);
    assert_int_equal(network_parse(weir_bytes_of("fd00::/8"), &networks[2], &fault), 0);
    assert_true(networks_have(networks, 3, "[fd12::1]:5"));
    assert_true(networks_have(networks, 3, "unix"));
    assert_true(networks_have(networks, 3, "10.9.8.7:5"));
    assert_false(networks_have(networks, 3, "127.0.0.1:5"));
    assert_false(networks_have(networks, 0, "10.9.8.7:5"));
}

static void what_is_no_network_has_a_fault(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *says;
    } cases[] = {
        {"", 0, "10.0.0.0/8"},
        {"10.0.0.0/", 9, "from 0 to 32"},
        {"10.0.0.0/33", 9, "from 0 to 32"},
        {"10.0.0.0/08", 9, "from 0 to 32"},
        {"10.0.0.0/+8", 9, "from 0 to 32"},
        {"10.0.0.0/8 ", 9, "from 0 to 32"},
        {"2001:db8::/129", 11, "from 0 to 128"},
        {"10.0.0.1/8", 0, "zeros"},
        {"2001:db8::1/64", 0, "zeros"},
        {"10.0.0/8", 0, "10.0.0.0/8"},
        {"[::1]/128", 0, "10.0.0.0/8"},
        {"localhost", 0, "10.0.0.0/8"},
        {"fe80::1%eth0", 0, "10.0.0.0/8"},
        {"/8", 0, "10.0.0.0/8"},
        {"unix:", 0, "10.0.0.0/8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network network;
        weir_text_fault fault = {0};
        if (network_parse(weir_bytes_of(cases[i].text), &network, &fault) == 0)
            fail_msg("'%s' was taken", cases[i].text);
        if (fault.at != cases[i].at || strstr(fault.expected, cases[i].says) == NULL)
            fail_msg("'%s': %zu, %s", cases[i].text, fault.at, fault.expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_lie_in_networks),
        cmocka_unit_test(any_of_several_networks_will_do),
        cmocka_unit_test(what_is_no_network_has_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
