/* SPDX-License-Identifier: MIT */
/* weir_log(). stderr belongs to the process, so this is state outside a runtime. */
#include "core/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "base/clock.h"
#include "core/log/log_writer.h"

static struct weir__log_writer writer = {.fd = STDERR_FILENO};
static pthread_mutex_t runtimes_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t forks = PTHREAD_ONCE_INIT;
static int runtimes; /* that write to the log; under the lock */

/* The logger of threads of no runtime; see weir_log_configure(). */
static atomic_int level_elsewhere = WEIR_LOG_INFO;
static atomic_bool json_elsewhere;

static __thread struct weir__log_here here __attribute__((tls_model("initial-exec")));

/* The writers of runtimes that have one of their own, for the end of the program. */
enum { OWN_WRITERS_MAX = 64 };
static _Atomic(struct weir__log_writer *) own_writers[OWN_WRITERS_MAX];
static atomic_uint_fast64_t dropped_before; /* by own writers that have been closed */

enum { END_NS = 1000000000 };

/* The ring that a thread has for the log in a file. */
struct weir__log_part {
    struct weir__log_writer *writer;
    struct weir__log_ring *ring;
    struct weir__log_part *next;
};

/* --- the logger of a thread --- */

static struct weir__logger elsewhere(void)
{
    return (struct weir__logger){
        .level = (enum weir_log_level)atomic_load_explicit(&level_elsewhere, memory_order_relaxed),
        .json = atomic_load_explicit(&json_elsewhere, memory_order_relaxed),
        .wall_ns = weir__clock_wall_ns,
    };
}

struct weir__log_here weir__log_enter(const struct weir__logger *logger, size_t ring_bytes)
{
    struct weir__log_here before = here;

    here = (struct weir__log_here){.logger = logger, .ring_bytes = ring_bytes};
    return before;
}

static void leave_parts(struct weir__log_part *part)
{
    struct weir__log_part *next;

    for (; part != NULL; part = next) {
        next = part->next;
        atomic_store(&part->ring->given_back, true);
        free(part);
    }
}

void weir__log_leave(const struct weir__log_here *before)
{
    if (here.ring != NULL)
        atomic_store(&here.ring->given_back, true);
    leave_parts(here.parts);
    here = *before;
}

void weir_log_configure(enum weir_log_level level, bool json)
{
    atomic_store(&level_elsewhere, (int)weir__log_level(level));
    atomic_store(&json_elsewhere, json);
}

bool weir_log_is_on(enum weir_log_level level)
{
    if (here.logger != NULL)
        return level >= here.logger->level;
    return (int)level >= atomic_load_explicit(&level_elsewhere, memory_order_relaxed);
}

/* --- lines --- */

static struct weir__log_writer *writer_of(const struct weir__logger *l)
{
    return l->writer != NULL ? l->writer : &writer;
}

/* Returns: the thread's own ring, made at its first line; NULL: it uses the shared one, also without memory. */
static struct weir__log_ring *own_ring(struct weir__log_writer *w)
{
    int saved = errno;

    if (here.ring == NULL && here.ring_bytes > 0) {
        here.ring = weir__log_writer_ring(w, here.ring_bytes);
        here.ring_bytes = here.ring != NULL ? here.ring_bytes : 0;
        errno = saved;
    }
    return here.ring;
}

/* l is the logger of this thread, or that of its runtime. */
static void put(const struct weir__logger *l, const char *text, size_t n)
{
    struct weir__log_writer *w = writer_of(l);
    struct weir__log_ring *ring;

    if (!weir__log_writer_runs(w))
        weir__log_writer_write_directly(w, text, n);
    else if (l == here.logger && (ring = own_ring(w)) != NULL)
        weir__log_writer_put(w, ring, text, n);
    else
        weir__log_writer_put_shared(w, text, n);
}

void weir__log_write(const struct weir__logger *l, enum weir_log_level level, const char *message,
                     const weir_kv *kvs, size_t n)
{
    char line[WEIR_LOG_LINE_MAX + 1];
    size_t length, front = writer_of(l)->sink != NULL ? 1 : 0;

    if (level < l->level)
        return;
    line[0] = (char)('0' + (int)level);
    length = weir__logger_render(l, &here.second, line + front, WEIR_LOG_LINE_MAX, level, message, kvs, n);
    put(l, line, front + length);
}

