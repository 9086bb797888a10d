/* SPDX-License-Identifier: MIT */
/* weir check: validates a configuration file. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "config.h"

const char command_check_help[] =
    "usage: weir check FILE.yaml\n"
    "\n"
    "Reads a configuration file as 'weir serve' would and says what is wrong with it: every fault\n"
    "on a line of its own on stderr, as FILE:LINE:COLUMN: what, and what was expected. Nothing is\n"
    "opened or bound. Exit code 0 when the file is fine, 1 when it is not.\n"
    "\n"
    "examples:\n"
    "  weir check gateway.yaml\n"
    "  weir check gateway.yaml && weir serve gateway.yaml\n";

int command_check(int argc, char **argv)
{
    const char *file = NULL;
    for (int i = 1, only_files = 0; i < argc; i++) {
        if (!only_files && strcmp(argv[i], "--") == 0)
            only_files = 1;
        else if (!only_files && argv[i][0] == '-')
            return cli_usage("check", "unknown option '%s'", argv[i]);
        else if (file)
            return cli_usage("check", "unexpected argument '%s'", argv[i]);
        else
            file = argv[i];
    }
    if (!file)
        return cli_usage("check", "no file given");

    struct config config;
    struct config_faults faults;
    int err = config_load(&config, file, &faults);
    if (err == -WEIR_ECONFIG)
        config_faults_print(&faults, stderr);
    else if (err)
        fprintf(stderr, "weir check: %s: %s\n", file, weir_error_text(err));
    if (err)
        return EXIT_FAILED;
    config_free(&config);
    printf("%s: ok\n", file);
    return fflush(stdout) == 0 ? EXIT_FINE : EXIT_FAILED;
}
