/* SPDX-License-Identifier: MIT */
/* 22_names NAME [SERVER]: prints the addresses of a name, and prints them again whenever they have changed,
 * until Ctrl-C. SERVER is a DNS server, such as 127.0.0.1:5300, asked instead of those of resolv.conf. */
#include <signal.h>
#include <stdio.h>

#include <weir.h>

/* [follow] */
static void print(const char *name, const weir_resolved *known)
{
    printf("%s:", name);
    for (size_t i = 0; i < known->count; i++)
        printf(" %s", known->addresses[i]);
    if (known->count == 0)
        printf(" %s", known->why);
    printf("%s\n", known->stale ? " (no server answers)" : "");
    (void)fflush(stdout);
}

static int follow(void *arg)
{
    static weir_resolved known; /* 3 KiB, for the one task that follows a name */
    const char *name = arg;
    int err = weir_resolve(name, &known);

    while (err == 0 || err == -WEIR_EDNS) { /* a name without an address may get one */
        print(name, &known);
        err = weir_resolve_change(name, &known);
    }
    return err;
}
/* [/follow] */

/* [main] */
static int follow_until_signal(void *name)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    weir_signals signals;
    weir_scope scope;
    int err = weir_signals_open(&signals, numbers, 2);

    if (err < 0)
        return err;
    weir_scope_open(&scope, weir_never(), 0);
    err = weir_spawn(&scope, "following a name", follow, name);
    if (err == 0)
        err = weir_signals_wait(&signals); /* ends also when the task fails, which cancels the scope */
    weir_scope_cancel(&scope);
    (void)weir_scope_close(&scope);
    weir_signals_close(&signals);
    return err < 0 ? err : 0;
}

int main(int argc, char **argv)
{
    const char *servers[] = {argc > 2 ? argv[2] : NULL};
    const weir_resolver_options resolver = {.servers = servers, .server_count = argc > 2};
    const weir_options options = {.loops = 1, .resolver = &resolver};

    return argc < 2 || argc > 3 ? 2 : weir_run(&options, follow_until_signal, argv[1]) < 0;
}
/* [/main] */
