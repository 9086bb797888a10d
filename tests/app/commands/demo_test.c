/* SPDX-License-Identifier: MIT */
/* weir demo: its services, with and without the gateway. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/support/asking.h"
#include "app/support/console.h"
#include "app/support/given_json.h"
#include "commands/commands.h"
#include "commands/demo_services.h"
#include "support/run.h"

/* --- the services --- */

static struct demo_services *start(bool replay)
{
    const struct demo_services_options options = {.seed = 7, .replay = replay};
    struct demo_services *services;

    assert_int_equal(demo_services_start(&options, &services), 0);
    return services;
}

static json_t *ask_service(const struct demo_services *services, int index, const char *path)
{
    struct answer a = {0};
    json_t *json;

    ask(&a, demo_service_address(services, index), path, NULL);
    assert_int_equal(a.status, 200);
    json = read_json(a.body);
    answer_free(&a);
    return json;
}

static void each_service_has_its_name_and_address(void **state)
{
    struct demo_services *services = start(false);

    (void)state;
    for (int i = 0; i < DEMO_SERVICES - 1; i++) { /* the last one fails now and then */
        json_t *json = ask_service(services, i, "/a%20b/1");
        assert_string_equal(text_at(json, "service"), demo_service_names[i]);
        assert_string_equal(text_at(json, "path"), "/a%20b/1");
        assert_true(number_at(json, "number") == 0);
        assert_true(number_at(json, "delay_ms") > 0);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(demo_service_address(services, i), demo_service_address(services, k));
        json_decref(json);
    }
    demo_services_stop(services);
}

static void with_replay_the_path_chooses_the_delay(void **state)
{
    struct demo_services *services = start(true);
    json_t *first = ask_service(services, 0, "/x/42"), *second = ask_service(services, 0, "/y/42"),
           *other = ask_service(services, 0, "/x/43"), *unnumbered = ask_service(services, 0, "/x/4z");

    (void)state;
    assert_true(number_at(first, "number") == 42);
    assert_true(number_at(first, "delay_ms") == number_at(second, "delay_ms"));
    assert_true(number_at(first, "delay_ms") != number_at(other, "delay_ms"));
    assert_true(number_at(unnumbered, "number") == 3); /* the count of requests */
    json_decref(first);
    json_decref(second);
    json_decref(other);
    json_decref(unnumbered);
    demo_services_stop(services);
}

static void the_last_one_fails_now_and_then(void **state)
{
    struct demo_services *services = start(true);
    int failed = 0, fine = 0;
    struct answer a = {0};
    char path[32];

    (void)state;
    for (int i = 0; i < 400 && (failed == 0 || fine == 0); i++) {
        (void)snprintf(path, sizeof path, "/%d", i);
        ask(&a, demo_service_address(services, DEMO_SERVICES - 1), path, NULL);
        assert_true(a.status == 200 || a.status == 503);
        fine += a.status == 200;
        if (a.status == 503)
            console_has(a.body, "this service fails now and then");
        failed += a.status == 503;
    }
    assert_true(failed > 0 && fine > 0);
    answer_free(&a);
    demo_services_stop(services);
}

/* --- the command --- */

/* Runs the command on a thread, and reads what it prints until a line has come. */
struct demo {
    pthread_t thread;
    int code;
    struct redirection to;
    char said[4096];
};

static void *run_demo(void *arg)
{
    char *words[] = {"demo", "--port", "0", "--admin-port", "0", "--backend-port=0", NULL};

    ((struct demo *)arg)->code = command_demo(6, words);
    return NULL;
}

/* Waits until the text has been printed. */
static void wait_for(struct demo *d, const char *text)
{
    ssize_t n;

    do {
        (void)usleep(1000);
        n = pread(d->to.files[0], d->said, sizeof d->said - 1, 0);
        d->said[n > 0 ? n : 0] = '\0';
    } while (strstr(d->said, text) == NULL);
}

static void the_gateway_asks_them_all(void **state)
{
    struct demo d;
    struct answer a = {0};
    char *out, *err, address[64];

    (void)state;
    redirection_begin(&d.to);
    assert_int_equal(pthread_create(&d.thread, NULL, run_demo, &d), 0);
    wait_for(&d, "Ctrl-C ends all of it.\n\n");
    if (sscanf(strstr(d.said, "gateway   http://"), "gateway   http://%63s", address) == 1) {
        ask(&a, address, "/page/42", NULL);
        assert_int_equal(a.status, 200);
        console_has(a.body, "\"user\":");
        ask(&a, address, "/hello", NULL);
        assert_string_equal(a.body, "Hello, World!\n");
    }
    (void)kill(getpid(), SIGTERM);
    assert_int_equal(pthread_join(d.thread, NULL), 0);
    redirection_end(&d.to, &out, &err);
    assert_int_equal(d.code, EXIT_FINE);
    assert_int_equal(a.status, 200);
    console_has(out, "weir demo: each request for a page asks 12 services at once.");
    console_has(out, "services  http://127.0.0.1:");
    answer_free(&a);
    free(out);
    free(err);
}

static void ports_that_are_taken_are_named_with_their_options(void **state)
{
    struct given_pages *holder = given_pages_open(NULL, 0);
    const char *port = strrchr(given_pages_address(holder), ':') + 1;
    struct console c = {0};

    (void)state;
    RUN(&c, command_demo, "demo", "--port", port, "--admin-port", port, "--backend-port", "0");
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err, "choose another port with --port\n");
    console_has(c.err, "choose another port with --admin-port\n");
    RUN(&c, command_demo, "demo", "--backends-only", "--backend-port", port);
    assert_int_equal(c.code, EXIT_FAILED);
    console_has(c.err, "choose another port with --backend-port\n");
    console_free(&c);
    (void)given_pages_close(holder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_service_has_its_name_and_address),
        cmocka_unit_test(with_replay_the_path_chooses_the_delay),
        cmocka_unit_test(the_last_one_fails_now_and_then),
        cmocka_unit_test(the_gateway_asks_them_all),
        cmocka_unit_test(ports_that_are_taken_are_named_with_their_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
