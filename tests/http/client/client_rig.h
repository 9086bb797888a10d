/* SPDX-License-Identifier: MIT */
/* What the tests of the HTTP client share: raw backends that do on each connection what a test says. */
#ifndef TEST_HTTP_CLIENT_RIG_H
#define TEST_HTTP_CLIENT_RIG_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client/state.h"
#include "support/run.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
#define OK_ANSWER OK_HEAD "ok"

enum { REQUEST_BYTES = 8192 };

struct backend {
    weir_scope scope; /* of its tasks */
    weir_listener *listener;
    int (*serve)(struct backend *b, weir_stream *s, int number);
    void *arg;
    char url[160];
    int connections;             /* accepted so far */
    int open;                    /* being served */
    int requests;                /* read whole */
    char request[REQUEST_BYTES]; /* the last one's head, and of its body what came with it */
};

struct served {
    struct backend *backend;
    weir_stream *stream;
    int number;
};

static inline int serve_one(void *arg)
{
    struct served served = *(struct served *)arg;

    free(arg);
    (void)served.backend->serve(served.backend, served.stream, served.number);
    weir_stream_close(served.stream);
    served.backend->open--;
    return 0;
}

static inline int accept_all(void *arg)
{
    struct backend *b = arg;

    for (;;) {
        weir_stream *s;
        struct served *served;
        int err = weir_accept(b->listener, &s);
        if (err == -ENOMEM) /* of a test of that */
            continue;
        if (err < 0)
            return err;
        served = malloc(sizeof *served);
        if (served == NULL) {
            weir_stream_close(s);
            continue;
        }
        *served = (struct served){b, s, b->connections++};
        b->open++;
        if (weir_spawn(&b->scope, "backend connection", serve_one, served) < 0) {
            free(served);
            weir_stream_close(s);
            b->open--;
        }
    }
}

/* serve is run for each connection, numbered from 0; what it returns is not looked at. */
static inline void backend_open_at(struct backend *b, const char *address,
                                   int (*serve)(struct backend *, weir_stream *, int), void *arg)
{
    memset(b, 0, sizeof *b);
    b->serve = serve;
    b->arg = arg;
    assert_int_equal(weir_listen(address, &b->listener), 0);
    (void)snprintf(b->url, sizeof b->url, "http://%s/", weir_listener_address(b->listener));
    weir_scope_open(&b->scope, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&b->scope, "backend", accept_all, b), 0);
}

static inline void backend_open(struct backend *b, int (*serve)(struct backend *, weir_stream *, int),
                                void *arg)
{
    backend_open_at(b, "127.0.0.1:0", serve, arg);
}

static inline void backend_close(struct backend *b)
{
    weir_scope_cancel(&b->scope);
    (void)weir_scope_close(&b->scope);
    weir_listener_close(b->listener);
}

/* Reads a head, and keeps it. 1; 0 the client has gone; < 0. */
static inline int read_request(struct backend *b, weir_stream *s)
{
    char text[REQUEST_BYTES];
    size_t len = 0;

    for (;;) {
        ssize_t n = weir_read(s, text + len, sizeof text - 1 - len);
        if (n <= 0)
            return (int)n;
        len += (size_t)n;
        text[len] = '\0';
        if (strstr(text, "\r\n\r\n") != NULL)
            break;
    }
    memcpy(b->request, text, len + 1);
    b->requests++;
    return 1;
}

static inline int send_text(weir_stream *s, const char *text)
{
    return weir_write(s, text, strlen(text));
}

/* True when the client has closed or reset the connection; what it sends before is passed over. */
static inline bool client_leaves(weir_stream *s)
{
    char ignored[256];
    ssize_t n;

    do
        n = weir_read(s, ignored, sizeof ignored);
    while (n > 0);
    return n == 0 || n == -ECONNRESET;
}

/* Answers every request with OK_ANSWER. */
static inline int serve_ok(struct backend *b, weir_stream *s, int number)
{
    (void)number;
    while (read_request(b, s) > 0)
        if (send_text(s, OK_ANSWER) < 0)
            break;
    return 0;
}

static inline weir_client *client_open(const weir_client_options *options)
{
    weir_client *client;

    assert_int_equal(weir_client_open(options, &client), 0);
    return client;
}

/* GETs and expects "ok". */
static inline void get_ok(weir_client *client, const char *url)
{
    weir_reply reply;
    int err = weir_get(client, url, &reply);

    if (err != 0)
        fail_msg("%s: %s", url, weir_error_text(err));
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "ok");
    weir_reply_free(&reply);
}

/* The one idle connection count of all origins. */
static inline int idle_count(const weir_client *client)
{
    return client->idle_count;
}

#endif