void weir__log_write_lines(const struct weir__logger *l, enum weir_log_level level, const char *message,
                           const char *more)
{
    char text[WEIR_LOG_LINE_MAX];
    size_t most = strlen(more), length;

    if (level < l->level)
        return;
    length = weir__logger_render(l, &here.second, text, sizeof text / 2, level, message, NULL, 0);
    if (most > sizeof text - length)
        most = sizeof text - length;
    memcpy(text + length, more, most);
    text[length + most - 1] = '\n';
    put(l, text, length + most);
}

void weir_log_write(enum weir_log_level level, const char *message, const weir_kv *kvs, size_t n)
{
    if (here.logger != NULL) {
        weir__log_write(here.logger, level, message, kvs, n);
    } else {
        const struct weir__logger l = elsewhere();
        weir__log_write(&l, level, message, kvs, n);
    }
}

/* --- lines of logs in files --- */

static struct weir__log_part *add_part(struct weir__log_writer *w)
{
    struct weir__log_part *part = malloc(sizeof *part);
    int saved = errno;

    if (part == NULL)
        return NULL;
    *part = (struct weir__log_part){w, weir__log_writer_ring(w, here.ring_bytes), here.parts};
    errno = saved;
    if (part->ring == NULL) {
        free(part);
        return NULL;
    }
    here.parts = part;
    return part;
}

/* Returns: the thread's own ring of a file, made at its first line; NULL: it uses the shared one, also without
 * memory. */
static struct weir__log_ring *ring_of(struct weir__log_writer *w)
{
    struct weir__log_part *part = here.parts;

    while (part != NULL && part->writer != w)
        part = part->next;
    if (part == NULL && here.ring_bytes > 0)
        part = add_part(w);
    return part != NULL ? part->ring : NULL;
}

void weir__log_write_to(struct weir__log_writer *w, enum weir_log_level level, const char *message,
                        const weir_kv *kvs, size_t n)
{
    char line[WEIR_LOG_LINE_MAX];
    size_t length = weir__logger_render(&w->logger, &here.second, line, sizeof line, level, message, kvs, n);
    struct weir__log_ring *ring;

    if (!weir__log_writer_runs(w))
        weir__log_writer_write_directly(w, line, length);
    else if ((ring = ring_of(w)) != NULL)
        weir__log_writer_put(w, ring, line, length);
    else
        weir__log_writer_put_shared(w, line, length);
}

/* --- the process --- */

uint64_t weir_log_dropped(void)
{
    uint64_t dropped = atomic_load_explicit(&writer.dropped, memory_order_relaxed) +
                       atomic_load_explicit(&dropped_before, memory_order_relaxed);

    pthread_mutex_lock(&runtimes_lock); /* no writer is freed meanwhile */
    for (size_t i = 0; i < OWN_WRITERS_MAX; i++) {
        const struct weir__log_writer *w = atomic_load(&own_writers[i]);
        if (w != NULL && w->name == NULL)
            dropped += atomic_load_explicit(&w->dropped, memory_order_relaxed);
    }
    pthread_mutex_unlock(&runtimes_lock);
    return dropped;
}

/* Safe in a signal handler: a thread flushes the writer of its own runtime, which outlives its part in it. */
bool weir_log_flush(weir_duration at_most)
{
    struct weir__log_writer *own = here.logger != NULL ? here.logger->writer : NULL;
    bool flushed = own == NULL || weir__log_writer_flush(own, at_most.ns);

    for (const struct weir__log_part *part = here.parts; part != NULL; part = part->next)
        flushed = weir__log_writer_flush(part->writer, at_most.ns) && flushed;
    return flushed && weir__log_writer_flush(&writer, at_most.ns);
}

static void lock_runtimes(void)
{
    pthread_mutex_lock(&runtimes_lock);
}

static void unlock_runtimes(void)
{
    pthread_mutex_unlock(&runtimes_lock);
}

