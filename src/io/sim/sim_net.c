/* SPDX-License-Identifier: MIT */
/* Connections: segments on their way, faults, windows, resets.
 *
 * A segment that leaves one end is put into under_way of the other end, in order and with its time of
 * arrival; one event is queued for the head of that list. On arrival, data goes to `arrived`, from where
 * receives take it. Bytes count against the buffer of the direction from the moment they leave until the
 * sender learns that they were read.
 *
 * As in Linux: bytes that arrived before a reset can still be read; a reset is reported once, by the first
 * operation that can, and after that sends give -EPIPE and receives the end; closing with unread bytes resets
 * the peer.
 */
#include "io/sim/sim_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { SYN_FIRST_RETRY_NS = 1000000000, SYN_RETRIES_DOUBLED = 6, LOSSES_IN_A_ROW = 12 };

/* --- lists of segments --- */

static void append(struct sim_segments *list, struct sim_segment *segment)
{
    if (list->head == NULL)
        list->tail = &list->head;
    segment->next = NULL;
    *list->tail = segment;
    list->tail = &segment->next;
}

static struct sim_segment *remove_head(struct sim_segments *list)
{
    struct sim_segment *segment = list->head;

    list->head = segment->next;
    return segment;
}

static void discard(struct sim_segments *list)
{
    while (list->head != NULL)
        free(remove_head(list));
}

/* --- life of a connection --- */

void weir__sim_connection_free(struct sim *sim, struct sim_connection *c)
{
    for (int side = 0; side < 2; side++) {
        discard(&c->end[side].under_way);
        discard(&c->end[side].arrived);
    }
    weir__list_remove(&c->node);
    weir__list_remove(&c->queued);
    sim->stats.connections--;
    free(c);
}

static void unref(struct sim *sim, struct sim_connection *c)
{
    if (--c->refs == 0)
        weir__sim_connection_free(sim, c);
}

static void later(struct sim *sim, int64_t at_ns, sim_event_fn *run, struct sim_connection *c, uint64_t tag)
{
    c->refs++;
    weir__sim_push(sim, at_ns, run, c, tag);
}

static const struct weir__sim_options *options_of(const struct sim *sim, const struct sim_connection *c)
{
    return weir__sim_link_options(sim, c->link);
}

static void break_end(struct sim *sim, struct sim_connection *c, int side, int error)
{
    struct sim_end *end = &c->end[side];

    if (end->gone)
        return;
    end->gone = true;
    end->error = error;
    discard(&end->under_way);
    weir__sim_mark(sim, "broken", c->id, (uint64_t)side, error);
    weir__sim_kick(sim, end->slot);
}

/* --- delivery --- */

static void arrive(struct sim *sim, void *subject, uint64_t tag);
static void transmit(struct sim *sim, struct sim_connection *c, int side, enum sim_segment_type type,
                     const char *bytes, size_t len);

static void arm(struct sim *sim, struct sim_connection *c, int side, int64_t at_ns)
{
    if (c->end[side].armed)
        return;
    c->end[side].armed = true;
    later(sim, at_ns, arrive, c, (uint64_t)side);
}

/* tag: the number of the hold and, in the lowest bit, the side that could not be reached. */
static void give_up(struct sim *sim, void *subject, uint64_t tag)
{
    struct sim_connection *c = subject;
    int side = (int)(tag & 1);
    const struct sim_end *end = &c->end[side];

    if (end->holding && end->hold == tag >> 1) {
        if (side == 0 && !end->established)
            break_end(sim, c, 0, ETIMEDOUT); /* the answer to a connect never came */
        else
            break_end(sim, c, 1 - side, ETIMEDOUT);
    }
    unref(sim, c);
}

