/* SPDX-License-Identifier: MIT */
/* Waiting for a descriptor of another library: a database's socket, a timerfd, inotify, a terminal; and room
 * for one where descriptors are used up.
 *
 * Threading: a weir_fd belongs to the loop of the task that opened it, and only tasks of that loop use it;
 * any number of them may wait at a time. Mistakes end the program, as those with a stream do
 * (<weir/stream.h>).
 *
 * The descriptor stays the other library's: it is polled, never read, written or closed here. Readiness is a
 * level: a wait returns at once while the descriptor is ready. It may return though another task has
 * meanwhile used what was there, so the descriptor should be non-blocking.
 *
 * Under simulation time is virtual, and nothing but the program itself can make a descriptor ready: a wait
 * for one that is not ready fails with -ENOTSUP instead of waiting for ever.
 */
#ifndef WEIR_FD_H
#define WEIR_FD_H

#include <weir/error.h>
#include <weir/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_fd weir_fd;

/* Registers a descriptor with the loop, once for many waits.
 * Owns:    fd stays the caller's, and should be open until weir_fd_close(). The caller owns *out and closes
 * it.
 * Returns: 0; -EBADF fd is not open; -ENOMEM, -EMFILE.
 * Where:   task. Does not wait.
 */
int weir_fd_open(int fd, weir_fd **out) WEIR_CHECKED;

/* Waits until the descriptor is readable or writable (POLLIN, POLLOUT).
 * Returns: > 0 the events that occurred, including POLLERR and POLLHUP; -EINVAL other events, or none;
 * -EBADF; -ENOTSUP under simulation; -ENOMEM; -WEIR_ECLOSED; -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  ends the wait at once.
 * Where:   task of its loop. Waits.
 */
int weir_fd_wait(weir_fd *f, short events) WEIR_CHECKED;

/* Unregisters the descriptor, which stays open. Tasks that wait get -WEIR_ECLOSED. NULL does nothing.
 * Cancel:  does not shorten the wait, which takes at most one turn of the loop.
 * Where:   task of its loop. Waits.
 */
void weir_fd_close(weir_fd *f);

/* Makes the case of weir_select() that waits for POLLIN or POLLOUT, or both, as weir_fd_wait() does. A
 * descriptor that cannot be waited for has the case ready, and its weir_fd_wait() reports the error.
 * Owns:    f is lent until the weir_select() returns.
 * Returns: the case.
 * Where:   task of its loop.
 */
static inline weir_case weir_on_fd(weir_fd *f, short events)
{
    weir_case c = {WEIR_ON_FD | events << WEIR_ON_FD_EVENTS_SHIFT, f, 0};

    return c;
}

/* Waits for a descriptor once: weir_fd_open(), weir_fd_wait() and weir_fd_close() in short.
 * Owns:    fd stays the caller's, and open until the function returns.
 * Returns: as these.
 * Cancel:  ends the wait.
 * Where:   task. Waits.
 */
int weir_wait_fd(int fd, short events) WEIR_CHECKED;

/* Makes room for a descriptor after a call that failed with EMFILE or ENFILE: closes the connection of this
 * loop that is idle longest, of HTTP clients, backends and pools of connections, and of the clients of a
 * server that have been idle for half a second. weir_connect() and all that connects does so by itself.
 * Returns: 0 a descriptor has come free: the call may be tried once more; -ENOENT no connection is idle;
 *          -WEIR_ECANCELED, -WEIR_EDEADLINE.
 * Cancel:  ends the wait; the connection is closed nevertheless.
 * Where:   task. Waits, a few turns of the loop.
 */
int weir_fd_make_room(void) WEIR_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
