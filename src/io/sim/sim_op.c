/* SPDX-License-Identifier: MIT */
/* Operations: submit, cancel, and the retries of those that are pending.
 *
 * When something about a file has changed (a "kick"), its pending operations are tried again. Those that can
 * end now are reported at the end of the turn, in an order drawn from the seed.
 */
#include <errno.h>
#include <string.h>

#include "io/sim/sim_kernel.h"

enum { CHECKED_BYTES = 16384 }; /* of each held buffer: a checksum of all of a large one would be too slow */

/* --- the buffers the kernel holds --- */

static uint64_t sum(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

static size_t at_most_checked(size_t len)
{
    return len < CHECKED_BYTES ? len : CHECKED_BYTES;
}

static uint64_t checksum(const struct weir__io_op *op)
{
    uint64_t hash = 0xcbf29ce484222325u;
    size_t left = CHECKED_BYTES;

    if (op->type == WEIR__IO_CONNECT)
        return sum(hash, op->addr, op->addr_len);
    if (op->type == WEIR__IO_RECV)
        return sum(hash, op->data, at_most_checked(op->len));
    if (op->type != WEIR__IO_SEND)
        return hash;
    for (size_t i = 0; i < op->msg->msg_iovlen && left > 0; i++) {
        const struct iovec *v = &op->msg->msg_iov[i];
        size_t n = v->iov_len < left ? v->iov_len : left;
        hash = sum(hash, v->iov_base, n);
        left -= n;
    }
    return hash;
}

static void hold_buffer(struct sim_op *held)
{
    struct weir__io_op *op = held->op;

    if (op->type == WEIR__IO_RECV)
        memset(op->data, SIM_POISON, at_most_checked(op->len));
    held->checksum = checksum(op);
}

static void check_buffer(const struct sim *sim, const struct sim_op *held)
{
    if (checksum(held->op) == held->checksum)
        return;
    weir__sim_die(sim, held->op->type == WEIR__IO_RECV
                           ? "the buffer of a pending receive was written by other code"
                           : "the bytes of a pending send or connect were changed");
}

/* --- submitting --- */

static void note_end(struct sim *sim, const struct sim_socket *s, const struct weir__io_op *op,
                     int32_t result)
{
    sim->stats.completions++;
    weir__sim_mark(sim, "ends", s->slot, op->type, result);
}

static bool has_pending(const struct sim_socket *s, uint8_t type)
{
    for (size_t i = 0; i < s->op_count; i++)
        if (s->ops[i].op->type == type)
            return true;
    return false;
}

/* Whether submit tries op at once. A connect always starts at once, because the kernel reads the address in
 * the call. */
static bool is_tried_at_once(struct sim *sim, const struct sim_socket *s, const struct weir__io_op *op)
{
    if (op->type == WEIR__IO_CONNECT)
        return true;
    return !has_pending(s, op->type) && weir__sim_strikes(sim, sim->options.inline_per_million);
}

static void hold(struct sim *sim, struct sim_socket *s, struct weir__io_op *op)
{
    struct sim_op *held;

    s->ops = weir__sim_grow(s->ops, &s->op_capacity, s->op_count + 1, sizeof *s->ops);
    held = &s->ops[s->op_count++];
    *held = (struct sim_op){.op = op, .cancel_at_ns = INT64_MAX};
    hold_buffer(held);
    sim->stats.pending_ops++;
    weir__sim_kick(sim, s->slot);
}

bool weir__sim_submit(struct sim *sim, struct weir__io_op *op)
{
    struct sim_socket *s = weir__sim_socket_of(sim, op->file);

    if (is_tried_at_once(sim, s, op)) {
        int32_t result = weir__sim_attempt(sim, s, op, true);
        if (result != SIM_WOULD_BLOCK) {
            sim->stats.inline_completions++;
            op->result = result;
            note_end(sim, s, op, result);
            return true;
        }
    }
    hold(sim, s, op);
    return false;
}

/* --- retries --- */

static void end_op(struct sim *sim, struct sim_socket *s, size_t i, int32_t result)
{
    struct weir__io_op *op = s->ops[i].op;

    memmove(&s->ops[i], &s->ops[i + 1], (--s->op_count - i) * sizeof *s->ops);
    sim->stats.pending_ops--;
    note_end(sim, s, op, result);
    sim->ended = weir__sim_grow(sim->ended, &sim->ended_capacity, sim->ended_count + 1, sizeof *sim->ended);
    sim->ended[sim->ended_count++] = (struct sim_ended){.op = op, .result = result};
}

static int32_t retry_one(struct sim *sim, struct sim_socket *s, struct sim_op *held)
{
    bool cancelled = held->cancel_at_ns <= sim->now_ns;
    int32_t result;

    check_buffer(sim, held);
    if (cancelled && !weir__sim_strikes(sim, sim->options.cancel_late_per_million))
        return -ECANCELED;
    result = weir__sim_attempt(sim, s, held->op, false);
    return cancelled && result == SIM_WOULD_BLOCK ? -ECANCELED : result;
}

void weir__sim_retry(struct sim *sim, void *subject, uint64_t id)
{
    uint32_t slot = (uint32_t)(uintptr_t)subject;
    struct sim_socket *s = sim->sockets[slot];

    if (s == NULL || s->id != id)
        return;
    s->kicked = false;
    for (size_t i = 0; i < s->op_count;) {
        int32_t result = retry_one(sim, s, &s->ops[i]);
        if (result == SIM_WOULD_BLOCK)
            i++;
        else
            end_op(sim, s, i, result);
    }
}

void weir__sim_cancel(struct sim *sim, struct weir__io_op *op)
{
    struct sim_socket *s = weir__sim_socket_of(sim, op->file);

    for (size_t i = 0; i < s->op_count; i++) {
        if (s->ops[i].op == op) {
            int64_t at_ns = sim->now_ns + weir__sim_draw_ns(sim, 0, sim->options.cancel_max_ns);
            s->ops[i].cancel_at_ns = at_ns;
            weir__sim_push(sim, at_ns, weir__sim_retry, (void *)(uintptr_t)s->slot, s->id);
            return;
        }
    }
    weir__sim_die(sim, "cancel of an operation that is not pending");
}

void weir__sim_report_ended(struct sim *sim)
{
    for (size_t i = sim->ended_count; i > 1; i--) {
        size_t j = (size_t)weir__random_below(&sim->random, i);
        struct sim_ended swap = sim->ended[j];
        sim->ended[j] = sim->ended[i - 1];
        sim->ended[i - 1] = swap;
    }
    for (size_t i = 0; i < sim->ended_count; i++)
        weir__io_finish(&sim->io, sim->ended[i].op, sim->ended[i].result);
    sim->ended_count = 0;
}
