/* SPDX-License-Identifier: MIT */
#include "core/log/log_writer.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "base/clock.h"
#include "base/guard_exempt.h"
#include "core/log/log_output.h"

/* The states of the bell. */
enum {
    AWAKE,  /* looks before it sleeps */
    DOZING, /* looks again in a moment, or at once when a ring fills up */
    ASLEEP, /* looks when woken */
};

enum {
    DOZE_NS = 4000000,
    DIRECT_MS = 1000,
    STEP_NS = 50000000, /* of a wait for the thread */
    FILE_MS = 500,      /* the reader of a FIFO is waited for, so that another file can take its place */
    WORDS_BYTES = 96,
    BEHIND_MAX = 2500,
    SHARED_RING_BYTES = 64 << 10
};
static const int64_t report_interval_ns = 1000000000;

/* --- the bell --- */

static void ring_bell(struct weir__log_writer *w, int bell)
{
    if (atomic_compare_exchange_strong(&w->bell, &bell, AWAKE))
        weir__futex_wake(&w->bell);
}

/* Sequentially consistent on both sides: either the thread sees the line, or the caller sees that it sleeps.
 */
static void announce_line(struct weir__log_writer *w, const struct weir__log_ring *ring, size_t used)
{
    int bell = atomic_load(&w->bell);

    if (bell == ASLEEP || (bell == DOZING && used > ring->size / 2))
        ring_bell(w, bell);
}

static void wake(struct weir__log_writer *w)
{
    ring_bell(w, ASLEEP);
    ring_bell(w, DOZING);
}

/* --- putting --- */

struct weir__log_ring *weir__log_writer_ring(struct weir__log_writer *w, size_t bytes)
{
    struct weir__log_ring *ring = weir__log_ring_new(bytes);

    if (ring == NULL)
        return NULL;
    ring->next = atomic_load(&w->added);
    while (!atomic_compare_exchange_weak(&w->added, &ring->next, ring))
        ;
    return ring;
}

void weir__log_writer_put(struct weir__log_writer *w, struct weir__log_ring *ring, const char *text, size_t n)
{
    size_t used = weir__log_ring_put(ring, text, n);

    if (used == 0)
        atomic_fetch_add_explicit(&w->dropped, 1, memory_order_relaxed);
    else
        announce_line(w, ring, used);
}

/* A thread of no runtime may log while the last runtime ends: under the lock it is certain that what is put
 * is taken. */
void weir__log_writer_put_shared(struct weir__log_writer *w, const char *text, size_t n)
{
    bool runs;

    weir__lock_enter(&w->shared_lock);
    runs = weir__log_writer_runs(w);
    if (runs)
        weir__log_writer_put(w, w->shared, text, n);
    weir__lock_leave(&w->shared_lock);
    if (!runs)
        weir__log_writer_write_directly(w, text, n);
}

/* --- writing --- */

/* Passes lines, each with its level in front, to the sink. Returns: n. */
static size_t pass_to_sink(const struct weir__log_writer *w, const char *text, size_t n)
{
    char line[WEIR_LOG_LINE_MAX + 1];

    for (const char *end = text + n, *next; text < end; text = next) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline != NULL ? newline : end) - text) - 1;
        enum weir_log_level level = (enum weir_log_level)(text[0] - '0');
        if (length > WEIR_LOG_LINE_MAX)
            length = WEIR_LOG_LINE_MAX;
        memcpy(line, text + 1, length);
        line[length] = '\0';
        w->sink(w->sink_arg, level, line, length);
        next = newline != NULL ? newline + 1 : end;
    }
    return n;
}

/* A reader that stands still is waited for once. Returns: milliseconds. */
static int limit_of(const struct weir__log_writer *w)
{
    if (w->name == NULL)
        return WEIR__LOG_NO_LIMIT;
    return !w->writes_well && w->write_err == EAGAIN ? 0 : FILE_MS;
}

/* Ends a line of which only a part was written before the next. Returns: how many bytes were written. */
static size_t write_piece(struct weir__log_writer *w, const char *text, size_t n)
{
    const int limit_ms = limit_of(w);
    size_t written;

    if (w->sink != NULL)
        return pass_to_sink(w, text, n);
    if (w->mid_line && weir__log_write_all(w->fd, "\n", 1, limit_ms) == 1)
        w->mid_line = false;
    written = w->mid_line ? 0 : weir__log_write_all(w->fd, text, n, limit_ms);
    if (written > 0)
        w->mid_line = text[written - 1] != '\n';
    return written;
}

