/* SPDX-License-Identifier: MIT */
/* What requests tell about themselves, routes of hosts, informational answers, and trailers both ways. */
#include "http/server/handlers.h"

static char answer[4096];

/* Sends a request and reads until the end. */
static const char *ask(struct rig *rig, const char *request)
{
    weir_stream *s = rig_connect(rig);
    size_t len = 0;
    ssize_t n;

    rig_send(s, request);
    while ((n = weir_read(s, answer + len, sizeof answer - 1 - len)) > 0)
        len += (size_t)n;
    answer[len] = '\0';
    weir_stream_close(s);
    return answer;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in: %s", part, text);
}

/* --- facts --- */

static int tell(weir_request *req, weir_response *res, void *state)
{
    char text[512];

    (void)state;
    (void)snprintf(text, sizeof text, "%s %d %s|%s|%s", (const char *)weir_request_data(req),
                   (int)weir_request_version(req), weir_request_scheme(req), weir_request_authority(req),
                   weir_request_local(req));
    assert_ptr_equal(weir_request_local(req), weir_request_local(req));
    return weir_respond_text(res, 200, text);
}

static char exact[] = "exact", below[] = "below", any[] = "any";

static const weir_route hosts[] = {
    {.host = "example.com", .path = "/*", .handler = tell, .data = exact, .methods = "GET"},
    {.host = "*.example.com", .path = "/*", .handler = tell, .data = below},
    {.host = "[::1]", .path = "/*", .handler = tell, .data = below},
    {.host = "Dotted.example.", .path = "/*", .handler = tell, .data = exact},
    {.host = "other", .path = "/o", .handler = tell, .data = exact},
    {.path = "/any", .handler = tell, .data = any},
};

static int by_host(struct rig *rig)
{
    static const struct {
        const char *line, *host, *says;
    } cases[] = {
        {"GET /x", "example.com", "exact 11 http|example.com|"},
        {"GET /x", "EXAMPLE.com:8080", "exact 11 http|EXAMPLE.com:8080|"},
        {"GET /x", "example.com.", "exact 11"},
        {"GET /x", "a.example.com", "below 11"},
        {"GET /x", "a.b.Example.com:1", "below 11"},
        {"GET /x", "aexample.com", "404"},
        {"GET /x", "example.com.evil", "404"},
        {"GET /x", "[::1]:80", "below 11"},
        {"GET /x", "dotted.example", "exact 11"},
        {"GET /x", "dotted.EXAMPLE.:80", "exact 11"},
        {"GET /o", "other", "exact 11"},
        {"GET /o", "else", "404"},
        {"GET /any", "else", "any 11 http|else|"},
        {"GET http://example.com/x", "else", "exact 11 http|example.com|"},
        {"POST /x", "example.com", "405"},
        {"POST /x", "a.example.com", "below 11"},
        {"CONNECT example.com:443", "example.com", "501"},
    };
    char request[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                       cases[i].line, cases[i].host);
        assert_has(ask(rig, request), cases[i].says);
    }
    assert_has(ask(rig, "GET /any HTTP/1.0\r\n\r\n"), "any 10 http||");
    assert_has(answer, rig->address); /* is the local one of the connection */
    assert_has(ask(rig, "POST /x HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"),
               "allow: GET, HEAD");
    return 0;
}

static void requests_tell_and_routes_have_hosts(void **state)
{
    struct rig rig = {.routes = hosts, .route_count = sizeof hosts / sizeof *hosts, .test = by_host};

    (void)state;
    rig_run(&rig);
}

/* --- preflights --- */

static const weir_route preflown[] = {
    {.path = "/a", .methods = "PUT", .handler = tell, .data = exact, .preflights = true},
    {.path = "/a", .methods = "DELETE", .handler = tell, .data = below},
    {.path = "/*", .methods = "OPTIONS POST", .handler = tell, .data = any},
    {.path = "/*", .methods = "GET PROPFIND", .handler = tell, .data = exact, .preflights = true},
};

