/* SPDX-License-Identifier: MIT */
/* Sockets and the clock of a real kernel. */
#include "io/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* the C library's <netinet/tcp.h> lacks tcpi_bytes_acked */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/sanitizer.h"
#include "io/os_calls.h"

enum { DESCRIPTORS = 16384 };

int64_t weir__io_os_now_ns(struct weir__io *io)
{
    struct timespec t;

    (void)io;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void weir__io_os_wake(int fd)
{
    const int saved = errno;
    const uint64_t one = 1;

    (void)!write(fd, &one, sizeof one);
    errno = saved;
}

bool weir__io_os_wait(int64_t until_ns, struct timespec *wait)
{
    int64_t left;

#ifdef WITH_TSAN
    const int64_t most_ns = weir__io_os_now_ns(NULL) + WEIR__TSAN_SLEEP_NS;

    until_ns = until_ns < most_ns ? until_ns : most_ns;
#endif
    if (until_ns == INT64_MAX)
        return false;
    left = until_ns < 0 ? 0 : until_ns - weir__io_os_now_ns(NULL);
    if (left < 0)
        left = 0;
    wait->tv_sec = left / 1000000000;
    wait->tv_nsec = left % 1000000000;
    return true;
}

void weir__io_os_make_room(void)
{
    struct rlimit limit;
    rlim_t most = DESCRIPTORS;
    int any = open("/dev/null", O_RDONLY | O_CLOEXEC), highest;

    if (any < 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < most)
        most = limit.rlim_cur;
    highest = fcntl(any, F_DUPFD_CLOEXEC, (int)most - 1);
    if (highest >= 0)
        close(highest);
    close(any);
}

int weir__io_os_socket(struct weir__io *io, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    (void)io;
    return fd < 0 ? -errno : fd;
}

static int bind_and_listen(int fd, const struct sockaddr *addr, socklen_t len, int backlog, bool reuse_port)
{
    int on = 1;

    if (addr->sa_family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
        return -errno;
    if (bind(fd, addr, len) < 0 || listen(fd, backlog) < 0)
        return -errno;
    return 0;
}

int weir__io_os_listen(struct weir__io *io, const struct sockaddr *addr, socklen_t len, int backlog,
                       bool reuse_port)
{
    int fd = weir__io_os_socket(io, addr->sa_family), rc;

    if (fd < 0)
        return fd;
    rc = bind_and_listen(fd, addr, len, backlog, reuse_port);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return fd;
}

void weir__io_os_close(struct weir__io *io, int fd)
{
    (void)io;
    close(fd); /* Linux closes it also when it returns EINTR */
}

/* Without a free descriptor accept4() fails before it looks into the queue, which may be empty. */
int weir__io_os_try_accept(struct weir__io_file *file, struct sockaddr *addr, socklen_t *len)
{
    int fd = accept4(file->fd, addr, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int err = errno;

    if (fd >= 0)
        return fd;
    if ((err == EMFILE || err == ENFILE) && weir__io_os_ask(NULL, file, POLLIN) == -EAGAIN)
        return -EAGAIN;
    return -err;
}

int weir__io_os_accept(struct weir__io *io, struct weir__io_file *file)
{
    (void)io;
    return weir__io_os_try_accept(file, NULL, NULL);
}

void weir__io_os_stop_listening(struct weir__io *io, struct weir__io_file *file)
{
    (void)io;
    (void)shutdown(file->fd, SHUT_RDWR);
}

int weir__io_os_address(struct weir__io *io, struct weir__io_file *file, bool peer,
                        struct sockaddr_storage *addr, socklen_t *len)
{
    int rc;

    (void)io;
    *len = sizeof *addr;
    rc = peer ? getpeername(file->fd, (struct sockaddr *)addr, len)
              : getsockname(file->fd, (struct sockaddr *)addr, len);
    return rc < 0 ? -errno : 0;
}

int weir__io_os_shutdown(struct weir__io *io, struct weir__io_file *file)
{
    (void)io;
    return shutdown(file->fd, SHUT_WR) < 0 ? -errno : 0;
}

void weir__io_os_reset_on_close(struct weir__io *io, struct weir__io_file *file)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};

    (void)io;
    (void)setsockopt(file->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

ssize_t weir__io_os_send_now(struct weir__io *io, struct weir__io_file *file, const void *data, size_t len)
{
    ssize_t n = weir__io_os_send(file->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    (void)io;
    return n < 0 ? -errno : n;
}

ssize_t weir__io_os_receive_now(struct weir__io *io, struct weir__io_file *file, void *data, size_t len)
{
    ssize_t n = weir__io_os_recv(file->fd, data, len, MSG_DONTWAIT);

    (void)io;
    return n < 0 ? -errno : n;
}

int weir__io_os_taken(struct weir__io *io, struct weir__io_file *file, uint64_t *taken)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    int queued = 0;

    (void)io;
    if (getsockopt(file->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
        len >= offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) {
        *taken = info.tcpi_bytes_acked;
        return 1;
    }
    if (ioctl(file->fd, SIOCOUTQ, &queued) < 0)
        return -errno;
    *taken = (uint64_t)queued;
    return 0;
}

int weir__io_os_pipe(int bytes, int fds[2])
{
    int room;

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    if (fcntl(fds[0], F_SETPIPE_SZ, bytes) < 0)
        (void)fcntl(fds[0], F_SETPIPE_SZ, WEIR__IO_PIPE_BYTES_MIN);
    room = fcntl(fds[0], F_GETPIPE_SZ);
    return room < 0 ? 0 : room;
}

ssize_t weir__io_os_splice(int from_fd, int to_fd, size_t most)
{
    ssize_t moved = splice(from_fd, NULL, to_fd, NULL, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

    return moved < 0 ? -errno : moved;
}

static void begin_without_signal(sigset_t *before)
{
    sigset_t pipe;

    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, before);
}

/* all: nothing has failed. A call that fails after it has moved something raises the signal, too, and returns
 * what it moved. */
static void end_without_signal(const sigset_t *before, bool all)
{
    const struct timespec now = {0};
    sigset_t pipe;

    if (!all && sigismember(before, SIGPIPE) == 0) {
        (void)sigemptyset(&pipe);
        (void)sigaddset(&pipe, SIGPIPE);
        (void)sigtimedwait(&pipe, NULL, &now);
    }
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

ssize_t weir__io_os_splice_out(int pipe_fd, int socket_fd, size_t most)
{
    sigset_t before;
    ssize_t moved;

    begin_without_signal(&before);
    moved = weir__io_os_splice(pipe_fd, socket_fd, most);
    end_without_signal(&before, moved == (ssize_t)most);
    return moved;
}

ssize_t weir__io_os_send_file(int file_fd, off_t *offset, int socket_fd, size_t most)
{
    sigset_t before;
    ssize_t moved;

    begin_without_signal(&before);
    moved = sendfile(socket_fd, file_fd, offset, most);
    moved = moved < 0 ? -errno : moved;
    end_without_signal(&before, moved == (ssize_t)most);
    return moved;
}

int weir__io_os_ask(struct weir__io *io, struct weir__io_file *file, short events)
{
    struct pollfd now = {.fd = file->fd, .events = events};
    int count = poll(&now, 1, 0);

    (void)io;
    if (count <= 0)
        return count == 0 || errno == EINTR ? -EAGAIN : -errno;
    return now.revents & POLLNVAL ? -EBADF : now.revents;
}

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

static int set_keepalive(int fd, int idle_s)
{
    enum { PROBES = 5 };
    int between_s = idle_s / PROBES > 0 ? idle_s / PROBES : 1;
    int rc = set(fd, SOL_SOCKET, SO_KEEPALIVE, idle_s > 0);

    if (rc == 0 && idle_s > 0)
        rc = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
    if (rc == 0 && idle_s > 0)
        rc = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, between_s);
    if (rc == 0 && idle_s > 0)
        rc = set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    return rc;
}

static bool is_tcp(int fd)
{
    int protocol = 0;
    socklen_t len = sizeof protocol;

    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 && protocol == IPPROTO_TCP;
}

int weir__io_os_tune(struct weir__io *io, struct weir__io_file *file, const struct weir__io_tuning *tuning)
{
    int rc = 0;

    (void)io;
    if (tuning->send_bytes > 0)
        rc = set(file->fd, SOL_SOCKET, SO_SNDBUF, tuning->send_bytes);
    if (rc == 0 && tuning->receive_bytes > 0)
        rc = set(file->fd, SOL_SOCKET, SO_RCVBUF, tuning->receive_bytes);
    if (rc < 0 || !is_tcp(file->fd))
        return rc;
    if (tuning->keepalive_s != 0)
        rc = set_keepalive(file->fd, tuning->keepalive_s);
    if (rc == 0 && tuning->delay)
        rc = set(file->fd, IPPROTO_TCP, TCP_NODELAY, 0);
    return rc;
}

int weir__io_os_adopt(int fd, bool listening)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(int), peer_len = sizeof peer;
    int type = 0, listens = 0, flags;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
        return -errno;
    if (type != SOCK_STREAM || (listens != 0) != listening)
        return -EINVAL;
    if (!listening && getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0)
        return -errno;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return 0;
}

int weir__io_os_take(int fd, bool foreign)
{
    int on = 1;

    if (foreign)
        return fcntl(fd, F_GETFD) < 0 ? -errno : 0;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0)
        return 1;
    return errno == EBADF ? -EBADF : 0;
}
