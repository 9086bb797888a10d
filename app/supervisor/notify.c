/* SPDX-License-Identifier: MIT */
#include "supervisor/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_BYTES_MAX = 512 };

struct notify {
    int fd;
    struct sockaddr_un to;
    socklen_t length;
    int64_t watchdog_ns;
    char unsent[MESSAGE_BYTES_MAX]; /* the latest state, while the socket has no room for it; "": none */
};

/* The variable's whole number. Returns: 0: it has none. */
static unsigned long long number_in(const char *variable)
{
    const char *text = getenv(variable);
    unsigned long long value;
    char *end;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' ? value : 0;
}

static int64_t watchdog_ns(void)
{
    unsigned long long us = number_in("WATCHDOG_USEC");
    bool ours = getenv("WATCHDOG_PID") == NULL || number_in("WATCHDOG_PID") == (unsigned long long)getpid();

    return ours && us < INT64_MAX / 1000 ? (int64_t)us * 1000 : 0;
}

/* Reads where to send: a path, or the name of an abstract socket after '@'. */
static bool read_socket(const char *text, struct notify *n)
{
    size_t length = text != NULL ? strlen(text) : 0;

    if (length < 2 || length >= sizeof n->to.sun_path || (text[0] != '/' && text[0] != '@'))
        return false;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, text, length);
    if (text[0] == '@')
        n->to.sun_path[0] = '\0';
    n->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] != '@'));
    return true;
}

static struct notify *open_socket(void)
{
    struct notify *n = calloc(1, sizeof *n);

    if (n == NULL)
        return NULL;
    if (read_socket(getenv("NOTIFY_SOCKET"), n)) {
        n->watchdog_ns = watchdog_ns();
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (n->fd >= 0)
            return n;
    }
    free(n);
    return NULL;
}

struct notify *notify_new(void)
{
    struct notify *n = open_socket();

    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    return n;
}

void notify_free(struct notify *n)
{
    if (n == NULL)
        return;
    (void)close(n->fd);
    free(n);
}

/* Sends a message. Nothing here may wait for systemd. Returns: false: its socket is full for now. */
static bool send_now(struct notify *n, const char *message)
{
    return sendto(n->fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&n->to, n->length) >= 0 ||
           (errno != EAGAIN && errno != ENOBUFS);
}

/* Tells a state, which must arrive: a service that never says that it is ready is killed. */
__attribute__((format(printf, 2, 3))) static void tell(struct notify *n, const char *format, ...)
{
    va_list values;

    if (n == NULL)
        return;
    va_start(values, format);
    (void)vsnprintf(n->unsent, sizeof n->unsent, format, values);
    va_end(values);
    notify_again(n);
}

void notify_again(struct notify *n)
{
    if (n != NULL && n->unsent[0] != '\0' && send_now(n, n->unsent))
        n->unsent[0] = '\0';
}

void notify_ready(struct notify *n, const char *status)
{
    tell(n, "READY=1\nSTATUS=%s", status);
}

void notify_reloading(struct notify *n)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    tell(n, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reloading",
         (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void notify_stopping(struct notify *n, const char *status)
{
    tell(n, "STOPPING=1\nSTATUS=%s", status);
}

void notify_watchdog(struct notify *n)
{
    if (n != NULL)
        (void)send_now(n, "WATCHDOG=1");
}

weir_duration notify_watchdog_every(const struct notify *n)
{
    return (weir_duration){n != NULL ? n->watchdog_ns / 2 : 0};
}
