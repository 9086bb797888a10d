/* SPDX-License-Identifier: MIT */
/* 15_refresh [ADDRESS]: answers from a table that a background task replaces every second, without a lock.
 *
 *     curl http://127.0.0.1:8080/price/tea
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

/* [table] */
static const char *const names[] = {"tea", "coffee", "milk"};
enum { NAMES = sizeof names / sizeof *names };

struct table {
    long version;
    double price[NAMES];
};

static weir_published prices; /* struct table *, not changed once it is published */

static int make_table(weir_job *job, void *arg) /* on a worker: it may take long */
{
    static long versions; /* no lock: one task offloads this job */
    struct table **next = arg, *t = malloc(sizeof *t);

    (void)job;
    if (t == NULL)
        return -ENOMEM;
    t->version = ++versions;
    for (int i = 0; i < NAMES; i++)
        t->price[i] = 1 + i + 0.01 * (double)(versions % 100);
    *next = t;
    return 0;
}
/* [/table] */

/* [refresh] */
static int refresh(void *arg, weir_server *server) /* once in the process */
{
    (void)arg, (void)server;
    while (weir_sleep(weir_seconds(1)) == 0) {
        struct table *next = NULL;
        int err = weir_offload(weir_pool_compute(), "prices", make_table, &next);

        if (err == 0)
            err = weir_published_set(&prices,
                                     next); /* readers have the new one at once; the old one is freed */
        if (err < 0) {
            free(next);
            weir_log(WEIR_LOG_WARN, "the prices were not refreshed", WEIR_KV_ERROR("error", err));
        }
    }
    return 0;
}

static int price(weir_request *req, weir_response *res, void *state)
{
    const struct table *t = weir_published_get(&prices); /* valid until this task waits */
    const char *name = weir_request_param(req, "name");
    char text[64];

    (void)state;
    for (int i = 0; i < NAMES; i++)
        if (strcmp(name, names[i]) == 0) {
            snprintf(text, sizeof text, "%.2f version %ld\n", t->price[i], t->version);
            return weir_respond_text(res, 200, text);
        }
    return weir_respond_fault(res, 404, "unknown", "no such thing is sold");
}

int main(int argc, char **argv)
{
    weir_server_options options = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080", .background = refresh};
    weir_route route = {.path = "/price/{name}", .handler = price};
    struct table *first = calloc(1, sizeof *first);
    int err = first == NULL || weir_published_init(&prices, first, free) < 0;

    if (err == 0)
        err = weir_serve(&options, &route, 1) < 0;
    weir_published_free(&prices);
    return err;
}
/* [/refresh] */
