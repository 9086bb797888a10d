/* SPDX-License-Identifier: MIT */
#include "http/server/output_queue.h"

#include "base/list.h"
#include "core/task.h"
#include "core/wait.h"

static const struct weir__wait_class turn_to_send = {"its turn to send", NULL, .charge = WEIR_CHARGE_SEND};

/* Returns: false: the queue is full. */
static bool append(struct weir__output_queue *q, struct weir__output_writer *writer)
{
    struct weir__output_writer *last = q->last;

    if (last->number - last->next->number >= WEIR__OUTPUT_WRITERS_MAX - 1)
        return false;
    writer->number = last->number + 1;
    writer->next = last->next;
    last->next = writer;
    q->last = writer;
    return true;
}

/* Removes a writer that is not the first. */
static void take_out(struct weir__output_queue *q, struct weir__output_writer *writer)
{
    struct weir__output_writer *before = q->last->next;

    while (before->next != writer)
        before = before->next;
    before->next = writer->next;
    if (q->last == writer)
        q->last = before;
}

/* --- tasks --- */

struct waiting {
    struct weir__output_queue *queue;
    struct weir__output_writer *writer;
};

static void give_up(struct weir__task *task)
{
    const struct waiting *w = task->wait_arg;

    take_out(w->queue, w->writer);
    weir__wake_cancelled(task);
}

int weir__output_wait(struct weir__output_queue *q, struct weir__output_writer *writer)
{
    struct waiting w = {q, writer};
    int err = weir__wait_begin();

    if (err < 0)
        return err;
    if (weir__output_is_idle(q)) /* the wait let others run */
        return weir__output_enter(q, writer);
    if (!append(q, writer))
        return -WEIR_EBUSY;
    writer->task = weir__task_current();
    return weir__park(&turn_to_send, give_up, &w);
}

/* --- without a task --- */

static struct weir__output_send *send_of(struct weir__output_writer *writer)
{
    return weir__container_of(writer, struct weir__output_send, writer);
}

/* Returns: whether the send has ended at once. */
static bool start(struct weir__output_send *s)
{
    s->starting = true;
    weir__stream_send_detached(s->stream, &s->send);
    s->starting = false;
    return s->ended;
}

/* Removes the first writer. Returns: the next one; NULL: there is none. */
static struct weir__output_writer *remove_first(struct weir__output_queue *q)
{
    struct weir__output_writer *first = q->last->next;

    if (first == q->last) {
        q->last = NULL;
        return NULL;
    }
    q->last->next = first->next;
    return first->next;
}

/* Goes on after the first writer; done: that writer, if it is a send, which has ended. A loop, not a
 * recursion: any number of sends may end at once. Their callbacks come last, because they may free the queue.
 */
static void go_on(struct weir__output_queue *q, struct weir__output_writer *done)
{
    struct weir__output_writer *next = remove_first(q), **end = done != NULL ? &done->next : &done;

    *end = NULL;
    while (next != NULL && next->task == NULL && start(send_of(next))) {
        *end = next;
        next = remove_first(q);
        end = &(*end)->next;
        *end = NULL;
    }
    if (next != NULL && next->task != NULL)
        weir__wake(next->task, 0);
    while (done != NULL) {
        struct weir__output_send *s = send_of(done);

        done = done->next;
        s->sent(s, s->result);
    }
}

static void ended(struct weir__stream_send *send, weir_stream *stream, int result)
{
    struct weir__output_send *s = weir__container_of(send, struct weir__output_send, send);

    (void)stream;
    s->ended = true;
    s->result = result;
    if (!s->starting)
        go_on(s->queue, &s->writer);
}

int weir__output_send(struct weir__output_queue *q, weir_stream *stream, struct weir__output_send *s)
{
    s->queue = q;
    s->stream = stream;
    s->send.sent = ended;
    s->ended = false;
    s->writer.task = NULL;
    if (q->last != NULL)
        return append(q, &s->writer) ? 0 : -WEIR_EBUSY;
    q->last = s->writer.next = &s->writer;
    s->writer.number = 0;
    if (start(s))
        go_on(q, &s->writer);
    return 0;
}

void weir__output_pass(struct weir__output_queue *q)
{
    go_on(q, NULL);
}
