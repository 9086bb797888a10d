/* SPDX-License-Identifier: MIT */
/* weir load: measures a server with open-loop load. */
#include "commands/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/http_text.h>
#include <weir/url.h>

#include "commands/load_report.h"
#include "commands/load_run.h"
#include "commands/options.h"
#include "commands/usage.h"
#include "config/header.h"

const char command_load_help[] =
    "usage: weir load [--rate N] [--for TIME] [--connections N] [--method M] [--header 'NAME: VALUE']…\n"
    "                 [--body TEXT | --body @FILE] [--timeout TIME] [--ca FILE | --insecure] [--json] URL…\n"
    "\n"
    "Sends requests at a fixed rate, whether or not earlier ones were answered (open loop), and prints\n"
    "latencies, measured from the time at which each request was due, so that waiting for a slow\n"
    "server counts. Several URLs are requested in turn; {n} in a URL is replaced by the number of the\n"
    "request.\n"
    "\n"
    "  --rate N           requests per second [100]\n"
    "  --for TIME         duration [10s]\n"
    "  --connections N    connections at most [256]\n"
    "  --method M         [GET; POST with a body]\n"
    "  --header 'N: V'    a header of each request; may be repeated\n"
    "  --body TEXT        the body of each request; @FILE: the content of the file\n"
    "  --timeout TIME     of each request [10s]\n"
    "  --ca FILE          authorities, in PEM, that servers of https URLs are checked against [the "
    "system's]\n"
    "  --insecure         does not check them\n"
    "  --json             prints one JSON object instead of text\n"
    "\n"
    "Exit code 0 if any request was answered, with any status; 1 if none was. Ctrl-C ends the run and\n"
    "prints the figures so far.\n"
    "\n"
    "examples:\n"
    "  weir load http://127.0.0.1:8080/page/{n} --rate 200 --for 10s\n"
    "  weir load http://127.0.0.1:8080/hello --rate 5000 --connections 64 --json\n";

enum { BODY_BYTES_MAX = 64 << 20, REPORT_BYTES_MAX = 1 << 20 };

struct load_options {
    struct load_plan plan;
    weir_duration timeout;
    const char *method, *body, *ca;
    struct option_list headers;
    bool insecure, json;
};

#define AT(member) offsetof(struct load_options, member)
static const struct option options[] = {
    {"--rate", OPTION_REAL, AT(plan.rate), 0.001, 1e6},
    {"--for", OPTION_DURATION, AT(plan.length), 0, 0},
    {"--connections", OPTION_INT, AT(plan.connections), 1, 100000},
    {"--method", OPTION_TEXT, AT(method), 0, 0},
    {"--header", OPTION_LIST, AT(headers), 0, 0},
    {"--body", OPTION_TEXT, AT(body), 0, 0},
    {"--timeout", OPTION_DURATION, AT(timeout), 0, 0},
    {"--ca", OPTION_TEXT, AT(ca), 0, 0},
    {"--insecure", OPTION_FLAG, AT(insecure), 0, 0},
    {"--json", OPTION_FLAG, AT(json), 0, 0},
};
#undef AT

/* Splits "NAME: VALUE" in its place.
 * Returns: false when there is no name.
 */
static bool read_header(char *text, weir_header *out)
{
    char *colon = strchr(text, ':');

    if (colon == NULL || colon == text)
        return false;
    *colon = '\0';
    *out = (weir_header){text, colon + 1 + strspn(colon + 1, " \t")};
    return true;
}

/* Refuses a URL that can't be sent: that is wrong usage, not a number of failed requests.
 * Returns: 0, or as usage_error().
 */
static int check_url(const char *template)
{
    weir_buffer text;
    weir_text_fault fault = {0, "at most 64 KiB"};
    weir_url url;
    int err;

    weir_buffer_init(&text, LOAD_URL_BYTES_MAX);
    err = load_url(&text, template, 0);
    if (err == 0)
        err = weir_url_parse(weir_bytes_of(text.data), &url, &fault);
    weir_buffer_free(&text);
    return err < 0 ? usage_error("load", "'%s' cannot be requested, expected %s", template, fault.expected)
                   : 0;
}

