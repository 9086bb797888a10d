/* SPDX-License-Identifier: MIT */
#include "net/wait_address.h"

#include "core/loop.h"
#include "core/task.h"
#include "core/wait.h"
#include "net/address.h"
#include "net/socket.h"
#include "net/transport_wait.h"

/* Another thread can ask sockets alone. On the loop's own thread nothing changes meanwhile, so that any
 * transport can be asked. */
bool weir__transport_address_seen(const struct weir__look *look, struct weir__loop *loop,
                                  struct weir__transport *t, bool peer, char text[static WEIR_ADDRESS_BYTES])
{
    struct weir__socket copy;
    struct sockaddr_storage addr;
    socklen_t len;
    int err;

    if (!weir__peek(&look->peek, t, &copy.transport, sizeof copy.transport))
        return false;
    if (look->here == loop)
        err = t->type->address(t, peer, &addr, &len);
    else if (copy.transport.type == &weir__socket_type && weir__peek(&look->peek, t, &copy, sizeof copy))
        err = weir__io_address_outside(loop->io, &copy.file, peer, &addr, &len);
    else
        return false;
    if (err == 0)
        weir__address_format((struct sockaddr *)&addr, len, text);
    return err == 0;
}

bool weir__transport_wait_address(const struct weir__look *look, const struct weir__task *task, bool peer,
                                  char text[static WEIR_ADDRESS_BYTES])
{
    struct weir__transport_wait w;

    return weir__peek(&look->peek, task->wait_arg, &w, sizeof w) &&
           weir__transport_address_seen(look, task->loop, w.transport, peer, text);
}
