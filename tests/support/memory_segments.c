/* SPDX-License-Identifier: MIT */
#include "support/memory_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- on their way --- */

struct segment *segment_put(struct end *e, enum segment_type type, size_t len)
{
    struct memory *m = e->memory;
    int64_t range_ns = m->options.delay_max_ns - m->options.delay_min_ns;
    struct segment *s = malloc(sizeof *s + len);
    int64_t at_ns = memory_now_ns(m) + m->options.delay_min_ns +
                    (int64_t)weir__random_below(&m->random, (uint64_t)range_ns + 1);

    assert_non_null(s);
    *s = (struct segment){
        .type = type, .len = len, .at_ns = at_ns > e->last_arrives_ns ? at_ns : e->last_arrives_ns};
    e->last_arrives_ns = s->at_ns;
    weir__list_push_back(&e->segments, &s->node);
    e->unread += len;
    memory_schedule(e);
    return s;
}

void segments_arrive(struct end *e)
{
    weir__list_each (node, &e->segments) {
        struct segment *s = weir__container_of(node, struct segment, node);
        if (s->arrived)
            continue;
        if (s->at_ns > memory_now_ns(e->memory))
            return;
        s->arrived = true;
        if (s->type == BYTES && e->peer != NULL)
            e->peer->acknowledged += s->len;
        e->ended |= s->type == END;
        e->broken |= s->type == RESET;
    }
}

void segments_free(struct end *e)
{
    struct weir__list *node;

    while ((node = weir__list_pop_front(&e->segments)) != NULL)
        free(weir__container_of(node, struct segment, node));
}

static size_t shorten(struct memory *m, size_t bytes)
{
    if (bytes < 2 || !memory_chance(m, m->options.short_per_million))
        return bytes;
    return 1 + (size_t)weir__random_below(&m->random, bytes);
}

/* --- sending --- */

static void copy_in(char *to, const struct msghdr *msg, size_t bytes)
{
    for (size_t i = 0; bytes > 0; i++) {
        size_t n = msg->msg_iov[i].iov_len < bytes ? msg->msg_iov[i].iov_len : bytes;
        if (n > 0)
            memcpy(to, msg->msg_iov[i].iov_base, n);
        to += n;
        bytes -= n;
    }
}

bool segments_send(struct end *e, const struct msghdr *msg, bool may_be_short, int32_t *result)
{
    struct memory *m = e->memory;
    size_t bytes = 0, room;

    for (size_t i = 0; i < msg->msg_iovlen; i++)
        bytes += msg->msg_iov[i].iov_len;
    if (e->shut || e->broken) {
        *result = -EPIPE;
        return true;
    }
    if (e->doomed)
        return false;
    if (e->peer == NULL) { /* closed: what comes is answered with a reset */
        e->doomed = true;
        *result = (int32_t)bytes;
        (void)segment_put(e, RESET, 0);
        return true;
    }
    room = m->options.buffer_bytes > e->peer->unread ? m->options.buffer_bytes - e->peer->unread : 0;
    bytes = bytes < room ? bytes : room;
    if (may_be_short)
        bytes = shorten(m, bytes);
    if (bytes == 0)
        return false;
    copy_in(segment_put(e->peer, BYTES, bytes)->data, msg, bytes);
    *result = (int32_t)bytes;
    if (memory_chance(m, m->options.reset_per_million)) {
        (void)segment_put(e->peer, RESET, 0);
        (void)segment_put(e, RESET, 0);
    }
    return true;
}

/* --- receiving --- */

static struct segment *first_arrived(struct end *e)
{
    struct segment *s;

    if (weir__list_is_empty(&e->segments))
        return NULL;
    s = weir__container_of(e->segments.next, struct segment, node);
    return s->arrived ? s : NULL;
}

bool segments_are_there(struct end *e)
{
    return first_arrived(e) != NULL;
}

static size_t copy_out(struct end *e, char *to, size_t room)
{
    struct segment *s;
    size_t got = 0;

    while (got < room && (s = first_arrived(e)) != NULL && s->type == BYTES) {
        size_t n = s->len - s->used < room - got ? s->len - s->used : room - got;
        memcpy(to + got, s->data + s->used, n);
        got += n;
        s->used += n;
        if (s->used == s->len) {
            weir__list_remove(&s->node);
            free(s);
        }
    }
    e->unread -= got;
    if (got > 0 && e->peer != NULL && e->peer->sending != NULL)
        memory_schedule(e->peer); /* it may go on */
    return got;
}

bool segments_receive(struct end *e, struct weir__io_op *op, int32_t *result)
{
    const struct segment *s = first_arrived(e);
    size_t room;

    if (s == NULL)
        return false;
    if (s->type != BYTES) {
        *result = s->type == RESET ? -ECONNRESET : 0;
        return true;
    }
    room = op->type == WEIR__IO_RECV_LENT ? WEIR__IO_BUFFERS_BYTES : op->len;
    if (op->type == WEIR__IO_RECV_LENT) {
        op->data = malloc(WEIR__IO_BUFFERS_BYTES);
        assert_non_null(op->data);
        e->memory->lent++;
    }
    *result = (int32_t)copy_out(e, op->data, shorten(e->memory, room < e->unread ? room : e->unread));
    return true;
}
