/* SPDX-License-Identifier: MIT */
#include "admin/yield.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { STEP_MS_MAX = 100 }; /* for each of connecting, sending and reading */

static const char request[] =
    "POST " ADMIN_YIELD_PATH " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static const char granted[] = "HTTP/1.1 200 ";

union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

static socklen_t name_of(const struct config_address *address, union name *name)
{
    memset(name, 0, sizeof *name);
    if (address->path != NULL) {
        name->un.sun_family = AF_UNIX;
        if (strlen(address->path) >= sizeof name->un.sun_path)
            return 0;
        strcpy(name->un.sun_path, address->path);
        return sizeof name->un;
    }
    if (inet_pton(AF_INET, address->host, &name->v4.sin_addr) == 1) {
        name->v4.sin_family = AF_INET;
        name->v4.sin_port = htons((uint16_t)address->port);
        return sizeof name->v4;
    }
    if (inet_pton(AF_INET6, address->host, &name->v6.sin6_addr) == 1) {
        name->v6.sin6_family = AF_INET6;
        name->v6.sin6_port = htons((uint16_t)address->port);
        return sizeof name->v6;
    }
    return 0;
}

static bool read_all(int fd, char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = recv(fd, text, bytes, 0);
        if (n <= 0)
            return false;
        text += n;
        bytes -= (size_t)n;
    }
    return true;
}

bool admin_ask_to_yield(const struct config_address *address)
{
    const struct timeval timeouts = {.tv_usec = STEP_MS_MAX * 1000};
    char answer[sizeof granted - 1];
    union name name;
    socklen_t length = name_of(address, &name);
    int fd = length > 0 ? socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    bool will;

    if (fd < 0)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeouts, sizeof timeouts); /* of connecting, too */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeouts, sizeof timeouts);
    will = connect(fd, &name.any, length) == 0 &&
           send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof request - 1) &&
           read_all(fd, answer, sizeof answer) && memcmp(answer, granted, sizeof answer) == 0;
    close(fd);
    return will;
}
