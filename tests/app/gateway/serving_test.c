/* SPDX-License-Identifier: MIT */
/* Each kind of route in a gateway that runs, and what the gateway says on its log. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "app/support/given_json.h"
#include "app/support/running.h"
#include "support/run.h"

#if defined(__SANITIZE_THREAD__)
#define THUMBNAILS "# %s: libvips and what it uses are not built for TSan\n"
#else
#define THUMBNAILS                                                                                           \
    "  - {path: '/pictures/*', thumbnail: {root: '%s', width: 8, height: 8, format: png}}\n"                 \
    "  - {path: /shrink, thumbnail: {width: 8, height: 8}}\n"
#endif

static const char configuration[] =
    "loops: 2\n"
    "log: json\n"
    "pools: {compute: {wait: 10m}, blocking: {wait: 10m}}\n"
    "limits: {head_timeout: 10m, body_rate: 0B}\n"
    "routes:\n"
    "  - {path: /hello, respond: {body: 'hello', type: text/x, headers: {X-A: b}}}\n"
    "  - {path: /gone, respond: {status: 204}}\n"
    "  - {path: /large, respond: {body: '%s'}, compress_response: true}\n"
    "  - {path: /hash, hash: {algorithm: sha256}, limits: {body: 1KiB}}\n"
    "  - {path: /pick, json: {pick: {a: /b}}}\n"
    "  - {path: /pack, compress: {encoding: gzip}}\n"
    "  - {path: /burn, burn: {cpu: 1ms}}\n"
    "  - {path: /nap, sleep: {for: 1ms}}\n"
    "  - path: '/page/{id}'\n"
    "    gather:\n"
    "      deadline: 10m\n"
    "      require: none\n"
    "      forward: [x-user, accept-language, x-own]\n"
    "      calls:\n"
    "        - {name: one, url: 'http://%s/one?id={id}', headers: {X-Own: own}}\n"
    "  - path: /send\n"
    "    methods: POST\n"
    "    gather: {deadline: 10m, require: none, calls: [{name: put, method: PUT, url: 'http://%s/put'}]}\n"
    "  - path: /strict\n"
    "    gather: {deadline: 10m, require: all, detail: true, calls: [{name: bad, url: 'http://%s/bad'}, "
    "{name: dead, url: 'http://127.0.0.1:1/'}]}\n" THUMBNAILS;

static const unsigned char png[] = {0x89, 'P', 'N',  'G',  0x0d, 0x0a, 0x1a, 0x0a, 0,    0,    0,    0x0d,
                                    'I',  'H', 'D',  'R',  0,    0,    0,    1,    0,    0,    0,    1,
                                    8,    6,   0,    0,    0,    0x1f, 0x15, 0xc4, 0x89, 0,    0,    0,
                                    0x0d, 'I', 'D',  'A',  'T',  0x78, 0xda, 0x63, 0x64, 0xf8, 0xcf, 0x50,
                                    0x0f, 0,   0x03, 0x86, 0x01, 0x80, 0x5a, 0x34, 0x7d, 0x6b, 0,    0,
                                    0,    0,   'I',  'E',  'N',  'D',  0xae, 0x42, 0x60, 0x82};

static const struct given_page pages[] = {
    {"/one", 200, "[1]"}, {"/put", 201, "\"made\""}, {"/bad", 500, "sorry"}};

static struct running gateway;
static struct given_pages *backend;
static struct redirection output;
static struct answer got;
static char pictures[32];

static void write_picture(const char *name)
{
    char path[64];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", pictures, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(png, 1, sizeof png, file), sizeof png);
    assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
    char text[sizeof configuration + 3000], large[2001];
    const char *at;

    (void)state;
    strcpy(pictures, "/tmp/weir-test-XXXXXX");
    assert_non_null(mkdtemp(pictures));
    write_picture("a.png");
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    backend = given_pages_open(pages, 3);
    at = given_pages_address(backend);
    (void)snprintf(text, sizeof text, configuration, large, at, at, at, pictures);
    redirection_begin(&output); /* of the log; the results of the tests are printed after the end */
    running_start(&gateway, text);
    return 0;
}

static void post(const char *path, const char *fields, const void *body, size_t bytes, int status)
{
    char all[256];

    (void)snprintf(all, sizeof all, "Host: h\r\n%s", fields);
    ask(&got, gateway.address, path,
        &(struct question){.method = "POST", .fields = all, .body = body, .bytes = bytes});
    if (got.status != status)
        fail_msg("POST %s: %d %s", path, got.status, got.body);
}

static void get(const char *path, const char *fields, int status)
{
    char all[256];

    (void)snprintf(all, sizeof all, "Host: h\r\n%s", fields);
    ask(&got, gateway.address, path, &(struct question){.fields = all});
    if (got.status != status)
        fail_msg("GET %s: %d %s", path, got.status, got.body);
}

