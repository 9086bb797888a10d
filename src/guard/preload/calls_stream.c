/* SPDX-License-Identifier: MIT */
/* Reads, writes and connects on blocking descriptors. */
#include "guard/preload/preload.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guard/preload/descriptor.h"

ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room);
ssize_t __recv_chk(int fd, void *data, size_t bytes, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *data, size_t bytes, size_t room, int flags, __SOCKADDR_ARG from,
                       socklen_t *length);

#define RECEIVES(name) ((flags & MSG_DONTWAIT) != 0 ? NULL : weir__read_call(fd, name, NULL))
#define SENDS(name) ((flags & MSG_DONTWAIT) != 0 ? NULL : weir__write_call(fd, name, NULL))

GUARDED(ssize_t, read, (int fd, void *data, size_t bytes), (fd, data, bytes),
        weir__read_call(fd, "read", "read:file"))
GUARDED(ssize_t, __read_chk, (int fd, void *data, size_t bytes, size_t room), (fd, data, bytes, room),
        weir__read_call(fd, "read", "read:file"))
GUARDED(ssize_t, readv, (int fd, const struct iovec *pieces, int n), (fd, pieces, n),
        weir__read_call(fd, "readv", "readv:file"))
GUARDED(ssize_t, write, (int fd, const void *data, size_t bytes), (fd, data, bytes),
        weir__write_call(fd, "write", "write:file"))
GUARDED(ssize_t, writev, (int fd, const struct iovec *pieces, int n), (fd, pieces, n),
        weir__write_call(fd, "writev", "writev:file"))

GUARDED(ssize_t, recv, (int fd, void *data, size_t bytes, int flags), (fd, data, bytes, flags),
        RECEIVES("recv"))
GUARDED(ssize_t, __recv_chk, (int fd, void *data, size_t bytes, size_t room, int flags),
        (fd, data, bytes, room, flags), RECEIVES("recv"))
GUARDED(ssize_t, recvfrom,
        (int fd, void *data, size_t bytes, int flags, __SOCKADDR_ARG from, socklen_t *length),
        (fd, data, bytes, flags, from, length), RECEIVES("recvfrom"))
GUARDED(ssize_t, __recvfrom_chk,
        (int fd, void *data, size_t bytes, size_t room, int flags, __SOCKADDR_ARG from, socklen_t *length),
        (fd, data, bytes, room, flags, from, length), RECEIVES("recvfrom"))
GUARDED(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),
        RECEIVES("recvmsg"))
GUARDED(int, recvmmsg, (int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *timeout),
        (fd, messages, n, flags, timeout), RECEIVES("recvmmsg"))
GUARDED(ssize_t, send, (int fd, const void *data, size_t bytes, int flags), (fd, data, bytes, flags),
        SENDS("send"))
GUARDED(ssize_t, sendto,
        (int fd, const void *data, size_t bytes, int flags, __CONST_SOCKADDR_ARG to, socklen_t length),
        (fd, data, bytes, flags, to, length), SENDS("sendto"))
GUARDED(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags),
        SENDS("sendmsg"))
GUARDED(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned n, int flags), (fd, messages, n, flags),
        SENDS("sendmmsg"))

GUARDED(int, accept, (int fd, __SOCKADDR_ARG from, socklen_t *length), (fd, from, length),
        weir__read_call(fd, "accept", NULL))
GUARDED(int, accept4, (int fd, __SOCKADDR_ARG from, socklen_t *length, int flags), (fd, from, length, flags),
        weir__read_call(fd, "accept4", NULL))
GUARDED(int, connect, (int fd, __CONST_SOCKADDR_ARG to, socklen_t length), (fd, to, length),
        weir__connect_call(fd))

/* --- copies between descriptors --- */

static const char *moves(int from, int to, bool is_blocking, const char *plain, const char *file)
{
    const char *name = weir__write_call(to, is_blocking ? plain : NULL, file);

    return name != NULL ? name : weir__read_call(from, is_blocking ? plain : NULL, file);
}

GUARDED(ssize_t, sendfile, (int to, int from, off_t *offset, size_t bytes), (to, from, offset, bytes),
        moves(from, to, true, "sendfile", "sendfile:file"))
GUARDED(ssize_t, sendfile64, (int to, int from, off64_t *offset, size_t bytes), (to, from, offset, bytes),
        moves(from, to, true, "sendfile", "sendfile:file"))
GUARDED(ssize_t, copy_file_range,
        (int from, off64_t *from_offset, int to, off64_t *to_offset, size_t bytes, unsigned flags),
        (from, from_offset, to, to_offset, bytes, flags), moves(from, to, true, NULL, "copy_file_range:file"))
GUARDED(ssize_t, splice,
        (int from, off64_t *from_offset, int to, off64_t *to_offset, size_t bytes, unsigned flags),
        (from, from_offset, to, to_offset, bytes, flags),
        moves(from, to, (flags & SPLICE_F_NONBLOCK) == 0, "splice", "splice:file"))
GUARDED(ssize_t, tee, (int from, int to, size_t bytes, unsigned flags), (from, to, bytes, flags),
        moves(from, to, (flags & SPLICE_F_NONBLOCK) == 0, "tee", NULL))
GUARDED(ssize_t, vmsplice, (int fd, const struct iovec *pieces, size_t n, unsigned flags),
        (fd, pieces, n, flags),
        (flags & SPLICE_F_NONBLOCK) == 0 ? weir__write_call(fd, "vmsplice", NULL) : NULL)
