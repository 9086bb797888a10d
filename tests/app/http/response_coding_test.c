/* SPDX-License-Identifier: MIT */
/* Compressed answers: which are compressed, by the client's preferences, whole and streamed, and when the
 * pool has no room. */
#include "http/server/server_rig.h"
#include "app/support/occupied.h"
#include "support/torture.h"

#include <weir/pool.h>
#include <weir/task.h>
#include <zlib.h>

#include "config/route_kind.h"
#include "http/response_coding.h"

/* --- a handler that answers as its query says --- */

static char text_of[200001], noise[5000];
static const char fixed_text[] =
    "always the same, always the same, always the same, always the same, always the same";
static struct response_coding *coding;

static int stream_all(weir_response *res, size_t bytes, size_t piece, int64_t length)
{
    int err = weir_respond_begin(res, 200, "text/css", length);

    for (size_t at = 0; err == 0 && at < bytes; at += piece)
        err = weir_respond_write(res, text_of + at, bytes - at < piece ? bytes - at : piece);
    return err;
}

static int answer(weir_request *req, weir_response *res)
{
    const char *how = weir_request_query(req);
    int err = 0;

    if (strstr(how, "etag") != NULL)
        err = weir_response_header_add(res, "etag", "\"tag\"");
    if (err == 0 && strstr(how, "vary") != NULL)
        err = weir_response_header_add(res, "vary", "accept");
    if (err == 0 && strstr(how, "encoded") != NULL)
        err = weir_response_header_add(res, "content-encoding", "br");
    if (err == 0 && strstr(how, "no-transform") != NULL)
        err = weir_response_header_add(res, "cache-control", "public, no-transform");
    if (err < 0)
        return err;
    if (strstr(how, "known") != NULL && strstr(how, "stream") == NULL)
        return weir_respond_bytes(res, 304, NULL, NULL, 0);
    if (strstr(how, "fixed") != NULL)
        return weir_respond_bytes(res, 200, "text/plain", fixed_text, sizeof fixed_text - 1);
    if (strstr(how, "part") != NULL)
        return weir_respond_bytes(res, 206, "text/plain", text_of, 5000);
    if (strstr(how, "image") != NULL)
        return weir_respond_bytes(res, 200, "image/png", text_of, 5000);
    if (strstr(how, "events") != NULL)
        return weir_respond_bytes(res, 200, "text/event-stream", text_of, 5000);
    if (strstr(how, "noise") != NULL)
        return weir_respond_bytes(res, 200, "text/plain", noise, 5000);
    if (strstr(how, "tiny") != NULL)
        return weir_respond_bytes(res, 200, "text/plain", text_of, 49);
    if (strstr(how, "large") != NULL)
        return weir_respond_bytes(res, 200, "application/problem+json; charset=utf-8", text_of, 200000);
    if (strstr(how, "stream-known") != NULL)
        return stream_all(res, 200000, 999, 200000);
    if (strstr(how, "stream-big") != NULL)
        return stream_all(res, 200000, 130000, -1);
    if (strstr(how, "stream-short") != NULL)
        return stream_all(res, 100000, 999, 200000);
    if (strstr(how, "stream") != NULL)
        return stream_all(res, 200000, 999, -1);
    return weir_respond_bytes(res, 200, "text/plain", text_of, 5000);
}

static int handle(weir_request *req, weir_response *res, void *state)
{
    (void)state;
    assert_int_equal(response_coding_use(coding, req, res), 0);
    return answer(req, res);
}

static weir_bytes fixed_body(const void *settings)
{
    (void)settings;
    return (weir_bytes){fixed_text, sizeof fixed_text - 1};
}

static const struct route_kind kind = {.name = "test", .fixed_body = fixed_body};
static struct config_route config = {
    .kind = &kind,
    .on = "compute",
    .compress_response = {
        .on = true, .order = {ENCODING_BR, ENCODING_GZIP}, .count = 2, .level = {5, 4, 3}, .min_bytes = 50}};
static const weir_route route = {.path = "/", .methods = "GET", .handler = handle};

/* --- asking --- */

static char reply[400000], plain[400000];
static size_t reply_bytes;

static void ask(struct rig *rig, const char *method, const char *how, const char *accept)
{
    char request[300];
    weir_stream *s = rig_connect(rig);
    ssize_t n;

    (void)snprintf(request, sizeof request, "%s /?%s HTTP/1.0\r\n%s%s\r\n\r\n", method, how,
                   accept != NULL ? "Accept-Encoding: " : "X: ", accept != NULL ? accept : "y");
    rig_send(s, request);
    reply_bytes = 0;
    while ((n = weir_read(s, reply + reply_bytes, sizeof reply - reply_bytes - 1)) > 0)
        reply_bytes += (size_t)n;
    reply[reply_bytes] = '\0';
    weir_stream_close(s);
}

