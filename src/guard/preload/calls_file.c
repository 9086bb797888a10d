/* SPDX-License-Identifier: MIT */
/* Files: reads and writes at an offset, synchronisation with the disk, locks. */
#include "guard/preload/preload.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guard/preload/descriptor.h"

ssize_t __pread_chk(int fd, void *data, size_t bytes, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *data, size_t bytes, off64_t offset, size_t room);

#define READS_AT(name) weir__read_call(fd, NULL, name)
#define WRITES_AT(name) weir__write_call(fd, NULL, name)

GUARDED(ssize_t, pread, (int fd, void *data, size_t bytes, off_t offset), (fd, data, bytes, offset),
        READS_AT("pread:file"))
GUARDED(ssize_t, pread64, (int fd, void *data, size_t bytes, off64_t offset), (fd, data, bytes, offset),
        READS_AT("pread:file"))
GUARDED(ssize_t, __pread_chk, (int fd, void *data, size_t bytes, off_t offset, size_t room),
        (fd, data, bytes, offset, room), READS_AT("pread:file"))
GUARDED(ssize_t, __pread64_chk, (int fd, void *data, size_t bytes, off64_t offset, size_t room),
        (fd, data, bytes, offset, room), READS_AT("pread:file"))
GUARDED(ssize_t, preadv, (int fd, const struct iovec *pieces, int n, off_t offset), (fd, pieces, n, offset),
        READS_AT("preadv:file"))
GUARDED(ssize_t, preadv64, (int fd, const struct iovec *pieces, int n, off64_t offset),
        (fd, pieces, n, offset), READS_AT("preadv:file"))
GUARDED(ssize_t, pwrite, (int fd, const void *data, size_t bytes, off_t offset), (fd, data, bytes, offset),
        WRITES_AT("pwrite:file"))
GUARDED(ssize_t, pwrite64, (int fd, const void *data, size_t bytes, off64_t offset),
        (fd, data, bytes, offset), WRITES_AT("pwrite:file"))
GUARDED(ssize_t, pwritev, (int fd, const struct iovec *pieces, int n, off_t offset), (fd, pieces, n, offset),
        WRITES_AT("pwritev:file"))
GUARDED(ssize_t, pwritev64, (int fd, const struct iovec *pieces, int n, off64_t offset),
        (fd, pieces, n, offset), WRITES_AT("pwritev:file"))

/* With the offset -1 these are readv() and writev(). */
#define READS_WITH_FLAGS                                                                                     \
    ((flags & RWF_NOWAIT) != 0 ? NULL : weir__read_call(fd, offset == -1 ? "readv" : NULL, "preadv2:file"))
#define WRITES_WITH_FLAGS                                                                                    \
    ((flags & RWF_NOWAIT) != 0 ? NULL : weir__write_call(fd, offset == -1 ? "writev" : NULL, "pwritev2:file"))

GUARDED(ssize_t, preadv2, (int fd, const struct iovec *pieces, int n, off_t offset, int flags),
        (fd, pieces, n, offset, flags), READS_WITH_FLAGS)
GUARDED(ssize_t, preadv64v2, (int fd, const struct iovec *pieces, int n, off64_t offset, int flags),
        (fd, pieces, n, offset, flags), READS_WITH_FLAGS)
GUARDED(ssize_t, pwritev2, (int fd, const struct iovec *pieces, int n, off_t offset, int flags),
        (fd, pieces, n, offset, flags), WRITES_WITH_FLAGS)
GUARDED(ssize_t, pwritev64v2, (int fd, const struct iovec *pieces, int n, off64_t offset, int flags),
        (fd, pieces, n, offset, flags), WRITES_WITH_FLAGS)

/* --- synchronisation with the disk --- */

GUARDED(int, fsync, (int fd), (fd), "fsync")
GUARDED(int, fdatasync, (int fd), (fd), "fdatasync")
GUARDED(void, sync, (void), (), "sync")
GUARDED(int, syncfs, (int fd), (fd), "syncfs")
GUARDED(int, sync_file_range, (int fd, off64_t offset, off64_t bytes, unsigned flags),
        (fd, offset, bytes, flags), "sync_file_range")
GUARDED(int, msync, (void *memory, size_t bytes, int flags), (memory, bytes, flags),
        (flags & MS_SYNC) != 0 ? "msync" : NULL)

/* --- locks --- */

GUARDED(int, flock, (int fd, int what), (fd, what), (what & (LOCK_NB | LOCK_UN)) == 0 ? "flock" : NULL)
GUARDED(int, lockf, (int fd, int what, off_t bytes), (fd, what, bytes), what == F_LOCK ? "lockf" : NULL)
GUARDED(int, lockf64, (int fd, int what, off64_t bytes), (fd, what, bytes), what == F_LOCK ? "lockf" : NULL)

static const char *control(int what)
{
    return what == F_SETLKW || what == F_OFD_SETLKW ? "fcntl" : NULL;
}

/* The third argument is passed on as a pointer, the widest type it can have. */
DECLARE_NEXT(fcntl);
EXPORTED int fcntl(int fd, int what, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, what);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (weir__guard_looks())
        weir__guard_catch(control(what), __builtin_return_address(0), __builtin_frame_address(0));
    return NEXT(fcntl)(fd, what, argument);
}

DECLARE_NEXT(fcntl64);
EXPORTED int fcntl64(int fd, int what, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, what);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (weir__guard_looks())
        weir__guard_catch(control(what), __builtin_return_address(0), __builtin_frame_address(0));
    return NEXT(fcntl64)(fd, what, argument);
}
