/* SPDX-License-Identifier: MIT */
#include "http/client/secure.h"

#include <errno.h>
#include <string.h>

#include "core/account/attribution.h"
#include "core/runtime.h"
#include "tls/transport/start_tls.h"

bool weir__client_tls_fits(const struct weir_tls *tls)
{
    return tls == NULL || !weir__tls_is_server(tls);
}

/* --- the context --- */

/* Whether the code of a failure is that of a file which can't be read. */
static bool is_of_file(int err)
{
    return err > -WEIR_ECANCELED && err != -ENOMEM && err != -EMFILE && err != -ENFILE;
}

int weir__client_open_tls(weir_client *client, const char **why)
{
    struct weir_tls *tls;
    int err;

    if (client->tls != NULL)
        return 0;
    err = weir__tls_default_client(why, &tls);
    if (err < 0)
        return is_of_file(err) ? -WEIR_ECONFIG : err;
    if (client->tls == NULL)
        client->tls = tls;
    else /* another task was faster */
        weir_tls_close(tls);
    return 0;
}

/* --- the handshake --- */

/* What a failed handshake is to a request. A peer that leaves has failed at TLS, too. */
static int failure_of(int err)
{
    switch (-err) {
    case WEIR_ETRUNCATED:
    case ECONNRESET:
    case EPIPE:
        return -WEIR_ETLS;
    default:
        return err;
    }
}

/* A server is free to choose none of the protocols that were offered. */
static bool speaks_http1(const weir_stream *s)
{
    const char *chosen = s->transport->type->alpn(s->transport);

    return chosen[0] == '\0' || strcmp(chosen, "http/1.1") == 0;
}

static int shake_hands(struct weir__client_connection *c, const char **why)
{
    const struct weir__origin *origin = c->origin;
    weir_stream *s = weir__client_stream(c);
    int err = weir__tls_stack(s, c->client->tls, origin->tls_name, origin->tls_key);

    if (err == 0)
        err = failure_of(weir__tls_handshake(s));
    if (err == -WEIR_ETLS)
        *why = weir__client_tls_why(c);
    if (err == 0 && !speaks_http1(s)) {
        *why = "the server has chosen another protocol than http/1.1";
        err = -WEIR_ETLS;
    }
    return err;
}

int weir__client_secure(struct weir__client_connection *c, const char **why)
{
    struct weir__task *self = weir__task_current();
    struct weir__attribution before = weir__attribution_on(self, WEIR_CHARGE_TLS, self->attribution.name);
    int err = shake_hands(c, why);

    weir__attribution_back(self, before);
    return err;
}

const char *weir__client_tls_why(struct weir__client_connection *c)
{
    const char *said = weir__tls_why(weir__client_stream(c)), *kept;

    if (said == NULL)
        return "the server left in the middle of the TLS handshake";
    kept = weir__sentence_keep(&c->client->loop->runtime->sentences, "%s", said);
    return kept != NULL ? kept : "TLS failed, and there is no room for the words";
}
