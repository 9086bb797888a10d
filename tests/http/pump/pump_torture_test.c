/* SPDX-License-Identifier: MIT */
/* Pumps without pipes, pumps that are cancelled at every wait, clients that leave at every moment. */
#include "http/pump/pump_rig.h"
#include "io/io.h"
#include "support/torture.h"

enum { BODY_BYTES = 300000 };

/* --- no pipes --- */

static void get_body(struct proxied *p)
{
    weir_stream *s = rig_connect(&p->rig);
    struct answer a;

    ask(p, s, p->up.bytes > 0 ? "POST" : "GET", "1.1", &a);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.r.bytes, p->down.bytes);
    weir_stream_close(s);
}

static int without_pipes(struct proxied *p)
{
    struct weir__io *io = weir__task_current()->loop->io;
    struct weir__io_pipe *lent[WEIR__IO_PIPES_MAX], *more;

    p->down = (struct sending){1 << 20, BY_LENGTH, SIZE_MAX, false};
    for (int i = 0; i < WEIR__IO_PIPES_MAX; i++)
        lent[i] = weir__io_pipe_lend(io);
    more = weir__io_pipe_lend(io);
    assert_null(more);
    get_body(p);
    p->up = (struct sending){1 << 20, BY_CHUNKS, SIZE_MAX, false};
    get_body(p);
    assert_int_equal(p->received, 1 << 20);
    for (int i = 0; i < WEIR__IO_PIPES_MAX; i++)
        weir__io_pipe_return(io, lent[i]);
    get_body(p);
    weir__io_pipes_trim(io); /* those of before are used, and stay */
    weir__io_pipes_trim(io);
    return 0;
}

static void without_pipes_bodies_are_read_and_written(void **state)
{
    (void)state;
    proxied_run(without_pipes);
}

/* --- clients that leave --- */

static int ask_and_perhaps_leave(void *arg)
{
    struct proxied *p = arg;
    weir_stream *s;
    char data[20000];
    ssize_t n = 1;
    int err = weir_connect(p->rig.address, &s);

    if (err < 0)
        return err;
    err = send_request(p, s, "POST", "1.1");
    for (size_t got = 0; err == 0 && n > 0 && got < BODY_BYTES; got += (size_t)n)
        n = weir_read(s, data, sizeof data);
    weir_stream_close(s);
    return err < 0 ? err : n < 0 ? (int)n : 0;
}

static struct proxied tortured;

static int leaving_test(struct proxied *p)
{
    struct torture *t = p->rig.data;

    p->down = (struct sending){BODY_BYTES, BY_LENGTH, SIZE_MAX, false};
    p->up = (struct sending){100000, BY_LENGTH, SIZE_MAX, false};
    return torture_victim(t, ask_and_perhaps_leave, p);
}

static int leaving_world(struct torture *t)
{
    static weir_route route = PROXY_ROUTE(&tortured);

    tortured = (struct proxied){
        .rig = {.routes = &route, .route_count = 1, .test = proxied_test, .unrecorded = true, .data = t},
        .test = leaving_test};
    t->also_fine = -ECONNRESET;
    return proxied_main(&tortured);
}

static void clients_may_leave_at_every_moment(void **state)
{
    (void)state;
    assert_true(torture_all_transports(leaving_world, NULL) > 10);
}

/* --- pumps that are cancelled --- */

struct line {
    weir_client *client;
    struct proxied p; /* its backend */
    weir_listener *listener;
    weir_stream *near, *far;
};

static int drain(void *arg)
{
    struct line *l = arg;
    char data[20000];

    while (weir_read(l->far, data, sizeof data) > 0)
        continue;
    return 0;
}

static int feed(void *arg)
{
    struct line *l = arg;
    const struct sending what = {BODY_BYTES, BY_LENGTH, SIZE_MAX, false};

    return send_body(l->far, &what) < 0 ? 0 : weir_stream_shutdown(l->far);
}

static int pump_down(void *arg)
{
    struct line *l = arg;
    const weir_fetch_options options = {.url = l->p.backend.url};
    weir_fetch_stream *f;
    weir_reply reply;
    weir_body_pumped pumped;
    int err = weir_fetch_open(l->client, &options, 0, &f);

    if (err < 0)
        return err;
    err = weir_fetch_head(f, &reply);
    if (err == 0)
        err = weir_body_pump(&(weir_body_source){.fetch = f}, &(weir_body_sink){.stream = l->near}, NULL,
                             &pumped);
    if (err == 0)
        assert_int_equal(pumped.bytes, BODY_BYTES);
    weir_fetch_close(f);
    return err;
}

static int pump_stream_up(void *arg)
{
    struct line *l = arg;
    const weir_fetch_options options = {.method = "POST", .url = l->p.backend.url};
    weir_fetch_stream *f;
    weir_reply reply;
    weir_body_pumped pumped;
    int err = weir_fetch_open(l->client, &options, -1, &f);

    if (err < 0)
        return err;
    err =
        weir_body_pump(&(weir_body_source){.stream = l->near}, &(weir_body_sink){.fetch = f}, NULL, &pumped);
    if (err == 0)
        err = weir_fetch_head(f, &reply);
    if (err == 0)
        assert_int_equal(l->p.received, BODY_BYTES);
    weir_fetch_close(f);
    return err;
}

static int line_world(struct torture *t)
{
    struct line l = {.p = {.backend_takes = SIZE_MAX, .down = {BODY_BYTES, BY_LENGTH, SIZE_MAX, false}}};
    bool up = t->arg != NULL;
    weir_scope scope;
    int result;

    l.client = client_open(NULL);
    backend_open(&l.p.backend, serve_proxied, &l.p);
    assert_int_equal(weir_listen("127.0.0.1:0", &l.listener), 0);
    assert_int_equal(weir_connect(weir_listener_address(l.listener), &l.near), 0);
    assert_int_equal(weir_accept(l.listener, &l.far), 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "far end", up ? feed : drain, &l), 0);
    result = torture_victim(t, up ? pump_stream_up : pump_down, &l);
    weir_stream_close(l.near);
    (void)weir_scope_close(&scope);
    weir_stream_close(l.far);
    weir_listener_close(l.listener);
    backend_close(&l.p.backend);
    weir_client_close(l.client);
    return result;
}

static void pumps_can_be_cancelled(void **state)
{
    static char up;

    (void)state;
    assert_true(torture_all_transports(line_world, NULL) > 10);
    assert_true(torture_all_transports(line_world, &up) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_pipes_bodies_are_read_and_written),
        cmocka_unit_test(clients_may_leave_at_every_moment),
        cmocka_unit_test(pumps_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