static int by_method_asked(struct rig *rig)
{
    static const struct {
        const char *line, *fields, *says;
    } cases[] = {
        {"OPTIONS /a", "Origin: o\r\nAccess-Control-Request-Method: PUT\r\n", "exact 11"},
        {"OPTIONS /a", "Origin: o\r\nAccess-Control-Request-Method: DELETE\r\n", "any 11"},
        {"OPTIONS /a", "Origin: o\r\nAccess-Control-Request-Method: put\r\n", "any 11"},
        {"OPTIONS /a", "Origin: o\r\nAccess-Control-Request-Method: \r\n", "any 11"},
        {"OPTIONS /a", "Access-Control-Request-Method: PUT\r\n", "any 11"},
        {"OPTIONS /a", "Origin: o\r\n", "any 11"},
        {"OPTIONS /b", "Origin: o\r\naccess-control-request-method: HEAD\r\n", "exact 11"},
        {"OPTIONS /b", "Origin: o\r\nAccess-Control-Request-Method: PROPFIND\r\n", "exact 11"},
        {"OPTIONS /b", "Origin: o\r\nAccess-Control-Request-Method: PROPPATCH\r\n", "any 11"},
        {"OPTIONS /b", "Origin: o\r\nAccess-Control-Request-Method: POST\r\n", "any 11"},
        {"PUT /a", "Origin: o\r\nAccess-Control-Request-Method: GET\r\nContent-Length: 0\r\n", "exact 11"},
        {"PATCH /a", "Origin: o\r\nAccess-Control-Request-Method: PUT\r\n", "405"},
    };
    char request[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n",
                       cases[i].line, cases[i].fields);
        assert_has(ask(rig, request), cases[i].says);
    }
    return 0;
}

static void preflights_reach_the_route_of_the_method_asked_for(void **state)
{
    struct rig rig = {
        .routes = preflown, .route_count = sizeof preflown / sizeof *preflown, .test = by_method_asked};

    (void)state;
    rig_run(&rig);
}

/* --- refusals --- */

static int mark_refusal(void *arg, weir_request *req, weir_response *res, void *state)
{
    char text[256];

    (void)arg, (void)state;
    if (strcmp(weir_request_target(req), "/fail") == 0)
        return -ENOMEM;
    (void)snprintf(text, sizeof text, "%s %s %s %s %s %s", weir_request_method(req), weir_request_target(req),
                   weir_request_path(req), weir_request_authority(req),
                   weir_request_param(req, "a") != NULL ? weir_request_param(req, "a") : "-",
                   weir_request_data(req) != NULL ? (const char *)weir_request_data(req) : "-");
    assert_string_equal(weir_request_query(req), "");
    assert_null(weir_request_header(req, "x-none"));
    return weir_response_header_add(res, "x-refused", text);
}

static int refuse_and_mark(struct rig *rig)
{
    static const struct {
        const char *request, *status, *says;
    } cases[] = {
        {"GET /none HTTP/1.1\r\nHost: h\r\n", "404", "x-refused: GET /none /none h - -\r\n"},
        {"GET /r/1 HTTP/1.1\r\nHost: h\r\n", "405", "x-refused: GET /r/1 /r/1 h "},
        {"POST /r/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n", "413",
         "x-refused: POST /r/1 /r/1 h 1 exact\r\n"},
        {"GET /r/1 HTTP/1.1\r\nHost: h\r\nA : b\r\n", "400", "x-refused:     - -\r\n"},
        {"GET /r/1 HTTP/1.1\r\n", "400", "x-refused:     - -\r\n"},
        {"GET /fail HTTP/1.1\r\nHost: h\r\n", "503", "out of memory"},
    };
    char request[256];
    weir_stream *s;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(request, sizeof request, "%sConnection: close\r\n\r\n", cases[i].request);
        assert_has(ask(rig, request), cases[i].says);
        assert_memory_equal(answer + sizeof "HTTP/1.1", cases[i].status, 3);
    }
    s = rig_connect(rig);
    rig_send(s, "POST /r/1 HT"); /* and no more */
    answer[weir_read(s, answer, sizeof answer - 1)] = '\0';
    assert_has(answer, " 408 ");
    assert_has(answer, "x-refused:     - -\r\n");
    weir_stream_close(s);
    return 0;
}

static void refusals_can_be_given_headers(void **state)
{
    static const weir_route routes[] = {
        {.path = "/r/{a}", .methods = "POST", .handler = tell, .data = exact, .body_bytes_max = 3}};
    struct rig rig = {.routes = routes, .route_count = 1, .test = refuse_and_mark};

    (void)state;
    rig.options.on_refusal = mark_refusal;
    rig.options.limits.head_timeout = weir_ms(50);
    rig_run(&rig);
}

static int name_path_data(void *arg, weir_request *req, weir_response *res, void *state)
{
    const char *data = weir_request_path_data(req);

    (void)arg, (void)state;
    assert_null(weir_request_data(req));
    return weir_response_header_add(res, "x-of-path", data != NULL ? data : "-");
}

