/* SPDX-License-Identifier: MIT */
/* The inside of a listener, and accepting without a task, for servers.
 *
 * Threading: as <weir/stream.h>: the loop's thread alone, but for what weir__listener_share() is given.
 *
 *     listener.c  making, sharing, closing
 *     accept.c    accepting, by a task or without
 */
#ifndef WEIR__LISTENER_H
#define WEIR__LISTENER_H

#include <sys/un.h>

#include <weir/stream.h>

#include "core/handle.h"
#include "core/loop.h"
#include "net/layers.h"
#include "net/socket.h"

struct weir_listener {
    struct weir__handle handle; /* its loop is NULL in one that weir__listener_share() made */
    struct weir__transport *queue;
    struct weir__socket socket;
    struct weir__layers layers; /* of what is accepted */
    struct weir__io_op accept, close;
    struct weir__timeout retry;
    struct weir__loop *loop;
    void (*accepted)(weir_listener *l, void *arg, int fd);
    void *arg;
    void (*closed)(void *arg);
    void *closed_arg;
    int64_t idle_ns; /* the idle timeout of what a task accepts */
    bool serving, pending, closing, delay;
    bool shared;    /* with other processes */
    uint16_t users; /* calls and waits inside the listener, and the close: the last frees it */
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* the file to remove; "": none */
    char address[WEIR_ADDRESS_BYTES];
};

/* --- accepting without a task --- */

/* Accepts connections until paused, at most a batch in a turn of the loop. accepted(l, arg, fd) is called for
 * each; fd is the callee's then, to be adopted here or on another loop. A negative fd is an error (-EMFILE,
 * -ENFILE, -ENOBUFS, -ENOMEM), for the log: the listener tries again after a moment. accepted() may pause,
 * resume and close the listener, and may be called from inside the functions below. */
void weir__listener_serve(weir_listener *l, void (*accepted)(weir_listener *l, void *arg, int fd), void *arg);

/* Stops accepting; connections wait in the kernel's queue. One that was accepted already may still come, from
 * a later turn. Harmless when the listener does not serve. */
void weir__listener_pause(weir_listener *l);

/* Goes on with the callback of weir__listener_serve(). Harmless when the listener serves. */
void weir__listener_resume(weir_listener *l);

/* Tries again in the next turn, if the listener rests after an error. */
void weir__listener_retry(weir_listener *l);

/* Gives the callback of weir__listener_serve() what is in the queue now, at most so many, also while the
 * listener pauses.
 * Returns: whether there may be more. */
bool weir__listener_take(weir_listener *l, int most);

/* As weir_listener_address(), from any loop while the listener is not being closed. */
static inline const char *weir__listener_address(const weir_listener *l)
{
    return l->address;
}

/* --- the queue --- */

/* Makes another listener at the queue of one of another loop, which is not being closed meanwhile. The new
 * one is this loop's, and has no address. Whichever listener comes round first takes a connection.
 * Returns: 0; -EOPNOTSUPP the queue can't be shared; -EMFILE, -ENOMEM or as weir__io_attach(). */
int weir__listener_share(const weir_listener *of, weir_listener **out) WEIR_CHECKED;

/* From now on no connection comes into this queue, for any of its listeners. What is in it is lost: it should
 * be emptied first. Not for a queue that is shared with other processes. */
void weir__listener_stop(weir_listener *l);

/* --- closing --- */

/* As weir_listener_close(), also for one that weir__listener_share() made. Waits. */
void weir__listener_close(weir_listener *l);

/* Stops listening and frees the listener, without a task. closed(arg) may be called from inside this call. A
 * connection that a server's listener has accepted is still handed on, before closed(). */
void weir__listener_close_detached(weir_listener *l, void (*closed)(void *arg), void *arg);

/* The last to leave a closed listener frees it. */
void weir__listener_leave(weir_listener *l);

#endif
