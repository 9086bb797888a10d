/* SPDX-License-Identifier: MIT */
/* Mistakes with clients, answers and exchanges in pieces: each ends the program with a sentence that names
 * the public function and what to write instead. Each runs in a child process. */
#include "client_rig.h"

#include <pthread.h>

#include "support/mistake.h"

/* --- elsewhere --- */

static weir_client *client_of_loop_0;
static weir_reply reply_of_loop_0;

static int get_on_another_loop(void *arg)
{
    weir_reply reply;

    (void)arg;
    return weir_get(client_of_loop_0, "http://127.0.0.1:1/", &reply);
}

static int client_of_another_loop(void *arg)
{
    (void)arg;
    client_of_loop_0 = client_open(NULL);
    return weir_loop_call(1, "there", get_on_another_loop, NULL);
}

static void *close_on_thread(void *client)
{
    weir_client_close(client);
    return NULL;
}

static int client_on_a_thread(void *arg)
{
    weir_client *client = client_open(NULL);
    pthread_t thread;

    (void)arg;
    if (pthread_create(&thread, NULL, close_on_thread, client) == 0)
        pthread_join(thread, NULL);
    return 0;
}

static void *open_on_thread(void *ignored)
{
    weir_client *client;

    return weir_client_open(NULL, &client) == 0 ? client : ignored;
}

static int open_on_a_thread(void *arg)
{
    pthread_t thread;

    (void)arg;
    if (pthread_create(&thread, NULL, open_on_thread, NULL) == 0)
        pthread_join(thread, NULL);
    return 0;
}

static int free_there(void *arg)
{
    (void)arg;
    weir_reply_free(&reply_of_loop_0);
    return 0;
}

static int reply_of_another_loop(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);

    (void)arg;
    backend_open(&b, serve_ok, NULL);
    assert_int_equal(weir_get(client, b.url, &reply_of_loop_0), 0);
    return weir_loop_call(1, "there", free_there, NULL);
}

static void clients_and_answers_belong_to_a_loop(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = client_of_another_loop,
         .said = {"weir_fetch() ", "a client of loop 0", "weir_post"},
         .loops = 2},
        {.fn = client_on_a_thread,
         .said = {"weir_client_close() from another thread", "a client of loop 0", "weir_post"},
         .is_real = true},
        {.fn = open_on_a_thread,
         .said = {"weir_client_open() outside a task", "weir_run()"},
         .is_real = true},
        {.fn = reply_of_another_loop,
         .said = {"weir_reply_free() ", "an answer of loop 0", "weir_post"},
         .loops = 2},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

/* --- two tasks, and the end --- */

static int serve_nothing(struct backend *b, weir_stream *s, int number)
{
    (void)b;
    (void)s;
    (void)number;
    return weir_sleep(weir_seconds(3600));
}

static int get_slowly(void *arg)
{
    struct backend *b = arg;
    weir_reply reply;

    return weir_get(b->arg, b->url, &reply);
}

static int close_a_busy_client(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_scope scope;

    (void)arg;
    backend_open(&b, serve_nothing, client);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "get", get_slowly, &b), 0);
    (void)weir_yield();
    weir_client_close(client);
    return 0;
}

static int write_much(void *arg)
{
    static const char block[1 << 20];
    int err;

    do
        err = weir_fetch_write(arg, block, sizeof block);
    while (err == 0);
    return err;
}

static int read_head(void *arg)
{
    weir_reply reply;

    return weir_fetch_head(arg, &reply);
}

/* Runs first as a task, which waits, and then second. */
static int disturb(bool duplex, int (*first)(void *f), int (*second)(void *f))
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_fetch_options options = {.method = "POST", .duplex = duplex};
    weir_fetch_stream *f;
    weir_scope scope;

    backend_open(&b, serve_nothing, NULL);
    options.url = b.url;
    assert_int_equal(weir_fetch_open(client, &options, -1, &f), 0);
    weir_scope_open(&scope, weir_never(), 0);
    assert_int_equal(weir_spawn(&scope, "first", first, f), 0);
    assert_int_equal(weir_sleep(weir_ms(100)), 0);
    return second(f);
}

static int close_stream(void *f)
{
    weir_fetch_close(f);
    return 0;
}

static int two_writers(void *arg)
{
    (void)arg;
    return disturb(false, write_much, write_much);
}

static int two_readers(void *arg)
{
    (void)arg;
    return disturb(true, read_head, read_head);
}

static int reader_without_duplex(void *arg)
{
    (void)arg;
    return disturb(false, write_much, read_head);
}

static int close_while_reading(void *arg)
{
    (void)arg;
    return disturb(true, read_head, close_stream);
}

static int close_while_writing(void *arg)
{
    (void)arg;
    return disturb(true, write_much, close_stream);
}

static int read_before_head(void *arg)
{
    struct backend b;
    weir_client *client = client_open(NULL);
    weir_fetch_options options = {0};
    weir_fetch_stream *f;
    char data[8];

    (void)arg;
    backend_open(&b, serve_nothing, NULL);
    options.url = b.url;
    assert_int_equal(weir_fetch_open(client, &options, 0, &f), 0);
    return (int)weir_fetch_read(f, data, sizeof data);
}

static void one_task_writes_and_one_reads(void **state)
{
    static const struct mistake mistakes[] = {
        {.fn = close_a_busy_client,
         .said = {"weir_client_close() of a client with requests in progress", "close the scope"}},
        {.fn = two_writers, .said = {"weir_fetch_write() while another task writes", "one task"}},
        {.fn = two_readers, .said = {"weir_fetch_head() while another task reads", "one task"}},
        {.fn = reader_without_duplex, .said = {"weir_fetch_head() while another task writes", "duplex"}},
        {.fn = close_while_reading, .said = {"weir_fetch_close() while another task", "close the scope"}},
        {.fn = close_while_writing, .said = {"weir_fetch_close() while another task", "close the scope"}},
        {.fn = read_before_head,
         .said = {"weir_fetch_read() before weir_fetch_head()", "read the head first"}},
    };

    (void)state;
    assert_caught(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_and_answers_belong_to_a_loop),
        cmocka_unit_test(one_task_writes_and_one_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
