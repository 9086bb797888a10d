/* The addresses of a stream or listener that a task waits for, seen from any thread. */
#include "core/loop.h"
#include "core/task.h"
#include "core/wait.h"
#include "core/wait_io.h"
#include "net/address.h"

bool weir__io_wait_address(const struct weir__look *look, const struct weir__task *task, bool peer,
                           char text[static WEIR_ADDRESS_BYTES])
{
    struct weir__io *io = task->loop->io;
    struct weir__io_wait w;
    struct weir__io_file file;
    struct sockaddr_storage addr;
    socklen_t len;
    int err;

    if (!weir__peek(&look->peek, task->wait_arg, &w, sizeof w) ||
        !weir__peek(&look->peek, w.op.file, &file, sizeof file))
        return false;
    if (look->here == task->loop) /* then nothing changes while we look, and a simulation can be asked, too */
        err = weir__io_address(io, w.op.file, peer, &addr, &len);
    else
        err = weir__io_address_outside(io, &file, peer, &addr, &len);
    if (err == 0)
        weir__address_format((struct sockaddr *)&addr, len, text);
    return err == 0;
}