/* --- all rings --- */

/* Returns: whether there was anything to write. */
static bool write_ring(struct weir__log_writer *w, struct weir__log_ring *ring, size_t max)
{
    size_t left = ring->size; /* a ring that is filled as fast as it is written is left for the others */
    const char *text;
    bool found = false;
    size_t n;

    while (left > 0 && (n = weir__log_ring_peek(ring, &text)) > 0) {
        size_t written;

        n = weir__log_whole_lines(text, n, max);
        written = write_piece(w, text, n);
        w->writes_well = written == n;
        if (written < n) {
            w->write_err = errno;
            atomic_fetch_add(&w->dropped, weir__log_lines_of(text + written, n - written));
        }
        weir__log_ring_take(ring, n);
        left -= n < left ? n : left;
        found = true;
    }
    return found;
}

static void take_added(struct weir__log_writer *w)
{
    struct weir__log_ring *ring = atomic_exchange(&w->added, NULL), *next;

    for (; ring != NULL; ring = next) {
        next = ring->next;
        ring->next = w->rings;
        w->rings = ring;
    }
}

static bool write_rings(struct weir__log_writer *w)
{
    size_t max = w->sink != NULL ? SIZE_MAX : weir__log_piece_max(w->fd);
    bool found = write_ring(w, w->shared, max);
    struct weir__log_ring **at = &w->rings;

    take_added(w);
    while (*at != NULL) {
        struct weir__log_ring *ring = *at;
        bool is_over = atomic_load(&ring->given_back);
        found |= write_ring(w, ring, max);
        if (is_over && weir__log_ring_is_empty(ring)) {
            *at = ring->next;
            free(ring);
        } else {
            at = &ring->next;
        }
    }
    return found;
}

/* --- another descriptor --- */

void weir__log_writer_turn(struct weir__log_writer *w, int fd)
{
    int before = atomic_exchange(&w->next, fd + 1);

    if (before > 0)
        (void)close(before - 1);
    wake(w);
}

static void turn(struct weir__log_writer *w)
{
    int next = atomic_exchange(&w->next, 0);

    if (next == 0)
        return;
    (void)close(w->fd);
    w->fd = next - 1;
    w->mid_line = false;
}

static bool are_empty(struct weir__log_writer *w)
{
    if (atomic_load(&w->added) != NULL || !weir__log_ring_is_empty(w->shared))
        return false;
    for (const struct weir__log_ring *ring = w->rings; ring != NULL; ring = ring->next)
        if (!weir__log_ring_is_empty(ring) || atomic_load(&ring->given_back))
            return false;
    return true;
}

/* --- telling of what was lost --- */

/* Of a file also that lines are being lost: that is told in the log, which can be written. */
static bool has_unreported(const struct weir__log_writer *w)
{
    return (w->writes_well || (w->name != NULL && !w->told)) &&
           atomic_load_explicit(&w->dropped, memory_order_relaxed) != w->reported;
}

static void report_dropped(struct weir__log_writer *w)
{
    uint64_t dropped = atomic_load(&w->dropped), lines = dropped - w->reported;
    const weir_kv pair = WEIR_KV_INT("dropped", lines);
    char text[WEIR_LOG_LINE_MAX], message[WORDS_BYTES];
    struct weir__log_second second = {0};
    size_t n;

    (void)snprintf(message, sizeof message, "%llu line%s dropped", (unsigned long long)lines,
                   lines == 1 ? "" : "s");
    text[0] = '0' + WEIR_LOG_WARN;
    n = weir__logger_render(&w->logger, &second, text + 1, sizeof text - 1, WEIR_LOG_WARN, message, &pair, 1);
    if (w->sink != NULL)
        w->writes_well = write_piece(w, text, n + 1) == n + 1;
    else
        w->writes_well = write_piece(w, text + 1, n) == n;
    if (w->writes_well)
        w->reported = dropped;
}

static const char *why_dropped(const struct weir__log_writer *w)
{
    if (w->write_err == 0)
        return "it is written more slowly than lines come";
    return w->write_err == EAGAIN ? "its reader stands still" : weir_error_text(-w->write_err);
}

