/* SPDX-License-Identifier: MIT */
/* Every wait of a request by TLS is cancelled; afterwards nothing is in use, and the client still works. */
#include "tls_rig.h"

#include "support/torture.h"

static int serve_two_writes(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        if (send_text(s, OK_HEAD) < 0 || weir_sleep(weir_us(100)) < 0 || send_text(s, "ok") < 0)
            break;
    return 0;
}

static int run_world(struct torture *t, int (*victim)(void *))
{
    struct world w;
    int result;

    world_open(&w, certificate_of_server(), serve_two_writes, NULL);
    result = torture_victim(t, victim, &w);
    weir__list_each (node, &w.client->origins) {
        struct weir__origin *origin = weir__container_of(node, struct weir__origin, node);
        assert_int_equal(origin->in_use, 0);
        assert_int_equal(origin->users, 0);
    }
    get_ok(w.client, w.backend.url);
    world_close(&w);
    return result;
}

static int asks_twice(void *arg)
{
    struct world *w = arg;

    for (int i = 0; i < 2; i++) {
        weir_reply reply;
        int err = weir_get(w->client, w->backend.url, &reply);
        if (err < 0)
            return err;
        assert_string_equal(reply.body, "ok");
        weir_reply_free(&reply);
    }
    return 0;
}

static int whole_answers(struct torture *t)
{
    return run_world(t, asks_twice);
}

static void asking_can_be_cancelled(void **state)
{
    (void)state;
    assert_in_range(torture_all_transports(whole_answers, NULL), 20, 10000);
}

static int posts_in_pieces(void *arg)
{
    struct world *w = arg;
    const weir_fetch_options options = {.method = "POST", .url = w->backend.url};
    weir_fetch_stream *f;
    weir_reply reply;
    char data[8];
    ssize_t n = 1;
    int err = weir_fetch_open(w->client, &options, 5, &f);

    if (err < 0)
        return err;
    err = weir_fetch_write(f, "hello", 5);
    if (err >= 0)
        err = weir_fetch_head(f, &reply);
    while (err == 0 && n > 0)
        n = weir_fetch_read(f, data, sizeof data);
    weir_fetch_close(f);
    return err < 0 ? err : (int)n;
}

static int pieces(struct torture *t)
{
    return run_world(t, posts_in_pieces);
}

static void pieces_can_be_cancelled(void **state)
{
    (void)state;
    assert_in_range(torture_all_transports(pieces, NULL), 20, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_can_be_cancelled),
        cmocka_unit_test(pieces_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, certificates_begin, certificates_end);
}
