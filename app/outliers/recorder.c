/* SPDX-License-Identifier: MIT */
#include "outliers/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/log.h>
#include <weir/task.h>

#include "metrics/request_outliers.h"
#include "outliers/outlier_folder.h"
#include "outliers/outlier_json.h"
#include "outliers/outlier_ring.h"
#include "outliers/stalls_during.h"

enum { DECIDED_MS = 100, CLOSE_S = 2 };

struct recorder {
    const struct config *config;
    struct gateway_status *status;
    _Atomic int64_t full_until_ns;   /* see is_admitted() */
    _Atomic unsigned number;         /* of the latest */
    _Atomic int waiting;             /* taken, and not yet in the ring */
    _Atomic(struct outlier *) taken; /* the latest first */
    atomic_bool ends;
    pthread_mutex_t lent; /* is held while what is lent is used, and never while a file is written */
    bool left;            /* nobody waits for the thread any more, and nothing lent is there */
    char *path;           /* of the folder; a copy, for writing without the lock. NULL: none */
    sem_t wake;
    pthread_t thread;
    struct outlier_ring *ring;
    /* of the thread */
    struct outlier *first, *last; /* wait until they are due, the oldest first */
    struct outlier_folder folder;
    int told; /* the latest error of writing; 0: it works */
};

/* --- on a loop --- */

