/* SPDX-License-Identifier: MIT */
/* Naming, logging, and the thread that does both. */
#include "guard/report.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/guard.h>

#include "core/lock.h"
#include "core/log/log.h"
#include "guard/calls.h"
#include "guard/places.h"
#include "symbols/symbols.h"

enum {
    FRAMES_MAX = 64,
    INLINED_MAX = 8,
    STACK_TEXT_BYTES = 2048,
    FRAME_TEXT_BYTES = 256,
    AWAIT_MOMENTS = 50
};

/* Symbols of the process, as the findings are; once opened, never closed. */
static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER;
static struct weir__symbols *symbols;

/* --- names --- */

#if defined(__x86_64__) /* elsewhere the frame does not tell the stack pointer of the caller */
/* Returns: how many addresses; *complete: the last is at the base. */
static size_t unwind_copy(const struct weir__place *place, uintptr_t pc, uintptr_t *out, bool *complete)
{
    const struct weir__stack_copy copy = {place->copy->bytes, place->copy->low, place->copy->count};
    struct weir__registers registers = {.pc = pc, .complete = true};

    registers.general[16] = pc;
    registers.general[WEIR__REGISTER_SP] = place->copy->low;
    registers.general[WEIR__REGISTER_FP] = place->copy->fp;
    return weir__symbols_unwind(symbols, &registers, &copy, out, WEIR__UNWIND_MAX, complete);
}
#endif

/* The addresses of the stack: by tables if there is a copy and they lead further than frame pointers. */
static size_t unwind(const struct weir__place *place, uintptr_t *out)
{
    size_t count = place->depth;

    for (size_t i = 0; i < count; i++)
        out[i] = (uintptr_t)place->stack[i];
#if defined(__x86_64__)
    if (place->copy != NULL) {
        uintptr_t found[WEIR__UNWIND_MAX];
        bool complete;
        size_t n = unwind_copy(place, count > 0 ? out[0] : 0, found, &complete);
        if (complete || n > count) {
            memcpy(out, found, n * sizeof *out);
            count = n;
        }
    }
#endif
    return count;
}

/* Whether a frame is the runtime's own, and with it all that are further out. */
static bool is_base(const weir_frame *frame)
{
    return strcmp(frame->function, "weir__task_main") == 0;
}

static void name_stack(struct weir__place *place)
{
    uintptr_t addresses[WEIR__UNWIND_MAX];
    weir_frame frames[FRAMES_MAX];
    size_t count = unwind(place, addresses), n = 0;

    for (size_t i = 0; i < count && n < FRAMES_MAX && (n == 0 || !is_base(&frames[n - 1])); i++)
        n += weir__symbols_name(symbols, addresses[i], true, &frames[n], FRAMES_MAX - n);
    while (n > 0 && is_base(&frames[n - 1]))
        n--;
    place->frames = calloc(n > 0 ? n : 1, sizeof *frames);
    if (place->frames == NULL)
        return;
    memcpy(place->frames, frames, n * sizeof *frames);
    place->frame_count = n;
}

static void name(struct weir__place *place)
{
    place->frame = (weir_frame){.function = "?", .address = (uintptr_t)place->address};
    if (symbols == NULL && weir__symbols_open(&symbols) < 0)
        return;
    (void)weir__symbols_name(symbols, (uintptr_t)place->address, true, &place->frame, 1);
    name_stack(place);
    if (place->copy != NULL)
        atomic_store_explicit(&place->copy->is_taken, false, memory_order_release);
    place->copy = NULL;
}

/* --- the log --- */

static size_t add_frame(char *text, size_t at, size_t room, const weir_frame *frame)
{
    int n = snprintf(text + at, room - at, frame->file != NULL ? "%s%s %s:%d" : "%s%s", at > 0 ? " < " : "",
                     frame->function, frame->file, frame->line);

    return n < 0 || at + (size_t)n >= room ? room - 1 : at + (size_t)n;
}

static const char *stack_text(const struct weir__place *place, char *out, size_t room)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < place->frame_count; i++)
        at = add_frame(out, at, room, &place->frames[i]);
    return out;
}