/* Tells in the log what a file loses: the first line with its cause, and the sum when writing works again. */
static void tell_of_file(struct weir__log_writer *w, bool ends)
{
    uint64_t dropped = atomic_load(&w->dropped);
    int64_t now_ns;

    if (dropped == w->reported)
        return;
    now_ns = weir__clock_monotonic_ns();
    if (!w->told && (now_ns >= w->report_after_ns || ends)) {
        weir_log(WEIR_LOG_WARN, "lines of a log are dropped", WEIR_KV("log", w->name),
                 WEIR_KV("error", why_dropped(w)));
        w->told = true;
        w->report_after_ns = now_ns + report_interval_ns;
    }
    if (!ends && (!w->writes_well || now_ns < w->report_after_ns))
        return;
    weir_log(WEIR_LOG_WARN,
             ends && !w->writes_well ? "lines of a log were dropped"
                                     : "lines of a log were dropped, and are written again",
             WEIR_KV("log", w->name), WEIR_KV_INT("dropped", dropped - w->reported));
    w->reported = dropped;
    w->told = false;
    w->write_err = 0;
    w->report_after_ns = now_ns + report_interval_ns;
}

/* Reports once the thread has caught up, so that it is one line and stands where the others would; or from
 * time to time while it never does. */
static void report_when_due(struct weir__log_writer *w, bool ends)
{
    int64_t now_ns;

    if (w->name != NULL) {
        tell_of_file(w, ends);
        return;
    }
    if (!has_unreported(w)) {
        w->behind = 0;
        return;
    }
    now_ns = weir__clock_monotonic_ns();
    if (!ends && ++w->behind < BEHIND_MAX && (now_ns < w->report_after_ns || !are_empty(w)))
        return;
    report_dropped(w);
    w->behind = 0;
    w->report_after_ns = now_ns + report_interval_ns;
}

/* --- the thread --- */

