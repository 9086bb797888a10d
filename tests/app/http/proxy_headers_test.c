/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/http_text.h>

#include "support/pieces.h"

#include "http/proxy_headers.h"

enum { HEADERS = 48, TEXT_BYTES = 4096 };

/* --- messages as text --- */

/* Splits "a: b|c: d" into headers, in place. */
static size_t split(char *text, weir_header *headers)
{
    size_t count = 0;

    for (char *line = strtok(text, "|"); line != NULL; line = strtok(NULL, "|")) {
        char *colon = strchr(line, ':');
        assert_non_null(colon);
        *colon = '\0';
        headers[count++] = (weir_header){line, colon[1] == ' ' ? colon + 2 : colon + 1};
    }
    return count;
}

static void print(const struct proxy_headers *made, char *out)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < made->count; i++)
        n += (size_t)snprintf(out + n, TEXT_BYTES - n, "%s%s: %s", i > 0 ? "|" : "", made->header[i].name,
                              made->header[i].value);
}

static const struct proxy_request plain = {
    .peer = "192.0.2.1:4711", .scheme = "http", .authority = "example.com:81", .version = WEIR_HTTP_1_1};

#define OURS                                                                                                 \
    "via: 1.1 weir|x-forwarded-for: 192.0.2.1|x-forwarded-proto: http|x-forwarded-host: example.com:81|"     \
    "forwarded: for=192.0.2.1;host=\"example.com:81\";proto=http"

/* Makes the headers of a request. Returns: the result, *upgrade in memory of the test. */
static int make(const char *text, const struct proxy_request *request, char *out, char *upgrade)
{
    struct pieces pieces = {.most = PIECES_MAX};
    const struct proxy_memory memory = {pieces_take, &pieces};
    weir_header headers[HEADERS];
    struct proxy_headers made;
    char copy[TEXT_BYTES];
    int err;

    strcpy(copy, text);
    err = proxy_request_headers(headers, split(copy, headers), request, &memory, &made);
    out[0] = upgrade[0] = '\0';
    if (err == 0) {
        print(&made, out);
        strcpy(upgrade, made.upgrade != NULL ? made.upgrade : "");
    } else {
        assert_non_null(made.fault);
    }
    pieces_free(&pieces);
    return err;
}

static void expect(const char *text, const struct proxy_request *request, const char *wanted)
{
    char out[TEXT_BYTES], upgrade[TEXT_BYTES];

    assert_int_equal(make(text, request, out, upgrade), 0);
    assert_string_equal(out, wanted);
}

/* --- requests --- */

static void unknown_headers_keep_their_order_and_number(void **state)
{
    (void)state;
    expect("X-A: 1|x-b:|X-A: 3|Accept: */*|Via: 1.1 a|Date: x", &plain,
           "X-A: 1|x-b: |X-A: 3|Accept: */*|Via: 1.1 a|Date: x|" OURS);
    expect("Host: h|Content-Length: 3", &plain, OURS);
}

static void what_belongs_to_a_connection_is_dropped(void **state)
{
    static const char *const dropped[] = {
        "Connection: close",
        "Connection: X-A, X-B|X-A: 1|x-b: 2|X-A: 3",
        "Keep-Alive: timeout=5",
        "Proxy-Authorization: x",
        "Proxy-Connection: keep-alive",
        "Proxy-Anything: x",
        "TE: gzip",
        "Trailer: x",
        "Transfer-Encoding: chunked",
        "Upgrade: websocket",
        "HTTP2-Settings: AAA",
        "Transfer_Encoding: chunked",
        "Content_Length: 7",
        "Keep_Alive: 1",
        "connection: x-a|Connection: x-b|X-A: 1|X-B: 2",
        "Expect: 100-continue",
    };

    (void)state;
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        expect(dropped[i], &plain, OURS);
}

/* The library's list and this one are the same. */
static void the_lists_agree(void **state)
{
    static const char *const all[] = {"connection",
                                      "keep-alive",
                                      "te",
                                      "trailer",
                                      "transfer-encoding",
                                      "upgrade",
                                      "proxy-authenticate",
                                      "proxy-x",
                                      "proxy-",
                                      "x-a",
                                      "cookie",
                                      "teh",
                                      "keep-alivf"};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[64], wanted[TEXT_BYTES];
        bool dropped = weir_header_is_hop_by_hop(weir_bytes_of(all[i]), (weir_bytes){"", 0});

        strcat(strcpy(text, all[i]), ": v");
        strcpy(wanted, dropped ? "" : text);
        strcat(wanted, dropped ? OURS : "|" OURS);
        if (strcmp(all[i], "connection") != 0)
            expect(text, &plain, wanted);
    }
}

