/* SPDX-License-Identifier: MIT */
/* weir serve: runs the gateway that a configuration file describes. */
#include "commands/commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands/usage.h"
#include "config/load.h"
#include "gateway/early_end.h"
#include "gateway/gateway.h"
#include "routes/table.h"
#include "supervisor/supervisor.h"

const char command_serve_help[] =
    "usage: weir serve [--single] FILE.yaml\n"
    "\n"
    "Runs the gateway that the file describes; weir.yaml(5) lists the keys. A file that 'weir check'\n"
    "refuses is refused with the same messages. When connections are accepted, a line\n"
    "'listening addr=HOST:PORT' is logged for each address. The log is written to stderr.\n"
    "\n"
    "The program is a supervisor, which holds the listening sockets and runs gateway processes: as many\n"
    "as 'processes:' says. One that ends by itself is replaced.\n"
    "\n"
    "SIGHUP, and 'weir reload', put the file into force anew, if it can be served: new processes get\n"
    "ready before the old ones drain, and no connection is lost. If it can't, the log says why, and\n"
    "what was in force stays so.\n"
    "\n"
    "SIGTERM and SIGINT drain: no new connections are accepted, requests in progress are finished\n"
    "within the time of 'drain:', exit code 0. A second signal ends the gateway within a few seconds,\n"
    "even if a handler or a job still runs. SIGUSR1 has the file of 'access_log:' opened again.\n"
    "SIGUSR2 is logged and has no other effect.\n"
    "\n"
    "  --single   runs all in one process, without a supervisor: for debuggers. SIGHUP has no effect\n"
    "\n"
    "environment:\n"
    "  WEIR_IO=epoll or uring   the kernel interface, if the file has 'io: auto'\n"
    "  WEIR_GUARD=warn          logs calls that hold up a loop\n"
    "  RUNTIME_DIRECTORY, XDG_RUNTIME_DIR   where sockets between the processes are [/tmp]\n"
    "  and those that the file names as ${NAME}\n"
    "\n"
    "examples:\n"
    "  weir serve gateway.yaml\n"
    "  WEIR_IO=epoll weir serve gateway.yaml\n";

static int serve_single(const char *file)
{
    struct config config;
    struct config_faults faults;
    int code, err;

    end_early();
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

int command_serve(int argc, char **argv)
{
    struct supervisor_options options = {0};
    bool single = false;

    for (int i = 1, only_files = 0; i < argc; i++) {
        if (!only_files && strcmp(argv[i], "--") == 0)
            only_files = 1;
        else if (!only_files && strcmp(argv[i], "--single") == 0)
            single = true;
        else if (!only_files && argv[i][0] == '-')
            return usage_error("serve", "unknown option '%s'", argv[i]);
        else if (options.file != NULL)
            return usage_error("serve", "unexpected argument '%s'", argv[i]);
        else
            options.file = argv[i];
    }
    if (options.file == NULL)
        return usage_error("serve", "no file given");
    return single ? serve_single(options.file) : supervisor_run(&options);
}
