/* SPDX-License-Identifier: MIT */
#include "metrics/gateway_status.h"

void gateway_status_init(struct gateway_status *status)
{
    *status = (struct gateway_status){.ready = false};
    pthread_rwlock_init(&status->runtime_lock, NULL);
}

void gateway_status_end(struct gateway_status *status)
{
    pthread_rwlock_destroy(&status->runtime_lock);
}

static void set_runtime(struct gateway_status *status, weir_runtime *runtime, weir_server *server)
{
    pthread_rwlock_wrlock(&status->runtime_lock);
    status->runtime = runtime;
    status->server = server;
    pthread_rwlock_unlock(&status->runtime_lock);
}

void gateway_status_runs(struct gateway_status *status, weir_runtime *runtime, weir_server *server)
{
    set_runtime(status, runtime, server);
}

void gateway_status_stops(struct gateway_status *status)
{
    set_runtime(status, NULL, NULL);
}

weir_runtime *gateway_status_hold(struct gateway_status *status)
{
    weir_runtime *runtime;

    pthread_rwlock_rdlock(&status->runtime_lock);
    runtime = status->runtime;
    if (runtime == NULL)
        pthread_rwlock_unlock(&status->runtime_lock);
    return runtime;
}

void gateway_status_release(struct gateway_status *status)
{
    pthread_rwlock_unlock(&status->runtime_lock);
}
