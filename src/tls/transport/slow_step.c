/* SPDX-License-Identifier: MIT */
/* A step of a handshake that computes for long, as a job of the pool for computing.
 *
 * The job has the SSL for itself, with its bytes. A connection that is closed meanwhile leaves the SSL to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/pool.h>

#include "core/scope.h"
#include "tls/transport/inside.h"

struct weir__tls_slow_step {
    struct weir__message home;
    struct weir__tls *connection; /* NULL: it is closed */
    struct weir__loop *loop;
    SSL *ssl;
    struct weir__tls_bytes bytes;
    bool ran;
    int outcome;                   /* as SSL_get_error(), 0 success */
    enum weir_tls_failure failure; /* of a step that failed */
    char why[WEIR__TLS_WHY_BYTES];
    char first[WEIR__TLS_FIRST_BYTES];
    uint8_t first_bytes;
    char in[];
};

static void free_step(struct weir__tls_slow_step *s)
{
    free(s->bytes.out);
    free(s);
}

static int run(weir_job *job, void *arg)
{
    struct weir__tls_slow_step *s = arg;

    (void)job;
    s->outcome = weir__tls_handshake_call(s->ssl);
    if (s->outcome != SSL_ERROR_NONE && s->outcome != SSL_ERROR_WANT_READ)
        s->failure = weir__tls_explain(s->ssl, s->first, s->first_bytes, s->why);
    s->ran = true;
    return 0;
}

/* On the loop's own stack. */
static void came_home(struct weir__message *message)
{
    struct weir__tls_slow_step *s = weir__container_of(message, struct weir__tls_slow_step, home);
    struct weir__tls *t = s->connection;
    bool failed;

    if (t == NULL) {
        SSL_free(s->ssl);
        free_step(s);
        return;
    }
    if (!s->ran) /* the pool is being closed */
        (void)run(NULL, s);
    t->slow = NULL;
    weir__tls_bio_move(t->ssl, &t->bytes);
    t->bytes.out = s->bytes.out;
    t->bytes.starved = s->bytes.starved;
    s->bytes.out = NULL;
    failed = s->outcome != SSL_ERROR_NONE && s->outcome != SSL_ERROR_WANT_READ;
    if (failed)
        weir__tls_failed_by(t, t->bytes.starved ? -ENOMEM : -WEIR_ETLS, s->failure, s->why);
    else
        weir__tls_stepped(t, s->outcome);
    free_step(s);
    weir__tls_go_on(t);
}

/* A task, since a job has one that waits for it. */
static int have_it_run(void *arg)
{
    struct weir__tls_slow_step *s = arg;
    const weir_offload_options waits = {.when_full = WEIR_WAIT};

    (void)weir_offload_with(weir_pool_compute(), "TLS handshake", run, s, &waits);
    s->home.deliver = came_home;
    weir__loop_post(s->loop, &s->home);
    return 0;
}

bool weir__tls_slow_step_start(struct weir__tls *t)
{
    struct weir__tls_slow_step *s = calloc(1, sizeof *s + t->bytes.in_bytes);

    if (s == NULL)
        return false;
    s->connection = t;
    s->loop = weir__loop_current();
    s->ssl = t->ssl;
    memcpy(s->first, t->first, sizeof s->first);
    s->first_bytes = t->first_bytes;
    if (t->bytes.in_bytes > 0)
        memcpy(s->in, t->bytes.in, t->bytes.in_bytes);
    s->bytes = (struct weir__tls_bytes){.in = s->in, .in_bytes = t->bytes.in_bytes, .out = t->bytes.out};
    if (weir__spawn(s->loop->root, "TLS handshake", have_it_run, s, NULL) < 0) {
        free(s);
        return false;
    }
    t->slow = s;
    t->bytes.out = NULL;
    weir__tls_bio_move(t->ssl, &s->bytes);
    weir__tls_release(t);
    return true;
}

void weir__tls_slow_step_leave(struct weir__tls *t)
{
    t->slow->connection = NULL;
    t->slow = NULL;
    t->ssl = NULL;
}
