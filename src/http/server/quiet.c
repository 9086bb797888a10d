/* SPDX-License-Identifier: MIT */
#include "http/server/quiet.h"

#include "net/listener.h"

bool weir__loop_is_quiet(struct weir__server_loop *home)
{
    return atomic_load(&home->connection_count) == 0 && home->closing_listeners == 0 &&
           weir__list_is_empty(&home->moving) && atomic_load(&home->server->accepting_loops) == 0;
}

void weir__quiet_check(struct weir__server_loop *home)
{
    if (home->draining && weir__loop_is_quiet(home))
        weir_event_set(&home->quiet);
}

static void listener_closed(void *arg)
{
    struct weir__server_loop *home = arg;

    home->closing_listeners--;
    weir__quiet_check(home);
}

void weir__quiet_close_listener(struct weir__server_loop *home, weir_listener *l)
{
    home->closing_listeners++;
    weir__listener_close_detached(l, listener_closed, home);
}
