/* SPDX-License-Identifier: MIT */
#include "http/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/log.h>

#include "config/address.h"

void log_listening(const char *what, const char *address)
{
    weir_log(WEIR_LOG_INFO, "listening", WEIR_KV("addr", address), WEIR_KV("for", what));
}

/* --- TCP --- */

static int try_bind(const struct sockaddr *name, socklen_t length, bool taken_is_fine)
{
    const int on = 1;
    int fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int err;

    if (fd < 0)
        return -errno;
    err = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || bind(fd, name, length) < 0 ||
        (!taken_is_fine && listen(fd, 1) < 0))
        err = -errno;
    close(fd);
    return err == -EADDRINUSE && taken_is_fine ? 0 : err;
}

int address_probe(const struct config_address *address, bool taken_is_fine)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (address->path != NULL)
        return 0;
    v4.sin_port = v6.sin6_port = htons((uint16_t)address->port);
    if (inet_pton(AF_INET, address->host, &v4.sin_addr) == 1)
        return try_bind((struct sockaddr *)&v4, sizeof v4, taken_is_fine);
    if (inet_pton(AF_INET6, address->host, &v6.sin6_addr) == 1)
        return try_bind((struct sockaddr *)&v6, sizeof v6, taken_is_fine);
    return 0;
}

/* Reads an address; an IPv4 address becomes ::ffff:A.B.C.D, so that both families can be compared. */
static bool read_number(const char *host, struct in6_addr *out)
{
    struct in_addr v4;

    if (inet_pton(AF_INET6, host, out) == 1)
        return true;
    if (inet_pton(AF_INET, host, &v4) != 1)
        return false;
    memset(out, 0, sizeof *out);
    memset(out->s6_addr + 10, 0xff, 2);
    memcpy(out->s6_addr + 12, &v4, sizeof v4);
    return true;
}

static bool ipv6_leaves_ipv4(void)
{
    char value = '0';
    int fd = open("/proc/sys/net/ipv6/bindv6only", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, &value, 1);

    if (fd >= 0)
        close(fd);
    return n == 1 && value == '1';
}

static bool takes(const struct in6_addr *any, const struct in6_addr *other)
{
    static const struct in6_addr any_v4 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    bool is_v4 = IN6_IS_ADDR_V4MAPPED(other);

    if (IN6_IS_ADDR_UNSPECIFIED(any))
        return !is_v4 || !ipv6_leaves_ipv4();
    return IN6_ARE_ADDR_EQUAL(any, &any_v4) && is_v4;
}

bool addresses_exclude(const struct config_address *a, const struct config_address *b)
{
    struct in6_addr x, y;

    if (a->host == NULL || b->host == NULL || a->port != b->port || a->port == 0 ||
        !read_number(a->host, &x) || !read_number(b->host, &y))
        return false;
    return IN6_ARE_ADDR_EQUAL(&x, &y) || takes(&x, &y) || takes(&y, &x);
}

bool address_is_local(const struct config_address *address)
{
    struct in6_addr x;

    if (!read_number(address->host, &x))
        return false;
    return IN6_IS_ADDR_LOOPBACK(&x) || (IN6_IS_ADDR_V4MAPPED(&x) && x.s6_addr[12] == 127);
}

const char *address_fault(char *out, size_t room, const struct config_address *address, const char *key,
                          int err)
{
    const char *why = weir_error_text(err), *hint = "";

    if (err == -EADDRINUSE) {
        snprintf(out, room, "%s is taken by another program; stop it, or choose another port with %s",
                 address->text, key);
        return out;
    }
    if (err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS) {
        snprintf(out, room, "%s cannot be listened on: %s%s", address->text, why,
                 err == -EMFILE ? "; raise the limit (LimitNOFILE= of systemd, ulimit -Hn)" : "");
        return out;
    }
    if (err == -EADDRNOTAVAIL)
        why = "this machine has no such address";
    else if (err == -EAFNOSUPPORT)
        why = "this machine has no IPv6";
    else if (err == -EINVAL && strncasecmp(address->host, "fe80:", 5) == 0)
        why = "a link-local address is one of an interface, which cannot be written here";
    else if (err == -EACCES && address->port > 0 && address->port < 1024)
        hint = " (ports below 1024 need CAP_NET_BIND_SERVICE)";
    snprintf(out, room, "%s cannot be listened on: %s%s; choose another address with %s", address->text, why,
             hint, key);
    return out;
}

/* --- Unix sockets --- */

