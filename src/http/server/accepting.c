/* SPDX-License-Identifier: MIT */
/* The loops of a server take connections from one queue, so that a connection waits for none that is held.
 *
 * Each loop that polls the queue is woken by each connection, since a wake that only one of them gets is lost
 * when that one is held, stopped or killed just then. So two poll it, whatever the number of loops, and give
 * connections to all (placing.c). In place of one that is held the watch finds another; without the watch two
 * held loops can keep connections waiting.
 */
#include "http/server/accepting.h"

#include "core/runtime.h"
#include "core/task.h"
#include "net/listener.h"

enum { ACCEPTING_LOOPS = 2 };

void weir__accepting_update(struct weir__server_loop *home)
{
    bool goes_on = atomic_load(&home->accepts) && !home->full;

    for (size_t i = 0; i < home->listener_count; i++) {
        if (goes_on)
            weir__listener_resume(home->listeners[i]);
        else
            weir__listener_pause(home->listeners[i]);
    }
}

void weir__accepting_retry(struct weir__server_loop *home)
{
    for (size_t i = 0; i < home->listener_count; i++)
        weir__listener_retry(home->listeners[i]);
}

static void changed(struct weir__message *message)
{
    struct weir__server_loop *home = weir__container_of(message, struct weir__server_loop, accepts_changed);

    atomic_store(&home->accepts_posted, false);
    if (home->serving)
        weir__accepting_update(home);
}

void weir__accepting_init(struct weir__server_loop *home)
{
    atomic_store(&home->accepts, home - home->server->loops < ACCEPTING_LOOPS);
    home->accepts_changed.deliver = changed;
}

void weir__accepting_serve(struct weir__server_loop *home,
                           void (*accepted)(weir_listener *l, void *home, int fd))
{
    for (size_t i = 0; i < home->listener_count; i++)
        weir__listener_serve(home->listeners[i], accepted, home);
    weir__accepting_update(home);
}

/* --- the watch has found a held loop --- */

static void tell(struct weir__server_loop *home, bool accepts)
{
    atomic_store(&home->accepts, accepts);
    if (!atomic_exchange(&home->accepts_posted, true))
        weir__loop_post(home->loop, &home->accepts_changed);
}

/* Called again and again while a loop is held. */
static void found(struct weir__held_hook *hook, int held)
{
    struct weir_server *server = weir__container_of(hook, struct weir_server, held_hook);

    if (!atomic_load(&server->loops[held].accepts))
        return;
    for (int i = 1; i < server->loop_count; i++) {
        struct weir__server_loop *other = &server->loops[(held + i) % server->loop_count];
        if (!other->listens || atomic_load(&other->accepts) || weir__loop_is_held(other->loop))
            continue;
        tell(other, true);
        tell(&server->loops[held], false);
        return;
    }
}

void weir__accepting_begin(struct weir_server *server)
{
    server->held_hook.call = found;
    weir__held_hook_add(weir__task_current()->loop->runtime, &server->held_hook);
}

void weir__accepting_end(struct weir_server *server)
{
    weir__held_hook_remove(weir__task_current()->loop->runtime, &server->held_hook);
}