static int tell_no_path_data(weir_request *req, weir_response *res, void *state)
{
    assert_null(weir_request_path_data(req));
    return tell(req, res, state);
}

static int by_path_alone(struct rig *rig)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"POST /a", "x-of-path: below\r\n"},
        {"POST /b", "x-of-path: exact\r\n"},
        {"POST /c", "x-of-path: -\r\n"},
        {"OPTIONS /b", "x-of-path: exact\r\n"},
        {"GET /a", "below 11"},
        {"DELETE /a", "any 11"},
    };
    char request[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                       cases[i].line);
        assert_has(ask(rig, request), cases[i].says);
    }
    return 0;
}

static void a_405_knows_a_route_of_its_path(void **state)
{
    static const weir_route routes[] = {
        {.path = "/a", .methods = "PUT", .handler = tell, .data = exact},
        {.path = "/a", .methods = "GET", .handler = tell_no_path_data, .data = below, .preflights = true},
        {.path = "/a", .methods = "DELETE", .handler = tell_no_path_data, .data = any, .preflights = true},
        {.path = "/b", .methods = "PUT", .handler = tell, .data = exact},
        {.path = "/b", .methods = "GET", .handler = tell, .data = below},
        {.path = "/c", .host = "other", .methods = "GET", .handler = tell, .data = any, .preflights = true}};
    struct rig rig = {.routes = routes, .route_count = sizeof routes / sizeof *routes, .test = by_path_alone};

    (void)state;
    rig.options.on_refusal = name_path_data;
    rig_run(&rig);
}

/* --- too large --- */

/* Decides something else first, and then about the length. */
static int look_at_length(weir_request *req, weir_response *res, void *state)
{
    const bool too_large = weir_request_body_is_too_large(req);
    weir_bytes body;

    (void)state;
    if (weir_request_header(req, "x-no") != NULL)
        return weir_respond_text(res, 403, "no");
    assert_true(!too_large || weir_request_read_body(req, &body, SIZE_MAX) == -WEIR_ETOOLARGE);
    assert_int_equal(weir_request_body_is_too_large(req), too_large);
    return too_large ? -WEIR_ETOOLARGE : weir_respond_text(res, 200, "fits");
}