/* Admits ten a second, and as many at once after a pause. */
static bool is_admitted(struct recorder *r, weir_instant now)
{
    const int64_t each_ns = weir_seconds(1).ns / RECORDER_PER_SECOND, most_ns = weir_seconds(1).ns - each_ns;
    int64_t until = atomic_load_explicit(&r->full_until_ns, memory_order_relaxed);
    int64_t from;

    do {
        from = until > now.ns ? until : now.ns;
        if (from - now.ns > most_ns)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&r->full_until_ns, &until, from + each_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void pass_on(struct recorder *r, struct outlier *o)
{
    o->next = atomic_load_explicit(&r->taken, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&r->taken, &o->next, o, memory_order_release,
                                                  memory_order_relaxed))
        ;
    (void)sem_post(&r->wake);
}

/* Returns: NULL: there is no memory, or the text would be too long. */
static struct outlier *write_down(struct recorder *r, const weir_exchange_record *record,
                                  enum request_outlier reason, weir_duration limit)
{
    const struct config_route *route = record->data;
    const weir_instant now = weir_now();
    weir_charge charges[WEIR_CHARGES_MAX];
    const struct outlier_facts facts = {
        .config = r->config,
        .reason = reason,
        .limit = limit,
        .began = {now.ns - record->took.ns},
        .trace = weir_request_trace(record->request),
        .charges = charges,
        .charge_count = weir_exchange_charges(record, charges),
        .runtime = weir_runtime_here(),
    };
    struct outlier *o = outlier_new((size_t)(route - r->config->routes), record->took,
                                    atomic_fetch_add_explicit(&r->number, 1, memory_order_relaxed) + 1);

    if (o == NULL)
        return NULL;
    o->loop = weir_loop_index();
    o->due = weir_add(now, weir_ms(DECIDED_MS));
    outlier_json_begin(o, record, &facts);
    if (o->text.err == 0)
        return o;
    outlier_free(o);
    return NULL;
}

static bool record_it(struct recorder *r, const weir_exchange_record *record, enum request_outlier reason,
                      weir_duration limit)
{
    struct outlier *o;

    if (!is_admitted(r, weir_now()))
        return false;
    if (atomic_fetch_add_explicit(&r->waiting, 1, memory_order_relaxed) < RECORDER_WAITING_MAX &&
        (o = write_down(r, record, reason, limit)) != NULL) {
        pass_on(r, o);
        return true;
    }
    atomic_fetch_sub_explicit(&r->waiting, 1, memory_order_relaxed);
    return false;
}

void recorder_take(void *arg, struct request_counts_loop *counts, const weir_exchange_record *record)
{
    struct recorder *r = arg;
    weir_duration limit;
    const enum request_outlier reason = request_outlier_reason(counts, record, &limit);

    if (reason == REQUEST_OUTLIERS)
        return;
    request_outlier_count(counts, record, reason);
    if (!record_it(r, record, reason, limit))
        request_outlier_count(counts, record, REQUEST_OUTLIER_DROPPED);
}

/* --- the thread --- */

static void enter(struct recorder *r)
{
    pthread_mutex_lock(&r->lent);
    if (!r->left)
        return;
    pthread_mutex_unlock(&r->lent);
    pthread_exit(NULL);
}

/* A file system may hold the thread for longer than it is waited for. */
static int write_file(struct recorder *r, const struct outlier *o)
{
    int err;

    pthread_mutex_unlock(&r->lent);
    err = outlier_folder_write(&r->folder, o);
    enter(r);
    return err;
}

/* Tells the first failure, and when it works again. */
static void tell(struct recorder *r, const char *id, int err)
{
    if (err < 0)
        atomic_fetch_add_explicit(&r->status->outliers_unwritten, 1, memory_order_relaxed);
    if (err == r->told || (err < 0 && r->told < 0))
        return;
    r->told = err;
    if (err < 0)
        weir_log(WEIR_LOG_WARN, "outliers cannot be written to their folder; they are kept in memory alone",
                 WEIR_KV("path", r->config->outliers.path), WEIR_KV("outlier", id),
                 WEIR_KV_ERROR("error", err));
    else
        weir_log(WEIR_LOG_INFO, "outliers are written again", WEIR_KV("path", r->config->outliers.path));
}

static void complete(struct recorder *r, struct outlier *o)
{
    weir_runtime *runtime;

    enter(r);
    runtime = gateway_status_hold(r->status);

    stalls_during_write(o, runtime, r->config->stall.after);
    if (runtime != NULL)
        gateway_status_release(r->status);
    outlier_json_end(o);
    atomic_fetch_sub_explicit(&r->waiting, 1, memory_order_relaxed);
    if (o->text.err == 0 && r->path != NULL)
        tell(r, o->id, write_file(r, o));
    pthread_mutex_unlock(&r->lent);
    if (o->text.err == 0)
        outlier_ring_add(r->ring, o);
    else
        outlier_free(o);
}

/* Takes what the loops have passed on, in the order in which they did. */
static void collect(struct recorder *r)
{
    struct outlier *taken = atomic_exchange_explicit(&r->taken, NULL, memory_order_acquire);
    struct outlier *first = NULL, *last = taken, *next;

    for (struct outlier *o = taken; o != NULL; o = next) {
        next = o->next;
        o->next = first;
        first = o;
    }
    if (first == NULL)
        return;
    if (r->last != NULL)
        r->last->next = first;
    else
        r->first = first;
    r->last = last;
}

/* Returns: false: it has woken for nothing. */
static bool await(struct recorder *r)
{
    struct timespec until;

    if (r->first == NULL)
        return sem_wait(&r->wake) == 0;
    until = (struct timespec){.tv_sec = r->first->due.ns / weir_seconds(1).ns,
                              .tv_nsec = r->first->due.ns % weir_seconds(1).ns};
    return sem_clockwait(&r->wake, CLOCK_MONOTONIC, &until) == 0;
}

static void *run(void *arg)
{
    struct recorder *r = arg;
    bool ends = false;

    while (!ends || r->first != NULL) {
        if (!ends)
            (void)await(r);
        ends = atomic_load(&r->ends);
        collect(r);
        while (r->first != NULL && (ends || r->first->due.ns <= weir_now().ns)) {
            struct outlier *o = r->first;
            r->first = o->next;
            if (r->first == NULL)
                r->last = NULL;
            complete(r, o);
        }
    }
    return NULL;
}

/* --- opening and closing --- */

bool recorder_is_wanted(const struct config *config)
{
    return config->outliers.keep > 0 && (config->admin != NULL || config->outliers.path != NULL);
}

/* Signals are for the threads of the runtime. */
static int start_thread(struct recorder *r)
{
    sigset_t all, before;
    int err;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = -pthread_create(&r->thread, NULL, run, r);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

static void free_recorder(struct recorder *r)
{
    outlier_ring_close(r->ring);
    (void)sem_destroy(&r->wake);
    (void)pthread_mutex_destroy(&r->lent);
    free(r->path);
    free(r);
}

int recorder_open(const struct config *config, struct gateway_status *status, struct recorder **out)
{
    const struct config_outliers *options = &config->outliers;
    struct recorder *r;
    int err;

    *out = NULL;
    if (!recorder_is_wanted(config))
        return 0;
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->config = config;
    r->status = status;
    (void)sem_init(&r->wake, 0, 0);
    (void)pthread_mutex_init(&r->lent, NULL);
    r->path = options->path != NULL ? strdup(options->path) : NULL;
    if (options->path != NULL && r->path == NULL)
        err = -ENOMEM;
    else
        err = outlier_ring_open((size_t)options->keep, RECORDER_BYTES_MAX, config->route_count, &r->ring);
    if (r->path != NULL)
        outlier_folder_open(&r->folder, r->path, options->disk_bytes, config->processes);
    if (err == 0)
        err = start_thread(r);
    if (err < 0)
        free_recorder(r);
    else
        *out = r;
    return err;
}

/* The thread may be at its lock, for a moment. */
static void leave(struct recorder *r)
{
    pthread_mutex_lock(&r->lent);
    r->left = true;
    pthread_mutex_unlock(&r->lent);
}

void recorder_close(struct recorder *r)
{
    struct timespec until;

    if (r == NULL)
        return;
    atomic_store(&r->ends, true);
    (void)sem_post(&r->wake);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_S;
    if (pthread_timedjoin_np(r->thread, NULL, &until) == 0)
        free_recorder(r);
    else
        leave(r);
}

/* --- reading --- */

void recorder_write_list(struct recorder *r, struct text_out *out)
{
    if (r != NULL)
        outlier_ring_write_list(r->ring, out);
    else
        text_out_add(out, "[]\n");
}

bool recorder_write(struct recorder *r, const char *id, struct text_out *out)
{
    return r != NULL && outlier_ring_write(r->ring, id, out);
}
