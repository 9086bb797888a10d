/* SPDX-License-Identifier: MIT */
/* The addresses of a stream or listener that a task waits for, seen from any thread. */
#include "core/loop.h"
#include "core/task.h"
#include "core/wait.h"
#include "core/wait_io.h"
#include "net/address.h"

bool weir__address_seen(const struct weir__look *look, struct weir__loop *loop, struct weir__io_file *file,
                        bool peer, char text[static WEIR_ADDRESS_BYTES])
{
    struct weir__io_file copy;
    struct sockaddr_storage addr;
    socklen_t len;
    int err;

    if (!weir__peek(&look->peek, file, &copy, sizeof copy))
        return false;
    if (look->here == loop) /* then nothing changes while we look, and a simulation can be asked, too */
        err = weir__io_address(loop->io, file, peer, &addr, &len);
    else
        err = weir__io_address_outside(loop->io, &copy, peer, &addr, &len);
    if (err == 0)
        weir__address_format((struct sockaddr *)&addr, len, text);
    return err == 0;
}

bool weir__io_wait_address(const struct weir__look *look, const struct weir__task *task, bool peer,
                           char text[static WEIR_ADDRESS_BYTES])
{
    struct weir__io_wait w;

    return weir__peek(&look->peek, task->wait_arg, &w, sizeof w) &&
           weir__address_seen(look, task->loop, w.op.file, peer, text);
}
