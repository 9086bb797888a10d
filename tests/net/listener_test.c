/* SPDX-License-Identifier: MIT */
/* Listening and accepting: by a task, and for a server without one. */
#include <sys/socket.h>
#include <sys/un.h>

#include "net/net_rig.h"
#include "support/descriptors.h"

/* --- by a task --- */

static int accept_waits(void *arg)
{
    weir_stream **out = ((void **)arg)[1];

    return weir_accept(((void **)arg)[0], out);
}

static int close_under_accept(void *arg)
{
    weir_listener *l;
    weir_stream *s = NULL, *other;
    weir_scope scope;

    (void)arg;
    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    weir_spawn(&scope, "accepts", accept_waits, (void *[]){l, &s});
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    assert_int_equal(weir_accept(l, &other), -WEIR_EBUSY);
    weir_scope_cancel(&scope);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECANCELED);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "accepts", accept_waits, (void *[]){l, &s});
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    weir_listener_close(l);
    assert_int_equal(weir_scope_close(&scope), -WEIR_ECLOSED);
    assert_null(s);
    weir_listener_close(NULL);
    return 0;
}

static void closing_ends_an_accept(void **state)
{
    (void)state;
    run_on_all_transports(close_under_accept, NULL);
}

static int addresses_in_use(void *arg)
{
    weir_listener_options first = {.address = "127.0.0.1:0", .reuse_port = true}, second = first;
    struct unix_place place;
    weir_listener *l, *other;
    char text[WEIR_ADDRESS_BYTES];

    (void)arg;
    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    assert_int_equal(weir_listen(weir_listener_address(l), &other), -EADDRINUSE);
    strcpy(text, weir_listener_address(l));
    weir_listener_close(l);
    assert_int_equal(weir_listen(text, &l), 0); /* free again at once */
    weir_listener_close(l);
    assert_int_equal(weir_listener_open(&first, &l), 0);
    second.address = weir_listener_address(l);
    assert_int_equal(weir_listener_open(&second, &other), 0);
    weir_listener_close(l);
    weir_listener_close(other);
    assert_int_equal(weir_listen("localhost:0", &l), 0);
    assert_memory_equal(weir_listener_address(l), "127.", 4); /* what everyone can reach */
    weir_listener_close(l);
    assert_int_equal(weir_listen("no-such-host.invalid:0", &l), -WEIR_EDNS);
    assert_int_equal(weir_listen("127.0.0.1", &l), -EINVAL);

    unix_place_open(&place);
    assert_int_equal(weir_listen(place.address, &l), 0);
    assert_int_equal(weir_listen(place.address, &other), -EADDRINUSE);
    weir_listener_close(l);
    assert_int_equal(weir_listen(place.address, &l), 0);
    weir_listener_close(l);
    if (!is_simulated())
        assert_int_equal(access(place.address + 5, F_OK), -1); /* closing tidied up */
    unix_place_close(&place);
    return 0;
}

static void an_address_has_one_listener(void **state)
{
    (void)state;
    run_on_all_transports(addresses_in_use, NULL);
}

static int leftovers(void *arg)
{
    struct unix_place place;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct pair p;
    int fd;
    FILE *file;

    (void)arg;
    if (is_simulated())
        return 0;
    unix_place_open(&place); /* a listener that died without closing */
    strcpy(un.sun_path, place.address + 5);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
    pair_open(&p, place.address);
    pair_close(&p);

    file = fopen(un.sun_path, "w"); /* something else altogether, which nobody answers at either */
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(weir_listen(place.address, &p.listener), -EADDRINUSE);
    assert_int_equal(access(un.sun_path, F_OK), 0);
    unix_place_close(&place);
    return 0;
}

static void only_a_dead_socket_is_taken_over(void **state)
{
    (void)state;
    run_on_all_transports(leftovers, NULL);
}

/* --- for a server --- */

struct server {
    weir_listener *listener;
    weir_event came;
    int count, errors, last_error;
    int stop_at; /* pauses when it has so many */
    bool close;  /* or closes the listener, from inside */
    weir_event closed;
    weir_stream *streams[300];
};

static void listener_closed(void *arg)
{
    struct server *v = arg;

    v->listener = NULL;
    weir_event_set(&v->closed);
}

static void accepted(weir_listener *l, void *arg, int fd)
{
    struct server *v = arg;

    assert_ptr_equal(l, v->listener);
    if (fd < 0) {
        v->errors++;
        v->last_error = fd;
    } else {
        assert_true(v->count < 300);
        assert_int_equal(weir__stream_adopt(fd, 0, &v->streams[v->count]), 0);
        v->count++;
    }
    weir_event_set(&v->came);
    if (v->count != v->stop_at)
        return;
    if (v->close) {
        weir__listener_close_detached(l, listener_closed, v);
    } else {
        weir__listener_pause(l);
        weir__listener_resume(l); /* inside the callback, there and back */
        weir__listener_pause(l);
    }
}

