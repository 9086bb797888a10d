/* SPDX-License-Identifier: MIT */
/* The output queue of a connection: many writers, tasks and others, in the order they came. */
#include "net/net_rig.h"

#include "http/server/output_queue.h"

enum { PIECE_BYTES = 30000, TASKS = 6 };

struct line {
    struct pair pair;
    struct weir__output_queue queue;
    struct weir__output_writer hold; /* the test's own writer, for which all others wait */
    int turn;                        /* of the next task */
    int results[TASKS];
};

static void line_open(struct line *line)
{
    memset(line, 0, sizeof *line);
    pair_open(&line->pair, "127.0.0.1:0");
}

static void line_close(struct line *line)
{
    assert_true(weir__output_is_idle(&line->queue));
    pair_close(&line->pair);
}

static void hold(struct line *line)
{
    assert_int_equal(weir__output_enter(&line->queue, &line->hold), 0);
}

static void let_go(struct line *line)
{
    weir__output_leave(&line->queue, &line->hold);
}

/* Writes PIECE_BYTES of one letter. */
static int write_piece(void *arg)
{
    struct line *line = arg;
    struct weir__output_writer writer;
    int number = line->turn++;
    char *piece = malloc(PIECE_BYTES);
    int err;

    assert_non_null(piece);
    memset(piece, 'a' + number, PIECE_BYTES);
    err = weir__output_enter(&line->queue, &writer);
    if (err == 0) {
        err = weir_write(line->pair.server, piece, PIECE_BYTES);
        weir__output_leave(&line->queue, &writer);
    }
    free(piece);
    line->results[number] = err;
    return err;
}

static void expect_piece(struct line *line, char letter)
{
    char *piece = malloc(PIECE_BYTES);

    assert_non_null(piece);
    assert_int_equal(read_all(line->pair.client, piece, PIECE_BYTES), PIECE_BYTES);
    for (size_t i = 0; i < PIECE_BYTES; i++)
        if (piece[i] != letter)
            fail_msg("byte %zu is '%c', not '%c'", i, piece[i], letter);
    free(piece);
}

/* --- in order --- */

struct note {
    struct weir__output_send send;
    struct line *line;
    int *order; /* counts notes that were sent */
    int place, result;
};

static void note_sent(struct weir__output_send *s, int result)
{
    struct note *note = weir__container_of(s, struct note, send);

    note->result = result;
    note->place = (*note->order)++;
}

static int leave_note(struct note *note, struct line *line, int *order, const char *text)
{
    *note = (struct note){.line = line, .order = order, .place = -1, .result = 1};
    note->send.send.data = text;
    note->send.send.bytes = strlen(text);
    note->send.sent = note_sent;
    return weir__output_send(&line->queue, line->pair.server, &note->send);
}

static int write_in_order(void *arg)
{
    struct line line;
    struct note first, notes[3];
    weir_scope scope;
    char text[16] = {0};
    int order = 0;

    (void)arg;
    line_open(&line);
    assert_int_equal(leave_note(&first, &line, &order, "first"), 0);
    assert_int_equal(read_all(line.pair.client, text, 5), 5);
    assert_string_equal(text, "first");
    while (first.place < 0)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    weir_scope_open(&scope, weir_never(), 0);
    hold(&line);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_spawn(&scope, "writer", write_piece, &line), 0);
    while (line.turn < 3)
        assert_int_equal(weir_yield(), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(leave_note(&notes[i], &line, &order, i == 0 ? "<" : i == 1 ? "=" : ">"), 0);
    assert_int_equal(weir_spawn(&scope, "writer", write_piece, &line), 0);
    while (line.turn < 4)
        assert_int_equal(weir_yield(), 0);
    let_go(&line);
    for (int i = 0; i < 3; i++)
        expect_piece(&line, (char)('a' + i));
    assert_int_equal(read_all(line.pair.client, text, 3), 3);
    assert_memory_equal(text, "<=>", 3);
    expect_piece(&line, 'd');
    assert_int_equal(weir_scope_close(&scope), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(notes[i].place, i + 1);
        assert_int_equal(notes[i].result, 0);
    }
    line_close(&line);
    return 0;
}

static void writers_go_in_the_order_they_came(void **state)
{
    (void)state;
    run_on_all_transports(write_in_order, NULL);
}

/* --- leaving early --- */

