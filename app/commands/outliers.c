/* SPDX-License-Identifier: MIT */
/* weir outliers: the slowest requests of a running gateway, and what took their time. */
#include "commands/commands.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <weir/http_client.h>

#include "commands/admin_client.h"
#include "commands/options.h"
#include "commands/outliers_text.h"
#include "commands/output.h"
#include "commands/screen.h"
#include "commands/usage.h"
#include "outliers/outlier.h"

const char command_outliers_help[] =
    "usage: weir outliers [--json] [ADMIN] [ID]\n"
    "\n"
    "Lists the outliers that a running gateway keeps: requests that took longer than all but one in a\n"
    "thousand of their route, or than its key 'slow'. The latest come first, with the part that took most\n"
    "of their time. With an ID, as the list shows it, prints all that is known of that request: where its\n"
    "time went, its calls of backends, what held its loop meanwhile with the stack, and the pools at its\n"
    "end. ADMIN is the gateway's admin address, HOST:PORT or unix:PATH [127.0.0.1:8081].\n"
    "\n"
    "  --json   prints the answer of /outliers or /outliers/ID unchanged\n"
    "\n"
    "examples:\n"
    "  weir outliers\n"
    "  weir outliers 20261130-142319-123-4242-7\n"
    "  weir outliers 10.0.0.5:8081 20261130-142319-123-4242-7\n"
    "  weir outliers --json | jq '.[] | select(.route == \"/page/{id}\")'\n";

enum { TEXT_BYTES_MAX = 64 << 20 };

struct wanted {
    bool as_json;
    const char *id; /* NULL: the list */
};

static int print_text(const json_t *answer, bool one)
{
    struct terminal_text out;

    screen_text_begin(&out, TEXT_BYTES_MAX);
    if (one)
        outliers_text_one(&out, answer);
    else
        outliers_text_table(&out, answer, (double)time(NULL));
    return screen_text_print(&out);
}

static bool is_outlier(const json_t *answer)
{
    return strcmp(json_string_value(json_object_get(answer, "kind")) != NULL
                      ? json_string_value(json_object_get(answer, "kind"))
                      : "",
                  "weir outlier") == 0;
}

static int print_reply(const weir_reply *reply, const struct wanted *wanted)
{
    json_t *answer = json_loadb(reply->body, reply->body_bytes, 0, NULL);
    const bool one = wanted->id != NULL;
    int code = EXIT_FAILED;

    if (one ? !is_outlier(answer) : !json_is_array(answer))
        fprintf(stderr, "weir outliers: the answer is %s: is it the admin address of a gateway?\n",
                one ? "no outlier" : "not a list of outliers");
    else if (!wanted->as_json)
        code = print_text(answer, one);
    else
        code = output_print(reply->body, reply->body_bytes);
    json_decref(answer);
    return code;
}

static int get(struct admin_client *admin, const struct wanted *wanted, weir_reply *reply)
{
    char path[32 + OUTLIER_ID_BYTES];
    int err;

    if (wanted->id == NULL)
        return admin_client_get(admin, "/outliers", weir_seconds(5), reply);
    (void)snprintf(path, sizeof path, "/outliers/%s", wanted->id);
    err = admin_client_try(admin, path, weir_seconds(5), reply);
    if (err == 0 || err == -WEIR_ECANCELED)
        return err;
    if (reply->status == 404)
        fprintf(
            stderr,
            "weir outliers: %s keeps no outlier %s: see 'weir outliers' for those it has; later ones have "
            "taken its place, or the process has ended that kept it\n",
            admin->where, wanted->id);
    else
        admin_client_tell(admin, path, err, reply);
    weir_reply_free(reply);
    return err;
}

static int run(struct admin_client *admin, void *arg)
{
    const struct wanted *wanted = arg;
    weir_reply reply = {0};
    int code;

    if (get(admin, wanted, &reply) < 0)
        return EXIT_FAILED;
    code = print_reply(&reply, wanted);
    weir_reply_free(&reply);
    return code;
}

/* An id has '-' between digits; no address is like that. */
static bool is_id(const char *text)
{
    return strchr(text, '-') != NULL && outlier_id_is_valid(text);
}

int command_outliers(int argc, char **argv)
{
    const char *words[argc];
    struct option_list rest = {words, 0};
    struct wanted wanted = {0};
    const char *address = NULL;
    static const struct option options[] = {{"--json", OPTION_FLAG, 0, 0, 0}};
    int code = options_read("outliers", argc, argv, options, 1, &wanted.as_json, &rest);

    if (code)
        return code;
    for (size_t i = 0; i < rest.count; i++) {
        if (wanted.id == NULL && is_id(rest.items[i]))
            wanted.id = rest.items[i];
        else if (i == 0)
            address = rest.items[i];
        else
            return usage_error("outliers",
                               i == 1 && address != NULL && wanted.id == NULL
                                   ? "'%s' is no ID of an outlier; expected one as 'weir outliers' lists it"
                                   : "unexpected argument '%s'",
                               rest.items[i]);
    }
    return admin_client_run("outliers", address, run, &wanted);
}
