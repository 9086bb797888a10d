/* Waiting for a descriptor that is not Weir's. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <weir/stream.h>

#include "core/loop.h"
#include "core/task.h"
#include "core/wait_io.h"

int weir_wait_fd(int fd, short events)
{
    struct weir__io *io = weir__task_current()->loop->io;
    struct weir__io_file file;
    struct weir__io_wait w;
    int got;

    if (events == 0 || (events & ~(POLLIN | POLLOUT)) != 0)
        return -EINVAL;
    memset(&file, 0, sizeof file);
    memset(&w, 0, sizeof w);
    got = weir__io_attach(io, &file, fd, true);
    if (got < 0)
        return got;
    w.op.kind = WEIR__IO_POLL;
    w.op.file = &file;
    w.op.events = (uint16_t)events;
    got = weir__io_wait(&w, "a foreign descriptor");
    (void)weir__io_detach(io, &file);
    return got;
}
