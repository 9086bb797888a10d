/* SPDX-License-Identifier: MIT */
/* weir serve: runs the gateway that a configuration file describes. */
#include "commands/commands.h"

#include <stdio.h>
#include <string.h>

#include "commands/usage.h"
#include "config/load.h"
#include "gateway/gateway.h"
#include "routes/table.h"

const char command_serve_help[] =
    "usage: weir serve FILE.yaml\n"
    "\n"
    "Runs the gateway that the file describes; weir.yaml(5) lists the keys. A file that 'weir check'\n"
    "refuses is refused with the same messages. When connections are accepted, a line\n"
    "'listening addr=HOST:PORT' is logged for each address. The log is written to stderr.\n"
    "\n"
    "SIGTERM and SIGINT drain: no new connections are accepted, requests in progress are finished\n"
    "within the time of 'drain:', exit code 0. A second signal ends the gateway within half a\n"
    "second, even if a handler or a job still runs. SIGHUP, SIGUSR1 and SIGUSR2 are logged and have\n"
    "no other effect.\n"
    "\n"
    "environment:\n"
    "  WEIR_IO=epoll or uring   the kernel interface, if the file has 'io: auto'\n"
    "  WEIR_GUARD=warn          logs calls that hold up a loop\n"
    "  and those that the file names as ${NAME}\n"
    "\n"
    "examples:\n"
    "  weir serve gateway.yaml\n"
    "  WEIR_IO=epoll weir serve gateway.yaml\n";

int command_serve(int argc, char **argv)
{
    const char *file = NULL;
    int code;
    struct config config;
    struct config_faults faults;
    int err;

    for (int i = 1, only_files = 0; i < argc; i++) {
        if (!only_files && strcmp(argv[i], "--") == 0)
            only_files = 1;
        else if (!only_files && argv[i][0] == '-')
            return usage_error("serve", "unknown option '%s'", argv[i]);
        else if (file != NULL)
            return usage_error("serve", "unexpected argument '%s'", argv[i]);
        else
            file = argv[i];
    }
    if (file == NULL)
        return usage_error("serve", "no file given");

    err = config_load(&config, file, &route_kinds, &faults);
    if (err == -WEIR_ECONFIG)
        config_faults_print(&faults, true, stderr);
    else if (err)
        fprintf(stderr, "weir serve: %s: %s\n", file, weir_error_text(err));
    if (err)
        return EXIT_FAILED;
    code = gateway_run("serve", &config, file, NULL);
    config_free(&config);
    return code;
}
