/* SPDX-License-Identifier: MIT */
/* weir profile: a profile of the CPU time of a running gateway. */
#include "commands/commands.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/text.h>

#include "admin/flame_graph.h"
#include "commands/admin_client.h"
#include "commands/options.h"
#include "commands/output.h"
#include "commands/usage.h"

enum { SECONDS_MAX = 60, SVG_BYTES_MAX = 64 << 20, PATH_BYTES = 64 };

const char command_profile_help[] =
    "usage: weir profile [--for TIME] [--svg] [--out FILE] [ADMIN]\n"
    "\n"
    "Samples the loops and pool workers of a running gateway by the CPU time they use, and prints\n"
    "folded stacks, one per line: \"route;task;function;function COUNT\". Flame graph tools read this\n"
    "format. ADMIN is the gateway's admin address, HOST:PORT or unix:PATH [127.0.0.1:8081].\n"
    "\n"
    "  --for TIME   how long to sample, at most 60s [5s]\n"
    "  --svg        prints a flame graph for a browser instead\n"
    "  --out FILE   writes to the file instead of standard output\n"
    "\n"
    "examples:\n"
    "  weir profile --for 10s --svg --out profile.svg\n"
    "  weir profile | sort -t' ' -k2 -n | tail\n";

struct profile {
    weir_duration length;
    bool svg;
    const char *out;
};

static int write_out(const struct profile *p, const char *data, size_t bytes)
{
    FILE *file;
    bool good;
    int err;

    if (p->out == NULL)
        return output_print(data, bytes);
    file = fopen(p->out, "w");
    good = file != NULL && fwrite(data, 1, bytes, file) == bytes;
    err = errno;
    if (file != NULL && fclose(file) != 0 && good) {
        err = errno;
        good = false;
    }
    if (!good)
        fprintf(stderr, "weir profile: %s cannot be written: %s\n", p->out, strerror(err));
    return good ? EXIT_FINE : EXIT_FAILED;
}

static int write_graph(const struct profile *p, weir_bytes folded)
{
    char length[WEIR_DURATION_TEXT_MAX], title[64];
    struct text_out svg;
    int code = EXIT_FAILED;
    int err;

    snprintf(title, sizeof title, "CPU time, %s", weir_duration_format(length, sizeof length, p->length));
    text_out_init(&svg, SVG_BYTES_MAX);
    err = flame_graph_write(&svg, folded, title);
    if (err == 0)
        err = svg.err;
    if (err < 0)
        fprintf(stderr, "weir profile: the graph could not be drawn: %s\n", weir_error_text(err));
    else
        code = write_out(p, svg.text.data, svg.text.len);
    weir_buffer_free(&svg.text);
    return code;
}

static int profile(struct admin_client *admin, void *arg)
{
    const struct profile *p = arg;
    char path[PATH_BYTES];
    weir_reply reply;
    const double seconds = (double)p->length.ns / 1e9;
    weir_bytes folded;
    int code, err;

    snprintf(path, sizeof path, "/profile?seconds=%.3f", seconds);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "sampling for %.3g s …\n", seconds);
    err = admin_client_get(admin, path, (weir_duration){p->length.ns + INT64_C(10) * 1000000000}, &reply);
    if (err < 0)
        return EXIT_FAILED;
    if (reply.body_bytes == 0 && !p->svg)
        fprintf(stderr, "weir profile: no samples: nothing used CPU time\n");
    folded = (weir_bytes){reply.body, reply.body_bytes};
    code = p->svg ? write_graph(p, folded) : write_out(p, folded.data, folded.len);
    weir_reply_free(&reply);
    return code;
}

int command_profile(int argc, char **argv)
{
    static const struct option options[] = {
        {"--for", OPTION_DURATION, offsetof(struct profile, length), 0, 0},
        {"--svg", OPTION_FLAG, offsetof(struct profile, svg), 0, 0},
        {"--out", OPTION_TEXT, offsetof(struct profile, out), 0, 0},
    };
    struct profile p = {.length = {INT64_C(5) * 1000000000}};
    const char *items[argc];
    struct option_list rest = {items, 0};
    int err = options_read("profile", argc, argv, options, sizeof options / sizeof *options, &p, &rest);

    if (err)
        return err;
    if (p.length.ns <= 0 || p.length.ns > SECONDS_MAX * INT64_C(1000000000))
        return usage_error("profile", "--for is out of range, expected more than 0s and at most %ds",
                           SECONDS_MAX);
    if (rest.count > 1)
        return usage_error("profile", "unexpected argument '%s'", rest.items[1]);
    return admin_client_run("profile", rest.count ? rest.items[0] : NULL, profile, &p);
}
