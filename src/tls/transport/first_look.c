/* SPDX-License-Identifier: MIT */
/* A handshake that begins when the files of its context have been looked at. A connection that is closed
 * meanwhile leaves its SSL to the look. */
#include <stdlib.h>

#include "tls/transport/inside.h"

struct weir__tls_first_look {
    struct weir__tls_look look;
    struct weir__tls *connection; /* NULL: it is closed */
    SSL *ssl;
};

/* On the loop's own stack. */
static void looked(struct weir__tls_look *look)
{
    struct weir__tls_first_look *f = weir__container_of(look, struct weir__tls_first_look, look);
    struct weir__tls *t = f->connection;

    if (t == NULL) {
        SSL_free(f->ssl);
    } else {
        weir__tls_looked(t->ssl);
        t->look = NULL;
        weir__tls_wake(t);
    }
    free(f);
}

bool weir__tls_first_look_start(struct weir__tls *t)
{
    struct weir__tls_first_look *f = calloc(1, sizeof *f);

    if (f == NULL)
        return false;
    *f = (struct weir__tls_first_look){.look.done = looked, .connection = t, .ssl = t->ssl};
    if (!weir__tls_must_look(t->ssl, &f->look)) {
        free(f);
        return false;
    }
    t->look = f;
    return true;
}

void weir__tls_first_look_leave(struct weir__tls *t)
{
    t->look->connection = NULL;
    t->look = NULL;
    t->ssl = NULL;
}
