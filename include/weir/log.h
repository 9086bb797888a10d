/* SPDX-License-Identifier: MIT */
/* Logging: one structured line per event, to the runtime's log (stderr unless configured otherwise).
 *
 *     weir_log(WEIR_LOG_WARN, "loop held", WEIR_KV("task", name), WEIR_KV_DURATION("held", d));
 *
 *     14:05:01.123 warn loop held task=user-7 held=41.200ms
 *     {"time":"2026-11-23T14:05:01.123Z","level":"warn","message":"loop held","task":"user-7","held_ms":41.2}
 *
 * Text has durations in milliseconds with three decimals, so that they can be compared and sorted; JSON in
 * milliseconds to the nanosecond.
 *
 * Threading: any thread may log. A line has at most WEIR_LOG_LINE_MAX bytes; a longer one is cut and says so.
 * Lines stay whole, and those of one thread in order.
 *
 * While a weir_run() goes on, logging never waits for whoever reads the log: a line is put into a buffer of
 * its thread (1 MiB for a loop, made at its first line; 64 KiB for a worker; 64 KiB that all other threads
 * share), and a thread of its own writes it, within a few milliseconds. A line that does not fit, or can't be
 * written, is dropped and counted (weir_log_dropped()), and one line says how many when it goes on. What is
 * in the buffers is written before weir_run() returns, before exit() and before a fatal signal or abort()
 * ends the program, in each case within a second or never; _exit() and SIGKILL lose up to some milliseconds:
 * see weir_log_flush(). Before the first weir_run(), after the last, in the child of a fork() and under
 * simulation a line is written by whoever logs it, which may wait. No write here raises SIGPIPE.
 */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer.h>
#include <weir/time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_LOG_LINE_MAX 4096

enum weir_log_level { /* 0, where an option is left out: info */
                      WEIR_LOG_DEBUG = 1,
                      WEIR_LOG_INFO,
                      WEIR_LOG_WARN,
                      WEIR_LOG_ERROR,
};

enum weir_kv_kind {
    WEIR_KV_KIND_NONE, /* left out of the line */
    WEIR_KV_KIND_BYTES,
    WEIR_KV_KIND_INT,
    WEIR_KV_KIND_DOUBLE,
    WEIR_KV_KIND_BOOL,
    WEIR_KV_KIND_DURATION,
    WEIR_KV_KIND_ERROR,
    WEIR_KV_KIND_DURATIONS,
};

/* One of several durations under one key. */
typedef struct weir_kv_part {
    const char *name;
    weir_duration duration;
} weir_kv_part;

/* One key with its value; made by the WEIR_KV macros. Borrows the key and what the value points to until the
 * line is written. */
typedef struct weir_kv {
    const char *key;
    enum weir_kv_kind kind;
    union {
        weir_bytes bytes;
        int64_t integer; /* also durations (ns), error codes and truth */
        double real;
        struct {
            const weir_kv_part *parts;
            size_t count;
        } durations;
    } value;
} weir_kv;

