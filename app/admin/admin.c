/* SPDX-License-Identifier: MIT */
#include "admin/admin.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <weir/http_server.h>
#include <weir/pool.h>
#include <weir/runtime.h>
#include <weir/scope.h>

#include "admin/admin_host.h"
#include "admin/admin_pages.h"
#include "admin/last_totals.h"
#include "admin/page_tasks.h"
#include "http/background_server.h"
#include "http/listening.h"
#include "metrics/totals.h"

enum { LAST_LOOK_S = 1, ELSEWHERE_DRAIN_MS = 20 }; /* there, only the supervisor asks */

struct admin {
    struct admin_state state;
    const char *const *hosts; /* as admin_host_is_ours() */
    weir_server_options options;
    weir_route routes[ADMIN_PAGES];
    struct background_server server;
    /* For the last look; NULL, zeros: the process has no supervisor */
    const char *address;
    weir_runtime *runtime;
    sem_t looked;
};

/* --- callbacks of the server --- */

static int answer(weir_request *req, weir_response *res, void *state)
{
    struct admin *admin = state;
    const struct admin_page *page = weir_request_data(req);
    const char *host = weir_request_header(req, "host");
    int err;

    if (host != NULL && *host != '\0' && !admin_host_is_ours(host, admin->hosts))
        return admin_host_refuse(res, host);
    err = weir_response_header_add(res, "cache-control", "no-store");
    return err < 0 ? err : page->answer(req, res, &admin->state);
}

static void *setup(void *arg, weir_server *server)
{
    struct admin *admin = arg;

    (void)server;
    admin->runtime = weir_runtime_here();
    page_tasks_open(&admin->state);
    return admin;
}

static int background(void *arg, weir_server *server)
{
    const struct admin *admin = arg;

    (void)server;
    return collector_run(admin->state.collector);
}

static void on_listening(void *arg, weir_server *server)
{
    (void)arg;
    log_listening("admin", weir_server_address(server, 0));
}

/* --- what a process leaves behind --- */

static int leave_totals(void *arg)
{
    struct admin *admin = arg;
    struct text_out out;

    text_out_init(&out, TOTALS_BYTES_MAX);
    totals_write(&out, collector_all_totals(admin->state.collector));
    if (out.err == 0)
        last_totals_leave(admin->address, weir_buffer_bytes(&out.text));
    weir_buffer_free(&out.text);
    sem_post(&admin->looked);
    return 0;
}

static int await_totals(weir_job *job, void *arg)
{
    struct admin *admin = arg;
    struct timespec until;

    (void)job;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LAST_LOOK_S;
    if (weir_post(admin->runtime, 0, "last totals", leave_totals, admin) == 0)
        while (sem_timedwait(&admin->looked, &until) < 0 && errno == EINTR)
            ;
    return 0;
}

void admin_leave_totals(struct admin *admin)
{
    weir_scope scope;

    if (admin == NULL || admin->address == NULL)
        return;
    weir_scope_open(&scope, weir_after(weir_seconds(2 * LAST_LOOK_S)), WEIR_SHIELD);
    (void)weir_offload(weir_pool_blocking(), "last totals", await_totals, admin);
    (void)weir_scope_close(&scope);
}

/* --- starting and stopping --- */

static int start(struct admin *admin, const struct config *config, const char *elsewhere)
{
    weir_options options;

    for (size_t i = 0; i < ADMIN_PAGES; i++)
        admin->routes[i] = (weir_route){
            .path = admin_pages[i].path,
            .methods = admin_pages[i].method,
            .vital = admin_pages[i].vital,
            .handler = answer,
            .data = (void *)(uintptr_t)&admin_pages[i],
        };
    admin->options = (weir_server_options){
        .listen = elsewhere != NULL ? elsewhere : config->admin->text,
        .limits = ADMIN_LIMITS,
        .drain = weir_ms(elsewhere != NULL ? ELSEWHERE_DRAIN_MS : ADMIN_DRAIN_MS),
        .setup = setup,
        .background = background,
        .on_listening = elsewhere == NULL ? on_listening : NULL,
        .arg = admin,
    };
    admin->server = (struct background_server){
        .options = &admin->options, .routes = admin->routes, .route_count = ADMIN_PAGES};
    options = (weir_options){.io = (enum weir_io)config->io,
                             .log_json = config->log == CONFIG_LOG_JSON,
                             .log_level = config_log_level(config)};
    return background_servers_start("admin", &options, &admin->server, 1, &admin->state.servers);
}

/* A socket for the supervisor is this user's alone, whatever umask the program was started with: its folder
 * lets others through, to the sockets of their applications. The gateway makes no other file yet. */
static int start_privately(struct admin *admin, const struct config *config, const char *elsewhere)
{
    const mode_t mask = umask(0177);
    int err = start(admin, config, elsewhere);

    (void)umask(mask);
    return err;
}

int admin_start(const struct config *config, struct gateway_status *status, const char *elsewhere,
                struct admin **out)
{
    int err;
    struct admin *admin;

    *out = NULL;
    if (config->admin == NULL)
        return 0;
    admin = calloc(1, sizeof *admin);
    if (admin == NULL)
        return -ENOMEM;
    admin->state.status = status;
    admin->hosts = config->admin_hosts;
    admin->address = elsewhere;
    admin->state.inherited = elsewhere != NULL;
    (void)sem_init(&admin->looked, 0, 0);
    err = collector_open(status, &admin->state.collector);
    if (err == 0)
        err = elsewhere != NULL ? start_privately(admin, config, elsewhere) : start(admin, config, elsewhere);
    if (err < 0) {
        collector_close(admin->state.collector); /* NULL: it could not be opened */
        (void)sem_destroy(&admin->looked);
        free(admin);
        return err;
    }
    *out = admin;
    return 0;
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL)
        return;
    background_servers_stop(admin->state.servers);
    (void)sem_destroy(&admin->looked);
    collector_close(admin->state.collector);
    free(admin);
}
