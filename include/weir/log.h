/* SPDX-License-Identifier: MIT */
/* Logging: one structured line per event, written to stderr, or to what weir_options.log_fd or log_sink say.
 *
 *     weir_log(WEIR_LOG_WARN, "loop held", WEIR_KV("task", name), WEIR_KV_DURATION("held", d));
 *
 *     14:05:01.123 warn loop held task=user-7 held=41.200ms
 *     {"time":"2026-11-23T14:05:01.123Z","level":"warn","message":"loop held","task":"user-7","held_ms":41.2}
 *
 * In text, durations are milliseconds with three decimals, so that they can be compared and sorted; in
 * JSON, milliseconds to the nanosecond.
 *
 * Threading: any thread may log. A line has at most WEIR_LOG_LINE_MAX bytes; a longer line is cut and
 * marked as cut. Lines are written whole, and those of one thread in order.
 *
 * During a weir_run(), logging never waits for the reader of the log. A line is put into a buffer of its
 * thread (1 MiB for a loop, allocated at its first line; 64 KiB for a worker; 64 KiB that all other threads
 * share), and a writer thread writes it within a few milliseconds. A line that does not fit, or cannot be
 * written, is dropped and counted (weir_log_dropped()); a later line tells how many. Buffered lines are
 * written before weir_run() returns, before exit(), and before a fatal signal or abort() ends the program,
 * in each case within one second or not at all. _exit() and SIGKILL lose the last few milliseconds: see
 * weir_log_flush(). Before the first weir_run(), after the last, in the child of a fork() and under
 * simulation, the logging thread writes the line itself, and may wait. No write here raises SIGPIPE.
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

enum weir_log_level { /* 0, if an option is not set: info */
                      WEIR_LOG_DEBUG = 1,
                      WEIR_LOG_INFO,
                      WEIR_LOG_WARN,
                      WEIR_LOG_ERROR,
};

enum weir_kv_type {
    WEIR_KV_TYPE_NONE, /* left out of the line */
    WEIR_KV_TYPE_BYTES,
    WEIR_KV_TYPE_INT,
    WEIR_KV_TYPE_DOUBLE,
    WEIR_KV_TYPE_BOOL,
    WEIR_KV_TYPE_DURATION,
    WEIR_KV_TYPE_ERROR,
    WEIR_KV_TYPE_DURATIONS,
};

/* One of several durations under one key. */
typedef struct weir_kv_part {
    const char *name;
    weir_duration duration;
} weir_kv_part;

/* A key with its value; made by the WEIR_KV macros. The key, and what the value points to, are borrowed
 * until the line is written. */
typedef struct weir_kv {
    const char *key;
    enum weir_kv_type type;
    union {
        weir_bytes bytes;
        int64_t integer; /* also durations (ns), error codes and bools */
        double real;
        struct {
            const weir_kv_part *parts;
            size_t count;
        } durations;
    } value;
} weir_kv;

/* Makes an empty pair, for a key that is only sometimes present: cond ? WEIR_KV("peer", p) :
 * weir_kv_none().
 * Owns:    nothing.
 * Returns: a pair that is not printed.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_none(void)
{
    weir_kv kv;

    memset(&kv, 0, sizeof kv);
    return kv;
}

/* Makes a pair of a key and a span of bytes. Bytes that are not UTF-8 are escaped (text) or replaced
 * (JSON).
 * Owns:    both are borrowed until the line is written.
 * Returns: the pair.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_bytes(const char *key, weir_bytes bytes)
{
    weir_kv kv = weir_kv_none();

    kv.key = key;
    kv.type = WEIR_KV_TYPE_BYTES;
    kv.value.bytes = bytes;
    return kv;
}

/* Makes a pair of a key and a number (also a bool, the nanoseconds of a duration, or an error code). Called
 * by WEIR_KV_INT and similar macros.
 * Owns:    the key is borrowed until the line is written.
 * Returns: the pair.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_integer(const char *key, enum weir_kv_type type, int64_t value)
{
    weir_kv kv = weir_kv_none();

    kv.key = key;
    kv.type = type;
    kv.value.integer = value;
    return kv;
}

/* Makes a pair of a key and a real number. NaN and infinities become null in JSON.
 * Owns:    the key is borrowed until the line is written.
 * Returns: the pair.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_double(const char *key, double value)
{
    weir_kv kv = weir_kv_none();

    kv.key = key;
    kv.type = WEIR_KV_TYPE_DOUBLE;
    kv.value.real = value;
    return kv;
}

/* Makes a pair of a key and several named durations: spent="user 12.1ms, run 0.2ms", in JSON
 * "spent_ms":{"user":12.1,"run":0.2}.
 * Owns:    everything is borrowed until the line is written.
 * Returns: the pair.
 * Where:   any thread.
 */
