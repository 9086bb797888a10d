/* SPDX-License-Identifier: MIT */
/* Moving bytes from one stream to another in rounds: through a pipe of the kernel, without copying them
 * (splice), or, where one of them is no socket of the kernel, through memory.
 *
 * Threading: as a task: the thread of its loop.
 *
 * A round takes what is there into a pipe and sends all of it, so that nothing is held back while the source
 * is silent. The pipe is lent for the round alone: a source that is waited for holds none. A round moves
 * little at first and after a sink that was waited for, since it holds what is in the pipe, and more the more
 * readily the sink takes it. The calls are made on readiness, under io_uring as well.
 */
#ifndef WEIR__SPLICE_H
#define WEIR__SPLICE_H

#include "net/stream.h"

enum {
    WEIR__SPLICE_BYTES_MIN = 64 << 10, /* the maximum of a round, at first */
    WEIR__SPLICE_RUN_MIN = 16 << 10,   /* of less than that, reading and writing is cheaper */
    WEIR__SPLICE_TAIL = 4 << 10,
    WEIR__SPLICE_COPY_BYTES = 64 << 10,
};

/* A part of a regular file, in place of a pipe. */
struct weir__splice_file {
    int fd;
    off_t offset;
    size_t bytes; /* of this round */
    /* Brings the part into memory, after a wait in which it may have left that. Returns: 0; < 0. Waits. */
    int (*bring)(struct weir__splice_file *file);
};

/* On the stack of the task that moves bytes; all zero before its first use. */
struct weir__splice {
    struct weir__io_pipe *pipe;     /* with bytes in it; NULL: there are none */
    size_t most;                    /* of a round; 0: the first */
    bool waited;                    /* the sink did not take the last round at once; of a file any */
    bool copies;                    /* through memory: set by the caller, which sends `copy` */
    struct iovec copy;              /* bytes in memory, of WEIR__SPLICE_COPY_BYTES at most */
    struct weir__splice_file *file; /* what is sent; NULL: what is in the pipe */
};

/* How much of the next `run` bytes a protocol moves, if it may move `most`. The last bytes of a run are left
 * to be read, so that what stands behind them comes in with them. Returns: 0: too few, or only the last. */
static inline uint64_t weir__splice_of_run(uint64_t run, uint64_t most)
{
    run = run == UINT64_MAX ? run : run > WEIR__SPLICE_TAIL ? run - WEIR__SPLICE_TAIL : 0;
    run = run < most ? run : most;
    return run < WEIR__SPLICE_RUN_MIN ? 0 : run;
}

/* Whether bytes of a stream can be moved in this way at all: it is a socket of the kernel. */
bool weir__stream_can_splice(const weir_stream *s);

/* Whether bytes can be taken from a stream in this way; through memory from any. */
bool weir__stream_can_splice_in(const weir_stream *s, const struct weir__splice *splice);

/* How many bytes are in the pipe, the memory, or left of the file. */
size_t weir__splice_bytes(const struct weir__splice *splice);

/* Takes bytes of the stream into a pipe, or memory, at most `most`; waits until there are any. idle_ns: after
 * so long without any it fails with -WEIR_EIDLE; 0: no limit.
 * Returns: > 0 bytes, all of which weir__stream_splice_out() sends; -EAGAIN there is no pipe, or no memory:
 * the caller reads and writes instead; 0 the end; else as weir__stream_receive().
 * Cancel:  ends the wait; nothing was taken. Waits. */
ssize_t weir__stream_splice_in(weir_stream *s, struct weir__splice *splice, uint64_t most,
                               int64_t idle_ns) WEIR_CHECKED;

/* Sends bytes that are in the pipe, or of a file. write: as of weir__stream_write_pieces().
 * Returns: 0; as weir__stream_write_pieces(); -WEIR_EIDLE; -WEIR_ETRUNCATED the file ends before; as bring().
 * After a failure the stream is broken, and some of the bytes are still in the pipe.
 * Cancel:  ends the wait. Waits. */
int weir__stream_splice_out(weir_stream *s, struct weir__splice *splice, size_t bytes, int64_t idle_ns,
                            struct weir__stream_write *write) WEIR_CHECKED;

/* Gives the pipe or the memory back, after a failure with what is in it. */
void weir__splice_end(struct weir__splice *splice);

#endif