static void hold_up(struct sim *sim, struct sim_connection *c, int side)
{
    struct sim_end *end = &c->end[side];
    const struct weir__sim_options *o = options_of(sim, c);
    bool connecting;

    if (end->holding || end->under_way.head == NULL)
        return;
    end->holding = true;
    end->hold++;
    connecting = end->under_way.head->type == SIM_SYNACK;
    weir__sim_mark(sim, "held up", c->id, (uint64_t)side, 0);
    later(sim, sim->now_ns + (connecting ? o->connect_timeout_ns : o->give_up_ns), give_up, c,
          (uint64_t)end->hold << 1 | (uint64_t)side);
}

static void deliver(struct sim *sim, struct sim_connection *c, int side, struct sim_segment *segment)
{
    struct sim_end *end = &c->end[side];
    enum sim_segment_type type = segment->type;

    weir__sim_mark(sim, "arrives", c->id << 1 | (uint64_t)side, (uint64_t)type, (int64_t)segment->len);
    if (type == SIM_DATA && !end->closed && !end->gone)
        append(&end->arrived, segment);
    else
        free(segment);
    if (end->closed) {
        if (type == SIM_DATA || type == SIM_SYNACK)
            transmit(sim, c, side, SIM_RST, NULL, 0);
        return;
    }
    if (type == SIM_SYNACK) {
        end->established = true;
        sim->stats.connects_ok++;
    } else if (type == SIM_FIN) {
        end->fin_seen = true;
    } else if (type == SIM_RST) {
        break_end(sim, c, side, !end->established ? ECONNREFUSED : end->fin_seen ? EPIPE : ECONNRESET);
    }
    weir__sim_kick(sim, end->slot);
}

static void arrive(struct sim *sim, void *subject, uint64_t tag)
{
    struct sim_connection *c = subject;
    int side = (int)tag;
    struct sim_end *end = &c->end[side];

    end->armed = false;
    if (end->dead || c->link->partitioned) {
        hold_up(sim, c, side);
    } else {
        while (end->under_way.head != NULL && end->under_way.head->at_ns <= sim->now_ns)
            deliver(sim, c, side, remove_head(&end->under_way));
        if (end->under_way.head != NULL)
            arm(sim, c, side, end->under_way.head->at_ns);
    }
    unref(sim, c);
}

/* --- sending --- */

static int64_t latency(struct sim *sim, const struct sim_connection *c)
{
    const struct weir__sim_options *o = options_of(sim, c);
    int64_t ns = weir__sim_draw_ns(sim, o->latency_min_ns, o->latency_max_ns);
    int64_t again_ns = o->retransmit_ns;

    if (weir__sim_fault(sim, o->slow_per_million, "slow", c->id))
        ns += o->slow_ns;
    for (int i = 0; i < LOSSES_IN_A_ROW && weir__sim_fault(sim, o->loss_per_million, "lost", c->id); i++) {
        ns += again_ns;
        again_ns *= 2;
    }
    return ns;
}

static void transmit(struct sim *sim, struct sim_connection *c, int side, enum sim_segment_type type,
                     const char *bytes, size_t len)
{
    struct sim_end *to = &c->end[1 - side];
    struct sim_segment *segment;

    if (to->gone)
        return;
    segment = weir__sim_alloc(sizeof *segment + len);
    segment->type = type;
    segment->len = len;
    if (len > 0)
        memcpy(segment->bytes, bytes, len);
    segment->at_ns = sim->now_ns + latency(sim, c);
    if (segment->at_ns < to->last_at_ns)
        segment->at_ns = to->last_at_ns;
    to->last_at_ns = segment->at_ns;
    append(&to->under_way, segment);
    arm(sim, c, 1 - side, segment->at_ns);
}

