/* SPDX-License-Identifier: MIT */
#include "edge/keyed_hash.h"

#include <endian.h>
#include <string.h>

struct state {
    uint64_t a, b, c, d;
};

static inline uint64_t turn(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void mix(struct state *s, int rounds)
{
#pragma GCC unroll 4
    for (int i = 0; i < rounds; i++) {
        s->a += s->b;
        s->c += s->d;
        s->b = turn(s->b, 13) ^ s->a;
        s->d = turn(s->d, 16) ^ s->c;
        s->a = turn(s->a, 32) + s->d;
        s->c += s->b;
        s->d = turn(s->d, 21) ^ s->a;
        s->b = turn(s->b, 17) ^ s->c;
        s->c = turn(s->c, 32);
    }
}

static inline void add(struct state *s, uint64_t word, int rounds)
{
    s->d ^= word;
    mix(s, rounds);
    s->a ^= word;
}

static inline struct state begin(const uint64_t seed[2])
{
    return (struct state){seed[0] ^ UINT64_C(0x736f6d6570736575), seed[1] ^ UINT64_C(0x646f72616e646f6d),
                          seed[0] ^ UINT64_C(0x6c7967656e657261), seed[1] ^ UINT64_C(0x7465646279746573)};
}

static inline uint64_t end(struct state *s, int rounds)
{
    s->c ^= 0xff;
    mix(s, rounds);
    return s->a ^ s->b ^ s->c ^ s->d;
}

static inline __attribute__((always_inline)) uint64_t hash(const uint64_t seed[2], const unsigned char *data,
                                                           size_t bytes, int rounds, int last_rounds)
{
    struct state s = begin(seed);
    uint64_t word, last = (uint64_t)bytes << 56;

    for (; bytes >= sizeof word; data += sizeof word, bytes -= sizeof word) {
        memcpy(&word, data, sizeof word);
        add(&s, le64toh(word), rounds);
    }
    for (size_t i = 0; i < bytes; i++)
        last |= (uint64_t)data[i] << (8 * i);
    add(&s, last, rounds);
    return end(&s, last_rounds);
}

uint64_t keyed_hash(const uint64_t seed[2], const void *data, size_t bytes)
{
    return hash(seed, data, bytes, 1, 3);
}

uint64_t keyed_hash_number(const uint64_t seed[2], uint64_t number)
{
    struct state s = begin(seed);

    add(&s, number, 1);
    return end(&s, 3);
}

uint64_t keyed_hash_2_4(const uint64_t seed[2], const void *data, size_t bytes)
{
    return hash(seed, data, bytes, 2, 4);
}
