/* SPDX-License-Identifier: MIT */
/* weir demo: twelve simulated services and a gateway that asks them all for each request. */
#include "commands/commands.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/buffer.h>

#include "commands/demo_services.h"
#include "commands/options.h"
#include "commands/usage.h"
#include "config/load.h"
#include "gateway/gateway.h"
#include "http/listening.h"
#include "routes/table.h"

const char command_demo_help[] =
    "usage: weir demo [--port N] [--admin-port N] [--backend-port N] [--seed N] [--replay]\n"
    "                 [--backends-only] [--access-log]\n"
    "\n"
    "Starts twelve simulated services and a gateway that asks all of them at once for each request. A\n"
    "service answers after a log-normal delay (median 12 ms, p99 80 ms); one of them fails now and\n"
    "then. Everything listens on 127.0.0.1. Ctrl-C ends all of it.\n"
    "\n"
    "  --port N           port of the gateway [8080]; 0: any free port, as for the other options\n"
    "  --admin-port N     port of its admin address [8081]\n"
    "  --backend-port N   port of the first service [8101]; the others follow\n"
    "  --seed N           seed of the delays [1]\n"
    "  --replay           the number at the end of a path chooses the delays, equally in every run, so\n"
    "                     that two gateways can be given identical services\n"
    "  --backends-only    starts the services only, for a gateway of your own\n"
    "  --access-log       logs each request\n"
    "\n"
    "examples:\n"
    "  weir demo\n"
    "  weir demo --port 9080 --admin-port 9081 --backend-port 9101\n"
    "  weir demo --backends-only --replay --seed 7\n";

struct demo {
    int port, admin_port, backend_port;
    uint64_t seed;
    bool replay, backends_only, access_log;
    struct demo_services *services;
};

#define AT(member) offsetof(struct demo, member)
static const struct option options[] = {
    {"--port", OPTION_INT, AT(port), 0, 65535},
    {"--admin-port", OPTION_INT, AT(admin_port), 0, 65535},
    {"--backend-port", OPTION_INT, AT(backend_port), 0, 65535 - DEMO_SERVICES},
    {"--seed", OPTION_NUMBER, AT(seed), 0, 0},
    {"--replay", OPTION_FLAG, AT(replay), 0, 0},
    {"--backends-only", OPTION_FLAG, AT(backends_only), 0, 0},
    {"--access-log", OPTION_FLAG, AT(access_log), 0, 0},
};
#undef AT

/* --- the gateway's configuration, as a file would have it --- */

static int write_config(weir_buffer *out, const struct demo *demo)
{
    int err = weir_buffer_printf(out,
                                 "listen: 127.0.0.1:%d\n"
                                 "admin: 127.0.0.1:%d\n"
                                 "loops: 1\n"
                                 "drain: 5s\n"
                                 "access_log: %s\n"
                                 "guard: {mode: warn}\n"
                                 "routes:\n"
                                 "  - {path: /hello, respond: {body: \"Hello, World!\\n\"}}\n"
                                 "  - {path: /sleep, sleep: {for: 5ms}}\n"
                                 "  - {path: /burn, burn: {cpu: 60ms}}\n"
                                 "  - path: /page/{id}\n"
                                 "    gather:\n"
                                 "      deadline: 250ms\n"
                                 "      require: any\n"
                                 "      calls:\n",
                                 demo->port, demo->admin_port, demo->access_log ? "true" : "false");

    for (int i = 0; i < DEMO_SERVICES && err == 0; i++)
        err = weir_buffer_printf(out, "        - {name: %s, url: \"http://%s/%s/{id}\"}\n",
                                 demo_service_names[i], demo_service_address(demo->services, i),
                                 demo_service_names[i]);
    return err;
}

static int make_config(const struct demo *demo, struct config *config)
{
    weir_buffer text;
    struct config_faults faults;
    int err;

    weir_buffer_init(&text, 64 << 10);
    config_faults_open(&faults, "demo");
    err = write_config(&text, demo);
    if (err == 0)
        err = config_parse(config, text.data, text.len, &route_kinds, &faults);
    if (err == -WEIR_ECONFIG)
        config_faults_print(&faults, true, stderr);
    weir_buffer_free(&text);
    return err;
}

