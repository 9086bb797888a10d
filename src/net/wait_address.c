/* SPDX-License-Identifier: MIT */
#include "net/wait_address.h"

#include "core/loop.h"
#include "core/task.h"
#include "core/wait.h"
#include "net/address.h"
#include "net/socket.h"
#include "net/transport_wait.h"

enum { TRANSPORTS_MAX = 4 };

/* Copies the socket that a transport stands on. Returns: false: there is none. */
static bool find_socket(const struct weir__look *look, struct weir__transport *t, struct weir__socket *copy)
{
    for (int i = 0; i < TRANSPORTS_MAX; i++) {
        const struct weir__transport_type *type;
        size_t lower_at;

        if (!weir__peek(&look->peek, t, &copy->transport, sizeof copy->transport))
            return false;
        type = copy->transport.type;
        if (type == &weir__socket_type)
            return weir__peek(&look->peek, t, copy, sizeof *copy);
        if (!weir__peek(&look->peek, &type->lower_at, &lower_at, sizeof lower_at) || lower_at == 0 ||
            !weir__peek(&look->peek, (char *)t + lower_at, &t, sizeof(struct weir__transport *)))
            return false;
    }
    return false;
}

/* Another thread can ask sockets alone: behind a proxy it is told the proxy's address. On the loop's own
 * thread nothing changes meanwhile, so that any transport can be asked. */
bool weir__transport_address_seen(const struct weir__look *look, struct weir__loop *loop,
                                  struct weir__transport *t, bool peer, char text[static WEIR_ADDRESS_BYTES])
{
    struct weir__socket copy;
    struct sockaddr_storage addr;
    socklen_t len;
    int err;

    if (look->here == loop)
        err = t->type->address(t, peer, &addr, &len);
    else if (find_socket(look, t, &copy))
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
