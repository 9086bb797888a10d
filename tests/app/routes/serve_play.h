/* SPDX-License-Identifier: MIT */
/* Processes of an application whose part is in the path of a request: of GET /slow/ok the first attempt is
 * answered slowly, the second at once.
 *
 * Threading: all of it is one loop's.
 */
#ifndef TEST_APP_ROUTES_SERVE_PLAY_H
#define TEST_APP_ROUTES_SERVE_PLAY_H

#include "app/routes/serve_rig.h"

enum { ASKED_MAX = 8 };

/* What the processes have been asked since play_again(). */
struct play {
    int asked, second; /* requests; of those second attempts */
    int process[ASKED_MAX];
    char request[ASKED_MAX][1024];
    weir_instant at[ASKED_MAX];
};

/* --- processes --- */

/* The word of the path for the attempt with this number. */
static inline const char *word_of(const char *request, int number)
{
    const char *word = strchr(request, '/');

    for (int i = 0; i < number && word != NULL; i++)
        word = strpbrk(word + 1, "/ ");
    return word != NULL && *word == '/' ? word + 1 : "ok ";
}

static inline bool is(const char *word, const char *wanted)
{
    const size_t length = strlen(wanted);

    return strncmp(word, wanted, length) == 0 && strchr("/ ", word[length]) != NULL;
}

static inline int say(weir_stream *s, const char *status, const char *header, int number)
{
    char text[160];

    (void)snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%scontent-length: 8\r\n\r\nanswer %d", status, header,
                   number + 1);
    return send_text(s, text);
}

/* The number of the attempt that a request says it is, from 0. */
static inline int attempt_of(const char *request)
{
    const char *said = strcasestr(request, "\r\nx-weir-attempt: ");

    return said != NULL ? atoi(said + 18) - 1 : 0;
}

static inline int break_off_late(weir_stream *s, const char *sent)
{
    if (*sent == '\0' || send_text(s, sent) == 0)
        (void)client_leaves(s);
    return -ECONNRESET;
}

/* Answers by a status that is the word. */
static inline int say_status(weir_stream *s, const char *word, int number)
{
    char status[16];

    (void)snprintf(status, sizeof status, "%.3s So", word);
    return say(s, status, "", number);
}

static inline int say_late(weir_stream *s, int late_ms, int number)
{
    return weir_sleep(weir_ms(late_ms)) < 0 ? -ECONNRESET : say(s, "200 OK", "", number);
}

/* Reads the rest of a request that is chunked, with its trailers. */
static inline void read_chunks(weir_stream *s, char *request, size_t room)
{
    size_t len = strlen(request);
    ssize_t n = 1;

    while (n > 0 && strstr(request, "x-sum: 1\r\n\r\n") == NULL && len < room - 1) {
        n = weir_read(s, request + len, room - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        request[len] = '\0';
    }
}

static inline int play(struct world *w, int process, weir_stream *s)
{
    struct play *p = w->data;
    char request[1024];
    const char *word;
    int n;

    (void)snprintf(request, sizeof request, "%s", w->process[process].request);
    if (strcasestr(request, "transfer-encoding: chunked") != NULL)
        read_chunks(s, request, sizeof request);
    n = attempt_of(request);
    word = word_of(request, n);
    if (p->asked < ASKED_MAX) {
        p->process[p->asked] = process;
        p->at[p->asked] = weir_now();
        (void)snprintf(p->request[p->asked], sizeof p->request[0], "%s", request);
    }
    p->asked++;
    p->second += n > 0;
    if (is(word, "slow"))
        return say_late(s, 1000, n);
    if (is(word, "80ms"))
        return say_late(s, 80, n);
    if (is(word, "stuck"))
        return break_off_late(s, "");
    if (is(word, "half"))
        return break_off_late(s, "HTTP/1.1 200 OK\r\nx-half");
    if (is(word, "cut"))
        return (void)send_text(s, "HTTP/1.1 200 OK\r\nx-half"), -ECONNRESET;
    if (is(word, "die"))
        return -ECONNRESET;
    if (is(word, "late"))
        return (void)weir_sleep(weir_ms(80)), -ECONNRESET;
    if (is(word, "early"))
        return send_text(s, "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n") < 0 ? -ECONNRESET
                                                                                  : say_late(s, 1000, n);
    if (is(word, "wait"))
        return say(s, "503 No", "retry-after: 5\r\n", n);
    return *word >= '4' && *word <= '5' ? say_status(s, word, n) : say(s, "200 OK", "", n);
}

/* --- clients --- */

static inline struct play *play_again(struct world *w)
{
    struct play *p = w->data;

    *p = (struct play){.asked = 0};
    return p;
}

/* Asks, and checks status, what is in the answer, and how many attempts the processes have seen. */
static inline void ask(struct world *w, const char *request, const char *wanted, int asked)
{
    struct play *p = play_again(w);
    char text[512], *answer;

    (void)snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", request);
    answer = world_read(world_send(w, text));
    if (strcasestr(answer, wanted) == NULL)
        fail_msg("no '%s' in the answer to %s: %s", wanted, request, answer);
    if (p->asked != asked)
        fail_msg("%s: asked %d times, not %d", request, p->asked, asked);
    free(answer);
}

/* Time passes, in which the budget gains. */
static inline void rest(void)
{
    assert_int_equal(weir_sleep(weir_seconds(2)), 0);
}

#endif
