/* SPDX-License-Identifier: MIT */
#include "gateway/gateway.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/http_server.h>
#include <weir/log.h>
#include <weir/runtime.h>
#include <weir/stream.h>
#include <weir/task.h>

#include "admin/admin.h"
#include "apps/gate.h"
#include "auth/stores.h"
#include "config/app.h"
#include "edge/rates.h"
#include "gateway/access_output.h"
#include "gateway/early_end.h"
#include "gateway/loop_state.h"
#include "gateway/memory_limits.h"
#include "gateway/memory_watch.h"
#include "gateway/served.h"
#include "gateway/start_access_log.h"
#include "gateway/start_check.h"
#include "gateway/start_log.h"
#include "gateway/tls_contexts.h"
#include "http/listening.h"
#include "metrics/gather_counts.h"
#include "metrics/request_counts.h"
#include "outliers/recorder.h"
#include "routes/route_pool.h"
#include "text/networks.h"

struct gateway {
    const struct config *config;
    const struct gateway_events *events;
    const struct gateway_inherited *inherited; /* NULL: it has no supervisor */
    struct gateway_status status;
    struct admin *admin; /* NULL: there is none */
    weir_route *routes;
    weir_pool_options *pools;
    weir_listener_options *listeners;
    struct tls_contexts contexts;
    struct auth_stores auth;
    struct app_gate *apps;  /* NULL: there are none */
    struct rates *rates;    /* NULL: there are none */
    const char **addresses; /* as bound */
    struct start_findings found;
    char name[32];          /* of the command, for messages when there is no file */
    const char *root;       /* prefix of the paths in /proc and /sys */
    uint64_t replies_bytes; /* that answers of backends may hold */
    const char *file;       /* of the configuration; NULL: none, and its places mean nothing */
};

/* --- callbacks of the server --- */

static void *open_loop(void *arg, weir_server *server)
{
    struct gateway *gateway = arg;

    gateway_status_runs(&gateway->status, weir_runtime_here(), server);
    if (weir_loop_index() == 0) {
        start_log(gateway->config, &gateway->found.warnings, gateway->file != NULL);
        if (auth_stores_watch(&gateway->auth, server) < 0)
            return NULL;
    }
    return loop_state_open(gateway->config, &gateway->status, &gateway->contexts, gateway->apps,
                           gateway->rates, &gateway->auth, gateway->replies_bytes);
}

static void on_listening(void *arg, weir_server *server)
{
    struct gateway *gateway = arg;
    const size_t count = gateway->config->listen_count;

    atomic_store(&gateway->status.ready, true); /* before the log lines, whose reader may ask at once */
    for (size_t i = 0; i < count; i++) {
        gateway->addresses[i] = weir_server_address(server, i);
        if (gateway->inherited == NULL)
            log_listening("gateway", gateway->addresses[i]);
    }
    if (gateway->events != NULL && gateway->events->started != NULL)
        gateway->events->started(gateway->events->arg, gateway->addresses, count);
}

static void count_exchange(void *arg, const weir_exchange_record *record)
{
    const struct loop_state *loop = record->state;

    (void)arg;
    request_counts_add(loop->requests, record);
    if (route_note_is(record->note, ROUTE_NOTE_GATHER))
        gather_counts_add(loop->gathers, record->note);
}

static void log_exchange(void *arg, const weir_exchange_record *record)
{
    const struct gateway *gateway = arg;

    access_output_write(gateway->config, gateway->status.access_log, record);
}

static void count_and_log_exchange(void *arg, const weir_exchange_record *record)
{
    count_exchange(arg, record);
    log_exchange(arg, record);
}

/* Whether requests are counted: pages show it, and outliers are found by it. */
static bool is_counted(const struct config *config)
{
    return config->admin != NULL || recorder_is_wanted(config);
}

/* Picks the cheapest callback; it runs on every request. */
static void (*on_exchange(const struct config *config))(void *arg, const weir_exchange_record *record)
{
    const struct config_access_log *log = &config->access_log;

    if (log->on && (log->apart || config_log_level(config) <= WEIR_LOG_INFO))
        return is_counted(config) ? count_and_log_exchange : log_exchange;
    return is_counted(config) ? count_exchange : NULL;
}

