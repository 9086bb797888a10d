/* SPDX-License-Identifier: MIT */
/* Filters of responses: what goes through a filter, what does not, and what happens when a filter fails or
 * the client leaves. */
#include "http/server/server_rig.h"
#include "support/torture.h"

#include <weir/task.h>

/* --- a filter that doubles every byte, and does as the path says --- */

struct doubling {
    const char *how; /* the path */
    char out[4096];
    size_t kept; /* pieces of a whole response, still to come out */
    bool ended;
};

static int heads, ends;
static weir_response_head seen;

static int on_head(void *arg, weir_response *res, const weir_response_head *head)
{
    struct doubling *d = arg;

    heads++;
    seen = *head;
    if (strstr(d->how, "head-fails") != NULL)
        return -WEIR_EBUSY;
    if (strstr(d->how, "as-it-is") != NULL)
        return 0;
    assert_int_equal(weir_response_header_set(res, "x-filter", "doubled"), 0);
    return 1;
}

static int on_piece(void *arg, weir_bytes in, bool last, weir_bytes *out)
{
    struct doubling *d = arg;

    if (strstr(d->how, "waits") != NULL && weir_yield() < 0)
        return -WEIR_ECANCELED;
    if (strstr(d->how, "piece-fails") != NULL)
        return -WEIR_EBUSY;
    if (d->kept > 0) {
        d->kept--;
        *out = (weir_bytes){"more.", 5};
        return d->kept > 0;
    }
    assert_true(2 * in.len <= sizeof d->out);
    for (size_t i = 0; i < in.len; i++)
        d->out[2 * i] = d->out[2 * i + 1] = in.data[i];
    *out = (weir_bytes){d->out, 2 * in.len};
    if (strstr(d->how, "in-parts") != NULL)
        d->kept = 3;
    if (last && !seen.whole)
        *out = (weir_bytes){"end.", 4};
    return d->kept > 0;
}

static void on_end(void *arg)
{
    struct doubling *d = arg;

    assert_false(d->ended);
    d->ended = true;
    ends++;
}

static const weir_response_filter doubler = {.head = on_head, .piece = on_piece, .end = on_end};

static int handle(weir_request *req, weir_response *res, void *state)
{
    const char *how = weir_request_path(req);
    struct doubling *d = weir_request_alloc(req, sizeof *d);
    int err;

    (void)state;
    assert_non_null(d);
    *d = (struct doubling){.how = how};
    assert_int_equal(weir_response_filter_add(res, &doubler, d), 0);
    assert_int_equal(weir_response_header_add(res, "X-Mine", "1"), 0);
    if (strstr(how, "nothing") != NULL)
        return weir_respond_bytes(res, 204, NULL, NULL, 0);
    if (strstr(how, "stream") == NULL)
        return weir_respond_text(res, 200, "abc");
    err = weir_respond_begin(res, 200, "text/plain", strstr(how, "unknown") != NULL ? -1 : 4);
    if (err == 0)
        err = weir_respond_write(res, "ab", 2);
    if (err == 0 && strstr(how, "too-little") == NULL)
        err = weir_respond_write(res, "cd", 2);
    if (err == 0 && strstr(how, "too-much") != NULL)
        assert_int_equal(weir_respond_write(res, "e", 1), -EINVAL);
    return err;
}

static const weir_route route = {.path = "/*", .handler = handle};

/* --- asking --- */

