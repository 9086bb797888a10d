/* SPDX-License-Identifier: MIT */
#include "tls/context.h"

#include <errno.h>

int weir_tls_server_open(const weir_tls_server_options *options, const char **why, weir_tls **out)
{
    (void)options;
    (void)why;
    (void)out;
    return -ENOSYS;
}

int weir_tls_client_open(const weir_tls_client_options *options, const char **why, weir_tls **out)
{
    (void)options;
    (void)why;
    (void)out;
    return -ENOSYS;
}

weir_tls *weir_tls_hold(weir_tls *tls)
{
    return tls;
}

void weir_tls_close(weir_tls *tls)
{
    (void)tls;
}

void weir_tls_stats_get(const weir_tls *tls, weir_tls_stats *stats)
{
    (void)tls;
    *stats = (weir_tls_stats){0};
}

const char *weir_tls_failure_name(enum weir_tls_failure failure)
{
    static const char *const names[WEIR_TLS_FAILURES] = {
        [WEIR_TLS_FAILED_VERSION] = "version", [WEIR_TLS_FAILED_CIPHER] = "cipher",
        [WEIR_TLS_FAILED_ALPN] = "alpn",       [WEIR_TLS_FAILED_EXPIRED] = "expired",
        [WEIR_TLS_FAILED_NAME] = "name",       [WEIR_TLS_FAILED_AUTHORITY] = "authority",
        [WEIR_TLS_FAILED_NONE] = "none",       [WEIR_TLS_FAILED_REFUSED] = "refused",
        [WEIR_TLS_FAILED_PLAIN] = "plain",     [WEIR_TLS_FAILED_GARBAGE] = "garbage",
        [WEIR_TLS_FAILED_LEFT] = "left",       [WEIR_TLS_FAILED_TIME] = "time",
        [WEIR_TLS_FAILED_OTHER] = "other",
    };

    return (unsigned)failure < WEIR_TLS_FAILURES ? names[failure] : "?";
}

void weir_tls_certificates_each(const weir_tls *tls,
                                void (*fn)(void *arg, const weir_tls_certificate_info *info), void *arg)
{
    (void)tls;
    (void)fn;
    (void)arg;
}

struct weir__layer *weir__tls_layer(weir_tls *tls)
{
    (void)tls;
    return NULL;
}

int weir__tls_default_client(const char **why, weir_tls **out)
{
    (void)why;
    (void)out;
    return -ENOSYS;
}
