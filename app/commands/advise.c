/* SPDX-License-Identifier: MIT */
/* weir advise: findings and advice from the traffic of a running gateway. */
#include "commands/commands.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "commands/admin_client.h"
#include "commands/options.h"
#include "commands/output.h"
#include "commands/usage.h"

enum { OUTPUT_BYTES = 1 << 20 };

static const weir_duration timeouts = {INT64_C(10) * 1000000000};

const char command_advise_help[] =
    "usage: weir advise [--json] [ADMIN]\n"
    "\n"
    "Prints what is wrong with a running gateway, and what its traffic of the last minute suggests.\n"
    "\n"
    "Lines marked with '!' come first, the most important on top: backends that fail, requests that are\n"
    "refused and the reason, connections without a request and their addresses, a machine that lacks\n"
    "CPU, tasks that hold a loop. Then each route: whether it waits or computes, where its time goes,\n"
    "how much it delays the other requests on its loop, and what to change. Then each backend and its\n"
    "instances. Then each pool: how many workers its rate needs (Little's law: busy workers = rate x time\n"
    "of a job).\n"
    "\n"
    "ADMIN is the gateway's admin address, HOST:PORT or unix:PATH [127.0.0.1:8081].\n"
    "\n"
    "  --json   prints the answer of /advice unchanged\n"
    "\n"
    "examples:\n"
    "  weir advise\n"
    "  weir advise --json 10.0.0.5:8081 | jq '.routes[] | select(.class == \"CPU-bound\")'\n";

struct advise {
    const char *address;
    bool json;
};

/* --- showing --- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "?";
}

static double number_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void show_advice(const json_t *object)
{
    size_t i;
    const json_t *piece;

    json_array_foreach(json_object_get(object, "advice"), i, piece)
        printf("  > %s\n", text_of(piece, "text"));
    putchar('\n');
}

/* Prints what is wrong now, the most important first.
 * Returns: whether there is anything. */
static bool show_findings(const json_t *advice)
{
    size_t i;
    const json_t *finding;
    const json_t *findings = json_object_get(advice, "findings");

    json_array_foreach(findings, i, finding) printf("! %s\n", text_of(finding, "text"));
    if (i > 0)
        putchar('\n');
    return i > 0;
}

static void show_route(const json_t *route)
{
    printf("%s  %s, %.1f a second, %.2f ms each\n", text_of(route, "route"), text_of(route, "class"),
           number_of(route, "rate"), number_of(route, "took_ms"));
    printf("  on the loop %.2f ms (p99 %.2f), waiting %.2f (%.2f of it for the client), waiting to be run "
           "%.2f,\n"
           "  without a CPU %.2f, pool queue %.2f, pool %.2f\n",
           number_of(route, "loop_ms"), number_of(route, "loop_p99_ms"), number_of(route, "wait_ms"),
           number_of(route, "client_ms"), number_of(route, "ready_ms"),
           number_of(route, "starved_ms") + number_of(route, "throttled_ms"), number_of(route, "queue_ms"),
           number_of(route, "pool_ms"));
    printf("  takes %.1f %% of a loop; delays what else comes there by %.2f ms on average\n",
           100 * number_of(route, "loop_share"), number_of(route, "delay_to_others_ms"));
    show_advice(route);
}

static void show_backend(const json_t *backend)
{
    printf("backend %s  %.1f a second, %.0f failed and %.0f refused in the last minute\n",
           text_of(backend, "backend"), number_of(backend, "rate"), number_of(backend, "failures"),
           number_of(backend, "refused"));
    printf("  %.0f of %.0f instances up, %.0f requests in progress, %.0f of them wait for one of %.0f "
           "connections\n",
           number_of(backend, "up"), number_of(backend, "instances"), number_of(backend, "in_use"),
           number_of(backend, "waiting"), number_of(backend, "connections"));
    show_advice(backend);
}

static void show_pool(const json_t *pool)
{
    printf("pool %s  %.1f jobs a second, %.1f refused\n", text_of(pool, "pool"), number_of(pool, "rate"),
           number_of(pool, "refused_rate"));
    printf("  each runs %.2f ms (p99 %.2f) after %.2f ms in the queue (p99 %.2f)\n",
           number_of(pool, "run_ms"), number_of(pool, "run_p99_ms"), number_of(pool, "queue_ms"),
           number_of(pool, "queue_p99_ms"));
    printf(
        "  by Little's law %.2f of %.0f workers busy (rate x run), %.2f jobs inside (rate x (queue + run)); "
        "%.0f workers would be right\n",
        number_of(pool, "busy"), number_of(pool, "workers"), number_of(pool, "in_pool"),
        number_of(pool, "workers_needed"));
    show_advice(pool);
}

static void show(const json_t *advice)
{
    size_t i;
    const json_t *item;
    const bool wrong = show_findings(advice);
    bool any = false;

    json_array_foreach(json_object_get(advice, "routes"), i, item)
    {
        if (number_of(item, "requests") > 0) {
            show_route(item);
            any = true;
        }
    }
    json_array_foreach(json_object_get(advice, "backends"), i, item)
    {
        if (number_of(item, "requests") > 0)
            show_backend(item);
    }
    json_array_foreach(json_object_get(advice, "pools"), i, item)
    {
        if (number_of(item, "rate") > 0 || number_of(item, "refused_rate") > 0)
            show_pool(item);
    }
    if (!any)
        puts(wrong ? "No requests in the last minute."
                   : "No requests in the last minute: there is nothing to advise on.");
}

/* --- the command --- */

static int advise(struct admin_client *admin, void *arg)
{
    const struct advise *a = arg;
    weir_reply reply;
    int code;
    json_t *advice;
    json_error_t why;
    int err = admin_client_get(admin, "/advice", timeouts, &reply);

    if (err < 0)
        return EXIT_FAILED;
    code = EXIT_FINE;
    advice = json_loadb(reply.body, reply.body_bytes, 0, &why);
    if (advice != NULL && a->json)
        code = output_print(reply.body, reply.body_bytes);
    else if (advice != NULL)
        show(advice);
    else
        fprintf(stderr, "weir advise: the answer is not valid JSON: %s\n", why.text);
    weir_reply_free(&reply);
    if (advice == NULL)
        return EXIT_FAILED;
    json_decref(advice);
    return code;
}

int command_advise(int argc, char **argv)
{
    static const struct option options[] = {{"--json", OPTION_FLAG, offsetof(struct advise, json), 0, 0}};
    struct advise a = {0};
    const char *items[argc];
    struct option_list rest = {items, 0};
    int err = options_read("advise", argc, argv, options, 1, &a, &rest);

    if (err)
        return err;
    if (rest.count > 1)
        return usage_error("advise", "unexpected argument '%s'", rest.items[1]);
    (void)setvbuf(stdout, NULL, _IOFBF,
                  OUTPUT_BYTES); /* written at the end, when signals end the program by themselves */
    return admin_client_run("advise", rest.count ? rest.items[0] : NULL, advise, &a);
}
