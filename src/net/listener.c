/* SPDX-License-Identifier: MIT */
/* Listening, and accepting: by a task, or for a server without one. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/time.h>

#include "core/loop.h"
#include "core/runtime.h"
#include "core/task.h"
#include "core/wait.h"
#include "net/address.h"
#include "net/stream.h"

enum { BACKLOG = 4096, ACCEPTS_IN_A_TURN = 64, RETRY_MS = 50 };

struct weir_listener {
    struct weir__socket socket;
    struct weir__io_op accept, close;
    struct weir__timeout retry;
    struct weir__loop *loop;
    void (*accepted)(weir_listener *l, void *arg, int fd);
    void *arg;
    void (*closed)(void *arg);
    void *closed_arg;
    bool serving, pending, closing;
    uint16_t users;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* to be removed; empty if not ours */
    char address[WEIR_ADDRESS_BYTES];
};

static void try_again(struct weir__timeout *timeout);

/* --- beginning --- */

static const char *path_of(const struct weir__address *a)
{
    return ((const struct sockaddr_un *)(const void *)&a->storage)->sun_path;
}

/* The path of a Unix socket outlives its listener. When nobody answers there it may be removed; asking never
 * blocks, because connecting to a Unix socket does not. Only a socket: any other file refuses just so. */
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
    bool reuse = (flags & WEIR_REUSE_PORT) != 0 && a->any.sa_family != AF_UNIX;
    bool real_path = a->any.sa_family == AF_UNIX && l->loop->runtime->options.io != WEIR_IO_SIM;
    int err = weir__io_listen(l->loop->io, &l->socket.file, &a->any, a->len, BACKLOG, reuse);

    if (err == -EADDRINUSE && real_path && is_dead(a) && unlink(path_of(a)) == 0)
        err = weir__io_listen(l->loop->io, &l->socket.file, &a->any, a->len, BACKLOG, reuse);
    if (err == 0 && real_path)
        memcpy(l->path, path_of(a), sizeof l->path);
    return err;
}

/* A listener has one address. Of a name's it is the first IPv4 one that this machine has: who connects by the
 * name tries them all, who connects by number expects that one. */
static int listen_on_one(struct weir_listener *l, const struct weir__address *list, int count, unsigned flags)
{
    int err = -EADDRNOTAVAIL;

    for (int v4 = 1; v4 >= 0; v4--)
        for (int i = 0; i < count && (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT); i++)
            if ((list[i].any.sa_family == AF_INET) == v4)
                err = listen_on(l, &list[i], flags);
    return err;
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
    l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    l->loop = weir__task_current()->loop;
    weir__socket_init(&l->socket);
    weir__timeout_init(&l->retry, try_again);
    err = listen_on_one(l, addresses, count, flags);
    if (err < 0) {
        free(l);
        return err;
    }
    if (weir__io_address(l->loop->io, &l->socket.file, false, &bound, &bound_len) == 0)
        weir__address_format((struct sockaddr *)&bound, bound_len, l->address);
    *out = l;
    return 0;
}

