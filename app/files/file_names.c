/* SPDX-License-Identifier: MIT */
#include "files/file_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/random.h>

int file_names_init(struct file_names *names, size_t most)
{
    size_t count = 64;

    while (count < most)
        count *= 2;
    names->buckets = calloc(count, sizeof(struct file_name *));
    if (names->buckets == NULL)
        return -ENOMEM;
    names->bucket_count = count;
    names->seed = weir_random_u64();
    return 0;
}

static uint64_t hash_of(const struct file_names *names, int root, const char *path, size_t bytes)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = (names->seed ^ (uint64_t)root ^ (uint64_t)bytes << 32) * factor, word;

    for (; bytes > 0; path += sizeof word) {
        size_t n = bytes < sizeof word ? bytes : sizeof word;

        word = 0;
        memcpy(&word, path, n);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 29 ^ names->seed;
        bytes -= n;
    }
    return hash ^ hash >> 32;
}

/* --- the order by last use --- */

static void leave_order(struct file_names *names, struct file_name *name)
{
    *(name->newer != NULL ? &name->newer->older : &names->newest) = name->older;
    *(name->older != NULL ? &name->older->newer : &names->oldest) = name->newer;
}

static void become_newest(struct file_names *names, struct file_name *name)
{
    name->newer = NULL;
    name->older = names->newest;
    *(names->newest != NULL ? &names->newest->newer : &names->oldest) = name;
    names->newest = name;
}

/* --- the table --- */

static struct file_name *add(struct file_names *names, struct file_name **bucket, uint64_t hash, int root,
                             const char *path, size_t bytes)
{
    struct file_name *name = calloc(1, sizeof *name + bytes + 1);

    if (name == NULL)
        return NULL;
    name->hash = hash;
    name->root = root;
    weir_event_init(&name->looked);
    memcpy(name->path, path, bytes + 1);
    name->next = *bucket;
    *bucket = name;
    names->count++;
    names->path_bytes += bytes;
    become_newest(names, name);
    return name;
}

struct file_name *file_names_find(struct file_names *names, int root, const char *path)
{
    const size_t bytes = strlen(path);
    const uint64_t hash = hash_of(names, root, path, bytes);
    struct file_name **bucket = &names->buckets[hash & (names->bucket_count - 1)], *name = *bucket;

    while (name != NULL && (name->hash != hash || name->root != root || strcmp(name->path, path) != 0))
        name = name->next;
    if (name == NULL)
        return add(names, bucket, hash, root, path, bytes);
    if (name != names->newest) {
        leave_order(names, name);
        become_newest(names, name);
    }
    return name;
}

void file_names_remove(struct file_names *names, struct file_name *name)
{
    struct file_name **at = &names->buckets[name->hash & (names->bucket_count - 1)];

    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    leave_order(names, name);
    names->count--;
    names->path_bytes -= strlen(name->path);
    free(name);
}
