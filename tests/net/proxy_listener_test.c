/* SPDX-License-Identifier: MIT */
/* A listener behind a proxy that speaks the PROXY protocol: nothing is received or sent before the header,
 * and not a byte behind it is lost. */
#include "net/net_rig.h"

#define HEADER "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"
#define CLIENT "192.0.2.1:56324"
#define LOCAL_HEADER "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"

enum { BULK = 20000, LONG_HEADER = 16 + 4096 };

static void open_behind_proxy(struct pair *p)
{
    weir_listener_options options = {.address = "127.0.0.1:0", .proxy_protocol = true};

    assert_int_equal(weir_listener_open(&options, &p->listener), 0);
    assert_int_equal(weir_connect(weir_listener_address(p->listener), &p->client), 0);
    assert_int_equal(weir_accept(p->listener, &p->server), 0);
}

static void send_text(weir_stream *s, const char *text)
{
    assert_int_equal(weir_write(s, text, strlen(text)), 0);
}

static void expect_text(weir_stream *s, const char *text)
{
    char got[256];

    assert_true(strlen(text) < sizeof got);
    assert_int_equal(read_all(s, got, strlen(text)), strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

/* --- addresses --- */

static int tells(void *arg)
{
    char text[WEIR_ADDRESS_BYTES], proxy[WEIR_ADDRESS_BYTES];
    struct pair p;

    (void)arg;
    open_behind_proxy(&p);
    strcpy(proxy, weir_stream_peer(p.server, text));
    assert_memory_equal(proxy, "127.0.0.1:", 10); /* the proxy's, until the header has come */
    send_text(p.client, HEADER "hello");
    expect_text(p.server, "hello");
    assert_string_equal(weir_stream_peer(p.server, text), CLIENT);
    assert_string_equal(weir__stream_local(p.server, text), "198.51.100.7:443");
    send_text(p.server, "hello yourself");
    expect_text(p.client, "hello yourself");
    pair_close(&p);

    open_behind_proxy(&p);
    assert_int_equal(weir_write(p.client, LOCAL_HEADER "health", sizeof LOCAL_HEADER - 1 + 6), 0);
    expect_text(p.server, "health");
    assert_memory_equal(weir_stream_peer(p.server, text), "127.0.0.1:", 10);
    pair_close(&p);
    return 0;
}

static void the_header_tells_the_addresses(void **state)
{
    (void)state;
    run_on_all_transports(tells, NULL);
}

/* --- bytes --- */

static int write_slowly(void *arg)
{
    struct pair *p = arg;
    const char *text = HEADER "0123456789";

    for (const char *c = text; *c != '\0'; c++)
        if (weir_write(p->client, c, 1) < 0 || weir_sleep(weir_us(100)) < 0)
            return -EIO;
    return 0;
}

static int byte_by_byte(void *arg)
{
    weir_scope scope;
    struct pair p;

    (void)arg;
    open_behind_proxy(&p);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "sends", write_slowly, &p);
    expect_text(p.server, "0123456789");
    assert_int_equal(weir_scope_close(&scope), 0);
    pair_close(&p);
    return 0;
}

static void it_may_come_byte_by_byte(void **state)
{
    (void)state;
    run_on_all_transports(byte_by_byte, NULL);
}

struct bulk {
    struct pair pair;
    char text[LONG_HEADER + BULK];
    size_t header, piece;
    bool lent;
};

static int write_bulk(void *arg)
{
    struct bulk *b = arg;

    return weir_write(b->pair.client, b->text, b->header + BULK) < 0 ? -EIO
                                                                     : weir_stream_shutdown(b->pair.client);
}

static void read_bulk(struct bulk *b)
{
    char data[BULK], *lent;
    size_t have = 0;

    for (;;) {
        ssize_t n = b->lent ? weir__stream_read_lent(b->pair.server, &lent)
                            : weir_read(b->pair.server, data, b->piece);
        assert_true(n >= 0);
        if (n == 0)
            break;
        check(b->lent ? lent : data, have, (size_t)n);
        if (b->lent)
            weir__stream_return(b->pair.server, lent);
        have += (size_t)n;
    }
    assert_int_equal(have, BULK);
}

static int bulk(void *arg)
{
    struct bulk *b = arg;
    weir_scope scope;

    open_behind_proxy(&b->pair);
    fill(b->text + b->header, 0, BULK);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "sends", write_bulk, b);
    read_bulk(b);
    assert_int_equal(weir_scope_close(&scope), 0);
    pair_close(&b->pair);
    return 0;
}

