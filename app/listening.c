/* SPDX-License-Identifier: MIT */
#include "listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/log.h>

void log_listening(const char *what, const char *address)
{
    weir_log(WEIR_LOG_INFO, "listening", WEIR_KV("addr", address), WEIR_KV("for", what));
}

static int try_bind(const struct sockaddr *name, socklen_t length)
{
    const int on = 1;
    int fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno == EAFNOSUPPORT ? 0 : -errno;
    int err = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || bind(fd, name, length) < 0 ||
        listen(fd, 1) < 0)
        err = -errno;
    close(fd);
    return err;
}

int address_probe(const struct config_address *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (address->path || address->port == 0)
        return 0;
    v4.sin_port = v6.sin6_port = htons((uint16_t)address->port);
    if (inet_pton(AF_INET, address->host, &v4.sin_addr) == 1)
        return try_bind((struct sockaddr *)&v4, sizeof v4);
    if (inet_pton(AF_INET6, address->host, &v6.sin6_addr) == 1)
        return try_bind((struct sockaddr *)&v6, sizeof v6);
    return 0;
}
