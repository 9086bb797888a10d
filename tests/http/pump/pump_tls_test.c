/* SPDX-License-Identifier: MIT */
/* Bodies are pumped through a proxy with TLS at one side, or at both: nothing is spliced there. */
#include "http/pump/pump_rig.h"

#include "http/client/tls_rig.h"

/* Around what is read at a time, a record, and what is pumped before splicing begins. */
static const size_t lengths[] = {0, 1, 8192, 16384, 16385, 65536, 65537, 400001};

struct secured {
    struct proxied p; /* first: it is what the rig knows */
    bool front, back; /* which sides have TLS */
    weir_tls *server, *client;
};

static struct secured secured;

static int serve_securely(struct backend *b, weir_stream *s, int number)
{
    return weir_stream_start_tls(s, secured.server, NULL) == 0 ? serve_proxied(b, s, number) : 0;
}

static weir_stream *connect_front(struct secured *s)
{
    weir_stream *stream = rig_connect(&s->p.rig);

    if (s->front)
        assert_int_equal(weir_stream_start_tls(stream, s->client, "localhost"), 0);
    return stream;
}

static int secured_main(void *arg)
{
    struct secured *s = arg;
    struct proxied *p = &s->p;
    int result;

    s->server = tls_of(certificate_of_server(), NULL);
    s->client = tls_that_trusts();
    p->down = p->up = (struct sending){.breaks_at = SIZE_MAX};
    p->backend_takes = SIZE_MAX;
    p->client = client_open(&(weir_client_options){.tls = s->client});
    backend_open(&p->backend, s->back ? serve_securely : serve_proxied, p);
    if (s->back)
        (void)snprintf(p->backend.url, sizeof p->backend.url, "https://%s/",
                       weir_listener_address(p->backend.listener));
    p->rig.listener = (weir_listener_options){.tls = s->front ? s->server : NULL};
    result = rig_main(&p->rig);
    backend_close(&p->backend);
    weir_client_close(p->client);
    weir_tls_close(s->client);
    weir_tls_close(s->server);
    return result;
}

static void run_secured(int (*test)(struct proxied *p))
{
    static weir_route route = {
        .path = "/*", .handler = proxy_handler, .data = &secured.p, .body_bytes_max = UINT64_MAX};

    for (int sides = 1; sides <= 3; sides++) {
        secured = (struct secured){
            .p = {.rig = {.routes = &route, .route_count = 1, .test = proxied_test}, .test = test},
            .front = (sides & 1) != 0,
            .back = (sides & 2) != 0};
        run_on_plain_transports(secured_main, &secured);
    }
}

/* --- whole bodies --- */

static void expect_whole(struct proxied *p, weir_stream *s, size_t up, size_t down, enum framing framing)
{
    struct answer a;

    p->up = (struct sending){up, framing != BY_CLOSE ? framing : BY_LENGTH, SIZE_MAX, false};
    p->down = (struct sending){down, framing, SIZE_MAX, false};
    ask(p, s, up > 0 ? "POST" : "GET", "1.1", &a);
    if (a.err != 0 || a.status != 200 || a.r.bytes != down)
        fail_msg("%zu up, %zu down, framing %d: %s, status %d, %zu bytes", up, down, (int)framing,
                 weir_error_name(a.err), a.status, a.r.bytes);
    assert_int_equal(p->received, up);
    assert_int_equal(p->pumped_down.bytes, down);
    assert_int_equal(p->pumped_down.failed, WEIR_BODY_NEITHER);
}

static int64_t charged_for_tls(const struct rig *rig)
{
    int64_t ns = 0;

    for (size_t i = 0; i < rig->charge_count; i++)
        if (rig->charges[i].category == WEIR_CHARGE_TLS)
            ns += rig->charges[i].share.ns;
    return ns;
}

static int every_length(struct proxied *p)
{
    weir_stream *s = connect_front(&secured);

    for (enum framing framing = BY_LENGTH; framing <= BY_CLOSE; framing++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            int records = p->rig.records;

            expect_whole(p, s, framing == BY_CLOSE ? 0 : lengths[sizeof lengths / sizeof *lengths - 1 - i],
                         lengths[i], framing);
            while (p->rig.records == records)
                assert_int_equal(weir_sleep(weir_us(100)), 0);
            if (framing == BY_LENGTH) /* the handshake is a part of the first exchange alone */
                assert_true((charged_for_tls(&p->rig) > 0) == (secured.back && i == 0));
        }
    weir_stream_close(s);
    return 0;
}

static void bodies_of_every_length_arrive(void **state)
{
    (void)state;
    run_secured(every_length);
}

/* --- broken bodies --- */

static int broken(struct proxied *p)
{
    for (size_t at = 30000; at <= 200001; at += 170001) { /* by a reset, and by an end that is announced */
        weir_stream *s = connect_front(&secured);
        struct answer a;

        p->up = (struct sending){0, BY_LENGTH, SIZE_MAX, false};
        p->down = (struct sending){400000, BY_LENGTH, at, false};
        ask(p, s, "GET", "1.1", &a);
        assert_true(a.err < 0);
        assert_true(a.r.bytes <= at);
        assert_true(p->down_result < 0);
        weir_stream_close(s);
    }
    return 0;
}

static void a_backend_that_breaks_off_breaks_the_answer_off(void **state)
{
    (void)state;
    run_secured(broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_every_length_arrive),
        cmocka_unit_test(a_backend_that_breaks_off_breaks_the_answer_off),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
