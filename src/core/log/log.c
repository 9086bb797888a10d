/* SPDX-License-Identifier: MIT */
/* weir_log(). stderr belongs to the process, so this is state outside a runtime. */
#include "core/log/log.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

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

/* Returns: the thread's own ring, made at its first line; NULL: it uses the shared one, also without memory. */
static struct weir__log_ring *own_ring(void)
{
    int saved = errno;

    if (here.ring == NULL && here.ring_bytes > 0) {
        here.ring = weir__log_writer_ring(&writer, here.ring_bytes);
        here.ring_bytes = here.ring != NULL ? here.ring_bytes : 0;
        errno = saved;
    }
    return here.ring;
}

static void put(const char *text, size_t n)
{
    struct weir__log_ring *ring;

    if (!weir__log_writer_runs(&writer))
        weir__log_writer_write_directly(&writer, text, n);
    else if ((ring = own_ring()) != NULL)
        weir__log_writer_put(&writer, ring, text, n);
    else
        weir__log_writer_put_shared(&writer, text, n);
}

void weir__log_write(const struct weir__logger *l, enum weir_log_level level, const char *message,
                     const weir_kv *kvs, size_t n)
{
    char line[WEIR_LOG_LINE_MAX];

    if (level >= l->level)
        put(line, weir__logger_render(l, &here.second, line, sizeof line, level, message, kvs, n));
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
    put(text, length + most);
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
    return atomic_load_explicit(&writer.dropped, memory_order_relaxed);
}

bool weir_log_flush(weir_duration at_most)
{
    return weir__log_writer_flush(&writer, at_most.ns);
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

/* exit() while a runtime runs. */
__attribute__((destructor)) static void program_ends(void)
{
    if (atomic_load(&writer.life) == WEIR__LOG_RUNS)
        (void)weir__log_writer_flush(&writer, END_NS);
}