int weir__listener_queue(const weir_listener *l)
{
    int fd = fcntl(l->socket.file.fd, F_DUPFD_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

int weir__listener_at_queue(int fd, weir_listener **out)
{
    struct weir__loop *loop = weir__loop_current();
    weir_listener *l = calloc(1, sizeof *l);
    int err = -ENOMEM;

    if (l != NULL) {
        weir__socket_init(&l->socket);
        err = weir__socket_attach(&l->socket, fd, false);
    }
    if (err < 0) {
        weir__io_close_fd(loop->io, fd);
        free(l);
        return err;
    }
    l->loop = loop;
    weir__timeout_init(&l->retry, try_again);
    *out = l;
    return 0;
}

const char *weir_listener_address(const weir_listener *l)
{
    return l->address;
}

/* --- by a task --- */

/* Whoever is inside a listener keeps it; the last to leave a closed one frees it. */
static void leave(weir_listener *l)
{
    void (*closed)(void *arg) = l->closed;
    void *arg = l->closed_arg;

    if (--l->users > 0 || !l->closing)
        return;
    free(l);
    if (closed != NULL)
        closed(arg);
}

/* What happened to a connection before it was taken is no error of the listener's: see accept(2). */
static bool is_passing(int err)
{
    switch (-err) {
    case ECONNABORTED:
    case EPROTO:
    case EINTR:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

static bool describe_accepting(const struct weir__look *look, const struct weir__task *task,
                               struct weir__wait_words *out)
{
    char own[WEIR_ADDRESS_BYTES];

    if (!weir__transport_wait_address(look, task, false, own))
        return false;
    (void)snprintf(out->text, sizeof out->text, "a connection to %s", own);
    return true;
}

static const struct weir__wait_class accepting = {"accepting a connection", describe_accepting,
                                                  .charge = WEIR_CHARGE_OTHER};

int weir_accept(weir_listener *l, weir_stream **out)
{
    struct weir__io *io = l->loop->io;
    struct weir__transport_wait w;
    bool closed;
    int got;

    if (l->closing)
        return -WEIR_ECLOSED;
    if (l->pending || l->serving)
        return -WEIR_EBUSY;
    l->pending = true;
    l->users++;
    memset(&w, 0, sizeof w);
    w.op.type = WEIR__IO_ACCEPT;
    w.transport = &l->socket.transport;
    do
        got = weir__transport_wait(&w, &accepting);
    while (is_passing(got));
    l->pending = false;
    closed = l->closing;
    leave(l);
    if (closed) {
        if (got >= 0)
            weir__io_close_fd(io, got);
        return -WEIR_ECLOSED;
    }
    if (got < 0)
        return got;
    return weir__stream_adopt(got, 0, out);
}

/* --- for a server --- */

static void retry_in(weir_listener *l, int64_t ms)
{
    weir__timeout_set(l->loop, &l->retry, weir_after_ms(ms).ns);
}

/* True: go on. */
static bool take(weir_listener *l, int result)
{
    if (result == -ECANCELED || is_passing(result))
        return l->serving;
    if (result == -EINVAL) { /* another at this queue has had the kernel stop */
        l->serving = false;
        return false;
    }
    l->accepted(l, l->arg, result);
    if (result >= 0 || !l->serving)
        return l->serving;
    retry_in(l, RETRY_MS);
    return false;
}

static void accept_more(weir_listener *l)
{
    for (int i = 0; i < ACCEPTS_IN_A_TURN; i++) {
        l->pending = true;
        if (!l->socket.transport.type->submit(&l->socket.transport, &l->accept))
            return;
        l->pending = false;
        if (!take(l, l->accept.result))
            return;
    }
    retry_in(l, 0);
}

static void accept_ended(struct weir__io_op *op)
{
    weir_listener *l = weir__container_of(op, weir_listener, accept);

    l->pending = false;
    if (l->closing) {
        if (op->result >= 0)
            weir__io_close_fd(l->loop->io, op->result);
        return;
    }
    l->users++; /* accepted() may close it */
    if (take(l, op->result))
        accept_more(l);
    leave(l);
}

static void try_again(struct weir__timeout *timeout)
{
    weir_listener *l = weir__container_of(timeout, weir_listener, retry);

    if (!l->serving || l->pending)
        return;
    l->users++;
    accept_more(l);
    leave(l);
}

void weir__listener_serve(weir_listener *l, void (*accepted)(weir_listener *l, void *arg, int fd), void *arg)
{
    assert(!l->pending && !l->serving && !l->closing);
    l->accepted = accepted;
    l->arg = arg;
    l->accept.type = WEIR__IO_ACCEPT;
    l->accept.done = accept_ended;
    weir__listener_resume(l);
}

void weir__listener_pause(weir_listener *l)
{
    l->serving = false;
    weir__timeout_cancel(l->loop, &l->retry);
    if (l->pending)
        l->socket.transport.type->cancel(&l->socket.transport, &l->accept);
}

void weir__listener_resume(weir_listener *l)
{
    if (l->serving || l->closing || l->accepted == NULL)
        return;
    l->serving = true;
    /* From the next turn: this may be called from inside accepted(). */
    retry_in(l, 0);
}

/* --- closing --- */

bool weir__listener_take(weir_listener *l, int most)
{
    int fd = 0;

    l->users++; /* accepted() may close it */
    for (int i = 0; i < most && !l->closing; i++) {
        fd = weir__io_accept(l->loop->io, &l->socket.file);
        if (fd >= 0)
            l->accepted(l, l->arg, fd);
        else if (!is_passing(fd))
            break;
    }
    leave(l);
    return fd >= 0 || is_passing(fd);
}

void weir__listener_stop(weir_listener *l)
{
    weir__io_stop_listening(l->loop->io, &l->socket.file);
}

static void begin_to_close(weir_listener *l)
{
    l->closing = true;
    l->serving = false;
    weir__timeout_cancel(l->loop, &l->retry);
    if (l->path[0] != '\0')
        (void)unlink(l->path);
}

void weir_listener_close(weir_listener *l)
{
    if (l == NULL || l->closing)
        return;
    begin_to_close(l);
    l->users++;
    weir__transport_wait_close(&l->socket.transport);
    leave(l);
}

static void closed_detached(struct weir__io_op *op)
{
    leave(weir__container_of(op, weir_listener, close));
}

void weir__listener_close_detached(weir_listener *l, void (*closed)(void *arg), void *arg)
{
    assert(!l->closing);
    begin_to_close(l);
    l->closed = closed;
    l->closed_arg = arg;
    l->users++;
    l->close.done = closed_detached;
    if (l->socket.transport.type->close(&l->socket.transport, &l->close))
        leave(l);
}
