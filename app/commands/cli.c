/* SPDX-License-Identifier: MIT */
#include "commands/cli.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <weir/error.h>
#include <weir/guard.h>
#include <weir/text.h>
#include <weir/version.h>

#include "commands/commands.h"
#include "commands/output.h"
#include "supervisor/guardian.h"

struct command {
    const char *name;
    const char *arguments;
    const char *summary;
    const char *help;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"serve", "FILE.yaml", "run the gateway that the file describes", command_serve_help, command_serve},
    {"check", "FILE.yaml", "check a configuration file", command_check_help, command_check},
    {"demo", "", "run a gateway with twelve simulated backends", command_demo_help, command_demo},
    {"load", "URL...", "measure a server with open-loop load", command_load_help, command_load},
    {"status", "[ADMIN]", "print the processes of a running gateway, and since when", command_status_help,
     command_status},
    {"reload", "[ADMIN]", "have a running gateway read its file anew", command_reload_help, command_reload},
    {"drain", "[ADMIN]", "have a running gateway finish its requests and exit", command_drain_help,
     command_drain},
    {"tasks", "[ADMIN]", "print the tasks of a running gateway, and what each waits for", command_tasks_help,
     command_tasks},
    {"top", "[ADMIN]", "show a running gateway in the terminal", command_top_help, command_top},
    {"outliers", "[ADMIN] [ID]", "list the slowest requests of a running gateway, and what took their time",
     command_outliers_help, command_outliers},
    {"stalls", "[ADMIN]", "print the tasks that held a loop of a running gateway", command_stalls_help,
     command_stalls},
    {"advise", "[ADMIN]", "print what is wrong with a running gateway, and what to change",
     command_advise_help, command_advise},
    {"profile", "[ADMIN]", "print or draw where the CPU time of a running gateway goes", command_profile_help,
     command_profile},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* Not listed in the help: only the supervisor uses it. */
static const struct command hidden = {"gateway-process", "", "", command_gateway_process_help,
                                      command_gateway_process};

static void print_help(FILE *out)
{
    fputs("usage: weir COMMAND …\n\n"
          "An HTTP gateway: it passes requests on to the services behind it, or asks many of them at\n"
          "once under one deadline, and refuses requests that it cannot finish in time.\n\n"
          "commands:\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-7s %-10s %s\n", commands[i].name, commands[i].arguments, commands[i].summary);
    fputs("\n"
          "  weir COMMAND --help     what a command does, with examples\n"
          "  weir --version          the version of this program\n\n"
          "exit codes: 0 success, 1 failure, 2 wrong usage\n",
          out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return strcmp(hidden.name, name) == 0 ? &hidden : NULL;
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS];
    const char *nearest;

    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    nearest = weir_text_nearest(name, names, COMMANDS);
    if (nearest != NULL)
        fprintf(stderr, "weir: unknown command '%s', did you mean '%s'? See 'weir --help'\n", name, nearest);
    else
        fprintf(stderr, "weir: unknown command '%s'; see 'weir --help'\n", name);
    return EXIT_USAGE;
}

static int is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* Flushes the output. Output that can't be written, to a full disk for instance, makes the command fail. */
static int finish_output(int code)
{
    const int err = fflush(stdout) != 0 ? -errno : 0;

    if (err == 0 && !ferror(stdout))
        return code;
    if (!output_is_wanted())
        return EXIT_FINE;
    fprintf(stderr, "weir: the output cannot be written%s%s\n", err ? ": " : "",
            err ? weir_error_text(err) : "");
    return code == EXIT_FINE ? EXIT_FAILED : code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            break;
        if (is_help(argv[i])) {
            fputs(command->help, stdout);
            return finish_output(EXIT_FINE);
        }
    }
    return finish_output(command->run(argc, argv));
}

int cli_main(int argc, char **argv)
{
    const struct command *command;
    weir_guard_options quietly;

    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (is_help(argv[1])) {
        print_help(stdout);
        return finish_output(EXIT_FINE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("weir %s\n", weir_version());
        return finish_output(EXIT_FINE);
    }
    if (strcmp(argv[1], GUARDIAN_COMMAND) == 0)
        return guardian_main(argc - 1, argv + 1);
    if (argv[1][0] == '-') {
        fprintf(stderr, "weir: unknown option '%s'; see 'weir --help'\n", argv[1]);
        return EXIT_USAGE;
    }
    command = find_command(argv[1]);
    /* A command's own calls are only counted; for a gateway its file chooses the mode. */
    quietly = (weir_guard_options){.mode = WEIR_GUARD_COUNT};
    if (command != NULL && command->run != command_serve && command != &hidden &&
        weir_guard_configure(&quietly) < 0)
        return EXIT_FAILED;
    return command != NULL ? run_command(command, argc - 1, argv + 1) : unknown_command(argv[1]);
}
