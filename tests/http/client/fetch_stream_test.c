/* SPDX-License-Identifier: MIT */
/* Requests and answers larger than memory: sent and read in pieces. */
#include "client_rig.h"

#include "core/loop.h"
#include "io/sim/sim.h"

/* --- reading --- */

enum { LINES = 30000, LINE_BYTES = 10 };

static char text[LINES * LINE_BYTES * 2];

static int serve_body(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        if (send_text(s, b->arg) < 0)
            break;
    return 0;
}

static weir_fetch_stream *fetch_open(weir_client *client, const char *url, const char *method, int64_t length)
{
    weir_fetch_options options = {.url = url, .method = method};
    weir_fetch_stream *f;

    assert_int_equal(weir_fetch_open(client, &options, length, &f), 0);
    return f;
}

static void read_lines(weir_fetch_stream *f, size_t piece)
{
    static char got[LINES * LINE_BYTES + 1];
    size_t len = 0;
    ssize_t n;

    while ((n = weir_fetch_read(f, got + len, sizeof got - len < piece ? sizeof got - len : piece)) > 0)
        len += (size_t)n;
    assert_int_equal(n, 0);
    assert_int_equal(len, LINES * LINE_BYTES);
    for (int i = 0; i < LINES; i++) {
        char line[16];
        assert_int_equal(snprintf(line, sizeof line, "%09d\n", i), LINE_BYTES);
        assert_memory_equal(got + i * LINE_BYTES, line, LINE_BYTES);
    }
    assert_int_equal(weir_fetch_read(f, got, 1), 0); /* the end stays the end */
}

static void write_lines(char *at, bool chunked)
{
    at += sprintf(at, "HTTP/1.1 200 OK\r\n");
    at += chunked ? sprintf(at, "transfer-encoding: chunked\r\n\r\n")
                  : sprintf(at, "content-length: %d\r\n\r\n", LINES * LINE_BYTES);
    for (int i = 0; i < LINES; i++)
        at += sprintf(at, chunked ? "a\r\n%09d\n\r\n" : "%09d\n", i);
    if (chunked)
        (void)stpcpy(at, "0\r\n\r\n");
}

static int downloads(void *arg)
{
    static const size_t pieces[] = {3000, 8192, 100000};
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;

    (void)arg;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        write_lines(text, i == 1);
        backend_open(&b, serve_body, text);
        for (int j = 0; j < 2; j++) {
            weir_fetch_stream *f = fetch_open(client, b.url, NULL, 0);
            assert_int_equal(weir_fetch_head(f, &reply), 0);
            assert_int_equal(reply.status, 200);
            assert_true(reply.lent);
            read_lines(f, pieces[i]);
            weir_fetch_close(f);
        }
        assert_int_equal(b.connections, 1);
        backend_close(&b);
    }
    weir_client_close(client);
    return 0;
}

static void large_answers_are_read_in_pieces(void **state)
{
    (void)state;
    run_on_all_transports(downloads, NULL);
    for (uint64_t seed = seed_first(); seed <= seed_last(5); seed++)
        run_simulated_and_in_memory(seed, downloads, NULL);
}

static int serve_dribble(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) <= 0 || send_text(s, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n") < 0)
        return 0;
    for (int i = 0; i < 1000; i++)
        if (send_text(s, "1\r\nx\r\n") < 0 || weir_sleep(weir_us((int64_t)weir_random_below(3) * 20)) < 0)
            return 0;
    (void)send_text(s, "0\r\n\r\n");
    (void)client_leaves(s);
    return 0;
}

/* No wake is lost, whenever the bytes come. */
static int dribble(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_fetch_stream *f;
    ssize_t n, sum = 0;
    char byte;

    (void)arg;
    backend_open(&b, serve_dribble, NULL);
    f = fetch_open(client, b.url, NULL, 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    while ((n = weir_fetch_read(f, &byte, 1)) > 0)
        sum += n;
    assert_int_equal(n, 0);
    assert_int_equal(sum, 1000);
    weir_fetch_close(f);
    assert_int_equal(idle_count(client), 1);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void small_pieces_come_through(void **state)
{
    (void)state;
    run_on_all_transports(dribble, NULL);
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++)
        run_simulated_and_in_memory(seed, dribble, NULL);
}

static int serve_and_close(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) > 0 && send_text(s, b->arg) == 0)
        (void)weir_sleep(weir_us(200));
    return 0;
}

