/* SPDX-License-Identifier: MIT */
/* What the tests of backends share: several servers that are the instances of one backend, a client, and
 * what weir_backend_each() says. */
#ifndef TEST_HTTP_CLIENT_BACKEND_CLUSTER_H
#define TEST_HTTP_CLIENT_BACKEND_CLUSTER_H

#include "../client_rig.h"

enum { SERVERS_MAX = 4 };

/* Each server has a task, in which the scope of its connections is. */
struct server {
    struct cluster *cluster;
    int number;
    weir_event open, end, ended;
};

struct cluster {
    struct backend servers[SERVERS_MAX];
    struct server tasks[SERVERS_MAX];
    const char *urls[SERVERS_MAX];
    int (*serve)(struct backend *, weir_stream *, int);
    int count;
    weir_scope scope; /* of the servers */
    weir_backend *backend;
    weir_client *client;
};

static inline int run_server(void *arg)
{
    struct server *server = arg;
    struct cluster *c = server->cluster;

    backend_open(&c->servers[server->number], c->serve, c);
    weir_event_set(&server->open);
    while (weir_event_wait(&server->end) < 0) /* until it is told: the others go on */
        ;
    backend_close(&c->servers[server->number]);
    weir_event_set(&server->ended);
    return 0;
}

static inline void cluster_begin(struct cluster *c, int count,
                                 int (*serve)(struct backend *, weir_stream *, int))
{
    memset(c, 0, sizeof *c);
    c->count = count;
    c->serve = serve;
    weir_scope_open(&c->scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < count; i++) {
        struct server *server = &c->tasks[i];
        *server = (struct server){.cluster = c, .number = i};
        weir_event_init(&server->open);
        weir_event_init(&server->end);
        weir_event_init(&server->ended);
        assert_int_equal(weir_spawn(&c->scope, "server", run_server, server), 0);
        assert_int_equal(weir_event_wait(&server->open), 0);
        c->urls[i] = c->servers[i].url;
    }
}

/* Opens servers and a backend of them. options: all but name and urls. */
static inline void cluster_open(struct cluster *c, int count,
                                int (*serve)(struct backend *, weir_stream *, int),
                                const weir_backend_options *options)
{
    weir_backend_options filled = options != NULL ? *options : (weir_backend_options){0};

    cluster_begin(c, count, serve);
    filled.name = "orders";
    filled.urls = c->urls;
    filled.url_count = (size_t)count;
    assert_int_equal(weir_backend_open(&filled, &c->backend), 0);
    c->client = client_open(NULL);
}

/* Ends a server: its connections break off, and further ones are refused. */
static inline void cluster_kill(struct cluster *c, int server)
{
    weir_event_set(&c->tasks[server].end);
    assert_int_equal(weir_event_wait(&c->tasks[server].ended), 0);
}

static inline void cluster_close(struct cluster *c)
{
    weir_backend_close(c->backend);
    weir_client_close(c->client);
    for (int i = 0; i < c->count; i++)
        weir_event_set(&c->tasks[i].end);
    (void)weir_scope_close(&c->scope);
}

/* Asks once. Returns: as weir_fetch(); 0: an answer below 500; its status otherwise. */
static inline int ask(struct cluster *c, const char *path, const char *key)
{
    weir_reply reply;
    int status,
        err = weir_fetch(
            c->client, &(weir_fetch_options){.backend = c->backend, .url = path, .balance_key = key}, &reply);

    if (err < 0)
        return err;
    status = reply.status;
    weir_reply_free(&reply);
    return status < 500 ? 0 : status;
}

struct asking {
    struct cluster *cluster;
    int err;
};

static inline int ask_once(void *arg)
{
    struct asking *a = arg;

    a->err = ask(a->cluster, "/", NULL);
    return 0;
}

/* Asks so many times at once. Returns: how many ended with err. */
static inline int ask_at_once(struct cluster *c, int count, int err)
{
    struct asking *all = calloc((size_t)count, sizeof *all);
    weir_scope scope;
    int n = 0;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (int i = 0; i < count; i++) {
        all[i].cluster = c;
        assert_int_equal(weir_spawn(&scope, "asking", ask_once, &all[i]), 0);
    }
    (void)weir_scope_close(&scope);
    for (int i = 0; i < count; i++)
        n += all[i].err == err;
    free(all);
    return n;
}

/* --- what is reported --- */

struct seen {
    int backends;
    weir_backend_stats stats;
    weir_instance_stats instances[8];
};

static inline void see_one(void *arg, const weir_backend_stats *stats)
{
    struct seen *seen = arg;

    seen->backends++;
    seen->stats = *stats;
    for (size_t i = 0; i < stats->instance_count && i < 8; i++)
        seen->instances[i] = stats->instances[i]; /* but for the text of the address */
}

static inline struct seen see(void)
{
    struct seen seen = {0};

    weir_backend_each(weir_runtime_here(), see_one, &seen);
    return seen;
}

static inline enum weir_instance_state state_of(int instance)
{
    return see().instances[instance].state;
}

/* Sleeps, in steps of the time given, until an instance is in a state. */
static inline void until_state(int instance, enum weir_instance_state state, weir_duration step)
{
    while (state_of(instance) != state)
        assert_int_equal(weir_sleep(step), 0);
}

/* Nothing is in progress, and nothing is held. */
static inline void assert_at_rest(struct cluster *c)
{
    struct seen seen = see();

    assert_int_equal(seen.stats.in_use, 0);
    assert_int_equal(seen.stats.waiting, 0);
    for (size_t i = 0; i < seen.stats.instance_count; i++)
        assert_int_equal(seen.instances[i].in_use, 0);
    (void)c;
}

#endif
