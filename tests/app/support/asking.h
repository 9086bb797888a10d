/* SPDX-License-Identifier: MIT */
/* An HTTP client that blocks, for the thread of a test, and a server of pages that are given: neither uses
 * the library under test. */
#ifndef TEST_APP_SUPPORT_ASKING_H
#define TEST_APP_SUPPORT_ASKING_H

#include <stddef.h>

/* --- the client --- */

struct answer {
    int status;
    char *head; /* status line and fields, ended by NUL */
    char *body; /* bytes, and a NUL behind them */
    size_t bytes;
};

struct question {
    const char *method; /* NULL: GET */
    const char *fields; /* each ended by CR LF; NULL: "Host: localhost" */
    const void *body;
    size_t bytes;
};

/* Asks "HOST:PORT" (of IPv4) or "unix:PATH" as HTTP/1.0, so that the answer's body ends with the connection.
 * q: NULL: GET. Fails the test if there is no answer. What an earlier answer held is freed. */
void ask(struct answer *a, const char *address, const char *path, const struct question *q);
void answer_free(struct answer *a);

/* Sends a request, or with path NULL a part of its head, and leaves the answer unread. Returns: the
 * connection, for the caller to close(). */
int begin_asking(const char *address, const char *path);

/* Returns: the value of the field, in room; NULL: it is not in the head. */
const char *answer_field(const struct answer *a, const char *name, char room[256]);

/* --- the server --- */

struct given_page {
    const char *path; /* without a query; NULL: every other */
    int status;       /* 0: the connection is closed without an answer */
    const char *body;
};

struct given_pages;

/* Serves the pages as application/json, at most 8, on a thread, one connection at a time, until it is closed.
 * Owns: paths and bodies are lent. */
struct given_pages *given_pages_open(const struct given_page *pages, size_t count);

/* "127.0.0.1:PORT" */
const char *given_pages_address(const struct given_pages *p);

/* Changes a page from the next request on. path: NULL: every page. body: NULL: stays. */
void given_pages_change(struct given_pages *p, const char *path, int status, const char *body);

/* Copies the head of the last request. */
void given_pages_head(struct given_pages *p, char head[4096]);

/* Ends the thread. Returns: how many requests came; last: the target of the last, or NULL. */
int given_pages_close(struct given_pages *p, char last[1024]);

#endif
