/* SPDX-License-Identifier: MIT */
/* What a loop knows of a name, and the table of such records.
 *
 * Threading: the loop's thread; others may peek at the record of a name that a task waits for.
 */
#ifndef WEIR__NAMES_NAME_H
#define WEIR__NAMES_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/list.h"
#include "names/ip.h"

struct weir__lookup;

enum { WEIR__NAME_WORD = 8 };

/* What a name is found by; see weir__name_key(). */
struct weir__name_key {
    uint64_t hash, first, last;
    size_t len;
};

struct weir__name {
    struct weir__list bucket; /* in table->buckets */
    struct weir__list used;   /* in table->used */
    struct weir__name_key key;
    struct weir__ip *ips; /* IPv6 first; NULL: none */
    uint16_t count, count6;
    uint16_t turn;       /* counts uses, so that addresses take turns */
    bool is_local;       /* of the hosts file, or known without any server */
    bool is_partial;     /* the addresses of one family, while the other is waited for */
    bool is_gone;        /* a server says that there are no addresses */
    bool failed;         /* the latest look-up has failed, and the addresses are those of one before */
    uint8_t len;         /* of name */
    uint32_t generation; /* of the settings that it was found by */
    uint32_t users;      /* tasks that wait for it: meanwhile it is not forgotten */
    int64_t good_until_ns;
    int64_t renew_ns; /* from then on a use has the name asked for again */
    int64_t stale_until_ns;
    int64_t ask_again_ns;        /* not before, after a failure */
    const char *why;             /* there are no addresses: why not; else NULL */
    struct weir__lookup *lookup; /* in flight or queued; NULL: none */
    struct weir__list waiters;   /* item: the const enum weir__want * of the task */
    char name[];                 /* in lower case, with a NUL */
};

/* --- the table --- */

struct weir__name_table {
    struct weir__list *buckets;
    size_t bucket_count;    /* a power of two */
    struct weir__list used; /* the one unused longest first */
    size_t count, most;
};

/* most: names kept. Returns: 0; -ENOMEM. */
int weir__name_table_init(struct weir__name_table *t, size_t most) WEIR_CHECKED;
void weir__name_table_free(struct weir__name_table *t);

/* Adds a name that is not there. If the table is full, the name goes that is unused longest and that nothing
 * is under way for.
 * Returns: 0; -WEIR_EBUSY something is under way for every name; -ENOMEM. */
int weir__name_table_add(struct weir__name_table *t, const char *name, const struct weir__name_key *key,
                         struct weir__name **out) WEIR_CHECKED;

void weir__name_clear_ips(struct weir__name *name);

/* Replaces the addresses, which are copied. Returns: 0; -ENOMEM, and there are none. */
int weir__name_set_ips(struct weir__name *name, const struct weir__ip *six, size_t count6,
                       const struct weir__ip *four, size_t count4) WEIR_CHECKED;

/* --- finding, by words: names are compared without regard to case, which is one bit of a letter. No other
 * two characters of a valid name differ in that bit alone. --- */

static inline uint64_t weir__name_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word | UINT64_C(0x2020202020202020);
}

/* What a name is found by: its first eight characters and its last eight, which overlap in a short name. */
static inline struct weir__name_key weir__name_key(const char *name, size_t len)
{
    struct weir__name_key key = {.len = len};

    if (__builtin_expect(len >= WEIR__NAME_WORD, 1)) {
        key.first = weir__name_word(name);
        key.last = weir__name_word(name + len - WEIR__NAME_WORD);
    } else {
        for (size_t i = 0; i < len; i++)
            key.first = key.first << 8 | ((unsigned char)name[i] | 0x20U);
    }
    key.hash = (key.first * UINT64_C(0x9e3779b97f4a7c15) ^ key.last) * UINT64_C(0xbf58476d1ce4e5b9);
    for (size_t at = WEIR__NAME_WORD; __builtin_expect(at + WEIR__NAME_WORD < len, 0); at += WEIR__NAME_WORD)
        key.hash = (key.hash ^ weir__name_word(name + at)) * UINT64_C(0x9e3779b97f4a7c15);
    key.hash ^= key.hash >> 32;
    return key;
}

static inline bool weir__name_is(const struct weir__name *n, const struct weir__name_key *key,
                                 const char *name)
{
    if (n->key.hash != key->hash || n->key.len != key->len || n->key.first != key->first ||
        n->key.last != key->last)
        return false;
    for (size_t at = WEIR__NAME_WORD; __builtin_expect(at + WEIR__NAME_WORD < key->len, 0);
         at += WEIR__NAME_WORD)
        if (weir__name_word(n->name + at) != weir__name_word(name + at))
            return false;
    return true;
}

/* Returns: NULL: it is not known. */
static inline struct weir__name *weir__name_find(const struct weir__name_table *t, const char *name,
                                                 const struct weir__name_key *key)
{
    const struct weir__list *bucket = &t->buckets[key->hash & (t->bucket_count - 1)];

    weir__list_each (node, bucket) {
        struct weir__name *n = weir__container_of(node, struct weir__name, bucket);
        if (__builtin_expect(weir__name_is(n, key, name), 1))
            return n;
    }
    return NULL;
}

static inline void weir__name_touch(struct weir__name_table *t, struct weir__name *n)
{
    if (t->used.prev == &n->used)
        return;
    weir__list_drop(&n->used);
    weir__list_push_back(&t->used, &n->used);
}

#endif
