/* SPDX-License-Identifier: MIT */
/* weir reload and weir drain: what an operator asks of a running gateway. */
#include "commands/commands.h"

#include <stdio.h>

#include <weir/http_client.h>

#include "admin/admin_pages.h"
#include "commands/admin_client.h"
#include "commands/options.h"
#include "commands/output.h"
#include "commands/usage.h"

const char command_reload_help[] =
    "usage: weir reload [ADMIN]\n"
    "\n"
    "Has a running gateway read its configuration file anew, as SIGHUP does, and prints what came of it.\n"
    "Processes with the new configuration get ready before those with the old one drain: no request is\n"
    "lost. If the file is faulty, or cannot be served here, the old configuration stays in force, the "
    "faults\n"
    "are printed with their places, and the exit code is 1. ADMIN is the gateway's admin address, HOST:PORT\n"
    "or unix:PATH [127.0.0.1:8081].\n"
    "\n"
    "examples:\n"
    "  weir reload\n"
    "  weir check gateway.yaml && weir reload unix:/run/weir/admin\n";

const char command_drain_help[] =
    "usage: weir drain [ADMIN]\n"
    "\n"
    "Has a running gateway finish its requests and exit, as SIGTERM does: it accepts no more connections,\n"
    "and ends when the requests in progress have ended, or after drain: of its configuration. Returns at\n"
    "once; 'weir status' shows what is left. ADMIN is the gateway's admin address, HOST:PORT or unix:PATH\n"
    "[127.0.0.1:8081].\n"
    "\n"
    "examples:\n"
    "  weir drain\n"
    "  weir drain 127.0.0.1:9001\n";

enum { RELOAD_S = 600, DRAIN_S = 5 };

/* What is asked. */
struct action {
    const char *path;
    int seconds; /* until there is an answer, at most */
};

static int run(struct admin_client *admin, void *arg)
{
    const struct action *action = arg;
    weir_reply reply;
    int err = admin_client_post(admin, action->path, weir_seconds(action->seconds), &reply), code;

    if (err < 0) {
        admin_client_tell(admin, action->path, err, &reply);
        weir_reply_free(&reply);
        return EXIT_FAILED;
    }
    if (reply.status != 200) { /* faults of the configuration; it drains */
        fwrite(reply.body, 1, reply.body_bytes, stderr);
        code = EXIT_FAILED;
    } else {
        code = output_print(reply.body, reply.body_bytes);
    }
    weir_reply_free(&reply);
    return code;
}

static int command(const char *name, struct action action, int argc, char **argv)
{
    const char *words[argc];
    struct option_list rest = {words, 0};
    int code = options_read(name, argc, argv, NULL, 0, NULL, &rest);

    if (code)
        return code;
    if (rest.count > 1)
        return usage_error(name, "unexpected argument '%s'", rest.items[1]);
    return admin_client_run(name, rest.count ? rest.items[0] : NULL, run, &action);
}

int command_reload(int argc, char **argv)
{
    return command("reload", (struct action){ADMIN_RELOAD_PATH, RELOAD_S}, argc, argv);
}

int command_drain(int argc, char **argv)
{
    return command("drain", (struct action){ADMIN_DRAIN_PATH, DRAIN_S}, argc, argv);
}