static inline weir_kv weir_kv_durations(const char *key, const weir_kv_part *parts, size_t count)
{
    weir_kv kv = weir_kv_none();

    kv.key = key;
    kv.type = WEIR_KV_TYPE_DURATIONS;
    kv.value.durations.parts = parts;
    kv.value.durations.count = count;
    return kv;
}

#define WEIR_KV(key, text) weir_kv_bytes((key), weir_bytes_of(text))
#define WEIR_KV_BYTES(key, bytes) weir_kv_bytes((key), (bytes))
#define WEIR_KV_INT(key, n) weir_kv_integer((key), WEIR_KV_TYPE_INT, (int64_t)(n))
#define WEIR_KV_DOUBLE(key, x) weir_kv_double((key), (x))
#define WEIR_KV_BOOL(key, truth) weir_kv_integer((key), WEIR_KV_TYPE_BOOL, (truth) ? 1 : 0)
/* In JSON the key is followed by _ms, and the value is a number of milliseconds. */
#define WEIR_KV_DURATION(key, d) weir_kv_integer((key), WEIR_KV_TYPE_DURATION, (d).ns)
#define WEIR_KV_DURATIONS(key, parts, count) weir_kv_durations((key), (parts), (count))
/* Prints weir_error_text() of the code. */
#define WEIR_KV_ERROR(key, err) weir_kv_integer((key), WEIR_KV_TYPE_ERROR, (err))

/* Sets the level from which lines are written, and whether they are JSON, for threads outside any
 * weir_run(): before the first weir_run() and after the last that is every thread. A weir_run() uses its
 * options instead. Initially: info, text.
 * Where:   any thread.
 */
void weir_log_configure(enum weir_log_level level, bool json);

/* Reports whether lines of this level are written, so that values that are expensive to compute can be
 * skipped.
 * Owns:    nothing.
 * Returns: true if they are.
 * Where:   any thread.
 */
bool weir_log_is_on(enum weir_log_level level);

/* Writes one line; use the macro weir_log() below.
 * Owns:    everything is borrowed until the function returns.
 * Returns: nothing: a line that cannot be written is counted, see weir_log_dropped(). Preserves errno.
 * Where:   any thread. Does not wait during a weir_run().
 */
void weir_log_write(enum weir_log_level level, const char *message, const weir_kv *kvs, size_t n);

/* Counts lines that were dropped because the log's reader was too slow or has gone, or the disk is full.
 * Returns: the number since the program began.
 * Where:   any thread.
 */
uint64_t weir_log_dropped(void);

/* Waits until all lines logged before are written: for use before _exit(), or for a line that must not be
 * lost.
 * Returns: true: they are written, or were dropped; false: not within at_most.
 * Where:   any thread, also in a signal handler; it blocks the thread, and so a loop.
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
/* weir_log(level, message, pairs…): the pairs, possibly none, are made by the WEIR_KV macros. */
#define weir_log(level, message, ...)                                                                        \
    weir_log_write((level), (message), (const weir_kv[]){weir_kv_none(), ##__VA_ARGS__},                     \
                   sizeof((const weir_kv[]){weir_kv_none(), ##__VA_ARGS__}) / sizeof(weir_kv))
#endif
#endif
