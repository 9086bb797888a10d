/* SPDX-License-Identifier: MIT */
/* A raw server over several loops: each has a listener of its own at the same port (SO_REUSEPORT), and the
 * kernel spreads connections over them. The protocol is lines: each is answered with the loop and the line.
 *
 *     18_many_loops [ADDRESS]           printf 'hello\n' | nc -N 127.0.0.1 7000
 */
#include <stdio.h>
#include <string.h>

#include <weir.h>

enum { LOOPS = 2, LINE_BYTES = 1024 };

/* [lines] */
/* Answers the complete lines in a buffer. Returns: the bytes that are left, moved to its front; < 0: an
 * error. */
static ssize_t answer_lines(weir_stream *s, char *data, size_t have)
{
    char reply[LINE_BYTES + 32], *line = data, *end;

    while ((end = memchr(line, '\n', have - (size_t)(line - data))) != NULL) {
        int n = snprintf(reply, sizeof reply, "%d %.*s\n", weir_loop_index(), (int)(end - line), line);
        int err = weir_write(s, reply, (size_t)n);

        if (err < 0)
            return err;
        line = end + 1;
    }
    have -= (size_t)(line - data);
    memmove(data, line, have);
    return (ssize_t)have;
}

static int serve_client(void *arg)
{
    weir_stream *s = arg;
    char data[LINE_BYTES];
    ssize_t have = 0, n = 1;

    while (n > 0 && have >= 0 && have < LINE_BYTES) { /* a longer line ends the connection */
        n = weir_read(s, data + have, (size_t)(LINE_BYTES - have));
        if (n > 0)
            have = answer_lines(s, data, (size_t)(have + n));
    }
    weir_stream_close(s);
    return 0;
}
/* [/lines] */

/* [loops] */
static int serve_here(weir_listener *listener)
{
    weir_scope clients;
    weir_stream *s;
    int err;

    weir_scope_open(&clients, weir_never(), WEIR_COLLECT);
    while ((err = weir_accept(listener, &s)) != -WEIR_ECANCELED) {
        if (err == 0 && weir_spawn(&clients, "client", serve_client, s) == 0)
            continue;
        if (err == 0)
            weir_stream_close(s);
        else if (weir_sleep(weir_ms(50)) < 0)
            break;
    }
    weir_listener_close(listener); /* by the loop that opened it */
    return weir_scope_close(&clients);
}

static int serve_loop(void *arg)
{
    weir_listener_options options = {
        .address = arg, .reuse_port = true, .stream.idle_timeout = weir_seconds(60)};
    weir_listener *listener;
    int err = weir_listener_open(&options, &listener);

    return err < 0 ? err : serve_here(listener);
}

struct call {
    const char *address;
    int loop;
};

static int on_loop(void *arg)
{
    const struct call *c = arg;

    return weir_loop_call(c->loop, "serving", serve_loop, (void *)(uintptr_t)c->address);
}

static int serve(void *arg)
{
    weir_listener_options options = {
        .address = arg, .reuse_port = true, .stream.idle_timeout = weir_seconds(60)};
    char address[WEIR_ADDRESS_BYTES];
    struct call calls[LOOPS];
    weir_listener *first;
    weir_scope loops;
    int err = weir_listener_open(&options, &first);

    if (err < 0)
        return err;
    (void)snprintf(address, sizeof address, "%s", weir_listener_address(first)); /* never with port 0 */
    weir_scope_open(&loops, weir_never(), 0);
    for (int i = 1; i < weir_loop_count() && err == 0; i++) {
        calls[i] = (struct call){address, i};
        err = weir_spawn(&loops, "loop", on_loop, &calls[i]);
    }
    weir_log(WEIR_LOG_INFO, "listening", WEIR_KV("addr", address));
    if (err == 0)
        err = serve_here(first);
    return weir_scope_close(&loops);
}

int main(int argc, char **argv)
{
    weir_options options = {.loops = LOOPS};

    return weir_run(&options, serve, argc > 1 ? argv[1] : "127.0.0.1:7000") < 0;
}
/* [/loops] */
