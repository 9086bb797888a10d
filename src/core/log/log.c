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

void weir__log_leave(const struct weir__log_here *before)
{
    if (here.ring != NULL)
        atomic_store(&here.ring->given_back, true);
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

/* --- the process --- */

uint64_t weir_log_dropped(void)
{
    uint64_t dropped = atomic_load_explicit(&writer.dropped, memory_order_relaxed) +
                       atomic_load_explicit(&dropped_before, memory_order_relaxed);

    pthread_mutex_lock(&runtimes_lock); /* no writer is freed meanwhile */
    for (size_t i = 0; i < OWN_WRITERS_MAX; i++) {
        const struct weir__log_writer *w = atomic_load(&own_writers[i]);
        if (w != NULL)
            dropped += atomic_load_explicit(&w->dropped, memory_order_relaxed);
    }
    pthread_mutex_unlock(&runtimes_lock);
    return dropped;
}

/* Safe in a signal handler: a thread flushes the writer of its own runtime, which outlives its part in it. */
bool weir_log_flush(weir_duration at_most)
{
    struct weir__log_writer *own = here.logger != NULL ? here.logger->writer : NULL;

    return (own == NULL || weir__log_writer_flush(own, at_most.ns)) &&
           weir__log_writer_flush(&writer, at_most.ns);
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
    atomic_fetch_add(&dropped_before, atomic_load(&w->dropped));
    unlock_runtimes();
}

static void free_writer(struct weir__log_writer *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    free(w->shared);
    free(w);
}

int weir__log_writer_open(struct weir__logger *logger, int fd,
                          void (*sink)(void *arg, enum weir_log_level level, const char *line, size_t length),
                          void *sink_arg, bool runs)
{
    struct weir__log_writer *w = calloc(1, sizeof *w);
    int err = 0;

    if (w == NULL)
        return -ENOMEM;
    w->sink = sink;
    w->sink_arg = sink_arg;
    w->fd = sink == NULL ? fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    if (sink == NULL && w->fd < 0)
        err = -errno;
    else if (!enter(w))
        err = -WEIR_EBUSY;
    else if (runs)
        err = weir__log_writer_begin(w, logger);
    if (err < 0) {
        remove_and_count(w);
        free_writer(w);
        return err;
    }
    logger->writer = w;
    return 0;
}

/* A thread that its descriptor holds is left behind, with what it uses. */
void weir__log_writer_close(struct weir__log_writer *w)
{
    bool runs = weir__log_writer_runs(w);
    bool ended = !runs || weir__log_writer_end(w, w->sink != NULL ? INT64_MAX : END_NS);

    remove_and_count(w);
    if (ended)
        free_writer(w);
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