static void what_follows_is_read_whole(void **state)
{
    static struct bulk b;

    (void)state;
    for (int lent = 0; lent < 2; lent++)
        for (b.piece = 1; b.piece <= BULK; b.piece = b.piece * 70 + 1) {
            b.lent = lent;
            b.header = sizeof HEADER - 1;
            memcpy(b.text, HEADER, b.header);
            run_on_all_transports(bulk, &b);
            b.header = LONG_HEADER;
            memset(b.text, 0, b.header);
            memcpy(b.text, "\r\n\r\n\0\r\nQUIT\n\x20\0\x10\0", 16);
            run_on_all_transports(bulk, &b);
        }
}

static void seeds_change_nothing(void **state)
{
    static struct bulk b = {.piece = 700};

    (void)state;
    b.header = sizeof HEADER - 1;
    memcpy(b.text, HEADER, b.header);
    for (uint64_t seed = seed_first(); seed <= seed_last(50); seed++) {
        b.lent = seed % 2;
        run_simulated_and_in_memory(seed, bulk, &b);
    }
}

/* --- writing first --- */

static int write_first(void *arg)
{
    struct pair *p = arg;

    send_text(p->server, "220 ready\r\n");
    return 0;
}

static int greets(void *arg)
{
    weir_scope scope, patience;
    struct pair p;
    char c;

    (void)arg;
    open_behind_proxy(&p);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "greets", write_first, &p);
    weir_scope_open(&patience, weir_after_ms(20), 0);
    assert_int_equal(weir_read(p.client, &c, 1), -WEIR_EDEADLINE); /* nothing for a stranger */
    (void)weir_scope_close(&patience);
    send_text(p.client, HEADER);
    expect_text(p.client, "220 ready\r\n");
    assert_int_equal(weir_scope_close(&scope), 0);
    send_text(p.client, "x");
    expect_text(p.server, "x");
    pair_close(&p);
    return 0;
}

static void nothing_is_sent_before_it(void **state)
{
    (void)state;
    run_on_all_transports(greets, NULL);
}

/* --- without a header --- */

static int strangers(void *arg)
{
    static const char *const sends[] = {"GET / HTTP/1.1\r\n\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n\r\n",
                                        "PROXY TCP4 1.2", "\r\n\r\n"};
    struct pair p;
    char c;

    (void)arg;
    for (size_t i = 0; i < sizeof sends / sizeof *sends; i++) {
        open_behind_proxy(&p);
        send_text(p.client, sends[i]);
        assert_int_equal(weir_stream_shutdown(p.client), 0);
        assert_int_equal(weir_read(p.server, &c, 1), -WEIR_EPROTOCOL);
        assert_int_equal(weir_read(p.server, &c, 1), -WEIR_EPROTOCOL);
        assert_int_equal(weir_write(p.server, "x", 1), -WEIR_EPROTOCOL);
        pair_close(&p);
    }
    open_behind_proxy(&p); /* a health check that only connects */
    assert_int_equal(weir_stream_shutdown(p.client), 0);
    assert_int_equal(weir_read(p.server, &c, 1), 0);
    assert_int_equal(weir_write(p.server, "x", 1), -EPIPE);
    pair_close(&p);
    open_behind_proxy(&p);
    weir_stream_abort(p.client);
    p.client = NULL;
    assert_int_equal(weir_read(p.server, &c, 1), -ECONNRESET);
    pair_close(&p);
    return 0;
}

static void strangers_are_broken_off(void **state)
{
    (void)state;
    run_on_all_transports(strangers, NULL);
}

/* --- cancels and closes --- */

static int read_one(void *arg)
{
    struct pair *p = arg;
    char c;
    ssize_t n = weir_read(p->server, &c, 1);

    return n < 0 ? (int)n : n == 1 && c == 'a' ? 0 : -EIO;
}

