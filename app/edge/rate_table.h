/* SPDX-License-Identifier: MIT */
/* Token buckets by key, in a table of fixed size that several processes may share.
 *
 * A bucket is one word: the time at which it will be full again (the generic cell rate algorithm). A bucket
 * that is full is the same as none, so that its place can be given to another key, and nothing is lost. A
 * bucket that is not full keeps its place: a key over its rate is never forgotten, however many others come.
 * When a key finds no place, it shares one further bucket with all others that find none.
 *
 * Each word is changed by one compare-and-swap: a process that dies leaves nothing half done. Keys are kept
 * as 24 bits of a keyed hash beside the place; one new key in a million takes the bucket of another.
 *
 * Threading: any thread of any process that has the memory mapped.
 */
#ifndef APP_EDGE_RATE_TABLE_H
#define APP_EDGE_RATE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RATE_ENTRIES = 1 << 16, /* 512 KiB. A key has 16 places to choose from: until three quarters of all are
            taken, practically every key finds one */
    RATE_BURST_MAX = 1000000,
    RATE_PER_SECOND_MAX = 1000000
};

/* Memory that was zero is a table of full buckets. */
struct rate_table {
    _Atomic uint64_t seed[2]; /* of the hash; 0: not chosen yet */
    _Atomic uint64_t swept;   /* when buckets that are full were last removed */
    _Atomic uint64_t common;  /* the bucket of keys without a place; of all, if there are no places */
    _Atomic int64_t told_ns;  /* when it was last told that keys share that bucket; 0: never */
    _Alignas(64) _Atomic uint64_t entries[]; /* RATE_ENTRIES, or none */
};

/* The size of a table; without keys: it is one bucket. */
size_t rate_table_bytes(bool has_keys);

/* A rate, prepared for counting. Time is counted in units of 1/512 of what one request takes, so that a
 * request may be accepted so much too early; the rate itself is exact to one part in ten million. */
struct rate_limit {
    uint64_t per_ns, requests;
    uint64_t scale;    /* units = ns * scale / 2^64 */
    uint64_t full;     /* what a bucket may owe: the burst, in units */
    uint64_t debt_max; /* a bucket that owes more is from a clock that went back, and counts as full */
};

/* requests in per_ns, of them burst at once. All are at least 1, and within the maxima above. */
struct rate_limit rate_limit_of(uint64_t requests, uint64_t per_ns, uint64_t burst);

struct rate_verdict {
    bool accepted;
    bool shared;      /* the key found no place */
    uint64_t left;    /* further requests that would be accepted now */
    uint64_t wait_ns; /* refused: after this long, one is accepted again */
};

/* Chooses the seed, unless another process has: to be called by each, before the first request. random:
 * random numbers. Writes the seed in force to seed[]. */
void rate_table_seed(struct rate_table *table, const uint64_t random[2], uint64_t seed[2]);

/* Counts a request with this key, by its hash with the seed. Refused requests are not counted. */
struct rate_verdict rate_table_take(struct rate_table *table, const struct rate_limit *limit, uint64_t hash,
                                    int64_t now_ns);

/* As rate_table_take(), of a table without keys. */
struct rate_verdict rate_table_take_common(struct rate_table *table, const struct rate_limit *limit,
                                           int64_t now_ns);

/* Reports whether it is time to tell that keys share a bucket: to one thread of all processes, once a minute
 * at most. */
bool rate_table_tells_shared(struct rate_table *table, int64_t now_ns);

/* The number of places that are taken. Reads all of them: some 50 µs. */
size_t rate_table_taken(struct rate_table *table, const struct rate_limit *limit, int64_t now_ns);

#endif
