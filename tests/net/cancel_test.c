/* SPDX-License-Identifier: MIT */
/* Streams cancelled at every wait: no buffer is touched afterwards, no byte that came is lost. */
#include "net/net_rig.h"

enum { TOTAL = 3000, BULK = 3 << 17 };

struct stage {
    struct pair pair;
    size_t have;
    bool lent;
};

static int send_slowly(void *arg)
{
    struct stage *st = arg;
    char data[TOTAL];

    fill(data, 0, TOTAL);
    for (size_t at = 0; at < TOTAL; at += 600) {
        if (weir_sleep(weir_us(150)) < 0 || weir_write(st->pair.server, data + at, 600) < 0)
            return -EIO;
    }
    return 0;
}

/* --- reading --- */

static int read_victim(void *arg)
{
    struct stage *st = arg;

    while (st->have < TOTAL) {
        char data[450], *lent = NULL;
        ssize_t n = st->lent ? weir__stream_read_lent(st->pair.client, &lent)
                             : weir_read(st->pair.client, data, sizeof data);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        check(st->lent ? lent : data, st->have, (size_t)n);
        if (st->lent)
            weir__stream_return(st->pair.client, lent);
        st->have += (size_t)n;
    }
    return 0;
}

/* What the victim did not get, the next reader does. */
static int read_world(struct torture *t)
{
    struct stage st = {.lent = *(bool *)t->arg};
    weir_scope scope;
    int result;

    pair_open(&st.pair, "127.0.0.1:0");
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "sends", send_slowly, &st);
    result = torture_victim(t, read_victim, &st);
    assert_int_equal(read_victim(&st), 0);
    assert_int_equal(weir_scope_close(&scope), 0);
    pair_close(&st.pair);
    return result;
}

static void a_cancelled_read_loses_no_byte(void **state)
{
    (void)state;
    torture_all_transports(read_world, &(bool){false});
    torture_all_transports(read_world, &(bool){true});
}

/* --- writing --- */

static char *bulk;

static int write_victim(void *arg)
{
    struct stage *st = arg;
    int err = 0;

    for (size_t at = 0; at < BULK && err == 0; at += BULK / 3)
        err = weir_write(st->pair.client, bulk + at, BULK / 3);
    return err;
}

static int drain(void *arg)
{
    struct stage *st = arg;
    char *data;
    ssize_t n;

    while ((n = weir__stream_read_lent(st->pair.server, &data)) > 0) {
        check(data, st->have, (size_t)n);
        st->have += (size_t)n;
        weir__stream_return(st->pair.server, data);
    }
    return n == -ECONNRESET ? 0 : (int)n;
}

static int write_world(struct torture *t)
{
    struct stage st = {.lent = false};
    weir_scope scope;
    int result;

    pair_open(&st.pair, "127.0.0.1:0");
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "drains", drain, &st);
    result = torture_victim(t, write_victim, &st);
    weir_stream_close(st.pair.client);
    st.pair.client = NULL;
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(result < 0 || st.have == BULK);
    pair_close(&st.pair);
    return result;
}

static void a_cancelled_write_sends_a_beginning(void **state)
{
    (void)state;
    bulk = malloc(BULK);
    fill(bulk, 0, BULK);
    torture_all_transports(write_world, NULL);
    free(bulk);
}

/* --- all of a connection's life --- */

static int life_victim(void *arg)
{
    weir_stream *s;
    char data[100];
    int err = weir_connect(arg, &s);

    if (err < 0)
        return err;
    err = weir_write(s, "ask", 3);
    if (err == 0)
        err = weir_stream_shutdown(s);
    if (err == 0)
        err = (int)read_all(s, data, sizeof data);
    if (err == 3)
        assert_memory_equal(data, "ask", 3);
    weir_stream_close(s);
    return err;
}

static int answer(void *arg)
{
    weir_stream *s = arg;
    char data[100];
    ssize_t n;

    while ((n = weir_read(s, data, sizeof data)) > 0)
        if (weir_write(s, data, (size_t)n) < 0)
            break;
    weir_stream_close(s);
    return 0;
}

static int answer_all(void *arg)
{
    weir_scope scope;
    weir_stream *s;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    while (weir_accept(arg, &s) == 0)
        weir_spawn(&scope, "answers", answer, s);
    return weir_scope_close(&scope);
}

static int life_world(struct torture *t)
{
    weir_listener *l;
    weir_scope scope;
    int result;

    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "answers", answer_all, l);
    result = torture_victim(t, life_victim, (void *)(uintptr_t)weir_listener_address(l));
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    weir_listener_close(l);
    assert_int_equal(weir_scope_close(&scope), 0);
    return result;
}

static void a_connection_can_be_cancelled_anywhere(void **state)
{
    (void)state;
    torture_all_transports(life_world, NULL);
}

/* --- a rough network --- */

static int rough(void *arg)
{
    struct weir__sim_options o = weir__sim_rough();

    (void)arg;
    weir__sim_configure(this_io(), &o);
    for (int i = 0; i < 20; i++) {
        weir_listener *l;
        weir_scope scope;
        int results[4];
        assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
        weir_scope_open(&scope, weir_after_ms(60000), WEIR_COLLECT);
        weir_spawn(&scope, "answers", answer_all, l);
        for (int j = 0; j < 4; j++)
            results[j] = life_victim((void *)(uintptr_t)weir_listener_address(l));
        weir_listener_close(l);
        weir_scope_cancel(&scope);
        assert_int_not_equal(weir_scope_close(&scope), 0);
        for (int j = 0; j < 4;
             j++) /* an answer that is whole, cut off by an end, or an error that has a name */
            assert_true(results[j] <= 3 && results[j] != -WEIR_EBUSY && results[j] != -WEIR_ECLOSED);
    }
    assert_int_equal(weir__sim_stats(this_io()).open_files, 0);
    assert_int_equal(weir__sim_stats(this_io()).pending_ops, 0);
    assert_int_equal(weir__sim_stats(this_io()).lent, 0);
    return 0;
}

static void a_rough_network_leaves_nothing_behind(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(40); seed++)
        run_simulated(seed, rough, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancelled_read_loses_no_byte),
        cmocka_unit_test(a_cancelled_write_sends_a_beginning),
        cmocka_unit_test(a_connection_can_be_cancelled_anywhere),
        cmocka_unit_test(a_rough_network_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
