/* SPDX-License-Identifier: MIT */
/* Listeners: making, sharing a queue, closing. */
#include "net/listener.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/reserved.h"
#include "core/misuse.h"
#include "core/runtime.h"
#include "io/os.h"
#include "net/address.h"
#include "net/network.h"
#include "net/public_stream.h"
#include "net/transport_wait.h"

enum { BACKLOG = 4096 };

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

static int bind_to(struct weir_listener *l, const struct weir__address *a, const weir_listener_options *o)
{
    const struct weir__network *network = weir__network_here();
    int backlog = o->backlog > 0 ? o->backlog : BACKLOG;
    bool reuse = o->reuse_port && a->any.sa_family != AF_UNIX;
    bool makes_path = a->any.sa_family == AF_UNIX && network->makes_paths;
    int err = network->listen(network, &l->socket, &a->any, a->len, backlog, reuse, &l->queue);

    if (err == -EADDRINUSE && makes_path && is_dead(a) && unlink(path_of(a)) == 0)
        err = network->listen(network, &l->socket, &a->any, a->len, backlog, reuse, &l->queue);
    if (err == 0 && makes_path)
        memcpy(l->path, path_of(a), sizeof l->path);
    return err;
}

/* A listener has one address. Of the addresses of a name it is the first IPv4 one that this machine has: a
 * client that connects by the name tries them all, one that connects by number expects that one. */
static int bind_to_name(struct weir_listener *l, const weir_listener_options *o)
{
    struct weir__address list[WEIR__ADDRESSES_MAX];
    struct weir__endpoint endpoint;
    int err = weir__endpoint_parse(o->address, &endpoint);
    int count = err < 0 ? err : weir__resolve(&endpoint, list);

    if (count < 0)
        return count;
    err = -EADDRNOTAVAIL;
    for (int v4 = 1; v4 >= 0; v4--)
        for (int i = 0; i < count && (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT); i++)
            if ((list[i].any.sa_family == AF_INET) == v4)
                err = bind_to(l, &list[i], o);
    return err;
}

static int take_over(struct weir_listener *l, int fd)
{
    const struct weir__network *network = weir__network_here();
    int err;

    if (weir__loop_current()->runtime->options.io == WEIR_IO_SIM)
        return -ENOTSUP;
    err = weir__io_os_adopt(fd, true);
    return err < 0 ? err : network->attach(network, &l->socket, fd, &l->queue);
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

/* Gives up a listener that nothing has been told of, but for its descriptor when that is the caller's. */
static void discard(struct weir_listener *l, bool keeps_fd)
{
    if (l->path[0] != '\0')
        (void)unlink(l->path);
    if (keeps_fd)
        (void)l->queue->type->release(l->queue);
    else
        (void)l->queue->type->close(l->queue, &l->close); /* at once, since nothing is pending */
    l->queue->type->free(l->queue);
    weir__layers_release(l->layers);
    free(l);
}

static bool end(struct weir__handle *h)
{
    weir__listener_close_detached(weir__container_of(h, weir_listener, handle), NULL, NULL);
    return true;
}

static void free_handle(struct weir__handle *h)
{
    free(weir__container_of(h, weir_listener, handle));
}

static const struct weir__handle_type listeners = {"listeners", end, free_handle};

static int open_listener(const weir_listener_options *o, const void *opened_at, weir_listener **out)
{
    struct weir__io_tuning tuning;
    struct sockaddr_storage bound;
    socklen_t bound_len;
    weir_listener *l;
    int err = weir__stream_options_check(&o->stream, &tuning);

    if (err < 0 || (o->address != NULL) == (o->fd > 0) || o->fd < 0 || o->backlog < 0 ||
        (o->fd_shared && o->fd == 0) || !weir__reserved_is_zero(o->reserved, sizeof o->reserved))
        return -EINVAL;
    l = new_listener();
    if (l == NULL)
        return -ENOMEM;
    err = weir__layers_open(&l->layers, o);
    if (err < 0) {
        free(l);
        return err;
    }
    err = o->fd > 0 ? take_over(l, o->fd) : bind_to_name(l, o);
    if (err < 0) {
        weir__layers_release(l->layers);
        free(l);
        return err;
    }
    err = l->queue->type->tune(l->queue, &tuning);
    if (err < 0) {
        discard(l, o->fd > 0);
        return err;
    }
    l->delay = o->stream.delay;
    l->shared = o->fd_shared;
    l->idle_ns = o->stream.idle_timeout.ns > 0 ? o->stream.idle_timeout.ns : 0;
    if (l->queue->type->address(l->queue, false, &bound, &bound_len) == 0)
        weir__address_format((struct sockaddr *)&bound, bound_len, l->address);
    weir__handle_open(&l->handle, &listeners, opened_at);
    *out = l;
    return 0;
}

int weir_listener_open(const weir_listener_options *options, weir_listener **out)
{
    (void)weir__calling_task(__func__);
    return open_listener(options, __builtin_return_address(0), out);
}

int weir_listen(const char *address, weir_listener **out)
{
    weir_listener_options options = {.address = address};

    (void)weir__calling_task(__func__);
    return open_listener(&options, __builtin_return_address(0), out);
}

const char *weir_listener_address(const weir_listener *l)
{
    weir__check_loop(l->handle.loop, __func__, "a listener");
    return l->address;
}

/* --- the queue --- */

int weir__listener_share(const weir_listener *of, weir_listener **out)
{
    const struct weir__network *network = weir__network_here();
    int fd = of->queue->type->queue->share(of->queue);
    weir_listener *l;
    int err;

    if (fd < 0)
        return fd;
    l = new_listener();
    if (l == NULL) {
        network->close_fd(network, fd);
        return -ENOMEM;
    }
    err = network->attach(network, &l->socket, fd, &l->queue);
    if (err < 0) {
        network->close_fd(network, fd);
        free(l);
        return err;
    }
    l->layers = weir__layers_hold(of->layers);
    l->shared = of->shared;
    *out = l;
    return 0;
}

void weir__listener_stop(weir_listener *l)
{
    assert(!l->shared);
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
    weir__layers_release(l->layers);
    if (l->handle.type != NULL)
        weir__handle_free(&l->handle);
    else
        free(l);
    if (closed != NULL)
        closed(arg);
}

static void begin_to_close(weir_listener *l)
{
    if (l->handle.type != NULL)
        weir__handle_close(&l->handle);
    l->closing = true;
    l->serving = false;
    l->users++;
    weir__timeout_cancel(l->loop, &l->retry);
    if (l->path[0] != '\0')
        (void)unlink(l->path);
}

void weir__listener_close(weir_listener *l)
{
    begin_to_close(l);
    weir__transport_wait_close(l->queue);
    weir__listener_leave(l);
}

void weir_listener_close(weir_listener *l)
{
    if (l == NULL)
        return;
    weir__check_loop(l->handle.loop, __func__, "a listener");
    weir__listener_close(l);
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
