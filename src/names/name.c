/* SPDX-License-Identifier: MIT */
#include "names/name.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

enum { BUCKETS_LEAST = 64, NAMES_A_BUCKET = 2 };

int weir__name_table_init(struct weir__name_table *t, size_t most)
{
    t->bucket_count = BUCKETS_LEAST;
    while (t->bucket_count * NAMES_A_BUCKET < most)
        t->bucket_count *= 2;
    t->buckets = malloc(t->bucket_count * sizeof *t->buckets);
    if (t->buckets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->bucket_count; i++)
        weir__list_init(&t->buckets[i]);
    weir__list_init(&t->used);
    t->count = 0;
    t->most = most;
    return 0;
}

/* Forgets a name that nothing is under way for. */
static void forget(struct weir__name_table *t, struct weir__name *n)
{
    weir__list_drop(&n->bucket);
    weir__list_drop(&n->used);
    t->count--;
    free(n->ips);
    free(n);
}

void weir__name_table_free(struct weir__name_table *t)
{
    weir__list_each_safe (node, &t->used)
        forget(t, weir__container_of(node, struct weir__name, used));
    free(t->buckets);
}

static bool is_free(const struct weir__name *n)
{
    return n->users == 0 && n->lookup == NULL;
}

static int make_room(struct weir__name_table *t)
{
    if (t->count < t->most)
        return 0;
    weir__list_each (node, &t->used) {
        struct weir__name *n = weir__container_of(node, struct weir__name, used);
        if (is_free(n)) {
            forget(t, n);
            return 0;
        }
    }
    return -WEIR_EBUSY;
}

int weir__name_table_add(struct weir__name_table *t, const char *name, const struct weir__name_key *key,
                         struct weir__name **out)
{
    struct weir__name *n;
    int err = make_room(t);

    if (err < 0)
        return err;
    n = calloc(1, sizeof *n + key->len + 1);
    if (n == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < key->len; i++)
        n->name[i] = (char)tolower((unsigned char)name[i]);
    n->len = (uint8_t)key->len;
    n->key = *key;
    weir__list_init(&n->waiters);
    weir__list_push_back(&t->buckets[key->hash & (t->bucket_count - 1)], &n->bucket);
    weir__list_push_back(&t->used, &n->used);
    t->count++;
    *out = n;
    return 0;
}

void weir__name_clear_ips(struct weir__name *n)
{
    free(n->ips);
    n->ips = NULL;
    n->count = n->count6 = 0;
}

int weir__name_set_ips(struct weir__name *n, const struct weir__ip *six, size_t count6,
                       const struct weir__ip *four, size_t count4)
{
    weir__name_clear_ips(n);
    if (count6 + count4 == 0)
        return 0;
    n->ips = malloc((count6 + count4) * sizeof *n->ips);
    if (n->ips == NULL)
        return -ENOMEM;
    if (count6 > 0)
        memcpy(n->ips, six, count6 * sizeof *six);
    if (count4 > 0)
        memcpy(n->ips + count6, four, count4 * sizeof *four);
    n->count6 = (uint16_t)count6;
    n->count = (uint16_t)(count6 + count4);
    return 0;
}
