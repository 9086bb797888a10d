/* SPDX-License-Identifier: MIT */
/* A chat over plain streams: the first line a client sends is the name of a room, every further line goes to
 * all clients in it. Each client has a bounded queue; a reader so slow that its queue is full is dropped, and
 * holds up no other.
 *
 *     19_tcp_chat [ADDRESS]           nc 127.0.0.1 7000
 */
#include <stdio.h>
#include <string.h>

#include <weir.h>

enum { LINE_BYTES = 512, QUEUE_LINES = 64, ROOM_BYTES = 32, CLIENTS_MAX = 1000 };

struct line {
    size_t bytes;
    char text[LINE_BYTES];
};

struct client {
    struct client *next; /* of all clients: no lock, because all are on one loop */
    weir_stream *stream;
    weir_channel *queue;
    weir_scope *scope; /* of its reader and writer */
    char room[ROOM_BYTES];
    bool slow;
};

static struct client *clients;
static weir_semaphore places;

/* [send] */
/* Puts a line into the queues of a room. Nothing here waits, so the list cannot change meanwhile. */
static void send_to_room(const char *room, const struct line *line)
{
    for (struct client *c = clients; c != NULL; c = c->next) {
        if (c->slow || strcmp(c->room, room) != 0)
            continue;
        if (weir_channel_try_send(c->queue, line) == 0)
            continue;
        c->slow = true; /* its queue is full: it reads too slowly */
        weir_scope_cancel(c->scope);
    }
}

/* The one task that writes to a client: a slow client keeps this task waiting, and no other. */
static int write_lines(void *arg)
{
    struct client *c = arg;
    struct line line;
    int err;

    while ((err = weir_channel_receive(c->queue, &line)) == 0)
        if ((err = weir_write(c->stream, line.text, line.bytes)) < 0)
            break;
    return err;
}
/* [/send] */

/* [read] */
/* Reads one line, with its newline. Returns: its bytes; 0 at the end; < 0: an error. */
static ssize_t read_line(weir_stream *s, struct line *rest, struct line *line)
{
    char *end;

    while ((end = memchr(rest->text, '\n', rest->bytes)) == NULL) {
        ssize_t n = rest->bytes < LINE_BYTES
                        ? weir_read(s, rest->text + rest->bytes, LINE_BYTES - rest->bytes)
                        : -WEIR_ETOOLARGE;

        if (n <= 0)
            return n;
        rest->bytes += (size_t)n;
    }
    line->bytes = (size_t)(end + 1 - rest->text);
    memcpy(line->text, rest->text, line->bytes);
    rest->bytes -= line->bytes;
    memmove(rest->text, end + 1, rest->bytes);
    return (ssize_t)line->bytes;
}

static int chat(struct client *c)
{
    struct line rest = {0}, line;
    ssize_t n = read_line(c->stream, &rest, &line);

    if (n <= 1 || n > ROOM_BYTES)
        return n < 0 ? (int)n : -WEIR_EPROTOCOL;
    memcpy(c->room, line.text, (size_t)n - 1);
    while ((n = read_line(c->stream, &rest, &line)) > 0)
        send_to_room(c->room, &line);
    return (int)n;
}
/* [/read] */

/* [client] */
static void leave(const struct client *c)
{
    struct client **at = &clients;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
}

static int serve_client(void *arg)
{
    struct client c = {.stream = arg};
    weir_scope scope;
    int err = weir_channel_open(sizeof(struct line), QUEUE_LINES, &c.queue);

    if (err == 0) {
        weir_scope_open(&scope, weir_never(), 0);
        c.scope = &scope;
        c.next = clients;
        clients = &c;
        err = weir_spawn(&scope, "writer", write_lines, &c);
        if (err == 0)
            (void)chat(&c);
        leave(&c); /* then no task sends to its queue */
        if (!c.slow)
            weir_channel_end(c.queue); /* the writer writes what is queued, and ends */
        (void)weir_scope_set_deadline(&scope, weir_after_ms(10000)); /* if its client still reads */
        (void)weir_scope_close(&scope);
        weir_channel_close(c.queue);
    }
    if (c.slow) {
        weir_log(WEIR_LOG_INFO, "dropped a slow reader", WEIR_KV("room", c.room));
        weir_stream_abort(c.stream);
    } else {
        weir_stream_close(c.stream);
    }
    weir_semaphore_release(&places);
    return 0;
}
/* [/client] */

static int serve(void *arg)
{
    weir_listener_options options = {
        .address = arg, .stream = {.idle_timeout = weir_seconds(3600), .keepalive = weir_seconds(60)}};
    weir_listener *listener;
    weir_stream *stream;
    weir_scope all;
    int err = weir_listener_open(&options, &listener);

    if (err < 0)
        return err;
    weir_log(WEIR_LOG_INFO, "listening", WEIR_KV("addr", weir_listener_address(listener)));
    weir_semaphore_init(&places, CLIENTS_MAX);
    weir_scope_open(&all, weir_never(), WEIR_COLLECT);
    while ((err = weir_semaphore_acquire(&places)) == 0) {
        err = weir_accept(listener, &stream);
        if (err == 0 && weir_spawn(&all, "client", serve_client, stream) == 0)
            continue;
        weir_semaphore_release(&places);
        if (err == 0)
            weir_stream_close(stream);
        else if (weir_sleep(weir_ms(50)) < 0)
            break;
    }
    weir_listener_close(listener);
    return weir_scope_close(&all);
}

int main(int argc, char **argv)
{
    return weir_run(NULL, serve, argc > 1 ? argv[1] : "127.0.0.1:7000") < 0;
}