static void on_drain(void *arg)
{
    struct gateway *gateway = arg;

    atomic_store(&gateway->status.ready, false);
    atomic_store(&gateway->status.draining, true);
    if (gateway->inherited == NULL) /* a supervisor logs it once for all */
        weir_log(WEIR_LOG_INFO, "draining", WEIR_KV_DURATION("at_most", gateway->config->drain));
}

/* A supervisor logs it with the end of this process. */
static void on_cut(void *arg, int exchanges, int connections)
{
    const struct gateway *gateway = arg;

    if (gateway->inherited != NULL)
        gateway->inherited->cut(gateway->inherited->arg, exchanges, connections);
    else if (exchanges > 0)
        weir_log(WEIR_LOG_WARN, "exchanges were cut off by the end of the drain",
                 WEIR_KV_INT("exchanges", exchanges), WEIR_KV_INT("connections", connections));
}

/* Logs what each signal does here. Its sender may expect more. */
static void on_signal(void *arg, int number)
{
    const struct gateway *gateway = arg;

    if (number == SIGHUP && gateway->inherited != NULL)
        return; /* it is the supervisor that reads the file anew */
    if (number == SIGHUP && gateway->file == NULL)
        (void)kill(getpid(),
                   SIGTERM); /* without a file to read anew, SIGHUP means that the terminal has gone */
    else if (number == SIGHUP)
        weir_log(WEIR_LOG_WARN, "SIGHUP has no effect with --single: the configuration is not read again",
                 WEIR_KV("hint", "without --single a supervisor puts a new configuration into force"));
    else if (number == SIGUSR1)
        access_output_reopen(&gateway->config->access_log, gateway->status.access_log);
    else
        weir_log(WEIR_LOG_INFO, "SIGUSR2 has no effect");
}

/* What has been counted is left to the supervisor when the last exchange has ended. */
static int await_the_end(void *arg, weir_server *server)
{
    struct gateway *gateway = arg;
    int err = 0;

    (void)server;
    while (err == 0)
        err = weir_sleep(weir_seconds(3600));
    admin_leave_totals(gateway->admin);
    return err;
}

/* --- contexts for TLS --- */

static int open_contexts(void *arg, weir_server_options *options)
{
    struct gateway *gateway = arg;
    const int err = tls_contexts_open(gateway->config, &gateway->found.faults, &gateway->contexts);

    (void)options; /* has gateway->listeners */
    if (err < 0) {
        tls_contexts_close(&gateway->contexts);
        return err;
    }
    for (size_t i = 0; i < gateway->config->listen_count; i++)
        gateway->listeners[i].tls = tls_contexts_find(&gateway->contexts, GATEWAY_TLS_LISTENER, i);
    gateway->status.contexts = gateway->contexts.items;
    gateway->status.context_count = gateway->contexts.count;
    return 0;
}

static void close_contexts(void *arg)
{
    struct gateway *gateway = arg;

    gateway->status.contexts = NULL;
    gateway->status.context_count = 0;
    tls_contexts_close(&gateway->contexts);
}

/* --- start and end --- */

static int open_counts(struct gateway *gateway)
{
    int err = request_counts_open(gateway->config, &gateway->status.requests);

    if (err == 0 && gateway->inherited != NULL)
        err = request_counts_share(gateway->status.requests, gateway->inherited->counts);
    return err < 0 ? err : gather_counts_open(gateway->config, &gateway->status.gathers);
}

static int prepare(struct gateway *gateway)
{
    const struct config *config = gateway->config;

    gateway->routes = served_routes(config, loop_state_answer);
    gateway->listeners = calloc(config->listen_count, sizeof *gateway->listeners);
    gateway->addresses = calloc(config->listen_count, sizeof *gateway->addresses);
    gateway->pools = pools_options(config);
    if (gateway->routes == NULL || gateway->listeners == NULL || gateway->addresses == NULL ||
        gateway->pools == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < config->listen_count; i++) {
        if (gateway->inherited != NULL) {
            gateway->listeners[i].fd = gateway->inherited->listeners[i];
            gateway->listeners[i].fd_shared = true;
        } else {
            gateway->listeners[i].address = config->listen[i].text;
        }
        gateway->listeners[i].proxy_protocol = config->listen[i].proxy_protocol;
    }
    return is_counted(config) ? open_counts(gateway) : 0;
}

