/* SPDX-License-Identifier: MIT */
/* The wait of a task for the answer to its request. */
#include "core/wait.h"
#include "http/client/connection.h"
#include "http/client/fetch_parts.h"

static void stop_waiting(struct weir__task *task)
{
    struct weir__fetch *f = task->wait_arg;

    f->waiter = NULL;
    weir__wake_cancelled(task);
}

/* The origin is not freed while a fetch from it is under way. */
static bool describe_answer(const struct weir__look *look, const struct weir__task *task,
                            struct weir__wait_words *out)
{
    struct weir__client_connection connection;
    struct weir__origin origin;
    struct weir__fetch fetch;

    return weir__peek(&look->peek, task->wait_arg, &fetch, sizeof fetch) &&
           weir__peek(&look->peek, fetch.connection, &connection, sizeof connection) &&
           weir__peek(&look->peek, connection.origin, &origin, sizeof origin) &&
           weir__peek_text(&look->peek, origin.waits_for, out->text, sizeof out->text);
}

static const struct weir__wait_class an_answer = {"an answer", describe_answer,
                                                  .charge = WEIR_CHARGE_BACKEND};

int weir__fetch_wait(struct weir__fetch *f)
{
    int err = weir__wait_begin();

    if (err < 0)
        return err;
    if (!f->ended && !f->news)
        weir__client_await(f->connection);
    if (f->ended || f->news) {
        f->news = false;
        return 0;
    }
    f->waiter = weir__task_current();
    return weir__park(&an_answer, stop_waiting, f);
}