static void head(const char *path)
{
    ask(&got, gateway.address, path, &(struct question){.method = "HEAD"});
    assert_int_equal(got.status, 200);
    assert_int_equal(got.bytes, 0);
}

/* --- answers --- */

static void fixed_answers_are_as_written(void **state)
{
    char room[256];

    (void)state;
    get("/hello", "", 200);
    assert_string_equal(got.body, "hello");
    assert_string_equal(answer_field(&got, "content-type", room), "text/x");
    assert_string_equal(answer_field(&got, "x-a", room), "b");
    head("/hello");
    assert_string_equal(answer_field(&got, "content-length", room), "5");
    get("/gone", "", 204);
    assert_int_equal(got.bytes, 0);
    get("/nap", "", 200);
    assert_string_equal(got.body, "slept 1ms\n");
    get("/burn", "", 200);
    assert_string_equal(got.body, "burnt 1ms\n");
}

static void answers_are_compressed_for_clients_that_take_it(void **state)
{
    char room[256];
    size_t plain;

    (void)state;
    get("/large", "", 200);
    plain = got.bytes;
    assert_int_equal(plain, 2000);
    assert_null(answer_field(&got, "content-encoding", room));
    get("/large", "Accept-Encoding: gzip\r\n", 200);
    assert_string_equal(answer_field(&got, "content-encoding", room), "gzip");
    assert_true(got.bytes < plain / 10);
}

/* Packs with zlib, for bodies that are sent compressed. */
static size_t pack(const char *text, unsigned char *out, size_t room)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text,
                  .avail_in = (unsigned)strlen(text),
                  .next_out = out,
                  .avail_out = (unsigned)room};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&z);
    return z.total_out;
}

static void bodies_are_computed_on(void **state)
{
    static const char abc[] = "{\"algorithm\":\"sha256\",\"hex\":"
                              "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}";
    static const char large[1025];
    unsigned char packed[256];
    char room[256];
    size_t bytes;

    (void)state;
    post("/hash", "", "abc", 3, 200);
    assert_string_equal(got.body, abc);
    post("/hash", "", large, sizeof large, 413);
    post("/pick", "", "{\"b\":[2],\"c\":3}", 15, 200);
    assert_string_equal(got.body, "{\"a\":[2]}");
    bytes = pack("{\"b\":[2],\"c\":3}", packed, sizeof packed);
    post("/pick", "Content-Encoding: gzip\r\n", packed, bytes, 200);
    assert_string_equal(got.body, "{\"a\":[2]}");
    post("/pick", "Content-Encoding: gzip\r\n", packed, bytes - 9, 422);
    post("/pick", "Content-Encoding: lzma\r\n", packed, bytes, 415);
    console_has(got.body, "the body's content-encoding is not accepted here, expected one of ");
    post("/pick", "", "{", 1, 422);
    post("/pack", "", "some text some text some text", 29, 200);
    assert_true(memcmp(got.body, "\x1f\x8b", 2) == 0);
    post("/pack", "Content-Encoding: gzip\r\n", packed, bytes, 415);
    assert_string_equal(answer_field(&got, "accept-encoding", room), "identity");
    get("/hash", "", 405);
}

/* --- gathers --- */

