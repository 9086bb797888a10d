/* SPDX-License-Identifier: MIT */
/* Answers that come while the request is still being written. */
#include "client_rig.h"

#include "base/sanitizer.h"
#include "support/torture.h"

enum { BODY_BYTES = 8 << 20, TORTURED_BYTES = 256 << 10, PIECE_BYTES = 64 << 10 };

#ifdef WITH_TSAN /* which is slow where bytes pass, and looks for nothing that depends on how many do */
enum { ECHOED_BYTES = 2 << 20 };
#else
enum { ECHOED_BYTES = BODY_BYTES };
#endif

static char body[BODY_BYTES];

static void fill_body(void)
{
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i % 23);
}

#define NO "HTTP/1.1 413 Content Too Large\r\n"

/* --- a backend that has heard enough --- */

struct refusal {
    const char *answer;
    bool stays; /* reads no more and closes nothing; else it closes, with bytes unread: a reset */
    const char *body;
};

static int serve_refusal(struct backend *b, weir_stream *s, int number)
{
    const struct refusal *refusal = b->arg;

    (void)number;
    if (read_request(b, s) <= 0)
        return 0;
    if (strncmp(b->request, "GET", 3) == 0)
        return send_text(s, OK_ANSWER);
    if (send_text(s, refusal->answer) == 0) /* a reset takes what is not on its way yet */
        (void)weir_sleep(refusal->stays ? weir_seconds(3600) : weir_ms(5));
    return 0;
}

static const struct refusal refusals[] = {
    {NO "content-length: 2\r\n\r\nno", true, "no"},
    {NO "content-length: 2\r\nconnection: close\r\n\r\nno", false, "no"},
    {NO "transfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", true, "no"},
    {NO "transfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", false, "no"},
    {"HTTP/1.1 100 Continue\r\n\r\n" NO "content-length: 0\r\n\r\n", true, ""},
    {"HTTP/1.1 204 No Content\r\n\r\n", true, ""},
    {"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine", true, "fine"},
};

static int fetch_refused(weir_client *client, const char *url, const char *wanted)
{
    const weir_fetch_options options = {
        .method = "POST", .url = url, .body = body, .body_bytes = sizeof body};
    weir_reply reply;
    int err = weir_fetch(client, &options, &reply);

    if (err == 0) {
        assert_string_equal(reply.body, wanted);
        weir_reply_free(&reply);
    }
    return err;
}