/* The write waits on while the read beside it is cancelled, and the header is begun. */
static int cancels_one(void *arg)
{
    weir_scope reads, writes;
    struct pair p;

    (void)arg;
    open_behind_proxy(&p);
    weir_scope_open(&writes, weir_never(), 0);
    weir_scope_open(&reads, weir_never(), WEIR_COLLECT);
    weir_spawn(&reads, "reads", read_one, &p);
    weir_spawn(&writes, "greets", write_first, &p);
    assert_int_equal(weir_write(p.client, HEADER, 9), 0);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    weir_scope_cancel(&reads);
    assert_int_equal(weir_scope_close(&reads), -WEIR_ECANCELED);
    send_text(p.client, &(HEADER "a")[9]);
    expect_text(p.client, "220 ready\r\n");
    assert_int_equal(weir_scope_close(&writes), 0);
    assert_int_equal(read_one(&p), 0);
    pair_close(&p);
    return 0;
}

static void a_cancel_ends_one_direction(void **state)
{
    (void)state;
    run_on_all_transports(cancels_one, NULL);
}

static int closes(void *arg)
{
    weir_scope scope;
    struct pair p;

    (void)arg;
    open_behind_proxy(&p);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "reads", read_one, &p);
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    weir_stream_close(p.server);
    p.server = NULL;
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECLOSED);
    pair_close(&p);

    open_behind_proxy(&p); /* also with bytes that nobody has read */
    send_text(p.client, HEADER "ab");
    assert_int_equal(read_one(&p), 0);
    pair_close(&p);
    open_behind_proxy(&p);
    pair_close(&p);
    return 0;
}

static void a_close_ends_the_wait_for_it(void **state)
{
    (void)state;
    run_on_all_transports(closes, NULL);
}

struct stage {
    struct pair pair;
    size_t have;
    bool wrote;
};

static int victim(void *arg)
{
    static const char expected[] = "0123456789";
    struct stage *st = arg;
    int err = st->wrote ? 0 : weir_write(st->pair.server, "x", 1);

    if (err < 0)
        return err;
    st->wrote = true;
    while (st->have < 10) {
        char data[10];
        ssize_t n = weir_read(st->pair.server, data, 10 - st->have);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        assert_memory_equal(data, expected + st->have, (size_t)n);
        st->have += (size_t)n;
    }
    return 0;
}

static int world(struct torture *t)
{
    struct stage st = {0};
    weir_scope scope;
    int result;

    open_behind_proxy(&st.pair);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "sends", write_slowly, &st.pair);
    result = torture_victim(t, victim, &st);
    assert_int_equal(victim(&st), 0); /* what it did not get, the next reader does */
    assert_int_equal(weir_scope_close(&scope), 0);
    pair_close(&st.pair);
    return result;
}

static void a_cancel_loses_no_byte(void **state)
{
    (void)state;
    torture_all_transports(world, NULL);
}

/* --- pumping --- */

static int pump(void *arg)
{
    struct bulk *b = arg;
    struct pair to;
    char data[BULK];
    weir_scope scope;
    uint64_t bytes = 0;

    open_behind_proxy(&b->pair);
    pair_open(&to, "127.0.0.1:0");
    fill(b->text + b->header, 0, BULK);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "sends", write_bulk, b);
    assert_int_equal(weir_pump(b->pair.server, to.client, 0, &bytes), 0);
    assert_int_equal(bytes, BULK);
    assert_int_equal(read_all(to.server, data, BULK), BULK);
    check(data, 0, BULK);
    assert_int_equal(weir_scope_close(&scope), 0);
    pair_close(&b->pair);
    pair_close(&to);
    return 0;
}

static void what_follows_can_be_pumped(void **state)
{
    static struct bulk b;

    (void)state;
    b.header = sizeof HEADER - 1;
    memcpy(b.text, HEADER, b.header);
    run_on_all_transports(pump, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_tells_the_addresses), cmocka_unit_test(it_may_come_byte_by_byte),
        cmocka_unit_test(what_follows_is_read_whole),     cmocka_unit_test(seeds_change_nothing),
        cmocka_unit_test(nothing_is_sent_before_it),      cmocka_unit_test(strangers_are_broken_off),
        cmocka_unit_test(a_cancel_ends_one_direction),    cmocka_unit_test(a_close_ends_the_wait_for_it),
        cmocka_unit_test(a_cancel_loses_no_byte),         cmocka_unit_test(what_follows_can_be_pumped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