static int send_too_large(struct rig *rig)
{
    static const struct {
        const char *fields, *says;
        bool closed;
    } cases[] = {
        {"Content-Length: 3\r\n\r\nabc", " 200 ", false},
        {"Content-Length: 4\r\n\r\nabcd", " 413 ", true},
        {"Content-Length: 4\r\nX-No: 1\r\n\r\nabcd", " 403 ", true},
        {"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 413 ", true},
        {"Content-Length: 3\r\nX-No: 1\r\n\r\nabc", " 403 ", false},
        {"Content-Length: 99999999999\r\n\r\n", ": 3 bytes at most (weir_limits.body_bytes)", true},
    };
    char request[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *close;

        (void)snprintf(request, sizeof request, "POST /r HTTP/1.1\r\nHost: h\r\n%s%s", cases[i].fields,
                       cases[i].closed ? "" : "GET /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        assert_has(ask(rig, request), cases[i].says);
        close = strstr(answer, "connection: close");
        assert_int_equal(close != NULL && close < strstr(answer, "\r\n\r\n"), cases[i].closed);
        assert_int_equal(strstr(answer, " 404 ") == NULL, cases[i].closed);
    }
    return 0;
}

static void a_handler_may_decide_before_a_length_does(void **state)
{
    static const weir_route routes[] = {{.path = "/r",
                                         .methods = "POST",
                                         .handler = look_at_length,
                                         .body_bytes_max = 3,
                                         .takes_too_large = true}};
    struct rig rig = {.routes = routes, .route_count = 1, .test = send_too_large};

    (void)state;
    rig_run(&rig);
}

/* --- names --- */

static void note_name(struct rig *rig, const weir_exchange_record *record)
{
    (void)snprintf(rig->held_by, sizeof rig->held_by, "%s", record->route);
}

static int by_name(struct rig *rig)
{
    ask(rig, "GET /x HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    assert_string_equal(rig->held_by, "shop/x");
    ask(rig, "GET /x HTTP/1.1\r\nHost: else\r\nConnection: close\r\n\r\n");
    assert_string_equal(rig->held_by, "/x");
    return 0;
}

static void routes_have_names(void **state)
{
    static const weir_route routes[] = {
        {.host = "shop", .path = "/x", .name = "shop/x", .handler = tell, .data = exact},
        {.path = "/x", .handler = tell, .data = any}};
    struct rig rig = {.routes = routes, .route_count = 2, .test = by_name, .noted = note_name};

    (void)state;
    rig_run(&rig);
}

/* --- what is passed on --- */

/* Tells what a proxy asks. */
static int tell_all(weir_request *req, weir_response *res, void *state)
{
    char text[512], body[16];
    size_t count, used;
    const weir_header *headers = weir_request_headers(req, &count);
    ssize_t n;

    (void)state;
    assert_ptr_equal(weir_request_headers(req, &count), headers);
    used = (size_t)snprintf(text, sizeof text, "%s %lld", weir_request_path_written(req),
                            (long long)weir_request_body_length(req));
    for (size_t i = 0; i < count; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "|%s=%s", headers[i].name, headers[i].value);
    assert_null(weir_request_trailers(req, &count)); /* not yet */
    assert_int_equal(count, 0);
    if (weir_request_awaits_continue(req)) {
        weir_request_leave_continue(req);
        assert_int_equal(weir_respond_informational(res, 100, NULL, 0), 0);
        assert_false(weir_request_awaits_continue(req));
    }
    while ((n = weir_request_read(req, body, sizeof body)) > 0)
        continue;
    headers = weir_request_trailers(req, &count);
    for (size_t i = 0; i < count; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "|%s:%s", headers[i].name, headers[i].value);
    assert_int_equal(weir_response_close(res), 0);
    assert_int_equal(weir_respond_text(res, 200, text), 0);
    assert_int_equal(weir_response_close(res), -WEIR_EBUSY);
    return (int)n;
}

static int told(struct rig *rig)
{
    ask(rig, "GET /%61/./b/%2e%2e/c%2f?d HTTP/1.1\r\nHost: h\r\nA: 1\r\nb:\r\nA: 2\r\n\r\n");
    assert_has(answer, "connection: close\r\n");
    assert_has(answer, "\r\n\r\n/%61/c%2f 0|Host=h|A=1|b=|A=2");
    ask(rig, "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
             "1\r\nx\r\n0\r\nT: 1\r\nHost: evil\r\nU:\r\n\r\n");
    assert_has(answer, "/a -1|Host=h|Transfer-Encoding=chunked|T:1|U:");
    ask(rig, "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx");
    assert_int_equal(strncmp(answer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 42), 0);
    assert_has(answer, "/a 1|Host=h|Expect=100-continue|Content-Length=1");
    return 0;
}

static void a_proxy_is_told_all(void **state)
{
    static const weir_route all = {.path = "/*", .handler = tell_all};
    struct rig rig = {.routes = &all, .route_count = 1, .test = told};

    (void)state;
    rig_run(&rig);
}

/* --- headers of an answer --- */

static int add_broken(weir_request *req, weir_response *res, void *state)
{
    static const char *const names[] =
        {"", " ", "a b", "a:", ":", "a\n", "a\r\nb: c\r\nd", "\xc3\xa4", "Content-Length", "DATE", "a\x7f"},
                             *const values[] = {"b\r\nc: d", "b\n", "\r", "\x01", "b\x7f"};
    static char large[128 << 10];

    (void)req, (void)state;
    assert_int_equal(weir_response_header_add(res, "x-first", ""), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(weir_response_header_add(res, names[i], "1"), -EINVAL);
        assert_int_equal(weir_response_header_set(res, names[i], "1"), -EINVAL);
    }
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_int_equal(weir_response_header_add(res, "x-bad", values[i]), -EINVAL);
        assert_int_equal(weir_response_header_set(res, "x-first", values[i]), -EINVAL);
        assert_int_equal(weir_respond_bytes(res, 200, values[i], "no", 2), -EINVAL);
    }
    memset(large, 'x', sizeof large - 1);
    assert_int_equal(weir_response_header_add(res, "x-bad", large), -EINVAL);
    large[600] = '\0';
    assert_int_equal(weir_response_header_add(res, "x-large", large), 0); /* more than the room at first */
    assert_int_equal(weir_response_header_add(res, "x-last", "\t\xff"), 0);
    return weir_respond_text(res, 200, "all");
}

static int ask_for_broken(struct rig *rig)
{
    ask(rig, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_int_equal(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_has(answer, "\r\nx-first: \r\nx-large: x");
    assert_has(answer, "x\r\nx-last: \t\xff\r\n\r\nall");
    assert_null(strstr(answer, "bad"));
    return 0;
}

static void what_is_no_header_is_refused_and_leaves_nothing(void **state)
{
    static const weir_route route = {.path = "/", .handler = add_broken};
    struct rig rig = {.routes = &route, .route_count = 1, .test = ask_for_broken};

    (void)state;
    rig_run(&rig);
}

/* --- informational answers --- */

static int hints(weir_request *req, weir_response *res, void *state)
{
    static const weir_header links[] = {{"Link", "</a.css>; rel=preload"}, {"link", "</b.js>; rel=preload"}},
                             bad[] = {{"Content-Length", "1"}}, broken[] = {{"a", "b\r\nc: d"}};

    (void)req, (void)state;
    assert_int_equal(weir_response_header_add(res, "x-final", "1"), 0);
    assert_int_equal(weir_respond_informational(res, 103, links, 2), 0);
    assert_int_equal(weir_respond_informational(res, 102, NULL, 0), 0);
    assert_int_equal(weir_respond_informational(res, 100, NULL, 0), 0);
    assert_int_equal(weir_respond_informational(res, 99, NULL, 0), -EINVAL);
    assert_int_equal(weir_respond_informational(res, 101, NULL, 0), -EINVAL);
    assert_int_equal(weir_respond_informational(res, 200, NULL, 0), -EINVAL);
    assert_int_equal(weir_respond_informational(res, 103, bad, 1), -EINVAL);
    assert_int_equal(weir_respond_informational(res, 103, broken, 1), -EINVAL);
    assert_int_equal(weir_respond_text(res, 200, "done"), 0);
    assert_int_equal(weir_respond_informational(res, 103, links, 2), -WEIR_EBUSY);
    return 0;
}

static int hinted(struct rig *rig)
{
    static const char first[] = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n"
                                "link: </b.js>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                                "HTTP/1.1 100 Continue\r\n\r\n"
                                "HTTP/1.1 200 OK\r\n";

    ask(rig, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_memory_equal(answer, first, sizeof first - 1);
    assert_has(answer, "x-final: 1\r\n");
    ask(rig, "GET / HTTP/1.0\r\n\r\n");
    assert_memory_equal(answer, "HTTP/1.1 200", 12); /* HTTP/1.0 knows no such answers */
    return 0;
}

static void informational_answers_come_first(void **state)
{
    static const weir_route route = {.path = "/", .handler = hints};
    struct rig rig = {.routes = &route, .route_count = 1, .test = hinted};

    (void)state;
    rig_run(&rig);
}

/* --- trailers --- */

/* Answers with the body and the trailers of the request, and with trailers of its own. */
static int trailers(weir_request *req, weir_response *res, void *state)
{
    bool whole = strcmp(weir_request_path(req), "/whole") == 0;
    char data[64], text[256];
    ssize_t n;
    int err = 0;

    (void)state;
    assert_null(weir_request_trailer(req, "x-sum"));
    while ((n = weir_request_read(req, data, sizeof data)) > 0)
        ;
    if (n < 0)
        return (int)n;
    (void)snprintf(text, sizeof text, "%s,%s,%s",
                   weir_request_trailer(req, "X-SUM") ? weir_request_trailer(req, "X-SUM") : "none",
                   weir_request_trailer(req, "x-empty") ? "empty" : "none",
                   weir_request_trailer(req, "content-length") ? "smuggled" : "none");
    assert_int_equal(weir_response_trailer_add(res, "x-early", "1"), 0);
    assert_int_equal(weir_response_trailer_add(res, "Content-Type", "a/b"), -EINVAL);
    assert_int_equal(weir_response_trailer_add(res, "transfer-encoding", "chunked"), -EINVAL);
    assert_int_equal(weir_response_trailer_add(res, "x", "a\nb"), -EINVAL);
    if (whole) {
        err = weir_respond_text(res, 200, text);
        assert_int_equal(weir_response_trailer_add(res, "x-late", "2"), -ENOTSUP);
        return err;
    }
    err = weir_respond_begin(res, 200, "text/plain", -1);
    if (err == 0)
        err = weir_respond_write(res, text, strlen(text));
    if (weir_request_version(req) == WEIR_HTTP_1_1)
        assert_int_equal(weir_response_trailer_add(res, "x-late", "2"), 0);
    else
        assert_int_equal(weir_response_trailer_add(res, "x-late", "2"), -ENOTSUP);
    return err;
}

static int trailed(struct rig *rig)
{
    static const char body[] = "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n";
    char request[512];

    (void)snprintf(request, sizeof request, "POST / HTTP/1.1\r\nHost: a\r\n%s%s", body,
                   "x-sum:  42\t\r\nx-empty:\r\nContent-Length: 5\r\nX-Sum: 43\r\n\r\n");
    assert_has(ask(rig, request), "\r\n\r\nd\r\n42,empty,none\r\n0\r\nx-early: 1\r\nx-late: 2\r\n\r\n");
    (void)snprintf(request, sizeof request, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", body);
    assert_has(ask(rig, request), "none,none,none\r\n0\r\nx-early: 1\r\nx-late: 2\r\n\r\n");
    (void)snprintf(request, sizeof request, "POST /whole HTTP/1.1\r\nHost: a\r\n%sx-sum: 1\r\n\r\n", body);
    assert_has(ask(rig, request), "\r\n\r\n1,none,none");
    assert_null(strstr(answer, "x-early"));
    assert_has(ask(rig, "GET / HTTP/1.0\r\n\r\n"), "\r\n\r\nnone,none,none");
    assert_null(strstr(answer, "x-early"));
    return 0;
}

/* The bytes of the trailers one by one, over a kept connection. */
static int trailed_slowly(struct rig *rig)
{
    static const char request[] = "POST /whole HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n";
    weir_stream *s = rig_connect(rig);

    for (int round = 0; round < 2; round++) {
        for (const char *at = request; *at != '\0'; at++) {
            assert_int_equal(weir_write(s, at, 1), 0);
            assert_int_equal(weir_sleep(weir_us(10)), 0);
        }
        assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
        assert_has(answer, "7,none,none");
    }
    weir_stream_close(s);
    return 0;
}

static void trailers_go_both_ways(void **state)
{
    static const weir_route route = {.path = "/*", .handler = trailers};
    struct rig rig = {.routes = &route, .route_count = 1, .test = trailed};

    (void)state;
    rig_run(&rig);
    rig.test = trailed_slowly;
    rig_run(&rig);
}

/* --- several writers --- */

struct writer {
    weir_response *res;
    char letter;
};

static int write_lines(void *arg)
{
    const struct writer *w = arg;
    char line[1000];
    int err = 0;

    memset(line, w->letter, sizeof line);
    for (int i = 0; i < 20 && err == 0; i++)
        err = weir_respond_write(w->res, line, sizeof line);
    return err;
}

static int write_together(weir_request *req, weir_response *res, void *state)
{
    struct writer writers[] = {{res, 'a'}, {res, 'b'}, {res, 'c'}};
    weir_scope scope;
    int err = weir_respond_begin(res, 200, NULL, 60000);

    (void)req, (void)state;
    assert_int_equal(err, 0);
    weir_scope_open(&scope, weir_never(), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(weir_spawn(&scope, "writer", write_lines, &writers[i]), 0);
    err = weir_scope_close(&scope);
    assert_int_equal(weir_respond_write(res, "x", 1), -EINVAL);
    return err;
}

static int written_together(struct rig *rig)
{
    static char all[70000];
    weir_stream *s = rig_connect(rig);
    const char *body;
    int counts[3] = {0};

    rig_send(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_answer(s, all, sizeof all), 200);
    weir_stream_close(s);
    body = strstr(all, "\r\n\r\n") + 4;
    for (size_t at = 0; at < 60000; at += 1000) {
        for (size_t i = 1; i < 1000; i++)
            assert_int_equal(body[at + i], body[at]);
        counts[body[at] - 'a']++;
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(counts[i], 20);
    return 0;
}

static void several_tasks_write_whole_pieces(void **state)
{
    static const weir_route route = {.path = "/", .handler = write_together};
    struct rig rig = {.routes = &route, .route_count = 1, .test = written_together};

    (void)state;
    rig_run(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_tell_and_routes_have_hosts),
        cmocka_unit_test(preflights_reach_the_route_of_the_method_asked_for),
        cmocka_unit_test(refusals_can_be_given_headers),
        cmocka_unit_test(a_405_knows_a_route_of_its_path),
        cmocka_unit_test(a_handler_may_decide_before_a_length_does),
        cmocka_unit_test(routes_have_names),
        cmocka_unit_test(a_proxy_is_told_all),
        cmocka_unit_test(what_is_no_header_is_refused_and_leaves_nothing),
        cmocka_unit_test(informational_answers_come_first),
        cmocka_unit_test(trailers_go_both_ways),
        cmocka_unit_test(several_tasks_write_whole_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
