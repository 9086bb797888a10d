/* SPDX-License-Identifier: MIT */
/* Bodies fed to jobs piece by piece: whole, refused, broken off, and by clients that leave at every moment.
 */
#include "http/server/server_rig.h"
#include "app/support/occupied.h"
#include "support/torture.h"

#include <weir/pool.h>
#include <weir/task.h>

#include "jobs/digest.h"
#include "jobs/kinds.h"
#include "routes/computing.h"

/* --- a kind of job that sums bytes, fails when the body says so, and counts its states --- */

static int begun, ended;

static int sum_begin(weir_job *job, void *state, weir_bytes params)
{
    (void)job, (void)state, (void)params;
    begun++;
    return 0;
}

static int sum_piece(weir_job *job, void *state, weir_bytes piece, bool last)
{
    uint64_t *sum = state;

    for (size_t i = 0; i < piece.len; i++)
        *sum += (unsigned char)piece.data[i];
    if (piece.len > 0 && piece.data[0] == '!')
        return weir_job_fail(job, -JOB_DAMAGED, "it begins with an exclamation mark");
    return weir_job_printf(job, last ? "%llu." : "%llu,", (unsigned long long)*sum);
}

static void sum_end(void *state)
{
    (void)state;
    ended++;
}

static const weir_job_kind sum_kind = {.name = "sum",
                                       .version = 1,
                                       .state_bytes = sizeof(uint64_t),
                                       .begin = sum_begin,
                                       .piece = sum_piece,
                                       .end = sum_end};

/* --- a handler that streams the output --- */

struct emitting {
    weir_response *res;
    bool begun;
};

static int emit(void *arg, const weir_buffer *out, bool more)
{
    struct emitting *e = arg;
    int err = 0;

    if (!more && !e->begun)
        return weir_respond_buffer(e->res, 200, "text/plain", out);
    if (!e->begun)
        err = weir_respond_begin(e->res, 200, "text/plain", -1);
    e->begun = true;
    return err < 0 ? err : weir_respond_write(e->res, out->data, out->len);
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    weir_pool *pool = weir_request_data(req);
    const weir_offload_options options = {.when_full = pool == weir_pool_compute() ? WEIR_WAIT : WEIR_REFUSE};
    struct emitting e = {.res = res};
    weir_job_stream *stream;
    weir_job_fault fault;
    int err;

    (void)state;
    assert_int_equal(weir_job_kind_register(&sum_kind), 0);
    assert_int_equal(weir_job_stream_open(pool, "sum", (weir_bytes){0}, &options, &stream), 0);
    err = computing_feed(req, stream, emit, &e, &fault);
    weir_job_stream_close(stream);
    return err < 0 && !e.begun ? computing_fail(res, err, &fault) : err;
}

static weir_route route = {.path = "/sum", .handler = handle, .body_bytes_max = 1 << 30};

/* --- clients --- */

static int send_zeros_and_ones(weir_stream *s, size_t bytes)
{
    static char piece[10007];
    int err = 0;

    memset(piece, 1, sizeof piece);
    for (size_t n; bytes > 0 && err == 0; bytes -= n) {
        n = bytes < sizeof piece ? bytes : sizeof piece;
        err = weir_write(s, piece, n);
    }
    return err;
}

/* Reads to the end of a chunked answer, or of one with a length, within room. */
static size_t read_until(weir_stream *s, const char *end, char *text, size_t room)
{
    size_t len = 0;

    for (text[0] = '\0'; strstr(text, end) == NULL && len + 1 < room; text[len] = '\0') {
        ssize_t n = weir_read(s, text + len, room - len - 1);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return len;
}

static void post(weir_stream *s, size_t bytes)
{
    char head[100];

    (void)snprintf(head, sizeof head, "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", bytes);
    rig_send(s, head);
}

static int sums(struct rig *rig)
{
    static const size_t sizes[] = {0, 1, 262143, 262144, 262145, 524288, 1000000};
    char text[4096], wanted[32];

    begun = ended = 0;
    route.data = weir_pool_compute();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        weir_stream *s = rig_connect(rig);
        post(s, sizes[i]);
        assert_int_equal(send_zeros_and_ones(s, sizes[i]), 0);
        (void)snprintf(wanted, sizeof wanted, "\n%zu.",
                       sizes[i]); /* behind the head, which has "1." in its version */
        (void)read_until(s, wanted, text, sizeof text);
        assert_non_null(strstr(text, "200 OK"));
        assert_non_null(strstr(text, wanted));
        assert_int_equal(strstr(text, "content-length") != NULL,
                         sizes[i] < 262144); /* a single piece is answered whole */
        weir_stream_close(s);
    }
    assert_int_equal(begun, 7);
    return 0;
}

