/* SPDX-License-Identifier: MIT */
/* What the tests of second attempts share: servers that do with each attempt what a test says, and note what
 * they were sent. */
#ifndef TEST_HTTP_CLIENT_BACKEND_ATTEMPTS_RIG_H
#define TEST_HTTP_CLIENT_BACKEND_ATTEMPTS_RIG_H

#include "cluster.h"

#include "http/client/backend/state.h"

enum { ATTEMPTS_MAX = 4, NO_ANSWER_YET = 0 };

/* What becomes of an attempt: it waits, sends what there is to send, and then answers further requests,
 * or ends the connection, or says nothing more until the client leaves. */
enum then { GOES_ON, CLOSES, HANGS };

struct answer {
    int64_t after_us;
    const char *text; /* NULL: nothing */
    int64_t rest_after_us;
    const char *rest; /* NULL: nothing */
    enum then then;
};

/* What attempts are answered: the first, the second … */
static struct answer plan[ATTEMPTS_MAX];

static struct {
    int attempts[ATTEMPTS_MAX];   /* that came, by number */
    int instance[ATTEMPTS_MAX];   /* that the latest one of each number came to */
    int connection[ATTEMPTS_MAX]; /* likewise */
    int left;                     /* by clients that got nothing */
    int posts;
    char heads[ATTEMPTS_MAX][REQUEST_BYTES];
} came;

#define ANSWER(text) "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n" text
#define FAILED(status) "HTTP/1.1 " status " No\r\ncontent-length: 2\r\n\r\nno"

/* Returns: the number of an attempt, from 0. */
static inline int attempt_of(const char *head)
{
    const char *line = strstr(head, "\r\nx-weir-attempt: ");
    int number = line != NULL ? atoi(line + 18) : 1;

    assert_in_range(number, 1, ATTEMPTS_MAX);
    return number - 1;
}

static inline void note_attempt(struct backend *b, int attempt, int connection)
{
    struct cluster *c = b->arg;

    came.attempts[attempt]++;
    came.instance[attempt] = (int)(b - c->servers);
    came.connection[attempt] = connection;
    came.posts += strncmp(b->request, "POST", 4) == 0;
    memcpy(came.heads[attempt], b->request, sizeof b->request);
}

static inline bool send_after(weir_stream *s, int64_t after_us, const char *text)
{
    if (after_us > 0 && weir_sleep(weir_us(after_us)) < 0)
        return false;
    return text == NULL || send_text(s, text) == 0;
}

static inline int serve_by_plan(struct backend *b, weir_stream *s, int number)
{
    while (read_request(b, s) > 0) {
        const int attempt = attempt_of(b->request);
        const struct answer a = plan[attempt];

        note_attempt(b, attempt, number);
        if (!send_after(s, a.after_us, a.text) || !send_after(s, a.rest_after_us, a.rest) || a.then == CLOSES)
            break;
        if (a.then == HANGS) {
            came.left += client_leaves(s);
            break;
        }
    }
    return 0;
}

static inline void forget(void)
{
    memset(&came, 0, sizeof came);
}

/* Hedges after 10 ms, without a percentile to be learned first. */
static inline weir_backend_options hedging(void)
{
    return (weir_backend_options){.hedge = {.after = weir_ms(10), .extra_percent = 100}};
}

/* A request, and all that came of it. */
struct asked {
    int err, status;
    int64_t took_us, told_us; /* as measured here; as the answer says */
    int instance;             /* likewise, from 0 */
    char body[32];
    weir_attempts_made made;
};

static inline struct asked ask_with(struct cluster *c, weir_fetch_options options)
{
    const int64_t began = weir_now().ns;
    struct asked asked = {0};
    weir_reply reply;

    options.backend = c->backend;
    options.url = options.url != NULL ? options.url : "/";
    asked.err = weir_fetch(c->client, &options, &reply);
    asked.took_us = (weir_now().ns - began) / 1000;
    asked.made = reply.attempts;
    asked.told_us = reply.took.ns / 1000;
    asked.instance = reply.instance - 1;
    asked.status = reply.status;
    if (asked.err == 0)
        (void)snprintf(asked.body, sizeof asked.body, "%s", reply.body);
    weir_reply_free(&reply);
    return asked;
}

static inline struct asked ask_for(struct cluster *c, const char *method)
{
    return ask_with(c, (weir_fetch_options){.method = method});
}

/* The same as a stream. */
static inline struct asked ask_in_pieces(struct cluster *c, weir_fetch_options options)
{
    const int64_t began = weir_now().ns;
    struct asked asked = {0};
    weir_fetch_stream *s;
    weir_reply reply;
    size_t len = 0;
    ssize_t n = 1;

    options.backend = c->backend;
    options.url = options.url != NULL ? options.url : "/";
    options.attempts = &asked.made;
    asked.err = weir_fetch_open(c->client, &options, (int64_t)options.first_bytes, &s);
    if (asked.err < 0)
        return asked;
    asked.err = weir_fetch_head(s, &reply);
    asked.status = reply.status;
    asked.told_us = reply.took.ns / 1000;
    asked.instance = reply.instance - 1;
    while (asked.err == 0 && n > 0 && len < sizeof asked.body - 1) {
        n = weir_fetch_read(s, asked.body + len, sizeof asked.body - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        asked.err = n < 0 ? (int)n : 0;
    }
    asked.took_us = (weir_now().ns - began) / 1000;
    weir_fetch_close(s);
    return asked;
}

/* Makes requests that are answered at once, so that the budget is full, and the time until a hedge not drawn
 * out. */
static inline void fill_budget(struct cluster *c)
{
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        plan[i] = (struct answer){.text = ANSWER("ok")};
    for (int i = 0; i < 30; i++)
        assert_int_equal(ask(c, "/", NULL), 0);
    forget();
}

/* Waits until no connection lingers. */
static inline void until_at_rest(struct cluster *c)
{
    while (see().stats.in_use > 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    assert_at_rest(c);
}

static inline weir_attempts_stats attempts_seen(void)
{
    return see().stats.attempts;
}

/* A way to ask: as a whole, or in pieces. */
struct way {
    struct asked (*ask)(struct cluster *c, weir_fetch_options options);
};

static inline void on_both_ways(int (*fn)(void *arg), uint64_t seeds)
{
    struct way ways[] = {{ask_with}, {ask_in_pieces}};

    for (uint64_t seed = seed_first(); seed <= seed_last(seeds); seed++)
        for (int i = 0; i < 2; i++)
            run_simulated(seed, fn, &ways[i]);
}

#endif
