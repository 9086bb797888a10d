/* SPDX-License-Identifier: MIT */
#include "supervisor/listening_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/log.h>
#include <weir/text.h>

enum { BACKLOG = 4096, FIRST_PASSED_FD = 3, PASSED_MAX = 256 };

union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
};

/* --- addresses --- */

static socklen_t name_of(const struct config_address *address, union name *name)
{
    *name = (union name){0};
    if (address->path != NULL) {
        name->path.sun_family = AF_UNIX;
        snprintf(name->path.sun_path, sizeof name->path.sun_path, "%s", address->path);
        return sizeof name->path;
    }
    if (address->host == NULL)
        return 0;
    name->v4.sin_port = htons((uint16_t)address->port); /* where IPv6 has it, too */
    if (inet_pton(AF_INET, address->host, &name->v4.sin_addr) == 1) {
        name->v4.sin_family = AF_INET;
        return sizeof name->v4;
    }
    if (inet_pton(AF_INET6, address->host, &name->v6.sin6_addr) != 1)
        return 0;
    name->v6.sin6_family = AF_INET6;
    return sizeof name->v6;
}

bool listening_socket_is_at(const struct listening_socket *s, const struct config_address *address)
{
    union name a, b;
    socklen_t length = name_of(&s->address, &a);

    return length > 0 && name_of(address, &b) == length && memcmp(&a, &b, length) == 0;
}

static void set_address(struct listening_socket *s, const char *host, int port, bool is_path)
{
    snprintf(s->host, sizeof s->host, "%s", host);
    s->address = (struct config_address){
        .host = is_path ? NULL : s->host, .path = is_path ? s->host : NULL, .port = port};
}

/* Reads the address that a socket is bound to. Returns: false: it has none that could be listened on. */
static bool read_bound(struct listening_socket *s, char host[INET6_ADDRSTRLEN], int *port)
{
    union name name = {0};
    socklen_t length = sizeof name;

    if (getsockname(s->fd, &name.any, &length) < 0)
        return false;
    *port = ntohs(name.v4.sin_port);
    switch (name.any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &name.v4.sin_addr, host, INET6_ADDRSTRLEN);
        snprintf(s->bound, sizeof s->bound, "%s:%d", host, *port);
        return true;
    case AF_INET6:
        inet_ntop(AF_INET6, &name.v6.sin6_addr, host, INET6_ADDRSTRLEN);
        snprintf(s->bound, sizeof s->bound, "[%s]:%d", host, *port);
        return true;
    case AF_UNIX:
        *port = 0;
        host[0] = '\0';
        if (name.path.sun_path[0] == '\0')
            name.path.sun_path[0] = '@';
        snprintf(s->bound, sizeof s->bound, "unix:%.*s", (int)sizeof name.path.sun_path, name.path.sun_path);
        return true;
    default:
        return false;
    }
}

static struct listening_socket *new_socket(int fd)
{
    struct listening_socket *s = calloc(1, sizeof *s);

    if (s != NULL)
        s->fd = fd;
    return s;
}

/* --- passed by systemd --- */

static bool is_listening_stream(int fd)
{
    int type = 0, listens = 0;
    socklen_t length = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_STREAM)
        return false;
    length = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens;
}

static void take_name(const char *names, int number, char *out, size_t room)
{
    for (int i = 0; names != NULL && i < number; i++) {
        names = strchr(names, ':');
        names += names != NULL;
    }
    if (names == NULL)
        snprintf(out, room, "unknown"); /* as sd_listen_fds_with_names(3) */
    else
        snprintf(out, room, "%.*s", (int)strcspn(names, ":"), names);
}

static struct listening_socket *passed(int fd, const char *names)
{
    struct listening_socket *s = new_socket(fd);
    char host[INET6_ADDRSTRLEN];
    int port;

    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (s == NULL)
        return NULL;
    s->passed = true;
    take_name(names, fd - FIRST_PASSED_FD, s->name, sizeof s->name);
    if (!is_listening_stream(fd) || !read_bound(s, host, &port))
        s->bound[0] = '\0';
    else if (host[0] == '\0')
        set_address(s, s->bound + sizeof "unix:" - 1, 0, true);
    else
        set_address(s, host, port, false);
    return s;
}

static long number_in(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    long value;

    if (text == NULL)
        return -1;
    errno = 0;
    value = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' ? value : -1;
}

/* What this program has opened since it started is closed by an exec, and only that. */
static bool is_from_outside(int fd)
{
    const int flags = fcntl(fd, F_GETFD);

    return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

int listening_sockets_passed(struct listening_socket **list)
{
    const bool ours = number_in("LISTEN_PID") == (long)getpid();
    const long count = ours ? number_in("LISTEN_FDS") : 0;
    const char *names = getenv("LISTEN_FDNAMES");
    int err = 0;

    for (long i = 0; err == 0 && i < count && i < PASSED_MAX; i++) {
        if (!is_from_outside(FIRST_PASSED_FD + (int)i)) {
            weir_log(WEIR_LOG_WARN, "LISTEN_FDS counts more descriptors than have been passed",
                     WEIR_KV_INT("expected", count), WEIR_KV_INT("passed", i));
            break;
        }
        *list = passed(FIRST_PASSED_FD + (int)i, names);
        err = *list == NULL ? -ENOMEM : 0;
        if (err == 0)
            list = &(*list)->next;
    }
    if (ours) {
        (void)unsetenv("LISTEN_PID");
        (void)unsetenv("LISTEN_FDS");
        (void)unsetenv("LISTEN_FDNAMES");
    }
    return err;
}

/* --- opened here --- */

static int bind_and_listen(int fd, const union name *name, socklen_t length)
{
    const int on = 1;

    if (name->any.sa_family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (bind(fd, &name->any, length) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return 0;
}

/* Removes the socket that a dead program has left behind. The caller has looked that it is one. */
static void remove_left(const char *path)
{
    struct stat about;

    if (lstat(path, &about) == 0 && S_ISSOCK(about.st_mode))
        (void)unlink(path);
}

static int open_at(struct listening_socket *s, const struct config_address *address)
{
    char host[INET6_ADDRSTRLEN];
    struct stat about;
    union name name;
    socklen_t length = name_of(address, &name);
    int port, err;

    s->fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        return -errno;
    if (address->path != NULL)
        remove_left(address->path);
    err = bind_and_listen(s->fd, &name, length);
    if (err < 0) {
        (void)close(s->fd);
        return err;
    }
    (void)read_bound(s, host, &port);
    if (address->path != NULL && lstat(address->path, &about) == 0) {
        s->device = about.st_dev;
        s->file = about.st_ino;
    }
    return 0;
}

int listening_socket_open(const struct config_address *address, struct listening_socket **out)
{
    struct listening_socket *s = new_socket(-1);
    int err;

    if (s == NULL)
        return -ENOMEM;
    set_address(s, address->path != NULL ? address->path : address->host, address->port,
                address->path != NULL);
    err = open_at(s, address);
    if (err < 0)
        free(s);
    else
        *out = s;
    return err;
}

void listening_socket_close(struct listening_socket *s)
{
    struct stat about;

    if (s->file != 0 && lstat(s->address.path, &about) == 0 && about.st_dev == s->device &&
        about.st_ino == s->file)
        (void)unlink(s->address.path);
    (void)close(s->fd);
    free(s);
}
