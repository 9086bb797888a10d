/* SPDX-License-Identifier: MIT */
/* The type and the flags of a descriptor. */
#include "guard/preload/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { MEMORY_DEVICES = 1 }; /* the major number of null, zero, full, random */

/* By syscall(), because fcntl() is wrapped here. fstat(), fstatfs() and getsockopt() are not. */
static bool is_blocking(int fd)
{
    long flags = syscall(SYS_fcntl, fd, F_GETFL);

    return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

/* Whether the file system has no disk: then a read or write only computes. */
static bool is_in_memory(int fd)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return true;
    switch ((unsigned long)fs.f_type) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
    case HUGETLBFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
        return true;
    default:
        return false;
    }
}

static const char *name_of(int fd, bool reading, const char *plain, const char *file)
{
    struct stat st;

    if (!is_blocking(fd) || fstat(fd, &st) < 0)
        return NULL;
    switch (st.st_mode & S_IFMT) {
    case S_IFSOCK:
    case S_IFIFO:
        return plain;
    case S_IFREG:
        return file != NULL && !is_in_memory(fd) ? file : NULL;
    case S_IFBLK:
        return file;
    case S_IFCHR:
        return major(st.st_rdev) != MEMORY_DEVICES ? plain : NULL;
    case S_IFDIR:
        return NULL;
    default: /* an eventfd, a timerfd or the like: a write has always room */
        return reading ? plain : NULL;
    }
}

const char *weir__read_call(int fd, const char *plain, const char *file)
{
    int saved = errno;
    const char *name = name_of(fd, true, plain, file);

    errno = saved;
    return name;
}

const char *weir__write_call(int fd, const char *plain, const char *file)
{
    int saved = errno;
    const char *name = name_of(fd, false, plain, file);

    errno = saved;
    return name;
}

const char *weir__connect_call(int fd)
{
    int saved = errno;
    int type = SOCK_DGRAM;
    socklen_t bytes = sizeof type;

    bool waits =
        is_blocking(fd) && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type != SOCK_DGRAM;

    errno = saved;
    return waits ? "connect" : NULL;
}

const char *weir__blocking_call(int fd, const char *name)
{
    int saved = errno;
    bool blocks = is_blocking(fd);

    errno = saved;
    return blocks ? name : NULL;
}
