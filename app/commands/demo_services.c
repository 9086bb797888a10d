/* SPDX-License-Identifier: MIT */
#include "commands/demo_services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/buffer.h>
#include <weir/http_server.h>
#include <weir/json.h>
#include <weir/task.h>

#include "commands/demo_delays.h"
#include "http/background_server.h"

enum { FAILING = DEMO_SERVICES - 1, CONNECTIONS = 4096 };

const char *const demo_service_names[DEMO_SERVICES] = {
    "user",    "orders", "cart",     "prices", "stock",   "reviews",
    "related", "offers", "shipping", "news",   "weather", "ads",
};

struct service {
    unsigned index;
    const struct demo_services_options *options;
    uint64_t requests; /* so far; all services run on one loop */
    weir_server_options server;
    weir_route route;
    char listen[WEIR_ADDRESS_BYTES], address[WEIR_ADDRESS_BYTES];
};

struct demo_services {
    struct demo_services_options options;
    struct service service[DEMO_SERVICES];
    struct background_server servers[DEMO_SERVICES];
    struct background_servers *running;
};

static uint64_t number_of(const weir_request *req, struct service *service)
{
    uint64_t count = service->requests++;
    const char *id = strrchr(weir_request_path(req), '/');
    char *end = NULL;
    uint64_t number;

    if (!service->options->replay || id == NULL || id[1] < '0' || id[1] > '9')
        return count;
    number = strtoull(id + 1, &end, 10);
    return *end == '\0' ? number : count;
}

static int write_answer(weir_buffer *out, const weir_request *req, unsigned index, uint64_t number,
                        weir_duration delay)
{
    const char *path = weir_request_path(req);
    int err = weir_buffer_printf(out, "{\"service\":\"%s\",\"path\":", demo_service_names[index]);

    if (err == 0)
        err = weir_json_append_string(out, path, strlen(path));
    if (err == 0)
        err = weir_buffer_printf(out, ",\"number\":%llu,\"delay_ms\":%.3f}", (unsigned long long)number,
                                 (double)delay.ns / 1e6);
    return err;
}

static int answer(weir_request *req, weir_response *res, void *state)
{
    struct service *service = weir_request_data(req);
    weir_buffer body;
    uint64_t seed, number;
    weir_duration delay;
    int err;

    (void)state;
    seed = service->options->seed;
    number = number_of(req, service);
    delay = demo_delay(seed, service->index, number);
    err = weir_sleep(delay);
    if (err < 0)
        return err;
    if (service->index == FAILING && demo_fails(seed, service->index, number))
        return weir_respond_fault(res, 503, "unwell", "this service fails now and then");
    weir_buffer_init(&body, 128 << 10);
    err = write_answer(&body, req, service->index, number, delay);
    if (err == 0)
        err = weir_respond_buffer(res, 200, "application/json", &body);
    weir_buffer_free(&body);
    return err;
}

static void on_listening(void *arg, weir_server *server)
{
    struct service *service = arg;

    snprintf(service->address, sizeof service->address, "%s", weir_server_address(server, 0));
}

static void prepare(struct demo_services *services, unsigned index)
{
    struct service *service = &services->service[index];
    int port = services->options.port ? services->options.port + (int)index : 0;

    snprintf(service->listen, sizeof service->listen, "127.0.0.1:%d", port);
    service->index = index;
    service->options = &services->options;
    service->route = (weir_route){.path = "/*", .handler = answer, .data = service};
    service->server = (weir_server_options){
        .listen = service->listen,
        .limits = {.connections = CONNECTIONS, .exchanges = CONNECTIONS, .idle_timeout = weir_seconds(60)},
        .drain = weir_ms(1), /* the services stop last, when no gateway waits for them */
        .on_listening = on_listening,
        .arg = service,
    };
    services->servers[index] =
        (struct background_server){.options = &service->server, .routes = &service->route, .route_count = 1};
}

int demo_services_start(const struct demo_services_options *options, struct demo_services **out)
{
    const weir_options runtime = {0};
    struct demo_services *services = calloc(1, sizeof *services);
    int err;

    *out = NULL;
    if (services == NULL)
        return -ENOMEM;
    services->options = *options;
    for (unsigned i = 0; i < DEMO_SERVICES; i++)
        prepare(services, i);
    err = background_servers_start("service", &runtime, services->servers, DEMO_SERVICES, &services->running);
    if (err < 0) {
        free(services);
        return err;
    }
    *out = services;
    return 0;
}

const char *demo_service_address(const struct demo_services *services, int index)
{
    return services->service[index].address;
}

void demo_services_stop(struct demo_services *services)
{
    if (services == NULL)
        return;
    background_servers_stop(services->running);
    free(services);
}
