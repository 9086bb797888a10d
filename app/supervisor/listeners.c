/* SPDX-License-Identifier: MIT */
#include "supervisor/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/listening.h"

struct listener {
    char wanted[128], bound[128];
    int fd;
};
struct listeners {
    struct listener items[256];
    size_t count;
};

struct listeners *listeners_new(void)
{
    return calloc(1, sizeof(struct listeners));
}

static int open_one(const struct config_address *a, struct listener *l)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)a->port)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t length = sizeof v4;
    const int on = 1;
    int err;

    snprintf(l->wanted, sizeof l->wanted, "%s", a->text);
    l->fd = socket(a->path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (a->path != NULL)
        snprintf(un.sun_path, sizeof un.sun_path, "%s", a->path);
    else
        inet_pton(AF_INET, a->host, &v4.sin_addr);
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(l->fd, a->path != NULL ? (struct sockaddr *)&un : (struct sockaddr *)&v4,
             a->path != NULL ? sizeof un : sizeof v4) < 0 ||
        listen(l->fd, 4096) < 0) {
        err = -errno;
        close(l->fd);
        return err;
    }
    if (a->path != NULL) {
        snprintf(l->bound, sizeof l->bound, "unix:%s", a->path);
        return 0;
    }
    getsockname(l->fd, (struct sockaddr *)&v4, &length);
    snprintf(l->bound, sizeof l->bound, "%s:%d", a->host, ntohs(v4.sin_port));
    return 0;
}

int listeners_open(struct listeners *l, const struct config *config, struct config_faults *faults, int *out)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        size_t k;
        for (k = 0; k < l->count && strcmp(l->items[k].wanted, config->listen[i].text); k++)
            ;
        if (k == l->count) {
            char text[256];
            int err = open_one(&config->listen[i], &l->items[k]);
            if (err < 0) {
                config_fault(faults, config->listen[i].place, "%s",
                             address_fault(text, sizeof text, &config->listen[i], "listen", err));
                return -WEIR_ECONFIG;
            }
            l->count++;
        }
        out[i] = l->items[k].fd;
    }
    return 0;
}

void listeners_keep(struct listeners *l, const struct config *config)
{
    for (size_t k = 0; k < l->count;) {
        bool kept = false;
        for (size_t i = 0; config != NULL && i < config->listen_count; i++)
            kept = kept || strcmp(config->listen[i].text, l->items[k].wanted) == 0;
        if (kept) {
            k++;
            continue;
        }
        close(l->items[k].fd);
        l->items[k] = l->items[--l->count];
    }
}

const char *listeners_address(const struct listeners *l, int fd)
{
    for (size_t k = 0; k < l->count; k++)
        if (l->items[k].fd == fd)
            return l->items[k].bound;
    return "?";
}

void listeners_free(struct listeners *l)
{
    if (l == NULL)
        return;
    listeners_keep(l, NULL);
    free(l);
}
