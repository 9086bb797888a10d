/* SPDX-License-Identifier: MIT */
/* What the connections of a loop share, and the turn of those that have something to do.
 *
 * Of the handshakes one step is done in a turn, since it computes for up to a millisecond; none while tasks
 * are ready, but not for ever: so a storm of handshakes delays everything else by one step.
 */
#include <stdlib.h>

#include "core/task_record.h"
#include "tls/transport/inside.h"
#include "tls/transport/turn.h"

enum { PASSED_MAX = 4 }; /* turns without a step because tasks are ready */

static void post(struct weir__tls_turn *turn)
{
    if (turn->posted)
        return;
    turn->posted = true;
    weir__loop_post(weir__loop_current(), &turn->message);
}

static void advance_due(struct weir__tls_turn *turn)
{
    struct weir__list batch, *node;

    weir__list_init(&batch);
    weir__list_move_all(&batch, &turn->due);
    while ((node = weir__list_pop_front(&batch)) != NULL)
        turn->driver->go_on(weir__container_of(node, struct weir__tls, due));
}

static void step_one(struct weir__tls_turn *turn)
{
    if (weir__list_is_empty(&turn->handshakes))
        return;
    if (weir__loop_current()->ready_count > 0 && turn->passed < PASSED_MAX) {
        turn->passed++;
        return;
    }
    turn->passed = 0;
    turn->driver->step(weir__container_of(weir__list_pop_front(&turn->handshakes), struct weir__tls, due));
}

static void take_turn(struct weir__message *message)
{
    struct weir__tls_turn *turn = weir__container_of(message, struct weir__tls_turn, message);

    turn->posted = false;
    advance_due(turn);
    step_one(turn);
    if (!weir__list_is_empty(&turn->due) || !weir__list_is_empty(&turn->handshakes))
        post(turn);
}

struct weir__tls_turn *weir__tls_turn_here(const struct weir__tls_driver *driver)
{
    struct weir__loop *loop = weir__loop_current();
    struct weir__tls_turn *turn = loop->tls;

    if (turn != NULL)
        return turn;
    turn = calloc(1, sizeof *turn);
    if (turn == NULL)
        return NULL;
    turn->method = weir__tls_bio_method();
    if (turn->method == NULL) {
        free(turn);
        return NULL;
    }
    turn->message.deliver = take_turn;
    turn->driver = driver;
    weir__list_init(&turn->due);
    weir__list_init(&turn->handshakes);
    loop->tls = turn;
    return turn;
}

void weir__tls_turn_free(struct weir__tls_turn *turn)
{
    if (turn == NULL)
        return;
    BIO_meth_free(turn->method);
    free(turn->spare);
    free(turn);
}

void weir__tls_go_on(struct weir__tls *t)
{
    struct weir__tls_turn *turn = weir__loop_current()->tls;

    turn->driver->go_on(t);
}

void weir__tls_wake(struct weir__tls *t)
{
    struct weir__tls_turn *turn = weir__loop_current()->tls;

    weir__list_remove(&t->due);
    weir__list_push_back(&turn->due, &t->due);
    post(turn);
}

void weir__tls_queue_step(struct weir__tls *t)
{
    struct weir__tls_turn *turn = weir__loop_current()->tls;

    if (!weir__list_is_empty(&t->due))
        return;
    weir__list_push_back(&turn->handshakes, &t->due);
    post(turn);
}

bool weir__tls_is_on_own_stack(void)
{
    return weir__running(weir__loop_current()) == NULL;
}