static int stream_refused(weir_client *client, const char *url, int64_t length, const char *wanted)
{
    const weir_fetch_options options = {.method = "POST", .url = url};
    weir_fetch_stream *f;
    weir_reply reply;
    char text[16] = "";
    size_t len = 0;
    ssize_t n = 0;
    int err = weir_fetch_open(client, &options, length, &f);

    if (err < 0)
        return err;
    for (size_t at = 0; at < sizeof body && err == 0; at += PIECE_BYTES)
        err = weir_fetch_write(f, body + at, PIECE_BYTES);
    if (err == -EPIPE || err == -ECONNRESET)
        err = 1; /* the answer may be there nevertheless */
    if (err == 1)
        err = weir_fetch_head(f, &reply);
    else if (err == 0)
        fail_msg("all of it was written");
    while (err == 0 && (n = weir_fetch_read(f, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    weir_fetch_close(f);
    if (err == 0 && n == 0)
        assert_string_equal(text, wanted);
    return err < 0 ? err : (int)n;
}

static int refused(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        for (int way = 0; way < 3; way++) {
            const struct refusal *r = &refusals[i];
            weir_client *client = client_open(NULL);
            struct backend b;
            int err;
            backend_open(&b, serve_refusal, (void *)(uintptr_t)r);
            err = way == 0 ? fetch_refused(client, b.url, r->body)
                           : stream_refused(client, b.url, way == 1 ? -1 : BODY_BYTES, r->body);
            if (err != 0)
                fail_msg("%s, answer %zu, way %d: %s", weir__io_backend_name(client->loop->io), i, way,
                         weir_error_name(err));
            assert_int_equal(idle_count(client), 0); /* nobody knows what the backend makes of the rest */
            weir_client_close(client);
            backend_close(&b);
        }
    }
    return 0;
}

static void an_answer_to_half_a_request_is_heard_at_once(void **state)
{
    (void)state;
    run_on_all_transports(refused, NULL);
    for (uint64_t seed = seed_first(); seed <= seed_last(5); seed++)
        run_simulated_and_in_memory(seed, refused, NULL);
}

static int torture_refused(void *arg)
{
    struct backend *b = arg;
    weir_client *client = b->arg;

    return fetch_refused(client, b->url, "no");
}

static int torture_refused_stream(void *arg)
{
    struct backend *b = arg;
    weir_client *client = b->arg;

    return stream_refused(client, b->url, -1, "no");
}

/* --- a backend that ends without a word --- */

static int serve_silence(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    if (read_request(b, s) > 0 && b->arg == NULL)
        (void)weir_stream_shutdown(s); /* and keeps the connection, unread */
    if (b->arg == NULL)
        (void)weir_sleep(weir_seconds(3600));
    return 0;
}

static int silent(void *arg)
{
    static char resets;
    const void *ends[] = {NULL, &resets};

    (void)arg;
    for (int i = 0; i < 2; i++) {
        weir_client *client = client_open(NULL);
        struct backend b;
        int err;
        backend_open(&b, serve_silence, (void *)(uintptr_t)ends[i]);
        err = fetch_refused(client, b.url, "");
        if (err != -WEIR_ETRUNCATED && err != -ECONNRESET && err != -EPIPE)
            fail_msg("%s", weir_error_name(err));
        weir_client_close(client);
        backend_close(&b);
    }
    return 0;
}

static void an_end_without_an_answer_ends_the_request(void **state)
{
    (void)state;
    run_on_all_transports(silent, NULL);
}

/* --- a backend that answers while it reads --- */

/* Sends back what it reads, as it comes; never more than a piece ahead. */
static int serve_echo(struct backend *b, weir_stream *s, int number)
{
    static const char head[] = "HTTP/1.1 200 OK\r\ncontent-length: ";
    char text[128], piece[16 << 10];
    const char *begun;
    size_t left;

    (void)number;
    while (read_request(b, s) > 0) {
        const char *length = strstr(b->request, "content-length: ");
        if (length == NULL)
            return send_text(s, OK_ANSWER);
        left = (size_t)atol(length + 16);
        (void)snprintf(text, sizeof text, "%s%zu\r\n\r\n", head, left);
        begun = strstr(b->request, "\r\n\r\n") + 4;
        if (send_text(s, text) < 0 || weir_write(s, begun, strlen(begun)) < 0)
            return 0;
        left -= strlen(begun);
        while (left > 0) {
            ssize_t n = weir_read(s, piece, left < sizeof piece ? left : sizeof piece);
            if (n <= 0 || weir_write(s, piece, (size_t)n) < 0)
                return 0;
            left -= (size_t)n;
        }
    }
    return 0;
}

static int fetch_echo(weir_client *client, const char *url, size_t bytes)
{
    const weir_fetch_options options = {
        .method = "POST", .url = url, .body = body, .body_bytes = bytes, .reply_bytes_max = BODY_BYTES};
    weir_reply reply;
    int err = weir_fetch(client, &options, &reply);

    if (err < 0)
        return err;
    assert_int_equal(reply.body_bytes, bytes);
    assert_memory_equal(reply.body, body, bytes);
    weir_reply_free(&reply);
    return 0;
}

/* [duplex] */
struct upload {
    weir_fetch_stream *f;
    size_t bytes;
};

static int write_all(void *arg)
{
    struct upload *u = arg;

    for (size_t at = 0; at < u->bytes; at += PIECE_BYTES) {
        int err = weir_fetch_write(u->f, body + at, PIECE_BYTES);
        if (err != 0)
            return err;
    }
    return weir_fetch_end(u->f);
}

static int read_echo(struct upload *u)
{
    static char piece[100000];
    weir_reply reply;
    size_t len = 0;
    ssize_t n;
    int err = weir_fetch_head(u->f, &reply);

    if (err < 0)
        return err;
    assert_int_equal(reply.status, 200);
    while ((n = weir_fetch_read(u->f, piece, sizeof piece)) > 0) {
        assert_memory_equal(piece, body + len, (size_t)n);
        len += (size_t)n;
    }
    if (n == 0)
        assert_int_equal(len, u->bytes);
    return (int)n;
}

static int stream_echo(weir_client *client, const char *url, size_t bytes)
{
    const weir_fetch_options options = {.method = "POST", .url = url, .duplex = true};
    struct upload u = {.bytes = bytes};
    weir_scope scope;
    int err = weir_fetch_open(client, &options, (int64_t)bytes, &u.f), closed;

    if (err < 0)
        return err;
    weir_scope_open(&scope, weir_never(), 0);
    err = weir_spawn(&scope, "upload", write_all, &u);
    if (err == 0)
        err = read_echo(&u);
    if (err < 0)
        weir_scope_cancel(&scope);
    closed = weir_scope_close(&scope);
    weir_fetch_close(u.f);
    return err < 0 ? err : closed;
}
/* [/duplex] */

static int echoed(void *arg)
{
    weir_client *client = client_open(NULL);
    struct backend b;

    (void)arg;
    backend_open(&b, serve_echo, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fetch_echo(client, b.url, ECHOED_BYTES), 0);
        assert_int_equal(idle_count(client), 1); /* both ended whole */
    }
    assert_int_equal(b.connections, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stream_echo(client, b.url, ECHOED_BYTES), 0);
        assert_int_equal(idle_count(client), 1);
    }
    assert_int_equal(b.connections, 1);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void both_ways_at_once(void **state)
{
    (void)state;
    run_on_all_transports(echoed, NULL);
    for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)
        run_simulated_and_in_memory(seed, echoed, NULL);
}

