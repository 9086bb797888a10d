/* SPDX-License-Identifier: MIT */
/* An echo server on plain streams: one task for each connection, and a maximum of connections.
 *
 *     03_echo [ADDRESS]           nc 127.0.0.1 7000
 */
#include <weir.h>

static weir_semaphore places;

/* [echo] */
static int echo(void *arg)
{
    weir_stream *stream = arg;
    char data[1024];
    ssize_t n;

    while ((n = weir_read(stream, data, sizeof data)) > 0)
        if (weir_write(stream, data, (size_t)n) < 0)
            break;
    weir_stream_close(stream);
    weir_semaphore_release(&places);
    return 0; /* a failure of one client is no failure of the server */
}
/* [/echo] */

/* [accept] */
static int serve(void *arg)
{
    weir_listener *listener;
    weir_stream *stream;
    weir_scope clients;
    int err = weir_listen(arg, &listener);

    if (err < 0)
        return err;
    weir_log(WEIR_LOG_INFO, "listening", WEIR_KV("addr", weir_listener_address(listener)));
    weir_semaphore_init(&places, 1000);
    weir_scope_open(&clients, weir_never(), WEIR_COLLECT);
    while ((err = weir_semaphore_acquire(&places)) == 0) { /* the 1001st client waits in the kernel's queue */
        err = weir_accept(listener, &stream);
        if (err == 0 && weir_spawn(&clients, "echo", echo, stream) == 0)
            continue;
        weir_semaphore_release(&places);
        if (err == 0)
            weir_stream_close(stream);        /* no memory for a task */
        else if (weir_sleep(weir_ms(50)) < 0) /* no descriptors: retry a little later */
            break;
    }
    weir_listener_close(listener);
    return weir_scope_close(&clients);
}
/* [/accept] */

int main(int argc, char **argv)
{
    return weir_run(NULL, serve, argc > 1 ? argv[1] : "127.0.0.1:7000") < 0;
}