static bool says(const char *text)
{
    const char *end = strstr(reply, "\r\n\r\n"), *found = strstr(reply, text);

    return found != NULL && found < end;
}

/* The unpacked length of a gzip body. */
static size_t unpack(void)
{
    const char *body = strstr(reply, "\r\n\r\n") + 4;
    z_stream z = {.next_in = (Bytef *)(uintptr_t)body,
                  .avail_in = (uInt)(reply_bytes - (size_t)(body - reply))};

    z.next_out = (Bytef *)plain;
    z.avail_out = sizeof plain;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
    return sizeof plain - z.avail_out;
}

/* --- headers --- */

static const struct {
    const char *method, *how, *accept;
    const char *has[3], *not_there[2];
} table[] = {
    {"GET",
     "",
     "gzip",
     {"content-encoding: gzip", "vary: accept-encoding", "content-length: "},
     {"content-length: 5000"}},
    {"GET", "", "gzip, br", {"content-encoding: br"}, {NULL}},
    {"GET", "", "br;q=0.5, gzip", {"content-encoding: gzip"}, {NULL}},
    {"GET", "", "*", {"content-encoding: br"}, {NULL}},
    {"GET", "", "zstd", {"vary: accept-encoding", "content-length: 5000"}, {"content-encoding"}},
    {"GET", "", NULL, {"vary: accept-encoding", "content-length: 5000"}, {"content-encoding"}},
    {"GET", "", "gzip;q=0", {"content-length: 5000"}, {"content-encoding"}},
    {"GET", "", "identity, gzip;q=0.5", {"content-length: 5000"}, {"content-encoding"}},
    {"GET", "", "identity;q=0.1, gzip;q=0.5", {"content-encoding: gzip"}, {NULL}},
    {"HEAD", "", "gzip", {"content-encoding: gzip", "vary: accept-encoding"}, {"content-length"}},
    {"HEAD", "etag", "gzip", {"content-encoding: gzip", "etag: W/\"tag\""}, {"content-length"}},
    {"HEAD", "fixed", "gzip", {"content-encoding: gzip", "vary: accept-encoding"}, {"content-length"}},
    {"GET", "etag-noise", "gzip", {"content-length: 5000", "etag: \"tag\""}, {"content-encoding", "W/"}},
    {"HEAD", "etag-noise", "gzip", {"content-length: 5000", "etag: \"tag\""}, {"content-encoding", "W/"}},
    {"HEAD", "part", "gzip", {"206", "content-length: 5000"}, {"content-encoding"}},
    {"HEAD", "tiny", "gzip", {"content-length: 49"}, {"content-encoding"}},
    {"HEAD", "", "identity", {"content-length: 5000"}, {"content-encoding"}},
    {"HEAD", "stream", "gzip", {"content-encoding: gzip", "vary: accept-encoding"}, {"content-length"}},
    {"HEAD", "stream-known", "br", {"content-encoding: br"}, {"content-length"}},
    {"HEAD", "stream-known", NULL, {"content-length: 200000"}, {"content-encoding"}},
    {"HEAD", "image", "gzip", {"content-length: 5000"}, {"vary"}},
    {"GET", "etag", "gzip", {"content-encoding: gzip", "etag: W/\"tag\""}, {NULL}},
    {"GET", "etag", NULL, {"etag: \"tag\""}, {"W/"}},
    {"GET", "etag-known", "gzip", {"304", "vary: accept-encoding", "etag: \"tag\""}, {"W/"}},
    {"GET", "etag-known", "gzip\r\nIf-None-Match: W/\"tag\"", {"304", "etag: W/\"tag\""}, {NULL}},
    {"GET", "etag-known", "gzip\r\nIf-None-Match: \"tag\", W/\"tag\"", {"etag: W/\"tag\""}, {NULL}},
    {"GET", "etag-known", "gzip\r\nIf-None-Match: \"tag\"", {"etag: \"tag\""}, {"W/"}},
    {"GET", "etag-known", "zstd\r\nIf-None-Match: W/\"tag\"", {"etag: \"tag\""}, {"W/"}},
    {"GET", "known-no-transform", "gzip", {"304"}, {"vary"}},
    {"GET", "vary", "gzip", {"vary: accept, accept-encoding\r\n"}, {NULL}},
    {"GET", "encoded", "gzip", {"content-encoding: br", "content-length: 5000"}, {"gzip", "vary"}},
    {"GET", "no-transform", "gzip", {"content-length: 5000"}, {"content-encoding", "vary"}},
    {"GET", "part", "gzip", {"206", "content-length: 5000"}, {"content-encoding"}},
    {"GET", "image", "gzip", {"content-length: 5000"}, {"content-encoding", "vary"}},
    {"GET", "events", "gzip", {"content-length: 5000"}, {"content-encoding"}},
    {"GET", "tiny", "gzip", {"content-length: 49"}, {"content-encoding"}},
    {"GET", "large", "gzip", {"content-encoding: gzip", "content-length: "}, {"content-length: 200000"}},
    {"GET", "stream-known", "br", {"content-encoding: br"}, {"content-length"}},
    {"GET", "stream", NULL, {"vary"}, {"content-encoding"}},
};