static const char *frame_text(const weir_frame *frame, char *out, size_t room)
{
    out[0] = '\0';
    (void)add_frame(out, 0, room, frame);
    return out;
}

static void log_place(const struct weir__logger *logger, const struct weir__place *place)
{
    bool is_lock = place->waited != NULL;
    char stack[STACK_TEXT_BYTES], taken_in[FRAME_TEXT_BYTES];
    const weir_kv kvs[] = {
        WEIR_KV(is_lock ? "taken_by" : "call", weir_guard_call_name((size_t)place->call)),
        is_lock ? WEIR_KV("taken_in", frame_text(&place->frame, taken_in, sizeof taken_in)) : weir_kv_none(),
        is_lock ? WEIR_KV("waits_for", place->waited) : weir_kv_none(),
        WEIR_KV("task", place->task),
        place->has_route ? WEIR_KV("route", place->route) : weir_kv_none(),
        WEIR_KV("stack", stack_text(place, stack, sizeof stack)),
        WEIR_KV("hint", weir__guard_call_hint(place->call)),
    };

    weir__log_write(logger, WEIR_LOG_WARN,
                    is_lock ? "a task waits with a lock held" : "a task holds up its loop", kvs,
                    sizeof kvs / sizeof kvs[0]);
}

void weir__guard_name(struct weir__places *table, const struct weir__logger *logger)
{
    pthread_mutex_lock(&naming);
    for (size_t i = 0; i < WEIR__PLACES_MAX; i++) {
        struct weir__place *place = &table->places[i];
        bool is_new = false;
        if (!atomic_load_explicit(&place->is_whole, memory_order_acquire))
            continue;
        if (!atomic_load_explicit(&place->is_named, memory_order_relaxed)) {
            name(place);
            atomic_store_explicit(&place->is_named, true, memory_order_release);
            is_new = true;
        }
        if (place->is_reportable && !place->is_reported && logger != NULL) {
            place->is_reported = true;
            log_place(logger, place);
        }
        atomic_fetch_add(&table->named, is_new);
    }
    weir__futex_wake(&table->named);
    pthread_mutex_unlock(&naming);
}

/* --- the thread --- */

enum { IDLE, NEWS, STOP };

static void *report(void *arg)
{
    struct weir__guard_reporter *r = arg;
    struct weir__log_here log = weir__log_enter(r->logger, 0);
    int word;

    while ((word = atomic_load(&r->word)) != STOP) {
        if (word == IDLE)
            weir__futex_wait(&r->word, IDLE, NULL);
        else if (atomic_compare_exchange_strong(&r->word, &word, IDLE))
            weir__guard_name(r->table, r->logger);
    }
    weir__log_leave(&log);
    return NULL;
}

void weir__guard_reporter_start(struct weir__guard_reporter *r, struct weir__places *table,
                                const struct weir__logger *logger)
{
    sigset_t all, before;

    *r = (struct weir__guard_reporter){.table = table, .logger = logger};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r->runs = pthread_create(&r->thread, NULL, report, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void weir__guard_reporter_wake(struct weir__guard_reporter *r)
{
    int word = IDLE;

    if (r->runs && atomic_compare_exchange_strong(&r->word, &word, NEWS))
        weir__futex_wake(&r->word);
}

void weir__guard_reporter_await(struct weir__guard_reporter *r)
{
    const struct timespec a_moment = {.tv_nsec = 100000000};
    int named;

    for (int i = 0; i < AWAIT_MOMENTS && r->runs; i++) {
        if ((named = atomic_load(&r->table->named)) == atomic_load(&r->table->whole))
            return;
        weir__futex_wait(&r->table->named, named, &a_moment);
    }
}

void weir__guard_reporter_stop(struct weir__guard_reporter *r)
{
    if (r->table == NULL)
        return;
    if (r->runs) {
        atomic_store(&r->word, STOP);
        weir__futex_wake(&r->word);
        pthread_join(r->thread, NULL);
    }
    weir__guard_name(r->table, r->logger);
    *r = (struct weir__guard_reporter){0};
}
