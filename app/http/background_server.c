/* SPDX-License-Identifier: MIT */
#include "http/background_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weir/scope.h>
#include <weir/stream.h>

struct one_server {
    struct background_servers *side;
    weir_server_options options; /* as given, but that it tells us of listening first */
    const struct background_server *given;
    bool listening;
};

struct background_servers {
    pthread_t thread;
    const char *name;
    weir_options options;
    int stop_fd; /* becomes readable to stop */
    /* the loop's own */
    weir_scope serving; /* of the servers */
    bool given_up;
    /* written before the thread begins */
    struct one_server *servers;
    size_t count;

    pthread_mutex_t lock; /* guards the rest: how the start goes */
    pthread_cond_t changed;
    size_t listening;
    int err;
    bool ended;
};

static void note_listening(void *arg, const char *address)
{
    struct one_server *one = arg;
    struct background_servers *side = one->side;

    if (one->given->options->on_listening != NULL)
        one->given->options->on_listening(one->given->options->arg, address);
    pthread_mutex_lock(&side->lock);
    if (!one->listening)
        side->listening++;
    one->listening = true;
    pthread_cond_signal(&side->changed);
    pthread_mutex_unlock(&side->lock);
}

/* The servers' other callbacks still get the argument they were given. */
static void note_drain(void *arg)
{
    struct one_server *one = arg;

    if (one->given->options->on_drain != NULL)
        one->given->options->on_drain(one->given->options->arg);
}

static void note_exchange(void *arg, const weir_exchange_record *record)
{
    struct one_server *one = arg;

    one->given->options->on_exchange(one->given->options->arg, record);
}

static void *run_setup(void *arg)
{
    struct one_server *one = arg;

    return one->given->options->setup(one->given->options->arg);
}

static int run_server(void *arg)
{
    struct one_server *one = arg;

    return weir_server_run(&one->options, one->given->routes, one->given->route_count);
}

/* A failure of a server cancels the scope of all of them. */
static int serve_until_stopped(void *arg)
{
    struct background_servers *side = arg;
    weir_scope beside;
    int err, ready;

    weir_scope_open(&beside, weir_never(), 0);
    for (size_t i = 0; i < side->count; i++)
        if (side->servers[i].given->beside != NULL)
            weir_spawn(&beside, side->name, side->servers[i].given->beside,
                       side->servers[i].given->beside_arg);
    weir_scope_open(&side->serving, weir_never(), 0);
    for (size_t i = 0; i < side->count; i++)
        weir_spawn(&side->serving, side->name, run_server, &side->servers[i]);
    ready = weir_wait_fd(side->stop_fd, POLLIN); /* fails when a server did: that cancels the scope */
    weir_scope_cancel(&side->serving);
    err = weir_scope_close(&side->serving);
    if (side->given_up && ready < 0)
        ready = weir_wait_fd(side->stop_fd, POLLIN);
    weir_scope_cancel(&beside);
    (void)weir_scope_close(&beside);
    return ready > 0 ? 0 : err;
}

void background_servers_give_up(struct background_servers *side)
{
    side->given_up = true;
    weir_scope_cancel(&side->serving);
}

static void *thread_main(void *arg)
{
    struct background_servers *side = arg;
    int err = weir_run(&side->options, serve_until_stopped, side);

    pthread_mutex_lock(&side->lock);
    side->err = err;
    side->ended = true;
    pthread_cond_signal(&side->changed);
    pthread_mutex_unlock(&side->lock);
    return NULL;
}

static void free_side(struct background_servers *side)
{
    if (side->stop_fd >= 0)
        close(side->stop_fd);
    pthread_cond_destroy(&side->changed);
    pthread_mutex_destroy(&side->lock);
    free(side->servers);
    free(side);
}

static struct background_servers *new_side(const char *name, const weir_options *options,
                                           const struct background_server *servers, size_t count)
{
    struct background_servers *side = calloc(1, sizeof *side);

    if (side == NULL)
        return NULL;
    *side = (struct background_servers){.name = name, .options = *options, .count = count, .stop_fd = -1};
    side->options.stall_after = weir_ms(-1); /* who watches is not what the watch is for */
    pthread_mutex_init(&side->lock, NULL);
    pthread_cond_init(&side->changed, NULL);
    side->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    side->servers = calloc(count, sizeof *side->servers);
    if (side->stop_fd < 0 || side->servers == NULL) {
        free_side(side);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct one_server *one = &side->servers[i];
        *one = (struct one_server){.side = side, .given = &servers[i], .options = *servers[i].options};
        one->options.arg = one;
        one->options.on_listening = note_listening;
        one->options.on_drain = note_drain;
        one->options.on_exchange = one->options.on_exchange != NULL ? note_exchange : NULL;
        one->options.setup = one->options.setup != NULL ? run_setup : NULL;
    }
    return side;
}

int background_servers_start(const char *name, const weir_options *options,
                             const struct background_server *servers, size_t count,
                             struct background_servers **out)
{
    struct background_servers *side = new_side(name, options, servers, count);
    bool ended;
    int err;

    *out = NULL;
    if (side == NULL)
        return -ENOMEM;
    err = -pthread_create(&side->thread, NULL, thread_main, side);
    if (err < 0) {
        free_side(side);
        return err;
    }
    pthread_mutex_lock(&side->lock);
    while (side->listening < count && !side->ended)
        pthread_cond_wait(&side->changed, &side->lock);
    ended = side->ended;
    err = side->err;
    pthread_mutex_unlock(&side->lock);
    if (!ended) {
        *out = side;
        return 0;
    }
    pthread_join(side->thread, NULL);
    free_side(side);
    return err < 0 ? err : -WEIR_ECLOSED;
}

void background_servers_stop(struct background_servers *side)
{
    const uint64_t one = 1;
    ssize_t written;

    if (side == NULL)
        return;
    /* Can't fail: the counter is far from full. */
    written = write(side->stop_fd, &one, sizeof one);
    (void)written;
    pthread_join(side->thread, NULL);
    free_side(side);
}
