/* SPDX-License-Identifier: MIT */
/* Pumping from one stream to another: everything arrives, in order; ends, limits, failures, cancels. */
#include "net/net_rig.h"

/* source -> a.client | a.server -> pump -> b.client | b.server -> sink */
struct line {
    struct pair a, b;
    size_t bytes;
    int pumped;
    uint64_t moved, bytes_max;
};

static void line_open(struct line *line, size_t bytes)
{
    *line = (struct line){.bytes = bytes};
    pair_open(&line->a, "127.0.0.1:0");
    pair_open(&line->b, "127.0.0.1:0");
}

static void line_close(struct line *line)
{
    pair_close(&line->a);
    pair_close(&line->b);
}

static int write_source(void *arg)
{
    struct line *line = arg;
    char *data = malloc(line->bytes);
    int err = 0;

    fill(data, 0, line->bytes);
    for (size_t at = 0, n; at < line->bytes && err == 0; at += n) {
        n = (at * 7 + 1000) % 90000 + 1;
        n = n < line->bytes - at ? n : line->bytes - at;
        err = weir_write(line->a.client, data + at, n);
    }
    free(data);
    return err < 0 ? err : weir_stream_shutdown(line->a.client);
}

static int pump(void *arg)
{
    struct line *line = arg;

    line->pumped = weir_pump(line->a.server, line->b.client, line->bytes_max, &line->moved);
    return line->pumped < 0 ? 0 : weir_stream_shutdown(line->b.client);
}

static size_t read_sink(struct line *line, bool slowly)
{
    char data[30000];
    size_t have = 0;
    ssize_t n;

    while ((n = weir_read(line->b.server, data, sizeof data)) > 0) {
        check(data, have, (size_t)n);
        have += (size_t)n;
        if (slowly)
            assert_int_equal(weir_sleep(weir_us(100)), 0);
    }
    assert_int_equal(n, 0);
    return have;
}

static int pump_everything(void *arg)
{
    struct line line;
    weir_scope scope;

    (void)arg;
    for (int slowly = 0; slowly < 2; slowly++) {
        line_open(&line, 3 << 20);
        weir_scope_open(&scope, weir_after_ms(50000), 0);
        weir_spawn(&scope, "source", write_source, &line);
        weir_spawn(&scope, "pump", pump, &line);
        assert_int_equal(read_sink(&line, slowly), line.bytes);
        assert_int_equal(weir_scope_close(&scope), 0);
        assert_int_equal(line.pumped, 0);
        assert_int_equal(line.moved, line.bytes);
        line_close(&line);
    }
    return 0;
}

static void everything_arrives(void **state)
{
    (void)state;
    run_on_all_transports(pump_everything, NULL);
}

/* --- a maximum --- */

static int pump_some(void *arg)
{
    struct line line;
    char data[64];

    (void)arg;
    line_open(&line, 0);
    assert_int_equal(weir_write(line.a.client, "headbodytail", 12), 0);
    assert_int_equal(weir_pump(line.a.server, line.b.client, 4, NULL), 0);
    assert_int_equal(weir_pump(line.a.server, line.b.client, 4, &line.moved), 0);
    assert_int_equal(line.moved, 4);
    assert_int_equal(read_all(line.b.server, data, 8), 8);
    assert_memory_equal(data, "headbody", 8);
    assert_int_equal(read_all(line.a.server, data, 4), 4); /* the rest is still there */
    assert_memory_equal(data, "tail", 4);
    line_close(&line);
    return 0;
}

static void a_maximum_leaves_the_rest(void **state)
{
    (void)state;
    run_on_all_transports(pump_some, NULL);
}

/* --- failures --- */

