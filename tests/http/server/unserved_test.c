/* SPDX-License-Identifier: MIT */
/* Connections on which no request came: counted by how they ended, and by address. */
#include "http/server/handlers.h"
#include "http/server/server_rig.h"

static const weir_route routes[] = {{.path = "/hello", .handler = hello}};
static const char request[] = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";

static uint64_t ended_in_all(const struct rig *rig)
{
    weir_server_stats stats = rig_stats(rig);
    uint64_t sum = 0;

    for (int way = 0; way < WEIR_UNSERVED_WAYS; way++)
        sum += stats.unserved[way];
    return sum;
}

/* Waits until so many connections have sent nothing, and so many a part of a head. */
static void wait_for(const struct rig *rig, int fresh, int half_sent)
{
    while (rig_stats(rig).fresh != fresh || rig_stats(rig).half_sent != half_sent)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
}

static void note_client(void *arg, const weir_server_client *client)
{
    weir_server_client *sum = arg;

    assert_string_equal(client->address, "127.0.0.1");
    sum->half_sent += client->half_sent;
    for (int way = 0; way < WEIR_UNSERVED_WAYS; way++)
        sum->unserved[way] += client->unserved[way];
}

static weir_server_client this_client(const struct rig *rig)
{
    weir_server_client sum = {0};

    weir_server_clients_each(rig->server, note_client, &sum);
    return sum;
}

/* --- what is served is none of it --- */

static int served(struct rig *rig)
{
    char text[1024];
    weir_stream *s = rig_connect(rig);

    wait_for(rig, 1, 0);
    for (int i = 0; i < 2; i++) {
        rig_send(s, request);
        assert_int_equal(rig_answer(s, text, sizeof text), 200);
        wait_for(rig, 0, 0);
    }
    weir_stream_close(s);
    while (rig_stats(rig).connections != 0)
        assert_int_equal(weir_sleep(weir_us(100)), 0);
    assert_int_equal(ended_in_all(rig), 0);
    return 0;
}

static void a_connection_with_a_request_is_not_counted(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 1, .test = served};

    (void)state;
    rig_run(&rig);
}

/* --- clients that leave --- */

static int left(struct rig *rig)
{
    char text[1024];
    weir_stream *fresh = rig_connect(rig), *half = rig_connect(rig), *kept = rig_connect(rig);

    rig_send(half, "GET /hel");
    rig_send(kept, request);
    assert_int_equal(rig_answer(kept, text, sizeof text), 200);
    rig_send(kept, "GET /hello HTTP/1.1\r\n");
    wait_for(rig, 1, 2);
    assert_int_equal(this_client(rig).half_sent, 2);
    weir_stream_close(fresh);
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLOSED, 1);
    rig_send(half, "lo HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(rig_answer(half, text, sizeof text), 200);
    wait_for(rig, 0, 1);
    weir_stream_close(kept);
    rig_wait_for_ended(rig, WEIR_UNSERVED_CLOSED, 2);
    wait_for(rig, 0, 0);
    weir_stream_close(half);
    assert_int_equal(this_client(rig).half_sent, 0);
    assert_int_equal(this_client(rig).unserved[WEIR_UNSERVED_CLOSED], 2);
    assert_int_equal(ended_in_all(rig), 2);
    return 0;
}

static void who_leaves_without_a_whole_request_is_counted(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 1, .test = left};

    (void)state;
    rig_run(&rig);
}

static int broke(struct rig *rig)
{
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /hel");
    wait_for(rig, 0, 1);
    weir_stream_abort(s);
    rig_wait_for_ended(rig, WEIR_UNSERVED_RESET, 1);
    wait_for(rig, 0, 0);
    assert_int_equal(this_client(rig).unserved[WEIR_UNSERVED_RESET],
                     1); /* the connection has no address any more */
    return 0;
}

static void a_reset_is_still_its_client_s(void **state)
{
    struct rig rig = {.routes = routes, .route_count = 1, .test = broke};

    (void)state;
    rig_run(&rig);
}

/* --- whose time is up --- */

static int too_slow(struct rig *rig)
{
    char text[1024];
    weir_stream *fresh = rig_connect(rig), *half = rig_connect(rig);

    rig_send(half, "GET /hel");
    assert_int_equal(rig_answer(half, text, sizeof text), 408);
    assert_true(rig_is_closed(half));
    assert_true(rig_is_closed(fresh));
    rig_wait_for_ended(rig, WEIR_UNSERVED_HEAD_TIMEOUT, 1);
    rig_wait_for_ended(rig, WEIR_UNSERVED_IDLE_TIMEOUT, 1);
    wait_for(rig, 0, 0);
    weir_stream_close(fresh);
    weir_stream_close(half);
    assert_int_equal(this_client(rig).unserved[WEIR_UNSERVED_HEAD_TIMEOUT], 1);
    assert_int_equal(this_client(rig).unserved[WEIR_UNSERVED_IDLE_TIMEOUT], 1);
    return 0;
}

static void whose_time_is_up_is_counted(void **state)
{
    struct rig rig = {
        .routes = routes,
        .route_count = 1,
        .test = too_slow,
        .options.limits = {.head_timeout = weir_ms(20), .idle_timeout = weir_ms(30)},
    };

    (void)state;
    rig_run(&rig);
}

/* --- the reasons --- */

static void the_reasons_are_a_closed_list(void **state)
{
    size_t count = 0;

    (void)state;
    for (; weir_refusal_at(count) != NULL; count++)
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(weir_refusal_at(i)->reason, weir_refusal_at(count)->reason);
    assert_string_equal(weir_refusal_at(count - 1)->reason, "other");
    for (int way = 0; way < WEIR_UNSERVED_WAYS; way++)
        assert_non_null(weir_unserved_name((enum weir_unserved)way));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_with_a_request_is_not_counted),
        cmocka_unit_test(who_leaves_without_a_whole_request_is_counted),
        cmocka_unit_test(a_reset_is_still_its_client_s),
        cmocka_unit_test(whose_time_is_up_is_counted),
        cmocka_unit_test(the_reasons_are_a_closed_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
