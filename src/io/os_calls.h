/* SPDX-License-Identifier: MIT */
/* The system calls of every request, without what the C library adds: it marks each as a point where a thread
 * may be cancelled, which takes two locked instructions, and the guard's library looks at each. Sanitizers
 * know only the functions of the C library.
 *
 * Threading: any thread.
 */
#ifndef WEIR__IO_OS_CALLS_H
#define WEIR__IO_OS_CALLS_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/sanitizer.h"

#if defined(WITH_ASAN) || defined(WITH_TSAN)
#define weir__io_os_recv recv
#define weir__io_os_send send
#define weir__io_os_sendmsg sendmsg
#else

static inline ssize_t weir__io_os_recv(int fd, void *data, size_t len, int flags)
{
    return syscall(SYS_recvfrom, fd, data, len, flags, NULL, NULL);
}

static inline ssize_t weir__io_os_send(int fd, const void *data, size_t len, int flags)
{
    return syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
}

static inline ssize_t weir__io_os_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    return syscall(SYS_sendmsg, fd, msg, flags);
}

#endif
#endif
