/* SPDX-License-Identifier: MIT */
/* Listeners: making, sharing a queue, closing. */
#include "net/listener.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/address.h"
#include "net/network.h"
#include "net/transport_wait.h"

/* --- making --- */

static const char *path_of(const struct weir__address *a)
{
    return ((const struct sockaddr_un *)(const void *)&a->storage)->sun_path;
}

/* Whether a path is a socket that a dead listener left behind, so that it may be removed. Asking never
 * blocks, because connecting to a Unix socket does not. Any other file refuses a connection in the same way,
 * so that the type of the file is looked at first. */
static bool is_dead(const struct weir__address *a)
{
    struct stat stat;
    int fd;
    bool dead;

    if (lstat(path_of(a), &stat) < 0 || !S_ISSOCK(stat.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    dead = connect(fd, &a->any, a->len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return dead;
}

static int listen_on(struct weir_listener *l, const struct weir__address *a, unsigned flags)
{
    const struct weir__network *network = weir__network_here();
    bool reuse = (flags & WEIR_REUSE_PORT) != 0 && a->any.sa_family != AF_UNIX;
    bool makes_path = a->any.sa_family == AF_UNIX && network->makes_paths;
    int err = network->listen(network, &l->socket, &a->any, a->len, reuse, &l->queue);

    if (err == -EADDRINUSE && makes_path && is_dead(a) && unlink(path_of(a)) == 0)
        err = network->listen(network, &l->socket, &a->any, a->len, reuse, &l->queue);
    if (err == 0 && makes_path)
        memcpy(l->path, path_of(a), sizeof l->path);
    return err;
}

/* A listener has one address. Of the addresses of a name it is the first IPv4 one that this machine has: a
 * client that connects by the name tries them all, one that connects by number expects that one. */
static int listen_on_one(struct weir_listener *l, const struct weir__address *list, int count, unsigned flags)
{
    int err = -EADDRNOTAVAIL;

    for (int v4 = 1; v4 >= 0; v4--)
        for (int i = 0; i < count && (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT); i++)
            if ((list[i].any.sa_family == AF_INET) == v4)
                err = listen_on(l, &list[i], flags);
    return err;
}

static weir_listener *new_listener(void)
{
    weir_listener *l = calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    l->loop = weir__loop_current();
    weir__timeout_init(&l->retry, NULL);
    return l;
}

int weir_listen(const char *address, unsigned flags, weir_listener **out)
{
    struct weir__address addresses[WEIR__ADDRESSES_MAX];
    struct weir__endpoint endpoint;
    struct sockaddr_storage bound;
    socklen_t bound_len;
    weir_listener *l;
    int count;
    int err = weir__endpoint_parse(address, &endpoint);

    if (err < 0)
        return err;
    count = weir__resolve(&endpoint, addresses);
    if (count < 0)
        return count;
    l = new_listener();
    if (l == NULL)
        return -ENOMEM;
    err = listen_on_one(l, addresses, count, flags);
    if (err < 0) {
        free(l);
        return err;
    }
    if (l->queue->type->address(l->queue, false, &bound, &bound_len) == 0)
        weir__address_format((struct sockaddr *)&bound, bound_len, l->address);
    *out = l;
    return 0;
}

const char *weir_listener_address(const weir_listener *l)
{
    return l->address;
}

/* --- the queue --- */

int weir__listener_queue(const weir_listener *l)
{
    return l->queue->type->queue->share(l->queue);
}

int weir__listener_at_queue(int fd, weir_listener **out)
{
    const struct weir__network *network = weir__network_here();
    weir_listener *l = new_listener();
    int err;

    if (l == NULL) {
        network->close_fd(network, fd);
        return -ENOMEM;
    }
    err = network->attach(network, &l->socket, fd, &l->queue);
    if (err < 0) {
        free(l);
        return err;
    }
    *out = l;
    return 0;
}

void weir__listener_stop(weir_listener *l)
{
    l->queue->type->queue->stop(l->queue);
}

/* --- closing --- */

void weir__listener_leave(weir_listener *l)
{
    void (*closed)(void *arg) = l->closed;
    void *arg = l->closed_arg;

    if (--l->users > 0 || !l->closing)
        return;
    l->queue->type->free(l->queue);
    free(l);
    if (closed != NULL)
        closed(arg);
}

static void begin_to_close(weir_listener *l)
{
    l->closing = true;
    l->serving = false;
    l->users++;
    weir__timeout_cancel(l->loop, &l->retry);
    if (l->path[0] != '\0')
        (void)unlink(l->path);
}

void weir_listener_close(weir_listener *l)
{
    if (l == NULL || l->closing)
        return;
    begin_to_close(l);
    weir__transport_wait_close(l->queue);
    weir__listener_leave(l);
}

static void closed_detached(struct weir__io_op *op)
{
    weir__listener_leave(weir__container_of(op, weir_listener, close));
}

void weir__listener_close_detached(weir_listener *l, void (*closed)(void *arg), void *arg)
{
    assert(!l->closing);
    begin_to_close(l);
    l->closed = closed;
    l->closed_arg = arg;
    l->close.done = closed_detached;
    if (l->queue->type->close(l->queue, &l->close))
        weir__listener_leave(l);
}
