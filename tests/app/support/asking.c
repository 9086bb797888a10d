/* SPDX-License-Identifier: MIT */
#include "app/support/asking.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/run.h"

enum { HEAD_BYTES = 4096, PIECE_BYTES = 65536, PAGES_MAX = 8 };

/* --- the client --- */

static int connect_unix(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && strlen(path) < sizeof name.sun_path);
    strcpy(name.sun_path, path);
    if (connect(fd, (struct sockaddr *)&name, sizeof name) < 0)
        fail_msg("unix:%s can't be connected to", path);
    return fd;
}

static int connect_to(const char *address)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    const char *colon = strrchr(address, ':');
    char host[64];
    int fd;

    if (strncmp(address, "unix:", 5) == 0)
        return connect_unix(address + 5);
    assert_non_null(colon);
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    assert_int_equal(inet_pton(AF_INET, host, &name.sin_addr), 1);
    name.sin_port = htons((uint16_t)atoi(colon + 1));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof name) < 0)
        fail_msg("%s can't be connected to", address);
    return fd;
}

/* A server that refuses a body may close before it has read all of it. */
static void send_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        const ssize_t n = send(fd, data, bytes, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        data += n;
        bytes -= (size_t)n;
    }
}

static char *receive_all(int fd, size_t *bytes)
{
    char *text = NULL;
    ssize_t n = 1;

    for (*bytes = 0; n > 0; *bytes += n > 0 ? (size_t)n : 0) {
        text = realloc(text, *bytes + PIECE_BYTES + 1);
        assert_non_null(text);
        n = recv(fd, text + *bytes, PIECE_BYTES, 0);
    }
    text[*bytes] = '\0';
    return text;
}

void ask(struct answer *a, const char *address, const char *path, const struct question *q)
{
    static const struct question get;
    char head[HEAD_BYTES], *end;
    const int fd = connect_to(address);
    int length;
    size_t bytes;

    answer_free(a);
    if (q == NULL)
        q = &get;
    length = snprintf(head, sizeof head, "%s %s HTTP/1.0\r\n%s", q->method != NULL ? q->method : "GET", path,
                      q->fields != NULL ? q->fields : "Host: localhost\r\n");
    if (q->body != NULL)
        length += snprintf(head + length, sizeof head - (size_t)length, "Content-Length: %zu\r\n", q->bytes);
    length += snprintf(head + length, sizeof head - (size_t)length, "\r\n");
    send_all(fd, head, (size_t)length);
    send_all(fd, q->body, q->bytes);
    a->head = receive_all(fd, &bytes);
    (void)close(fd);
    end = strstr(a->head, "\r\n\r\n");
    if (end == NULL)
        fail_msg("%s: no answer: '%s'", path, a->head);
    end[2] = '\0';
    a->status = atoi(a->head + strlen("HTTP/1.1 "));
    a->body = end + 4;
    a->bytes = bytes - (size_t)(a->body - a->head);
}

int begin_asking(const char *address, const char *path)
{
    const int fd = connect_to(address);
    char text[HEAD_BYTES];

    (void)snprintf(text, sizeof text, "GET %s", path != NULL ? path : "/half");
    send_all(fd, text, strlen(text));
    if (path != NULL)
        send_all(fd, " HTTP/1.1\r\nHost: localhost\r\n\r\n", strlen(" HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    return fd;
}

void answer_free(struct answer *a)
{
    free(a->head);
    *a = (struct answer){0};
}

const char *answer_field(const struct answer *a, const char *name, char room[256])
{
    const size_t length = strlen(name);

    for (const char *line = strstr(a->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        line += length + 1 + strspn(line + length + 1, " ");
        (void)snprintf(room, 256, "%.*s", (int)strcspn(line, "\r"), line);
        return room;
    }
    return NULL;
}

/* --- the server --- */

struct given_pages {
    pthread_mutex_t lock; /* of the pages, and of what came */
    struct given_page pages[PAGES_MAX];
    size_t count;
    pthread_t thread;
    int listener, asked;
    char address[32], last[1024], head[HEAD_BYTES];
};

static bool read_head(int fd, char head[HEAD_BYTES])
{
    size_t length = 0;
    ssize_t n;

    while (length < HEAD_BYTES - 1 && (n = recv(fd, head + length, HEAD_BYTES - 1 - length, 0)) > 0) {
        length += (size_t)n;
        head[length] = '\0';
        if (strstr(head, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static struct given_page find(const struct given_pages *p, const char *target)
{
    const size_t length = strcspn(target, "?");

    for (size_t i = 0; i < p->count; i++)
        if (p->pages[i].path == NULL ||
            (strlen(p->pages[i].path) == length && strncmp(p->pages[i].path, target, length) == 0))
            return p->pages[i];
    return (struct given_page){.status = 404, .body = "no such page"};
}

/* Notes the request. Returns: false: it is none. */
static bool take(struct given_pages *p, const char *head, struct given_page *page)
{
    bool good;

    (void)pthread_mutex_lock(&p->lock);
    good = sscanf(head, "%*s %1023s", p->last) == 1;
    strcpy(p->head, head);
    p->asked += good;
    *page = find(p, p->last);
    (void)pthread_mutex_unlock(&p->lock);
    return good;
}

static void serve(struct given_pages *p, int fd)
{
    char head[HEAD_BYTES], said[256];
    struct given_page page;
    int length;

    if (!read_head(fd, head) || !take(p, head, &page) || page.status == 0)
        return;
    length = snprintf(
        said, sizeof said,
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
        page.status, strlen(page.body));
    send_all(fd, said, (size_t)length);
    send_all(fd, page.body, strlen(page.body));
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, said, sizeof said, 0) > 0) /* a close with unread bytes would be a reset */
        ;
}

static void *serve_all(void *arg)
{
    struct given_pages *p = arg;
    int fd;

    while ((fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        serve(p, fd);
        (void)close(fd);
    }
    return NULL;
}

struct given_pages *given_pages_open(const struct given_page *pages, size_t count)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    struct given_pages *p = calloc(1, sizeof *p);

    assert_non_null(p);
    assert_true(count <= PAGES_MAX);
    assert_int_equal(pthread_mutex_init(&p->lock, NULL), 0);
    for (size_t i = 0; i < count; i++)
        p->pages[i] = pages[i];
    p->count = count;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(p->listener, 128), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&name, &length), 0);
    (void)snprintf(p->address, sizeof p->address, "127.0.0.1:%d", ntohs(name.sin_port));
    assert_int_equal(pthread_create(&p->thread, NULL, serve_all, p), 0);
    return p;
}

const char *given_pages_address(const struct given_pages *p)
{
    return p->address;
}

void given_pages_change(struct given_pages *p, const char *path, int status, const char *body)
{
    (void)pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->count; i++) {
        if (path != NULL && strcmp(p->pages[i].path, path) != 0)
            continue;
        p->pages[i].status = status;
        if (body != NULL)
            p->pages[i].body = body;
    }
    (void)pthread_mutex_unlock(&p->lock);
}

void given_pages_head(struct given_pages *p, char head[HEAD_BYTES])
{
    (void)pthread_mutex_lock(&p->lock);
    strcpy(head, p->head);
    (void)pthread_mutex_unlock(&p->lock);
}

int given_pages_close(struct given_pages *p, char last[1024])
{
    int asked;

    (void)shutdown(p->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(p->thread, NULL), 0);
    (void)close(p->listener);
    (void)pthread_mutex_destroy(&p->lock);
    asked = p->asked;
    if (last != NULL)
        strcpy(last, p->last);
    free(p);
    return asked;
}
