/* SPDX-License-Identifier: MIT */
#include "http/rooted_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weir/url.h>

int rooted_open_root(const char *directory)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static bool is_named(weir_bytes name, const char *const *names)
{
    while (names != NULL && *names != NULL)
        if (weir_bytes_equal(name, weir_bytes_of(*names++)))
            return true;
    return false;
}

/* Decodes a segment. Returns: its length; -ENOENT for one that no file may have as its name. */
static int take_segment(weir_bytes segment, const char *const *dot_names, char *out)
{
    int length = weir_percent_decode(segment, out, segment.len);
    const size_t n = length > 0 ? (size_t)length : 0;

    if (length < 0 || (out[0] == '.' && !is_named((weir_bytes){out, n}, dot_names)))
        return -ENOENT;
    if (n < segment.len && (memchr(out, '/', n) != NULL || memchr(out, '\0', n) != NULL))
        return -ENOENT; /* only escapes can be these */
    return length;
}

int rooted_open_path(weir_bytes asked, const char *const *dot_names, char *out)
{
    size_t n = 0;

    while (asked.len > 0) {
        const char *slash = memchr(asked.data, '/', asked.len);
        const size_t bytes = slash != NULL ? (size_t)(slash - asked.data) : asked.len;
        const size_t used = bytes + (slash != NULL);
        int length = bytes > 0 ? take_segment((weir_bytes){asked.data, bytes}, dot_names, out + n) : 0;

        if (length < 0)
            return length;
        n += (size_t)length;
        if (slash != NULL && bytes > 0)
            out[n++] = '/';
        asked = (weir_bytes){asked.data + used, asked.len - used};
    }
    if (n == 0 || out[n - 1] == '/')
        return -ENOENT;
    out[n] = '\0';
    return 0;
}

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK }; /* a pipe must not be waited for */

/* EAGAIN: a directory was renamed meanwhile. */
static int open_in_one_call(int root, const char *path, unsigned flags)
{
    const struct open_how how = {.flags = flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;
    int tries = 0;

    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 10)));
    return fd < 0 ? -errno : (int)fd;
}

/* Reports whether openat2 itself may have been refused, by the kernel or a filter of system calls. EPERM and
 * EACCES can also be the file's. */
static bool may_be_refused(int err)
{
    return err == -ENOSYS || err == -EPERM || err == -EACCES;
}

bool rooted_open_is_one_call(int root)
{
    int fd = open_in_one_call(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        (void)close(fd);
    return !may_be_refused(fd);
}

/* --- step by step: no step follows a link, and ".." goes back to the folder it came from --- */

enum { DEPTH_MAX = 64, LINKS_MAX = 40 };

struct steps {
    int folder[DEPTH_MAX]; /* from the root, which is the caller's, to the present folder */
    int depth, links;
    char rest[PATH_MAX]; /* of the path */
};

static int enter(struct steps *s, int fd, const struct stat *about)
{
    int err = !S_ISDIR(about->st_mode) ? -ENOTDIR : s->depth + 1 == DEPTH_MAX ? -ELOOP : 0;

    if (err < 0) {
        (void)close(fd);
        return err;
    }
    s->folder[++s->depth] = fd;
    return 0;
}

static int leave(struct steps *s)
{
    if (s->depth == 0)
        return -EXDEV;
    (void)close(s->folder[s->depth--]);
    return 0;
}

/* Puts the target of a link before the rest of the path. An absolute link is not followed. */
static int follow(struct steps *s, int link, bool last, const char *behind)
{
    char joined[PATH_MAX];
    ssize_t n = readlinkat(link, "", joined, sizeof joined);
    size_t length;

    (void)close(link);
    if (n < 0)
        return -errno;
    length = strlen(behind);
    if (++s->links > LINKS_MAX)
        return -ELOOP;
    if (n == 0 || joined[0] == '/')
        return -EXDEV;
    if ((size_t)n + 1 + length >= sizeof joined)
        return -ENAMETOOLONG;
    if (!last)
        joined[n++] = '/';
    memcpy(joined + n, behind, length + 1);
    memcpy(s->rest, joined, (size_t)n + length + 1);
    return 0;
}

/* Takes a step: the first name of the rest.
 * Returns: a descriptor at the end of the path; 0 before it; an error. */
static int step(struct steps *s)
{
    char *name = s->rest + strspn(s->rest, "/"), *end = name + strcspn(name, "/");
    char *behind = end + strspn(end, "/");
    bool last = *end == '\0';
    struct stat about;
    int err;

    if (*name == '\0')
        return -EISDIR;
    if (end < behind)
        *end = '\0';
    err = 0;
    if (strcmp(name, "..") == 0) {
        err = leave(s);
    } else if (strcmp(name, ".") != 0) {
        int fd = openat(s->folder[s->depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        if (fstat(fd, &about) < 0) {
            err = -errno;
            (void)close(fd);
            return err;
        }
        if (S_ISLNK(about.st_mode))
            return follow(s, fd, last, behind);
        if (last) { /* opened by its name again; a link that has replaced it is not followed */
            (void)close(fd);
            fd = openat(s->folder[s->depth], name, OPEN_FLAGS | O_NOFOLLOW);
            return fd < 0 ? -errno : fd;
        }
        err = enter(s, fd, &about);
    }
    memmove(s->rest, behind, strlen(behind) + 1);
    return err;
}

static int open_by_steps(int root, const char *path)
{
    struct steps s = {.folder = {root}};
    int fd;

    if (strlen(path) >= sizeof s.rest)
        return -ENAMETOOLONG;
    if (*path == '/' || *path == '\0')
        return *path == '/' ? -EXDEV : -ENOENT;
    strcpy(s.rest, path);
    do
        fd = step(&s);
    while (fd == 0);
    while (s.depth > 0)
        (void)leave(&s);
    return fd;
}

static int type_error(const struct stat *about)
{
    return S_ISREG(about->st_mode) ? 0 : S_ISDIR(about->st_mode) ? -EISDIR : -ENXIO;
}

int rooted_open_why(int root, const char *path, struct stat *about)
{
    int fd = open_in_one_call(root, path, OPEN_FLAGS);
    int err;

    if (may_be_refused(fd))
        fd = open_by_steps(root, path);
    if (fd < 0)
        return fd;
    err = fstat(fd, about) < 0 ? -errno : type_error(about);
    if (err < 0)
        (void)close(fd);
    return err < 0 ? err : fd;
}

int rooted_open_outcome(int fd)
{
    switch (fd) {
    case -ENOTDIR:
    case -EXDEV:
    case -ELOOP:
    case -EACCES:
    case -EPERM:
    case -ENAMETOOLONG:
    case -ENXIO:
        return -ENOENT;
    default:
        return fd;
    }
}

int rooted_open(int root, const char *path, struct stat *about)
{
    return rooted_open_outcome(rooted_open_why(root, path, about));
}
