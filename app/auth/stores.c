/* SPDX-License-Identifier: MIT */
#include "auth/stores.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weir/log.h>
#include <weir/pool.h>
#include <weir/task.h>

enum { SETTLED_S = 2, FAULT_BYTES = 4096 + AUTH_FAULT_BYTES }; /* the coarsest times that file systems keep */

/* --- reading a file --- */

static int tell(const char *file, const char *why, char *fault, size_t room)
{
    (void)snprintf(fault, room, "%s: %s", file, why);
    return -WEIR_ECONFIG;
}

/* Reads what an open file holds. Returns: the bytes; < 0. */
static ssize_t read_all(int fd, char *bytes, size_t room)
{
    size_t used = 0;
    ssize_t n = 1;

    while (n > 0 && used < room) {
        n = read(fd, bytes + used, room - used);
        if (n < 0 && errno != EINTR)
            return -errno;
        used += n > 0 ? (size_t)n : 0;
        n = n < 0 ? 1 : n;
    }
    return (ssize_t)used;
}

static int read_open(int fd, const struct stat *about, const char *file, enum config_auth_scheme scheme,
                     struct auth_table **out, char *fault, size_t room)
{
    char why[AUTH_FAULT_BYTES];
    char *bytes;
    ssize_t length;
    int err;

    if (!S_ISREG(about->st_mode))
        return tell(file, "it is no regular file, expected one", fault, room);
    if (about->st_size > AUTH_FILE_BYTES_MAX)
        return tell(file, "it has more than 4 MiB, expected a smaller file", fault, room);
    bytes = malloc(AUTH_FILE_BYTES_MAX);
    if (bytes == NULL)
        return -ENOMEM;
    length = read_all(fd, bytes, AUTH_FILE_BYTES_MAX);
    if (length < 0) {
        free(bytes);
        return tell(file, weir_error_text((int)length), fault, room);
    }
    err = auth_table_make(scheme, (weir_bytes){bytes, (size_t)length}, out, why);
    explicit_bzero(bytes, (size_t)length);
    free(bytes);
    if (err == -WEIR_ECONFIG)
        (void)snprintf(fault, room, "%s:%s", file, why);
    return err;
}

int auth_file_read(const char *file, enum config_auth_scheme scheme, struct stat *about,
                   struct auth_table **out, char *fault, size_t room)
{
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hold it up */
    struct stat own;
    int err;

    if (about == NULL)
        about = &own;
    memset(about, 0, sizeof *about);
    if (fd < 0)
        return tell(file, weir_error_text(-errno), fault, room);
    err = fstat(fd, about) < 0 ? tell(file, weir_error_text(-errno), fault, room)
                               : read_open(fd, about, file, scheme, out, fault, room);
    (void)close(fd);
    return err;
}

/* --- opening --- */

static bool is_unsettled(const struct stat *about)
{
    return time(NULL) - about->st_ctim.tv_sec <= SETTLED_S;
}

static int open_store(struct auth_store *store, const struct config_auth *auth)
{
    struct auth_table *table;
    char fault[FAULT_BYTES];
    int err = auth_file_read(auth->file, auth->scheme, &store->about, &table, fault, sizeof fault);

    if (err == -WEIR_ECONFIG)
        weir_log(WEIR_LOG_ERROR, "a file of auth cannot be used", WEIR_KV("why", fault));
    if (err < 0)
        return err;
    store->file = auth->file;
    store->scheme = auth->scheme;
    store->unsettled = is_unsettled(&store->about);
    table->generation = ++store->generation;
    memcpy(store->content, table->content, sizeof store->content);
    err = weir_published_init(&store->table, table, auth_table_free);
    if (err < 0)
        auth_table_free(table);
    return err;
}

struct auth_store *auth_stores_find(const struct auth_stores *stores, const struct config_route *route)
{
    for (size_t i = 0; route->auth != NULL && i < stores->count; i++)
        if (stores->items[i].scheme == route->auth->scheme &&
            strcmp(stores->items[i].file, route->auth->file) == 0)
            return &stores->items[i];
    return NULL;
}

