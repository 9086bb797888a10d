/* SPDX-License-Identifier: MIT */
/* Hedging of a protocol of lines: a request that its server has not answered after 20 ms is sent to a second
 * server, too, for 5 % of the requests or one a second.
 *
 *     25_attempts FIRST SECOND LINE…           25_attempts 127.0.0.1:7000 127.0.0.1:7001 hello
 */
#include <stdio.h>
#include <string.h>

#include <weir.h>

enum { LINE_BYTES = 256 };

struct attempt {
    const char *address, *request;
    weir_event *news;
    bool runs;
    int err;
    char answer[LINE_BYTES];
};

static bool is_answered(const struct attempt *a)
{
    return !a->runs && strchr(a->answer, '\n') != NULL;
}

static int exchange(struct attempt *a, weir_stream *s)
{
    size_t have = 0;
    int err = weir_write(s, a->request, strlen(a->request));

    if (err == 0)
        err = weir_write(s, "\n", 1);
    while (err == 0 && strchr(a->answer, '\n') == NULL) {
        ssize_t n = weir_read(s, a->answer + have, sizeof a->answer - 1 - have);
        if (n <= 0)
            return n < 0 ? (int)n : -WEIR_ETRUNCATED;
        have += (size_t)n;
    }
    return err;
}

static int ask(void *arg)
{
    struct attempt *a = arg;
    weir_stream *s;

    a->err = weir_connect(a->address, &s);
    if (a->err == 0) {
        a->err = exchange(a, s);
        weir_stream_close(s);
    }
    a->runs = false;
    weir_event_set(a->news);
    return 0;
}

/* [hedged] */
static void begin(struct attempt *a, weir_scope *scope)
{
    a->err = weir_spawn(scope, a->address, ask, a);
    a->runs = a->err == 0;
}

/* Waits until an attempt ends, at most for so long. */
static int wait_for_news(struct attempt *a, weir_duration most)
{
    weir_scope time;
    int err;

    weir_scope_open(&time, weir_after(most), 0);
    err = weir_event_wait(a->news);
    (void)weir_scope_close(&time);
    return err;
}

/* Sends a request to one server, and to another one as well if the first is slow and the budget pays for it.
 */
static void ask_hedged(weir_attempts *rules, struct attempt *first, struct attempt *second)
{
    const weir_instant began = weir_now();
    const weir_duration after = weir_attempts_hedge_after(rules);
    weir_scope both;

    weir_scope_open(&both, weir_after_ms(10000), 0);
    weir_attempts_first(rules);
    begin(first, &both);
    if (after.ns > 0 && wait_for_news(first, after) == -WEIR_EDEADLINE &&
        weir_attempts_pay(rules, WEIR_ATTEMPT_HEDGE, weir_between(weir_now(), weir_deadline()), NULL) == 0)
        begin(second, &both);
    while (!is_answered(first) && !is_answered(second) && (first->runs || second->runs)) {
        weir_event_reset(first->news);
        if (weir_event_wait(first->news) < 0)
            break;
    }
    weir_attempts_took(rules, weir_between(began, weir_now()));
    weir_scope_cancel(&both); /* whichever has lost */
    (void)weir_scope_close(&both);
}
/* [/hedged] */

static int run(void *arg)
{
    const weir_attempts_options options = {.name = "lines",
                                           .hedge = {.after = weir_ms(20), .extra_percent = 5}};
    char **words = arg;
    weir_attempts *rules;
    int err = weir_attempts_open(&options, &rules);

    for (char **request = words + 3; err == 0 && *request != NULL; request++) {
        weir_event news;
        struct attempt first = {.address = words[1], .request = *request, .news = &news},
                       second = {.address = words[2], .request = *request, .news = &news};
        weir_event_init(&news);
        ask_hedged(rules, &first, &second);
        if (is_answered(&first) || is_answered(&second))
            printf("%s: %s", is_answered(&first) ? "first" : "second",
                   is_answered(&first) ? first.answer : second.answer);
        else
            printf("no answer: %s\n", weir_error_text(first.err < 0 ? first.err : -WEIR_EDEADLINE));
    }
    if (err == 0)
        weir_attempts_close(rules);
    return err;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: 25_attempts FIRST SECOND LINE…\n");
        return 2;
    }
    return weir_run(&(weir_options){.log_level = WEIR_LOG_WARN}, run, argv) == 0 ? 0 : 1;
}