/* A trusted proxy has the connections of all its clients. */
static bool counts_client(void *arg, const unsigned char ip[16])
{
    const struct config *config = ((struct gateway *)arg)->config;

    return !networks_have_address(config->trusted_proxies, config->trusted_proxy_count, ip);
}

static int serve(struct gateway *gateway)
{
    const struct config *config = gateway->config;
    weir_server_options options = {
        .listeners = gateway->listeners,
        .listener_count = config->listen_count,
        .runtime = {.pools = gateway->pools,
                    .pool_count = config->pool_count,
                    .shared = gateway->inherited != NULL ? gateway->inherited->shared : NULL},
        .setup = open_loop,
        .teardown = loop_state_close,
        .background = gateway->inherited != NULL ? await_the_end : NULL,
        .on_listening = on_listening,
        .on_exchange = on_exchange(config),
        .on_refusal = loop_state_refuse,
        .on_drain = on_drain,
        .on_cut = on_cut,
        .counts_client = config->trusted_proxy_count > 0 ? counts_client : NULL,
        .on_signal = on_signal,
        .prepare = open_contexts,
        .finish = close_contexts,
        .sigterm_once = gateway->inherited != NULL, /* systemd tells all processes of a service to end */
        .arg = gateway,
    };

    served_options(config, &options);
    return weir_serve(&options, gateway->routes, config->route_count);
}

/* Tells a fault: to the supervisor, else on stderr. */
static void tell_fault(void *arg, const char *line)
{
    const struct gateway *gateway = arg;

    if (gateway->inherited != NULL)
        gateway->inherited->fault(gateway->inherited->arg, line);
    else
        fprintf(stderr, "%s\n", line);
}

static void tell_faults(struct gateway *gateway)
{
    config_faults_each(&gateway->found.faults, gateway->file != NULL, tell_fault, gateway);
}

/* Tells a failure of the start that the check has not found: something has changed meanwhile. */
static void tell_failure(const char *command, struct gateway *gateway, struct config_place place,
                         const char *what, const char *why)
{
    char line[4096 + FAULT_TEXT_BYTES];

    if (gateway->file != NULL)
        snprintf(line, sizeof line, "%s:%u:%u: %s: %s", gateway->file, place.line, place.column, what, why);
    else
        snprintf(line, sizeof line, "weir %s: %s: %s", command, what, why);
    tell_fault(gateway, line);
}

static void tell_serving_failure(const char *command, struct gateway *gateway, struct config_place place,
                                 int err)
{
    if (config_faults_any(&gateway->found.faults))
        tell_faults(gateway);
    else
        tell_failure(command, gateway, place, "it could not serve", weir_error_text(err));
}

/* Checks whether the configuration can be served here.
 * Returns: false after telling why not. */
static bool check(const char *command, struct gateway *gateway, const char *file)
{
    const struct start_options options = {
        .listen_key = file != NULL ? "listen" : "--port",
        .admin_key = file != NULL ? "admin" : "--admin-port",
        .root = gateway->root,
        .flags = gateway->inherited != NULL ? START_INHERITS : 0,
    };
    int err;

    snprintf(gateway->name, sizeof gateway->name, "weir %s", command);
    err = start_check(gateway->config, file != NULL ? file : gateway->name, &options, &gateway->found);
    if (err < 0)
        tell_faults(gateway);
    if (gateway->inherited != NULL && gateway->inherited->quiet)
        config_faults_open(&gateway->found.warnings, gateway->found.warnings.file);
    return err == 0;
}

