/* SPDX-License-Identifier: MIT */
/* traceparent and tracestate: what is taken, what must be taken for absent, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/server/server_rig.h"
#include "http/message/trace.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static bool parse(const char *text, weir_trace *trace)
{
    return weir_trace_parse(weir_bytes_of(text), trace) == 0;
}

static void a_traceparent_is_read_and_written(void **state)
{
    weir_trace trace;
    char id[WEIR_TRACE_ID_BYTES], text[WEIR_TRACE_PARENT_BYTES];

    (void)state;
    assert_true(parse("00-" ID "-" SPAN "-01", &trace));
    assert_true(trace.id_high == 0x0af7651916cd43dd && trace.id_low == 0x8448eb211c80319c);
    assert_true(trace.span == 0xb7ad6b7169203331);
    assert_int_equal(trace.flags, WEIR_TRACE_SAMPLED);
    assert_string_equal(weir_trace_format_id(&trace, id), ID);
    assert_string_equal(weir_trace_format(&trace, 0x1f, text), "00-" ID "-000000000000001f-01");
    assert_true(parse("00-" ID "-" SPAN "-03", &trace));
    assert_int_equal(trace.flags, WEIR_TRACE_SAMPLED | WEIR_TRACE_RANDOM);
    assert_true(parse("00-" ID "-" SPAN "-fe", &trace));
    assert_int_equal(trace.flags, WEIR_TRACE_RANDOM); /* what nobody knows is not passed on */
}

static void later_versions_are_read_as_far_as_they_are_known(void **state)
{
    weir_trace trace;

    (void)state;
    assert_true(parse("cc-" ID "-" SPAN "-03", &trace));
    assert_int_equal(trace.flags, WEIR_TRACE_SAMPLED);
    assert_true(parse("01-" ID "-" SPAN "-00-what.the future-brings", &trace));
    assert_true(parse("fe-" ID "-" SPAN "-00-", &trace));
    assert_false(parse("01-" ID "-" SPAN "-00.x", &trace));
    assert_false(parse("01-" ID "-" SPAN "-000", &trace));
}

static void what_is_not_valid_is_taken_for_absent(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-" ID "-" SPAN,
        "00-" ID "-" SPAN "-",
        "00-" ID "-" SPAN "-0",
        "00-" ID "-" SPAN "-01-",
        "00-" ID "-" SPAN "-01-x",
        "00-" ID "-" SPAN "-010",
        "00-" ID "-" SPAN "-01 ",
        " 00-" ID "-" SPAN "-01",
        "ff-" ID "-" SPAN "-01",
        "0-" ID "-" SPAN "-01",
        "000-" ID "-" SPAN "-01",
        "0g-" ID "-" SPAN "-01",
        "0A-" ID "-" SPAN "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00-0af7651916cd43dd8448eb211c80319g-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" ID "-0000000000000000-01",
        "00-" ID "-B7AD6B7169203331-01",
        "00-" ID "-" SPAN "-0G",
        "00-" ID "-" SPAN "-0F",
        "00_" ID "-" SPAN "-01",
        "00-" ID "_" SPAN "-01",
        "00-" ID "-" SPAN "_01",
        "00-" ID SPAN "--01-01",
        "00-1-2-3",
        "00-+af7651916cd43dd8448eb211c80319c-" SPAN "-01",
    };
    weir_trace trace = {.flags = 77};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i], &trace))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(trace.flags, 77); /* nothing was written */
    }
}

static void a_state_is_cut_after_a_whole_member(void **state)
{
    char text[1024];

    (void)state;
    assert_int_equal(weir__trace_state_cut("a=1,b=2", 7), 7);
    memset(text, 'x', sizeof text);
    assert_int_equal(weir__trace_state_cut(text, WEIR_TRACE_STATE_MAX), WEIR_TRACE_STATE_MAX);
    assert_int_equal(weir__trace_state_cut(text, sizeof text), 0); /* one member that is too long */
    text[100] = text[300] = text[600] = ',';
    assert_int_equal(weir__trace_state_cut(text, sizeof text), 300);
    text[WEIR_TRACE_STATE_MAX] = ',';
    assert_int_equal(weir__trace_state_cut(text, sizeof text), WEIR_TRACE_STATE_MAX);
}

/* --- as a handler sees it --- */

static int tell(weir_request *req, weir_response *res, void *state)
{
    const weir_trace *trace = weir_request_trace(req);
    const char *trace_state = weir_request_trace_state(req);
    char text[1024], parent[WEIR_TRACE_PARENT_BYTES];

    (void)state;
    assert_ptr_equal(weir_request_trace(req), trace);
    (void)snprintf(text, sizeof text, "%s %d %s", weir_trace_format(trace, 1, parent), trace->span != 0,
                   trace_state != NULL ? trace_state : "none");
    return weir_respond_text(res, 200, text);
}