/* The folder of a path: "." where none is written. */
static void folder_of(const char *path, char folder[sizeof((struct sockaddr_un *)0)->sun_path + 2])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) : 0;

    if (slash == NULL)
        strcpy(folder, ".");
    else
        snprintf(folder, sizeof((struct sockaddr_un *)0)->sun_path + 2, "%.*s", length > 0 ? (int)length : 1,
                 path);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* Connects without blocking. */
static int try_connect(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int err, fd;

    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    err = connect(fd, (struct sockaddr *)&name, sizeof name) < 0 ? -errno : 0;
    close(fd);
    return err;
}

bool unix_path_answers(const char *path)
{
    struct stat about;
    int err;

    if (lstat(path, &about) < 0 || !S_ISSOCK(about.st_mode))
        return false;
    err = try_connect(path);
    return err == 0 || err == -EAGAIN;
}

/* Tries whether a socket can be made in the folder, by making one: /proc and many shares refuse sockets
 * whatever the mode of the folder.
 * Returns: 0, also when its path would be too long to try; an errno of bind(2).
 */
static int try_folder(const char *folder)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path, sizeof name.sun_path, "%s/.weir-%ld", folder, (long)getpid());
    int err, fd;

    if (length >= (int)sizeof name.sun_path)
        return 0;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    err = bind(fd, (struct sockaddr *)&name, sizeof name) < 0 ? -errno : 0;
    if (err == 0)
        (void)unlink(name.sun_path);
    close(fd);
    return err == -EADDRINUSE ? 0 : err;
}

/* Writes why the file at the path is in the way. A socket without a listener is not: a program that was
 * killed left it behind, and it is removed at the start. */
static bool existing_file_fault(const char *path, const struct stat *about, char *out, size_t room)
{
    int err = S_ISSOCK(about->st_mode) ? try_connect(path) : 0;

    if (!S_ISSOCK(about->st_mode))
        snprintf(out, room, "is taken by %s, expected a path where nothing is",
                 S_ISDIR(about->st_mode)   ? "a folder"
                 : S_ISLNK(about->st_mode) ? "a link"
                                           : "a file that is not a socket");
    else if (err == -ECONNREFUSED)
        return false;
    else if (err == 0 || err == -EAGAIN)
        snprintf(out, room, "is taken by another program that listens there; stop it");
    else
        snprintf(out, room, "is taken by a socket that cannot be connected to: %s", weir_error_text(err));
    return true;
}

/* Reports whether another user's socket can't be removed: in a folder such as /tmp only its owner may. */
static bool may_not_be_removed(const struct stat *folder, const struct stat *about)
{
    uid_t us = geteuid();

    return (folder->st_mode & S_ISVTX) != 0 && us != 0 && us != about->st_uid && us != folder->st_uid;
}

bool unix_path_fault(const char *path, char *out, size_t room)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path + 2];
    struct stat above, about;
    int err;

    if (!*name_of(path)) {
        snprintf(out, room, "is a folder, expected the path of a socket");
        return true;
    }
    folder_of(path, folder);
    if (stat(folder, &above) < 0) {
        snprintf(out, room, "cannot be listened on: its folder '%s' cannot be used: %s", folder,
                 weir_error_text(-errno));
        return true;
    }
    if (!S_ISDIR(above.st_mode)) {
        snprintf(out, room, "cannot be listened on: '%s' is not a folder", folder);
        return true;
    }
    if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0) {
        snprintf(out, room, "cannot be listened on: its folder '%s' cannot be written to by this user: %s",
                 folder, weir_error_text(-errno));
        return true;
    }
    err = try_folder(folder);
    if (err < 0) {
        snprintf(out, room, "cannot be listened on: its folder '%s' cannot hold sockets: %s", folder,
                 weir_error_text(err));
        return true;
    }
    if (lstat(path, &about) < 0) {
        err = -errno;
        if (err != -ENOENT)
            snprintf(out, room, "cannot be listened on: %s", weir_error_text(err));
        return err != -ENOENT;
    }
    if (existing_file_fault(path, &about, out, room))
        return true;
    if (!may_not_be_removed(&above, &about))
        return false;
    snprintf(out, room, "is a socket that another user has left behind; remove it");
    return true;
}

bool unix_paths_are_one(const char *a, const char *b)
{
    char folder_a[sizeof((struct sockaddr_un *)0)->sun_path + 2];
    char folder_b[sizeof((struct sockaddr_un *)0)->sun_path + 2];
    struct stat x, y;

    folder_of(a, folder_a);
    folder_of(b, folder_b);
    return strcmp(name_of(a), name_of(b)) == 0 && stat(folder_a, &x) == 0 && stat(folder_b, &y) == 0 &&
           x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