static int lose_the_destination(void *arg)
{
    struct line line;
    weir_scope scope;

    (void)arg;
    line_open(&line, 8 << 20);
    weir_scope_open(&scope, weir_after_ms(50000), WEIR_COLLECT);
    weir_spawn(&scope, "pump", pump, &line);
    weir_stream_abort(line.b.server);
    line.b.server = NULL;
    weir_spawn(&scope, "source", write_source, &line);
    while (line.pumped == 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_true(line.pumped == -EPIPE || line.pumped == -ECONNRESET);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    assert_int_equal(weir_write(line.b.client, "x", 1), -WEIR_ECLOSED);
    line_close(&line);
    return 0;
}

static int lose_the_source(void *arg)
{
    struct line line;
    char byte;

    (void)arg;
    line_open(&line, 0);
    assert_int_equal(weir_write(line.a.client, "x", 1), 0);
    assert_int_equal(weir_read(line.a.server, &byte, 1), 1);
    weir_stream_abort(line.a.client);
    line.a.client = NULL;
    assert_int_equal(weir_pump(line.a.server, line.b.client, 0, &line.moved), -ECONNRESET);
    assert_int_equal(line.moved, 0);
    line_close(&line);
    return 0;
}

static int close_under_a_pump(void *arg)
{
    struct line line;
    weir_scope scope;

    (void)arg;
    for (int which = 0; which < 2; which++) {
        line_open(&line, 0);
        weir_scope_open(&scope, weir_after_ms(50000), 0);
        weir_spawn(&scope, "pump", pump, &line);
        assert_int_equal(weir_sleep(weir_ms(2)), 0);
        assert_int_equal(weir_read(line.a.server, &(char){0}, 1), -WEIR_EBUSY);
        weir_stream_close(line.a.server);
        line.a.server = NULL;
        assert_int_equal(weir_scope_close(&scope), 0);
        assert_int_equal(line.pumped, -WEIR_ECLOSED);
        line_close(&line);
    }
    return 0;
}

static int idle_pump(void *arg)
{
    struct line line;

    (void)arg;
    line_open(&line, 0);
    assert_int_equal(
        weir_stream_set_options(line.a.server, &(weir_stream_options){.idle_timeout = weir_ms(10)}), 0);
    assert_int_equal(weir_pump(line.a.server, line.b.client, 0, NULL), -WEIR_EIDLE);
    line_close(&line);
    return 0;
}

static int overflow(void *arg)
{
    struct line line;
    weir_scope scope;

    (void)arg;
    line_open(&line, 16 << 20); /* nobody reads it */
    assert_int_equal(
        weir_stream_set_options(line.b.client, &(weir_stream_options){.idle_timeout = weir_ms(20)}), 0);
    weir_scope_open(&scope, weir_after_ms(50000), WEIR_COLLECT);
    weir_spawn(&scope, "source", write_source, &line);
    assert_int_equal(weir_pump(line.a.server, line.b.client, 0, NULL), -WEIR_EIDLE);
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    line_close(&line);
    return 0;
}

static void failures_end_the_pump(void **state)
{
    (void)state;
    run_on_all_transports(lose_the_destination, NULL);
    run_on_all_transports(lose_the_source, NULL);
    run_on_all_transports(close_under_a_pump, NULL);
    run_on_all_transports(idle_pump, NULL);
    run_on_all_transports(overflow, NULL);
}

/* --- what a protocol had read --- */

static int pump_unread(void *arg)
{
    struct line line;
    char data[16];

    (void)arg;
    line_open(&line, 0);
    assert_int_equal(weir__stream_unread(line.a.server, "ahead", 5), 0);
    assert_int_equal(weir_write(line.a.client, "behind", 6), 0);
    assert_int_equal(weir_stream_shutdown(line.a.client), 0);
    assert_int_equal(weir_pump(line.a.server, line.b.client, 0, &line.moved), 0);
    assert_int_equal(line.moved, 11);
    assert_int_equal(read_all(line.b.server, data, 11), 11);
    assert_memory_equal(data, "aheadbehind", 11);
    line_close(&line);
    return 0;
}

static void what_was_read_ahead_goes_first(void **state)
{
    (void)state;
    run_on_all_transports(pump_unread, NULL);
}

/* --- cancelled at every wait --- */

static int pump_victim(void *arg)
{
    struct line *line = arg;

    return weir_pump(line->a.server, line->b.client, 0, &line->moved);
}

static int drain_sink(void *arg)
{
    return read_sink(arg, false) > 0 ? 0 : 0;
}

static int pump_world(struct torture *t)
{
    struct line line;
    weir_scope scope;
    int result;

    line_open(&line, 300000);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "source", write_source, &line);
    weir_spawn(&scope, "sink", drain_sink, &line);
    result = torture_victim(t, pump_victim, &line);
    if (result == 0)
        assert_int_equal(line.moved, line.bytes);
    (void)weir_stream_shutdown(line.b.client);
    weir_stream_close(line.a.server);
    line.a.server = NULL;
    (void)weir_scope_close(&scope);
    line_close(&line);
    return result;
}

static void pumping_can_be_cancelled(void **state)
{
    (void)state;
    torture(pump_world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives),       cmocka_unit_test(a_maximum_leaves_the_rest),
        cmocka_unit_test(failures_end_the_pump),    cmocka_unit_test(what_was_read_ahead_goes_first),
        cmocka_unit_test(pumping_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
