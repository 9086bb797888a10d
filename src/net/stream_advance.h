/* SPDX-License-Identifier: MIT */
/* Going on with a send of which only a part has gone out. Threading: pure. */
#ifndef WEIR__STREAM_ADVANCE_H
#define WEIR__STREAM_ADVANCE_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Takes so many bytes off the front of what msg points to, and empty pieces behind them. */
static inline void weir__stream_advance(struct msghdr *msg, size_t sent)
{
    while (msg->msg_iovlen > 0 && sent >= msg->msg_iov->iov_len) {
        sent -= msg->msg_iov->iov_len;
        msg->msg_iov++;
        msg->msg_iovlen--;
    }
    if (msg->msg_iovlen > 0) {
        msg->msg_iov->iov_base = (char *)msg->msg_iov->iov_base + sent;
        msg->msg_iov->iov_len -= sent;
    }
}

#endif
