/* SPDX-License-Identifier: MIT */
/* Responses in pieces: each piece is let go once, in order, as soon as it is sent. */
#include "http/server/server_rig.h"

#include <weir/task.h>

enum { PIECES = 130, LARGE_BYTES = 1 << 20, LARGE = 12 };

static char large[LARGE_BYTES];
static int let_go_count, handled;
static bool in_order;
static weir_response_piece pieces[PIECES];
static char texts[PIECES][16];

static void let_go(void *arg)
{
    in_order = in_order && arg == &pieces[let_go_count];
    let_go_count++;
}

static size_t make_pieces(bool are_large)
{
    size_t count = are_large ? LARGE : PIECES, bytes = 0;

    let_go_count = 0;
    in_order = true;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "<%zu>", i);
        pieces[i] = are_large ? (weir_response_piece){large, sizeof large, let_go, &pieces[i]}
                              : (weir_response_piece){texts[i], i % 7 == 3 ? 0 : strlen(texts[i]), let_go,
                                                      &pieces[i]};
        bytes += pieces[i].bytes;
    }
    return bytes;
}

/* --- a filter that changes nothing, but lets the body through itself --- */

static weir_bytes filtered;

static int on_head(void *arg, weir_response *res, const weir_response_head *head)
{
    (void)arg, (void)res, (void)head;
    return 1;
}

static int on_piece(void *arg, weir_bytes in, bool last, weir_bytes *out)
{
    (void)arg, (void)last;
    *out = filtered = in;
    return 0;
}

static const weir_response_filter through = {.head = on_head, .piece = on_piece};

static int handle(weir_request *req, weir_response *res, void *state)
{
    const char *how = weir_request_path(req);
    bool are_large = strstr(how, "large") != NULL;
    int err;

    (void)state;
    (void)make_pieces(are_large);
    if (strstr(how, "filtered") != NULL)
        assert_int_equal(weir_response_filter_add(res, &through, NULL), 0);
    if (strstr(how, "twice") != NULL)
        assert_int_equal(weir_respond_text(res, 200, "first"), 0);
    err = weir_respond_pieces(res, strstr(how, "bad") != NULL ? 99 : 200, "text/plain", pieces,
                              strstr(how, "none") != NULL ? 0
                              : are_large                 ? LARGE
                                                          : PIECES);
    if (strstr(how, "none") == NULL)
        assert_int_equal(let_go_count, are_large ? LARGE : PIECES); /* however the response ended */
    assert_true(in_order);
    handled++;
    return strstr(how, "twice") != NULL ? 0 : err;
}

static const weir_route route = {.path = "/*", .handler = handle};

/* --- whole --- */

static int answers(struct rig *rig)
{
    static const struct {
        const char *method, *path;
        int status;
        bool has_body;
    } table[] = {
        {"GET", "/small", 200, true},   {"GET", "/small-filtered", 200, true},
        {"HEAD", "/small", 200, false}, {"HEAD", "/small-filtered", 200, false},
        {"GET", "/none", 200, false},   {"GET", "/bad", 500, true},
        {"GET", "/twice", 200, true},
    };
    static char text[8192], wanted[2048];
    size_t bytes = make_pieces(false), at = 0;

    for (size_t i = 0; i < PIECES; i++) {
        memcpy(wanted + at, pieces[i].data, pieces[i].bytes);
        at += pieces[i].bytes;
    }
    wanted[bytes] = '\0';
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        weir_stream *s = rig_connect(rig);
        char request[128];
        const char *body;
        size_t len = 0;
        ssize_t n;
        (void)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                       table[i].method, table[i].path);
        rig_send(s, request);
        while ((n = weir_read(s, text + len, sizeof text - len - 1)) > 0)
            len += (size_t)n;
        text[len] = '\0';
        weir_stream_close(s);
        assert_int_equal(atoi(text + 9), table[i].status);
        body = strstr(text, "\r\n\r\n") + 4;
        if (strncmp(table[i].path, "/small", 6) == 0)
            assert_string_equal(body, table[i].has_body ? wanted : "");
        else
            assert_int_equal(*body != '\0', table[i].has_body);
    }
    return 0;
}

static void pieces_are_one_answer(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = answers};

    (void)state;
    rig_run(&rig);
}

/* --- while it is sent --- */

static int reads_slowly(struct rig *rig)
{
    static const char *const paths[] = {"GET /large", "GET /large-filtered"};
    static char some[100000];

    for (size_t i = 0; i < 2; i++) {
        weir_stream *s = rig_connect(rig);
        size_t len = 0;
        ssize_t n = 1;
        int seen = 0;
        rig_send(s, paths[i]);
        rig_send(s, " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        while ((n = weir_read(s, some, sizeof some)) > 0) {
            len += (size_t)n;
            /* No piece is held that was read; the kernel may have taken more than that. */
            assert_true((size_t)let_go_count + 1 >= len / LARGE_BYTES);
            seen = let_go_count > seen && let_go_count < LARGE ? let_go_count : seen;
        }
        assert_int_equal(n, 0);
        assert_true(len > (size_t)LARGE * LARGE_BYTES);
        assert_true(seen > 0); /* not all were let go at the end */
        weir_stream_close(s);
    }
    return 0;
}

static void what_was_sent_is_let_go(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = reads_slowly};

    (void)state;
    rig_run(&rig);
}

static int leaves(struct rig *rig)
{
    for (int i = 0; i < 2; i++) {
        weir_stream *s = rig_connect(rig);
        char some[1000];
        handled = 0;
        rig_send(s, i == 0 ? "GET /large" : "GET /large-filtered");
        rig_send(s, " HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_true(weir_read(s, some, sizeof some) > 0);
        weir_stream_abort(s);
        while (handled == 0)
            assert_int_equal(weir_sleep(weir_us(200)), 0);
    }
    return 0;
}

static void a_client_that_leaves_lets_go_of_all(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = leaves};

    (void)state;
    rig_run(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_one_answer),
        cmocka_unit_test(what_was_sent_is_let_go),
        cmocka_unit_test(a_client_that_leaves_lets_go_of_all),
    };

    memset(large, 'x', sizeof large);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