static void forget(void)
{
    runtimes = 0;
    weir__log_writer_forget(&writer);
    for (size_t i = 0; i < OWN_WRITERS_MAX; i++)
        if (own_writers[i] != NULL)
            weir__log_writer_forget(own_writers[i]);
    unlock_runtimes();
}

static void watch_forks(void)
{
    (void)pthread_atfork(lock_runtimes, unlock_runtimes, forget);
}

int weir__log_runtime_begins(const struct weir__logger *logger)
{
    int err = 0;

    pthread_once(&forks, watch_forks);
    lock_runtimes();
    if (runtimes == 0)
        err = weir__log_writer_begin(&writer, logger);
    runtimes += err == 0;
    unlock_runtimes();
    return err;
}

void weir__log_runtime_ends(void)
{
    lock_runtimes();
    if (--runtimes == 0)
        (void)weir__log_writer_end(&writer, END_NS);
    unlock_runtimes();
}

/* --- writers of runtimes --- */

static bool enter(struct weir__log_writer *w)
{
    struct weir__log_writer *none;

    for (size_t i = 0; i < OWN_WRITERS_MAX; i++) {
        none = NULL;
        if (atomic_compare_exchange_strong(&own_writers[i], &none, w))
            return true;
    }
    return false;
}

static void remove_and_count(struct weir__log_writer *w)
{
    lock_runtimes();
    for (size_t i = 0; i < OWN_WRITERS_MAX; i++)
        if (own_writers[i] == w)
            atomic_store(&own_writers[i], NULL);
    if (w->name == NULL)
        atomic_fetch_add(&dropped_before, atomic_load(&w->dropped));
    unlock_runtimes();
}

static void free_writer(struct weir__log_writer *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    if (atomic_load(&w->next) > 0)
        (void)close(atomic_load(&w->next) - 1);
    free(w->shared);
    free(w);
}

/* Takes over fd. Returns: NULL without memory. */
static struct weir__log_writer *new_writer(int fd)
{
    struct weir__log_writer *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->fd = fd;
    return w;
}

/* Enters a writer, and starts it if it is to run. Frees it after an error. */
static int start(struct weir__log_writer *w, const struct weir__logger *logger, bool runs)
{
    int err = enter(w) ? 0 : -WEIR_EBUSY;

    if (err == 0 && runs)
        err = weir__log_writer_begin(w, logger);
    if (err < 0) {
        remove_and_count(w);
        free_writer(w);
    }
    return err;
}

int weir__log_writer_open(struct weir__logger *logger, int fd,
                          void (*sink)(void *arg, enum weir_log_level level, const char *line, size_t length),
                          void *sink_arg, bool runs)
{
    struct weir__log_writer *w = new_writer(-1);
    int err;

    if (w == NULL)
        return -ENOMEM;
    w->sink = sink;
    w->sink_arg = sink_arg;
    if (sink == NULL && (w->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0) {
        err = -errno;
        free_writer(w);
        return err;
    }
    err = start(w, logger, runs);
    if (err == 0)
        logger->writer = w;
    return err;
}

int weir__log_writer_open_file(const struct weir__logger *logger, int fd, const char *name,
                               struct weir__log_writer **out)
{
    struct weir__log_writer *w = new_writer(fd);
    int err;

    pthread_once(&forks, watch_forks);
    if (w == NULL) {
        (void)close(fd);
        return -ENOMEM;
    }
    w->name = name;
    err = start(w, logger, true);
    if (err == 0)
        *out = w;
    return err;
}

bool weir__log_writer_close(struct weir__log_writer *w)
{
    bool runs = weir__log_writer_runs(w);
    bool ended = !runs || weir__log_writer_end(w, w->sink != NULL ? INT64_MAX : END_NS);

    remove_and_count(w);
    if (ended)
        free_writer(w);
    return ended;
}

/* exit() while a runtime runs. */
__attribute__((destructor)) static void program_ends(void)
{
    if (atomic_load(&writer.life) == WEIR__LOG_RUNS)
        (void)weir__log_writer_flush(&writer, END_NS);
    for (size_t i = 0; i < OWN_WRITERS_MAX; i++)
        if (own_writers[i] != NULL && weir__log_writer_runs(own_writers[i]))
            (void)weir__log_writer_flush(own_writers[i], END_NS);
}
