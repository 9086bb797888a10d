/* SPDX-License-Identifier: MIT */
/* The deadline that a request comes with, in virtual time: what is no deadline, handlers that know nothing of
 * it, and answers that have begun when it passes. */
#include "http/client_deadline.h"
#include "http/server/server_rig.h"

enum { PIECES = 5, ROOM = 4096 };

static int entered; /* handlers */

static int nap(weir_request *req, weir_response *res, void *state)
{
    int err;

    (void)req, (void)state;
    entered++;
    err = weir_sleep(weir_ms(100));
    return err < 0 ? err : weir_respond_text(res, 200, "slept");
}

/* Begins at once, and ends long after the deadline. */
static int stream(weir_request *req, weir_response *res, void *state)
{
    int err = weir_respond_begin(res, 200, "text/plain", PIECES);

    (void)req, (void)state;
    for (int i = 0; i < PIECES && err == 0; i++) {
        err = weir_sleep(weir_ms(100));
        if (err == 0)
            err = weir_respond_write(res, "x", 1);
    }
    return err;
}

/* Computes past the deadline, which nothing has noticed when the answer begins. */
static int answer_late(weir_request *req, weir_response *res, void *state)
{
    weir_scope shielded;
    int err;

    (void)req, (void)state;
    weir_scope_open(&shielded, weir_after_ms(200), WEIR_SHIELD);
    err = weir_sleep(weir_ms(100));
    (void)weir_scope_close(&shielded);
    return err < 0 ? err : weir_respond_text(res, 200, "late");
}

#define UNDER_DEADLINE(handler)                                                                              \
    static int handler##_until(weir_request *req, weir_response *res, void *state)                           \
    {                                                                                                        \
        return client_deadline_run(req, res, handler, state);                                                \
    }
UNDER_DEADLINE(nap)
UNDER_DEADLINE(stream)
UNDER_DEADLINE(answer_late)

/* Asks with these fields. Returns: the status; text is the whole answer. */
static int ask(struct rig *rig, const char *path, const char *fields, char text[ROOM])
{
    weir_stream *s = rig_connect(rig);
    char request[512];
    int status;

    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", path, fields);
    rig_send(s, request);
    status = rig_answer(s, text, ROOM);
    weir_stream_close(s);
    return status;
}

static const weir_route routes[] = {
    {.path = "/nap", .handler = nap_until},
    {.path = "/stream", .handler = stream_until},
    {.path = "/late", .handler = answer_late_until},
};

static void run(int (*test)(struct rig *rig))
{
    struct rig rig = {
        .routes = routes, .route_count = sizeof routes / sizeof *routes, .unrecorded = true, .test = test};

    rig_run_simulated(&rig);
}

/* --- reading --- */

static int refuses_what_is_none(struct rig *rig)
{
    static const char *const wrong[] = {
        "",        "-1",   "+1",         "1 000", "1.5",
        "100ms",   "0x10", "1234567890", "1, 2",  "1\r\nx-weir-deadline-ms: 2",
        "\xc2\xb2"};
    char fields[128], text[ROOM];

    entered = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)snprintf(fields, sizeof fields, "x-weir-deadline-ms: %s\r\n", wrong[i]);
        if (ask(rig, "/nap", fields, text) != 400)
            fail_msg("'%s': %s", wrong[i], text);
        assert_non_null(strstr(text, "\"code\":\"malformed\""));
        assert_non_null(strstr(text,
                               "x-weir-deadline-ms is not valid, expected milliseconds: one number of 1 "
                               "to 9 digits"));
    }
    assert_int_equal(entered, 0);
    return 0;
}

static void what_is_no_deadline_is_refused(void **state)
{
    (void)state;
    run(refuses_what_is_none);
}

/* --- a handler --- */

static int ends_handlers(struct rig *rig)
{
    char text[ROOM];

    entered = 0;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            ask(rig, "/nap", i == 0 ? "x-weir-deadline-ms: 0\r\n" : "X-Weir-Deadline-Ms: 000\r\n", text),
            504);
        assert_non_null(strstr(text, "\"code\":\"deadline\""));
        assert_non_null(strstr(text, "the deadline of the request has passed"));
    }
    assert_int_equal(entered, 0);
    assert_int_equal(ask(rig, "/nap", "x-weir-deadline-ms: 99\r\n", text), 504);
    assert_int_equal(entered, 1);
    assert_int_equal(ask(rig, "/nap", "x-weir-deadline-ms: 101\r\n", text), 200);
    assert_int_equal(ask(rig, "/nap", "x-weir-deadline-ms: 999999999\r\n", text), 200);
    assert_int_equal(ask(rig, "/nap", "", text), 200);
    return 0;
}

static void a_handler_ends_when_it_passes(void **state)
{
    (void)state;
    run(ends_handlers);
}

static int leaves_answers(struct rig *rig)
{
    char text[ROOM];

    assert_int_equal(ask(rig, "/stream", "x-weir-deadline-ms: 150\r\n", text), 200);
    assert_non_null(strstr(text, "\r\n\r\nxxxxx"));
    /* Where no wait has told the handler, its answer is refused. */
    assert_int_equal(ask(rig, "/late", "x-weir-deadline-ms: 50\r\n", text), 504);
    return 0;
}

static void an_answer_that_has_begun_is_sent_to_its_end(void **state)
{
    (void)state;
    run(leaves_answers);
}

/* --- what is left --- */

static int tells_what_is_left(struct rig *rig)
{
    char text[CLIENT_DEADLINE_BYTES];
    const weir_instant until = weir_after_ms(40);

    (void)rig;
    assert_string_equal(client_deadline_left(text, until), "40");
    assert_false(client_deadline_passed(until));
    assert_false(client_deadline_passed(weir_never()));
    assert_int_equal(weir_sleep(weir_us(500)), 0);
    assert_string_equal(client_deadline_left(text, until), "39"); /* never more than there is */
    assert_int_equal(weir_sleep(weir_ms(40)), 0);
    assert_string_equal(client_deadline_left(text, until), "0");
    assert_true(client_deadline_passed(until));
    assert_int_equal(client_deadline_min(until, weir_never()).ns, until.ns);
    assert_int_equal(client_deadline_min(weir_never(), until).ns, until.ns);
    return 0;
}

static void what_is_left_is_told(void **state)
{
    (void)state;
    run(tells_what_is_left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_deadline_is_refused),
        cmocka_unit_test(a_handler_ends_when_it_passes),
        cmocka_unit_test(an_answer_that_has_begun_is_sent_to_its_end),
        cmocka_unit_test(what_is_left_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
