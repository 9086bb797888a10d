/* SPDX-License-Identifier: MIT */
#include "process/output.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/fd.h>
#include <weir/scope.h>
#include <weir/task.h>

#include "core/scope.h"
#include "process/lines.h"
#include "process/member.h"

enum { STREAMS = 2, HELD_BACK_MS = 500, LINES_PER_TURN = 64, PIPE_BYTES = 64 << 10, LOOK_AGAIN_MS = 10 };

struct stream {
    int fd;
    weir_fd *watch;
    bool has_ended;
    struct weir__lines lines;
};

struct weir__output {
    struct stream streams[STREAMS]; /* of stdout and stderr */
    weir_scope *waiting;            /* the shield around the wait for bytes; or NULL */
    weir_instant until;             /* how long bytes are waited for */
};

int weir__output_open(const int fds[2], struct weir__output **out)
{
    struct weir__output *o = calloc(1, sizeof *o);
    int err = o != NULL ? 0 : -ENOMEM;

    *out = o;
    for (int i = 0; err == 0 && i < STREAMS; i++) {
        o->streams[i].fd = fds[i];
        err = weir_fd_open(fds[i], &o->streams[i].watch);
    }
    if (o != NULL)
        o->until = weir_never();
    return err;
}

void weir__output_close(struct weir__output *o)
{
    for (int i = 0; i < STREAMS; i++) {
        weir_fd_close(o->streams[i].watch);
        o->streams[i].watch = NULL;
    }
}

void weir__output_end(struct weir__output *o)
{
    o->until = weir_after_ms(HELD_BACK_MS);
    if (o->waiting != NULL)
        (void)weir_scope_set_deadline(o->waiting, o->until);
}

/* Lists the streams that have not ended. Returns: how many. */
static size_t list_cases(const struct weir__output *o, weir_case cases[STREAMS], int streams[STREAMS])
{
    size_t count = 0;

    for (int i = 0; i < STREAMS; i++) {
        if (o->streams[i].has_ended)
            continue;
        streams[count] = i;
        cases[count++] = weir_on_fd(o->streams[i].watch, POLLIN);
    }
    return count;
}

/* Waits for bytes, also in a scope that is cancelled: what a process says as it ends is wanted. The function
 * for lines runs outside of this. A pipe that cannot be polled, without memory for it, counts as readable:
 * it is looked at now and then. is_vain: there was nothing to read at the last look. Returns: the stream; <
 * 0: none is waited for any longer. */
static int await_bytes(struct weir__output *o, bool is_vain)
{
    weir_case cases[STREAMS];
    int streams[STREAMS], which;
    size_t count = list_cases(o, cases, streams);
    weir_scope shield;

    if (count == 0)
        return -WEIR_ECLOSED;
    weir__scope_open_long_shield(&shield, o->until);
    o->waiting = &shield;
    which = is_vain ? weir_sleep(weir_ms(LOOK_AGAIN_MS)) : 0;
    if (which == 0)
        which = weir_select(cases, count, NULL);
    o->waiting = NULL;
    (void)weir_scope_close(&shield);
    return which < 0 ? which : streams[which];
}

/* Returns: the bytes; 0: the end of the stream; -EAGAIN. */
static ssize_t read_some(struct stream *s)
{
    size_t room;
    char *to = weir__lines_room(&s->lines, &room);
    ssize_t n = read(s->fd, to, room);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? -EAGAIN : 0;
    weir__lines_added(&s->lines, (size_t)n);
    return n;
}

static void give_lines(struct weir_process *p, struct stream *s, bool is_error)
{
    const char *line;
    size_t length;

    for (int i = 1; weir__lines_next(&s->lines, &line, &length); i++) {
        weir__process_give(p, is_error, line, length);
        if (i % LINES_PER_TURN == 0)
            (void)weir_yield();
    }
}

/* Returns: the bytes that were there; <= 0 as read_some(). */
static ssize_t take(struct weir_process *p, struct stream *s, bool is_error)
{
    ssize_t n = read_some(s);

    if (n == 0)
        s->has_ended = true;
    else if (n > 0)
        give_lines(p, s, is_error);
    return n;
}

/* What a pipe still has, and then the line that no newline ends. */
static void take_rest(struct weir_process *p, struct stream *s, bool is_error)
{
    const char *line;
    size_t length, taken = 0;
    ssize_t n = 1;

    while (!s->has_ended && n > 0 && taken < PIPE_BYTES) {
        n = take(p, s, is_error);
        taken += n > 0 ? (size_t)n : 0;
        (void)weir_yield();
    }
    if (weir__lines_rest(&s->lines, &line, &length))
        weir__process_give(p, is_error, line, length);
}

void weir__output_read(struct weir__output *o, struct weir_process *p)
{
    ssize_t n = 0;
    int which;

    while ((which = await_bytes(o, n < 0)) >= 0) {
        n = take(p, &o->streams[which], which == 1);
        if (n > 0)
            (void)weir_yield();
    }
    for (int i = 0; i < STREAMS; i++)
        take_rest(p, &o->streams[i], i == 1);
}