static void answer(struct weir__log_writer *w, int asked)
{
    if (asked == atomic_load_explicit(&w->done, memory_order_relaxed))
        return;
    atomic_store(&w->done, asked);
    (void)syscall(SYS_futex, &w->done, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static bool has_work(struct weir__log_writer *w)
{
    return !are_empty(w) || atomic_load(&w->asked) != atomic_load(&w->done) || atomic_load(&w->next) != 0 ||
           atomic_load(&w->life) == WEIR__LOG_ENDS;
}

static void sleep_until_woken(struct weir__log_writer *w, bool doze)
{
    const struct timespec moment = {.tv_nsec = DOZE_NS}, second = {.tv_sec = 1};
    int bell = doze ? DOZING : ASLEEP;

    atomic_store(&w->bell, bell);
    if (doze ? atomic_load(&w->asked) == atomic_load(&w->done) && atomic_load(&w->life) == WEIR__LOG_RUNS
             : !has_work(w))
        weir__futex_wait(&w->bell, bell, doze ? &moment : has_unreported(w) ? &second : NULL);
    atomic_store(&w->bell, AWAKE);
}

static void *writer_thread(void *arg)
{
    struct weir__log_writer *w = arg;
    int ends = WEIR__LOG_ENDS;

    (void)pthread_setname_np(pthread_self(), "log");
    for (;;) {
        int asked = atomic_load(&w->asked);
        bool last = atomic_load(&w->life) == WEIR__LOG_ENDS;
        bool turns = atomic_load(&w->next) != 0; /* after the lines that were put before */
        bool found = write_rings(w);
        if (turns)
            turn(w);
        report_when_due(w, last);
        answer(w, asked);
        if (last && !found && are_empty(w)) {
            ends = WEIR__LOG_ENDS;
            if (atomic_compare_exchange_strong(&w->life, &ends, WEIR__LOG_OVER))
                break;
        }
        sleep_until_woken(w, found);
    }
    weir__futex_wake(&w->life);
    return NULL;
}

/* --- beginning, ending --- */

/* Signals are for loops. SIGPIPE, which a write may raise, is for no thread. */
static int create(struct weir__log_writer *w)
{
    sigset_t all, before;
    int err;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = -pthread_create(&w->thread, NULL, writer_thread, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

/* Frees the rings of runtimes that have ended. */
static void free_rings(struct weir__log_writer *w)
{
    struct weir__log_ring *ring, *next;

    take_added(w);
    for (ring = w->rings; ring != NULL; ring = next) {
        next = ring->next;
        free(ring);
    }
    w->rings = NULL;
}

/* Joins the thread, which has announced its end. Writes what was put since its last look. */
static void join(struct weir__log_writer *w)
{
    const char *text;
    size_t n;

    (void)pthread_join(w->thread, NULL);
    weir__lock_enter(&w->shared_lock);
    atomic_store(&w->life, WEIR__LOG_NOT_THERE);
    while ((n = weir__log_ring_peek(w->shared, &text)) > 0) {
        n = weir__log_whole_lines(text, n, PIPE_BUF);
        weir__log_writer_write_directly(w, text, n);
        weir__log_ring_take(w->shared, n);
    }
    weir__lock_leave(&w->shared_lock);
    free_rings(w);
}

int weir__log_writer_begin(struct weir__log_writer *w, const struct weir__logger *logger)
{
    int life = WEIR__LOG_ENDS, err;

    if (atomic_compare_exchange_strong(&w->life, &life, WEIR__LOG_RUNS))
        return 0;
    if (life == WEIR__LOG_OVER)
        join(w);
    if (w->shared == NULL)
        w->shared = weir__log_ring_new(SHARED_RING_BYTES); /* never freed: any thread may log at any time */
    if (w->shared == NULL)
        return -ENOMEM;
    w->logger = *logger;
    atomic_store(&w->bell, AWAKE);
    atomic_store(&w->life, WEIR__LOG_RUNS);
    err = create(w);
    if (err < 0)
        atomic_store(&w->life, WEIR__LOG_NOT_THERE);
    return err;
}

/* Waits while a word has a value, a step at most, and takes from *left_ns the time of the step (INT64_MAX:
 * nothing). Time beyond the step is not counted: whatever held this thread, such as a SIGSTOP, or a machine
 * that is busy or was suspended, may have held that of the writer, too. */
static void wait_step(atomic_int *word, int value, int64_t *left_ns)
{
    const int64_t step_ns = *left_ns < STEP_NS ? *left_ns : STEP_NS, began_ns = weir__clock_monotonic_ns();
    const struct timespec step = {.tv_nsec = step_ns};
    int64_t passed_ns;

    weir__futex_wait(word, value, &step);
    passed_ns = weir__clock_monotonic_ns() - began_ns;
    if (*left_ns != INT64_MAX)
        *left_ns -= passed_ns < step_ns ? passed_ns : step_ns;
}

bool weir__log_writer_end(struct weir__log_writer *w, int64_t at_most_ns)
{
    int life;

    atomic_store(&w->life, WEIR__LOG_ENDS);
    wake(w);
    while ((life = atomic_load(&w->life)) == WEIR__LOG_ENDS && at_most_ns > 0)
        wait_step(&w->life, WEIR__LOG_ENDS, &at_most_ns);
    if (life != WEIR__LOG_OVER)
        return false;
    join(w);
    return true;
}

bool weir__log_writer_flush(struct weir__log_writer *w, int64_t at_most_ns)
{
    int mine, done;

    if (!weir__log_writer_runs(w))
        return true;
    mine = atomic_fetch_add(&w->asked, 1) + 1;
    wake(w);
    while ((int)((unsigned)(done = atomic_load(&w->done)) - (unsigned)mine) < 0 && at_most_ns > 0)
        wait_step(&w->done, done, &at_most_ns);
    return (int)((unsigned)done - (unsigned)mine) >= 0;
}

/* --- without it --- */

/* Takes back a SIGPIPE that this write has raised. */
void weir__log_writer_write_directly(struct weir__log_writer *w, const char *text, size_t n)
{
    const struct timespec now = {0};
    sigset_t pipe, pending, before;
    int saved = errno;

    if (w->sink != NULL) {
        (void)pass_to_sink(w, text, n);
        return;
    }
    weir__guard_exempt_begin();
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
    if (weir__log_write_all(w->fd, text, n, DIRECT_MS) < n) {
        atomic_fetch_add_explicit(&w->dropped, 1, memory_order_relaxed);
        if (errno == EPIPE && sigismember(&pending, SIGPIPE) == 0)
            while (sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR)
                ;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    weir__guard_exempt_end();
    errno = saved;
}

static void forget_ring(struct weir__log_ring *ring)
{
    atomic_store(&ring->tail, atomic_load(&ring->head));
}

void weir__log_writer_forget(struct weir__log_writer *w)
{
    take_added(w);
    for (struct weir__log_ring *ring = w->rings; ring != NULL; ring = ring->next)
        forget_ring(ring);
    if (w->shared != NULL)
        forget_ring(w->shared);
    atomic_store(&w->shared_lock.word, 0);
    atomic_store(&w->life, WEIR__LOG_NOT_THERE);
    atomic_store(&w->done, atomic_load(&w->asked));
}