/* Splits the text in its place, as read_header() does. */
static int check_header(char *text, weir_header *out)
{
    const char *fault;

    if (!read_header(text, out))
        return usage_error("load", "--header is '%s', expected 'NAME: VALUE'", text);
    fault = header_name_fault(out->name);
    if (fault != NULL)
        return usage_error("load", "--header names '%s', expected %s", out->name, fault);
    fault = header_value_fault(out->value);
    return fault != NULL
               ? usage_error("load", "--header %s is '%s', expected %s", out->name, out->value, fault)
               : 0;
}

static int check(const struct load_options *o, const struct option_list *urls, weir_header *headers)
{
    int code = 0;

    if (urls->count == 0)
        return usage_error("load", "no URL given");
    if (o->method != NULL &&
        (!weir_token_is_valid(weir_bytes_of(o->method)) || strcmp(o->method, "CONNECT") == 0))
        return usage_error("load", "--method is '%s', expected a method such as GET, and not CONNECT",
                           o->method);
    if (o->ca != NULL && o->insecure)
        return usage_error("load", "--ca stands beside --insecure, expected one of the two");
    for (size_t i = 0; i < urls->count && code == 0; i++)
        code = check_url(urls->items[i]);
    for (size_t i = 0; i < o->headers.count && code == 0; i++)
        code = check_header((char *)(uintptr_t)o->headers.items[i], &headers[i]);
    return code;
}

static int read_file(const char *path, weir_buffer *out)
{
    FILE *file = fopen(path, "rb");
    int err;

    if (file == NULL)
        return -errno;
    err = 0;
    for (size_t n = 1; n > 0 && err == 0;) {
        char *room = weir_buffer_reserve(out, 64 << 10);
        err = room != NULL ? 0 : -WEIR_ETOOLARGE;
        n = room != NULL ? fread(room, 1, 64 << 10, file) : 0;
        weir_buffer_commit(out, n);
    }
    if (err == 0 && ferror(file))
        err = -EIO;
    fclose(file);
    return err;
}

static int read_body(const char *text, weir_buffer *out)
{
    int err;

    if (text == NULL)
        return 0;
    err = text[0] == '@' ? read_file(text + 1, out) : weir_buffer_append_text(out, text);
    if (err) {
        fprintf(stderr, "weir load: %s: %s\n", text[0] == '@' ? text + 1 : "--body", weir_error_text(err));
        return EXIT_FAILED;
    }
    return 0;
}

static int report(const struct load_options *o, const struct load_stats *stats)
{
    weir_buffer out;
    int err;

    weir_buffer_init(&out, REPORT_BYTES_MAX);
    err = o->json ? load_report_json(stats, &o->plan, &out) : load_report_text(stats, &o->plan, &out);
    if (err == 0 && (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0))
        err = -errno;
    weir_buffer_free(&out);
    return err == 0 && stats->answered ? EXIT_FINE : EXIT_FAILED;
}

static int run(const struct load_options *o, const struct load_target *target)
{
    struct load_stats *stats = malloc(sizeof *stats);
    int err = stats != NULL ? load_run(target, stats) : -ENOMEM;
    int code = EXIT_FAILED;

    if (err < 0)
        fprintf(stderr, "weir load: %s\n",
                stats != NULL && stats->refused[0] != '\0' ? stats->refused : weir_error_text(err));
    else
        code = report(o, stats);
    free(stats);
    return code;
}

int command_load(int argc, char **argv)
{
    const char *words[argc], *header_texts[argc];
    weir_header headers[argc];
    struct option_list urls = {words, 0};
    struct load_options o = {
        .plan = {.rate = 100, .length = weir_seconds(10), .connections = 256},
        .timeout = weir_seconds(10),
        .headers = {header_texts, 0},
    };
    int code = options_read("load", argc, argv, options, sizeof options / sizeof *options, &o, &urls);
    weir_buffer body;

    if (code)
        return code;
    code = check(&o, &urls, headers);
    if (code)
        return code;

    weir_buffer_init(&body, BODY_BYTES_MAX);
    code = read_body(o.body, &body);
    if (code == 0) {
        const struct load_target target = {
            .plan = o.plan,
            .urls = urls.items,
            .url_count = urls.count,
            .timeout = o.timeout,
            .method = o.method != NULL ? o.method
                      : o.body != NULL ? "POST"
                                       : "GET",
            .headers = headers,
            .header_count = o.headers.count,
            .body = weir_buffer_bytes(&body),
            .ca = o.ca,
            .insecure = o.insecure,
            .progress = isatty(STDERR_FILENO),
        };
        code = run(&o, &target);
    }
    weir_buffer_free(&body);
    return code;
}
