/* SPDX-License-Identifier: MIT */
/* Pools of connections for protocols of the program's own. */
#include "support/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/descriptors.h"
#include "support/torture.h"

/* A server of a tiny protocol: greets with a number, then echoes lines of one byte. */
struct server {
    weir_listener *listener;
    weir_scope scope;
    int connections, open;
    bool silent;   /* it never greets */
    int talks_at;  /* says something unasked on this connection after its first answer; -1: on none */
    int closes_at; /* closes this connection after its first answer; -1: none */
};

struct served {
    struct server *server;
    weir_stream *stream;
    int number;
};

static int serve_one(void *arg)
{
    struct served served = *(struct served *)arg;
    char byte = (char)('0' + served.number % 10);

    free(arg);
    if (served.server->silent)
        (void)weir_sleep(weir_seconds(3600));
    else if (weir_write(served.stream, &byte, 1) == 0)
        while (weir_read(served.stream, &byte, 1) > 0 && weir_write(served.stream, &byte, 1) == 0) {
            if (served.server->closes_at == served.number)
                break;
            if (served.server->talks_at == served.number && weir_write(served.stream, "!", 1) < 0)
                break;
        }
    weir_stream_close(served.stream);
    served.server->open--;
    return 0;
}

static int serve(void *arg)
{
    struct server *server = arg;
    weir_stream *stream;
    int err;

    while ((err = weir_accept(server->listener, &stream)) == 0) {
        struct served *served = malloc(sizeof *served);
        *served = (struct served){server, stream, server->connections++};
        server->open++;
        if (weir_spawn(&server->scope, "served", serve_one, served) < 0)
            abort();
    }
    return err;
}

static void server_open(struct server *server)
{
    *server = (struct server){.talks_at = -1, .closes_at = -1};
    assert_int_equal(weir_listen("127.0.0.1:0", &server->listener), 0);
    weir_scope_open(&server->scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&server->scope, "server", serve, server), 0);
}

static void server_close(struct server *server)
{
    weir_scope_cancel(&server->scope);
    (void)weir_scope_close(&server->scope);
    weir_listener_close(server->listener);
}

/* --- the client's side of it --- */

/* [session] */
struct session {
    char greeting;
};

/* Reads the greeting. */
static int open_session(void *arg, weir_stream *stream, void **session)
{
    struct session *s = malloc(sizeof *s);
    ssize_t n;

    (void)arg;
    if (s == NULL)
        return -ENOMEM;
    *session = s; /* freed by close_session(), also after a failure */
    n = weir_read(stream, &s->greeting, 1);
    return n == 1 ? 0 : n == 0 ? -WEIR_ECLOSED : (int)n;
}

static void close_session(void *arg, void *session)
{
    (void)arg;
    free(session);
}

/* Sends a byte and reads the answer. */
static int ask(weir_connections *pool, char question)
{
    weir_connection *c;
    char answer = 0;
    int err = weir_connection_take(pool, &c);
    ssize_t n;

    if (err < 0)
        return err;
    err = weir_write(weir_connection_stream(c), &question, 1);
    if (err == 0) {
        n = weir_read(weir_connection_stream(c), &answer, 1);
        err = n == 1 ? 0 : n == 0 ? -WEIR_ETRUNCATED : (int)n;
    }
    if (err < 0)
        weir_connection_close(c); /* an answer may still be on its way */
    else
        weir_connection_give_back(c);
    return err < 0 ? err : answer;
}
/* [/session] */

static weir_connections *pool_open(const struct server *server, weir_connections_options options)
{
    weir_connections *pool;

    options.address = weir_listener_address(server->listener);
    options.open = open_session;
    options.close = close_session;
    assert_int_equal(weir_connections_open(&options, &pool), 0);
    return pool;
}

static weir_connections_stats stats_of(const weir_connections *pool)
{
    weir_connections_stats stats;

    weir_connections_stats_get(pool, &stats);
    return stats;
}

/* --- reuse --- */

static int reused(void *arg)
{
    struct server server;
    weir_connections *pool;
    weir_connection *c[3];
    weir_connections_stats stats;

    (void)arg;
    server_open(&server);
    pool = pool_open(&server, (weir_connections_options){0});
    for (int i = 0; i < 100; i++)
        assert_int_equal(ask(pool, 'q'), 'q');
    assert_int_equal(server.connections, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_connection_take(pool, &c[i]), 0);
    assert_int_equal(((struct session *)weir_connection_session(c[1]))->greeting, '1');
    for (int i = 2; i >= 0; i--)
        weir_connection_give_back(c[i]);
    assert_int_equal(weir_connection_take(pool, &c[0]), 0); /* the one unused longest */
    assert_int_equal(((struct session *)weir_connection_session(c[0]))->greeting, '2');
    stats = stats_of(pool);
    assert_int_equal(stats.in_use, 1);
    assert_int_equal(stats.idle, 2);
    assert_int_equal(stats.taken, 104);
    assert_int_equal(stats.opened, 3);
    assert_int_equal(stats.reused, 101);
    weir_connection_close(c[0]);
    weir_connections_close(pool);
    weir_connections_close(NULL);
    while (server.open > 0)
        assert_int_equal(weir_sleep(weir_us(50)), 0);
    server_close(&server);
    return 0;
}