static void bodies_of_every_size_come_through(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = sums};

    (void)state;
    rig_run(&rig);
    assert_int_equal(begun, ended);
}

static int break_offs(struct rig *rig)
{
    char text[4096];
    weir_stream *s = rig_connect(rig);

    route.data = weir_pool_compute();
    post(s, 10);
    rig_send(s, "!23456789.");
    assert_int_equal(rig_answer(s, text, sizeof text), 422);
    assert_non_null(strstr(text, "exclamation mark"));
    weir_stream_close(s);

    s = rig_connect(rig); /* the job fails before the rest has come */
    post(s, 1 << 20);
    rig_send(s, "!");
    assert_int_equal(send_zeros_and_ones(s, 262143), 0);
    assert_int_equal(rig_answer(s, text, sizeof text), 422);
    weir_stream_close(s);

    s = rig_connect(rig); /* the body is cut off after the answer has begun */
    post(s, 1 << 20);
    assert_int_equal(send_zeros_and_ones(s, 600000), 0);
    assert_int_equal(weir_stream_shutdown(s), 0);
    (void)read_until(s, "0\r\n\r\n", text, sizeof text);
    assert_null(strstr(text, "0\r\n\r\n"));
    weir_stream_close(s);
    return 0;
}

static void what_breaks_off_is_told_or_breaks(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = break_offs};

    (void)state;
    begun = ended = 0;
    rig_run(&rig);
    assert_int_equal(begun, ended);
}

/* --- a pool that is full --- */

static int refusals(struct rig *rig)
{
    struct occupied small;
    weir_stream *s;
    char text[1024];

    occupied_open(&small);
    route.data = small.pool;
    s = rig_connect(rig);
    post(s, 3);
    rig_send(s, "abc");
    assert_int_equal(rig_answer(s, text, sizeof text), 503);
    assert_non_null(strstr(text, "retry-after: "));
    assert_non_null(strstr(text, "\"busy\""));
    weir_stream_close(s);
    occupied_close(&small);
    return 0;
}

static void a_full_pool_refuses_the_first_piece(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = refusals};

    (void)state;
    begun = ended = 0;
    rig_run(&rig);
    assert_int_equal(begun, 0);
}

/* --- clients that leave --- */

static struct rig tortured = {.routes = &route, .route_count = 1, .unrecorded = true};

static int ask_and_perhaps_leave(void *arg)
{
    static const char request[] =
        "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\nConnection: close\r\n\r\n";
    weir_stream *s;
    char text[256];
    ssize_t n = 1;
    int err = weir_connect(tortured.address, &s);

    (void)arg;
    if (err < 0)
        return err;
    err = weir_write(s, request, sizeof request - 1);
    if (err == 0)
        err = send_zeros_and_ones(s, 300000);
    while (err == 0 && n > 0)
        n = weir_read(s, text, sizeof text);
    weir_stream_close(s);
    return err < 0 ? err : (int)n;
}

static int torture_test(struct rig *rig)
{
    struct torture *t = rig->data;

    return torture_victim(t, ask_and_perhaps_leave, NULL);
}

static int leaving_world(struct torture *t)
{
    int result;

    begun = ended = 0;
    route.data = weir_pool_compute();
    tortured.data = t;
    tortured.test = torture_test;
    t->also_fine = -ECONNRESET;
    result = rig_main(&tortured);
    assert_int_equal(begun, ended);
    return result;
}

static void clients_may_leave_at_every_moment(void **state)
{
    (void)state;
    assert_true(torture(leaving_world, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_every_size_come_through),
        cmocka_unit_test(what_breaks_off_is_told_or_breaks),
        cmocka_unit_test(a_full_pool_refuses_the_first_piece),
        cmocka_unit_test(clients_may_leave_at_every_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