static void server_open(struct server *v, int stop_at, bool close)
{
    *v = (struct server){.stop_at = stop_at, .close = close};
    weir_event_init(&v->came);
    weir_event_init(&v->closed);
    assert_int_equal(weir_listen("127.0.0.1:0", &v->listener), 0);
    weir__listener_serve(v->listener, accepted, v);
}

static void wait_for(struct server *v, int count)
{
    while (v->count < count) {
        weir_event_reset(&v->came);
        assert_int_equal(weir_event_wait(&v->came), 0);
    }
}

static void server_close(struct server *v)
{
    for (int i = 0; i < v->count; i++)
        weir__stream_close(v->streams[i]);
    if (v->listener != NULL)
        weir__listener_close_detached(v->listener, listener_closed, v);
    assert_int_equal(weir_event_wait(&v->closed), 0);
}

static void connect_many(weir_stream **clients, struct server *v, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(weir_connect(weir_listener_address(v->listener), &clients[i]), 0);
}

static void close_many(weir_stream **clients, int count)
{
    for (int i = 0; i < count; i++)
        weir_stream_close(clients[i]);
}

static int serve_pause_resume(void *arg)
{
    weir_stream *clients[200];
    struct server v;

    (void)arg;
    server_open(&v, 70, false);
    weir__listener_resume(v.listener); /* harmless */
    connect_many(clients, &v, 200);
    wait_for(&v, 70);
    assert_int_equal(weir_sleep(weir_ms(5)), 0);
    assert_in_range(v.count, 70, 71); /* one may have been on its way */
    v.stop_at = -1;
    weir__listener_pause(v.listener);
    weir__listener_resume(v.listener);
    wait_for(&v, 200);
    weir__listener_pause(v.listener); /* with an accept pending */
    assert_int_equal(weir_sleep(weir_ms(2)), 0);
    weir__listener_resume(v.listener);
    weir__listener_pause(v.listener);
    weir__listener_resume(v.listener);
    close_many(clients, 200);
    connect_many(clients, &v, 1);
    wait_for(&v, 201);
    close_many(clients, 1);
    assert_int_equal(v.errors, 0);
    server_close(&v);
    return 0;
}

static void serving_pauses_and_resumes(void **state)
{
    (void)state;
    run_on_all_transports(serve_pause_resume, NULL);
}

static int close_inside(void *arg)
{
    weir_stream *clients[20];

    (void)arg;
    for (int at = 1; at <= 20; at += 6) {
        struct server v;
        server_open(&v, at, true);
        weir__listener_pause(v.listener);
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
        connect_many(clients, &v, 20);
        weir__listener_resume(v.listener);
        assert_int_equal(weir_event_wait(&v.closed), 0);
        assert_int_equal(v.count, at);
        close_many(clients, 20);
        server_close(&v);
    }
    return 0;
}

static void a_listener_may_be_closed_by_its_own_callback(void **state)
{
    (void)state;
    run_on_all_transports(close_inside, NULL);
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated(seed, close_inside, NULL);
}

/* What the kernel has taken is taken from it before it is told to take no more. */
static int empty_and_stop(void *arg)
{
    weir_stream *clients[30], *late;
    weir_listener *second = NULL;
    struct server v;

    (void)arg;
    server_open(&v, -1, false);
    weir__listener_pause(v.listener);
    assert_int_equal(weir_sleep(weir_ms(1)), 0);
    connect_many(clients, &v, 30);
    assert_int_equal(weir_sleep(weir_ms(5)), 0);
    assert_int_equal(v.count, 0);
    assert_true(weir__listener_take(v.listener, 10));
    assert_int_equal(v.count, 10);
    if (!is_simulated()) /* another listener at the same queue, as another loop has one */
        assert_int_equal(weir__listener_share(v.listener, &second), 0);
    assert_false(weir__listener_take(v.listener, 100));
    assert_int_equal(v.count, 30);
    assert_false(weir__listener_take(v.listener, 100));
    weir__listener_resume(v.listener);
    assert_int_equal(weir_sleep(weir_ms(5)), 0); /* an accept is pending */
    if (second != NULL) {
        weir__listener_stop(second); /* for both */
        assert_int_equal(weir_connect(weir_listener_address(v.listener), &late), -ECONNREFUSED);
        assert_int_equal(weir_sleep(weir_ms(5)), 0);
        weir__listener_close(second);
    }
    assert_int_equal(v.errors, 0);
    close_many(clients, 30);
    server_close(&v);
    return 0;
}

static void a_queue_is_emptied_before_it_ends(void **state)
{
    (void)state;
    run_on_all_transports(empty_and_stop, NULL);
}

/* A loop that accepts gives its tasks a turn in between. */
struct fairness {
    struct server v;
    int turns;
};

static int take_turns(void *arg)
{
    struct fairness *f = arg;

    while (f->v.count < 250) {
        f->turns++;
        assert_int_equal(weir_yield(), 0);
    }
    return 0;
}