void weir__sim_transmit(struct sim *sim, struct sim_connection *c, int side, const char *bytes, size_t len)
{
    const struct weir__sim_options *o = options_of(sim, c);
    struct sim_end *to = &c->end[1 - side];

    sim->stats.bytes_sent += len;
    if (weir__sim_fault(sim, o->reset_per_million, "reset", c->id)) {
        transmit(sim, c, side, SIM_RST, NULL, 0);
        transmit(sim, c, 1 - side, SIM_RST, NULL, 0);
        return;
    }
    if (!to->dead && weir__sim_fault(sim, o->stall_per_million, "stall", c->id))
        to->dead = true;
    to->in_use_bytes += len;
    transmit(sim, c, side, SIM_DATA, bytes, len);
}

size_t weir__sim_room(const struct sim *sim, const struct sim_connection *c, int side)
{
    size_t all = options_of(sim, c)->kernel_buffer_bytes;
    size_t used = c->end[1 - side].in_use_bytes;

    return all > used ? all - used : 0;
}

void weir__sim_finish(struct sim *sim, struct sim_connection *c, int side)
{
    struct sim_end *end = &c->end[side];

    if (end->fin_sent || end->gone)
        return;
    end->fin_sent = true;
    transmit(sim, c, side, SIM_FIN, NULL, 0);
}

void weir__sim_leave(struct sim *sim, struct sim_connection *c, int side, bool reset)
{
    struct sim_end *end = &c->end[side];
    struct sim_end *peer = &c->end[1 - side];
    bool silent = end->gone || !end->established;

    if (!silent && (reset || end->arrived.head != NULL)) {
        weir__sim_mark(sim, "resets", c->id, (uint64_t)side, 0);
        if (weir__sim_strikes(sim, 500000)) { /* segments that are not on the wire yet are never sent */
            discard(&peer->under_way);
            peer->last_at_ns = sim->now_ns;
        }
        transmit(sim, c, side, SIM_RST, NULL, 0);
    } else if (!silent) {
        weir__sim_finish(sim, c, side);
    }
    end->closed = true;
    end->slot = SIM_NO_SLOT;
    discard(&end->arrived);
    unref(sim, c);
}

/* --- receiving --- */

size_t weir__sim_unread(const struct sim_connection *c, int side)
{
    size_t bytes = 0;

    for (const struct sim_segment *s = c->end[side].arrived.head; s != NULL; s = s->next)
        bytes += s->len - s->taken;
    return bytes;
}

static void window_opens(struct sim *sim, void *subject, uint64_t tag)
{
    struct sim_connection *c = subject;
    struct sim_end *end = &c->end[tag];

    end->window_armed = false;
    if (!c->link->partitioned) {
        end->in_use_bytes -= end->freed_bytes;
        end->taken_bytes += end->freed_bytes;
        end->freed_bytes = 0;
        weir__sim_kick(sim, c->end[1 - tag].slot);
    }
    unref(sim, c);
}

static void arm_window(struct sim *sim, struct sim_connection *c, int side)
{
    if (c->end[side].window_armed)
        return;
    c->end[side].window_armed = true;
    later(sim, sim->now_ns + latency(sim, c), window_opens, c, (uint64_t)side);
}

void weir__sim_take(struct sim *sim, struct sim_connection *c, int side, char *to, size_t len)
{
    struct sim_end *end = &c->end[side];

    end->freed_bytes += len;
    sim->stats.bytes_received += len;
    while (len > 0) {
        struct sim_segment *s = end->arrived.head;
        size_t n = s->len - s->taken < len ? s->len - s->taken : len;
        memcpy(to, s->bytes + s->taken, n);
        s->taken += n;
        to += n;
        len -= n;
        if (s->taken == s->len)
            free(remove_head(&end->arrived));
    }
    arm_window(sim, c, side);
}

void weir__sim_heal(struct sim *sim, struct sim_link *link)
{
    weir__list_each (node, &sim->connections) {
        struct sim_connection *c = weir__container_of(node, struct sim_connection, node);
        if (c->link != link)
            continue;
        for (int side = 0; side < 2; side++) {
            struct sim_end *end = &c->end[side];
            end->holding = false;
            if (end->under_way.head != NULL)
                arm(sim, c, side, sim->now_ns + latency(sim, c));
            if (end->freed_bytes > 0)
                arm_window(sim, c, side);
        }
    }
}