/* No value: for a key that is only sometimes there, cond ? WEIR_KV("peer", p) : weir_kv_none().
 * Owns:    nothing.
 * Returns: a pair that prints nothing.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_none(void)
{
    weir_kv kv;

    memset(&kv, 0, sizeof kv);
    return kv;
}

/* A span of bytes as a value; bytes that are no UTF-8 are shown escaped (text) or replaced (JSON).
 * Owns:    borrows both until the line is written.
 * Returns: the pair.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_bytes(const char *key, weir_bytes bytes)
{
    weir_kv kv = weir_kv_none();

    kv.key = key;
    kv.kind = WEIR_KV_KIND_BYTES;
    kv.value.bytes = bytes;
    return kv;
}

/* A number (also a truth, a duration's nanoseconds or an error code) as a value; WEIR_KV_INT and its kin call
 * it.
 * Owns:    borrows the key until the line is written.
 * Returns: the pair.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_integer(const char *key, enum weir_kv_kind kind, int64_t value)
{
    weir_kv kv = weir_kv_none();

    kv.key = key;
    kv.kind = kind;
    kv.value.integer = value;
    return kv;
}

/* A real number as a value; NaN and the infinities become null in JSON.
 * Owns:    borrows the key until the line is written.
 * Returns: the pair.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_double(const char *key, double value)
{
    weir_kv kv = weir_kv_none();

    kv.key = key;
    kv.kind = WEIR_KV_KIND_DOUBLE;
    kv.value.real = value;
    return kv;
}

/* Several durations by name as a value: spent="user 12.1ms, run 0.2ms", in JSON
 * "spent_ms":{"user":12.1,"run":0.2}.
 * Owns:    borrows all of it until the line is written.
 * Returns: the pair.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_durations(const char *key, const weir_kv_part *parts, size_t count)
{
    weir_kv kv = weir_kv_none();

    kv.key = key;
    kv.kind = WEIR_KV_KIND_DURATIONS;
    kv.value.durations.parts = parts;
    kv.value.durations.count = count;
    return kv;
}

#define WEIR_KV(key, text) weir_kv_bytes((key), weir_bytes_of(text))
#define WEIR_KV_BYTES(key, bytes) weir_kv_bytes((key), (bytes))
#define WEIR_KV_INT(key, n) weir_kv_integer((key), WEIR_KV_KIND_INT, (int64_t)(n))
#define WEIR_KV_DOUBLE(key, x) weir_kv_double((key), (x))
#define WEIR_KV_BOOL(key, truth) weir_kv_integer((key), WEIR_KV_KIND_BOOL, (truth) ? 1 : 0)
/* In JSON the key gets _ms and the value is a number of milliseconds. */
#define WEIR_KV_DURATION(key, d) weir_kv_integer((key), WEIR_KV_KIND_DURATION, (d).ns)
#define WEIR_KV_DURATIONS(key, parts, count) weir_kv_durations((key), (parts), (count))
/* Prints weir_error_text() of the code. */
#define WEIR_KV_ERROR(key, err) weir_kv_integer((key), WEIR_KV_KIND_ERROR, (err))

/* Sets from which level on threads that are in no weir_run() write lines, and whether in JSON: before the
 * first weir_run() and after the last, all of them. A weir_run() goes by its options. As it is at first:
 * info, text.
 * Where:   any thread.
 */
void weir_log_configure(enum weir_log_level level, bool json);

/* Says whether lines of this level are written at all, for values that are dear to compute.
 * Owns:    nothing.
 * Returns: true if they are.
 * Where:   any thread.
 */
bool weir_log_is_on(enum weir_log_level level);

/* Writes one line; use the macro weir_log() below.
 * Owns:    borrows everything until it returns.
 * Returns: nothing: a line that can't be written is counted, see weir_log_dropped(). Keeps errno.
 * Where:   any thread. Does not wait while a weir_run() goes on.
 */
void weir_log_write(enum weir_log_level level, const char *message, const weir_kv *kvs, size_t n);

/* How many lines were dropped because the log's reader was too slow or is gone, or the disk is full.
 * Returns: the number since the program began.
 * Where:   any thread.
 */
uint64_t weir_log_dropped(void);

/* Waits until all lines that were logged before are written: before _exit(), or a line that must be seen.
 * Returns: true: they are, or were dropped; false: not within at_most.
 * Where:   any thread, also a signal handler; it holds up a loop.
 */
bool weir_log_flush(weir_duration at_most);

#ifdef __cplusplus
}

template <typename... Kv> inline void weir_log(enum weir_log_level level, const char *message, Kv... kvs)
{
    const weir_kv list[] = {weir_kv_none(), kvs...};

    weir_log_write(level, message, list, sizeof list / sizeof list[0]);
}
#else
/* weir_log(level, message, pairs…): the pairs are made by the WEIR_KV macros; there may be none. */
#define weir_log(level, message, ...)                                                                        \
    weir_log_write((level), (message), (const weir_kv[]){weir_kv_none(), ##__VA_ARGS__},                     \
                   sizeof((const weir_kv[]){weir_kv_none(), ##__VA_ARGS__}) / sizeof(weir_kv))
#endif
#endif
