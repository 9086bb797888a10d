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
    "Runs the gateway that the file describes; weir.yaml(5) says what it may hold. A file that is\n"
    "not fine is refused as 'weir check' would. Once connections are accepted it logs a line\n"
    "'listening addr=HOST:PORT' for each address; logs go to stderr.\n"
    "\n"
    "SIGTERM and SIGINT drain: no new connections, what is under way is finished ('drain:' at\n"
    "most), exit code 0. A second one ends at once, whatever runs. SIGHUP, SIGUSR1 and SIGUSR2 do\n"
    "nothing yet but leave a line in the log. WEIR_IO=epoll or uring in the environment\n"
    "chooses the kernel interface where the file says 'io: auto'. WEIR_GUARD=warn tells of calls\n"
    "that hold up a loop.\n"
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