static void connection_must_not_name_what_frames_or_is_added(void **state)
{
    static const char *const names[] = {"host",
                                        "Content-Length",
                                        "transfer-encoding",
                                        "Via",
                                        "X-Forwarded-For",
                                        "x-forwarded-proto",
                                        "x-forwarded-host",
                                        "Forwarded",
                                        "close, host",
                                        "x-forwarded-port",
                                        "X_Forwarded_For",
                                        "keep-alive,,via"};
    char text[TEXT_BYTES] = "Connection: ", out[TEXT_BYTES], upgrade[TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        strcpy(text + 12, names[i]);
        assert_int_equal(make(text, &plain, out, upgrade), -EINVAL);
    }
    for (int i = 0; i < PROXY_NAMED_MAX; i++)
        sprintf(text + 12 + 3 * i, "a%c,", 'a' + i % 26);
    assert_int_equal(make(text, &plain, out, upgrade), 0);
    strcat(text, "b");
    assert_int_equal(make(text, &plain, out, upgrade), -EINVAL);
}

static void what_a_stranger_says_of_itself_is_not_passed_on(void **state)
{
    (void)state;
    expect(
        "X-Forwarded-For: 10.0.0.1|X-Forwarded-Proto: https|X-Forwarded-Host: evil|Forwarded: for=10.0.0.1|"
        "X-Forwarded-Port: 1|X-Forwarded-: 1|X_Forwarded_For: 10.0.0.1|X-Forwarded-User: root",
        &plain, OURS);
}

static void a_trusted_peer_is_believed(void **state)
{
    struct proxy_request trusted = plain;

    (void)state;
    trusted.trusted = true;
    expect("X-A: 1", &trusted, "X-A: 1|" OURS);
    expect("X-Forwarded-For: 10.0.0.1|X-Forwarded-Proto: https|X-Forwarded-For: 10.0.0.2, 10.0.0.3|"
           "X-Forwarded-Host: shop|Forwarded: for=10.0.0.1|X-Forwarded-Port: 443",
           &trusted,
           "X-Forwarded-Port: 443|via: 1.1 weir|x-forwarded-for: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.1|"
           "x-forwarded-proto: https|x-forwarded-host: shop|"
           "forwarded: for=10.0.0.1, for=10.0.0.2, for=10.0.0.3;host=shop;proto=https, for=192.0.2.1");
}

static void peers_have_all_forms(void **state)
{
    struct proxy_request request = plain;

    (void)state;
    request.peer = "[2001:db8::1]:4711";
    request.authority = "h";
    expect("", &request,
           "via: 1.1 weir|x-forwarded-for: 2001:db8::1|x-forwarded-proto: http|x-forwarded-host: h|"
           "forwarded: for=\"[2001:db8::1]\";host=h;proto=http");
    request.peer = "unix";
    request.authority = "";
    request.version = WEIR_HTTP_1_0;
    expect("", &request, "via: 1.0 weir|x-forwarded-proto: http|forwarded: for=unknown;proto=http");
    request.authority = "[::1]:80";
    request.own_host = true;
    expect("Host: [::1]:80", &request,
           "host: [::1]:80|via: 1.0 weir|x-forwarded-proto: http|x-forwarded-host: [::1]:80|"
           "forwarded: for=unknown;host=\"[::1]:80\";proto=http");
}

static void what_is_asked_of_the_whole_way_goes_on(void **state)
{
    struct proxy_request request = plain;

    (void)state;
    expect("TE: gzip, trailers|Connection: te", &request, "te: trailers|" OURS);
    request.continues = request.has_body = true;
    expect("Expect: 100-continue", &request, "Expect: 100-continue|" OURS);
}

static void an_upgrade_is_asked_for_unless_to_h2c(void **state)
{
    static const struct {
        const char *text, *upgrade;
    } table[] = {
        {"Connection: Upgrade|Upgrade: websocket", "websocket"},
        {"Connection: keep-alive, upgrade|Upgrade: foo/2, H2C, bar|Upgrade: baz", "foo/2, bar, baz"},
        {"Connection: Upgrade, HTTP2-Settings|Upgrade: h2c|HTTP2-Settings: AAA", ""},
        {"Upgrade: websocket", ""}, /* Connection does not name it */
        {"Connection: Upgrade", ""},
    };
    struct proxy_request request = plain;
    char out[TEXT_BYTES], upgrade[TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(make(table[i].text, &plain, out, upgrade), 0);
        assert_string_equal(upgrade, table[i].upgrade);
        assert_string_equal(out, OURS);
    }
    request.has_body = true;
    assert_int_equal(make(table[0].text, &request, out, upgrade), 0);
    assert_string_equal(upgrade, "");
    request.has_body = false;
    request.version = WEIR_HTTP_1_0;
    assert_int_equal(make(table[0].text, &request, out, upgrade), 0);
    assert_string_equal(upgrade, "");
}

static void a_deadline_is_made_anew(void **state)
{
    struct proxy_request told = plain;

    (void)state;
    expect("X-Weir-Deadline-Ms: 9|x_weir_deadline_ms: 9|X-Weir-Attempt: 2", &plain,
           "X-Weir-Attempt: 2|" OURS);
    told.deadline = "7";
    expect("X-Weir-Deadline-Ms: 9", &told, "x-weir-deadline-ms: 7|" OURS);
    expect("a: 1", &told, "a: 1|x-weir-deadline-ms: 7|" OURS);
}

