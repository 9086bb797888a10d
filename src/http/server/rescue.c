/* SPDX-License-Identifier: MIT */
/* Another loop accepts the connections of a loop that is held, until that one runs again.
 *
 * Each loop has an accept queue of its own, because a common one costs more: measured 2026-11-29, two loops
 * and a connection for each request, 1.05 to 1.3 times the CPU time. The watch finds out that a loop is held,
 * because it looks at all loops anyway. So without the watch no loop is rescued.
 */
#include "http/server/rescue.h"

#include <errno.h>
#include <stdlib.h>

#include "core/runtime.h"
#include "core/task.h"
#include "http/server/quiet.h"
#include "net/listener.h"

enum { CHECK_MS = 10, LASTS_MS = 100, ACCEPTED_AT_ONCE = 64 };

/* What a loop does for one that is held: it accepts from the same queues. */
struct weir__rescue {
    weir_listener **listeners; /* NULL: nothing */
    size_t count;
    int64_t held_ns; /* when it was last seen held */
};

static struct weir__server_loop *other(struct weir__server_loop *home, int i)
{
    return &home->server->loops[i];
}

/* --- for one loop --- */

/* Opens listeners at the queues of a held loop, as many as can be had. */
static void open_queues(struct weir__rescue *r, struct weir__server_loop *held)
{
    pthread_mutex_lock(&held->listeners_lock); /* the held loop may be about to close them */
    r->count = 0;
    r->listeners = calloc(held->listener_count + 1, sizeof(weir_listener *));
    for (size_t i = 0; r->listeners != NULL && i < held->listener_count; i++) {
        int fd = weir__listener_queue(held->listeners[i]);
        if (fd >= 0 && weir__listener_at_queue(fd, held->listeners[i]->layers, &r->listeners[r->count]) == 0)
            r->count++;
    }
    pthread_mutex_unlock(&held->listeners_lock);
}

static void begin(struct weir__server_loop *home, int i)
{
    struct weir__rescue *r = &home->rescues[i];

    open_queues(r, other(home, i));
    for (size_t k = 0; k < r->count; k++)
        weir__listener_serve(r->listeners[k], home->accepted, home);
    if (r->listeners != NULL)
        home->rescuing++;
    if (home->full)
        weir__rescues_pause(home, true);
}

static void end(struct weir__server_loop *home, struct weir__rescue *r)
{
    struct weir__server_loop *held = other(home, (int)(r - home->rescues));
    int self = (int)(home - home->server->loops) + 1;

    for (size_t k = 0; k < r->count; k++)
        weir__quiet_close_listener(home, r->listeners[k]);
    free(r->listeners);
    *r = (struct weir__rescue){0};
    home->rescuing--;
    (void)atomic_compare_exchange_strong(&held->rescuer, &self, 0);
}

/* Draining: accepts what waits, and has the kernel queue no more. The held loop would do so when it runs
 * again, which may be never. */
static void finish(struct weir__server_loop *home, struct weir__rescue *r)
{
    for (size_t k = 0; k < r->count; k++) {
        while (weir__listener_take(r->listeners[k], ACCEPTED_AT_ONCE))
            ;
        weir__listener_stop(r->listeners[k]);
    }
    end(home, r);
}

/* --- for all of them --- */

static void check_held(struct weir__timeout *timeout)
{
    struct weir__server_loop *home = weir__container_of(timeout, struct weir__server_loop, rescue_timeout);
    int64_t now_ns = weir__loop_now_ns(home->loop);

    for (int i = 0; i < home->server->loop_count; i++) {
        struct weir__rescue *r = &home->rescues[i];
        if (r->listeners == NULL)
            continue;
        if (weir__loop_is_held(other(home, i)->loop))
            r->held_ns = now_ns;
        else if (now_ns - r->held_ns > weir_ms(LASTS_MS).ns)
            end(home, r);
    }
    if (home->rescuing > 0)
        weir__timeout_set(home->loop, timeout, now_ns + weir_ms(CHECK_MS).ns);
}

static void rescue(struct weir__server_loop *home)
{
    for (int i = 0; i < home->server->loop_count; i++) {
        struct weir__rescue *r = &home->rescues[i];
        if (other(home, i) == home || r->listeners != NULL || !weir__loop_is_held(other(home, i)->loop))
            continue;
        begin(home, i);
        r->held_ns = weir__loop_now_ns(home->loop);
        if (home->draining && r->listeners != NULL)
            finish(home, r);
    }
    if (home->rescuing > 0)
        weir__timeout_set(home->loop, &home->rescue_timeout, weir_after_ms(CHECK_MS).ns);
}

static void asked(struct weir__message *message)
{
    struct weir__server_loop *home = weir__container_of(message, struct weir__server_loop, rescue_message);

    atomic_store(&home->rescue_asked, false);
    if (home->serving)
        rescue(home);
}

void weir__rescues_pause(struct weir__server_loop *home, bool pause)
{
    for (int i = 0; home->rescuing > 0 && i < home->server->loop_count; i++)
        for (size_t k = 0; k < home->rescues[i].count; k++) {
            if (pause)
                weir__listener_pause(home->rescues[i].listeners[k]);
            else
                weir__listener_resume(home->rescues[i].listeners[k]);
        }
}

void weir__rescues_drain(struct weir__server_loop *home)
{
    weir__timeout_cancel(home->loop, &home->rescue_timeout);
    for (int i = 0; i < home->server->loop_count; i++)
        if (home->rescues[i].listeners != NULL)
            finish(home, &home->rescues[i]);
    rescue(home);
}

/* --- the watch has found a held loop --- */

static bool can_help(struct weir__server_loop *home)
{
    return home->loop != NULL && !weir__loop_is_held(home->loop);
}

/* Asks the next loop that is not held. The watch calls this again and again while a loop is held. */
static void found(struct weir__held_hook *hook, int held)
{
    struct weir_server *server = weir__container_of(hook, struct weir_server, held_hook);
    int rescuer = atomic_load(&server->loops[held].rescuer);

    if (rescuer > 0 && can_help(&server->loops[rescuer - 1]))
        return;
    for (int i = 1; i < server->loop_count; i++) {
        int which = (held + i) % server->loop_count;
        struct weir__server_loop *home = &server->loops[which];
        if (!can_help(home) || atomic_exchange(&home->rescue_asked, true))
            continue;
        atomic_store(&server->loops[held].rescuer, which + 1);
        weir__loop_post(home->loop, &home->rescue_message);
        return;
    }
}

int weir__rescue_open(struct weir__server_loop *home)
{
    home->rescues = calloc((size_t)home->server->loop_count, sizeof *home->rescues);
    home->rescue_message.deliver = asked;
    weir__timeout_init(&home->rescue_timeout, check_held);
    return home->rescues == NULL ? -ENOMEM : 0;
}

void weir__rescue_close(struct weir__server_loop *home)
{
    weir__timeout_cancel(home->loop, &home->rescue_timeout);
    free(home->rescues);
}

void weir__rescue_begin(struct weir_server *server)
{
    server->held_hook.call = found;
    weir__held_hook_add(weir__task_current()->loop->runtime, &server->held_hook);
}

void weir__rescue_end(struct weir_server *server)
{
    weir__held_hook_remove(weir__task_current()->loop->runtime, &server->held_hook);
}