/* Reads until the connection ends. */
static void ask(struct rig *rig, const char *request, char *text, size_t room)
{
    weir_stream *s = rig_connect(rig);
    size_t len = 0;
    ssize_t n;

    rig_send(s, request);
    while ((n = weir_read(s, text + len, room - len - 1)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    weir_stream_close(s);
}

static const struct {
    const char *method, *path;
    const char *has[3];
    const char *not_there;
} table[] = {
    {"GET", "/whole", {"200 OK", "content-length: 6\r\n", "\r\n\r\naabbcc"}, "chunked"},
    {"GET",
     "/whole-in-parts",
     {"chunked", "\r\n\r\n6\r\naabbcc\r\n5\r\nmore.\r\n5\r\nmore.\r\n", "0\r\n\r\n"},
     "content-length"},
    {"GET", "/whole-as-it-is", {"content-length: 3\r\n", "\r\n\r\nabc", "X-Mine: 1"}, "x-filter"},
    {"HEAD", "/whole", {"X-Mine: 1"}, "content-length"},
    {"GET", "/nothing", {"204 No Content"}, "content-length"},
    {"GET",
     "/stream",
     {"chunked", "\r\n\r\n4\r\naabb\r\n4\r\nccdd\r\n4\r\nend.\r\n0\r\n\r\n"},
     "content-length"},
    {"GET", "/stream-unknown", {"chunked", "4\r\nend.\r\n0\r\n\r\n"}, "content-length"},
    {"GET", "/stream-too-much", {"4\r\nend.\r\n0\r\n\r\n"}, "\nee"},
    {"GET", "/stream-too-little", {NULL}, "0\r\n\r\n"},
    {"GET", "/stream-as-it-is", {"content-length: 4\r\n", "\r\n\r\nabcd"}, "chunked"},
    {"GET",
     "/stream-in-parts",
     {"4\r\naabb\r\n5\r\nmore.", "4\r\nend.\r\n5\r\nmore.\r\n5\r\nmore.\r\n5\r\nmore.\r\n0\r\n\r\n"},
     "x\r\n"},
    {"HEAD", "/stream", {"200 OK"}, "aabb"},
    {"GET", "/whole-waits", {"\r\n\r\naabbcc"}, "chunked"},
    {"GET", "/stream-waits", {"end.\r\n0\r\n\r\n"}, "content-length"},
    {"GET", "/whole-head-fails", {"503 Service", "\"busy\"", "retry-after"}, "x-filter"},
    {"GET", "/stream-head-fails", {"503 Service", "\"busy\""}, "x-filter"},
    {"GET", "/whole-piece-fails", {"503 Service", "\"busy\""}, "x-filter"},
    {"GET", "/stream-piece-fails", {NULL}, "0\r\n\r\n"},
};

static int answers(struct rig *rig)
{
    char request[128], text[2048];

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int before = ends;
        (void)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                       table[i].method, table[i].path);
        ask(rig, request, text, sizeof text);
        for (size_t k = 0; k < 3 && table[i].has[k] != NULL; k++)
            if (strstr(text, table[i].has[k]) == NULL)
                fail_msg("%s %s has no %s: %s", table[i].method, table[i].path, table[i].has[k], text);
        if (strstr(text, table[i].not_there) != NULL)
            fail_msg("%s %s has %s: %s", table[i].method, table[i].path, table[i].not_there, text);
        assert_int_equal(ends, before + 1);
    }
    ask(rig, "GET /stream HTTP/1.0\r\n\r\n", text, sizeof text);
    assert_non_null(strstr(text, "\r\n\r\naabbccddend."));
    ask(rig,
        "GET /whole HTTP/1.1\r\nHost: h\r\n\r\nGET /stream HTTP/1.1\r\nHost: h\r\n\r\nGET /whole "
        "HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        text, sizeof text); /* the connection is kept after each */
    assert_non_null(strstr(strstr(text, "0\r\n\r\nHTTP/1.1 200"), "aabbcc"));
    return 0;
}

static void bodies_go_through_or_not(void **state)
{
    struct rig rig = {.routes = &route, .route_count = 1, .test = answers};

    (void)state;
    heads = ends = 0;
    rig_run(&rig);
}

/* --- three filters --- */

/* Puts a letter before and behind the body, and says what it saw; each letter has a filter. */
struct around {
    char letter;
    const char *how;
    char out[4096];
    bool begun;
};

static char order[64]; /* in which the filters were called: head h, end e, before each letter */

static void note_order(char what, char letter)
{
    size_t n = strlen(order);

    assert_true(n + 2 < sizeof order);
    order[n] = what, order[n + 1] = letter, order[n + 2] = '\0';
}

static int around_head(void *arg, weir_response *res, const weir_response_head *head)
{
    struct around *a = arg;
    char name[] = {'x', '-', a->letter, '\0'}, seen_here[64];

    note_order('h', a->letter);
    (void)snprintf(seen_here, sizeof seen_here, "%lld%s", (long long)head->length,
                   head->whole ? " whole" : "");
    assert_int_equal(weir_response_header_set(res, name, seen_here), 0);
    assert_int_equal(weir_response_filter_add(res, &(weir_response_filter){0}, NULL), -WEIR_EBUSY);
    if (strchr(a->how, 'F') != NULL && a->letter == 'b')
        return -WEIR_EBUSY;
    return strchr(a->how, a->letter) == NULL;
}

static int around_piece(void *arg, weir_bytes in, bool last, weir_bytes *out)
{
    struct around *a = arg;
    size_t n = 0;

    if (strchr(a->how, 'W') != NULL && weir_yield() < 0)
        return -WEIR_ECANCELED;
    if (strchr(a->how, 'P') != NULL && a->letter == 'b')
        return -WEIR_EBUSY;
    if (!a->begun)
        a->out[n++] = a->letter;
    a->begun = true;
    if (in.len > 0)
        memcpy(a->out + n, in.data, in.len);
    n += in.len;
    if (strchr(a->how, 'M') != NULL && a->letter == 'a' && in.len > 0 && last) { /* the rest comes later */
        *out = (weir_bytes){a->out, n};
        return 1;
    }
    if (last)
        a->out[n++] = (char)(a->letter - 'a' + 'A');
    *out = (weir_bytes){a->out, n};
    return 0;
}

static void around_end(void *arg)
{
    note_order('e', ((struct around *)arg)->letter);
}

static int handle_three(weir_request *req, weir_response *res, void *state)
{
    static const weir_response_filter filter = {around_head, around_piece, around_end};
    const char *how = weir_request_query(req);
    struct around *three = weir_request_alloc(req, 3 * sizeof *three);
    int err;

    (void)state;
    order[0] = '\0';
    for (int i = 0; i < 3; i++) { /* c is added first: it is nearest to the client */
        three[i] = (struct around){.letter = (char)('c' - i), .how = how};
        assert_int_equal(weir_response_filter_add(res, &filter, &three[i]), 0);
    }
    if (strchr(how, 'S') == NULL)
        return weir_respond_text(res, 200, "-");
    err = weir_respond_begin(res, 200, "text/plain", 2);
    if (err == 0)
        err = weir_respond_write(res, "-", 1);
    return err < 0 ? err : weir_respond_write(res, "-", 1);
}

static const weir_route three_route = {.path = "/", .handler = handle_three};

static int three_answers(struct rig *rig)
{
    static const struct {
        const char *how, *has[4], *order;
    } cases[] = {
        {"", {"content-length: 7", "x-a: 1 whole", "x-c: 5 whole", "\r\n\r\ncba-ABC"}, "hahbhceaebec"},
        {"b", {"content-length: 5", "x-b: 3 whole", "x-c: 3 whole", "\r\n\r\nca-AC"}, "hahbhceaebec"},
        {"abc", {"content-length: 1", "x-c: 1 whole", "\r\n\r\n-"}, "hahbhceaebec"},
        {"M",
         {"chunked", "x-b: -1\r\n", "x-c: -1\r\n", "4\r\ncba-\r\n3\r\nABC\r\n0\r\n\r\n"},
         "hahbhceaebec"},
        {"SW",
         {"chunked", "x-a: 2\r\n", "x-b: -1\r\n", "4\r\ncba-\r\n1\r\n-\r\n3\r\nABC\r\n0\r\n\r\n"},
         "hahbhceaebec"},
        {"Sabc", {"content-length: 2", "x-c: 2\r\n", "\r\n\r\n--"}, "hahbhceaebec"},
        {"F", {"503", "x-a: 1 whole", "\r\n\r\nc{", "C"}, "hahbhceaebec"},
        {"P", {"503", "\r\n\r\nc{", "C"}, "hahbhceaebec"},
    };
    char request[128], text[2048];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int before = rig->records;
        (void)snprintf(request, sizeof request, "GET /?%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                       cases[i].how);
        ask(rig, request, text, sizeof text);
        for (size_t k = 0; k < 4 && cases[i].has[k] != NULL; k++)
            if (strstr(text, cases[i].has[k]) == NULL)
                fail_msg("%s has no %s: %s", cases[i].how, cases[i].has[k], text);
        while (rig->records == before)
            assert_int_equal(weir_sleep(weir_us(100)), 0);
        assert_string_equal(order, cases[i].order);
    }
    return 0;
}

static void filters_stack_as_wrappers_nest(void **state)
{
    struct rig rig = {.routes = &three_route, .route_count = 1, .test = three_answers};

    (void)state;
    rig_run(&rig);
}

static int add_too_many(weir_request *req, weir_response *res, void *state)
{
    static const weir_response_filter as_it_is = {.head = on_head};
    static struct doubling d = {.how = "as-it-is"};

    (void)req, (void)state;
    assert_int_equal(weir_response_filter_add(res, &(weir_response_filter){0}, NULL), -EINVAL);
    for (int i = 0; i < WEIR_RESPONSE_FILTERS_MAX; i++)
        assert_int_equal(weir_response_filter_add(res, &as_it_is, &d), 0);
    assert_int_equal(weir_response_filter_add(res, &as_it_is, &d), -EINVAL);
    return weir_respond_text(res, 200, "x");
}

static int too_many(struct rig *rig)
{
    char text[512];

    ask(rig, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", text, sizeof text);
    assert_non_null(strstr(text, "200 OK"));
    return 0;
}

static void the_number_of_filters_is_limited(void **state)
{
    static const weir_route many = {.path = "/", .handler = add_too_many};
    struct rig rig = {.routes = &many, .route_count = 1, .test = too_many};

    (void)state;
    rig_run(&rig);
}

/* --- headers --- */

static int change_headers(weir_request *req, weir_response *res, void *state)
{
    (void)req, (void)state;
    assert_null(weir_response_header(res, "etag"));
    assert_int_equal(weir_response_header_add(res, "Vary", "a"), 0);
    assert_int_equal(weir_response_header_add(res, "ETag", "\"1\""), 0);
    assert_int_equal(weir_response_header_add(res, "vary", "b"), 0);
    assert_int_equal(weir_response_header_add(res, "Varying", "c"), 0);
    assert_string_equal(weir_response_header(res, "vary"), "a");
    assert_string_equal(weir_response_header(res, "etag"), "\"1\"");
    assert_int_equal(weir_response_header_set(res, "VARY", "a, b"), 0);
    assert_string_equal(weir_response_header(res, "vary"), "a, b");
    assert_int_equal(weir_response_header_set(res, "vary", "x\ny"), -EINVAL);
    assert_string_equal(weir_response_header(res, "vary"), "a, b");
    assert_int_equal(weir_response_header_set(res, "etag", NULL), 0);
    assert_null(weir_response_header(res, "etag"));
    assert_int_equal(weir_response_header_set(res, "etag", NULL), 0);
    assert_int_equal(weir_response_header_set(res, "content-length", "1"), -EINVAL);
    assert_int_equal(weir_respond_text(res, 200, "x"), 0);
    assert_int_equal(weir_response_header_set(res, "vary", "c"), -WEIR_EBUSY);
    return 0;
}

static const weir_route headers_route = {.path = "/", .handler = change_headers};

static int headers(struct rig *rig)
{
    char text[1024];

    ask(rig, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", text, sizeof text);
    assert_non_null(strstr(text, "\r\nVARY: a, b\r\n"));
    assert_non_null(strstr(text, "\r\nVarying: c\r\n"));
    assert_null(strstr(text, "ETag"));
    assert_null(strstr(text, "ary: a\r\n"));
    return 0;
}

static void headers_can_be_replaced(void **state)
{
    struct rig rig = {.routes = &headers_route, .route_count = 1, .test = headers};

    (void)state;
    rig_run(&rig);
}

/* A type that the handler has set is the only one, unless it was taken back. */
static int choose_type(weir_request *req, weir_response *res, void *state)
{
    const bool takes_back = strcmp(weir_request_path(req), "/back") == 0;

    (void)state;
    assert_int_equal(weir_response_header_add(res, "etag", "\"1\""), 0);
    assert_int_equal(weir_response_header_add(res, "Content-Type", "text/html"), 0);
    assert_int_equal(weir_response_header_add(res, "content-typx", "1"), 0);
    if (takes_back)
        assert_int_equal(weir_response_header_set(res, "content-type", NULL), 0);
    return weir_respond_text(res, 200, "x");
}

static int types(struct rig *rig)
{
    char text[1024];

    ask(rig, "GET /own HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", text, sizeof text);
    assert_non_null(strstr(text, "\r\nContent-Type: text/html\r\n"));
    assert_null(strstr(text, "text/plain"));
    ask(rig, "GET /back HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", text, sizeof text);
    assert_non_null(strstr(text, "\r\ncontent-type: text/plain; charset=utf-8\r\n"));
    assert_null(strstr(text, "text/html"));
    return 0;
}

static void a_type_of_the_handlers_is_the_only_one(void **state)
{
    static const weir_route any = {.path = "/*", .handler = choose_type};
    struct rig rig = {.routes = &any, .route_count = 1, .test = types};

    (void)state;
    rig_run(&rig);
}

/* --- clients that leave while the filter waits --- */

static struct rig tortured = {.routes = &route, .route_count = 1, .unrecorded = true};

static int ask_and_perhaps_leave(void *arg)
{
    const char *request = arg;
    weir_stream *s;
    char text[256];
    ssize_t n = 1;
    int err = weir_connect(tortured.address, &s);

    if (err < 0)
        return err;
    err = weir_write(s, request, strlen(request));
    while (err == 0 && n > 0)
        n = weir_read(s, text, sizeof text);
    weir_stream_close(s);
    return err < 0 ? err : (int)n;
}

static int torture_test(struct rig *rig)
{
    struct torture *t = rig->data;

    return torture_victim(t, ask_and_perhaps_leave, t->arg);
}

static int leaving_world(struct torture *t)
{
    int result;

    heads = ends = 0;
    tortured.data = t;
    tortured.test = torture_test;
    t->also_fine = -ECONNRESET;
    result = rig_main(&tortured);
    assert_int_equal(heads, ends);
    return result;
}

static void clients_may_leave_at_every_moment(void **state)
{
    static char whole[] = "GET /whole-in-parts-waits HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    static char stream[] = "GET /stream-in-parts-waits HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

    (void)state;
    assert_true(torture_all_transports(leaving_world, whole) > 5);
    assert_true(torture_all_transports(leaving_world, stream) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_go_through_or_not),
        cmocka_unit_test(filters_stack_as_wrappers_nest),
        cmocka_unit_test(the_number_of_filters_is_limited),
        cmocka_unit_test(headers_can_be_replaced),
        cmocka_unit_test(a_type_of_the_handlers_is_the_only_one),
        cmocka_unit_test(clients_may_leave_at_every_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
