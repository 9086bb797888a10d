/* SPDX-License-Identifier: MIT */
/* weir check: validates a configuration file. */
#include "commands/commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands/usage.h"
#include "config/load.h"
#include "gateway/start_check.h"
#include "routes/table.h"

const char command_check_help[] =
    "usage: weir check [--connect] FILE.yaml\n"
    "\n"
    "Reads a configuration file as 'weir serve' does, and prints every fault on stderr, one per line:\n"
    "FILE:LINE:COLUMN: what is wrong, and what was expected there. Then it tests whether the gateway\n"
    "could start on this machine: addresses, folders, libraries, the kernel interface. A port that is in\n"
    "use is accepted, because a gateway with this file may be running. Settings that are valid but\n"
    "probably unintended are warnings. Exit code 0 if the file can be served, otherwise 1.\n"
    "\n"
    "  --connect   also connects to every backend; takes at most 10 s\n"
    "\n"
    "examples:\n"
    "  weir check gateway.yaml\n"
    "  weir check --connect gateway.yaml\n"
    "  weir check gateway.yaml && weir serve gateway.yaml\n";

static int check_start(const struct config *config, const char *file, bool connect)
{
    const struct start_options options = {
        .listen_key = "listen",
        .admin_key = "admin",
        .root = "",
        .flags = START_PORTS_TAKEN_ARE_FINE | (connect ? START_CONNECT : 0),
    };
    struct start_findings found;
    int err = start_check(config, file, &options, &found);

    if (err < 0) {
        config_faults_print(&found.faults, true, stderr);
        return EXIT_FAILED;
    }
    config_warnings_print(&found.warnings, stderr);
    printf("%s: ok\n", file);
    return fflush(stdout) == 0 ? EXIT_FINE : EXIT_FAILED;
}

int command_check(int argc, char **argv)
{
    const char *file = NULL;
    bool connect = false;
    int code;
    struct config config;
    struct config_faults faults;
    int err;

    for (int i = 1, only_files = 0; i < argc; i++) {
        if (!only_files && strcmp(argv[i], "--") == 0)
            only_files = 1;
        else if (!only_files && strcmp(argv[i], "--connect") == 0)
            connect = true;
        else if (!only_files && argv[i][0] == '-')
            return usage_error("check", "unknown option '%s'", argv[i]);
        else if (file != NULL)
            return usage_error("check", "unexpected argument '%s'", argv[i]);
        else
            file = argv[i];
    }
    if (file == NULL)
        return usage_error("check", "no file given");

    err = config_load(&config, file, &route_kinds, &faults);
    if (err == -WEIR_ECONFIG)
        config_faults_print(&faults, true, stderr);
    else if (err)
        fprintf(stderr, "weir check: %s: %s\n", file, weir_error_text(err));
    if (err)
        return EXIT_FAILED;
    code = check_start(&config, file, connect);
    config_free(&config);
    return code;
}