static int endings(void *arg)
{
    static const struct {
        const char *answer;
        ssize_t end; /* what the read behind "hello" says */
    } cases[] = {{"HTTP/1.0 200 OK\r\n\r\nhello", 0},
                 {"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", 0},
                 {"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello", -WEIR_ETRUNCATED},
                 {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", -WEIR_ETRUNCATED},
                 {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nz", -WEIR_EPROTOCOL}};

    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct backend b;
        weir_client *client = client_open(NULL);
        weir_reply reply;
        weir_fetch_stream *f;
        char got[64];
        size_t len = 0;
        ssize_t n;
        backend_open(&b, serve_and_close, (void *)(uintptr_t)cases[i].answer);
        f = fetch_open(client, b.url, NULL, 0);
        assert_int_equal(weir_fetch_head(f, &reply), 0);
        while (len < 5 && (n = weir_fetch_read(f, got + len, sizeof got - len)) > 0)
            len += (size_t)n;
        assert_int_equal(len, 5);
        assert_int_equal(weir_fetch_read(f, got, sizeof got), cases[i].end);
        weir_fetch_close(f);
        assert_int_equal(idle_count(client), 0);
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void every_ending_is_told_apart(void **state)
{
    (void)state;
    run_on_all_transports(endings, NULL);
}

static int left_early(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_fetch_stream *f;
    char some[100];

    (void)arg;
    write_lines(text, true);
    backend_open(&b, serve_body, text);
    f = fetch_open(client, b.url, NULL, 0); /* closed before anything */
    weir_fetch_close(f);
    f = fetch_open(client, b.url, NULL, 0); /* after the head */
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    weir_fetch_close(f);
    f = fetch_open(client, b.url, NULL, 0); /* in the body */
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_in_range(weir_fetch_read(f, some, sizeof some), 1, sizeof some);
    weir_fetch_close(f);
    weir_fetch_close(NULL);
    assert_int_equal(idle_count(client), 0);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void an_answer_not_read_closes_the_connection(void **state)
{
    (void)state;
    run_on_all_transports(left_early, NULL);
}

/* --- writing --- */

/* Reads the whole body with the library's own reader and answers how long it was. */
static int serve_count(struct backend *b, weir_stream *s, int number)
{
    static char buffer[64 << 10];
    struct weir__http_body body;
    char *end, answer[128];
    size_t at = 0, len;

    (void)number;
    while (read_request(b, s) > 0) {
        bool chunked = strstr(b->request, "transfer-encoding: chunked\r\n") != NULL;
        const char *length = strstr(b->request, "content-length: ");
        char digits[24];
        int digit_count;

        weir__http_body_begin(&body, chunked ? WEIR__HTTP_CHUNKED : WEIR__HTTP_LENGTH,
                              length ? atoll(length + 16) : 0, UINT64_MAX);
        end = strstr(b->request, "\r\n\r\n") + 4;
        len = strlen(end);
        memcpy(buffer, end, len);
        for (at = 0; !body.ended;) {
            weir_bytes run;
            size_t used;
            if (at == len) {
                ssize_t n = weir_read(s, buffer, sizeof buffer);
                if (n <= 0)
                    return 0;
                at = 0;
                len = (size_t)n;
            }
            assert_true(weir__http_body_next(&body, buffer + at, len - at, &used, &run) >= 0);
            for (size_t i = 0; i < run.len; i++)
                assert_int_equal(run.data[i], 'x');
            at += used;
        }
        assert_int_equal(at, len);
        digit_count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)body.taken);
        (void)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s", digit_count,
                       digits);
        if (send_text(s, answer) < 0)
            return 0;
    }
    return 0;
}

static long upload(weir_client *client, const char *url, int64_t length, size_t total, size_t piece)
{
    static const char block[100000] = {[0 ... sizeof block - 1] = 'x'};
    weir_fetch_stream *f = fetch_open(client, url, "POST", length);
    weir_reply reply;
    char digits[24];
    ssize_t n, len = 0;

    assert_int_equal(weir_fetch_write(f, block, 0), 0); /* is no last chunk */
    for (size_t at = 0; at < total; at += piece)
        assert_int_equal(weir_fetch_write(f, block, total - at < piece ? total - at : piece), 0);
    if (length >= 0)
        assert_int_equal(weir_fetch_write(f, block, 1), -EINVAL);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(weir_fetch_write(f, block, 1), -EINVAL);
    while ((n = weir_fetch_read(f, digits + len, sizeof digits - 1 - (size_t)len)) > 0)
        len += n;
    assert_int_equal(n, 0);
    digits[len] = '\0';
    weir_fetch_close(f);
    return atol(digits);
}

static int uploads(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);

    (void)arg;
    backend_open(&b, serve_count, NULL);
    assert_int_equal(upload(client, b.url, -1, 1000000, 70000), 1000000);
    assert_int_equal(upload(client, b.url, -1, 0, 1), 0);
    assert_int_equal(upload(client, b.url, -1, 100, 1), 100);
    assert_int_equal(upload(client, b.url, 1000000, 1000000, 33333), 1000000);
    assert_int_equal(upload(client, b.url, 0, 0, 1), 0);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void large_requests_are_sent_in_pieces(void **state)
{
    (void)state;
    run_on_all_transports(uploads, NULL);
}

/* Bodies that can't be sent again take fresh connections; they may not pile up. */
static int no_pile(void *arg)
{
    struct backend b;
    weir_client_options options = {.connections_per_origin = 2};
    weir_client *client = client_open(&options);

    (void)arg;
    backend_open(&b, serve_count, NULL);
    for (int i = 0; i < 10; i++)
        assert_int_equal(upload(client, b.url, -1, 10, 10), 10);
    assert_in_range(idle_count(client), 1, 2);
    assert_int_equal(weir_sleep(weir_ms(10)), 0);
    assert_in_range(b.open, 1, 2);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void fresh_connections_do_not_pile_up(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, no_pile, NULL);
}

static int too_little(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_fetch_stream *f;

    (void)arg;
    backend_open(&b, serve_count, NULL);
    f = fetch_open(client, b.url, "POST", 10);
    assert_int_equal(weir_fetch_write(f, "xxx", 3), 0);
    assert_int_equal(weir_fetch_head(f, &reply), -EINVAL);
    weir_fetch_close(f);
    assert_int_equal(idle_count(client), 0);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void less_than_announced_is_refused(void **state)
{
    (void)state;
    run_simulated_and_in_memory(1, too_little, NULL);
}

/* Says no after the head, reads no more and closes: what it says arrives, the write fails at some time. */
static int serve_no(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) > 0 &&
        send_text(s, "HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno") == 0)
        (void)weir_stream_shutdown(s);
    (void)weir_sleep(weir_ms(5));
    return 0;
}

static int said_no(void *arg)
{
    static const char block[100000];
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_fetch_stream *f;
    int err = 0;

    (void)arg;
    backend_open(&b, serve_no, NULL);
    f = fetch_open(client, b.url, "POST", -1);
    for (int i = 0; i < 1000 && err == 0; i++)
        err = weir_fetch_write(f, block, sizeof block);
    if (err != 1 && err != -EPIPE && err != -ECONNRESET)
        fail_msg("%s: %s", weir__io_backend_name(client->loop->io), weir_error_name(err));
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(reply.status, 413);
    weir_fetch_close(f);
    assert_int_equal(idle_count(client), 0);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void an_early_answer_is_read_after_a_failed_write(void **state)
{
    (void)state;
    run_on_all_transports(said_no, NULL);
}

/* --- lost connections --- */

static int serve_one_only(struct backend *b, weir_stream *s, int number)
{
    if (read_request(b, s) > 0)
        (void)send_text(s, OK_ANSWER);
    if (number == 0)
        (void)read_request(b, s);
    return 0;
}

static int lost(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_reply reply;
    weir_fetch_stream *f;
    char got[8];
    int err;

    (void)arg;
    backend_open(&b, serve_one_only, NULL);
    get_ok(client, b.url);
    f = fetch_open(client, b.url, "GET", 0);
    assert_int_equal(weir_fetch_head(f, &reply), 0);
    assert_int_equal(weir_fetch_read(f, got, sizeof got), 2);
    weir_fetch_close(f);
    assert_int_equal(b.requests, 3);
    assert_int_equal(b.connections, 2);
    backend_close(&b);
    backend_open(&b, serve_one_only, NULL);
    get_ok(client, b.url);
    f = fetch_open(client, b.url, "POST", 0);
    err = weir_fetch_head(f, &reply);
    assert_true(err == -WEIR_ETRUNCATED || err == -ECONNRESET);
    weir_fetch_close(f);
    assert_int_equal(b.requests, 2);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void a_request_lost_by_a_kept_connection_is_sent_again(void **state)
{
    (void)state;
    run_on_all_transports(lost, NULL);
}

static int refusals(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_fetch_stream *f;
    weir_header bad = {"content-length", "3"};
    weir_fetch_options options = {.url = "nonsense"};
    static const weir_header two[] = {{"Host", "a"}, {"host", "a"}}, none[] = {{"Host", ""}},
                             path[] = {{"host", "a/b"}};
    const weir_fetch_options proxied[] = {
        {.headers = two, .header_count = 2},
        {.headers = none, .header_count = 1},
        {.headers = path, .header_count = 1},
        {.target = "a"},
        {.target = ""},
        {.target = "/a b"},
        {.target = "*x"},
        {.upgrade = "a b"},
        {.upgrade = "a/"},
        {.upgrade = ", ,"},
    };

    (void)arg;
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), -EINVAL);
    backend_open(&b, serve_count, NULL);
    options = (weir_fetch_options){.url = b.url, .headers = &bad, .header_count = 1};
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), -EINVAL);
    for (size_t i = 0; i < sizeof proxied / sizeof *proxied; i++) {
        options = proxied[i];
        options.url = b.url;
        assert_int_equal(weir_fetch_open(client, &options, 0, &f), -EINVAL);
    }
    options = (weir_fetch_options){.url = b.url};
    assert_int_equal(weir_fetch_open(client, &options, 3, &f), 0);
    assert_int_equal(weir_fetch_trailer_add(f, "x-sum", "1"), -EINVAL); /* it is not chunked */
    weir_fetch_close(f);
    assert_int_equal(weir_fetch_open(client, &options, -1, &f), 0);
    assert_int_equal(weir_fetch_trailer_add(f, "x sum", "1"), -EINVAL);
    assert_int_equal(weir_fetch_trailer_add(f, "host", "1"), -EINVAL);
    assert_int_equal(weir_fetch_trailer_add(f, "x-sum", "1\r\na: b"), -EINVAL);
    assert_int_equal(weir_fetch_trailer_add(f, "x-sum", "1"), 0);
    weir_fetch_close(f);
    backend_close(&b);
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), -ECONNREFUSED);
    weir_client_close(client);
    return 0;
}

static void what_may_not_be_sent_is_refused(void **state)
{
    (void)state;
    run_on_all_transports(refusals, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_answers_are_read_in_pieces),
        cmocka_unit_test(small_pieces_come_through),
        cmocka_unit_test(every_ending_is_told_apart),
        cmocka_unit_test(an_answer_not_read_closes_the_connection),
        cmocka_unit_test(large_requests_are_sent_in_pieces),
        cmocka_unit_test(fresh_connections_do_not_pile_up),
        cmocka_unit_test(less_than_announced_is_refused),
        cmocka_unit_test(an_early_answer_is_read_after_a_failed_write),
        cmocka_unit_test(a_request_lost_by_a_kept_connection_is_sent_again),
        cmocka_unit_test(what_may_not_be_sent_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
