/* Listening, and accepting: by a task, or for a server without one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/time.h>

#include "core/loop.h"
#include "core/runtime.h"
#include "core/task.h"
#include "core/wait_io.h"
#include "net/address.h"
#include "net/stream.h"

enum { BACKLOG = 4096, ACCEPTS_IN_A_TURN = 64, RETRY_MS = 50 };

struct weir_listener {
    struct weir__io_file file;
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

/* The path of a Unix socket outlives its listener. When nobody answers there it may be removed; asking never
 * blocks, because connecting to a Unix socket does not. */
static bool is_dead(const struct weir__address *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool dead;

    if (fd < 0)
        return false;
    dead = connect(fd, &a->any, a->len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return dead;
}

static int listen_on(struct weir_listener *l, const struct weir__address *a, unsigned flags)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&a->storage;
    bool reuse = (flags & WEIR_REUSE_PORT) != 0 && a->any.sa_family != AF_UNIX;
    bool real_path = a->any.sa_family == AF_UNIX && l->loop->runtime->options.io != WEIR_IO_SIM;
    int err = weir__io_listen(l->loop->io, &l->file, &a->any, a->len, BACKLOG, reuse);

    if (err == -EADDRINUSE && real_path && is_dead(a) && unlink(un->sun_path) == 0)
        err = weir__io_listen(l->loop->io, &l->file, &a->any, a->len, BACKLOG, reuse);
    if (err == 0 && real_path)
        memcpy(l->path, un->sun_path, sizeof l->path);
    return err;
}

int weir_listen(const char *address, unsigned flags, weir_listener **out)
{
    struct weir__address addresses[WEIR__ADDRESSES_MAX];
    struct weir__endpoint endpoint;
    struct sockaddr_storage bound;
    socklen_t bound_len;
    weir_listener *l;
    int err = weir__endpoint_parse(address, &endpoint);

    if (err == 0)
        err = weir__resolve(&endpoint, addresses);
    if (err < 0)
        return err;
    l = calloc(1, sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    l->loop = weir__task_current()->loop;
    weir__timeout_init(&l->retry, try_again);
    err = listen_on(l, &addresses[0], flags);
    if (err < 0) {
        free(l);
        return err;
    }
    if (weir__io_address(l->loop->io, &l->file, false, &bound, &bound_len) == 0)
        weir__address_format((struct sockaddr *)&bound, bound_len, l->address);
    *out = l;
    return 0;
}

const char *weir_listener_address(const weir_listener *l)
{
    return l->address;
}

/* --- by a task --- */

static void leave(weir_listener *l)
{
    if (--l->users == 0 && l->closing && l->file.fd < 0)
        free(l);
}

/* Connections that were gone before they were taken are no error of the listener's. */
static bool is_passing(int err)
{
    return err == -ECONNABORTED || err == -EPROTO || err == -EINTR || err == -ENETDOWN ||
           err == -EHOSTUNREACH || err == -ENETUNREACH;
}

int weir_accept(weir_listener *l, weir_stream **out)
{
    struct weir__io_wait w;
    int got;

    if (l->closing)
        return -WEIR_ECLOSED;
    if (l->pending || l->serving)
        return -WEIR_EBUSY;
    l->pending = true;
    l->users++;
    memset(&w, 0, sizeof w);
    w.op.kind = WEIR__IO_ACCEPT;
    w.op.file = &l->file;
    do
        got = weir__io_wait(&w, "accepting a connection");
    while (is_passing(got));
    l->pending = false;
    leave(l);
    return got < 0 ? got : weir__stream_adopt(got, 0, out);
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
    l->accepted(l, l->arg, result);
    if (result < 0 && l->serving && !l->closing) {
        retry_in(l, RETRY_MS);
        return false;
    }
    return l->serving && !l->closing;
}

static void accept_more(weir_listener *l)
{
    for (int i = 0; i < ACCEPTS_IN_A_TURN; i++) {
        l->pending = true;
        if (!weir__io_submit(l->loop->io, &l->accept))
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
    if (take(l, op->result))
        accept_more(l);
}

static void try_again(struct weir__timeout *timeout)
{
    weir_listener *l = weir__container_of(timeout, weir_listener, retry);

    if (l->serving && !l->pending)
        accept_more(l);
}

void weir__listener_serve(weir_listener *l, void (*accepted)(weir_listener *l, void *arg, int fd), void *arg)
{
    l->accepted = accepted;
    l->arg = arg;
    l->accept.kind = WEIR__IO_ACCEPT;
    l->accept.file = &l->file;
    l->accept.done = accept_ended;
    weir__listener_resume(l);
}

void weir__listener_pause(weir_listener *l)
{
    l->serving = false;
    weir__timeout_cancel(l->loop, &l->retry);
    if (l->pending)
        weir__io_cancel(l->loop->io, &l->accept);
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
    weir__io_wait_close(&l->file);
    leave(l);
}

static void closed_detached(struct weir__io_op *op)
{
    weir_listener *l = weir__container_of(op, weir_listener, close);
    void (*closed)(void *) = l->closed;
    void *arg = l->closed_arg;

    leave(l);
    if (closed != NULL)
        closed(arg);
}

void weir__listener_close_detached(weir_listener *l, void (*closed)(void *arg), void *arg)
{
    begin_to_close(l);
    l->closed = closed;
    l->closed_arg = arg;
    l->users++;
    l->close.done = closed_detached;
    if (weir__io_close_file(l->loop->io, &l->file, &l->close))
        closed_detached(&l->close);
}