static int heads(struct rig *rig)
{
    assert_int_equal(response_coding_open(&config, &coding), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ask(rig, table[i].method, table[i].how, table[i].accept);
        for (size_t k = 0; k < 3 && table[i].has[k] != NULL; k++)
            if (!says(table[i].has[k]))
                fail_msg("%s for %s: no %s in %.300s", table[i].how, table[i].accept, table[i].has[k], reply);
        for (size_t k = 0; k < 2 && table[i].not_there[k] != NULL; k++)
            if (says(table[i].not_there[k]))
                fail_msg("%s for %s: %s in %.300s", table[i].how, table[i].accept, table[i].not_there[k],
                         reply);
    }
    response_coding_close(coding);
    return 0;
}

static void what_is_worth_it_is_compressed(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = heads};

    (void)state;
    rig_run(&rig);
}

static int bodies(struct rig *rig)
{
    static const char *const hows[] = {"large", "stream", "stream-known", "stream-big"};

    assert_int_equal(response_coding_open(&config, &coding), 0);
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        ask(rig, "GET", hows[i], "gzip");
        assert_true(says("content-encoding: gzip"));
        assert_int_equal(unpack(), 200000);
        assert_memory_equal(plain, text_of, 200000);
        assert_true(reply_bytes < 100000);
    }
    for (int i = 0; i < 3; i++) { /* made once, then kept */
        ask(rig, "GET", "fixed", "gzip");
        assert_int_equal(unpack(), sizeof fixed_text - 1);
        assert_memory_equal(plain, fixed_text, sizeof fixed_text - 1);
    }
    ask(rig, "GET", "stream-short", "gzip"); /* an incomplete answer must not look whole */
    assert_int_not_equal(strncmp(reply + reply_bytes - 4, "\xa0\x86\x01", 3), 0);
    response_coding_close(coding);
    return 0;
}

static void bodies_can_be_unpacked(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = bodies};

    (void)state;
    rig_run(&rig);
}

/* --- without room in the pool --- */

static int full(struct rig *rig)
{
    static const char *const hows[] = {"large", "stream"};
    struct occupied small;

    occupied_open(&small);
    config.on = "small";
    assert_int_equal(response_coding_open(&config, &coding), 0);
    for (size_t i = 0; i < 2; i++) {
        ask(rig, "GET", hows[i], "gzip");
        assert_true(says("200 OK") && says("vary: accept-encoding") && !says("content-encoding"));
        assert_memory_equal(strstr(reply, "\r\n\r\n") + 4, text_of, 200000);
    }
    ask(rig, "GET", "", "gzip"); /* a body this small is compressed on the loop */
    assert_true(says("content-encoding: gzip"));
    response_coding_close(coding);
    occupied_close(&small);
    config.on = "compute";
    return 0;
}

static void without_room_answers_go_out_as_they_are(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = full};

    (void)state;
    rig_run(&rig);
}

/* --- clients that leave --- */

static struct rig tortured = {.routes = &route, .route_count = 1, .unrecorded = true};

static int ask_and_perhaps_leave(void *arg)
{
    weir_stream *s;
    ssize_t n = 1;
    int err = weir_connect(tortured.address, &s);

    if (err < 0)
        return err;
    err = weir_write(s, arg, strlen(arg));
    while (err == 0 && n > 0)
        n = weir_read(s, reply, sizeof reply);
    weir_stream_close(s);
    return err < 0 ? err : (int)n;
}

static int torture_test(struct rig *rig)
{
    struct torture *t = rig->data;
    int result;

    assert_int_equal(response_coding_open(&config, &coding), 0);
    result = torture_victim(t, ask_and_perhaps_leave, t->arg);
    return result;
}

static int leaving_world(struct torture *t)
{
    int result;

    tortured.data = t;
    tortured.test = torture_test;
    t->also_fine = -ECONNRESET;
    result = rig_main(&tortured);
    response_coding_close(coding);
    return result;
}

static void clients_may_leave_at_every_moment(void **state)
{
    static char large[] =
        "GET /?large HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    static char stream[] =
        "GET /?stream-big HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";

    (void)state;
    assert_true(torture(leaving_world, large) > 5);
    assert_true(torture(leaving_world, stream) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_worth_it_is_compressed),
        cmocka_unit_test(bodies_can_be_unpacked),
        cmocka_unit_test(without_room_answers_go_out_as_they_are),
        cmocka_unit_test(clients_may_leave_at_every_moment),
    };

    for (uint64_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)((i * i * i + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
    for (size_t i = 0; i < sizeof text_of - 1; i++)
        text_of[i] = "etaoin shrdlu\n,.0"[(i * i * 2654435761u) >> 28 & 15];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