static void memory_may_be_short(void **state)
{
    char text[] = "Connection: upgrade|Upgrade: a|X-A: 1";
    weir_header headers[HEADERS];
    size_t count = split(text, headers);
    int err = -ENOMEM;

    (void)state;
    for (int most = 0; err != 0; most++) {
        struct pieces pieces = {.most = most};
        const struct proxy_memory memory = {pieces_take, &pieces};
        struct proxy_headers made;

        err = proxy_request_headers(headers, count, &plain, &memory, &made);
        assert_true(err == 0 ? most == 3 : err == -ENOMEM);
        pieces_free(&pieces);
    }
}

/* --- answers --- */

static int answer(const char *text, unsigned char version, char *out)
{
    struct pieces pieces = {.most = PIECES_MAX};
    const struct proxy_memory memory = {pieces_take, &pieces};
    weir_header headers[HEADERS];
    struct proxy_headers made;
    char copy[TEXT_BYTES];
    weir_reply reply = {.headers = headers, .version = version};
    int err;

    strcpy(copy, text);
    reply.header_count = split(copy, headers);
    err = proxy_response_headers(&reply, &memory, &made);
    if (err == 0)
        print(&made, out);
    pieces_free(&pieces);
    return err;
}

static void answers_lose_what_belongs_to_a_connection(void **state)
{
    char out[TEXT_BYTES];

    (void)state;
    assert_int_equal(
        answer("Set-Cookie: a|X: 1|Set-Cookie: b|Server: s|Content-Length: 4|Date: d|Connection: close, y|"
               "Y: 1|Keep-Alive: timeout=1|Upgrade: h2|Transfer-Encoding: chunked|Proxy-Authenticate: x|"
               "Trailer: t|Via: 1.1 b|Content-Type: text/plain",
               11, out),
        0);
    assert_string_equal(
        out, "Set-Cookie: a|X: 1|Set-Cookie: b|Server: s|Via: 1.1 b|Content-Type: text/plain|via: 1.1 weir");
    assert_int_equal(answer("", 10, out), 0);
    assert_string_equal(out, "via: 1.0 weir");
    assert_int_equal(answer("Connection: content-length|Content-Length: 4", 11, out), -WEIR_EPROTOCOL);
    assert_int_equal(answer("Connection: transfer-encoding", 11, out), -WEIR_EPROTOCOL);
}

static void a_switch_names_what_was_asked_for(void **state)
{
    static const struct {
        const char *text, *asked;
        bool good;
    } table[] = {
        {"Upgrade: websocket", "websocket", true},
        {"upgrade: WebSocket", "foo, websocket", true},
        {"Upgrade: websocket", "foo", false},
        {"X: websocket", "websocket", false},
        {"Upgrade: foo, websocket", "foo, websocket", false},
        {"Upgrade: websocket|Upgrade: websocket", "websocket", false},
        {"Upgrade:", "websocket", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        weir_header headers[HEADERS];
        char copy[TEXT_BYTES];
        weir_reply reply = {.headers = headers};

        strcpy(copy, table[i].text);
        reply.header_count = split(copy, headers);
        assert_int_equal(proxy_switched_to(&reply, table[i].asked) != NULL, table[i].good);
    }
}

static void trailers_are_no_headers_of_a_connection(void **state)
{
    const struct proxy_named named = {.name = {{"x-a", 3}}, .count = 1};

    (void)state;
    assert_true(proxy_passes_trailer(&named, "Server-Timing"));
    assert_false(proxy_passes_trailer(&named, "X-A"));
    assert_false(proxy_passes_trailer(&named, "X-Forwarded-For"));
    assert_false(proxy_passes_trailer(&named, "Transfer-Encoding"));
    assert_false(proxy_passes_trailer(&named, "Host"));
    assert_false(proxy_passes_trailer(&named, "proxy-x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_headers_keep_their_order_and_number),
        cmocka_unit_test(what_belongs_to_a_connection_is_dropped),
        cmocka_unit_test(the_lists_agree),
        cmocka_unit_test(connection_must_not_name_what_frames_or_is_added),
        cmocka_unit_test(what_a_stranger_says_of_itself_is_not_passed_on),
        cmocka_unit_test(a_trusted_peer_is_believed),
        cmocka_unit_test(peers_have_all_forms),
        cmocka_unit_test(what_is_asked_of_the_whole_way_goes_on),
        cmocka_unit_test(an_upgrade_is_asked_for_unless_to_h2c),
        cmocka_unit_test(a_deadline_is_made_anew),
        cmocka_unit_test(memory_may_be_short),
        cmocka_unit_test(answers_lose_what_belongs_to_a_connection),
        cmocka_unit_test(a_switch_names_what_was_asked_for),
        cmocka_unit_test(trailers_are_no_headers_of_a_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