static void calls_carry_what_is_passed_on(void **state)
{
    char request[4096], room[256];

    (void)state;
    get("/page/a%20b", "X-User: u7\r\nX-Other: no\r\nX-Own: theirs\r\nAccept-Language: de\r\n", 200);
    assert_string_equal(got.body, "{\"one\":{\"status\":200,\"body\":[1]}}");
    assert_null(answer_field(&got, "x-weir-partial", room));
    given_pages_head(backend, request);
    console_has(request, "GET /one?id=a%20b HTTP/1.1\r\n");
    console_has(request, "X-Own: own\r\n");
    console_has(request, "u7\r\n");
    console_has(request, "de\r\n");
    console_has(request, "traceparent: 00-");
    console_lacks(request, "X-Other");
    console_lacks(request, "theirs");                            /* the call has one of its own */
    get("/page/1", "X-User: u7\r\nConnection: x-user\r\n", 200); /* named as meant for this connection only */
    given_pages_head(backend, request);
    console_lacks(request, "u7");
    get("/page/1",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=1\r\n", 200);
    given_pages_head(backend, request);
    console_has(request, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-");
    console_lacks(request, "b7ad6b7169203331"); /* each call is a span of its own */
    console_has(request, "tracestate: a=1\r\n");
}

static void a_body_goes_to_calls_that_take_one(void **state)
{
    char request[4096];

    (void)state;
    post("/send", "Content-Type: text/x\r\n", "payload", 7, 200);
    assert_string_equal(got.body, "{\"put\":{\"status\":201,\"body\":\"made\"}}");
    given_pages_head(backend, request);
    console_has(request, "PUT /put HTTP/1.1\r\n");
    console_has(request, "content-type: text/x\r\n");
    console_has(request, "7\r\n");
}

static void failed_calls_are_told_in_detail(void **state)
{
    char room[256];
    json_t *answer;

    (void)state;
    get("/strict", "", 502);
    assert_string_equal(answer_field(&got, "x-weir-partial", room), "0/2");
    answer = read_json(got.body);
    assert_true(number_at(answer, "bad.status") == 500);
    assert_string_equal(text_at(answer, "bad.body"), "sorry");
    assert_string_equal(text_at(answer, "dead.error"), "connect failed");
    json_decref(answer);
}

/* --- thumbnails --- */

static void pictures_of_a_folder_are_made_small(void **state)
{
    char etag[256], date[256], fields[300], room[256];

    (void)state;
    if (*THUMBNAILS == '#')
        return;
    get("/pictures/a.png", "", 200);
    assert_string_equal(answer_field(&got, "content-type", room), "image/png");
    assert_true(memcmp(got.body, "\x89PNG", 4) == 0);
    assert_non_null(answer_field(&got, "etag", etag));
    assert_non_null(answer_field(&got, "last-modified", date));
    (void)snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", etag);
    get("/pictures/a.png", fields, 304);
    assert_int_equal(got.bytes, 0);
    assert_string_equal(answer_field(&got, "etag", room), etag);
    (void)snprintf(fields, sizeof fields, "If-Modified-Since: %s\r\n", date);
    get("/pictures/a.png", fields, 304);
    get("/pictures/a.png", "If-None-Match: \"other\"\r\n", 200);
    get("/pictures/b.png", "", 404);
    console_has(got.body, "there is no such image");
    get("/pictures/..%2f..%2fetc%2fpasswd", "", 400);
    get("/pictures/", "", 404);
    head("/pictures/a.png");
}

static void a_picture_may_be_sent(void **state)
{
    char room[256];

    (void)state;
    if (*THUMBNAILS == '#')
        return;
    post("/shrink", "", png, sizeof png, 200);
    assert_string_equal(answer_field(&got, "vary", room), "accept");
    assert_string_equal(answer_field(&got, "content-type", room), "image/png"); /* it has an alpha channel */
    post("/shrink", "Accept: image/webp, image/jpeg;q=0.9\r\n", png, sizeof png, 200);
    assert_string_equal(answer_field(&got, "content-type", room), "image/webp");
    post("/shrink", "", "no picture", 10, 415);
    post("/shrink", "Content-Encoding: gzip\r\n", png, sizeof png, 415);
    get("/shrink", "", 405);
    assert_string_equal(answer_field(&got, "allow", room), "POST");
}

/* --- signals, and the log --- */

/* Waits until the log has a line with the text. */
static void wait_for_line(const char *text)
{
    static char log[1 << 20];
    ssize_t n;

    do {
        (void)usleep(1000);
        n = pread(output.files[1], log, sizeof log - 1, 0);
        log[n > 0 ? n : 0] = '\0';
    } while (strstr(log, text) == NULL);
}

static void signals_that_do_nothing_yet_say_so(void **state)
{
    (void)state;
    (void)kill(getpid(), SIGUSR1);
    wait_for_line("SIGUSR1 has no effect: the log goes to stderr, so no file has to be opened again");
    (void)kill(getpid(), SIGUSR2);
    wait_for_line("SIGUSR2 has no effect");
}

static void each_request_has_a_line(void **state)
{
    (void)state;
    get("/hello?x=%22", "", 200);
    wait_for_line("\"target\":\"/hello?x=%22\",\"route\":\"/hello\",\"status\":200");
    get("/strict", "", 502);
    wait_for_line("\"partial\":\"0/2\"");
    get("/nowhere", "", 404);
    wait_for_line("\"status\":404,\"refused\":\"not_found\"");
}

static int end(void **state)
{
    char *out, *log, path[64];
    bool drained;

    (void)state;
    answer_free(&got);
    running_stop(&gateway);
    (void)given_pages_close(backend, NULL);
    redirection_end(&output, &out, &log);
    drained = strstr(log, "\"draining\"") != NULL && strstr(log, "\"listening\"") != NULL;
    (void)fputs(out, stdout); /* the results of the tests */
    (void)fputs(log, stderr); /* and why one failed */
    free(out);
    free(log);
    (void)snprintf(path, sizeof path, "%s/a.png", pictures);
    (void)unlink(path);
    (void)rmdir(pictures);
    return drained ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_answers_are_as_written),
        cmocka_unit_test(answers_are_compressed_for_clients_that_take_it),
        cmocka_unit_test(bodies_are_computed_on),
        cmocka_unit_test(calls_carry_what_is_passed_on),
        cmocka_unit_test(a_body_goes_to_calls_that_take_one),
        cmocka_unit_test(failed_calls_are_told_in_detail),
        cmocka_unit_test(pictures_of_a_folder_are_made_small),
        cmocka_unit_test(a_picture_may_be_sent),
        cmocka_unit_test(signals_that_do_nothing_yet_say_so),
        cmocka_unit_test(each_request_has_a_line),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
