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

struct weir__name {
    struct weir__list bucket; /* in table->buckets */
    struct weir__list used;   /* in table->used */
    uint64_t hash;
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
int weir__name_table_add(struct weir__name_table *t, const char *name, size_t len, uint64_t hash,
                         struct weir__name **out) WEIR_CHECKED;

/* Forgets a name that nothing is under way for. */
void weir__name_table_remove(struct weir__name_table *t, struct weir__name *name);

void weir__name_clear_ips(struct weir__name *name);

/* Replaces the addresses, which are copied. Returns: 0; -ENOMEM, and there are none. */
int weir__name_set_ips(struct weir__name *name, const struct weir__ip *six, size_t count6,
                       const struct weir__ip *four, size_t count4) WEIR_CHECKED;

/* --- finding, by words: names are compared without regard to case, which is one bit of a letter. No other
 * two characters of a valid name differ in that bit alone. --- */

enum { WEIR__NAME_WORD = 8 };

static inline uint64_t weir__name_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word | UINT64_C(0x2020202020202020);
}

/* The last word of a name, which overlaps the one before; of a short name all of it. */
static inline uint64_t weir__name_last_word(const char *name, size_t len)
{
    uint64_t word = 0;

    if (len >= WEIR__NAME_WORD)
        return weir__name_word(name + len - WEIR__NAME_WORD);
    for (size_t i = 0; i < len; i++)
        word = word << 8 | ((unsigned char)name[i] | 0x20U);
    return word;
}

static inline uint64_t weir__name_hash(const char *name, size_t len)
{
    uint64_t hash = len;

    for (size_t at = 0; at + WEIR__NAME_WORD < len; at += WEIR__NAME_WORD)
        hash = (hash ^ weir__name_word(name + at)) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ weir__name_last_word(name, len)) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static inline bool weir__name_is(const struct weir__name *n, const char *name, size_t len)
{
    if (n->len != len)
        return false;
    for (size_t at = 0; at + WEIR__NAME_WORD < len; at += WEIR__NAME_WORD)
        if (weir__name_word(n->name + at) != weir__name_word(name + at))
            return false;
    return weir__name_last_word(n->name, len) == weir__name_last_word(name, len);
}

/* Returns: NULL: it is not known. */
static inline struct weir__name *weir__name_find(const struct weir__name_table *t, const char *name,
                                                 size_t len, uint64_t hash)
{
    const struct weir__list *bucket = &t->buckets[hash & (t->bucket_count - 1)];

    weir__list_each (node, bucket) {
        struct weir__name *n = weir__container_of(node, struct weir__name, bucket);
        if (n->hash == hash && weir__name_is(n, name, len))
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