int auth_stores_open(const struct config *config, struct auth_stores *out)
{
    size_t most = 0;
    int err = 0;

    *out = (struct auth_stores){0};
    for (size_t i = 0; i < config->route_count; i++)
        most += config->routes[i].auth != NULL;
    if (most == 0)
        return 0;
    out->items = calloc(most, sizeof *out->items);
    if (out->items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < config->route_count && err == 0; i++) {
        if (config->routes[i].auth == NULL || auth_stores_find(out, &config->routes[i]) != NULL)
            continue;
        err = open_store(&out->items[out->count], config->routes[i].auth);
        out->count += err == 0;
    }
    return err;
}

void auth_stores_close(struct auth_stores *stores)
{
    for (size_t i = 0; i < stores->count; i++) {
        auth_table_free(stores->items[i].fresh); /* of a look that was cancelled as it ended */
        weir_published_free(&stores->items[i].table);
    }
    free(stores->items);
    *stores = (struct auth_stores){0};
}

/* --- looking again --- */

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           is_same_time(a->st_mtim, b->st_mtim) && is_same_time(a->st_ctim, b->st_ctim);
}

static void tell_failure(struct auth_store *store, const char *why, bool changed)
{
    if (changed || !store->failing)
        weir_log(WEIR_LOG_ERROR, "a changed file of auth is not used; what it held before is",
                 WEIR_KV("why", why));
    store->failing = true;
}

/* Leaves a table for the loops, unless it is what they have. */
static void take(struct auth_store *store, struct auth_table *table)
{
    const bool same = memcmp(store->content, table->content, sizeof store->content) == 0;

    if (!same || store->failing)
        weir_log(WEIR_LOG_INFO, "a file of auth was read again", WEIR_KV("file", store->file),
                 WEIR_KV_INT("entries", (int64_t)table->count));
    store->failing = false;
    if (same)
        auth_table_free(table);
    else
        store->fresh = table;
}

/* A job. Leaves a table in store->fresh if the file has changed. */
static int look(weir_job *job, void *arg)
{
    struct auth_store *store = arg;
    const struct stat before = store->about;
    struct auth_table *table;
    struct stat now;
    char fault[FAULT_BYTES];
    int err;

    (void)job;
    store->fresh = NULL;
    if (stat(store->file, &now) == 0 && !store->unsettled && is_same(&now, &before))
        return 0;
    err = auth_file_read(store->file, store->scheme, &store->about, &table, fault, sizeof fault);
    store->unsettled = err == -ENOMEM || err == -EIO || is_unsettled(&store->about);
    if (err == -WEIR_ECONFIG)
        tell_failure(store, fault, !is_same(&store->about, &before));
    else if (err == 0)
        take(store, table);
    return err;
}

static void renew(struct auth_store *store)
{
    struct auth_table *fresh;

    if (weir_offload(weir_pool_blocking(), "a file of auth", look, store) < 0 || store->fresh == NULL)
        return;
    fresh = store->fresh;
    store->fresh = NULL;
    fresh->generation = ++store->generation;
    memcpy(store->content, fresh->content, sizeof store->content);
    if (weir_published_set(&store->table, fresh) < 0) {
        store->content[0] ^= 1; /* the next look takes it */
        store->unsettled = true;
        auth_table_free(fresh);
    }
}

static int watch(void *arg)
{
    struct auth_stores *stores = arg;
    int err;

    while ((err = weir_sleep(weir_ms(AUTH_LOOK_MS))) == 0)
        for (size_t i = 0; i < stores->count; i++)
            renew(&stores->items[i]);
    return err;
}

int auth_stores_watch(struct auth_stores *stores, weir_server *server)
{
    return stores->count > 0 ? weir_spawn(weir_server_scope(server), "files of auth", watch, stores) : 0;
}
