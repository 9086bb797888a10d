/* SPDX-License-Identifier: MIT */
/* The pipes through which a loop splices. A new one costs more than the round that it is needed for, so a few
 * are kept. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/guard_exempt.h"
#include "io/backend.h"

static struct weir__io_pipe *pipe_of(struct weir__list *node)
{
    return weir__container_of(node, struct weir__io_pipe, node);
}

static void close_pipe(struct weir__io_pipe *pipe)
{
    (void)close(pipe->fds[0]);
    (void)close(pipe->fds[1]);
    free(pipe);
}

static void close_kept(struct weir__io *io, struct weir__io_pipe *pipe)
{
    weir__list_remove(&pipe->node);
    io->pipes.kept_count--;
    close_pipe(pipe);
}

void weir__io_pipes_init(struct weir__io_pipes *pipes)
{
    weir__list_init(&pipes->kept);
    pipes->kept_count = pipes->lent_count = 0;
}

void weir__io_pipes_close(struct weir__io *io)
{
    while (!weir__list_is_empty(&io->pipes.kept))
        close_kept(io, pipe_of(io->pipes.kept.next));
}

void weir__io_pipes_trim(struct weir__io *io)
{
    weir__list_each_safe (node, &io->pipes.kept) {
        struct weir__io_pipe *pipe = pipe_of(node);

        if (!pipe->used)
            close_kept(io, pipe);
        else
            pipe->used = false;
    }
}

/* --- lending --- */

static struct weir__io_pipe *make(struct weir__io *io)
{
    struct weir__io_pipe *pipe = malloc(sizeof *pipe);
    int room;

    if (pipe == NULL)
        return NULL;
    room = io->backend->pipe(WEIR__IO_PIPE_BYTES, pipe->fds);
    if (room < 0) {
        free(pipe);
        return NULL;
    }
    if (room < WEIR__IO_PIPE_BYTES_MIN) {
        close_pipe(pipe);
        return NULL;
    }
    pipe->room = (size_t)room;
    return pipe;
}

static struct weir__io_pipe *take_kept(struct weir__io *io)
{
    struct weir__list *node = weir__list_pop_front(&io->pipes.kept);

    if (node == NULL)
        return NULL;
    io->pipes.kept_count--;
    return pipe_of(node);
}

struct weir__io_pipe *weir__io_pipe_lend(struct weir__io *io)
{
    struct weir__io_pipe *pipe;

    if (io->backend->pipe == NULL || io->pipes.lent_count >= WEIR__IO_PIPES_MAX)
        return NULL;
    pipe = take_kept(io);
    if (pipe == NULL)
        pipe = make(io);
    if (pipe == NULL)
        return NULL;
    io->pipes.lent_count++;
    pipe->bytes = 0;
    pipe->used = true;
    return pipe;
}

void weir__io_pipe_return(struct weir__io *io, struct weir__io_pipe *pipe)
{
    if (pipe == NULL)
        return;
    io->pipes.lent_count--;
    if (pipe->bytes > 0 || io->pipes.kept_count >= WEIR__IO_PIPES_KEPT) {
        close_pipe(pipe);
        return;
    }
    weir__list_push_front(&io->pipes.kept, &pipe->node);
    io->pipes.kept_count++;
}

/* --- splicing --- */

ssize_t weir__io_splice_in(struct weir__io *io, struct weir__io_file *file, struct weir__io_pipe *pipe,
                           size_t most)
{
    ssize_t moved;

    if (file->fd < 0 || file->closing)
        return -EBADF;
    weir__guard_exempt_begin();
    moved = io->backend->splice_in(file->fd, pipe->fds[1], most);
    weir__guard_exempt_end();
    if (moved > 0)
        pipe->bytes += (size_t)moved;
    return moved;
}

ssize_t weir__io_splice_out(struct weir__io *io, struct weir__io_file *file, struct weir__io_pipe *pipe,
                            size_t most)
{
    ssize_t moved;

    if (file->fd < 0 || file->closing)
        return -EBADF;
    weir__guard_exempt_begin();
    moved = io->backend->splice_out(pipe->fds[0], file->fd, most);
    weir__guard_exempt_end();
    if (moved > 0)
        pipe->bytes -= (size_t)moved;
    return moved;
}

ssize_t weir__io_send_file(struct weir__io *io, struct weir__io_file *file, int fd, off_t *offset,
                           size_t most)
{
    ssize_t moved;

    if (file->fd < 0 || file->closing)
        return -EBADF;
    weir__guard_exempt_begin();
    moved = io->backend->send_file(fd, offset, file->fd, most);
    weir__guard_exempt_end();
    return moved;
}
