/* SPDX-License-Identifier: MIT */
#include "app/support/running.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/load.h"
#include "gateway/gateway.h"
#include "routes/table.h"
#include "support/run.h"

static void on_started(void *arg, const char *const *listening, size_t count)
{
    struct running *r = arg;

    (void)count;
    (void)snprintf(r->address, sizeof r->address, "%s", listening[0]);
    (void)sem_post(&r->started);
}

static void *serve(void *arg)
{
    struct running *r = arg;
    const struct gateway_events events = {.started = on_started, .arg = r, .root = r->root};

    r->code = gateway_run("test", &r->config, NULL, &events);
    (void)sem_post(&r->started); /* also when it could not be started */
    return NULL;
}

void running_start(struct running *r, const char *configuration)
{
    struct config_faults faults;
    char text[8192];
    int length;

    strcpy(r->folder, "/tmp/weir-test-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(r->admin, sizeof r->admin, "unix:%s/admin", r->folder);
    length = snprintf(text, sizeof text, "listen: 127.0.0.1:0\nadmin: %s\n%s", r->admin, configuration);
    assert_true(length < (int)sizeof text);
    config_faults_open(&faults, "test.yaml");
    if (config_parse(&r->config, text, (size_t)length, &route_kinds, &faults) != 0) {
        config_faults_print(&faults, true, stderr);
        fail_msg("the configuration is faulty");
    }
    r->code = -1;
    r->address[0] = '\0';
    assert_int_equal(sem_init(&r->started, 0, 0), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, serve, r), 0);
    while (sem_wait(&r->started) < 0)
        ;
    assert_string_not_equal(r->address, "");
}

void running_stop(struct running *r)
{
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    running_wait(r);
}

void running_wait(struct running *r)
{
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    assert_int_equal(r->code, EXIT_SUCCESS);
    config_free(&r->config);
    (void)sem_destroy(&r->started);
    (void)unlink(r->admin + strlen("unix:"));
    (void)rmdir(r->folder);
}