static int accept_in_batches(void *arg)
{
    weir_stream *clients[250];
    struct fairness f = {0};
    weir_scope scope;

    (void)arg;
    if (is_simulated())
        return 0; /* time would stand still while a task is always ready */
    server_open(&f.v, -1, false);
    weir__listener_pause(f.v.listener);
    connect_many(clients, &f.v, 250);
    weir_scope_open(&scope, weir_never(), 0);
    weir__listener_resume(f.v.listener);
    weir_spawn(&scope, "takes turns", take_turns, &f);
    assert_int_equal(weir_scope_close(&scope), 0);
    assert_true(f.turns >= 250 / 64);
    close_many(clients, 250);
    server_close(&f.v);
    return 0;
}

static void accepting_is_done_in_batches(void **state)
{
    (void)state;
    run_on_all_transports(accept_in_batches, NULL);
}

/* --- no descriptors --- */

static int run_out(void *arg)
{
    struct server v;
    weir_stream *client, *got;
    weir_instant began;
    weir_listener *l;
    weir_scope nobody;

    (void)arg;
    /* nobody comes: there is no lack */
    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    leave_descriptors(0);
    weir_scope_open(&nobody, weir_after(weir_ms(5)), 0);
    assert_int_equal(weir_accept(l, &got), -WEIR_EDEADLINE);
    (void)weir_scope_close(&nobody);
    leave_descriptors(-1);
    /* by a task: the error is told, and the connection is still there afterwards */
    assert_int_equal(weir_connect(weir_listener_address(l), &client), 0);
    leave_descriptors(0);
    assert_int_equal(weir_accept(l, &got), -EMFILE);
    leave_descriptors(-1);
    assert_int_equal(weir_accept(l, &got), 0);
    weir_stream_close(got);
    weir_stream_close(client);
    weir_listener_close(l);

    /* for a server: it is told, rests, and tries again by itself */
    server_open(&v, -1, false);
    leave_descriptors(1);
    connect_many(&client, &v, 1); /* takes the only one */
    while (v.errors < 3) {
        weir_event_reset(&v.came);
        assert_int_equal(weir_event_wait(&v.came), 0);
    }
    assert_int_equal(v.last_error, -EMFILE);
    began = weir_now();
    while (v.errors < 5) {
        weir_event_reset(&v.came);
        assert_int_equal(weir_event_wait(&v.came), 0);
    }
    assert_true(weir_between(began, weir_now()).ns >= 2 * 40 * 1000000LL); /* it does not spin */
    assert_int_equal(v.count, 0);
    leave_descriptors(-1);
    wait_for(&v, 1);
    close_many(&client, 1);
    server_close(&v);
    return 0;
}

/* Not in memory, where no descriptors are used up. */
static void without_descriptors_accepting_rests(void **state)
{
    (void)state;
    run_everywhere(run_out, NULL);
}

static int close_while_resting(void *arg)
{
    struct server v;
    weir_stream *client;

    (void)arg;
    server_open(&v, -1, false);
    leave_descriptors(1);
    connect_many(&client, &v, 1);
    while (v.errors < 1) {
        weir_event_reset(&v.came);
        assert_int_equal(weir_event_wait(&v.came), 0);
    }
    server_close(&v);
    leave_descriptors(-1);
    close_many(&client, 1);
    assert_int_equal(weir_sleep(weir_ms(100)), 0); /* past the time of its next try */
    return 0;
}

/* Not in memory: as the test before. */
static void a_listener_may_be_closed_while_it_rests(void **state)
{
    (void)state;
    run_everywhere(close_while_resting, NULL);
}

/* --- cancelled at every wait --- */

static int accept_victim(void *arg)
{
    weir_stream *s;
    int err = weir_accept(arg, &s);

    if (err < 0)
        return err;
    weir_stream_close(s);
    return 0;
}

static int connect_later(void *arg)
{
    weir_stream *s;

    if (weir_sleep(weir_us(200)) < 0 || weir_connect(weir_listener_address(arg), &s) < 0)
        return -EIO;
    weir_stream_close(s);
    return 0;
}

/* The connection is taken by the victim or by whoever comes after: it is not lost. */
static int accept_world(struct torture *t)
{
    weir_listener *l;
    weir_stream *s;
    weir_scope scope;
    int result;

    assert_int_equal(weir_listen("127.0.0.1:0", &l), 0);
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "connects", connect_later, l);
    result = torture_victim(t, accept_victim, l);
    if (result < 0) {
        assert_int_equal(weir_accept(l, &s), 0);
        weir_stream_close(s);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    weir_listener_close(l);
    return result;
}

static void a_cancelled_accept_loses_no_connection(void **state)
{
    (void)state;
    torture_all_transports(accept_world, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_ends_an_accept),
        cmocka_unit_test(an_address_has_one_listener),
        cmocka_unit_test(only_a_dead_socket_is_taken_over),
        cmocka_unit_test(serving_pauses_and_resumes),
        cmocka_unit_test(a_listener_may_be_closed_by_its_own_callback),
        cmocka_unit_test(accepting_is_done_in_batches),
        cmocka_unit_test(a_queue_is_emptied_before_it_ends),
        cmocka_unit_test(without_descriptors_accepting_rests),
        cmocka_unit_test(a_listener_may_be_closed_while_it_rests),
        cmocka_unit_test(a_cancelled_accept_loses_no_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
