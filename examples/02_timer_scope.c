/* SPDX-License-Identifier: MIT */
/* Timers and scopes: two tasks under one deadline. One ends in time, the other's sleep is cancelled.
 *
 *     02_timer_scope
 */
#include <stdio.h>
#include <weir.h>

/* [tasks] */
static int tick(void *arg)
{
    (void)arg;
    for (int i = 1; i <= 3; i++) {
        int err = weir_sleep(weir_ms(10));
        if (err < 0)
            return err;
        printf("tick %d\n", i);
    }
    return 0;
}

static int oversleep(void *arg)
{
    int err = weir_sleep(weir_seconds(3600));

    (void)arg;
    printf("overslept: %s\n", weir_error_text(err)); /* every wait of the scope fails */
    return err;
}
/* [/tasks] */

/* [scope] */
static int root(void *arg)
{
    weir_scope scope;
    int err;

    (void)arg;
    weir_scope_open(&scope, weir_after_ms(500), 0);
    weir_spawn(&scope, "tick", tick, NULL);
    weir_spawn(&scope, "oversleep", oversleep, NULL);
    err = weir_scope_close(&scope); /* waits for both tasks: nothing outlives its scope */
    printf("scope: %s%s\n", weir_error_text(err), weir_scope_expired(&scope) ? ", its own" : "");
    return err == -WEIR_EDEADLINE ? 0 : -1;
}

int main(void)
{
    return weir_run(NULL, root, NULL) < 0;
}
/* [/scope] */
