/* SPDX-License-Identifier: MIT */
/* Large bodies: those that are read straight into the handler's memory, and how that ends when it goes wrong.
 */
#include "../server/server_rig.h"

enum { BODY_BYTES = 1 << 20, PIECE_BYTES = 128 << 10, MUCH_BYTES = 8 << 20 };

static char body[BODY_BYTES];

static uint64_t sum_of(uint64_t sum, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
    return sum;
}

static void fill_body(void)
{
    uint32_t x = 1;

    for (size_t i = 0; i < sizeof body; i++) {
        x = x * 1664525 + 1013904223;
        body[i] = (char)(x >> 24);
    }
}

/* What it has read of the body, and how. */
struct reading {
    size_t bytes;
    size_t longest;
    size_t piece_bytes;
    int result;
};

static int sum(weir_request *req, weir_response *res, void *state)
{
    struct reading *reading = weir_request_data(req);
    char *piece = malloc(PIECE_BYTES), text[32];
    uint64_t all = 0;
    ssize_t n;

    (void)state;
    assert_non_null(piece);
    while ((n = weir_request_read(req, piece, reading->piece_bytes)) > 0) {
        all = sum_of(all, piece, (size_t)n);
        reading->bytes += (size_t)n;
        if ((size_t)n > reading->longest)
            reading->longest = (size_t)n;
    }
    reading->result = (int)n;
    free(piece);
    if (n < 0)
        return (int)n;
    (void)snprintf(text, sizeof text, "%llx", (unsigned long long)all);
    return weir_respond_text(res, 200, text);
}

static struct reading reading;
static const weir_route routes[] = {{.path = "/sum", .methods = "POST", .handler = sum, .data = &reading}};

static void run_rig(int (*test)(struct rig *rig), struct rig rig)
{
    rig.test = test;
    rig.routes = routes;
    rig.route_count = 1;
    fill_body();
    rig_run(&rig);
}

static void begin(weir_stream *s, size_t bytes)
{
    char head[128];

    (void)snprintf(head, sizeof head, "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", bytes);
    rig_send(s, head);
}

static void expect_sum(weir_stream *s, const char *data, size_t bytes)
{
    static char answer[4096];
    char text[32];

    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    (void)snprintf(text, sizeof text, "%llx", (unsigned long long)sum_of(0, data, bytes));
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, text);
}

/* --- all goes well --- */

static int send_bodies(struct rig *rig)
{
    static const size_t sizes[] = {1, 8191, 8192, 8193, 20000, 65536, BODY_BYTES};
    weir_stream *s = rig_connect(rig);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int k = 0; k < 2; k++) {
            reading = (struct reading){.piece_bytes = k == 0 ? PIECE_BYTES : 1000};
            begin(s, sizes[i]);
            assert_int_equal(weir_write(s, body, sizes[i]), 0);
            expect_sum(s, body, sizes[i]);
            assert_int_equal(reading.bytes, sizes[i]);
            if (k == 0 && sizes[i] == BODY_BYTES) /* not in the small pieces of the loop's buffers */
                assert_true(reading.longest > 8192);
        }
    weir_stream_close(s);
    return 0;
}

static void a_body_comes_whole_whatever_its_size(void **state)
{
    (void)state;
    run_rig(send_bodies, (struct rig){0});
}

/* What comes behind a body is not taken for it. */
static int send_two_at_once(struct rig *rig)
{
    static const char head[] = "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    struct iovec pieces[4] = {{(char *)(uintptr_t)head, sizeof head - 1},
                              {body, 100000},
                              {(char *)(uintptr_t)head, sizeof head - 1},
                              {body + 5, 100000}};
    weir_stream *s = rig_connect(rig);

    reading = (struct reading){.piece_bytes = PIECE_BYTES};
    assert_int_equal(weir_write_pieces(s, pieces, 4), 0);
    expect_sum(s, body, 100000);
    expect_sum(s, body + 5, 100000);
    weir_stream_close(s);
    return 0;
}

static void the_next_request_stays_where_it_is(void **state)
{
    (void)state;
    run_rig(send_two_at_once, (struct rig){0});
}

/* --- it does not --- */

static int leave_in_the_midst(struct rig *rig)
{
    for (size_t sent = 0; sent <= 300000; sent += 50000) {
        weir_stream *s = rig_connect(rig);
        reading = (struct reading){.piece_bytes = PIECE_BYTES};
        begin(s, BODY_BYTES);
        if (sent > 0)
            assert_int_equal(weir_write(s, body, sent), 0);
        weir_event_reset(&rig->recorded);
        weir_stream_close(s);
        assert_int_equal(weir_event_wait(&rig->recorded), 0);
        assert_true(reading.result < 0);
        assert_true(reading.bytes <= sent);
    }
    return 0;
}

static void a_client_that_leaves_is_noticed(void **state)
{
    (void)state;
    run_rig(leave_in_the_midst, (struct rig){0});
}

static int stop_in_the_midst(struct rig *rig)
{
    static char answer[4096];
    weir_stream *s = rig_connect(rig);

    reading = (struct reading){.piece_bytes = PIECE_BYTES};
    begin(s, BODY_BYTES);
    assert_int_equal(weir_write(s, body, 100000), 0);
    assert_int_equal(rig_answer(s, answer, sizeof answer),
                     408); /* when it has sent nothing for as long as it may */
    assert_true(rig_is_closed(s));
    assert_int_equal(reading.result, -WEIR_ESLOW);
    assert_int_equal(reading.bytes, 100000);
    weir_stream_close(s);
    return 0;
}

static void a_client_that_stops_sending_is_given_up(void **state)
{
    (void)state;
    run_rig(stop_in_the_midst, (struct rig){.options.limits.idle_timeout = weir_ms(50)});
}

static int send_too_much(struct rig *rig)
{
    static char answer[4096];
    weir_stream *s = rig_connect(rig);

    reading = (struct reading){.piece_bytes = PIECE_BYTES};
    begin(s, BODY_BYTES);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 413);
    assert_int_equal(reading.bytes, 0);
    weir_stream_close(s);
    return 0;
}

static void too_large_a_body_is_refused_before_any_of_it(void **state)
{
    (void)state;
    run_rig(send_too_much, (struct rig){.options.limits.body_bytes = BODY_BYTES - 1});
}

/* Many clients read nothing before all of their body is sent. */
static int send_all_of_it_first(struct rig *rig)
{
    static char answer[4096], piece[1 << 16];
    weir_stream *s = rig_connect(rig);

    begin(s, MUCH_BYTES);
    for (size_t sent = 0; sent < MUCH_BYTES; sent += sizeof piece)
        assert_int_equal(weir_write(s, piece, sizeof piece), 0);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 413);
    weir_stream_close(s);
    return 0;
}

static void who_sends_all_of_it_first_is_told_so(void **state)
{
    (void)state;
    run_rig(send_all_of_it_first, (struct rig){.options.limits.body_bytes = BODY_BYTES - 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_whole_whatever_its_size),
        cmocka_unit_test(the_next_request_stays_where_it_is),
        cmocka_unit_test(a_client_that_leaves_is_noticed),
        cmocka_unit_test(a_client_that_stops_sending_is_given_up),
        cmocka_unit_test(too_large_a_body_is_refused_before_any_of_it),
        cmocka_unit_test(who_sends_all_of_it_first_is_told_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