/* --- a backend that first says all it has, and then reads --- */

static int serve_first(struct backend *b, weir_stream *s, int number)
{
    char text[128];
    ssize_t n;

    (void)number;
    if (read_request(b, s) <= 0)
        return 0;
    (void)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n", BODY_BYTES);
    if (send_text(s, text) < 0 || weir_write(s, body, sizeof body) < 0)
        return 0;
    do
        n = weir_read(s, text, sizeof text);
    while (n > 0);
    return 0;
}

static int answered_first(void *arg)
{
    weir_client *client = client_open(NULL);
    struct backend b;
    const weir_fetch_options options = {
        .method = "POST", .body = body, .body_bytes = sizeof body, .reply_bytes_max = BODY_BYTES};
    weir_fetch_options with_url = options;
    weir_reply reply;

    (void)arg;
    backend_open(&b, serve_first, NULL);
    with_url.url = b.url;
    assert_int_equal(weir_fetch(client, &with_url, &reply), 0);
    assert_int_equal(reply.body_bytes, sizeof body);
    assert_memory_equal(reply.body, body, sizeof body);
    weir_reply_free(&reply);
    weir_client_close(client);
    backend_close(&b);
    return 0;
}

static void a_long_answer_before_the_request_is_read(void **state)
{
    (void)state;
    run_on_all_transports(answered_first, NULL);
    for (uint64_t seed = seed_first(); seed <= seed_last(3); seed++)
        run_simulated_and_in_memory(seed, answered_first, NULL);
}

static int torture_echo(void *arg)
{
    struct backend *b = arg;

    return fetch_echo(b->arg, b->url, TORTURED_BYTES);
}

static int torture_stream_echo(void *arg)
{
    struct backend *b = arg;

    return stream_echo(b->arg, b->url, TORTURED_BYTES);
}

/* --- every wait cancelled --- */

static int (*victim)(void *arg);
static struct refusal stays = {NO "content-length: 2\r\n\r\nno", true, "no"};

static int serve_tortured(struct backend *b, weir_stream *s, int number)
{
    struct backend own = *b;

    if (victim == torture_echo || victim == torture_stream_echo)
        return serve_echo(b, s, number);
    own.arg = &stays;
    return serve_refusal(&own, s, number);
}

static int world(struct torture *t)
{
    weir_client *client = client_open(NULL);
    struct backend b;
    int result;

    backend_open(&b, serve_tortured, client);
    result = torture_victim(t, victim, &b);
    weir__list_each (node, &client->origins) {
        struct weir__origin *origin = weir__container_of(node, struct weir__origin, node);
        assert_int_equal(origin->in_use, 0);
        assert_int_equal(origin->users, 0);
    }
    get_ok(client, b.url);
    weir_client_close(client);
    backend_close(&b);
    return result;
}

static void all_of_it_can_be_cancelled(void **state)
{
    int (*const victims[])(void *) = {torture_refused, torture_refused_stream, torture_echo,
                                      torture_stream_echo};

    (void)state;
    for (size_t i = 0; i < sizeof victims / sizeof victims[0]; i++) {
        victim = victims[i];
        assert_in_range(torture_all_transports(world, NULL), 10, 100000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_to_half_a_request_is_heard_at_once),
        cmocka_unit_test(an_end_without_an_answer_ends_the_request),
        cmocka_unit_test(both_ways_at_once),
        cmocka_unit_test(a_long_answer_before_the_request_is_read),
        cmocka_unit_test(all_of_it_can_be_cancelled),
    };

    fill_body();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
