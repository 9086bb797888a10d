/* SPDX-License-Identifier: MIT */
/* TLS on streams. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/task.h"
#include "core/wait.h"
#include "net/idle_limit.h"
#include "net/public_stream.h"
#include "net/wait_address.h"
#include "tls/transport/inside.h"
#include "tls/transport/start_tls.h"

static const struct weir__tls *tls_of(const weir_stream *s)
{
    return s->transport->type == &weir__tls_type ? weir__tls_of(s->transport) : NULL;
}

/* --- of any stream --- */

int weir__tls_stack(weir_stream *s, weir_tls *tls, const char *host, const char *session_key)
{
    if (tls_of(s) != NULL)
        return -EALREADY;
    return weir__tls_put_on(tls, s->transport, host, session_key, &s->transport);
}

bool weir__tls_is_on(const weir_stream *s)
{
    return tls_of(s) != NULL;
}

bool weir__tls_is_agreed(const weir_stream *s)
{
    const struct weir__tls *t = tls_of(s);

    return t != NULL && t->agreed;
}

static bool describe(const struct weir__look *look, const struct weir__task *task,
                     struct weir__wait_words *out)
{
    char peer[WEIR_ADDRESS_BYTES];

    if (!weir__transport_wait_address(look, task, true, peer))
        return false;
    (void)snprintf(out->text, sizeof out->text, "handshake with %s", peer);
    return true;
}

static const struct weir__wait_class shaking = {"a TLS handshake", describe, .charge = WEIR_CHARGE_STREAM};

/* The handshake as an operation. idle_ns: 0: no limit. */
static int wait_handshake(weir_stream *s, int64_t idle_ns)
{
    struct weir__transport_wait w;
    struct weir__idle_limit limit;
    int result;

    if (s->closing)
        return -WEIR_ECLOSED;
    if (tls_of(s) == NULL || tls_of(s)->agreed)
        return weir__wait_begin();
    if (s->writing)
        return -WEIR_EBUSY;
    memset(&w, 0, sizeof w);
    w.op.type = WEIR__IO_CONNECT;
    w.transport = s->transport;
    s->writing = true;
    weir__stream_enter(s);
    if (idle_ns > 0)
        weir__idle_limit_begin(&limit, s, &w, idle_ns);
    result = weir__transport_wait(&w, &shaking);
    if (idle_ns > 0)
        result = (int)weir__idle_limit_end(&limit, result);
    s->writing = false;
    if (s->closing && (result >= 0 || result != weir_cancelled()))
        result = -WEIR_ECLOSED;
    weir__stream_leave(s);
    return result;
}

int weir__tls_handshake(weir_stream *s)
{
    return wait_handshake(s, 0);
}

const char *weir__tls_why(const weir_stream *s)
{
    const struct weir__tls *t = tls_of(s);

    return t != NULL ? t->why : NULL;
}

int weir__tls_info(const weir_stream *s, weir_tls_info *info)
{
    const struct weir__tls *t = tls_of(s);
    const char *name;

    if (t == NULL || !t->agreed || t->ssl == NULL)
        return -ENOTCONN;
    name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
    *info = (weir_tls_info){
        .version = SSL_version(t->ssl) >= TLS1_3_VERSION ? WEIR_TLS_1_3 : WEIR_TLS_1_2,
        .cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(t->ssl)),
        .alpn = t->texts != NULL ? t->texts : "",
        .server_name = name != NULL ? name : "",
        .peer = t->texts != NULL ? t->texts + strlen(t->texts) + 1 : "",
        .resumed = SSL_session_reused(t->ssl) == 1,
    };
    return 0;
}

int weir__tls_take_off(weir_stream *s)
{
    struct weir__tls *t = weir__tls_of(s->transport);

    if (s->transport->type != &weir__tls_type || !t->is_plain)
        return -EINVAL;
    if (t->asked || t->sent != NULL || !weir__list_is_empty(&t->polls) || t->closing ||
        !weir__list_is_empty(&t->finished))
        return -EBUSY;
    weir__list_remove(&t->due);
    s->transport = t->lower;
    t->is_off = true;
    if (t->delivering == 0)
        weir__tls_free_transport(t);
    return 0;
}

/* --- the public functions --- */

int weir_stream_start_tls(weir_stream *s, weir_tls *tls, const char *host)
{
    const struct weir__public_stream *p = weir__public_stream_check(s, __func__);
    int err;

    if (s->closing)
        return -WEIR_ECLOSED;
    if (s->reading || s->writing || s->awaiting)
        return -WEIR_EBUSY;
    if (p->unread != NULL && !weir__tls_is_on(s)) /* would be read as if it had come by TLS */
        return -EINVAL;
    err = weir__tls_stack(s, tls, host, NULL);
    return err < 0 ? err : wait_handshake(s, p->idle_ns);
}

int weir_stream_handshake(weir_stream *s)
{
    return wait_handshake(s, weir__public_stream_check(s, __func__)->idle_ns);
}

int weir_stream_tls_info(weir_stream *s, weir_tls_info *info)
{
    (void)weir__public_stream_check(s, __func__);
    return weir__tls_info(s, info);
}

const char *weir_stream_tls_why(const weir_stream *s)
{
    (void)weir__public_stream_check(s, __func__);
    return weir__tls_why(s);
}
