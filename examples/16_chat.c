/* SPDX-License-Identifier: MIT */
/* 16_chat [ADDRESS]: rooms in which each line that a member sends goes to all others, over an upgraded HTTP
 * connection. A member that reads too slowly loses lines, and is told how many; no other member waits for it.
 *
 *     (printf 'GET /rooms/tea/ann HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n'
 *      printf 'Upgrade: chat\r\n\r\n'; cat) | nc 127.0.0.1 8080
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

/* [member] */
enum { LINE_BYTES = 512, OUTBOX = 64, ROOMS_MAX = 100, NAME_BYTES = 32 };

struct line {
    size_t len;
    char text[LINE_BYTES + NAME_BYTES + 4];
};

struct member {
    weir_stream *stream;
    weir_channel *outbox; /* of struct line; full if the member does not read */
    unsigned long lost;   /* lines dropped since the last one that was put into it */
    struct member *next;  /* in its room */
};

struct room {
    char name[NAME_BYTES];
    struct member *members; /* NULL: the room is free for another name */
};

/* One loop serves all rooms, and a task is never interrupted between two waits: no lock is needed. */
static struct room rooms[ROOMS_MAX];

static void deliver(struct member *m, const struct line *line) /* never waits */
{
    struct line note;

    if (m->lost > 0) {
        note.len = (size_t)snprintf(note.text, sizeof note.text, "* %lu lines were lost\n", m->lost);
        m->lost = weir_channel_try_send(m->outbox, &note) == 0 ? 0 : m->lost;
    }
    if (m->lost > 0 || weir_channel_try_send(m->outbox, line) < 0)
        m->lost++;
}

static int write_outbox(void *arg) /* the task that waits while its member does not read */
{
    const struct member *m = arg;
    struct line line;
    int err;

    while ((err = weir_channel_receive(m->outbox, &line)) == 0) {
        err = weir_write(m->stream, line.text, line.len);
        if (err < 0)
            return err; /* cancels the scope, and with it the task that reads */
    }
    return err == -WEIR_ECLOSED ? 0 : err;
}
/* [/member] */

static int read_lines(struct room *room, const struct member *m, const char *name)
{
    char data[LINE_BYTES];
    size_t len = 0;
    ssize_t n;

    while ((n = weir_read(m->stream, data + len, sizeof data - len)) > 0) {
        char *end;

        len += (size_t)n;
        while ((end = memchr(data, '\n', len)) != NULL || len == sizeof data) {
            size_t used = end != NULL ? (size_t)(end - data) + 1 : len; /* a line that is too long is cut */
            struct line line;

            line.len = (size_t)snprintf(line.text, sizeof line.text, "%s: %.*s\n", name,
                                        (int)(end != NULL ? used - 1 : used), data);
            for (struct member *other = room->members; other != NULL; other = other->next)
                if (other != m)
                    deliver(other, &line);
            memmove(data, data + used, len -= used);
        }
    }
    return (int)n;
}

/* [join] */
static struct room *find_room(const char *name)
{
    struct room *unused = NULL;

    for (int i = 0; i < ROOMS_MAX; i++) {
        if (rooms[i].members != NULL && strcmp(rooms[i].name, name) == 0)
            return &rooms[i];
        if (rooms[i].members == NULL)
            unused = &rooms[i];
    }
    if (unused != NULL)
        snprintf(unused->name, sizeof unused->name, "%s", name);
    return unused;
}

static int talk(struct room *room, struct member *m, const char *name)
{
    struct member **link = &room->members;
    weir_scope scope;
    int err;

    m->next = room->members;
    room->members = m;
    weir_scope_open(&scope, weir_never(), 0);
    weir_spawn(&scope, "outbox", write_outbox, m);
    err = read_lines(room, m, name);
    while (*link != m)
        link = &(*link)->next;
    *link = m->next;
    weir_channel_end(m->outbox); /* the lines that are in it are still written */
    if (err < 0)
        weir_scope_cancel(&scope);
    weir_scope_close(&scope);
    return err;
}

static int chat(weir_request *req, weir_response *res, void *state)
{
    const char *name = weir_request_param(req, "name");
    struct member m = {0};
    struct room *room;
    int err = weir_channel_open(sizeof(struct line), OUTBOX, &m.outbox);

    (void)state;
    if (err == 0 && strlen(name) < NAME_BYTES && strlen(weir_request_param(req, "room")) < NAME_BYTES)
        err = weir_request_upgrade(req, res, "chat", &m.stream); /* 101; then the stream is the handler's */
    else if (err == 0)
        err = weir_respond_fault(res, 400, "name", "a name has at most 31 bytes");
    room = m.stream != NULL ? find_room(weir_request_param(req, "room")) : NULL;
    if (room != NULL)
        err = talk(room, &m, name);
    weir_stream_close(m.stream);
    weir_channel_close(m.outbox);
    return err;
}
/* [/join] */

int main(int argc, char **argv)
{
    weir_server_options options = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080", .runtime.loops = 1};
    weir_route route = {.path = "/rooms/{room}/{name}", .handler = chat};

    return weir_serve(&options, &route, 1) < 0;
}