/* Starts the admin pages: where the supervisor wants them, else at the address of the configuration. */
static int start_admin(const char *command, struct gateway *gateway)
{
    const struct config *config = gateway->config;
    const char *elsewhere = gateway->inherited != NULL ? gateway->inherited->admin : NULL;
    const int err = admin_start(config, &gateway->status, elsewhere, &gateway->admin);

    if (err < 0)
        tell_failure(command, gateway, config->admin->place,
                     elsewhere != NULL ? elsewhere : config->admin->text, weir_error_text(err));
    return err;
}

/* Applications are run by a supervisor, and shared with it. */
static int open_apps(const char *command, struct gateway *gateway)
{
    const struct config *config = gateway->config;
    const int loops = config->loops > 0 ? config->loops : weir_cpu_count();
    int err = -WEIR_ECONFIG;

    if (config->app_count == 0)
        return 0;
    if (gateway->inherited != NULL)
        err = app_gate_open(config, gateway->inherited->shared, gateway->inherited->folder, loops,
                            &gateway->apps);
    if (err == 0)
        err = app_gate_listen(gateway->apps);
    gateway->status.apps = gateway->apps;
    if (err < 0)
        tell_failure(command, gateway, config->apps[0].place,
                     gateway->inherited != NULL
                         ? "apps can't be shared with the supervisor"
                         : "apps need the supervisor, expected 'weir serve' without --single",
                     weir_error_text(err));
    return err;
}

static int open_access_log(const char *command, struct gateway *gateway)
{
    const struct config_access_log *log = &gateway->config->access_log;
    char text[FAULT_TEXT_BYTES];
    const int err = access_output_open(log, &gateway->status.access_log);

    if (err < 0)
        tell_failure(command, gateway, log->path_place,
                     log->path != NULL ? start_access_log_expected(gateway->config, text)
                                       : "stderr can't be written to",
                     log->path != NULL ? start_access_log_why(gateway->config, err) : weir_error_text(err));
    return err;
}

static int run(const char *command, struct gateway *gateway)
{
    struct memory_watch *memory = NULL;
    const struct config *config;
    struct config_place listen;
    int err;

    config = gateway->config;
    memory_limits_trim();
    gateway->replies_bytes = memory_limits_set(config, gateway->root);
    listen = config_place(config, "listen", NULL);
    err = config_guard_apply(&config->guard);
    if (err == 0)
        err = prepare(gateway);
    if (err == 0)
        err = auth_stores_open(config, &gateway->auth);
    if (err == 0)
        err = memory_watch_open(config, &gateway->status, gateway->root, &memory);
    if (err == 0)
        err = recorder_open(config, &gateway->status, &gateway->status.recorder);
    if (err == 0)
        err = rates_open(config, gateway->inherited != NULL ? gateway->inherited->shared : NULL,
                         &gateway->rates);
    if (err < 0)
        tell_failure(command, gateway, listen, "it cannot be started", weir_error_text(err));
    if (err == 0)
        err = open_access_log(command, gateway);
    if (err == 0)
        err = open_apps(command, gateway);
    if (err == 0)
        err = start_admin(command, gateway);
    if (err == 0 && (err = serve(gateway)) < 0)
        tell_serving_failure(command, gateway, listen, err);
    memory_watch_close(memory);
    admin_stop(gateway->admin);
    recorder_close(gateway->status.recorder);
    app_gate_close(gateway->apps);
    rates_close(gateway->rates);
    weir_log_file_close(gateway->status.access_log);
    auth_stores_close(&gateway->auth);
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int gateway_run(const char *command, const struct config *config, const char *file,
                const struct gateway_events *events)
{
    struct gateway gateway = {.config = config, .events = events, .file = file};
    int code;

    gateway.root = events != NULL && events->root != NULL ? events->root : "";
    gateway.inherited = events != NULL ? events->inherited : NULL;
    end_early();
    weir_log_configure(config_log_level(config), config->log == CONFIG_LOG_JSON);
    gateway_status_init(&gateway.status);
    code = check(command, &gateway, file) ? run(command, &gateway) : EXIT_FAILURE;
    request_counts_free(gateway.status.requests);
    gather_counts_free(gateway.status.gathers);
    gateway_status_end(&gateway.status);
    free(gateway.pools);
    free(gateway.addresses);
    free(gateway.listeners);
    free(gateway.routes);
    return code;
}