static const char *told(struct rig *rig, const char *headers)
{
    static char answer[4096];
    char request[2048];
    weir_stream *s = rig_connect(rig);

    (void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", headers);
    rig_send(s, request);
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    weir_stream_close(s);
    return strstr(answer, "\r\n\r\n") + 4;
}

#define PARENT "traceparent: 00-" ID "-" SPAN "-01\r\n"

static int ask_for_traces(struct rig *rig)
{
    char first[64];

    assert_string_equal(told(rig, PARENT), "00-" ID "-0000000000000001-01 1 none");
    assert_string_equal(told(rig, "TraceParent:\t00-" ID "-" SPAN "-00 \r\n"),
                        "00-" ID "-0000000000000001-00 1 none");
    assert_string_equal(
        told(rig, "Tracestate: a=1 , b=2\r\n" PARENT "X: y\r\ntracestate:\r\ntracestate: c=3\r\n"),
        "00-" ID "-0000000000000001-01 1 a=1 , b=2,c=3");
    (void)snprintf(first, sizeof first, "%.55s", told(rig, "tracestate: a=1\r\n"));
    assert_string_equal(first + 35, "-0000000000000001-03");
    assert_string_equal(told(rig, PARENT PARENT) + 55, " 0 none");
    assert_memory_not_equal(told(rig, ""), first, 35);
    return 0;
}

static void a_request_has_one_trace(void **state)
{
    static const weir_route routes[] = {{.path = "/", .handler = tell}};
    struct rig rig = {.routes = routes, .route_count = 1, .test = ask_for_traces};

    (void)state;
    rig_run(&rig);
}

/* --- passing it on --- */

/* [trace] */
/* Asks another service on behalf of a request, as a step of its own in the same trace. */
static int get_for(weir_request *req, weir_client *client, const char *url, weir_reply *reply)
{
    char parent[WEIR_TRACE_PARENT_BYTES];
    const char *trace_state = weir_request_trace_state(req);
    weir_header headers[] = {
        {"traceparent", weir_trace_format(weir_request_trace(req), weir_random_u64() | 1, parent)},
        {"tracestate", trace_state},
    };
    weir_fetch_options options = {
        .url = url, .headers = headers, .header_count = trace_state != NULL ? 2 : 1};

    return weir_fetch(client, &options, reply);
}
/* [/trace] */

static int pass_on(weir_request *req, weir_response *res, void *client)
{
    struct rig *rig = weir_request_data(req);
    char url[WEIR_ADDRESS_BYTES + 16];
    weir_reply reply;

    (void)snprintf(url, sizeof url, "http://%s/", rig->address);
    assert_int_equal(get_for(req, client, url, &reply), 0);
    return weir_respond_bytes(res, reply.status, NULL, reply.body, reply.body_bytes);
}

static void *open_client(void *arg, weir_server *server)
{
    weir_client *client = NULL;

    (void)arg, (void)server;
    assert_int_equal(weir_client_open(NULL, &client), 0);
    return client;
}

static void close_client(void *client)
{
    weir_client_close(client);
}

static int ask_through(struct rig *rig)
{
    static char answer[4096];
    weir_stream *s = rig_connect(rig);

    rig_send(s, "GET /pass HTTP/1.1\r\nHost: a\r\n" PARENT "tracestate: a=1\r\n\r\n");
    assert_int_equal(rig_answer(s, answer, sizeof answer), 200);
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, "00-" ID "-0000000000000001-01 1 a=1");
    weir_stream_close(s);
    return 0;
}

static void a_trace_goes_on_to_other_services(void **state)
{
    struct rig rig = {.route_count = 2, .test = ask_through};
    const weir_route routes[] = {{.path = "/", .handler = tell},
                                 {.path = "/pass", .handler = pass_on, .data = &rig}};

    (void)state;
    rig.routes = routes;
    rig.options.setup = open_client;
    rig.options.teardown = close_client;
    rig_run(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traceparent_is_read_and_written),
        cmocka_unit_test(later_versions_are_read_as_far_as_they_are_known),
        cmocka_unit_test(what_is_not_valid_is_taken_for_absent),
        cmocka_unit_test(a_state_is_cut_after_a_whole_member),
        cmocka_unit_test(a_request_has_one_trace),
        cmocka_unit_test(a_trace_goes_on_to_other_services),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