static void connections_are_used_again(void **state)
{
    (void)state;
    run_on_all_transports(reused, NULL);
}

/* --- without descriptors --- */

/* The other listener's connections stay in its queue, so that they take a descriptor each. */
static int give_way(void *arg)
{
    struct server server;
    weir_listener *other;
    weir_connections *pool;
    weir_connection *c[2];
    weir_stream *stream, *refused;

    (void)arg;
    server_open(&server);
    assert_int_equal(weir_listen("127.0.0.1:0", &other), 0);
    pool = pool_open(&server, (weir_connections_options){0});
    for (int i = 0; i < 2; i++)
        assert_int_equal(weir_connection_take(pool, &c[i]), 0);
    for (int i = 1; i >= 0; i--)
        weir_connection_give_back(c[i]);
    leave_descriptors(0);
    assert_int_equal(weir_connect(weir_listener_address(other), &stream), 0);
    assert_int_equal(stats_of(pool).idle, 1);
    assert_int_equal(weir_connection_take(pool, &c[0]), 0);
    assert_int_equal(((struct session *)weir_connection_session(c[0]))->greeting, '0');
    while (server.open > 1)
        assert_int_equal(weir_sleep(weir_us(50)), 0);
    leave_descriptors(0);
    assert_int_equal(weir_connect(weir_listener_address(other), &refused), -EMFILE); /* it is in use */
    leave_descriptors(-1);
    weir_stream_close(stream);
    weir_connection_close(c[0]);
    weir_connections_close(pool);
    weir_listener_close(other);
    server_close(&server);
    return 0;
}

static void without_descriptors_the_one_unused_longest_gives_way(void **state)
{
    (void)state;
    run_everywhere(give_way, NULL);
}

/* --- connections that end, or speak, while they are unused --- */

static int lost(void *arg)
{
    (void)arg;
    for (int way = 0; way < 2; way++) {
        struct server server;
        weir_connections *pool;

        server_open(&server);
        if (way == 0)
            server.closes_at = 0;
        else
            server.talks_at = 0;
        pool = pool_open(&server, (weir_connections_options){0});
        assert_int_equal(ask(pool, 'a'), 'a');
        while (stats_of(pool).idle > 0)
            assert_int_equal(weir_sleep(weir_us(50)), 0);
        assert_int_equal(ask(pool, 'b'), 'b');
        assert_int_equal(server.connections, 2);
        weir_connections_close(pool);
        server_close(&server);
    }
    return 0;
}

static void a_connection_that_ends_while_unused_is_dropped(void **state)
{
    (void)state;
    run_on_all_transports(lost, NULL);
}

/* --- checks --- */

static int checks, checks_that_fail;

static int check_session(void *arg, weir_stream *stream, void *session)
{
    char byte = 'c';

    (void)arg;
    (void)session;
    checks++;
    if (checks_that_fail > 0) {
        checks_that_fail--;
        return -WEIR_ECLOSED;
    }
    if (weir_write(stream, &byte, 1) < 0 || weir_read(stream, &byte, 1) != 1)
        return -WEIR_ECLOSED;
    return 0;
}

static int checked(void *arg)
{
    struct server server;
    weir_connections *pool;
    weir_connection *c[2];

    (void)arg;
    checks = checks_that_fail = 0;
    server_open(&server);
    pool = pool_open(&server, (weir_connections_options){.max = 2, .check = check_session});
    for (int i = 0; i < 2; i++)
        assert_int_equal(weir_connection_take(pool, &c[i]), 0);
    for (int i = 0; i < 2; i++)
        weir_connection_give_back(c[i]);
    assert_int_equal(ask(pool, 'x'), 'x');
    assert_int_equal(checks, 1);
    checks_that_fail = 2; /* both are bad: a third is made */
    assert_int_equal(ask(pool, 'y'), 'y');
    assert_int_equal(checks, 3);
    assert_int_equal(server.connections, 3);
    for (int i = 0; i < 2; i++) /* no slot was lost */
        assert_int_equal(weir_connection_take(pool, &c[i]), 0);
    for (int i = 0; i < 2; i++)
        weir_connection_close(c[i]);
    weir_connections_close(pool);
    server_close(&server);
    return 0;
}

static void unused_connections_are_checked(void **state)
{
    (void)state;
    run_on_all_transports(checked, NULL);
}

/* --- limits --- */

struct asking {
    weir_connections *pool;
    int result;
};

static int ask_slowly(void *arg)
{
    struct asking *a = arg;
    weir_connection *c;
    int err = weir_connection_take(a->pool, &c);

    a->result = err;
    if (err < 0)
        return err;
    err = weir_sleep(weir_ms(2));
    weir_connection_give_back(c);
    return err;
}