/* --- connecting --- */

static void syn_arrives(struct sim *sim, void *subject, uint64_t tag);

static void try_syn_again(struct sim *sim, struct sim_connection *c)
{
    int64_t at_ns = sim->now_ns + ((int64_t)SYN_FIRST_RETRY_NS << c->syn_tries);

    if (sim->now_ns >= c->syn_until_ns) {
        break_end(sim, c, 0, ETIMEDOUT);
        return;
    }
    if (c->syn_tries < SYN_RETRIES_DOUBLED)
        c->syn_tries++;
    later(sim, at_ns < c->syn_until_ns ? at_ns : c->syn_until_ns, syn_arrives, c, 0);
}

static void answer_syn(struct sim *sim, struct sim_connection *c)
{
    struct sim_socket *listener = weir__sim_find_listener(sim, &c->name[1]);

    if (listener != NULL && listener->queue_count >= listener->queue_max) {
        weir__sim_mark(sim, "backlog full", c->id, listener->slot, 0);
        try_syn_again(sim, c);
        return;
    }
    c->end[1].established = true;
    if (listener == NULL || weir__sim_fault(sim, options_of(sim, c)->refuse_per_million, "refused", c->id)) {
        c->end[1].closed = true;
        transmit(sim, c, 1, SIM_RST, NULL, 0);
        return;
    }
    c->refs++;
    weir__list_push_back(&listener->queue, &c->queued);
    listener->queue_count++;
    transmit(sim, c, 1, SIM_SYNACK, NULL, 0);
    weir__sim_kick(sim, listener->slot);
}

static void syn_arrives(struct sim *sim, void *subject, uint64_t tag)
{
    struct sim_connection *c = subject;

    (void)tag;
    weir__sim_mark(sim, "syn", c->id, c->syn_tries, 0);
    if (!c->end[0].closed && !c->end[0].gone) {
        if (c->syn_dead || c->link->partitioned)
            try_syn_again(sim, c);
        else
            answer_syn(sim, c);
    }
    unref(sim, c);
}

/* A Unix socket fails at once when there is no listener or its queue is full. */
static int ask_unix(struct sim *sim, const struct sim_address *to)
{
    const struct sim_socket *listener = weir__sim_find_listener(sim, to);

    if (listener == NULL)
        return ((const struct sockaddr_un *)&to->name)->sun_path[0] == '\0' ? -ECONNREFUSED : -ENOENT;
    return listener->queue_count >= listener->queue_max ? -EAGAIN : 0;
}

int weir__sim_connect(struct sim *sim, struct sim_socket *socket, const struct sim_address *to)
{
    struct sim_connection *c;
    int err;

    if (to->name.ss_family != socket->family)
        return -EAFNOSUPPORT;
    err = socket->family == AF_UNIX ? ask_unix(sim, to) : 0;
    if (err != 0)
        return err;
    c = weir__sim_alloc(sizeof *c);
    c->link = weir__sim_link_to(sim, to);
    c->id = ++sim->next_id;
    c->refs = 1;
    c->name[0] = weir__sim_client_address(sim, to);
    c->name[1] = *to;
    c->end[0].slot = socket->slot;
    c->end[1].slot = SIM_NO_SLOT;
    c->syn_until_ns = sim->now_ns + options_of(sim, c)->connect_timeout_ns;
    c->syn_dead = weir__sim_fault(sim, options_of(sim, c)->connect_stall_per_million, "connect stall", c->id);
    weir__list_init(&c->queued);
    weir__list_push_back(&sim->connections, &c->node);
    sim->stats.connections++;
    socket->type = SIM_STREAM;
    socket->connection = c;
    socket->side = 0;
    later(sim, sim->now_ns + latency(sim, c), syn_arrives, c, 0);
    return 0;
}