/* --- messages --- */

static void print_services(const struct demo *demo)
{
    printf("  services  http://%s … http://%s\n", demo_service_address(demo->services, 0),
           demo_service_address(demo->services, DEMO_SERVICES - 1));
}

static void started(void *arg, const char *const *listening, size_t count)
{
    const struct demo *demo = arg;
    const char *gateway = listening[0];

    (void)count;
    printf("\nweir demo: each request for a page asks %d services at once.\n\n", DEMO_SERVICES);
    printf("  gateway   http://%s   /page/{id} /hello /sleep /burn\n", gateway);
    if (demo->admin_port)
        printf("  admin     http://127.0.0.1:%d   a dashboard, for a browser\n", demo->admin_port);
    print_services(demo);
    printf("\nTry:\n"
           "  curl -i http://%s/page/42\n"
           "  curl -s -o /dev/null -w '%%{http_code} in %%{time_total} s\\n' http://%s/page/42\n"
           "  curl http://%s/hello\n"
           "\nCtrl-C ends all of it.\n\n",
           gateway, gateway, gateway);
    fflush(stdout);
}

/* --- the command --- */

/* Returns: false after printing which ports are taken, and which option moves them. */
static bool probe(int port, int count, const char *option)
{
    bool good = true;

    for (int i = 0; i < count && port; i++) {
        char text[WEIR_ADDRESS_BYTES];
        struct config_address address;
        char fault[FAULT_TEXT_BYTES];
        int err;
        snprintf(text, sizeof text, "127.0.0.1:%d", port + i);
        address = (struct config_address){.text = text, .host = "127.0.0.1", .port = port + i};
        err = address_probe(&address, false);
        if (err < 0)
            fprintf(stderr, "weir demo: %s\n", address_fault(fault, sizeof fault, &address, option, err));
        good = good && err == 0;
    }
    return good;
}

static bool ports_are_free(const struct demo *demo)
{
    bool good = probe(demo->backend_port, DEMO_SERVICES, "--backend-port");

    if (demo->backends_only)
        return good;
    good = probe(demo->port, 1, "--port") && good;
    return probe(demo->admin_port, 1, "--admin-port") && good;
}

static int run_gateway(struct demo *demo)
{
    const struct gateway_events events = {.started = started, .arg = demo};
    struct config config;
    int code;

    if (make_config(demo, &config) < 0)
        return EXIT_FAILED;
    code = gateway_run("demo", &config, NULL, &events);
    config_free(&config);
    return code;
}

static int wait_for_the_end(const struct demo *demo, const sigset_t *ends)
{
    int number;

    printf("\nweir demo: %d services, no gateway.\n\n", DEMO_SERVICES);
    print_services(demo);
    printf("\nCtrl-C ends all of it.\n\n");
    fflush(stdout);
    sigwait(ends, &number);
    return EXIT_FINE;
}

int command_demo(int argc, char **argv)
{
    struct demo demo = {.port = 8080, .admin_port = 8081, .backend_port = 8101, .seed = 1};
    const char *words[argc];
    struct option_list rest = {words, 0};
    int code = options_read("demo", argc, argv, options, sizeof options / sizeof *options, &demo, &rest);
    struct demo_services_options wanted;
    int err;
    sigset_t ends;

    if (code)
        return code;
    if (rest.count)
        return usage_error("demo", "unexpected argument '%s'", rest.items[0]);
    if (!ports_are_free(&demo))
        return EXIT_FAILED;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    if (demo.backends_only)
        sigprocmask(SIG_BLOCK, &ends, NULL); /* before there are threads, so that they block it too */
    wanted = (struct demo_services_options){demo.backend_port, demo.seed, demo.replay};
    err = demo_services_start(&wanted, &demo.services);
    if (err < 0) {
        fprintf(stderr, "weir demo: the services cannot be started: %s\n", weir_error_text(err));
        return EXIT_FAILED;
    }
    code = demo.backends_only ? wait_for_the_end(&demo, &ends) : run_gateway(&demo);
    demo_services_stop(demo.services);
    return code;
}