static int limited(void *arg)
{
    struct server server;
    weir_connections *pool;
    struct asking asking[8];
    weir_scope scope;
    int busy = 0;

    (void)arg;
    server_open(&server);
    pool = pool_open(&server, (weir_connections_options){.max = 2, .waiting_max = 4});
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < 8; i++) {
        asking[i].pool = pool;
        assert_int_equal(weir_spawn(&scope, "ask", ask_slowly, &asking[i]), 0);
    }
    (void)weir_scope_close(&scope);
    for (int i = 0; i < 8; i++)
        busy += asking[i].result == -WEIR_EBUSY;
    assert_int_equal(busy, 2);
    assert_int_equal(stats_of(pool).refused, 2);
    assert_int_equal(server.connections, 2);
    weir_connections_close(pool);
    server_close(&server);
    return 0;
}

static void no_more_than_the_maximum_are_open(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, limited, NULL);
}

static int timed(void *arg)
{
    struct server server;
    weir_connections *pool;
    weir_connection *c;

    (void)arg;
    server_open(&server);
    pool = pool_open(&server, (weir_connections_options){.idle_timeout = weir_seconds(3),
                                                         .connect_timeout = weir_seconds(2)});
    assert_int_equal(ask(pool, 'a'), 'a');
    assert_int_equal(weir_sleep(weir_seconds(2)), 0);
    assert_int_equal(stats_of(pool).idle, 1);
    assert_int_equal(weir_sleep(weir_seconds(2)), 0);
    assert_int_equal(stats_of(pool).idle, 0);
    server.silent = true;
    assert_int_equal(weir_connection_take(pool, &c), -ETIMEDOUT);
    assert_int_equal(stats_of(pool).failed, 1);
    assert_int_equal(stats_of(pool).in_use, 0);
    weir_connections_close(pool);
    server_close(&server);
    return 0;
}

static void unused_and_silent_connections_are_given_up(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, timed, NULL);
}

/* --- without streams --- */

static int made;

static int make_number(void *arg, weir_stream *stream, void **session)
{
    assert_null(stream);
    *session = malloc(sizeof(int));
    *(int *)*session = *(int *)arg + made++;
    return weir_sleep(weir_ms(1));
}

static int foreign(void *arg)
{
    int base = 100;
    weir_connections *pool;
    weir_connection *c, *d;

    (void)arg;
    made = 0;
    assert_int_equal(weir_connections_open(
                         &(weir_connections_options){
                             .name = "numbers", .open = make_number, .close = close_session, .arg = &base},
                         &pool),
                     0);
    assert_int_equal(weir_connection_take(pool, &c), 0);
    assert_int_equal(weir_connection_take(pool, &d), 0);
    assert_null(weir_connection_stream(d));
    assert_int_equal(*(int *)weir_connection_session(d), 101);
    weir_connection_give_back(c);
    weir_connection_close(d);
    assert_int_equal(weir_connection_take(pool, &d), 0);
    assert_int_equal(*(int *)weir_connection_session(d), 100);
    weir_connection_give_back(d);
    weir_connections_close(pool);
    assert_int_equal(weir_connections_open(&(weir_connections_options){.name = "x"}, &pool), -EINVAL);
    assert_int_equal(weir_connections_open(&(weir_connections_options){.address = "x", .max = -1}, &pool),
                     -EINVAL);
    return 0;
}

static void connections_of_other_libraries(void **state)
{
    (void)state;
    run_everywhere(foreign, NULL);
}

/* --- every wait cancelled --- */

static int victim(void *arg)
{
    weir_connections *pool = arg;
    int err = 0;

    for (int i = 0; i < 3 && err >= 0; i++)
        err = ask(pool, 'v');
    return err < 0 ? err : 0;
}

static int hold(void *arg)
{
    struct asking *a = arg;

    for (int i = 0; i < 2; i++)
        a->result = ask(a->pool, 'h');
    return 0;
}

static int world(struct torture *t)
{
    struct server server;
    weir_connections *pool;
    struct asking holder;
    weir_scope scope;
    int result;

    server_open(&server);
    pool = pool_open(&server, (weir_connections_options){.max = 1});
    holder.pool = pool;
    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&scope, "holder", hold, &holder), 0);
    (void)weir_yield();
    result = torture_victim(t, victim, pool);
    (void)weir_scope_close(&scope);
    assert_int_equal(stats_of(pool).in_use, 0);
    assert_int_equal(ask(pool, 'w'), 'w');
    weir_connections_close(pool);
    server_close(&server);
    return result;
}

static void all_of_it_can_be_cancelled(void **state)
{
    (void)state;
    assert_in_range(torture_all_transports(world, NULL), 10, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_used_again),
        cmocka_unit_test(without_descriptors_the_one_unused_longest_gives_way),
        cmocka_unit_test(a_connection_that_ends_while_unused_is_dropped),
        cmocka_unit_test(unused_connections_are_checked),
        cmocka_unit_test(no_more_than_the_maximum_are_open),
        cmocka_unit_test(unused_and_silent_connections_are_given_up),
        cmocka_unit_test(connections_of_other_libraries),
        cmocka_unit_test(all_of_it_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
