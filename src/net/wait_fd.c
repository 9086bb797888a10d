/* SPDX-License-Identifier: MIT */
/* Waiting for a descriptor of another library. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <weir/stream.h>

#include "core/loop.h"
#include "core/task.h"
#include "core/wait.h"
#include "net/socket.h"
#include "net/transport_wait.h"

static bool describe(const struct weir__look *look, const struct weir__task *task,
                     struct weir__wait_words *out)
{
    struct weir__transport_wait w;
    struct weir__io_file file;

    if (!weir__peek(&look->peek, task->wait_arg, &w, sizeof w) ||
        !weir__peek(&look->peek, w.op.file, &file, sizeof file))
        return false;
    (void)snprintf(out->text, sizeof out->text, "descriptor %d to be %s", file.fd,
                   (w.op.events & POLLIN) == 0    ? "writable"
                   : (w.op.events & POLLOUT) == 0 ? "readable"
                                                  : "readable or writable");
    return true;
}

static const struct weir__wait_class foreign = {"a foreign descriptor", describe,
                                                .charge = WEIR_CHARGE_STREAM};

enum { TRIES_MAX = 64 };

int weir_wait_fd(int fd, short events)
{
    struct weir__socket socket = {0};
    struct weir__transport_wait w;
    int got;

    if (events == 0 || (events & ~(POLLIN | POLLOUT)) != 0)
        return -EINVAL;
    weir__socket_init(&socket);
    got = weir__socket_attach(&socket, fd, true);
    if (got < 0)
        return got;
    /* io_uring ends the poll of a file with two queues (a terminal) so when it was woken for nothing: it
     * can't begin again by itself. */
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        memset(&w, 0, sizeof w);
        w.transport = &socket.transport;
        w.op.type = WEIR__IO_POLL;
        w.op.events = (uint16_t)events;
        got = weir__transport_wait(&w, &foreign);
        if (got != -EINVAL)
            break;
    }
    (void)socket.transport.type->release(&socket.transport);
    return got;
}
