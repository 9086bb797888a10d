/* SPDX-License-Identifier: MIT */
#include "admin/asking.h"

#include <errno.h>
#include <stdio.h>

#include <weir/scope.h>

/* One that is asked, for its task. */
struct question {
    struct asked *asked;
    weir_client *client;
    const char *path;
    weir_duration within;
    uint64_t bytes_max;
};

enum { URL_BYTES = 2048 };

static int ask(void *arg)
{
    const struct question *q = arg;
    struct asked *asked = q->asked;
    char url[URL_BYTES];
    weir_fetch_options options;
    weir_scope scope;

    snprintf(url, sizeof url, "http://localhost%s", q->path);
    options = (weir_fetch_options){
        .url = url, .address = asked->process->address, .reply_bytes_max = q->bytes_max, .identity = true};
    weir_scope_open(&scope, weir_after(q->within), 0);
    asked->err = weir_fetch(q->client, &options, &asked->reply);
    (void)weir_scope_close(&scope);
    asked->status = asked->err == 0 ? asked->reply.status : 0;
    return 0;
}

int asking_all(weir_client *client, struct asked *list, size_t count, const char *path, weir_duration within,
               uint64_t bytes_max)
{
    struct question questions[ADMIN_PROCESSES_MAX];
    weir_scope scope;
    int err = 0;

    weir_scope_open(&scope, weir_never(), WEIR_COLLECT);
    for (size_t i = 0; i < count; i++) {
        list[i].err = -ENOMEM;
        list[i].reply = (weir_reply){0};
        questions[i] = (struct question){&list[i], client, path, within, bytes_max};
        if (err == 0)
            err = weir_spawn(&scope, "ask a process", ask, &questions[i]);
    }
    if (weir_scope_close(&scope) < 0 && err == 0)
        err = weir_scope_cause(&scope);
    return err;
}

void asking_free(struct asked *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        weir_reply_free(&list[i].reply);
}