static int cancel_in_the_middle(void *arg)
{
    struct line line;
    weir_scope rest, left;

    (void)arg;
    line_open(&line);
    weir_scope_open(&rest, weir_never(), 0);
    weir_scope_open(&left, weir_never(), WEIR_COLLECT);
    hold(&line);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(weir_spawn(i == 1 || i == 4 ? &left : &rest, "writer", write_piece, &line), 0);
        while (line.turn <= i)
            assert_int_equal(weir_yield(), 0);
    }
    weir_scope_cancel(&left);
    (void)weir_scope_close(&left);
    assert_int_equal(line.results[1], -WEIR_ECANCELED);
    assert_int_equal(line.results[4], -WEIR_ECANCELED);
    assert_int_equal(weir_spawn(&rest, "writer", write_piece, &line), 0);
    while (line.turn < 6)
        assert_int_equal(weir_yield(), 0);
    let_go(&line);
    expect_piece(&line, 'a');
    expect_piece(&line, 'c');
    expect_piece(&line, 'd');
    expect_piece(&line, 'f');
    assert_int_equal(weir_scope_close(&rest), 0);
    line_close(&line);
    return 0;
}

static void a_cancelled_writer_leaves_the_queue(void **state)
{
    (void)state;
    run_on_all_transports(cancel_in_the_middle, NULL);
}

static int read_everything(void *arg)
{
    weir_stream *s = arg;
    char data[4096];
    ssize_t n;

    while ((n = weir_read(s, data, sizeof data)) > 0)
        ;
    return (int)n;
}

static int let_go_later(void *arg)
{
    struct line *line = arg;

    while (line->turn < 1)
        if (weir_yield() < 0)
            break;
    let_go(line);
    return 0;
}

static int tortured_world(struct torture *t)
{
    struct line line;
    weir_scope peers;
    int result, err;

    line_open(&line);
    hold(&line);
    weir_scope_open(&peers, weir_never(), WEIR_COLLECT);
    assert_int_equal(weir_spawn(&peers, "reader", read_everything, line.pair.client), 0);
    assert_int_equal(weir_spawn(&peers, "holder", let_go_later, &line), 0);
    result = torture_victim(t, write_piece, &line);
    while (!weir__output_is_idle(&line.queue))
        assert_int_equal(weir_yield(), 0);
    err = write_piece(&line);
    assert_true(err == 0 || (result < 0 && err == -WEIR_ECLOSED)); /* after a part, nothing more */
    assert_int_equal(weir_stream_shutdown(line.pair.server), 0);
    assert_int_equal(weir_scope_close(&peers), 0);
    line_close(&line);
    return result;
}

static void every_wait_for_a_turn_can_be_cancelled(void **state)
{
    (void)state;
    assert_true(torture_all_transports(tortured_world, NULL) > 10);
}

/* --- how many --- */

static int fill_the_queue(void *arg)
{
    struct note *notes = calloc(WEIR__OUTPUT_WRITERS_MAX, sizeof *notes);
    struct line line;
    int order = 0;

    (void)arg;
    assert_non_null(notes);
    line_open(&line);
    hold(&line);
    for (int i = 0; i < WEIR__OUTPUT_WRITERS_MAX - 1; i++)
        assert_int_equal(leave_note(&notes[i], &line, &order, "."), 0);
    assert_int_equal(leave_note(&notes[WEIR__OUTPUT_WRITERS_MAX - 1], &line, &order, "."), -WEIR_EBUSY);
    assert_int_equal(write_piece(&line), -WEIR_EBUSY);
    let_go(&line);
    for (int i = 0; i < WEIR__OUTPUT_WRITERS_MAX - 1; i++) {
        char c;
        assert_int_equal(weir_read(line.pair.client, &c, 1), 1);
        assert_int_equal(c, '.');
    }
    while (order < WEIR__OUTPUT_WRITERS_MAX - 1)
        assert_int_equal(weir_sleep(weir_ms(1)), 0);
    line_close(&line);
    free(notes);
    return 0;
}

static void a_full_queue_refuses(void **state)
{
    (void)state;
    run_on_all_transports(fill_the_queue, NULL);
}

/* --- a closed stream --- */

static int close_while_sending(void *arg)
{
    struct line line;
    struct note note;
    size_t bytes = 16 << 20;
    char *much = calloc(1, bytes);
    int order = 0;

    (void)arg;
    assert_non_null(much);
    line_open(&line);
    note = (struct note){.line = &line, .order = &order, .place = -1, .result = 1};
    note.send.send.data = much;
    note.send.send.bytes = bytes;
    note.send.sent = note_sent;
    assert_int_equal(weir__output_send(&line.queue, line.pair.server, &note.send), 0);
    assert_int_equal(note.place, -1);
    weir_stream_abort(line.pair.server);
    line.pair.server = NULL;
    assert_int_equal(note.result, -ECANCELED);
    line_close(&line);
    free(much);
    return 0;
}

static void a_close_ends_a_send(void **state)
{
    (void)state;
    run_on_all_transports(close_while_sending, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_go_in_the_order_they_came),
        cmocka_unit_test(a_cancelled_writer_leaves_the_queue),
        cmocka_unit_test(every_wait_for_a_turn_can_be_cancelled),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(a_close_ends_a_send),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
