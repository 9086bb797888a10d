/* SPDX-License-Identifier: MIT */
/* Second attempts of a serve route, with processes that answer, are slow, break off and get stuck in any
 * order, and clients that leave: a request that is not repeatable is sent once, the budget pays for all
 * others, every client that stays is answered, and every place is given back. */
#include "app/routes/serve_rig.h"

enum { CLIENTS = 12, EACH = 25, REQUESTS = CLIENTS * EACH, STAYS_MS = 3000 };

struct counted {
    uint64_t seed;
    int sent[REQUESTS]; /* as the processes have counted them */
    bool is_post[REQUESTS];
    int second;
};

struct client {
    struct world *w;
    int number;
};

static uint64_t draw(uint64_t seed, uint64_t number, uint64_t what)
{
    uint64_t x = (seed * 1000003 + number) * 1000003 + what;

    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33);
}

static int say(weir_stream *s, const char *status)
{
    char text[120];

    (void)snprintf(text, sizeof text, "HTTP/1.1 %s\r\ncontent-length: 2\r\n\r\nok", status);
    return send_text(s, text);
}

/* What a process does with a request. */
static int answer(struct world *w, int process, weir_stream *s)
{
    struct counted *c = w->data;
    const char *request = w->process[process].request;
    const int id = atoi(strchr(request, '/') + 1);
    const bool is_second = strcasestr(request, "\r\nx-weir-attempt: 2\r\n") != NULL;
    const uint64_t drawn = draw(c->seed, (uint64_t)id, 10 + is_second);
    const weir_duration delay = weir_ms((int64_t)(drawn >> 32) % (drawn % 4 == 0 ? 400 : 40));

    c->sent[id]++;
    c->second += is_second;
    if (weir_sleep(delay) < 0)
        return -ECONNRESET;
    switch ((drawn >> 8) % 12) {
    case 0:
        return -ECONNRESET;
    case 1:
        return (void)send_text(s, "HTTP/1.1 200 O"), -ECONNRESET;
    case 2:
        return (void)client_leaves(s), -ECONNRESET;
    case 3:
        return say(s, "503 No");
    case 4:
        return say(s, "500 No");
    case 5:
        return (void)send_text(s, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"), -ECONNRESET;
    default:
        return say(s, "200 OK");
    }
}

static void ask(struct world *w, int id, uint64_t drawn)
{
    struct counted *c = w->data;
    const bool stays = drawn % 8 != 0;
    char request[160];
    weir_stream *s;
    char *text;

    c->is_post[id] = drawn % 3 == 0;
    (void)snprintf(request, sizeof request, "%s /%d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                   c->is_post[id] ? "POST" : "GET", id);
    s = world_send(w, request);
    if (!stays) {
        assert_int_equal(weir_sleep(weir_ms((int64_t)(drawn >> 16) % 100)), 0);
        weir_stream_close(s);
        return;
    }
    text = world_read(s);
    assert_int_equal(strncmp(text, "HTTP/1.1 ", 9), 0);
    free(text);
}

static int ask_on_and_on(void *arg)
{
    const struct client *client = arg;
    const struct counted *c = client->w->data;

    for (int i = 0; i < EACH; i++) {
        const int id = client->number * EACH + i;
        const uint64_t drawn = draw(c->seed, (uint64_t)id, 1);

        ask(client->w, id, drawn);
        assert_int_equal(weir_sleep(weir_ms((int64_t)(drawn >> 40) % 50)), 0);
    }
    return 0;
}

static int mix(struct world *w)
{
    const struct counted *c = w->data;
    const weir_instant began = weir_now();
    struct client clients[CLIENTS];
    weir_scope scope;
    int64_t seconds;

    weir_scope_open(&scope, weir_never(), 0);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){w, i};
        assert_int_equal(weir_spawn(&scope, "a client", ask_on_and_on, &clients[i]), 0);
    }
    assert_int_equal(weir_scope_close(&scope), 0);
    seconds = weir_between(began, weir_now()).ns / 1000000000;
    assert_int_equal(weir_sleep(weir_ms(STAYS_MS)), 0);
    assert_int_equal(world_in_flight(w), 0);
    for (int id = 0; id < REQUESTS; id++)
        assert_in_range(c->sent[id], 0, c->is_post[id] ? 1 : 2);
    /* The larger of 20 % and one a second, and what there was at first. */
    assert_in_range(c->second, 1, (seconds > REQUESTS / 5 ? seconds : REQUESTS / 5) + 2);
    return 0;
}

static void nothing_is_sent_too_often_and_every_place_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = seed_first(); seed <= seed_last(20); seed++) {
        struct counted c = {.seed = seed};
        struct world w = {.processes = 3,
                          .settings = ", processes: 3, concurrency: 3, timeout: 1s, wait: 5s, "
                                      "hedge: {after: 50ms, extra: 20%}, retry: {extra: 10%}",
                          .test = mix,
                          .answer = answer,
                          .data = &c};

        run_simulated(seed, world_main, &w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_too_often_and_every_place_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
