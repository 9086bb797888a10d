/* SPDX-License-Identifier: MIT */
/* Connections that wait, before their handshake, until the files have been looked at.
 *
 * Files are looked at when connections come. So the first connection after a quiet night would get the
 * certificate of the day before, although it has expired and been replaced since. It waits for the look that
 * it has caused, for a moment: a file system that hangs must not keep out everybody. */
#include "tls/context/connection_record.h"
#include "tls/context/content.h"
#include "tls/context/recheck.h"

enum { WAIT_MAX_NS = 100000000, PERIODS = 2 };

static void end_wait(struct weir__tls_look *look)
{
    weir_tls *tls = look->tls;

    weir__timeout_cancel(look->loop, &look->timeout);
    look->done(look);
    weir_tls_close(tls);
}

static void looked(struct weir__message *message)
{
    end_wait(weir__container_of(message, struct weir__tls_look, message));
}

static void waited_long(struct weir__timeout *timeout)
{
    struct weir__tls_look *look = weir__container_of(timeout, struct weir__tls_look, timeout);
    bool still_waits;

    (void)pthread_mutex_lock(&look->tls->lock);
    still_waits = !weir__list_is_empty(&look->node);
    weir__list_remove(&look->node);
    (void)pthread_mutex_unlock(&look->tls->lock);
    if (still_waits) /* else the message is on its way */
        end_wait(look);
}

bool weir__tls_must_look(SSL *ssl, struct weir__tls_look *look)
{
    weir_tls *tls = weir__tls_connection_of(ssl)->tls;
    struct weir__loop *loop = weir__loop_current();
    int64_t now_ns = weir__loop_now_ns(loop);
    bool waits;

    if (now_ns - atomic_load_explicit(&tls->looked_ns, memory_order_relaxed) < PERIODS * tls->recheck_ns) {
        weir__tls_looked(ssl); /* the look may be over since the SSL was made */
        return false;
    }
    look->tls = tls;
    look->loop = loop;
    look->message.deliver = looked;
    weir__list_init(&look->node);
    weir__timeout_init(&look->timeout, waited_long);
    (void)pthread_mutex_lock(&tls->lock);
    waits = atomic_load(&tls->is_looking);
    if (waits)
        weir__list_push_back(&tls->waiters, &look->node);
    (void)pthread_mutex_unlock(&tls->lock);
    if (!waits) {
        weir__tls_looked(ssl);
        return false;
    }
    (void)weir_tls_hold(tls);
    weir__timeout_set(loop, &look->timeout, now_ns + WAIT_MAX_NS);
    return true;
}

void weir__tls_looks_over(weir_tls *tls)
{
    struct weir__list *node;

    (void)pthread_mutex_lock(&tls->lock);
    while ((node = weir__list_pop_front(&tls->waiters)) != NULL) {
        struct weir__tls_look *look = weir__container_of(node, struct weir__tls_look, node);

        weir__loop_post(look->loop, &look->message);
    }
    (void)pthread_mutex_unlock(&tls->lock);
}

void weir__tls_looked(SSL *ssl)
{
    struct weir__tls_connection *c = weir__tls_connection_of(ssl);
    struct weir__tls_content *content = weir__tls_content_share(c->tls), *before = c->content;

    if (content != before && SSL_set_SSL_CTX(ssl, content->ctx) != NULL) {
        c->content = content;
        content = before;
    }
    weir__tls_content_drop(content);
}
